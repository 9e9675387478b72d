"""Losses as modules, with their functions from nn.functional: the prediction first, a scalar out.

All take `reduction`: "mean", "sum" or "none", each loss by itself.  Elementwise losses take
`weight`, which broadcasts to the losses and multiplies each; "mean" still divides by the number of
elements, weighted or not.  Losses of class indices take one weight for each class, and their "mean"
divides by the sum of the weights that the targets picked, but for the margin losses by the number
of rows, all as PyTorch's do.

The prediction's shape must be the target's: (N, 1) with (N,) would broadcast, and compare every
prediction with every target.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_edu import Tensor

from ..functional.binary import *
from ..functional.classification import *
from ..functional.distributions import *
from ..functional.margins import *
from ..functional.regression import *
from ..module import Module
from ..validation import unknown_name
from .binary import *
from .classification import *
from .distributions import *
from .loss import *
from .margins import *
from .regression import *

__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "CategoricalCrossEntropyLoss", "CosineEmbeddingLoss",
    "CrossEntropyLoss", "FocalLoss", "GaussianNLLLoss", "HingeEmbeddingLoss", "HingeLoss",
    "HuberLoss", "KLDivLoss", "L1Loss", "Loss", "MSELoss", "MarginRankingLoss",
    "MultiLabelSoftMarginLoss", "MultiMarginLoss", "MulticlassHingeLoss", "NLLLoss",
    "PoissonNLLLoss", "SigmoidFocalLoss", "SmoothL1Loss", "SoftMarginLoss", "TripletMarginLoss",
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "categorical_cross_entropy",
    "cosine_embedding_loss", "cosine_similarity", "cross_entropy", "focal_loss",
    "gaussian_nll_loss", "hinge_embedding_loss", "hinge_loss", "huber_loss", "kl_div",
    "l1_loss", "margin_ranking_loss", "mse_loss", "multi_margin_loss", "multiclass_hinge_loss",
    "multilabel_soft_margin_loss", "nll_loss", "poisson_nll_loss", "sigmoid_focal_loss",
    "smooth_l1_loss", "soft_margin_loss", "triplet_margin_loss",
]  # fmt: skip

NAMES: dict[str, Callable[..., Tensor]] = {
    "mse_loss": mse_loss, "l1_loss": l1_loss, "huber_loss": huber_loss,
    "smooth_l1_loss": smooth_l1_loss, "binary_cross_entropy": binary_cross_entropy,
    "binary_cross_entropy_with_logits": binary_cross_entropy_with_logits,
    "cross_entropy": cross_entropy, "categorical_cross_entropy": categorical_cross_entropy,
    "nll_loss": nll_loss, "focal_loss": focal_loss, "sigmoid_focal_loss": sigmoid_focal_loss,
    "kl_div": kl_div, "poisson_nll_loss": poisson_nll_loss, "hinge_loss": hinge_loss,
    "soft_margin_loss": soft_margin_loss,
    "multilabel_soft_margin_loss": multilabel_soft_margin_loss,
    "hinge_embedding_loss": hinge_embedding_loss, "multi_margin_loss": multi_margin_loss,
    "multiclass_hinge_loss": multiclass_hinge_loss, "mse": mse_loss, "mae": l1_loss,
    "l1": l1_loss, "huber": huber_loss, "smooth_l1": smooth_l1_loss,
    "bce": binary_cross_entropy, "bce_with_logits": binary_cross_entropy_with_logits,
    "cce": categorical_cross_entropy, "nll": nll_loss, "focal": focal_loss,
    "sigmoid_focal": sigmoid_focal_loss, "poisson_nll": poisson_nll_loss, "hinge": hinge_loss,
    "soft_margin": soft_margin_loss, "multi_margin": multi_margin_loss,
    "multiclass_hinge": multiclass_hinge_loss,
}  # fmt: skip
"""Every loss of a prediction and a target by name."""


def get(loss: str | Callable[..., Any]) -> Callable[..., Any]:
    """The loss of this name; a function or module as it is.

    Raises ValueError for an unknown name, with the nearest one, and TypeError for anything else.

    >>> get("mse")(Tensor([1.0, 2.0]), Tensor([1.0, 4.0]), "sum")
    Tensor(4.)
    """
    if isinstance(loss, str):
        if loss in NAMES:
            return NAMES[loss]
        raise unknown_name("loss", loss, NAMES)
    if isinstance(loss, type) and issubclass(loss, Module):
        raise TypeError(f"{loss.__name__} is a class; write {loss.__name__}() with parentheses")
    if not callable(loss):
        raise TypeError(f"a loss is a name, a function or a module, not {loss!r}")
    return loss
