"""A traced function as two functions of arrays: one runs forward, the other backward."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import layout, tidy
from .plan import Call, Plan, unheld
from .recording import Step, Value, filled
from .scalars import NotScalar, converted
from .tracing import Traced
from .written import Written

_RAISED = (ZeroDivisionError, OverflowError, ValueError)
MOST_SPARE = 2
"""Workspaces kept for the next calls; others are in use while graphs wait for `backward`."""
_NO_BUFFERS: Any = ((), ())


class Kernel:
    """What runs for arguments of one set of shapes and dtypes.

    `forward(*arrays)` returns the outputs and what `backward` reads; `backward(saved, *gradients)`
    returns the gradients of the variables. `careful` computes the same, step by step as the engine
    does, for values that are not finite.
    """

    def __init__(self, traced: Traced) -> None:
        self.traced = traced
        recording = traced.recording
        connected = zip(traced.outputs, traced.connected, strict=True)
        live = dict.fromkeys(
            v for v, c in connected if c and v is not None and v.kind == "computed"
        )
        self.seeds = {
            y: Value(np.ones(y.array.shape, y.array.dtype), "seed", f"d_output{i}")
            for i, y in enumerate(live)
        }
        written = Written(traced, self.seeds)
        self.variables = written.variables
        self.outputs = written.outputs
        self.captured = recording.captured
        self.constants = list(written.constants.values())
        self.effects = written.effects
        self._careful = _Careful(written)
        self.scalar = False
        with contextlib.suppress(NotScalar):
            written.statements = converted(written)
            self.scalar = True
        self.plan = _planned(written)
        self.code = _code(written, self.plan)
        self._spare: list[Any] = []  # workspaces that nobody uses
        namespace: dict[str, Any] = {"unheld": unheld}
        exec(compile(self.code, "<compiled>", "exec"), namespace)
        namespace.update(written.writer.helpers.references)
        namespace.update(written.writer.effects)
        self._forward: Callable[..., Any] = namespace["forward"]
        self._backward: Callable[..., Any] = namespace["backward"]
        self._backward_again: Callable[..., Any] = namespace["backward_again"]
        self.statements = len(written.statements)
        traced.release()

    def forward(self, *arrays: Any) -> Any:
        """The outputs, what the backward pass reads, and the results of effects."""
        if self.scalar:
            return self._of_floats(arrays)
        workspace = self._spare.pop() if self._spare else self.plan.workspace()
        outputs, saved, effects = self._forward(workspace, *arrays)
        if not self.variables:
            self._give_back(workspace)
        return outputs, saved, effects

    def backward(self, saved: Any, *gradients: Any, again: bool) -> Any:
        """The variables' gradients; only with `again` can it be called a second time."""
        if self.scalar:
            return self._gradients_of_floats(saved, gradients)
        if again:
            return self._backward_again(saved, *gradients)
        found, workspace = self._backward(saved, *gradients)
        self._give_back(workspace)
        return found

    def _give_back(self, workspace: Any) -> None:
        if len(self._spare) < MOST_SPARE:
            self._spare.append(workspace)

    def __repr__(self) -> str:
        size = sum(each.nbytes for each in self.plan.workspace()[0]) / 1e6
        return f"<compiled program of {self.statements} statements, {size:.2f} MB of buffers>"

    def __str__(self) -> str:
        return self.code

    def _of_floats(self, arrays: Any) -> Any:
        try:
            found, saved, effects = self._forward(_NO_BUFFERS, *map(float, arrays))
        except _RAISED:
            return [np.float64(np.nan)] * len(self.outputs), None, ()
        return tuple(map(np.float64, found)), saved, effects

    def _gradients_of_floats(self, saved: Any, gradients: Any) -> Any:
        """NaN in place of what floats cannot compute, so that it is computed with care."""
        try:
            found = self._backward_again(saved, *map(float, gradients))
        except (*_RAISED, TypeError):
            found = [np.nan] * len(self.variables)
        return [np.array(g) for g in found]

    def careful(self, arrays: list[Any], effects: Any, gradients: Any = None) -> Any:
        """Outputs, or the gradients of the variables, computed with all care."""
        return self._careful.run(arrays, effects, gradients)


class _Careful:
    """The recorded steps, called one after the other."""

    def __init__(self, written: Written) -> None:
        recording = written.traced.recording
        self.outputs, self.variables = written.outputs, written.variables
        self.forward = written.forward
        self.backward, self.gradients = written.back.steps, written.back.gradients
        self.given = [*recording.inputs, *recording.captured]
        self.constants = recording.constants
        self.seeds = list(written.seeds.values())
        self.effects = [v for s in self.forward if s.role == "effect" for v in s.outs]

    def run(self, arrays: list[Any], effects: Any, gradients: Any) -> Any:
        known = {v: v.array for v in self.constants}
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


def _planned(written: Written) -> Plan:
    outputs = {n for e in written.outputs_text() for n in tidy.names_in(e)}
    results = (written.results[v] for v in written.variables)
    gradients = {n for e in results for n in tidy.names_in(e)}
    effects = {t for s in written.statements if s.effect for t in s.targets}
    return Plan(written.statements, outputs | effects, gradients - outputs - effects)


def is_finite(arrays: Any) -> bool:
    """Whether all elements are finite, in one pass unless their squares overflow."""
    return all(math.isfinite(np.vdot(x, x)) or np.isfinite(x).all() for x in arrays)


def _code(written: Written, plan: Plan) -> str:
    """Forward, backward into the buffers, and backward that leaves them as they are."""
    names = [*written.arguments, *written.parameters, *written.constants]
    forward = [c for c in plan.calls if not c.backward]
    backward = [c for c in plan.calls if c.backward]
    wanted = {name: None for c in backward for name in sorted(c.reads)}
    wanted |= {n: None for v in written.variables for n in tidy.names_in(written.results[v])}
    defined = _defined(backward, written)
    saved = [name for name in wanted if name not in defined]
    effects = [t for s in written.statements if s.effect and not s.backward for t in s.targets]
    seeds = [written.writer.name_of(g) for g in written.seeds.values()]
    kept = "".join(f"{name}, " for name in saved)
    values = "".join(f"{layout.source(e)}, " for e in written.outputs_text())
    gradients = "".join(f"{layout.source(written.results[v])}, " for v in written.variables)
    body = [
        *layout.preamble(written),
        *(f"from numpy import {name} as np_{name}" for name in sorted(plan.ufuncs)),
        f"def forward(workspace, {', '.join(names)}):",
        *_unpacked(forward, plan),
        *(line for c in forward for line in c.lines()),
        f"return ({values}), [workspace, {kept}], ({''.join(f'{e}, ' for e in effects)})",
        f"def backward({', '.join(['saved', *seeds])}):",
        f"workspace, {kept} = saved",
        "saved.clear()",
        *_unpacked(backward, plan),
        *(line for c in backward for line in c.lines()),
        f"return ({gradients}), workspace",
        f"def backward_again({', '.join(['saved', *seeds])}):",
        f"workspace, {kept} = saved",
        *(line for c in backward for line in c.lines(buffers=False)),
        f"return ({gradients})",
    ]
    start = next(i for i, line in enumerate(body) if line.startswith("def forward("))
    indented = (x if x.startswith("def ") else f"    {x}" for x in body[start:])
    return "\n".join([*body[:start], *indented]) + "\n"


def _unpacked(calls: list[Call], plan: Plan) -> list[str]:
    """The buffers that calls write into, as local variables."""
    used = sorted({c.buffer for c in calls if c.buffer is not None})
    lines = ["buffers, results = workspace"]
    if len(used) > len(plan.buffers) // 2:
        everything = "".join(f"b{i}, " for i in range(len(plan.buffers)))
        return [*lines, f"{everything} = buffers"]
    return [*lines, *(f"b{i} = buffers[{i}]" for i in used)]


def _defined(calls: list[Call], written: Written) -> set[str]:
    seeds = {written.writer.name_of(g) for g in written.seeds.values()}
    outer = {"np", *written.writer.helpers.functions, *written.writer.helpers.constants}
    imported = {line.split()[-1] for line in written.writer.helpers.imports}
    made = {c.target for c in calls} | {
        t for s in written.statements if s.backward for t in s.targets
    }
    return made | seeds | outer | imported
