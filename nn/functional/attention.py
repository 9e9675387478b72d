"""Attention: each query's average of values, weighted by how well their keys match."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import Tensor, ops

from .options import checked
from .regularization import dropout

__all__ = ["attention_weights", "scaled_dot_product_attention"]


@checked()
def attention_weights(
    query: Tensor,
    key: Tensor,
    attn_mask: Any = None,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """How much each query takes of each key, softmax(q kᵀ / √d): (..., L, d), (..., S, d).

    `attn_mask` broadcasts to (..., L, S).  A boolean one is True where a query may look, any other
    is added to the scores, -∞ to forbid; with `is_causal`, query i sees keys 0 to i only.  A query
    that may look nowhere gets 0.  Raises ValueError for shapes that do not fit.
    """
    _check_shapes(query, key, key)
    if scale is None:
        scale = query.shape[-1] ** -0.5
    scores = (query * scale) @ key.swapaxes(-1, -2)
    allowed = np.tri(*scores.shape[-2:], dtype=np.bool) if is_causal else None
    if attn_mask is not None:
        seen = attn_mask > (0 if attn_mask.dtype == bool else -np.inf)
        if attn_mask.dtype != bool:
            scores = scores + np.where(seen, attn_mask, 0)
        allowed = seen if allowed is None else np.logical_and(allowed, seen)
    known = isinstance(allowed, np.ndarray)  # and not traced, for masks of every kind
    if allowed is None or (known and allowed.all()):
        return ops.softmax(scores, -1)
    lowest = float(np.finfo(scores.dtype).min) / 2
    weights = ops.softmax(np.where(allowed, scores, lowest), -1)
    if known and allowed.any(-1).all():
        return weights
    return weights * allowed  # else rows of 0 are uniform


@checked()
def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Any = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: float | None = None,
) -> Tensor:  # fmt: skip
    """Values (..., S, e) averaged with the `attention_weights` of the queries: (..., L, e).

    `dropout_p` of the weights are dropped; give 0 in evaluation.
    """
    _check_shapes(query, key, value)
    weights = attention_weights(query, key, attn_mask, is_causal, scale)
    return dropout(weights, dropout_p) @ value


def _check_shapes(query: Tensor, key: Tensor, value: Tensor) -> None:
    if min(query.ndim, key.ndim, value.ndim) < 2:
        message = "needs (..., length, features) each"
    elif query.shape[-1] != key.shape[-1]:
        message = f"queries of {query.shape[-1]} features cannot meet keys of {key.shape[-1]}"
    elif key.shape[-2] != value.shape[-2]:
        message = f"{key.shape[-2]} keys need as many values, not {value.shape[-2]}"
    else:
        return
    raise ValueError(f"{message} (shapes: {query.shape}, {key.shape}, {value.shape})")
