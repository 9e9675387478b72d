"""Contexts in which a model evaluates, or a function watches what passes through it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .hooks import RemovableHandle
from .module import Module

__all__ = ["evaluating", "watched"]


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
