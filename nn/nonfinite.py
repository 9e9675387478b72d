"""Where a loss that is not finite came from, and what a step must not leave behind then."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, no_grad

from .module import Module
from .watching import watched

__all__ = ["Buffers", "nonfinite_names", "origin_of_nonfinite"]


def origin_of_nonfinite(model: Module[Any], inputs: Sequence[Any], target: Any = None) -> str:
    """The first thing on the way from the inputs to the loss that is NaN or infinite.

    >>> import nn
    >>> model = nn.Sequential(nn.Dense(2, 2, init="ones"), nn.Dense(2, 1))
    >>> model[1].weight.data[0, 0] = np.inf
    >>> origin_of_nonfinite(model, [np.ones((1, 2))])
    'parameter 1.weight is not finite since an earlier step, in layer 1 (Dense)'
    """
    names = [f"the input number {i}" for i in range(len(inputs))] if inputs[1:] else ["the input"]
    for name, values in zip([*names, "the target"], [*inputs, target], strict=True):
        if n := _nonfinite(values):
            return f"{name} holds {n} values that are not finite"
    found: list[str] = []

    def look(path: str, module: Module[Any], forward: Any, *given: Any, **options: Any) -> Any:
        output = forward(*given, **options)
        if _nonfinite(output):
            found.append(_blame(path, module))
        return output

    with np.errstate(all="ignore"), no_grad(), watched(model, look):
        model(*inputs)
    return found[0] if found else "the loss itself is not finite, though the model's output is"


def nonfinite_names(model: Module[Any]) -> list[str]:
    """The paths of parameters and buffers that are NaN; infinite is bad in what is trained only.

    (A mask of -inf is a good buffer.)
    """
    trained = {path for path, p in model.named_parameters() if p.requires_grad}
    arrays = {path: p.data for path, p in model.named_parameters()} | dict(model.named_buffers())
    return [
        path
        for path, array in arrays.items()
        if array.dtype.kind == "f"
        and not (np.isfinite(array) if path in trained else ~np.isnan(array)).all()
    ]


def _blame(path: str, module: Module[Any]) -> str:
    layer = f"layer {path or '(the model)'} ({type(module).__name__})"
    for name, parameter in module.named_parameters():
        if _nonfinite(parameter):
            where = f"{path}.{name}".strip(".")
            return f"parameter {where} is not finite since an earlier step, in {layer}"
    return f"the first output that is not finite is that of {layer}"


def _nonfinite(values: Any) -> int:
    """How many values are NaN or infinite, in a tuple or list of arrays all together."""
    if isinstance(values, (tuple, list)):
        return sum(map(_nonfinite, values))
    array = values.data if isinstance(values, Tensor) else np.asarray(values)
    return int((~np.isfinite(array)).sum()) if array.dtype.kind == "f" else 0


class Buffers:
    """The buffers of a model as they were before a step, in case the step fails."""

    def __init__(self, model: Module[Any]) -> None:
        self.names = [(m, name) for _, m in model.named_modules() for name in m._buffers]
        self.values: list[Any] = []

    def keep(self) -> None:
        """Copy them."""
        self.values = [copy.copy(getattr(module, name)) for module, name in self.names]

    def put_back(self) -> None:
        """Set them to the copies."""
        for (module, name), value in zip(self.names, self.values, strict=True):
            setattr(module, name, value)
