"""Selections: elements that are not selected get gradient 0."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..declare import Array, composed, op
from ..tensor import Tensor
from .elementwise import only

__all__ = ["clamp", "clip", "fmax", "fmin", "maximum", "minimum", "nan_to_num", "where"]

selection = partial(op, elementwise=True, selects=True)


def _shared(g: Any, won: Any, tied: Any) -> Any:
    part = only(g, won)
    return part + only(g, tied) / 2 if np.any(tied) else part


@selection(
    np.maximum,
    lambda g, x, y: _shared(g, x > y, x == y),
    lambda g, x, y: _shared(g, y > x, x == y),
)
def maximum(x: Array, y: Array) -> Array:
    """The larger.
    z = max(x, y),  ∂L/∂x = g [x > y],  ∂L/∂y = g [y > x],  ties share equally"""
    return np.maximum(x, y)


@selection(
    np.minimum,
    lambda g, x, y: _shared(g, x < y, x == y),
    lambda g, x, y: _shared(g, y < x, x == y),
)
def minimum(x: Array, y: Array) -> Array:
    """The smaller.
    z = min(x, y),  ∂L/∂x = g [x < y],  ∂L/∂y = g [y < x],  ties share equally"""
    return np.minimum(x, y)


@selection(
    np.fmax,
    lambda g, x, y: _shared(g, (x > y) | (x == x) & (y != y), x == y),
    lambda g, x, y: _shared(g, (y > x) | (y == y) & (x != x), x == y),
)
def fmax(x: Array, y: Array) -> Array:
    """The larger, or the one that is not NaN.
    z = max(x, y),  ∂L/∂x = g [x > y],  as maximum"""
    return np.fmax(x, y)


@selection(
    np.fmin,
    lambda g, x, y: _shared(g, (x < y) | (x == x) & (y != y), x == y),
    lambda g, x, y: _shared(g, (y < x) | (y == y) & (x != x), x == y),
)
def fmin(x: Array, y: Array) -> Array:
    """The smaller, or the one that is not NaN.
    z = min(x, y),  ∂L/∂x = g [x < y],  as minimum"""
    return np.fmin(x, y)


def _within(x: Any, low: Any, high: Any) -> Any:
    """Where x lies between bounds that may be None."""
    above = True if low is None else x >= low
    return above if high is None else above & (x <= high)


@selection(
    None,
    lambda g, x, min, max: only(g, _within(x, min, max)),
    lambda g, x, min, max: only(g, (x < min) & (True if max is None else min <= max)),
    lambda g, x, min, max: only(g, (x > max) | (False if min is None else min > max)),
    domain=((-2.0, 2.0), (-1.0, -0.5), (0.5, 1.0)),
)
def clamp(x: Array, min: Any = None, max: Any = None) -> Array:
    """x between two bounds.
    y = min(max(x, a), b),  ∂L/∂x = g [a ≤ x ≤ b],  1 at the bounds"""
    return np.clip(x, min, max)


@composed(np.clip)
def clip(
    a: Tensor, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None
) -> Tensor:
    """Between two bounds, None for no bound: `clamp` with NumPy's two spellings."""
    return clamp(a, a_min if min is None else min, a_max if max is None else max)


@selection(
    np.where,
    None,
    lambda g, condition: np.where(condition, g, 0),
    lambda g, condition: np.where(condition, 0, g),
)
def where(condition: Array, x: Array, y: Array) -> Array:
    """Choice.
    z = x where the condition holds, else y;  ∂L/∂x = g there,  ∂L/∂y = g elsewhere"""
    return np.where(condition, x, y)


@selection(np.nan_to_num, lambda g, x: only(g, np.isfinite(x)))
def nan_to_num(
    x: Array, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None
) -> Array:
    """Numbers in place of NaN and infinities.
    y = x if finite,  ∂L/∂x = g there,  else 0"""
    if not copy:
        raise ValueError("copy=False would change the argument in place; use the value returned")
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)
