"""A small autograd engine on NumPy: Tensors that record what computed them."""

import importlib
from typing import TYPE_CHECKING, Any

from . import errors, operators, ops
from .checks import check_op, compare, gradcheck
from .context import enable_grad, no_grad, scope
from .declare import op
from .effects import effect
from .functional import (
    elementwise_grad,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    value_and_grad,
    vjp,
)
from .tensor import Tensor

__version__ = "0.2.0"

__all__ = [
    "Graph", "Program", "Tensor", "TraceError", "check_op", "compare", "compile", "draw_graph", "effect", "elementwise_grad", "enable_grad",
    "errors", "grad", "gradcheck", "hessian", "hvp", "jacobian", "jvp", "no_grad", "op",
    "operators", "ops", "scope", "to_onnx", "trace", "value_and_grad", "vjp",
]  # fmt: skip

if TYPE_CHECKING:
    from .export import to_onnx
    from .program import Program, TraceError, compile, trace
    from .viz import Graph, draw_graph

_LEAVES = {
    **dict.fromkeys(("Graph", "draw_graph"), "viz"),
    **dict.fromkeys(("Program", "TraceError", "compile", "trace"), "program"),
    "to_onnx": "export",
}


def __getattr__(name: str) -> Any:
    """Pictures and programs are imported when they are first asked for."""
    if name in _LEAVES:
        return getattr(importlib.import_module(f".{_LEAVES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
