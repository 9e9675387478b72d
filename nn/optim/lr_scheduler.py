"""The schedules of nn, where PyTorch has them: `nn.optim.lr_scheduler.StepLR`."""

from .. import schedulers
from ..schedulers import *  # noqa: F403
from ..schedulers import Scheduler as LRScheduler

__all__ = ["LRScheduler", *schedulers.__all__]  # type: ignore[attr-defined]
