"""A program: what a function computes and its gradients, as NumPy code that runs alone."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..pytree import flat, like
from ..tensor import Tensor
from . import layout, script
from .dyed import TraceError
from .recording import Value
from .statement import Statement
from .tracing import Arguments, Traced, traced
from .written import Written

MOST_STEPS = 10_000
"""Ops, beyond which `trace` refuses to write them down."""


class Program:
    """A function's value and gradients as a program of NumPy alone, made by `trace`.

    Called with arguments of the shapes and dtypes that were traced it returns the value and, by
    name, the gradients of the parameters and of the arguments that required grad. `code` is its
    source; `constants` are the arrays it takes besides, by name.
    """

    def __init__(self, f: Callable[..., Any], traced: Traced, *, fold: bool = False) -> None:
        self.f = f
        self.traced = traced
        self.name = layout.function_name(f)
        steps = len(traced.recording.steps)
        if steps > MOST_STEPS:
            raise TraceError(
                f"{self.name}() called {steps} ops, and a program of more than {MOST_STEPS} is not "
                "for reading; trace a part of it, or use compile, which runs it all the same"
            )
        seeds = _seeds(self.name, traced)
        kinds = ("modules", "all") if fold else ("",)
        texts = [self._text(traced, seeds, kind) for kind in kinds]
        self.code, self.written = min(texts, key=lambda each: each[0].count("\n"))
        written = self.written
        self.constants = {name: value.array for name, value in written.constants.items()}
        self.inputs = [_copy(x) for x in traced.arguments.arrays]
        self._is_tensor = [isinstance(y, Tensor) for y in flat(traced.output)]
        self._structure = like(traced.output, iter(flat(traced.output)))
        self._function: Any = None
        traced.release()

    def _text(self, traced: Traced, seeds: dict[Value, Value], fold: str) -> tuple[str, Written]:
        written = Written(traced, seeds, self.name, guarded=True, fold=fold)
        for g in seeds.values():
            start = ast.parse(_start(g.array), mode="eval").body
            written.inserted(Statement([written.writer.name_of(g)], start, [g.array]))
        return layout.module(self.name, written), written

    @property
    def function(self) -> Callable[..., Any]:
        """The function that the code defines."""
        if self._function is None:
            namespace: dict[str, Any] = {}
            exec(compile(self.code, f"<program {self.name}>", "exec"), namespace)
            namespace.update(self.written.writer.helpers.references)
            namespace.update(self.written.writer.effects)  # which draw from the generator in use
            self._function = namespace[self.name]
        function: Callable[..., Any] = self._function
        return function

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[Any, dict[str, np.ndarray]]:
        given = Arguments(self.f, args, kwargs)
        self._check(given)
        arrays = [x._array if isinstance(x, Tensor) else np.asarray(x) for x in given.arrays]
        captured = {name: v.tensor._array for name, v in self.written.parameters.items()}
        constants = {name: v.array for name, v in self.written.constants.items()}
        value, gradients = self.function(*arrays, **captured, **constants)
        return self._structured(value), gradients

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a script that runs on the arrays of the trace and checks itself; returns its path.

        The arrays go into an .npz file of the same name beside it. Run, the script prints the value
        and compares elements of every gradient with finite differences. Raises ValueError for a
        suffix that is not .py, and TraceError for a program that calls a function of yours whose
        source cannot be copied.
        """
        path = Path(path)
        if path.suffix != ".py":
            raise ValueError(f"a program is saved as Python: {path.name!r} should end in .py")
        references = self.written.writer.helpers.references
        if references:
            raise TraceError(
                f"the program calls {', '.join(references)}, whose source cannot be copied into a "
                "script; define it at the top of a module, without variables from around it"
            )
        written = self.written
        parameters = [v.tensor._array for v in written.parameters.values()]
        constants = [v.array for v in written.constants.values()]
        names = [*written.arguments, *written.parameters, *written.constants]
        arrays = dict(zip(names, [*self.inputs, *parameters, *constants], strict=True))
        script.write(path, self.name, self.code, arrays)
        return path

    def _structured(self, value: Any) -> Any:
        values = iter([value] if sum(self._is_tensor) == 1 else value)
        leaves = zip(flat(self._structure), self._is_tensor, strict=True)
        return like(self._structure, (next(values) if t else y for y, t in leaves))

    def _check(self, given: Arguments) -> None:
        traced = self.traced.arguments
        if len(given.arrays) != len(traced.arrays):
            raise TypeError(
                f"the program of {self.name} takes {len(traced.arrays)} arrays "
                f"({', '.join(traced.names)}), and was given {len(given.arrays)}"
            )
        for name, x, y in zip(traced.names, traced.arrays, given.arrays, strict=True):
            if np.shape(x) != np.shape(y) or x.dtype != y.dtype:
                raise ValueError(
                    f"the program of {self.name} was traced with `{name}` of shape {np.shape(x)}, "
                    f"{x.dtype}, and was given shape {np.shape(y)}, {y.dtype}; trace it again, or "
                    "use compile, which makes a program for each"
                )

    def __str__(self) -> str:
        return self.code

    def __repr__(self) -> str:
        written = self.written
        given = ", ".join([*written.arguments, *written.parameters])
        return f"<Program {self.name}({given}), {len(written.statements)} statements>"


def _copy(x: Any) -> np.ndarray:
    return np.array(x._array if isinstance(x, Tensor) else x)


def _start(seed: np.ndarray) -> str:
    """The source of the gradient that a loss begins with."""
    number, dtype = float(seed.flat[0]), f"np.{seed.dtype.name}"
    if not seed.ndim:
        return f"{dtype}({number})"
    if number == 1:
        return f"np.ones({seed.shape}, {dtype})"
    return f"np.full({seed.shape}, {number}, {dtype})"


def _seeds(name: str, traced: Traced) -> dict[Value, Value]:
    seeds = {}
    for value, connected in zip(traced.outputs, traced.connected, strict=True):
        if value is not None and connected:
            if value.array.size != 1:
                raise TraceError(
                    f"{name}() returned a Tensor of shape {value.array.shape}, and gradients are "
                    "those of one number; return a loss, such as a sum or a mean"
                )
            times = traced.outputs.count(value)
            start = np.full(value.array.shape, times, value.array.dtype)
            seeds[value] = Value(start, "seed", "d_loss")
    if not seeds:
        raise TraceError(
            f"{name}() returned nothing that was computed from Tensors that require grad, so there "
            "is no backward pass to write; return the loss as a Tensor"
        )
    return seeds


def trace(f: Callable[..., Any], *args: Any, fold: bool = False, **kwargs: Any) -> Program:
    """Run f once on its arguments, and return what it computes, with its gradients, as a program.

    With `fold`, what repeats, such as the blocks of a deep network, is written once, as a function
    that is called for each.

    >>> import numpy as np
    >>> from tinygrad_edu import Tensor
    >>> w = Tensor([1.0, 2.0], requires_grad=True, name="w")
    >>> program = trace(lambda x: np.tanh(x * w).sum(), np.array([0.5, -1.0]))
    >>> value, gradients = program(np.array([0.1, 0.2]))
    """
    return Program(f, traced(f, args, kwargs), fold=fold)


__all__ = ["Program", "TraceError", "trace"]
