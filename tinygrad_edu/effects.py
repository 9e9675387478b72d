"""What a function does besides computing: draws at random, or remembers for the next call."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from .array_interface import data_of
from .observers import observers, rehearsing, tracing


def effect(function: Callable[..., Any], *args: Any, changes: tuple[Any, ...] = ()) -> Any:
    """Call `function(*args)` with arrays in place of Tensors; a program repeats the call.

    Ops compute from their arguments alone. A dropout mask or a running mean does not: called by way
    of `effect`, it is drawn or updated anew each time a traced function runs. `changes` are the
    arrays and generators that the call changes, so that tracing can put them back.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> effect(rng.normal, 0.0, 1.0, (2, 3), changes=(rng,)).shape
    (2, 3)
    """
    if observers:
        for observer in reversed(observers.get(threading.get_ident(), ())):
            if hasattr(observer, "effect"):
                return observer.effect(function, args, changes)
    return function(*data_of(args))


def is_tracing() -> bool:
    """Whether what this thread computes is only written down, as a program that will compute it.

    What exchanges values with other processes does so when the program runs, and not before.

    >>> is_tracing()
    False
    """
    return tracing() or threading.get_ident() in rehearsing


exchanging: set[Any] = set()
"""Ops that exchange values with other processes, and may be computed only once in each of them."""


def exchanges(call: Any) -> Any:
    """Decorator of an op that exchanges values with other processes.

    Where values are not finite, a compiled program computes again, more carefully. If only one
    process did so, its messages would meet those of later steps; so with such an op none does.
    Returns the op.

    >>> from tinygrad_edu import op
    >>> @exchanges
    ... @op(None, lambda g: g, method=False)
    ... def of_all(x):
    ...     '''What all processes have, added.
    ...     y = Σ x,  ∂L/∂x = g'''
    ...     return x  # where there is one process
    >>> of_all.op in exchanging
    True
    """
    exchanging.add(call.op)
    return call
