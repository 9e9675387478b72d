"""Lesson 9: gradient descent, momentum and Adam."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import nn
from tinygrad_edu import Tensor

from ..exercise import Exercise, Mistake
from ..judges import values

__all__ = ["EXERCISES"]

Gradients = Sequence[np.ndarray]


def _moved(w: Any, gradients: Gradients, optimizer: Callable[..., nn.Optimizer]) -> np.ndarray:
    """Where an optimizer of nn moves w, given the gradients of all steps."""
    p = Tensor(np.array(w, float), requires_grad=True)
    moving = optimizer([p])
    for g in gradients:
        p.grad = np.asarray(g, float)
        moving.step()
    return p.data


def _given(rng: np.random.Generator) -> dict[str, Any]:
    shape = tuple(int(n) for n in rng.integers(2, 4, rng.integers(1, 3)))
    return {
        "w": rng.normal(size=shape),
        "gradients": [rng.normal(size=shape) for _ in range(rng.integers(3, 6))],
        "lr": round(float(rng.uniform(0.05, 0.2)), 3),
    }


# -------------------------------------------------------------------- 9.2


def _momentum(
    w: np.ndarray, gradients: Gradients, lr: float, mu: float, *, new: float = 1.0, old: bool = True
) -> np.ndarray:
    """Momentum with mistakes: gradients that enter times `new`, or no velocity that is kept."""
    v = np.zeros_like(w)
    for g in gradients:
        v = (mu * v if old else 0) + new * g
        w = w - lr * v
    return w


def _lr_twice(w: np.ndarray, gradients: Gradients, lr: float, mu: float) -> np.ndarray:
    v = np.zeros_like(w)
    for g in gradients:
        v = mu * v + lr * g
        w = w - lr * v
    return w


def _old_velocity(w: np.ndarray, gradients: Gradients, lr: float, mu: float) -> np.ndarray:
    v = np.zeros_like(w)
    for g in gradients:
        w = w - lr * v
        v = mu * v + g
    return w


# -------------------------------------------------------------------- 9.3


def _adam(
    w: np.ndarray, gradients: Gradients, lr: float, beta1: float, beta2: float, eps: float, *,
    start: int = 1, correct: bool = True, root: bool = True, square: bool = True,
) -> np.ndarray:  # fmt: skip
    """Adam with mistakes."""
    m = v = np.zeros_like(w)
    for t, g in enumerate(gradients, start):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * (g**2 if square else g)
        m_hat = m / (1 - beta1**t) if correct else m
        v_hat = v / (1 - beta2**t) if correct else v
        w = w - lr * m_hat / ((np.sqrt(v_hat) if root else v_hat) + eps)
    return w


_NOT_A_NUMBER = (
    "Count steps from 1, since with t = 0 the correction divides by 1 - 1 = 0. And v is the "
    "average of g², not of g, since a negative number has no root."
)


def _correct_in_place(
    w: np.ndarray, gradients: Gradients, lr: float, beta1: float, beta2: float, eps: float
) -> np.ndarray:
    m = v = np.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        m = (beta1 * m + (1 - beta1) * g) / (1 - beta1**t)
        v = (beta2 * v + (1 - beta2) * g**2) / (1 - beta2**t)
        w = w - lr * m / (np.sqrt(v) + eps)
    return w


# -------------------------------------------------------------------- 9.4


class _Momentum:
    """An optimizer with mistakes."""

    shared = forgets_nothing = skips_nothing = uphill = False

    def __init__(self, parameters: Sequence[Tensor], lr: float, mu: float) -> None:
        self.parameters, self.lr, self.mu = list(parameters), lr, mu
        self.velocities: list[Any] = [0 for _ in self.parameters]

    def zero_grad(self) -> None:
        for p in self.parameters:
            if not self.forgets_nothing:
                p.grad = None

    def step(self) -> None:
        for i, p in enumerate(self.parameters):
            g: Any = p.grad
            if g is None and not self.skips_nothing:
                continue
            i = 0 if self.shared else i
            self.velocities[i] = self.mu * self.velocities[i] + g
            p.data = p.data + (1 if self.uphill else -1) * self.lr * self.velocities[i]


class _Shared(_Momentum):
    shared = True


class _Adding(_Momentum):
    forgets_nothing = True


class _All(_Momentum):
    skips_nothing = True


class _Uphill(_Momentum):
    uphill = True


class _Blank(_Momentum):
    def step(self) -> None:
        pass


def _trained(optimizer: Any, x: Any, t: Any, lr: float, mu: float) -> tuple[Any, ...]:
    """The parameters of a line after some steps, and one that the loss does not depend on."""
    w, b = Tensor(np.zeros(x.shape[1]), requires_grad=True), Tensor(0.0, requires_grad=True)
    unused = Tensor(np.ones(2), requires_grad=True)
    moving = optimizer([unused, w, b], lr, mu)
    for _ in range(4):
        moving.zero_grad()
        ((x @ w + b - t) ** 2).mean().backward()
        moving.step()
    return w.data, b.data, unused.data


def _points(rng: np.random.Generator) -> dict[str, Any]:
    n, k = (int(size) for size in rng.integers(3, 6, 2))
    return {
        "x": rng.normal(size=(n, k)),
        "t": rng.normal(1, 1, n),
        "lr": round(float(rng.uniform(0.05, 0.1)), 3),
        "mu": round(float(rng.uniform(0.5, 0.9)), 2),
    }


EXERCISES = [
    Exercise(
        number="9.1",
        name="factor_per_step",
        task="what a step of gradient descent multiplies by",
        draw=lambda rng: {"a": rng.uniform(1, 5), "lr": rng.uniform(0.5, 1)},
        judge=values(lambda a, lr: float(_moved(1.0, [np.asarray(a)], lambda p: nn.SGD(p, lr=lr)))),
        hints=(
            "The slope of a w² / 2 is a w. What is w - lr · slope?",
            "w - lr a w has w as a factor. What is left if you take it out?",
        ),
        mistakes=(
            Mistake(
                lambda a, lr: lr * a,
                "instead of",
                "lr a w is the step; it is subtracted from w, of which there is 1.",
            ),
            Mistake(
                lambda a, lr: 1 + lr * a,
                "instead of",
                "This walks uphill: the step goes against the slope.",
            ),
            Mistake(
                lambda a, lr: 1 - lr * a / 2,
                "instead of",
                "The slope of a w² / 2 is a w; the 2 cancels.",
            ),
            Mistake(
                lambda a, lr: 1 - lr,
                "instead of",
                "The slope grows with the curvature a, so the step does, too.",
            ),
        ),
    ),
    Exercise(
        number="9.2",
        name="momentum_steps",
        task="momentum",
        draw=lambda rng: {**_given(rng), "mu": round(float(rng.uniform(0.5, 0.9)), 2)},
        judge=values(
            lambda w, gradients, lr, mu: _moved(
                w, gradients, lambda p: nn.SGD(p, lr=lr, momentum=mu)
            )
        ),
        hints=(
            "What is to be remembered from one step to the next, besides w? What is it at first?",
            "Start with v = 0. For each g, first v = mu * v + g, and then w = w - lr * v.",
        ),
        mistakes=(
            Mistake(
                lambda w, gradients, lr, mu: _momentum(w, gradients, lr, mu, old=False),
                "wrong",
                "This is plain gradient descent: the velocity of the step before is not used.",
            ),
            Mistake(
                lambda w, gradients, lr, mu: _momentum(w, gradients, lr, mu, new=1 - mu),
                "wrong",
                "This is a moving average; with momentum, a gradient enters with the factor 1.",
            ),
            Mistake(
                _old_velocity,
                "wrong",
                "w moves by the velocity of the step before; bring v up to date first.",
            ),
            Mistake(
                _lr_twice,
                "wrong",
                "The learning rate is in v already, and multiplied again.",
            ),
        ),
    ),
    Exercise(
        number="9.3",
        name="adam_steps",
        task="Adam",
        draw=lambda rng: {
            **_given(rng),
            "beta1": round(float(rng.uniform(0.7, 0.95)), 2),
            "beta2": round(float(rng.uniform(0.9, 0.99)), 3),
            "eps": 1e-8,
        },
        judge=values(
            lambda w, gradients, lr, beta1, beta2, eps: _moved(
                w, gradients, lambda p: nn.Adam(p, lr=lr, betas=(beta1, beta2), eps=eps)
            )
        ),
        hints=(
            "Which two arrays go from one step to the next, and what number must be counted? Is m "
            "or m̂ the one to be kept?",
            "for t, g in enumerate(gradients, start=1): bring m and v up to date, then compute "
            "m / (1 - beta1**t) and v / (1 - beta2**t) under other names, then move w.",
        ),
        mistakes=(
            Mistake(
                lambda *given: _adam(*given, correct=False),
                "wrong",
                "The bias correction is missing: m and v start at 0, and are too small at first.",
            ),
            Mistake(
                lambda *given: _adam(*given, start=0),
                "wrong",
                _NOT_A_NUMBER,
            ),
            Mistake(
                _correct_in_place,
                "wrong",
                "The corrected averages are kept, and corrected again in the next step.",
            ),
            Mistake(
                lambda *given: _adam(*given, root=False),
                "wrong",
                "The root of v̂ is missing: a gradient is divided by a size of its own kind.",
            ),
            Mistake(
                lambda *given: _adam(*given, square=False),
                "wrong",
                _NOT_A_NUMBER,
            ),
        ),
    ),
    Exercise(
        number="9.4",
        name="Momentum",
        task="an optimizer with momentum, as a class",
        draw=_points,
        use=_trained,
        judge=values(
            lambda x, t, lr, mu: _trained(
                lambda p, lr, mu: nn.SGD(p, lr=lr, momentum=mu), x, t, lr, mu
            ),
            names=("the weight after 4 steps", "the bias after 4 steps", "an unused parameter"),
        ),
        hints=(
            "`zero_grad` sets each `p.grad` to None. In `step`, go through parameters and "
            "velocities together; `enumerate(self.parameters)` gives you the index of both.",
            "If p.grad is not None: self.velocities[i] = self.mu * self.velocities[i] + p.grad, "
            "and p.data = p.data minus lr times that.",
        ),
        mistakes=(
            Mistake(
                _Adding,
                "the weight after 4 steps is wrong",
                "zero_grad leaves the gradients as they are, and backward() adds to them.",
            ),
            Mistake(
                _Shared,
                "raised",
                "All parameters share one velocity, although their shapes differ.",
            ),
            Mistake(
                _All,
                "raised TypeError",
                "A parameter that the loss does not depend on has the gradient None.",
            ),
            Mistake(
                _Uphill,
                "the weight after 4 steps is wrong",
                "This walks uphill: subtract lr times the velocity.",
            ),
            Mistake(
                _Blank,
                "the weight after 4 steps is wrong: all of it is 0",
                "step() changes nothing: assign to p.data.",
            ),
        ),
    ),
]
