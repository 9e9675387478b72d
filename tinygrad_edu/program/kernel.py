"""A traced function as two functions of arrays: one runs forward, the other backward."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..effects import exchanging
from ..observers import rehearsed
from . import scalars
from .backward import Sweep, sweep, used
from .lowering import Info
from .plan import Operations, empty, lines, plan
from .recording import Step, Value, filled
from .tracing import Traced

_RAISED = (ZeroDivisionError, OverflowError, ValueError)
MOST_SPARE = 2
"""Workspaces kept for the next calls; others are in use while graphs wait for `backward`."""


class Kernel:
    """What runs for arguments of one set of shapes and dtypes.

    `forward` returns the outputs and what `backward` reads, and that the gradients of the
    variables. Where values are not finite both compute again, step by step as the engine does,
    unless an op exchanges values with other processes.
    `operations` is the number of ops that were traced.
    """

    def __init__(self, traced: Traced) -> None:
        recording = traced.recording
        self.outputs = [v for v in traced.outputs if v is not None]
        self.seeds = _seeds(traced)
        self.captured = recording.captured
        self.operations = len(recording.steps)
        written = _Written(traced, self.outputs, self.seeds)
        self.variables = written.variables
        self.constants = written.operations.constants
        self.effects = written.effects
        self.scalar = written.operations.floats
        careful = None if written.exchanges else _Careful(traced, written, self.seeds)
        self._careful = careful
        self._buffers = written.buffers
        self.code = written.code()
        self._again = written.again()
        self._spare: list[Any] = []  # workspaces that nobody uses
        self._namespace = written.operations.namespace()
        exec(compile(self.code, "<compiled>", "exec"), self._namespace)
        self._forward: Callable[..., Any] = self._namespace["forward"]
        self._backward: Callable[..., Any] = self._namespace["backward"]
        self._backward_again: Callable[..., Any] | None = None
        traced.release()
        for value in [*self.captured, *(v for step in written.back.steps for v in step.outs)]:
            value.array = None

    def forward(self, arrays: list[Any], constants: list[Any]) -> Any:
        """The outputs, what the backward pass reads, and the results of effects."""
        if self.scalar:
            return self._of_floats(arrays, constants)
        workspace = self._spare.pop() if self._spare else self._workspace()
        outputs, saved, effects = self._forward(workspace, *arrays, *constants)
        if not self.variables:
            self._give_back(workspace)
        if self._careful and not is_finite(outputs):
            outputs = self._careful.run(arrays, effects)
        return [np.asarray(y) for y in outputs], saved, effects

    def backward(
        self, saved: Any, gradients: Any, arrays: list[Any], effects: Any, *, again: bool
    ) -> list[Any]:
        """The variables' gradients; only with `again` can it be called a second time."""
        if self.scalar:
            found = self._gradients_of_floats(saved, gradients)
        elif again:
            found = self._retaining(saved, *gradients)
        else:
            found, workspace = self._backward(saved, *gradients)
            self._give_back(workspace)
        if self._careful and (found is None or not (self.scalar or is_finite(found))):
            found = self._careful.run(arrays, effects, gradients)
        return list(found)

    def _retaining(self, saved: Any, *gradients: Any) -> Any:
        """The backward pass that leaves what it reads as it is, compiled when it is wanted."""
        if self._backward_again is None:
            exec(compile(self._again, "<compiled>", "exec"), self._namespace)
            self._backward_again = self._namespace["backward_again"]
        return self._backward_again(saved, *gradients)

    def _workspace(self) -> list[np.ndarray]:
        return list(map(empty, self._buffers))

    def _give_back(self, workspace: Any) -> None:
        if len(self._spare) < MOST_SPARE:
            self._spare.append(workspace)

    def __repr__(self) -> str:
        size = sum(each.nbytes for each in self._workspace()) / 1e6
        return f"<compiled program of {self.operations} ops, {size:.2f} MB of buffers>"

    def __str__(self) -> str:
        return self.code

    def _of_floats(self, arrays: list[Any], constants: list[Any]) -> Any:
        """What floats cannot compute is computed with care."""
        saved = None
        try:
            found, saved, _ = self._forward(*map(float, arrays), *map(float, constants))
            finite = all(map(math.isfinite, found))
        except _RAISED:
            finite = False
        if not finite:
            assert self._careful  # floats exchange nothing
            return list(map(np.asarray, self._careful.run(arrays, ()))), saved, ()
        return list(map(np.array, found)), saved, ()

    def _gradients_of_floats(self, saved: Any, gradients: Any) -> Any:
        """None in place of what floats cannot compute."""
        if saved is None:
            return None
        try:
            found = self._backward(saved, *map(float, gradients))
        except _RAISED:
            return None
        return list(map(np.array, found)) if all(map(math.isfinite, found)) else None


def is_watched(value: Value) -> bool:
    """Whether a constant is a Tensor's array, which may be another at the next call."""
    return value.tensor is not None and value.captured


def _seeds(traced: Traced) -> dict[Value, Value]:
    """The gradients of the outputs that have one."""
    connected = zip(traced.outputs, traced.connected, strict=True)
    live = dict.fromkeys(v for v, c in connected if c and v is not None and v.kind == "computed")
    return {
        y: Value(np.ones(y.array.shape, y.array.dtype), "seed", f"d_output{i}")
        for i, y in enumerate(live)
    }


class _Written:
    """Both passes as operations, planned, and their code."""

    @rehearsed
    def __init__(self, traced: Traced, outputs: list[Value], seeds: dict[Value, Value]) -> None:
        recording = traced.recording
        self.seeds = list(seeds.values())
        self.back = back = (
            sweep(recording, seeds, set(traced.variables())) if seeds else Sweep([], {})
        )
        read = [v for step in back.steps for v in step.reads]
        self.forward = used(recording.steps, [*outputs, *read])
        self.backward = used(back.steps, list(back.gradients.values()))
        self.effects = any(step.role == "effect" for step in self.forward)
        self.exchanges = any(step.op in exchanging for step in self.forward)
        self.variables = [v for v in traced.variables() if v in back.gradients]
        self.given = [*recording.inputs, *recording.captured]
        operations = self._operations(recording.constants)
        self.operations = operations
        outs = [operations.literal(v) for v in outputs]
        effects = [
            operations.numbers[v] for s in self.forward if s.role == "effect" for v in s.outs
        ]
        gradients = [operations.numbers[back.gradients[v]] for v in self.variables]
        both = operations.share([*outs, *gradients])
        outs, gradients = both[: len(outs)], both[len(outs) :]
        operations.drop_unused([*both, *effects])
        self.buffers: list[Info] = []
        if not operations.floats:
            gradients = operations.separate(gradients, outs)
            self.buffers = plan(operations.each, {*outs, *effects, *gradients})
        self.outs, self.drawn, self.gradients = outs, effects, gradients

    def _operations(self, constants: list[Value]) -> Operations:
        steps = [*self.forward, *self.backward]
        arrays = [v.array for v in (*self.given, *constants, *self.seeds)]
        arrays += [v.array for step in steps for v in step.outs]
        if not (self.effects or self.exchanges) and scalars.are_floats(arrays):
            with contextlib.suppress(scalars.NotScalar):
                return self._filled(Operations([*self.given, *self.seeds], floats=True))
        return self._filled(Operations([*self.given, *self.seeds], floats=False))

    def _filled(self, operations: Operations) -> Operations:
        operations.add(self.forward, backward=False)
        operations.add(self.backward, backward=True)
        operations.constants.sort(key=is_watched, reverse=True)
        return operations

    # ---------------------------------------------------------------- code

    def _names(self, values: list[Value]) -> list[str]:
        return [f"_{self.operations.numbers[v]}" for v in values]

    def _saved(self) -> list[int]:
        """What the backward pass reads of the forward pass and of the arguments."""
        backward = [each for each in self.operations.each if each.backward]
        own = {t for each in backward for t in each.targets}
        own |= {self.operations.numbers[v] for v in self.seeds}
        read = {n: None for each in backward for n in each.args}
        return [n for n in read if n not in own]

    def code(self) -> str:
        """Forward, and backward into the buffers."""
        saved = self._saved()
        names = self._names([*self.given, *self.operations.constants])
        workspace = "" if self.operations.floats else "workspace, "
        values, drawn, gradients = map(_listed, (self.outs, self.drawn, self.gradients))
        body = [
            f"def forward({workspace}{', '.join(names)}):",
            *self._unpacked(backward=False),
            *self._lines(backward=False, kept={*self.outs, *saved}),
            f"return ({values}), [{workspace}{_listed(saved)}], ({drawn})",
            f"def backward({', '.join(['saved', *self._names(self.seeds)])}):",
            f"{workspace}{_listed(saved)} = saved" if workspace or saved else "",
        ]
        if self.operations.floats:
            end = f"return ({gradients})"
        else:
            end = f"return ({gradients}), workspace"
            body.append("saved.clear()")
        body += [
            *self._unpacked(backward=True),
            *self._lines(backward=True, kept=set(self.gradients)),
            end,
        ]
        return _indented(body)

    def again(self) -> str:
        """Backward, which leaves the buffers as they are."""
        if self.operations.floats:
            return ""
        body = [
            f"def backward_again({', '.join(['saved', *self._names(self.seeds)])}):",
            f"workspace, {_listed(self._saved())} = saved",
            *lines(self.operations.each, backward=True, buffers=False),
            f"return ({_listed(self.gradients)})",
        ]
        return _indented(body)

    def _lines(self, *, backward: bool, kept: set[int]) -> Iterator[str]:
        if not self.operations.floats:
            return lines(self.operations.each, backward=backward)
        each = [each for each in self.operations.each if each.backward is backward]
        return scalars.lines(each, kept)

    def _unpacked(self, *, backward: bool) -> list[str]:
        """The buffers that operations write into, as local variables."""
        each = (x for x in self.operations.each if x.backward is backward)
        used = sorted({x.buffer for x in each if x.buffer is not None})
        if self.operations.floats or not used:
            return []
        total = len(self.buffers)
        if len(used) > total // 2:
            return [f"{''.join([f'b{i}, ' for i in range(total)])} = workspace"]
        return [f"b{i} = workspace[{i}]" for i in used]


def _listed(numbers: list[int]) -> str:
    return "".join([f"_{n}, " for n in numbers])


def _indented(body: list[str]) -> str:
    lines = (x if x.startswith("def ") else f"    {x}" for x in body if x)
    return "\n".join(lines) + "\n"


class _Careful:
    """The recorded steps, called one after the other."""

    def __init__(self, traced: Traced, written: _Written, seeds: dict[Value, Value]) -> None:
        self.outputs = [v for v in traced.outputs if v is not None]
        self.variables = written.variables
        self.forward = written.forward
        self.backward, self.gradients = written.back.steps, written.back.gradients
        self.given = written.given
        self.constants = traced.recording.constants
        self.seeds = list(seeds.values())
        self.effects = [v for s in self.forward if s.role == "effect" for v in s.outs]

    def run(self, arrays: list[Any], effects: Any, gradients: Any = None) -> Any:
        known = {v: v.tensor._array if is_watched(v) else v.array for v in self.constants}
        known |= dict(zip(self.given, arrays, strict=False))
        known |= dict(zip(self.effects, effects, strict=True))
        with np.errstate(all="ignore"):
            self._call([s for s in self.forward if s.role != "effect"], known)
            if gradients is None:
                return [known[v] for v in self.outputs]
            known |= dict(zip(self.seeds, gradients, strict=True))
            self._call(self.backward, known)
        return [known[self.gradients[v]] for v in self.variables]

    def _call(self, steps: list[Step], known: dict[Value, Any]) -> None:
        for step in steps:
            args = filled(step.args, known.__getitem__)
            kwargs = filled(step.kwargs, known.__getitem__)
            if step.role == "add_to":
                total = args[0].copy()
                step.function(total, *args[1:])
                known[step.outs[0]] = total
                continue
            result = step.function(*args, **kwargs)
            many = len(step.outs) > 1
            known.update(zip(step.outs, result if many else [result], strict=True))


def is_finite(arrays: Any) -> bool:
    """Whether all elements are finite, in one pass unless their squares overflow."""
    return all(
        math.isfinite(np.vdot(x, x) if x.ndim else x) or np.isfinite(x).all() for x in arrays
    )
