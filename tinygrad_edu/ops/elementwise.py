"""Elementwise functions: arguments broadcast, and the sweep sums the gradients back."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from ..declare import Array, composed, op
from ..methods import Methods
from ..precision import at_least_single, is_moderate, rounded, sum_of_squares
from ..registry import OPS
from ..tensor import Tensor

__all__ = [
    "absolute", "add", "cbrt", "ceil", "divide", "exp", "exp2", "expm1", "fabs", "float_power",
    "floor", "floor_divide", "fmod", "log", "log1p", "log2", "log10", "logaddexp", "logaddexp2",
    "multiply", "negative", "positive", "power", "reciprocal", "remainder", "rint", "round",
    "sigmoid", "sign", "sqrt", "square", "subtract", "trunc",
]  # fmt: skip

pointwise = partial(op, elementwise=True)

POSITIVE = (0.5, 2.0)
LN2 = math.log(2)
LN10 = math.log(10)

# -------------------------------------------------------------------- arithmetic


@pointwise(np.add, lambda g: g, lambda g: g)
def add(x: Array, y: Array) -> Array:
    """Sum.
    z = x + y,  ∂L/∂x = g,  ∂L/∂y = g"""
    return x + y


@pointwise(np.subtract, lambda g: g, lambda g: -g)
def subtract(x: Array, y: Array) -> Array:
    """Difference.
    z = x - y,  ∂L/∂x = g,  ∂L/∂y = -g"""
    return x - y


@pointwise(np.multiply, lambda g, y: g * y, lambda g, x: g * x)
def multiply(x: Array, y: Array) -> Array:
    """Product.
    z = x y,  ∂L/∂x = g y,  ∂L/∂y = g x"""
    return x * y


@pointwise(np.divide, lambda g, y: g / y, lambda g, y, out: -g * out / y, domain=POSITIVE)
def divide(x: Array, y: Array) -> Array:
    """Quotient.
    z = x / y,  ∂L/∂x = g / y,  ∂L/∂y = -g z / y"""
    return x / y


def only(g: Any, mask: Any) -> Any:
    """`g` where the mask holds, else 0, also where `g` is infinite: √max(x, 0) is flat at x < 0."""
    part = g * mask  # many times faster than np.where
    if type(g) is np.ndarray and math.isfinite(sum_of_squares(g)):  # so all of g is
        return part
    return part if np.isfinite(part).all() else np.where(mask, g, 0)


def nothing(g: Any) -> Any:
    """The derivative of a piecewise constant function."""
    return np.zeros_like(g) if type(g) is np.ndarray else only(g, False)


@pointwise(np.floor_divide, nothing, nothing, method=False, domain=((4.1, 4.9), (1.1, 1.3)))
def floor_divide(x: Array, y: Array) -> Array:
    """Quotient rounded down.
    z = ⌊x / y⌋,  ∂L/∂x = ∂L/∂y = 0"""
    return x // y


@pointwise(
    np.remainder, lambda g: g, lambda g, x, y: -g * (x // y), domain=((4.1, 4.9), (1.1, 1.3))
)
def remainder(x: Array, y: Array) -> Array:
    """Remainder of that quotient.
    z = x - y ⌊x / y⌋,  ∂L/∂x = g,  ∂L/∂y = -g ⌊x / y⌋"""
    return x % y


@pointwise(
    np.fmod,
    lambda g: g,
    lambda g, x, y, out: -g * np.rint((x - out) / y),
    domain=((-4.9, -4.1), (1.1, 1.3)),
)
def fmod(x: Array, y: Array) -> Array:
    """Remainder with the sign of x.
    z = x - y k,  k = trunc(x/y),  ∂L/∂x = g,  ∂L/∂y = -g k"""
    return np.fmod(x, y)


@pointwise(np.negative, lambda g: -g)
def negative(x: Array) -> Array:
    """Negation.
    y = -x,  ∂L/∂x = -g"""
    return np.negative(x)


@pointwise(np.positive, lambda g: g)
def positive(x: Array) -> Array:
    """The same value.
    y = x,  ∂L/∂x = g"""
    return np.positive(x)


def _one_less(y: Any, x: Any) -> Any:
    """The exponent of a power's derivative, but 0 where y = 0 and x⁻¹ is not finite."""
    if isinstance(y, (int, float)):
        return y - 1 if y else 0
    return y - 1 if np.all(y) else np.where((y == 0) & ~np.isfinite(1 / x), 0, y - 1)


def _log(x: Any, out: Any) -> Any:
    """ln x of a power's base, but 0 where z ln x is: of 0ʸ for y ≥ 0, and of ∞ʸ for y < 0."""
    if isinstance(x, (int, float)):
        if 0 < x < math.inf:
            return math.log(x)
        x = np.asarray(x, out.dtype)
    log = np.log(x)
    if np.isfinite(log).all():
        return log
    return np.log(np.where((x == 0) & np.isfinite(out) | (x == math.inf) & (out == 0), 1, x))


@pointwise(
    np.power,
    lambda g, x, y: g * y * x ** _one_less(y, x),
    lambda g, x, out: g * out * _log(x, out),
    domain=POSITIVE,
)
def power(x: Array, y: Array) -> Array:
    """Power.
    z = xʸ,  ∂L/∂x = g y xʸ⁻¹,  ∂L/∂y = g z ln x,  0 for x⁰ and 0ʸ with y ≥ 0"""
    return x**y


@composed(np.float_power)
def float_power(x: Any, y: Any) -> Any:
    """Power, in float64 at least.
    z = xʸ"""
    return power(_wide(x), _wide(y))


def _wide(x: Any) -> Any:
    return x.astype(np.float64) if isinstance(x, Tensor) else np.asarray(x, np.float64)


@pointwise(np.square, lambda g, x: g * 2 * x)
def square(x: Array) -> Array:
    """Square.
    y = x²,  ∂L/∂x = 2 g x"""
    return np.square(x)


@pointwise(np.sqrt, lambda g, out: g * 0.5 / out, domain=POSITIVE)
def sqrt(x: Array) -> Array:
    """Square root.
    y = √x,  ∂L/∂x = g / 2y"""
    return np.sqrt(x)


@pointwise(np.cbrt, lambda g, out: g / (3 * out * out), method=False, domain=POSITIVE)
def cbrt(x: Array) -> Array:
    """Cube root.
    y = ∛x,  ∂L/∂x = g / 3y²"""
    return np.cbrt(x)


@pointwise(np.reciprocal, lambda g, out: -g * out * out, domain=POSITIVE)
def reciprocal(x: Array) -> Array:
    """Reciprocal.
    y = 1 / x,  ∂L/∂x = -g y²"""
    return np.reciprocal(x)


@pointwise(np.absolute, lambda g, x: g * np.sign(x), kinks=(0.0,))
def absolute(x: Array) -> Array:
    """Absolute value.
    y = |x|,  ∂L/∂x = g sign x,  0 at 0"""
    return np.absolute(x)


@pointwise(np.fabs, lambda g, x: g * np.sign(x), method=False, kinks=(0.0,))
def fabs(x: Array) -> Array:
    """Absolute value, as floating point.
    y = |x|,  ∂L/∂x = g sign x,  0 at 0"""
    return np.fabs(x)


setattr(Methods, "abs", absolute)  # noqa: B010


# -------------------------------------------------------------------- exponentials, logarithms


@pointwise(np.exp, lambda g, out: g * out)
def exp(x: Array) -> Array:
    """Exponential.
    y = eˣ,  ∂L/∂x = g y"""
    return np.exp(x)


@pointwise(np.exp2, lambda g, out: g * (out * LN2))
def exp2(x: Array) -> Array:
    """Power of 2.
    y = 2ˣ,  ∂L/∂x = g y ln 2"""
    return np.exp2(x)


@pointwise(np.expm1, lambda g, x: g * np.exp(x))
def expm1(x: Array) -> Array:
    """Exponential less 1, precise near 0.
    y = eˣ - 1,  ∂L/∂x = g eˣ"""
    return np.expm1(x)


@pointwise(np.log, lambda g, x: g / x, domain=POSITIVE)
def log(x: Array) -> Array:
    """Natural logarithm.
    y = ln x,  ∂L/∂x = g / x"""
    return np.log(x)


@pointwise(np.log2, lambda g, x: g / LN2 / x, domain=POSITIVE)
def log2(x: Array) -> Array:
    """Logarithm to base 2.
    y = log₂ x,  ∂L/∂x = g / (x ln 2)"""
    return np.log2(x)


@pointwise(np.log10, lambda g, x: g / LN10 / x, domain=POSITIVE)
def log10(x: Array) -> Array:
    """Logarithm to base 10.
    y = log₁₀ x,  ∂L/∂x = g / (x ln 10)"""
    return np.log10(x)


@pointwise(np.log1p, lambda g, x: g / (1 + x), domain=(-0.5, 2.0))
def log1p(x: Array) -> Array:
    """Logarithm of 1 + x, precise near 0.
    y = ln(1 + x),  ∂L/∂x = g / (1 + x)"""
    return np.log1p(x)


@pointwise(None, lambda g, out: g * (out * (1 - out)))
def sigmoid(x: Array) -> Array:
    """Logistic function.
    y = 1 / (1 + e⁻ˣ),  ∂L/∂x = g y (1 - y)"""
    return rounded(logistic(at_least_single(x)), x)


def logistic(x: Array) -> Array:
    with np.errstate(over="ignore"):  # 1 / ∞ is right
        return 1 / (1 + np.exp(-1.0 * x))  # of -x, unsigned integers would wrap


def _lead(x: Any, y: Any) -> Any:
    """x - y, whose sigmoid is x's share: of ∞ and ∞ half, and of -∞ and -∞ none."""
    lead = x - y
    if is_moderate(lead):
        return lead
    return np.where(np.isinf(x) & (x == y), np.minimum(x, 0), lead)


@pointwise(
    np.logaddexp,
    lambda g, x, y: g * sigmoid(_lead(x, y)),
    lambda g, x, y: g * sigmoid(_lead(y, x)),
)
def logaddexp(x: Array, y: Array) -> Array:
    """Logarithm of a sum of exponentials.
    z = ln(eˣ + eʸ),  ∂L/∂x = g eˣ⁻ᶻ,  ∂L/∂y = g eʸ⁻ᶻ"""
    return np.logaddexp(x, y)


@pointwise(
    np.logaddexp2,
    lambda g, x, y: g * sigmoid(_lead(x, y) * LN2),
    lambda g, x, y: g * sigmoid(_lead(y, x) * LN2),
)
def logaddexp2(x: Array, y: Array) -> Array:
    """The same to base 2.
    z = log₂(2ˣ + 2ʸ),  ∂L/∂x = g 2ˣ⁻ᶻ,  ∂L/∂y = g 2ʸ⁻ᶻ"""
    return np.logaddexp2(x, y)


# -------------------------------------------------------------------- piecewise constant


@pointwise(np.sign, nothing, kinks=(0.0,))
def sign(x: Array) -> Array:
    """Sign.
    y = -1, 0 or 1,  ∂L/∂x = 0"""
    return np.sign(x)


@pointwise(np.floor, nothing, domain=(0.1, 0.9))
def floor(x: Array) -> Array:
    """Rounded down.
    y = ⌊x⌋,  ∂L/∂x = 0"""
    return np.floor(x)


@pointwise(np.ceil, nothing, domain=(0.1, 0.9))
def ceil(x: Array) -> Array:
    """Rounded up.
    y = ⌈x⌉,  ∂L/∂x = 0"""
    return np.ceil(x)


@pointwise(np.trunc, nothing, domain=(0.1, 0.9))
def trunc(x: Array) -> Array:
    """Rounded towards 0.
    y = x without its fraction,  ∂L/∂x = 0"""
    return np.trunc(x)


@pointwise(np.rint, nothing, method=False, domain=(0.6, 1.4))
def rint(x: Array) -> Array:
    """Rounded to the nearest integer, halves to even.
    y = ⌊x⌉,  ∂L/∂x = 0"""
    return np.rint(x)


@pointwise(np.round, nothing, domain=(0.6, 1.4))
def round(a: Array, decimals: int = 0) -> Array:
    """Rounded to so many decimals, halves to even.
    y = ⌊x⌉,  ∂L/∂x = 0"""
    return np.round(a, decimals)


OPS[np.around] = round
