"""A traced function as tidy statements: what `Program` prints and what `compile` runs."""

from __future__ import annotations

import ast
from typing import Any

from ..observers import rehearsed
from . import guarding, tidy
from .backward import Sweep, sweep, used
from .folding import Folding
from .recording import Step, Value, values_in
from .repeats import Repetition, repetitions
from .statement import Statement
from .tracing import Traced
from .writing import Writer


class Written:
    """Forward and backward statements, and the expressions of outputs and gradients.

    `seeds` are the gradients of outputs; `results` maps each output, by its index, and each
    variable that has a gradient to its expression. `forward` and `back` are what was recorded.
    `guarded` writes the NaN guard where it matters; the kernel runs the recording there instead.
    `fold` writes equal "modules" once, or "all" parts that repeat.
    """

    @rehearsed
    def __init__(
        self,
        traced: Traced,
        seeds: dict[Value, Value],
        name: str = "",
        *,
        guarded: bool = False,
        fold: str = "",
    ) -> None:
        self.traced = traced
        self.seeds = seeds
        recording = traced.recording
        self.outputs = [v for v in traced.outputs if v is not None]
        self.back = back = (
            sweep(recording, seeds, set(traced.variables())) if seeds else Sweep([], {})
        )
        read = [v for step in back.steps for v in values_in([step.args, step.kwargs])]
        self.writer = writer = Writer(recording, seeds.values(), name)
        self.forward = forward = used(recording.steps, [*self.outputs, *read])
        self.effects = any(step.role == "effect" for step in forward)
        backward = used(back.steps, list(back.gradients.values()))
        if guarded:
            writer.guards, writer.mindful = guarding.needed(forward, backward)
        if fold:
            writer.names.taken |= {"enumerate", "range", "zip"}
        self.folding = folding = Folding(
            writer, self._repetitions(backward, fold) if fold else [], backward, back.gradients
        )
        folding.begin()
        folding.forward(forward)
        boundary = len(writer.statements)
        folding.back(backward)
        for i, statement in enumerate(writer.statements):
            statement.backward = i >= boundary
        self.variables = [v for v in traced.variables() if v in back.gradients]
        self.results = self._results()
        fixed = [*self.arguments, *self.parameters, *self.constants, folding.catch_all]
        fixed += [*writer.helpers.functions, *writer.helpers.constants]
        fixed += [writer.name_of(g) for g in seeds.values()]
        fixed += [f.name for f in folding.functions]
        self.statements = tidy.tidied(writer.statements, self.results, writer.names, fixed)

    def _results(self) -> dict[Any, ast.expr]:
        variables, folding = self.writer.variables, self.folding
        results: dict[Any, ast.expr] = {
            i: variables[y].expression for i, y in enumerate(self.outputs)
        }
        for v in self.variables:
            if v not in folding.packed:
                results[v] = variables[self.back.gradients[v]].expression
        return results | {series: ast.Name(series.slopes) for series in folding.series}

    def _repetitions(self, backward: list[Step], fold: str) -> list[Repetition]:
        writer = self.writer
        results = {*self.outputs, *self.back.gradients.values()}
        flags = (writer.guards, writer.mindful)
        found = repetitions(
            self.forward, backward, results, lambda step: [step in each for each in flags]
        )
        return [each for each in found if each.modules or fold == "all"]

    def outputs_text(self) -> list[ast.expr]:
        """The expressions of the outputs."""
        return [self.results[i] for i in range(len(self.outputs))]

    @property
    def arguments(self) -> list[str]:
        """The variables of the arrays among the arguments."""
        return [self.writer.name_of(v) for v in self.traced.recording.inputs]

    @property
    def parameters(self) -> dict[str, Value]:
        """The captured Tensors that require grad, by variable."""
        return {self.writer.name_of(v): v for v in self.traced.recording.captured}

    @property
    def constants(self) -> dict[str, Value]:
        """The arrays that are read besides, by variable."""
        return self.writer.constants

    def inserted(self, statement: Statement) -> None:
        """Put a statement before the backward ones."""
        statement.temporary = False
        statement.backward = True
        at = next((i for i, s in enumerate(self.statements) if s.backward), len(self.statements))
        self.statements.insert(at, statement)
