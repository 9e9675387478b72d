"""Reductions of some elements only: NumPy's `where` and `initial`, composed of other ops.

A mask selects, so that nothing comes back from what it leaves out; a reduction itself does not.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..declare import as_operand
from ..errors import located
from ..methods import Methods
from ..registry import OPS
from .selections import where
from .shape import cast_like

__all__: list[str] = []


def with_keywords(composed: Callable[..., Any], **defaults: Any) -> Callable[..., Any]:
    """Decorator of a reduction, for NumPy's rarer keywords: with one of them it is `composed`.

    That is called with the reduction, its arguments in order, and the keywords.
    """
    composed = located(composed)

    def decorate(call: Any) -> Any:
        @functools.wraps(call)
        def reduction(*args: Any, **kwargs: Any) -> Any:
            if not kwargs or defaults.keys().isdisjoint(kwargs):
                return call(*args, **kwargs)
            rare = {name: kwargs.pop(name, default) for name, default in defaults.items()}
            return composed(call, *call.op.bind(args, kwargs), **rare)

        reduction.keywords = defaults  # type: ignore[attr-defined]
        OPS[call.op.numpy_function] = reduction
        setattr(Methods, call.op.name, reduction)
        return reduction

    return decorate


def only_where(mask: Any, a: Any, fill: float) -> Any:
    """`a` where the mask holds, which must broadcast to its shape, else a number."""
    if mask is True:
        return a
    return where(np.broadcast_to(np.asarray(mask, bool), a.shape), a, np.asarray(fill, a.dtype))


def accumulation(neutral: int, combine: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """Decorator: `where` is a mask of the elements that count, and `initial` counts as well."""

    def composed(
        call: Any, a: Any, axis: Any, dtype: Any, keepdims: bool, where: Any, initial: Any
    ) -> Any:
        y = call(only_where(where, as_operand(a), neutral), axis, dtype, keepdims)
        return y if initial is None else combine(y, cast_like(as_operand(initial), y))

    return with_keywords(composed, where=True, initial=None)


def extremum(neutral: float, combine: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """Decorator: the same for an extremum, which is `initial` where there are no elements."""

    def composed(call: Any, a: Any, axis: Any, keepdims: bool, where: Any, initial: Any) -> Any:
        a = as_operand(a)
        if initial is None:
            if where is True:
                return call(a, axis, keepdims)
            raise ValueError(f"{call.op.name}: with a mask, where=, there must also be an initial=")
        a = only_where(where, a, neutral if a.dtype.kind == "f" else initial)
        if not a.size:
            return a.sum(axis, keepdims=keepdims) + cast_like(as_operand(initial), a)
        y = call(a, axis, keepdims)
        return combine(y, cast_like(as_operand(initial), y))

    return with_keywords(composed, where=True, initial=None)


def mean_where(call: Any, a: Any, axis: Any, dtype: Any, keepdims: bool, where: Any) -> Any:
    """The mean of the elements that count."""
    a = as_operand(a)
    half = dtype is None and a.dtype == np.float16  # summed in float32, as in NumPy
    counted = only_where(where, a, 0)
    total = counted.sum(axis, np.float32 if half else dtype, keepdims=keepdims)
    y = total / np.sum(np.broadcast_to(where, a.shape), axis, total.dtype, keepdims=keepdims)
    return cast_like(y, a) if half else y
