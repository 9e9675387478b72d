"""Export to ONNX: a function's trace as a graph of operators that other programs run.

The way of an export: `batch` traces the function for batches of several sizes, `model` walks over
the calls, and for each finds in `table` what adds its nodes to a `graph`. The files of operators
are families of that table.
"""

from . import arrays, elementwise, indexing, networks, reductions
from .model import to_onnx

__all__ = ["to_onnx"]
