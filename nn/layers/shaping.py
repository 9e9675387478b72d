"""Layers that change the shape of their input, or add it to their output."""

from __future__ import annotations

import math
from typing import Any

from tinygrad_edu import Tensor

from ..function_module import FunctionModule
from ..module import Module, Sequential, cast_like

__all__ = ["Flatten", "Reshape", "Residual"]


def flatten(x: Tensor, start_axis: int = 1) -> Tensor:
    """All axes from start_axis on become one."""
    if not -x.ndim <= start_axis < x.ndim:
        raise ValueError(
            f"Flatten: an input of shape {x.shape} has no axis {start_axis} to start from"
        )
    kept = x.shape[:start_axis]  # up to a negative axis too
    return x.reshape((*kept, math.prod(x.shape[start_axis:])))


class Flatten(FunctionModule, of=flatten):
    """All axes from start_axis on become one: (N, ...) -> (N, features).

    Raises ValueError for an input without that axis.

    >>> import numpy as np
    >>> Flatten()(np.ones((5, 3, 8, 8))).shape
    (5, 192)
    """

    start_axis: int = 1
    _terse = True


class Reshape(Module):
    """Each sample in another shape, in which one size may be -1: (N, ...) -> (N, *shape).

    Raises ValueError for samples whose elements do not fill the shape.

    >>> import numpy as np
    >>> Reshape(1, 8, -1)(np.ones((5, 64))).shape
    (5, 1, 8, 8)
    """

    def __init__(self, *shape: int) -> None:
        if not all(hasattr(n, "__index__") for n in shape):
            raise TypeError(f"Reshape takes sizes one by one, as Reshape(1, 8, 8), not {shape}")
        if any(n < -1 or n == 0 for n in shape) or shape.count(-1) > 1:
            raise ValueError(f"Reshape: sizes are positive, and one can be -1, not {shape}")
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        """(N, ...) -> (N, *shape)."""
        return x.reshape((len(x), *self.shape))

    def extra_repr(self) -> str:
        return ", ".join(map(str, self.shape))


class Residual(Sequential):
    """y = x + f(x), f being the modules one after the other (He et al., 2016).

    The gradient reaches x undiminished, however deep f is.  Raises ValueError if f changes the
    shape.

    >>> import nn, numpy as np
    >>> block = Residual(nn.Dense(4, 8), nn.ReLU(), nn.Dense(8, 4))
    >>> block(np.ones((5, 4))).shape
    (5, 4)
    """

    def __init__(self, *modules: Module) -> None:
        if not modules:
            raise ValueError("Residual needs at least one module, whose output is added to x")
        super().__init__(*modules)

    def forward(self, x: Any) -> Any:
        """The same shape."""
        y = super().forward(x)
        if y.shape != x.shape:
            raise ValueError(
                f"Residual: x + f(x) needs f to keep the shape, and it turns {x.shape} into "
                f"{y.shape}; match its first and last sizes"
            )
        return cast_like(x, y) + y
