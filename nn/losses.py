"""Losses, as functions and as modules.  Each takes the prediction first and answers a scalar."""

from __future__ import annotations

from typing import Any

from tinygrad_edu import Tensor, ops

from .module import Module


def cross_entropy(logits: Tensor, targets: Any, reduction: str = "mean") -> Tensor:
    """Cross-entropy of logits (..., classes) and class indices (...).

    L = mean(ln Σ eˣ - xₜ), computed stably: the logits are what the network gives before a
    softmax.  Raises TypeError for targets that are not integers, ValueError for other shapes or
    classes out of range.

    >>> import numpy as np
    >>> logits = Tensor([[2.0, 0.0], [0.0, 2.0]])
    >>> f"{cross_entropy(logits, np.array([0, 1])):.4f}"
    '0.1269'
    """
    return ops.cross_entropy(logits, targets, reduction)


def mse_loss(prediction: Tensor, target: Any, reduction: str = "mean") -> Tensor:
    """Mean squared error, L = mean((y - t)²).  Raises ValueError unless the shapes are equal.

    >>> import numpy as np
    >>> float(mse_loss(Tensor([1.0, 2.0]), np.array([1.0, 4.0])))
    2.0
    """
    loss: Tensor = ops.mse_loss(prediction, target, reduction)
    return loss


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
