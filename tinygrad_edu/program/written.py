"""A traced function as tidy statements: what `Program` prints and what `compile` runs."""

from __future__ import annotations

import ast
from typing import Any

from . import guarding, tidy
from .backward import Sweep, sweep, used
from .recording import Value, values_in
from .statement import Statement
from .tracing import Traced
from .writing import Writer


class Written:
    """Forward and backward statements, and the expressions of outputs and gradients.

    `seeds` are the gradients of outputs; `results` maps each output, by its index, and each
    variable that has a gradient to its expression. `forward` and `back` are what was recorded.
    `guarded` writes the NaN guard where it matters; the kernel runs the recording there instead.
    """

    def __init__(
        self, traced: Traced, seeds: dict[Value, Value], *, guarded: bool = False
    ) -> None:
        self.traced = traced
        self.seeds = seeds
        recording = traced.recording
        self.outputs = [v for v in traced.outputs if v is not None]
        self.back = back = (
            sweep(recording, seeds, set(traced.variables())) if seeds else Sweep([], {})
        )
        read = [v for step in back.steps for v in values_in([step.args, step.kwargs])]
        self.writer = writer = Writer(recording, seeds.values())
        self.forward = forward = used(recording.steps, [*self.outputs, *read])
        self.effects = any(step.role == "effect" for step in forward)
        backward = used(back.steps, list(back.gradients.values()))
        if guarded:
            writer.guards, writer.mindful = guarding.needed(forward, backward)
        writer.write(forward)
        boundary = len(writer.statements)
        writer.write(backward)
        for i, statement in enumerate(writer.statements):
            statement.backward = i >= boundary
        self.results: dict[Any, ast.expr] = {}
        for i, y in enumerate(self.outputs):
            self.results[i] = writer.variables[y].expression
        self.variables = [v for v in traced.variables() if v in back.gradients]
        for v in self.variables:
            self.results[v] = writer.variables[back.gradients[v]].expression
        self._tidy()

    def _tidy(self) -> None:
        statements = self.writer.statements
        tidy.plain(statements)
        statements = tidy.shared(statements, self.results)
        statements = tidy.nested(tidy.live(statements, self.results), self.results)
        statements = tidy.split(statements, self.writer.names.fresh)
        fixed = [*self.arguments, *self.parameters, *self.constants, *self.writer.helpers.functions]
        fixed += [self.writer.name_of(g) for g in self.seeds.values()]
        tidy.renumber(statements, self.results, self.writer.names.bases, fixed)
        self.statements = statements

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
