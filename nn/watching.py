"""Contexts in which a model evaluates, or a function watches what passes through it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

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
    modules = [(path, m, vars(m).get("forward")) for path, m in model.named_modules()]
    for path, module, _ in modules:  # an attribute of the instance goes before the class's method
        object.__setattr__(
            module, "forward", functools.partial(around, path, module, module.forward)
        )
    try:
        yield
    finally:
        for _, module, own in modules:
            object.__delattr__(module, "forward")
            if own is not None:
                object.__setattr__(module, "forward", own)
