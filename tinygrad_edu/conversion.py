"""Conversions to Python numbers: a written `float(t)` is allowed, one inside a function is not.

`a[0] = t` and `math.sin(t)` both end in `t.__float__()`, and the gradient is lost without a word.
The instruction that the caller is at, and its source, tell these from a `float(t)` that was meant.
"""

from __future__ import annotations

import ast
import functools
import itertools
import linecache
import opcode
import re
import warnings
from types import CodeType, FrameType
from typing import Any

from . import errors

_LOADS_ONLY = "LOAD_METHOD" in opcode.opmap  # from Python 3.12 on a bit of LOAD_ATTR tells
_LOADS_METHOD = opcode.opmap["LOAD_METHOD" if _LOADS_ONLY else "LOAD_ATTR"]
_MEANT = re.compile(r"(^|\.)(float|int|is)\w*$")  # float(t), np.float64(t), math.isnan(t)


def is_called(frame: FrameType) -> bool:
    """Whether the attribute that the caller's `frame` reads is called as a method at once."""
    code, i = frame.f_code.co_code, frame.f_lasti
    return code[i] == _LOADS_METHOD and (_LOADS_ONLY or bool(code[i + 1] & 1))


def check(frame: FrameType, name: str) -> None:
    """Refuse or remark that a Tensor with a gradient becomes a number in the caller's `frame`.

    Raises TypeError in an assignment to an element, and warns where another function than `float`
    or `int` is called. `name` is what the Tensor is called in the message.
    """
    kind, callee = _use(frame.f_code, frame.f_lasti)
    if kind == "assignment":
        raise TypeError(
            f"assigning {name} to an element of an array would lose its gradient; build one Tensor "
            "of the elements with np.stack(list), or store the number alone with t.item(), "
            f"{errors.location()}"
        )
    if kind == "call":
        warnings.warn(
            f"{callee} takes the number of {name} out of the graph, and its gradient with it; use "
            "NumPy's function of the same name, which is recorded, or write t.item() if that is "
            f"meant, {errors.location()}",
            stacklevel=3,
        )


@functools.lru_cache(maxsize=1024)
def _use(code: CodeType, position: int) -> tuple[str, str]:
    """What an instruction does with the number: "assignment", "call" or "", and which function."""
    instruction = opcode.opname[code.co_code[position]]
    if instruction == "STORE_SUBSCR":
        return "assignment", ""
    if not instruction.startswith("CALL"):
        return "", ""  # as in "%f" % t
    callee = _callee(code, position)
    if callee is None:  # no source: somebody who writes float() has its name among the others
        callee = "" if {"float", "int"} & {*code.co_names} else "a function"
    return ("", "") if not callee or _MEANT.search(callee) else ("call", callee)


def _callee(code: CodeType, position: int) -> str | None:
    """The source of the function that is called there, as far as it can be known."""
    positions: Any = getattr(code, "co_positions", None)  # from Python 3.11 on
    if positions is None:
        return None
    line, end_line, start, end = next(itertools.islice(positions(), position // 2, None))
    if None in (line, end_line, start, end):
        return None
    lines = [linecache.getline(code.co_filename, n).encode() for n in range(line, end_line + 1)]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    try:
        expression = ast.parse(b"".join(lines).decode().strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return None
    if not isinstance(expression, ast.Call):
        return None
    return "" if any(map(_passes_on, ast.walk(expression))) else ast.unparse(expression.func)


def _passes_on(node: ast.AST) -> bool:
    """Whether it is map(float, ...) or key=float: somebody wrote it, and another calls it."""
    value = node.value if isinstance(node, ast.keyword) and node.arg == "key" else None
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "map" and node.args:
        value = node.args[0]
    return isinstance(value, ast.Name) and value.id in ("float", "int")
