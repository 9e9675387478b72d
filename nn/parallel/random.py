"""Random numbers of several processes, all from one seed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ..init import drawing_from, generator, unmoved
from ..init import manual_seed as seed_this_process
from .ranks import Ranks, world

__all__ = ["common_generator", "manual_seed", "own_stream"]

_common: list[np.random.SeedSequence] = []


def manual_seed(seed: int) -> np.random.Generator:
    """Seed all processes: one stream for each, and streams that they share for the shuffling.

    Every rank draws dropout and initial values of its own, which `broadcast_parameters` levels; a
    `DistributedSampler` without a seed, and made after this, shuffles by a stream that all share.
    All of them are independent of each other.  Returns this rank's generator.

    >>> from nn import parallel
    >>> first = parallel.manual_seed(0).random()
    >>> parallel.manual_seed(0).random() == first
    True
    """
    _common[:] = [np.random.SeedSequence(seed, spawn_key=(0,))]
    own = np.random.SeedSequence(seed, spawn_key=(1 + world().rank,))
    return seed_this_process(int.from_bytes(own.generate_state(4).tobytes(), "little"))


def common_generator() -> np.random.Generator:
    """A new generator, the same in all processes, which have to ask together."""
    if not _common:
        _common.append(np.random.SeedSequence(world().broadcast(np.random.SeedSequence().entropy)))
    return np.random.default_rng(_common[0].spawn(1)[0])


@contextmanager
def own_stream(ranks: Ranks, epoch: int) -> Iterator[None]:
    """Within the block this process draws from a stream of its own.

    It is that of the rank and the epoch, and of the state of the generator, which is the same in
    all processes and stays as it is.
    """
    with unmoved():
        entropy = generator().integers(2**32, size=4)
    with drawing_from(np.random.default_rng([*map(int, entropy), epoch, ranks.rank])):
        yield
