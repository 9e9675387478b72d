"""Losses: of each element or row, their sum or their mean."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..declare import Array, op
from ..precision import accumulator, at_least_single, divided, rounded
from .activations import peak, softmax
from .elementwise import pointwise, sigmoid

__all__ = [
    "bernoulli",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "log_probability",
    "squared_error",
]


def _reduced(losses: Any, reduction: str) -> Any:
    """The "mean" or "sum" of losses, or with "none" each of them."""
    if reduction == "mean":
        mean = losses.sum(None, accumulator(losses.dtype)) / losses.size
        return rounded(mean, losses)
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"reduction is 'mean', 'sum' or 'none', not {reduction!r}")


def _shared(g: Any, n: int, reduction: str) -> Any:
    """What of the upstream gradient each of n losses gets."""
    return divided(g, n or 1) if reduction == "mean" else g


# -------------------------------------------------------------------- numbers


@op(
    None,
    lambda g, x, targets, reduction: _shared(g * 2, x.size, reduction) * (x - targets),
    lambda g, x, targets, reduction: _shared(g * -2, x.size, reduction) * (x - targets),
    method=False,
)
def squared_error(x: Array, targets: Array, reduction: str = "mean") -> Array:
    """Squared difference from a target t.
    y = (x - t)²,  ∂L/∂x = 2 g (x - t),  ∂L/∂t = -∂L/∂x"""
    difference = x - targets
    wide = at_least_single(difference)
    return rounded(_reduced(wide * wide, reduction), difference)


# -------------------------------------------------------------------- logits


def _cross_entropy_vjp(g: Any, x: Any, targets: Any, reduction: str) -> Any:
    chosen = targets[..., None] == np.arange(x.shape[-1])
    g = _shared(g, np.size(targets), reduction)
    return (softmax(x, -1) - chosen) * (g[..., None] if reduction == "none" else g)


@op(None, _cross_entropy_vjp, None, along=-1)
def cross_entropy(x: Array, targets: Array, reduction: str = "mean") -> Array:
    """Cross-entropy of logits and a class t.
    y = ln Σ eˣ - xₜ,  ∂L/∂x = g (softmax x - [t])"""
    indices = np.asarray(targets)
    if indices.dtype.kind not in "iu":
        raise TypeError(f"the targets must be class indices, so integers, and are {indices.dtype}")
    if indices.shape != x.shape[:-1]:
        raise ValueError(
            f"each row of logits needs one class index, so targets of shape {x.shape[:-1]}; "
            "if they are one-hot, write targets.argmax(-1)"
        )
    y = x - peak(x, -1)
    exponentials = np.exp(y)
    totals = np.add.reduce(exponentials, -1, accumulator(y.dtype))
    losses = np.log(totals) - _chosen(y, indices)
    return rounded(_reduced(losses, reduction), x)


def _chosen(y: Array, indices: Array) -> Array:
    """Of each row the element at its index; NumPy itself refuses an index that is too large."""
    rows, flat = y.reshape(-1, y.shape[-1]), indices.ravel()
    try:
        if not flat.size or flat[flat.argmin()] >= 0:  # faster than min()
            return rows[np.arange(len(rows)), flat].reshape(indices.shape)
    except IndexError:
        pass
    raise ValueError(
        f"class indices from {indices.min()} to {indices.max()} were given, and logits for "
        f"classes 0 to {y.shape[-1] - 1}"
    )


def _each(g: Any, x: Any, targets: Any, reduction: str) -> Any:
    """What of the upstream gradient each loss gets, before it was reduced."""
    if reduction == "none":
        return g
    shape = np.broadcast_shapes(np.shape(x), np.shape(targets))
    return np.broadcast_to(_shared(g, math.prod(shape), reduction), shape)


@op(
    None,
    lambda g, x, targets, reduction: _each(g, x, targets, reduction) * (sigmoid(x) - targets),
    lambda g, x, targets, reduction: -_each(g, x, targets, reduction) * x,
    elementwise=True,
)
def binary_cross_entropy_with_logits(x: Array, targets: Array, reduction: str = "none") -> Array:
    """Cross-entropy of a logit and a probability t, of each pair unless reduced.
    y = ln(1 + eˣ) - t x,  ∂L/∂x = g (σ(x) - t),  ∂L/∂t = -g x"""
    losses = np.maximum(x, 0) - x * targets + np.log1p(np.exp(-np.abs(x)))
    if np.shape(losses) not in (np.shape(x), np.shape(targets)):
        raise ValueError(
            "the shapes differ, and broadcasting would compare every logit with every target; "
            "reshape one of them"
        )
    return _reduced(losses, reduction)


# -------------------------------------------------------------------- probabilities

_LEAST = 1e-12  # a derivative divides by no less
_LOWEST = -100.0  # ln 0 counts as this


def _logarithms(x: Any) -> tuple[Any, Any]:
    """ln x and ln (1 - x), bounded below."""
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(x), _LOWEST), np.maximum(np.log1p(-x), _LOWEST)


def _bernoulli_vjp(g: Any, x: Any, targets: Any) -> Any:
    return g * (x - targets) / np.maximum(x * (1 - x), _LEAST)


def _target_vjp(g: Any, x: Any) -> Any:
    yes, no = _logarithms(x)
    return g * (no - yes)


@pointwise(None, _bernoulli_vjp, _target_vjp, method=False, domain=((0.1, 0.9), (0.0, 1.0)))
def bernoulli(x: Array, targets: Array) -> Array:
    """Surprise at an outcome t of probability x.
    y = -t ln x - (1 - t) ln (1 - x),
    ∂L/∂x = g (x - t) / (x (1 - x)),  ∂L/∂t = g ln ((1 - x) / x)"""
    yes, no = _logarithms(x)
    return (targets - 1) * no - targets * yes


@pointwise(None, lambda g, x: g / np.maximum(x, _LEAST), method=False, domain=(0.1, 0.9))
def log_probability(x: Array) -> Array:
    """Logarithm of a probability, where ln 0 counts as -100.
    y = ln x,  ∂L/∂x = g / x"""
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(x), _LOWEST)
