"""A program's source text."""

from __future__ import annotations

import ast
import os
from typing import Any

from .inline import Statement
from .written import Written


def function_name(f: Any) -> str:
    """The name of the function that a program defines."""
    name = getattr(f, "__name__", "step")
    return name if name.isidentifier() else "step"


def module(name: str, written: Written) -> str:
    """The whole module."""
    lines = [f'"""{name}: its value and its gradients, in NumPy alone."""', ""]
    lines += preamble(written)
    lines += ["", *_function(name, written)]
    return "\n".join(lines) + "\n"


def preamble(written: Written) -> list[str]:
    """Imports, constants and helper functions."""
    helpers = written.writer.helpers
    lines = [*sorted(helpers.imports), *([""] if helpers.imports else [])]
    lines += ["import numpy as np", ""]
    lines += [f"{name} = {text}" for name, text in helpers.constants.items()]
    for function in helpers.functions.values():
        lines += ["", *source(function).splitlines(), ""]
    return lines


def source(node: ast.AST) -> str:
    """The text of a tree."""
    return ast.unparse(ast.fix_missing_locations(node))


def _function(name: str, written: Written) -> list[str]:
    names = [*written.arguments, *written.parameters, *written.constants]
    lines = ['@np.errstate(all="ignore")', f"def {name}({', '.join(names)}):"]
    previous, backward = None, False
    for each in written.statements:
        if each.backward and not backward:
            lines.append("    # backward")
            backward = True
        mark = _mark(each.step)
        if mark and mark != previous:
            lines.append(f"    # {mark}")
        previous = mark or previous
        lines.append(f"    {statement(each)}")
    return [*lines, *_return(written)]


def statement(statement: Statement) -> str:
    """The text of a statement."""
    text = source(statement.expression)
    if statement.into is not None:
        return f"{source(statement.into)} {'+=' if statement.adds else '='} {text}"
    return f"{', '.join(statement.targets)} = {text}" if statement.targets else text


def _mark(step: Any) -> str:
    """Where a step comes from: the module's path and the user's line."""
    if step is None or step.of is not None:
        return ""
    path, line = step.location or ("", 0)
    place = f"{os.path.basename(path)}:{line}" if path else ""
    return "  ".join(filter(None, [step.scope, place]))


def _return(written: Written) -> list[str]:
    values = [source(each) for each in written.outputs_text()]
    value = values[0] if len(values) == 1 else f"({', '.join(values)})"
    gradients = [
        f'        "{written.writer.name_of(v)}": {source(written.results[v])},'
        for v in written.variables
    ]
    return [f"    return {value}, {{", *gradients, "    }"]
