"""Losses of distributions as modules."""

from __future__ import annotations

from typing import Any

from .. import functional as F
from .loss import Loss

__all__ = ["GaussianNLLLoss", "KLDivLoss", "PoissonNLLLoss"]


class KLDivLoss(Loss, of=F.kl_div):
    """`nn.functional.kl_div` as a module."""

    log_target: bool = False
    weight: Any = None


class PoissonNLLLoss(Loss, of=F.poisson_nll_loss):
    """`nn.functional.poisson_nll_loss` as a module."""

    log_input: bool = True
    full: bool = False
    eps: float = 1e-8
    weight: Any = None


class GaussianNLLLoss(Loss, of=F.gaussian_nll_loss):
    """`nn.functional.gaussian_nll_loss` as a module."""

    full: bool = False
    eps: float = 1e-6
    weight: Any = None
