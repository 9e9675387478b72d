"""Derivatives of what neural networks are made of, where the compound beats its parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import Array, op
from .elementwise import sigmoid
from .reduce import spread


def _product_of_rows(g: Any, x: Any) -> Any:
    """xᵀ g, where all axes but the last count as rows."""
    if x.ndim == 2:
        return x.T @ g
    return x.reshape(-1, x.shape[-1]).T @ g.reshape(-1, g.shape[-1])


@op(None, lambda g, weight: g @ weight.T, _product_of_rows, lambda g: g, method=False)
def dense(x: Array, weight: Array, bias: Array) -> Array:
    """Affine map of the last axis.  y = x W + b,  ∂L/∂x = g Wᵀ,  ∂L/∂W = xᵀ g,  ∂L/∂b = Σ g"""
    y = x @ weight
    y += bias
    return y


# -------------------------------------------------------------------- the softmax family


def _peak(x: Array, axis: Any) -> Array:
    """The largest along the axis, which may be empty: subtracted, it keeps exp from overflowing."""
    return np.maximum.reduce(x, axis=axis, keepdims=True, initial=-np.inf)


@op(None, lambda g, out, axis: out * (g - (g * out).sum(axis=axis, keepdims=True)))
def softmax(x: Array, axis: int = -1) -> Array:
    """Softmax.  y = eˣ / Σ eˣ,  ∂L/∂x = y (g - Σ g y)"""
    y = np.exp(x - _peak(x, axis))
    y /= np.add.reduce(y, axis=axis, keepdims=True)
    return y


@op(None, lambda g, out, axis: g - np.exp(out) * g.sum(axis=axis, keepdims=True))
def log_softmax(x: Array, axis: int = -1) -> Array:
    """Logarithm of the softmax.  y = x - ln Σ eˣ,  ∂L/∂x = g - eʸ Σ g"""
    y = x - _peak(x, axis)
    with np.errstate(divide="ignore"):  # an empty axis
        y -= np.log(np.exp(y).sum(axis, keepdims=True))
    return y


@op(None, lambda g, x, like, axis: spread(g, like, axis) * softmax(x, axis))
def logsumexp(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """Logarithm of a sum of exponentials.  y = ln Σ eˣ,  ∂L/∂x = g softmax x"""
    peak = _peak(x, axis)
    peak = np.where(np.isfinite(peak), peak, 0)  # ∞ - ∞ is not a number
    with np.errstate(divide="ignore", over="ignore"):
        y = np.log(np.exp(x - peak).sum(axis, keepdims=True)) + peak
    return y if keepdims else y.squeeze(axis)


# -------------------------------------------------------------------- losses


def _cross_entropy_vjp(g: Any, x: Any, targets: Any, reduction: str) -> Any:
    chosen = np.asarray(targets)[..., None] == np.arange(x.shape[-1])
    if reduction == "mean":
        g = g / (x.size // x.shape[-1] or 1)
    return (softmax(x, -1) - chosen) * (g[..., None] if reduction == "none" else g)


@op(None, _cross_entropy_vjp, None)
def cross_entropy(x: Array, targets: Array, reduction: str = "mean") -> Array:
    """Cross-entropy of logits and a class t.  y = ln Σ eˣ - xₜ,  ∂L/∂x = g (softmax x - [t])"""
    indices = _classes(x, np.asarray(targets))
    y = x - _peak(x, -1)
    rows = y.reshape(-1, y.shape[-1])
    chosen = rows[np.arange(len(rows)), indices.ravel()]
    losses = np.log(np.add.reduce(np.exp(rows), axis=-1)) - chosen
    return reduced(losses.reshape(indices.shape), reduction)


def reduced(losses: Any, reduction: str) -> Any:
    """The "mean" or "sum" of losses, or with "none" each of them."""
    if reduction == "mean":
        return losses.sum() / losses.size
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"reduction is 'mean', 'sum' or 'none', not {reduction!r}")


def _classes(x: Array, targets: Array) -> Array:
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


@op(
    None,
    lambda g, x, targets: g * (sigmoid(x) - targets),
    lambda g, x: -g * x,
    elementwise=True,
)
def binary_cross_entropy_with_logits(x: Array, targets: Array) -> Array:
    """Cross-entropy of a logit and a probability t.

    y = ln(1 + eˣ) - t x,  ∂L/∂x = g (σ(x) - t),  ∂L/∂t = -g x
    """
    return np.maximum(x, 0) - x * targets + np.log1p(np.exp(-np.abs(x)))
