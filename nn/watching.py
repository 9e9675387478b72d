"""Contexts in which a model evaluates, or a function watches what passes through it; its modes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .hooks import RemovableHandle
from .module import Module

__all__ = ["evaluating", "remember_resting", "train_all_but_resting", "watched"]


@contextmanager
def evaluating(model: Module[Any]) -> Iterator[None]:
    """Within the block the model is in evaluation mode; then every module is as it was."""
    modes = [(module, module.training) for _, module in model._walk()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def watched(model: Module[Any], around: Callable[..., Any]) -> Iterator[None]:
    """Within the block every module computes `around(path, module, forward, *inputs, **options)`.

    >>> import nn, numpy as np
    >>> def tell(path, module, forward, *inputs, **options):
    ...     output = forward(*inputs, **options)
    ...     print(path, inputs[0].shape, "->", output.shape)
    ...     return output
    >>> model = nn.Sequential(nn.Dense(4, 8), nn.ReLU())
    >>> with watched(model[0], tell):
    ...     _ = model(np.ones((2, 4)))
     (2, 4) -> (2, 8)
    """
    handles = [
        RemovableHandle(module, functools.partial(_with_path, around, path))
        for path, module in model.named_modules()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _with_path(
    around: Any, path: str, module: Module[Any], forward: Any, *inputs: Any, **options: Any
) -> Any:
    return around(path, module, forward, *inputs, **options)


def remember_resting(model: Module[Any]) -> None:
    """Modules in evaluation mode inside a model in training mode rest, also in later trainings.

    A training leaves the whole model in evaluation mode, in which nothing new can be learned of it.
    """
    training = model.training
    for module in model.modules():
        module._rests = not module.training and (training or module._rests)


def train_all_but_resting(model: Module[Any]) -> None:
    """Training mode, but for the modules that rest, for a Trainer that ends in evaluation mode."""
    model.train()
    model._fitted = True
    for module in model.modules():
        if module._rests:
            module.training = False
