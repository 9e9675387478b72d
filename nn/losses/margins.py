"""Losses that ask for a margin as modules."""

from __future__ import annotations

from typing import Any

from .. import functional as F
from .loss import Loss

__all__ = [
    "CosineEmbeddingLoss", "HingeEmbeddingLoss", "MarginRankingLoss", "MultiMarginLoss",
    "MulticlassHingeLoss", "TripletMarginLoss",
]  # fmt: skip


class MultiMarginLoss(Loss, of=F.multi_margin_loss):
    """`nn.functional.multi_margin_loss` as a module."""

    p: int = 1
    margin: float = 1.0
    weight: Any = None


class MulticlassHingeLoss(Loss, of=F.multiclass_hinge_loss):
    """`nn.functional.multiclass_hinge_loss` as a module."""

    margin: float = 1.0
    weight: Any = None


class MarginRankingLoss(Loss, of=F.margin_ranking_loss):
    """`nn.functional.margin_ranking_loss` as a module."""

    margin: float = 0.0
    weight: Any = None


class HingeEmbeddingLoss(Loss, of=F.hinge_embedding_loss):
    """`nn.functional.hinge_embedding_loss` as a module."""

    margin: float = 1.0
    weight: Any = None


class TripletMarginLoss(Loss, of=F.triplet_margin_loss):
    """`nn.functional.triplet_margin_loss` as a module."""

    margin: float = 1.0
    p: float = 2.0
    eps: float = 1e-6
    swap: bool = False
    weight: Any = None


class CosineEmbeddingLoss(Loss, of=F.cosine_embedding_loss):
    """`nn.functional.cosine_embedding_loss` as a module."""

    margin: float = 0.0
    weight: Any = None
