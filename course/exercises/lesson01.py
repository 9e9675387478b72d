"""Lesson 1: slopes of functions of one number and of a product."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, grad

from ..exercise import Exercise, Mistake
from ..judges import gradients, values

__all__ = ["EXERCISES"]

Function = Callable[[Any], Any]


def _cubic(rng: np.random.Generator) -> Function:
    a, b, c = rng.uniform(0.5, 2, 3)

    def f(x: Any) -> Any:
        return a * x * x * x - b * x * x + c * x

    f.__name__ = f"{a:.2f} x³ - {b:.2f} x² + {c:.2f} x"
    return f


def _valley(rng: np.random.Generator) -> Function:
    center, width = rng.uniform(-2, 2), rng.uniform(0.5, 1.5)

    def f(x: Any) -> Any:
        return width * (x - center) * (x - center)

    f.__name__ = f"{width:.2f} (x - {center:.2f})²"
    return f


def _exact(f: Function, x: float) -> float:
    """The engine's slope."""
    at = Tensor(x, requires_grad=True)
    return float(grad(f(at), at).item())


def _descended(f: Function, x: float, rate: float, steps: int) -> float:
    for _ in range(steps):
        x -= rate * _exact(f, x)
    return x


def _uphill(f: Function, x: float, rate: float, steps: int) -> float:
    for _ in range(steps):
        x += rate * _exact(f, x)
    return x


EXERCISES = [
    Exercise(
        number="1.1",
        name="slope",
        task="the slope of any function at x, by two calls",
        draw=lambda rng: {"f": _cubic(rng), "x": rng.uniform(0.5, 2), "h": 1e-3},
        judge=values(lambda f, x, h: _exact(f, x), rtol=3e-6),
        hints=(
            "A slope is a difference of heights divided by a distance. Which two heights?",
            "Take f(x + h) and f(x - h). How far apart are these two points?",
        ),
        mistakes=(
            Mistake(
                lambda f, x, h: (f(x + h) - f(x)) / h,
                "a little off",
                "This is the slope to one side, from x to x + h; step to both sides of x.",
            ),
            Mistake(
                lambda f, x, h: (f(x + h) - f(x - h)) / h,
                "twice what is right",
                "From x - h to x + h the distance is not h.",
            ),
            Mistake(
                lambda f, x, h: f(x + h) - f(x - h),
                "instead of",
                "This is the difference of the heights; a slope is that difference per distance.",
            ),
            Mistake(
                lambda f, x, h: (f(x + h) - f(x - h)) / 2 * h,
                "instead of",
                "Python divides by 2 and then multiplies by h; write / (2 * h).",
            ),
            Mistake(lambda f, x, h: (f(x - h) - f(x + h)) / (2 * h), "its sign is flipped"),
        ),
    ),
    Exercise(
        number="1.2",
        name="slopes_of_product",
        task="both slopes of a b",
        draw=lambda rng: {"a": rng.uniform(1, 3), "b": rng.uniform(-3, -1)},
        judge=gradients(lambda a, b: a * b, "a", "b"),
        hints=(
            "If b is 3 and a grows by 0.001, by how much does a b grow?",
            "The slope with respect to a is b. And with respect to b?",
        ),
        mistakes=(
            Mistake(
                lambda a, b: (a, b),
                "the gradient of a is wrong",
                "Each factor's slope is the other factor: how much a matters depends on b.",
            ),
            Mistake(
                lambda a, b: (1.0, 1.0),
                "the gradient of a is wrong",
                "1 is the slope of a alone; here a is multiplied by b.",
            ),
            Mistake(lambda a, b: b, "asked are the gradients of a, b"),
            Mistake(lambda a, b: (b, 0.0), "the gradient of b is wrong: all of it is 0"),
        ),
    ),
    Exercise(
        number="1.3",
        name="slope_of_error",
        task="the slope of (w x - t)² with respect to w",
        draw=lambda rng: dict(zip("wxt", rng.uniform(1.5, 4, 3) * (1, 1, -1), strict=True)),
        judge=gradients(lambda w, x, t: (w * x - t) ** 2, "w"),
        hints=(
            "Call e = w x - t. What is the slope of e² with respect to e? And that of e with "
            "respect to w?",
            "e² has slope 2 e, and e has slope x. If w grows by 1, e grows by x, and e² by 2 e for "
            "each 1 that e grows.",
        ),
        mistakes=(
            Mistake(
                lambda w, x, t: 2 * (w * x - t),
                "instead of",
                "This is the slope with respect to w x - t; how fast does that grow with w?",
            ),
            Mistake(
                lambda w, x, t: (w * x - t) * x,
                "was the 2 of a square's derivative forgotten?",
            ),
            Mistake(
                lambda w, x, t: 2 * w * x**2,
                "instead of",
                "The target t has disappeared; (w x - t)² is not (w x)² - t².",
            ),
        ),
    ),
    Exercise(
        number="1.4",
        name="descend",
        task="walk downhill",
        draw=lambda rng: {
            "f": _valley(rng),
            "x": rng.uniform(3, 4),
            "rate": rng.uniform(0.05, 0.2),
            "steps": int(rng.integers(3, 9)),
        },
        judge=values(_descended, rtol=1e-4),
        hints=(
            "Where the slope is positive, smaller numbers are lower. So in which direction goes x?",
            "Each step replaces x by x - rate * slope(f, x, 1e-3); the slope is a new one each "
            "time.",
        ),
        mistakes=(
            Mistake(
                _uphill,
                "instead of",
                "The slope points uphill; go against it.",
            ),
            Mistake(
                lambda f, x, rate, steps: x - rate * _exact(f, x),
                "instead of",
                "This is one step; `steps` of them are asked for.",
            ),
            Mistake(
                lambda f, x, rate, steps: x - steps * rate * _exact(f, x),
                "instead of",
                "The slope changes on the way, so it has to be computed again after each step.",
            ),
        ),
    ),
]
