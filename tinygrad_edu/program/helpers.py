"""Functions of the library copied into a program, with what they call, in plain NumPy."""

from __future__ import annotations

import ast
import builtins
import copy
from collections.abc import Callable
from types import ModuleType
from typing import Any

from .. import errors
from ..tensor import Tensor
from . import literals, source


class Helpers:
    """The functions, constants and imports that a program needs before its own function."""

    def __init__(self, fresh: Callable[[str], str]) -> None:
        self.fresh = fresh
        self.imports: dict[str, None] = {}
        self.constants: dict[str, str] = {}
        self.functions: dict[str, ast.FunctionDef] = {}
        self.references: dict[str, Any] = {}  # functions whose source cannot be copied
        self.empty: set[str] = set()  # functions that did nothing but check
        self._names: dict[Any, str] = {}

    def add(self, function: Callable[..., Any]) -> str:
        """The name under which the program finds a function of this library."""
        op = getattr(function, "op", None)
        function = getattr(op.forward if op else function, "__wrapped__", None) or (
            op.forward if op else function
        )
        if function in self._names:
            return self._names[function]
        if function.__name__ == "generator":
            return self._generator(function)
        try:
            tree = source.tree_of(function)
        except source.NoSource:
            name = self._names[function] = self.fresh(getattr(function, "__name__", "function"))
            self.references[name] = function
            return name
        wanted = function.__name__ if isinstance(tree, ast.FunctionDef) else "derivative"
        name = self._names[function] = self.fresh(wanted)
        copied = _Copied(self, function, tree).function(name)
        if _is_empty(copied.body):
            self.empty.add(name)
        else:
            self.functions[name] = copied  # after what it calls
        return name

    def _generator(self, function: Callable[..., Any]) -> str:
        """In place of nn's own, which is one for each thread, the program's one generator."""
        name = self._names[function] = self.fresh("generator")
        self.constants["_generator"] = "np.random.default_rng()"
        text = f'def {name}():\n    """What random numbers come from."""\n    return _generator'
        made = ast.parse(text).body[0]
        assert isinstance(made, ast.FunctionDef)
        self.functions[name] = made
        return name

    def need(self, value: Any) -> None:
        """Define the named tuples that a literal of the value is made of."""
        for kind in literals.named_tuples(value):
            self.named_tuple(kind)

    def named_tuple(self, kind: Any) -> str:
        name: str = kind.__name__
        self.imports["from collections import namedtuple"] = None
        fields, defaults = list(kind._fields), list(kind._field_defaults.values())
        self.constants[name] = (
            f"namedtuple({name!r}, {fields!r}, defaults={literals.text(defaults)})"
        )
        return name

    def constant(self, name: str, value: Any) -> str:
        """The name of a module's constant."""
        key = name, literals.text(value)
        if key not in self._names:
            self._names[key] = self.fresh(name)
            self.constants[self._names[key]] = key[1]
        return self._names[key]


class _Copied(ast.NodeTransformer):
    """A function without annotations and checks, whose outer names are the program's."""

    def __init__(self, helpers: Helpers, function: Any, tree: source.Function) -> None:
        self.helpers = helpers
        self.outer = function.__globals__
        self.tree = copy.deepcopy(tree)
        self.local = {a.arg for a in ast.walk(self.tree) if isinstance(a, ast.arg)}
        self.local |= {
            n.id
            for n in ast.walk(self.tree)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }

    def function(self, name: str) -> ast.FunctionDef:
        for each in ast.walk(self.tree):
            if isinstance(each, ast.arg):
                each.annotation = None
        if isinstance(self.tree, ast.Lambda):
            body: list[ast.stmt] = [ast.Return(self.tree.body)]
        else:
            body = self.tree.body
        body = [new for each in body for new in _listed(self.visit(each))]
        made = ast.FunctionDef(name, self.visit(self.tree.args), body, [])
        made.type_params = []  # type: ignore[attr-defined, unused-ignore]
        return made

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        self.generic_visit(node)
        node.returns = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is None:
            return None
        return self.visit(ast.Assign([node.target], node.value))

    def visit_If(self, node: ast.If) -> Any:
        """Static tests are decided, and checks of the arguments left out."""
        if isinstance(node.body[-1], ast.Raise) and not node.orelse:
            return None
        node.test = self.visit(node.test)
        if isinstance(node.test, ast.Constant):
            chosen = node.body if node.test.value else node.orelse
            return [new for each in chosen for new in _listed(self.visit(each))]
        node.body = [new for each in node.body for new in _listed(self.visit(each))] or [ast.Pass()]
        node.orelse = [new for each in node.orelse for new in _listed(self.visit(each))]
        return node

    def visit_Expr(self, node: ast.Expr) -> Any:
        """Calls of functions that do nothing but check are left out."""
        self.generic_visit(node)
        called = node.value.func if isinstance(node.value, ast.Call) else None
        return None if isinstance(called, ast.Name) and called.id in self.helpers.empty else node

    def visit_For(self, node: ast.For) -> Any:
        self.generic_visit(node)
        return node if node.body else None

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        test = self.visit(node.test)
        if isinstance(test, ast.Constant):
            return self.visit(node.body if test.value else node.orelse)
        return ast.IfExp(test, self.visit(node.body), self.visit(node.orelse))

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        self.generic_visit(node)
        decisive = isinstance(node.op, ast.Or)
        values = [
            v for v in node.values
            if not (isinstance(v, ast.Constant) and v.value is (not decisive))
        ]  # fmt: skip
        if not values:
            return ast.Constant(not decisive)
        first = values[0]
        if len(values) == 1 or (isinstance(first, ast.Constant) and first.value is decisive):
            return first
        return ast.BoolOp(node.op, values)

    def visit_Call(self, node: ast.Call) -> Any:
        spelled = ast.unparse(node.func)
        if spelled == "isinstance" and self._is_tensor(node.args[1]):
            return ast.Constant(False)
        if spelled in ("as_operand", "data_of") and len(node.args) == 1:
            return self.visit(node.args[0])
        return self.generic_visit(node)

    def _is_tensor(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and self.outer.get(node.id) is Tensor

    def visit_Name(self, node: ast.Name) -> Any:
        if node.id in self.local or not isinstance(node.ctx, ast.Load):
            return node
        if node.id not in self.outer:
            if hasattr(builtins, node.id):
                return node
            raise source.NoSource(node.id)
        return ast.Name(self._outer(node.id, self.outer[node.id]))

    def _outer(self, name: str, value: Any) -> str:
        helpers = self.helpers
        if isinstance(value, ModuleType):
            if value.__name__ != "numpy":
                helpers.imports[f"import {value.__name__}"] = None
            return name
        module = getattr(value, "__module__", None) or ""
        if callable(value) and not isinstance(value, type):
            if module.split(".")[0] in errors.internal:
                return helpers.add(value)
            if module:
                helpers.imports[f"from {module} import {value.__name__}"] = None
                return name
        if isinstance(value, type) and hasattr(value, "_fields"):
            return helpers.named_tuple(value)
        return helpers.constant(name, value)


def _is_empty(body: list[ast.stmt]) -> bool:
    return all(isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant) for each in body)


def _listed(new: Any) -> list[Any]:
    return [] if new is None else new if isinstance(new, list) else [new]
