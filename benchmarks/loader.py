"""The time to fetch a batch from the DataLoader, compared with the training step that uses it.

The data are as large as MNIST, 188 MB, so that the rows of a shuffled batch are read from main
memory and not from the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from .harness import Contestant, Table, compare
from .layers import layer
from .mlp import ours_nn

SIZES, BATCH, SAMPLES = (784, 128, 64, 10), 64, 60_000


def tables(rounds: int) -> Iterator[Table]:
    """A training step on a batch that was fetched before, and fetching batches without training."""
    from nn import DataLoader, Dataset, transforms

    random = np.random.default_rng(0)
    data = Dataset(
        random.random((SAMPLES, SIZES[0]), np.float32), random.integers(0, SIZES[-1], SAMPLES)
    )
    images = Dataset(data.x.reshape(-1, 28, 28), data.y)
    shift = transforms.RandomShift(2)
    layers = [layer(random, *pair) for pair in pairwise(SIZES)]
    contestants = {
        "one SGD step (tinygrad-edu, nn)": ours_nn(layers, data.x[:BATCH].copy(), data.y[:BATCH]),
        "batch in order": _batches(DataLoader(data, BATCH)),
        "batch shuffled": _batches(DataLoader(data, BATCH, shuffle=True, seed=0)),
        "batch shuffled, images shifted": _batches(
            DataLoader(images, BATCH, shuffle=True, seed=0, transform=shift)
        ),
        "batch shuffled, by hand": _by_hand(data.x, data.y, random),
    }
    _agree(DataLoader(data, BATCH, shuffle=True, seed=0), data, np.random.default_rng(0))
    title = f"A batch of {BATCH} from {SAMPLES} x {SIZES[0]}, float32, against an MLP step"
    yield Table(title, compare(contestants, rounds=rounds))


def _batches(loader: Any) -> Contestant:
    """The next batch at each call, epoch after epoch."""

    def epochs() -> Iterator[Any]:
        while True:
            yield from loader

    return epochs().__next__


def _by_hand(x: np.ndarray, y: np.ndarray, random: np.random.Generator) -> Contestant:
    """Indexing by a permutation, without a DataLoader."""

    def epochs() -> Iterator[Any]:
        while True:
            order = random.permutation(len(x))
            for start in range(0, len(x), BATCH):
                rows = order[start : start + BATCH]
                yield x[rows], y[rows]

    return epochs().__next__


def _agree(loader: Any, data: Any, random: np.random.Generator) -> None:
    """Assert that the loader's batches equal those made by hand."""
    by_hand: Callable[[], Any] = _by_hand(data.x, data.y, random)
    for batch, _ in zip(loader, range(5), strict=False):
        for ours, theirs in zip(batch, by_hand(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
