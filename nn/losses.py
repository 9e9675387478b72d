"""Losses, as functions and as modules.  Each takes the prediction first and answers a scalar."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import Tensor, ops
from tinygrad_edu.ops.neural import reduced

from .module import Module


def cross_entropy(logits: Tensor, targets: Any, reduction: str = "mean") -> Tensor:
    """Cross-entropy of logits (..., classes) and class indices (...).

    L = mean(ln Σ eˣ - xₜ), computed stably: the logits are what the network gives before a
    softmax.  Raises TypeError for targets that are not integers, ValueError for other shapes or
    classes out of range.

    >>> logits = Tensor([[2.0, 0.0], [0.0, 2.0]])
    >>> f"{cross_entropy(logits, np.array([0, 1])):.4f}"
    '0.1269'
    """
    return ops.cross_entropy(logits, targets, reduction)


def mse_loss(prediction: Tensor, target: Any, reduction: str = "mean") -> Tensor:
    """Mean squared error, L = mean((y - t)²).  Raises ValueError unless the shapes are equal.

    >>> float(mse_loss(Tensor([1.0, 2.0]), np.array([1.0, 4.0])))
    2.0
    """
    _check_shapes("mse_loss", prediction, target)
    difference = prediction - _as(target, prediction)
    loss: Tensor = reduced(difference * difference, reduction)
    return loss


def _as(target: Any, prediction: Tensor) -> Any:
    """A constant target in the prediction's dtype."""
    if isinstance(target, Tensor):
        return target if target.requires_grad else target.data.astype(prediction.dtype)
    return np.asarray(target, prediction.dtype)


def _check_shapes(loss: str, prediction: Any, target: Any) -> None:
    if np.shape(prediction) != np.shape(target):
        raise ValueError(
            f"{loss}: the prediction has shape {np.shape(prediction)} and the target "
            f"{np.shape(target)}; they must be equal, since broadcasting would compare every "
            "prediction with every target; reshape one of them"
        )


class CrossEntropyLoss(Module):
    """`cross_entropy` as a module."""

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = reduction

    def forward(self, logits: Tensor, targets: Any) -> Tensor:
        return cross_entropy(logits, targets, self.reduction)


class MSELoss(Module):
    """`mse_loss` as a module."""

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = reduction

    def forward(self, prediction: Tensor, target: Any) -> Tensor:
        return mse_loss(prediction, target, self.reduction)
