"""Activations: stable for all x."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..declare import Array, op
from ..precision import accumulator, at_least_single, finite, is_moderate, rounded
from .elementwise import logistic, only, pointwise, sigmoid
from .reduce import spread
from .selections import selection
from .sharing import came

__all__ = [
    "elu", "erf", "gelu_and_slope", "gelu_tanh", "leaky_relu", "log_softmax", "logsigmoid",
    "logsumexp", "mish", "normal_cdf", "relu", "selu", "silu", "softmax", "softplus", "softsign",
]  # fmt: skip


@selection(None, lambda g, out: only(g, out > 0), kinks=(0.0,))
def relu(x: Array) -> Array:
    """Rectifier.
    y = max(x, 0),  ∂L/∂x = g [x > 0],  0 at 0"""
    return np.maximum(x, 0)


def _either(mask: Any, right: float, left: float, dtype: Any) -> Any:
    """`right` where the mask holds, else `left`; several times faster than np.where."""
    return np.multiply(mask, right - left, dtype=dtype) + left


@pointwise(
    None,
    lambda g, x, negative_slope: g * _either(x > 0, 1, negative_slope, g.dtype),
    method=False,
    kinks=(0.0,),
)
def leaky_relu(x: Array, negative_slope: float = 0.01) -> Array:
    """Rectifier with a small slope for negative x.
    y = x if x > 0 else a x,  ∂L/∂x = g if x > 0 else a g"""
    return np.maximum(x, 0) + negative_slope * np.minimum(x, 0)


@pointwise(
    None,
    lambda g, out, alpha: g * (np.minimum(out, 0) + _either(out > 0, 1, alpha, g.dtype)),
    method=False,
    kinks=(0.0,),
)
def elu(x: Array, alpha: float = 1.0) -> Array:
    """Exponential linear unit.
    y = x if x > 0 else a (eˣ - 1),  ∂L/∂x = g,  else g (y + a)"""
    return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0))


_SELU_SCALE = 1.0507009873554805
_SELU_LEFT = _SELU_SCALE * 1.6732632423543772


@pointwise(
    None,
    lambda g, out: g * (np.minimum(out, 0) + _either(out > 0, _SELU_SCALE, _SELU_LEFT, g.dtype)),
    method=False,
    kinks=(0.0,),
)
def selu(x: Array) -> Array:
    """Self-normalizing elu.
    y = 1.05 elu(x, 1.67),  ∂L/∂x = 1.05 g if x > 0 else g (y + 1.76)

    Layers of it keep mean 0 and variance 1.
    """
    return _SELU_SCALE * np.maximum(x, 0) + _SELU_LEFT * np.expm1(np.minimum(x, 0))


@pointwise(None, lambda g, x, beta: g * sigmoid(x * beta), method=False)
def softplus(x: Array, beta: float = 1.0) -> Array:
    """Smooth rectifier.
    y = ln(1 + eᵝˣ) / β,  ∂L/∂x = g σ(β x)"""
    z = x * beta
    return (np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))) / beta


@pointwise(None, lambda g, x: g * sigmoid(-x), method=False)
def logsigmoid(x: Array) -> Array:
    """Logarithm of the sigmoid.
    y = -ln(1 + e⁻ˣ),  ∂L/∂x = g σ(-x)"""
    return np.minimum(x, 0) - np.log1p(np.exp(-1.0 * np.abs(x)))


@pointwise(
    None,
    lambda g, x: g / np.square(1 + at_least_single(np.absolute(x))),
    method=False,
    kinks=(0.0,),
)
def softsign(x: Array) -> Array:
    """Bounded like tanh, with slower saturation.
    y = x / (1 + |x|),  ∂L/∂x = g / (1 + |x|)²"""
    x = finite(x)
    return x / (1 + np.abs(x))


def _within(x: Any, low: float, high: float) -> Any:
    """Bounded, if an element may be infinite, beyond bounds where 0 · x should be 0."""
    return x if is_moderate(x) else np.clip(x, low, high)


def _silu_vjp(g: Any, x: Any) -> Any:
    x = _within(at_least_single(x), -1e3, 1e3)
    s = sigmoid(x)
    return g * (s * (1 + x * (1 - s)))


@pointwise(None, _silu_vjp, method=False)
def silu(x: Array) -> Array:
    """Sigmoid linear unit, also called swish.
    y = x σ(x),  ∂L/∂x = g σ (1 + x (1 - σ))"""
    wide = _within(at_least_single(x), -1e3, math.inf)
    return rounded(wide * logistic(wide), x)


def _mish_factor(x: Any) -> tuple[Any, Any]:
    """tanh(ln(1 + eˣ)), which is n / (n + 2) for n = eˣ (eˣ + 2), and eˣ; beyond 20 it is 1."""
    e = np.exp(np.minimum(x, 20.0))
    n = e * (e + 2)
    return n / (n + 2), e


def _mish_vjp(g: Any, x: Any) -> Any:
    x = _within(at_least_single(x), -1e3, 1e3)
    t, e = _mish_factor(x)
    return g * (t + x * (1 - t * t) * (e / (1 + e)))


@pointwise(None, _mish_vjp, method=False)
def mish(x: Array) -> Array:
    """Self-regularized activation, similar to silu.
    y = x t,  t = tanh(ln(1 + eˣ)),  ∂L/∂x = g (t + x (1 - t²) σ(x))"""
    wide = _within(at_least_single(x), -1e3, math.inf)
    return rounded(wide * _mish_factor(wide)[0], x)


_LINEAR = math.sqrt(2 / math.pi)
_CUBIC = 0.044715 * _LINEAR


def _gelu_tanh_vjp(g: Any, x: Any) -> Any:
    x = _within(at_least_single(x), -30, 30)
    t = np.tanh(x * (x * x * _CUBIC + _LINEAR))
    return g * (x * (x * x * (1.5 * _CUBIC) + 0.5 * _LINEAR) * (1 - t * t) + t * 0.5 + 0.5)


@pointwise(None, _gelu_tanh_vjp, method=False)
def gelu_tanh(x: Array) -> Array:
    """Approximation of gelu by tanh.
    y = x (1 + tanh u) / 2,  u = √(2/π) (x + 0.044715 x³),
    ∂L/∂x = g ((1 + tanh u) / 2 + x u' (1 - tanh² u) / 2)"""
    wide = _within(at_least_single(x), -30, math.inf)
    return rounded(wide * (np.tanh(wide * (wide * wide * _CUBIC + _LINEAR)) * 0.5 + 0.5), x)


# -------------------------------------------------------------------- softmax


def peak(x: Array, axis: Any) -> Array:
    """The largest along the axis, which may be empty: subtracted, it keeps exp from overflowing."""
    dtype = None if x.dtype.kind == "f" else np.float64  # no integer is -∞
    return np.maximum.reduce(x, axis=axis, dtype=dtype, keepdims=True, initial=-np.inf)


def _softmax_vjp(g: Any, out: Any, axis: int) -> Any:
    g = at_least_single(g)
    return out * (g - (g * out).sum(axis=axis, keepdims=True))


@op(None, _softmax_vjp, along="axis")
def softmax(x: Array, axis: int = -1) -> Array:
    """Softmax.
    y = eˣ / Σ eˣ,  ∂L/∂x = y (g - Σ g y)"""
    y = np.exp(x - peak(x, axis))
    y /= np.add.reduce(y, axis, accumulator(y.dtype), keepdims=True)
    return y


def _log_softmax_vjp(g: Any, out: Any, axis: int) -> Any:
    return g - np.exp(out) * at_least_single(g).sum(axis=axis, keepdims=True)


@op(None, _log_softmax_vjp, along="axis")
def log_softmax(x: Array, axis: int = -1) -> Array:
    """Logarithm of the softmax.
    y = x - ln Σ eˣ,  ∂L/∂x = g - eʸ Σ g"""
    y = x - peak(x, axis)
    with np.errstate(divide="ignore"):  # an empty axis
        y -= np.log(np.exp(y).sum(axis, accumulator(y.dtype), keepdims=True))
    return y


def _logsumexp_vjp(g: Any, x: Any, out: Any, like: Any, axis: Any) -> Any:
    out = spread(out, like, axis)
    shift = np.maximum(out, np.finfo(out.dtype).min)  # of only -∞, no element has a share
    return spread(g, like, axis) * np.exp(x - shift)


@op(None, _logsumexp_vjp, along="axis")
def logsumexp(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """Logarithm of a sum of exponentials.
    y = ln Σ eˣ,  ∂L/∂x = g softmax x"""
    largest = peak(x, axis)
    largest = np.where(np.isfinite(largest), largest, 0)  # ∞ - ∞ is not a number
    with np.errstate(divide="ignore", over="ignore"):
        y = np.exp(x - largest)
        y = np.log(y.sum(axis, accumulator(y.dtype), keepdims=True)) + largest
    return rounded(y if keepdims else y.squeeze(axis), x)


# -------------------------------------------------------------------- the error function

_COEFFICIENTS = (
    1.128379225730896, 0.1027698963880539, -0.00019543486996553838, -0.0006146238301880658,
    8.446129504591227e-05, -4.754519977723248e-06, 2.2146076972262563e-08, 5.689876569903163e-09,
)  # fmt: skip
"""artanh(erf x) / x as a polynomial in x², fitted to 7e-8 of erf for |x| ≤ 6."""

_ABOVE = (
    1.1283791670955126, 0.6302457929814266, 0.199126511207215, 0.04095974328737879,
    0.005919007152187179, 0.0006130349744284364, 4.473464687782235e-05, 2.2217298384560907e-06,
    6.237731300387207e-08, 4.527241176680523e-10,
)  # fmt: skip
_BELOW = (
    1.0, 0.46746094314841213, 0.13408039796373433, 0.024697252421718028,
    0.0032083154044614043, 0.000295955450091563, 1.85752184994486e-05, 7.795304092884813e-07,
    1.3359865616478429e-08, 2.7812281319350198e-11,
)  # fmt: skip
"""artanh(erf x) / x as a quotient of polynomials in x², fitted to 2e-17 of erf for |x| ≤ 6."""


def _polynomial(s: Array, coefficients: tuple[float, ...]) -> Array:
    y = s * coefficients[-1]
    for c in coefficients[-2:0:-1]:
        y += c
        y *= s
    y += coefficients[0]
    return y


@pointwise(None, lambda g, x: g * (np.exp(-x * x) * (2 / math.sqrt(math.pi))))
def erf(x: Array) -> Array:
    """Error function.
    y = 2/√π ∫₀ˣ exp(-t²) dt,  ∂L/∂x = 2/√π g exp(-x²)"""
    kind = np.result_type(x, 1.0)
    x = np.clip(x, -6, 6).astype(np.promote_types(kind, np.float32), copy=False)  # beyond, y is ±1
    s = x * x
    if x.dtype == np.float32:
        y = _polynomial(s, _COEFFICIENTS)
    else:
        y = _polynomial(s, _ABOVE)
        y /= _polynomial(s, _BELOW)
    y *= x
    return np.tanh(y).astype(kind, copy=False)


_DENSITY = 1 / math.sqrt(2 * math.pi)


@pointwise(None, lambda g, x: g * (np.exp(x * x * -0.5) * _DENSITY), method=False)
def normal_cdf(x: Array) -> Array:
    """Distribution function Φ of the normal distribution.
    y = (1 + erf(x / √2)) / 2,  ∂L/∂x = g exp(-x²/2) / √(2π)"""
    y: Array = erf(x * math.sqrt(0.5))  # type: ignore[assignment]
    y *= 0.5
    y += 0.5
    return y


_TAIL = (0.1213969, 0.20623905, -0.09625532, 0.37929653, -0.11067714)
"""Φ(-x) exp(x²/2) / t as a polynomial in t = 1 / (1 + 0.33 x), fitted to 7e-8 of Φ for x ≥ 0."""


def _normal(x: Array) -> tuple[Array, Array]:
    """Distribution function and density of the normal distribution."""
    density = np.asarray(x * x * -0.5)
    np.exp(density, density)
    if x.dtype == np.float32:  # from the same exponential, in few arrays
        t = np.absolute(x, np.empty_like(x))
        t *= 0.33
        t += 1
        np.divide(1, t, t)
        cdf = np.asarray(_polynomial(t, _TAIL))
        cdf *= t
        cdf *= density
        np.subtract(x > 0, cdf, cdf)
        np.absolute(cdf, cdf)
    else:
        cdf = np.asarray(normal_cdf(x))
    density *= _DENSITY
    return cdf, density


def _gelu_vjp(g: Any, x: Any, out: Any) -> Any:
    if not came(g[1]):
        return g[0] * out[1]
    x = _within(at_least_single(x), -1e3, 1e3)
    curvature = (2 - x * x) * np.exp(x * x * -0.5) * _DENSITY
    return g[0] * out[1] + g[1] * curvature


@op(None, _gelu_vjp, outputs=2, elementwise=True, method=False)
def gelu_and_slope(x: Array) -> Any:
    """Gaussian error linear unit, and its slope, which shares the work.
    y = x Φ(x),  s = Φ(x) + x φ(x),  φ(x) = exp(-x²/2) / √(2π),  Φ its integral,
    ∂L/∂x = g s + g_s (2 - x²) φ(x)"""
    wide = at_least_single(x)
    bounded = _within(wide, -1e3, 1e3)
    y, slope = _normal(bounded)
    slope *= bounded
    slope += y
    y *= wide if bounded is wide else np.maximum(wide, -1e3)
    return rounded(y, x), rounded(slope, x)
