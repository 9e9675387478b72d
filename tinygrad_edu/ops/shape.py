"""Derivatives of the functions that rearrange elements: the gradient goes the same way back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..op import Array, op
from .index import scatter

# -------------------------------------------------------------------- the shape


def _reshape_vjp(g: Any, like: Any, order: str) -> Any:
    return g.reshape(like) if order == "C" else reshape(g, like, order)


@op(np.reshape, _reshape_vjp, method=False)
def reshape(a: Array, shape: Any, order: str = "C") -> Array:
    """The elements in another shape.  y = x in shape,  ∂L/∂x = g in the shape of x"""
    if order not in ("C", "F"):
        raise ValueError(f"order is 'C' (rows first) or 'F' (columns first), not {order!r}")
    return a.reshape(shape, order=order)  # type: ignore[call-overload]


@op(np.squeeze, lambda g, like: g.reshape(like))
def squeeze(a: Array, axis: Any = None) -> Array:
    """Axes of size 1 removed.  y = x,  ∂L/∂x = g in the shape of x"""
    return a.squeeze(axis)


@op(np.expand_dims, lambda g, like: g.reshape(like))
def expand_dims(a: Array, axis: Any) -> Array:
    """An axis of size 1 inserted.  y = x,  ∂L/∂x = g in the shape of x"""
    return np.expand_dims(a, axis)


@op(np.broadcast_to, lambda g: g)
def broadcast_to(array: Array, shape: Any) -> Array:
    """Repeated along new or stretched axes.  y = x,  ∂L/∂x = Σ g over them"""
    return np.broadcast_to(array, shape)


@op(np.copy, lambda g: g)
def copy(a: Array) -> Array:
    """A copy.  y = x,  ∂L/∂x = g"""
    return a.copy()


@op(None, lambda g: g, method=False)
def cast(a: Array, dtype: Any) -> Array:
    """Another floating type.  y = x,  ∂L/∂x = g"""
    return a.astype(dtype)


# -------------------------------------------------------------------- the order


@op(np.transpose, lambda g, axes: g.transpose(_inverse(axes)), method=False)
def transpose(a: Array, axes: Any = None) -> Array:
    """The axes in another order, reversed if none is given.  y = xᵀ,  ∂L/∂x = gᵀ"""
    return a.transpose(axes)


def _inverse(axes: Any) -> Any:
    return None if axes is None else [int(i) for i in np.argsort(np.asarray(axes) % len(axes))]


@op(np.swapaxes, lambda g, axis1, axis2: g.swapaxes(axis1, axis2))
def swapaxes(a: Array, axis1: int, axis2: int) -> Array:
    """Two axes exchanged.  y = x with i ↔ j,  ∂L/∂x = g with i ↔ j"""
    return a.swapaxes(axis1, axis2)


@op(np.moveaxis, lambda g, source, destination: np.moveaxis(g, destination, source))
def moveaxis(a: Array, source: Any, destination: Any) -> Array:
    """Axes at other positions.  y = x with i → j,  ∂L/∂x = g with j → i"""
    return np.moveaxis(a, source, destination)


@op(np.flip, lambda g, axis: np.flip(g, axis))
def flip(m: Array, axis: Any = None) -> Array:
    """Reversed along the axes.  y[i] = x[n - 1 - i],  ∂L/∂x = g reversed"""
    return np.flip(m, axis)


@op(np.rot90, lambda g, k, axes: np.rot90(g, -k, axes))
def rot90(m: Array, k: int = 1, axes: Any = (0, 1)) -> Array:
    """Turned by k right angles in the plane of two axes.  y = x turned,  ∂L/∂x = g turned back"""
    return np.rot90(m, k, axes)


@op(np.roll, lambda g, shift, axis: np.roll(g, np.negative(shift), axis))
def roll(a: Array, shift: Any, axis: Any = None) -> Array:
    """Shifted along the axes, in a circle.  y[i + k] = x[i],  ∂L/∂x = g shifted by -k"""
    return np.roll(a, shift, axis)


@op(np.tril, lambda g, k: np.tril(g, k), selects=True)
def tril(m: Array, k: int = 0) -> Array:
    """Lower triangle of matrices.  y = x on and below the k-th diagonal,  ∂L/∂x = g there"""
    return np.tril(m, k)


@op(np.triu, lambda g, k: np.triu(g, k), selects=True)
def triu(m: Array, k: int = 0) -> Array:
    """Upper triangle of matrices.  y = x on and above the k-th diagonal,  ∂L/∂x = g there"""
    return np.triu(m, k)


# -------------------------------------------------------------------- joining


def _part(g: Any, position: int, likes: list[tuple[int, ...]], axis: int) -> Any:
    """The piece of `g` that belongs to the argument at `position`."""
    if axis is None:
        start = sum(math.prod(shape) for shape in likes[:position])
        return g[start : start + math.prod(likes[position])].reshape(likes[position])
    start = sum(shape[axis] for shape in likes[:position])
    return g[(slice(None),) * (axis % g.ndim) + (slice(start, start + likes[position][axis]),)]


@op(np.concatenate, _part, sequence=True, method=False)
def concatenate(arrays: Any, axis: int = 0) -> Array:
    """Joined along an axis.  y = [x₁ x₂ ...],  ∂L/∂xᵢ = its piece of g"""
    return np.concatenate(arrays, axis)


@op(
    np.stack,
    lambda g, position, axis: g[(slice(None),) * (axis % g.ndim) + (position,)],
    sequence=True,
    method=False,
)
def stack(arrays: Any, axis: int = 0) -> Array:
    """Joined along a new axis.  y[i] = xᵢ,  ∂L/∂xᵢ = g[i]"""
    return np.stack(arrays, axis)


# -------------------------------------------------------------------- repeating


def _repeat_vjp(g: Any, like: Any, repeats: Any, axis: int | None) -> Any:
    shape = (math.prod(like),) if axis is None else like or (1,)
    axis = (axis or 0) % len(shape)
    before, after = shape[:axis], shape[axis + 1 :]
    if np.size(repeats) == 1:
        g = g.reshape((*before, shape[axis], int(np.ravel(repeats)[0]), *after)).sum(axis + 1)
    else:
        index = np.repeat(np.arange(shape[axis]), repeats)
        g = scatter(g, (slice(None),) * axis + (index,), shape)
    return g.reshape(like)


@op(np.repeat, _repeat_vjp)
def repeat(a: Array, repeats: Any, axis: int | None = None) -> Array:
    """Each element several times in a row.  y = x₁ x₁ x₂ x₂ ...,  ∂L/∂xᵢ = Σ g over its copies"""
    return np.repeat(a, repeats, axis)


@op(np.pad, lambda g, pad_width, mode: unpad(g, pad_width, mode), method=False)
def pad(array: Array, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Array:
    """Longer at the ends of its axes, by a constant or by copies of x.

    y = x with a border,  ∂L/∂xᵢ = Σ g over xᵢ and its copies;  the modes are constant, edge,
    reflect, symmetric and wrap
    """
    if mode not in ("constant", "edge", "reflect", "symmetric", "wrap"):
        raise ValueError(
            f"mode {mode!r} has no derivative here; it can be constant, edge, reflect, symmetric "
            "or wrap"
        )
    if constant_values is None:
        return np.pad(array, pad_width, mode)  # type: ignore[call-overload]
    return np.pad(array, pad_width, mode, constant_values=constant_values)  # type: ignore[call-overload]


@op(None, lambda g, pad_width, mode: pad(g, pad_width, mode), method=False)
def unpad(a: Array, pad_width: Any, mode: str = "constant") -> Array:
    """The border that `pad` made, added back to what it copied.

    yᵢ = Σ x over the copies of i,  ∂L/∂x = g padded
    """
    given = a
    for axis, (before, after) in enumerate(_widths(pad_width, a.ndim)):
        length = a.shape[axis] - before - after
        rows = np.moveaxis(a, axis, 0)
        inner = rows[before : before + length]
        if mode != "constant" and before + after:
            origin = np.pad(np.arange(length), (before, after), mode)  # type: ignore[call-overload]
            inner = inner.copy("K") if np.may_share_memory(inner, given) else inner
            for end in slice(before), slice(before + length, None):
                np.add.at(inner, origin[end], rows[end])
        a = np.moveaxis(inner, 0, axis)
    return a


def _widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    """The border before and after, axis by axis, of any form that np.pad takes."""
    if isinstance(pad_width, dict):
        widths = np.zeros((ndim, 2), int)
        for axis, width in pad_width.items():
            widths[axis] = width
        pad_width = widths
    pad_width = np.asarray(pad_width)
    if pad_width.size == 1:
        pad_width = pad_width.ravel()
    return [(int(a), int(b)) for a, b in np.broadcast_to(pad_width, (ndim, 2))]
