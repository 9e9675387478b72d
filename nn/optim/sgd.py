"""Stochastic gradient descent, and its average."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .optimizer import Array, Optimizer, Parameters, State, decayed
from .options import not_negative

__all__ = ["ASGD", "SGD"]


class SGD(Optimizer):
    """Gradient descent with momentum and weight decay (as `torch.optim.SGD`).

    g ← ∂L/∂p + λ p,   v ← μ v + (1 - dampening) g,   p ← p - lr v

    The first v is g.  With `nesterov` the step is lr (g + μ v), momentum applied ahead of time
    (Sutskever et al., 2013).

    >>> from tinygrad_edu import Tensor
    >>> p = Tensor([1.0], requires_grad=True)
    >>> optimizer = SGD([p], lr=0.1)
    >>> (p * p).sum().backward(); optimizer.step(); p.data
    array([0.8])
    """

    elementwise = True

    def __init__(
        self, parameters: Parameters, lr: float = 1e-3, momentum: float = 0.0,
        dampening: float = 0.0, weight_decay: float = 0.0, nesterov: bool = False, *,
        maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            parameters, lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay,
            nesterov=nesterov, maximize=maximize,
        )  # fmt: skip

    def check_options(self, options: Mapping[str, Any]) -> None:
        super().check_options(options)
        if options["nesterov"] and (not options["momentum"] or options["dampening"]):
            raise ValueError("nesterov needs momentum and no dampening")

    def update(
        self, p: Array, g: Array, state: State, scratch: Array, *,
        lr: float, momentum: float, dampening: float, weight_decay: float, nesterov: bool,
    ) -> None:  # fmt: skip
        g = decayed(p, g, weight_decay)
        if momentum:
            v = state.get("velocity")
            if v is None:
                v = state["velocity"] = g.copy()
            else:
                v *= momentum
                v += np.multiply(g, 1 - dampening, out=scratch) if dampening else g
            if nesterov:
                np.multiply(v, momentum, out=scratch)
                scratch += g
                g = scratch
            else:
                g = v
        np.multiply(g, lr, out=scratch)
        p -= scratch


class ASGD(Optimizer):
    """Gradient descent that averages its path (as `torch.optim.ASGD`).

    p ← (1 - λ η) p - η g,   η = lr / (1 + λ lr t)^α,   average ← average + (p - average) / k

    λ is `lambd`.  k is 1 until step `t0`, then it counts; the average is no part of the model, but
    in `optimizer.state[i]["average"]` for the i-th parameter (Polyak and Juditsky, 1992).
    """

    elementwise = True
    checks = {"alpha": not_negative}

    def __init__(
        self, parameters: Parameters, lr: float = 0.01, lambd: float = 1e-4, alpha: float = 0.75,
        t0: float = 1e6, weight_decay: float = 0.0, *, maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            parameters, lr=lr, lambd=lambd, alpha=alpha, t0=t0, weight_decay=weight_decay,
            maximize=maximize,
        )  # fmt: skip

    def update(
        self, p: Array, g: Array, state: State, scratch: Array, *,
        lr: float, lambd: float, alpha: float, t0: float, weight_decay: float,
    ) -> None:  # fmt: skip
        if not state:
            state.update(step=0, eta=float(lr), average=np.zeros_like(p))
        g, eta, average = decayed(p, g, weight_decay), state["eta"], state["average"]
        p *= 1 - lambd * eta
        p -= np.multiply(g, eta, out=scratch)
        np.subtract(p, average, out=scratch)
        scratch /= max(1, state["step"] - t0)
        average += scratch
        state["step"] += 1
        state["eta"] = lr / (1 + lambd * lr * state["step"]) ** alpha
