"""What the options of an optimizer may be."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from ..validation import boolean

__all__ = ["Check", "check_option", "fraction", "not_negative", "number", "positive", "tuple_of"]

T = TypeVar("T")
Check = Callable[[str, Any], Any]


def number(name: str, value: Any) -> Any:
    """`value` itself.  Raises TypeError or ValueError unless it is a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.floating, np.integer)):
        raise TypeError(f"{name} must be a number, not {value!r}")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, not {value}")
    return value


def not_negative(name: str, value: T) -> T:
    """`value` itself.  Raises TypeError or ValueError unless it is finite and at least 0."""
    if (isinstance(value, float) and not math.isfinite(value)) or number(name, value) < 0:
        raise ValueError(f"{name} must be at least 0 and finite, not {value}")
    return value


def positive(name: str, value: T) -> T:
    """`value` itself.  Raises TypeError or ValueError unless it is finite and more than 0."""
    if not_negative(name, value) == 0:
        raise ValueError(f"{name} must be more than 0")
    return value


def fraction(name: str, value: T) -> T:
    """`value` itself.  Raises TypeError or ValueError unless it is in [0, 1)."""
    if not 0 <= number(name, value) < 1:
        raise ValueError(f"{name} must be at least 0 and below 1, not {value}")
    return value


def tuple_of(length: int, check: Check, example: str) -> Check:
    """The check of an option that is several numbers, in a tuple or a list."""

    def check_each(name: str, values: Any) -> Any:
        if not isinstance(values, (tuple, list)) or len(values) != length:
            count = {2: "two", 3: "three"}[length]
            raise TypeError(f"{name} are {count} numbers, as in {example}, not {values!r}")
        return [check(f"{name}[{i}]", value) for i, value in enumerate(values)]

    return check_each


def _number_or_boolean(name: str, value: Any) -> Any:
    return value if isinstance(value, bool) else not_negative(name, value)


_CHECKS: dict[str, Check] = {
    "lr": not_negative,
    **dict.fromkeys(("momentum", "alpha", "rho"), fraction),
    "betas": tuple_of(2, fraction, "(0.9, 0.999)"),
    **dict.fromkeys(
        ("amsgrad", "centered", "decoupled_weight_decay", "maximize", "nesterov"), boolean
    ),
}


def check_option(name: str, value: Any, own: Mapping[str, Check] = _CHECKS) -> None:
    """Raise TypeError or ValueError for a value that an option cannot have.

    What neither an optimizer's `own` checks nor the common ones name is a number of at least 0.
    """
    check = own.get(name) or _CHECKS.get(name, _number_or_boolean)
    check(name, value)
