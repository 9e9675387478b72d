"""A small autograd engine on NumPy: Tensors that record what computed them."""

from . import ops
from .context import enable_grad, no_grad, scope
from .functional import grad
from .op import op
from .tensor import Tensor
from .viz import Graph, draw_graph

__version__ = "0.1.0"

__all__ = ["Graph", "Tensor", "draw_graph", "enable_grad", "grad", "no_grad", "op", "ops", "scope"]
