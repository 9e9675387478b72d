"""The lines of a step, worked out once for all steps of its kind.

They depend on the function, on its static arguments and on shapes, dtypes and strides, but not on
values: a network of a thousand layers needs those of one. They are shared by all programs.
"""

from __future__ import annotations

import ast
import itertools
import operator
import threading
from typing import Any

import numpy as np

from . import literals, printing, scalars, source, tidy
from .helpers import Helpers
from .inline import SIMPLE, Inliner
from .lowering import Line, Lowering, number, numbered
from .recording import Step, Value, filled, values_in
from .statement import Statement
from .values import Array, Items, Known, expression_of

MOST_TEMPLATES = 4096
"""Kept at a time; then they are made anew."""

_CALLED = ("numpy", "effect", "zeros", "copy")
_PLAIN = ("zeros", "copy")


class Template:
    """The lines that compute a step's results from its arguments, which are numbered first.

    `results` are the numbers of the results, and `size` of how many variables it speaks.
    `namespace` holds the functions that the lines call.
    """

    __slots__ = ("lines", "results", "size", "namespace")

    def __init__(
        self, lines: list[Any], results: list[int], size: int, namespace: dict[str, Any]
    ) -> None:
        self.lines = lines
        self.results = results
        self.size = size
        self.namespace = namespace


class Templates:
    """Those of all programs, and the functions of this library that they call."""

    def __init__(self) -> None:
        self._known: dict[Any, Template] = {}
        self._lock = threading.Lock()
        self._clear()

    def _clear(self) -> None:
        self._known = {}
        self._helpers = Helpers(_helper_names())
        self._namespace: dict[str, Any] = {"np": np}

    def of(self, step: Step, given: dict[Value, None], *, backward: bool, floats: bool) -> Template:
        """The template of a step whose arguments are the Values `given`, in this order.

        With `floats` it computes with Python's. Raises NotScalar for what they cannot do.
        """
        if step.role in _CALLED and not (floats and step.role in _PLAIN):
            return _called(step, given, floats)
        try:
            key = _key(step, given, backward, floats)
            known = self._known.get(key)
        except TypeError:  # an argument that has no hash
            key = known = None
        if known is None:
            if not _has_source(step.function) and step.role not in _PLAIN:
                return _called(step, given, floats)
            with self._lock:
                if len(self._known) >= MOST_TEMPLATES:
                    self._clear()
                known = self._made(step, given, backward, floats)
                if key is not None:
                    self._known[key] = known
        return known

    def _made(self, step: Step, given: dict[Value, None], backward: bool, floats: bool) -> Template:
        counter = itertools.count(len(given))
        fresh = lambda wanted: numbered(next(counter))
        inliner = Inliner(fresh, self._helpers, SIMPLE)
        variables = {
            v: Array(_expression(v, i), v.array, v.is_nothing) for i, v in enumerate(given)
        }
        args = [_abstract(each, variables) for each in step.args]
        results = [
            number(inliner.assign("", part).expression.id) for part in _results(inliner, step, args)
        ]
        statements = inliner.statements
        for each in statements:
            each.backward = backward
        tidy.plain(statements)
        lines: list[Any]
        if floats:
            lines = [scalars.line(each) for each in statements]
        else:
            lowering = Lowering(fresh)
            for each in statements:
                lowering.lower(each)
            lines = lowering.lines
        self._define()
        return Template(lines, results, next(counter), self._namespace)

    def _define(self) -> None:
        """Compile the functions that were copied since the last time."""
        helpers, known = self._helpers, self._namespace
        body = [f"{name} = {text}" for name, text in helpers.constants.items() if name not in known]
        for name, function in helpers.functions.items():
            if name not in known:
                body += printing.lines_of(function)
        if body:
            source = "\n".join([*helpers.imports, *body])
            exec(compile(source, "<helpers of compiled programs>", "exec"), known)
        known.update(helpers.references)


def _helper_names() -> Any:
    taken: set[str] = {"np"}

    def fresh(wanted: str) -> str:
        name, n = wanted, 1
        while name in taken:
            n += 1
            name = f"{wanted}_{n}"
        taken.add(name)
        return name

    return fresh


def _has_source(function: Any) -> bool:
    try:
        return function is operator.add or source.tree_of(function) is not None
    except source.NoSource:
        return False


# -------------------------------------------------------------------- what a kind is


def is_literal(value: Value) -> bool:
    """Whether a Value is one number that is the same in each call."""
    return value.kind == "constant" and not value.captured and np.ndim(value.array) == 0


def _key(step: Step, given: dict[Value, None], backward: bool, floats: bool) -> Any:
    order = {value: i for i, value in enumerate(given)}
    kinds = tuple([_kind_of(value) for value in given])
    return step.function, step.role, _form(step.args, order), kinds, backward, floats


def _kind_of(value: Value) -> Any:
    array = value.array
    if is_literal(value):
        return array.dtype.char, repr(array)
    return type(array), array.shape, array.dtype, array.strides, value.is_nothing


def _form(argument: Any, order: dict[Value, int]) -> Any:
    kind = type(argument)
    if kind is Value:
        return order[argument]
    if kind is list or isinstance(argument, tuple):
        return kind, tuple([_form(each, order) for each in argument])
    if kind is slice:
        ends = (argument.start, argument.stop, argument.step)
        return kind, tuple([_form(end, order) for end in ends])
    hash(argument)
    return kind, repr(argument) if kind is float else argument


# -------------------------------------------------------------------- how it is written


def _expression(value: Value, i: int) -> ast.expr:
    if is_literal(value):
        return literals.literal(np.asarray(value.array)[()])
    return ast.Name(numbered(i))


def _abstract(structure: Any, variables: dict[Value, Any]) -> Any:
    """An argument of a step, as the inliner takes it."""
    if isinstance(structure, Value):
        return variables[structure]
    if isinstance(structure, (list, tuple)) and any(values_in(structure)):
        return Items(type(structure), [_abstract(each, variables) for each in structure])
    return Known(filled(structure, lambda value: value))


def _results(inliner: Inliner, step: Step, args: list[Any]) -> list[Any]:
    if step.function is operator.add:
        both = [each.expression for each in args]
        return [Array(ast.BinOp(both[0], ast.Add(), both[1]), step.outs[0].array)]
    if step.role == "add_to":
        return [_added(inliner, step, args)]
    if step.role in ("zeros", "copy"):
        return [args[0] if step.role == "copy" else Known(0.0)]
    result = inliner.call(step.function, args)
    return list(result.parts) if isinstance(result, Items) and len(step.outs) > 1 else [result]


def _added(inliner: Inliner, step: Step, args: list[Any]) -> Any:
    """Elements added to a gradient that the program owns."""
    total = args[0]
    inliner.writable.add(total.expression.id)
    if inliner.changed(step.function, [Array(total.expression, total.array.copy()), *args[1:]]):
        return total
    inliner.statements.clear()
    name = inliner.helpers.add(step.function)
    call = Statement([], ast.Call(ast.Name(name), [expression_of(a) for a in args], []), [])
    call.effect = True
    inliner.statements.append(call)
    return total


def _called(step: Step, given: dict[Value, None], floats: bool) -> Template:
    """A call of the function itself, as it is."""
    if floats:
        raise scalars.NotScalar
    namespace: dict[str, Any] = {}

    def refer(value: Any) -> str:
        name = f"r{id(value)}"
        namespace[name] = value
        return name

    order = {value: i for i, value in enumerate(given)}
    texts = [_spelled(each, order, refer) for each in step.args]
    texts += [f"{name}={_spelled(v, order, refer)}" for name, v in step.kwargs.items()]
    n = len(given)
    targets = tuple(range(n, n + len(step.outs)))
    function = step.function
    if isinstance(function, np.ufunc) and len(texts) == function.nin and not step.kwargs:
        out = step.outs[0].array
        line = Line(targets, f"np_{function.__name__}({', '.join(texts)}")
        line.ufunc, line.info = function.__name__, (out.shape, out.dtype, out.strides)
        if not out.ndim or function.nout > 1 or getattr(np, line.ufunc, None) is not function:
            line.ufunc, line.info = "", None
    else:
        line = Line(targets, "")
    if not line.ufunc:
        line = Line(targets, f"{refer(function)}({', '.join(texts)})")
    line.fresh = bool(line.ufunc) or step.role in ("zeros", "copy")
    line.effect = step.role in ("effect", "copy")
    line.sizes = tuple(np.asarray(v.array).nbytes for v in step.outs)
    return Template([line], list(targets), n + len(targets), namespace)


def _spelled(value: Any, order: dict[Value, int], refer: Any) -> str:
    """An argument as text; what no literal makes is referred to by name."""
    if isinstance(value, Value):
        return (
            literals.text(np.asarray(value.array)[()])
            if is_literal(value)
            else numbered(order[value])
        )
    if isinstance(value, slice):
        ends = (_spelled(e, order, refer) for e in (value.start, value.stop, value.step))
        return f"slice({', '.join(ends)})"
    if type(value) in (list, tuple) and any(values_in(value)):
        parts = [_spelled(each, order, refer) for each in value]
        return f"[{', '.join(parts)}]" if type(value) is list else f"({', '.join(parts)},)"
    try:
        return literals.text(value)
    except literals.NoLiteral:
        name: str = refer(value)
        return name


templates = Templates()
