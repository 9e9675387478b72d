"""Shapes: the gradient is rearranged back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..declare import Array, as_operand, composed, op
from ..precision import accumulator, at_least_single, rounded
from ..tensor import Tensor
from .index import scatter

__all__ = [
    "astype", "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_arrays", "broadcast_to", "cast",
    "copy", "expand_dims", "flatten", "flip", "fliplr", "flipud", "matrix_transpose", "meshgrid",
    "moveaxis", "pad", "ravel", "repeat", "reshape", "roll", "rot90", "squeeze", "swapaxes",
    "tile", "transpose", "tril", "triu", "unpad",
]  # fmt: skip

# -------------------------------------------------------------------- the shape


def _reshape_vjp(g: Any, like: Any, order: str) -> Any:
    return g.reshape(like) if order == "C" else reshape(g, like, order)


@op(np.reshape, _reshape_vjp, method=False)
def reshape(a: Array, shape: Any, order: str = "C") -> Array:
    """The elements in another shape.
    y = x in shape,  ∂L/∂x = g in the shape of x"""
    if order not in ("C", "F"):
        raise ValueError(f"order is 'C' (rows first) or 'F' (columns first), not {order!r}")
    return a.reshape(shape, order=order)  # type: ignore[call-overload]


@op(np.squeeze, lambda g, like: g.reshape(like))
def squeeze(a: Array, axis: Any = None) -> Array:
    """Axes of size 1 removed.
    y = x,  ∂L/∂x = g in the shape of x"""
    return a.squeeze(axis)


@op(np.expand_dims, lambda g, like: g.reshape(like))
def expand_dims(a: Array, axis: Any) -> Array:
    """An axis of size 1 inserted.
    y = x,  ∂L/∂x = g in the shape of x"""
    return np.expand_dims(a, axis)


@op(np.broadcast_to, lambda g: g)
def broadcast_to(array: Array, shape: Any) -> Array:
    """Repeated along new or stretched axes.
    y = x,  ∂L/∂x = Σ g over them"""
    return np.broadcast_to(array, shape)


@op(np.copy, lambda g: g)
def copy(a: Array) -> Array:
    """A copy.
    y = x,  ∂L/∂x = g"""
    return a.copy()


@op(None, lambda g: g, method=False)
def cast(a: Array, dtype: Any) -> Array:
    """Another floating type.
    y = x,  ∂L/∂x = g"""
    return a.astype(dtype)


@composed(method="reshape")
def _reshape_piecewise(x: Tensor, *shape: Any, order: str = "C") -> Tensor:
    """In another shape, given as a tuple or piecewise; one size may be -1."""
    return reshape(x, shape[0] if len(shape) == 1 else shape, order)


@composed(method="transpose")
def _transpose_piecewise(x: Tensor, *axes: Any) -> Tensor:
    """The axes in another order, given as a tuple or piecewise; reversed if none is given."""
    return transpose(x, axes[0] if len(axes) == 1 else axes or None)


@composed()
def flatten(x: Tensor, order: str = "C") -> Tensor:
    """All elements along one axis, row by row, or with order="F" column by column."""
    return reshape(x, -1, order)


@composed(np.ravel)
def ravel(a: Tensor, order: str = "C") -> Tensor:
    """All elements along one axis, row by row, or with order="F" column by column."""
    return reshape(a, -1, order)


@composed(getattr(np, "astype", None))
def astype(x: Tensor, dtype: Any, *, copy: bool = True) -> Tensor | np.ndarray:
    """As another type: a plain array if that is not floating, since then it has no gradient."""
    if not copy and x.dtype == dtype:
        return x
    return cast(x, dtype) if np.dtype(dtype).kind == "f" else x.data.astype(dtype)


def cast_like(x: Any, like: Any) -> Any:
    """`x` in the dtype of `like`, as NumPy writes it into an array of that dtype."""
    if x.dtype == like.dtype:
        return x
    if like.dtype.kind != "f" and isinstance(x, Tensor) and x.requires_grad:
        raise TypeError(
            f"values that require a gradient would be cast to {like.dtype}, which has none; write "
            f"a.astype({x.dtype}) for the array that they are to be part of"
        )
    return x.astype(like.dtype)


@composed(np.matrix_transpose, np.linalg.matrix_transpose, method=False)
def matrix_transpose(x: Tensor) -> Tensor:
    """The last two axes exchanged."""
    return swapaxes(x, -1, -2)


def _at_least(ndim: int, arys: tuple[Any, ...]) -> Any:
    """Each with `ndim` axes or more; NumPy puts a vector's axis second, and new ones behind.

    Constants become plain arrays, which compiled code such as SciPy's asks of these functions.
    """
    answers = []
    for x in map(as_operand, arys):
        x = x.data if type(x) is Tensor and x.node is None else x  # and not one that is traced
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
        grids.append(as_operand(x).reshape([-1 if i == axis else 1 for i in range(len(xi))]))
    return tuple(grids) if sparse else broadcast_arrays(*grids)


# -------------------------------------------------------------------- the order


@op(np.transpose, lambda g, axes: g.transpose(_inverse(axes)), method=False)
def transpose(a: Array, axes: Any = None) -> Array:
    """The axes in another order, reversed if none is given.
    y = xᵀ,  ∂L/∂x = gᵀ"""
    return a.transpose(axes)


def _inverse(axes: Any) -> Any:
    return None if axes is None else [int(i) for i in np.argsort(np.asarray(axes) % len(axes))]


@op(np.swapaxes, lambda g, axis1, axis2: g.swapaxes(axis1, axis2))
def swapaxes(a: Array, axis1: int, axis2: int) -> Array:
    """Two axes exchanged.
    y = x with i ↔ j,  ∂L/∂x = g with i ↔ j"""
    return a.swapaxes(axis1, axis2)


@op(np.moveaxis, lambda g, source, destination: np.moveaxis(g, destination, source))
def moveaxis(a: Array, source: Any, destination: Any) -> Array:
    """Axes at other positions.
    y = x with i → j,  ∂L/∂x = g with j → i"""
    return np.moveaxis(a, source, destination)


@op(np.flip, lambda g, axis: np.flip(g, axis))
def flip(m: Array, axis: Any = None) -> Array:
    """Reversed along the axes.
    y[i] = x[n - 1 - i],  ∂L/∂x = g reversed"""
    return np.flip(m, axis)


def check_ndim(name: str, x: Tensor, ndim: int) -> None:
    if x.ndim < ndim:
        raise ValueError(f"{name} needs {ndim} axes or more, and was given {x.ndim}")


@composed(np.fliplr)
def fliplr(m: Tensor) -> Tensor:
    """Reversed along the second axis."""
    check_ndim("fliplr", m, 2)
    return flip(m, 1)


@composed(np.flipud)
def flipud(m: Tensor) -> Tensor:
    """Reversed along the first axis."""
    check_ndim("flipud", m, 1)
    return flip(m, 0)


@op(np.rot90, lambda g, k, axes: np.rot90(g, -k, axes))
def rot90(m: Array, k: int = 1, axes: Any = (0, 1)) -> Array:
    """Turned by k right angles in the plane of two axes.
    y = x turned,  ∂L/∂x = g turned back"""
    return np.rot90(m, k, axes)


@op(np.roll, lambda g, shift, axis: np.roll(g, np.negative(shift), axis))
def roll(a: Array, shift: Any, axis: Any = None) -> Array:
    """Shifted along the axes, in a circle.
    y[i + k] = x[i],  ∂L/∂x = g shifted by -k"""
    return np.roll(a, shift, axis)


@op(np.tril, lambda g, k: np.tril(g, k), selects=True)
def tril(m: Array, k: int = 0) -> Array:
    """Lower triangle of matrices.
    y = x on and below the k-th diagonal,  ∂L/∂x = g there"""
    return np.tril(m, k)


@op(np.triu, lambda g, k: np.triu(g, k), selects=True)
def triu(m: Array, k: int = 0) -> Array:
    """Upper triangle of matrices.
    y = x on and above the k-th diagonal,  ∂L/∂x = g there"""
    return np.triu(m, k)


# -------------------------------------------------------------------- repeating


def _repeat_vjp(g: Any, like: Any, repeats: Any, axis: int | None) -> Any:
    shape = (math.prod(like),) if axis is None else like or (1,)
    axis = (axis or 0) % len(shape)
    before, after = shape[:axis], shape[axis + 1 :]
    if np.size(repeats) == 1:
        copies = g.reshape((*before, shape[axis], int(np.ravel(repeats)[0]), *after))
        g = copies.sum(axis + 1, accumulator(g.dtype))
    else:
        index = np.repeat(np.arange(shape[axis]), repeats)
        g = scatter(g, (slice(None),) * axis + (index,), shape)
    return g.reshape(like)


@op(np.repeat, _repeat_vjp)
def repeat(a: Array, repeats: Any, axis: int | None = None) -> Array:
    """Each element several times in a row.
    y = x₁ x₁ x₂ x₂ ...,  ∂L/∂xᵢ = Σ g over its copies"""
    return np.repeat(a, repeats, axis)


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


@op(np.pad, lambda g, pad_width, mode: unpad(g, pad_width, mode), method=False)
def pad(array: Array, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Array:
    """Longer at the ends of its axes, by a constant or by copies of x.
    y = x with a border,  ∂L/∂xᵢ = Σ g over xᵢ and its copies;  the modes are constant, edge,
    reflect, symmetric and wrap"""
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
    yᵢ = Σ x over the copies of i,  ∂L/∂x = g padded"""
    given = a
    a = at_least_single(a)
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
    return rounded(a, given)


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
