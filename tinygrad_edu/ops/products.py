"""Derivatives of the products of vectors and matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..op import Array, op
from ..tensor import Tensor
from .composed import composed
from .shape import expand_dims, moveaxis, roll, tril


def _matrices(g: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
    """`g = x @ y` with the axes that 1-d arguments lack: x as a row, y as a column."""
    if y.ndim == 1:
        y, g = y[:, None], g[..., None]
    if x.ndim == 1:
        x, g = x[None, :], g[..., None, :]
    return g, x, y


def _left(g: Any, x: Any, y: Any) -> Any:
    if x.ndim == y.ndim == 2:
        return g @ y.T
    g, x, y = _matrices(g, x, y)
    return g @ y.swapaxes(-1, -2)


def _right(g: Any, x: Any, y: Any) -> Any:
    if x.ndim == y.ndim == 2:
        return x.T @ g
    vector = y.ndim == 1
    g, x, y = _matrices(g, x, y)
    part = x.swapaxes(-1, -2) @ g
    return part[..., 0] if vector else part


@op(np.matmul, _left, _right)
def matmul(x: Array, y: Array) -> Array:
    """Matrix product over the last two axes.  z = x y,  ∂L/∂x = g yᵀ,  ∂L/∂y = xᵀ g"""
    return np.matmul(x, y)


@op(
    None,
    lambda g, x2: np.expand_dims(g, -1) * x2,
    lambda g, x1: np.expand_dims(g, -1) * x1,
    method=False,
)
def vecdot(x1: Array, x2: Array) -> Array:
    """Sum of products over the last axis.  z = Σ x y,  ∂L/∂x = g y,  ∂L/∂y = g x"""
    return np.vecdot(x1, x2)


@op(
    np.outer,
    lambda g, b, like: (g @ b.reshape(-1)).reshape(like),
    lambda g, a, like: (a.reshape(-1) @ g).reshape(like),
)
def outer(a: Array, b: Array) -> Array:
    """The products of all elements of a with all of b.  Z = a bᵀ,  ∂L/∂a = g b,  ∂L/∂b = gᵀ a"""
    return np.outer(a, b)


# -------------------------------------------------------------------- products made of them


def _array(x: Any) -> Any:
    """Lists and numbers as arrays; arrays and Tensors as they are."""
    return x if isinstance(x, Tensor) else np.asarray(x)


@composed(np.dot)
def dot(a: Any, b: Any) -> Tensor:
    """Sum of products over the last axis of a and the last but one of b, which may be a vector."""
    a, b = _array(a), _array(b)
    if not a.ndim or not b.ndim:
        return a * b
    return matmul(a, b) if b.ndim <= 2 else tensordot(a, b, (-1, -2))


@composed(np.inner)
def inner(a: Any, b: Any) -> Tensor:
    """Sum of products over the last axes."""
    a, b = _array(a), _array(b)
    return tensordot(a, b, (-1, -1)) if a.ndim and b.ndim else a * b


@composed(np.linalg.outer, method=False)
def _outer_of_vectors(x1: Any, x2: Any) -> Tensor:
    """`outer` of two vectors only."""
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(f"outer takes two vectors, not {np.ndim(x1)} and {np.ndim(x2)} axes")
    return outer(x1, x2)


@composed(np.vdot)
def vdot(a: Any, b: Any) -> Tensor:
    """Sum of the products of all elements, row by row."""
    return matmul(_array(a).reshape(-1), _array(b).reshape(-1))


@composed(np.tensordot, np.linalg.tensordot, method=False)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Tensor:
    """Sum of products over axes of a and of b: a pair of lists, or so many last and first ones."""
    a, b = _array(a), _array(b)
    if np.ndim(axes) == 0 and not isinstance(axes, (list, tuple)):
        if axes > min(a.ndim, b.ndim):
            raise IndexError(f"tensordot: {axes} axes of each, and they have {a.ndim} and {b.ndim}")
        axes = range(a.ndim - axes, a.ndim), range(axes)
    over_a, over_b = (
        normalize_axis_tuple(tuple(each) if np.iterable(each) else (int(each),), x.ndim)
        for each, x in zip(axes, (a, b), strict=True)
    )
    if [a.shape[i] for i in over_a] != [b.shape[i] for i in over_b]:
        raise ValueError(
            f"tensordot: axes {over_a} of {a.shape} and {over_b} of {b.shape} differ in size"
        )
    free_a = [i for i in range(a.ndim) if i not in over_a]
    free_b = [i for i in range(b.ndim) if i not in over_b]
    rows, columns = [a.shape[i] for i in free_a], [b.shape[i] for i in free_b]
    length = int(np.prod([a.shape[i] for i in over_a], dtype=int))
    left = a.transpose([*free_a, *over_a]).reshape(int(np.prod(rows, dtype=int)), length)
    right = b.transpose([*over_b, *free_b]).reshape(length, int(np.prod(columns, dtype=int)))
    return matmul(left, right).reshape((*rows, *columns))


def _check_ndim(name: str, x: Any, ndim: int) -> None:
    if np.ndim(x) < ndim:
        raise ValueError(f"{name}: an argument needs {ndim} axes or more, and has {np.ndim(x)}")


@composed(np.vecdot, np.linalg.vecdot, method=False)
def _vecdot(x1: Any, x2: Any, *, axis: int = -1) -> Tensor:
    """`vecdot` over any axis."""
    if axis != -1:
        x1, x2 = moveaxis(x1, axis, -1), moveaxis(x2, axis, -1)
    return vecdot(x1, x2)


@composed(getattr(np, "matvec", None), method=False)
def matvec(x1: Any, x2: Any) -> Tensor:
    """Matrices times vectors, the rows of the last axis."""
    _check_ndim("matvec", x1, 2)
    return matmul(x1, expand_dims(x2, -1)).squeeze(-1)


@composed(getattr(np, "vecmat", None), method=False)
def vecmat(x1: Any, x2: Any) -> Tensor:
    """Vectors, the rows of the last axis, times matrices."""
    _check_ndim("vecmat", x2, 2)
    return matmul(expand_dims(x1, -2), x2).squeeze(-2)


composed(np.linalg.matmul, method=False)(matmul)


@composed(np.kron)
def kron(a: Any, b: Any) -> Tensor:
    """Kronecker product: b in the place of each element of a, times that element."""
    a, b = _array(a), _array(b)
    ndim = max(a.ndim, b.ndim)
    m, n = ((1,) * (ndim - x.ndim) + x.shape for x in (a, b))
    left = a.reshape([size for i in m for size in (i, 1)])
    right = b.reshape([size for i in n for size in (1, i)])
    return (left * right).reshape([i * j for i, j in zip(m, n, strict=True)])


@composed(np.cross)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Tensor:
    """Vector product of vectors in three dimensions."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = moveaxis(_array(a), axisa, -1), moveaxis(_array(b), axisb, -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise ValueError(
            f"cross: vectors of 3 elements are multiplied, not of {a.shape[-1]} and {b.shape[-1]}"
        )
    ahead_a, ahead_b = roll(a, -1, -1), roll(b, -1, -1)
    product = roll(a * ahead_b - ahead_a * b, -1, -1)
    return moveaxis(product, -1, axisc)


composed(np.linalg.cross, method=False)(lambda x1, x2, *, axis=-1: cross(x1, x2, axis=axis))


@composed(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Tensor:
    """The product of n equal square matrices, or of -n inverses; of none, the identity."""
    rows, columns = a.shape[-2:]
    if rows != columns:
        raise np.linalg.LinAlgError(f"matrix_power: {rows} by {columns} matrices are not square")
    if n == 0:
        return tril(a, -rows) + np.eye(rows, dtype=a.dtype)
    if n < 0:
        a, n = np.linalg.inv(a), -n
    power: Any = None
    while n:
        n, odd = divmod(n, 2)
        if odd:
            power = a if power is None else matmul(power, a)
        if n:
            a = matmul(a, a)
    return power


@composed(np.linalg.multi_dot, method=False)
def multi_dot(arrays: Sequence[Any]) -> Tensor:
    """The product of two or more matrices in the order that takes the fewest multiplications.

    The first may be a row vector and the last a column vector, in one dimension.
    """
    arrays = [_array(a) for a in arrays]
    if len(arrays) < 2:
        raise ValueError(f"multi_dot multiplies two arrays or more, and was given {len(arrays)}")
    if len(arrays) == 2:
        return dot(*arrays)
    row, column = arrays[0].ndim == 1, arrays[-1].ndim == 1
    if row:
        arrays[0] = arrays[0].reshape(1, -1)
    if column:
        arrays[-1] = arrays[-1].reshape(-1, 1)
    for i, a in enumerate(arrays):
        if a.ndim != 2:
            raise np.linalg.LinAlgError(f"multi_dot: array {i} has {a.ndim} axes, and needs two")
    product = _multiplied(arrays, 0, len(arrays), _best_splits(arrays))
    shape = product.shape[int(row) : 2 - int(column)]
    return product.reshape(shape) if row or column else product


def _best_splits(arrays: Sequence[Any]) -> dict[tuple[int, int], int]:
    """For each run of matrices, where to split it in two, by dynamic programming."""
    sizes = [a.shape[0] for a in arrays] + [arrays[-1].shape[1]]
    cost = {(i, i + 1): 0 for i in range(len(arrays))}
    best = {}
    for length in range(2, len(arrays) + 1):
        for i in range(len(arrays) - length + 1):
            j = i + length
            cost[i, j], best[i, j] = min(
                (cost[i, k] + cost[k, j] + sizes[i] * sizes[k] * sizes[j], k)
                for k in range(i + 1, j)
            )
    return best


def _multiplied(arrays: Sequence[Any], i: int, j: int, best: dict[tuple[int, int], int]) -> Any:
    if j == i + 1:
        return arrays[i]
    k = best[i, j]
    return matmul(_multiplied(arrays, i, k, best), _multiplied(arrays, k, j, best))
