"""Diagonals of matrices, and matrices of diagonals."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...declare import as_operand, composed
from ...tensor import Tensor
from ..index import scatter
from ..shape import moveaxis

__all__ = ["diag", "diagflat", "diagonal", "trace"]


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
    v = as_operand(v)
    if v.ndim == 2:
        return diagonal(v, k)
    if v.ndim != 1:
        raise ValueError(f"diag takes a vector or a matrix, not {v.ndim} axes")
    n = len(v) + abs(k)
    return scatter(v, _diagonal(len(v), n, k), (n * n,)).reshape(n, n)


@composed(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Tensor:
    """The matrix that all elements, row by row, are the diagonal of."""
    return diag(as_operand(v).reshape(-1), k)


@composed(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    """Sum along the diagonal."""
    return np.diagonal(a, offset, axis1, axis2).sum(-1, dtype)
