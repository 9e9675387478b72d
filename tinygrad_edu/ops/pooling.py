"""Pooling: a maximum or a mean over each window of the spatial dimensions.

Inputs are (batch, channels, *space) or (channels, *space), as in PyTorch.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ..declare import Array
from ..precision import at_least_single, divided, rounded
from .windows import (
    Geometry,
    Sizes,
    batched,
    check_space,
    geometry,
    positions_in,
    shaped,
    spans,
    spatial,
    visits,
    window_spread,
)  # fmt: skip

__all__ = [
    "avg_pool1d", "avg_pool2d", "avg_pool3d", "check_divisor", "max_pool1d", "max_pool2d",
    "max_pool3d", "max_pool_indices", "window",
]  # fmt: skip


def window(
    axes: int, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1
) -> Geometry:
    """The arguments of a pooling of so many spatial dimensions, checked.

    A window moves by its own size if no stride is given.  Raises ValueError for what is not one
    integer or one for each spatial dimension, and for padding of more than half the window.
    """
    stride = kernel_size if stride is None else stride
    moving = geometry(axes, kernel_size, stride, padding, dilation)
    reach = spans(moving)
    if any(2 * b > n for b, n in zip(moving.before, reach, strict=True)):
        apart = "" if reach == moving.kernel else f" of dilation {dilation!r}"
        raise ValueError(
            f"padding {padding!r} is more than half of kernel_size {kernel_size!r}{apart}, so that "
            "some windows would hold nothing but padding"
        )
    return moving


# -------------------------------------------------------------------- maxima


def _check_elements(positions: Sizes, size: Sizes, moving: Geometry) -> None:
    """Whether each window holds an element, which one of a dilation may not."""
    for p, n, k, s, d, before in zip(positions, size, *moving[:4], strict=True):
        if d == 1:
            continue
        met = np.arange(p)[:, None] * s - before + np.arange(k) * d
        if not ((met >= 0) & (met < n)).any(1).all():
            raise ValueError(
                f"between the elements of a window of dilation {d} there is room for all {n} of "
                "the input, so that some windows would hold nothing but padding"
            )


def _max_vjp(
    g: Any, x: Any, out: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, axes: int
) -> Any:
    given, moving = x.shape, window(axes, kernel_size, stride, padding, dilation)
    g, x, out = batched(g, axes), batched(x, axes), batched(out, axes)
    met = [(inside, at) for _, inside, at in visits(out.shape[2:], x.shape[2:], moving)]
    largest = [x[inside] == out[at] for inside, at in met]
    ties = np.zeros(out.shape, np.uint8 if len(met) < 256 else np.intp)  # the small one is faster
    for (_, at), equal in zip(met, largest, strict=True):
        ties[at] += equal
    return shaped(window_spread(divided(g, ties), largest, x.shape[2:], moving), given)


def max_pool(
    x: Array, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, axes: int = 2,
) -> Array:  # fmt: skip
    """Largest in each window of (batch, channels, *space).
    y = max xᵢ,  ∂L/∂xᵢ = g / m for the m largest of a window,  0 for the others"""
    check_space(x, axes)
    moving, size = window(axes, kernel_size, stride, padding, dilation), x.shape[-axes:]
    positions = positions_in(size, moving, ceil_mode)
    _check_elements(positions, size, moving)
    return _maxima(x, positions, moving)


def _maxima(x: Array, positions: Sizes, moving: Geometry) -> Array:
    axes = len(positions)
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    y = np.full_like(x, lowest, shape=x.shape[:-axes] + positions)  # in memory as x
    for _, met, at in visits(positions, x.shape[-axes:], moving):
        part = y[at]
        np.maximum(part, x[met], out=part)
    return y


max_pool1d = spatial(1, max_pool, _max_vjp, selects=True)
max_pool2d = spatial(2, max_pool, _max_vjp, selects=True)
max_pool3d = spatial(3, max_pool, _max_vjp, selects=True)


def max_pool_indices(
    x: Array, y: Array, axes: int, kernel_size: Any, stride: Any = None, padding: Any = 0,
    dilation: Any = 1,
) -> Array:  # fmt: skip
    """Where in flattened space each maximum y of a pooling of x is; of several, the first."""
    moving, size = window(axes, kernel_size, stride, padding, dilation), x.shape[-axes:]
    flat = np.arange(math.prod(size)).reshape(size)
    found = np.zeros(y.shape, flat.dtype)
    for _, met, at in reversed([*visits(y.shape[-axes:], size, moving)]):
        equal = (x[met] == y[at]) | np.isnan(x[met])
        np.copyto(found[at], flat[met], where=equal)
    return found


# -------------------------------------------------------------------- means


def _counts(
    positions: Sizes, size: Sizes, moving: Geometry, count_include_pad: bool, divisor: int | None
) -> Any:
    """How many elements each window's mean is of."""
    if divisor is not None:
        return divisor
    windows = zip(positions, size, moving.stride, moving.kernel, strict=True)
    axes = [*zip(windows, moving.before, moving.after, strict=True)]
    inside = all((p - 1) * s + k <= before + n + after for (p, n, s, k), before, after in axes)
    if inside and (count_include_pad or not any(moving.before + moving.after)):
        return math.prod(moving.kernel)
    counts = []
    for (p, n, s, k), before, after in axes:
        low, high = (-before, n + after) if count_include_pad else (0, n)
        first = np.arange(p) * s - before
        counts.append((first + k).clip(None, high) - first.clip(low, None))
    return functools.reduce(np.multiply.outer, counts)


def check_divisor(divisor: Any) -> None:
    """Whether it can be the `divisor_override` of a mean.  Raises ValueError for anything else."""
    if divisor is not None and (not isinstance(divisor, (int, np.integer)) or not divisor):
        raise ValueError(f"divisor_override is an integer other than 0, and not {divisor!r}")


def _avg_vjp(
    g: Any, like: Any, kernel_size: Any, stride: Any, padding: Any, count_include_pad: bool,
    divisor_override: int | None, axes: int,
) -> Any:  # fmt: skip
    g, moving, size = batched(g, axes), window(axes, kernel_size, stride, padding), like[-axes:]
    n = _counts(g.shape[2:], size, moving, count_include_pad, divisor_override)
    return shaped(window_spread(divided(g, n), None, size, moving), like)


def avg_pool(
    x: Array, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None, axes: int = 2,
) -> Array:  # fmt: skip
    """Mean of each window of (batch, channels, *space).
    y = Σ xᵢ / n,  ∂L/∂xᵢ = g / n"""
    check_space(x, axes)
    check_divisor(divisor_override)
    moving, size = window(axes, kernel_size, stride, padding), x.shape[-axes:]
    positions = positions_in(size, moving, ceil_mode)
    n = _counts(positions, size, moving, count_include_pad, divisor_override)
    return _means(x, positions, moving, n)


def _means(x: Array, positions: Sizes, moving: Geometry, n: Any) -> Array:
    axes = len(positions)
    wide = at_least_single(x if x.dtype.kind == "f" else x.astype(np.float64))
    y = np.zeros_like(wide, shape=x.shape[:-axes] + positions)  # in memory as x
    for _, met, at in visits(positions, x.shape[-axes:], moving):
        y[at] += wide[met]
    y /= n
    return rounded(y, x)


avg_pool1d = spatial(1, avg_pool, _avg_vjp)
avg_pool2d = spatial(2, avg_pool, _avg_vjp)
avg_pool3d = spatial(3, avg_pool, _avg_vjp)
