"""Python values as expressions that make them."""

from __future__ import annotations

import ast
import math
from types import EllipsisType
from typing import Any

import numpy as np


class NoLiteral(Exception):
    """A value that no short expression makes."""


_TYPES: dict[Any, str] = {
    int: "int", float: "float", bool: "bool", slice: "slice", type(None): "type(None)",
    EllipsisType: "type(...)", np.ndarray: "np.ndarray", np.bool: "np.bool",
    np.integer: "np.integer", np.floating: "np.floating",
}  # fmt: skip


def literal(value: Any) -> ast.expr:
    """An expression that stands for this value as an argument. Raises NoLiteral."""
    kind = type(value)
    if value is None or kind in (bool, str) or (kind in (int, float) and 0 <= value < math.inf):
        return ast.Constant(value)
    if isinstance(value, np.dtype):
        return ast.parse(f"np.{value.name}", mode="eval").body
    return ast.parse(text(value), mode="eval").body


def text(value: Any) -> str:
    """The source of an expression with exactly this value."""
    if value is None or value is Ellipsis or isinstance(value, (bool, int, str)):
        return "..." if value is Ellipsis else repr(value)
    if isinstance(value, np.generic):
        return f"np.{value.dtype.name}({text(value.item())})"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else _not_finite(value)
    if isinstance(value, np.dtype):
        return f"np.dtype(np.{value.name})"
    if isinstance(value, slice):
        ends = (value.start, value.stop) if value.step is None else _ends(value)
        return f"slice({', '.join(map(text, ends))})"
    if isinstance(value, (tuple, list)):
        return _sequence(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{text(k)}: {text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, type):
        if value in _TYPES:
            return _TYPES[value]
        if value.__module__ == "numpy":
            return f"np.{value.__name__}"
    if isinstance(value, np.ufunc):
        name: str = value.__name__
        if getattr(np, name, None) is value:
            return f"np.{name}"
    raise NoLiteral(repr(value))


def _ends(value: slice) -> tuple[Any, Any, Any]:
    return value.start, value.stop, value.step


def _not_finite(value: float) -> str:
    return "np.nan" if math.isnan(value) else "np.inf" if value > 0 else "-np.inf"


def _sequence(value: Any) -> str:
    parts = ", ".join(map(text, value))
    if hasattr(value, "_fields"):
        named = zip(value._fields, value, strict=True)
        return f"{type(value).__name__}({', '.join(f'{k}={text(v)}' for k, v in named)})"
    if isinstance(value, list):
        return f"[{parts}]"
    return f"({parts},)" if len(value) == 1 else f"({parts})"


def named_tuples(value: Any) -> set[type]:
    """The named tuples that the source of `literal(value)` needs defined."""
    if not isinstance(value, (tuple, list)):
        return set()
    own = {type(value)} if hasattr(value, "_fields") else set()
    return own.union(*(named_tuples(each) for each in value))
