"""Validation of arguments, with messages that say what was expected, and optional packages."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterable, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tinygrad_edu import errors

from .habits import MEANT, OTHERWISE, TOGETHER

__all__ = [
    "TOO_DEEP", "KeywordsChecked", "boolean", "check_count", "check_keywords", "choice", "has_bias",
    "integer", "keywords_checked", "not_negative", "number", "required", "several_values",
    "unexpected", "unknown_keyword", "unknown_name",
]  # fmt: skip

Function = TypeVar("Function", bound=Callable[..., Any])


def integer(name: str, value: Any, least: int = 1) -> int:
    """`value` as an int; use what this returns, since 3.0 counts as 3.

    Raises ValueError unless it is an integer of at least `least`.

    >>> integer("epochs", 3.0)
    3
    """
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or value % 1 or not value >= least:
        kind = "a positive integer" if least == 1 else f"an integer of at least {least}"
        raise ValueError(f"{name} must be {kind}, not {value!r}")
    return int(value)


def number(name: str, value: Any) -> Any:
    """`value` itself, a real number.  Raises TypeError for anything else, True and False too."""
    if isinstance(value, (bool, np.bool)) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, not {value!r}")
    return value


def not_negative(name: str, value: Any) -> Any:
    """`value` itself.  Raises ValueError for a number below 0 or NaN, TypeError for no number."""
    if not number(name, value) >= 0:
        raise ValueError(f"{name} must not be negative, and is {value}")
    return value


def boolean(name: str, value: Any, hint: str = "") -> bool:
    """`value` itself, True or False.  Raises TypeError for anything else."""
    if value is True or value is False:
        return value
    if type(value).__name__ in ("bool", "bool_"):  # NumPy's
        return bool(value)
    raise TypeError(f"{name} must be True or False, not {value!r}{hint}")


def has_bias(owner: str, value: Any) -> bool:
    """`boolean` of a layer's option bias; a name or function there is meant as an activation."""
    hint = "; an activation is a layer of its own: nn.Sequential(nn.Dense(2, 3), nn.ReLU())"
    return boolean(f"{owner}: bias", value, "" if isinstance(value, (int, float)) else hint)


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
    import difflib

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


TOO_DEEP = (
    "modules are nested too deeply for Python's recursion limit, or a forward calls itself without "
    "end; put them side by side in one nn.Sequential, or raise the limit by sys.setrecursionlimit"
)


def required(module: str, opening: str, package: str) -> Any:
    """An optional module.  Raises ModuleNotFoundError with the install line if it is missing."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        name = module.split(".")[0]
        raise ModuleNotFoundError(f"{opening} {name}: pip install {package}") from None


# -------------------------------------------------------------------- keywords


def unknown_keyword(owner: str, given: str, names: Sequence[str]) -> TypeError:
    """The error for a keyword that is none of `names`, with the one that was probably meant.

    >>> print(unknown_keyword("SGD", "learning_rate", ["parameters", "lr"]))
    SGD has no argument learning_rate; did you mean lr? It takes parameters, lr
    """
    if given in OTHERWISE and not {*MEANT.get(given, ())} & {*names}:
        return TypeError(f"{owner} has no argument {given}: {OTHERWISE[given]}")
    return errors.unknown_keyword(owner, given, names, MEANT)


def unexpected(
    owner: str, function: Any, given: Iterable[str], options: Any = None
) -> TypeError | None:
    """The error for a keyword that a function does not have, `options` besides its own, if any."""
    code = _code(function)
    if code is None or (code.co_flags & 0x08 and options is None):  # it takes any
        return None
    names = [*code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount], *(options or ())]
    unknown = [name for name in given if name not in names]
    return unknown_keyword(owner, unknown[0], names) if unknown else None


def check_keywords(owner: str, function: Any, given: Iterable[str], options: Any = None) -> None:
    """Raise TypeError for a keyword that a function does not have, `options` besides its own."""
    error = unexpected(owner, function, given, options)
    if error is not None:
        raise error


def check_count(owner: str, function: Any, args: Sequence[Any], given: Iterable[str]) -> None:
    """Raise TypeError for arguments that a constructor lacks, or has only by name."""
    code = _code(function)
    if code is None or code.co_flags & 0x0C:  # it takes any
        return
    names = code.co_varnames[1 : code.co_argcount]
    by_name = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    if len(args) > len(names):
        rest = f"; by name it takes {', '.join(by_name)}" if by_name else ""
        raise TypeError(f"{owner}({', '.join(names)}) was given {len(args)} arguments{rest}")
    needed = names[: len(names) - len(getattr(function, "__defaults__", None) or ())]
    if missing := [name for name in needed[len(args) :] if name not in given]:
        raise TypeError(f"{owner}({', '.join(names)}) lacks {', '.join(missing)}")


def _code(function: Any) -> Any:
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return getattr(function, "__code__", None)


def keywords_checked(method: Function) -> Function:
    """Decorator: a method that says of an unknown keyword which one was probably meant.

    Of more positions than there are it says which arguments are given by name, and of one that is
    given twice that it is; both happen where inputs and targets are given as two.
    """
    code = method.__code__
    names = code.co_varnames[1 : code.co_argcount]
    by_name = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]

    @functools.wraps(method)
    def call(self: Any, *args: Any, **options: Any) -> Any:
        check_keywords(method.__name__, method, options)
        if len(args) > len(names):
            listed = f"; give by name {', '.join(by_name)}" if by_name else ""
            raise TypeError(f"{method.__name__} takes {', '.join(names)}{listed}; {TOGETHER}")
        for name in names[: len(args)]:
            if name in options:
                raise TypeError(f"{method.__name__} was given {name} twice; {TOGETHER}")
        return method(self, *args, **options)

    return call  # type: ignore[return-value]


class KeywordsChecked:
    """A class whose constructor says of wrong arguments which ones were probably meant."""

    if not TYPE_CHECKING:  # or type checkers would take any arguments

        def __new__(cls, *args: Any, **options: Any) -> Any:
            name, function = cls.__name__, cls.__init__
            if options:
                check_keywords(name, function, options, getattr(cls, "_options", None))
            if args or options:
                check_count(name, function, args, options)
            return super().__new__(cls)
