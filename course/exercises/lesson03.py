"""Lesson 3: local slopes, chains of them, and a neuron by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import Tensor, grad

from ..exercise import Exercise, Mistake
from ..judges import gradients, values

__all__ = ["EXERCISES"]


def _local(x: float) -> tuple[float, ...]:
    """The engine's slopes of x², eˣ and tanh x."""
    at = Tensor(x, requires_grad=True)
    return tuple(float(grad(y, at).item()) for y in (at.square(), at.exp(), at.tanh()))


def _along(slopes: list[float]) -> list[float]:
    """By the engine: the gradients of a chain of multiplications, the input's first."""
    points = [Tensor(1.0, requires_grad=True)]
    for slope in slopes:
        points.append(points[-1] * slope)
    return [float(each.item()) for each in grad(points[-1], points)]


def _from_the_input(slopes: list[float]) -> list[float]:
    return [1.0, *np.cumprod(slopes).tolist()]


def _without_the_one(slopes: list[float]) -> list[float]:
    return _along(slopes)[:-1]


def _sums(slopes: list[float]) -> list[float]:
    return [*np.cumsum(slopes[::-1]).tolist()[::-1], 1.0]


# -------------------------------------------------------------------- 3.4


def _neuron(w: float, x: float, b: float, t: float) -> tuple[float, ...]:
    """By the engine: the gradients of p, z, w and b."""
    weight, bias = Tensor(w, requires_grad=True), Tensor(b, requires_grad=True)
    z = weight * x + bias
    p = z.sigmoid()
    loss = (p - t) ** 2
    return tuple(float(each.item()) for each in grad(loss, [p, z, weight, bias]))


def _sigmoid(z: float) -> float:
    return float(1 / (1 + np.exp(-z)))


def _mistaken(
    w: float, x: float, b: float, t: float, *, local: Any = None, upstream: bool = True
) -> tuple[float, ...]:
    z = w * x + b
    p = _sigmoid(z)
    g_p = 2 * (p - t)
    slope = p * (1 - p) if local is None else local(z)
    g_z = (g_p if upstream else 1.0) * slope
    return g_p, g_z, g_z * x, g_z


EXERCISES = [
    Exercise(
        number="3.1",
        name="local_slopes",
        task="the slopes of x², eˣ and tanh x",
        draw=lambda rng: {"x": rng.uniform(0.3, 1.5)},
        judge=values(_local, names=("the slope of x²", "the slope of eˣ", "the slope of tanh x")),
        hints=(
            "Two of them are known from school. For the third measure it, as in lesson 1, and "
            "compare it with 1 - tanh(x)².",
            "x² has 2 x. eˣ is the function that is its own slope. tanh x has 1 minus the square "
            "of its value.",
        ),
        mistakes=(
            Mistake(
                lambda x: (2 * x, np.exp(x), 1 - x**2),
                "the slope of tanh x is wrong",
                "It is 1 - y² with y = tanh x, the value that came out, not the x that went in.",
            ),
            Mistake(
                lambda x: (2 * x, x * np.exp(x - 1), 1 - np.tanh(x) ** 2),
                "the slope of eˣ is wrong",
                "The rule for powers is for x in the base; here x is the exponent.",
            ),
            Mistake(
                lambda x: (2.0, np.exp(x), 1 - np.tanh(x) ** 2),
                "the slope of x² is wrong",
                "The slope of x² is not the same everywhere: it is steeper where x is larger.",
            ),
            Mistake(
                lambda x: (x**2, np.exp(x), np.tanh(x)),
                "the slope of x² is",
                "These are the values of the functions, not their slopes.",
            ),
        ),
    ),
    Exercise(
        number="3.2",
        name="backward_along",
        task="the gradients along a chain",
        draw=lambda rng: {"slopes": rng.uniform(0.5, 2, int(rng.integers(3, 7))).tolist()},
        judge=values(_along),
        hints=(
            "Start at the end: by how much does the last value change, if the last value changes "
            "by 1? Then one step back.",
            "Start with [1.0], go through the slopes from the last to the first, and put upstream "
            "times slope in front each time.",
        ),
        mistakes=(
            Mistake(
                _from_the_input,
                "elements, as",
                "These products begin at the input; a gradient says what is still to come, from "
                "there to the end.",
            ),
            Mistake(
                _without_the_one,
                "values; expected are",
                "The last value has a gradient too: its slope with respect to itself.",
            ),
            Mistake(
                lambda slopes: [*slopes, 1.0],
                "elements, as",
                "These are the local slopes, each for its own step; multiply them up.",
            ),
            Mistake(
                _sums,
                "elements, as",
                "Along a chain slopes are multiplied, not added.",
            ),
            Mistake(lambda slopes: float(np.prod(slopes)), "values; expected are"),
        ),
    ),
    Exercise(
        number="3.3",
        name="gradients_of_squared_tanh",
        task="both gradients of tanh(a b)²",
        draw=lambda rng: {"a": rng.uniform(0.3, 1), "b": rng.uniform(-1, -0.3)},
        judge=gradients(lambda a, b: np.tanh(a * b) ** 2, "a", "b"),
        hints=(
            "Name the steps: z = a b, h = tanh z, y = h². What are their three local slopes?",
            "From the end: y to h is 2 h, h to z is 1 - h², z to a is b. Multiply.",
        ),
        mistakes=(
            Mistake(
                lambda a, b: (2 * np.tanh(a * b) * b, 2 * np.tanh(a * b) * a),
                "the gradient of a is wrong",
                "The step of tanh is left out: its local slope, 1 - h², is a factor too.",
            ),
            Mistake(
                lambda a, b: (
                    2 * np.tanh(a * b) * (1 - np.tanh(a * b) ** 2),
                    2 * np.tanh(a * b) * (1 - np.tanh(a * b) ** 2),
                ),
                "the gradient of a is wrong",
                "This is the gradient of z = a b; one more step leads to a, and one to b.",
            ),
            Mistake(
                lambda a, b: (
                    (1 - np.tanh(a * b) ** 2) * b,
                    (1 - np.tanh(a * b) ** 2) * a,
                ),
                "the gradient of a is wrong",
                "The square is left out: upstream of tanh is 2 h, not 1.",
            ),
            Mistake(
                lambda a, b: (
                    2 * np.tanh(a * b) * (1 - (a * b) ** 2) * b,
                    2 * np.tanh(a * b) * (1 - (a * b) ** 2) * a,
                ),
                "the gradient of a is wrong",
                "The slope of tanh is 1 - h² with the value h that came out, not z that went in.",
            ),
        ),
    ),
    Exercise(
        number="3.4",
        name="backward_of_neuron",
        task="a neuron, gradient by gradient",
        draw=lambda rng: dict(zip("wxbt", (*rng.uniform(0.5, 1.5, 3), 1.0), strict=True)),
        judge=values(
            _neuron,
            names=(
                "the gradient of p",
                "the gradient of z",
                "the gradient of w",
                "the gradient of b",
            ),
        ),
        hints=(
            "Compute z and p first. The loss is (p - t)²: what is its slope with respect to p? "
            "That is upstream for the next step back.",
            "The slope of the sigmoid is p (1 - p), with the value p that came out. z = w x + b "
            "has slope x with respect to w. And with respect to b?",
        ),
        mistakes=(
            Mistake(
                lambda w, x, b, t: _mistaken(w, x, b, t, upstream=False),
                "the gradient of z is wrong",
                "This is the local slope alone; multiply it by what comes from upstream.",
            ),
            Mistake(
                lambda w, x, b, t: _mistaken(w, x, b, t, local=lambda z: z * (1 - z)),
                "the gradient of z is wrong",
                "The slope of the sigmoid is p (1 - p), with what came out, not with z.",
            ),
            Mistake(
                lambda w, x, b, t: (*_neuron(w, x, b, t)[:3], 1.0),
                "the gradient of b is wrong",
                "1 is the local slope; the gradient is upstream times 1.",
            ),
            Mistake(
                lambda w, x, b, t: (*_neuron(w, x, b, t)[:2], _neuron(w, x, b, t)[1] * w, 1.0),
                "the gradient of w is wrong",
                "In w x the slope with respect to w is x, the other factor.",
            ),
        ),
    ),
]
