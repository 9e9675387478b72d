"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .optimizer import Array, Optimizer, Parameters, State, decayed

__all__ = ["SGD"]


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
