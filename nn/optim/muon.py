"""Muon: steps of momentum whose directions are orthogonalized."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..validation import choice, integer
from .optimizer import Array, Group, Optimizer, Parameters, State, average, decayed
from .options import number, tuple_of

__all__ = ["Muon"]

Coefficients = tuple[float, float, float]


class Muon(Optimizer):
    """Momentum, orthogonalized, for matrices (Jordan et al., 2024; as `torch.optim.Muon`).

    m ← μ m + (1 - μ) g,   p ← (1 - lr λ) p - lr c NS((1 - μ) g + μ m),   c = √max(1, out / in)

    NS moves all singular values of a matrix towards 1 by `ns_steps` of the Newton-Schulz iteration
    X ← a X + (b X Xᵀ + c (X Xᵀ)²) X, starting from X / ‖X‖, with the `ns_coefficients` (a, b, c).
    Without `nesterov` it takes m.  The shape of p is (in, out), as that of a Dense layer's weight,
    of which PyTorch has the transpose.  With `adjust_lr_fn="match_rms_adamw"` the factor c is
    0.2 √max(in, out), which suits the learning rates of AdamW (Liu et al., 2025).

    What is no matrix, such as biases, needs another optimizer beside it, as do usually the first
    and the last layer; it raises ValueError.

    >>> import nn
    >>> model = nn.Sequential(nn.Dense(4, 8), nn.ReLU(), nn.Dense(8, 8), nn.ReLU(), nn.Dense(8, 3))
    >>> hidden = [model[2].weight]
    >>> others = [p for p in model.parameters() if p is not hidden[0]]
    >>> optimizers = Muon(hidden, lr=0.02), nn.AdamW(others)
    """

    checks = {
        "ns_coefficients": tuple_of(3, number, "(3.4445, -4.775, 2.0315)"),
        "ns_steps": integer,
        "adjust_lr_fn": lambda name, value: choice(
            name, value, (None, "original", "match_rms_adamw")
        ),
    }

    def __init__(
        self, parameters: Parameters, lr: float = 1e-3, weight_decay: float = 0.1,
        momentum: float = 0.95, nesterov: bool = True,
        ns_coefficients: Coefficients = (3.4445, -4.775, 2.0315), eps: float = 1e-7,
        ns_steps: int = 5, adjust_lr_fn: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            parameters, lr=lr, weight_decay=weight_decay, momentum=momentum, nesterov=nesterov,
            ns_coefficients=ns_coefficients, eps=eps, ns_steps=ns_steps, adjust_lr_fn=adjust_lr_fn,
        )  # fmt: skip

    def _group(self, group: Any) -> Group:
        checked = super()._group(group)
        for p in checked["params"]:
            if p.ndim != 2:
                named = f" {p.name!r}" if p.name else ""
                raise ValueError(
                    f"Muon takes matrices, and{named} has shape {p.shape}; give all else to a "
                    "second optimizer: nn.AdamW([p for p in model.parameters() if p.ndim != 2])"
                )
        return checked

    def update(
        self, p: Array, g: Array, state: State, scratch: Array, *, lr: float, weight_decay: float,
        momentum: float, nesterov: bool, ns_coefficients: Coefficients, eps: float, ns_steps: int,
        adjust_lr_fn: str | None,
    ) -> None:  # fmt: skip
        m = state.setdefault("m", np.zeros_like(p))
        average(m, g, 1 - momentum, scratch)
        direction = (1 - momentum) * g + momentum * m if nesterov else m
        step = _orthogonalized(direction, ns_coefficients, ns_steps, eps)
        inputs, outputs = p.shape
        if adjust_lr_fn == "match_rms_adamw":
            factor = 0.2 * math.sqrt(max(p.shape))
        else:
            factor = math.sqrt(max(1, outputs / inputs))
        decayed(p, g, weight_decay, lr)
        step *= lr * factor
        p -= step


def _orthogonalized(x: Array, coefficients: Coefficients, steps: int, eps: float) -> Array:
    """A matrix with the singular vectors of x, and singular values near 1."""
    a, b, c = coefficients
    tall = x.shape[0] > x.shape[1]
    x = (x.T if tall else x) / max(float(np.linalg.norm(x)), eps)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x
