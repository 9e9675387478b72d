"""One recorded op as lines of NumPy: its forward, and the derivative for each argument."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import literals, tidy
from .helpers import Helpers
from .inline import SIMPLE, Inliner
from .layout import statement
from .source import NoSource
from .statement import Statement
from .values import Array, Items, Known, NotInlinable, expression_of
from .writing import Names, parameter_name


def lines_of(
    op: Any, names: Sequence[str], arguments: Sequence[Any], statics: Sequence[Any], target: str
) -> list[str]:
    """The lines that compute an op's result from arguments of these names, and the gradients.

    An argument is an array, whose values do not matter, or a number. Raises ValueError for an op
    that cannot be written so, such as one of a user's own with variables from around it.
    """
    taken = Names()
    variables = [
        Array(ast.Name(taken.fresh(parameter_name(name))), a) if hasattr(a, "shape") else Known(a)
        for name, a in zip(names, arguments, strict=True)
    ]
    result = taken.fresh(parameter_name(target) or "result")
    inliner = Inliner(taken.fresh, Helpers(taken.fresh), SIMPLE)
    given: list[Any] = [Items(list, variables)] if op.sequence else [*variables]
    given += map(Known, statics)
    try:
        with np.errstate(all="ignore"):
            out = _assigned(inliner, result, inliner.call(op.forward, given))
            if op.outputs == 1:
                _gradients(inliner, op, variables, given, out, result)
    except (NotInlinable, NoSource, literals.NoLiteral, AttributeError) as error:
        raise ValueError(f"{op.name} cannot be written as lines of NumPy: {error}") from None
    tidy.plain(inliner.statements)
    final: dict[Any, ast.expr] = {
        t: ast.Name(t) for s in inliner.statements for t in s.targets if not s.temporary
    }
    return [statement(s) for s in tidy.nested(inliner.statements, final)]


def _assigned(inliner: Inliner, name: str, value: Any) -> Any:
    """A statement that gives a value its name."""
    if isinstance(value, Items):
        parts = enumerate(value.parts)
        return Items(tuple, [_assigned(inliner, f"{name}{i}", v) for i, v in parts])
    last = inliner.statements[-1] if inliner.statements else None
    if isinstance(value.expression, ast.Name) and last and last.targets == [value.expression.id]:
        last.targets, last.temporary = [name], False
        return Array(ast.Name(name), value.array)
    made = Statement([name], expression_of(value), [value.array])
    made.temporary = False
    inliner.statements.append(made)
    return Array(ast.Name(name), value.array)


def _gradients(
    inliner: Inliner, op: Any, variables: list[Any], given: list[Any], out: Any, result: str
) -> None:
    g = Array(ast.Name(f"d_{result}"), np.ones(np.shape(out.array), out.array.dtype))
    shapes = [np.shape(v.array) if isinstance(v, Array) else () for v in variables]
    for i, variable in enumerate(variables):
        vjp = op.vjps[0 if op.sequence else i]
        if vjp is None or not isinstance(variable, Array) or variable.array.dtype.kind != "f":
            continue
        slots = [*given, out, *map(Known, shapes)]
        if op.sequence:
            slots = [*given, out, Known(shapes[i]), Known(i), Known(tuple(shapes))]
        part = inliner.call(vjp.function, [g, *(slots[s] for s in vjp.slots)])
        assert isinstance(variable.expression, ast.Name)
        if isinstance(part, Array):
            _assigned(inliner, f"d_{variable.expression.id}", part)
