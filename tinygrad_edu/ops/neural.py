"""Derivatives of what neural networks are made of, where the compound beats its parts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..declare import Array, op
from ..errors import place
from ..precision import accumulator, at_least_single, divided, rounded
from .elementwise import selection, sigmoid
from .reduce import Axis, spread


def _product_of_rows(g: Any, x: Any) -> Any:
    """xᵀ g, where all axes but the last count as rows."""
    if x.ndim == 2:
        return x.T @ g
    return x.reshape(-1, x.shape[-1]).T @ g.reshape(-1, g.shape[-1])


@op(
    None,
    lambda g, weight: g @ weight.T,
    _product_of_rows,
    lambda g: g,
    products=True,
    method=False,
)
def dense(x: Array, weight: Array, bias: Array) -> Array:
    """Affine map of the last axis.  y = x W + b,  ∂L/∂x = g Wᵀ,  ∂L/∂W = xᵀ g,  ∂L/∂b = Σ g"""
    y = x @ weight
    y += bias
    return y


# -------------------------------------------------------------------- the softmax family


def _peak(x: Array, axis: Any) -> Array:
    """The largest along the axis, which may be empty: subtracted, it keeps exp from overflowing."""
    dtype = None if x.dtype.kind == "f" else np.float64  # no integer is -∞
    return np.maximum.reduce(x, axis=axis, dtype=dtype, keepdims=True, initial=-np.inf)


def _softmax_vjp(g: Any, out: Any, axis: int) -> Any:
    g = at_least_single(g)
    return out * (g - (g * out).sum(axis=axis, keepdims=True))


@op(None, _softmax_vjp, along="axis")
def softmax(x: Array, axis: int = -1) -> Array:
    """Softmax.  y = eˣ / Σ eˣ,  ∂L/∂x = y (g - Σ g y)"""
    y = np.exp(x - _peak(x, axis))
    y /= np.add.reduce(y, axis, accumulator(y.dtype), keepdims=True)
    return y


def _log_softmax_vjp(g: Any, out: Any, axis: int) -> Any:
    return g - np.exp(out) * at_least_single(g).sum(axis=axis, keepdims=True)


@op(None, _log_softmax_vjp, along="axis")
def log_softmax(x: Array, axis: int = -1) -> Array:
    """Logarithm of the softmax.  y = x - ln Σ eˣ,  ∂L/∂x = g - eʸ Σ g"""
    y = x - _peak(x, axis)
    with np.errstate(divide="ignore"):  # an empty axis
        y -= np.log(np.exp(y).sum(axis, accumulator(y.dtype), keepdims=True))
    return y


def _logsumexp_vjp(g: Any, x: Any, out: Any, like: Any, axis: Any) -> Any:
    out = spread(out, like, axis)
    shift = np.maximum(out, np.finfo(out.dtype).min)  # of only -∞, no element has a share
    return spread(g, like, axis) * np.exp(x - shift)


@op(None, _logsumexp_vjp, along="axis")
def logsumexp(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """Logarithm of a sum of exponentials.  y = ln Σ eˣ,  ∂L/∂x = g softmax x"""
    peak = _peak(x, axis)
    peak = np.where(np.isfinite(peak), peak, 0)  # ∞ - ∞ is not a number
    with np.errstate(divide="ignore", over="ignore"):
        y = np.exp(x - peak)
        y = np.log(y.sum(axis, accumulator(y.dtype), keepdims=True)) + peak
    return rounded(y if keepdims else y.squeeze(axis), x)


# -------------------------------------------------------------------- losses


def _cross_entropy_vjp(g: Any, x: Any, targets: Any, reduction: str) -> Any:
    chosen = np.asarray(targets)[..., None] == np.arange(x.shape[-1])
    g = shared(g, np.size(targets), reduction)
    return (softmax(x, -1) - chosen) * (g[..., None] if reduction == "none" else g)


@op(None, _cross_entropy_vjp, None, along=-1)
def cross_entropy(x: Array, targets: Array, reduction: str = "mean") -> Array:
    """Cross-entropy of logits and a class t.  y = ln Σ eˣ - xₜ,  ∂L/∂x = g (softmax x - [t])"""
    indices = check_classes(x, np.asarray(targets))
    y = x - _peak(x, -1)
    rows = y.reshape(-1, y.shape[-1])
    chosen = rows[np.arange(len(rows)), indices.ravel()]
    losses = np.log(np.add.reduce(np.exp(rows), -1, accumulator(rows.dtype))) - chosen
    return rounded(reduced(losses.reshape(indices.shape), reduction), x)


def reduced(losses: Any, reduction: str) -> Any:
    """The "mean" or "sum" of losses, or with "none" each of them."""
    if reduction == "mean":
        mean = losses.sum(None, accumulator(losses.dtype)) / losses.size
        return rounded(mean, losses)
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"reduction is 'mean', 'sum' or 'none', not {reduction!r}")


def shared(g: Any, n: int, reduction: str) -> Any:
    """What of the upstream gradient each of n losses gets."""
    return divided(g, n or 1) if reduction == "mean" else g


def check_classes(x: Any, targets: Array) -> Array:
    """The targets, if they are class indices that go with logits x."""
    if targets.dtype.kind not in "iu":
        raise TypeError(f"the targets must be class indices, so integers, and are {targets.dtype}")
    if targets.shape != x.shape[:-1]:
        raise ValueError(
            f"each row of logits needs one class index, so targets of shape {x.shape[:-1]}; "
            "if they are one-hot, write targets.argmax(-1)"
        )
    unsigned = targets.astype(np.uintp, copy=False)  # a negative index becomes a huge one
    if np.maximum.reduce(unsigned, axis=None, initial=0) >= x.shape[-1] and targets.size:
        raise ValueError(
            f"class indices from {targets.min()} to {targets.max()} were given, and logits for "
            f"classes 0 to {x.shape[-1] - 1}"
        )
    return targets


def _each(g: Any, x: Any, targets: Any, reduction: str) -> Any:
    """What of the upstream gradient each loss gets, before it was reduced."""
    if reduction == "none":
        return g
    shape = np.broadcast_shapes(np.shape(x), np.shape(targets))
    return np.broadcast_to(shared(g, math.prod(shape), reduction), shape)


@op(
    None,
    lambda g, x, targets, reduction: _each(g, x, targets, reduction) * (sigmoid(x) - targets),
    lambda g, x, targets, reduction: -_each(g, x, targets, reduction) * x,
    elementwise=True,
)
def binary_cross_entropy_with_logits(x: Array, targets: Array, reduction: str = "none") -> Array:
    """Cross-entropy of a logit and a probability t, of each pair unless reduced.

    y = ln(1 + eˣ) - t x,  ∂L/∂x = g (σ(x) - t),  ∂L/∂t = -g x
    """
    losses = np.maximum(x, 0) - x * targets + np.log1p(np.exp(-np.abs(x)))
    if np.shape(losses) not in (np.shape(x), np.shape(targets)):
        raise ValueError(
            "the shapes differ, and broadcasting would compare every logit with every target; "
            "reshape one of them"
        )
    return reduced(losses, reduction)


# -------------------------------------------------------------------- normalisation


def _standardize_vjp(g: Any, x: Any, out: Any, axis: Any, eps: float) -> Any:
    g, deviation = at_least_single(g), _centred(at_least_single(x), axis)
    scale = ((deviation * deviation).mean(axis=axis, keepdims=True) + eps) ** -0.5
    slope = (g * out).mean(axis=axis, keepdims=True)
    return (g - g.mean(axis=axis, keepdims=True) - out * slope) * scale


@op(None, _standardize_vjp, along="axis", method=False)
def standardize(x: Array, axis: Axis = -1, eps: float = 1e-5) -> Array:
    """Shifted and scaled to mean 0 and variance 1.  y = (x - x̄) / √(σ² + ε),

    ∂L/∂x = (g - ḡ - y mean(g y)) / √(σ² + ε)
    """
    y = _centred(at_least_single(x), axis)
    y *= ((y * y).mean(axis=axis, keepdims=True) + eps) ** -0.5
    return rounded(y, x)


def _centred(x: Any, axis: Axis) -> Any:
    return x - x.mean(axis=axis, keepdims=True)


def _unit_rms_vjp(g: Any, x: Any, out: Any, axis: Any, eps: float) -> Any:
    g, x = at_least_single(g), at_least_single(x)
    scale = ((x * x).mean(axis=axis, keepdims=True) + eps) ** -0.5
    return (g - out * (g * out).mean(axis=axis, keepdims=True)) * scale


@op(None, _unit_rms_vjp, along="axis", method=False)
def unit_rms(x: Array, axis: Axis = -1, eps: float = 1e-5) -> Array:
    """Scaled to mean square 1.  y = x / √(mean(x²) + ε),

    ∂L/∂x = (g - y mean(g y)) / √(mean(x²) + ε)
    """
    wide = at_least_single(x)
    return rounded(wide * ((wide * wide).mean(axis=axis, keepdims=True) + eps) ** -0.5, x)


def batch_norm(
    x: Any,
    weight: Any = None,
    bias: Any = None,
    mean: Any = None,
    variance: Any = None,
    eps: float = 1e-5,
) -> Any:
    """Each channel, on axis 1, to mean 0 and variance 1, then times weight, plus bias.

    In training its statistics are the batch's, over all other axes; in evaluation give the running
    `mean` and `variance`, each of shape (channels,) as are weight and bias.
    """
    _per_channel("batch_norm", x, weight=weight, bias=bias, mean=mean, variance=variance)
    shape = (1, -1, *(1,) * (x.ndim - 2))
    if mean is None or variance is None:
        if x.size == x.shape[1]:
            raise ValueError(
                "batch_norm: one value a channel has no variance; give a larger batch, or the "
                f"running mean and variance (shape: {x.shape}{place()})"
            )
        axes = (0, *range(2, x.ndim))
        return _affine(standardize(x, axes, eps), weight, bias, shape)
    scale = (variance + eps) ** -0.5
    scale = scale if weight is None else scale * weight
    shift = -mean * scale if bias is None else bias - mean * scale
    return _affine(x, scale, shift, shape)


def layer_norm(
    x: Any, weight: Any = None, bias: Any = None, axis: Axis = -1, eps: float = 1e-5
) -> Any:
    """Each sample to mean 0 and variance 1 over the axis or axes, then times weight, plus bias."""
    _per_feature("layer_norm", x, weight=weight, bias=bias)
    return _affine(standardize(x, axis, eps), weight, bias)


def group_norm(x: Any, groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Each group of a sample's channels, on axis 1, to mean 0 and variance 1.

    Weight and bias have shape (channels,).
    """
    _per_channel("group_norm", x, weight=weight, bias=bias)
    channels = x.shape[1]
    if groups < 1 or channels % groups:
        raise ValueError(
            f"group_norm: {channels} channels do not divide into {groups} groups{place(', at ')}"
        )
    grouped = x.reshape((x.shape[0], groups, math.prod(x.shape[1:]) // groups))
    y = standardize(grouped, -1, eps).reshape(x.shape)
    return _affine(y, weight, bias, (1, -1, *(1,) * (x.ndim - 2)))


def rms_norm(x: Any, weight: Any = None, axis: Axis = -1, eps: float | None = None) -> Any:
    """Each sample to mean square 1 over the axis or axes, times weight; eps defaults to x's own."""
    _per_feature("rms_norm", x, weight=weight)
    if eps is None:
        eps = float(np.finfo(x.dtype).eps)
    return _affine(unit_rms(x, axis, eps), weight, None)


def _affine(x: Any, weight: Any, bias: Any, shape: Any = None) -> Any:
    """Times weight plus bias, each optional, in a shape that broadcasts."""
    if weight is not None:
        x = x * (weight if shape is None else weight.reshape(shape))
    if bias is not None:
        x = x + (bias if shape is None else bias.reshape(shape))
    return x


def _per_feature(name: str, x: Any, **given: Any) -> None:
    """Whether all that is given broadcasts to x's last axes."""
    for label, value in given.items():
        shape = np.shape(value)
        last = x.shape[x.ndim - len(shape) :]
        if len(shape) > x.ndim or any(n not in (1, m) for n, m in zip(shape, last, strict=True)):
            raise ValueError(
                f"{name}: {label} must have the shape of the last axes of x, those which are "
                f"normalised (shapes: {x.shape}, {shape}{place()})"
            )


def _per_channel(name: str, x: Any, **given: Any) -> None:
    """Whether x has channels on axis 1, and all that is given one number for each."""
    if x.ndim < 2:
        raise ValueError(f"{name}: x has {x.ndim} axes, not (batch, channels, ...){place(', at ')}")
    for label, value in given.items():
        if value is not None and np.shape(value) != (x.shape[1],):
            raise ValueError(
                f"{name}: {label} must be one number for each of the {x.shape[1]} channels on "
                f"axis 1 of x (shapes: {x.shape}, {np.shape(value)}{place()})"
            )


# -------------------------------------------------------------------- dropout, embedding, attention


@selection(None, lambda g, mask: g * mask.astype(g.dtype, copy=False), None, method=False)
def dropout(x: Array, mask: Array) -> Array:
    """Elements kept or dropped by a mask drawn outside, 1 / (1 - p) or 0.  y = m x,  ∂L/∂x = g m"""
    return x * (mask.astype(x.dtype, copy=False) if x.dtype.kind == "f" else mask)


def one_hot(indices: Any, classes: int, dtype: Any = np.float64) -> Array:
    """Class indices as rows with a single 1, in a plain array: it has no derivative."""
    indices = np.asarray(indices)
    _check_indices("one_hot", indices, classes)
    return (indices[..., None] == np.arange(classes)).astype(dtype)


def embedding(weight: Any, indices: Any) -> Any:
    """The rows of weight, of shape (entries, features), at the indices; equal indices add up."""
    indices = np.asarray(indices)
    _check_indices("embedding", indices, len(weight))
    return weight[indices]


def _check_indices(name: str, indices: Array, n: int) -> None:
    if indices.dtype.kind not in "iu":
        raise TypeError(
            f"{name}: the indices must be integers, and are {indices.dtype}{place(', at ')}"
        )
    if indices.size and (indices.min() < 0 or indices.max() >= n):
        raise IndexError(
            f"{name}: indices from {indices.min()} to {indices.max()} were given, and there are "
            f"only 0 to {n - 1}{place(', at ')}"
        )


def attention_weights(
    query: Any, key: Any, mask: Any = None, is_causal: bool = False, scale: float | None = None
) -> Any:
    """How much each query takes of each key, softmax(q kᵀ / √d): (..., L, d), (..., S, d).

    `mask` broadcasts to (..., L, S).  A boolean one is True where a query may look, any other is
    added to the scores, -∞ to forbid; with `is_causal`, query i sees keys 0 to i only.  A query
    that may look nowhere gets 0.
    """
    _check_attention(query, key, key)
    if scale is None:
        scale = query.shape[-1] ** -0.5
    scores = (query * scale) @ key.swapaxes(-1, -2)
    allowed = np.tri(*scores.shape[-2:], dtype=np.bool) if is_causal else None
    if mask is not None:
        seen = mask if mask.dtype == bool else mask > -np.inf
        if mask.dtype != bool:
            scores = scores + np.where(seen, mask, 0)
        seen = np.asarray(seen)
        allowed = seen if allowed is None else allowed & seen
    if allowed is None or allowed.all():
        return softmax(scores, -1)
    lowest = float(np.finfo(scores.dtype).min) / 2
    weights = softmax(np.where(allowed, scores, lowest), -1)
    return weights if allowed.any(-1).all() else weights * allowed  # else rows of 0 are uniform


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    mask: Any = None,
    is_causal: bool = False,
    scale: float | None = None,
) -> Any:
    """Values (..., S, e) averaged with the `attention_weights` of the queries: (..., L, e)."""
    _check_attention(query, key, value)
    return attention_weights(query, key, mask, is_causal, scale) @ value


def _check_attention(query: Any, key: Any, value: Any) -> None:
    shapes = f"(shapes: {query.shape}, {key.shape}, {value.shape}{place()})"
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise ValueError(f"attention needs (..., length, features) each {shapes}")
    if query.shape[-1] != key.shape[-1]:
        raise ValueError(
            f"queries of {query.shape[-1]} features cannot meet keys of {key.shape[-1]} {shapes}"
        )
    if key.shape[-2] != value.shape[-2]:
        raise ValueError(
            f"{key.shape[-2]} keys need as many values, not {value.shape[-2]} {shapes}"
        )
