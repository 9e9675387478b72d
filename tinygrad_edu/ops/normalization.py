"""Normalization: mean, variance and mean square made 0 and 1."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..declare import Array, op
from ..precision import at_least_single, rounded
from .reduce import Axis
from .statistics import axes_of

__all__ = ["standardize", "unit_rms"]


def _mean_product(x: Any, y: Any, axis: Axis) -> Any:
    """The mean of x y along axes, which are kept, without an array of the products."""
    axes, every = axes_of(axis, x.ndim), range(x.ndim)
    total = np.einsum(x, every, y, every, [i for i in every if i not in axes])
    return np.expand_dims(total, axes) / math.prod(x.shape[i] for i in axes)


def _inverse_rms(x: Any, axis: Axis, eps: float) -> Any:
    return (_mean_product(x, x, axis) + eps) ** -0.5


def _centered(x: Any, axis: Axis) -> Any:
    return x - x.mean(axis=axis, keepdims=True)


def _standardize_vjp(g: Any, x: Any, out: Any, axis: Any, eps: float) -> Any:
    g, centered = at_least_single(g), _centered(at_least_single(x), axis)
    scale = _inverse_rms(centered, axis, eps)
    slope = _mean_product(g, out, axis)
    return (_centered(g, axis) - out * slope) * scale


@op(None, _standardize_vjp, along="axis", method=False)
def standardize(x: Array, axis: Axis = -1, eps: float = 1e-5) -> Array:
    """Shifted and scaled to mean 0 and variance 1.
    y = (x - x̄) / √(σ² + ε),
    ∂L/∂x = (g - ḡ - y mean(g y)) / √(σ² + ε)"""
    y = _centered(at_least_single(x), axis)
    scale = _inverse_rms(y, axis, eps)
    y *= scale
    return rounded(y, x)


def _unit_rms_vjp(g: Any, x: Any, out: Any, axis: Any, eps: float) -> Any:
    g, x = at_least_single(g), at_least_single(x)
    return (g - out * _mean_product(g, out, axis)) * _inverse_rms(x, axis, eps)


@op(None, _unit_rms_vjp, along="axis", method=False)
def unit_rms(x: Array, axis: Axis = -1, eps: float = 1e-5) -> Array:
    """Scaled to mean square 1.
    y = x / √(mean(x²) + ε),
    ∂L/∂x = (g - y mean(g y)) / √(mean(x²) + ε)"""
    wide = at_least_single(x)
    return rounded(wide * _inverse_rms(wide, axis, eps), x)
