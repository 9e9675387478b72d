"""Where results go in memory: statements as NumPy calls that write into buffers kept between calls.

A statement is taken apart into calls of one ufunc each, whose result goes into a buffer by `out=`.
A buffer serves again as soon as nobody reads its array any more, so a run allocates next to nothing
and needs no more memory than its values at the worst moment.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from typing import Any

import numpy as np

from . import layout, tidy
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

LARGE = 1 << 15
"""Bytes. Larger arrays are let go of as soon as nobody reads them."""

Info = tuple[tuple[int, ...], np.dtype[Any], tuple[int, ...]]
"""Shape, dtype and strides: in another order, sums would be rounded otherwise."""


class Call:
    """`target = text`, or with a `ufunc` the call of it with arguments and a buffer.

    `info` are the shape and dtype of the result if it may go into a buffer.
    """

    __slots__ = (
        "target", "text", "ufunc", "args", "reads", "info", "backward", "buffer", "result",
        "options", "fresh", "dead",
    )  # fmt: skip

    def __init__(self, target: str, text: str, reads: set[str], backward: bool) -> None:
        self.target = target
        self.text = text
        self.reads = reads
        self.backward = backward
        self.ufunc = ""
        self.args: list[str] = []
        self.info: Info | None = None
        self.buffer: int | None = None
        self.result: int | None = None
        self.options = ""
        self.fresh = False
        self.dead: list[str] = []  # variables that nobody reads after it

    def lines(self, *, buffers: bool = True) -> list[str]:
        """The lines of code."""
        gone = [f"del {', '.join(self.dead)}"] if self.dead else []
        return [self.line(buffers=buffers), *gone]

    def line(self, *, buffers: bool = True) -> str:
        """The line of code."""
        if not self.ufunc:
            return self.text
        out = ""
        if buffers and self.buffer is not None:
            out = f", b{self.buffer}"
        elif buffers and self.result is not None:
            out = f", unheld(results, {self.result})"
        if out and self.ufunc in ("maximum", "minimum"):
            out = f", out={out[2:]}"  # which NumPy no longer takes by position
        if self.options:
            out = f"{out or ', None'}, {self.options}"
        return f"{self.target} = np_{self.ufunc}({', '.join(self.args)}{out})"


class _Lower(ast.NodeTransformer):
    """Takes the elementwise parts of an expression out of it, each as a call of its own."""

    def __init__(self, plan: Plan, backward: bool) -> None:
        self.plan = plan
        self.backward = backward
        self.target = ""

    def lowered(self, node: ast.expr, target: str) -> ast.expr:
        self.target = target
        self.top = node
        return self.visit(node)  # type: ignore[no-any-return]

    def _call(self, node: ast.expr, ufunc: str, args: list[ast.expr]) -> ast.expr:
        info: Info | None = getattr(node, "info", None)
        top = node is self.top
        args = [self.visit(a) for a in args]
        if info is None or info[0] == ():
            return node
        target = self.target if top else self.plan.fresh()
        call = Call(target, "", set().union(*map(tidy.names_in, args)), self.backward)
        call.ufunc, call.args, call.info = ufunc, [layout.source(a) for a in args], info
        self.plan.calls.append(call)
        return ast.Name(target)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        ufunc = _UFUNCS.get(type(node.op))
        if isinstance(node.op, ast.Pow):
            power = _number(node.right)
            if power in _POWERS and _is_float(node):
                return self._replaced(node, _POWERS[power], [node.left])
        if ufunc is None:
            return self.generic_visit(node)  # type: ignore[return-value]
        return self._replaced(node, ufunc, [node.left, node.right])

    def _replaced(self, node: Any, ufunc: str, args: list[ast.expr]) -> ast.expr:
        made = self._call(node, ufunc, args)
        return self.generic_visit(node) if made is node else made  # type: ignore[return-value]

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        ufunc = _UFUNCS.get(type(node.op))
        if ufunc is None or isinstance(node.operand, ast.Constant):
            return node
        return self._replaced(node, ufunc, [node.operand])

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        ufunc = _UFUNCS.get(type(node.ops[0]))
        if ufunc is None:
            return self.generic_visit(node)  # type: ignore[return-value]
        return self._replaced(node, ufunc, [node.left, node.comparators[0]])

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if _is_sum(node):
            return self._sum(node)
        text = layout.source(node.func)
        name = text.removeprefix("np.")
        function: Any = getattr(np, name, None) if text.startswith("np.") else None
        simple = isinstance(function, np.ufunc) and not node.keywords and function.nout == 1
        if simple and len(node.args) == function.nin:
            return self._replaced(node, name, node.args)
        return self.generic_visit(node)  # type: ignore[return-value]

    def _sum(self, node: ast.Call) -> ast.expr:
        """`x.sum(axis=0)`, which calls `np.add.reduce`."""
        assert isinstance(node.func, ast.Attribute)
        given = {k.arg: layout.source(k.value) for k in node.keywords}
        made = self._call(node, "add.reduce", [node.func.value])
        if made is node:
            return self.generic_visit(node)  # type: ignore[return-value]
        call = self.plan.calls[-1]
        call.args += [given.get("axis", "None"), "None"]
        call.options = given.get("keepdims", "")
        return made


def _is_sum(node: ast.Call) -> bool:
    """Whether it is a sum along axes, with no dtype of its own."""
    if not (isinstance(node.func, ast.Attribute) and node.func.attr == "sum"):
        return False
    if node.args or isinstance(node.func.value, ast.Constant):
        return False
    spelled = layout.source(node.func)
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


class Plan:
    """The calls of a program in order, and a buffer for each result that may have one."""

    def __init__(self, statements: list[Statement], kept: set[str], gradients: set[str]) -> None:
        self.calls: list[Call] = []
        self.buffers: list[Info] = []
        self.infos: list[Info] = []  # of the gradients that are returned
        self.ufuncs: set[str] = set()
        self._n = 0
        unstable = tidy.changed(statements)
        self.gradients = gradients - unstable
        for each in statements:
            self._lower(each)
        self._assign(kept | gradients | unstable)
        self._free(statements, kept | gradients | unstable)

    def fresh(self) -> str:
        """A name for a part of an expression."""
        self._n += 1
        return f"_{self._n}"

    def _lower(self, statement: Statement) -> None:
        target = statement.targets[0] if len(statement.targets) == 1 else ""
        expression = statement.expression
        if not statement.effect:
            expression = _Lower(self, statement.backward).lowered(expression, target)
            if target and isinstance(expression, ast.Name) and expression.id == target:
                return
        copied = Statement(statement.targets, expression, statement.arrays)
        copied.into, copied.adds = statement.into, statement.adds
        reads = set(tidy.reads(copied))
        call = Call(target, layout.statement(copied), reads, statement.backward)
        call.fresh = _is_fresh(expression)
        self.calls.append(call)

    # ---------------------------------------------------------------- liveness

    def _assign(self, kept: set[str]) -> None:
        owners = self._owners()
        last: dict[str, int] = {}
        for i, call in enumerate(self.calls):
            for name in call.reads:
                for owner in owners.get(name, ()):
                    last[owner] = i
        held = {owner for name in kept for owner in owners.get(name, (name,))}
        ends = defaultdict(list)
        for name, i in last.items():
            ends[i].append(name)
        free: dict[Info, list[int]] = defaultdict(list)
        used: dict[str, tuple[int, Info]] = {}
        for i, call in enumerate(self.calls):
            dying = [n for n in ends[i] if n in used and n not in held]
            if call.ufunc and call.ufunc not in ("matmul", "add.reduce"):
                self._release(dying, used, free)
                dying = []
            if call.ufunc:
                self.ufuncs.add(call.ufunc.partition(".")[0])
            if call.info is not None and call.target in self.gradients:
                call.result = len(self.infos)
                self.infos.append(call.info)
            elif call.info is not None and call.target not in held and call.target in last:
                call.buffer = self._buffer(call.info, free)
                used[call.target] = (call.buffer, call.info)
            self._release(dying, used, free)

    def _free(self, statements: list[Statement], kept: set[str]) -> None:
        """Let go of large arrays that are in no buffer as soon as they were read."""
        sizes = {t: a.nbytes for s in statements for t, a in zip(s.targets, s.arrays, strict=False)
                 if isinstance(a, np.ndarray)}  # fmt: skip
        buffered = {c.target for c in self.calls if c.buffer is not None}
        large = {name for name, size in sizes.items() if size >= LARGE} - buffered - kept
        last: dict[str, int] = {}
        for i, call in enumerate(self.calls):
            last.update(dict.fromkeys(large & call.reads, i))
        for name, i in last.items():
            self.calls[i].dead.append(name)

    def _owners(self) -> dict[str, set[str]]:
        """For each variable, those whose memory it may share: views keep an array in use."""
        owners: dict[str, set[str]] = {}
        for call in self.calls:
            if call.ufunc or call.fresh:
                owners[call.target] = {call.target}
                continue
            shared = set().union(*(owners.get(name, set()) for name in call.reads))
            targets = [call.target] if call.target else call.text.partition(" = ")[0].split(", ")
            for target in targets:
                owners[target] = {target} | shared
        return owners

    def _release(self, names: list[str], used: Any, free: dict[Info, list[int]]) -> None:
        for name in names:
            buffer, info = used.pop(name)
            free[info].append(buffer)

    def _buffer(self, info: Info, free: dict[Info, list[int]]) -> int:
        if free[info]:
            return free[info].pop()
        self.buffers.append(info)
        return len(self.buffers) - 1

    def workspace(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Fresh buffers, and arrays for the gradients."""
        return list(map(_empty, self.buffers)), list(map(_empty, self.infos))


def _empty(info: Info) -> np.ndarray:
    """An array with these strides, which may be in another order than C's."""
    shape, dtype, strides = info
    array: np.ndarray = np.empty(shape, dtype)
    if array.strides == strides:
        return array
    order = sorted(range(len(shape)), key=lambda i: -strides[i])
    ordered: np.ndarray = np.empty([shape[i] for i in order], dtype)
    array = ordered.transpose([order.index(i) for i in range(len(shape))])
    return array


def unheld(arrays: list[np.ndarray], i: int) -> np.ndarray:
    """One of the arrays, a new one in its place if somebody holds the old one."""
    array = arrays[i]
    if sys.getrefcount(array) > 3:
        array = arrays[i] = np.empty_like(array)
    return array
