"""Attention of queries to keys, and the average of values that it gives."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..declare import Array, op
from .activations import peak
from .sharing import came, shared

__all__ = ["attention"]


@shared
def _scores_vjp(g: Any, value: Any, kept: Any, out: Any) -> Any:
    """What comes to the scores, of which the weights are the softmax."""
    y, weights = out
    slopes = g[0] @ value.swapaxes(-1, -2)
    total = (g[0] * y).sum(axis=-1, keepdims=True)  # which is Σ w g_w, but shorter
    if kept is not None:
        slopes = slopes * kept
    if came(g[1]):
        slopes = slopes + g[1]
        total = total + (g[1] * weights).sum(axis=-1, keepdims=True)
    return weights * (slopes - total)


def _query_vjp(g: Any, key: Any, value: Any, kept: Any, out: Any, scale: float) -> Any:
    return _scores_vjp(g, value, kept, out) @ key * scale


def _key_vjp(g: Any, query: Any, value: Any, kept: Any, out: Any, scale: float) -> Any:
    return _scores_vjp(g, value, kept, out).swapaxes(-1, -2) @ query * scale


def _value_vjp(g: Any, kept: Any, out: Any) -> Any:
    weights = out[1] if kept is None else out[1] * kept
    return weights.swapaxes(-1, -2) @ g[0]


def _row_sums(weights: Array) -> Array:
    """Sums of the rows, as a product, which for short rows is several times faster."""
    if weights.dtype == np.float16:
        return weights.sum(-1, np.float32, keepdims=True)
    return weights @ np.ones((weights.shape[-1], 1), weights.dtype)


def _is_precise(weights: Array, total: Array) -> Any:
    """Whether exponentials are far from overflow and underflow, as scores of ordinary size are.

    Then the largest of each row, a pass of its own, need not be subtracted before.
    """
    return weights.dtype != np.float16 and np.all((total > 1e-30) & (total < 1e30))


@op(
    None,
    _query_vjp,
    _key_vjp,
    _value_vjp,
    lambda g, value, kept, out: _scores_vjp(g, value, kept, out),
    None,
    outputs=2,
    method=False,
)
def attention(
    query: Array, key: Array, value: Array, bias: Any = None, kept: Any = None, scale: float = 1.0
) -> Any:
    """Values averaged by how well their keys match a query, and these weights.
    y = (m w) v,  w = softmax(s q kᵀ + b),  a = w (g_w - Σ w g_w),  g_w = m (g vᵀ),
    ∂L/∂q = s a k,  ∂L/∂k = s aᵀ q,  ∂L/∂v = (m w)ᵀ g,  ∂L/∂b = a;
    q has the shape (..., L, d), k (..., S, d), v (..., S, e), and w (..., L, S); b is -∞ where it
    is forbidden to look, and a query that may look nowhere gets 0; m drops weights."""
    scores = (query * scale) @ key.swapaxes(-1, -2)
    if bias is not None:
        scores = scores + bias
    with np.errstate(over="ignore"):
        weights = np.exp(scores)
    total = _row_sums(weights)
    if not _is_precise(weights, total):
        scores -= np.maximum(peak(scores, -1), np.finfo(scores.dtype).min)
        np.exp(scores, weights)
        total = np.maximum(_row_sums(weights), 1)  # the largest is e⁰, unless all are 0
    weights /= total
    return (weights if kept is None else weights * kept) @ value, weights
