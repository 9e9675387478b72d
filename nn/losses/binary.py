"""Losses of two classes, or of several labels, as modules."""

from __future__ import annotations

from typing import Any

from .. import functional as F
from .loss import Loss

__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "HingeLoss", "MultiLabelSoftMarginLoss", "SigmoidFocalLoss",
    "SoftMarginLoss",
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


class SoftMarginLoss(Loss, of=F.soft_margin_loss):
    """`nn.functional.soft_margin_loss` as a module."""

    weight: Any = None


class MultiLabelSoftMarginLoss(Loss, of=F.multilabel_soft_margin_loss):
    """`nn.functional.multilabel_soft_margin_loss` as a module."""

    weight: Any = None


class SigmoidFocalLoss(Loss, of=F.sigmoid_focal_loss):
    """`nn.functional.sigmoid_focal_loss` as a module."""

    alpha: float | None = 0.25
    gamma: float = 2.0
    weight: Any = None
