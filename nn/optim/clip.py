"""Clipping of gradients, between `backward()` and `step()`."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from tinygrad_edu import Tensor

__all__ = ["clip_grad_norm", "clip_grad_value"]


def clip_grad_norm(parameters: Iterable[Tensor] | Tensor, max_norm: float) -> float:
    """Scale all gradients in place so that their joint 2-norm is at most `max_norm`.

    Returns the norm before clipping, which is not finite if any gradient is not; then nothing is
    scaled (Pascanu, Mikolov and Bengio, 2013).

    >>> p = Tensor([3.0, 4.0], requires_grad=True)
    >>> p.sum().backward(); p.grad *= np.array([3.0, 4.0])
    >>> clip_grad_norm([p], 1.0), p.grad
    (5.0, array([0.6, 0.8]))
    """
    gradients, exact = _gradients(parameters), None
    with np.errstate(over="ignore"):
        norm = math.sqrt(sum(float(np.vdot(g, g)) for g in gradients))
    if norm == math.inf:  # perhaps of the squares only
        norm, exact = math.hypot(*map(_norm, gradients)), np.float64
    if max_norm < norm < math.inf:
        for g in gradients:
            np.multiply(g, max_norm / norm, out=g, dtype=exact)
    return norm


def clip_grad_value(parameters: Iterable[Tensor] | Tensor, max_value: float) -> None:
    """Limit every element of every gradient in place to [-max_value, max_value].

    >>> p = Tensor([3.0, -4.0], requires_grad=True)
    >>> (p * p).sum().backward(); clip_grad_value([p], 7.0); p.grad
    array([ 6., -7.])
    """
    for g in _gradients(parameters):
        np.clip(g, -max_value, max_value, out=g)


def _gradients(parameters: Iterable[Tensor] | Tensor) -> list[np.ndarray]:
    each = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p.grad for p in each if p.grad is not None]


def _norm(g: np.ndarray) -> float:
    """The 2-norm, also where the squares are too large for the dtype."""
    largest = float(np.absolute(g).max(initial=0))
    if not 0 < largest < math.inf:
        return largest
    share = g.astype(np.float64) / largest
    return largest * math.sqrt(np.vdot(share, share))
