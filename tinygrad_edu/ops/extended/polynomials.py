"""Polynomials, and the products of sequences: convolution and correlation."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...declare import Array, as_operand, composed, op
from ...tensor import Tensor

__all__ = ["convolve", "polyval", "vander"]


@composed(np.polyval, method=False)
def polyval(p: Any, x: Any) -> Any:
    """The value at x of a polynomial with these coefficients, that of the highest power first.
    y = p₁ xⁿ⁻¹ + p₂ xⁿ⁻² + ... + pₙ"""
    if isinstance(x, np.poly1d):
        raise TypeError(
            "polyval: polynomials are not inserted here; x must be an array or a Tensor"
        )
    x = as_operand(x)
    y: Any = np.zeros(x.shape, x.dtype)
    for coefficient in as_operand(p):
        y = y * x + coefficient
    return y


@composed(np.vander, method=False)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Tensor:
    """The matrix of powers of each element of a vector, the highest first unless increasing.
    Y = [xᴺ⁻¹ ... x² x 1]"""
    x = as_operand(x)
    if x.ndim != 1:
        raise ValueError(f"vander: x must be a vector, and has {x.ndim} axes")
    dtype = np.promote_types(x.dtype, int)  # as NumPy, which so makes float64 of float32
    x = x if x.dtype == dtype else x.astype(dtype)
    powers = np.arange(len(x) if N is None else N, dtype=dtype)
    return x[:, None] ** (powers if increasing else powers[::-1])


# -------------------------------------------------------------------- products of sequences


def _all_terms(g: Any, m: int, n: int, mode: str) -> Any:
    """The gradient of all terms of the convolution of m elements with n, 0 where left out."""
    if mode == "full":
        return g
    shorter = min(m, n)
    before = shorter - 1 if mode == "valid" else (shorter - 1) // 2
    return np.pad(g, (before, m + n - 1 - before - g.shape[0]))


def _convolve_vjp(g: Any, other: Any, like: Any, mode: str) -> Any:
    other = other.reshape(-1)
    g = _all_terms(g, int(np.prod(like)), other.shape[0], mode)
    return convolve(g, other[::-1], "valid").reshape(like)


@op(
    np.convolve,
    lambda g, v, like, mode: _convolve_vjp(g, v, like, mode),
    lambda g, a, like, mode: _convolve_vjp(g, a, like, mode),
    products=True,
    method=False,
)
def convolve(a: Array, v: Array, mode: Any = "full") -> Array:
    """Product of two sequences as of polynomials' coefficients.
    yₖ = Σ aᵢ vₖ₋ᵢ,  ∂L/∂aᵢ = Σ gₖ vₖ₋ᵢ,  ∂L/∂vⱼ = Σ gₖ aₖ₋ⱼ"""
    if mode not in ("full", "same", "valid"):
        raise ValueError(f"the mode is 'full', 'same' or 'valid', not {mode!r}")
    return np.convolve(a, v, mode)


@composed(np.correlate, method=False)
def _correlate(a: Any, v: Any, mode: str = "valid") -> Tensor:
    """The product of two sequences that are shifted along each other.
    yₖ = Σ aₖ₊ᵢ vᵢ"""
    a, v = as_operand(a), as_operand(v)
    if a.ndim != 1 or v.ndim != 1:
        raise ValueError(f"correlate takes two vectors, not {a.ndim} and {v.ndim} axes")
    if len(a) < len(v):
        return convolve(v, a[::-1], mode)[::-1]
    return convolve(a, v[::-1], mode)
