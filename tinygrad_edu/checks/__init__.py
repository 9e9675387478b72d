"""Is a derivative right, and if not, where and why?

`gradcheck` compares the gradients of a function or a model with finite differences, and `compare`
those that were derived by hand with the engine's; `check_op` tests all that an op's declaration
promises.
"""

from .comparison import compare
from .gradient_check import gradcheck
from .op_check import UndefinedValue, check_op
from .report import Report

__all__ = ["Report", "UndefinedValue", "check_op", "compare", "gradcheck"]
