"""Pooling: the largest element of each window, or its mean."""

from __future__ import annotations

from tinygrad_edu import ops

from .. import functional as F
from ..function_module import FunctionModule
from ..functional.options import Rule

__all__ = [
    "AdaptiveAvgPool2d", "AvgPool1d", "AvgPool2d", "GlobalAvgPool", "MaxPool1d", "MaxPool2d",
]  # fmt: skip

Sizes = tuple[int, ...]


def _window(axes: int) -> Rule:
    return lambda options: ops.window(
        axes, options["kernel_size"], options["stride"], options["padding"]
    )


class _Pool(FunctionModule):
    """A window of a size, a stride that is its size unless given, and padding."""

    kernel_size: int | Sizes
    stride: int | Sizes | None = None
    padding: int | Sizes = 0
    _rules = (_window(2),)
    _terse = True


class MaxPool2d(_Pool, of=ops.max_pool2d):
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


class MaxPool1d(_Pool, of=ops.max_pool1d):
    """Largest of each window: (batch, channels, length) -> (batch, channels, windows).

    The arguments are those of `MaxPool2d`.

    >>> import numpy as np
    >>> MaxPool1d(2)(np.array([[[1.0, 3.0, 2.0, 0.0]]])).data
    array([[[3., 2.]]])
    """

    _rules = (_window(1),)


class AvgPool2d(_Pool, of=ops.avg_pool2d, kw_only=True):
    """Mean of each window: (batch, channels, height, width) -> (batch, channels, ...).

    `kernel_size`, `stride` and `padding` are those of `MaxPool2d`.  The padding counts as zeros;
    with `count_include_pad=False` it does not count.  Raises ValueError for inputs of other axes,
    or smaller than the window.

    >>> import numpy as np
    >>> AvgPool2d(2, padding=1, count_include_pad=False)(np.ones((1, 1, 2, 2))).data
    array([[[[1., 1.],
             [1., 1.]]]])
    """

    count_include_pad: bool = True


class AvgPool1d(AvgPool2d, of=ops.avg_pool1d):
    """Mean of each window: (batch, channels, length) -> (batch, channels, windows).

    The arguments are those of `AvgPool2d`.

    >>> import numpy as np
    >>> AvgPool1d(2)(np.array([[[1.0, 3.0, 2.0, 0.0]]])).data
    array([[[2., 1.]]])
    """

    _rules = (_window(1),)


class AdaptiveAvgPool2d(FunctionModule, of=F.adaptive_avg_pool2d):
    """Means of `output_size` windows: (batch, channels, h, w) -> (batch, channels, *output_size).

    Window i of m on an axis of n elements reaches from ⌊i n / m⌋ to ⌈(i + 1) n / m⌉, so that
    images of any size become one size.  `output_size` is one number or (vertical, horizontal).
    Raises ValueError for inputs of other axes.

    >>> import numpy as np
    >>> AdaptiveAvgPool2d(7)(np.ones((5, 3, 30, 41))).shape
    (5, 3, 7, 7)
    """

    output_size: int | Sizes
    _terse = True


class GlobalAvgPool(FunctionModule, of=F.global_avg_pool):
    """Mean of each channel, over all of space: (batch, channels, *space) -> (batch, channels).

    It takes the place of Flatten before a classifier, which then has channels as features and
    images of any size (Lin et al., 2013).  Raises ValueError for inputs without spatial dimensions.

    >>> import numpy as np
    >>> GlobalAvgPool()(np.ones((5, 3, 28, 28))).shape
    (5, 3)
    """
