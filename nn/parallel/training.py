"""What a Trainer does where several processes train together."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import zip_longest
from typing import Any

import numpy as np

from tinygrad_edu import Tensor

from ..callbacks import Callback
from ..data import DataLoader
from ..one_process import OneProcess
from ..optim import Optimizer
from ..scores import Scores, summed
from .agreement import check_agreement, described, described_data
from .broadcast import level
from .failures import ending_all
from .optimizer import DistributedOptimizer
from .random import own_stream
from .ranks import Ranks, world
from .sampler import DistributedSampler

__all__ = ["ManyProcesses", "together"]


def together(optimizer: Optimizer) -> tuple[Optimizer, OneProcess]:
    """A Trainer's optimizer, distributed, and the processes that it trains with."""
    if not isinstance(optimizer, DistributedOptimizer):
        optimizer = DistributedOptimizer(optimizer)
    return optimizer, ManyProcesses(world()) if world().size > 1 else Synchronizing()


class Synchronizing(OneProcess):
    """Sends gradients before they are clipped; enough for one process that accumulates them."""

    def backward(self, total: Tensor, trainer: Any, target: Any) -> Tensor:
        """The loss of a rank is a mean over its samples, or a sum, which is made one for a while.

        What stands between, such as a SyncBatchNorm, counts on means.
        """
        n, average, optimizer = len(target), not summed(trainer.loss), trainer.optimizer
        total.backward(np.asarray(1.0 if average else 1 / n, total.dtype))
        last = trainer.batch == len(trainer.loader)
        optimizer.synchronize(n, average=average, last=last)
        if getattr(optimizer, "needs_closure", False):
            total = optimizer.loss_of_all(total, n, average)
        return total


class ManyProcesses(Synchronizing):
    """Each rank trains on its share of the batches; rank 0 judges, writes and shows."""

    def __init__(self, ranks: Ranks) -> None:
        self.ranks = ranks
        self.rank, self.size = ranks.rank, ranks.size

    @property
    def idle(self) -> bool:  # type: ignore[override]
        return self.ranks.idle

    def ending_all(self) -> AbstractContextManager[None]:
        return ending_all(self.ranks.communicator)

    def alone(self) -> AbstractContextManager[None]:
        return self.ranks.alone()

    @contextmanager
    def epoch(self, number: int, trainer: Any) -> Iterator[None]:
        with own_stream(self.ranks, number):
            yield
        buffers = list(trainer.model.buffers())  # such as a BatchNorm's that is not synchronized
        for own, first in zip(buffers, self.ranks.broadcast(buffers), strict=True):
            own[...] = first

    def callbacks(self, callbacks: list[Callback]) -> list[Callback]:
        return [each for each in callbacks if not each.writes or self.rank == 0]

    def divided(self, loader: DataLoader) -> DataLoader:
        if hasattr(loader.sampler, "share"):
            return loader
        if loader.sampler is not None:
            raise ValueError("processes divide the batches of a parallel.DistributedSampler")
        divided = copy.copy(loader)
        divided.sampler = DistributedSampler(loader.dataset, shuffle=False)
        divided.sampler.generator = loader.generator if loader.shuffle else None
        return divided

    def agree(self, trainer: Any) -> None:
        facts = described(trainer.model, trainer.optimizer)
        names = ("training data", "validation data")
        for name, loader in zip(names, trainer._loaders, strict=False):
            facts |= described_data(name, loader)
        facts |= {"epochs": str(trainer.epochs), "columns": ", ".join(trainer.columns)}
        check_agreement(self.ranks, facts)
        if trainer._penalized and summed(trainer.loss):
            raise ValueError(
                "a loss that is a sum and l2 cannot be divided among processes; give the loss "
                "reduction='mean', or the optimizer weight_decay"
            )

    def start(self, trainer: Any) -> None:
        parts = [trainer.model, trainer.optimizer, trainer.scheduler]
        level(self.ranks, *(part for part in parts if part is not None))
        generators = trainer._generators()
        states = self.ranks.broadcast([rng.bit_generator.state for rng in generators])
        for rng, state in zip(generators, states, strict=True):
            rng.bit_generator.state = state

    def judged(self, scores: Scores, values: Callable[[Scores], Any]) -> Any:
        parts = self.ranks.gather((scores.sizes, scores.sums, scores.outputs, scores.targets))
        if parts is None:
            return self.ranks.broadcast(None)
        merged = Scores(scores.metrics, scores.loss, scores.keep)
        sizes, sums, outputs, targets = zip(*parts, strict=True)
        merged.sizes, merged.outputs, merged.targets = map(_in_order, (sizes, outputs, targets))
        for name in sums[0]:
            merged.sums[name] = sum(each.get(name, 0.0) for each in sums)
        return self.ranks.broadcast(values(merged))

    def shared(self, value: Any) -> Any:
        return self.ranks.broadcast(value)

    def stopped(self, reason: str | None) -> str | None:
        return next(filter(None, self.ranks.allgather(reason)), None)


def _in_order(of_ranks: tuple[list[Any], ...]) -> list[Any]:
    """The batches' shares, one after the other; of the last batch some ranks may have none."""
    missing = object()
    batches = zip_longest(*of_ranks, fillvalue=missing)
    return [share for batch in batches for share in batch if share is not missing]
