"""Functions that rearrange elements by short expressions of other ops."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from ..tensor import Tensor
from .composed import composed
from .index import scatter
from .shape import broadcast_to, cast, concatenate, flip, moveaxis, swapaxes
from .shape import reshape as _reshape
from .shape import transpose as _transpose


def _array(x: Any) -> Any:
    """Lists and numbers as arrays; arrays and Tensors as they are."""
    return x if isinstance(x, Tensor) else np.asarray(x)


# -------------------------------------------------------------------- the shape


@composed()
def reshape(x: Tensor, *shape: Any, order: str = "C") -> Tensor:
    """In another shape, given as a tuple or piecewise; one size may be -1."""
    return _reshape(x, shape[0] if len(shape) == 1 else shape, order)


@composed()
def transpose(x: Tensor, *axes: Any) -> Tensor:
    """The axes in another order, given as a tuple or piecewise; reversed if none is given."""
    return _transpose(x, axes[0] if len(axes) == 1 else axes or None)


@composed()
def flatten(x: Tensor, order: str = "C") -> Tensor:
    """All elements along one axis, row by row, or with order="F" column by column."""
    return _reshape(x, -1, order)


@composed(np.ravel)
def ravel(a: Tensor, order: str = "C") -> Tensor:
    """All elements along one axis, row by row, or with order="F" column by column."""
    return _reshape(a, -1, order)


@composed(getattr(np, "astype", None))
def astype(x: Tensor, dtype: Any, *, copy: bool = True) -> Tensor | np.ndarray:
    """As another type: a plain array if that is not floating, since then it has no gradient."""
    if not copy and x.dtype == dtype:
        return x
    return cast(x, dtype) if np.dtype(dtype).kind == "f" else x.data.astype(dtype)


@composed(np.matrix_transpose, np.linalg.matrix_transpose, method=False)
def matrix_transpose(x: Tensor) -> Tensor:
    """The last two axes exchanged."""
    return swapaxes(x, -1, -2)


def _at_least(ndim: int, arys: tuple[Any, ...]) -> Any:
    """Each with `ndim` axes or more; NumPy puts a vector's axis second, and new ones behind."""
    answers = []
    for x in map(_array, arys):
        if x.ndim < ndim:
            shape = (1, *x.shape) if x.ndim == 1 else x.shape
            x = x.reshape(shape + (1,) * (ndim - len(shape)))
        answers.append(x)
    return answers[0] if len(answers) == 1 else tuple(answers)


@composed(np.atleast_1d, method=False)
def atleast_1d(*arys: Any) -> Any:
    """Each with one axis or more; a tuple if several are given."""
    return _at_least(1, arys)


@composed(np.atleast_2d, method=False)
def atleast_2d(*arys: Any) -> Any:
    """Each with two axes or more, a vector as a row; a tuple if several are given."""
    return _at_least(2, arys)


@composed(np.atleast_3d, method=False)
def atleast_3d(*arys: Any) -> Any:
    """Each with three axes or more, (n,) as (1, n, 1) and (m, n) as (m, n, 1)."""
    return _at_least(3, arys)


@composed(np.broadcast_arrays, method=False)
def broadcast_arrays(*args: Any) -> tuple[Any, ...]:
    """All in the shape they broadcast to."""
    shape = np.broadcast_shapes(*(np.shape(x) for x in args))
    return tuple(broadcast_to(x, shape) for x in args)


@composed(np.meshgrid, method=False)
def meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> tuple[Any, ...]:
    """Coordinate grids of vectors, the first along the columns unless indexing="ij"."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"indexing is 'xy' or 'ij', not {indexing!r}")
    axes = list(range(len(xi)))
    if indexing == "xy":
        axes[:2] = axes[:2][::-1]
    grids = []
    for axis, x in zip(axes, xi, strict=True):
        grids.append(_array(x).reshape([-1 if i == axis else 1 for i in range(len(xi))]))
    return tuple(grids) if sparse else broadcast_arrays(*grids)


# -------------------------------------------------------------------- joining and splitting


@composed(np.append, method=False)
def append(arr: Any, values: Any, axis: int | None = None) -> Tensor:
    """Joined along an axis, or both flat."""
    if axis is None:
        arr, values, axis = np.ravel(arr), np.ravel(values), 0
    return concatenate([arr, values], axis)


@composed(np.vstack, method=False)
def vstack(tup: Any) -> Tensor:
    """Joined along the first axis, vectors as rows."""
    return concatenate([np.atleast_2d(x) for x in tup], 0)


@composed(np.hstack, method=False)
def hstack(tup: Any) -> Tensor:
    """Joined along the second axis, vectors along their only one."""
    parts = [np.atleast_1d(x) for x in tup]
    return concatenate(parts, int(parts[0].ndim > 1))


@composed(np.dstack, method=False)
def dstack(tup: Any) -> Tensor:
    """Joined along the third axis."""
    return concatenate([np.atleast_3d(x) for x in tup], 2)


@composed(np.column_stack, method=False)
def column_stack(tup: Any) -> Tensor:
    """Joined along the second axis, vectors as columns."""
    parts = [_array(x) for x in tup]
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
    indices = [(*before, slice(a, b)) for a, b in pairwise(cuts)]
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


def _check_ndim(name: str, ary: Tensor, ndim: int) -> None:
    if ary.ndim < ndim:
        raise ValueError(f"{name} needs {ndim} axes or more, and was given {ary.ndim}")


@composed(np.vsplit, method=False)
def vsplit(ary: Tensor, indices_or_sections: Any) -> list[Tensor]:
    """`split` along the first of two axes or more."""
    _check_ndim("vsplit", ary, 2)
    return split(ary, indices_or_sections, 0)


@composed(np.hsplit, method=False)
def hsplit(ary: Tensor, indices_or_sections: Any) -> list[Tensor]:
    """`split` along the second axis, a vector along its only one."""
    _check_ndim("hsplit", ary, 1)
    return split(ary, indices_or_sections, int(ary.ndim > 1))


@composed(np.dsplit, method=False)
def dsplit(ary: Tensor, indices_or_sections: Any) -> list[Tensor]:
    """`split` along the third axis."""
    _check_ndim("dsplit", ary, 3)
    return split(ary, indices_or_sections, 2)


@composed(getattr(np, "unstack", None), method=False)
def unstack(x: Tensor, *, axis: int = 0) -> tuple[Tensor, ...]:
    """The slices along an axis, without it."""
    _check_ndim("unstack", x, 1)
    return tuple(moveaxis(x, axis, 0))


# -------------------------------------------------------------------- order and repetition


@composed(np.fliplr)
def fliplr(m: Tensor) -> Tensor:
    """Reversed along the second axis."""
    _check_ndim("fliplr", m, 2)
    return flip(m, 1)


@composed(np.flipud)
def flipud(m: Tensor) -> Tensor:
    """Reversed along the first axis."""
    _check_ndim("flipud", m, 1)
    return flip(m, 0)


@composed(np.tile)
def tile(A: Tensor, reps: Any) -> Tensor:
    """Repeated as a whole, so many times along each axis."""
    reps = tuple(reps) if np.ndim(reps) else (int(reps),)
    ndim = max(A.ndim, len(reps))
    reps = (1,) * (ndim - len(reps)) + reps
    shape = (1,) * (ndim - A.ndim) + A.shape
    once = [size for n in shape for size in (1, n)]
    often = [size for pair in zip(reps, shape, strict=True) for size in pair]
    blocks = broadcast_to(A.reshape(once), often)
    return blocks.reshape([n * times for n, times in zip(shape, reps, strict=True)])


# -------------------------------------------------------------------- diagonals


@composed(np.diagonal)
def diagonal(a: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The diagonals of the matrices along two axes."""
    matrices = moveaxis(a, (axis1, axis2), (-2, -1))
    *batch, rows, columns = matrices.shape
    length = max(min(rows + min(offset, 0), columns - max(offset, 0)), 0)
    flat = matrices.reshape((*batch, rows * columns))
    return flat[(..., _diagonal(length, columns, offset))]


def _diagonal(length: int, columns: int, offset: int) -> slice:
    """A diagonal's positions in a flattened matrix."""
    start = offset if offset >= 0 else -offset * columns
    return slice(start, start + length * (columns + 1), columns + 1)


composed(np.linalg.diagonal, method=False)(
    lambda x, *, offset=0: diagonal(x, offset, axis1=-2, axis2=-1)
)


composed(np.linalg.trace, method=False)(
    lambda x, *, offset=0, dtype=None: np.linalg.diagonal(x, offset=offset).sum(-1, dtype)
)


@composed(np.diag)
def diag(v: Any, k: int = 0) -> Tensor:
    """A matrix's diagonal, or the matrix that a vector is the diagonal of."""
    v = _array(v)
    if v.ndim == 2:
        return diagonal(v, k)
    if v.ndim != 1:
        raise ValueError(f"diag takes a vector or a matrix, not {v.ndim} axes")
    n = len(v) + abs(k)
    return scatter(v, _diagonal(len(v), n, k), (n * n,)).reshape(n, n)


@composed(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Tensor:
    """The matrix that all elements, row by row, are the diagonal of."""
    return diag(_array(v).reshape(-1), k)
