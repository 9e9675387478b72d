"""Dropout."""

from __future__ import annotations

from ..declare import Array
from .selections import selection

__all__ = ["dropout"]


@selection(None, lambda g, mask: g * mask.astype(g.dtype, copy=False), None, method=False)
def dropout(x: Array, mask: Array) -> Array:
    """Elements kept or dropped by a mask drawn outside, 1 / (1 - p) or 0.
    y = m x,  ∂L/∂x = g m"""
    return x * (mask.astype(x.dtype, copy=False) if x.dtype.kind == "f" else mask)
