"""A small autograd engine on NumPy: Tensors that record what computed them."""

from functools import cache as _cache
from importlib import import_module as _import_module
from pathlib import Path as _Path
from typing import TYPE_CHECKING, Any

from . import errors, operators, ops
from . import habits as _habits
from . import memory as _memory
from .context import enable_grad, no_grad, scope
from .declare import op
from .effects import effect, exchanges, is_tracing
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
from .methods import Methods as _Methods
from .tensor import Tensor

__version__ = "0.4.0"

__all__ = [
    "Graph", "Program", "Tensor", "TraceError", "check_op", "compare", "compile",
    "detect_anomaly", "draw_graph", "effect", "elementwise_grad", "enable_grad", "errors",
    "exchanges", "explain", "grad", "gradcheck", "hessian", "hvp", "is_tracing", "jacobian", "jvp",
    "no_grad", "observe", "op", "operators", "ops", "scope", "to_onnx", "trace", "value_and_grad",
    "vjp", "why",
]  # fmt: skip

_memory.keep_freed_memory()
_habits.advise(Tensor, _Methods)
_habits.refuse_calls(f"{__name__}.tensor")

if TYPE_CHECKING:
    from .checks import check_op, compare, gradcheck
    from .export import to_onnx
    from .program import Program, TraceError, compile, trace
    from .viz import Graph, detect_anomaly, draw_graph, explain, observe, why

_LEAVES = {
    **dict.fromkeys(("check_op", "compare", "gradcheck"), "checks"),
    **dict.fromkeys(("Graph", "detect_anomaly", "draw_graph", "explain", "observe", "why"), "viz"),
    **dict.fromkeys(("Program", "TraceError", "compile", "trace"), "program"),
    "to_onnx": "export",
}


def __getattr__(name: str) -> Any:
    """Checks, pictures, programs and `nn` are imported when they are first asked for."""
    if name in _LEAVES:
        return getattr(_import_module(f".{_LEAVES[name]}", __name__), name)
    if name == "nn":
        return _nn()
    raise _habits.missing_function(__name__, name, ops.__all__)


@_cache
def _nn() -> Any:
    """The package nn, which is built on this one; the engine itself does not need it."""
    nn = _import_module("nn")
    found = nn.__file__ or next(iter(nn.__path__))
    if _Path(found).parent.parent != _Path(__file__).parent.parent:
        raise ImportError(
            f"`nn` is {found} here, which hides the package nn of this project; give that file "
            "another name"
        )
    return nn


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
