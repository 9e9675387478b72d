"""Schedules made of schedules: one after the other, or all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from ..optim import Optimizer
from ..validation import integer
from .plateau import ReduceLROnPlateau
from .scheduler import Scheduler

__all__ = ["ChainedScheduler", "SequentialLR"]


class _Several(Scheduler):
    """Holds schedules, saves their states with its own, and steps some of them."""

    schedulers: list[Scheduler]

    def __init__(self, optimizer: Optimizer | None, schedulers: Sequence[Scheduler]) -> None:
        name = type(self).__name__
        if not isinstance(schedulers, (list, tuple)) or not schedulers:
            raise TypeError(f"{name} takes a list of schedules, not {schedulers!r}")
        self.schedulers = list(schedulers)
        for each in schedulers:
            if not isinstance(each, Scheduler) or isinstance(each, ReduceLROnPlateau):
                kind = type(each).__name__
                raise TypeError(f"{name} takes schedules that step without a value, not {kind}")
        optimizer = schedulers[0].optimizer if optimizer is None else optimizer
        if any(each.optimizer is not optimizer for each in schedulers):
            raise ValueError(f"all schedules of {name} must be of the same optimizer")
        super().__init__(optimizer)

    def state_dict(self) -> dict[str, Any]:
        parts = [each.state_dict() for each in self.schedulers]
        return {**super().state_dict(), "schedulers": parts}

    def _checked(self, state: Mapping[str, Any]) -> dict[str, Any]:
        parts = state.get("schedulers")
        given = super()._checked({k: v for k, v in state.items() if k != "schedulers"})
        if not isinstance(parts, list) or len(parts) != len(self.schedulers):
            raise ValueError(f"the state is not of {len(self.schedulers)} schedules in a sequence")
        pairs = zip(self.schedulers, parts, strict=True)
        return {**given, "schedulers": [each._checked(part) for each, part in pairs]}

    def _restore(self, state: dict[str, Any]) -> None:
        for each, part in zip(self.schedulers, state.pop("schedulers"), strict=True):
            each._restore(part)
        super()._restore(state)


class SequentialLR(_Several):
    """One schedule after the other: lr = that of schedule k after t - m steps, m its milestone.

    The first of `schedulers` begins at once, the others at the `milestones`, each from the learning
    rate before all schedules.

    >>> import nn
    >>> optimizer = nn.SGD([nn.Parameter([1.0])], lr=0.8)
    >>> warmup = nn.LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> decay = nn.ExponentialLR(optimizer, gamma=0.5)
    >>> schedule = nn.SequentialLR(optimizer, [warmup, decay], milestones=[2])
    >>> [optimizer.lr] + [(schedule.step(), optimizer.lr)[1] for _ in range(4)]
    [0.4, 0.6000000000000001, 0.8, 0.4, 0.2]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[Scheduler], milestones: Sequence[int]
    ) -> None:
        self.milestones = [integer("each of the milestones", each) for each in milestones]
        if self.milestones != sorted(set(self.milestones)):
            raise ValueError(f"milestones must be increasing numbers of steps, not {milestones}")
        super().__init__(optimizer, schedulers)
        if len(self.milestones) != len(self.schedulers) - 1:
            raise ValueError(
                f"{len(self.schedulers)} schedules need {len(self.schedulers) - 1} milestones, one "
                f"for each but the first, not {len(self.milestones)}"
            )

    def rates_at(self, t: int) -> list[float]:
        k = bisect_right(self.milestones, t)
        return self.schedulers[k].rates_at(t - [0, *self.milestones][k])

    def step(self) -> None:
        """Go to the next learning rate."""
        t = self.t + 1
        active = self.schedulers[bisect_right(self.milestones, t)]
        if t in self.milestones:
            active.restart()
        else:
            active.step()
        self.t, self.rates = t, self.get_last_lr()

    def _begin(self) -> None:
        self._set_rates(self.starts)
        self.schedulers[0]._begin()
        self.t, self.rates = 0, self.get_last_lr()

    def _set_momentum(self) -> None:
        self.schedulers[bisect_right(self.milestones, self.t)]._set_momentum()


class ChainedScheduler(_Several):
    """Several schedules at once: lr is the product of what each makes of the start.

    >>> import nn
    >>> optimizer = nn.SGD([nn.Parameter([1.0])], lr=0.8)
    >>> warmup = nn.ConstantLR(optimizer, factor=0.5, total_iters=2)
    >>> decay = nn.ExponentialLR(optimizer, gamma=0.5)
    >>> schedule = nn.ChainedScheduler([warmup, decay])
    >>> [optimizer.lr] + [(schedule.step(), optimizer.lr)[1] for _ in range(3)]
    [0.4, 0.2, 0.2, 0.1]
    """

    def __init__(self, schedulers: Sequence[Scheduler], optimizer: Optimizer | None = None) -> None:
        super().__init__(optimizer, schedulers)

    def rate(self, t: int, start: float) -> float:
        """The rate before the first step; what it is later is known by its schedules."""
        return start

    def step(self) -> None:
        """Step every schedule."""
        for each in self.schedulers:
            each.step()
        self.t, self.rates = self.t + 1, self.get_last_lr()

    def restart(self) -> None:
        """Go back to the first learning rate, of all schedules together."""
        self._set_rates(self.starts)
        for each in self.schedulers:
            each._begin()
        self._begin()

    def _begin(self) -> None:
        self.t, self.rates = 0, self.get_last_lr()  # the schedules have begun

    def _set_momentum(self) -> None:
        for each in self.schedulers:
            each._set_momentum()
