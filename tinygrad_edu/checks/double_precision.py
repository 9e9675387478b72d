"""Finite differences need float64 and the same computation every time: how both are arranged.

Inputs are copied to float64.  A model's parameters are float64 for as long as a check lasts; what
its modules remember (running statistics, counters) and what its generators will draw is put back
before every evaluation, and everything at the end.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..pytree import flat, like
from ..tensor import Tensor


def doubled(structure: Any) -> Any:
    """The structure with its floating-point arrays and Tensors in float64, as constants."""
    return like(structure, (_double(x) for x in flat(structure)))


def leaves(structure: Any) -> Any:
    """The structure with its floating-point numbers, arrays and Tensors as float64 leaves."""
    return like(structure, (_leaf(x) for x in flat(structure)))


def _double(x: Any) -> Any:
    data = x.data if isinstance(x, Tensor) else x
    if getattr(data, "dtype", np.dtype(object)).kind != "f":
        return x
    data = np.array(data, np.float64)
    return Tensor(data) if isinstance(x, Tensor) else data


def _leaf(x: Any) -> Any:
    double = _double(np.array(x) if isinstance(x, float) else x)
    if double is x:
        return x
    return Tensor(double.data if isinstance(double, Tensor) else double, requires_grad=True)


@contextlib.contextmanager
def model_in_float64(model: Any, generators: list[Any]) -> Iterator[Any]:
    """The model's parameters, in float64 for a while, and a function that undoes a forward pass."""
    every = dict(model.named_parameters())
    originals = {key: p.data for key, p in every.items()}
    modules = dict(getattr(model, "named_modules", dict)())
    with rewinding(modules, generators) as rewind:
        try:
            for p in every.values():
                p.data = np.array(p.data, np.float64)
            yield {key: p for key, p in every.items() if p.requires_grad}, rewind
        finally:
            for key, p in every.items():
                p.data = originals[key]


@contextlib.contextmanager
def rewinding(modules: dict[str, Any], generators: list[Any]) -> Iterator[Callable[[], None]]:
    """What modules remember and generators will draw, put back by each call and at the end."""
    attributes = [(module, dict(vars(module))) for module in modules.values()]
    held = [value for _, values in attributes for value in values.values()]
    arrays = [(value, value.copy()) for value in held if isinstance(value, np.ndarray)]
    sources = [g for g in (*generators, *held) if isinstance(g, np.random.Generator)]
    states = [(g.bit_generator, g.bit_generator.state) for g in sources]

    def rewind() -> None:
        for module, values in attributes:
            vars(module).clear()
            vars(module).update(values)
        for array, values in arrays:
            array[...] = values
        for source, drawn in states:
            source.state = drawn

    try:
        yield rewind
    finally:
        rewind()
