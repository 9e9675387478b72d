"""Joining and splitting."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from ..declare import Array, Shapes, as_operand, composed, op
from ..tensor import Tensor
from .shape import check_ndim, moveaxis

__all__ = [
    "append", "array_split", "column_stack", "concatenate", "dsplit", "dstack", "hsplit", "hstack",
    "split", "stack", "unstack", "vsplit", "vstack",
]  # fmt: skip


def _part(g: Any, like: Any, position: int, likes: Shapes, axis: int | None) -> Any:
    """The piece of `g` that belongs to the argument at `position`."""
    start, end = _offsets(likes, axis)[position : position + 2]
    if axis is None:
        return g[start:end].reshape(like)
    return g[(slice(None),) * (axis % g.ndim) + (slice(start, end),)]


def _offsets(likes: Shapes, axis: int | None) -> list[int]:
    """Where along the axis each begins in the joined array, and where the last one ends."""
    known: dict[Any, list[int]] = vars(likes).setdefault("offsets", {})
    if axis not in known:
        sizes = (math.prod(shape) if axis is None else shape[axis] for shape in likes)
        known[axis] = [0, *itertools.accumulate(sizes)]
    return known[axis]


def _checked(dtype: Any, casting: str) -> dict[str, Any]:
    """The keywords of a join; one that makes integers of numbers would hide the gradient's loss."""
    if dtype is not None and np.dtype(dtype).kind != "f" and casting == "unsafe":
        raise ValueError(
            f"joined as {np.dtype(dtype)} there would be no gradient; write .astype(...) behind it"
        )
    return {"dtype": dtype, "casting": casting}


@op(np.concatenate, _part, sequence=True, method=False)
def concatenate(arrays: Any, axis: int = 0, dtype: Any = None, casting: str = "same_kind") -> Array:
    """Joined along an axis.
    y = [x₁ x₂ ...],  ∂L/∂xᵢ = its piece of g"""
    return np.concatenate(arrays, axis, **_checked(dtype, casting))


@op(
    np.stack,
    lambda g, position, axis: g[(slice(None),) * (axis % g.ndim) + (position,)],
    sequence=True,
    method=False,
)
def stack(arrays: Any, axis: int = 0, dtype: Any = None, casting: str = "same_kind") -> Array:
    """Joined along a new axis.
    y[i] = xᵢ,  ∂L/∂xᵢ = g[i]"""
    return np.stack(arrays, axis, **_checked(dtype, casting))


@composed(np.append, method=False)
def append(arr: Any, values: Any, axis: int | None = None) -> Tensor:
    """Joined along an axis, or both flat."""
    if axis is None:
        arr, values, axis = np.ravel(arr), np.ravel(values), 0
    return concatenate([arr, values], axis)


@composed(np.vstack, getattr(np, "row_stack", None), method=False)
def vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Tensor:
    """Joined along the first axis, vectors as rows."""
    return concatenate([np.atleast_2d(x) for x in tup], 0, dtype, casting)


@composed(np.hstack, method=False)
def hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Tensor:
    """Joined along the second axis, vectors along their only one."""
    parts = [np.atleast_1d(x) for x in tup]
    return concatenate(parts, int(parts[0].ndim > 1), dtype, casting)


@composed(np.dstack, method=False)
def dstack(tup: Any) -> Tensor:
    """Joined along the third axis."""
    return concatenate([np.atleast_3d(x) for x in tup], 2)


@composed(np.column_stack, method=False)
def column_stack(tup: Any) -> Tensor:
    """Joined along the second axis, vectors as columns."""
    parts = [as_operand(x) for x in tup]
    columns = [x.reshape(-1, 1) if x.ndim < 2 else x for x in parts]
    return concatenate(columns, 1)


@composed(np.array_split, method=False)
def array_split(ary: Tensor, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """The pieces between given positions, or so many of nearly equal length."""
    length = ary.shape[axis]
    if np.ndim(indices_or_sections):
        cuts = [0, *indices_or_sections, length]
    else:
        pieces = int(indices_or_sections)
        if pieces <= 0:
            raise ValueError(f"into {pieces} sections nothing can be split; give 1 or more")
        each, longer = divmod(length, pieces)
        cuts = [i * each + min(i, longer) for i in range(pieces + 1)]
    before = (slice(None),) * (axis % ary.ndim)
    indices = [(*before, slice(a, b)) for a, b in itertools.pairwise(cuts)]
    return [ary[index] for index in indices]


@composed(np.split, method=False)
def split(ary: Tensor, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """The pieces between given positions, or so many of equal length."""
    if not np.ndim(indices_or_sections) and ary.shape[axis] % indices_or_sections:
        raise ValueError(
            f"axis {axis} of length {ary.shape[axis]} has no {indices_or_sections} equal sections; "
            "np.array_split makes nearly equal ones"
        )
    return array_split(ary, indices_or_sections, axis)


@composed(np.vsplit, method=False)
def vsplit(ary: Tensor, indices_or_sections: Any) -> list[Tensor]:
    """`split` along the first of two axes or more."""
    check_ndim("vsplit", ary, 2)
    return split(ary, indices_or_sections, 0)


@composed(np.hsplit, method=False)
def hsplit(ary: Tensor, indices_or_sections: Any) -> list[Tensor]:
    """`split` along the second axis, a vector along its only one."""
    check_ndim("hsplit", ary, 1)
    return split(ary, indices_or_sections, int(ary.ndim > 1))


@composed(np.dsplit, method=False)
def dsplit(ary: Tensor, indices_or_sections: Any) -> list[Tensor]:
    """`split` along the third axis."""
    check_ndim("dsplit", ary, 3)
    return split(ary, indices_or_sections, 2)


@composed(getattr(np, "unstack", None), method=False)
def unstack(x: Tensor, *, axis: int = 0) -> tuple[Tensor, ...]:
    """The slices along an axis, without it."""
    check_ndim("unstack", x, 1)
    return tuple(moveaxis(x, axis, 0))
