"""Losses of two classes, or of several labels that each hold or not."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import Tensor, ops

from .options import checked, number
from .targets import (
    REDUCTION,
    check_labels,
    check_probabilities,
    check_signs,
    constant_like,
    expects,
    fitted,
    pair,
    reduced,
    weighted,
)

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "hinge_loss",
    "multilabel_soft_margin_loss", "sigmoid_focal_loss", "soft_margin_loss",
]  # fmt: skip

_INSTEAD = "what comes before the sigmoid, or use binary_cross_entropy"


@checked(REDUCTION)
def binary_cross_entropy(
    prediction: Tensor, target: Any, reduction: str = "mean", *, weight: Any = None
) -> Tensor:
    """Cross-entropy of probabilities y and t, L = mean(-t ln y - (1 - t) ln (1 - y)).

    ln 0 counts as -100, and no slope as steeper than 1e12, so that a certain mistake costs a finite
    loss and still has a gradient.  What a saturated sigmoid lets through of that is 0 all the same:
    where there is a choice, take `binary_cross_entropy_with_logits`.  Raises ValueError for
    predictions or targets outside [0, 1] and unless the shapes are equal.

    >>> binary_cross_entropy(Tensor([0.5, 0.0]), np.array([1, 1]), "none")
    Tensor([  0.69314718, 100.        ])
    """
    prediction, t = pair(prediction, target)
    check_probabilities(target)
    if np.any(prediction < 0) or np.any(prediction > 1):
        raise ValueError(
            "the predictions must be probabilities, from 0 to 1; put a sigmoid before it, "
            "or use binary_cross_entropy_with_logits"
        )
    return weighted(ops.bernoulli(prediction, t), reduction, weight)


@checked(REDUCTION)
def binary_cross_entropy_with_logits(
    logits: Tensor, target: Any, reduction: str = "mean", *, weight: Any = None,
    pos_weight: Any = None,
) -> Tensor:  # fmt: skip
    """Cross-entropy of σ(x) and probabilities t, L = mean(-p t ln σ(x) - (1 - t) ln (1 - σ(x))).

    The logits x are what the network gives before a sigmoid.  `pos_weight`, p, is 1 unless given,
    and broadcasts: above 1 it favors recall, below 1 precision.  Raises ValueError for targets
    outside [0, 1] and unless the shapes are equal.

    >>> x, t = Tensor([0.0, -1e4]), np.array([1, 1])
    >>> binary_cross_entropy_with_logits(x, t, "none", pos_weight=2.0)
    Tensor([1.38629436e+00, 2.00000000e+04])
    """
    logits, target = pair(logits, target)
    check_probabilities(target)
    expects("binary_cross_entropy_with_logits", "logits", logits, _INSTEAD)
    if weight is None and pos_weight is None:
        return ops.binary_cross_entropy_with_logits(logits, target, reduction)
    losses = ops.binary_cross_entropy_with_logits(logits, target, "none")
    if pos_weight is not None:
        p = fitted("pos_weight", pos_weight, logits)
        losses = losses + (p - 1) * target * ops.softplus(-logits)
    return weighted(losses, reduction, weight)


@checked(REDUCTION)
def hinge_loss(
    prediction: Tensor, target: Any, reduction: str = "mean", *, weight: Any = None
) -> Tensor:
    """How far scores fall short of the margin 1 on their side, L = mean(max(0, 1 - t y)).

    Raises ValueError unless the targets are -1 or 1 and the shapes are equal.

    >>> hinge_loss(Tensor([0.5, 2.0, 2.0]), np.array([1, 1, -1]), "none")
    Tensor([0.5, 0. , 3. ])
    """
    prediction, target = pair(prediction, target)
    check_signs(target)
    return weighted(ops.maximum(1 - prediction * target, 0), reduction, weight)


@checked(REDUCTION)
def soft_margin_loss(
    prediction: Tensor, target: Any, reduction: str = "mean", *, weight: Any = None
) -> Tensor:
    """Smooth hinge loss of scores y and targets t of -1 or 1, L = mean(ln(1 + exp(-t y))).

    It is the cross-entropy of logits, with -1 for 0, and as stable.  Raises ValueError unless the
    targets are -1 or 1 and the shapes are equal.

    >>> soft_margin_loss(Tensor([0.0, -1e4]), np.array([1, 1]), "none")
    Tensor([6.93147181e-01, 1.00000000e+04])
    """
    prediction, target = pair(prediction, target)
    check_signs(target)
    return weighted(ops.softplus(-(prediction * target)), reduction, weight)


@checked(REDUCTION)
def multilabel_soft_margin_loss(
    logits: Tensor, target: Any, reduction: str = "mean", *, weight: Any = None
) -> Tensor:
    """Cross-entropy of logits (..., labels), each of which may hold, as its mean over the labels.

    L = mean(-t ln σ(x) - (1 - t) ln σ(-x)): `binary_cross_entropy_with_logits`, but one loss for
    each row with reduction="none" and "sum".  `weight` broadcasts.  Raises ValueError for targets
    outside [0, 1] and unless the shapes are equal.

    >>> x, t = Tensor([[0.0, 0.0], [50.0, 50.0]]), np.array([[1, 0], [1, 0]])
    >>> multilabel_soft_margin_loss(x, t, "none")
    Tensor([ 0.69314718, 25.        ])
    """
    logits, target = pair(logits, target)
    check_probabilities(target)
    expects("multilabel_soft_margin_loss", "logits", logits, _INSTEAD)
    losses = ops.binary_cross_entropy_with_logits(logits, target, "none")
    return reduced(weighted(losses, "none", weight).mean(axis=-1), reduction)


@checked(
    REDUCTION,
    number("alpha", lambda v: 0 <= v <= 1, "from 0 to 1, or None", optional=True),
    number("gamma", lambda v: v >= 0, "0 or more"),
)
def sigmoid_focal_loss(
    logits: Tensor, target: Any, reduction: str = "mean", *, alpha: float | None = 0.25,
    gamma: float = 2.0, weight: Any = None,
) -> Tensor:  # fmt: skip
    """Cross-entropy of logits and labels 0 or 1 that easy samples hardly count in.

    L = mean(α (1 - p)ᵞ (-ln p)) where p = σ(x) and α stand for label 1, 1 - p and 1 - α for label
    0; with `alpha=None` all count the same.  For classes that are rare (Lin et al., "Focal loss for
    dense object detection", 2017).  Of many classes, one of which holds, take `focal_loss`.  Raises
    ValueError unless the targets are 0 or 1 and the shapes are equal.

    >>> sigmoid_focal_loss(Tensor([0.0, 4.0, -4.0]), np.array([1, 1, 1]), "none").data.round(4)
    array([0.0433, 0.    , 0.9687])
    """
    logits, target = pair(logits, target)
    check_labels(target)
    expects("sigmoid_focal_loss", "logits", logits, "what comes before the sigmoid")
    holds = target > 0
    wrong = ops.where(holds, -logits, logits)  # the logit of the other label
    losses: Any = np.exp(gamma * ops.logsigmoid(wrong)) * ops.softplus(wrong)
    if alpha is not None:
        losses = losses * constant_like(np.where(holds, alpha, 1 - alpha), losses)
    return weighted(losses, reduction, weight)
