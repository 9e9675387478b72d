"""Derivatives of the elementwise functions.  Arguments broadcast; the sweep sums that back."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from ..op import Array, op

pointwise = partial(op, elementwise=True)
selection = partial(op, elementwise=True, selects=True)

POSITIVE = (0.5, 2.0)

# -------------------------------------------------------------------- arithmetic


@pointwise(np.add, lambda g: g, lambda g: g)
def add(x: Array, y: Array) -> Array:
    """Sum.  z = x + y,  ∂L/∂x = g,  ∂L/∂y = g"""
    return x + y


@pointwise(np.subtract, lambda g: g, lambda g: -g)
def subtract(x: Array, y: Array) -> Array:
    """Difference.  z = x - y,  ∂L/∂x = g,  ∂L/∂y = -g"""
    return x - y


@pointwise(np.multiply, lambda g, y: g * y, lambda g, x: g * x)
def multiply(x: Array, y: Array) -> Array:
    """Product.  z = x y,  ∂L/∂x = g y,  ∂L/∂y = g x"""
    return x * y


@pointwise(np.divide, lambda g, y: g / y, lambda g, y, out: -g * out / y, domain=POSITIVE)
def divide(x: Array, y: Array) -> Array:
    """Quotient.  z = x / y,  ∂L/∂x = g / y,  ∂L/∂y = -g z / y"""
    return x / y


@pointwise(
    np.floor_divide, lambda g: g * 0, lambda g: g * 0, method=False, domain=((4.1, 4.9), (1.1, 1.3))
)
def floor_divide(x: Array, y: Array) -> Array:
    """Quotient rounded down.  z = ⌊x / y⌋,  ∂L/∂x = ∂L/∂y = 0"""
    return x // y


@pointwise(
    np.remainder, lambda g: g, lambda g, x, y: -g * (x // y), domain=((4.1, 4.9), (1.1, 1.3))
)
def remainder(x: Array, y: Array) -> Array:
    """Remainder of that quotient.  z = x - y ⌊x / y⌋,  ∂L/∂x = g,  ∂L/∂y = -g ⌊x / y⌋"""
    return x % y


@pointwise(np.negative, lambda g: -g)
def negative(x: Array) -> Array:
    """Negation.  y = -x,  ∂L/∂x = -g"""
    return np.negative(x)


@pointwise(np.positive, lambda g: g)
def positive(x: Array) -> Array:
    """The same value.  y = x,  ∂L/∂x = g"""
    return np.positive(x)


def _one_less(y: Any) -> Any:
    """The exponent of a power's derivative, but 0 x⁻¹ is written 0 x¹: it is 0 at x = 0 too."""
    if isinstance(y, (int, float)):
        return y - 1 if y else 1
    return np.where(y == 0, 1, y - 1)


def _log(x: Any) -> Any:
    """ln x of a power's base, with 0 for ln 0: 0ʸ does not change with y > 0."""
    if isinstance(x, (int, float)):
        return math.log(x) if x > 0 else math.nan if x else 0.0
    return np.log(np.where(x == 0, 1, x))


@pointwise(
    np.power,
    lambda g, x, y: g * y * x ** _one_less(y),
    lambda g, x, out: g * out * _log(x),
    domain=POSITIVE,
)
def power(x: Array, y: Array) -> Array:
    """Power.  z = xʸ,  ∂L/∂x = g y xʸ⁻¹,  ∂L/∂y = g z ln x"""
    return x**y


@pointwise(np.absolute, lambda g, x: g * np.sign(x), kinks=(0.0,))
def absolute(x: Array) -> Array:
    """Absolute value.  y = |x|,  ∂L/∂x = g sign x,  0 at 0"""
    return np.absolute(x)


@pointwise(np.sign, lambda g: g * 0, kinks=(0.0,))
def sign(x: Array) -> Array:
    """Sign.  y = -1, 0 or 1,  ∂L/∂x = 0"""
    return np.sign(x)


# -------------------------------------------------------------------- exponentials, logarithms


@pointwise(np.exp, lambda g, out: g * out)
def exp(x: Array) -> Array:
    """Exponential.  y = eˣ,  ∂L/∂x = g y"""
    return np.exp(x)


@pointwise(np.log, lambda g, x: g / x, domain=POSITIVE)
def log(x: Array) -> Array:
    """Natural logarithm.  y = ln x,  ∂L/∂x = g / x"""
    return np.log(x)


@pointwise(np.sqrt, lambda g, out: g * 0.5 / out, domain=POSITIVE)
def sqrt(x: Array) -> Array:
    """Square root.  y = √x,  ∂L/∂x = g / 2y"""
    return np.sqrt(x)


@pointwise(np.tanh, lambda g, out: g - g * out * out)
def tanh(x: Array) -> Array:
    """Hyperbolic tangent.  y = tanh x,  ∂L/∂x = g (1 - y²)"""
    return np.tanh(x)


@pointwise(None, lambda g, out: g * (out * (1 - out)))
def sigmoid(x: Array) -> Array:
    """Logistic function.  y = 1 / (1 + e⁻ˣ),  ∂L/∂x = g y (1 - y)"""
    decay = np.exp(-np.abs(x))  # never overflows
    return np.where(x >= 0, 1, decay) / (1 + decay)


# -------------------------------------------------------------------- selections


@selection(None, lambda g, out: g * (out > 0), kinks=(0.0,))
def relu(x: Array) -> Array:
    """Rectifier.  y = max(x, 0),  ∂L/∂x = g [x > 0],  0 at 0"""
    return np.maximum(x, 0)


@selection(
    np.maximum,
    lambda g, x, y: (g * (x > y) + g * (x >= y)) / 2,
    lambda g, x, y: (g * (y > x) + g * (y >= x)) / 2,
)
def maximum(x: Array, y: Array) -> Array:
    """The larger.  z = max(x, y),  ∂L/∂x = g [x > y],  ∂L/∂y = g [y > x],  ties share equally"""
    return np.maximum(x, y)


@selection(
    np.minimum,
    lambda g, x, y: (g * (x < y) + g * (x <= y)) / 2,
    lambda g, x, y: (g * (y < x) + g * (y <= x)) / 2,
)
def minimum(x: Array, y: Array) -> Array:
    """The smaller.  z = min(x, y),  ∂L/∂x = g [x < y],  ∂L/∂y = g [y < x],  ties share equally"""
    return np.minimum(x, y)


def _within(x: Any, low: Any, high: Any) -> Any:
    """Where x lies between bounds that may be None."""
    above = True if low is None else x >= low
    return above if high is None else above & (x <= high)


@selection(
    None,
    lambda g, x, min, max: g * _within(x, min, max),
    lambda g, x, min: g * (x < min),
    lambda g, x, max: g * (x > max),
    domain=((-2.0, 2.0), (-1.0, -0.5), (0.5, 1.0)),
)
def clamp(x: Array, min: Any = None, max: Any = None) -> Array:
    """x between two bounds.  y = min(max(x, a), b),  ∂L/∂x = g [a ≤ x ≤ b],  1 at the bounds"""
    return np.clip(x, min, max)


@selection(
    np.where,
    None,
    lambda g, condition: np.where(condition, g, 0),
    lambda g, condition: np.where(condition, 0, g),
)
def where(condition: Array, x: Array, y: Array) -> Array:
    """Choice.  z = x where the condition holds, else y;  ∂L/∂x = g there,  ∂L/∂y = g elsewhere"""
    return np.where(condition, x, y)
