"""Affine maps."""

from __future__ import annotations

from typing import Any

from ..declare import Array, op

__all__ = ["dense"]


def weight_vjp(g: Any, x: Any) -> Any:
    """xᵀ g, where all axes but the last count as rows."""
    if x.ndim == 2:
        return x.T @ g
    rows, slopes = x.reshape(-1, x.shape[-1]), g.reshape(-1, g.shape[-1])
    return rows.T @ slopes


@op(None, lambda g, weight: g @ weight.T, weight_vjp, lambda g: g, products=True, method=False)
def dense(x: Array, weight: Array, bias: Any = None) -> Array:
    """Affine map of the last axis.
    y = x W + b,  ∂L/∂x = g Wᵀ,  ∂L/∂W = xᵀ g,  ∂L/∂b = Σ g"""
    y = x @ weight
    if bias is not None:
        y += bias
    return y
