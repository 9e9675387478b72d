"""Exercises without a published solution, for marks: their reference is the engine alone.

Students check them as all others, with `check("A.1", function)`; `solution` has nothing to show.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import nn

from ..exercise import Exercise, Mistake
from ..judges import gradients

__all__ = ["EXERCISES"]


def _line(x: Any, w: Any, b: Any, t: Any) -> Any:
    return ((x @ w + b - t) ** 2).mean()


def _line_by_hand(x: Any, w: Any, b: Any, t: Any, factor: float = 2.0) -> tuple[Any, Any]:
    e = factor * (x @ w + b - t) / len(t)
    return x.T @ e, e.sum()


def _drawn_line(rng: np.random.Generator) -> dict[str, Any]:
    n, k = (int(i) for i in rng.integers(3, 8, 2))
    w, b = rng.normal(size=k), float(rng.normal())
    return {"x": rng.normal(size=(n, k)), "w": w, "b": b, "t": rng.normal(size=n)}


def _drawn_labels(rng: np.random.Generator) -> dict[str, Any]:
    n, classes = int(rng.integers(3, 8)), int(rng.integers(3, 6))
    logits, labels = rng.normal(size=(n, classes)), rng.integers(0, classes, n)
    return {"logits": logits, "labels": labels, "temperature": float(rng.uniform(1.5, 3))}


def _softmax(z: np.ndarray) -> np.ndarray:
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _tempered(logits: Any, labels: Any, temperature: float, divided: float) -> np.ndarray:
    """Softmax minus onehot, divided by so much."""
    onehot = np.eye(logits.shape[1])[labels]
    return np.asarray((_softmax(logits / temperature) - onehot) / divided)


def _drawn_gate(rng: np.random.Generator) -> dict[str, Any]:
    n, k, m = (int(i) for i in rng.integers(2, 6, 3))
    return {
        "x": rng.normal(size=(n, k)),
        "u": rng.normal(size=(k, m)),
        "v": rng.normal(size=(k, m)),
    }


def _gate(x: Any, u: Any, v: Any) -> Any:
    return (nn.functional.sigmoid(x @ u) * np.tanh(x @ v)).sum()


def _gate_by_hand(
    x: Any, u: Any, v: Any, *, slope: Any = None, swap: bool = False
) -> tuple[Any, Any]:
    gate, value = 1 / (1 + np.exp(-(x @ u))), np.tanh(x @ v)
    local = gate * (1 - gate) if slope is None else slope(gate)
    first, second = local, 1 - value**2
    if not swap:
        first, second = first * value, second * gate
    return x.T @ first, x.T @ second


EXERCISES = [
    Exercise(
        number="A.1",
        name="gradients_of_quotient",
        task="both gradients of a / b (after lesson 2)",
        published=False,
        draw=lambda rng: {"a": rng.uniform(1, 3), "b": rng.uniform(2, 4)},
        judge=gradients(lambda a, b: a / b, "a", "b"),
        hints=(
            "a / b is a times 1 / b. What is the slope of 1 / b?",
            "Measure both slopes with two calls each, and compare with your formulas.",
        ),
        mistakes=(
            Mistake(lambda a, b: (1 / b, a / b**2), "the gradient of b is wrong: its sign"),
            Mistake(lambda a, b: (1 / b, -a / b), "the gradient of b is wrong"),
            Mistake(lambda a, b: (b, a), "the gradient of a is wrong"),
            Mistake(lambda a, b: (1 / b, -1 / b**2), "the gradient of b is wrong"),
        ),
    ),
    Exercise(
        number="A.2",
        name="gradients_of_line",
        task="linear regression (after lesson 5)",
        published=False,
        draw=_drawn_line,
        judge=gradients(_line, "w", "b"),
        hints=(
            "Which shapes have w and b? Their gradients have the same.",
            "b is used in every row. What does that mean for its gradient?",
        ),
        mistakes=(
            Mistake(
                lambda x, w, b, t: tuple(len(t) * g for g in _line_by_hand(x, w, b, t)),
                "was 1/N forgotten",
            ),
            Mistake(
                lambda x, w, b, t: _line_by_hand(x, w, b, t, 1.0),
                "was the 2 of a square's derivative forgotten?",
            ),
            Mistake(
                lambda x, w, b, t: (_line_by_hand(x, w, b, t)[0], 2 * (x @ w + b - t) / len(t)),
                "the gradient of b is wrong shape: not summed over axis 0, the batch",
            ),
            Mistake(
                lambda x, w, b, t: tuple(-g for g in _line_by_hand(x, w, b, t)),
                "its sign is flipped",
            ),
        ),
    ),
    Exercise(
        number="A.3",
        name="gradient_of_tempered_softmax",
        task="cross-entropy of logits / temperature (after lesson 8)",
        published=False,
        draw=_drawn_labels,
        judge=gradients(
            lambda logits, labels, temperature: nn.cross_entropy(logits / temperature, labels),
            "logits",
        ),
        hints=(
            "Without the temperature it is softmax minus onehot, divided by N. What does one more "
            "step before it do?",
            "The probabilities are those of logits / temperature.",
        ),
        mistakes=(
            Mistake(
                lambda logits, labels, temperature: _tempered(
                    logits, labels, temperature, len(labels)
                ),
                "times what is right",
            ),
            Mistake(
                lambda logits, labels, temperature: _tempered(
                    logits, labels, temperature, temperature
                ),
                "was 1/N forgotten",
            ),
            Mistake(
                lambda logits, labels, temperature: _tempered(
                    logits, labels, 1.0, len(labels) * temperature
                ),
                "elements, as",
            ),
            Mistake(
                lambda logits, labels, temperature: (
                    -_tempered(logits, labels, temperature, len(labels) * temperature)
                ),
                "its sign is flipped",
            ),
        ),
    ),
    Exercise(
        number="A.4",
        name="gradients_of_gate",
        task="the sum of σ(x u) tanh(x v), as in an LSTM (after lesson 7)",
        published=False,
        draw=_drawn_gate,
        judge=gradients(_gate, "u", "v"),
        hints=(
            "Name the two factors. What does the product send to each?",
            "For y = x u with upstream g, the gradient of u is xᵀ g.",
        ),
        mistakes=(
            Mistake(
                lambda x, u, v: _gate_by_hand(x, u, v, swap=True), "the gradient of u is wrong"
            ),
            Mistake(
                lambda x, u, v: _gate_by_hand(x, u, v, slope=lambda gate: 1 - gate**2),
                "the gradient of u is wrong",
            ),
            Mistake(
                lambda x, u, v: tuple(g.T for g in _gate_by_hand(x, u, v)),
                "transposed",
            ),
        ),
    ),
]
