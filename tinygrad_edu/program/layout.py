"""A program's source text."""

from __future__ import annotations

import ast
import os
import re
from typing import Any


def function_name(f: Any) -> str:
    """The name of the function that a program defines."""
    name = getattr(f, "__name__", "step")
    return name if name.isidentifier() else "step"


def module(program: Any) -> str:
    """The whole module."""
    helpers = program.writer.helpers
    lines = [f'"""{program.name}: its value and its gradients, in NumPy alone."""', ""]
    lines += [*sorted(helpers.imports), *([""] if helpers.imports else [])]
    lines += ["import numpy as np", ""]
    lines += [f"{name} = {text}" for name, text in helpers.constants.items()]
    for function in helpers.functions.values():
        lines += ["", *source(function).splitlines(), ""]
    lines += ["", *_function(program)]
    return "\n".join(lines) + "\n"


def source(node: ast.AST) -> str:
    """The text of a tree."""
    return ast.unparse(ast.fix_missing_locations(node))


def _function(program: Any) -> list[str]:
    names = [*program.arguments, *program.parameters, *program.constants]
    lines = [f"def {program.name}({', '.join(names)}):"]
    previous, backward = None, False
    for statement in program.statements:
        if statement.backward and not backward:
            lines.append("    # backward")
            backward = True
        mark = _mark(statement.step)
        if mark and mark != previous:
            lines.append(f"    # {mark}")
        previous = mark or previous
        lines.append(f"    {_statement(statement)}")
    return [*lines, *_return(program)]


def _statement(statement: Any) -> str:
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


def _return(program: Any) -> list[str]:
    values = [source(e) for key, e in program.results.items() if key.startswith("value")]
    value = values[0] if len(values) == 1 else f"({', '.join(values)})"
    gradients = [
        f'        "{key.removeprefix("gradient ")}": {source(e)},'
        for key, e in program.results.items()
        if key.startswith("gradient ")
    ]
    return [f"    return {value}, {{", *gradients, "    }"]


_QUOTES = re.compile("'")
