"""How the sum of all processes' buffers comes about: by messages, or in memory that they share.

Either way the pieces are added up in the order of the ranks, so that every bit is the same in each
rank and each run, whatever MPI does.
"""

from __future__ import annotations

import functools
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from ..validation import required
from .ranks import Ranks

__all__ = ["Exchange", "Messages", "SharedMemory", "exchange_for"]

_MOST = 4  # ranks that read each other's buffers; of more, each would read too much
_SHARED = Path("/dev/shm")  # where Linux has the memory that processes share


class Exchange:
    """`buffer` is to be filled; `sum()` is then that of all ranks' buffers, in a new array."""

    buffer: np.ndarray

    def sum(self) -> np.ndarray:
        """The sum, which ends where the buffer does.  All ranks have to call it."""
        raise NotImplementedError

    def free(self) -> None:
        """Give back what is shared with others.  All ranks have to call it."""


class Messages(Exchange):
    """An allreduce in two halves, as of a ring.

    Each rank adds up one of `size` equal pieces of the buffer, and gives the sum to all.  What is
    sent in another dtype than the buffer's, `wire`, is added up in the buffer's.
    """

    def __init__(self, ranks: Ranks, n: int, dtype: Any, wire: Any = None) -> None:
        self.ranks, self.n = ranks, n
        self.buffer = np.zeros(n + -n % ranks.size, dtype)
        self.wire = np.dtype(dtype if wire is None else wire)
        self._received = np.empty((ranks.size, self.buffer.size // ranks.size), self.wire)

    def sum(self) -> np.ndarray:
        communicator, dtype = self.ranks.communicator, self.buffer.dtype
        sent = self.buffer.astype(self.wire, copy=False)
        communicator.Alltoall(_bytes(sent), _bytes(self._received))
        piece = np.add.reduce(self._received, axis=0, dtype=dtype).astype(self.wire, copy=False)
        whole = np.empty_like(sent)
        communicator.Allgather(_bytes(piece), _bytes(whole))
        return whole.astype(dtype, copy=False)[: self.n]


class SharedMemory(Exchange):
    """Few processes of one machine, which read each other's buffers."""

    def __init__(self, ranks: Ranks, n: int, dtype: Any) -> None:
        self.ranks, dtype = ranks, np.dtype(dtype)
        mpi = required("mpi4py.MPI", "nn.parallel needs", "mpi4py mpich")
        size = n * dtype.itemsize
        self._window = mpi.Win.Allocate_shared(size, dtype.itemsize, comm=ranks.communicator)
        memories = [self._window.Shared_query(rank)[0] for rank in range(ranks.size)]
        self._buffers = [np.frombuffer(memory, dtype, n) for memory in memories]
        self.buffer = self._buffers[ranks.rank]
        self._window.Lock_all()

    def sum(self) -> np.ndarray:
        first, *others = self._buffers
        self._wait()  # until all buffers are filled
        whole = first + others[0]
        for buffer in others[1:]:
            whole += buffer
        self._wait()  # until all have read them
        return whole

    def _wait(self) -> None:
        self._window.Sync()
        self.ranks.communicator.Barrier()
        self._window.Sync()

    def free(self) -> None:
        self._buffers, self.buffer = [], np.empty(0)
        self._window.Unlock_all()
        self._window.Free()


def exchange_for(ranks: Ranks, n: int, dtype: Any, wire: Any = None) -> Exchange:
    """What is fastest for buffers of so many values."""
    if 1 < ranks.size <= _MOST and wire is None and _are_neighbors(ranks):
        free = shutil.disk_usage(_SHARED).free if _SHARED.exists() else float("inf")
        needed = 2 * ranks.size * n * np.dtype(dtype).itemsize
        if all(ranks.allgather(needed < free)):
            return SharedMemory(ranks, n, dtype)
    return Messages(ranks, n, dtype, wire)


@functools.cache
def _are_neighbors(ranks: Ranks) -> bool:
    """Whether all ranks are on one machine."""
    mpi = required("mpi4py.MPI", "nn.parallel needs", "mpi4py mpich")
    here = ranks.communicator.Split_type(mpi.COMM_TYPE_SHARED)
    alone = here.size == ranks.size
    here.Free()
    return bool(alone)


def _bytes(array: np.ndarray) -> np.ndarray:
    """The array as MPI takes it in any dtype."""
    return array.reshape(-1).view(np.uint8)
