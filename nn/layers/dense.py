"""The fully connected layer."""

from __future__ import annotations

from typing import Any

from tinygrad_edu import Tensor, ops

from ..init import Initializer
from ..module import Regularized, cast_like
from ..validation import has_bias, integer, not_negative
from .layer import Layer, parameter

__all__ = ["Dense"]


class Dense(Layer, Regularized):
    """y = x W + b, on the last axis: (..., in_features) -> (..., out_features).

    `weight` has shape (in_features, out_features) and starts by `init`, an initializer or its name
    ("he", "xavier", "normal", ...); `bias` has shape (out_features,) and starts at 0.  With `l2`
    the model's `penalty()` holds l2/2 ‖W‖².

    >>> import numpy as np
    >>> Dense(3, 2)(np.ones((5, 3))).shape
    (5, 2)
    """

    _transposed = ("weight",)

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *,
        init: str | Initializer = "he", l2: float = 0.0, dtype: Any = None,
    ) -> None:  # fmt: skip
        self.l2 = not_negative("Dense: l2", l2)
        self.in_features = integer("Dense: in_features", in_features)
        self.out_features = integer("Dense: out_features", out_features)
        self.weight = parameter(init, (self.in_features, self.out_features), dtype)
        bias = has_bias("Dense", bias)
        self.bias = parameter("zeros", (self.out_features,), dtype) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """x (..., in_features) -> (..., out_features)."""
        return ops.dense(cast_like(x, self.weight), self.weight, self.bias)
