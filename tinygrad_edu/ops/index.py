"""Indexing: gather and its adjoint, scatter-add."""

from __future__ import annotations

import math
import operator
from types import EllipsisType
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..declare import Array, composed, op
from ..precision import at_least_single
from ..tensor import Tensor

__all__ = [
    "compress", "gather", "getitem", "index_add", "index_put", "partition", "scatter", "sort",
    "take", "take_along_axis",
]  # fmt: skip


@op(
    operator.getitem,
    lambda g, index, like: scatter(g, index, like),
    add_to=lambda total, g, index, like: _add_at(total, index, g),
    selects=True,
    method=False,
)
def getitem(a: Array, index: Any) -> Array:
    """Indexing of every NumPy kind.
    y = x[i],  ∂L/∂x[i] = Σ g over equal i,  0 elsewhere"""
    return a[index]


@op(None, lambda g, index: g[index], method=False)
def scatter(a: Array, index: Any, shape: Any) -> Array:
    """Elements added to zeros at an index.
    y[i] = Σ x over equal i,  ∂L/∂x = g[i]"""
    a = np.asarray(a)
    out = np.zeros(shape, a.dtype)
    if _unique(_parts(index)):
        out[index] = a
    else:
        _add_at(out, index, a)
    return out


def _add_at(total: Array, index: Any, a: Any) -> None:
    """Add to the elements at an index, in place; equal indices add, every one."""
    parts = _parts(index)
    if _unique(parts):
        total[index] += a
        return
    wide = at_least_single(total)
    _add_repeatedly(wide, index, parts, at_least_single(a))
    if wide is not total:
        total[...] = wide


def _add_repeatedly(total: Array, index: Any, parts: tuple[Any, ...], a: Any) -> None:
    if total.ndim == len(parts) == 1 or not total.flags.c_contiguous:
        np.add.at(total, index, a)
    else:
        positions = _positions(index, parts, total.shape)
        # NumPy is quick to add at positions in one dimension, and slow in more
        values = np.broadcast_to(a, positions.shape).reshape(-1)
        np.add.at(total.reshape(-1), positions.reshape(-1), values)


_BASIC = (int, np.integer, slice, EllipsisType, type(None), np.bool)


def _parts(index: Any) -> tuple[Any, ...]:
    parts = index if isinstance(index, tuple) else (index,)
    return tuple(part if isinstance(part, _BASIC) else np.asarray(part) for part in parts)


def _unique(parts: tuple[Any, ...]) -> bool:
    """Whether the index can name no element twice: no arrays of integers in it."""
    return all(
        isinstance(part, _BASIC) or part.dtype.kind == "b" or not part.ndim for part in parts
    )


def _positions(index: Any, parts: tuple[Any, ...], shape: tuple[int, ...]) -> Array:
    """Where in the flattened array the elements stand that the index picks."""
    integers = all(isinstance(p, np.ndarray) and p.dtype.kind in "iu" for p in parts)
    if not integers or not all(shape):
        return np.arange(math.prod(shape)).reshape(shape)[index]
    positions, step = np.zeros((), np.intp), math.prod(shape)
    for part, n in zip(parts, shape, strict=False):
        step //= n
        positions = positions + np.arange(0, n * step, step)[part]
    rest = shape[len(parts) :]
    inner = np.arange(step).reshape(rest)
    return positions.reshape(positions.shape + (1,) * len(rest)) + inner


# -------------------------------------------------------------------- by positions


def _take_vjp(g: Any, like: Any, indices: Any, axis: int | None, mode: str) -> Any:
    shape = (math.prod(like),) if axis is None else like or (1,)
    axis = (axis or 0) % len(shape)
    indices = _integers(indices)
    if mode == "wrap":
        indices = indices % shape[axis]
    elif mode == "clip":
        indices = indices.clip(0, shape[axis] - 1)
    return scatter(g, (slice(None),) * axis + (indices,), shape).reshape(like)


def _integers(indices: Any) -> Array:
    """Indices as an array, also those of an empty list, which would be floats."""
    array = np.asarray(indices)
    return array if array.size or isinstance(indices, np.ndarray) else array.astype(np.intp)


@op(np.take, _take_vjp, selects=True)
def take(a: Array, indices: Any, axis: int | None = None, mode: str = "raise") -> Array:
    """The elements at given positions along an axis.
    y = x[i],  ∂L/∂x[i] = Σ g over equal i"""
    return np.take(a, indices, axis, mode=mode)  # type: ignore[call-overload]


@composed()
def compress(a: Any, condition: Any, axis: int | None = None) -> Tensor:
    """The slices along an axis, or the elements, where the condition holds."""
    condition = np.asarray(condition)
    if condition.ndim != 1:
        raise ValueError(f"compress: the condition must have one axis, and has {condition.ndim}")
    return take(a, np.flatnonzero(condition), axis)


@composed(np.compress, method=False)
def _compress(condition: Any, a: Any, axis: int | None = None) -> Tensor:
    """NumPy's `compress`, with the condition first."""
    return compress(a, condition, axis)


@composed(np.take_along_axis, method=False)
def take_along_axis(arr: Tensor, indices: Any, axis: int | None = -1) -> Tensor:
    """Along an axis, the elements at positions such as np.argsort returns."""
    if axis is None:
        arr, axis = arr.reshape(-1), 0
    return arr[_along("take_along_axis", arr, arr.shape, _integers(indices), axis)]


@composed()
def gather(a: Tensor, axis: int, index: Any) -> Tensor:
    """y[i, j] = x[index[i, j], j] along the first axis and so on: PyTorch's, of the index's shape.

    On the other axes the index may be shorter than x.
    """
    index = _integers(index)
    return a[_along("gather", a, index.shape, index, axis)]


def _along(name: str, a: Any, lengths: Any, indices: Array, axis: int) -> tuple[Array, ...]:
    """The index that is `indices` along `axis`, and on the other axes counts up to `lengths`."""
    axis = normalize_axis_index(axis, a.ndim)
    if indices.ndim != a.ndim:
        raise ValueError(
            f"{name}: the indices must have as many axes as the array, so {a.ndim}, and have "
            f"{indices.ndim}"
        )
    if indices.dtype.kind not in "iu":
        raise IndexError(f"{name}: the indices must be integers, and are {indices.dtype}")
    grid = np.ogrid[tuple(slice(n) for n in lengths)]
    return (*grid[:axis], indices, *grid[axis + 1 :])


# -------------------------------------------------------------------- in order


def _sort_vjp(g: Any, a: Any, like: Any, axis: int | None, kind: Any, stable: Any) -> Any:
    if axis is None:
        a, axis = a.reshape(-1), 0
    order = np.argsort(a, axis, kind, stable=stable)
    rank = np.empty_like(order)
    places = np.ogrid[tuple(slice(n) for n in a.shape)][axis]
    np.put_along_axis(rank, order, places, axis)
    return np.take_along_axis(g, rank, axis).reshape(like)


@op(np.sort, _sort_vjp, method=False)
def sort(a: Array, axis: int | None = -1, kind: Any = None, stable: bool | None = None) -> Array:
    """In ascending order.
    y[k] = the k-th smallest,  ∂L/∂x = g at the rank of x"""
    return np.sort(a, axis, kind, stable=stable)


@composed(np.partition, method=False)
def partition(
    a: Tensor, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: Any = None
) -> Tensor:
    """The k-th smallest at its place, the smaller before it, the larger behind, in any order."""
    if axis is None:
        a, axis = a.reshape(-1), 0
    return take_along_axis(a, np.argpartition(a, kth, axis, kind, order), axis)


# -------------------------------------------------------------------- what assignment is for


@composed()
def index_add(a: Any, index: Any, values: Any) -> Tensor:
    """A new array, what `a[index] += values` makes of a copy; equal indices add, every one.

    >>> index_add(Tensor([1.0, 2.0]), [0, 0, 1], [10.0, 20.0, 30.0])
    Tensor([31., 32.])
    """
    return a + scatter(_operand(values, a), index, a.shape)


@composed()
def index_put(a: Any, index: Any, values: Any) -> Tensor:
    """A new array, what `a[index] = values` makes of a copy; of equal indices the last one counts.

    >>> index_put(Tensor([1.0, 2.0, 3.0]), slice(1, None), 0)
    Tensor([1., 0., 0.])
    """
    places = np.arange(a.size).reshape(a.shape)[index]
    values = np.broadcast_to(_operand(values, a), places.shape)
    if not places.size:
        return index_add(a, index, values)
    origin = np.full(a.size, -1)
    origin[places.reshape(-1)] = np.arange(values.size)
    origin = origin.reshape(a.shape)
    return np.where(origin < 0, a, values.reshape(-1)[origin])


def _operand(values: Any, a: Any) -> Any:
    """Numbers and lists as arrays of a's type."""
    return values if isinstance(values, (Tensor, np.ndarray)) else np.asarray(values, a.dtype)
