"""What the inliner computes with: values that are known now, and expressions of arrays."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import literals


class NotInlinable(Exception):
    """The body branches on values, loops, or writes into an array."""


class Known:
    """A Python value that is known now."""

    def __init__(self, value: Any) -> None:
        self.value = value


class Array:
    """An expression of arrays, and its value for the arrays that were traced.

    `is_nothing` are zeros for a gradient that never comes, whatever the arrays are.
    """

    def __init__(self, expression: ast.expr, array: Any, is_nothing: bool = False) -> None:
        self.expression = expression
        self.array = array
        self.is_nothing = is_nothing
        if isinstance(array, np.ndarray):
            info = array.shape, array.dtype, array.strides
            expression.info = info  # type: ignore[attr-defined]


class Items:
    """A list or tuple with arrays in it."""

    def __init__(self, kind: type, parts: list[Any]) -> None:
        self.kind = kind
        self.parts = parts


class Method:
    """A method of an array, to be called."""

    def __init__(self, owner: Array, name: str) -> None:
        self.owner = owner
        self.name = name


def sequence(kind: type, parts: list[Any]) -> Any:
    if all(isinstance(part, Known) for part in parts):
        return Known(kind(part.value for part in parts))
    return Items(kind, list(parts))


def parts_of(value: Any) -> Iterator[Any]:
    """What iterating over a value gives."""
    if isinstance(value, Items):
        return iter(value.parts)
    if isinstance(value, Known):
        return map(Known, value.value)
    if len(value.array) > 8:
        raise NotInlinable("iteration over an array")
    rows = enumerate(value.array)
    return iter([Array(ast.Subscript(value.expression, ast.Constant(i)), r) for i, r in rows])


def concrete(value: Any) -> Any:
    if isinstance(value, Known):
        return value.value
    return value.array if isinstance(value, Array) else value.kind(map(concrete, value.parts))


def expression_of(value: Any) -> ast.expr:
    if isinstance(value, Array):
        return value.expression
    if isinstance(value, Known):
        return literals.literal(value.value)
    parts = [expression_of(part) for part in value.parts]
    return ast.List(parts) if value.kind is list else ast.Tuple(parts)


def index_of(value: Any) -> ast.expr:
    """An index as one writes it in brackets: slices with colons."""
    if isinstance(value, Known) and isinstance(value.value, slice):
        ends = (value.value.start, value.value.stop, value.value.step)
        return ast.Slice(*(None if end is None else literals.literal(end) for end in ends))
    if isinstance(value, Known) and isinstance(value.value, tuple) and len(value.value) == 1:
        return index_of(Known(value.value[0]))
    if isinstance(value, Known) and isinstance(value.value, tuple) and value.value:
        return ast.Tuple([index_of(Known(each)) for each in value.value])
    if isinstance(value, Items) and value.kind is tuple:
        return ast.Tuple([index_of(each) for each in value.parts])
    return expression_of(value)


def is_array(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.generic))


def is_ndarray(value: Any) -> bool:
    return isinstance(value, Array) and isinstance(value.array, np.ndarray)


def wrapped(value: Any) -> Any:
    return value if isinstance(value, (Known, Array, Items)) else Known(value)


def known_result(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        raise NotInlinable("an array made of known values")
    return Known(value)
