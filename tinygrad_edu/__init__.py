"""A small autograd engine on NumPy: Tensors that record what computed them."""

from . import ops
from .context import enable_grad, no_grad, scope
from .functional import grad
from .op import op
from .tensor import Tensor

__version__ = "0.1.0"

__all__ = ["Tensor", "enable_grad", "grad", "no_grad", "op", "ops", "scope"]
