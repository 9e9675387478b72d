"""A program whose repetitions are functions."""

from __future__ import annotations

import ast
from typing import Any

from .folded import Folded
from .recording import Step, Value
from .repeats import Repetition
from .writing import Writer


class Folding:
    """Writes steps, and in place of those that repeat the calls of functions."""

    def __init__(
        self,
        writer: Writer,
        found: list[Repetition],
        backward: list[Step],
        slopes: dict[Value, Value],
    ) -> None:
        self.writer = writer
        writer.backward = backward
        self.folded = [Folded(writer, each, slopes) for each in found]
        self.series = [f.series for f in self.folded if f.series]
        self.functions = [function for f in self.folded for function in f.functions]
        self.packed: set[Value] = set()  # parameters that are no variables
        self.catch_all = ""
        self._of = {s: (f, u) for f in self.folded for u in f.units for s in u.forward}
        self.sums = [each.sums(backward) for each in self.folded]

    def begin(self) -> None:
        """Write the lists of parameters."""
        if self.series:
            self.catch_all = self.writer.names.fresh("parameters")
        for each in self.folded:
            series = each.series
            if each.shared:
                self.writer.assign([each.shared], each.weights(each.template))
            if not series:
                continue
            plural = each.name if each.name.endswith("s") else f"{each.name}s"
            series.variable = self.writer.names.fresh(plural)
            series.slopes = f"d_{each.name}"
            series.constant = self.writer.helpers.fresh(each.name.upper())
            names, buffers = series.literals()
            self.writer.helpers.constants[series.constant] = names
            every = series.constant
            if series.buffers:
                every = self.writer.helpers.fresh(f"{each.name.upper()}_BUFFERS")
                self.writer.helpers.constants[every] = buffers
                every = f"{series.constant} + {every}"
            packed = (*each.parameters, *each.buffers)
            self.packed |= {u.values[p] for u in each.units for p in packed}
            text = (
                f"[[{self.catch_all}[{series.key()}] for {series.item()} in {every}] "
                f"for i in {series.counted()}]"
            )
            self.writer.assign([series.variable], ast.parse(text, mode="eval").body)

    def forward(self, steps: list[Step]) -> None:
        """Write the forward steps."""
        for step in steps:
            if step not in self._of:
                self.writer.write([step])
                continue
            folded, unit = self._of[step]
            if step is unit.forward[-1]:
                folded.forward_call(unit)

    def back(self, steps: list[Step]) -> None:
        """Write the backward steps; what a function leaves to its caller comes after its call."""
        inner = {s for f in self.folded for u in f.units for s in u.backward.values()}
        inner.update(*self.sums)
        zeros = [s for s in steps if s.role == "zeros"]
        called: set[Any] = set()
        for step in steps:
            known = self._of.get(step.origin) if step.origin else None
            if known and known[1] not in called and known[1].backward:
                folded, unit = known
                called.add(unit)
                self.writer.write([z for z in zeros if z.origin in unit.forward])
                folded.backward_call(unit)
                if folded.shared and unit is folded.units[0]:
                    folded.end()
            if step not in inner and not (known and step.role == "zeros"):
                self.writer.write([step])
        for each in self.folded:
            if each.series:
                names: list[ast.expr] = [ast.Name(unit.slopes) for unit in each.units]
                name = self.writer.names.fresh(f"{each.series.slopes}s")
                each.series.slopes = name
                self.writer.assign([name], ast.List(names))
