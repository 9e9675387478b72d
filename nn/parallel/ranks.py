"""Ranks: the processes that `mpiexec` started, and how they exchange values."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..validation import required
from .failures import end_all_on_errors

__all__ = ["Ranks", "barrier", "rank", "size", "world"]


class Ranks:
    """The processes of an MPI communicator, of which this one has the number `rank` of `size`.

    All methods are collective: every rank has to call them, in the same order.
    """

    def __init__(self, communicator: Any) -> None:
        self.communicator = communicator
        self.rank, self.size = communicator.rank, communicator.size
        self.idle = False  # whether this rank has no sample of the batch, and computes a stand-in
        self.together = self.size > 1  # whether modules exchange values at present

    def gather(self, value: Any) -> list[Any] | None:
        """The values of all ranks, at rank 0 only."""
        return self.communicator.gather(value)  # type: ignore[no-any-return]

    def allgather(self, value: Any) -> list[Any]:
        """The values of all ranks, at each of them."""
        return self.communicator.allgather(value)  # type: ignore[no-any-return]

    def broadcast(self, value: Any) -> Any:
        """Rank 0's value."""
        return self.communicator.bcast(value)

    def rows(self, array: np.ndarray) -> np.ndarray:
        """The arrays of all ranks, which have one shape, stacked."""
        all_rows = np.empty((self.size, *array.shape), array.dtype)
        self.communicator.Allgather(np.ascontiguousarray(array), all_rows)
        return all_rows

    def sum(self, array: np.ndarray) -> np.ndarray:
        """The sum over all ranks of an array, added up in their order: the same bits at each."""
        return np.asarray(np.add.reduce(self.rows(array), axis=0))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Within the block modules exchange nothing with other ranks."""
        before, self.together = self.together, False
        try:
            yield
        finally:
            self.together = before


@functools.cache
def world() -> Ranks:
    """All processes.  Raises ModuleNotFoundError with the install line where MPI is missing.

    From the first call on, an error that nothing catches in one of several processes ends all.
    """
    try:
        mpi = required("mpi4py.MPI", "nn.parallel needs", "mpi4py mpich")
    except RuntimeError as error:
        raise ModuleNotFoundError(f"mpi4py finds no MPI: pip install mpich ({error})") from None
    ranks = Ranks(mpi.COMM_WORLD.Dup())  # so that messages of the caller's own are not mixed in
    if ranks.size > 1:
        end_all_on_errors(ranks.communicator)
    return ranks


def rank() -> int:
    """The number of this process, from 0 to `size()` - 1; rank 0 prints and writes.

    Without `mpiexec` there is one process, of rank 0.

    >>> rank()
    0
    """
    return int(world().rank)


def size() -> int:
    """The number of processes, PyTorch's world size.

    >>> size()
    1
    """
    return int(world().size)


def barrier() -> None:
    """Wait until all processes have come here.

    >>> barrier()
    """
    world().communicator.Barrier()
