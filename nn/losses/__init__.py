"""Losses, as functions and as modules: the prediction first, a scalar out.

All take `reduction`: "mean", "sum" or "none", each loss by itself.  Elementwise losses take
`weight`, which broadcasts to the losses and multiplies each; "mean" still divides by the number of
elements, weighted or not.  Losses of class indices take one weight for each class, and their "mean"
divides by the sum of the weights that the targets picked, as PyTorch's does.

The prediction's shape must be the target's: (N, 1) with (N,) would broadcast, and compare every
prediction with every target.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_edu import Tensor

from ..module import Module
from ..names import unknown
from .classes import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    categorical_cross_entropy,
    cross_entropy,
    hinge_loss,
    kl_div,
    nll_loss,
)
from .modules import (
    BCELoss,
    BCEWithLogitsLoss,
    CategoricalCrossEntropyLoss,
    CosineEmbeddingLoss,
    CrossEntropyLoss,
    HingeLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    Loss,
    MSELoss,
    NLLLoss,
    SmoothL1Loss,
)
from .numbers import (
    cosine_embedding_loss,
    cosine_similarity,
    huber_loss,
    l1_loss,
    mse_loss,
    smooth_l1_loss,
)

_FUNCTIONS: tuple[Callable[..., Tensor], ...] = (
    mse_loss,
    l1_loss,
    huber_loss,
    smooth_l1_loss,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    categorical_cross_entropy,
    nll_loss,
    kl_div,
    hinge_loss,
)

NAMES: dict[str, Callable[..., Tensor]] = {function.__name__: function for function in _FUNCTIONS}
"""Every loss of a prediction and a target by name."""

NAMES.update(
    mse=mse_loss,
    mae=l1_loss,
    l1=l1_loss,
    huber=huber_loss,
    smooth_l1=smooth_l1_loss,
    bce=binary_cross_entropy,
    bce_with_logits=binary_cross_entropy_with_logits,
    cce=categorical_cross_entropy,
    nll=nll_loss,
    hinge=hinge_loss,
)


def get(loss: str | Callable[..., Any]) -> Callable[..., Any]:
    """The loss of this name; a function or module as it is.

    Raises ValueError for an unknown name, with the nearest one, and TypeError for anything else.

    >>> get("mse")(Tensor([1.0, 2.0]), Tensor([1.0, 4.0]), "sum")
    Tensor(4.)
    """
    if isinstance(loss, str):
        if loss in NAMES:
            return NAMES[loss]
        raise unknown("loss", loss, NAMES)
    if isinstance(loss, type) and issubclass(loss, Module):
        raise TypeError(f"{loss.__name__} is a class; write {loss.__name__}() with parentheses")
    if not callable(loss):
        raise TypeError(f"a loss is a name, a function or a module, not {loss!r}")
    return loss


__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "CategoricalCrossEntropyLoss", "CosineEmbeddingLoss",
    "CrossEntropyLoss", "HingeLoss", "HuberLoss", "KLDivLoss", "L1Loss", "Loss", "MSELoss",
    "NLLLoss", "SmoothL1Loss", "binary_cross_entropy", "binary_cross_entropy_with_logits",
    "categorical_cross_entropy", "cosine_embedding_loss", "cosine_similarity", "cross_entropy",
    "hinge_loss", "huber_loss", "kl_div", "l1_loss", "mse_loss", "nll_loss", "smooth_l1_loss",
]  # fmt: skip
