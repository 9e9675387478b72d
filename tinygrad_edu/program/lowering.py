"""Statements taken apart into lines: calls of one function each, with holes for their arguments.

A ufunc on arrays may write into a buffer, by `out=`; what it is called with, and what else stands
in a line, is found by number, so that the lines of one step serve for others of its kind.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from . import expressions, tidy
from .statement import Statement

_UFUNCS = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide",
    ast.FloorDiv: "floor_divide", ast.Mod: "remainder", ast.Pow: "power", ast.MatMult: "matmul",
    ast.BitAnd: "bitwise_and", ast.BitOr: "bitwise_or", ast.BitXor: "bitwise_xor",
    ast.Eq: "equal", ast.NotEq: "not_equal", ast.Lt: "less", ast.LtE: "less_equal",
    ast.Gt: "greater", ast.GtE: "greater_equal", ast.USub: "negative", ast.Invert: "invert",
}  # fmt: skip
_POWERS = {2: "square", 0.5: "sqrt", 1: "positive", -1: "reciprocal"}
"""What an array's `**` calls for these exponents, which is quicker than `power`, if not equal."""

Info = tuple[tuple[int, ...], np.dtype[Any], tuple[int, ...]]
"""Shape, dtype and strides: in another order, sums would be rounded otherwise."""

_NUMBERED = re.compile("numbered_([0-9]+)_")


def numbered(i: int) -> str:
    """The variable number `i`, as an expression that is to become a line spells it."""
    return f"numbered_{i}_"


def number(name: str) -> int:
    """The number of such a variable."""
    return int(name[len("numbered_") : -1])


class Line:
    """A call: `text` with a hole for each of the variables `args`, whose results are `targets`.

    The call of a ufunc whose result may go into a buffer lacks its closing parenthesis, and `info`
    says what that buffer is. `sizes` are the bytes of the results, `fresh` whether those certainly
    share no memory with what is read, and `changes` the variables whose elements are written to.
    """

    __slots__ = (
        "targets", "text", "args", "ufunc", "options", "info", "sizes", "fresh", "changes",
        "effect",
    )  # fmt: skip

    def __init__(self, targets: tuple[int, ...], text: str) -> None:
        holes = text.replace("%", "%%")
        self.targets = targets
        self.text = _NUMBERED.sub("%s", holes)
        self.args = tuple(map(int, _NUMBERED.findall(holes)))
        self.ufunc = ""
        self.options = ""
        self.info: Info | None = None
        self.sizes: tuple[int, ...] = (0,) * len(targets)
        self.fresh = False
        self.changes: tuple[int, ...] = ()
        self.effect = False


class Lowering(ast.NodeTransformer):
    """Takes the parts of expressions out of them, each as a line of its own."""

    def __init__(self, fresh: Callable[[str], str]) -> None:
        self.fresh = fresh
        self.lines: list[Line] = []
        self.target: str | None = None

    def lower(self, statement: Statement) -> None:
        """Append the lines of a statement."""
        expression = statement.expression
        if statement.into is not None or statement.effect:
            self._effect(statement)
            return
        self.target = statement.targets[0] if len(statement.targets) == 1 else None
        self.top = expression
        expression = self.visit(expression)
        if isinstance(expression, ast.Name) and expression.id == self.target:
            return
        self._line(statement.targets, expression, statement.arrays)

    def _line(self, targets: list[str], expression: ast.expr, arrays: list[Any]) -> None:
        line = Line(tuple(map(number, targets)), expressions.text(expression))
        line.fresh = _is_fresh(expression)
        line.sizes = tuple(a.nbytes if isinstance(a, np.ndarray) else 0 for a in arrays)
        self.lines.append(line)

    def _effect(self, statement: Statement) -> None:
        text, into = expressions.text(statement.expression), statement.into
        changed = tidy.names_in(into or statement.expression)
        if into is not None:
            text = f"{expressions.text(into)} {'+=' if statement.adds else '='} {text}"
        line = Line((), text)
        line.effect = True
        line.changes = tuple(number(n) for n in changed if n.startswith("numbered_"))
        self.lines.append(line)

    # ---------------------------------------------------------------- expressions

    def _ufunc(self, node: Any, name: str, args: list[ast.expr]) -> ast.expr:
        info: Info | None = getattr(node, "info", None)
        top = node is self.top
        if info is None or info[0] == ():
            return self.generic_visit(node)  # type: ignore[return-value]
        spelled = ", ".join(expressions.text(self.visit(a)) for a in args)
        target = self.target if top and self.target else self.fresh("part")
        line = Line((number(target),), f"np_{name}({spelled}")
        line.ufunc, line.info, line.fresh = name, info, True
        line.sizes = (_size(info),)
        self.lines.append(line)
        return ast.Name(target)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        name = _UFUNCS.get(type(node.op), "")
        if isinstance(node.op, ast.Pow):
            power = _number(node.right)
            if power in _POWERS and _is_float(node):
                return self._ufunc(node, _POWERS[power], [node.left])
        return self._ufunc(node, name, [node.left, node.right])

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        name = _UFUNCS.get(type(node.op))
        if name is None or isinstance(node.operand, ast.Constant):
            return node
        return self._ufunc(node, name, [node.operand])

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        name = _UFUNCS.get(type(node.ops[0]))
        if name is None:
            return self.generic_visit(node)  # type: ignore[return-value]
        return self._ufunc(node, name, [node.left, node.comparators[0]])

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if _is_sum(node):
            return self._sum(node)
        text = expressions.text(node.func)
        name = text.removeprefix("np.")
        function: Any = getattr(np, name, None) if text.startswith("np.") else None
        simple = isinstance(function, np.ufunc) and not node.keywords and function.nout == 1
        if simple and len(node.args) == function.nin:
            return self._ufunc(node, name, node.args)
        top = node is self.top
        made: ast.expr = self.generic_visit(node)  # type: ignore[assignment]
        info = getattr(node, "info", None)
        if top or info is None:
            return made
        target = self.fresh("part")
        self._line([target], made, [])
        self.lines[-1].sizes = (_size(info),)
        return ast.Name(target)

    def _sum(self, node: ast.Call) -> ast.expr:
        """`x.sum(axis=0)`, which calls `np.add.reduce`."""
        assert isinstance(node.func, ast.Attribute)
        given = {k.arg: expressions.text(k.value) for k in node.keywords}
        axis = ast.parse(given.get("axis", "None"), mode="eval").body
        before = len(self.lines)
        made = self._ufunc(node, "add.reduce", [node.func.value, axis, ast.Constant(None)])
        if len(self.lines) > before and made is not node:
            self.lines[-1].options = given.get("keepdims", "")
        return made


def _size(info: Info) -> int:
    size = info[1].itemsize
    for n in info[0]:
        size *= n
    return size


def _is_sum(node: ast.Call) -> bool:
    """Whether it is a sum along axes, with no dtype of its own."""
    if not (isinstance(node.func, ast.Attribute) and node.func.attr == "sum"):
        return False
    if node.args or isinstance(node.func.value, ast.Constant):
        return False
    spelled = expressions.text(node.func)
    return spelled != "np.sum" and {k.arg for k in node.keywords} <= {"axis", "keepdims"}


def _number(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def _is_float(node: ast.expr) -> bool:
    info = getattr(node, "info", None)
    return info is not None and info[1].kind == "f"


_FRESH = {
    "sum", "mean", "max", "min", "prod", "any", "all", "var", "std", "argmax", "argmin", "argsort",
    "cumsum", "cumprod", "reduce", "copy", "zeros", "zeros_like", "ones_like", "arange", "where",
    "concatenate", "stack", "take", "repeat", "tril", "triu",
}  # fmt: skip


def _is_fresh(node: ast.expr) -> bool:
    """Whether a result certainly shares no memory with what the expression reads."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in _FRESH
    return isinstance(node, (ast.BinOp, ast.UnaryOp, ast.Compare, ast.Constant))
