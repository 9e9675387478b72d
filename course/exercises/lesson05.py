"""Lesson 5: broadcasting repeats elements, so that gradients are summed."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import Tensor, grad

from ..exercise import Arguments, Exercise, Mistake
from ..judges import gradients, values

__all__ = ["EXERCISES"]


def _size(rng: np.random.Generator) -> int:
    return int(rng.integers(3, 7))


_judge_bias = gradients(lambda g, b: (g * (np.zeros(g.shape) + b)).sum(), "b")


def _bias(arguments: Arguments, result: Any) -> str:
    return _judge_bias({**arguments, "b": np.zeros(arguments["g"].shape[1])}, result)


_judge_centered = gradients(lambda g, x: (g * (x - x.mean(axis=0))).sum(), "x")


def _centered(arguments: Arguments, result: Any) -> str:
    return _judge_centered({**arguments, "x": np.zeros(arguments["g"].shape)}, result)


# -------------------------------------------------------------------- 5.2


def _table(rng: np.random.Generator) -> dict[str, Any]:
    n, m = rng.permutation([3, 4, 5, 6])[:2].tolist()
    return {
        "x": rng.normal(size=(n, 1)),
        "y": rng.normal(size=m),
        "g": rng.normal(size=(n, m)),
    }


# -------------------------------------------------------------------- 5.3

SHAPES = (
    ((3, 4), (4,)),
    ((3, 4), (3, 1)),
    ((3, 4), (1, 4)),
    ((2, 3, 4), (3, 1)),
    ((2, 3, 4), (1, 3, 1)),
    ((2, 3, 4), ()),
    ((3, 4), (3, 4)),
    ((3, 2, 4), (2, 4)),
)


def _spread(rng: np.random.Generator) -> dict[str, Any]:
    """A gradient, and the shape of an argument; sizes are those of SHAPES, some a little larger."""
    large, small = SHAPES[rng.integers(len(SHAPES))]
    more = rng.integers(0, 3, len(large))
    aligned = more[len(large) - len(small) :]
    shape = tuple(int(n + d) if n > 1 else 1 for n, d in zip(small, aligned, strict=True))
    return {"g": rng.normal(size=large + more), "shape": shape}


def _by_engine(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    argument = Tensor(np.zeros(shape), requires_grad=True)
    return np.asarray(grad((argument * g).sum(), argument).data)


def _only_missing(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.asarray(g.sum(axis=tuple(range(g.ndim - len(shape)))))


def _dropped(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    g = _only_missing(g, shape)
    return np.asarray(g.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1)))


def _averaged(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    total = _by_engine(g, shape)
    return np.asarray(total * total.size / g.size)


def _first_of_each(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    g = g[(0,) * (g.ndim - len(shape))]
    return np.asarray(g[tuple(slice(n) for n in shape)])


EXERCISES = [
    Exercise(
        number="5.1",
        name="bias_gradient",
        task="a bias's gradient",
        draw=lambda rng: {"g": rng.normal(size=rng.permutation([2, 3, 4, 5, 6])[:2])},
        judge=_bias,
        hints=(
            "Which elements of y change if b[0] grows by 1?",
            "b[j] was added to every element of column j, and each of them sends its gradient.",
        ),
        mistakes=(
            Mistake(
                lambda g: g,
                "not summed over axis 0, the batch",
                "This is one contribution for each row; b is one row, so they are added.",
            ),
            Mistake(
                lambda g: g.mean(axis=0),
                "times too small; was it divided by N",
                "A mean divides by N; but each row got its own copy of b, and the copies' "
                "contributions are added.",
            ),
            Mistake(
                lambda g: g.sum(),
                "wrong shape: summed over axis 0",
                "b has k elements, so its gradient has as many. Over which axis is b the same?",
            ),
            Mistake(
                lambda g: g.sum(axis=1),
                "wrong shape",
                "That adds up each row. Which axis does b lack?",
            ),
            Mistake(
                lambda g: g.sum(axis=0, keepdims=True),
                "is it keepdims?",
                "b has shape (k,), and keepdims makes it (1, k).",
            ),
        ),
    ),
    Exercise(
        number="5.2",
        name="gradients_of_table",
        task="a column times a row",
        draw=_table,
        judge=gradients(lambda x, y, g: (x * y * g).sum(), "x", "y"),
        hints=(
            "Without shapes, the product sends g * y to x, and g * x to y. Which shape do these "
            "have, and which should they have?",
            "g * y has shape (n, m). x[i] was used in the whole row i, so sum each row, and keep "
            "the axis: (n, 1).",
        ),
        mistakes=(
            Mistake(
                lambda x, y, g: (g * y, g * x),
                "the gradient of x is wrong shape: not summed over axis 1",
                "Each element of x was used m times, each of y n times: the sums are missing.",
            ),
            Mistake(
                lambda x, y, g: ((g * y).sum(axis=1), (g * x).sum(axis=0)),
                "is it keepdims?",
                "The numbers are right; x has shape (n, 1), and its gradient too: keepdims=True.",
            ),
            Mistake(
                lambda x, y, g: (g @ y[:, None], g.T @ x),
                "the gradient of y is wrong shape",
                "A product of matrices multiplies and sums at once, and x is right. But y is a row "
                "of shape (m,), without a second axis.",
            ),
            Mistake(
                lambda x, y, g: (g.sum(axis=1, keepdims=True), g.sum(axis=0)),
                "the gradient of x is wrong",
                "That would be x + y. In a product, each use sends g times the other factor.",
            ),
            Mistake(
                lambda x, y, g: (
                    g.sum(axis=1, keepdims=True) * y.sum(),
                    g.sum(axis=0) * x.sum(),
                ),
                "the gradient of x is wrong",
                "First multiply, element by element, then sum: Σ g y is not Σ g times Σ y.",
            ),
            Mistake(
                lambda x, y, g: ((g * x).sum(axis=1, keepdims=True), (g * y).sum(axis=0)),
                "the gradient of x is wrong",
                "x receives g times the other factor, which is y.",
            ),
        ),
    ),
    Exercise(
        number="5.3",
        name="summed_to",
        task="the sum for every broadcast",
        draw=_spread,
        judge=values(_by_engine),
        hints=(
            "Take g of shape (2, 3, 4) and an argument of shape (3, 1). Over which axes of g is it "
            "the same? Which of these are not there at the end, and which have size 1?",
            "g.ndim - len(shape) axes are missing, and they are the first ones. `sum` takes a "
            "tuple of axes, also an empty one, and keepdims=True keeps those of size 1.",
        ),
        mistakes=(
            Mistake(
                lambda g, shape: g,
                "not summed over",
                "Nothing is summed yet.",
            ),
            Mistake(
                _only_missing,
                "not summed over",
                "The missing axes are summed. Those where the argument has size 1 are still to be.",
            ),
            Mistake(
                _dropped,
                "is it keepdims?",
                "Axes where the argument has size 1 have to stay, with size 1: keepdims=True.",
            ),
            Mistake(
                _averaged,
                "wrong",
                "These are means; each copy's contribution counts in full.",
            ),
            Mistake(
                _first_of_each,
                "wrong",
                "The shape is right, but this is one contribution of many; they are added.",
            ),
        ),
    ),
    Exercise(
        number="5.4",
        name="gradient_of_centered",
        task="x minus its mean",
        draw=lambda rng: {"g": rng.normal(size=(_size(rng), _size(rng))) + 1},
        judge=_centered,
        hints=(
            "Call m = x.mean(axis=0). What is the gradient of m, from y = x - m? And what does "
            "each row of x receive from it?",
            "m is spread over the rows with a minus: its gradient is -g.sum(axis=0). Each row of x "
            "is 1/N of m, so it receives that divided by N, added to g from the direct way.",
        ),
        mistakes=(
            Mistake(
                lambda g: g,
                "wrong",
                "This is the direct way. x also has a way through the mean.",
            ),
            Mistake(
                lambda g: g - g.sum(axis=0),
                "wrong",
                "Each row is only 1/N of the mean.",
            ),
            Mistake(
                lambda g: g - g / len(g),
                "wrong",
                "Each mean goes to all rows, so what it passes back is a sum over all rows.",
            ),
            Mistake(
                lambda g: g + g.mean(axis=0),
                "wrong",
                "The mean is subtracted, so what comes through it has a minus.",
            ),
            Mistake(
                lambda g: g - g.mean(),
                "wrong",
                "Each column has a mean of its own.",
            ),
            Mistake(
                lambda g: g - g.mean(axis=1, keepdims=True),
                "wrong",
                "The mean is over axis 0, the rows.",
            ),
        ),
    ),
]
