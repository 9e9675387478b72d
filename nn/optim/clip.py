"""Clipping of gradients, between `backward()` and `step()`."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from tinygrad_edu import Tensor


def clip_grad_norm(parameters: Iterable[Tensor], max_norm: float) -> float:
    """Scale all gradients in place so that their joint 2-norm is at most `max_norm`.

    Answers the norm before clipping, which is not finite if any gradient is not; then nothing is
    scaled (Pascanu, Mikolov and Bengio, 2013).

    >>> p = Tensor([3.0, 4.0], requires_grad=True)
    >>> p.sum().backward(); p.grad *= np.array([3.0, 4.0])
    >>> clip_grad_norm([p], 1.0), p.grad
    (5.0, array([0.6, 0.8]))
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = math.sqrt(sum(float(np.vdot(g, g)) for g in gradients))
    if max_norm < norm < math.inf:
        for g in gradients:
            g *= max_norm / norm
    return norm


def clip_grad_value(parameters: Iterable[Tensor], max_value: float) -> None:
    """Limit every element of every gradient in place to [-max_value, max_value].

    >>> p = Tensor([3.0, -4.0], requires_grad=True)
    >>> (p * p).sum().backward(); clip_grad_value([p], 7.0); p.grad
    array([ 6., -7.])
    """
    for p in parameters:
        if p.grad is not None:
            np.clip(p.grad, -max_value, max_value, out=p.grad)
