"""Programs of single numbers, on Python floats: many times faster than arrays without axes.

Python's arithmetic on floats is that of NumPy's float64 to the last bit, where it does not raise:
then the caller computes with arrays. Functions stay NumPy's, since `math.tanh` rounds otherwise.
"""

from __future__ import annotations

import ast

import numpy as np

from .statement import Statement
from .tidy import Renamed, names_in
from .written import Written

_SAME = ("reshape", "sum", "mean", "max", "min", "ravel", "copy", "squeeze", "transpose", "astype")
"""Methods that return the number itself."""


class NotScalar(Exception):
    """There is an array with axes, or something that floats cannot do."""


def converted(written: Written) -> list[Statement]:
    """The statements with floats in place of arrays. Raises NotScalar."""
    given = [*written.traced.recording.inputs, *written.traced.recording.captured]
    given += [*written.constants.values(), *written.seeds.values()]
    arrays = [v.array for v in given] + [a for s in written.statements for a in s.arrays]
    kinds = {np.asarray(a).dtype for a in arrays}
    if any(np.ndim(a) for a in arrays) or not kinds <= {np.dtype(float), np.dtype(bool)}:
        raise NotScalar
    if written.effects or any(s.effect or len(s.targets) != 1 for s in written.statements):
        raise NotScalar
    statements = [_statement(s) for s in written.statements]
    return _reusing_names(statements, written)


def _reusing_names(statements: list[Statement], written: Written) -> list[Statement]:
    """Let a variable of the backward pass go as soon as it was read, which frees its float."""
    kept = {n for e in written.results.values() for n in names_in(e)}
    last = {n: i for i, s in enumerate(statements) for n in names_in(s.expression)}
    by: dict[str, ast.expr] = {}
    free: list[str] = []
    for i, statement in enumerate(statements):
        if not statement.backward:
            continue
        read = names_in(statement.expression)
        statement.expression = Renamed(by).visit(statement.expression)
        for name in read:
            if last[name] == i and name in by and name not in kept:
                free.append(by[name].id)  # type: ignore[attr-defined]
        target = statement.targets[0]
        if target not in kept:
            by[target] = ast.Name(free.pop() if free else target)
            statement.targets = [by[target].id]  # type: ignore[attr-defined]
    return statements


def _statement(statement: Statement) -> Statement:
    new = Statement(statement.targets, _Floats().visit(statement.expression), statement.arrays)
    new.backward = statement.backward
    return new


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
        if isinstance(node.op, ast.Mult) and isinstance(node.right, ast.Compare):
            return ast.IfExp(node.right, node.left, ast.Constant(0.0))
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
