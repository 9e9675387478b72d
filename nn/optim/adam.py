"""Adam."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_edu import Tensor

from .optimizer import Optimizer, fraction, positive


class Adam(Optimizer):
    """Adaptive moments (Kingma and Ba, 2015; as `torch.optim.Adam`).

    m ← β₁ m + (1 - β₁) g,   v ← β₂ v + (1 - β₂) g²,
    p ← p - lr m̂ / (√v̂ + ε),   m̂ = m / (1 - β₁ᵗ),   v̂ = v / (1 - β₂ᵗ)

    `weight_decay` adds λ p to the gradient.

    >>> p = Tensor([1.0], requires_grad=True)
    >>> optimizer = Adam([p], lr=0.1)
    >>> (p * p).sum().backward(); optimizer.step(); p.data.round(6)
    array([0.9])
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters)
        self.lr = positive("lr", lr)
        self.betas = (fraction("betas[0]", betas[0]), fraction("betas[1]", betas[1]))
        self.eps = positive("eps", eps)
        self.weight_decay = positive("weight_decay", weight_decay)

    def update(
        self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], scratch: np.ndarray
    ) -> None:
        if not state:
            state.update(step=0, m=np.zeros_like(p), v=np.zeros_like(p))
        beta1, beta2 = self.betas
        m, v = state["m"], state["v"]
        state["step"] += 1
        if self.weight_decay:
            g = g + self.weight_decay * p
        np.subtract(g, m, out=scratch)
        scratch *= 1 - beta1
        m += scratch
        np.multiply(g, 1 - beta2, out=scratch)
        scratch *= g
        v *= beta2
        v += scratch
        np.sqrt(v, out=scratch)
        scratch /= math.sqrt(1 - beta2 ** state["step"])
        scratch += self.eps
        np.divide(m, scratch, out=scratch)
        scratch *= self.lr / (1 - beta1 ** state["step"])
        p -= scratch
