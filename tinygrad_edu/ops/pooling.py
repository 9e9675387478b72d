"""Pooling: a maximum or a mean over each window of the spatial dimensions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..declare import Array, op
from .convolution import Geometry, Sizes, check_space, fold, geometry, positions_in, visits

__all__ = ["avg_pool1d", "avg_pool2d", "max_pool1d", "max_pool2d", "window"]


def window(axes: int, kernel_size: Any, stride: Any = None, padding: Any = 0) -> Geometry:
    """The arguments of a pooling of so many spatial dimensions, checked.

    A window moves by its own size if no stride is given.  Raises ValueError for what is not one
    integer or one for each spatial dimension, and for padding of more than half the window.
    """
    moving = geometry(axes, kernel_size, kernel_size if stride is None else stride, padding)
    if any(2 * b > k for b, k in zip(moving.before, moving.kernel, strict=True)):
        raise ValueError(
            f"padding {padding!r} is more than half of kernel_size {kernel_size!r}, so that some "
            "windows would hold nothing but padding"
        )
    return moving


# -------------------------------------------------------------------- maxima


def _max_vjp(g: Any, x: Any, out: Any, kernel_size: Any, stride: Any, padding: Any) -> Any:
    axes = x.ndim - 2
    moving = window(axes, kernel_size, stride, padding)
    chosen = np.zeros((*x.shape[:2], *moving.kernel, *out.shape[2:]), bool)
    for unfolded, met, at in visits(out.shape[2:], x.shape[2:], moving):
        chosen[unfolded] = x[met] == out[at]
    counted = np.uint8 if math.prod(moving.kernel) < 256 else g.dtype  # the small one is faster
    ties = chosen.sum(tuple(range(2, axes + 2)), counted)
    shares = (g / ties).reshape(*out.shape[:2], *(1,) * axes, *out.shape[2:])
    return fold(shares * chosen, x.shape[2:], moving)


def _max_pool(axes: int, x: Array, kernel_size: Any, stride: Any, padding: Any) -> Array:
    check_space(x, axes)
    moving = window(axes, kernel_size, stride, padding)
    positions = positions_in(x.shape[2:], moving)
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    y = np.full(x.shape[:2] + positions, lowest, x.dtype)
    for _, met, at in visits(positions, x.shape[2:], moving):
        part = y[at]
        np.maximum(part, x[met], out=part)
    return y


@op(None, _max_vjp, selects=True, method=False)
def max_pool1d(x: Array, kernel_size: Any, stride: Any = None, padding: Any = 0) -> Array:
    """Largest in each window of (batch, channels, length).
    y = max xᵢ,  ∂L/∂xᵢ = g / m for the m largest of a window,  0 for the others"""
    return _max_pool(1, x, kernel_size, stride, padding)


@op(None, _max_vjp, selects=True, method=False)
def max_pool2d(x: Array, kernel_size: Any, stride: Any = None, padding: Any = 0) -> Array:
    """Largest in each window of (batch, channels, height, width).
    y = max xᵢ,  ∂L/∂xᵢ = g / m for the m largest of a window,  0 for the others"""
    return _max_pool(2, x, kernel_size, stride, padding)


# -------------------------------------------------------------------- means


def _counts(positions: Sizes, size: Sizes, moving: Geometry, count_include_pad: bool) -> Any:
    """How many elements each window's mean is of."""
    if count_include_pad or not any(moving.before):
        return math.prod(moving.kernel)
    counts = np.zeros(positions, int)
    for _, _, at in visits(positions, size, moving):
        counts[at] += 1
    return counts


def _avg_vjp(
    g: Any, like: Any, kernel_size: Any, stride: Any, padding: Any, count_include_pad: bool
) -> Any:
    axes, positions = len(like) - 2, g.shape[2:]
    moving = window(axes, kernel_size, stride, padding)
    n = _counts(positions, like[2:], moving, count_include_pad)
    shares = g * np.divide(1, n, dtype=g.dtype)
    shares = shares.reshape(*g.shape[:2], *(1,) * axes, *positions)
    spread = np.broadcast_to(shares, (*g.shape[:2], *moving.kernel, *positions))
    return fold(spread, like[2:], moving)


def _avg_pool(
    axes: int, x: Array, kernel_size: Any, stride: Any, padding: Any, count_include_pad: bool
) -> Array:
    check_space(x, axes)
    moving = window(axes, kernel_size, stride, padding)
    positions = positions_in(x.shape[2:], moving)
    y = np.zeros(x.shape[:2] + positions, x.dtype if x.dtype.kind == "f" else np.float64)
    for _, met, at in visits(positions, x.shape[2:], moving):
        y[at] += x[met]
    y /= _counts(positions, x.shape[2:], moving, count_include_pad)
    return y


@op(None, _avg_vjp, method=False)
def avg_pool1d(
    x: Array, kernel_size: Any, stride: Any = None, padding: Any = 0,
    count_include_pad: bool = True,
) -> Array:  # fmt: skip
    """Mean of each window of (batch, channels, length).
    y = Σ xᵢ / n,  ∂L/∂xᵢ = g / n"""
    return _avg_pool(1, x, kernel_size, stride, padding, count_include_pad)


@op(None, _avg_vjp, method=False)
def avg_pool2d(
    x: Array, kernel_size: Any, stride: Any = None, padding: Any = 0,
    count_include_pad: bool = True,
) -> Array:  # fmt: skip
    """Mean of each window of (batch, channels, height, width).
    y = Σ xᵢ / n,  ∂L/∂xᵢ = g / n"""
    return _avg_pool(2, x, kernel_size, stride, padding, count_include_pad)
