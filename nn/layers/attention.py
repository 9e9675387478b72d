"""Attention, in which each position of a sequence weights what it reads, and a block with it."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, ops

from ..activations import AnyActivation
from ..activations import activation as as_module
from ..functional.attention import attended, scores_of_one
from ..init import Initializer
from ..module import Module, cast_like
from ..validation import boolean, has_bias, integer
from .dense import Dense
from .dropout import Dropout
from .layer import parameter
from .normalization import LayerNorm

__all__ = ["MultiheadAttention", "TransformerBlock"]

Shapes = dict[tuple[int, ...], tuple[int, ...]]


class MultiheadAttention(Module[tuple[Tensor, Tensor | None]]):
    """Attention of several heads: softmax(q kᵀ / √d) v, each on its own d features.

    q = query W_q + b_q,  k = key W_k + b_k,  v = value W_v + b_v,  d = embed_dim / num_heads

    and what the heads return, side by side, goes through the Dense `out_proj` (Vaswani et al.,
    2017).  All are (batch, length, embed_dim), or without a batch axis (length, embed_dim); key and
    value have the same length.  `attention(x)` is self-attention, short for `attention(x, x, x)`;
    `attention(x, memory)` is cross-attention.

    Returns `(output, weights)` as PyTorch does: weights (batch, queries, keys) are the mean over
    the heads, before dropout; one for each head, (batch, heads, queries, keys), with
    `average_attn_weights=False`; None, which is faster, with `need_weights=False`.

    Masks, as in PyTorch, are True where it is FORBIDDEN to look, or numbers to add to the scores:
    `key_padding_mask` (batch, keys), `attn_mask` (queries, keys) or (batch * heads, queries, keys).
    With `is_causal` a query i sees keys 0 to i.  A query that may look nowhere gets 0 from every
    head (PyTorch: NaN).  Unlike PyTorch's, the batch is always the first axis.

    With `add_bias_kv` all queries may also look at one more key and value, the parameters `bias_k`
    and `bias_v`; with `add_zero_attn` at a key and value of zeros, which is to look nowhere.  The
    weights have a column more for each, and masks have none for them.

    `in_proj_weight` (embed_dim, 3 embed_dim) holds W_q, W_k and W_v side by side; weights start by
    `init`, biases at 0, and bias_k and bias_v as in PyTorch.  Raises ValueError for shapes that do
    not fit, TypeError for a mask of integers.

    >>> attention = MultiheadAttention(8, num_heads=2)
    >>> output, weights = attention(np.ones((5, 3, 8)), is_causal=True)
    >>> output.shape, weights.data[0].round(2)
    ((5, 3, 8), array([[1.  , 0.  , 0.  ],
                       [0.5 , 0.5 , 0.  ],
                       [0.33, 0.33, 0.33]], dtype=float32))
    """

    _transposed = ("in_proj_weight",)

    def __init__(
        self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True,
        add_bias_kv: bool = False, add_zero_attn: bool = False, *,
        init: str | Initializer = "xavier_uniform", dtype: Any = None,
    ) -> None:  # fmt: skip
        name = type(self).__name__
        self.embed_dim = embed_dim = integer("MultiheadAttention: embed_dim", embed_dim)
        self.num_heads = num_heads = integer("MultiheadAttention: num_heads", num_heads)
        if embed_dim % num_heads:
            raise ValueError(
                f"MultiheadAttention: embed_dim={embed_dim} does not divide into {num_heads} heads"
            )
        self.in_proj_weight = parameter(init, (embed_dim, 3 * embed_dim), dtype)
        self.in_proj_bias = (
            parameter("zeros", (3 * embed_dim,), dtype) if has_bias(name, bias) else None
        )
        self.bias_k = self.bias_v = None
        if boolean(f"{name}: add_bias_kv", add_bias_kv):
            self.bias_k, self.bias_v = (
                parameter("xavier_normal", (1, 1, embed_dim), dtype) for _ in "kv"
            )
        self.add_zero_attn = boolean(f"{name}: add_zero_attn", add_zero_attn)
        self.out_proj = Dense(embed_dim, embed_dim, bias, init=init, dtype=dtype)
        self.dropout = Dropout(dropout)

    def forward(
        self, query: Tensor, key: Tensor | None = None, value: Tensor | None = None,
        key_padding_mask: Any = None, need_weights: bool = True, attn_mask: Any = None,
        average_attn_weights: bool = True, is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:  # fmt: skip
        """query (batch, queries, embed_dim) and what it reads -> output of its shape, weights.

        Of a single sequence nothing has a batch axis, neither the masks nor what is returned.
        """
        key = query if key is None else key
        value = key if value is None else value
        self._check(query, key, value)
        several = query.ndim == 3
        q, k, v = self._heads(query, key, value, several)
        masks = self._masks(attn_mask, key_padding_mask, (*q.shape[:3], key.shape[-2]), several)
        if is_causal:
            masks.append(Tensor(~np.tri(query.shape[-2], key.shape[-2], dtype=bool)))
        mask = self._joined(masks, k.shape[2] - key.shape[-2])
        drops = self.dropout.p and self.dropout.training
        kept = self.dropout(Tensor(scores_of_one(q, k))) if drops else None
        y, weights = attended(q, k, v, mask, kept=kept)
        output = self.out_proj(y.swapaxes(1, 2).reshape(query.shape))
        if not need_weights:
            return output, None
        weights = weights.mean(axis=1) if average_attn_weights else weights
        return output, weights if several else weights.squeeze(0)

    def _heads(self, query: Tensor, key: Tensor, value: Tensor, several: bool) -> list[Tensor]:
        """Queries, keys and values as (batch, heads, length, features)."""
        w, b, n = self.in_proj_weight, self.in_proj_bias, self.embed_dim
        parts = [slice(i * n, (i + 1) * n) for i in range(3)]
        if query is key is value:  # one product in place of three
            y = ops.dense(cast_like(query, w), w, b)
            projected = [y[..., part] for part in parts]
        else:
            projected = [
                ops.dense(cast_like(x, w), w[:, part], None if b is None else b[part])
                for x, part in zip((query, key, value), parts, strict=True)
            ]
        return [
            self._split(i, y if several else ops.expand_dims(y, 0)) for i, y in enumerate(projected)
        ]

    def _split(self, i: int, y: Tensor) -> Tensor:
        """Queries (i = 0), keys (1) or values (2), for keys and values with those to be added."""
        one_more, own = (len(y), 1, self.embed_dim), (None, self.bias_k, self.bias_v)[i]
        if own is not None:
            y = ops.concatenate([y, ops.broadcast_to(own, one_more)], 1)
        if i and self.add_zero_attn:
            y = ops.concatenate([y, np.zeros(one_more, y.dtype)], 1)
        heads = self.num_heads, self.embed_dim // self.num_heads
        return y.reshape((*y.shape[:2], *heads)).swapaxes(1, 2)

    def _masks(
        self, attn_mask: Any, key_padding_mask: Any, shape: tuple[int, ...], several: bool
    ) -> list[Tensor]:
        """The masks that are given, in shapes that broadcast to the scores'."""
        batch, heads, queries, keys = shape
        attn: Shapes = {(queries, keys): (queries, keys), (batch * heads, queries, keys): shape}
        padding: Shapes = {(batch, keys) if several else (keys,): (batch, 1, 1, keys)}
        masks = [
            _broadcastable("attn_mask", attn_mask, attn),
            _broadcastable("key_padding_mask", key_padding_mask, padding),
        ]
        return [mask for mask in masks if mask is not None]

    def _joined(self, masks: list[Tensor], more: int) -> Any:
        """All masks as one, and so many keys more that no mask forbids.

        Either booleans that are True where a query may look, or what to add to the scores.
        """
        if not masks:
            return None
        if more:
            masks = [ops.pad(m, [(0, 0)] * (m.ndim - 1) + [(0, more)]) for m in masks]
        if all(mask.dtype == bool for mask in masks):
            forbidden = functools.reduce(np.logical_or, masks)  # type: ignore[arg-type]
            return np.logical_not(forbidden)
        added = [ops.where(m, -np.inf, 0) if m.dtype == bool else m for m in masks]
        added = [cast_like(mask, self.in_proj_weight) for mask in added]
        return sum(added[1:], added[0])

    def _check(self, query: Tensor, key: Tensor, value: Tensor) -> None:
        for name, x in (("query", query), ("key", key), ("value", value)):
            if x.ndim not in (2, 3) or x.shape[-1] != self.embed_dim:
                n = self.embed_dim
                raise ValueError(
                    f"MultiheadAttention takes (batch, length, {n}) or (length, {n}), and the "
                    f"{name} has shape {x.shape}"
                )
        if query.shape[:-2] != key.shape[:-2] or key.shape != value.shape:
            raise ValueError(
                "MultiheadAttention: query, key and value have the same batch, and key and value "
                f"the same length (shapes: {query.shape}, {key.shape}, {value.shape})"
            )


def _broadcastable(name: str, mask: Any, shapes: Shapes) -> Any:
    """A mask in a shape that broadcasts to the scores', or None."""
    if mask is None:
        return None
    mask = mask if isinstance(mask, Tensor) else Tensor(mask)
    if mask.dtype.kind not in "bf":
        raise TypeError(
            f"MultiheadAttention: {name} is boolean, True where it is forbidden to look, or "
            f"floating point, to add to the scores, and not {mask.dtype}"
        )
    if mask.shape not in shapes:
        raise ValueError(
            f"MultiheadAttention: {name} has shape {mask.shape}, and "
            f"{' or '.join(map(str, shapes))} is needed"
        )
    return mask.reshape(shapes[mask.shape])


class TransformerBlock(Module):
    """Self-attention, then two Dense layers on each position, both added to what they were given.

    x' = x + attention(norm1(x)),  y = x' + linear2(activation(linear1(norm2(x'))))

    Like this, with `norm_first=True`, the way through the sums is free of norms, and deep stacks
    train without a warm-up (Xiong et al., 2020); it is the default here and not in PyTorch.  With
    False the norms come after the sums, x' = norm1(x + attention(x)), y = norm2(x' + ...), as at
    first (Vaswani et al., 2017).  Otherwise it is PyTorch's TransformerEncoderLayer with
    batch_first=True: the same names of parameters, and dropout on the attention's weights, after
    the activation and before both sums.

    `dim_feedforward`, by default 4 d_model (PyTorch: 2048), is the width between linear1 and
    linear2; `activation` is a name such as "relu" or "gelu", a module or a function.  Raises
    ValueError if `nhead` does not divide `d_model`, or for an input of another shape.

    >>> block = TransformerBlock(8, nhead=2, activation="gelu")
    >>> block(np.ones((5, 3, 8)), is_causal=True).shape
    (5, 3, 8)
    """

    def __init__(
        self, d_model: int, nhead: int, dim_feedforward: int | None = None, dropout: float = 0.1,
        activation: AnyActivation = "relu", layer_norm_eps: float = 1e-5, norm_first: bool = True,
        bias: bool = True, *, init: str | Initializer = "xavier_uniform", dtype: Any = None,
    ) -> None:  # fmt: skip
        wide = 4 * d_model if dim_feedforward is None else dim_feedforward
        wide = integer("TransformerBlock: dim_feedforward", wide)
        self.norm_first = norm_first
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, init=init, dtype=dtype)
        self.linear1 = Dense(d_model, wide, bias, init=init, dtype=dtype)
        self.activation = as_module(activation)
        self.linear2 = Dense(wide, d_model, bias, init=init, dtype=dtype)
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.dropout = Dropout(dropout)

    def forward(
        self, src: Tensor, src_mask: Any = None, src_key_padding_mask: Any = None,
        is_causal: bool = False,
    ) -> Tensor:  # fmt: skip
        """src (batch, length, d_model) -> the same shape; masks as for MultiheadAttention.

        A single sequence has no batch axis.
        """
        x = cast_like(src, self.linear1.weight)
        masks = {
            "attn_mask": src_mask,
            "key_padding_mask": src_key_padding_mask,
            "is_causal": is_causal,
        }
        if self.norm_first:
            x = x + self._attention(self.norm1(x), masks)
            return x + self._feedforward(self.norm2(x))
        x = self.norm1(x + self._attention(x, masks))
        return self.norm2(x + self._feedforward(x))

    def _attention(self, x: Tensor, masks: dict[str, Any]) -> Tensor:
        return self.dropout(self.self_attn(x, need_weights=False, **masks)[0])

    def _feedforward(self, x: Tensor) -> Tensor:
        hidden = self.dropout(self.activation(self.linear1(x)))
        return self.dropout(self.linear2(hidden))
