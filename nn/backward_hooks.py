"""Hooks on gradients: a module's inputs, and its outputs, pass through one node of the graph each.

In the backward sweep the node of the outputs tells the gradients that come in, and the node of the
inputs those that go out, when all of them are known.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, op

__all__ = ["around_backward"]

Gradients = tuple[Any, ...]


@functools.cache
def _passing(n: int) -> Callable[..., Any]:
    """The op that returns n tensors as they are, and their gradients as `change` makes them."""

    def vjp(g: Any, position: int, change: Any) -> Any:
        return change(g if n > 1 else (g,))[position]

    @op(None, vjp, sequence=True, outputs=n, method=False)
    def pass_on(tensors: list[np.ndarray], change: Any) -> Any:
        """The tensors as they are.
        y = x,  ∂L/∂x = g, or what a hook makes of it"""
        return tuple(tensors) if n > 1 else tensors[0]

    return pass_on


def _pass(values: tuple[Any, ...], change: Callable[[Gradients], Gradients]) -> tuple[Any, ...]:
    """The values, those of them that require grad by way of one node."""
    where = [i for i, x in enumerate(values) if isinstance(x, Tensor) and x.requires_grad]
    if not where:
        return values
    passed = _passing(len(where))([values[i] for i in where], _Once(change, len(where)))
    replaced = dict(zip(where, passed if len(where) > 1 else [passed], strict=True))
    return tuple(replaced.get(i, x) for i, x in enumerate(values))


class _Once:
    """A function of all gradients of a node, which is called once in a sweep, not for each."""

    def __init__(self, change: Callable[[Gradients], Gradients], n: int) -> None:
        self.change, self.n, self.calls = change, n, 0
        self.result: Gradients = ()

    def __call__(self, g: Gradients) -> Gradients:
        if not self.calls:
            self.result = self.change(g)
        self.calls = (self.calls + 1) % self.n
        result = self.result
        if not self.calls:
            self.result = ()
        return result

    def __repr__(self) -> str:
        return "hook"


def around_backward(hook: Any, module: Any, forward: Any, *inputs: Any, **options: Any) -> Any:
    """A forward whose gradients are told to `hook(module, grad_inputs, grad_outputs)`."""
    connected = [isinstance(x, Tensor) and x.requires_grad for x in inputs]
    outgoing: list[Gradients] = []

    def at_outputs(g: Gradients) -> Gradients:
        filled = iter(g)
        every = tuple(next(filled) if c else None for c in told)
        if any(connected):
            outgoing[:] = [every]
        else:
            _ask(hook, module, (None,) * len(inputs), every)
        return g

    def at_inputs(g: Gradients) -> Gradients:
        if not outgoing:  # nothing came through the outputs, as in a second derivative
            return g
        filled = iter(g)
        every = tuple(next(filled) if c else None for c in connected)
        changed = _ask(hook, module, every, outgoing.pop())
        return tuple(x for x, c in zip(changed, connected, strict=True) if c)

    output = forward(*_pass(inputs, at_inputs), **options)
    outputs = output if isinstance(output, tuple) else (output,)
    told = [isinstance(y, Tensor) and y.requires_grad for y in outputs]
    outputs = _pass(outputs, at_outputs)
    if not isinstance(output, tuple):
        return outputs[0]
    return output._make(outputs) if hasattr(output, "_make") else outputs


def _ask(hook: Any, module: Any, grad_inputs: Gradients, grad_outputs: Gradients) -> Gradients:
    """The gradients of the inputs as the hook returns them, checked."""
    changed = hook(module, grad_inputs, grad_outputs)
    if changed is None:
        return grad_inputs
    changed = changed if isinstance(changed, tuple) else (changed,)
    given, own = ([getattr(g, "shape", None) for g in gs] for gs in (changed, grad_inputs))
    if given != own:
        raise ValueError(
            f"a backward hook of {type(module).__name__} returned gradients of shapes {given} for "
            f"inputs of shapes {own}"
        )
    return changed
