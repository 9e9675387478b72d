"""Pooling with what goes beyond the ops: indices and their way back, and sizes that are given."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, ops

from ..validation import boolean
from .options import checked
from .targets import plain

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d",
    "adaptive_max_pool2d", "adaptive_max_pool3d", "global_avg_pool", "max_pool1d", "max_pool2d",
    "max_pool3d", "max_unpool1d", "max_unpool2d", "max_unpool3d",
]  # fmt: skip

Sizes = tuple[int, ...]

_WINDOW = "kernel_size", "stride", "padding"
_POOLS = {1: ops.max_pool1d, 2: ops.max_pool2d, 3: ops.max_pool3d}


# -------------------------------------------------------------------- maxima and their indices


def _max_pooling(axes: int) -> Callable[..., Any]:
    """max_pool1d, max_pool2d or max_pool3d."""

    def max_pool(
        x: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
        ceil_mode: bool = False, return_indices: bool = False,
    ) -> Any:  # fmt: skip
        """Largest in each window of (batch, channels, *space), and with `return_indices` where.

        The stride is the window's size unless given.  With `ceil_mode` a last window may reach
        beyond the padding, which is never the largest.  Indices count through an input's spatial
        dimensions, row by row, and are an ndarray; of elements that are equally large it is the
        first, while all of them share the gradient.  Raises ValueError for other axes, or for
        windows that do not fit.
        """
        y = _POOLS[axes](x, kernel_size, stride, padding, dilation, ceil_mode)
        if not return_indices:
            return y
        moving = axes, kernel_size, stride, padding, dilation
        return y, ops.max_pool_indices(plain(x), plain(y), *moving)

    return ops.dimensioned(axes, max_pool)


max_pool1d = _max_pooling(1)
max_pool2d = _max_pooling(2)
max_pool3d = _max_pooling(3)


def _max_unpooling(axes: int) -> Callable[..., Any]:
    """max_unpool1d, max_unpool2d or max_unpool3d."""

    def max_unpool(
        x: Tensor, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0,
        output_size: Any = None,
    ) -> Tensor:  # fmt: skip
        """Maxima of (batch, channels, *space) back at the indices of their pooling, else 0.

        Of equal indices, which overlapping windows have, the last counts.  `output_size` is the
        shape of the pooling's input, or its spatial part, if not the smallest that there is.
        Raises ValueError for shapes that do not fit, TypeError or IndexError for such indices.
        """
        ops.check_space(x, axes)
        moving = ops.window(axes, kernel_size, stride, padding)
        lead, pooled = x.shape[:-axes], x.shape[-axes:]
        size = _size_before(pooled, moving, output_size)
        n, channels = math.prod(size), math.prod(lead)
        rows = _checked_indices(plain(indices), x.shape, n).reshape(channels, math.prod(pooled))
        at = (rows + np.arange(channels)[:, None] * n).reshape(-1)
        values, order = x.reshape(at.shape), np.arange(len(at))
        last = np.zeros(channels * n, order.dtype)
        last[at] = order
        if not (last[at] == order).all():
            values = ops.where(last[at] == order, values, np.zeros((), x.dtype))
        return ops.scatter(values, at, (channels * n,)).reshape(lead + size)

    rule = lambda given: ops.window(axes, *(given[name] for name in _WINDOW))
    return checked(rule)(ops.dimensioned(axes, max_unpool))


def _size_before(pooled: Sizes, moving: Any, output_size: Any) -> Sizes:
    """The spatial dimensions of what was pooled, the smallest unless given."""
    axes = list(zip(pooled, moving.kernel, moving.stride, moving.before, strict=True))
    least = tuple((n - 1) * s - 2 * pad + k for n, k, s, pad in axes)
    if output_size is None:
        return least
    several = isinstance(output_size, (tuple, list))
    sizes = tuple(output_size) if several else (output_size,) * len(axes)
    given = sizes[-len(axes) :]
    near = all(abs(n - m) < s for n, m, s in zip(given, least, moving.stride, strict=False))
    if not len(axes) <= len(sizes) <= len(axes) + 2 or not near:
        raise ValueError(
            f"output_size is {least}, or differs from it by less than the stride {moving.stride}, "
            f"and not {output_size}"
        )
    return given


def _checked_indices(indices: np.ndarray, shape: Sizes, n: int) -> np.ndarray:
    if indices.dtype.kind not in "iu":
        raise TypeError(f"the indices must be integers, and are {indices.dtype}")
    if indices.shape != shape:
        raise ValueError(f"the indices have shape {indices.shape}, and x has {shape}")
    if indices.size and (indices.min() < 0 or indices.max() >= n):
        raise IndexError(
            f"indices from {indices.min()} to {indices.max()} were given, and of an output of "
            f"{n} elements there are only 0 to {n - 1}; give the pooling's input as output_size"
        )
    return indices.astype(np.intp)


max_unpool1d = _max_unpooling(1)
max_unpool2d = _max_unpooling(2)
max_unpool3d = _max_unpooling(3)


# -------------------------------------------------------------------- to a given size


def output_sizes(size: Any, axes: int) -> tuple[int | None, ...]:
    """One size or None for each spatial dimension.  Raises ValueError for anything else."""
    sizes = tuple(size) if isinstance(size, (tuple, list)) else (size,) * axes
    fits = [n is None or (isinstance(n, (int, np.integer)) and n > 0) for n in sizes]
    if len(sizes) != axes or not all(fits):
        raise ValueError(
            f"output_size is one positive integer, or one for each of the {axes} spatial "
            f"dimensions, where None keeps the input's, and not {size!r}"
        )
    return sizes


def _sizes_of(x: Tensor, output_size: Any, axes: int) -> Sizes:
    """The sizes of the output, those that are None being x's."""
    ops.check_space(x, axes)
    sizes = output_sizes(output_size, axes)
    return tuple(n if m is None else m for n, m in zip(x.shape[-axes:], sizes, strict=True))


def _bounds(n: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each of m windows of n elements begins, and where it has ended."""
    windows = np.arange(m)
    return windows * n // m, -(-(windows + 1) * n // m)


def _averaging(n: int, m: int, dtype: Any) -> np.ndarray:
    """The (n, m) matrix whose columns take the means of m windows of n elements."""
    (first, last), i = _bounds(n, m), np.arange(n)[:, None]
    mean: np.ndarray = (((i >= first) & (i < last)) / (last - first)).astype(dtype)
    return mean


def _adaptive_avg_pooling(axes: int) -> Callable[..., Any]:
    """adaptive_avg_pool1d, adaptive_avg_pool2d or adaptive_avg_pool3d."""

    def adaptive_avg_pool(x: Tensor, output_size: Any) -> Tensor:
        """Means of so many windows of (batch, channels, *space), which cover it evenly.

        Window i of m on an axis of n elements reaches from ⌊i n / m⌋ to ⌈(i + 1) n / m⌉; an axis
        whose size is given as None stays as it is.  Raises ValueError for other axes.
        """
        sizes = _sizes_of(x, output_size, axes)
        if set(sizes) == {1}:
            return x.mean(axis=tuple(range(-axes, 0)), keepdims=True)
        dtype = x.dtype if x.dtype.kind == "f" else np.float64
        for axis, m in enumerate(sizes, -axes):
            if m != x.shape[axis]:
                mean = _averaging(x.shape[axis], m, dtype)
                x = (x.swapaxes(axis, -1) @ mean).swapaxes(axis, -1)
        return x

    rule = lambda options: output_sizes(options["output_size"], axes)
    return checked(rule)(ops.dimensioned(axes, adaptive_avg_pool))


adaptive_avg_pool1d = _adaptive_avg_pooling(1)
adaptive_avg_pool2d = _adaptive_avg_pooling(2)
adaptive_avg_pool3d = _adaptive_avg_pooling(3)


def _adaptive_max_pooling(axes: int) -> Callable[..., Any]:
    """adaptive_max_pool1d, adaptive_max_pool2d or adaptive_max_pool3d."""

    def adaptive_max_pool(x: Tensor, output_size: Any, return_indices: bool = False) -> Any:
        """Largest of each of so many windows of (batch, channels, *space), which cover it evenly.

        Windows and `output_size` are those of adaptive_avg_pool, and indices those of max_pool.
        Raises ValueError for other axes.
        """
        sizes, size = _sizes_of(x, output_size, axes), x.shape[-axes:]
        if not any(n % m for n, m in zip(size, sizes, strict=True)):
            kernel = tuple(n // m for n, m in zip(size, sizes, strict=True))
            return (max_pool1d, max_pool2d, max_pool3d)[axes - 1](
                x, kernel, return_indices=return_indices
            )
        met, inside = _windows(size, sizes)
        lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
        index = (..., *met)
        windows = ops.where(inside, x[index], np.asarray(lowest, x.dtype))
        windows = windows.reshape(*windows.shape[:-axes], math.prod(windows.shape[-axes:]))
        y = windows.max(axis=-1)
        if not return_indices:
            return y
        flat = np.arange(math.prod(size)).reshape(size)[met]
        flat = np.broadcast_to(flat.reshape(*sizes, -1), windows.shape)
        return y, np.take_along_axis(flat, plain(windows).argmax(-1)[..., None], -1)[..., 0]

    def rule(options: Any) -> None:
        output_sizes(options["output_size"], axes)
        boolean("return_indices", options["return_indices"])

    return checked(rule)(ops.dimensioned(axes, adaptive_max_pool))


def _windows(size: Sizes, sizes: Sizes) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """Indices of what the windows meet, (*sizes, *widest), and which are inside of their window."""
    met, inside, axes = [], np.ones((), bool), len(size)
    for axis, (n, m) in enumerate(zip(size, sizes, strict=True)):
        first, last = (bound[:, None] for bound in _bounds(n, m))
        i = first + np.arange((last - first).max())
        others = tuple(j for j in range(2 * axes) if j % axes != axis)
        met.append(np.expand_dims(i.clip(None, n - 1), others))
        inside = inside & np.expand_dims(i < last, others)
    return tuple(met), inside


adaptive_max_pool1d = _adaptive_max_pooling(1)
adaptive_max_pool2d = _adaptive_max_pooling(2)
adaptive_max_pool3d = _adaptive_max_pooling(3)


@checked()
def global_avg_pool(x: Tensor) -> Tensor:
    """Mean of each channel: (batch, channels, *space) -> (batch, channels).

    Raises ValueError for inputs without spatial dimensions.
    """
    if x.ndim < 3:
        raise ValueError(f"expected (batch, channels, *space), and was given shape {x.shape}")
    return x.mean(axis=tuple(range(2, x.ndim)))
