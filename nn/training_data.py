"""The data that are given to a Trainer, in batches; and what is said of those that do not fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu import Tensor

from .data import DataLoader, Dataset, columns

__all__ = [
    "Data", "extreme_samples", "in_batches", "inputs_only", "spread_samples", "with_target",
]  # fmt: skip

Data = Dataset | DataLoader | Sequence[Any]


def in_batches(data: Data, batch_size: int | None, shuffle: bool = False) -> DataLoader:
    """Data in batches of the size asked for, None for all at once; those of a DataLoader as is."""
    if isinstance(data, DataLoader):
        return data
    rows = hasattr(data, "__getitem__") and hasattr(data, "__len__")
    if not rows or hasattr(data, "__array__") or isinstance(data, (Mapping, str)):
        kind, hint = type(data).__name__, "arrays go in together, as in fit((x, y))"
        if hasattr(data, "__next__"):
            hint = f"a list can be read in every epoch, as in fit(list({kind}(...)))"
        if kind in ("DataLoader", "Dataset"):
            kind, hint = f"{type(data).__module__}.{kind}", "nn has its own, of arrays"
        raise TypeError(f"data are (x, y), a Dataset or a DataLoader, and not a {kind}; {hint}")
    dataset = Dataset(*columns(data)) if isinstance(data, (tuple, list)) else data
    return DataLoader(dataset, max(len(dataset), 1) if batch_size is None else batch_size, shuffle)


def inputs_only(x: Any, batch_size: int) -> Iterator[Sequence[Any]]:
    """Batches of a model's inputs: of an array, of a tuple of them, or of data with targets."""
    samples = isinstance(x, list) and bool(x) and all(isinstance(each, tuple) for each in x)
    if samples:
        x = Dataset(*columns(x))
    elif isinstance(x, (Tensor, np.ndarray, list)):
        x = (x.data if isinstance(x, Tensor) else np.asarray(x),)
    for batch in in_batches(x, batch_size):
        values = batch if isinstance(batch, (tuple, list)) else (batch,)
        yield values if isinstance(x, tuple) or len(values) == 1 else values[:-1]


def with_target(batch: Any) -> Sequence[Any]:
    """A batch of inputs and, last, targets.  Raises ValueError where there are inputs only."""
    if not isinstance(batch, (tuple, list)) or len(batch) < 2:
        raise ValueError("inputs and targets are needed, as in (x, y), and there are inputs only")
    return batch


def extreme_samples(dataset: Any) -> np.ndarray:
    """The indices of the samples that hold the smallest and the largest class, target or index.

    Where one of them is out of range, it is so in these samples.  Other datasets than a Dataset of
    arrays are not read for it: theirs is the first sample.
    """
    rows = {0}
    for array in dataset.arrays if isinstance(dataset, Dataset) else ():
        if array.size and array.dtype.kind in ("iuf" if array is dataset.y else "iu"):
            each = array.reshape(len(array), -1)
            rows |= {int(each.min(axis=1).argmin()), int(each.max(axis=1).argmax())}
    return np.array(sorted(rows))


def spread_samples(dataset: Any, most: int = 256) -> np.ndarray:
    """The indices of samples all along the data."""
    n = len(dataset)
    return np.unique(np.linspace(0, n - 1, min(n, most)).astype(int))
