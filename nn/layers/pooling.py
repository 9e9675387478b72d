"""Pooling: the largest element of each window, or its mean."""

from __future__ import annotations

from typing import Any

from tinygrad_edu import ops

from .. import functional as F
from ..function_module import FunctionModule
from ..functional.options import Rule
from ..validation import boolean

__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d", "AdaptiveMaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d",
    "GlobalAvgPool", "MaxPool1d", "MaxPool2d", "MaxPool3d", "MaxUnpool1d", "MaxUnpool2d",
    "MaxUnpool3d",
]  # fmt: skip

Sizes = tuple[int, ...]


def _window(axes: int) -> tuple[Rule, ...]:
    """The rules of a window of so many spatial dimensions."""

    def rule(options: Any) -> None:
        names = "kernel_size", "stride", "padding", "dilation"
        ops.window(axes, *(options[name] for name in names if name in options))
        for name in ("ceil_mode", "return_indices", "count_include_pad"):
            boolean(name, options.get(name, False))
        ops.check_divisor(options.get("divisor_override"))

    return (rule,)


class _Pool(FunctionModule):
    """A window of a size, a stride that is its size unless given, and padding."""

    kernel_size: int | Sizes
    stride: int | Sizes | None = None
    padding: int | Sizes = 0
    _terse = True


# -------------------------------------------------------------------- maxima


class _MaxPool(_Pool):
    dilation: int | Sizes = 1
    return_indices: bool = False
    ceil_mode: bool = False


class MaxPool2d(_MaxPool, of=F.max_pool2d):
    """Largest of each window: (batch, channels, height, width) -> (batch, channels, ...).

    `kernel_size`, `stride` (that size unless given), `padding` (at most half of it) and `dilation`
    are one number or (vertical, horizontal).  The padding is never the largest.  Elements that are
    equally large share the gradient, of which PyTorch gives the first all.

    With `return_indices` it returns a pair, the second being an array of the maxima's locations in
    the flattened image, for `MaxUnpool2d`.  With `ceil_mode` the number of windows is rounded up,
    so that the last may reach beyond the padding.  A single image has no batch axis.  Raises
    ValueError for inputs of other axes, or smaller than the window, and for a dilation so large
    that windows would hold nothing but padding.

    >>> import numpy as np
    >>> MaxPool2d(2)
    MaxPool2d(2)
    >>> MaxPool2d(2)(np.ones((5, 3, 28, 28))).shape
    (5, 3, 14, 14)
    """

    _rules = _window(2)


class MaxPool1d(_MaxPool, of=F.max_pool1d):
    """Largest of each window: (batch, channels, length) -> (batch, channels, windows).

    The arguments are those of `MaxPool2d`.

    >>> import numpy as np
    >>> MaxPool1d(2)(np.array([[[1.0, 3.0, 2.0, 0.0]]])).data
    array([[[3., 2.]]])
    """

    _rules = _window(1)


class MaxPool3d(_MaxPool, of=F.max_pool3d):
    """Largest of each window: (batch, channels, depth, height, width) -> (batch, channels, ...).

    The arguments are those of `MaxPool2d`, with three numbers for the spatial dimensions.

    >>> import numpy as np
    >>> MaxPool3d((1, 2, 2))(np.ones((5, 3, 6, 8, 8))).shape
    (5, 3, 6, 4, 4)
    """

    _rules = _window(3)


class _MaxUnpool(_Pool):
    def forward(self, x: Any, indices: Any, output_size: Any = None) -> Any:
        """The maxima x and their indices -> what was pooled, as far as they tell."""
        return self._function(x, indices, *self._bound.values(), output_size)


class MaxUnpool2d(_MaxUnpool, of=F.max_unpool2d):
    """What `MaxPool2d` chose, back where it was, and 0 elsewhere.

    Takes the two that a pooling with `return_indices=True` returns, and, if the pooling left out
    some rows or columns, `output_size`, the shape of its input.  Of indices that overlapping
    windows have in common the last counts.  The arguments are the pooling's (Zeiler and Fergus,
    2014).  Raises ValueError for shapes that do not fit, TypeError or IndexError for such indices.

    >>> import numpy as np
    >>> y, indices = MaxPool2d(2, return_indices=True)(np.arange(16.0).reshape(1, 4, 4))
    >>> MaxUnpool2d(2)(y, indices).data
    array([[[ 0.,  0.,  0.,  0.],
            [ 0.,  5.,  0.,  7.],
            [ 0.,  0.,  0.,  0.],
            [ 0., 13.,  0., 15.]]])
    """


class MaxUnpool1d(_MaxUnpool, of=F.max_unpool1d):
    """What `MaxPool1d` chose, back where it was, and 0 elsewhere; as `MaxUnpool2d`.

    >>> import numpy as np
    >>> y, indices = MaxPool1d(2, return_indices=True)(np.array([[1.0, 3.0, 2.0, 0.0]]))
    >>> MaxUnpool1d(2)(y, indices).data
    array([[0., 3., 2., 0.]])
    """


class MaxUnpool3d(_MaxUnpool, of=F.max_unpool3d):
    """What `MaxPool3d` chose, back where it was, and 0 elsewhere; as `MaxUnpool2d`."""


# -------------------------------------------------------------------- means


class _AvgPool(_Pool):
    ceil_mode: bool = False
    count_include_pad: bool = True
    divisor_override: int | None = None


class AvgPool2d(_AvgPool, of=ops.avg_pool2d):
    """Mean of each window: (batch, channels, height, width) -> (batch, channels, ...).

    `kernel_size`, `stride`, `padding` and `ceil_mode` are those of `MaxPool2d`.  The padding counts
    as zeros; with `count_include_pad=False` it does not count.  The sum is divided by the number of
    elements that count, or by `divisor_override`.  Raises ValueError for inputs of other axes, or
    smaller than the window.

    >>> import numpy as np
    >>> AvgPool2d(2, padding=1, count_include_pad=False)(np.ones((1, 1, 2, 2))).data
    array([[[[1., 1.],
             [1., 1.]]]])
    """

    _rules = _window(2)


class AvgPool1d(_AvgPool, of=ops.avg_pool1d):
    """Mean of each window: (batch, channels, length) -> (batch, channels, windows).

    The arguments are those of `AvgPool2d`.

    >>> import numpy as np
    >>> AvgPool1d(2)(np.array([[[1.0, 3.0, 2.0, 0.0]]])).data
    array([[[2., 1.]]])
    """

    _rules = _window(1)


class AvgPool3d(_AvgPool, of=ops.avg_pool3d):
    """Mean of each window: (batch, channels, depth, height, width) -> (batch, channels, ...).

    The arguments are those of `AvgPool2d`, with three numbers for the spatial dimensions.
    """

    _rules = _window(3)


# -------------------------------------------------------------------- to a given size


class _AdaptivePool(FunctionModule):
    output_size: int | tuple[int | None, ...] | None
    _terse = True


class AdaptiveAvgPool2d(_AdaptivePool, of=F.adaptive_avg_pool2d):
    """Means of `output_size` windows: (batch, channels, h, w) -> (batch, channels, *output_size).

    Window i of m on an axis of n elements reaches from ⌊i n / m⌋ to ⌈(i + 1) n / m⌉, so that
    images of any size become one size.  `output_size` is one number or (vertical, horizontal),
    where None keeps the input's.  Raises ValueError for inputs of other axes.

    >>> import numpy as np
    >>> AdaptiveAvgPool2d(7)(np.ones((5, 3, 30, 41))).shape
    (5, 3, 7, 7)
    >>> AdaptiveAvgPool2d((None, 7))(np.ones((5, 3, 30, 41))).shape
    (5, 3, 30, 7)
    """


class AdaptiveAvgPool1d(_AdaptivePool, of=F.adaptive_avg_pool1d):
    """Means of `output_size` windows of signals; as `AdaptiveAvgPool2d`."""


class AdaptiveAvgPool3d(_AdaptivePool, of=F.adaptive_avg_pool3d):
    """Means of `output_size` windows of volumes; as `AdaptiveAvgPool2d`."""


class _AdaptiveMaxPool(_AdaptivePool):
    return_indices: bool = False


class AdaptiveMaxPool2d(_AdaptiveMaxPool, of=F.adaptive_max_pool2d):
    """Largest of each of `output_size` windows, which are those of `AdaptiveAvgPool2d`.

    With `return_indices` it returns a pair as `MaxPool2d` does.

    >>> import numpy as np
    >>> AdaptiveMaxPool2d((1, 2))(np.arange(15.0).reshape(1, 3, 5)).data
    array([[[12., 14.]]])
    """


class AdaptiveMaxPool1d(_AdaptiveMaxPool, of=F.adaptive_max_pool1d):
    """Largest of each of `output_size` windows of signals; as `AdaptiveMaxPool2d`."""


class AdaptiveMaxPool3d(_AdaptiveMaxPool, of=F.adaptive_max_pool3d):
    """Largest of each of `output_size` windows of volumes; as `AdaptiveMaxPool2d`."""


class GlobalAvgPool(FunctionModule, of=F.global_avg_pool):
    """Mean of each channel, over all of space: (batch, channels, *space) -> (batch, channels).

    It takes the place of Flatten before a classifier, which then has channels as features and
    images of any size (Lin et al., 2013).  Raises ValueError for inputs without spatial dimensions.

    >>> import numpy as np
    >>> GlobalAvgPool()(np.ones((5, 3, 28, 28))).shape
    (5, 3)
    """
