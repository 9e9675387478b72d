"""Special functions: their derivatives are functions of their own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...declare import Array
from ..elementwise import pointwise

__all__ = ["sinc", "sinc_slope"]


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
