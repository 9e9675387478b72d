"""Inverses, determinants and decompositions.

All take stacks of matrices, along the last two axes. Functions of symmetric matrices read one
triangle, as in NumPy, so the gradient lies in that triangle; of (A + Aᵀ) / 2 it is symmetric.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...declare import Array, composed, op
from ...tensor import Tensor

__all__ = [
    "cholesky", "cofactor", "det", "eigh", "eigvalsh", "inv", "pinv", "qr", "slogdet", "solve",
    "svd", "svdvals",
]  # fmt: skip

# -------------------------------------------------------------------- inverses


@op(np.linalg.inv, lambda g, out: -(out.mT @ g @ out.mT), method=False)
def inv(a: Array) -> Array:
    """Inverse.
    Y = A⁻¹,  ∂L/∂A = -Yᵀ g Yᵀ"""
    return np.linalg.inv(a)


def _columns(x: Any, a: Any) -> Any:
    """x, whose last axis is a vector's if it has fewer axes than a, as a stack of matrices."""
    return np.expand_dims(x, -1) if x.ndim < a.ndim else x


def _solved(g: Any, a: Any) -> Any:
    return np.linalg.solve(a.mT, _columns(g, a))


@op(
    np.linalg.solve,
    lambda g, a, out: -(_solved(g, a) @ _columns(out, a).mT),
    lambda g, a: _solved(g, a).squeeze(-1) if g.ndim < a.ndim else _solved(g, a),
    method=False,
)
def solve(a: Array, b: Array) -> Array:
    """Solution of linear equations.
    X = A⁻¹ B,  ∂L/∂B = A⁻ᵀ g,  ∂L/∂A = -A⁻ᵀ g Xᵀ"""
    return np.linalg.solve(a, b)


def _pinv_vjp(g: Any, a: Any, out: Any, hermitian: bool) -> Any:
    if hermitian:  # only the lower triangle is read
        a = np.tril(a) + np.tril(a, -1).mT
    twice = g.mT @ out
    across = (twice - a @ (out @ twice)) @ out.mT
    along = out.mT @ (out @ g.mT)
    part = across + along - (along @ out) @ a - out.mT @ g @ out.mT
    return _triangle(part, lower=True) if hermitian else part


@op(np.linalg.pinv, _pinv_vjp, method=False)
def pinv(a: Array, rcond: Any = None, hermitian: bool = False, rtol: Any = None) -> Array:
    """Pseudoinverse, of matrices whose rank does not change nearby.
    Y = A⁺,  ∂L/∂A = (I - A Y) gᵀ Y Yᵀ + Yᵀ Y gᵀ (I - Y A) - Yᵀ g Yᵀ"""
    if rtol is None:
        return np.linalg.pinv(a, rcond, hermitian)
    return np.linalg.pinv(a, rcond, hermitian, rtol=rtol)


# -------------------------------------------------------------------- determinants


@op(np.linalg.det, lambda g, a: g[..., None, None] * cofactor(a))
def det(a: Array) -> Array:
    """Determinant.
    y = det A,  ∂L/∂A = g cof A,  for singular matrices too

    The second derivative divides by y, so it needs invertible ones.
    """
    return np.linalg.det(a)


def _cofactor_vjp(g: Any, a: Any, out: Any) -> Any:
    inner = (g * out).sum((-2, -1), keepdims=True)
    return (inner * out - out @ g.mT @ out) / np.linalg.det(a)[..., None, None]


@op(None, _cofactor_vjp, method=False)
def cofactor(a: Array) -> Array:
    """Matrix of cofactors.
    C = det A A⁻ᵀ,  ∂L/∂A = (⟨g, C⟩ C - C gᵀ C) / det A

    The derivative of the determinant; for singular matrices computed from the decomposition U S Vᵀ.
    """
    scale = np.linalg.det(a)
    if scale.all():
        return scale[..., None, None] * np.linalg.inv(a).mT
    u, s, vh = np.linalg.svd(a)
    n = s.shape[-1]
    others = np.where(np.eye(n, dtype=bool), 1, s[..., None, :]).prod(-1)
    signs = np.linalg.det(u) * np.linalg.det(vh)
    return (u * (signs[..., None] * others)[..., None, :]) @ vh


@op(
    np.linalg.slogdet,
    lambda g, a: g[1][..., None, None] * np.linalg.inv(a).mT,
    outputs=2,
    method=False,
)
def slogdet(a: Array) -> Any:
    """Sign and logarithm of the determinant.
    y = ln |det A|,  ∂L/∂A = g A⁻ᵀ"""
    return np.linalg.slogdet(a)


# -------------------------------------------------------------------- decompositions


def _triangle(s: Any, lower: bool) -> Any:
    """The derivative by one triangle, of a symmetric matrix that is read from it."""
    if lower:
        return np.tril(s) + np.triu(s, 1).mT
    return np.triu(s) + np.tril(s, -1).mT


def _cholesky_vjp(g: Any, out: Any, upper: bool) -> Any:
    if upper:
        g, out = g.mT, out.mT
    half = np.tril(out.mT @ g)
    half = half - half * (np.eye(out.shape[-1], dtype=g.dtype) / 2)
    inverse = np.linalg.inv(out)
    return _triangle(inverse.mT @ half @ inverse, not upper)


@op(np.linalg.cholesky, _cholesky_vjp, method=False)
def cholesky(a: Array, upper: bool = False) -> Array:
    """Cholesky decomposition of positive definite matrices.
    A = L Lᵀ,  ∂L/∂A = L⁻ᵀ Φ(Lᵀ g) L⁻¹,  Φ the lower triangle with half the diagonal;
    only one triangle of A is read, so the other's derivative is added to it."""
    return np.linalg.cholesky(a, upper=upper)


def _over(numerators: Any, gaps: Any) -> Any:
    """The quotients, with 0 / 0 = 0: what does not depend on vectors feels no equal values."""
    return numerators / np.where((gaps == 0) & (numerators == 0), 1, gaps)


def _eigh_vjp(g: Any, out: Any, UPLO: str) -> Any:
    (gw, gv), (w, v) = g, out
    inner = gw[..., None] * np.eye(w.shape[-1], dtype=gw.dtype)
    if not isinstance(gv, np.ndarray) or gv.any():  # the vectors are used
        turned = v.mT @ gv
        inner = inner + _over(turned - turned.mT, 2 * (w[..., None, :] - w[..., :, None]))
    return _triangle(v @ inner @ v.mT, UPLO.upper() == "L")


@op(np.linalg.eigh, _eigh_vjp, outputs=2, method=False)
def eigh(a: Array, UPLO: Any = "L") -> Any:
    """Eigenvalues, ascending, and eigenvectors of symmetric matrices.
    A = V diag(w) Vᵀ,  ∂L/∂A = V (diag(g_w) + F ∘ Vᵀ g_v) Vᵀ,  Fᵢⱼ = 1 / (wⱼ - wᵢ);
    where eigenvalues are equal, their vectors have no derivative: a gradient that comes through
    the vectors is infinite or NaN there, while one through the eigenvalues alone is right if it
    treats equal ones alike, as a sum does. Second derivatives need distinct eigenvalues. Only
    one triangle of A is read, so the other's derivative is added to it."""
    return np.linalg.eigh(a, UPLO)


@composed(np.linalg.eigvalsh, method=False)
def eigvalsh(a: Any, UPLO: str = "L") -> Tensor:
    """Eigenvalues of symmetric matrices, ascending (see `eigh`)."""
    return eigh(a, UPLO)[0]


def _svd_vjp(g: Any, out: Any) -> Any:
    (gu, gs, gvh), (u, s, vh) = g, out
    k = s.shape[-1]
    if (gu[..., k:] != 0).any() or (gvh[..., k:, :] != 0).any():
        raise ValueError(
            "svd: with full_matrices=True the vectors beyond the singular values are any that "
            "complete a basis, so they have no derivative; write full_matrices=False"
        )
    gu, u, gv, v = gu[..., :k], u[..., :k], gvh[..., :k, :].mT, vh[..., :k, :].mT
    row, column = s[..., None, :], s[..., :, None]
    gaps = (row - column) * (row + column)
    left, right = u.mT @ gu, v.mT @ gv
    inner = _over(left - left.mT, gaps) * row + column * _over(right - right.mT, gaps)
    part = u @ (inner + gs[..., None] * np.eye(k, dtype=gs.dtype)) @ v.mT
    if u.shape[-2] > k:
        part = part + _over(gu - u @ left, row) @ v.mT
    if v.shape[-2] > k:
        part = part + u @ _over(gv - v @ right, row).mT
    return part


@op(None, _svd_vjp, outputs=3, method=False)
def svd(a: Array, full_matrices: bool = True) -> Any:
    """Singular values, descending, and singular vectors.
    A = U diag(s) Vᵀ,  ∂L/∂A = U (diag(g_s) + F ∘ (Uᵀ g_u - g_uᵀ U) S + S F ∘ (Vᵀ g_v - g_vᵀ V)) Vᵀ
    + (I - U Uᵀ) g_u S⁻¹ Vᵀ + U S⁻¹ g_vᵀ (I - V Vᵀ),  Fᵢⱼ = 1 / (sⱼ² - sᵢ²);
    where singular values are equal or 0, a gradient that comes through their vectors is infinite
    or NaN, while one through the values alone is right if it treats equal ones alike, as a sum
    does. Second derivatives need distinct values other than 0."""
    return np.linalg.svd(a, full_matrices)


@composed(np.linalg.svd, method=False)
def _svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """NumPy's svd: without `compute_uv` the singular values only."""
    return svd(a, full_matrices) if compute_uv else svd(a, False)[1]


@composed(np.linalg.svdvals, method=False)
def svdvals(x: Any) -> Tensor:
    """Singular values, descending (see `svd`)."""
    return svd(x, False)[1]


def _qr_vjp(g: Any, out: Any) -> Any:
    (gq, gr), (q, r) = g, out
    k = q.shape[-1]
    square, rest = r[..., :k], r[..., k:]
    g_square, g_rest = gr[..., :k], gr[..., k:]
    gq = gq + q @ rest @ g_rest.mT
    middle = square @ g_square.mT - gq.mT @ q
    part = gq + q @ (np.tril(middle) + np.tril(middle, -1).mT)
    part = np.linalg.solve(square, part.mT).mT
    return np.concatenate([part, q @ g_rest], -1) if r.shape[-1] > k else part


@op(None, _qr_vjp, outputs=2, method=False)
def qr(a: Array) -> Any:
    """Orthogonal times upper triangular, of matrices whose first columns are independent.
    A = Q R,  ∂L/∂A = (g_q + Q Ψ(R g_rᵀ - g_qᵀ Q)) R⁻ᵀ,  Ψ the lower triangle, mirrored"""
    return np.linalg.qr(a)


@composed(np.linalg.qr, method=False)
def _qr(a: Any, mode: str = "reduced") -> Any:
    """NumPy's qr, in the modes that have a derivative."""
    rows, columns = a.shape[-2:]
    if mode == "r":
        return qr(a)[1]
    if mode == "reduced" or (mode == "complete" and rows <= columns):
        return qr(a)
    raise ValueError(
        f"qr: mode {mode!r} has no derivative here"
        + (" for more rows than columns, whose last vectors are any" if mode == "complete" else "")
        + "; write 'reduced' or 'r'"
    )
