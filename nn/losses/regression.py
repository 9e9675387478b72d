"""Losses of numbers as modules."""

from __future__ import annotations

from typing import Any

from .. import functional as F
from .loss import Loss

__all__ = ["HuberLoss", "L1Loss", "MSELoss", "SmoothL1Loss"]


class MSELoss(Loss, of=F.mse_loss):
    """`nn.functional.mse_loss` as a module."""

    weight: Any = None


class L1Loss(Loss, of=F.l1_loss):
    """`nn.functional.l1_loss` as a module."""

    weight: Any = None


class HuberLoss(Loss, of=F.huber_loss):
    """`nn.functional.huber_loss` as a module."""

    delta: float = 1.0
    weight: Any = None


class SmoothL1Loss(Loss, of=F.smooth_l1_loss):
    """`nn.functional.smooth_l1_loss` as a module."""

    beta: float = 1.0
    weight: Any = None
