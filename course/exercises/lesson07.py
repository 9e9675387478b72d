"""Lesson 7: products of matrices, dense layers, and a network of two layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import Tensor, grad

from ..exercise import Exercise, Mistake
from ..judges import gradients, values

__all__ = ["EXERCISES"]


def _sizes(rng: np.random.Generator, count: int) -> list[int]:
    """So many different sizes from 2 on."""
    found: list[int] = rng.permutation(np.arange(2, 3 + count)).tolist()[:count]
    return found


# -------------------------------------------------------------------- 7.1


def _entry(rng: np.random.Generator) -> dict[str, Any]:
    n, k, m = _sizes(rng, 3)
    return {
        "x": rng.normal(size=(n, k)),
        "g": rng.normal(size=(n, m)),
        "i": int(rng.integers(k)),
        "j": int(rng.integers(m)),
    }


def _entry_by_engine(x: np.ndarray, g: np.ndarray, i: int, j: int) -> float:
    w = Tensor(np.zeros((x.shape[1], g.shape[1])), requires_grad=True)
    return float(grad((x @ w * g).sum(), w).data[i, j])


# -------------------------------------------------------------------- 7.2 to 7.4


def _product(rng: np.random.Generator) -> dict[str, Any]:
    n, k, m = _sizes(rng, 3)
    return {
        "x": rng.normal(size=(n, k)),
        "w": rng.normal(size=(k, m)),
        "g": rng.normal(size=(n, m)),
    }


def _similarities(rng: np.random.Generator) -> dict[str, Any]:
    n, k = _sizes(rng, 2)
    return {"x": rng.normal(size=(n, k)), "g": rng.normal(size=(n, n))}


def _dense(rng: np.random.Generator) -> dict[str, Any]:
    x, w, g = _product(rng).values()
    return {"x": x, "w": w, "b": rng.normal(size=w.shape[1]), "g": g}


def _dense_back(
    x: Any, w: Any, b: Any, g: Any, *, mask: Any = lambda z: z > 0, summed: bool = True
) -> tuple[Any, ...]:
    g_z = g * mask(x @ w + b)
    return g_z @ w.T, x.T @ g_z, g_z.sum(axis=0) if summed else g_z


# -------------------------------------------------------------------- 7.5


def _network(rng: np.random.Generator) -> dict[str, Any]:
    n, k, hidden, m = _sizes(rng, 4)
    return {
        "x": rng.normal(size=(n, k)),
        "w1": rng.normal(size=(k, hidden)),
        "b1": rng.normal(size=hidden),
        "w2": rng.normal(size=(hidden, m)),
        "b2": rng.normal(size=m),
        "t": rng.normal(size=(n, m)),
    }


def _loss(x: Any, w1: Any, b1: Any, w2: Any, b2: Any, t: Any) -> Any:
    return ((np.tanh(x @ w1 + b1) @ w2 + b2 - t) ** 2).mean()


def _backward(
    x: Any,
    w1: Any,
    b1: Any,
    w2: Any,
    b2: Any,
    t: Any,
    *,
    divided: Any = np.size,
    slope: Any = lambda h: 1 - h**2,
    factor: float = 2.0,
) -> tuple[Any, ...]:
    h = np.tanh(x @ w1 + b1)
    y = h @ w2 + b2
    g_y = factor * (y - t) / divided(y)
    g_z = g_y @ w2.T * slope(h)
    return x.T @ g_z, g_z.sum(axis=0), h.T @ g_y, g_y.sum(axis=0)


def _unsummed(*arguments: Any) -> tuple[Any, ...]:
    x, w1, b1, w2, b2, t = arguments
    g_w1, _, g_w2, g_b2 = _backward(*arguments)
    h = np.tanh(x @ w1 + b1)
    g_y = 2 * (h @ w2 + b2 - t) / t.size
    return g_w1, g_y @ w2.T * (1 - h**2), g_w2, g_b2


def _second_layer_from_x(*arguments: Any) -> tuple[Any, ...]:
    x, w1, b1, w2, b2, t = arguments
    g_w1, g_b1, _, g_b2 = _backward(*arguments)
    z = x @ w1 + b1
    g_y = 2 * (np.tanh(z) @ w2 + b2 - t) / t.size
    return g_w1, g_b1, z.T @ g_y, g_b2


EXERCISES = [
    Exercise(
        number="7.1",
        name="gradient_of_entry",
        task="one entry of a product's gradient",
        draw=_entry,
        judge=values(_entry_by_engine),
        hints=(
            "Which entries of y contain w[i, j]? What is it multiplied by in each of them?",
            "In each row n, y[n, j] contains x[n, i] * w[i, j]. So it sends g[n, j] * x[n, i]; add "
            "these up over n.",
        ),
        mistakes=(
            Mistake(
                lambda x, g, i, j: x[0, i] * g[0, j],
                "instead of",
                "This is one row's contribution; w is used in every row.",
            ),
            Mistake(
                lambda x, g, i, j: (x[:, i] * g[:, j]).mean(),
                "instead of",
                "A mean divides by N; contributions are added.",
            ),
            Mistake(
                lambda x, g, i, j: x[:, i].sum() * g[:, j].sum(),
                "instead of",
                "First multiply in each row, then add: each use has its own upstream.",
            ),
            Mistake(
                lambda x, g, i, j: g[:, j].sum(),
                "instead of",
                "That is upstream alone; the local slope in row n is x[n, i].",
            ),
            Mistake(
                lambda x, g, i, j: x[:, i].sum(),
                "instead of",
                "These are the local slopes alone; each is multiplied by upstream, g[n, j].",
            ),
        ),
    ),
    Exercise(
        number="7.2",
        name="gradients_of_matmul",
        task="both gradients of a product of matrices",
        draw=_product,
        judge=gradients(lambda x, w, g: (x @ w * g).sum(), "x", "w"),
        hints=(
            "Write down the shapes of x, w and g. What has to be transposed so that g and w give "
            "the shape of x?",
            "x is (N, k), g is (N, m) and w is (k, m): g @ w.T is (N, k). Likewise for w, which "
            "is (k, m).",
        ),
        mistakes=(
            Mistake(
                lambda x, w, g: (w @ g.T, g.T @ x),
                "the gradient of x is wrong shape: transposed",
                "The factors are right, but each gradient is transposed: turn the order around.",
            ),
            Mistake(
                lambda x, w, g: (g @ w.T, g.T @ x),
                "the gradient of w is wrong shape: transposed",
                "x is right. In x w, x stands left of w, so it stays left: x.T @ g.",
            ),
            Mistake(
                lambda x, w, g: (g * w, x * g),
                "raised ValueError",
                "`*` multiplies entry by entry; here it is a product of matrices, @.",
            ),
            Mistake(
                lambda x, w, g: (g @ w.T, x.T @ g / len(x)),
                "times too small",
                "The loss may be a mean, but then its 1/N is in g already.",
            ),
            Mistake(
                lambda x, w, g: (x.T @ g, g @ w.T),
                "the gradient of x is wrong shape",
                "These are the right ones in the wrong order: asked is x's first.",
            ),
            Mistake(
                lambda x, w, g: (w.T, x.T),
                "the gradient of x is wrong shape",
                "These are the local slopes alone; upstream, g, is missing.",
            ),
        ),
    ),
    Exercise(
        number="7.3",
        name="gradient_of_similarities",
        task="x xᵀ, where x is used twice",
        draw=_similarities,
        judge=gradients(lambda x, g: (x @ x.T * g).sum(), "x"),
        hints=(
            "Think of s = x v with v = xᵀ. What are the gradients of x and of v? Which shape has "
            "that of v, and what has to be done with it before it is added?",
            "g vᵀ = g x is the first contribution. That of v is xᵀ g, so x's second one is its "
            "transpose, (xᵀ g)ᵀ.",
        ),
        mistakes=(
            Mistake(
                lambda x, g: g @ x,
                "wrong",
                "This is the contribution of the left x; the right one is an x, too.",
            ),
            Mistake(
                lambda x, g: g.T @ x,
                "wrong",
                "This is the contribution of the right x; the left one is an x, too.",
            ),
            Mistake(
                lambda x, g: 2 * g @ x,
                "wrong",
                "As for x², but only if g were symmetric. The two contributions differ: one of "
                "them has g transposed.",
            ),
            Mistake(
                lambda x, g: g @ x + x.T @ g,
                "raised ValueError",
                "x.T @ g is the gradient of xᵀ, and has its shape; transpose it before adding.",
            ),
            Mistake(
                lambda x, g: (g @ x) * (g.T @ x),
                "wrong",
                "Where a value is used twice, contributions are added.",
            ),
        ),
    ),
    Exercise(
        number="7.4",
        name="gradients_of_dense",
        task="backward through a dense layer with relu",
        draw=_dense,
        judge=gradients(lambda x, w, b, g: (np.maximum(x @ w + b, 0) * g).sum(), "x", "w", "b"),
        hints=(
            "Call z = x w + b. First find the gradient of z: what is the slope of relu where z is "
            "positive, and where it is negative?",
            "g_z = g * (z > 0). Then x and w as in exercise 7.2, with g_z for g, and b as in "
            "exercise 5.1.",
        ),
        mistakes=(
            Mistake(
                lambda x, w, b, g: _dense_back(x, w, b, g, mask=lambda z: 1.0),
                "the gradient of x is wrong",
                "Where z is negative, relu returns 0 whatever z is: nothing gets through.",
            ),
            Mistake(
                lambda x, w, b, g: _dense_back(x, w, b, g, mask=lambda z: np.maximum(z, 0)),
                "the gradient of x is wrong",
                "relu's slope is 1 where z is positive, not z.",
            ),
            Mistake(
                lambda x, w, b, g: _dense_back(x, w, b, g, mask=lambda z: g > 0),
                "the gradient of x is wrong",
                "The mask is where z is positive, not where g is.",
            ),
            Mistake(
                lambda x, w, b, g: _dense_back(x, w, b, g, summed=False),
                "the gradient of b is wrong shape: not summed over axis 0, the batch",
                "Each row has a copy of b.",
            ),
            Mistake(
                lambda x, w, b, g: _dense_back(x, w, b, g, mask=lambda z: z - b > 0),
                "the gradient of x is wrong",
                "The mask is that of x w + b; the bias is missing in it.",
            ),
        ),
    ),
    Exercise(
        number="7.5",
        name="backward_of_network",
        task="a network of two layers, backward",
        draw=_network,
        judge=gradients(_loss, "w1", "b1", "w2", "b2"),
        hints=(
            "Begin with g_y, the gradient of y: the loss is the mean of (y - t)² over y.size "
            "entries. From it w2 and b2 follow. What is the gradient of h?",
            "g_h = g_y @ w2.T, and g_z = g_h * (1 - h**2). From g_z follow w1 and b1 as w2 and b2 "
            "do from g_y, with x in place of h.",
        ),
        mistakes=(
            Mistake(
                lambda *arguments: _backward(*arguments, divided=len),
                "the gradient of w1 is wrong",
                "The mean is over all entries of y, not only over the rows: divide by y.size.",
            ),
            Mistake(
                lambda *arguments: _backward(*arguments, divided=lambda y: 1.0),
                "was 1/N forgotten",
                "The loss is a mean: each entry is worth 1 / y.size of it.",
            ),
            Mistake(
                lambda *arguments: _backward(*arguments, factor=1.0),
                "was the 2 of a square's derivative forgotten?",
            ),
            Mistake(
                lambda *arguments: _backward(*arguments, slope=lambda h: 1.0),
                "the gradient of w1 is wrong",
                "On the way from h to z the slope of tanh is missing.",
            ),
            Mistake(
                _unsummed,
                "the gradient of b1 is wrong shape: not summed over axis 0, the batch",
                "Each row has a copy of b1.",
            ),
            Mistake(
                _second_layer_from_x,
                "the gradient of w2 is wrong",
                "w2 multiplies h, so the gradient of w2 is made of h, after tanh.",
            ),
            Mistake(
                lambda *arguments: tuple(-g for g in _backward(*arguments)),
                "its sign is flipped",
                "The slope of (y - t)² with respect to y is 2 (y - t), not 2 (t - y).",
            ),
        ),
    ),
]
