"""Elements inserted, deleted and repeated, arrays joined in blocks, axes moved."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ...declare import as_operand, composed
from ...tensor import Tensor
from ..index import take
from ..joining import concatenate
from ..shape import cast_like, moveaxis

__all__ = ["block", "delete", "insert", "resize", "rollaxis"]


# -------------------------------------------------------------------- blocks


@composed(np.block, method=False)
def block(arrays: Any) -> Any:
    """Joined from nested lists: the innermost along the last axis, the next along the one before.

    All arrays get as many axes as the one that has most, or as lists are nested, in front.
    """
    depth = _depth(arrays)
    ndim = max(depth, _largest_ndim(arrays))

    def joined(part: Any, depth: int) -> Any:
        if isinstance(part, list):
            return concatenate([joined(each, depth - 1) for each in part], -depth)
        x = as_operand(part)
        return x.reshape((1,) * (ndim - x.ndim) + x.shape)

    return joined(arrays, depth)


def _depth(arrays: Any) -> int:
    """How deeply lists are nested, which must be the same everywhere."""
    if isinstance(arrays, tuple):
        raise TypeError("block: lists are nested, not tuples; write [...] in place of (...)")
    if not isinstance(arrays, list):
        return 0
    depths = {_depth(each) for each in arrays}
    if len(depths) != 1:
        raise ValueError(
            f"block: lists must hold arrays, nested equally deep, not {sorted(depths)} deep"
            if depths
            else "block: a list is empty; there is nothing to join"
        )
    return depths.pop() + 1


def _largest_ndim(arrays: Any) -> int:
    return max(map(_largest_ndim, arrays)) if isinstance(arrays, list) else int(np.ndim(arrays))


# -------------------------------------------------------------------- elements put in or left out


@composed(np.insert, method=False)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """A new array with values before the given positions along an axis, or of all elements."""
    arr, values = as_operand(arr), as_operand(values)
    if axis is None:
        arr, axis = arr.reshape(-1), 0
    axis = normalize_axis_index(axis, arr.ndim)
    n = arr.shape[axis]
    count = np.insert(np.zeros(n), obj, 0).size - n
    if count == 1:  # any number of values, before one position
        values = values.reshape((1,) * (arr.ndim - values.ndim) + values.shape)
        if not np.ndim(obj) and not isinstance(obj, slice):
            values = moveaxis(values, 0, axis)
        count = values.shape[axis]
    shape = (*arr.shape[:axis], count, *arr.shape[axis + 1 :])
    new = np.broadcast_to(cast_like(values, arr), shape)
    places = np.insert(np.arange(n), obj, n + np.arange(count))
    return take(concatenate([arr, new], axis), places, axis)


@composed(np.delete, method=False)
def delete(arr: Any, obj: Any, axis: int | None = None) -> Tensor:
    """A new array without the elements at the given positions along an axis, or of all."""
    if axis is None:
        arr, axis = np.ravel(arr), 0
    axis = normalize_axis_index(axis, arr.ndim)
    return take(arr, np.delete(np.arange(arr.shape[axis]), obj), axis)


@composed(np.resize, method=False)
def resize(a: Any, new_shape: Any) -> Any:
    """The elements, row by row, repeated until they fill the new shape; zeros if there are none."""
    if not np.size(a):
        return np.zeros(new_shape, a.dtype) + np.sum(a)
    return take(np.ravel(a), np.resize(np.arange(np.size(a)), new_shape))


@composed(np.rollaxis, method=False)
def rollaxis(a: Tensor, axis: int, start: int = 0) -> Tensor:
    """An axis moved to before another one; `moveaxis` is easier to read."""
    axis = normalize_axis_index(axis, a.ndim)
    start = normalize_axis_index(start, a.ndim + 1) if start >= 0 else start + a.ndim
    if start < 0:
        raise np.exceptions.AxisError(start - a.ndim, a.ndim, "rollaxis: start")
    return moveaxis(a, axis, start - 1 if axis < start else start)
