"""Weights of samples, for a Trainer whose loss is a mean that knows of none."""

from __future__ import annotations

import copy
from functools import partial
from inspect import signature

import numpy as np

from tinygrad_edu import Tensor

from ..metrics import Metric
from ..module import Module
from ..trainer import Trainer

__all__ = ["weigh"]


def weigh(trainer: Trainer, target: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Let each sample's loss count by its weight; returns what the trainer takes for targets."""
    each = copy.copy(trainer.loss)
    if isinstance(each, Module) and hasattr(each, "reduction"):
        each.reduction = "none"
    elif "reduction" in signature(each).parameters:
        each = partial(each, reduction="none")
    else:
        raise ValueError(
            "sample and class weights need the loss of each sample, and this loss has no option "
            "`reduction`, for it to be 'none'"
        )

    def loss(output: Tensor, rows: np.ndarray) -> Tensor:
        losses = each(output, target[rows])
        by_sample = losses.reshape(len(rows), -1).mean(axis=1) if losses.ndim > 1 else losses
        mean: Tensor = (by_sample * weights[rows]).mean()
        return mean

    def of_rows(metric: Metric, output: np.ndarray, rows: np.ndarray) -> float:
        return metric(output, target[rows])

    trainer.loss, trainer.compile = loss, False  # a program cannot look up rows
    trainer.metrics = {name: partial(of_rows, metric) for name, metric in trainer.metrics.items()}
    return np.arange(len(target))
