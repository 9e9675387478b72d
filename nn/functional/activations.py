"""Activation functions that are composed of ops, or whose options are checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, ops

from .options import checked, number, one_of
from .targets import tensor

__all__ = [
    "celu", "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "prelu", "relu6",
    "softmin", "softplus", "softshrink", "tanhshrink", "threshold",
]  # fmt: skip

_LAMBD = number("lambd", lambda v: v >= 0, "0 or more")


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
    y, _ = ops.gelu_and_slope(x)
    return y


@checked(number("beta", lambda v: v > 0, "positive"))
def softplus(x: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """ln(1 + eᵝˣ) / β: a smooth relu; x itself where β x is above the threshold, as in PyTorch.

    Stable without it too: `threshold=np.inf` is the function itself.  Raises ValueError unless
    beta > 0.
    """
    y = ops.softplus(x, beta)
    return y if threshold == math.inf else ops.where(x * beta > threshold, x, y)


@checked(number("alpha", lambda v: v > 0, "positive"))
def celu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """x if x > 0 else α (eˣᐟᵅ - 1): elu with the slope 1 at 0 for every α.

    Raises ValueError unless alpha > 0.
    """
    return ops.elu(x / alpha) * alpha


@checked()
def relu6(x: Tensor) -> Tensor:
    """min(max(x, 0), 6): relu with an upper bound; the slope at both bounds is 0, as relu's is."""
    bounded = ops.clip(tensor(x).detach(), 0, 6)
    return ops.where((x > 0) & (x < 6), x, bounded)


@checked()
def hardsigmoid(x: Tensor) -> Tensor:
    """min(max(x + 3, 0), 6) / 6: the sigmoid made of straight lines; the slope at ±3 is 0."""
    return relu6(x + 3.0) / 6.0


@checked()
def hardswish(x: Tensor) -> Tensor:
    """x min(max(x + 3, 0), 6) / 6: silu with `hardsigmoid` in place of the sigmoid."""
    return ops.maximum(x, -3.0) * hardsigmoid(x)  # -∞ · 0 is not a number


@checked(_LAMBD)
def hardshrink(x: Tensor, lambd: float = 0.5) -> Tensor:
    """0 where |x| ≤ λ, x elsewhere.  Raises ValueError for a negative lambd."""
    return ops.where((x >= -lambd) & (x <= lambd), 0, x)


@checked(_LAMBD)
def softshrink(x: Tensor, lambd: float = 0.5) -> Tensor:
    """0 where |x| ≤ λ, elsewhere λ nearer to 0 than x.  Raises ValueError for a negative lambd."""
    return x - ops.clamp(x, -lambd, lambd)


@checked()
def tanhshrink(x: Tensor) -> Tensor:
    """x - tanh x: a smooth `softshrink`."""
    return x - ops.tanh(x)


@checked()
def threshold(x: Tensor, threshold: float, value: float) -> Tensor:
    """x where it is above the threshold, elsewhere the value."""
    return ops.where(x <= threshold, value, x)


@checked()
def softmin(x: Tensor, axis: int = -1) -> Tensor:
    """softmax(-x): e⁻ˣ / Σ e⁻ˣ along an axis."""
    return ops.softmax(x * -1.0, axis)


@checked()
def glu(x: Tensor, axis: int = -1) -> Tensor:
    """a σ(b), where a and b are the halves of x along an axis: a gated linear unit.

    Dauphin et al., "Language modeling with gated convolutional networks", 2017.  Raises ValueError
    for an axis of odd size.

    >>> glu(np.array([[2.0, 4.0, 0.0, 0.0]]))
    array([[1., 2.]])
    """
    if not np.ndim(x) or np.shape(x)[axis] % 2:
        raise ValueError(f"x needs an even size on axis {axis}, and has shape {np.shape(x)}")
    halves: Any = np.split(x, 2, axis)
    gated: Tensor = halves[0] * ops.sigmoid(halves[1])
    return gated


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
