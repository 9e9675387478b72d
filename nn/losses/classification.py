"""Losses of one class out of many as modules."""

from __future__ import annotations

from typing import Any

from .. import functional as F
from ..functional.classification import IGNORED
from .loss import Loss

__all__ = ["CategoricalCrossEntropyLoss", "CrossEntropyLoss", "FocalLoss", "NLLLoss"]


class CrossEntropyLoss(Loss, of=F.cross_entropy):
    """`nn.functional.cross_entropy` as a module."""

    weight: Any = None
    ignore_index: int = IGNORED
    label_smoothing: float = 0.0
    axis: int = -1


class CategoricalCrossEntropyLoss(Loss, of=F.categorical_cross_entropy):
    """`nn.functional.categorical_cross_entropy` as a module."""

    weight: Any = None
    ignore_index: int = IGNORED
    label_smoothing: float = 0.0
    axis: int = -1


class NLLLoss(Loss, of=F.nll_loss):
    """`nn.functional.nll_loss` as a module."""

    weight: Any = None
    ignore_index: int = IGNORED
    axis: int = -1


class FocalLoss(Loss, of=F.focal_loss):
    """`nn.functional.focal_loss` as a module."""

    gamma: float = 2.0
    weight: Any = None
    ignore_index: int = IGNORED
    axis: int = -1
