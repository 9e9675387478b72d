"""Programs of single numbers, on Python floats: many times faster than arrays without axes.

Python's arithmetic on floats is that of NumPy's float64 to the last bit, where it does not raise:
then the caller computes with arrays. Functions stay NumPy's, since `math.tanh` rounds otherwise.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from . import expressions
from .lowering import Line, number
from .statement import Statement

SHORT = 60
"""Characters. A longer expression gets a variable."""

_SAME = ("reshape", "sum", "mean", "max", "min", "ravel", "copy", "squeeze", "transpose", "astype")
"""Methods that return the number itself."""


class NotScalar(Exception):
    """There is an array with axes, or something that floats cannot do."""


def are_floats(arrays: Iterable[Any]) -> bool:
    """Whether Python's floats can stand for all of these."""
    arrays = list(map(np.asarray, arrays))
    kinds = {a.dtype for a in arrays}
    return kinds <= {np.dtype(float), np.dtype(bool)} and not any(a.ndim for a in arrays)


def line(statement: Statement) -> Line:
    """A statement with floats in place of arrays, as a line of a template. Raises NotScalar."""
    if statement.effect or statement.into is not None or len(statement.targets) != 1:
        raise NotScalar
    expression = _Floats().visit(statement.expression)
    return Line((number(statement.targets[0]),), expressions.text(expression))


def lines(operations: list[Any], kept: set[int]) -> Iterator[str]:
    """The code of operations: what is used once moves into the expression that uses it.

    A variable is taken again as soon as it was read, which frees its float.
    """
    nested = _nested(operations, kept)
    last = {n: i for i, (_, _, args) in enumerate(nested) for n in args}
    names: dict[int, str] = {}
    free: list[str] = []
    for i, (target, text, args) in enumerate(nested):
        spelled = text % tuple([names.get(n) or f"_{n}" for n in args])
        for n in set(args):
            if last[n] == i and n in names:
                free.append(names.pop(n))
        if target not in kept:
            names[target] = free.pop() if free else f"v{target}"
        yield f"{names.get(target) or f'_{target}'} = {spelled}"


def _nested(operations: list[Any], kept: set[int]) -> list[tuple[int, str, list[int]]]:
    """Target, text with holes, and arguments of what remains."""
    uses = Counter(n for each in operations for n in each.args)
    waiting: dict[int, tuple[str, list[int]]] = {}
    found = []
    for each in operations:
        texts, args = [], []
        for n in each.args:
            text, inner = waiting.pop(n, ("%s", [n]))
            texts.append(text)
            args += inner
        text = each.line.text % tuple(texts)
        (target,) = each.targets
        if uses[target] == 1 and target not in kept and len(text) <= SHORT:
            waiting[target] = f"({text})", args
        else:
            found.append((target, text, args))
    return found


class _Floats(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.expr:
        if not isinstance(node.func, ast.Attribute):
            raise NotScalar
        owner, name = node.func.value, node.func.attr
        if not (isinstance(owner, ast.Name) and owner.id == "np"):
            if name not in _SAME:
                raise NotScalar
            return self.visit(owner)  # type: ignore[no-any-return]
        args = [self.visit(a) for a in node.args]
        if name in ("broadcast_to", "asarray", "float64", "copy"):
            return args[0]  # type: ignore[no-any-return]
        if node.keywords or not isinstance(getattr(np, name), np.ufunc):
            raise NotScalar
        if name in ("maximum", "minimum") and isinstance(args[1], ast.Constant):
            bound = ast.Constant(float(args[1].value))  # type: ignore[arg-type]
            if isinstance(args[0], ast.Name):
                beyond: ast.cmpop = ast.LtE() if name == "maximum" else ast.GtE()
                test = ast.Compare(args[0], [beyond], [bound])
                return ast.IfExp(test, bound, args[0])  # also right for NaN
        return _called(name, args)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.op, ast.Pow):
            return _power(node)
        if not isinstance(node.op, (ast.Add, ast.Sub, ast.Mult, ast.Div)):
            raise NotScalar
        node.left, node.right = _float(node.left), _float(node.right)
        if isinstance(node.op, ast.Mult) and isinstance(node.right, ast.Compare):
            return ast.IfExp(node.right, node.left, ast.Constant(0.0))
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        node.left, node.comparators = _float(node.left), list(map(_float, node.comparators))
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        if not isinstance(node.op, (ast.USub, ast.UAdd)):
            raise NotScalar
        return self.generic_visit(node)  # type: ignore[return-value]

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        raise NotScalar

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if node.attr in ("T", "mT"):
            return self.visit(node.value)  # type: ignore[no-any-return]
        return node


def _float(node: ast.expr) -> ast.expr:
    """A literal integer as a float, with which Python computes faster."""
    if isinstance(node, ast.Constant) and type(node.value) is int and node.value < 1 << 53:
        return ast.Constant(float(node.value))
    return node


def _called(name: str, args: list[ast.expr]) -> ast.expr:
    function = ast.Attribute(ast.Name("np"), name)
    return ast.Call(ast.Name("float"), [ast.Call(function, args, [])], [])


def _power(node: ast.BinOp) -> ast.expr:
    """As arrays do it: a square is a product, and a root a root."""
    exponent = node.right.value if isinstance(node.right, ast.Constant) else None
    if exponent == 2 and isinstance(node.left, ast.Name):
        return ast.BinOp(node.left, ast.Mult(), node.left)
    if exponent == 1:
        return node.left
    quick = {2: "square", 0.5: "sqrt"}.get(exponent) if isinstance(exponent, (int, float)) else None
    return _called(quick, [node.left]) if quick else _called("power", [node.left, node.right])
