"""Trigonometric and hyperbolic functions and their inverses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..declare import Array
from ..precision import at_least_single, finite, is_moderate
from ..registry import OPS
from .elementwise import pointwise

__all__ = [
    "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "cos", "cosh",
    "degrees", "hypot", "radians", "sin", "sinh", "tan", "tanh",
]  # fmt: skip

INSIDE = (-0.8, 0.8)


@pointwise(np.sin, lambda g, x: g * np.cos(x))
def sin(x: Array) -> Array:
    """Sine.
    y = sin x,  ∂L/∂x = g cos x"""
    return np.sin(x)


@pointwise(np.cos, lambda g, x: -g * np.sin(x))
def cos(x: Array) -> Array:
    """Cosine.
    y = cos x,  ∂L/∂x = -g sin x"""
    return np.cos(x)


@pointwise(np.tan, lambda g, out: g + g * out * out, domain=(-1.2, 1.2))
def tan(x: Array) -> Array:
    """Tangent.
    y = tan x,  ∂L/∂x = g (1 + y²)"""
    return np.tan(x)


@pointwise(np.arcsin, lambda g, x: g / np.sqrt((1 - x) * (1 + x)), domain=INSIDE)
def arcsin(x: Array) -> Array:
    """Inverse sine.
    y = arcsin x,  ∂L/∂x = g / √(1 - x²)"""
    return np.arcsin(x)


@pointwise(np.arccos, lambda g, x: -g / np.sqrt((1 - x) * (1 + x)), domain=INSIDE)
def arccos(x: Array) -> Array:
    """Inverse cosine.
    y = arccos x,  ∂L/∂x = -g / √(1 - x²)"""
    return np.arccos(x)


@pointwise(np.arctan, lambda g, x: g / (1 + np.square(at_least_single(x))))
def arctan(x: Array) -> Array:
    """Inverse tangent.
    y = arctan x,  ∂L/∂x = g / (1 + x²)"""
    return np.arctan(x)


def _over_square(part: Any, x: Any, y: Any) -> Any:
    """A coordinate over r² = x² + y², by np.hypot, which is slow, where r² is 0 or ∞."""
    square = x * x + y * y
    inverse = np.reciprocal(square)
    if type(square) is np.ndarray and math.isfinite(np.vdot(square, inverse)):
        return part * inverse
    r = np.hypot(x, y)
    r = r + (r == 0)
    return finite(part) / r / r


@pointwise(
    np.arctan2,
    lambda g, y, x: g * _over_square(x, x, y),
    lambda g, y, x: -g * _over_square(y, x, y),
    domain=(0.3, 2.0),
)
def arctan2(y: Array, x: Array) -> Array:
    """Angle of the point (x, y).
    z = arctan(y / x),  ∂L/∂y = g x / r²,  ∂L/∂x = -g y / r²,  0 at (0, 0)"""
    return np.arctan2(y, x)


def _over_length(part: Any, r: Any) -> Any:
    """A coordinate over r = √(x² + y²): 0 / 0 is 0, and ∞ / ∞ is 1."""
    r = r + (r == 0)
    return part / r if is_moderate(r) else np.where(np.isinf(part), np.sign(part), part / r)


@pointwise(
    np.hypot,
    lambda g, x, out: g * _over_length(x, out),
    lambda g, y, out: g * _over_length(y, out),
    kinks=(0.0,),
)
def hypot(x: Array, y: Array) -> Array:
    """Length of (x, y).
    z = √(x² + y²),  ∂L/∂x = g x / z,  ∂L/∂y = g y / z,  0 at (0, 0)"""
    return np.hypot(x, y)


@pointwise(np.sinh, lambda g, x: g * np.cosh(x))
def sinh(x: Array) -> Array:
    """Hyperbolic sine.
    y = sinh x,  ∂L/∂x = g cosh x"""
    return np.sinh(x)


@pointwise(np.cosh, lambda g, x: g * np.sinh(x))
def cosh(x: Array) -> Array:
    """Hyperbolic cosine.
    y = cosh x,  ∂L/∂x = g sinh x"""
    return np.cosh(x)


@pointwise(np.tanh, lambda g, out: g - g * out * out)
def tanh(x: Array) -> Array:
    """Hyperbolic tangent.
    y = tanh x,  ∂L/∂x = g (1 - y²)"""
    return np.tanh(x)


def _hypotenuse(x: Any) -> Any:
    """√(1 + x²), by np.hypot, which is slow, where the square overflows."""
    return np.sqrt(1 + x * x) if is_moderate(x) else np.hypot(x, 1)


@pointwise(np.arcsinh, lambda g, x: g / _hypotenuse(x))
def arcsinh(x: Array) -> Array:
    """Inverse hyperbolic sine.
    y = arsinh x,  ∂L/∂x = g / √(1 + x²)"""
    return np.arcsinh(x)


@pointwise(np.arccosh, lambda g, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)), domain=(1.3, 3.0))
def arccosh(x: Array) -> Array:
    """Inverse hyperbolic cosine.
    y = arcosh x,  ∂L/∂x = g / √(x² - 1)"""
    return np.arccosh(x)


@pointwise(np.arctanh, lambda g, x: g / ((1 - x) * (1 + x)), domain=INSIDE)
def arctanh(x: Array) -> Array:
    """Inverse hyperbolic tangent.
    y = artanh x,  ∂L/∂x = g / (1 - x²)"""
    return np.arctanh(x)


@pointwise(np.degrees, lambda g: g * (180 / math.pi), method=False)
def degrees(x: Array) -> Array:
    """Radians in degrees.
    y = 180 x / π,  ∂L/∂x = 180 g / π"""
    return np.degrees(x)


@pointwise(np.radians, lambda g: g * (math.pi / 180), method=False)
def radians(x: Array) -> Array:
    """Degrees in radians.
    y = π x / 180,  ∂L/∂x = π g / 180"""
    return np.radians(x)


OPS |= {np.rad2deg: degrees, np.deg2rad: radians}
