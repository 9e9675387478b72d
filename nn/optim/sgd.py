"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_edu import Tensor

from .optimizer import Group, Optimizer, decayed


class SGD(Optimizer):
    """Gradient descent with momentum and weight decay (as `torch.optim.SGD`).

    g ← ∂L/∂p + λ p,   v ← μ v + (1 - dampening) g,   p ← p - lr v

    The first v is g.  With `nesterov` the step is lr (g + μ v), momentum applied ahead of time
    (Sutskever et al., 2013).

    >>> p = Tensor([1.0], requires_grad=True)
    >>> optimizer = SGD([p], lr=0.1)
    >>> (p * p).sum().backward(); optimizer.step(); p.data
    array([0.8])
    """

    def __init__(
        self,
        parameters: Iterable[Tensor | Group],
        lr: float = 0.01,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        if nesterov and (not momentum or dampening):
            raise ValueError("nesterov needs momentum and no dampening")
        super().__init__(
            parameters,
            lr=lr,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            nesterov=nesterov,
        )

    def update(
        self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], scratch: np.ndarray, group: Group
    ) -> None:
        g = decayed(p, g, group)
        momentum = group["momentum"]
        if momentum:
            if "velocity" in state:
                v = state["velocity"]
                v *= momentum
                np.multiply(g, 1 - group["dampening"], out=scratch)
                v += scratch
            else:
                v = state["velocity"] = g.copy()
            g = g + momentum * v if group["nesterov"] else v
        np.multiply(g, group["lr"], out=scratch)
        p -= scratch
