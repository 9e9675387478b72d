"""Losses that are short expressions of other ops: of each element, their sum, or their mean.

The prediction comes first.  Its shape must be the target's: (N, 1) with (N,) would broadcast, and
compare every prediction with every target.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..declare import Array, op
from ..errors import place
from ..precision import at_least_single, rounded
from ..tensor import Tensor
from .elementwise import maximum, pointwise
from .neural import check_classes, reduced, shared


@op(
    None,
    lambda g, x, targets, reduction: shared(g * 2, x.size, reduction) * (x - targets),
    lambda g, x, targets, reduction: shared(g * -2, x.size, reduction) * (x - targets),
    method=False,
)
def squared_error(x: Array, targets: Array, reduction: str = "mean") -> Array:
    """Squared difference from a target t.  y = (x - t)²,  ∂L/∂x = 2 g (x - t),  ∂L/∂t = -∂L/∂x"""
    difference = x - targets
    wide = at_least_single(difference)
    return rounded(reduced(wide * wide, reduction), difference)


def mse_loss(prediction: Any, target: Any, reduction: str = "mean") -> Any:
    """Squared error.  y = (x - t)²"""
    return squared_error(*pair("mse_loss", prediction, target), reduction)


def l1_loss(prediction: Any, target: Any, reduction: str = "mean") -> Any:
    """Absolute error.  y = |x - t|"""
    return reduced(np.absolute(_difference("l1_loss", prediction, target)), reduction)


def huber_loss(prediction: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Any:
    """Squared error near 0, absolute error further out.

    y = (x - t)² / 2 where |x - t| ≤ δ,  δ (|x - t| - δ / 2) elsewhere
    """
    return reduced(_huber(_difference("huber_loss", prediction, target), delta), reduction)


def smooth_l1_loss(prediction: Any, target: Any, reduction: str = "mean", beta: float = 1.0) -> Any:
    """Absolute error, rounded off near 0.  y = huber(x - t, β) / β"""
    difference = _difference("smooth_l1_loss", prediction, target)
    return reduced(_huber(difference, beta) / beta if beta else np.absolute(difference), reduction)


def _huber(difference: Any, delta: float) -> Any:
    near = np.clip(difference, -delta, delta)  # its derivative is right at 0 in every order
    return near * (difference - near * 0.5)


def hinge_loss(prediction: Any, target: Any, reduction: str = "mean") -> Any:
    """How far a score falls short of the margin 1 on its side; targets are -1 or 1.

    y = max(0, 1 - t x)
    """
    prediction, target = pair("hinge_loss", prediction, target)
    return reduced(maximum(1 - prediction * target, 0), reduction)


def kl_div(prediction: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Any:
    """Kullback-Leibler divergence of log-probabilities x from probabilities t.

    y = t (ln t - x),  0 at t = 0; "batchmean" divides the sum by the first axis, as the definition
    does, and "mean" by the number of elements.  With `log_target` the target is ln t.
    """
    prediction, target = pair("kl_div", prediction, target)
    if log_target:
        possible = np.where(target > -np.inf, target, 0)
        losses = np.exp(target) * (possible - prediction)
    else:
        certain = np.where(target > 0, target, 1)
        losses = np.where(target > 0, target * np.log(certain), 0) - target * prediction
    if reduction == "batchmean":
        return losses.sum() / (len(losses) if losses.ndim else 1)
    return reduced(losses, reduction)


def nll_loss(prediction: Any, targets: Any, reduction: str = "mean") -> Any:
    """Negative log-likelihood of log-probabilities (..., classes) and class indices t (...).

    y = -xₜ;  cross_entropy(x, t) is nll_loss(log_softmax(x), t), computed at once
    """
    targets = np.asarray(targets)
    try:
        check_classes(prediction, targets)
    except (TypeError, ValueError) as error:
        shapes = f"shapes: {prediction.shape}, {targets.shape}{place()}"
        raise type(error)(f"nll_loss: {error} ({shapes})") from None
    rows = prediction.reshape((targets.size, prediction.shape[-1]))
    chosen = rows[np.arange(targets.size), targets.ravel()]
    return reduced(-chosen.reshape(targets.shape), reduction)


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
    """Surprise at an outcome t of probability x.  y = -t ln x - (1 - t) ln (1 - x),

    ∂L/∂x = g (x - t) / (x (1 - x)),  ∂L/∂t = g ln ((1 - x) / x)
    """
    yes, no = _logarithms(x)
    return (targets - 1) * no - targets * yes


def binary_cross_entropy(prediction: Any, target: Any, reduction: str = "mean") -> Any:
    """Cross-entropy of probabilities x and t; for logits, binary_cross_entropy_with_logits.

    y = -t ln x - (1 - t) ln (1 - x), where ln 0 counts as -100.  Raises ValueError outside [0, 1].
    """
    prediction, target = pair("binary_cross_entropy", prediction, target)
    if np.any(prediction < 0) or np.any(prediction > 1):
        raise ValueError(
            "binary_cross_entropy: the predictions must be probabilities, from 0 to 1; put a "
            f"sigmoid before it, or use binary_cross_entropy_with_logits{place(', at ')}"
        )
    return reduced(bernoulli(prediction, target), reduction)


@pointwise(None, lambda g, x: g / np.maximum(x, _LEAST), method=False, domain=(0.1, 0.9))
def log_probability(x: Array) -> Array:
    """Logarithm of a probability, where ln 0 counts as -100.  y = ln x,  ∂L/∂x = g / x"""
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(x), _LOWEST)


# -------------------------------------------------------------------- directions


def cosine_similarity(x: Any, y: Any, axis: int = -1, eps: float = 1e-8) -> Any:
    """Cosine of the angle between vectors along an axis.  z = x · y / (|x| |y|), |·| at least ε"""
    x, y = pair("cosine_similarity", x, y)
    squares = [np.maximum((v * v).sum(axis=axis), eps * eps) for v in (x, y)]
    return (x * y).sum(axis=axis) / (np.sqrt(squares[0]) * np.sqrt(squares[1]))


def cosine_embedding_loss(
    x: Any, y: Any, target: Any, margin: float = 0.0, reduction: str = "mean"
) -> Any:
    """How far vectors (..., features) are from alike, t = 1, or from unlike, t = -1.

    z = 1 - cos(x, y) where t = 1,  max(0, cos(x, y) - margin) where t = -1
    """
    cosine, target = pair("cosine_embedding_loss", cosine_similarity(x, y), target)
    return reduced(np.where(target > 0, 1 - cosine, maximum(cosine - margin, 0)), reduction)


# -------------------------------------------------------------------- arguments


def pair(loss: str, prediction: Any, target: Any) -> tuple[Any, Any]:
    """Both, if their shapes are equal, a constant target in the prediction's dtype."""
    if np.shape(prediction) != np.shape(target):
        raise ValueError(
            f"{loss}: the prediction has shape {np.shape(prediction)} and the target "
            f"{np.shape(target)}; they must be equal, since broadcasting would compare every "
            f"prediction with every target; reshape one of them{place(', at ')}"
        )
    if isinstance(target, Tensor) and target.requires_grad:
        return prediction, target
    array = np.asarray(target)
    if getattr(prediction, "dtype", array.dtype).kind == "f":
        array = array.astype(prediction.dtype, copy=False)
    return prediction, Tensor(array, name=target.name) if isinstance(target, Tensor) else array


def _difference(loss: str, prediction: Any, target: Any) -> Any:
    prediction, target = pair(loss, prediction, target)
    return prediction - target
