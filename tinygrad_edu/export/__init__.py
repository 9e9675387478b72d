"""Export to ONNX: a function's trace as a graph of operators that other programs run.

The way of an export: `batch` traces the function for batches of several sizes, `model` walks over
the calls, and for each finds in `table` what adds its nodes to a `graph`. The files of operators
are families of that table.
"""

from . import arrays as arrays
from . import elementwise as elementwise
from . import indexing as indexing
from . import networks as networks
from . import reductions as reductions
from .model import to_onnx

__all__ = ["to_onnx"]
