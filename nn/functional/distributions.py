"""Losses of distributions: how far from another one, how likely the targets are in it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, no_grad, ops

from .options import checked, one_of
from .targets import (
    REDUCTION,
    constant_like,
    expects,
    index_between,
    pair,
    plain,
    symbolic,
    weighted,
    written,
)

__all__ = ["gaussian_nll_loss", "kl_div", "poisson_nll_loss"]


@checked(one_of("reduction", "mean", "sum", "none", "batchmean"))
def kl_div(
    prediction: Tensor, target: Any, reduction: str = "mean", *, log_target: bool = False,
    weight: Any = None,
) -> Tensor:  # fmt: skip
    """Kullback-Leibler divergence of log-probabilities x from probabilities t, Σ t (ln t - x).

    As in PyTorch the prediction comes first and in logarithms, "mean" divides the sum by the number
    of elements, and "batchmean", which is the divergence, by the first axis.  With `log_target` the
    target is ln t; t = 0 is fine either way.  Raises ValueError unless the shapes are equal.

    >>> x, t = Tensor([[0.5, 0.5]]), np.array([[1.0, 0.0]])
    >>> f"{kl_div(np.log(x), t, 'batchmean'):.4f}"
    '0.6931'
    """
    prediction, target = pair(prediction, target)
    expects("kl_div", "log-probabilities", prediction, "what log_softmax returns")
    if log_target:
        possible = np.where(target > -np.inf, target, 0)
        losses = np.exp(target) * (possible - prediction)
    else:
        certain = np.where(target > 0, target, 1)
        losses = np.where(target > 0, target * np.log(certain), 0) - target * prediction
    return weighted(losses, reduction, weight)


@checked(REDUCTION)
def poisson_nll_loss(
    prediction: Tensor, target: Any, reduction: str = "mean", *, log_input: bool = True,
    full: bool = False, eps: float = 1e-8, weight: Any = None,
) -> Tensor:  # fmt: skip
    """Negative log-likelihood of counts t in Poisson distributions, for how often things happen.

    The prediction x is the logarithm of the expected count, L = mean(eˣ - t x), or with
    `log_input=False` that count itself, L = mean(x - t ln(x + ε)).  `full` adds Stirling's
    approximation of ln t!, t ln t - t + ln(2π t) / 2, for t > 1.  An eˣ beyond the dtype is ∞.
    Raises ValueError for negative counts and unless the shapes are equal.

    >>> poisson_nll_loss(Tensor([0.0, 2.0]), np.array([3, 0]), "none", log_input=False, eps=1.0)
    Tensor([0., 2.])
    """
    prediction, target = pair(prediction, target)
    if (plain(target) < 0).any():
        raise ValueError("the targets must be counts, 0 or more")
    if log_input:
        losses = np.exp(prediction) - target * prediction
    elif np.any(prediction < 0):
        raise ValueError(
            "the predictions must be expected counts, 0 or more; with log_input=True they are "
            "logarithms, of any sign"
        )
    else:
        losses = prediction - target * np.log(prediction + eps)
    if full:
        many = target > 1
        t = ops.where(many, target, 1)
        stirling = t * np.log(t) - t + 0.5 * np.log(t * (2 * math.pi))
        losses = losses + ops.where(many, stirling, 0)
    return weighted(losses, reduction, weight)


@checked(REDUCTION)
def gaussian_nll_loss(
    prediction: Tensor, target: Any, var: Any, reduction: str = "mean", *, full: bool = False,
    eps: float = 1e-6, weight: Any = None,
) -> Tensor:  # fmt: skip
    """Negative log-likelihood of numbers t in normal distributions of predicted mean and variance.

    L = mean(ln v + (y - t)² / v) / 2, where v is `var`, at least ε; the gradient passes there as if
    it were not, so that a variance of 0 can grow again.  `var` has the prediction's shape, or that
    with a last axis of size 1, or without the last axis, or is one number.  `full` adds ln(2π) / 2.
    (Nix and Weigend, "Estimating the mean and variance of the target probability distribution",
    1994.)  Raises ValueError for a negative variance and for other shapes.

    >>> y, t = Tensor([1.0, 1.0]), np.array([1.0, 3.0])
    >>> gaussian_nll_loss(y, t, np.array([1.0, 4.0]), "none").data.round(4)
    array([0.    , 1.1931])
    """
    prediction, target = pair(prediction, target)
    var = _variance(var, prediction)
    with no_grad():
        missing = np.maximum(eps - var, 0)
    var = var + missing
    losses = 0.5 * (np.log(var) + np.square(prediction - target) / var)
    return weighted(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction, weight)


def _variance(var: Any, prediction: Tensor) -> Any:
    """In the prediction's dtype and number of axes."""
    shape, given = prediction.shape, np.shape(var)
    if given not in (shape, (*shape[:-1], 1), shape[:-1], ()):
        a, b = symbolic(shape, given)
        index = index_between(given, shape)
        remedy = f"write {written(var, 'var')}{index}" if index else "give it that shape"
        raise ValueError(f"the prediction has shape {a} and var {b}; {remedy}")
    if (plain(var) < 0).any():
        raise ValueError("var must not be negative; take np.exp or F.softplus of what is predicted")
    var = constant_like(var, prediction)
    return np.expand_dims(var, -1) if given == shape[:-1] != shape else var
