"""The statements of a function's body, read by partial evaluation."""

from __future__ import annotations

import ast
import builtins
import itertools
import operator
from typing import Any

import numpy as np

from ..ops.sharing import came
from . import expressions
from .statement import Statement
from .values import (
    Array,
    Items,
    Known,
    Method,
    NotInlinable,
    concrete,
    expression_of,
    index_of,
    is_array,
    is_ndarray,
    known_result,
    parts_of,
    sequence,
    wrapped,
)


class Return(Exception):
    def __init__(self, value: Any) -> None:
        self.value = value


_BINARY: dict[Any, Any] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
    ast.Pow: operator.pow, ast.MatMult: operator.matmul, ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_, ast.BitXor: operator.xor,
}  # fmt: skip
_COMPARE: dict[Any, Any] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Is: operator.is_, ast.IsNot: operator.is_not,
    ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b,
}  # fmt: skip
_UNARY: dict[Any, Any] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
}
_STATIC = ("shape", "ndim", "size", "dtype")
_CONTAINERS = (zip, enumerate, list, tuple, reversed, range)
_MAKERS = (np.arange, np.zeros, np.ones, np.full, np.eye)
_WRITES = {"fill", "sort", "partition", "put", "resize", "setflags", "itemset"}


class Body:
    """The statements of one function, with its local variables."""

    def __init__(self, inliner: Any, env: dict[str, Any], outer: dict[str, Any]) -> None:
        self.inliner = inliner
        self.env = env
        self.outer = outer

    def run(self, body: list[ast.stmt]) -> None:
        for statement in body:
            handler = getattr(self, f"_{type(statement).__name__}", None)
            if handler is None:
                raise NotInlinable(type(statement).__name__)
            handler(statement)

    def _Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            result = self.value(node.value)
            if not (isinstance(result, Known) and result.value is None):
                raise NotInlinable("a statement without a result")

    def _Pass(self, node: ast.Pass) -> None:
        pass

    def _Return(self, node: ast.Return) -> None:
        raise Return(Known(None) if node.value is None else self.value(node.value))

    def _Assign(self, node: ast.Assign) -> None:
        value = self.value(node.value)
        for target in node.targets:
            self._bind(target, value)

    def _AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._bind(node.target, self.value(node.value))

    def _bind(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Subscript):
            self._write(target, value, adds=False)
            return
        if isinstance(target, (ast.Tuple, ast.List)):
            parts = list(parts_of(value))
            if len(parts) != len(target.elts):
                raise NotInlinable("unpacking")
            for each, part in zip(target.elts, parts, strict=True):
                self._bind(each, part)
        elif isinstance(target, ast.Name):
            if isinstance(value, Array):
                value = self.inliner.assign(target.id, value)
            self.env[target.id] = value
        else:
            raise NotInlinable("assignment into an array")

    def _write(self, target: ast.Subscript, value: Any, *, adds: bool) -> None:
        """Elements of an array that this body made, or was given to add to."""
        owner, index = self.value(target.value), self.value(target.slice)
        if not (isinstance(owner, Array) and isinstance(owner.expression, ast.Name)):
            raise NotInlinable("assignment into a list")
        if owner.expression.id not in self.inliner.writable:
            raise NotInlinable("assignment into an argument")
        if adds:
            owner.array[concrete(index)] += concrete(value)
        else:
            owner.array[concrete(index)] = concrete(value)
        statement = Statement([], expression_of(value), [])
        statement.into = ast.Subscript(owner.expression, index_of(index))
        statement.effect, statement.adds = True, adds
        self.inliner.statements.append(statement)

    def _AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Subscript) and isinstance(node.op, ast.Add):
            self._write(node.target, self.value(node.value), adds=True)
            return
        if not isinstance(node.target, ast.Name):
            raise NotInlinable("assignment into an array")
        before = self.env[node.target.id]
        after = self._binary(type(node.op), before, self.value(node.value))
        if isinstance(before, Array) and before.array.dtype != after.array.dtype:
            raise NotInlinable("another dtype in place")
        self._bind(node.target, after)

    def _If(self, node: ast.If) -> None:
        only_raises = isinstance(node.body[-1], ast.Raise) and not node.orelse
        try:
            test = self.value(node.test)
        except NotInlinable:
            if only_raises:
                return
            raise
        if isinstance(test, Known):
            self.run(node.body if test.value else node.orelse)
        elif not only_raises:
            raise NotInlinable("a branch on values")

    def _With(self, node: ast.With) -> None:
        if not all(ast.unparse(item).startswith("np.errstate(") for item in node.items):
            raise NotInlinable("a context")
        self.run(node.body)

    # ---------------------------------------------------------------- expressions

    def value(self, node: ast.expr) -> Any:
        """The value of an expression: known, or an expression of arrays."""
        handler = getattr(self, f"_value_{type(node).__name__}", None)
        if handler is None:
            raise NotInlinable(type(node).__name__)
        return handler(node)

    def _value_Constant(self, node: ast.Constant) -> Any:
        return Known(node.value)

    def _value_Name(self, node: ast.Name) -> Any:
        if node.id in self.env:
            return self.env[node.id]
        if node.id in self.outer:
            return Known(self.outer[node.id])
        return Known(getattr(builtins, node.id))

    def _value_Attribute(self, node: ast.Attribute) -> Any:
        owner = self.value(node.value)
        if isinstance(owner, Known):
            return Known(getattr(owner.value, node.attr))
        if not isinstance(owner, Array):
            raise NotInlinable("an attribute of a list")
        if node.attr in _STATIC:
            return Known(getattr(owner.array, node.attr))
        if node.attr in ("T", "mT"):
            made = ast.Attribute(owner.expression, node.attr)
            return Array(made, getattr(owner.array, node.attr))
        if node.attr in _WRITES or not callable(getattr(owner.array, node.attr)):
            raise NotInlinable(node.attr)
        return Method(owner, node.attr)

    def _value_Tuple(self, node: ast.Tuple | ast.List) -> Any:
        parts: list[Any] = []
        for each in node.elts:
            if isinstance(each, ast.Starred):
                parts.extend(parts_of(self.value(each.value)))
            else:
                parts.append(self.value(each))
        return sequence(tuple if isinstance(node, ast.Tuple) else list, parts)

    _value_List = _value_Tuple

    def _value_Slice(self, node: ast.Slice) -> Any:
        ends = [Known(None) if e is None else self.value(e) for e in _slice_ends(node)]
        if not all(isinstance(end, Known) for end in ends):
            raise NotInlinable("a slice of values")
        return Known(slice(*(end.value for end in ends)))

    def _value_Subscript(self, node: ast.Subscript) -> Any:
        owner, index = self.value(node.value), self.value(node.slice)
        if isinstance(owner, Array):
            made = ast.Subscript(owner.expression, index_of(index))
            return Array(made, owner.array[concrete(index)])
        if not isinstance(index, Known):
            raise NotInlinable("a list indexed by values")
        if isinstance(owner, Known):
            return Known(owner.value[index.value])
        if isinstance(index.value, slice):
            return sequence(owner.kind, owner.parts[index.value])
        return owner.parts[index.value]

    def _value_UnaryOp(self, node: ast.UnaryOp) -> Any:
        operand = self.value(node.operand)
        if isinstance(node.op, ast.Not):
            if not isinstance(operand, Known):
                raise NotInlinable("a branch on values")
            return Known(not operand.value)
        if isinstance(operand, Known):
            return Known(_UNARY[type(node.op)](operand.value))
        array = _UNARY[type(node.op)](operand.array)
        return Array(ast.UnaryOp(node.op, operand.expression), array)

    def _value_BinOp(self, node: ast.BinOp) -> Any:
        return self._binary(type(node.op), self.value(node.left), self.value(node.right))

    def _binary(self, op: type[ast.operator], left: Any, right: Any) -> Any:
        if isinstance(left, Known) and isinstance(right, Known):
            return Known(_BINARY[op](left.value, right.value))
        if isinstance(left, Items) or isinstance(right, Items):
            if op is not ast.Add:
                raise NotInlinable("arithmetic of lists")
            kind = left.kind if isinstance(left, Items) else type(left.value)
            return sequence(kind, [*parts_of(left), *parts_of(right)])
        array = _BINARY[op](concrete(left), concrete(right))
        return Array(ast.BinOp(expression_of(left), op(), expression_of(right)), array)

    def _value_Compare(self, node: ast.Compare) -> Any:
        values = [self.value(each) for each in (node.left, *node.comparators)]
        if all(isinstance(each, Known) for each in values):
            pairs = zip(node.ops, itertools.pairwise(values), strict=True)
            return Known(all(_COMPARE[type(op)](a.value, b.value) for op, (a, b) in pairs))
        if isinstance(node.ops[0], (ast.Is, ast.IsNot)) and len(node.ops) == 1:
            same = concrete(values[0]) is concrete(values[1])
            return Known(same is isinstance(node.ops[0], ast.Is))
        if len(node.ops) > 1 or not all(isinstance(each, (Known, Array)) for each in values):
            raise NotInlinable("a chain of comparisons")
        left, right = values
        array = _COMPARE[type(node.ops[0])](concrete(left), concrete(right))
        return Array(ast.Compare(expression_of(left), node.ops, [expression_of(right)]), array)

    def _value_BoolOp(self, node: ast.BoolOp) -> Any:
        wanted = isinstance(node.op, ast.Or)
        value: Any = Known(not wanted)
        for each in node.values:
            value = self.value(each)
            if not isinstance(value, Known):
                raise NotInlinable("a branch on values")
            if bool(value.value) is wanted:
                break
        return value

    def _value_IfExp(self, node: ast.IfExp) -> Any:
        test = self.value(node.test)
        if not isinstance(test, Known):
            raise NotInlinable("a branch on values")
        return self.value(node.body if test.value else node.orelse)

    def _value_ListComp(self, node: ast.ListComp | ast.GeneratorExp) -> Any:
        if len(node.generators) != 1:
            raise NotInlinable("a comprehension of several loops")
        parts: list[Any] = []
        loop, outer = node.generators[0], dict(self.env)
        for item in parts_of(self.value(loop.iter)):
            self._bind(loop.target, item)
            tests = [self.value(test) for test in loop.ifs]
            if not all(isinstance(test, Known) for test in tests):
                raise NotInlinable("a branch on values")
            if all(test.value for test in tests):
                parts.append(self.value(node.elt))
        self.env = outer
        return sequence(list, parts)

    _value_GeneratorExp = _value_ListComp

    def _value_Call(self, node: ast.Call) -> Any:
        function = self.value(node.func)
        args: list[Any] = []
        for each in node.args:
            if isinstance(each, ast.Starred):
                args += parts_of(self.value(each.value))
            else:
                args.append(self.value(each))
        kwargs = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise NotInlinable("keywords of any name")
            kwargs[keyword.arg] = self.value(keyword.value)
        if isinstance(function, Method):
            if function.name == "astype" and _is_same_dtype(function.owner, args, kwargs):
                return function.owner
            made = ast.Attribute(function.owner.expression, function.name)
            return _called(made, getattr(function.owner.array, function.name), args, kwargs)
        if not isinstance(function, Known):
            raise NotInlinable("a call of an array")
        return self._call_known(node, function.value, args, kwargs)

    def _call_known(self, node: ast.Call, function: Any, args: list[Any], kwargs: Any) -> Any:
        if function is came and isinstance(args[0], Array):
            return Known(not args[0].is_nothing)
        static = all(isinstance(each, Known) for each in [*args, *kwargs.values()])
        module = (getattr(function, "__module__", None) or "").split(".")[0]
        spelled = expressions.text(node.func)
        if function is np.asarray and len(args) == 1 and not kwargs and is_ndarray(args[0]):
            return args[0]
        if spelled.startswith("np.") and not (static and function not in _MAKERS):
            if isinstance(function, np.ufunc) and len(args) > function.nin:
                raise NotInlinable("out=")
            return _called(node.func, function, args, kwargs)
        if function in _CONTAINERS and not kwargs:
            lists = [v.value if isinstance(v, Known) else parts_of(v) for v in args]
            return _container(function, lists)
        if static:
            given = [each.value for each in args], {k: v.value for k, v in kwargs.items()}
            return known_result(function(*given[0], **given[1]))
        if function is len and isinstance(args[0], (Array, Items)):
            first = args[0]
            return Known(len(first.array if isinstance(first, Array) else first.parts))
        if function in (isinstance, type, getattr, hasattr) and isinstance(args[0], Array):
            known = [args[0].array, *(each.value for each in args[1:])]
            if function in (getattr, hasattr) and known[1] not in _STATIC:
                raise NotInlinable("an attribute")
            return Known(function(*known))
        if module == "tinygrad_edu":
            return self.inliner.function(function, args, kwargs)
        raise NotInlinable(spelled)


def _is_same_dtype(owner: Array, args: list[Any], kwargs: dict[str, Any]) -> bool:
    """Whether `astype(..., copy=False)` returns the array itself."""
    keep = kwargs.get("copy")
    if not (isinstance(keep, Known) and keep.value is False and len(args) == 1):
        return False
    return isinstance(args[0], Known) and owner.array.dtype == np.dtype(args[0].value)


def _called(made: ast.expr, function: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if "out" in kwargs:
        raise NotInlinable("out=")
    options = {key: concrete(value) for key, value in kwargs.items()}
    result = function(*map(concrete, args), **options)
    if result is None:
        raise NotInlinable("called for what it changes")
    call = ast.Call(
        made,
        [expression_of(each) for each in args],
        [ast.keyword(key, expression_of(value)) for key, value in kwargs.items()],
    )
    if isinstance(result, (tuple, list)):
        raise NotInlinable("a function of several results")
    return Array(call, result) if is_array(result) else Known(result)


def _container(function: Any, lists: list[Any]) -> Any:
    if function is range:
        return Known(range(*lists))
    parts = []
    for each in function(*lists):
        if isinstance(each, tuple) and function in (zip, enumerate):
            parts.append(sequence(tuple, [wrapped(part) for part in each]))
        else:
            parts.append(wrapped(each))
    return sequence(tuple if function is tuple else list, parts)


def _slice_ends(node: ast.Slice) -> tuple[Any, Any, Any]:
    return node.lower, node.upper, node.step
