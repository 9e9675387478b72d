"""Derivatives of the products of vectors and matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import Array, op


def _matrices(g: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
    """`g = x @ y` with the axes that 1-d arguments lack: x as a row, y as a column."""
    if y.ndim == 1:
        y, g = y[:, None], g[..., None]
    if x.ndim == 1:
        x, g = x[None, :], g[..., None, :]
    return g, x, y


def _left(g: Any, x: Any, y: Any) -> Any:
    if x.ndim == y.ndim == 2:
        return g @ y.T
    g, x, y = _matrices(g, x, y)
    return g @ y.swapaxes(-1, -2)


def _right(g: Any, x: Any, y: Any) -> Any:
    if x.ndim == y.ndim == 2:
        return x.T @ g
    vector = y.ndim == 1
    g, x, y = _matrices(g, x, y)
    part = x.swapaxes(-1, -2) @ g
    return part[..., 0] if vector else part


@op(np.matmul, _left, _right)
def matmul(x: Array, y: Array) -> Array:
    """Matrix product over the last two axes.  z = x y,  ∂L/∂x = g yᵀ,  ∂L/∂y = xᵀ g"""
    return np.matmul(x, y)
