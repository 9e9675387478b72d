"""Adam and its variants: a moving average of the gradient over that of its square."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .optimizer import Array, Optimizer, Parameters, State, average, average_square, decayed

__all__ = ["Adam", "AdamW", "NAdam", "RAdam"]

Betas = tuple[float, float]


class Adam(Optimizer):
    """Adaptive moments (Kingma and Ba, 2015; as `torch.optim.Adam`).

    m ← β₁ m + (1 - β₁) g,   v ← β₂ v + (1 - β₂) g²,
    p ← p - lr m̂ / (√v̂ + ε),   m̂ = m / (1 - β₁ᵗ),   v̂ = v / (1 - β₂ᵗ)

    `weight_decay` adds λ p to the gradient; `amsgrad` uses the largest v so far (Reddi, 2018).

    >>> from tinygrad_edu import Tensor
    >>> p = Tensor([1.0], requires_grad=True)
    >>> optimizer = Adam([p], lr=0.1)
    >>> (p * p).sum().backward(); optimizer.step(); p.data.round(6)
    array([0.9])
    """

    def __init__(
        self, parameters: Parameters, lr: float = 1e-3, betas: Betas = (0.9, 0.999),
        eps: float = 1e-8, weight_decay: float = 0.0, amsgrad: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad
        )

    def update(
        self, p: Array, g: Array, state: State, scratch: Array, *,
        lr: float, betas: Betas, eps: float, weight_decay: float, amsgrad: bool,
    ) -> None:  # fmt: skip
        m, v, t = _moments(decayed(p, g, weight_decay), p, state, scratch, betas)
        beta1, beta2 = betas
        if amsgrad:
            v = np.maximum(state.setdefault("largest", np.zeros_like(p)), v, out=state["largest"])
        np.sqrt(v, out=scratch)
        scratch /= math.sqrt(1 - beta2**t)
        scratch += eps
        np.divide(m, scratch, out=scratch)
        scratch *= lr / (1 - beta1**t)
        p -= scratch


class AdamW(Adam):
    """Adam with decoupled weight decay, p ← (1 - lr λ) p (Loshchilov and Hutter, 2019)."""

    def __init__(
        self, parameters: Parameters, lr: float = 1e-3, betas: Betas = (0.9, 0.999),
        eps: float = 1e-8, weight_decay: float = 1e-2, amsgrad: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(parameters, lr, betas, eps, weight_decay, amsgrad)

    def update(
        self, p: Array, g: Array, state: State, scratch: Array, *,
        lr: float, weight_decay: float, **options: Any,
    ) -> None:  # fmt: skip
        p *= 1 - lr * weight_decay
        super().update(p, g, state, scratch, lr=lr, weight_decay=0.0, **options)


class NAdam(Optimizer):
    """Adam with Nesterov's momentum (Dozat, 2016; as `torch.optim.NAdam`).

    μₜ = β₁ (1 - ½ 0.96^(t ψ)),   p ← p - lr (c₁ g + c₂ m) / (√v̂ + ε),
    c₁ = (1 - μₜ) / (1 - Πμ),   c₂ = μₜ₊₁ / (1 - μₜ₊₁ Πμ),   Πμ = μ₁ ... μₜ,   ψ = momentum_decay
    """

    def __init__(
        self, parameters: Parameters, lr: float = 2e-3, betas: Betas = (0.9, 0.999),
        eps: float = 1e-8, weight_decay: float = 0.0, momentum_decay: float = 4e-3,
    ) -> None:  # fmt: skip
        super().__init__(
            parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay,
            momentum_decay=momentum_decay,
        )  # fmt: skip

    def update(
        self, p: Array, g: Array, state: State, scratch: Array, *,
        lr: float, betas: Betas, eps: float, weight_decay: float, momentum_decay: float,
    ) -> None:  # fmt: skip
        g = decayed(p, g, weight_decay)
        m, v, t = _moments(g, p, state, scratch, betas)
        beta1, beta2 = betas
        mu, ahead = (beta1 * (1 - 0.5 * 0.96 ** (s * momentum_decay)) for s in (t, t + 1))
        product = state["product"] = state.get("product", 1.0) * mu
        step = m * (ahead / (1 - product * ahead))
        np.multiply(g, (1 - mu) / (1 - product), out=scratch)
        step += scratch
        np.divide(v, 1 - beta2**t, out=scratch)
        np.sqrt(scratch, out=scratch)
        scratch += eps
        step /= scratch
        step *= lr
        p -= step


class RAdam(Optimizer):
    """Rectified Adam (Liu et al., 2020; as `torch.optim.RAdam`).

    While v has seen too little (ρₜ ≤ 5) the step is lr m̂; then it is Adam's times
    √((ρₜ-4)(ρₜ-2)ρ / ((ρ-4)(ρ-2)ρₜ)),   ρ = 2/(1-β₂) - 1,   ρₜ = ρ - 2t β₂ᵗ / (1 - β₂ᵗ)
    """

    def __init__(
        self, parameters: Parameters, lr: float = 1e-3, betas: Betas = (0.9, 0.999),
        eps: float = 1e-8, weight_decay: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def update(
        self, p: Array, g: Array, state: State, scratch: Array, *,
        lr: float, betas: Betas, eps: float, weight_decay: float,
    ) -> None:  # fmt: skip
        m, v, t = _moments(decayed(p, g, weight_decay), p, state, scratch, betas)
        beta1, beta2 = betas
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * t * beta2**t / (1 - beta2**t)
        rate = lr / (1 - beta1**t)
        if length > 5:
            rate *= math.sqrt(
                (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            )
            np.sqrt(v, out=scratch)
            scratch += eps
            np.divide(m, scratch, out=scratch)
            rate *= math.sqrt(1 - beta2**t)
        else:
            np.copyto(scratch, m)
        scratch *= rate
        p -= scratch


def _moments(
    g: Array, p: Array, state: State, scratch: Array, betas: Betas
) -> tuple[Array, Array, int]:
    """The moving averages of g and g² and the number of the step, brought up to date."""
    if not state:
        state.update(step=0, m=np.zeros_like(p), v=np.zeros_like(p))
    average(state["m"], g, 1 - betas[0], scratch)
    average_square(state["v"], g, 1 - betas[1], scratch)
    state["step"] += 1
    return state["m"], state["v"], state["step"]
