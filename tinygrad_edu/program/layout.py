"""A program's source text."""

from __future__ import annotations

import ast
import builtins
import keyword
from typing import Any

import numpy as np

from ..errors import line_of
from . import expressions, printing
from .folded import Function
from .statement import Statement
from .written import Written


def function_name(f: Any) -> str:
    """The name of the function that a program defines."""
    name = getattr(f, "__name__", "step")
    if hasattr(builtins, name) or keyword.iskeyword(name) or name == "np":
        return f"{name}_"  # which its helpers may call
    return name if name.isidentifier() else "step"


def module(name: str, written: Written) -> str:
    """The whole module."""
    lines = [f'"""{name}: its value and its gradients, in NumPy alone."""', ""]
    lines += preamble(written)
    lines += ["", "", *_function(name, written)]
    return "\n".join(lines) + "\n"


def preamble(written: Written) -> list[str]:
    """Imports, constants and helper functions."""
    helpers = written.writer.helpers
    standard = [line for line in sorted(helpers.imports, key=_order) if "numpy" not in line]
    lines = [*standard, *([""] if standard else []), "import numpy as np"]
    lines += [line for line in sorted(helpers.imports) if "numpy" in line]
    if helpers.constants:
        lines.append("")
    for name, value in helpers.constants.items():
        tree = ast.parse(value, mode="eval").body
        lines += printing.lines_of(ast.Assign([ast.Name(name)], tree))
    for name in helpers.references:
        lines += ["", f"# {name} is a function of yours, which is called as it is"]
    for function in helpers.functions.values():
        lines += ["", "", *printing.lines_of(function)]
    for folded in written.folding.functions:
        lines += ["", "", *_folded(folded)]
    return lines


def _folded(function: Function) -> list[str]:
    """A part that repeats, as a function."""
    lines = printing.definition(function.name, function.parameters)
    lines += printing.docstring(function.summary, 4)
    lines += _body(function.statements, function.inside)
    value = function.returns[0] if len(function.returns) == 1 else ast.Tuple(function.returns)
    return [*lines, *printing.lines_of(ast.Return(value), 4)]


def _order(line: str) -> tuple[bool, str]:
    return line.startswith("from"), line


def source(node: ast.AST) -> str:
    """The text of an expression."""
    return expressions.text(node)


def _function(name: str, written: Written) -> list[str]:
    packed = written.folding.packed
    parameters = [name for name, v in written.parameters.items() if v not in packed]
    constants = [name for name, v in written.constants.items() if v not in packed]
    names = [*written.arguments, *parameters, *constants]
    if packed:
        names.append(f"**{written.folding.catch_all}")
    lines = ['@np.errstate(all="ignore")', *printing.definition(name, names)]
    return [*lines, *_body(written.statements), *_return(written)]


def _body(statements: list[Statement], inside: Any = None) -> list[str]:
    """Statements under comments of where they come from."""
    lines: list[str] = []
    previous, backward = None, bool(inside)
    for each in statements:
        if each.backward and not backward:
            lines.append("    # backward")
            backward = True
        mark = _mark(each.step, inside)
        if mark and mark != previous:
            lines.append(f"    # {mark}")
        previous = mark or previous
        lines += _with_shape(each, printing.lines_of(tree(each), 4))
    return lines


def _with_shape(statement: Statement, lines: list[str]) -> list[str]:
    """The shape of an op's result behind a line that has room for it."""
    if statement.backward or statement.temporary or len(statement.targets) != 1 or len(lines) > 1:
        return lines
    shape = np.shape(statement.arrays[0]) if statement.arrays else ()
    line = f"{lines[0]}  # {shape}"
    return [line] if shape and len(line) <= printing.WIDTH else lines


def tree(statement: Statement) -> ast.stmt:
    """A statement as a tree."""
    if statement.into is not None:
        if statement.adds:
            return ast.AugAssign(statement.into, ast.Add(), statement.expression)  # type: ignore[arg-type]
        return ast.Assign([statement.into], statement.expression)
    if not statement.targets:
        return ast.Expr(statement.expression)
    names: list[ast.expr] = [ast.Name(t) for t in statement.targets]
    return ast.Assign([names[0] if len(names) == 1 else ast.Tuple(names)], statement.expression)


def statement(statement: Statement) -> str:
    """A statement on one line."""
    text = source(statement.expression)
    if statement.into is not None:
        return f"{source(statement.into)} {'+=' if statement.adds else '='} {text}"
    return f"{', '.join(statement.targets)} = {text}" if statement.targets else text


def _mark(step: Any, inside: Any = None) -> str:
    """Where a step comes from: the module's path and the user's line."""
    if step is None or step.of is not None:
        return ""
    path, line = step.location or ("", 0)
    scope = inside(step.scope, step) if inside else step.scope
    return "  ".join(filter(None, [scope, line_of(path, line) if path else ""]))


def _return(written: Written) -> list[str]:
    values = [source(each) for each in written.outputs_text()]
    value = values[0] if len(values) == 1 else f"({', '.join(values)})"
    gradients = [
        f'        "{written.writer.name_of(v)}": {source(written.results[v])},'
        for v in written.variables
        if v in written.results
    ]
    for series in written.folding.series:
        entry = (
            f"{{{series.key()}: slope "
            f"for i, slopes in {series.counted(source(written.results[series]))} "
            f"for {series.item()}, slope in zip({series.constant}, slopes, strict=True)}}"
        )
        gradients += printing.broken("**", ast.parse(entry, mode="eval").body, ",", 8)
    return [f"    return {value}, {{", *gradients, "    }"]
