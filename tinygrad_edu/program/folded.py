"""Parts that repeat, written as a function for the forward and one for the backward pass.

The functions are written once, for the repetition that computes most. Where the parameters of all
repetitions are named alike, `blocks0_weight`, `blocks1_weight` ..., they are passed as one list.
"""

from __future__ import annotations

import ast
import copy
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from . import tidy
from .expressions import text as source
from .recording import Step, Value, values_in
from .repeats import Repetition, Unit, is_literal
from .series import Series, series_of
from .statement import Statement
from .values import Array
from .writing import Writer, parameter_name

FEW = 3
"""Parameters that are passed one by one; more go as a list."""

WIDEST = 60
"""Characters of targets that stand before a call; more are unpacked after it."""


class Function:
    """A function of a program: its text is `parameters`, `statements` and what it `returns`."""

    def __init__(self, name: str, summary: str) -> None:
        self.name = name
        self.summary = summary
        self.parameters: list[str] = []
        self.statements: list[Statement] = []
        self.returns: list[ast.expr] = []
        self.inside: Any = None


class Folded:
    """A repetition and the two functions that stand for it."""

    def __init__(self, writer: Writer, repetition: Repetition, slopes: dict[Value, Value]) -> None:
        self.writer = writer
        self.units = repetition.units
        self.template = template = repetition.template
        self.other = next(unit for unit in self.units if unit is not template)
        made = template.made()
        self.given = _outside(template.forward, made)
        read = _outside(template.backward.values(), made)
        self.inflows = [v for v in read if v not in self.given]
        self.outs = [v for s in template.forward for v in s.outs if v in repetition.used]
        of = {out: s.of for s in template.backward.values() for out in s.outs}
        order = {v: i for i, v in enumerate(self.given)}
        found = [v for v in of if v in repetition.used]
        self.slopes = sorted(found, key=lambda v: order.get(of[v], -1))  # type: ignore[arg-type]
        self.of = of
        self.parameters = [v for v in self.given if v.kind == "captured"]
        self.many = len(self.parameters) > FEW
        self.buffers: list[Value] = []
        self.series = self._series(slopes) if self.many else None
        self.totals: list[Value] = []
        self.total = self.shared = ""  # of the slopes of parameters that all have in common
        self.name = writer.helpers.fresh(self._name())
        self._define()

    # ---------------------------------------------------------------- names

    def inside(self, path: str, step: Step) -> str:
        """A module's path within the repetition."""
        twin = self.other.forward[self.template.forward.index(step)]
        depth = _difference(step.scope, twin.scope)
        start = step.scope.split(".")[:depth]
        parts = path.split(".")
        return ".".join(parts[depth:] if parts[:depth] == start else parts)

    def _name(self) -> str:
        for step, twin in zip(self.template.forward, self.other.forward, strict=True):
            depth = _difference(step.scope, twin.scope)
            if depth:
                words = [p.rstrip("0123456789") for p in step.scope.split(".")[:depth]]
                word = next(filter(None, reversed(words)), "layer")
                return word[:-1] if re.search(r"[^s]s$", word) else word
        words = [p for p in self.template.forward[0].scope.split(".") if p and not p.isdigit()]
        return words[-1] if words else "repeated"

    def _local(self, value: Value) -> str:
        """What a Value from outside is called inside."""
        if value.kind in ("computed", "input"):
            return "x" if "." in value.name or not value.name else value.name
        twin = self.other.values[value].name
        rest = value.name.split(".")[_difference(value.name, twin) :]
        last = value.name.rpartition(".")[2]
        return parameter_name(".".join(rest) or last.rstrip("0123456789")) or value.kind

    def _series(self, slopes: dict[Value, Value]) -> Series | None:
        """The parameters as a series, if their names are one and nobody else reads them."""
        finals = [slopes.get(p) for p in self.parameters]
        if [v for v in self.slopes if self.of[v] in self.parameters] != finals:
            return None
        rows = [[unit.values[p] for p in self.parameters] for unit in self.units]
        if len({v for row in rows for v in row}) < len(rows) * len(self.parameters):
            return None
        for unit, row in zip(self.units, rows, strict=True):
            found = [unit.values.get(s) for s in finals]  # type: ignore[arg-type]
            if [slopes.get(v) for v in row] != found or any(v.kind != "captured" for v in row):
                return None
        series = series_of([[self.writer.name_of(v) for v in row] for row in rows])
        if series is None:
            return None
        buffers = [v for v in self.given if v.kind == "constant" and v.captured and v.name]
        constants = [[unit.values[v] for v in buffers] for unit in self.units]
        both = [[*row, *more] for row, more in zip(rows, constants, strict=True)]
        if buffers and len({v for row in both for v in row}) == len(both) * len(both[0]):
            names = [[source(self.writer.variable(v).expression) for v in row] for row in both]
            more = series_of(names)
            if more is not None:
                more.buffers = len(buffers)
                self.buffers = buffers
                return more
        return series

    # ---------------------------------------------------------------- the functions

    def _define(self) -> None:
        writer = self.writer.inner(self.inside)
        for value in self.given:
            writer.declare(value, self._local(value))
        writer.write(self.template.forward)
        boundary = len(writer.statements)
        made = {out: step.of for step in self.writer.backward for out in step.outs}
        for value in self.inflows:
            of = made.get(value)
            writer.declare(value, f"d_{writer.name_of(of) if of in writer.variables else 'x'}")
        writer.write(list(self.template.backward.values()))
        for i, statement in enumerate(writer.statements):
            statement.backward = i >= boundary
        results = {v: writer.variables[v].expression for v in (*self.outs, *self.slopes)}
        entry = Statement([], ast.Constant(None), [])
        entry.targets = [writer.name_of(v) for v in (*self.given, *self.inflows)]
        entry.effect = True
        helpers = writer.helpers
        fixed = ["saved", "parameters", *helpers.functions, *helpers.constants, self.name]
        statements = tidy.tidied(writer.statements, results, writer.names, fixed, entry)
        n = len(self.given)
        self._functions(statements, results, entry.targets[:n], entry.targets[n:])

    def _functions(
        self, statements: list[Statement], results: Any, given: list[str], inflows: list[str]
    ) -> None:
        forward = Function(self.name, f"{self._summary()}.")
        backward = Function(f"{self.name}_backward", f"The gradients of {self.name}.")
        backward.name = self.writer.helpers.fresh(backward.name)
        forward.inside = backward.inside = self.inside
        forward.statements = [s for s in statements if not s.backward]
        backward.statements = [s for s in statements if s.backward]
        outs, slopes = ([results[v] for v in vs] for vs in (self.outs, self.slopes))
        read = set(inflows).union(
            *map(tidy.reads, backward.statements), *map(tidy.names_in, slopes)
        )
        made = [t for s in forward.statements for t in s.targets]
        named = [e.id if isinstance(e, ast.Name) else "" for e in outs]
        self.saved = [n for n in dict.fromkeys(made) if n in read and n not in named]
        self.outs_read = [i for i, n in enumerate(named) if n in read and n in made]
        packed = [*self.parameters, *self.buffers] if self.many else []
        pairs = list(zip(self.given, given, strict=True))
        lists = [given[self.given.index(v)] for v in packed]
        self.alone = [v for v in self.given if v not in packed]
        self.alone_read = [v for v, n in pairs if v not in packed and n in read]
        self.packs_read = any(n in read for n in lists)
        forward.parameters = [n for v, n in pairs if v not in packed]
        free = [n for v, n in pairs if v in self.alone_read and v not in self.parameters]
        if len(self.saved) + len(self.outs_read) + len(free) > FEW:
            self.saved += [*free, *(named[i] for i in self.outs_read)]
            self.outs_read = []
            self.alone_read = [v for v in self.alone_read if v in self.parameters]
        saved = self.saved if len(self.saved) < 3 else ["saved"]
        backward.parameters = [*inflows, *saved, *(named[i] for i in self.outs_read)]
        backward.parameters += [n for v, n in pairs if v in self.alone_read]
        if self.many:
            for each in (forward, backward) if self.packs_read else (forward,):
                each.parameters.append("parameters")
                each.statements.insert(0, _unpacked(lists, "parameters"))
        if saved != self.saved:
            last = Statement(["saved"], ast.Tuple([ast.Name(n) for n in self.saved]), [])
            forward.statements.append(last)
            backward.statements.insert(0, _unpacked(self.saved, "saved"))
        forward.returns = [*outs, *(ast.Name(n) for n in saved)]
        self.kept = len(saved)
        self._return_slopes(backward, results, packed)
        self.functions = [forward, *([backward] if self.template.backward else [])]

    def _return_slopes(self, backward: Function, results: Any, packed: list[Value]) -> None:
        """Those of parameters in a list are returned as one."""
        self.listed = [v for v in self.slopes if self.of[v] in packed]
        backward.returns = [results[v] for v in self.slopes if v not in self.listed]
        if self.listed:
            backward.returns.append(ast.Tuple([results[v] for v in self.listed]))

    def _summary(self) -> str:
        first, last = ([s.scope for s in self.units[i].forward] for i in (0, -1))
        start, end = _common(first) or first[0], _common(last) or last[-1]
        if not start or start == end:
            return f"Called {len(self.units)} times"
        return f"Modules {start} to {end}"

    # ---------------------------------------------------------------- their calls

    def forward_call(self, unit: Unit) -> None:
        """Write the call for a repetition, and name what it returns."""
        writer = self.writer
        args = [writer.variable(unit.values[v]).expression for v in self.alone]
        if self.many:
            args.append(self._list(unit))
        targets = []
        for out in self.outs:
            step = next(s for s in unit.forward if unit.values[out] in s.outs)
            targets.append(writer.names.fresh(writer.wanted_name(step)))
        unit.saved = [writer.names.fresh("saved") for _ in range(self.kept)]
        unit.outs = targets
        self._call(self.functions[0], targets + unit.saved, args, unit.forward)
        self._name_values(unit, self.outs, targets)

    def backward_call(self, unit: Unit) -> None:
        """The same for the backward pass."""
        writer = self.writer
        args = [writer.variable(unit.values[v]).expression for v in self.inflows]
        args += [ast.Name(name) for name in unit.saved]
        args += [ast.Name(unit.outs[i]) for i in self.outs_read]
        args += [writer.variable(unit.values[v]).expression for v in self.alone_read]
        if self.many and self.packs_read:
            args.append(self._list(unit))
        alone = [v for v in self.slopes if v not in self.listed]
        targets = [self._slope(unit, v) for v in alone]
        name = ""
        if self.listed:
            number = self.units.index(unit)
            wanted = f"{self.series.slopes}{number}" if self.series else "slopes"
            name = writer.names.fresh(wanted)
            targets.append(name)
        steps = [s for s in unit.backward.values() if s.role == "effect"]
        self._call(self.functions[1], targets, args, steps)
        self._name_values(unit, alone, targets)
        if self.listed and self.series:
            unit.slopes = name
        elif self.listed and self.shared:
            if self.total:
                text = f"[a + b for a, b in zip({self.total}, {name}, strict=True)]"
                name = writer.names.fresh("sums")
                writer.assign([name], ast.parse(text, mode="eval").body)
            self.total = name
        elif self.listed:
            targets = [self._slope(unit, v) for v in self.listed]
            writer.assign(targets, ast.Name(name))
            self._name_values(unit, self.listed, targets)

    def sums(self, backward: list[Step]) -> set[Step]:
        """The additions of the slopes of parameters that all repetitions have in common."""
        if self.series or not (self.many and self.listed):
            return set()
        if any(unit.values[p] is not p for unit in self.units for p in self.parameters):
            return set()
        readers: dict[Value, list[Step]] = defaultdict(list)
        for step in backward:
            for value in values_in(step.args):
                readers[value].append(step)
        totals: list[Any] = []
        found: set[Step] = set()
        for unit in reversed(self.units):
            slopes = [unit.values.get(v) for v in self.listed]
            if not totals:
                totals = slopes
                continue
            adding = [readers[total] for total in totals]
            pairs = [list(pair) for pair in zip(totals, slopes, strict=True)]
            if [[s.args for s in steps] for steps in adding] != [[pair] for pair in pairs]:
                return set()
            totals = [steps[0].outs[0] for steps in adding]
            found.update(steps[0] for steps in adding)
        self.totals = totals
        self.shared = self.writer.names.fresh("weights")
        return found

    def end(self) -> None:
        """Name the sums of all slopes."""
        names = [f"d_{self.writer.name_of(self.of[v])}" for v in self.listed]  # type: ignore[arg-type]
        targets = [self.writer.names.fresh(name) for name in names]
        self.writer.assign(targets, ast.Name(self.total))
        for value, name in zip(self.totals, targets, strict=True):
            self.writer.variables[value] = Array(ast.Name(name), value.array, value.is_nothing)

    def _slope(self, unit: Unit, v: Value) -> str:
        writer = self.writer
        value, of = unit.values.get(v), self.of[v]
        if value is None or of is None:
            return "_"
        source = unit.values[of]
        known = source in writer.variables
        return writer.names.fresh(f"d_{writer.name_of(source)}" if known else "slope")

    def _call(
        self, function: Function, targets: list[str], args: list[ast.expr], steps: list[Step]
    ) -> None:
        last = None
        made = Statement(targets, ast.Call(ast.Name(function.name), args, []), [])
        made.temporary = False
        if len(targets) > 1 and len(", ".join(targets)) + len(function.name) > WIDEST:
            whole = self.writer.names.fresh("results")
            made.targets = [whole]
            last = Statement(targets, ast.Name(whole), [])
            last.temporary = False
        made.effect = any(step.role == "effect" for step in steps)
        if steps and steps[0].of is None:
            made.step = copy.copy(steps[0])
            made.step.scope = _common([s.scope for s in steps]) or steps[0].scope
        self.writer.statements.extend([made] if last is None else [made, last])

    def _name_values(self, unit: Unit, values: list[Value], targets: list[str]) -> None:
        for v, name in zip(values, targets, strict=False):
            value = unit.values.get(v)
            if value is not None:
                self.writer.variables[value] = Array(ast.Name(name), value.array, value.is_nothing)

    def _list(self, unit: Unit) -> ast.expr:
        """The list of the parameters of a repetition."""
        if self.series:
            number = ast.Constant(self.units.index(unit))
            return ast.Subscript(ast.Name(self.series.variable), number)
        return ast.Name(self.shared) if self.shared else self.weights(unit)

    def weights(self, unit: Unit) -> ast.expr:
        """The same, one by one."""
        given = (self.writer.variable(unit.values[v]).expression for v in self.parameters)
        return ast.List(list(given))


def _outside(steps: Iterable[Step], made: set[Value]) -> list[Value]:
    """What steps read that they have not made."""
    read = (v for step in steps for v in values_in([step.args, step.kwargs]))
    return [v for v in dict.fromkeys(read) if v not in made and not is_literal(v)]


def _difference(a: str, b: str) -> int:
    """How many parts of a path there are up to the last that differs from another path's."""
    pairs = list(zip(a.split("."), b.split("."), strict=False))
    return max((i + 1 for i, (x, y) in enumerate(pairs) if x != y), default=0)


def _common(paths: list[str]) -> str:
    """The path that several have in common."""
    parts = [p.split(".") for p in paths]
    depth = 0
    while all(len(p) > depth and p[depth] == parts[0][depth] for p in parts):
        depth += 1
    return ".".join(parts[0][:depth])


def _unpacked(names: list[str], source: str) -> Statement:
    made = Statement(names, ast.Name(source), [])
    made.temporary = False
    return made
