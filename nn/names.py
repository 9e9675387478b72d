"""What is said of names that do not exist, numbers that cannot be, and too many values."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from numbers import Real
from typing import Any


def unknown(kind: str, name: object, names: Iterable[str]) -> ValueError:
    """The error for a name that is none of `names`, with the nearest one.

    >>> print(unknown("fruit", "Aple", ["apple", "pear"]))
    unknown fruit 'Aple'; did you mean 'apple'? There are apple, pear
    """
    names = list(names)
    near = difflib.get_close_matches(str(name).lower(), names, 1)
    meant = f"; did you mean {near[0]!r}? There are" if near else "; there are"
    return ValueError(f"unknown {kind} {name!r}{meant} {', '.join(names)}")


def whole(name: str, n: Any, kind: Any = Real) -> int:
    """n as an int.  Raises ValueError unless it is a whole number from 1 up, and of that kind.

    >>> whole("epochs", 3.0)
    3
    """
    if not isinstance(n, kind) or n != n // 1 or n < 1:
        raise ValueError(f"{name} must be a positive integer, not {n!r}")
    return int(n)


def several(what: str) -> str:
    """What is said of something that was given a tuple, and needs one Tensor."""
    return (
        f"{what} was given several values, such as the (output, state) of a recurrent layer or of "
        "attention"
    )
