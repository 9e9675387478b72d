"""DistributedSampler: the order of an epoch, and each process's share of its batches."""

from __future__ import annotations

from collections.abc import Iterator, Sized

import numpy as np

from ..validation import KeywordsChecked, boolean
from .random import common_generator
from .ranks import world

__all__ = ["DistributedSampler"]


class DistributedSampler(KeywordsChecked):
    """Divides the batches of a DataLoader among the processes.

    The loader's `batch_size` is that of the batch of all together, so that the batches are those
    that one process would have, whatever the number of processes.  Rank r of n gets the r-th of n
    consecutive parts of each batch, whose sizes differ by one sample at most.  Where a batch has
    fewer samples than there are processes, the others get its first sample to compute along, which
    counts for nothing in gradients, statistics and scores.

    With `shuffle` every epoch comes in a new order, drawn from `seed`, or else from what
    `parallel.manual_seed` was given; all processes have to make the sampler then.

    >>> import nn
    >>> from nn import parallel
    >>> data = nn.Dataset(np.arange(5))
    >>> sampler = parallel.DistributedSampler(data, shuffle=False)
    >>> [x.tolist() for x, in nn.DataLoader(data, 2, sampler=sampler)]  # in one process
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, dataset: Sized, shuffle: bool = True, *, seed: int | None = None) -> None:
        self.shuffle = boolean("DistributedSampler: shuffle", shuffle)
        self.dataset, self.ranks = dataset, world()
        self.generator = None if not shuffle else (
            common_generator() if seed is None else np.random.default_rng(seed)
        )  # fmt: skip

    @property
    def parts(self) -> int:
        """How many processes share a batch."""
        return int(self.ranks.size)

    def __len__(self) -> int:
        return len(self.dataset)

    def __iter__(self) -> Iterator[int]:
        n = len(self)
        order = np.arange(n) if self.generator is None else self.generator.permutation(n)
        return iter(order.tolist())

    def share(self, batch: np.ndarray) -> np.ndarray:
        """This process's part of the indices of a batch."""
        rank = self.ranks.rank
        least, more = divmod(len(batch), self.ranks.size)
        start = rank * least + min(rank, more)
        part = batch[start : start + least + (rank < more)]
        self.ranks.idle = not len(part)
        return batch[:1] if self.ranks.idle else part
