"""Hooks are called as PyTorch calls them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nn

torch = pytest.importorskip("torch")


def trace(model: Any, layer: Any, x: Any) -> list[Any]:
    """What several hooks see, in the order in which they are called."""
    log: list[Any] = []

    def add(name: str, change: float | None) -> Any:
        def hook(module: Any, inputs: Any, *output: Any) -> Any:
            value = (output or inputs)[0]
            log.append((name, len(inputs), float(value.sum())))
            return None if change is None else value + change

        return hook

    layer.register_forward_hook(add("after", None))
    layer.register_forward_pre_hook(add("before", None))
    layer.register_forward_hook(add("after, changing", 2.0))
    layer.register_forward_pre_hook(add("before, changing", 3.0))
    gone = layer.register_forward_hook(add("gone", 100.0))
    layer.register_forward_pre_hook(add("before, last", None))
    model.register_forward_hook(add("whole", None))
    gone.remove()
    layer.register_forward_hook(add("after, last", None))
    log.append(float(model(x).sum()))
    return log


def test_order_and_values_are_pytorchs() -> None:
    x = np.arange(6.0).reshape(2, 3)
    ours, theirs = (
        nn.Sequential(nn.ReLU(), nn.ReLU()),
        torch.nn.Sequential(torch.nn.ReLU(), torch.nn.ReLU()),
    )
    assert trace(ours, ours[0], x) == trace(theirs, theirs[0], torch.tensor(x))
