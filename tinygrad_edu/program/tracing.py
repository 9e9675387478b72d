"""A function's run, recorded: what its arguments, its captured Tensors and its outputs are."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import graph
from ..context import enable_grad
from ..pytree import flat, like, paths
from ..tensor import Tensor, wrap
from .dyed import TraceError
from .recording import Recording, Value

ARRAYS = (np.ndarray, np.generic, Tensor)


class Arguments:
    """The arguments of a call: the arrays among them, with names, and all else as it is."""

    def __init__(self, f: Callable[..., Any], args: Any, kwargs: Any) -> None:
        self.structure = (list(args), dict(kwargs))
        leaves = flat(self.structure)
        names = [path for root, value in _named(f, args, kwargs) for path in paths(value, root)]
        self.leaves = leaves
        self.arrays = [x for x in leaves if isinstance(x, ARRAYS)]
        self.names = [n for n, x in zip(names, leaves, strict=True) if isinstance(x, ARRAYS)]

    def with_arrays(self, arrays: list[Any]) -> tuple[Any, Any]:
        """args and kwargs with other arrays."""
        given = iter(arrays)
        leaves = (next(given) if isinstance(x, ARRAYS) else x for x in self.leaves)
        args, kwargs = like(self.structure, leaves)
        return args, kwargs


def _named(f: Callable[..., Any], args: Any, kwargs: Any) -> list[tuple[str, Any]]:
    """Each argument with the name that the function has for it."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = []
    for i in range(len(args)):
        if i < len(parameters) and parameters[i].kind is not inspect.Parameter.VAR_POSITIONAL:
            names.append(parameters[i].name)
        else:
            names.append(f"x{i}" if len(args) > 1 else "x")
    return [*zip(names, args, strict=True), *kwargs.items()]


class Traced:
    """One recorded run of a function."""

    def __init__(self, f: Callable[..., Any], args: Any, kwargs: Any, arrays: Any = None) -> None:
        self.arguments = Arguments(f, args, kwargs)
        self.recording = recording = Recording()
        arrays = self.arguments.arrays if arrays is None else arrays
        with recording, enable_grad():
            tensors = [
                recording.input(_fresh(x), name)
                for x, name in zip(arrays, self.arguments.names, strict=True)
            ]
            args, kwargs = self.arguments.with_arrays(tensors)
            self.output = f(*args, **kwargs)
            leaves = flat(self.output)
            self.outputs: list[Value | None] = [
                recording.value_of(y) if isinstance(y, Tensor) else None for y in leaves
            ]
            self.connected = [isinstance(y, Tensor) and y.node is not None for y in leaves]

    def variables(self) -> list[Value]:
        """What a gradient can be asked for: captured Tensors and arguments that require grad."""
        values = [*self.recording.inputs, *self.recording.captured]
        return [v for v in values if v.tensor.node is not None]


def _fresh(x: Any) -> Tensor:
    """A Tensor for an argument: a leaf, if that requires grad."""
    if not isinstance(x, Tensor):
        array = np.asarray(x)
        if array.dtype.kind not in "fiub":
            raise TraceError(f"an argument is an array of {array.dtype}; give it numbers")
        return wrap(array[...], None)
    if x.node is None:
        return wrap(x._array[...], None, x._name)
    leaf = wrap(x._array[...], graph.Node(None, (), ()), x._name)
    return leaf
