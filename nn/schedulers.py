"""Learning-rate schedules (as `torch.optim.lr_scheduler`): `step()` once an epoch, or a batch.

A schedule is a formula for the learning rate after `t` steps, from each group's rate at the start.
"""

from __future__ import annotations

import copy
import inspect
import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np

from .optim import Optimizer
from .optim.options import not_negative
from .state_dict import like
from .validation import KeywordsChecked, choice, integer

__all__ = [
    "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "ExponentialLR", "LinearLR", "MultiStepLR",
    "OneCycleLR", "ReduceLROnPlateau", "Scheduler", "StepLR",
]  # fmt: skip


class Scheduler(KeywordsChecked):
    """Sets the learning rate of every group of an optimizer to `rate(t, start)`.

    Where something else changed the rate, such as a second schedule, it is multiplied by what
    `rate` changes by, so that schedules chain as PyTorch's do.

    >>> import nn
    >>> optimizer = nn.SGD([nn.Parameter([1.0])], lr=0.8)
    >>> schedule = nn.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> [(schedule.step(), optimizer.lr)[1] for _ in range(4)]
    [0.8, 0.4, 0.4, 0.2]
    """

    _derived: tuple[str, ...] = ()  # settings that are no parameters of the constructor
    absolute = False  # whether the rate is set whatever others have made of it
    eta_min = 0.0

    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"a schedule takes an optimizer first, not {optimizer!r}")
        self.optimizer = optimizer
        self.starts = optimizer.initial_rates()
        self.t = 0
        self._apply(self.starts)

    def rate(self, t: int, start: float) -> float:
        """The learning rate after `t` steps; `start` is what it was before the first."""
        raise NotImplementedError(f"{type(self).__name__} defines no rate()")

    def step(self) -> None:
        """Go to the next learning rate."""
        before = [self.rate(self.t, start) for start in self.starts]
        self.t += 1
        self._apply(before)

    def _apply(self, before: list[float]) -> None:
        """Set the rates, which were `before` unless something else changed them."""
        for group, start, old in zip(self.optimizer.groups, self.starts, before, strict=True):
            new, lr, low = self.rate(self.t, start), group["lr"], self.eta_min
            if self.absolute or lr == old:
                lr = new
            elif old == low:
                lr += new - old
            else:
                lr = low + (lr - low) * ((new - low) / (old - low))
            group["lr"] = lr
        self.rates = self.get_last_lr()

    def get_last_lr(self) -> list[float]:
        """The learning rate of every group."""
        return [group["lr"] for group in self.optimizer.groups]

    def state_dict(self) -> dict[str, Any]:
        """What it needs to continue."""
        return {k: v for k, v in vars(self).items() if k not in ("optimizer", "monitor")}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a `state_dict`, at its learning rates.

        Raises ValueError if it belongs to another kind of schedule, one of other settings or
        another number of groups, or gives no learning rate; nothing is changed then.
        """
        own = self.state_dict()
        if set(state) != set(own):
            raise ValueError(
                f"the state is another schedule's: it has {', '.join(state)}, "
                f"{type(self).__name__} has {', '.join(own)}"
            )
        given = like(own, dict(state))
        if len(given["starts"]) != len(own["starts"]):
            raise ValueError(
                f"the state is of {len(given['starts'])} parameter groups, "
                f"this optimizer has {len(own['starts'])}"
            )
        for name in own.keys() & {*inspect.signature(type(self)).parameters, *self._derived}:
            if not np.array_equal(given[name], own[name]):
                raise ValueError(
                    f"the state is of a schedule with {name}={given[name]}, this one has "
                    f"{own[name]}; make it as it was when it was saved"
                )
        self._check_progress(given)
        vars(self).update(given)
        self._set_rates()

    def _check_progress(self, state: dict[str, Any]) -> None:
        """Raise ValueError unless a state, of the right kinds, gives learning rates."""
        integer("t", state["t"], 0)
        if nan := [k for k, v in state.items() if isinstance(v, float) and math.isnan(v)]:
            raise ValueError(f"{nan[0]} is no number")
        trial = copy.copy(self)
        vars(trial).update(state)
        for start in state["starts"]:
            try:
                not_negative("lr", start)
                not_negative("lr", trial.rate(state["t"], start))
            except ArithmeticError as error:
                raise ValueError(f"there is no learning rate after {state['t']} steps") from error

    def _set_rates(self) -> None:
        """Give the optimizer the rates of a state that was loaded."""
        for group, rate in zip(self.optimizer.groups, self.rates, strict=True):
            group["lr"] = rate


class StepLR(Scheduler):
    """lr = start γ^⌊t / step_size⌋."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size, self.gamma = integer("step_size", step_size), gamma
        super().__init__(optimizer)

    def rate(self, t: int, start: float) -> float:
        return start * self.gamma ** (t // self.step_size)


class MultiStepLR(Scheduler):
    """lr = start γ^k after k of the milestones."""

    def __init__(self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1) -> None:
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer)

    def rate(self, t: int, start: float) -> float:
        return start * self.gamma ** bisect_right(self.milestones, t)


class ExponentialLR(Scheduler):
    """lr = start γᵗ."""

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = gamma
        super().__init__(optimizer)

    def rate(self, t: int, start: float) -> float:
        return float(start * self.gamma**t)


class LinearLR(Scheduler):
    """A warmup: lr grows in a straight line from start_factor to end_factor times the start."""

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0,
        total_iters: int = 5,
    ) -> None:  # fmt: skip
        self.start_factor, self.end_factor = start_factor, end_factor
        self.total_iters = integer("total_iters", total_iters)
        super().__init__(optimizer)

    def rate(self, t: int, start: float) -> float:
        done = min(t / self.total_iters, 1.0)
        return start * (self.start_factor + (self.end_factor - self.start_factor) * done)


class CosineAnnealingLR(Scheduler):
    """lr = η + (start - η) (1 + cos(π t / T_max)) / 2,  η = eta_min (Loshchilov, Hutter, 2017)."""

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        self.T_max, self.eta_min = integer("T_max", T_max), eta_min
        super().__init__(optimizer)

    def rate(self, t: int, start: float) -> float:
        return _cosine(start, self.eta_min, t / self.T_max)


class CosineAnnealingWarmRestarts(Scheduler):
    """Cosine annealing that starts again after T_0 steps, then T_0 T_mult, T_0 T_mult² ..."""

    absolute = True

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0
    ) -> None:
        self.T_0, self.T_mult = integer("T_0", T_0), integer("T_mult", T_mult)
        self.eta_min = eta_min
        super().__init__(optimizer)

    def rate(self, t: int, start: float) -> float:
        period = self.T_0
        t = t % period if self.T_mult == 1 else t
        while t >= period:
            t -= period
            period *= self.T_mult
        return _cosine(start, self.eta_min, t / period)


class OneCycleLR(Scheduler):
    """Up to max_lr and down again, with momentum the other way (Smith and Topin, 2019).

    lr rises along a cosine from max_lr / div_factor during the first `pct_start` of the steps, then
    falls to a `final_div_factor`-th of where it began; momentum, or Adam's β₁, falls and rises.
    """

    _derived = ("first", "last", "peak", "momenta")
    absolute = True

    def __init__(
        self, optimizer: Optimizer, max_lr: float, total_steps: int, pct_start: float = 0.3,
        div_factor: float = 25.0, final_div_factor: float = 1e4, cycle_momentum: bool = True,
        base_momentum: float = 0.85, max_momentum: float = 0.95,
    ) -> None:  # fmt: skip
        if not 0 < pct_start < 1:
            raise ValueError(f"pct_start is a share of the steps between 0 and 1, not {pct_start}")
        self.max_lr, self.total_steps = max_lr, integer("total_steps", total_steps)
        self.first, self.last = max_lr / div_factor, max_lr / div_factor / final_div_factor
        self.peak = pct_start * total_steps - 1
        self.momenta = (max_momentum, base_momentum) if cycle_momentum else None
        super().__init__(optimizer)

    def rate(self, t: int, start: float) -> float:
        return self._cycle(t, self.first, self.max_lr, self.last)

    def _cycle(self, t: int, first: float, middle: float, last: float) -> float:
        if t > self.total_steps:
            raise ValueError(f"the cycle has {self.total_steps} steps, and this is one more")
        t = min(t, self.total_steps - 1)  # after the last step there is one more call
        if t <= self.peak:
            return _cosine(first, middle, t / self.peak if self.peak else 1.0)
        return _cosine(middle, last, (t - self.peak) / (self.total_steps - 1 - self.peak))

    def _apply(self, before: list[float]) -> None:
        super()._apply(before)
        self._set_momenta()

    def _set_rates(self) -> None:
        super()._set_rates()
        self._set_momenta()

    def _set_momenta(self) -> None:
        if self.momenta is None:
            return
        high, low = self.momenta
        momentum = self._cycle(self.t, high, low, high)
        for group in self.optimizer.groups:
            if "betas" in group:
                group["betas"] = (momentum, *group["betas"][1:])
            elif "momentum" in group:
                group["momentum"] = momentum


class ReduceLROnPlateau(Scheduler):
    """lr ← factor lr when `step(value)` has brought nothing better for more than `patience` steps.

    Better is smaller ("min") or larger ("max") than the best so far by the fraction `threshold`;
    for `cooldown` steps after a reduction nothing is counted, and a reduction by less than `eps` is
    left out.  A Trainer gives it the column `monitor` of its history, else val_loss or loss.
    """

    def __init__(
        self, optimizer: Optimizer, mode: str = "min", factor: float = 0.1, patience: int = 10,
        threshold: float = 1e-4, cooldown: int = 0, min_lr: float = 0.0, eps: float = 1e-8, *,
        monitor: str | None = None,
    ) -> None:  # fmt: skip
        self.mode, self.monitor = choice("mode", mode, ("min", "max")), monitor
        self.factor, self.patience = factor, patience
        self.threshold, self.cooldown, self.min_lr, self.eps = threshold, cooldown, min_lr, eps
        self.best = math.inf if mode == "min" else -math.inf
        self.bad = self.resting = 0
        super().__init__(optimizer)

    def rate(self, t: int, start: float) -> float:
        return start

    def step(self, value: float | None = None) -> None:
        """Take note of a value, such as the validation loss, and reduce the rate if it is time."""
        if value is None:
            raise TypeError("ReduceLROnPlateau.step needs the value to watch, as in step(val_loss)")
        value, sign = float(value), -1 if self.mode == "min" else 1
        self.t += 1
        margin = sign * math.copysign(self.threshold, self.best)  # PyTorch forgets the sign
        if sign * value > sign * self.best * (1 + margin):
            self.best, self.bad = value, 0
        else:
            self.bad += 1
        if self.resting:
            self.resting, self.bad = self.resting - 1, 0
        if self.bad > self.patience:
            for group in self.optimizer.groups:
                reduced = max(group["lr"] * self.factor, self.min_lr)
                if group["lr"] - reduced > self.eps:
                    group["lr"] = reduced
            self.resting, self.bad = self.cooldown, 0
        self.rates = self.get_last_lr()


def _cosine(start: float, end: float, share: float) -> float:
    """From start (share 0) to end (share 1) along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
