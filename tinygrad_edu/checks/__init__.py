"""Is a derivative right, and if not, where and why?

`gradcheck` holds the gradients of a function or a model against finite differences, `check_op` all
that the declaration of an op promises, and `compare` gradients derived by hand against the engine's.
"""

from .comparison import compare
from .gradient_check import gradcheck
from .op_check import UndefinedValue, check_op
from .report import Report

__all__ = ["Report", "UndefinedValue", "check_op", "compare", "gradcheck"]
