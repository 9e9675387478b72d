"""Who is told of what a thread computes; nothing is paid while nobody is.

`observe` and `trace` join while they are on. The places that tell are few: where an op is recorded,
where one fails, and in the sweep. Each tests `observers` first, which costs a few nanoseconds.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

observers: dict[int, list[Observer]] = {}
"""By thread, the innermost last; a thread without observers has no entry."""


class Observer:
    """What can be told. A subclass overrides what it wants to hear of.

    One that `traces` has every gradient computed by recorded operations.
    """

    traces = False

    def operation(self, op: Any, operands: Any, values: Any, out: Any, result: Any) -> None:
        """An op was called with a Tensor among its operands.

        `values` are what its forward was given and `out` what that returned; `result` is the
        Tensor made of it, or the tuple of them.
        """

    def followed(self, value: Any, tensor: Any) -> Any:
        """`tensor`, which was made anew for an array that an operation had read or returned."""
        return tensor

    def failed(self, op: Any, operands: Any, values: Any, error: Exception) -> None:
        """The forward of an op raised an error, given these values."""

    def undifferentiated(self, name: str, operands: Any, result: Any) -> None:
        """A function without a derivative, such as argmax or a comparison, returned an array."""

    def sweep_begins(self, order: Any, seeds: Any) -> None:
        """A backward pass begins, from `seeds` (node -> gradient) through the nodes of `order`."""

    def contribution(self, node: Any, edge: Any, g: Any, raw: Any, part: Any) -> None:
        """In a backward pass, a VJP made a gradient's contribution.

        `g` is the gradient of `node`, `raw` what the VJP returned and `part` what is added to the
        gradient of the edge's source: behind the guard, summed and cast to the argument's shape
        and dtype. None of them may be changed, and the sweep may add to `part` later.
        """

    def __enter__(self) -> Any:
        observers.setdefault(threading.get_ident(), []).append(self)
        return self

    def __exit__(self, *exc: object) -> None:
        thread = threading.get_ident()
        observers[thread].remove(self)
        if not observers[thread]:
            del observers[thread]


def tell(event: str, *facts: Any) -> bool:
    """Call the method named `event` of each observer of this thread; whether there is any."""
    listening = observers.get(threading.get_ident(), ())
    for observer in listening:
        getattr(observer, event)(*facts)
    return bool(listening)


def tracing() -> bool:
    """Whether an observer of this thread writes down all that is computed."""
    return any(each.traces for each in observers.get(threading.get_ident(), ()))


rehearsing: set[int] = set()
"""Threads in which a program is written from a trace, which computes with example values."""


def rehearsed(function: Function) -> Function:
    """Decorator: the thread is in `rehearsing` during a call."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        thread = threading.get_ident()
        if thread in rehearsing:
            return function(*args, **kwargs)
        rehearsing.add(thread)
        try:
            return function(*args, **kwargs)
        finally:
            rehearsing.discard(thread)

    return call  # type: ignore[return-value]


def followed(value: Any, tensor: Any) -> Any:
    """A Tensor made for an array that was met before, as the observers want it."""
    if observers:
        for each in observers.get(threading.get_ident(), ()):
            tensor = each.followed(value, tensor)
    return tensor


class unobserved:
    """Within the block the observers of this thread are told nothing."""

    def __enter__(self) -> None:
        self.listening = observers.pop(threading.get_ident(), None)

    def __exit__(self, *exc: object) -> None:
        if self.listening:
            observers[threading.get_ident()] = self.listening
