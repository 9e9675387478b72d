"""Losses of numbers, elementwise, and how alike directions are."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import Tensor, ops

from .options import checked, number
from .targets import REDUCTION, of_one_shape, pair, weighted

__all__ = ["cosine_similarity", "huber_loss", "l1_loss", "mse_loss", "smooth_l1_loss"]


@checked(REDUCTION)
def mse_loss(
    prediction: Tensor, target: Any, reduction: str = "mean", *, weight: Any = None
) -> Tensor:
    """Mean squared error, L = mean((y - t)²).  Raises ValueError unless the shapes are equal.

    >>> float(mse_loss(Tensor([1.0, 2.0]), np.array([1.0, 4.0])))
    2.0
    >>> float(mse_loss(Tensor([1.0, 2.0]), np.array([1.0, 4.0]), weight=np.array([1.0, 0.5])))
    1.0
    """
    prediction, target = pair(prediction, target)
    if weight is None:
        return ops.squared_error(prediction, target, reduction)
    return weighted(ops.squared_error(prediction, target, "none"), reduction, weight)


@checked(REDUCTION)
def l1_loss(
    prediction: Tensor, target: Any, reduction: str = "mean", *, weight: Any = None
) -> Tensor:
    """Mean absolute error, L = mean |y - t|; its slope at 0 counts as 0.

    Raises ValueError unless the shapes are equal.

    >>> float(l1_loss(Tensor([1.0, 2.0]), np.array([1.0, 4.0])))
    1.0
    """
    prediction, target = pair(prediction, target)
    return weighted(np.absolute(prediction - target), reduction, weight)


@checked(REDUCTION, number("delta", lambda v: v > 0, "positive"))
def huber_loss(
    prediction: Tensor, target: Any, reduction: str = "mean", *, delta: float = 1.0,
    weight: Any = None,
) -> Tensor:  # fmt: skip
    """Squared error near 0, absolute error further out, so that outliers pull no harder than δ.

    L = mean of (y - t)² / 2 where |y - t| ≤ δ, and of δ (|y - t| - δ / 2) elsewhere.  Raises
    ValueError unless the shapes are equal and delta is positive.  Huber, "Robust estimation of a
    location parameter", 1964.

    >>> huber_loss(Tensor([1.0, 5.0]), np.array([0.0, 0.0]), "none")
    Tensor([0.5, 4.5])
    """
    prediction, target = pair(prediction, target)
    return weighted(_huber(prediction - target, delta), reduction, weight)


@checked(REDUCTION, number("beta", lambda v: v >= 0, "0 or more"))
def smooth_l1_loss(
    prediction: Tensor, target: Any, reduction: str = "mean", *, beta: float = 1.0,
    weight: Any = None,
) -> Tensor:  # fmt: skip
    """Absolute error, rounded off where it is below β: huber_loss(delta=β) / β.

    Raises ValueError unless the shapes are equal and beta is 0 (absolute error) or more.

    >>> smooth_l1_loss(Tensor([1.0, 5.0]), np.array([0.0, 0.0]), "none", beta=2.0)
    Tensor([0.25, 4.  ])
    """
    prediction, target = pair(prediction, target)
    difference = prediction - target
    losses = _huber(difference, beta) / beta if beta else np.absolute(difference)
    return weighted(losses, reduction, weight)


def _huber(difference: Any, delta: float) -> Any:
    near = np.clip(difference, -delta, delta)  # its derivative is right at 0 in every order
    return near * (difference - near * 0.5)


# -------------------------------------------------------------------- directions


@checked()
def cosine_similarity(x: Tensor, y: Any, axis: int = -1, eps: float = 1e-8) -> Tensor:
    """Cosine of the angle between vectors along an axis, x · y / (‖x‖ ‖y‖), norms at least eps.

    Raises ValueError unless the shapes are equal.

    >>> cosine_similarity(Tensor([[3.0, 4.0], [1.0, 0.0]]), np.array([[6.0, 8.0], [0.0, 2.0]]))
    Tensor([1., 0.])
    """
    x, y = of_one_shape(x, y)
    norms = [np.sqrt(np.maximum((v * v).sum(axis=axis), eps * eps)) for v in (x, y)]
    cosine: Tensor = (x * y).sum(axis=axis) / (norms[0] * norms[1])
    return cosine
