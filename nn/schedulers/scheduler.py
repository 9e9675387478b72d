"""What all schedules share: a formula for the learning rate, and how several of them chain."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from ..optim import Optimizer
from ..optim.options import not_negative
from ..state_dict import like
from ..validation import KeywordsChecked, integer

__all__ = ["Scheduler"]

T = TypeVar("T")


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

    absolute = False  # whether the rate is set whatever others have made of it
    per_batch = False  # whether a Trainer steps it once a batch
    eta_min: float = 0.0
    _unsaved = ("optimizer", "schedulers", "functions", "scale_fn", "monitor")

    def __init__(self, optimizer: Optimizer, starts: list[float] | None = None) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"a schedule takes an optimizer first, not {optimizer!r}")
        self.optimizer = optimizer
        self.starts = optimizer.initial_rates() if starts is None else starts
        self._begin()

    def rate(self, t: int, start: float) -> float:
        """The learning rate after `t` steps; `start` is what it was before the first."""
        raise NotImplementedError(f"{type(self).__name__} defines no rate()")

    def rates_at(self, t: int) -> list[float]:
        """The learning rate of every group after `t` steps."""
        return [self.rate(t, start) for start in self.starts]

    def momentum(self, t: int) -> float | None:
        """The momentum, or Adam's β₁, after `t` steps; None where it stays as it is."""
        return None

    def step(self) -> None:
        """Go to the next learning rate."""
        self._go_to(self.t + 1, self.rates_at(self.t))

    def restart(self) -> None:
        """Go back to the first learning rate, whatever has been made of it since."""
        self._set_rates(self.starts)
        self._begin()

    def _begin(self) -> None:
        self._go_to(0, self.starts)

    def _go_to(self, t: int, before: list[float]) -> None:
        """Set the rates after `t` steps; they were `before` unless something else changed them."""
        groups, rates = self.optimizer.groups, self.rates_at(t)
        if len(groups) != len(self.starts):
            raise ValueError(
                f"the optimizer has {len(groups)} groups, and had {len(self.starts)} when this "
                f"{type(self).__name__} was made; make the schedule again"
            )
        for rate in rates:
            not_negative(f"the learning rate of {type(self).__name__} after {t} steps", rate)
        self.t = t
        for group, old, new in zip(groups, before, rates, strict=True):
            group["lr"] = self._chained(group["lr"], old, new)
        self._set_momentum()
        self.rates = self.get_last_lr()

    def _chained(self, lr: float, old: float, new: float) -> float:
        """What becomes of a rate when the formula goes from `old` to `new`."""
        low = self.eta_min
        if self.absolute or lr == old:
            return float(new)
        if old == low:
            return lr + new - old
        return low + (lr - low) * ((new - low) / (old - low))

    def _set_rates(self, rates: list[float]) -> None:
        for group, rate in zip(self.optimizer.groups, rates, strict=True):
            group["lr"] = rate

    def _set_momentum(self) -> None:
        momentum = self.momentum(self.t)
        for group in self.optimizer.groups if momentum is not None else ():
            if "betas" in group:
                group["betas"] = (momentum, *group["betas"][1:])
            elif "momentum" in group:
                group["momentum"] = momentum

    def get_last_lr(self) -> list[float]:
        """The learning rate of every group."""
        return [group["lr"] for group in self.optimizer.groups]

    @property
    def last_epoch(self) -> int:
        """The number of steps, under PyTorch's name."""
        return self.t

    # ---------------------------------------------------------------- its state

    def state_dict(self) -> dict[str, Any]:
        """What it needs to continue; functions that it was given are not among it."""
        return copy.deepcopy(self._own_state())

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state_dict`, at its learning rates.

        Raises ValueError if it belongs to another kind of schedule, one of other settings or
        another number of groups, or gives no learning rate; nothing is changed then.
        """
        self._restore(self._checked(state))
        self._set_rates(self.rates)
        self._set_momentum()

    def _own_state(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k not in self._unsaved}

    def _restore(self, state: dict[str, Any]) -> None:
        vars(self).update(state)

    def _checked(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """A copy of a state.  Raises ValueError for one that this schedule cannot have."""
        own = self._own_state()
        if set(state) != set(own):
            raise ValueError(
                f"the state is another schedule's: it has {', '.join(state)}, "
                f"{type(self).__name__} has {', '.join(own)}"
            )
        given: dict[str, Any] = like(own, dict(state))
        for name in ("starts", "rates"):
            if len(given[name]) != len(own[name]):
                raise ValueError(
                    f"the state is of {len(given[name])} parameter groups, "
                    f"this optimizer has {len(own[name])}"
                )
        for name in own.keys() & inspect.signature(type(self)).parameters:
            if not np.array_equal(given[name], own[name]):
                raise ValueError(
                    f"the state is of a schedule with {name}={given[name]}, this one has "
                    f"{own[name]}; make it as it was when it was saved"
                )
        self._check_progress(given)
        return given

    def _check_progress(self, state: dict[str, Any]) -> None:
        """Raise ValueError unless a state, of the right kinds, gives learning rates."""
        t = state["t"] = integer("t", state["t"], 0)
        if nan := [k for k, v in state.items() if isinstance(v, float) and math.isnan(v)]:
            raise ValueError(f"{nan[0]} is no number")
        trial = copy.copy(self)
        vars(trial).update(state)
        try:
            for rate in (*state["starts"], *state["rates"], *trial.rates_at(t)):
                not_negative("lr", rate)
        except ArithmeticError as error:
            raise ValueError(f"there is no learning rate after {t} steps") from error


def each_group(
    optimizer: Any, name: str, value: T | Sequence[T], check: Callable[[str, Any], Any]
) -> list[T]:
    """The value of every group: the same for all, or those of a list.

    Raises ValueError for a list of another length, and what `check` raises for a value.
    """
    groups = len(getattr(optimizer, "groups", [None]))  # what is no optimizer is refused later
    values: list[Any] = list(value) if isinstance(value, (list, tuple)) else [value] * groups
    if len(values) != groups:
        raise ValueError(f"{name} has {len(values)} values, for {groups} groups of the optimizer")
    for each in values:
        check(name, each)
    return values
