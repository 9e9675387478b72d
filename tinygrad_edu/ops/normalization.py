"""Normalization: mean 0 and variance 1, or mean square 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..declare import Array, op
from ..precision import at_least_single, rounded
from .reduce import Axis, count
from .sharing import came, shared
from .statistics import axes_of
from .windows import Sizes

__all__ = ["standardize", "unit_rms"]


def _sum_of_products(x: Any, y: Any, shape: Sizes) -> Any:
    """Σ x y over the axes that `shape` lacks or that are 1 there, without an array of products."""
    every, first = [*range(x.ndim)], x.ndim - len(shape)
    kept = [i for i in every if i >= first and shape[i - first] != 1]
    return np.einsum(x, every, y, every, kept).reshape(shape)


def _mean_product(x: Any, y: Any, axis: Axis) -> Any:
    """The mean of x y along axes, which are kept."""
    axes = axes_of(axis, x.ndim)
    shape = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    return _sum_of_products(x, y, shape) / count(x.shape, axes)


def _inverse_rms(x: Any, axis: Axis, eps: float) -> Any:
    return (_mean_product(x, x, axis) + eps) ** -0.5


@shared
def _standardize_vjp(g: Any, x: Any, weight: Any, out: Any, axis: Any, eps: float) -> Any:
    """What comes to x, to the weight and to the bias."""
    _, mean, var = out
    product: Any
    scale = (var + eps) ** -0.5
    g_y, normal = at_least_single(g[0]), (at_least_single(x) - mean) * scale
    of_weight = None if weight is None else _sum_of_products(g_y, normal, weight.shape)
    if weight is not None and weight.shape == mean.shape:  # γ stands before the sums for x
        h, slope = g_y, scale * weight
        of_bias = total = h.sum(axis=axis, keepdims=True)
        product = of_weight
    else:
        h, slope = g_y if weight is None else g_y * weight, scale
        of_bias, total = g_y, h.sum(axis=axis, keepdims=True)
        product = _sum_of_products(h, normal, mean.shape)
    n = count(x.shape, axis)
    of_x = (h - total / n - normal * (product / n)) * slope
    if came(g[1]) or came(g[2]):
        of_x = of_x + (g[1] + 2 * g[2] * normal / scale) / n
    return of_x, of_weight, of_bias


@op(
    None,
    lambda g, x, weight, out, axis, eps: _standardize_vjp(g, x, weight, out, axis, eps)[0],
    lambda g, x, weight, out, axis, eps: _standardize_vjp(g, x, weight, out, axis, eps)[1],
    lambda g, x, weight, out, axis, eps: _standardize_vjp(g, x, weight, out, axis, eps)[2],
    outputs=3,
    along="axis",
    method=False,
)
def standardize(
    x: Array, weight: Any = None, bias: Any = None, axis: Axis = -1, eps: float = 1e-5
) -> Any:
    """Shifted and scaled to mean 0 and variance 1, then by a weight and a bias; mean and variance.
    y = γ x̂ + β,  x̂ = s (x - x̄),  s = 1 / √(σ² + ε),  h = γ g,
    ∂L/∂x = s (h - h̄ - x̂ mean(h x̂)),  ∂L/∂γ = Σ g x̂,  ∂L/∂β = Σ g;
    γ and β have one shape, which broadcasts to that of x; left out is what comes back to x through
    x̄ and σ² themselves, g_x̄ / n + 2 g_σ² (x - x̄) / n."""
    given = [a for a in (weight, bias) if a is not None]
    if len({a.shape for a in given}) > 1:
        raise ValueError("weight and bias must have the same shape")
    wide = at_least_single(x)
    mean = wide.mean(axis=axis, keepdims=True)
    y = wide - mean
    var = _mean_product(y, y, axis)
    y = y.astype(np.result_type(y, *given), copy=False)
    y *= (var + eps) ** -0.5
    if weight is not None:
        y *= weight
    if bias is not None:
        y += bias
    half = np.result_type(x, *given) == np.float16
    return y.astype(np.float16) if half else y, mean, var


def _unit_rms_vjp(g: Any, x: Any, out: Any, axis: Any, eps: float) -> Any:
    g, x = at_least_single(g), at_least_single(x)
    slope = _mean_product(g, out, axis)
    return (g - out * slope) * _inverse_rms(x, axis, eps)


@op(None, _unit_rms_vjp, along="axis", method=False)
def unit_rms(x: Array, axis: Axis = -1, eps: float = 1e-5) -> Array:
    """Scaled to mean square 1.
    y = x / √(mean(x²) + ε),
    ∂L/∂x = (g - y mean(g y)) / √(mean(x²) + ε)"""
    wide = at_least_single(x)
    return rounded(wide * _inverse_rms(wide, axis, eps), x)
