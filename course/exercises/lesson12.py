"""Lesson 12: an op of one's own, and the parts of a small transformer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import nn
import nn.functional as F
from tinygrad_edu import Tensor, check_op, op

from ..exercise import Exercise, Mistake
from ..judges import values

__all__ = ["EXERCISES"]

Array = np.ndarray


# -------------------------------------------------------------------- 12.1


def _checked(declare: Any, x: Array) -> dict[str, Any]:
    """What the op returns, and what check_op finds in it."""
    made = declare()
    if getattr(made, "op", None) is None:
        said = "None; is a `return` missing?" if made is None else "a function without @op"
        return {"value": 0.0, "problem": f"returned {said}"}
    problem = ""
    try:
        check_op(made, x)
    except (AssertionError, TypeError) as error:
        problem = str(error)
    return {"value": made(x), "problem": problem}


_judge_value = values(lambda x: np.where(x > 0, x * x, 0), names=("its value",))


def _judge_op(arguments: Mapping[str, Any], found: Any) -> str:
    if found["problem"].startswith("returned"):
        return str(found["problem"])
    said = _judge_value(arguments, found["value"])
    if said != "right":
        return f"the value of the op is {said}"
    if found["problem"]:
        lines = found["problem"].splitlines()
        return "\n      ".join([f"check_op: {lines[0]}", *lines[1:]])
    return "right"


def _op(forward: Callable[[Any], Any], vjp: Callable[..., Any]) -> Callable[[], Any]:
    """A declaration with this forward and this derivative."""

    def declare() -> Any:
        def squared_relu(x: Any) -> Any:
            """Square of the rectifier.
            y = max(x, 0)²,  ∂L/∂x = 2 g max(x, 0)"""
            return forward(x)

        return op(None, vjp, elementwise=True, method=False)(squared_relu)

    return declare


def _squared(x: Any) -> Any:
    return np.maximum(x, 0) ** 2


# -------------------------------------------------------------------- 12.2


def _as_numbers(mask_of: Any, n: int) -> Array:
    return np.asarray(mask_of(n)).astype(float)


def _by_attention(n: int) -> Array:
    """Where nn's causal attention has weights."""
    weights = F.attention_weights(Tensor(np.ones((n, 1))), Tensor(np.ones((n, 1))), is_causal=True)
    return (weights.data > 0).astype(float)


# -------------------------------------------------------------------- 12.3


def _sequences(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "x": rng.integers(0, 5, (3, 4)),
        "t": rng.integers(0, 5, (3, 4)),
        "lr": round(float(rng.uniform(0.1, 0.5)), 3),
    }


def _trained(step: Any, x: Array, t: Array, lr: float) -> tuple[list[Any], Array]:
    """The losses of three steps, and a layer's weights afterwards."""
    nn.manual_seed(0)
    model = nn.Sequential(nn.Embedding(5, 4), nn.Dense(4, 5))
    optimizer = nn.SGD(model.parameters(), lr=lr)
    losses = [step(model, optimizer, x, t) for _ in range(3)]
    return losses, np.asarray(model[1].weight.data)


def _by_trainer(model: nn.Module, optimizer: nn.Optimizer, x: Array, t: Array) -> float:
    """A step with gradients that are the model's own, from a fresh start."""
    model.zero_grad()

    def closure() -> float:
        loss = nn.cross_entropy(model(x), t)
        loss.backward()
        return float(loss.item())

    return float(optimizer.step(closure))


def _lines(*order: str, returned: str = "number") -> Callable[..., Any]:
    """A training step that makes these calls in this order."""

    def step(model: Any, optimizer: Any, x: Array, t: Array) -> Any:
        loss = nn.cross_entropy(model(x), t)
        lines = {"zero": optimizer.zero_grad, "backward": loss.backward, "step": optimizer.step}
        for name in order:
            lines[name]()
        if returned == "after":
            return nn.cross_entropy(model(x), t).item()
        return loss.item() if returned == "number" else None

    return step


_NOTHING_MOVES = (
    "The loss stays the same, so nothing moves. Is optimizer.step() there, and does zero_grad() "
    "come before backward()?"
)


# -------------------------------------------------------------------- 12.4


def _written(write: Any, table: Array, tokens: Sequence[int], n: int) -> Any:
    """What is written with a model whose logits depend on the sum of all tokens so far."""

    def model(x: Any) -> Tensor:
        x = np.asarray(x)
        if x.ndim != 2:
            raise ValueError(f"the model takes an array of shape (1, T), not {x.shape}")
        return Tensor(table[np.cumsum(x, axis=1) % len(table)])

    return write(model, list(tokens), n)


def _continued(table: Array, tokens: Sequence[int], n: int) -> list[int]:
    tokens = list(tokens)
    for _ in range(n):
        tokens.append(int(table[sum(tokens) % len(table)].argmax()))
    return tokens


def _writer(
    *, at: int = -1, least: bool = False, forgets: bool = False, new_only: bool = False
) -> Callable[..., list[int]]:
    """Writing with mistakes."""

    def write(model: Any, tokens: Sequence[int], n: int) -> list[int]:
        written = list(tokens)
        for _ in range(n):
            logits = model(np.array([tokens if forgets else written])).data[0, at]
            written.append(int(logits.argmin() if least else logits.argmax()))
        return written[len(tokens) :] if new_only else written

    return write


EXERCISES = [
    Exercise(
        number="12.1",
        name="declare_squared_relu",
        task="an op of one's own",
        draw=lambda rng: {"x": rng.permutation(np.append(rng.normal(size=4), [1.5, -0.5, 2.5]))},
        use=_checked,
        judge=_judge_op,
        hints=(
            "Above 0 this is x², below 0 it is 0. What is the slope of each part?",
            "The slope is 2 max(x, 0). Begin with `@op(None, lambda g, x: ..., elementwise=True, "
            "method=False)`, then `def squared_relu(x):` with a docstring of two lines, and end "
            "with `return squared_relu`.",
        ),
        mistakes=(
            Mistake(
                _op(_squared, lambda g, x: g * np.maximum(x, 0)),
                "a derivative disagrees with finite differences",
            ),
            Mistake(
                _op(_squared, lambda g, x: 2 * np.maximum(x, 0) + 0 * g),
                "check_op:",
            ),
            Mistake(
                _op(_squared, lambda g, x: 2 * g * (x > 0)),
                "a derivative disagrees with finite differences",
            ),
            Mistake(
                _op(lambda x: np.maximum(x, 0), lambda g, x: g * (x > 0)),
                "the value of the op is wrong",
                "This is ReLU itself; it is to be squared.",
            ),
            Mistake(
                _op(lambda x: x**2, lambda g, x: 2 * g * x),
                "the value of the op is wrong",
                "This is x² everywhere; below 0 the value is 0.",
            ),
            Mistake(lambda: _squared, "returned a function without @op"),
        ),
    ),
    Exercise(
        number="12.2",
        name="causal_mask",
        task="a causal mask",
        draw=lambda rng: {"n": int(rng.integers(3, 30))},
        use=_as_numbers,
        judge=values(_by_attention),
        hints=(
            "Row i is query i. Which columns j may it look at?",
            "True where j <= i. np.arange(n)[:, None] is a column of all i, and np.arange(n) a row "
            "of all j; compare them.",
        ),
        mistakes=(
            Mistake(
                lambda n: np.arange(n)[:, None] <= np.arange(n),
                "wrong",
                "Rows and columns are swapped: here each query looks at itself and ahead.",
            ),
            Mistake(
                lambda n: np.tri(n, k=-1, dtype=bool),
                "wrong",
                "Each position may also look at itself; the first could look nowhere.",
            ),
            Mistake(
                lambda n: ~np.tri(n, dtype=bool),
                "wrong",
                "This is True where looking is forbidden.",
            ),
            Mistake(
                lambda n: np.ones((n, n), bool),
                "wrong",
                "All may look everywhere, also ahead.",
            ),
            Mistake(lambda n: np.arange(n) <= n, "wrong shape"),
        ),
    ),
    Exercise(
        number="12.3",
        name="training_step",
        task="a training step",
        draw=_sequences,
        use=_trained,
        judge=values(
            lambda x, t, lr: _trained(_by_trainer, x, t, lr),
            names=("the list of losses of three steps", "the weights after three steps"),
        ),
        hints=(
            "Four lines: forward, forget, backward, move. What is the loss as a number?",
            "loss = nn.cross_entropy(model(x), t); optimizer.zero_grad(); loss.backward(); "
            "optimizer.step(); and loss.item() is the number.",
        ),
        mistakes=(
            Mistake(
                _lines("backward", "step"),
                "the list of losses of three steps is",
                "Gradients of the step before are still there: zero_grad() is missing.",
            ),
            Mistake(
                _lines("zero", "backward"),
                "the list of losses of three steps is",
                _NOTHING_MOVES,
            ),
            Mistake(
                _lines("backward", "zero", "step"),
                "the list of losses of three steps is",
                _NOTHING_MOVES,
            ),
            Mistake(
                _lines("zero", "backward", "step", returned="after"),
                "the list of losses of three steps is",
                "This is the loss after the step; return the one that was computed before it.",
            ),
            Mistake(
                _lines("zero", "backward", "step", returned="nothing"),
                "the list of losses of three steps is",
            ),
        ),
    ),
    Exercise(
        number="12.4",
        name="write",
        task="write token by token",
        draw=lambda rng: {
            "table": rng.normal(size=(7, 7)),
            "tokens": [int(token) for token in rng.integers(0, 7, rng.integers(2, 5))],
            "n": int(rng.integers(3, 6)),
        },
        use=_written,
        judge=values(_continued),
        hints=(
            "What does the model read in the second round? And which of the T positions says what "
            "comes next?",
            "In each round: logits = model(np.array([tokens])), and "
            "tokens.append(int(logits[0, -1].argmax())).",
        ),
        mistakes=(
            Mistake(
                _writer(at=0),
                "wrong",
                "These are the logits of the first position, which has seen one token only.",
            ),
            Mistake(
                _writer(least=True),
                "wrong",
                "The smallest logit was taken; the largest is the likeliest token.",
            ),
            Mistake(
                _writer(forgets=True),
                "wrong",
                "The model read the given tokens each time, without those that were written.",
            ),
            Mistake(
                _writer(new_only=True),
                "expected are",
                "These are the new tokens alone; the given ones come first.",
            ),
            Mistake(
                lambda model, tokens, n: [
                    *tokens,
                    *model(np.array([tokens])).data[0].argmax(axis=-1)[:n],
                ],
                "wrong",
            ),
        ),
    ),
]
