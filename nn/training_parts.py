"""What a Trainer makes of a model and a loss, and refuses of them, an optimizer and a schedule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_edu import Tensor

from .history import direction
from .module import Module
from .optim import Optimizer
from .schedulers import ReduceLROnPlateau, Scheduler
from .validation import choice

__all__ = ["check_parameters", "check_parts", "objective_of"]


def check_parts(model: Any, optimizer: Any, scheduler: Any, schedule: str, parallel: bool) -> None:
    """Raise unless the optimizer trains the model and the scheduler is of the optimizer."""
    if not isinstance(model, Module):
        raise TypeError(f"Trainer takes a Module first, not {type(model).__name__}")
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            "Trainer takes a model, a loss and an optimizer, such as "
            f"nn.Adam(model.parameters()), and not {optimizer!r}"
        )
    if getattr(optimizer, "distributed", False) and not parallel:
        raise ValueError("a DistributedOptimizer needs Trainer(..., parallel=True)")
    choice("schedule", schedule, ("epoch", "batch"))
    if scheduler is None:
        return
    if not isinstance(scheduler, Scheduler):
        raise TypeError(f"scheduler is one such as nn.StepLR(optimizer, 10), not {scheduler!r}")
    if scheduler.optimizer is not optimizer:
        raise ValueError("the schedule is of another optimizer, and would not change this one")
    if not isinstance(scheduler, ReduceLROnPlateau):
        return
    if schedule == "batch":
        raise ValueError("ReduceLROnPlateau judges the loss once an epoch: schedule='epoch'")
    watched, other = scheduler.monitor or "loss", {"min": "max", "max": "min"}[scheduler.mode]
    if direction(watched) == other:
        raise ValueError(
            f"ReduceLROnPlateau(mode={scheduler.mode!r}) would watch {watched}, better the "
            "other way; name a column and its mode, as in mode='max', monitor='val_accuracy'"
        )


def check_parameters(model: Module[Any], loss: Any, optimizer: Optimizer) -> None:
    """Raise unless all that the optimizer changes is the model's, or the loss's own."""
    parts = [model, loss] if isinstance(loss, Module) else [model]
    own = {id(p) for part in parts for p in part.parameters()}
    held = [p for group in optimizer.groups for p in group["params"]]
    if foreign := [p for p in held if id(p) not in own]:
        named = f" named {foreign[0].name!r}" if foreign[0].name else ""
        raise ValueError(
            f"{len(foreign)} of the optimizer's {len(held)} parameters are not this model's, the "
            f"first{named} of shape {foreign[0].shape}, so that what stands in their stead would "
            "never learn; if a layer was replaced after the optimizer was made, make it again from "
            "model.parameters()"
        )


def objective_of(model: Any, loss: Any, penalized: bool) -> Callable[..., Any]:
    """What a step makes smaller, and what it reports: the prediction, the loss and the penalty."""

    def objective(*batch: Any) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        *inputs, target = batch
        output = model(*inputs)
        mean: Tensor = loss(output, target)
        shown = output.detach() if isinstance(output, Tensor) else output
        if not penalized:
            return mean, shown, mean.detach(), None
        penalty: Tensor = model.penalty()
        return mean + penalty, shown, mean.detach(), penalty.detach()

    return objective
