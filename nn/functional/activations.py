"""Activation functions that are composed of ops, or whose options are checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, ops

from .options import checked, number, one_of

__all__ = ["gelu", "hardtanh", "prelu", "softplus"]


def _bounds(options: Mapping[str, Any]) -> None:
    low, high = options["min_val"], options["max_val"]
    if not low < high:
        raise ValueError(f"min_val={low} is not below max_val={high}")


@checked(_bounds)
def hardtanh(x: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """x between min_val and max_val, which pass the gradient: tanh made of straight lines.

    Raises ValueError unless min_val < max_val.
    """
    return ops.clamp(x, min_val, max_val)


@checked(one_of("approximate", "none", "tanh"))
def gelu(x: Tensor, approximate: str = "none") -> Tensor:
    """Gaussian error linear unit, x Φ(x), where Φ is the normal distribution function.

    `approximate="tanh"` is `ops.gelu_tanh`, which GPT-2 has.  Raises ValueError for other names.
    """
    if approximate == "tanh":
        return ops.gelu_tanh(x)
    infinite = np.isinf(x)
    if infinite.any():  # their product with 0 is NaN
        return ops.where(infinite, ops.relu(x), gelu(ops.where(infinite, 0, x)))
    half = x.dtype == np.float16
    wide: Any = x.astype(np.float32) if half else x
    y: Tensor = wide * (ops.erf(wide * math.sqrt(0.5)) * 0.5 + 0.5)
    return ops.cast(y, np.float16) if half else y


@checked(number("beta", lambda v: v > 0, "positive"))
def softplus(x: Tensor, beta: float = 1.0) -> Tensor:
    """ln(1 + eᵝˣ) / β: a smooth relu.  Raises ValueError unless beta > 0."""
    return ops.softplus(x, beta)


@checked()
def prelu(x: Tensor, weight: Tensor) -> Tensor:
    """x if x > 0 else w x, for a weight of shape (1,) or (channels,), the channels on axis 1.

    Raises ValueError for an input with another number of channels.
    """
    if len(weight) > 1:
        if x.ndim < 2 or x.shape[1] != len(weight):
            raise ValueError(
                f"expected {len(weight)} channels on axis 1 of the input, and was given "
                f"shape {x.shape}"
            )
        weight = weight.reshape((-1, *(1,) * (x.ndim - 2)))
    return ops.where(x > 0, x, x * weight)
