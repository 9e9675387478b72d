"""A small autograd engine on NumPy: Tensors that record what computed them."""

from typing import TYPE_CHECKING, Any

from . import errors, operators, ops
from .checks import check_op, compare, gradcheck
from .context import enable_grad, no_grad, scope
from .declare import op
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
    "Graph", "Tensor", "check_op", "compare", "detect_anomaly", "draw_graph", "elementwise_grad",
    "enable_grad", "errors", "explain", "grad", "gradcheck", "hessian", "hvp", "jacobian", "jvp",
    "no_grad", "observe", "op", "operators", "ops", "scope", "value_and_grad", "vjp", "why",
]  # fmt: skip

if TYPE_CHECKING:
    from .viz import Graph, detect_anomaly, draw_graph, explain, observe, why


def __getattr__(name: str) -> Any:
    """What is for seeing is imported when it is first asked for."""
    if name in ("Graph", "detect_anomaly", "draw_graph", "explain", "observe", "why"):
        from . import viz

        return getattr(viz, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
