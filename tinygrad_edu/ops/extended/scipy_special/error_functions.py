"""SciPy's error functions, normal distribution and logistic function."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from scipy import special

from ....declare import Array
from ....registry import OPS
from ...elementwise import LN10, cbrt, exp2, expm1, log1p, pointwise

__all__ = [
    "cosm1",
    "dawsn",
    "erf",
    "erfc",
    "erfcinv",
    "erfcx",
    "erfi",
    "erfinv",
    "exp10",
    "expit",
    "log_expit",
    "log_ndtr",
    "logit",
    "ndtr",
    "ndtri",
    "ndtri_exp",
]

function = partial(pointwise, method=False)

SLOPE = 2 / math.sqrt(math.pi)  # of the error function at 0
DENSITY = 1 / math.sqrt(2 * math.pi)  # of the normal distribution at 0
INSIDE = (0.1, 0.9)

OPS |= {special.cbrt: cbrt, special.exp2: exp2, special.expm1: expm1, special.log1p: log1p}


@function(special.erf, lambda g, x: g * (np.exp(-x * x) * SLOPE))
def erf(x: Array) -> Array:
    """Error function.
    y = 2/√π ∫₀ˣ exp(-t²) dt,  ∂L/∂x = 2/√π g exp(-x²)"""
    return special.erf(x)


@function(special.erfc, lambda g, x: g * (np.exp(-x * x) * -SLOPE))
def erfc(x: Array) -> Array:
    """Complementary error function, precise where it is small.
    y = 1 - erf x,  ∂L/∂x = -2/√π g exp(-x²)"""
    return special.erfc(x)


@function(special.erfcx, lambda g, x, out: g * (2 * x * out - SLOPE))
def erfcx(x: Array) -> Array:
    """Scaled complementary error function.
    y = exp(x²) erfc x,  ∂L/∂x = g (2 x y - 2/√π)"""
    return special.erfcx(x)


@function(special.erfi, lambda g, x: g * (np.exp(x * x) * SLOPE))
def erfi(x: Array) -> Array:
    """Imaginary error function.
    y = -i erf(i x),  ∂L/∂x = 2/√π g exp(x²)"""
    return special.erfi(x)


@function(special.dawsn, lambda g, x, out: g * (1 - 2 * x * out))
def dawsn(x: Array) -> Array:
    """Dawson's integral.
    y = exp(-x²) ∫₀ˣ exp(t²) dt,  ∂L/∂x = g (1 - 2 x y)"""
    return special.dawsn(x)


@function(special.erfinv, lambda g, out: g * (np.exp(out * out) / SLOPE), domain=(-0.8, 0.8))
def erfinv(y: Array) -> Array:
    """Inverse error function.
    x = erf⁻¹ y,  ∂L/∂y = √π/2 g exp(x²)"""
    return special.erfinv(y)


@function(special.erfcinv, lambda g, out: g * (np.exp(out * out) / -SLOPE), domain=(0.2, 1.8))
def erfcinv(y: Array) -> Array:
    """Inverse complementary error function.
    x = erfc⁻¹ y,  ∂L/∂y = -√π/2 g exp(x²)"""
    return special.erfcinv(y)


@function(special.ndtr, lambda g, x: g * (np.exp(x * x * -0.5) * DENSITY))
def ndtr(x: Array) -> Array:
    """Distribution function of the normal distribution.
    y = Φ(x),  ∂L/∂x = g φ(x),  φ(x) = exp(-x²/2) / √2π"""
    return special.ndtr(x)


@function(special.log_ndtr, lambda g, x: g * (2 * DENSITY / special.erfcx(x * -math.sqrt(0.5))))
def log_ndtr(x: Array) -> Array:
    """Its logarithm, precise where it is small.
    y = ln Φ(x),  ∂L/∂x = g φ(x) / Φ(x) = g √(2/π) / erfcx(-x/√2)"""
    return special.log_ndtr(x)


@function(special.ndtri, lambda g, out: g * (np.exp(out * out * 0.5) / DENSITY), domain=INSIDE)
def ndtri(y: Array) -> Array:
    """Quantile of the normal distribution.
    x = Φ⁻¹(y),  ∂L/∂y = g / φ(x)"""
    return special.ndtri(y)


@function(
    special.ndtri_exp,
    lambda g, out: g * (special.erfcx(out * -math.sqrt(0.5)) / (2 * DENSITY)),
    domain=(-3.0, -0.2),
)
def ndtri_exp(y: Array) -> Array:
    """Quantile by the logarithm of the probability.
    x = Φ⁻¹(eʸ),  ∂L/∂y = g eʸ / φ(x)"""
    return special.ndtri_exp(y)


@function(special.expit, lambda g, out: g * (out * (1 - out)))
def expit(x: Array) -> Array:
    """Logistic function.
    y = 1 / (1 + e⁻ˣ),  ∂L/∂x = g y (1 - y)"""
    return special.expit(x)


@function(special.log_expit, lambda g, x: g * special.expit(-x))
def log_expit(x: Array) -> Array:
    """Its logarithm, precise where it is small.
    y = -ln(1 + e⁻ˣ),  ∂L/∂x = g / (1 + eˣ)"""
    return special.log_expit(x)


@function(special.logit, lambda g, x: g / (x * (1 - x)), domain=INSIDE)
def logit(x: Array) -> Array:
    """Inverse of the logistic function.
    y = ln(x / (1 - x)),  ∂L/∂x = g / x (1 - x)"""
    return special.logit(x)


@function(special.exp10, lambda g, out: g * (out * LN10))
def exp10(x: Array) -> Array:
    """Power of 10.
    y = 10ˣ,  ∂L/∂x = g y ln 10"""
    return special.exp10(x)


@function(special.cosm1, lambda g, x: -g * np.sin(x))
def cosm1(x: Array) -> Array:
    """Cosine less 1, precise near 0.
    y = cos x - 1,  ∂L/∂x = -g sin x"""
    return special.cosm1(x)
