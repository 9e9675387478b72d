"""Where a loss that is not finite came from: the first layer that made it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, no_grad

from .module import Module, watched


def origin_of_nonfinite(model: Module, inputs: Sequence[Any], target: Any = None) -> str:
    """The first thing on the way from the inputs to the loss that is NaN or infinite.

    >>> import nn
    >>> model = nn.Sequential(nn.Dense(2, 2, init="ones"), nn.Dense(2, 1))
    >>> model[1].weight.data[0, 0] = np.inf
    >>> origin_of_nonfinite(model, [np.ones((1, 2))])
    'parameter 1.weight is not finite since an earlier step, in layer 1 (Dense)'
    """
    for i, x in enumerate(inputs):
        if not _finite(x):
            which = f" number {i}" if len(inputs) > 1 else ""
            return f"the input{which} holds {_count(x)} values that are not finite"
    if not _finite(target):
        return f"the target holds {_count(target)} values that are not finite"
    found: list[str] = []

    def look(path: str, module: Module, forward: Any, *given: Any, **options: Any) -> Any:
        output = forward(*given, **options)
        if not _finite(output):
            found.append(_blame(path, module, output))
        return output

    with np.errstate(all="ignore"), no_grad(), watched(model, look):
        model(*inputs)
    return found[0] if found else "the loss itself is not finite, though the model's output is"


def _blame(path: str, module: Module, output: Any) -> str:
    layer = f"layer {path or '(the model)'} ({type(module).__name__})"
    for name, parameter in module.named_parameters():
        if not _finite(parameter):
            where = f"{path}.{name}".strip(".")
            return f"parameter {where} is not finite since an earlier step, in {layer}"
    return f"the first output that is not finite is that of {layer}"


def _finite(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(map(_finite, value))
    if value is None:
        return True
    array = value.data if isinstance(value, Tensor) else np.asarray(value)
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


def _count(value: Any) -> int:
    array = value.data if isinstance(value, Tensor) else np.asarray(value)
    return int((~np.isfinite(array)).sum())
