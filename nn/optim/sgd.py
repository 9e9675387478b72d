"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_edu import Tensor

from .optimizer import Optimizer, fraction, positive


class SGD(Optimizer):
    """Gradient descent with momentum and weight decay (as `torch.optim.SGD`).

    g ← ∂L/∂p + λ p,   v ← μ v + g,   p ← p - lr v

    >>> p = Tensor([1.0], requires_grad=True)
    >>> optimizer = SGD([p], lr=0.1)
    >>> (p * p).sum().backward(); optimizer.step(); p.data
    array([0.8])
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 0.01,
        *,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters)
        self.lr = positive("lr", lr)
        self.momentum = fraction("momentum", momentum)
        self.weight_decay = positive("weight_decay", weight_decay)

    def update(
        self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], scratch: np.ndarray
    ) -> None:
        if self.weight_decay:
            np.multiply(p, self.weight_decay, out=scratch)
            scratch += g
            g = scratch
        if self.momentum:
            if "velocity" in state:
                state["velocity"] *= self.momentum
                state["velocity"] += g
            else:
                state["velocity"] = g.copy()
            g = state["velocity"]
        np.multiply(g, self.lr, out=scratch)
        p -= scratch
