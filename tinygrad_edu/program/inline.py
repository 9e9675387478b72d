"""The body of an op's forward, or of a VJP, as statements about a program's variables.

It is read by partial evaluation: shapes, dtypes and static arguments are known, so what depends on
nothing else is computed now, static branches are taken, and functions that are called are read in
turn. What remains are expressions of arrays. Each is evaluated as it is written, so that the shapes
of intermediate results are known too.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np

from ..ops.elementwise import nothing, only
from ..ops.sharing import SHARED
from ..precision import is_moderate
from . import literals, source
from .body import Body, Return
from .helpers import Helpers
from .statement import Statement
from .values import (
    Array,
    Items,
    Known,
    NotInlinable,
    concrete,
    expression_of,
    is_array,
    known_result,
    sequence,
)  # fmt: skip

MOST_STATEMENTS = 5
"""A body of more statements becomes a function of its own, with the formula in its docstring."""


def _multiplied(g: Any, mask: Any) -> Any:
    return g * mask


def _chosen(g: Any, mask: Any) -> Any:
    return np.where(mask, g, 0)


def _zeros(g: Any) -> Any:
    return np.zeros_like(g)


def _moderate(x: Any) -> bool:
    return True


SIMPLE: dict[Callable[..., Any], Callable[..., Any]] = {
    only: _multiplied,
    nothing: _zeros,
    is_moderate: _moderate,
}
"""What a program writes in place of what also minds infinite values; see `zero_unreached`."""

MINDFUL = SIMPLE | {only: _chosen}
"""The same where a gradient may be infinite."""


class Inliner:
    """Writes calls as statements; `fresh(name)` gives each variable a name of its own."""

    def __init__(
        self, fresh: Callable[[str], str], helpers: Helpers, simple: dict[Any, Any]
    ) -> None:
        self.fresh = fresh
        self.simple = simple
        self.helpers = helpers
        self.statements: list[Statement] = []
        self.shallow = False  # whether all that is called becomes a helper function
        self.writable: set[str] = set()  # variables whose elements may be assigned

    def call(self, function: Callable[..., Any], args: list[Any]) -> Any:
        """What a call returns: its body if that is short, else the call of a helper function."""
        start = len(self.statements)
        try:
            with np.errstate(all="ignore"):
                result = self._inlined(self.simple.get(function, function), args, {})
            if len(self.statements) - start <= MOST_STATEMENTS:
                return result
            if function.__name__ == "<lambda>":  # that picks what several derivatives share
                del self.statements[start:]
                return self._picked(function, args)
        except (NotInlinable, source.NoSource, literals.NoLiteral):
            pass
        del self.statements[start:]
        return self._helper(function, args, {})

    def _picked(self, function: Callable[..., Any], args: list[Any]) -> Any:
        """The body of a lambda, in which what it calls are helper functions."""
        self.shallow = True
        try:
            return self._inlined(function, args, {})
        finally:
            self.shallow = False

    def changed(self, function: Callable[..., Any], args: list[Any]) -> bool:
        """Write the body of a function that changes its first argument, if that can be done."""
        try:
            with np.errstate(all="ignore"):
                self._inlined(function, args, {})
        except (NotInlinable, source.NoSource, literals.NoLiteral):
            return False
        return True

    def assign(self, name: str, value: Any) -> Any:
        """A variable for what a call returned."""
        if isinstance(value, Known):
            array = np.asarray(value.value)
            value = Array(literals.literal(value.value), array)
        if isinstance(value, Items):
            return Items(value.kind, [self.assign(name, part) for part in value.parts])
        if isinstance(value.expression, ast.Name):
            return value
        target = self.fresh(name)
        self.statements.append(Statement([target], value.expression, [value.array]))
        if _makes_zeros(value.expression):
            self.writable.add(target)
        return Array(ast.Name(target), value.array)

    # ---------------------------------------------------------------- calls

    def _inlined(self, function: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        node = source.tree_of(function)
        env = self._bound(function, node, args, kwargs)
        body = Body(self, env, function.__globals__)
        if isinstance(node, ast.Lambda):
            return body.value(node.body)
        try:
            body.run(node.body)
        except Return as returned:
            return returned.value
        return Known(None)

    def _bound(
        self, function: Any, node: source.Function, args: list[Any], kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        names = source.parameters(node)
        env = dict(zip(names, args, strict=False))
        if len(args) > len(names):
            if node.args.vararg is None:
                raise NotInlinable("too many arguments")
            env[node.args.vararg.arg] = sequence(tuple, args[len(names) :])
        elif node.args.vararg is not None:
            env[node.args.vararg.arg] = Known(())
        env.update(kwargs)
        defaults = function.__defaults__ or ()
        for name, default in zip(names[len(names) - len(defaults) :], defaults, strict=True):
            env.setdefault(name, Known(default))
        for name, default in (function.__kwdefaults__ or {}).items():
            env.setdefault(name, Known(default))
        if node.args.kwarg is not None:
            raise NotInlinable("keywords of any name")
        return env

    def _helper(self, function: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        name = self.helpers.add(function)
        for value in [*args, *kwargs.values()]:
            self.helpers.need(concrete(value))
        call = ast.Call(
            ast.Name(name),
            [expression_of(value) for value in args],
            [ast.keyword(key, expression_of(value)) for key, value in kwargs.items()],
        )
        given = [concrete(value) for value in args]
        with np.errstate(all="ignore"):
            result = function(*given, **{k: concrete(v) for k, v in kwargs.items()})
        if result is None:
            raise NotInlinable("called for what it changes")
        if is_array(result):
            return Array(call, result)
        if not isinstance(result, (tuple, list)):
            raise NotInlinable("a number computed from arrays, which would be frozen")
        targets = [self.fresh(f"{name.strip('_')}_{i}") for i in range(len(result))]
        self.statements.append(Statement(targets, call, list(result)))
        parts = [Array(ast.Name(t), a) for t, a in zip(targets, result, strict=True)]
        return Items(type(result) if type(result) in (list, tuple) else tuple, parts)

    def function(self, function: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """A call, inside a body, of another function of this library."""
        op = getattr(function, "op", None)
        if op is not None:
            bound = op.bind(tuple(args), kwargs)
            args = [v if isinstance(v, (Known, Array, Items)) else Known(v) for v in bound]
            function, kwargs = op.forward, {}
        is_shared = function in SHARED
        function = getattr(function, "__wrapped__", function)
        if all(isinstance(v, Known) for v in [*args, *kwargs.values()]):
            return known_result(
                function(*[v.value for v in args], **{k: v.value for k, v in kwargs.items()})
            )
        if self.shallow:
            return self._helper(function, args, kwargs)
        start = len(self.statements)
        try:
            return self._inlined(self.simple.get(function, function), args, kwargs)
        except (NotInlinable, source.NoSource):
            del self.statements[start:]
            result = self._helper(function, args, kwargs)
            # so that derivatives that share it find it
            return self.assign(function.__name__.strip("_"), result) if is_shared else result


def _makes_zeros(node: ast.expr) -> bool:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    return node.func.attr in ("zeros", "zeros_like", "empty")
