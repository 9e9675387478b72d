"""What one forward and backward pass shows: the graph, and the gradients of all layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, enable_grad, grad

from ..evaluation import one_number
from ..layers import Embedding
from ..module import Module, Parameter
from ..watching import watched

__all__ = ["Layer", "Pass", "Slopes", "behind", "run", "tensors", "through"]

RELU = frozenset({"relu"})
SIGMOIDAL = frozenset({"sigmoid", "tanh"})
RESHAPING = frozenset(
    {"reshape", "ravel", "transpose", "swapaxes", "moveaxis", "squeeze", "expand_dims", "getitem"}
)
FLAT = 1e-3  # a local derivative below it hardly passes anything on


@dataclass
class Layer:
    """A module with parameters of its own, at its last call."""

    path: str
    module: Module[Any]
    given: Any
    output: Tensor
    gradient: float = 0.0  # the norm of the loss's gradient with respect to the output

    def __str__(self) -> str:
        kind = type(self.module).__name__
        return f"layer {self.path} ({kind})" if self.path else f"the model ({kind})"


@dataclass
class Slopes:
    """The local derivatives of an activation function: the shares that are 0 or nearly so."""

    op: str
    scope: str
    units: int
    dead: int  # units with local derivative 0 for all samples
    flat: float  # the share of values with a local derivative below FLAT
    is_output: bool
    birth: int  # later for what was computed later

    def __str__(self) -> str:
        return f"{self.op} in layer {self.scope}" if self.scope else self.op


@dataclass
class Pass:
    """The loss, its graph, and its gradients with respect to parameters and layers' outputs."""

    output: Any
    loss: Tensor
    layers: list[Layer]
    slopes: list[Slopes]
    gradients: dict[int, np.ndarray | None]  # by the id of the parameter

    @property
    def finite(self) -> bool:
        """Whether the loss and all gradients are."""
        given = [g for g in self.gradients.values() if g is not None]
        return bool(np.isfinite(self.loss.data) and all(np.isfinite(g).all() for g in given))


def run(
    model: Module[Any], loss: Any, inputs: Sequence[Any], target: Any, parameters: Sequence[Any]
) -> Pass:
    """Go forward and back once; no Tensor's `.grad` is touched."""
    found: dict[str, Layer] = {}

    def see(path: str, module: Module[Any], forward: Any, *given: Any, **options: Any) -> Any:
        output = forward(*given, **options)
        first = next(tensors(output), None)
        if first is not None and any(isinstance(p, Parameter) for p in vars(module).values()):
            found[path] = Layer(path, module, given[0] if given else None, first)
        return output

    with enable_grad(), watched(model, see):
        output = model(*inputs)
    with enable_grad():
        value = one_number(loss(output, target))
    layers = list(found.values())
    slopes = list(_slopes(output)) if value.node is not None else []
    gradients = _gradients(value, parameters, layers)
    return Pass(output, value, layers, slopes, gradients)


def _gradients(value: Tensor, parameters: Sequence[Any], layers: list[Layer]) -> Any:
    """The gradient for each parameter; the norms are written into the layers."""
    if value.node is None:
        return {id(p): None for p in parameters}
    inner = [each for each in layers if each.output.node is not None]
    wanted = [*parameters, *(each.output for each in inner)]
    found = grad(value, wanted, allow_unused=True)
    arrays = [None if g is None else g.data for g in found]
    for layer, g in zip(inner, arrays[len(parameters) :], strict=True):
        layer.gradient = 0.0 if g is None else float(np.linalg.norm(g.astype(np.float64)))
    return {id(p): g for p, g in zip(parameters, arrays, strict=False)}


def tensors(values: Any) -> Iterator[Tensor]:
    """The Tensors in a model's output."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, Mapping):
        values = tuple(values.values())
    if isinstance(values, (tuple, list)):
        for value in values:
            yield from tensors(value)


def behind(*roots: Any) -> Iterator[Any]:
    """Every node that the roots were computed from, and these, leaves too."""
    stack = [root for root in roots if root is not None]
    seen = set(stack)
    while stack:
        node = stack.pop()
        yield node
        for edge in node.edges:
            if edge.source is not None and edge.source not in seen:
                seen.add(edge.source)
                stack.append(edge.source)


def through(node: Any, ops: frozenset[str]) -> Any:
    """The node that this one shows in another shape, or after other ops that are named."""
    while node is not None and node.edges and node.op.name in ops:
        node = node.edges[0].source
    return node


def _slopes(output: Any) -> Iterator[Slopes]:
    """The slopes of all activation functions between the inputs and the output."""
    roots = [each.node for each in tensors(output)]
    last = {through(root, RESHAPING) for root in roots}
    for node in behind(*roots):
        if node.edges and node.op.name in RELU | SIGMOIDAL:
            edge = node.edges[0]
            if not edge.shape or not edge.kept:
                continue
            d = edge.vjp.function(np.ones(edge.shape, edge.dtype), *edge.kept)
            axis = 1 if d.ndim > 3 else d.ndim - 1  # of the units
            samples = tuple(i for i in range(d.ndim) if i != axis)
            dead = int((d == 0).all(axis=samples).sum()) if node.op.name in RELU else 0
            flat = float((np.abs(d) < FLAT).mean()) if node.op.name in SIGMOIDAL else 0.0
            name, scope = node.op.name, node.scope
            is_output = node in last
            yield Slopes(name, scope, d.shape[axis], dead, flat, is_output, node.birth)


def equal_units(model: Module[Any], gradients: Mapping[int, np.ndarray | None]) -> set[str]:
    """The paths of weights whose units are all equal, and have equal gradients."""
    tables = {id(m.weight) for m in model.modules() if isinstance(m, Embedding)}
    found = set()
    for path, p in model.named_parameters():
        gradient = gradients.get(id(p))
        if p.ndim > 1 and gradient is not None and id(p) not in tables:
            axis = 0 if p.ndim > 2 else 1
            if p.shape[axis] > 1 and _equal(p.data, axis) and _equal(gradient, axis):
                found.add(path)
    return found


def _equal(values: np.ndarray, axis: int) -> bool:
    first = values.take([0], axis=axis)
    return bool(np.abs(values - first).max() <= 1e-5 * np.abs(values).max())
