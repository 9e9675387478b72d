"""A training step with this library and with PyTorch, as all benchmarks of networks time it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

import nn
import tinygrad_edu

from .compat import need_compiler
from .harness import Contestant

__all__ = ["load_torch", "step_of", "torch_compile", "torch_training_step", "training_step"]


def step_of(loss_of: Callable[..., Any], optimizer: Any, *batch: Any) -> Contestant:
    """The loss of a batch, its gradients and the optimizer's step, in either library."""

    def step() -> Any:
        loss = loss_of(*batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.data

    return step


def training_step(model: Any, optimizer: Any, x: Any, t: Any, compiled: bool) -> Contestant:
    """This library, with cross-entropy."""

    def loss_of(x: Any, t: Any) -> Any:
        return nn.cross_entropy(model(x), t)

    return step_of(tinygrad_edu.compile(loss_of) if compiled else loss_of, optimizer, x, t)


def torch_training_step(model: Any, optimizer: Any, x: Any, t: Any, compiled: bool) -> Contestant:
    """PyTorch, with cross-entropy."""
    import torch

    def loss_of(x: Any, t: Any) -> Any:
        return torch.nn.functional.cross_entropy(model(x), t)

    batch = torch.from_numpy(x), torch.from_numpy(t)
    return step_of(torch_compile(loss_of) if compiled else loss_of, optimizer, *batch)


def torch_compile(function: Callable[..., Any]) -> Callable[..., Any]:
    """`torch.compile`; raises ImportError if there is no C++ compiler for what it generates."""
    import torch

    need_compiler("CXX", "g++", "clang++", "cl")
    torch.compiler.reset()  # of a function compiled for many models it keeps eight
    compiled: Callable[..., Any] = torch.compile(function)
    return compiled


def load_torch(model: Any, values: Iterable[np.ndarray]) -> None:
    """Give a PyTorch model these parameters; its matrices are (out, in), these (in, out)."""
    import torch

    with torch.no_grad():
        for parameter, value in zip(model.parameters(), values, strict=True):
            parameter.copy_(torch.from_numpy(value.T if value.ndim == 2 else value))
