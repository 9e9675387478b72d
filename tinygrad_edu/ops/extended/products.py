"""More products, short expressions of others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...declare import as_operand, composed
from ...tensor import Tensor
from ..products import dot, matmul
from ..shape import moveaxis, roll, tril

__all__ = ["cross", "kron", "matrix_power", "multi_dot"]


@composed(np.kron)
def kron(a: Any, b: Any) -> Tensor:
    """Kronecker product: b in the place of each element of a, times that element."""
    a, b = as_operand(a), as_operand(b)
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
    a, b = moveaxis(as_operand(a), axisa, -1), moveaxis(as_operand(b), axisb, -1)
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
    arrays = [as_operand(a) for a in arrays]
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
