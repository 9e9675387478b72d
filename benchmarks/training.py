"""One step of training with this library, as all benchmarks of networks time it."""

from __future__ import annotations

from typing import Any

import numpy as np

import nn
import tinygrad_edu

from .harness import Contestant

__all__ = ["training_step"]


def training_step(model: Any, optimizer: Any, x: Any, t: Any, compiled: bool) -> Contestant:
    """Cross-entropy of a batch, its gradients and the optimizer's step, which returns the loss."""

    def loss_of(x: np.ndarray, t: np.ndarray) -> Any:
        return nn.cross_entropy(model(x), t)

    compute = tinygrad_edu.compile(loss_of) if compiled else loss_of

    def step() -> Any:
        loss = compute(x, t)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step
