"""Short texts for people: static arguments, operands and names, as they stand in a drawing."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import printable
from ..graph import Edge, Node

LONGEST = 40


def operand(op: Any, i: int, edge: Edge) -> str:
    """An operand's name in the op, with its value if it is a Python number."""
    name = str(i) if op.sequence else op.tensors[i]
    if edge.dtype is None:
        number = edge.name
        name += f" = {number:.6g}" if isinstance(number, (float, np.floating)) else f" = {number}"
    return str(name)


def statics(node: Node) -> str:
    """The arguments which are no tensors and not left at their defaults."""
    op, first = node.op, len(node.op.tensors)
    named = zip(op.parameters[first:], op.defaults[first:], node.statics, strict=True)
    return ", ".join(
        f"{name}={value_of(value)}"
        for name, default, value in named
        if not (type(value) is type(default) and value_of(value) == value_of(default))
    )


def value_of(value: Any) -> str:
    """A static argument as its author would write it, but an array only in outline."""
    if isinstance(value, np.ndarray) and value.size > 4:
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, (tuple, list)):
        parts = [value_of(part) for part in value[:8]] + ["…"] * (len(value) > 8)
        return f"[{', '.join(parts)}]" if isinstance(value, list) else f"({', '.join(parts)})"
    if isinstance(value, slice):
        ends = (value.start, value.stop, value.step)[: 2 if value.step is None else 3]
        return ":".join("" if end is None else str(end) for end in ends)
    if value is Ellipsis:
        return "..."
    if isinstance(value, (np.ndarray, np.generic)):
        return str(value.tolist())
    return value.__name__ if isinstance(value, type) else str(value)


def formula(op: Any) -> str:
    """What an op computes, without its derivatives."""
    return str(op.formula.partition("∂")[0].rstrip(" ,;"))


def failure(outputs: Any, node: Node | None) -> str:
    """What went wrong in an op that failed."""
    return next((str(y.error) for y in outputs if y.node is node and hasattr(y, "error")), "failed")


def shortened(text: Any) -> str:
    """At most `LONGEST` characters, with control characters visible."""
    text = printable(str(text))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
