"""Numbers, arrays and names as text, for terminals."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import printable

__all__ = [
    "FACTOR",
    "IN_FULL",
    "RESULT",
    "Text",
    "array",
    "counted",
    "index",
    "printable",
    "scalar",
]

FACTOR, RESULT = 6, 4
"""Digits: with these, a reader's calculator agrees with what is printed in 97 of 100 lines."""
IN_FULL = 12
"""An array of so many values is written in full."""


class Text(str):
    """A string that shows itself as its text, so that a notebook cell or a shell prints it well."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def scalar(value: Any, digits: int = RESULT) -> str:
    """One number."""
    if isinstance(value, (bool, np.bool, int, np.integer)):
        return str(value)
    return f"{float(value):.{digits}g}"


def array(values: Any, digits: int = RESULT) -> str:
    """All the values if they are few; else the shape, the norm and the largest."""
    if isinstance(values, tuple):
        return f"({', '.join(array(each, digits) for each in values)})"
    values = np.asarray(values)
    if values.size > 1 and (values == values.flat[0]).all():
        return f"{scalar(values.flat[0], digits)} everywhere"
    if values.size <= IN_FULL:
        return _nested(values, digits)
    return f"{values.shape} {_outline(values)}"


def _nested(values: np.ndarray, digits: int) -> str:
    if not values.ndim:
        return scalar(values[()], digits)
    return f"[{', '.join(_nested(each, digits) for each in values)}]"


def _outline(values: np.ndarray) -> str:
    values = values.astype(float)
    bad = ~np.isfinite(values)
    if bad.any():
        return f"with {int(bad.sum())} not finite, the first at {index(_first(bad))}"
    norm = float(np.sqrt((values**2).sum()))
    largest = _first(abs(values) == abs(values).max())
    return f"of norm {norm:.4g}, largest {float(values[largest]):.4g} at {index(largest)}"


def _first(mask: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(mask)[0])


def index(position: tuple[int, ...]) -> str:
    """An element's position, as one writes it: [0, 2]; for a scalar nothing."""
    return f"[{', '.join(map(str, position))}]" if position else ""


def counted(n: int, noun: str) -> str:
    """ "1 op", "2 ops"."""
    return f"{n} {noun}{'s' * (n != 1)}"
