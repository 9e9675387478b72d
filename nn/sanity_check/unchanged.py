"""A context after which modules, parameters, gradients and generators are as before."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..init import generator
from ..module import Module
from ..parameter import Parameter

__all__ = ["unchanged"]


@contextmanager
def unchanged(
    parts: Iterable[Any], generators: Iterable[np.random.Generator] = ()
) -> Iterator[None]:
    """Whatever the block does to the Modules among `parts`, it is undone.

    So is what it draws from nn's generator, the given ones, those that modules hold, NumPy's and
    Python's.
    """
    modules = [m for part in parts if isinstance(part, Module) for m in part.modules()]
    attributes = [(module, vars(module).copy()) for module in modules]
    held = {id(v): v for _, values in attributes for v in values.values()}.values()
    parameters = [(p, p.data, p.data.copy(), p.grad) for p in held if isinstance(p, Parameter)]
    arrays = [(a, a.copy()) for a in held if isinstance(a, np.ndarray)]
    drawn = [generator(), *generators, *(v for v in held if isinstance(v, np.random.Generator))]
    states = [(each, each.bit_generator.state) for each in drawn]
    numpys, pythons = np.random.get_state(), random.getstate()  # noqa: NPY002
    for p, *_ in parameters:
        p.grad = None  # or gradients would be added to those at hand, in place
    try:
        yield
    finally:
        for module, values in attributes:
            vars(module).clear()
            vars(module).update(values)
        for array, values in arrays:
            array[...] = values
        for p, array, values, gradient in parameters:
            _restore(p, array, values, gradient)
        np.random.set_state(numpys)  # noqa: NPY002
        random.setstate(pythons)
        for each, state in states:
            each.bit_generator.state = state


def _restore(p: Parameter, array: np.ndarray, values: np.ndarray, gradient: Any) -> None:
    """Give a parameter back its array, with the values that it had, and its gradient."""
    if p.data is not array:
        p.data = array
    if array.tobytes() != values.tobytes():
        array[...] = values
        p.mark_changed()
    p.grad = gradient
