"""Syntax trees as lines of code, broken where `ruff format` breaks them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from .expressions import ATOM, CONDITIONAL, OPERATORS, requoted, target_text, text

WIDTH = 88

# -------------------------------------------------------------------- lines


def broken(head: str, node: ast.expr, tail: str, indent: int) -> list[str]:
    """`head node tail`, on several lines if it is too long for one."""
    margin = " " * indent
    flat = f"{margin}{head}{text(node)}{tail}"
    if len(flat) <= WIDTH:
        return [flat]
    if isinstance(node, (ast.Call, ast.Tuple, ast.List, ast.ListComp, ast.Dict, ast.DictComp)):
        return _bracketed(head, node, tail, indent)
    if isinstance(node, ast.UnaryOp) and text(node)[1] == "(":
        inside = _indented(node.operand, indent + 4)
        return [f"{margin}{head}{text(node)[0]}(", *inside, f"{margin}){tail}"]
    hugged = _hugged(head, list(_pieces(node)), tail, indent)
    if hugged:
        return hugged
    return [f"{margin}{head}(", *_indented(node, indent + 4), f"{margin}){tail}"]


def _hugged(head: str, pieces: list[Any], tail: str, indent: int) -> list[str]:
    """Two operands, of which one in brackets is split inside these, if it is one."""
    if len(pieces) != 2:
        return []
    margin = " " * indent
    (_, left, strength), (sign, right, least) = pieces
    start = f"{head}{text(left, strength)} {sign} "
    last = right
    while isinstance(last, ast.BinOp):
        last = last.right
    if isinstance(last, ast.Call) and (last.args or last.keywords):
        whole, written = start + text(right, least), text(last)
        before = whole[: len(whole) - len(written)]
        if whole.endswith(written) and len(margin + before + text(last.func)) < WIDTH:
            return _bracketed(before, last, tail, indent)
    if _is_enclosed(right, least) and len(margin) + len(start) < WIDTH:
        return [f"{margin}{start}(", *_indented(right, indent + 4), f"{margin}){tail}"]
    end = f" {sign} {text(right, least)}{tail}"
    if _is_enclosed(left, strength) and len(margin) + len(end) < WIDTH:
        return [f"{margin}{head}(", *_indented(left, indent + 4), f"{margin}){end}"]
    return []


def _is_enclosed(node: ast.expr, least: int) -> bool:
    """Whether an operation is written in parentheses."""
    return isinstance(node, ast.BinOp) and text(node, least)[0] == "("


def _indented(node: ast.expr, indent: int) -> list[str]:
    whole = " " * indent + text(node)
    return [whole] if len(whole) <= WIDTH else _operands(node, indent)


def _bracketed(head: str, node: Any, tail: str, indent: int) -> list[str]:
    """A call or a display, its parts indented: on one line, or on one each."""
    margin, inner = " " * indent, " " * (indent + 4)
    if isinstance(node, ast.Call):
        opening, closing = f"{text(node.func, ATOM)}(", ")"
        parts: list[Any] = [*node.args, *node.keywords]
    elif isinstance(node, ast.ListComp):
        opening, closing, parts = "[", "]", []
    elif isinstance(node, (ast.Dict, ast.DictComp)):
        opening, closing, parts = "{", "}", []
    else:
        opening, closing = ("(", ")") if isinstance(node, ast.Tuple) else ("[", "]")
        parts = node.elts
    if len(parts) == 1 and isinstance(parts[0], ast.GeneratorExp) and opening != "[":
        node = parts[0]
        if len(inner) + len(text(node)) - 2 <= WIDTH:
            return [
                f"{margin}{head}{opening}",
                inner + text(node)[1:-1],
                f"{margin}{closing}{tail}",
            ]
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        lines = [f"{inner}{text(k)}: {text(v)}," for k, v in pairs if k is not None]
        return [f"{margin}{head}{opening}", *lines, f"{margin}{closing}{tail}"]
    if isinstance(node, (ast.ListComp, ast.GeneratorExp, ast.DictComp)):
        written = text(node)[1:-1]
        if isinstance(node, ast.DictComp):
            element = f"{text(node.key)}: {text(node.value)}"
        else:
            element = text(node.elt)
        body = [f"{inner}{element}", *(f"{inner}{x}" for x in _loops(node))]
        if len(inner) + len(written) <= WIDTH:
            body = [inner + written]
        return [f"{margin}{head}{opening}", *body, f"{margin}{closing}{tail}"]
    joined = inner + ", ".join(map(_part, parts))
    if len(joined) <= WIDTH and isinstance(node, ast.Call):
        lines = [joined]
    else:
        lines = [line for part in parts for line in _part_lines(part, indent + 4)]
    return [f"{margin}{head}{opening}", *lines, f"{margin}{closing}{tail}"]


def _loops(node: Any) -> Iterator[str]:
    for loop in node.generators:
        yield f"for {target_text(loop.target)} in {text(loop.iter, 4)}"
        yield from (f"if {text(test, 4)}" for test in loop.ifs)


def _part(part: Any) -> str:
    if isinstance(part, ast.keyword):
        return f"{part.arg}={text(part.value)}"
    return text(part)


def _part_lines(part: Any, indent: int) -> list[str]:
    head, node = (f"{part.arg}=", part.value) if isinstance(part, ast.keyword) else ("", part)
    flat = f"{' ' * indent}{head}{text(node)},"
    if len(flat) <= WIDTH:
        return [flat]
    if isinstance(node, (ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp)) and not head:
        lines = _operands(node, indent)
        return [*lines[:-1], f"{lines[-1]},"]
    return broken(head, node, ",", indent)


def _operands(node: ast.expr, indent: int) -> list[str]:
    """An operation split before its operators."""
    margin = " " * indent
    pieces = list(_pieces(node))
    lines: list[str] = []
    for sign, piece, least in pieces:
        head = f"{sign} " if sign else ""
        written = text(piece, least)
        if len(margin) + len(head) + len(written) <= WIDTH:
            lines.append(f"{margin}{head}{written}")
        elif (
            written.startswith("(")
            and piece is not node
            and not isinstance(piece, (ast.Tuple, ast.GeneratorExp))
        ):
            lines += [f"{margin}{head}(", *_indented(piece, indent + 4), f"{margin})"]
        elif isinstance(piece, (ast.Call, ast.Tuple, ast.List)):
            lines += _bracketed(head, piece, "", indent)
        else:
            lines.append(f"{margin}{head}{written}")
    return lines


def _pieces(node: ast.expr) -> Iterator[tuple[str, ast.expr, int]]:
    """The operands of the loosest operators, each with its operator and binding strength."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        sign, strength = OPERATORS[ast.Pow]
        yield "", node.left, strength + 1
        yield sign, node.right, strength - 1
    elif isinstance(node, ast.BinOp):
        sign, strength = OPERATORS[type(node.op)]
        left = node.left
        if isinstance(left, ast.BinOp) and OPERATORS[type(left.op)][1] == strength:
            yield from _pieces(left)
        else:
            yield "", left, strength
        yield sign, node.right, strength + 1
    elif isinstance(node, ast.BoolOp):
        sign, strength = OPERATORS[type(node.op)]
        for i, value in enumerate(node.values):
            yield sign if i else "", value, strength + 1
    elif isinstance(node, ast.IfExp):
        yield "", node.body, CONDITIONAL + 1
        yield "if", node.test, CONDITIONAL + 1
        yield "else", node.orelse, CONDITIONAL
    else:
        yield "", node, 0


# -------------------------------------------------------------------- statements


def lines_of(node: ast.stmt, indent: int = 0) -> list[str]:
    """A statement as lines."""
    handler = _STATEMENTS.get(type(node))
    if handler is None:
        source = requoted(ast.unparse(ast.fix_missing_locations(node)))
        return [" " * indent + line for line in source.splitlines()]
    return handler(node, indent)  # type: ignore[no-any-return]


def _assign(node: ast.Assign, indent: int) -> list[str]:
    head = "".join(f"{target_text(t)} = " for t in node.targets)
    target = node.targets[0]
    unpacks = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Name)
    if unpacks and indent + len(head) + len(text(node.value)) > WIDTH:
        return _bracketed("", target, f" = {text(node.value)}", indent)
    if isinstance(node.value, ast.Tuple) and node.value.elts:
        flat = f"{' ' * indent}{head}{target_text(node.value)}"
        if len(flat) <= WIDTH:
            return [flat]
    return broken(head, node.value, "", indent)


def _augmented(node: ast.AugAssign, indent: int) -> list[str]:
    sign = OPERATORS[type(node.op)][0]
    return broken(f"{text(node.target)} {sign}= ", node.value, "", indent)


def _returned(node: ast.Return, indent: int) -> list[str]:
    if node.value is None:
        return [" " * indent + "return"]
    if isinstance(node.value, ast.Tuple) and node.value.elts:
        flat = f"{' ' * indent}return {target_text(node.value)}"
        if len(flat) <= WIDTH:
            return [flat]
    return broken("return ", node.value, "", indent)


def _raised(node: ast.Raise, indent: int) -> list[str]:
    cause = f" from {text(node.cause)}" if node.cause else ""
    if node.exc is None:
        return [" " * indent + "raise"]
    return broken("raise ", node.exc, cause, indent)


def _expression(node: ast.Expr, indent: int) -> list[str]:
    value = node.value
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return docstring(value.value, indent)
    return broken("", value, "", indent)


def docstring(value: str, indent: int) -> list[str]:
    """A docstring, its lines indented as the code is."""
    first, *rest = value.rstrip().splitlines()
    margin = " " * indent
    lines = [f'{margin}"""{first}', *(f"{margin}{x.strip()}" if x.strip() else "" for x in rest)]
    if not rest:
        return [f'{lines[0]}"""']
    return [*lines[:-1], f'{lines[-1]}"""'] if value.rstrip() == value else [*lines, f'{margin}"""']


def _if(node: ast.If, indent: int, word: str = "if") -> list[str]:
    lines = broken(f"{word} ", node.test, ":", indent) + block(node.body, indent + 4)
    if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        return lines + _if(node.orelse[0], indent, "elif")
    if node.orelse:
        lines += [" " * indent + "else:", *block(node.orelse, indent + 4)]
    return lines


def _for(node: ast.For, indent: int) -> list[str]:
    head = f"for {target_text(node.target)} in "
    return broken(head, node.iter, ":", indent) + block(node.body, indent + 4)


def _while(node: ast.While, indent: int) -> list[str]:
    return broken("while ", node.test, ":", indent) + block(node.body, indent + 4)


def _with(node: ast.With, indent: int) -> list[str]:
    items = ", ".join(
        text(i.context_expr) + (f" as {text(i.optional_vars)}" if i.optional_vars else "")
        for i in node.items
    )
    return [f"{' ' * indent}with {items}:", *block(node.body, indent + 4)]


def _try(node: ast.Try, indent: int) -> list[str]:
    margin = " " * indent
    lines = [f"{margin}try:", *block(node.body, indent + 4)]
    for handler in node.handlers:
        kind = f" {text(handler.type)}" if handler.type else ""
        lines += [f"{margin}except{kind}:", *block(handler.body, indent + 4)]
    return lines


def block(body: list[ast.stmt], indent: int) -> list[str]:
    """Statements, one after the other."""
    return [line for each in body for line in lines_of(each, indent)]


def _function(node: ast.FunctionDef, indent: int) -> list[str]:
    return definition(node.name, _parameters(node.args), indent) + block(node.body, indent + 4)


def definition(name: str, parameters: list[str], indent: int = 0) -> list[str]:
    """The first lines of a function."""
    margin, inner = " " * indent, " " * (indent + 4)
    flat = f"{margin}def {name}({', '.join(parameters)}):"
    if len(flat) <= WIDTH:
        return [flat]
    joined = f"{inner}{', '.join(parameters)}"
    body = [joined] if len(joined) <= WIDTH else [f"{inner}{p}," for p in parameters]
    return [f"{margin}def {name}(", *body, f"{margin}):"]


def _parameters(args: ast.arguments) -> list[str]:
    positional = [*args.posonlyargs, *args.args]
    defaults = [None] * (len(positional) - len(args.defaults)) + list(args.defaults)
    parameters = [_parameter(a, d) for a, d in zip(positional, defaults, strict=True)]
    if args.vararg:
        parameters.append(f"*{args.vararg.arg}")
    elif args.kwonlyargs:
        parameters.append("*")
    pairs = zip(args.kwonlyargs, args.kw_defaults, strict=True)
    parameters += [_parameter(a, d) for a, d in pairs]
    return [*parameters, f"**{args.kwarg.arg}"] if args.kwarg else parameters


def _parameter(arg: ast.arg, default: ast.expr | None) -> str:
    return arg.arg if default is None else f"{arg.arg}={text(default)}"


_STATEMENTS: dict[type, Any] = {
    ast.Assign: _assign, ast.AugAssign: _augmented, ast.Return: _returned, ast.Expr: _expression,
    ast.If: _if, ast.For: _for, ast.While: _while, ast.With: _with, ast.Try: _try,
    ast.FunctionDef: _function, ast.Raise: _raised,
}  # fmt: skip
