"""Optimizers that scale each element by the size of its past gradients."""

from __future__ import annotations

import numpy as np

from .optimizer import Array, Optimizer, Parameters, State, average, average_square, decayed

__all__ = ["Adadelta", "Adagrad", "RMSprop"]


class Adagrad(Optimizer):
    """Adaptive gradients (Duchi, Hazan and Singer, 2011; as `torch.optim.Adagrad`).

    s ← s + g²,   p ← p - lr g / (√s + ε),   lr shrinks to lr / (1 + (t - 1) lr_decay)
    """

    elementwise = True

    def __init__(
        self, parameters: Parameters, lr: float = 0.01, lr_decay: float = 0.0,
        weight_decay: float = 0.0, initial_accumulator_value: float = 0.0, eps: float = 1e-10,
        *, maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            parameters, lr=lr, lr_decay=lr_decay, weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value, eps=eps,
            maximize=maximize,
        )  # fmt: skip

    def update(
        self, p: Array, g: Array, state: State, scratch: Array, *, lr: float, lr_decay: float,
        weight_decay: float, initial_accumulator_value: float, eps: float,
    ) -> None:  # fmt: skip
        if not state:
            state.update(step=0, sum=np.full_like(p, initial_accumulator_value))
        g, s = decayed(p, g, weight_decay), state["sum"]
        state["step"] += 1
        np.multiply(g, g, out=scratch)
        s += scratch
        np.sqrt(s, out=scratch)
        scratch += eps
        np.divide(g, scratch, out=scratch)
        scratch *= lr / (1 + (state["step"] - 1) * lr_decay)
        p -= scratch


class RMSprop(Optimizer):
    """Root mean square propagation (Hinton, 2012; as `torch.optim.RMSprop`).

    s ← α s + (1 - α) g²,   p ← p - lr g / (√s + ε)

    `centered` subtracts the square of the mean gradient from s (Graves, 2013); with `momentum`
    the quotient enters v ← μ v + g / (√s + ε), and p ← p - lr v.
    """

    elementwise = True

    def __init__(
        self, parameters: Parameters, lr: float = 0.01, alpha: float = 0.99, eps: float = 1e-8,
        weight_decay: float = 0.0, momentum: float = 0.0, centered: bool = False,
        *, maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            parameters, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum,
            centered=centered, maximize=maximize,
        )  # fmt: skip

    def update(
        self, p: Array, g: Array, state: State, scratch: Array, *, lr: float, alpha: float,
        eps: float, weight_decay: float, momentum: float, centered: bool,
    ) -> None:  # fmt: skip
        if not state:
            names = ["square"] + ["mean"] * centered + ["velocity"] * bool(momentum)
            state.update({name: np.zeros_like(p) for name in names})
        g = decayed(p, g, weight_decay)
        average_square(state["square"], g, 1 - alpha, scratch)
        if centered:
            average(state["mean"], g, 1 - alpha, scratch)
            np.multiply(state["mean"], state["mean"], out=scratch)
            np.subtract(state["square"], scratch, out=scratch)
            np.sqrt(scratch, out=scratch)
        else:
            np.sqrt(state["square"], out=scratch)
        scratch += eps
        np.divide(g, scratch, out=scratch)
        if momentum:
            v = state["velocity"]
            v *= momentum
            v += scratch
            np.multiply(v, lr, out=scratch)
        else:
            scratch *= lr
        p -= scratch


class Adadelta(Optimizer):
    """Adaptive steps without a learning rate (Zeiler, 2012; as `torch.optim.Adadelta`).

    s ← ρ s + (1 - ρ) g²,   δ = √(d + ε) / √(s + ε) g,   d ← ρ d + (1 - ρ) δ²,   p ← p - lr δ
    """

    elementwise = True

    def __init__(
        self, parameters: Parameters, lr: float = 1.0, rho: float = 0.9, eps: float = 1e-6,
        weight_decay: float = 0.0, *, maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            parameters, lr=lr, rho=rho, eps=eps, weight_decay=weight_decay, maximize=maximize
        )

    def update(
        self, p: Array, g: Array, state: State, scratch: Array, *,
        lr: float, rho: float, eps: float, weight_decay: float,
    ) -> None:  # fmt: skip
        if not state:
            state.update(square=np.zeros_like(p), delta=np.zeros_like(p))
        g = decayed(p, g, weight_decay)
        average_square(state["square"], g, 1 - rho, scratch)
        np.add(state["square"], eps, out=scratch)
        delta = np.asarray(state["delta"] + eps)
        delta /= scratch
        np.sqrt(delta, out=delta)
        delta *= g
        average_square(state["delta"], delta, 1 - rho, scratch)
        delta *= lr
        p -= delta
