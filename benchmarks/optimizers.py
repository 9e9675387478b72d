"""One step of every optimizer, compared with a hand-written in-place loop over the same arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from .harness import Contestant, Table, compare
from .layers import flat, layer

Arrays = list[np.ndarray]
SIZES = (784, 128, 64, 10)


def _scratches(ps: Arrays) -> Arrays:
    buffer = np.empty(max(p.size for p in ps), np.float32)
    return [buffer[: p.size].reshape(p.shape) for p in ps]


def _zeros(ps: Arrays) -> Arrays:
    return [np.zeros_like(p) for p in ps]


def sgd(ps: Arrays, gs: Arrays) -> Contestant:
    """With momentum 0.9."""
    states = list(zip(ps, gs, _zeros(ps), _scratches(ps), strict=True))

    def step() -> None:
        for p, g, v, s in states:
            v *= 0.9
            v += g
            np.multiply(v, 0.01, out=s)
            p -= s

    return step


def nesterov(ps: Arrays, gs: Arrays) -> Contestant:
    """With Nesterov momentum 0.9."""
    states = list(zip(ps, gs, _zeros(ps), _scratches(ps), strict=True))

    def step() -> None:
        for p, g, v, s in states:
            v *= 0.9
            v += g
            np.multiply(v, 0.9, out=s)
            s += g
            s *= 0.01
            p -= s

    return step


def adagrad(ps: Arrays, gs: Arrays) -> Contestant:
    states = list(zip(ps, gs, _zeros(ps), _scratches(ps), strict=True))

    def step() -> None:
        for p, g, total, s in states:
            np.multiply(g, g, out=s)
            total += s
            np.sqrt(total, out=s)
            s += 1e-10
            np.divide(g, s, out=s)
            s *= 0.01
            p -= s

    return step


def rmsprop(ps: Arrays, gs: Arrays) -> Contestant:
    states = list(zip(ps, gs, _zeros(ps), _scratches(ps), strict=True))

    def step() -> None:
        for p, g, square, s in states:
            _square(square, g, 0.99, s)
            np.sqrt(square, out=s)
            s += 1e-8
            np.divide(g, s, out=s)
            s *= 0.01
            p -= s

    return step


def adadelta(ps: Arrays, gs: Arrays) -> Contestant:
    deltas = zip(_zeros(ps), _scratches(ps), strict=True)
    states = list(zip(ps, gs, _zeros(ps), deltas, _scratches(ps), strict=True))

    def step() -> None:
        for p, g, square, (delta, d), s in states:
            _square(square, g, 0.9, s)
            np.add(square, 1e-6, out=s)
            np.add(delta, 1e-6, out=d)
            d /= s
            np.sqrt(d, out=d)
            d *= g
            _square(delta, d, 0.9, s)
            p -= d

    return step


def _square(mean: np.ndarray, g: np.ndarray, keep: float, scratch: np.ndarray) -> None:
    mean *= keep
    np.multiply(g, g, out=scratch)
    scratch *= 1 - keep
    mean += scratch


def _mean(mean: np.ndarray, g: np.ndarray, keep: float, scratch: np.ndarray) -> None:
    mean *= keep
    np.multiply(g, 1 - keep, out=scratch)
    mean += scratch


def adam(ps: Arrays, gs: Arrays, decay: float = 0.0) -> Contestant:
    states = list(zip(ps, gs, _zeros(ps), _zeros(ps), _scratches(ps), strict=True))
    t = 0

    def step() -> None:
        nonlocal t
        t += 1
        for p, g, m, v, s in states:
            if decay:
                p *= 1 - 1e-3 * decay
            _mean(m, g, 0.9, s)
            _square(v, g, 0.999, s)
            np.sqrt(v, out=s)
            s /= math.sqrt(1 - 0.999**t)
            s += 1e-8
            np.divide(m, s, out=s)
            s *= 1e-3 / (1 - 0.9**t)
            p -= s

    return step


def adamw(ps: Arrays, gs: Arrays) -> Contestant:
    return adam(ps, gs, decay=1e-2)


def nadam(ps: Arrays, gs: Arrays) -> Contestant:
    steps = _scratches(ps)
    states = list(zip(ps, gs, _zeros(ps), _zeros(ps), steps, _scratches(ps), strict=True))
    t, product = 0, 1.0

    def step() -> None:
        nonlocal t, product
        t += 1
        mu, ahead = (0.9 * (1 - 0.5 * 0.96 ** (k * 4e-3)) for k in (t, t + 1))
        product *= mu
        for p, g, m, v, d, s in states:
            _mean(m, g, 0.9, s)
            _square(v, g, 0.999, s)
            np.multiply(m, 2e-3 * ahead / (1 - product * ahead), out=d)
            np.multiply(g, 2e-3 * (1 - mu) / (1 - product), out=s)
            d += s
            np.sqrt(v, out=s)
            s /= math.sqrt(1 - 0.999**t)
            s += 1e-8
            d /= s
            p -= d

    return step


def radam(ps: Arrays, gs: Arrays) -> Contestant:
    states = list(zip(ps, gs, _zeros(ps), _zeros(ps), _scratches(ps), strict=True))
    t = 0

    def step() -> None:
        nonlocal t
        t += 1
        longest = 2 / (1 - 0.999) - 1
        length = longest - 2 * t * 0.999**t / (1 - 0.999**t)
        rate = 1e-3 / (1 - 0.9**t)
        if length > 5:
            r = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            rate *= math.sqrt(r * (1 - 0.999**t))
        for p, g, m, v, s in states:
            _mean(m, g, 0.9, s)
            _square(v, g, 0.999, s)
            if length > 5:
                np.sqrt(v, out=s)
                s += 1e-8
                np.divide(m, s, out=s)
                s *= rate
            else:
                np.multiply(m, rate, out=s)
            p -= s

    return step


Hand = Callable[[Arrays, Arrays], Contestant]

OPTIMIZERS: dict[str, tuple[str, dict[str, Any], Hand]] = {
    "SGD with momentum": ("SGD", {"lr": 0.01, "momentum": 0.9}, sgd),
    "SGD with Nesterov": ("SGD", {"lr": 0.01, "momentum": 0.9, "nesterov": True}, nesterov),
    "Adagrad": ("Adagrad", {}, adagrad),
    "RMSprop": ("RMSprop", {}, rmsprop),
    "Adadelta": ("Adadelta", {}, adadelta),
    "Adam": ("Adam", {}, adam),
    "AdamW": ("AdamW", {}, adamw),
    "NAdam": ("NAdam", {}, nadam),
    "RAdam": ("RAdam", {}, radam),
}


def tables(rounds: int) -> Iterator[Table]:
    """A table for each optimizer, on the parameters of a small network."""
    import nn

    for name, (kind, options, by_hand) in OPTIMIZERS.items():
        random = np.random.default_rng(0)
        start = list(flat([layer(random, *pair) for pair in pairwise(SIZES)]))
        gradients = [random.standard_normal(p.shape, np.float32) for p in start]
        own, theirs = ([p.copy() for p in start] for _ in range(2))
        parameters = [nn.Parameter(p) for p in own]
        for parameter, g in zip(parameters, gradients, strict=True):
            parameter.grad = g
        ours = getattr(nn, kind)(parameters, **options).step
        hand = by_hand(theirs, gradients)
        for _ in range(10):
            ours()
            hand()
        for parameter, p in zip(parameters, theirs, strict=True):
            np.testing.assert_allclose(parameter.data, p, rtol=1e-4, atol=1e-6, err_msg=name)
        title = f"{name}, one step on the parameters of an MLP {'-'.join(map(str, SIZES))}"
        contestants = {"hand-written NumPy, in place": hand, "tinygrad-edu, nn": ours}
        yield Table(title, compare(contestants, rounds=rounds))
