"""Rprop: steps by the signs of the gradient alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from .optimizer import Array, Optimizer, Parameters, State
from .options import not_negative, number, tuple_of

__all__ = ["Rprop"]

Pair = tuple[float, float]


def _factors(name: str, values: Any) -> None:
    less, more = tuple_of(2, number, "(0.5, 1.2)")(name, values)
    if not 0 < less < 1 < more:
        raise ValueError(f"{name} are one number between 0 and 1 and one above 1, not {values}")


def _bounds(name: str, values: Any) -> None:
    least, most = tuple_of(2, not_negative, "(1e-6, 50)")(name, values)
    if least > most:
        raise ValueError(f"{name} are the smallest and the largest step, not {values}")


class Rprop(Optimizer):
    """Resilient backpropagation, for full batches (as `torch.optim.Rprop`).

    s ← min(max(s η, s_min), s_max),   p ← p - s sign(g)

    Every element has a step s of its own, `lr` at first; η is the larger of the `etas` while its
    gradient keeps its sign.  Where the sign changes, η is the smaller and the step left out
    (Riedmiller and Braun, 1993).

    >>> from tinygrad_edu import Tensor
    >>> p = Tensor([1.0, -100.0], requires_grad=True)
    >>> optimizer = Rprop([p], lr=0.5)
    >>> (p * p).sum().backward(); optimizer.step(); p.data
    array([  0.5, -99.5])
    """

    elementwise = True
    checks = {"etas": _factors, "step_sizes": _bounds}

    def __init__(
        self, parameters: Parameters, lr: float = 0.01, etas: Pair = (0.5, 1.2),
        step_sizes: Pair = (1e-6, 50), *, maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(parameters, lr=lr, etas=etas, step_sizes=step_sizes, maximize=maximize)

    def update(
        self, p: Array, g: Array, state: State, scratch: Array, *,
        lr: float, etas: Pair, step_sizes: Pair,
    ) -> None:  # fmt: skip
        if not state:
            state.update(previous=np.zeros_like(p), size=np.full_like(p, lr))
        previous, size = state["previous"], state["size"]
        np.multiply(g, previous, out=scratch)
        turned = scratch < 0
        size *= np.where(turned, etas[0], np.where(scratch > 0, etas[1], 1.0))
        np.clip(size, *step_sizes, out=size)
        previous[...] = np.where(turned, 0, g)
        np.sign(previous, out=scratch)
        scratch *= size
        p -= scratch
