"""The schedules of nn, where PyTorch has them: `nn.optim.lr_scheduler.StepLR`."""

from ..schedulers import (
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LinearLR,
    MultiStepLR,
    OneCycleLR,
    ReduceLROnPlateau,
    Scheduler,
    StepLR,
)

__all__ = [
    "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "ExponentialLR", "LinearLR", "MultiStepLR",
    "OneCycleLR", "ReduceLROnPlateau", "Scheduler", "StepLR",
]  # fmt: skip
