"""Adafactor: Adam's denominators from the means of rows and columns."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .optimizer import Array, Optimizer, Parameters, State, average, decayed
from .options import not_negative, number, tuple_of

__all__ = ["Adafactor"]


def _not_positive(name: str, value: Any) -> None:
    if number(name, value) > 0:
        raise ValueError(f"{name} must be at most 0, not {value}")


def _at_least_1(name: str, value: Any) -> None:
    if number(name, value) < 1:
        raise ValueError(f"{name} must be at least 1, not {value}")


def _none_or_not_negative(name: str, value: Any) -> None:
    if value is not None or name != "eps[0]":
        not_negative(name, value)


class Adafactor(Optimizer):
    """Adam's adaptive steps in little memory (Shazeer and Stern, 2018; as `torch.optim.Adafactor`).

    r ← r + t^c (mean of g² over columns - r),   c' ← likewise over rows,   v = r c' / mean(r),
    u = g / √v,   p ← p - α u / max(1, rms(u) / d),   α = max(ε₂, rms(p)) min(lr, 1 / √t)

    Instead of a v for each element of a matrix there are a row and a column; of arrays with more
    axes the last two count, and vectors have their v.  c is `beta2_decay`; ε₁, below which √v does
    not fall, is by default the precision of the dtype.  The weight decay is decoupled.
    """

    checks = {
        "beta2_decay": _not_positive,
        "eps": tuple_of(2, _none_or_not_negative, "(None, 1e-3)"),
        "d": _at_least_1,
    }

    def __init__(
        self, parameters: Parameters, lr: float = 0.01, beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3), d: float = 1.0, weight_decay: float = 0.0,
        *, maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            parameters, lr=lr, beta2_decay=beta2_decay, eps=eps, d=d, weight_decay=weight_decay,
            maximize=maximize,
        )  # fmt: skip

    def update(
        self, p: Array, g: Array, state: State, scratch: Array, *, lr: float, beta2_decay: float,
        eps: tuple[float | None, float], d: float, weight_decay: float,
    ) -> None:  # fmt: skip
        least = np.finfo(p.dtype).eps if eps[0] is None else eps[0]
        t = state["step"] = state.get("step", 0) + 1
        alpha = max(eps[1], _rms(p)) * min(lr, 1 / math.sqrt(t))
        g = decayed(p, g, weight_decay, lr)
        np.multiply(g, g, out=scratch)
        _put_mean_squares(scratch, state, t**beta2_decay, least)
        np.maximum(scratch, least * least, out=scratch)
        np.sqrt(scratch, out=scratch)
        np.divide(g, scratch, out=scratch)
        scratch *= alpha / max(1.0, _rms(scratch) / d)
        p -= scratch


def _put_mean_squares(square: Array, state: State, rate: float, least: float) -> None:
    """Replace g² by its moving average v, or the estimate of v from its rows and columns."""
    if square.ndim < 2:
        v = state.setdefault("v", np.zeros_like(square))
        average(v, square, rate, np.empty_like(v))
        square[...] = v
        return
    means = {"row": square.mean(axis=-1, keepdims=True), "column": square.mean(-2, keepdims=True)}
    for name, mean in means.items():
        average(state.setdefault(name, np.zeros_like(mean)), mean, rate, np.empty_like(mean))
    np.multiply(state["row"], state["column"], out=square)
    square /= np.maximum(state["row"].mean(axis=-2, keepdims=True), least)


def _rms(x: Array) -> float:
    """The root of the mean square."""
    return math.sqrt(np.vdot(x, x) / x.size) if x.size else 0.0
