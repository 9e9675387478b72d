"""One training step of a multilayer perceptron: forward, cross-entropy, backward, SGD.

Every contestant is a function of the initial weights and a batch that returns its `step`, written
as its own users would write it; a step returns the loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from . import mlp_peers as peers
from .harness import Contestant, Table, available, compare
from .layers import RATE, Layers, copy, flat, layer


def hand_written(layers: Layers, x: np.ndarray, t: np.ndarray) -> Contestant:
    """NumPy, as an experienced user would write it."""
    (w1, b1), (w2, b2), (w3, b3) = layers
    rows, n = np.arange(len(t)), len(t)

    def step() -> Any:
        h1 = np.maximum(x @ w1 + b1, 0)
        h2 = np.maximum(h1 @ w2 + b2, 0)
        z = h2 @ w3 + b3
        z -= z.max(axis=1, keepdims=True)
        p = np.exp(z)
        total = p.sum(axis=1, keepdims=True)
        loss = np.mean(np.log(total[:, 0]) - z[rows, t])

        p /= total
        p[rows, t] -= 1
        g3 = p / n
        g2 = g3 @ w3.T
        g2 *= h2 > 0
        g1 = g2 @ w2.T
        g1 *= h1 > 0
        gradients = x.T @ g1, g1.sum(0), h1.T @ g2, g2.sum(0), h2.T @ g3, g3.sum(0)
        for p, g in zip((w1, b1, w2, b2, w3, b3), gradients, strict=True):
            p -= RATE * g
        return loss

    return step


def ours_nn(layers: Layers, x: np.ndarray, t: np.ndarray, compiled: bool = False) -> Contestant:
    """This project, with `nn`; or with the loss compiled into one op."""
    import tinygrad_edu
    from nn import SGD, Dense, ReLU, Sequential, cross_entropy

    (w1, _), (w2, _), (w3, _) = layers
    model = Sequential(Dense(*w1.shape), ReLU(), Dense(*w2.shape), ReLU(), Dense(*w3.shape))
    for parameter, value in zip(model.parameters(), flat(layers), strict=True):
        parameter.data[...] = value
    optimizer = SGD(model.parameters(), lr=RATE)

    def loss_of(x: np.ndarray, t: np.ndarray) -> Any:
        return cross_entropy(model(x), t)

    compute = tinygrad_edu.compile(loss_of) if compiled else loss_of

    def step() -> Any:
        loss = compute(x, t)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def ours_engine(layers: Layers, x: np.ndarray, t: np.ndarray) -> Contestant:
    """This project's engine, without `nn`."""
    from tinygrad_edu import Tensor
    from tinygrad_edu.ops import cross_entropy, dense

    w1, b1, w2, b2, w3, b3 = ps = [Tensor(p, requires_grad=True) for p in flat(layers)]

    def step() -> Any:
        h1 = dense(x, w1, b1).relu()
        h2 = dense(h1, w2, b2).relu()
        loss = cross_entropy(dense(h2, w3, b3), t)
        for p in ps:
            p.grad = None
        loss.backward()
        for p in ps:
            p.data -= RATE * p.grad
        return loss

    return step


CONTESTANTS: dict[str, Callable[[Layers, np.ndarray, np.ndarray], Contestant]] = {
    "hand-written NumPy": hand_written,
    "tinygrad-edu, nn": ours_nn,
    "tinygrad-edu, nn, compiled": partial(ours_nn, compiled=True),
    "tinygrad-edu, engine": ours_engine,
    "JAX jit": peers.jax_jit,
    "PyTorch": peers.pytorch,
    "MyGrad": peers.mygrad,
    "HIPS autograd": peers.hips_autograd,
    "DeZero": peers.dezero,
}


def tables(rounds: int) -> Iterator[Table]:
    """A small and a large network, on one batch."""
    for sizes, batch in (((784, 128, 64, 10), 64), ((784, 1024, 1024, 10), 256)):
        random = np.random.default_rng(0)
        layers = [layer(random, *pair) for pair in pairwise(sizes)]
        x = random.random((batch, sizes[0]), np.float32)
        t = random.integers(0, sizes[-1], batch)
        contestants, notes = available(
            {name: partial(make, copy(layers), x, t) for name, make in CONTESTANTS.items()}
        )
        _agree(contestants)
        title = f"MLP {'-'.join(map(str, sizes))}, batch {batch}, float32, one SGD step"
        yield Table(title, compare(contestants, rounds=rounds), notes)


def _agree(contestants: dict[str, Contestant], steps: int = 5) -> None:
    """Assert that the losses of the first steps equal those of the first contestant."""
    expected = None
    for name, step in contestants.items():
        losses = [float(step()) for _ in range(steps)]
        expected = expected or losses
        np.testing.assert_allclose(losses, expected, rtol=1e-4, err_msg=name)
