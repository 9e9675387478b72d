"""Shapes, order, joining and repeating."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..ops.shape import _widths
from ..program.dyed import _converted
from .graph import Graph
from .table import Array, NoOperator, Out, Size, axes_of, only_integers, product, writes

__all__ = ["END", "START", "reversed_along"]

END, START = 2**63 - 1, -(2**63)
"""Beyond either end of an axis, as Slice wants it."""

# -------------------------------------------------------------------- the shape


@writes(ops.reshape)
def _reshape(out: Out, a: Array, shape: Any, order: str = "C") -> Array:
    if order == "C":
        return a.reshape(out.dims)
    backwards = a.transpose(range(a.ndim)[::-1]).reshape(out.dims[::-1])
    return backwards.transpose(range(len(out.dims))[::-1])


@writes(ops.squeeze, ops.expand_dims)
def _with_other_axes(out: Out, a: Array, axis: Any = None) -> Array:
    return a.reshape(out.dims)


@writes(ops.broadcast_to)
def _broadcast_to(out: Out, array: Array, shape: Any) -> Array:
    return array.expand(out.dims)


@writes(ops.copy)
def _copy(out: Out, a: Array) -> Array:
    return a


@writes(ops.cast, _converted)
def _cast(out: Out, a: Array, dtype: Any) -> Array:
    return a.cast(out.dtype)


# -------------------------------------------------------------------- the order


@writes(ops.transpose)
def _transpose(out: Out, a: Array, axes: Any = None) -> Array:
    return a.transpose(range(a.ndim)[::-1] if axes is None else axes)


@writes(ops.swapaxes)
def _swapaxes(out: Out, a: Array, axis1: int, axis2: int) -> Array:
    return a.transpose(_swapped(a, axis1, axis2))


def _swapped(a: Array, i: int, j: int) -> list[int]:
    order = list(range(a.ndim))
    order[i], order[j] = order[j], order[i]
    return order


@writes(ops.moveaxis)
def _moveaxis(out: Out, a: Array, source: Any, destination: Any) -> Array:
    numbered = np.broadcast_to(0, range(1, a.ndim + 1))  # whose sizes tell its axes apart
    return a.transpose(n - 1 for n in np.moveaxis(numbered, source, destination).shape)


def reversed_along(a: Array, axes: Any) -> Array:
    """The array backwards along some axes."""
    n = len(axes)
    return a.slice([-1] * n, [START] * n, axes, [-1] * n).of(a.dims) if n else a


@writes(ops.flip)
def _flip(out: Out, m: Array, axis: Any = None) -> Array:
    return reversed_along(m, axes_of(axis, m.ndim))


@writes(ops.rot90)
def _rot90(out: Out, m: Array, k: int = 1, axes: Any = (0, 1)) -> Array:
    first, second = axes_of(axes, m.ndim)
    turned = {0: (), 1: (second,), 2: (first, second), 3: (first,)}[k % 4]
    y = reversed_along(m, turned)
    return y.transpose(_swapped(y, first, second)) if k % 2 else y


@writes(ops.roll)
def _roll(out: Out, a: Array, shift: Any, axis: Any = None) -> Array:
    if axis is None:
        a, axis = a.reshape((product(a.dims),)), 0
    shifts, axes = np.broadcast_arrays(np.atleast_1d(shift), axes_of(axis, a.ndim))
    for by, along in zip(shifts.tolist(), axes.tolist(), strict=True):
        start = [_first(a.graph, a.dims[along], by)]
        parts = [a.slice(start, [END], [along], [1]), a.slice([0], start, [along], [1])]
        a = parts[0].node("Concat", parts[1], axis=along).of(a.dims)
    return a.reshape(out.dims)


def _first(graph: Graph, n: int | Size, shift: int) -> Any:
    """Which of n elements comes first when they are rolled."""
    if isinstance(n, int):
        return n - shift % (n or 1)
    length = graph.size(n)
    return length - graph.constant(shift, np.int64).pointwise("Mod", length)


def _triangle(upper: int) -> Any:
    def write(out: Out, m: Array, k: int = 0) -> Any:
        at = out.graph.constant(k, np.int64)
        return m.expand(out.dims).node("Trilu", at, upper=upper)  # a vector is each row

    return write


for _op, _upper in ((ops.tril, 0), (ops.triu, 1)):
    writes(_op)(_triangle(_upper))


# -------------------------------------------------------------------- joining


@writes(ops.concatenate)
def _concatenate(out: Out, arrays: list[Any], axis: Any = 0, *options: Any) -> Any:
    parts = list(map(out.like, arrays))
    if axis is None:
        parts, axis = [part.reshape((product(part.dims),)) for part in parts], 0
    return parts[0].node("Concat", *parts[1:], axis=axis % len(out.dims))


@writes(ops.stack)
def _stack(out: Out, arrays: list[Any], axis: int = 0, *options: Any) -> Any:
    axis = axis % len(out.dims)
    parts = [out.like(part).unsqueeze(axis) for part in arrays]
    return parts[0].node("Concat", *parts[1:], axis=axis)


# -------------------------------------------------------------------- repeating


@writes(ops.repeat)
def _repeat(out: Out, a: Array, repeats: Any, axis: int | None = None) -> Array:
    if axis is None:
        a, axis = a.reshape((product(a.dims),)), 0
    axis = axis % a.ndim
    times, length = getattr(repeats, "value", repeats), a.dims[axis]
    if isinstance(length, Size) and np.size(times) == 1:
        wide = (*a.dims[: axis + 1], int(np.ravel(times)[0]), *a.dims[axis + 1 :])
        return a.unsqueeze(axis + 1).expand(wide).reshape(out.dims)
    (length,) = only_integers((length,), "the axis that is repeated")
    rows = a.graph.constant(np.repeat(np.arange(length), times), np.int64)
    return a.node("Gather", rows, axis=axis)  # type: ignore[no-any-return]


@writes(ops.pad)
def _pad(
    out: Out, array: Array, pad_width: Any, mode: str = "constant", constant_values: Any = None
) -> Any:
    widths = _widths(pad_width, array.ndim)
    if mode == "symmetric" or (mode in ("reflect", "wrap") and _wide(array, widths)):
        return _repeated(array, widths, mode)  # which Pad does not have
    fill = None
    if constant_values is not None:
        if np.ndim(constant_values):
            raise NoOperator("Pad fills every border with one number; pad axis by axis")
        fill = out.graph.constant(constant_values, array.dtype)
    pads = array.graph.vector([*(a for a, _ in widths), *(b for _, b in widths)])
    return array.node("Pad", pads, fill, mode=mode)


def _wide(a: Array, widths: list[tuple[int, int]]) -> bool:
    """Whether a border is as wide as its axis, or wider."""
    pairs = zip(a.dims, widths, strict=True)
    return any(isinstance(n, int) and max(width) >= n for n, width in pairs)


def _repeated(a: Array, widths: list[tuple[int, int]], mode: Any) -> Array:
    """With a border of elements of the array, axis after axis."""
    for axis, width in enumerate(widths):
        if any(width):
            (n,) = only_integers(a.dims[axis : axis + 1], "an axis with such a border")
            rows = a.graph.constant(np.pad(np.arange(n), width, mode), np.int64)
            dims = (*a.dims[:axis], *rows.dims, *a.dims[axis + 1 :])
            a = a.node("Gather", rows, axis=axis).of(dims)
    return a
