"""Derivatives of the functions that rearrange elements: the gradient goes the same way back."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import Array, op


@op(np.reshape, lambda g, like: g.reshape(like), method=False)
def reshape(a: Array, shape: Any) -> Array:
    """The elements in another shape.  y = x in shape,  ∂L/∂x = g in the shape of x"""
    return a.reshape(shape)


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


def _part(g: Any, position: int, likes: list[tuple[int, ...]], axis: int) -> Any:
    """The piece of `g` that belongs to the argument at `position`."""
    if axis is None:
        start = sum(int(np.prod(shape)) for shape in likes[:position])
        return g[start : start + int(np.prod(likes[position]))].reshape(likes[position])
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
