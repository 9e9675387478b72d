"""The fully connected layer."""

from __future__ import annotations

from typing import Any

from tinygrad_edu import Tensor, ops

from ..init import Initialiser, initial
from ..module import Parameter, Regularized, get_default_dtype, like
from ..names import whole


class Dense(Regularized):
    """y = x W + b, on the last axis: (..., in_features) -> (..., out_features).

    `weight` has shape (in_features, out_features) and starts by `init`, an initialiser or its name
    ("he", "xavier", "normal", ...); `bias` has shape (out_features,) and starts at 0.  With `l2`
    the model's `penalty()` holds l2/2 ‖W‖².

    >>> import numpy as np
    >>> Dense(3, 2)(np.ones((5, 3))).shape
    (5, 2)
    """

    _transposed = ("weight",)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        init: str | Initialiser = "he",
        l2: float = 0.0,
        dtype: Any = None,
    ) -> None:
        dtype = dtype or get_default_dtype()
        if not l2 >= 0:
            raise ValueError(f"Dense: l2 must not be negative, and is {l2}")
        self.l2 = l2
        self.in_features = whole("Dense: in_features", in_features)
        self.out_features = whole("Dense: out_features", out_features)
        self.weight = Parameter(initial(init, (self.in_features, self.out_features), dtype))
        self.bias = Parameter(initial("zeros", (self.out_features,), dtype)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """x (..., in_features) -> (..., out_features)."""
        x = like(x, self.weight)
        return x @ self.weight if self.bias is None else ops.dense(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        bias = ", bias=False" if self.bias is None else ""
        return f"{self.in_features}, {self.out_features}{bias}"
