"""Expressions as text on one line, spelled as `ruff format` spells them."""

from __future__ import annotations

import ast
from typing import Any

OPERATORS: dict[type, tuple[str, int]] = {
    ast.Or: ("or", 4), ast.And: ("and", 5), ast.BitOr: ("|", 8), ast.BitXor: ("^", 9),
    ast.BitAnd: ("&", 10), ast.LShift: ("<<", 11), ast.RShift: (">>", 11), ast.Add: ("+", 12),
    ast.Sub: ("-", 12), ast.Mult: ("*", 13), ast.MatMult: ("@", 13), ast.Div: ("/", 13),
    ast.FloorDiv: ("//", 13), ast.Mod: ("%", 13), ast.Pow: ("**", 15), ast.USub: ("-", 14),
    ast.UAdd: ("+", 14), ast.Invert: ("~", 14), ast.Not: ("not ", 6), ast.Eq: ("==", 7),
    ast.NotEq: ("!=", 7), ast.Lt: ("<", 7), ast.LtE: ("<=", 7), ast.Gt: (">", 7),
    ast.GtE: (">=", 7), ast.Is: ("is", 7), ast.IsNot: ("is not", 7), ast.In: ("in", 7),
    ast.NotIn: ("not in", 7),
}  # fmt: skip
CONDITIONAL, _COMPARISON, ATOM = 3, 7, 20


def text(node: ast.AST, least: int = 0) -> str:
    """An expression on one line, in parentheses if it binds less tightly than `least`."""
    handler = _EXPRESSIONS.get(type(node))
    if handler is None:
        return requoted(ast.unparse(ast.fix_missing_locations(node)))
    written, strength = handler(node)
    return f"({written})" if strength < least else written


def _name(node: ast.Name) -> tuple[str, int]:
    return node.id, ATOM


def _constant(node: ast.Constant) -> tuple[str, int]:
    value = node.value
    if isinstance(value, str):
        return quoted(value), ATOM
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value < 0:
        return repr(value), 14
    return "..." if value is Ellipsis else repr(value).replace("e+", "e"), ATOM


def quoted(value: str) -> str:
    """A string in double quotes, unless it holds some."""
    written = repr(value)
    if written[0] == '"' or '"' in written:
        return written
    return f'"{written[1:-1]}"'


def requoted(source: str) -> str:
    """Source of `ast.unparse` with double quotes."""
    if '"' in source or "\\" in source:
        return source
    return source.replace("'", '"')


def _attribute(node: ast.Attribute) -> tuple[str, int]:
    owner = text(node.value, ATOM)
    if isinstance(node.value, ast.Constant) and isinstance(node.value.value, int):
        owner = f"({owner})"
    return f"{owner}.{node.attr}", ATOM


def _call(node: ast.Call) -> tuple[str, int]:
    return f"{text(node.func, ATOM)}({', '.join(_arguments(node))})", ATOM


def _arguments(node: ast.Call) -> list[str]:
    if len(node.args) == 1 and not node.keywords and isinstance(node.args[0], ast.GeneratorExp):
        return [text(node.args[0])[1:-1]]
    keywords = (
        f"{k.arg}={text(k.value)}" if k.arg else f"**{text(k.value)}" for k in node.keywords
    )
    return [*map(text, node.args), *keywords]


def _binary(node: ast.BinOp) -> tuple[str, int]:
    sign, strength = OPERATORS[type(node.op)]
    if isinstance(node.op, ast.Pow):
        left, right = text(node.left, strength + 1), text(node.right, strength - 1)
        space = "" if _is_plain(node.left) and _is_plain(node.right) else " "
        return f"{left}{space}**{space}{right}", strength
    return f"{text(node.left, strength)} {sign} {text(node.right, strength + 1)}", strength


def _is_plain(node: ast.expr) -> bool:
    """Whether the power of it is written without spaces."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    if isinstance(node, ast.Attribute):
        return _is_path(node)
    return isinstance(node, ast.Name) or (
        isinstance(node, ast.Constant) and isinstance(node.value, (int, float))
    )


def _is_path(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def _unary(node: ast.UnaryOp) -> tuple[str, int]:
    sign, strength = OPERATORS[type(node.op)]
    return f"{sign}{text(node.operand, strength)}", strength


def _boolean(node: ast.BoolOp) -> tuple[str, int]:
    sign, strength = OPERATORS[type(node.op)]
    return f" {sign} ".join(text(v, strength + 1) for v in node.values), strength


def _compare(node: ast.Compare) -> tuple[str, int]:
    parts = [text(node.left, _COMPARISON + 1)]
    for op, right in zip(node.ops, node.comparators, strict=True):
        parts += [OPERATORS[type(op)][0], text(right, _COMPARISON + 1)]
    return " ".join(parts), _COMPARISON


def _conditional(node: ast.IfExp) -> tuple[str, int]:
    low = CONDITIONAL + 1
    body, test = text(node.body, low), text(node.test, low)
    return f"{body} if {test} else {text(node.orelse, CONDITIONAL)}", CONDITIONAL


def _tuple(node: ast.Tuple) -> tuple[str, int]:
    comma = "," if len(node.elts) == 1 else ""
    return f"({', '.join(map(text, node.elts))}{comma})", ATOM


def _list(node: ast.List) -> tuple[str, int]:
    return f"[{', '.join(map(text, node.elts))}]", ATOM


def _subscript(node: ast.Subscript) -> tuple[str, int]:
    index = text(node.slice)
    if isinstance(node.slice, ast.Tuple) and node.slice.elts:
        comma = "," if len(node.slice.elts) == 1 else ""
        index = ", ".join(map(text, node.slice.elts)) + comma
    return f"{text(node.value, ATOM)}[{index}]", ATOM


def _slice(node: ast.Slice) -> tuple[str, int]:
    ends = [node.lower, node.upper, *([node.step] if node.step else [])]
    simple = all(e is None or _is_short(e) for e in ends)
    lower, *others = ["" if e is None else text(e) for e in ends]
    for other in others:
        before = " :" if lower and not simple else ":"
        lower = f"{lower}{before}{' ' if other and not simple else ''}{other}"
    return lower, ATOM


def _is_short(node: ast.expr) -> bool:
    """Whether a slice with this end is written without spaces."""
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    return isinstance(node, (ast.Name, ast.Constant, ast.Attribute)) and (
        not isinstance(node, ast.Attribute) or False
    )


def _starred(node: ast.Starred) -> tuple[str, int]:
    return f"*{text(node.value, 8)}", ATOM


def _comprehension(node: Any) -> str:
    loops = []
    for loop in node.generators:
        target = target_text(loop.target)
        loops.append(f" for {target} in {text(loop.iter, 4)}")
        loops += [f" if {text(test, 4)}" for test in loop.ifs]
    return "".join(loops)


def _generator(node: ast.GeneratorExp) -> tuple[str, int]:
    return f"({text(node.elt)}{_comprehension(node)})", ATOM


def _listed(node: ast.ListComp) -> tuple[str, int]:
    return f"[{text(node.elt)}{_comprehension(node)}]", ATOM


def target_text(node: ast.expr) -> str:
    """What is assigned to: a tuple without parentheses."""
    if isinstance(node, ast.Tuple):
        parts = [text(e) for e in node.elts]
        return ", ".join(parts) + ("," if len(parts) == 1 else "")
    return text(node)


_EXPRESSIONS: dict[type, Any] = {
    ast.Name: _name, ast.Constant: _constant, ast.Attribute: _attribute, ast.Call: _call,
    ast.BinOp: _binary, ast.UnaryOp: _unary, ast.BoolOp: _boolean, ast.Compare: _compare,
    ast.IfExp: _conditional, ast.Tuple: _tuple, ast.List: _list, ast.Subscript: _subscript,
    ast.Slice: _slice, ast.Starred: _starred, ast.GeneratorExp: _generator, ast.ListComp: _listed,
}  # fmt: skip
