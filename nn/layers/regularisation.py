"""Layers that drop things at random in training and nothing in evaluation."""

from __future__ import annotations

import numpy as np

from tinygrad_edu import Tensor, ops
from tinygrad_edu.errors import place

from ..init import generator
from ..module import Module


class Dropout(Module):
    """In training each element is 0 with probability p, else divided by 1 - p; any shape.

    So the mean stays, and in evaluation, after `model.eval()`, x passes unchanged.  Units cannot
    rely on each other then (Srivastava et al., 2014).  Draws from `nn.init.generator()`, which
    `nn.manual_seed` sets.  Raises ValueError for a p outside 0 to 1.

    >>> import nn
    >>> layer = nn.Dropout(0.2)
    >>> x = Tensor([1.0, 2.0])
    >>> layer.eval()(x) is x
    True
    """

    def __init__(self, p: float = 0.5) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"{type(self).__name__}: p is a probability, from 0 to 1, not {p!r}")
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        if not self.training or self.p == 0:
            return x
        return ops.dropout(x, self._mask(x.shape, x.dtype))

    def _mask(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """1 / (1 - p) for what stays, else 0."""
        kept = generator().random(shape, np.float32) >= self.p  # float32 takes half the time
        scale = 1 / (1 - self.p) if self.p < 1 else 0.0
        return np.multiply(kept, scale, dtype=np.result_type(dtype, 0.0))

    def extra_repr(self) -> str:
        return f"p={self.p}"


class Dropout2d(Dropout):
    """Dropout of whole channels of images (batch, channels, height, width).

    Neighbouring pixels say nearly the same, so dropping some of them would hide little (Tompson
    et al., 2015).  Raises ValueError unless x has four axes.

    >>> import nn
    >>> y = nn.Dropout2d(0.5)(np.ones((2, 3, 8, 8)))
    >>> bool((y.data == y.data[:, :, :1, :1]).all())
    True
    """

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        if x.ndim != 4:
            raise ValueError(
                f"{type(self).__name__} expects images (batch, channels, height, width), and was "
                f"given shape {x.shape}{place()}"
            )
        if not self.training or self.p == 0:
            return x
        return ops.dropout(x, self._mask((*x.shape[:2], 1, 1), x.dtype))
