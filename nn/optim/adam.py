"""Adam and its variants: a moving average of the gradient over that of its square."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .optimizer import Array, Optimizer, Parameters, State, average, average_square, decayed

__all__ = ["Adam", "AdamW", "Adamax", "NAdam", "RAdam"]

Betas = tuple[float, float]


class Adam(Optimizer):
    """Adaptive moments (Kingma and Ba, 2015; as `torch.optim.Adam`).

    m ← β₁ m + (1 - β₁) g,   v ← β₂ v + (1 - β₂) g²,
    p ← p - lr m̂ / (√v̂ + ε),   m̂ = m / (1 - β₁ᵗ),   v̂ = v / (1 - β₂ᵗ)

    `weight_decay` adds λ p to the gradient, or with `decoupled_weight_decay` shrinks p by the
    factor 1 - lr λ; `amsgrad` uses the largest v so far (Reddi, 2018).

    >>> from tinygrad_edu import Tensor
    >>> p = Tensor([1.0], requires_grad=True)
    >>> optimizer = Adam([p], lr=0.1)
    >>> (p * p).sum().backward(); optimizer.step(); p.data.round(6)
    array([0.9])
    """

    elementwise = True

    def __init__(
        self, parameters: Parameters, lr: float = 1e-3, betas: Betas = (0.9, 0.999),
        eps: float = 1e-8, weight_decay: float = 0.0, amsgrad: bool = False, *,
        maximize: bool = False, decoupled_weight_decay: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad,
            maximize=maximize, decoupled_weight_decay=decoupled_weight_decay,
        )  # fmt: skip

    def update(
        self, p: Array, g: Array, state: State, scratch: Array, *, lr: float, betas: Betas,
        eps: float, weight_decay: float, amsgrad: bool, decoupled_weight_decay: bool,
    ) -> None:  # fmt: skip
        g = decayed(p, g, weight_decay, lr if decoupled_weight_decay else None)
        m, v, t = _moments(g, p, state, scratch, betas)
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
        eps: float = 1e-8, weight_decay: float = 1e-2, amsgrad: bool = False, *,
        maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            parameters, lr, betas, eps, weight_decay, amsgrad, maximize=maximize,
            decoupled_weight_decay=True,
        )  # fmt: skip

    def check_options(self, options: Mapping[str, Any]) -> None:
        super().check_options(options)
        if not options["decoupled_weight_decay"]:
            raise ValueError("AdamW is Adam with decoupled_weight_decay; without it, use Adam")


class Adamax(Optimizer):
    """Adam with the largest gradient in place of the root of v (as `torch.optim.Adamax`).

    m ← β₁ m + (1 - β₁) g,   u ← max(β₂ u, |g| + ε),   p ← p - lr m / ((1 - β₁ᵗ) u)

    From section 7.1 of Kingma and Ba, 2015.
    """

    elementwise = True

    def __init__(
        self, parameters: Parameters, lr: float = 2e-3, betas: Betas = (0.9, 0.999),
        eps: float = 1e-8, weight_decay: float = 0.0, *, maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize
        )

    def update(
        self, p: Array, g: Array, state: State, scratch: Array, *,
        lr: float, betas: Betas, eps: float, weight_decay: float,
    ) -> None:  # fmt: skip
        if not state:
            state.update(step=0, m=np.zeros_like(p), u=np.zeros_like(p))
        g, m, u = decayed(p, g, weight_decay), state["m"], state["u"]
        state["step"] += 1
        average(m, g, 1 - betas[0], scratch)
        np.absolute(g, out=scratch)
        scratch += eps
        u *= betas[1]
        np.maximum(u, scratch, out=u)
        np.divide(m, u, out=scratch)
        scratch *= lr / (1 - betas[0] ** state["step"])
        p -= scratch


class NAdam(Optimizer):
    """Adam with Nesterov's momentum (Dozat, 2016; as `torch.optim.NAdam`).

    μₜ = β₁ (1 - ½ 0.96^(t ψ)),   p ← p - lr (c₁ g + c₂ m) / (√v̂ + ε),
    c₁ = (1 - μₜ) / (1 - Πμ),   c₂ = μₜ₊₁ / (1 - μₜ₊₁ Πμ),   Πμ = μ₁ ... μₜ,   ψ = momentum_decay
    """

    elementwise = True

    def __init__(
        self, parameters: Parameters, lr: float = 2e-3, betas: Betas = (0.9, 0.999),
        eps: float = 1e-8, weight_decay: float = 0.0, momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False, *, maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize,
            momentum_decay=momentum_decay, decoupled_weight_decay=decoupled_weight_decay,
        )  # fmt: skip

    def update(
        self, p: Array, g: Array, state: State, scratch: Array, *, lr: float, betas: Betas,
        eps: float, weight_decay: float, momentum_decay: float, decoupled_weight_decay: bool,
    ) -> None:  # fmt: skip
        g = decayed(p, g, weight_decay, lr if decoupled_weight_decay else None)
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

    elementwise = True

    def __init__(
        self, parameters: Parameters, lr: float = 1e-3, betas: Betas = (0.9, 0.999),
        eps: float = 1e-8, weight_decay: float = 0.0, decoupled_weight_decay: bool = False, *,
        maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize,
            decoupled_weight_decay=decoupled_weight_decay,
        )  # fmt: skip

    def update(
        self, p: Array, g: Array, state: State, scratch: Array, *, lr: float, betas: Betas,
        eps: float, weight_decay: float, decoupled_weight_decay: bool,
    ) -> None:  # fmt: skip
        g = decayed(p, g, weight_decay, lr if decoupled_weight_decay else None)
        m, v, t = _moments(g, p, state, scratch, betas)
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
