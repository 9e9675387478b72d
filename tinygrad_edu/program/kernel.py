"""A traced function as two functions of arrays: one runs forward, the other backward."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import layout, tidy
from .backward import Sweep, sweep, used
from .inline import Statement
from .recording import Step, Value, filled, values_in
from .tracing import Traced
from .written import Written


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
        live = dict.fromkeys(v for v, c in connected if c and v is not None and v.kind == "computed")
        self.seeds = {
            y: Value(np.ones(y.array.shape, y.array.dtype), "seed", f"d_output{i}")
            for i, y in enumerate(live)
        }
        written = Written(traced, self.seeds)
        self.variables = written.variables
        self.captured = recording.captured
        self.constants = list(written.constants.values())
        self.guarded, self.effects = written.guarded, written.effects
        self._careful = _Careful(traced, self.seeds)
        self.code = _code(written, list(self.seeds))
        namespace = dict(written.writer.effects)
        exec(compile(self.code, "<compiled>", "exec"), namespace)  # noqa: S102
        namespace.update(written.writer.effects)
        self.forward: Callable[..., Any] = namespace["forward"]
        self.backward: Callable[..., Any] = namespace["backward"]
        self.statements = len(written.statements)
        traced.release()

    def careful(self, arrays: list[Any], effects: Any, gradients: Any = None) -> Any:
        """Outputs, or the gradients of the variables, computed with all care."""
        return self._careful.run(arrays, effects, gradients)


class _Careful:
    """The recorded steps, called one after the other."""

    def __init__(self, traced: Traced, seeds: dict[Value, Value]) -> None:
        recording = traced.recording
        back = sweep(recording, seeds, set(traced.variables())) if seeds else Sweep([], {})
        self.outputs = [v for v in traced.outputs if v is not None]
        read = [v for step in back.steps for v in values_in([step.args, step.kwargs])]
        self.forward = used(recording.steps, [*self.outputs, *read])
        self.backward, self.gradients = back.steps, back.gradients
        self.given = [*recording.inputs, *recording.captured]
        self.constants = recording.constants
        self.seeds = list(seeds.values())
        self.variables = [v for v in traced.variables() if v in back.gradients]
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


def is_finite(arrays: Any) -> bool:
    """Whether all elements are finite, in one pass unless their squares overflow."""
    for x in arrays:
        if not (math.isfinite(np.vdot(x, x)) or np.isfinite(x).all()):
            return False
    return True


def _code(written: Written, outputs: list[Value]) -> str:
    names = [*written.arguments, *written.parameters, *written.constants]
    forward = [s for s in written.statements if not s.backward]
    backward = [s for s in written.statements if s.backward]
    saved = list(dict.fromkeys(_read(backward, written)).keys() - _defined(backward, written))
    effects = [t for s in forward if s.effect for t in s.targets]
    lines = [*layout.preamble(written), "", f"def forward({', '.join(names)}):"]
    lines += [f"    {layout.statement(s)}" for s in forward]
    values = "".join(f"{layout.source(e)}, " for e in written.outputs_text())
    kept = "".join(f"{name}, " for name in saved)
    lines += [f"    return ({values}), [{kept}], ({''.join(f'{e}, ' for e in effects)})", ""]
    seeds = [written.writer.name_of(g) for g in written.seeds.values()]
    lines += [f"def backward({', '.join(['saved', 'free', *seeds])}):"]
    lines += [f"    [{kept}] = saved"] if saved else []
    lines += ["    if free:", "        saved.clear()"]
    lines += [f"    {layout.statement(s)}" for s in backward]
    gradients = "".join(f"{layout.source(written.results[v])}, " for v in written.variables)
    lines += [f"    return ({gradients})"]
    return "\n".join(lines) + "\n"


def _read(statements: list[Statement], written: Written) -> Iterator[str]:
    for each in statements:
        yield from tidy.reads(each)
    for v in written.variables:
        yield from tidy.names_in(written.results[v])


def _defined(statements: list[Statement], written: Written) -> set[str]:
    seeds = {written.writer.name_of(g) for g in written.seeds.values()}
    outer = {"np", *written.writer.helpers.functions, *written.writer.helpers.constants}
    imported = {line.split()[-1] for line in written.writer.helpers.imports}
    return {t for s in statements for t in s.targets} | seeds | outer | imported
