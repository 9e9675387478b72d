"""Clipping of gradients, between `backward()` and `step()`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np

from tinygrad_edu import Tensor

from .options import not_negative

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value", "clip_grad_value_"]


class HasParameters(Protocol):
    """A model."""

    def parameters(self) -> Iterable[Tensor]: ...


Parameters = Iterable[Tensor] | Tensor | HasParameters


def clip_grad_norm(
    parameters: Parameters,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> float:
    """Scale all gradients in place so that their joint norm is at most `max_norm`.

    The norm is (Σ |g|ᵏ)^(1/k) with k = `norm_type`, or max |g| with `math.inf`.  `parameters` can
    be a model.  Returns the norm before clipping, which is not finite if any gradient is not; then
    nothing is scaled (Pascanu, Mikolov and Bengio, 2013), or with `error_if_nonfinite` ValueError
    raised.  Also under PyTorch's name, `clip_grad_norm_`.

    >>> p = Tensor([3.0, 4.0], requires_grad=True)
    >>> p.sum().backward(); p.grad *= np.array([3.0, 4.0])
    >>> clip_grad_norm([p], 1.0), p.grad
    (5.0, array([0.6, 0.8]))
    """
    _check_limit("max_norm", max_norm)
    _check_limit("norm_type", norm_type, 1.0)
    gradients, exact = _gradients(parameters), None
    norm = math.inf
    if norm_type == 2:
        with np.errstate(over="ignore"):
            norm = math.sqrt(sum(float(np.vdot(g, g)) for g in gradients))
    if norm == math.inf:  # perhaps of the squares only
        norm = _norm(np.array([_norm(g, norm_type) for g in gradients]), norm_type)
        exact = np.float64
    if error_if_nonfinite and not math.isfinite(norm):
        raise ValueError(f"the norm of the gradients is {norm}, so they cannot be clipped")
    if max_norm < norm < math.inf:
        for g in gradients:
            np.multiply(g, max_norm / norm, out=g, dtype=exact)
    return norm


def clip_grad_value(parameters: Parameters, clip_value: float) -> None:
    """Limit every element of every gradient in place to [-clip_value, clip_value].

    `parameters` can be a model.  Also under PyTorch's name, `clip_grad_value_`.

    >>> p = Tensor([3.0, -4.0], requires_grad=True)
    >>> (p * p).sum().backward(); clip_grad_value([p], 7.0); p.grad
    array([ 6., -7.])
    """
    _check_limit("clip_value", clip_value)
    for g in _gradients(parameters):
        np.clip(g, -clip_value, clip_value, out=g)


clip_grad_norm_ = clip_grad_norm
clip_grad_value_ = clip_grad_value


def _check_limit(name: str, value: Any, least: float = 0.0) -> None:
    if value != math.inf and not_negative(name, value) < least:
        raise ValueError(f"{name} must be at least {least:g}, not {value}")


def _gradients(parameters: Any) -> list[np.ndarray]:
    given = parameters.parameters() if hasattr(parameters, "parameters") else parameters
    several = isinstance(given, Iterable) and not isinstance(given, Tensor)
    each = [*given] if several else [given]
    if not all(isinstance(p, Tensor) for p in each):
        raise TypeError(
            "gradients are those of parameters, as in clip_grad_norm(model.parameters(), 1.0), not "
            f"of {parameters!r}"
        )
    return [p.grad for p in each if p.grad is not None]


def _norm(g: np.ndarray, k: float) -> float:
    """The k-norm, also where the powers are too large for the dtype."""
    largest = float(np.absolute(g).max(initial=0))
    if k == math.inf or not 0 < largest < math.inf:
        return largest
    share = np.absolute(g).astype(np.float64) / largest
    return float(largest * (share**k).sum() ** (1 / k))
