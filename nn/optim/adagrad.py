"""Optimizers that scale each element by the size of its past gradients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_edu import Tensor

from .optimizer import Group, Optimizer, average, average_square, decayed


class Adagrad(Optimizer):
    """Adaptive gradients (Duchi, Hazan and Singer, 2011; as `torch.optim.Adagrad`).

    s ← s + g²,   p ← p - lr g / (√s + ε),   lr shrinks to lr / (1 + (t - 1) lr_decay)
    """

    def __init__(
        self,
        parameters: Iterable[Tensor | Group],
        lr: float = 0.01,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
    ) -> None:
        super().__init__(
            parameters,
            lr=lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
        )

    def update(
        self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], scratch: np.ndarray, group: Group
    ) -> None:
        if not state:
            state.update(step=0, sum=np.full_like(p, group["initial_accumulator_value"]))
        g = decayed(p, g, group)
        state["step"] += 1
        np.multiply(g, g, out=scratch)
        state["sum"] += scratch
        np.sqrt(state["sum"], out=scratch)
        scratch += group["eps"]
        np.divide(g, scratch, out=scratch)
        scratch *= group["lr"] / (1 + (state["step"] - 1) * group["lr_decay"])
        p -= scratch


class RMSprop(Optimizer):
    """Root mean square propagation (Hinton, 2012; as `torch.optim.RMSprop`).

    s ← α s + (1 - α) g²,   p ← p - lr g / (√s + ε)

    `centered` subtracts the square of the mean gradient from s (Graves, 2013); with `momentum`
    the quotient enters v ← μ v + g / (√s + ε), and p ← p - lr v.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor | Group],
        lr: float = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        super().__init__(
            parameters,
            lr=lr,
            alpha=alpha,
            eps=eps,
            weight_decay=weight_decay,
            momentum=momentum,
            centered=centered,
        )

    def update(
        self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], scratch: np.ndarray, group: Group
    ) -> None:
        if not state:
            state["square"] = np.zeros_like(p)
            state.update({"mean": np.zeros_like(p)} if group["centered"] else {})
            state.update({"velocity": np.zeros_like(p)} if group["momentum"] else {})
        g = decayed(p, g, group)
        average_square(state["square"], g, 1 - group["alpha"], scratch)
        if group["centered"]:
            average(state["mean"], g, 1 - group["alpha"], scratch)
            np.multiply(state["mean"], state["mean"], out=scratch)
            np.subtract(state["square"], scratch, out=scratch)
            np.sqrt(scratch, out=scratch)
        else:
            np.sqrt(state["square"], out=scratch)
        scratch += group["eps"]
        np.divide(g, scratch, out=scratch)
        if group["momentum"]:
            state["velocity"] *= group["momentum"]
            state["velocity"] += scratch
            np.copyto(scratch, state["velocity"])
        scratch *= group["lr"]
        p -= scratch


class Adadelta(Optimizer):
    """Adaptive steps without a learning rate (Zeiler, 2012; as `torch.optim.Adadelta`).

    s ← ρ s + (1 - ρ) g²,   δ = √(d + ε) / √(s + ε) g,   d ← ρ d + (1 - ρ) δ²,   p ← p - lr δ
    """

    def __init__(
        self,
        parameters: Iterable[Tensor | Group],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr=lr, rho=rho, eps=eps, weight_decay=weight_decay)

    def update(
        self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], scratch: np.ndarray, group: Group
    ) -> None:
        if not state:
            state.update(square=np.zeros_like(p), delta=np.zeros_like(p))
        g = decayed(p, g, group)
        average_square(state["square"], g, 1 - group["rho"], scratch)
        np.add(state["square"], group["eps"], out=scratch)
        delta = np.asarray(state["delta"] + group["eps"])
        delta /= scratch
        np.sqrt(delta, out=delta)
        delta *= g
        average_square(state["delta"], delta, 1 - group["rho"], scratch)
        delta *= group["lr"]
        p -= delta
