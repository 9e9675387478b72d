"""Attention: each query's average of values, weighted by how well their keys match."""

from __future__ import annotations

import functools
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
    return attended(query, key, key, attn_mask, is_causal, scale)[1]


@checked()
def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Any = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: float | None = None,
) -> Tensor:  # fmt: skip
    """Values (..., S, e) averaged with the `attention_weights` of the queries: (..., L, e).

    `dropout_p` of the weights are dropped; give 0 in evaluation.
    """
    _check_shapes(query, key, value)
    kept = dropout(Tensor(scores_of_one(query, key)), dropout_p) if dropout_p else None
    return attended(query, key, value, attn_mask, is_causal, scale, kept)[0]


def attended(
    query: Any, key: Any, value: Any, attn_mask: Any = None, is_causal: bool = False,
    scale: float | None = None, kept: Any = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The averaged values, and the weights before they are multiplied by `kept`."""
    bias = None if attn_mask is None else _bias(attn_mask, query.dtype)
    if is_causal:
        causal = _causal(query.shape[-2], key.shape[-2], query.dtype)
        bias = causal if bias is None else bias + causal
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    return ops.attention(query, key, value, bias, kept, scale)  # type: ignore[return-value]


@functools.lru_cache(16)
def _causal(queries: int, keys: int, dtype: np.dtype[Any]) -> np.ndarray:
    """The bias with which query i sees keys 0 to i; one array for all layers of these shapes."""
    bias = np.asarray(_bias(np.tri(queries, keys, dtype=np.bool), dtype))
    bias.flags.writeable = False
    return bias


def scores_of_one(query: Any, key: Any) -> np.ndarray:
    """Ones in the shape of the scores, to make a mask of by dropout."""
    lead = np.broadcast_shapes(query.shape[:-2], key.shape[:-2])
    shape = (*lead, query.shape[-2], key.shape[-2])
    return _ones(shape, np.result_type(query.dtype, 0.0))


@functools.lru_cache(16)
def _ones(shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
    """One array, which takes no memory, for all layers of these shapes."""
    return np.broadcast_to(dtype.type(1), shape)


def _bias(mask: Any, dtype: np.dtype[Any]) -> Any:
    """What is added to the scores: -∞ where a boolean mask does not allow to look."""
    if mask.dtype != bool:
        return mask
    kind = np.result_type(dtype, np.float16).type
    return ops.where(mask, kind(0), kind(-np.inf))


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
