"""Hypothesis strategies for calls of every op, in files like those of tinygrad_edu/ops."""

from . import decompositions, elementwise, index, linalg, neural, recurrent, reduce, shape
from .core import ALL, SAMPLERS, Call, calls

__all__ = [
    "ALL",
    "SAMPLERS",
    "Call",
    "calls",
    "decompositions",
    "elementwise",
    "index",
    "linalg",
    "neural",
    "recurrent",
    "reduce",
    "shape",
]
