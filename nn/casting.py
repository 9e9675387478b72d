"""Casting: a model's parameters and buffers, and the inputs of its layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import Tensor, ops

from .validation import several_values

__all__ = ["cast", "cast_like", "floating"]


def floating(dtype: Any) -> np.dtype[Any] | None:
    """A floating type, or None for the CPU, where everything is already.

    Raises ValueError for other devices and TypeError for anything else.
    """
    device = str(dtype).partition(":")[0]
    if device == "cpu":
        return None
    if device in ("cuda", "gpu", "mps", "xpu"):
        raise ValueError(f"there is no device {str(dtype)!r}; leave it out, all runs on the CPU")
    try:
        given = np.dtype("O" if dtype is None else dtype)
    except TypeError:
        given = np.dtype("O")
    if given.kind != "f":
        raise TypeError(f"to() takes a floating type, such as np.float64, not {dtype!r}")
    return given


def cast(model: Any, dtype: np.dtype[Any]) -> None:
    """Give all floating parameters of a Module, with their gradients, and buffers this type."""
    for parameter in model.parameters():
        if parameter.dtype.kind == "f" and parameter.dtype != dtype:
            gradient, parameter.grad = parameter.grad, None
            parameter.data = parameter.data.astype(dtype)
            if gradient is not None:
                parameter.grad = gradient
    for module in model.modules():
        for name in module._buffers:
            buffer = getattr(module, name)
            if isinstance(buffer, np.ndarray) and buffer.dtype.kind == "f":
                setattr(module, name, buffer.astype(dtype))


def cast_like(x: Tensor, parameter: Tensor) -> Tensor:
    """A constant input in the parameter's dtype: float64 data would double a float32 net's cost."""
    if isinstance(x, np.ndarray):  # given by keyword
        x = Tensor(x)
    if isinstance(x, tuple):
        raise TypeError(
            f"{several_values('a layer')}; write a Module whose forward takes one of them, as in "
            "output[:, -1]"
        )
    if not isinstance(x, Tensor):
        raise TypeError(
            f"a layer takes an array or a Tensor, not a {type(x).__name__}; np.array(x)"
        )
    if x.node is None and x.dtype != parameter.dtype:
        name, x = x.name, ops.cast(x, parameter.dtype)
        x.name = name
    return x
