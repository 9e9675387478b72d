"""What happens inside a network: the layers of a call, the arithmetic of a neuron and of a step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, grad

from ..layers import Dense
from ..module import Module
from ..watching import watched

__all__ = ["MOST_UNITS", "Layer", "layers_of", "neuron", "one_step"]

MOST_UNITS = 16
"""Shown of each layer."""

_MOST_LAYERS = 10
_MOST_SAMPLES = 10


@dataclass
class Layer:
    """A layer in one call: what it was given, what it computed and what its activation made of it.

    All have a row for each sample. `weight` and `bias` are those of a Dense layer, else None.
    """

    path: str
    module: Module[Any]
    given: Tensor
    output: Tensor
    after: Tensor
    activation: str = ""

    @property
    def weight(self) -> Any:
        return self.module.weight if isinstance(self.module, Dense) else None

    @property
    def bias(self) -> Any:
        return self.module.bias if isinstance(self.module, Dense) else None

    @property
    def title(self) -> str:
        return f"{self.module!r}" + (f" and {self.activation}" if self.activation else "")


def layers_of(
    model: Module[Any], call: Callable[..., Any], *args: Any, retain: bool = False
) -> tuple[list[Layer], Any]:
    """The layers that `call(*args)` runs through, in order, and what it returned.

    A module without parameters that takes a layer's output and keeps its shape counts as the
    layer's activation, and so does a function between two Dense layers.  With `retain` the
    gradients of outputs are kept by the next backward.

    >>> import nn
    >>> model = nn.Sequential(nn.Dense(2, 3), nn.Tanh(), nn.Dense(3, 1))
    >>> layers, y = layers_of(model, model, np.ones((5, 2)))
    >>> [(layer.path, layer.after.shape, layer.activation) for layer in layers]
    [('0', (5, 3), 'Tanh'), ('2', (5, 1), '')]
    """
    layers: list[Layer] = []

    def around(path: str, module: Any, forward: Any, *inputs: Any, **options: Any) -> Any:
        output = forward(*inputs, **options)
        if next(module.named_children(), None) is None and inputs:
            if retain and isinstance(output, Tensor) and output.node is not None:
                output.retain_grad()
            _enter(layers, path, module, inputs[0], output)
        return output

    with watched(model, around):
        result = call(*args)
    return layers[:_MOST_LAYERS], result


def _enter(layers: list[Layer], path: str, module: Any, given: Any, output: Any) -> None:
    if not (isinstance(given, Tensor) and isinstance(output, Tensor)):
        return
    if not (given.ndim == output.ndim == 2):
        return
    last = layers[-1] if layers else None
    has_parameters = next(module.named_parameters(), None) is not None
    if last is not None and given.shape == last.after.shape:
        if not has_parameters and given is last.after and output.shape == given.shape:
            name = type(module).__name__
            last.activation = f"{last.activation}, {name}" if last.activation else name
            last.after = output
            return
        if given is not last.after and not last.activation:
            last.activation, last.after = "a function of the model", given
    if has_parameters:
        layers.append(Layer(path, module, given, output, output))


# -------------------------------------------------------------------- one neuron


def neuron(layers: list[Layer], index: int, unit: int, loss: Tensor | None) -> dict[str, Any]:
    """The weighted sum of a unit for the first sample: x · w + b, and its derivatives.

    Raises ValueError for a layer or unit that is not there.
    """
    if not 0 <= index < len(layers) or not 0 <= unit < layers[index].output.shape[1]:
        raise ValueError(f"there is no unit {unit} in layer {index} of this network")
    layer = layers[index]
    found: dict[str, Any] = {
        "layer": index, "unit": unit, "title": layer.title, "activation": layer.activation,
        "sum": float(layer.output.data[0, unit]), "output": float(layer.after.data[0, unit]),
        "path": layer.path,
    }  # fmt: skip
    if loss is not None and layer.output.node is not None:
        upstream = np.asarray(grad(loss, layer.output).data)[0, unit]
        found |= {"upstream": float(upstream)}
    if layer.weight is not None:
        x, w = layer.given.data[0], layer.weight.data[:, unit]
        bias = None if layer.bias is None else float(layer.bias.data[unit])
        found |= {"inputs": x.tolist(), "weights": w.tolist(), "bias": bias}
    return found


# -------------------------------------------------------------------- one step


def one_step(model: Module[Any], train_on: Callable[..., Any], x: Any, y: Any) -> dict[str, Any]:
    """Train on one batch by `train_on(x, y)` and return all that happened: forward to update."""
    before = {path: p.data.copy() for path, p in model.named_parameters()}
    layers, _ = layers_of(model, train_on, x, y, retain=True)
    path_of = {id(p): path for path, p in model.named_parameters()}
    return {
        "samples": len(x),
        "x": _some(x),
        "y": np.asarray(y)[:_MOST_SAMPLES].reshape(-1).tolist(),
        "layers": [_layer_step(layer, before, path_of) for layer in layers],
    }


def _layer_step(
    layer: Layer, before: dict[str, np.ndarray], path_of: dict[int, str]
) -> dict[str, Any]:
    updates = []
    for name, p in (("weight", layer.weight), ("bias", layer.bias)):
        if p is not None and p.grad is not None:
            path = path_of[id(p)]
            updates.append(
                {
                    "name": name,
                    "path": path,
                    "before": _some(before[path].reshape(len(before[path]), -1)),
                    "gradient": _some(p.grad.reshape(len(p.grad), -1)),
                    "after": _some(p.data.reshape(len(p.data), -1)),
                }
            )
    return {
        "title": layer.title,
        "activation": layer.activation,
        "given": _some(layer.given.data),
        "sum": _some(layer.output.data),
        "output": _some(layer.after.data),
        "upstream_sum": _gradient(layer.output),
        "upstream_output": _gradient(layer.after),
        "updates": updates,
    }


def _gradient(t: Tensor) -> Any:
    retained = t.node is not None and t.node.retains
    return None if not retained or t.grad is None else _some(t.grad)


def _some(values: Any) -> list[Any]:
    some: list[Any] = np.asarray(values)[:MOST_UNITS, :MOST_UNITS].tolist()
    return some
