"""Pooling to a given size, whatever the input's."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import Tensor

from .options import checked

__all__ = ["adaptive_avg_pool1d", "adaptive_avg_pool2d", "global_avg_pool"]


@checked(lambda options: output_sizes(options["output_size"], 1))
def adaptive_avg_pool1d(x: Tensor, output_size: Any) -> Tensor:
    """Means of so many windows of (batch, channels, length), which cover it evenly.

    Raises ValueError for other axes.
    """
    return _adaptive(x, output_size, ("length",))


@checked(lambda options: output_sizes(options["output_size"], 2))
def adaptive_avg_pool2d(x: Tensor, output_size: Any) -> Tensor:
    """Means of so many windows of (batch, channels, height, width), which cover it evenly.

    Window i of m on an axis of n elements reaches from ⌊i n / m⌋ to ⌈(i + 1) n / m⌉.  Raises
    ValueError for other axes.
    """
    return _adaptive(x, output_size, ("height", "width"))


def _adaptive(x: Tensor, output_size: Any, space: tuple[str, ...]) -> Tensor:
    sizes = output_sizes(output_size, len(space))
    if x.ndim != len(space) + 2:
        raise ValueError(
            f"x has {x.ndim} axes, not (batch, channels, {', '.join(space)}) (shape: {x.shape})"
        )
    if set(sizes) == {1}:
        return x.mean(axis=tuple(range(2, x.ndim)), keepdims=True)
    dtype = x.dtype if x.dtype.kind == "f" else np.float64
    for axis, m in enumerate(sizes, 2):
        x = (x.swapaxes(axis, -1) @ _averaging(x.shape[axis], m, dtype)).swapaxes(axis, -1)
    return x


def output_sizes(size: Any, axes: int) -> tuple[int, ...]:
    """One size for each spatial dimension.  Raises ValueError for anything else."""
    sizes = tuple(size) if isinstance(size, (tuple, list)) else (size,) * axes
    if len(sizes) != axes or not all(isinstance(n, (int, np.integer)) and n > 0 for n in sizes):
        raise ValueError(
            f"output_size is one positive integer, or one for each of the {axes} spatial "
            f"dimensions, and not {size!r}"
        )
    return sizes


def _averaging(n: int, m: int, dtype: Any) -> np.ndarray:
    """The (n, m) matrix whose columns take the means of m windows of n elements."""
    windows, i = np.arange(m), np.arange(n)[:, None]
    first, last = windows * n // m, -(-(windows + 1) * n // m)
    mean: np.ndarray = (((i >= first) & (i < last)) / (last - first)).astype(dtype)
    return mean


@checked()
def global_avg_pool(x: Tensor) -> Tensor:
    """Mean of each channel: (batch, channels, *space) -> (batch, channels).

    Raises ValueError for inputs without spatial dimensions.
    """
    if x.ndim < 3:
        raise ValueError(f"expected (batch, channels, *space), and was given shape {x.shape}")
    return x.mean(axis=tuple(range(2, x.ndim)))
