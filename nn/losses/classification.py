"""Losses of classes and probabilities as modules."""

from __future__ import annotations

from typing import Any

from .. import functional as F
from ..functional.classification import IGNORED
from .loss import Loss

__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "CategoricalCrossEntropyLoss", "CrossEntropyLoss", "HingeLoss",
    "KLDivLoss", "NLLLoss",
]  # fmt: skip


class BCELoss(Loss, of=F.binary_cross_entropy):
    """`nn.functional.binary_cross_entropy` as a module."""

    weight: Any = None


class BCEWithLogitsLoss(Loss, of=F.binary_cross_entropy_with_logits):
    """`nn.functional.binary_cross_entropy_with_logits` as a module."""

    weight: Any = None
    pos_weight: Any = None


class HingeLoss(Loss, of=F.hinge_loss):
    """`nn.functional.hinge_loss` as a module."""

    weight: Any = None


class CrossEntropyLoss(Loss, of=F.cross_entropy):
    """`nn.functional.cross_entropy` as a module."""

    weight: Any = None
    ignore_index: int = IGNORED
    label_smoothing: float = 0.0


class CategoricalCrossEntropyLoss(Loss, of=F.categorical_cross_entropy):
    """`nn.functional.categorical_cross_entropy` as a module."""

    weight: Any = None
    ignore_index: int = IGNORED
    label_smoothing: float = 0.0


class NLLLoss(Loss, of=F.nll_loss):
    """`nn.functional.nll_loss` as a module."""

    weight: Any = None
    ignore_index: int = IGNORED


class KLDivLoss(Loss, of=F.kl_div):
    """`nn.functional.kl_div` as a module."""

    log_target: bool = False
    weight: Any = None
