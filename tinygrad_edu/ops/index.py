"""Indexing and its counterpart: what reads elements here, adds to them there."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..op import Array, op


@op(operator.getitem, lambda g, index, like: scatter(g, index, like), selects=True, method=False)
def getitem(a: Array, index: Any) -> Array:
    """Indexing of every NumPy kind.  y = x[i],  ∂L/∂x[i] = Σ g over equal i,  0 elsewhere"""
    return a[index]


@op(None, lambda g, index: g[index], method=False)
def scatter(a: Array, index: Any, shape: Any) -> Array:
    """Elements added to zeros at an index.  y[i] = Σ x over equal i,  ∂L/∂x = g[i]"""
    out = np.zeros(shape, a.dtype)
    if _unique(index):
        out[index] = a
    else:
        np.add.at(out, index, a)
    return out


def _unique(index: Any) -> bool:
    """Whether the index can name no element twice: no integer arrays in it."""
    parts = index if isinstance(index, tuple) else (index,)
    arrays = [np.asarray(part) for part in parts if isinstance(part, (list, np.ndarray))]
    return not any(a.ndim and a.dtype.kind != "b" for a in arrays)
