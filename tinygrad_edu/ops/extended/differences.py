"""Differences and sums along an axis: finite differences, gradients on a grid, integrals."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ...declare import as_operand, composed
from ...tensor import Tensor
from ..joining import concatenate
from ..reduce import cumprod, cumsum
from ..shape import cast_like

__all__ = [
    "cumulative_prod", "cumulative_sum", "diff", "ediff1d", "gradient", "trapezoid", "unwrap",
]  # fmt: skip


def _along(axis: int, ndim: int, start: int | None, stop: int | None) -> tuple[slice, ...]:
    """The index of a slice along one axis."""
    return (*[slice(None)] * (axis % ndim), slice(start, stop))


@composed(np.diff, method=False)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """Differences of elements that follow each other along an axis, n times.

    `prepend` and `append`, numbers or arrays, are joined to the ends before.
    """
    a = as_operand(a)
    if n < 0:
        raise ValueError(f"diff: the order n must be 0 or more, not {n}")
    if not a.ndim:
        raise ValueError("diff: needs at least one axis, and was given a scalar")
    axis = normalize_axis_index(axis, a.ndim)
    if n == 0:
        return a
    one = tuple(1 if i == axis else size for i, size in enumerate(a.shape))
    ends = [x if x is None else as_operand(x) for x in (prepend, append)]
    ends = [np.broadcast_to(x, one) if x is not None and not x.ndim else x for x in ends]
    parts = [x for x in (ends[0], a, ends[1]) if x is not None]
    a = concatenate(parts, axis) if len(parts) > 1 else a
    subtract = np.not_equal if a.dtype == np.bool else np.subtract
    later, earlier = _along(axis, a.ndim, 1, None), _along(axis, a.ndim, None, -1)
    for _ in range(n):
        a = subtract(a[later], a[earlier])
    return a


@composed(np.ediff1d, method=False)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """Differences of all elements that follow each other, row by row, between given ends."""
    flat = as_operand(ary).reshape(-1)
    parts = [flat[1:] - flat[:-1]]
    for name, end in (("to_begin", to_begin), ("to_end", to_end)):
        if end is not None:
            end = as_operand(end).reshape(-1)
            if not np.can_cast(end.dtype, flat.dtype, "same_kind"):
                raise TypeError(
                    f"ediff1d: `{name}` of dtype {end.dtype} does not fit into ary, "
                    f"which has dtype {flat.dtype}; write ary.astype({end.dtype})"
                )
            parts.insert(0 if name == "to_begin" else len(parts), cast_like(end, flat))
    return concatenate(parts) if len(parts) > 1 else parts[0]


@composed(np.trapezoid, method=False)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """Integral by the trapezoidal rule, at points `x` or at equal distances `dx`.
    z = Σ (yᵢ + yᵢ₊₁) (xᵢ₊₁ - xᵢ) / 2"""
    y = as_operand(y)
    axis = normalize_axis_index(axis, y.ndim)
    d = dx
    if x is not None:
        x = as_operand(x)
        d = diff(x, axis=axis if x.ndim != 1 else 0)
        if x.ndim == 1:
            d = d.reshape([-1 if i == axis else 1 for i in range(y.ndim)])
    later, earlier = _along(axis, y.ndim, 1, None), _along(axis, y.ndim, None, -1)
    return (d * (y[later] + y[earlier]) / 2.0).sum(axis)


@composed(np.unwrap, method=False)
def unwrap(p: Tensor, discont: Any = None, axis: int = -1, *, period: float = 2 * np.pi) -> Tensor:
    """Angles without jumps of more than half a period: multiples of the period are added."""
    jumps = np.unwrap(p.data, discont, axis, period=period) - p.data
    return p + jumps


# -------------------------------------------------------------------- gradients on a grid


@composed(np.gradient, method=False)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Slopes along each axis: central differences inside, one-sided ones at the ends.

    `varargs` are one spacing for all axes, or one for each: a distance, or the coordinates of the
    points.  Returns an array for one axis, else a tuple.
    """
    f = as_operand(f)
    axes = normalize_axis_tuple(range(f.ndim) if axis is None else axis, f.ndim)
    if f.dtype.kind != "f":
        f = f.astype(np.float64)
    if edge_order not in (1, 2):
        raise ValueError(f"gradient: edge_order is 1 or 2, not {edge_order}")
    spacings = _spacings(f, varargs, axes)
    slopes = tuple(
        cast_like(_slopes(f, d, axis, edge_order), f)
        for d, axis in zip(spacings, axes, strict=True)
    )
    return slopes[0] if len(slopes) == 1 else slopes


def _spacings(f: Any, varargs: tuple[Any, ...], axes: tuple[int, ...]) -> list[Any]:
    """For each axis a distance, or an array of the distances along it."""
    given = list(varargs or (1.0,))
    if len(given) == 1 and not np.ndim(given[0]):
        given *= len(axes)
    if len(given) != len(axes):
        raise TypeError(
            f"gradient: {len(varargs)} spacings for {len(axes)} axes; give one, or one for each"
        )
    return [_distances(f, x, axis) for x, axis in zip(given, axes, strict=True)]


def _distances(f: Any, spacing: Any, axis: int) -> Any:
    if not np.ndim(spacing):
        return spacing
    x = as_operand(spacing)
    if x.ndim > 1:
        raise ValueError(f"gradient: a spacing has one axis or none, not {x.ndim}")
    if len(x) != f.shape[axis]:
        raise ValueError(
            f"gradient: {len(x)} coordinates for axis {axis} of length {f.shape[axis]}"
        )
    x = x.astype(np.float64) if x.dtype.kind in "iu" else x
    return diff(x).reshape([-1 if i == axis else 1 for i in range(f.ndim)])


def _slopes(f: Any, d: Any, axis: int, edge_order: int) -> Any:
    """The differences along one axis, whose points are `d` apart."""
    if f.shape[axis] <= edge_order:
        raise ValueError(
            f"gradient: axis {axis} has {f.shape[axis]} elements, and at least {edge_order + 1} "
            "are needed"
        )

    def part(x: Any, start: int | None, stop: int | None) -> Any:
        return x[_along(axis, f.ndim, start, stop)]

    steps = (part(f, 1, None) - part(f, None, -1)) / d
    left, right = part(steps, None, 1), part(steps, -1, None)
    if not np.ndim(d):
        inner = (part(f, 2, None) - part(f, None, -2)) / (2 * d)
        share_left = share_right = 0.5
    else:
        before, after = part(d, None, -1), part(d, 1, None)
        weights = before / (before + after)
        inner = part(steps, None, -1) * (1 - weights) + part(steps, 1, None) * weights
        share_left, share_right = part(weights, None, 1), 1 - part(weights, -1, None)
    if edge_order == 2:  # the slopes at the ends of a parabola
        left = left + (left - part(steps, 1, 2)) * share_left
        right = right + (right - part(steps, -2, -1)) * share_right
    return concatenate([left, inner, right], axis)


# -------------------------------------------------------------------- running sums


@composed(getattr(np, "cumulative_sum", None), method=False)
def cumulative_sum(
    x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    """Running sum along an axis, with 0 before it if `include_initial`."""
    return _cumulative(cumsum, 0, x, axis, dtype, include_initial)


@composed(getattr(np, "cumulative_prod", None), method=False)
def cumulative_prod(
    x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    """Running product along an axis, with 1 before it if `include_initial`."""
    return _cumulative(cumprod, 1, x, axis, dtype, include_initial)


def _cumulative(
    running: Any, start: int, x: Any, axis: int | None, dtype: Any, include_initial: bool
) -> Any:
    x = np.atleast_1d(x)
    if axis is None:
        if x.ndim > 1:
            raise ValueError(f"an array of {x.ndim} axes is accumulated along one; give the axis")
        axis = 0
    y = running(x, axis, dtype)
    if not include_initial:
        return y
    one = [1 if i == axis % x.ndim else size for i, size in enumerate(x.shape)]
    return concatenate([np.full(one, start, y.dtype), y], axis)
