"""Derivatives of pooling: a maximum or a mean over each window of the axes of space."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..declare import Array, op
from ..errors import place
from .convolution import (
    Geometry,
    Sizes,
    check_space,
    fold,
    padded_geometry,
    per_axis,
    places,
    visits,
)


def _windows(kernel_size: Any, stride: Any, padding: Any, axes: int) -> tuple[Sizes, Geometry]:
    """The window's sizes and its path; a window moves by its own size if no stride is given."""
    kernel = per_axis("kernel_size", kernel_size, axes, 1)
    geometry = padded_geometry(kernel, kernel if stride is None else stride, padding, 1, 1)
    if any(2 * b > k for b, k in zip(geometry.before, kernel, strict=True)):
        raise ValueError(
            f"padding {padding!r} is more than half of kernel_size {kernel_size!r}, so that some "
            "windows would hold nothing but padding"
        )
    return kernel, geometry


# -------------------------------------------------------------------- maxima


def _max_vjp(g: Any, x: Any, out: Any, kernel_size: Any, stride: Any, padding: Any) -> Any:
    axes = x.ndim - 2
    kernel, geometry = _windows(kernel_size, stride, padding, axes)
    chosen = np.zeros((*x.shape[:2], *kernel, *out.shape[2:]), bool)
    for unfolded, met, at in visits(kernel, out.shape[2:], x.shape[2:], geometry):
        chosen[unfolded] = x[met] == out[at]
    counted = np.uint8 if math.prod(kernel) < 256 else g.dtype  # the small one is faster
    ties = chosen.sum(tuple(range(2, axes + 2)), counted)
    shares = (g / ties).reshape(*out.shape[:2], *(1,) * axes, *out.shape[2:])
    return fold(shares * chosen, x.shape[2:], geometry)


def _max_pool(axes: int, x: Array, kernel_size: Any, stride: Any, padding: Any) -> Array:
    check_space(x, axes)
    kernel, geometry = _windows(kernel_size, stride, padding, axes)
    positions = places(x.shape[2:], kernel, padding, geometry)
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    y = np.full(x.shape[:2] + positions, lowest, x.dtype)
    for _, met, at in visits(kernel, positions, x.shape[2:], geometry):
        part = y[at]
        np.maximum(part, x[met], out=part)
    return y


@op(None, _max_vjp, selects=True, method=False)
def max_pool1d(x: Array, kernel_size: Any, stride: Any = None, padding: Any = 0) -> Array:
    """Largest in each window of (batch, channels, length).

    y = max xᵢ,  ∂L/∂xᵢ = g / m for the m largest of a window,  0 for the others
    """
    return _max_pool(1, x, kernel_size, stride, padding)


@op(None, _max_vjp, selects=True, method=False)
def max_pool2d(x: Array, kernel_size: Any, stride: Any = None, padding: Any = 0) -> Array:
    """Largest in each window of (batch, channels, height, width).

    y = max xᵢ,  ∂L/∂xᵢ = g / m for the m largest of a window,  0 for the others
    """
    return _max_pool(2, x, kernel_size, stride, padding)


# -------------------------------------------------------------------- means


def _counts(
    kernel: Sizes, positions: Sizes, size: Sizes, geometry: Geometry, count_include_pad: bool
) -> Any:
    """How many elements each window's mean is of."""
    if count_include_pad or not any(geometry.before):
        return math.prod(kernel)
    counts = np.zeros(positions, int)
    for _, _, at in visits(kernel, positions, size, geometry):
        counts[at] += 1
    return counts


def _avg_vjp(
    g: Any, like: Any, kernel_size: Any, stride: Any, padding: Any, count_include_pad: bool
) -> Any:
    axes, positions = len(like) - 2, g.shape[2:]
    kernel, geometry = _windows(kernel_size, stride, padding, axes)
    n = _counts(kernel, positions, like[2:], geometry, count_include_pad)
    shares = g * np.divide(1, n, dtype=g.dtype)
    shares = shares.reshape(*g.shape[:2], *(1,) * axes, *positions)
    spread = np.broadcast_to(shares, (*g.shape[:2], *kernel, *positions))
    return fold(spread, like[2:], geometry)


def _avg_pool(
    axes: int, x: Array, kernel_size: Any, stride: Any, padding: Any, count_include_pad: bool
) -> Array:
    check_space(x, axes)
    kernel, geometry = _windows(kernel_size, stride, padding, axes)
    positions = places(x.shape[2:], kernel, padding, geometry)
    y = np.zeros(x.shape[:2] + positions, x.dtype if x.dtype.kind == "f" else np.float64)
    for _, met, at in visits(kernel, positions, x.shape[2:], geometry):
        y[at] += x[met]
    y /= _counts(kernel, positions, x.shape[2:], geometry, count_include_pad)
    return y


@op(None, _avg_vjp, method=False)
def avg_pool1d(
    x: Array,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    count_include_pad: bool = True,
) -> Array:
    """Mean of each window of (batch, channels, length).  y = Σ xᵢ / n,  ∂L/∂xᵢ = g / n"""
    return _avg_pool(1, x, kernel_size, stride, padding, count_include_pad)


@op(None, _avg_vjp, method=False)
def avg_pool2d(
    x: Array,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    count_include_pad: bool = True,
) -> Array:
    """Mean of each window of (batch, channels, height, width).  y = Σ xᵢ / n,  ∂L/∂xᵢ = g / n"""
    return _avg_pool(2, x, kernel_size, stride, padding, count_include_pad)


def adaptive_avg_pool1d(x: Any, output_size: Any) -> Any:
    """Means of as many windows of (batch, channels, length), which cover it evenly."""
    return _adaptive(1, x, output_size)


def adaptive_avg_pool2d(x: Any, output_size: Any) -> Any:
    """Means of as many windows of (batch, channels, height, width), which cover it evenly.

    Window i of m on an axis of n elements reaches from ⌊i n / m⌋ to ⌈(i + 1) n / m⌉.
    """
    return _adaptive(2, x, output_size)


def _adaptive(axes: int, x: Any, output_size: Any) -> Any:
    try:
        check_space(x, axes)
        sizes = per_axis("output_size", output_size, axes, 1)
    except ValueError as error:
        raise ValueError(f"adaptive_avg_pool{axes}d: {error} (shape: {x.shape}{place()})") from None
    if set(sizes) == {1}:
        return x.mean(axis=tuple(range(2, x.ndim)), keepdims=True)
    dtype = x.dtype if x.dtype.kind == "f" else np.float64
    y = x
    for axis, m in enumerate(sizes, 2):
        y = (y.swapaxes(axis, -1) @ _averaging(x.shape[axis], m, dtype)).swapaxes(axis, -1)
    return y


def _averaging(n: int, m: int, dtype: Any) -> Array:
    """The (n, m) matrix whose columns take the means of m windows of n elements."""
    windows, i = np.arange(m), np.arange(n)[:, None]
    first, last = windows * n // m, -(-(windows + 1) * n // m)
    return (((i >= first) & (i < last)) / (last - first)).astype(dtype)
