"""Pooling: what is left of each window, its largest element or its mean."""

from __future__ import annotations

from tinygrad_edu import Tensor, ops
from tinygrad_edu.errors import place
from tinygrad_edu.ops.convolution import padded_geometry, per_axis

from ..module import Module
from .arguments import described

Sizes = tuple[int, ...]


class _Pool(Module):
    """What all windows have: a size, a stride that is their size unless given, and padding."""

    _axes = 2  # of space

    def __init__(
        self,
        kernel_size: int | Sizes,
        stride: int | Sizes | None = None,
        padding: int | Sizes = 0,
    ) -> None:
        try:
            kernel = per_axis("kernel_size", kernel_size, self._axes, 1)
            padded_geometry(kernel, kernel if stride is None else stride, padding, 1, 1)
        except ValueError as error:
            raise ValueError(f"{type(self).__name__}: {error}") from None
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding

    def extra_repr(self) -> str:
        return described(self)


class MaxPool1d(_Pool):
    """Largest of each window: (batch, channels, length) -> (batch, channels, windows).

    The arguments are those of `MaxPool2d`.

    >>> import numpy as np
    >>> MaxPool1d(2)(np.array([[[1.0, 3.0, 2.0, 0.0]]])).data
    array([[[3., 2.]]])
    """

    _axes = 1

    def forward(self, x: Tensor) -> Tensor:
        """x (batch, channels, length) -> (batch, channels, windows)."""
        y: Tensor = ops.max_pool1d(x, self.kernel_size, self.stride, self.padding)
        return y


class MaxPool2d(_Pool):
    """Largest of each window: (batch, channels, height, width) -> (batch, channels, ...).

    `kernel_size`, `stride` (that size unless given) and `padding` (at most half of it) are one
    number or (vertical, horizontal).  The padding is never the largest.  Elements that are equally
    large share the gradient, of which PyTorch gives the first all.  Raises ValueError for inputs of
    other axes, or smaller than the window.

    >>> import numpy as np
    >>> MaxPool2d(2)
    MaxPool2d(2)
    >>> MaxPool2d(2)(np.ones((5, 3, 28, 28))).shape
    (5, 3, 14, 14)
    """

    def forward(self, x: Tensor) -> Tensor:
        """x (batch, channels, height, width) -> (batch, channels, ...)."""
        y: Tensor = ops.max_pool2d(x, self.kernel_size, self.stride, self.padding)
        return y


class _AvgPool(_Pool):
    def __init__(
        self,
        kernel_size: int | Sizes,
        stride: int | Sizes | None = None,
        padding: int | Sizes = 0,
        *,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding)
        self.count_include_pad = count_include_pad


class AvgPool1d(_AvgPool):
    """Mean of each window: (batch, channels, length) -> (batch, channels, windows).

    The arguments are those of `AvgPool2d`.

    >>> import numpy as np
    >>> AvgPool1d(2)(np.array([[[1.0, 3.0, 2.0, 0.0]]])).data
    array([[[2., 1.]]])
    """

    _axes = 1

    def forward(self, x: Tensor) -> Tensor:
        """x (batch, channels, length) -> (batch, channels, windows)."""
        y: Tensor = ops.avg_pool1d(
            x, self.kernel_size, self.stride, self.padding, self.count_include_pad
        )
        return y


class AvgPool2d(_AvgPool):
    """Mean of each window: (batch, channels, height, width) -> (batch, channels, ...).

    `kernel_size`, `stride` and `padding` are those of `MaxPool2d`.  The padding counts as zeros;
    with `count_include_pad=False` it does not count.  Raises ValueError for inputs of other axes,
    or smaller than the window.

    >>> import numpy as np
    >>> AvgPool2d(2, padding=1, count_include_pad=False)(np.ones((1, 1, 2, 2))).data
    array([[[[1., 1.],
             [1., 1.]]]])
    """

    def forward(self, x: Tensor) -> Tensor:
        """x (batch, channels, height, width) -> (batch, channels, ...)."""
        y: Tensor = ops.avg_pool2d(
            x, self.kernel_size, self.stride, self.padding, self.count_include_pad
        )
        return y


class AdaptiveAvgPool2d(Module):
    """Means of `output_size` windows: (batch, channels, h, w) -> (batch, channels, *output_size).

    Window i of m on an axis of n elements reaches from ⌊i n / m⌋ to ⌈(i + 1) n / m⌉, so that
    images of any size become one size.  `output_size` is one number or (vertical, horizontal).
    Raises ValueError for inputs of other axes.

    >>> import numpy as np
    >>> AdaptiveAvgPool2d(7)(np.ones((5, 3, 30, 41))).shape
    (5, 3, 7, 7)
    """

    def __init__(self, output_size: int | Sizes) -> None:
        per_axis("AdaptiveAvgPool2d: output_size", output_size, 2, 1)
        self.output_size = output_size

    def forward(self, x: Tensor) -> Tensor:
        """x (batch, channels, height, width) -> (batch, channels, *output_size)."""
        y: Tensor = ops.adaptive_avg_pool2d(x, self.output_size)
        return y

    def extra_repr(self) -> str:
        return described(self)


class GlobalAvgPool(Module):
    """Mean of each channel, over all of space: (batch, channels, *space) -> (batch, channels).

    It takes the place of Flatten before a classifier, which then has channels as features and
    images of any size (Lin et al., 2013).  Raises ValueError for inputs without axes of space.

    >>> import numpy as np
    >>> GlobalAvgPool()(np.ones((5, 3, 28, 28))).shape
    (5, 3)
    """

    def forward(self, x: Tensor) -> Tensor:
        """x (batch, channels, *space) -> (batch, channels)."""
        if x.ndim < 3:
            raise ValueError(
                f"GlobalAvgPool takes (batch, channels, *space), and x has shape {x.shape}{place()}"
            )
        y: Tensor = x.mean(axis=tuple(range(2, x.ndim)))
        return y
