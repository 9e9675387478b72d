"""Layers that drop elements or channels at random in training and nothing in evaluation."""

from __future__ import annotations

from typing import Any

from .. import functional as F
from ..function_module import FunctionModule

__all__ = ["Dropout", "Dropout2d"]


class Dropout(FunctionModule, of=F.dropout):
    """In training each element is 0 with probability p, else divided by 1 - p; any shape.

    So the mean stays, and in evaluation, after `model.eval()`, x passes unchanged.  Units cannot
    rely on each other then (Srivastava et al., 2014).  Draws from `nn.init.generator()`, which
    `nn.manual_seed` sets.  Raises ValueError for a p outside 0 to 1.

    >>> import nn
    >>> from tinygrad_edu import Tensor
    >>> layer = nn.Dropout(0.2)
    >>> x = Tensor([1.0, 2.0])
    >>> layer.eval()(x) is x
    True
    """

    p: float = 0.5

    def forward(self, x: Any) -> Any:
        """The same shape."""
        return self._function(x, self.p, self.training)


class Dropout2d(Dropout, of=F.dropout2d):
    """Dropout of whole channels of images (batch, channels, height, width).

    Adjacent pixels are nearly equal, so dropping some of them would hide little (Tompson et al.,
    2015).  Raises ValueError unless x has four axes.

    >>> import nn, numpy as np
    >>> y = nn.Dropout2d(0.5)(np.ones((2, 3, 8, 8)))
    >>> bool((y.data == y.data[:, :, :1, :1]).all())
    True
    """
