"""Lesson 4: a value that is used more than once receives a contribution from each use."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, grad

from ..exercise import Exercise, Mistake
from ..judges import gradients, values

__all__ = ["EXERCISES"]

Contributions = Sequence[tuple[str, np.ndarray]]
Slopes = Sequence[tuple[str, str, float]]


# -------------------------------------------------------------------- 4.2


def _contributions(rng: np.random.Generator) -> dict[str, Any]:
    shapes = {name: tuple(rng.integers(1, 4, 2)) for name in "abc"}
    names = [*"abca", *rng.choice(list("abc"), int(rng.integers(1, 4)))]
    return {
        "contributions": [(n, rng.normal(size=shapes[n])) for n in rng.permutation(names).tolist()]
    }


def _totals(contributions: Contributions) -> dict[str, np.ndarray]:
    """By the engine: the gradients of a sum of products, one for each contribution."""
    tensors = {n: Tensor(np.zeros(c.shape), requires_grad=True) for n, c in contributions}
    total = sum(((tensors[name] * c).sum() for name, c in contributions), Tensor(0.0))
    found = grad(total, list(tensors.values()))
    return {name: g.data for name, g in zip(tensors, found, strict=True)}


def _used(function: Any, contributions: Contributions) -> tuple[Any, bool]:
    """What the function returns, and whether it left the contributions as they were."""
    before = [c.copy() for _, c in contributions]
    result = function(contributions)
    same = all(map(np.array_equal, before, (c for _, c in contributions)))
    return result, same


_judge_totals = values(_totals)


def _judge_use(arguments: Any, result: Any) -> str:
    totals, same = result
    said = "returned None; is a `return` missing?" if totals is None else ""
    said = said or _judge_totals(arguments, totals)
    if said == "right" and not same:
        return "wrong: the sums are right, but the contributions themselves were changed"
    return said


def _last_ones(contributions: Contributions) -> dict[str, np.ndarray]:
    return dict(contributions)


def _first_ones(contributions: Contributions) -> dict[str, np.ndarray]:
    return dict(reversed(contributions))


def _means(contributions: Contributions) -> dict[str, np.ndarray]:
    counts = {name: sum(n == name for n, _ in contributions) for name, _ in contributions}
    return {name: total / counts[name] for name, total in _totals(contributions).items()}


def _in_place(contributions: Contributions) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for name, c in contributions:
        if name in found:
            found[name] += c
        else:
            found[name] = c
    return found


# -------------------------------------------------------------------- 4.4


def _network(rng: np.random.Generator) -> dict[str, Any]:
    """Values in layers of two between x and y, each fed by both of the layer before."""
    names = iter("pqrstuvw")
    layers = [["x"], *([next(names), next(names)] for _ in range(rng.integers(1, 4))), ["y"]]
    return {
        "edges": [
            (a, b, round(float(rng.uniform(0.5, 2)), 2))
            for before, after in itertools.pairwise(layers)
            for b in after
            for a in before
        ]
    }


def _by_engine(edges: Slopes) -> dict[str, float]:
    known: dict[str, Any] = {"x": Tensor(1.0, requires_grad=True)}
    for a, b, slope in edges:
        known[b] = known[b] + known[a] * slope if b in known else known[a] * slope
    found = grad(known["y"], list(known.values()))
    return {name: float(g.item()) for name, g in zip(known, found, strict=True)}


def _swept(edges: Slopes, *, add: bool = True, forward: bool = False) -> dict[str, float]:
    gradients = dict.fromkeys([name for a, b, _ in edges for name in (a, b)], 0.0)
    gradients["y"] = 1.0
    for a, b, slope in edges if forward else reversed(edges):
        part = gradients[b] * slope
        gradients[a] = gradients[a] + part if add else part
    return gradients


EXERCISES = [
    Exercise(
        number="4.1",
        name="slope_of_x_tanh_x",
        task="the slope of x tanh x",
        draw=lambda rng: {"x": rng.uniform(0.3, 1.5)},
        judge=gradients(lambda x: x * np.tanh(x), "x"),
        hints=(
            "Write y = x h with h = tanh x. In how many ways does y depend on x?",
            "x gets one contribution from the product, which is h, and one through h: what the "
            "product sends to h, times the slope of tanh.",
        ),
        mistakes=(
            Mistake(
                lambda x: np.tanh(x),
                "instead of",
                "This is the contribution of the product alone; x is used in tanh, too.",
            ),
            Mistake(
                lambda x: x * (1 - np.tanh(x) ** 2),
                "instead of",
                "This is what comes through tanh; the product itself also uses x.",
            ),
            Mistake(
                lambda x: np.tanh(x) * x * (1 - np.tanh(x) ** 2),
                "instead of",
                "Both contributions were multiplied. Along a chain slopes multiply, where branches "
                "meet they add.",
            ),
            Mistake(
                lambda x: 1 - np.tanh(x) ** 2,
                "instead of",
                "The slope of a product is not the product of the slopes.",
            ),
        ),
    ),
    Exercise(
        number="4.2",
        name="accumulate",
        task="add up contributions",
        draw=_contributions,
        use=_used,
        judge=_judge_use,
        hints=(
            "Go through the contributions with a dict of sums so far. What is to be done if a "
            "name is new, and what if it is already there?",
            "`found[name] = found[name] + c` makes a new array; `found[name] += c` would change "
            "the array that is already stored, which is a contribution of somebody else.",
        ),
        mistakes=(
            Mistake(
                _last_ones,
                "is wrong",
                "A later contribution replaces an earlier one; they have to be added.",
            ),
            Mistake(
                _first_ones,
                "is wrong",
                "Only the first contribution to each name is left; they have to be added.",
            ),
            Mistake(
                _means,
                "too small",
                "These are means. Each use adds its own effect, so it is the sum.",
            ),
            Mistake(
                _in_place,
                "the contributions themselves were changed",
                "`+=` works inside the stored array, which is the first contribution itself. No "
                "two gradients may share memory.",
            ),
        ),
    ),
    Exercise(
        number="4.3",
        name="gradients_of_residual",
        task="both gradients of (x + tanh(w x))²",
        draw=lambda rng: {"x": rng.uniform(0.3, 1), "w": rng.uniform(-1, -0.3)},
        judge=gradients(lambda x, w: (x + np.tanh(w * x)) ** 2, "x", "w"),
        hints=(
            "Let h = tanh(w x) and s = x + h. What does the square send to s, and s to each of its "
            "two arguments?",
            "g = 2 s goes to x directly, and to h. Through h comes g (1 - h²), which goes to x "
            "times w, and to w times x.",
        ),
        mistakes=(
            Mistake(
                lambda x, w: (
                    2 * (x + np.tanh(w * x)) * (1 - np.tanh(w * x) ** 2) * w,
                    2 * (x + np.tanh(w * x)) * (1 - np.tanh(w * x) ** 2) * x,
                ),
                "the gradient of x is wrong",
                "The way around tanh is missing: x is also added as it is.",
            ),
            Mistake(
                lambda x, w: (
                    2 * (x + np.tanh(w * x)),
                    2 * (x + np.tanh(w * x)) * (1 - np.tanh(w * x) ** 2) * x,
                ),
                "the gradient of x is wrong",
                "This is the way around tanh alone; what comes through tanh has to be added.",
            ),
            Mistake(
                lambda x, w: (
                    2 * (x + np.tanh(w * x)) * (1 + (1 - np.tanh(w * x) ** 2) * w),
                    2 * (x + np.tanh(w * x)) * (1 + (1 - np.tanh(w * x) ** 2) * x),
                ),
                "the gradient of w is wrong",
                "w has only one way to the result; the 1 is for x, which has two.",
            ),
        ),
    ),
    Exercise(
        number="4.4",
        name="sweep_back",
        task="a whole backward pass",
        draw=_network,
        judge=values(_by_engine),
        hints=(
            "Start with 0 for every name, and 1 for y. In which order have the edges to be taken, "
            "so that a gradient is complete before it is passed on?",
            "From the last edge to the first: for (a, b, slope) add gradients[b] * slope to "
            "gradients[a].",
        ),
        mistakes=(
            Mistake(
                lambda edges: _swept(edges, add=False),
                "is wrong",
                "A contribution replaces the one before; where branches meet they are added.",
            ),
            Mistake(
                lambda edges: _swept(edges, forward=True),
                "x is wrong: all of it is 0",
                "Taken from the first edge on, nothing has arrived at b when it is passed on.",
            ),
            Mistake(
                lambda edges: {**_swept(edges), "y": 0.0},
                "y is wrong: all of it is 0",
                "y has slope 1 with respect to itself; that is where it all begins.",
            ),
            Mistake(lambda edges: _swept(edges)["x"], "expected is a dict with the keys"),
        ),
    ),
]
