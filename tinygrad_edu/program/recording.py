"""What a function computes, written down while it runs: the steps and the arrays they read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import where
from ..array_interface import data_of
from ..context import state
from ..graph import sweep
from ..observers import Observer
from ..tensor import Tensor, wrap
from .dyed import dye, is_internal, undye

Location = tuple[str, int]


class Value:
    """An array of a program: an input, something captured, a constant, or what a step computes.

    `array` is the one that was met while recording; `tensor` the Tensor that was captured. A
    constant is `captured` too if every run of the function meets the same array, and not a new one.
    `is_nothing` are the zeros that stand for the gradient of an output to which none ever comes.
    """

    __slots__ = ("array", "kind", "name", "tensor", "location", "captured", "is_nothing")

    def __init__(self, array: Any, kind: str, name: str = "", tensor: Any = None) -> None:
        self.array = array
        self.kind = kind
        self.name = name
        self.tensor = tensor
        self.location: Location | None = None
        self.captured = kind == "captured"
        self.is_nothing = False

    def __repr__(self) -> str:
        return f"Value({self.kind} {self.name} {np.shape(self.array)})"


class Step:
    """A call of `function`: in `args`, Values stand for arrays, also inside lists and slices.

    `sources` are the Values among the operands that a gradient goes back to, None for the others;
    `op` is the op that was called, or None for a function without a derivative. A step of the sweep
    computes a part of the gradient `of` a Value, by the VJP of `origin` for the operand `position`.
    """

    __slots__ = (
        "function", "args", "kwargs", "outs", "op", "sources", "scope", "location", "role", "of",
        "called", "origin", "position", "_reads",
    )  # fmt: skip

    def __init__(
        self, function: Callable[..., Any], args: list[Any], outs: list[Value], role: str
    ) -> None:
        self.function = function
        self.args = args
        self.kwargs: dict[str, Any] = {}
        self.outs = outs
        self.role = role
        self.op: Any = None
        self.of: Value | None = None
        self.origin: Step | None = None
        self.position = 0
        self.sources: list[Value | None] = []
        self.scope = state.scope
        self.called: Any = None  # the variable that its result goes to, and the number of the call
        self.location: Location | None = None
        self._reads: list[Value] | None = None

    @property
    def reads(self) -> list[Value]:
        """The Values in its arguments, which must be complete."""
        if self._reads is None:
            self._reads = list(values_in(self.args))
            if self.kwargs:
                self._reads += values_in(self.kwargs)
        return self._reads

    def __repr__(self) -> str:
        name = getattr(self.function, "__name__", self.function)
        return f"Step({self.role} {name} -> {[v.name for v in self.outs]})"


class Recording(Observer):
    """The steps of a function's run, and the arrays that came from outside.

    With `located` they know the lines and the variables of the user.
    """

    traces = True

    def __init__(self, *, located: bool = True) -> None:
        self.located = located
        self.steps: list[Step] = []
        self.inputs: list[Value] = []
        self.captured: list[Value] = []
        self.constants: list[Value] = []
        self.undo: list[Callable[[], None]] = []  # what puts back what effects have changed
        self._of_tensors: dict[int, Value] = {}
        self._of_arrays: dict[int, Value] = {}
        self._alive: list[Any] = []  # so that no id is used twice
        self._dyed: list[Tensor] = []
        self._outside: set[Any] = set()  # the code at work around the function
        self._frames = where.Frames(sweep.__code__)

    def __enter__(self) -> Any:
        frame: Any = sys._getframe(1)
        while frame is not None:
            self._outside.add(frame.f_code)
            frame = frame.f_back
        return super().__enter__()

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        for tensor in self._dyed:
            undye(tensor)
        for undo in reversed(self.undo):
            undo()

    def release(self) -> None:
        """Let go of the arrays of the run; what was captured stays."""
        for step in self.steps:
            for value in step.outs:
                value.array = None
        self._of_tensors, self._of_arrays = {}, {}
        self._alive, self._dyed, self.undo = [], [], []

    # ---------------------------------------------------------------- arrays

    def input(self, tensor: Tensor, name: str) -> Tensor:
        """An argument of the function, which the program will take."""
        value = Value(tensor._array, "input", name, tensor)
        self.inputs.append(value)
        self._know(tensor, value)
        return tensor

    def value_of(self, tensor: Tensor) -> Value:
        """The Value of a Tensor, which is captured if it is met for the first time."""
        value = self._of_tensors.get(id(tensor)) or self._of_arrays.get(id(tensor._array))
        if value is None:
            kind = "constant" if tensor.node is None else "captured"
            value = Value(tensor._array, kind, self._name_of(tensor), tensor)
            value.location = self._location()
            (self.constants if tensor.node is None else self.captured).append(value)
            self._know(tensor, value)
        return value

    def _name_of(self, tensor: Tensor) -> str:
        name = tensor.name or ""
        return f"{state.scope}.{name}" if name and state.scope else name

    def _know(self, tensor: Tensor, value: Value) -> None:
        self._of_tensors[id(tensor)] = value
        self._of_arrays[id(tensor._array)] = value
        self._alive += tensor, tensor._array
        dye(tensor)
        self._dyed.append(tensor)

    def reference(self, value: Any) -> Any:
        """An argument of a call with Values in place of arrays."""
        if isinstance(value, Tensor):
            return self.value_of(value)
        if isinstance(value, np.ndarray):
            known = self._of_arrays.get(id(value))
            return self._constant(value) if known is None else known
        if isinstance(value, (list, tuple)):
            parts = [self.reference(each) for each in value]
            return value._make(parts) if hasattr(value, "_make") else type(value)(parts)
        if isinstance(value, slice):
            return slice(*map(self.reference, (value.start, value.stop, value.step)))
        return value

    def _constant(self, array: np.ndarray) -> Value:
        value = Value(array, "constant", f"{state.scope}.constant" if state.scope else "")
        value.location = self._location()
        self.constants.append(value)
        self._of_arrays[id(array)] = value
        self._alive.append(array)
        return value

    def followed(self, value: Any, tensor: Any) -> Any:
        """A traced array as a Tensor, constant if it has no other, so that its use is recorded."""
        known = self._of_arrays.get(id(value))
        if known is None:
            return tensor
        for each in tensor if isinstance(tensor, tuple) else (tensor,):
            if not isinstance(each, Tensor):
                tensor = each = wrap(np.asarray(value), None)
            self._know(each, known)
        return tensor

    # ---------------------------------------------------------------- steps

    def operation(self, op: Any, operands: Any, values: Any, out: Any, result: Any) -> None:
        """A recorded op."""
        results = list(result) if isinstance(result, tuple) else [result]
        raw = list(out) if op.outputs > 1 else [out]
        n = 1 if op.sequence else len(op.tensors)
        given = list(operands) if op.sequence else list(operands[:n])
        references = [
            self.value_of(a) if isinstance(a, Tensor) else self.reference(v)
            for a, v in zip(given, values[0] if op.sequence else values, strict=False)
        ]
        args = [references] if op.sequence else references
        args = [*args, *map(self.reference, values[n:])]
        outs = [Value(t._array, "computed") for t in results]
        step = Step(op.forward, args, outs, "op")
        step.op = op
        step.location = self._location()
        if op.outputs == 1 and self.located:
            step.called = self._variable(sys._getframe(1))
        recording = state.recording
        step.sources = [
            r if recording and isinstance(a, Tensor) and a.node is not None else None
            for a, r in zip(given, references, strict=True)
        ]
        self.steps.append(step)
        for tensor, array, value in zip(results, raw, outs, strict=True):
            value.location = step.location
            self._know(tensor, value)
            self._of_arrays[id(array)] = value
            self._alive.append(array)

    def effect(self, function: Callable[..., Any], args: Any, changes: tuple[Any, ...]) -> Any:
        """A call that a program repeats each time; what it changes is put back after the trace."""
        self.undo += map(_restorer, changes)
        result = self.call(function, args, {}, "effect")
        code = getattr(function, "__code__", None)
        names = code.co_varnames if code else ()
        for name, value in zip(names, self.steps[-1].args, strict=False):
            if isinstance(value, Value) and value.kind == "constant" and not value.tensor:
                value.name = f"{state.scope}.{name}" if state.scope else name
        return result

    def _location(self) -> Location | None:
        return location() if self.located else None

    def _variable(self, frame: Any) -> tuple[str, bool, int] | None:
        """The variable of the user's, or of a layer, that an op's result goes to."""
        sites, calls, swept = self._frames.read(frame)
        for site, call in () if swept else zip(sites, calls, strict=True):
            if site.code in self._outside:
                return None
            name = where.target(site)
            if name is not where.RETURNED:
                return name and (name, site.in_layer, call)
        return None

    def name_results(self) -> None:
        """Give a variable's name to the last of the ops that its expression called."""
        last = {step.called[2]: step for step in self.steps if step.called}
        for step in last.values():
            name, in_layer, _ = step.called
            if not in_layer:
                step.outs[0].name = name
            elif len(name) > 1 and step.scope:
                step.outs[0].name = f"{step.scope}.{name}"

    def call(self, function: Callable[..., Any], args: Any, kwargs: Any, role: str) -> Any:
        """A call of a function without a derivative, whose arrays are constant Tensors."""
        result = function(*data_of(args), **data_of(kwargs))
        if result is None:
            step = Step(function, [self.reference(a) for a in args], [], role)
            step.location = self._location()
            self.steps.append(step)
            return None
        many = isinstance(result, (tuple, list))
        parts = [np.asarray(part) for part in result] if many else [np.asarray(result)]
        outs = [Value(part, "computed") for part in parts]
        step = Step(function, [self.reference(a) for a in args], outs, role)
        step.kwargs = {name: self.reference(v) for name, v in kwargs.items()}
        step.location = self._location()
        self.steps.append(step)
        tensors = []
        for part, value in zip(parts, outs, strict=True):
            tensor = Tensor(part)
            tensor._array = part
            self._know(tensor, value)
            tensors.append(tensor)
        return tuple(tensors) if many else tensors[0]


def _restorer(changed: Any) -> Callable[[], None]:
    """What puts an array, or a random generator, back as it is now."""
    if isinstance(changed, np.random.Generator):
        before = changed.bit_generator.state
        return lambda: setattr(changed.bit_generator, "state", before)
    array = changed.copy()

    def restore() -> None:
        changed[...] = array

    return restore


def location() -> Location:
    """File and line of the caller outside this library."""
    frame = sys._getframe(1)
    while frame.f_back and is_internal(frame):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def values_in(structure: Any) -> Iterator[Value]:
    """The Values in the arguments of a step."""
    stack = [structure]
    while stack:
        each = stack.pop()
        kind = type(each)
        if kind is Value:
            yield each
        elif kind is list or isinstance(each, tuple):
            stack.extend(reversed(each))
        elif kind is slice:
            stack += (each.step, each.stop, each.start)
        elif kind is dict:
            stack.extend(reversed(each.values()))


def filled(structure: Any, get: Callable[[Value], Any]) -> Any:
    """The arguments of a step with arrays in place of Values."""
    if isinstance(structure, Value):
        return get(structure)
    if isinstance(structure, (list, tuple)):
        parts = [filled(each, get) for each in structure]
        return structure._make(parts) if hasattr(structure, "_make") else type(structure)(parts)
    if isinstance(structure, slice):
        ends = (structure.start, structure.stop, structure.step)
        return slice(*(filled(end, get) for end in ends))
    if isinstance(structure, dict):
        return {key: filled(each, get) for key, each in structure.items()}
    return structure
