"""What all functions have: rules for their options, and errors that say where and in which one.

A rule takes all options of a call by name, and raises an error for one that is out of range.
`checked` applies the rules to calls, and a `FunctionModule` to the options it is made with.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from tinygrad_edu.errors import LOCATED, locate

from ..validation import choice, unknown_keyword
from ..validation import number as is_number

__all__ = ["REQUIRED", "Rule", "checked", "number", "one_of", "parameters"]

F = TypeVar("F", bound=Callable[..., Any])
Rule = Callable[[Mapping[str, Any]], Any]

REQUIRED: Any = object()
"""Stands for the default of a parameter that has none."""


def number(
    option: str, holds: Callable[[Any], bool], words: str, *, optional: bool = False
) -> Rule:
    """The rule that a condition holds; an optional number may be None."""

    def rule(options: Mapping[str, Any]) -> None:
        if optional and options[option] is None:
            return
        if not holds(is_number(option, options[option])):
            raise ValueError(f"{option} must be {words}, and is {options[option]}")

    return rule


def one_of(option: str, *choices: str) -> Rule:
    """The rule that an option is one of these strings."""

    def rule(options: Mapping[str, Any]) -> None:
        value = options[option]
        if type(value) is not str:
            raise TypeError(
                f"{option} is {' or '.join(map(repr, choices))}, not of type "
                f"{type(value).__name__}; all other options, such as weight=, are given by name"
            )
        choice(option, value, choices)

    return rule


def checked(*rules: Rule) -> Callable[[F], F]:
    """Decorator: errors say the function's name and the location, options given are checked."""

    def decorate(function: F) -> F:
        positional, by_name = parameters(function)
        name, known = function.__name__, [*positional, *by_name]
        inputs = sum(default is REQUIRED for default in positional.values())

        def wrapper(rules: tuple[Rule, ...]) -> Any:
            @functools.wraps(function)
            def call(*args: Any, **options: Any) -> Any:
                try:
                    if rules and (options or len(args) > inputs):
                        given = dict(zip(positional, args, strict=False)) | options
                        for rule in rules:
                            rule(positional | by_name | given)
                    return function(*args, **options)
                except LOCATED as error:
                    if unknown := [name for name in options if name not in known]:
                        raise locate(unknown_keyword(name, unknown[0], known)) from None
                    raise locate(error, name) from error.__cause__

            return call

        call = wrapper(rules)
        call.rules, call.unchecked = rules, wrapper(()) if rules else call
        return call  # type: ignore[no-any-return]

    return decorate


def parameters(function: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A function's parameters with their defaults: those given by position, those by name only.

    `inspect.signature` would double our import time.
    """
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    code = getattr(function, "__code__", None)  # ufuncs have none
    if code is None:
        return {}, {}
    n, defaults = code.co_argcount, function.__defaults__ or ()
    names, by_name = code.co_varnames[:n], code.co_varnames[n : n + code.co_kwonlyargcount]
    positional = dict.fromkeys(names, REQUIRED)
    positional |= dict(zip(names[n - len(defaults) :], defaults, strict=True))
    return positional, dict.fromkeys(by_name, REQUIRED) | (function.__kwdefaults__ or {})
