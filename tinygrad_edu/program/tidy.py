"""Statements made shorter and plainer without changing what they compute."""

from __future__ import annotations

import ast
import keyword
import math
from collections import Counter
from collections.abc import Callable
from typing import Any

from . import expressions, printing
from .statement import Statement

SHORT = 44
"""A value used once moves into the expression that uses it, if it takes no more characters."""

SMALL = 1 << 16
"""Bytes. Larger arrays are not kept for the backward pass to save computing them again."""

_REDUCTIONS = ("sum", "mean", "max", "min", "prod", "any", "all", "var", "std")


class _Plain(ast.NodeTransformer):
    """Arguments at their defaults left out, and common calls as one writes them."""

    def visit_Call(self, node: ast.Call) -> Any:
        self.generic_visit(node)
        named = isinstance(node.func, ast.Attribute)
        attribute = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        method = named and not _is_numpy(node.func)
        owner: Any = getattr(node.func, "value", None)
        if method and attribute in _REDUCTIONS:
            names = ("axis", "dtype")
            moved = [ast.keyword(n, a) for n, a in zip(names, node.args, strict=False)]
            node.args, node.keywords = [], moved + node.keywords
        if attribute in (*_REDUCTIONS, "reduce", "cumsum", "repeat", "take"):
            node.keywords = [k for k in node.keywords if not _is_default(k)]
            while len(node.args) > 1 and _is(node.args[-1], None):
                node.args.pop()
            for each in node.keywords:
                if each.arg == "axis":
                    each.value = _single(each.value)
        if expressions.text(node.func) == "np.matmul" and len(node.args) == 2 and not node.keywords:
            return _like(node, ast.BinOp(node.args[0], ast.MatMult(), node.args[1]))
        if method and attribute == "reshape":
            node.keywords = [k for k in node.keywords if k.arg != "order" or not _is(k.value, "C")]
            shape = node.args[0] if len(node.args) == 1 else None
            if isinstance(shape, (ast.Tuple, ast.List)) and shape.elts:
                node.args = list(shape.elts)
        if method and attribute == "swapaxes" and _ends(node.args):
            return _like(node, ast.Attribute(owner, "mT"))
        if method and attribute == "transpose" and all(_is(a, None) for a in node.args):
            return _like(node, ast.Attribute(owner, "T"))
        return node


class _PlainBackward(_Plain):
    """The same, where nobody can tell an array from its copy."""

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        self.generic_visit(node)
        first_power = isinstance(node.op, ast.Pow) and expressions.text(node.right) == "1"
        return node.left if first_power else node


def _like(node: ast.expr, made: ast.expr) -> ast.expr:
    """Another spelling of a node, with what is known of its array."""
    if hasattr(node, "info"):
        made.info = node.info  # type: ignore[attr-defined]
    return made


def _is_numpy(node: ast.expr) -> bool:
    """Whether it is a path such as np.add.reduce."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id == "np"


def _is(node: ast.expr, value: Any) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def _is_default(keyword: ast.keyword) -> bool:
    return (keyword.arg in ("dtype", "axis") and _is(keyword.value, None)) or (
        keyword.arg == "keepdims" and _is(keyword.value, False)
    )


def _single(axis: ast.expr) -> ast.expr:
    return axis.elts[0] if isinstance(axis, ast.Tuple) and len(axis.elts) == 1 else axis


def _ends(args: list[ast.expr]) -> bool:
    return sorted(expressions.text(a) for a in args) == ["-1", "-2"]


class Renamed(ast.NodeTransformer):
    """Names replaced by expressions."""

    def __init__(self, by: dict[str, ast.expr]) -> None:
        self.by = by

    def visit_Name(self, node: ast.Name) -> Any:
        return self.by.get(node.id, node)

    def apply(self, statement: Statement) -> None:
        """Replace the names that a statement reads."""
        if self.by.keys().isdisjoint(reads(statement)):
            return
        statement.names = None
        statement.expression = self.visit(statement.expression)
        if statement.into is not None:
            statement.into = self.visit(statement.into)


def names_in(node: ast.AST) -> Counter[str]:
    """How often each name occurs."""
    found: Counter[str] = Counter()
    stack: list[Any] = [node]
    while stack:
        each = stack.pop()
        if type(each) is ast.Name:
            found[each.id] += 1
        elif isinstance(each, ast.AST):
            stack.extend(vars(each).values())
        elif type(each) is list:
            stack.extend(each)
    return found


def reads(statement: Statement) -> Counter[str]:
    """The names that a statement reads."""
    if statement.names is None:
        statement.names = names_in(statement.expression)
        if statement.into is not None:
            statement.names.update(names_in(statement.into))
    return statement.names  # type: ignore[no-any-return]


def changed(statements: list[Statement]) -> set[str]:
    """The variables whose elements change after they were computed."""
    effects = [s for s in statements if s.effect]
    return {n for s in effects for n in names_in(s.into or s.expression)}


def plain(statements: list[Statement]) -> None:
    """Write each expression as one would."""
    for statement in statements:
        plainer = _PlainBackward() if statement.backward else _Plain()
        statement.expression = plainer.visit(statement.expression)
        if statement.into is not None:
            statement.into = _Plain().visit(statement.into)


class _Shared(ast.NodeTransformer):
    """Finds expressions that were computed before; each is known by its parts' numbers."""

    def __init__(self, unstable: set[str]) -> None:
        self.unstable = unstable
        self.numbers: dict[Any, int] = {}
        self.known: dict[int, tuple[str, bool]] = {}  # number -> variable, computed forward
        self.backward = False
        self.found: list[str] = []

    def number(self, node: Any) -> int:
        """Equal for equal expressions."""
        if isinstance(node, ast.Name):
            key: Any = node.id
        elif isinstance(node, ast.AST):
            fields = (getattr(node, name, None) for name in node._fields if name != "ctx")
            key = (type(node), *map(self.number, fields))
        elif isinstance(node, list):
            key = ("list", *map(self.number, node))
        else:
            key = (type(node), repr(node))
        return self.numbers.setdefault(key, len(self.numbers))

    def visit(self, node: ast.AST) -> Any:
        node = self.generic_visit(node)
        if isinstance(node, ast.Call) and expressions.text(node.func) == "np.copy":
            return node
        if isinstance(node, (ast.BinOp, ast.Call, ast.Compare, ast.UnaryOp)):
            name, forward = self.known.get(self.number(node), ("", False))
            if name and (forward == (not self.backward) or _is_small(node)):
                self.found.append(name)
                return ast.Name(name)
        return node


def _is_small(node: ast.AST) -> bool:
    """Whether keeping an array for the backward pass is cheaper than computing it again."""
    info = getattr(node, "info", None)
    return info is not None and math.prod(info[0]) * info[1].itemsize <= SMALL


def shared(statements: list[Statement], results: dict[Any, ast.expr]) -> list[Statement]:
    """Compute once what several expressions compute; `results` are renamed along."""
    finder = _Shared(changed(statements))
    by: dict[str, ast.expr] = {}
    several: dict[Any, list[str]] = {}  # what returned several values -> their variables
    kept = []
    for statement in statements:
        Renamed(by).apply(statement)
        stable = finder.unstable.isdisjoint((*statement.targets, *reads(statement)))
        finder.backward = statement.backward
        if stable and not statement.effect:
            before = len(finder.found)
            statement.expression = finder.visit(statement.expression)
            if len(finder.found) > before:
                statement.names = None
            if len(statement.targets) == 1:
                if isinstance(statement.expression, ast.Name):
                    by[statement.targets[0]] = statement.expression
                    continue
                number = finder.number(statement.expression)
                finder.known[number] = statement.targets[0], not statement.backward
            else:
                key = finder.number(statement.expression), statement.backward
                same = several.setdefault(key, statement.targets)
                if same is not statement.targets:
                    pairs = zip(statement.targets, same, strict=True)
                    by.update((target, ast.Name(name)) for target, name in pairs)
                    continue
        kept.append(statement)
    for key, expression in results.items():
        results[key] = Renamed(by).visit(expression)
    return kept


def live(statements: list[Statement], results: dict[Any, ast.expr]) -> list[Statement]:
    """The statements that the results need."""
    needed = Counter(name for each in results.values() for name in names_in(each))
    kept = []
    for statement in reversed(statements):
        if statement.effect or any(needed[target] for target in statement.targets):
            needed.update(reads(statement))
            kept.append(statement)
    return kept[::-1]


def nested(statements: list[Statement], results: dict[Any, ast.expr]) -> list[Statement]:
    """Short values that are used once, moved to where they are used if the line stays short."""
    uses = Counter(name for each in results.values() for name in names_in(each))
    for statement in statements:
        uses.update(reads(statement))
    unstable = changed(statements)
    waiting: dict[str, Statement] = {}
    kept: list[Statement] = []
    for statement in statements:
        for name in [n for n in reads(statement) if n in waiting]:
            candidate = waiting.pop(name)
            if _fits(statement, candidate):
                Renamed({name: candidate.expression}).apply(statement)
            else:
                kept.append(candidate)
        movable = len(statement.targets) == 1 and statement.temporary and not statement.effect
        movable = movable and unstable.isdisjoint((*statement.targets, *reads(statement)))
        movable = movable and uses[statement.targets[0]] == 1
        if movable and _length(statement.expression) <= SHORT:
            waiting[statement.targets[0]] = statement
            continue
        kept.append(statement)
    for key, expression in results.items():
        for name in [n for n in names_in(expression) if n in waiting]:
            kept.append(waiting.pop(name))
        results[key] = expression
    return kept


def renumber(
    statements: list[Statement],
    results: dict[Any, ast.expr],
    bases: dict[str, str],
    fixed: list[str],
) -> None:
    """Names without gaps in their numbers, where variables have gone."""
    used = {"np", *keyword.kwlist, *fixed}
    by: dict[str, ast.expr] = {}
    for statement in statements:
        Renamed(by).apply(statement)
        for i, name in enumerate(statement.targets):
            if name == "_":
                continue
            base = bases.get(name, name)
            source = by.get(base.removeprefix("d_"))
            if isinstance(source, ast.Name) and base != source.id and base.startswith("d_"):
                base = f"d_{source.id}"  # the gradient of what got another name
            new = base
            n = 1
            while new in used:
                n += 1
                new = f"{base}_{n}" if base[-1].isdigit() else f"{base}{n}"
            used.add(new)
            if new != name:
                by[name] = ast.Name(new)
            statement.targets[i] = new
    for key, expression in results.items():
        results[key] = Renamed(by).visit(expression)


def tidied(
    statements: list[Statement],
    results: dict[Any, ast.expr],
    names: Any,
    fixed: list[str],
    entry: Statement | None = None,
) -> list[Statement]:
    """All of this; the targets of `entry` are a function's parameters."""
    plain(statements)
    statements = shared(statements, results)
    statements = nested(live(statements, results), results)
    statements = split(statements, names.fresh)
    renumber([entry, *statements] if entry else statements, results, names.bases, fixed)
    return statements


def split(statements: list[Statement], fresh: Callable[[str], str]) -> list[Statement]:
    """Long lines in several, each with a part of the expression."""
    kept = []
    for statement in statements:
        while _is_long(statement) and (part := _largest_part(statement.expression)) is not None:
            name = fresh("part")
            moved = Statement([name], part, [])
            moved.backward, moved.step = statement.backward, statement.step
            kept.append(moved)
            statement.expression = _Replaced(part, ast.Name(name)).visit(statement.expression)
            statement.names = None
        kept.append(statement)
    return kept


def _is_long(statement: Statement) -> bool:
    target = sum(map(len, statement.targets)) + 7
    return target + _length(statement.expression) > printing.WIDTH


def _largest_part(expression: ast.expr) -> ast.expr | None:
    """An array within an expression, with the most text that still is one line."""
    owner = getattr(getattr(expression, "func", None), "value", None)
    if isinstance(owner, ast.Call) and _length(owner) > printing.WIDTH - 20:
        return owner
    parts = [n for n in ast.walk(expression) if isinstance(n, (ast.Call, ast.BinOp))]
    found = [(_length(n), i) for i, n in enumerate(parts) if n is not expression and _is_known(n)]
    fitting = [each for each in found if 12 <= each[0] <= printing.WIDTH - 20]
    return parts[max(fitting)[1]] if fitting else None


def _is_known(node: ast.AST) -> bool:
    return hasattr(node, "info")


class _Replaced(ast.NodeTransformer):
    """One node replaced by another."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old = old
        self.new = new

    def visit(self, node: ast.AST) -> Any:
        return self.new if node is self.old else self.generic_visit(node)


def _fits(statement: Statement, candidate: Statement) -> bool:
    """Whether a statement is still a line with another one's expression in it."""
    target = sum(map(len, statement.targets)) + 7
    return target + _length(statement.expression) + _length(candidate.expression) <= printing.WIDTH


def _length(node: ast.expr) -> int:
    return len(expressions.text(node))
