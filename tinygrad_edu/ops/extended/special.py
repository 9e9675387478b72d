"""Special functions: their derivatives are functions of their own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...declare import Array
from ..elementwise import pointwise

__all__ = ["bessel_i", "i0", "sinc", "sinc_slope"]


def _sinc_vjp(g: Any, x: Any, order: int = 0) -> Any:
    return g * sinc_slope(x, order + 1)


@pointwise(np.sinc, lambda g, x: _sinc_vjp(g, x))
def sinc(x: Array) -> Array:
    """Normalized sine.
    y = sin πx / πx,  1 at 0,  ∂L/∂x = g (cos πx - y) / x,  0 at 0"""
    return np.sinc(x)


@pointwise(None, _sinc_vjp, method=False)
def sinc_slope(x: Array, order: int = 1) -> Array:
    """Derivatives of sinc.
    y = sinc⁽ⁿ⁾ x,  ∂L/∂x = g sinc⁽ⁿ⁺¹⁾ x"""
    u = np.asarray(math.pi * x)
    near = np.abs(u) < order
    with np.errstate(all="ignore"):
        y = np.asarray(_by_recurrence(u, order))
    y[near] = _by_series(u[near], order)
    y *= math.pi**order
    return y


def _by_recurrence(u: Array, n: int) -> Array:
    """The nth derivative of sin u / u away from 0, since  u y⁽ᵏ⁾ + k y⁽ᵏ⁻¹⁾ = sin⁽ᵏ⁾ u."""
    sine, cosine = np.sin(u), np.cos(u)
    y = sine / u
    for k in range(1, n + 1):
        y = ((sine, cosine, -sine, -cosine)[k % 4] - k * y) / u
    return y


def _by_series(u: Array, n: int) -> Array:
    """The same near 0:  Σ ± uʲ / j! (n + j + 1),  n + j even."""
    first, square, y = n % 2, u * u, 0 * u
    for j in reversed(range(first, 3 * n + 20, 2)):
        y = y * square + (-1) ** ((n + j) // 2) / (math.factorial(j) * (n + j + 1))
    return y * u if first else y


# -------------------------------------------------------------------- modified Bessel functions


def _bessel_vjp(g: Any, x: Any, order: int) -> Any:
    if order == 0:
        return g * bessel_i(x, 1)
    return g * (bessel_i(x, order - 1) + bessel_i(x, order + 1)) / 2


@pointwise(np.i0, lambda g, x: _bessel_vjp(g, x, 0), method=False)
def i0(x: Array) -> Array:
    """Modified Bessel function of order 0.
    y = I₀ x,  ∂L/∂x = g I₁ x"""
    return np.i0(x)


@pointwise(None, _bessel_vjp, method=False)
def bessel_i(x: Array, order: int = 1) -> Array:
    """Modified Bessel functions of the first kind.
    y = Iₙ x,  ∂L/∂x = g (Iₙ₋₁ x + Iₙ₊₁ x) / 2"""
    x = np.asarray(x, np.result_type(x, np.float16))
    size = np.abs(x)
    far = size > max(30, order * order)
    y = _i_by_series(np.where(far, 0, size), order)
    if far.any():
        y[far] = _i_far_away(size[far], order)
    return y if order % 2 == 0 else np.copysign(y, x)


def _i_by_series(x: Array, n: int) -> Array:
    """Σ (x/2)ⁿ⁺²ᵏ / k! (n + k)!, whose terms all have the same sign."""
    term = np.asarray((x / 2) ** n / math.factorial(n))
    square, total, k = x * x / 4, term.copy(), 1
    while (term > total * np.finfo(total.dtype).eps).any():
        term = term * (square / (k * (k + n)))
        total += term
        k += 1
    return total


def _i_far_away(x: Array, n: int) -> Array:
    """eˣ / √2πx (1 - (4n² - 1) / 8x + (4n² - 1) (4n² - 9) / 2! (8x)² - ...)."""
    total = term = np.ones_like(x)
    for k in range(1, 30):
        term = term * ((2 * k - 1) ** 2 - 4 * n * n) / (k * 8 * x)
        total = total + term
    half = np.exp(x / 2)  # the whole would overflow before its product does
    return half / np.sqrt(2 * math.pi * x) * total * half
