"""The syntax tree of a function, found in its module's source."""

from __future__ import annotations

import ast
import functools
import linecache
from collections.abc import Callable
from typing import Any

Function = ast.FunctionDef | ast.Lambda


class NoSource(Exception):
    """A function whose source cannot be had, or which reads variables around its definition."""


def tree_of(function: Callable[..., Any]) -> Function:
    """The definition of a function of a module. Raises NoSource for closures and builtins."""
    code = getattr(function, "__code__", None)
    if code is None or code.co_freevars:
        raise NoSource(getattr(function, "__name__", repr(function)))
    for node in _definitions(code.co_filename).get(_key(code), ()):
        if isinstance(node, ast.FunctionDef) or _is_same(node, code):
            return node
    raise NoSource(function.__name__)


def _key(code: Any) -> tuple[str, int]:
    return code.co_name, code.co_firstlineno


@functools.cache
def _definitions(path: str) -> dict[tuple[str, int], list[Function]]:
    """Every function and lambda of a file by name and first line, decorators included."""
    found: dict[tuple[str, int], list[Function]] = {}
    text = "".join(linecache.getlines(path))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            found.setdefault((node.name, first), []).append(node)
        elif isinstance(node, ast.Lambda):
            found.setdefault(("<lambda>", node.lineno), []).append(node)
    return found


def _is_same(node: ast.Lambda, code: Any) -> bool:
    """Whether a lambda is the one with that code: several may stand on one line."""
    if parameters(node) != list(code.co_varnames[: code.co_argcount]):
        return False
    if hasattr(code, "co_positions"):  # from Python 3.11
        columns = [(line, column) for line, _, column, _ in code.co_positions() if column]
        first = (node.body.lineno, node.body.col_offset)
        last = (node.end_lineno or 0, node.end_col_offset or 0)
        return all(first <= position < last for position in columns)
    compiled = compile(ast.Expression(node), "", "eval").co_consts[0]
    return bool(compiled.co_code == code.co_code and compiled.co_consts == code.co_consts)


def parameters(node: Function) -> list[str]:
    """The names of the positional parameters."""
    return [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
