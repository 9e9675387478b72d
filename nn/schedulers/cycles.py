"""Schedules that rise and fall, with momentum the other way."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

from ..optim import Optimizer
from ..optim.options import fraction, not_negative, positive
from ..validation import boolean, choice, integer
from .formulas import cosine
from .scheduler import Scheduler, each_group

__all__ = ["CyclicLR", "OneCycleLR"]


class OneCycleLR(Scheduler):
    """Up to max_lr and down again, with momentum the other way (Smith and Topin, 2019).

    lr rises along a cosine, or with `anneal_strategy="linear"` a line, from max_lr / div_factor
    during the first `pct_start` of the steps, then falls to a `final_div_factor`-th of where it
    began; with `three_phase` first to where it began, in as many steps as it rose.  Momentum, or
    Adam's β₁, falls and rises.  There are `total_steps` or `epochs` times `steps_per_epoch` steps;
    `max_lr` can be a list, of one rate for each group.
    """

    absolute = per_batch = True

    def __init__(
        self, optimizer: Optimizer, max_lr: float | Sequence[float],
        total_steps: int | None = None, epochs: int | None = None,
        steps_per_epoch: int | None = None, pct_start: float = 0.3, anneal_strategy: str = "cos",
        cycle_momentum: bool = True, base_momentum: float = 0.85, max_momentum: float = 0.95,
        div_factor: float = 25.0, final_div_factor: float = 1e4, three_phase: bool = False,
    ) -> None:  # fmt: skip
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError("OneCycleLR needs total_steps, or epochs and steps_per_epoch")
            total_steps = integer("epochs", epochs) * integer("steps_per_epoch", steps_per_epoch)
        most = 0.5 if three_phase else 1
        if not 0 < pct_start < most:
            raise ValueError(
                f"pct_start is a share of the steps between 0 and {most}, not {pct_start}"
            )
        self.max_lr, self.total_steps = max_lr, integer("total_steps", total_steps)
        self.pct_start, self.three_phase = pct_start, boolean("three_phase", three_phase)
        self.anneal_strategy = choice("anneal_strategy", anneal_strategy, ("cos", "linear"))
        self.cycle_momentum = boolean("cycle_momentum", cycle_momentum)
        self.base_momentum = fraction("base_momentum", base_momentum)
        self.max_momentum = fraction("max_momentum", max_momentum)
        self.div_factor = positive("div_factor", div_factor)
        self.final_div_factor = positive("final_div_factor", final_div_factor)
        super().__init__(optimizer, each_group(optimizer, "max_lr", max_lr, not_negative))

    def rate(self, t: int, start: float) -> float:
        """The learning rate after `t` steps of a group whose highest is `start`."""
        first = start / self.div_factor
        return self._cycle(t, first, start, first, first / self.final_div_factor)

    def momentum(self, t: int) -> float | None:
        high, low = self.max_momentum, self.base_momentum
        return self._cycle(t, high, low, high, high) if self.cycle_momentum else None

    def _cycle(self, t: int, first: float, middle: float, third: float, last: float) -> float:
        """What goes from the first value to the middle, perhaps the third, and the last."""
        if t > self.total_steps:
            raise ValueError(f"the cycle has {self.total_steps} steps, and this is one more")
        t = min(t, self.total_steps - 1)  # after the last step there is one more call
        peak = self.pct_start * self.total_steps - 1
        if self.three_phase:
            values, ends = [first, middle, third, last], [peak, 2 * peak, self.total_steps - 1]
        else:
            values, ends = [first, middle, last], [peak, self.total_steps - 1]
        phase = bisect_left(ends, t)
        begin, end = [0.0, *ends][phase], ends[phase]
        share = (t - begin) / (end - begin) if end > begin else 1.0
        if self.anneal_strategy == "cos":
            return cosine(values[phase], values[phase + 1], share)
        return values[phase] + (values[phase + 1] - values[phase]) * share


class CyclicLR(Scheduler):
    """Up from base_lr to max_lr and down again in straight lines, over and over (Smith, 2017).

    One cycle takes `step_size_up` steps and then `step_size_down`, by default as many.  Later
    cycles are as high ("triangular"), each half as high ("triangular2"), or gammaᵗ times as high
    ("exp_range"), or `scale_fn(cycle)`, of cycles counted from 1; with `scale_mode="iterations"`
    `scale_fn(t)`.  Momentum, or Adam's β₁, goes down from `max_momentum` to `base_momentum` and up.
    `base_lr` and `max_lr` can be lists, of one rate for each group.
    """

    absolute = per_batch = True

    def __init__(
        self, optimizer: Optimizer, base_lr: float | Sequence[float],
        max_lr: float | Sequence[float], step_size_up: int = 2000,
        step_size_down: int | None = None, mode: str = "triangular", gamma: float = 1.0,
        scale_fn: Callable[[int], float] | None = None, scale_mode: str = "cycle",
        cycle_momentum: bool = True, base_momentum: float = 0.8, max_momentum: float = 0.9,
    ) -> None:  # fmt: skip
        self.base_lr, self.max_lr = base_lr, max_lr
        each_group(optimizer, "max_lr", max_lr, not_negative)
        self.step_size_up = integer("step_size_up", step_size_up)
        down = self.step_size_up if step_size_down is None else step_size_down
        self.step_size_down = integer("step_size_down", down)
        self.mode = choice("mode", mode, ("triangular", "triangular2", "exp_range"))
        self.gamma, self.scale_fn = not_negative("gamma", gamma), scale_fn
        if scale_fn is not None and not callable(scale_fn):
            raise TypeError(f"scale_fn must be a function of the cycle, not {scale_fn!r}")
        self.scale_mode = choice("scale_mode", scale_mode, ("cycle", "iterations"))
        self.cycle_momentum = boolean("cycle_momentum", cycle_momentum)
        self.base_momentum = fraction("base_momentum", base_momentum)
        self.max_momentum = fraction("max_momentum", max_momentum)
        super().__init__(optimizer, each_group(optimizer, "base_lr", base_lr, not_negative))

    def rates_at(self, t: int) -> list[float]:
        highest = each_group(self.optimizer, "max_lr", self.max_lr, not_negative)
        height = self._height(t)
        return [low + (high - low) * height for low, high in zip(self.starts, highest, strict=True)]

    def momentum(self, t: int) -> float | None:
        if not self.cycle_momentum:
            return None
        return self.max_momentum - (self.max_momentum - self.base_momentum) * self._height(t)

    def _height(self, t: int) -> float:
        """Where it is between bottom (0) and top (1)."""
        done, step = divmod(t, self.step_size_up + self.step_size_down)
        if step <= self.step_size_up:
            share = step / self.step_size_up
        else:
            share = 1 - (step - self.step_size_up) / self.step_size_down
        return float(share * self._scale(done + 1, t))

    def _scale(self, cycle: int, t: int) -> float:
        if self.scale_fn is not None:
            return self.scale_fn(cycle if self.scale_mode == "cycle" else t)
        if self.mode == "exp_range":
            return float(self.gamma**t)
        return 0.5 ** (cycle - 1) if self.mode == "triangular2" else 1.0
