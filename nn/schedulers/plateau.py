"""A schedule that waits for the training to stop improving."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..optim import Optimizer
from ..optim.options import not_negative
from ..validation import choice, integer
from .scheduler import Scheduler, each_group

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau(Scheduler):
    """lr ← factor lr when `step(value)` has brought nothing better for more than `patience` steps.

    Better is smaller ("min") or larger ("max") than the best so far, by the fraction `threshold` of
    it, or with `threshold_mode="abs"` by `threshold`.  For `cooldown` steps after a reduction
    nothing is counted.  No rate falls below `min_lr`, which can be a list of one for each group; a
    reduction by less than `eps` is left out.  A Trainer gives it the column `monitor` of its
    history, else val_loss or loss.
    """

    def __init__(
        self, optimizer: Optimizer, mode: str = "min", factor: float = 0.1, patience: int = 10,
        threshold: float = 1e-4, threshold_mode: str = "rel", cooldown: int = 0,
        min_lr: float | Sequence[float] = 0.0, eps: float = 1e-8, *, monitor: str | None = None,
    ) -> None:  # fmt: skip
        self.mode, self.monitor = choice("mode", mode, ("min", "max")), monitor
        self.factor = not_negative("factor", factor)
        if factor >= 1:
            raise ValueError(f"factor must be less than 1, since it reduces the rate, not {factor}")
        self.patience, self.cooldown = (
            integer("patience", patience, 0),
            integer("cooldown", cooldown, 0),
        )
        self.threshold = not_negative("threshold", threshold)
        self.threshold_mode = choice("threshold_mode", threshold_mode, ("rel", "abs"))
        self.min_lr, self.eps = min_lr, not_negative("eps", eps)
        each_group(optimizer, "min_lr", min_lr, not_negative)
        self.best = math.inf if mode == "min" else -math.inf
        self.bad = self.resting = 0
        super().__init__(optimizer)

    def rate(self, t: int, start: float) -> float:
        return start

    def step(self, value: float | None = None) -> None:
        """Take note of a value, such as the validation loss, and reduce the rate if it is time."""
        if value is None:
            raise TypeError("ReduceLROnPlateau.step needs the value to watch, as in step(val_loss)")
        value = float(value)
        self.t += 1
        if self._is_better(value):
            self.best, self.bad = value, 0
        else:
            self.bad += 1
        if self.resting:
            self.resting, self.bad = self.resting - 1, 0
        if self.bad > self.patience:
            lowest = each_group(self.optimizer, "min_lr", self.min_lr, not_negative)
            for group, low in zip(self.optimizer.groups, lowest, strict=True):
                reduced = max(group["lr"] * self.factor, low)
                if group["lr"] - reduced > self.eps:
                    group["lr"] = reduced
            self.resting, self.bad = self.cooldown, 0
        self.rates = self.get_last_lr()

    def _is_better(self, value: float) -> bool:
        sign = -1 if self.mode == "min" else 1
        if self.threshold_mode == "abs":
            return sign * value > sign * self.best + self.threshold
        margin = sign * math.copysign(self.threshold, self.best)  # PyTorch forgets the sign
        return sign * value > sign * self.best * (1 + margin)
