"""What is said of numbers, choices and names that cannot be, and of packages that are missing."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any

__all__ = ["choice", "integer", "not_negative", "required", "several_values", "unknown_name"]


def integer(name: str, value: Any, least: int = 1, kind: Any = Real) -> int:
    """`value` as an int; use what this returns, since 3.0 counts as 3.

    Raises ValueError unless it is an integer of at least `least`.

    >>> integer("epochs", 3.0)
    3
    """
    if isinstance(value, bool) or not isinstance(value, kind) or value % 1 or not value >= least:
        wanted = "a positive integer" if least == 1 else f"an integer of at least {least}"
        raise ValueError(f"{name} must be {wanted}, not {value!r}")
    return int(value)


def not_negative(name: str, value: Any) -> Any:
    """`value` itself.  Raises ValueError for a number below 0 or NaN."""
    if not value >= 0:
        raise ValueError(f"{name} must not be negative, and is {value}")
    return value


def choice(name: str, value: Any, choices: Sequence[Any]) -> Any:
    """`value` itself.  Raises ValueError unless it is one of the choices.

    >>> choice("mode", "min", ("min", "max"))
    'min'
    """
    if value not in choices:
        listed = f"{', '.join(map(repr, choices[:-1]))} or {choices[-1]!r}"
        raise ValueError(f"{name} is {listed}, not {value!r}")
    return value


def unknown_name(kind: str, name: object, names: Iterable[str]) -> ValueError:
    """The error for a name that is none of `names`, with the nearest one.

    >>> print(unknown_name("fruit", "Aple", ["apple", "pear"]))
    unknown fruit 'Aple'; did you mean 'apple'? There are apple, pear
    """
    names = list(names)
    near = difflib.get_close_matches(str(name).lower(), names, 1)
    meant = f"; did you mean {near[0]!r}? There are" if near else "; there are"
    return ValueError(f"unknown {kind} {name!r}{meant} {', '.join(names)}")


def several_values(what: str) -> str:
    """How a message about a tuple begins that was given where one Tensor is needed."""
    return (
        f"{what} was given several values, such as the (output, state) of a recurrent layer or of "
        "attention"
    )


def required(module: str, opening: str, package: str) -> Any:
    """An optional module.  Raises ModuleNotFoundError with the install line if it is missing."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        name = module.split(".")[0]
        raise ModuleNotFoundError(f"{opening} {name}: pip install {package}") from None
