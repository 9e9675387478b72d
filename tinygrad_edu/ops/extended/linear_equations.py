"""Linear equations in other forms: least squares, triangular matrices, tensors; condition."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...array_interface import data_of
from ...declare import Array, as_operand, composed, op
from ..products import matmul
from .decompositions import inv, pinv, solve, svdvals
from .norms import matrix_norm

__all__ = ["cond", "lstsq", "solve_triangular", "tensorinv", "tensorsolve"]


# -------------------------------------------------------------------- triangular matrices


def _is_transposed(trans: Any) -> bool:
    if trans not in (0, 1, "N", "T"):
        raise ValueError(f"solve_triangular: trans is 0, 1, 'N' or 'T', not {trans!r}")
    return trans in (1, "T")


def _triangle(a: Any, lower: bool, unit_diagonal: bool) -> Any:
    """What is read of a matrix."""
    return np.tril(a, -int(unit_diagonal)) if lower else np.triu(a, int(unit_diagonal))


def _substitute(a: Array, b: Array, lower: bool) -> Array:
    """Substitution of blocks, forward or backward; of few rows at a time as by `solve`."""
    n = a.shape[-1]
    if n <= 32:
        return np.linalg.solve(a, b)
    half = n // 2
    first, second = np.s_[..., :half, :], np.s_[..., half:, :]
    if lower:
        x = _substitute(a[..., :half, :half], b[first], True)
        y = _substitute(a[..., half:, half:], b[second] - a[..., half:, :half] @ x, True)
    else:
        y = _substitute(a[..., half:, half:], b[second], False)
        x = _substitute(a[..., :half, :half], b[first] - a[..., :half, half:] @ y, False)
    return np.concatenate([x, y], -2)


def _transposed_solution(g: Any, a: Any, trans: Any, lower: bool, unit_diagonal: bool) -> Any:
    """A⁻ᵀ g, in columns also of vectors."""
    g = np.expand_dims(g, -1) if g.ndim < a.ndim else g
    return solve_triangular(a, g, int(not _is_transposed(trans)), lower, unit_diagonal)


def _solve_triangular_a(
    g: Any, a: Any, out: Any, trans: Any, lower: bool, unit_diagonal: bool
) -> Any:
    x = np.expand_dims(out, -1) if out.ndim < a.ndim else out
    y = _transposed_solution(g, a, trans, lower, unit_diagonal)
    part = x @ y.mT if _is_transposed(trans) else y @ x.mT
    return -_triangle(part, lower, unit_diagonal)


def _solve_triangular_b(g: Any, a: Any, trans: Any, lower: bool, unit_diagonal: bool) -> Any:
    x = _transposed_solution(g, a, trans, lower, unit_diagonal)
    return x.squeeze(-1) if g.ndim < a.ndim else x


@op(None, _solve_triangular_a, _solve_triangular_b, method=False)
def solve_triangular(
    a: Array, b: Array, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False
) -> Array:
    """Solution of linear equations with a triangular matrix, of which one triangle is read.
    X = A⁻¹ B,  ∂L/∂B = A⁻ᵀ g,  ∂L/∂A = -A⁻ᵀ g Xᵀ in that triangle

    The arguments are those of scipy.linalg.solve_triangular: with `trans=1` the matrix is
    transposed, with `unit_diagonal` its diagonal is taken to be 1. Stacks as in np.linalg.solve.
    """
    a = _triangle(a, lower, unit_diagonal)
    if unit_diagonal:
        a = a + np.eye(a.shape[-1], dtype=a.dtype)
    if _is_transposed(trans):
        a, lower = a.mT, not lower
    return _substitute(a, b[:, None], lower)[..., 0] if b.ndim == 1 else _substitute(a, b, lower)


# -------------------------------------------------------------------- least squares


@composed(np.linalg.lstsq, method=False)
def lstsq(a: Any, b: Any, rcond: float | None = None) -> Any:
    """The x for which |b - A x|² is least, and of several such the shortest.
    x = A⁺ b

    Returns x, the sums of squared residuals (empty unless A has full rank and more rows than
    columns), the rank, which is a plain integer, and the singular values of A. Differentiable where
    the rank does not change nearby. Computed in float64.
    """
    a, b = as_operand(a), as_operand(b)
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0]:
        raise np.linalg.LinAlgError(
            "lstsq: takes a matrix, and a vector or matrix of as many rows, not shapes "
            f"{a.shape} and {b.shape}"
        )
    dtypes = [x.dtype if x.dtype.kind == "f" else np.dtype(np.float64) for x in (a, b)]
    dtype = np.result_type(*dtypes)
    a, b = (x.astype(np.float64) if x.dtype != np.float64 else x for x in (a, b))
    rows, unknowns = a.shape
    if rcond is None or rcond < 0:
        eps = float(np.finfo(dtype if rcond is None else np.float64).eps)
        rcond = eps * max(rows, unknowns) if rcond is None else eps
    values = svdvals(a)
    rank = int((values > rcond * values[:1]).sum())
    x: Any = matmul(pinv(a, rcond), b)
    residuals: Any = np.zeros(0)
    if rank == unknowns < rows:
        residuals = np.atleast_1d(np.square(b - matmul(a, x)).sum(0))
    return x.astype(dtype), residuals.astype(dtype), rank, values.astype(dtype)


@composed(np.linalg.cond, method=False)
def cond(x: Any, p: Any = None) -> Any:
    """Condition number of matrices: how much a relative error grows when they are inverted.
    y = |A| |A⁻¹|,  ∞ if A is singular,  for the 2-norm the ratio of singular values

    For the norms that `norm` has.
    """
    x = as_operand(x)
    if 0 in x.shape[-2:]:
        raise np.linalg.LinAlgError("cond: an empty matrix has no condition number")
    singular = np.isinf(np.linalg.cond(data_of(x), p))
    with np.errstate(all="ignore"):
        if p in (None, 2, -2):
            s = svdvals(x)
            y = s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
        else:
            if singular.any():
                x = np.where(singular[..., None, None], np.eye(x.shape[-1], dtype=x.dtype), x)
            y = matrix_norm(x, ord=p) * matrix_norm(inv(x), ord=p)
    return np.where(singular, np.asarray(np.inf, y.dtype), y) if singular.any() else y


# -------------------------------------------------------------------- tensors as matrices


@composed(np.linalg.tensorinv, method=False)
def tensorinv(a: Any, ind: int = 2) -> Any:
    """The inverse by tensordot over the first `ind` axes: of the matrix of these and the others."""
    a = as_operand(a)
    if ind <= 0:
        raise ValueError(f"tensorinv: ind must be 1 or more, not {ind}")
    size = math.prod(a.shape[ind:])
    if a.size != size * size:
        raise np.linalg.LinAlgError(
            f"tensorinv: the axes before {ind} must hold as many elements as those behind, and "
            f"shape {a.shape} has {a.size // max(size, 1)} and {size}"
        )
    return inv(a.reshape(size, size)).reshape(a.shape[ind:] + a.shape[:ind])


@composed(np.linalg.tensorsolve, method=False)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """The x for which tensordot(a, x, x.ndim) is b; `axes` of a are first moved to the end."""
    a, b = as_operand(a), as_operand(b)
    if axes is not None:
        moved = [axis % a.ndim for axis in axes]
        a = a.transpose([i for i in range(a.ndim) if i not in moved] + moved)
    shape = a.shape[b.ndim :]
    size = math.prod(shape)
    if a.size != size * size:
        raise np.linalg.LinAlgError(
            f"tensorsolve: a of shape {a.shape} is no square matrix whose rows have shape {b.shape}"
        )
    return solve(a.reshape(size, size), b.reshape(-1)).reshape(shape)
