"""Derivatives of the circular and hyperbolic functions, their inverses and their kin."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..op import Array
from ..operators import OPS
from .elementwise import pointwise

INSIDE = (-0.8, 0.8)


@pointwise(np.sin, lambda g, x: g * np.cos(x))
def sin(x: Array) -> Array:
    """Sine.  y = sin x,  ∂L/∂x = g cos x"""
    return np.sin(x)


@pointwise(np.cos, lambda g, x: -g * np.sin(x))
def cos(x: Array) -> Array:
    """Cosine.  y = cos x,  ∂L/∂x = -g sin x"""
    return np.cos(x)


@pointwise(np.tan, lambda g, out: g + g * out * out, domain=(-1.2, 1.2))
def tan(x: Array) -> Array:
    """Tangent.  y = tan x,  ∂L/∂x = g (1 + y²)"""
    return np.tan(x)


@pointwise(np.arcsin, lambda g, x: g / np.sqrt((1 - x) * (1 + x)), domain=INSIDE)
def arcsin(x: Array) -> Array:
    """Inverse sine.  y = arcsin x,  ∂L/∂x = g / √(1 - x²)"""
    return np.arcsin(x)


@pointwise(np.arccos, lambda g, x: -g / np.sqrt((1 - x) * (1 + x)), domain=INSIDE)
def arccos(x: Array) -> Array:
    """Inverse cosine.  y = arccos x,  ∂L/∂x = -g / √(1 - x²)"""
    return np.arccos(x)


@pointwise(np.arctan, lambda g, x: g / (1 + x * x))
def arctan(x: Array) -> Array:
    """Inverse tangent.  y = arctan x,  ∂L/∂x = g / (1 + x²)"""
    return np.arctan(x)


@pointwise(
    np.arctan2,
    lambda g, y, x: g * x / (x * x + y * y),
    lambda g, y, x: -g * y / (x * x + y * y),
    domain=(0.3, 2.0),
)
def arctan2(y: Array, x: Array) -> Array:
    """Angle of the point (x, y).  z = arctan(y / x),  ∂L/∂y = g x / r²,  ∂L/∂x = -g y / r²"""
    return np.arctan2(y, x)


@pointwise(
    np.hypot,
    lambda g, x, out: g * x / (out + (out == 0)),
    lambda g, y, out: g * y / (out + (out == 0)),
    kinks=(0.0,),
)
def hypot(x: Array, y: Array) -> Array:
    """Length of (x, y).  z = √(x² + y²),  ∂L/∂x = g x / z,  ∂L/∂y = g y / z,  0 at (0, 0)"""
    return np.hypot(x, y)


@pointwise(np.sinh, lambda g, x: g * np.cosh(x))
def sinh(x: Array) -> Array:
    """Hyperbolic sine.  y = sinh x,  ∂L/∂x = g cosh x"""
    return np.sinh(x)


@pointwise(np.cosh, lambda g, x: g * np.sinh(x))
def cosh(x: Array) -> Array:
    """Hyperbolic cosine.  y = cosh x,  ∂L/∂x = g sinh x"""
    return np.cosh(x)


@pointwise(np.tanh, lambda g, out: g - g * out * out)
def tanh(x: Array) -> Array:
    """Hyperbolic tangent.  y = tanh x,  ∂L/∂x = g (1 - y²)"""
    return np.tanh(x)


@pointwise(np.arcsinh, lambda g, x: g / np.sqrt(1 + x * x))
def arcsinh(x: Array) -> Array:
    """Inverse hyperbolic sine.  y = arsinh x,  ∂L/∂x = g / √(1 + x²)"""
    return np.arcsinh(x)


@pointwise(np.arccosh, lambda g, x: g / np.sqrt((x - 1) * (x + 1)), domain=(1.3, 3.0))
def arccosh(x: Array) -> Array:
    """Inverse hyperbolic cosine.  y = arcosh x,  ∂L/∂x = g / √(x² - 1)"""
    return np.arccosh(x)


@pointwise(np.arctanh, lambda g, x: g / ((1 - x) * (1 + x)), domain=INSIDE)
def arctanh(x: Array) -> Array:
    """Inverse hyperbolic tangent.  y = artanh x,  ∂L/∂x = g / (1 - x²)"""
    return np.arctanh(x)


@pointwise(np.degrees, lambda g: g * (180 / math.pi), method=False)
def degrees(x: Array) -> Array:
    """Radians in degrees.  y = 180 x / π,  ∂L/∂x = 180 g / π"""
    return np.degrees(x)


@pointwise(np.radians, lambda g: g * (math.pi / 180), method=False)
def radians(x: Array) -> Array:
    """Degrees in radians.  y = π x / 180,  ∂L/∂x = π g / 180"""
    return np.radians(x)


OPS |= {np.rad2deg: degrees, np.deg2rad: radians}


def _sinc_vjp(g: Any, x: Any, order: int = 0) -> Any:
    return g * sinc_slope(x, order + 1)


@pointwise(np.sinc, lambda g, x: _sinc_vjp(g, x))
def sinc(x: Array) -> Array:
    """Normalised sine.  y = sin πx / πx,  1 at 0,  ∂L/∂x = g (cos πx - y) / x,  0 at 0"""
    return np.sinc(x)


@pointwise(None, _sinc_vjp, method=False)
def sinc_slope(x: Array, order: int = 1) -> Array:
    """Derivatives of sinc.  y = sinc⁽ⁿ⁾ x,  ∂L/∂x = g sinc⁽ⁿ⁺¹⁾ x"""
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
