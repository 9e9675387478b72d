"""Convolutions: one small set of weights at every position of a signal or an image."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, ops

from ..init import Initializer, initial
from ..module import Parameter, Regularized, cast_like, get_default_dtype
from ..validation import has_bias, integer, not_negative
from .layer import Layer, parameter

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]

Sizes = tuple[int, ...]


class _Convolution(Layer, Regularized):
    """What all convolutions have: how the kernel moves, a weight, and a bias for each channel."""

    _axes: int  # spatial dimensions
    _function: Callable[..., Tensor]
    output_padding: int | Sizes = 0

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int | Sizes,
        stride: int | Sizes = 1, padding: int | str | Sizes = 0, dilation: int | Sizes = 1,
        groups: int = 1, bias: bool = True, *, init: str | Initializer = "he", l2: float = 0.0,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        name = type(self).__name__
        self.in_channels = integer(f"{name}: in_channels", in_channels)
        self.out_channels = integer(f"{name}: out_channels", out_channels)
        self.groups = integer(f"{name}: groups", groups)
        self.l2 = not_negative(f"{name}: l2", l2)
        if self.in_channels % self.groups or self.out_channels % self.groups:
            raise ValueError(
                f"{name}: {in_channels} channels in and {out_channels} out do not both divide into "
                f"{groups} groups"
            )
        try:
            moves = ops.geometry(
                self._axes, kernel_size, stride, padding, dilation, groups, self.output_padding
            )
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
        self.kernel_size, self.stride, self.dilation = moves.kernel, moves.stride, moves.dilation
        self.padding: str | Sizes = padding if isinstance(padding, str) else moves.before
        self.output_padding = moves.extra
        self.weight = Parameter(self._initial(init, dtype or get_default_dtype()))
        self.bias = (
            parameter("zeros", (self.out_channels,), dtype) if has_bias(name, bias) else None
        )

    def _initial(self, init: str | Initializer, dtype: Any) -> np.ndarray:
        shape = (self.out_channels, self.in_channels // self.groups, *self.kernel_size)
        return initial(init, shape, dtype)

    def forward(self, x: Tensor) -> Tensor:
        """x (batch, in_channels, *space) -> (batch, out_channels, *positions), or without batch."""
        return self._function(
            cast_like(x, self.weight), self.weight, self.bias, self.stride, self.padding,
            self.dilation, self.groups,
        )  # fmt: skip


class Conv1d(_Convolution):
    """Convolution of signals: (batch, in_channels, length) -> (batch, out_channels, positions).

    y[n, o, p] = b[o] + Σᵢₖ w[o, i, k] x[n, i, p stride + k dilation - padding], and 0 outside x.

    The arguments are those of `Conv2d`, each a single number; `weight` has shape (out_channels,
    in_channels / groups, kernel_size).  Raises ValueError for inputs of other axes or channels.

    >>> import numpy as np
    >>> Conv1d(2, 4, 3, padding="same")(np.ones((5, 2, 10))).shape
    (5, 4, 10)
    """

    _axes = 1
    _function = staticmethod(ops.conv1d)


class Conv2d(_Convolution):
    """Convolution of images: (batch, in_channels, height, width) -> (batch, out_channels, ...).

    y[n, o, p] = b[o] + Σᵢₖ w[o, i, k] x[n, i, p stride + k dilation - padding], and 0 outside x,
    where p and k are pairs of numbers (LeCun et al., 1989).  A single image has no batch axis.

    `kernel_size`, `stride`, `padding` and `dilation` are one number or (vertical, horizontal);
    padding="same" keeps height and width, "valid" is 0.  With `groups`, each group of output
    channels sees its own group of input channels only.  `weight` has shape (out_channels,
    in_channels / groups, *kernel_size) and starts by `init`; `bias`, of shape (out_channels,),
    starts at 0.  With `l2` the model's `penalty()` holds l2/2 ‖w‖².

    Raises ValueError for inputs of other axes or channels, or smaller than the kernel.

    >>> import numpy as np
    >>> layer = Conv2d(3, 8, 3, stride=2, padding=1)
    >>> layer
    Conv2d(3, 8, (3, 3), stride=(2, 2), padding=(1, 1))
    >>> layer(np.ones((5, 3, 28, 28))).shape
    (5, 8, 14, 14)
    >>> layer(np.ones((3, 28, 28))).shape
    (8, 14, 14)
    """

    _axes = 2
    _function = staticmethod(ops.conv2d)


class Conv3d(_Convolution):
    """Convolution of volumes: (batch, in_channels, depth, height, width) -> (batch, ...).

    The formula and the arguments are those of `Conv2d`, with three numbers for the spatial
    dimensions: of videos, the first is time.

    >>> import numpy as np
    >>> Conv3d(1, 4, 3, padding="same")(np.ones((5, 1, 6, 8, 8))).shape
    (5, 4, 6, 8, 8)
    """

    _axes = 3
    _function = staticmethod(ops.conv3d)


class _TransposedConvolution(_Convolution):
    """A convolution whose weight is (in_channels, out_channels / groups, *kernel_size)."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int | Sizes,
        stride: int | Sizes = 1, padding: int | str | Sizes = 0, output_padding: int | Sizes = 0,
        groups: int = 1, bias: bool = True, dilation: int | Sizes = 1, *,
        init: str | Initializer = "he", l2: float = 0.0, dtype: Any = None,
    ) -> None:  # fmt: skip
        self.output_padding = output_padding
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
            init=init, l2=l2, dtype=dtype,
        )  # fmt: skip

    def _initial(self, init: str | Initializer, dtype: Any) -> np.ndarray:
        n, inputs = self._axes, self.in_channels // self.groups
        outputs, strides = self.out_channels // self.groups, self.stride
        parts = [-(-k // s) for k, s in zip(self.kernel_size, strides, strict=True)]
        drawn = initial(init, (self.out_channels * math.prod(strides), inputs, *parts), dtype)
        apart = drawn.reshape(self.groups, outputs, *strides, inputs, *parts)
        pairs = [axis for i in range(n) for axis in (3 + n + i, 2 + i)]  # of a part and a stride
        woven = apart.transpose(0, 2 + n, 1, *pairs)
        sizes = [part * s for part, s in zip(parts, strides, strict=True)]
        whole = woven.reshape(self.in_channels, outputs, *sizes)
        kernel = (..., *(slice(k) for k in self.kernel_size))
        return np.ascontiguousarray(whole[kernel])

    def forward(self, x: Tensor) -> Tensor:
        """x (batch, in_channels, *space) -> (batch, out_channels, ...), or without batch."""
        return self._function(
            cast_like(x, self.weight), self.weight, self.bias, self.stride, self.padding,
            self.output_padding, self.groups, self.dilation,
        )  # fmt: skip


class ConvTranspose1d(_TransposedConvolution):
    """Each element lays down a kernel: (batch, in_channels, length) -> (batch, out_channels, ...).

    The formula and the arguments are those of `ConvTranspose2d`, each a single number.

    >>> import numpy as np
    >>> ConvTranspose1d(4, 2, 4, stride=2, padding=1)(np.ones((5, 4, 10))).shape
    (5, 2, 20)
    """

    _axes = 1
    _function = staticmethod(ops.conv_transpose1d)


class ConvTranspose2d(_TransposedConvolution):
    """Each pixel lays down a kernel: (batch, in_channels, h, w) -> (batch, out_channels, ...).

    y[n, o, p stride + k dilation - padding] = b[o] + Σᵢ w[i, o, k] x[n, i, p], summed where they
    overlap: the derivative of a `Conv2d` by its input, to make images larger (Zeiler et al., 2010).

    Height and width become (size - 1) stride - 2 padding + dilation (kernel_size - 1) + 1 +
    output_padding; the last tells apart the sizes of which a convolution with this stride makes
    the same one.  `weight` has shape (in_channels, out_channels / groups, *kernel_size), as in
    PyTorch.  An element of y meets only one in stride of the kernel's along each axis, so
    the layer is a convolution to stride² as many channels, each with its part of the kernel; `init`
    is asked for that one's weight, of shape (out_channels · stride², in_channels / groups,
    *⌈kernel_size / stride⌉).  So "he" keeps the variance where stride divides kernel_size, while
    PyTorch's fan_in, out_channels / groups · kernel_size², does not.

    Raises ValueError for inputs of other axes or channels.

    >>> import numpy as np
    >>> ConvTranspose2d(8, 3, 4, stride=2, padding=1)(np.ones((5, 8, 14, 14))).shape
    (5, 3, 28, 28)
    """

    _axes = 2
    _function = staticmethod(ops.conv_transpose2d)


class ConvTranspose3d(_TransposedConvolution):
    """Each voxel lays down a kernel: (batch, in_channels, d, h, w) -> (batch, out_channels, ...).

    The formula and the arguments are those of `ConvTranspose2d`, with three numbers for the spatial
    dimensions.

    >>> import numpy as np
    >>> ConvTranspose3d(4, 2, 2, stride=2)(np.ones((5, 4, 3, 6, 6))).shape
    (5, 2, 6, 12, 12)
    """

    _axes = 3
    _function = staticmethod(ops.conv_transpose3d)
