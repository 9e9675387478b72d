"""Derivatives of the functions that reduce axes: what was spread over many comes from one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..op import Array, op

Axis = int | tuple[int, ...] | None


def spread(g: Any, like: tuple[int, ...], axis: Axis) -> Any:
    """`g` with the reduced axes back in their places, of size 1."""
    if axis is None:
        return g.reshape((1,) * len(like))
    axes = {a % len(like) for a in (axis if isinstance(axis, tuple) else (axis,))} if like else ()
    return g.reshape([1 if i in axes else n for i, n in enumerate(like)])


def count(like: tuple[int, ...], axis: Axis) -> int:
    """How many elements went into each."""
    if axis is None:
        return math.prod(like)
    return math.prod(like[a] for a in (axis if isinstance(axis, tuple) else (axis,)) if like)


@op(np.sum, lambda g, like, axis: np.broadcast_to(spread(g, like, axis), like))
def sum(a: Array, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Array:
    """Sum.  y = Σ xᵢ,  ∂L/∂xᵢ = g"""
    return a.sum(axis, dtype, keepdims=keepdims)


@op(
    np.mean,
    lambda g, like, axis: np.broadcast_to(spread(g, like, axis) / (count(like, axis) or 1), like),
)
def mean(a: Array, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Array:
    """Mean.  y = Σ xᵢ / n,  ∂L/∂xᵢ = g / n"""
    return a.mean(axis, dtype, keepdims=keepdims)


def _centred(a: Any, axis: Axis) -> Any:
    return a - a.mean(axis=axis, keepdims=True)


@op(
    np.var,
    lambda g, a, like, axis, ddof: (
        spread(g, like, axis) * _centred(a, axis) * (2 / (count(like, axis) - ddof or math.nan))
    ),
)
def var(
    a: Array, axis: Axis = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False
) -> Array:
    """Variance.  y = Σ (xᵢ - x̄)² / (n - ddof),  ∂L/∂xᵢ = 2 g (xᵢ - x̄) / (n - ddof)"""
    return np.var(a, axis, dtype, ddof=ddof, keepdims=keepdims)


def _std_vjp(g: Any, a: Any, out: Any, like: Any, axis: Axis, ddof: float) -> Any:
    deviation = spread(out, like, axis)
    safe = np.where(deviation == 0, 1, deviation)  # at 0 the numerator is 0 as well
    return spread(g, like, axis) * _centred(a, axis) / (safe * (count(like, axis) - ddof))


@op(np.std, _std_vjp)
def std(
    a: Array, axis: Axis = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False
) -> Array:
    """Standard deviation.  y = √(Σ (xᵢ - x̄)² / m),  m = n - ddof,

    ∂L/∂xᵢ = g (xᵢ - x̄) / (m y),  0 at y = 0
    """
    return np.std(a, axis, dtype, ddof=ddof, keepdims=keepdims)


def _extremum_vjp(g: Any, a: Any, out: Any, like: Any, axis: Axis) -> Any:
    chosen = a == spread(out, like, axis)
    ties = np.sum(chosen, axis, g.dtype, keepdims=True)
    return spread(g, like, axis) * chosen / ties


@op(np.max, _extremum_vjp, selects=True)
def max(a: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Largest element.  y = max xᵢ,  ∂L/∂xᵢ = g / m for the m largest,  0 for the others"""
    return np.max(a, axis, keepdims=keepdims)


@op(np.min, _extremum_vjp, selects=True)
def min(a: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Smallest element.  y = min xᵢ,  ∂L/∂xᵢ = g / m for the m smallest,  0 for the others"""
    return np.min(a, axis, keepdims=keepdims)
