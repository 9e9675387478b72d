"""Elements that are not selected get gradient 0: 0 · ∞ behind `where` is 0 and not NaN.

`np.where(x > 0, np.sqrt(x), 0)` has slope 0 at x = 0: the gradient that comes to the square root
there is 0, and its slope is infinite. The sweep calls `zero_unreached` behind ops that select, and
only there: a NaN that no selection left out stays a NaN. It is not done in a VJP, because a guard
inside one would cut its second derivative.
"""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

import numpy as np

from .precision import sum_of_squares


def zero_unreached(part: Any, g: Any, node: Any, vjp: Any, kept: Any) -> Any:
    """`part`, what a VJP made of `g`, with 0 for non-finite entries that `g` does not reach.

    What `g` reaches, the op declares: in an `elementwise` op its own position, in one that works
    `along` axes all of them, and in a sum of `products` what a factor other than 0 is met by.
    """
    op = node.op
    if not (op.elementwise or op.along or op.products) or _is_finite(part):
        return part
    if op.products:
        return _zero_unreached_products(part, g, op, vjp, list(kept))
    axis = node.statics[op.statics.index("axis")] if op.along == "axis" else op.along
    if op.along and op.outputs > 1:
        return _without_unreached_lines(g, axis, vjp, kept)
    reached = _reached(g) if op.outputs > 1 else g != 0
    if op.along:
        reached = _spread(reached, axis, part.ndim)
    return _where(np.isfinite(part) | reached, part)


def mark(part: Any, start: int, guarded: type) -> None:
    """Let what was recorded since `start` to compute `part` be guarded in its own derivative too.

    Its nodes get the class `guarded`.
    """
    parts = part if isinstance(part, tuple) else (part,)
    frontier = [getattr(each, "node", None) for each in parts]
    while frontier:
        node = frontier.pop()
        if node is not None and node.edges and node.birth > start and not node.guarded:
            node.__class__ = guarded
            frontier.extend(edge.source for edge in node.edges)


def _is_finite(part: Any) -> bool:
    if type(part) is np.ndarray and math.isfinite(sum_of_squares(part)):  # if no overflow
        return True
    return bool(np.isfinite(part).all())


def _where(condition: Any, part: Any) -> Any:
    return np.where(condition, part, np.zeros((), part.dtype))


def _reached(gradients: Any) -> Any:
    """Where the gradient of any output is not 0."""
    return functools.reduce(operator.or_, [g != 0 for g in gradients])


def _spread(reached: Any, axis: Any, ndim: int) -> Any:
    """Where any of a line along the axis is reached; a reduced axis is put back."""
    if axis is None:
        return reached.any()
    if reached.ndim < ndim:
        return np.expand_dims(reached, axis)
    return reached.any(axis=tuple(axis) if isinstance(axis, list) else axis, keepdims=True)


def _without_unreached_lines(g: Any, axis: Any, vjp: Any, kept: Any) -> Any:
    """What a VJP makes of the gradients of several outputs, if it reads 1 in lines out of reach."""
    lines = [_spread(each != 0, axis, g[0].ndim) for each in g]
    reached = functools.reduce(np.logical_or, lines)

    def read(value: Any) -> Any:
        if type(value) is tuple:
            return tuple(map(read, value))
        shape = getattr(value, "shape", None)
        if shape is None or len(shape) != reached.ndim:
            return value
        fits = np.broadcast_shapes(shape, reached.shape) == shape
        return np.where(reached, value, np.ones((), value.dtype)) if fits else value

    return vjp.function(tuple(g), *map(read, kept))


def _zero_unreached_products(part: Any, g: Any, op: Any, vjp: Any, kept: list[Any]) -> Any:
    """The same for a VJP that is a sum of products, Σ g x y: its terms 0 · ∞ count as 0.

    Run on masks of 0 and 1, the VJP tells which of its elements a non-finite factor takes part in;
    the others are computed from the finite values alone.
    """
    dtype = part.dtype
    factors = _factors(op, vjp, kept)

    def run(upstream: Any, values: list[Any]) -> Any:
        arguments = [list(v) if type(v) is list else v for v in kept]
        for (i, j), value in zip(factors, values, strict=True):
            if j is None:
                arguments[i] = value
            else:
                arguments[i][j] = value
        return vjp.function(upstream, *arguments)

    given = [kept[i] if j is None else kept[i][j] for i, j in factors]
    ones = [np.ones(np.shape(value), dtype) for value in given]
    touched = run(np.asarray(~np.isfinite(g), dtype), ones) != 0
    for k, value in enumerate(given):
        infinite = np.asarray(~np.isfinite(value), dtype)
        if infinite.any():
            masks = [*ones[:k], infinite, *ones[k + 1 :]]
            touched = touched | (run(np.asarray(g != 0, dtype), masks) != 0)
    return np.where(touched, part, run(_finite(g), [_finite(value) for value in given]))


def _factors(op: Any, vjp: Any, kept: list[Any]) -> list[tuple[int, int | None]]:
    """Where the factors stand among the kept values: index, and index in a list, or None."""
    operands = [i for i, slot in enumerate(vjp.slots) if op.is_operand(slot)]
    if not op.sequence:
        return [(i, None) for i in operands]
    own = kept[vjp.reads.index("position")]  # of this argument, the VJP reads nothing
    return [(i, j) for i in operands for j in range(len(kept[i])) if j != own]


def _finite(value: Any) -> Any:
    finite = np.isfinite(value)
    return value if np.all(finite) else np.where(finite, value, np.zeros((), value.dtype))
