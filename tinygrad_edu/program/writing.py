"""A recording and its sweep as statements of NumPy, with names that a person would choose."""

from __future__ import annotations

import ast
import copy
import keyword
import operator
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from . import literals
from .helpers import Helpers
from .inline import MINDFUL, SIMPLE, Inliner
from .recording import Recording, Step, Value, filled, values_in
from .statement import Statement
from .tidy import Renamed
from .values import Array, Items, Known, expression_of

_COMPARISONS: dict[Any, Any] = {
    np.equal: ast.Eq, np.not_equal: ast.NotEq, np.less: ast.Lt, np.less_equal: ast.LtE,
    np.greater: ast.Gt, np.greater_equal: ast.GtE,
}  # fmt: skip


class Names:
    """Names that are used once each, and shadow nothing."""

    def __init__(self) -> None:
        self.taken = {"np", *keyword.kwlist}
        self.bases: dict[str, str] = {}  # name -> what was wanted
        self._counts: dict[str, int] = {}

    def fresh(self, wanted: str, other: str = "") -> str:
        """A name like the one that is wanted, but not the other."""
        base = re.sub(r"\W+", "_", wanted) or "value"
        base = f"_{base}" if base[0].isdigit() else base
        name, n = base, self._counts.get(base, 1)
        while name in self.taken or name == other:
            n += 1
            name = f"{base}_{n}" if base[-1].isdigit() else f"{base}{n}"
        self._counts[base], self.bases[name] = n, base
        self.taken.add(name)
        return name


def parameter_name(path: str) -> str:
    """A path as a variable: `layers.0.weight` is layers0_weight, and `0.weight` layer0_weight."""
    words: list[str] = []
    for part in path.split("."):
        if part.isdigit():
            words[-1:] = [f"{words[-1] if words else 'layer'}{part}"]
        elif part:
            words.append(part)
    return re.sub("_+", "_", "_".join(words))


class Writer:
    """Turns steps into statements; `variables` says which variable, or literal, a Value is."""

    def __init__(self, recording: Recording, seeds: Iterable[Value], name: str = "") -> None:
        self.names = Names()
        self.helpers = Helpers(lambda wanted: self.names.fresh(wanted, name))
        self.inliner = Inliner(self.names.fresh, self.helpers, SIMPLE)
        self.variables: dict[Value, Any] = {}
        self.constants: dict[str, Value] = {}
        self.effects: dict[str, Callable[..., Any]] = {}
        self.guards: set[Step] = set()
        self.mindful: set[Step] = set()  # steps that may be given infinite gradients
        self.backward: list[Step] = []
        self.inside: Callable[[str, Step], str] = lambda path, step: path
        for value in recording.inputs:
            self.declare(value, value.name)
        for value in recording.captured:
            self.declare(value, parameter_name(value.name or "parameter"))
        for value in seeds:
            self.declare(value, value.name)

    def declare(self, value: Value, name: str) -> None:
        """Let a Value be a variable that others assign."""
        self.variables[value] = Array(ast.Name(self.names.fresh(name)), value.array)

    def inner(self, inside: Callable[[str, Step], str]) -> Writer:
        """A writer for a function of its own; `inside` says what of a step's path is written."""
        made = copy.copy(self)
        made.inliner = Inliner(self.names.fresh, self.helpers, SIMPLE)
        made.variables = {}
        made.inside = inside
        return made

    def name_of(self, value: Value) -> str:
        """The variable that a Value became."""
        expression = self.variables[value].expression
        return expression.id if isinstance(expression, ast.Name) else "value"

    @property
    def statements(self) -> list[Statement]:
        return self.inliner.statements

    # ---------------------------------------------------------------- steps

    def assign(self, targets: list[str], expression: ast.expr) -> None:
        """Write an assignment that stays as it is."""
        made = Statement(targets, expression, [])
        made.temporary = False
        self.statements.append(made)

    def write(self, steps: list[Step]) -> None:
        """Write steps; of the NaN guards only those in `guards` (see `guarding`)."""
        for step in steps:
            if step.role == "guard" and step not in self.guards:
                self.variables[step.outs[0]] = self.variable(step.args[0])
                continue
            start = len(self.statements)
            if step.role in ("sum", "cast", "accumulate", "guard"):
                self._release(step)
            self.inliner.simple = MINDFUL if step in self.mindful else SIMPLE
            result = self._call(step)
            parts = result.parts if isinstance(result, Items) else [result]
            if len(step.outs) == 1:
                parts = [result]
            for out, part in zip(step.outs, parts, strict=True):
                named = self.variables[out] = self._named(part, self.wanted_name(step), start)
                named.is_nothing = out.is_nothing
            for statement in self.statements[start:]:
                statement.step = step
                statement.effect |= step.role == "effect"

    def _release(self, step: Step) -> None:
        """Let what a step sums up move into its expression."""
        names = {self.name_of(v) for v in values_in(step.args) if v in self.variables}
        for statement in self.statements[-3:]:
            same = statement.step is not None and statement.step.of is step.of
            if same and names.intersection(statement.targets):
                statement.temporary = True

    def _named(self, part: Any, wanted: str, start: int) -> Any:
        """A variable of that name for what a step returned."""
        made = {target: s for s in self.statements[start:] for target in s.targets}
        name = part.expression.id if isinstance(getattr(part, "expression", None), ast.Name) else ""
        if name not in made:
            result = self.inliner.assign(wanted, part)
            if len(self.statements) > start and result is not part:
                self.statements[-1].temporary = False
            return result
        if made[name].temporary:
            made[name].temporary = False
            new = self.names.fresh(wanted)
            made[name].targets = [new if t == name else t for t in made[name].targets]
            by = Renamed({name: ast.Name(new)})
            for statement in self.statements[start:]:
                by.apply(statement)
            if name in self.inliner.writable:
                self.inliner.writable.add(new)
            return Array(ast.Name(new), part.array)
        return part

    def wanted_name(self, step: Step) -> str:
        """What the result of a step is called."""
        if step.of is not None:
            return f"d_{self.name_of(step.of)}" if step.of in self.variables else step.role
        if step.outs and step.outs[0].name:
            path = self.inside(step.outs[0].name.removeprefix("self."), step)
            return parameter_name(re.sub(r"[^\w.]+", "_", path))
        name = step.op.name if step.op else getattr(step.function, "__name__", "value")
        scope = self.inside(step.scope, step)
        return parameter_name(f"{scope}.{name}") if scope else name

    def _call(self, step: Step) -> Any:
        args = [self.abstract(each) for each in step.args]
        if step.function is operator.add:
            return Array(
                ast.BinOp(args[0].expression, ast.Add(), args[1].expression), step.outs[0].array
            )
        if step.role == "add_to":
            return self._in_place(step, args)
        if step.role == "guard":
            return self._guard(step)
        if step.role in ("numpy", "zeros", "copy", "effect"):
            return self._numpy(step, args)
        return self.inliner.call(step.function, args)

    def _guard(self, step: Step) -> Any:
        """0 where no gradient has come from: `np.where(g != 0, part, 0)`."""
        part, upstream, call = self.variable(step.args[0]), step.args[1], step.args[2]
        zero = ast.Constant(0)
        several = upstream if isinstance(upstream, tuple) else (upstream,)
        gradients = [self.variable(each) for each in several if not each.is_nothing]
        g, *others = gradients or [self.variable(several[0])]
        reached: ast.expr = ast.Compare(g.expression, [ast.NotEq()], [zero])
        for other in others:
            more = ast.Compare(other.expression, [ast.NotEq()], [zero])
            reached = ast.BinOp(reached, ast.BitOr(), more)
        if call.op.along:
            along, axis = call.op.along, None
            axis = call.statics[call.op.statics.index("axis")] if along == "axis" else along
            reached = _spread(reached, axis, np.ndim(g.array), np.ndim(part.array))
        where = ast.parse("np.where", mode="eval").body
        return Array(ast.Call(where, [reached, part.expression, zero], []), step.outs[0].array)

    def _in_place(self, step: Step, args: list[Any]) -> Any:
        """Elements added to a gradient that the program owns."""
        total = args[0]
        start = len(self.statements)
        self.inliner.writable.add(total.expression.id)
        given = [Array(total.expression, total.array.copy()), *args[1:]]
        if self.inliner.changed(step.function, given):
            return total
        del self.statements[start:]
        name = self.helpers.add(step.function)
        call = ast.Call(ast.Name(name), [expression_of(each) for each in args], [])
        self.statements.append(Statement([], call, []))
        self.statements[-1].effect = True
        return total

    def _numpy(self, step: Step, args: list[Any]) -> Any:
        kind = _COMPARISONS.get(step.function)
        arrays = [out.array for out in step.outs]
        if kind is not None and len(args) == 2 and not step.kwargs:
            left, right = map(expression_of, args)
            return Array(ast.Compare(left, [kind()], [right]), arrays[0])
        call = ast.Call(
            self._function(step.function),
            [expression_of(each) for each in args],
            [ast.keyword(k, expression_of(self.abstract(v))) for k, v in step.kwargs.items()],
        )
        if not arrays:
            self.statements.append(Statement([], call, []))
            self.statements[-1].effect = True
            return Items(tuple, [])
        if len(arrays) == 1:
            return Array(call, arrays[0])
        targets = [self.names.fresh(self.wanted_name(step)) for out in step.outs]
        self.statements.append(Statement(targets, call, arrays))
        return Items(tuple, [Array(ast.Name(t), a) for t, a in zip(targets, arrays, strict=True)])

    def _function(self, function: Callable[..., Any]) -> ast.expr:
        owner = getattr(function, "__self__", None)
        if isinstance(owner, np.ufunc):
            return ast.parse(f"np.{owner.__name__}.{function.__name__}", mode="eval").body
        module = getattr(function, "__module__", None) or "numpy"
        if module.split(".")[0] != "numpy":
            name = self.helpers.add(function)
            self.effects[name] = function
            return ast.Name(name)
        name = function.__name__
        path = f"np.{name}" if getattr(np, name, None) is function else f"{module}.{name}"
        return ast.parse(path.replace("numpy.", "np."), mode="eval").body

    # ---------------------------------------------------------------- arguments

    def variable(self, value: Value) -> Any:
        """What stands for a Value; a constant is a literal if it is one number."""
        known = self.variables.get(value)
        if known is None:
            known = self.variables[value] = self._constant(value)
        return known

    def _constant(self, value: Value) -> Any:
        array = np.asarray(value.array)
        if array.ndim == 0 and not value.captured:
            return Array(literals.literal(array[()]), value.array)
        name = self.names.fresh(parameter_name(value.name or "constant"))
        self.constants[name] = value
        return Array(ast.Name(name), value.array)

    def abstract(self, structure: Any) -> Any:
        """An argument of a step, as the inliner takes it."""
        if isinstance(structure, Value):
            return self.variable(structure)
        if any(values_in(structure)):
            if isinstance(structure, (list, tuple)):
                return Items(type(structure), [self.abstract(each) for each in structure])
            raise NotImplementedError("a slice whose ends are arrays")
        return Known(filled(structure, lambda value: value))


def _spread(reached: ast.expr, axis: Any, g_ndim: int, ndim: int) -> ast.expr:
    """Where anything along the axis is reached, as in `guard.zero_unreached`."""
    if axis is not None and g_ndim < ndim:
        function = ast.parse("np.expand_dims", mode="eval").body
        return ast.Call(function, [reached, literals.literal(axis)], [])
    axis = tuple(axis) if isinstance(axis, list) else axis
    options = {} if axis is None else {"axis": axis, "keepdims": True}
    keywords = [ast.keyword(name, literals.literal(value)) for name, value in options.items()]
    return ast.Call(ast.Attribute(reached, "any"), [], keywords)
