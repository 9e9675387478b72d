"""Indexing: Slice, Gather and GatherND by what the index holds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import ops
from .arrays import END, START
from .graph import broadcast
from .table import Array, NoOperator, Out, axes_of, only_integers, product, writes

__all__: list[str] = []


@writes(ops.getitem)
def _getitem(out: Out, a: Array, index: Any) -> Array:
    y, positions = _sliced(a, _parts(a, index))
    arrays = {axis: p for axis, p in enumerate(positions) if p is not None}
    if not arrays:
        return y
    if all(isinstance(p, int) for p in arrays.values()) or len(arrays) == 1:
        for axis in sorted(arrays, reverse=True):
            y = _gathered(y, arrays[axis], axis)
        return y
    return _gathered_together(y, arrays)


def _parts(a: Array, index: Any) -> list[Any]:
    """One entry for each axis, and None for new ones; NumPy's ellipsis and masks resolved."""
    parts: list[Any] = []
    for part in index if isinstance(index, tuple) else (index,):
        known: Any = getattr(part, "value", part)
        if np.asarray(known).dtype == bool and not np.ndim(known):
            raise NoOperator("a single truth value is no position; write x[None] for a new axis")
        if isinstance(known, (list, np.ndarray)) and np.asarray(known).dtype == bool:
            parts += [np.asarray(found) for found in np.nonzero(known)]
        elif isinstance(part, Array) and part.dtype == bool:
            raise NoOperator("how many elements a mask picks depends on its values; use np.where")
        elif isinstance(known, (list, np.ndarray)) and np.ndim(known):
            parts.append(part if isinstance(part, Array) else np.asarray(known, np.int64))
        elif isinstance(known, (np.ndarray, np.integer)):
            parts.append(int(known))
        else:
            parts.append(part)
    missing = a.ndim - sum(part is not None and part is not Ellipsis for part in parts)
    at = next((i for i, part in enumerate(parts) if part is Ellipsis), None)
    if at is None:
        return parts + [slice(None)] * missing
    return [*parts[:at], *[slice(None)] * missing, *parts[at + 1 :]]


def _sliced(a: Array, parts: list[Any]) -> tuple[Array, list[Any]]:
    """Slices taken and new axes inserted; then, of each axis, the positions still to take."""
    old = [part for part in parts if part is not None]
    slices = {i: p for i, p in enumerate(old) if isinstance(p, slice) and p != slice(None)}
    y = a
    if slices:
        steps = [1 if s.step is None else s.step for s in slices.values()]
        given = list(zip(slices.values(), steps, strict=True))
        starts = [(0 if by > 0 else END) if s.start is None else s.start for s, by in given]
        ends = [(END if by > 0 else START) if s.stop is None else s.stop for s, by in given]
        y = a.slice(starts, ends, list(slices), steps).of(a.dims)  # of which only the number counts
    new = [i for i, part in enumerate(parts) if part is None]
    y = y.unsqueeze(*new) if new else y
    return y, [None if part is None or isinstance(part, slice) else part for part in parts]


def _gathered(a: Array, positions: Any, axis: int) -> Array:
    """Along one axis the elements at positions, whose axes take its place."""
    at = a.graph.array(positions, np.int64)
    at = at if at.dtype in (np.int32, np.int64) else at.cast(np.int64)
    y: Array = a.node("Gather", at, axis=axis)
    return y.of((*a.dims[:axis], *at.dims, *a.dims[axis + 1 :]))


def _gathered_together(a: Array, positions: dict[int, Any]) -> Array:
    """The elements at positions along several axes, which broadcast."""
    axes = list(positions)
    rest = [i for i in range(a.ndim) if i not in positions]
    indices = [a.graph.array(p, np.int64).cast(np.int64) for p in positions.values()]
    dims = broadcast(*(i.dims for i in indices))
    columns = [i.expand(dims).unsqueeze(len(dims)) for i in indices]
    index = columns[0].node("Concat", *columns[1:], axis=len(dims))
    picked: Array = a.transpose([*axes, *rest]).node("GatherND", index)
    picked.of((*dims, *(a.dims[i] for i in rest)))
    if axes != list(range(axes[0], axes[-1] + 1)):  # apart: what they pick comes first
        return picked
    n, before = len(dims), axes[0]
    return picked.transpose([*range(n, n + before), *range(n), *range(n + before, picked.ndim)])


@writes(ops.take)
def _take(out: Out, a: Array, indices: Any, axis: int | None = None, mode: str = "raise") -> Array:
    if axis is None:
        a, axis = a.reshape((product(a.dims),)), 0
    axis = axis % a.ndim if a.ndim else 0
    at = a.graph.array(indices, np.int64).cast(np.int64)
    if mode != "raise":
        n = a.graph.array(a.dims[axis], np.int64)
        at = at.pointwise("Mod", n) if mode == "wrap" else at.node("Clip", n * 0, n - 1).of(at.dims)
    return _gathered(a, at, axis)


@writes(ops.scatter)
def _scatter(out: Out, a: Any, index: Any, shape: Any) -> Array:
    sizes = only_integers(out.dims, "the shape of what is added to")
    parts = index if isinstance(index, tuple) else (index,)
    known = tuple(getattr(part, "value", part) for part in parts)
    if any(isinstance(part, Array) and part.value is None for part in parts):
        raise NoOperator("elements are added at positions that are computed")
    places = np.arange(math.prod(sizes)).reshape(sizes)[known]
    updates = out.like(a).expand(places.shape).reshape((places.size,))
    zeros = out.graph.constant(np.zeros(math.prod(sizes), out.dtype))
    at = out.graph.constant(places.reshape(-1), np.int64)
    total: Array = zeros.node("ScatterElements", at, updates, axis=0, reduction="add")
    return total.of(zeros.dims).reshape(out.dims)


# -------------------------------------------------------------------- in order


def _in_order(a: Array, axis: int | None) -> list[Array]:
    """The elements along an axis in order, and where they were."""
    if axis is None:
        a, axis = a.reshape((product(a.dims),)), 0
    axis = axis % a.ndim
    n = a.graph.vector([a.dims[axis]])
    values, indices = a.graph.node(
        "TopK", a, n, dtype=a.dtype, outputs=2, axis=axis, largest=0, sorted=1
    )
    indices.dtype = np.dtype(np.int64)
    return [values, indices]


@writes(ops.sort)
def _sort(out: Out, a: Array, axis: int | None = -1, *options: Any) -> Array:
    return _in_order(a, axis)[0]


@writes(np.argsort)
def _argsort(out: Out, a: Array, axis: int | None = -1, *rest: Any, **options: Any) -> Array:
    return _in_order(a, axis)[1]


@writes(np.argpartition)
def _argpartition(out: Out, a: Array, kth: Any, axis: int | None = -1, *options: Any) -> Array:
    return _in_order(a, axis)[1]


def _extreme(kind: str) -> Any:
    def write(
        out: Out, a: Array, axis: int | None = None, *rest: Any, keepdims: bool = False
    ) -> Array:
        if axis is None:
            y = a.reshape((product(a.dims),)).node(kind, dtype=np.int64, axis=0, keepdims=0)
            return y.of(()).reshape(out.dims)  # type: ignore[no-any-return]
        (axis,) = axes_of(axis, a.ndim)
        return a.node(kind, dtype=np.int64, axis=axis, keepdims=int(keepdims))  # type: ignore[no-any-return]

    return write


for _function, _kind in ((np.argmax, "ArgMax"), (np.argmin, "ArgMin")):
    writes(_function)(_extreme(_kind))
