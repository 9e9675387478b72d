"""Schedules that are a formula of the number of steps."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from ..optim import Optimizer
from ..optim.options import not_negative
from ..validation import integer
from .scheduler import Scheduler, each_group

__all__ = [
    "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "ExponentialLR", "LambdaLR",
    "LinearLR", "MultiStepLR", "MultiplicativeLR", "PolynomialLR", "StepLR",
]  # fmt: skip

Factor = Callable[[int], float]


class StepLR(Scheduler):
    """lr = start γ^⌊t / step_size⌋."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size = integer("step_size", step_size)
        self.gamma = not_negative("gamma", gamma)
        super().__init__(optimizer)

    def rate(self, t: int, start: float) -> float:
        return float(start * self.gamma ** (t // self.step_size))


class MultiStepLR(Scheduler):
    """lr = start γ^k after k of the milestones."""

    def __init__(self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1) -> None:
        self.milestones = sorted(integer("each of the milestones", m, 0) for m in milestones)
        self.gamma = not_negative("gamma", gamma)
        super().__init__(optimizer)

    def rate(self, t: int, start: float) -> float:
        return float(start * self.gamma ** bisect_right(self.milestones, t))


class ExponentialLR(Scheduler):
    """lr = start γᵗ."""

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = not_negative("gamma", gamma)
        super().__init__(optimizer)

    def rate(self, t: int, start: float) -> float:
        return float(start * self.gamma**t)


class ConstantLR(Scheduler):
    """lr = start factor in the first total_iters steps, then start."""

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5) -> None:
        self.factor = not_negative("factor", factor)
        self.total_iters = integer("total_iters", total_iters)
        super().__init__(optimizer)

    def rate(self, t: int, start: float) -> float:
        return float(start * self.factor) if t < self.total_iters else start


class LinearLR(Scheduler):
    """A warmup: lr grows in a straight line from start_factor to end_factor times the start."""

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0,
        total_iters: int = 5,
    ) -> None:  # fmt: skip
        self.start_factor = not_negative("start_factor", start_factor)
        self.end_factor = not_negative("end_factor", end_factor)
        self.total_iters = integer("total_iters", total_iters)
        super().__init__(optimizer)

    def rate(self, t: int, start: float) -> float:
        done = min(t / self.total_iters, 1.0)
        return float(start * (self.start_factor + (self.end_factor - self.start_factor) * done))


class PolynomialLR(Scheduler):
    """lr = start (1 - t / total_iters)^power, and 0 from then on."""

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0) -> None:
        self.total_iters = integer("total_iters", total_iters)
        self.power = not_negative("power", power)
        super().__init__(optimizer)

    def rate(self, t: int, start: float) -> float:
        return float(start * (1 - min(t / self.total_iters, 1.0)) ** self.power)


class CosineAnnealingLR(Scheduler):
    """lr = η + (start - η) (1 + cos(π t / T_max)) / 2,  η = eta_min (Loshchilov, Hutter, 2017)."""

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        self.T_max, self.eta_min = integer("T_max", T_max), not_negative("eta_min", eta_min)
        super().__init__(optimizer)

    def rate(self, t: int, start: float) -> float:
        return cosine(start, self.eta_min, t / self.T_max)


class CosineAnnealingWarmRestarts(Scheduler):
    """Cosine annealing that starts again after T_0 steps, then T_0 T_mult, T_0 T_mult² ..."""

    absolute = True

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0
    ) -> None:
        self.T_0, self.T_mult = integer("T_0", T_0), integer("T_mult", T_mult)
        self.eta_min = not_negative("eta_min", eta_min)
        super().__init__(optimizer)

    def rate(self, t: int, start: float) -> float:
        period = self.T_0
        t = t % period if self.T_mult == 1 else t
        while t >= period:
            t -= period
            period *= self.T_mult
        return cosine(start, self.eta_min, t / period)


class LambdaLR(Scheduler):
    """lr = start f(t), with a function f = `lr_lambda`, or a list of one for each group.

    >>> import nn
    >>> optimizer = nn.SGD([nn.Parameter([1.0])], lr=0.8)
    >>> schedule = nn.LambdaLR(optimizer, lambda t: 1 / (1 + t))
    >>> [(schedule.step(), optimizer.lr)[1] for _ in range(3)]
    [0.4, 0.26666666666666666, 0.2]
    """

    absolute = True

    def __init__(self, optimizer: Optimizer, lr_lambda: Factor | Sequence[Factor]) -> None:
        self.functions = each_group(optimizer, "lr_lambda", lr_lambda, _function)
        super().__init__(optimizer)

    def rates_at(self, t: int) -> list[float]:
        return [float(s * f(t)) for f, s in zip(self.functions, self.starts, strict=True)]


class MultiplicativeLR(Scheduler):
    """lr ← lr f(t) at step t, so that lr = start f(1) f(2) ... f(t), with f = `lr_lambda`.

    It can be a list of one function for each group.
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Factor | Sequence[Factor]) -> None:
        self.functions = each_group(optimizer, "lr_lambda", lr_lambda, _function)
        super().__init__(optimizer)

    def rate(self, t: int, start: float) -> float:
        """The rate before the first step; what it is later is known only one step before."""
        return start

    def step(self) -> None:
        """Multiply the learning rate."""
        pairs = zip(self.functions, self.get_last_lr(), strict=True)
        rates = [float(lr * f(self.t + 1)) for f, lr in pairs]
        for rate in rates:
            not_negative(f"the learning rate of MultiplicativeLR after {self.t + 1} steps", rate)
        self.t, self.rates = self.t + 1, rates
        self._set_rates(rates)

    def restart(self) -> None:
        """Go on from the learning rate there is, with f(0), as PyTorch does."""
        self.t = -1
        self.step()


def _function(name: str, value: Any) -> None:
    if not callable(value):
        raise TypeError(f"{name} must be a function of the step, or a list of them, not {value!r}")


def cosine(start: float, end: float, share: float) -> float:
    """From start (share 0) to end (share 1) along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
