"""One training step of a multilayer perceptron: forward, cross-entropy, backward, SGD or Adam.

Every contestant is a function of the initial weights and a batch that returns its `step`, written
as its own users would write it; a step returns the loss.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from . import mlp_peers as peers
from .harness import Contestant, Table, available, compare, first_runs
from .layers import ADAM_RATE, RATE, Arrays, Layers, copy, flat, layer
from .training import training_step


def hand_written(layers: Layers, x: np.ndarray, t: np.ndarray, *, adam: bool = False) -> Contestant:
    """NumPy, as an experienced user would write it; Adam in blocks that stay in the cache."""
    (w1, b1), (w2, b2), (w3, b3) = layers
    ps = w1, b1, w2, b2, w3, b3
    rows, n = np.arange(len(t)), len(t)
    update = fused_adam(ps) if adam else descend

    def step() -> Any:
        h1 = x @ w1
        h1 += b1
        np.maximum(h1, 0, out=h1)
        h2 = h1 @ w2
        h2 += b2
        np.maximum(h2, 0, out=h2)
        z = h2 @ w3
        z += b3
        z -= z.max(axis=1, keepdims=True)
        p = np.exp(z)
        total = p.sum(axis=1, keepdims=True)
        loss = np.mean(np.log(total[:, 0]) - z[rows, t])

        p /= total
        p[rows, t] -= 1
        p /= n
        g3 = p
        g2 = g3 @ w3.T
        g2 *= h2 > 0
        g1 = g2 @ w2.T
        g1 *= h1 > 0
        update(ps, (x.T @ g1, g1.sum(0), h1.T @ g2, g2.sum(0), h2.T @ g3, g3.sum(0)))
        return loss

    return step


def descend(ps: Arrays, gs: Arrays) -> None:
    """Gradient descent."""
    for p, g in zip(ps, gs, strict=True):
        g *= RATE
        p -= g


BLOCK = 1 << 16


def fused_adam(ps: Arrays) -> Callable[[Arrays, Arrays], None]:
    """Adam, one block of the parameters after the other, each all the way."""
    moments = [(np.zeros_like(p), np.zeros_like(p)) for p in ps]
    scratch = np.empty(BLOCK, np.float32)
    t = 0

    def update(ps: Arrays, gs: Arrays) -> None:
        nonlocal t
        t += 1
        root, rate = math.sqrt(1 - 0.999**t), ADAM_RATE / (1 - 0.9**t)
        for p, g, (m, v) in zip(ps, gs, moments, strict=True):
            flat = p.reshape(-1), g.reshape(-1), m.reshape(-1), v.reshape(-1)
            for i in range(0, p.size, BLOCK):
                p, g, m, v = (array[i : i + BLOCK] for array in flat)
                s = scratch[: p.size]
                np.subtract(g, m, s)
                s *= 0.1
                m += s
                np.multiply(g, 0.001, s)
                s *= g
                v *= 0.999
                v += s
                np.sqrt(v, s)
                s /= root
                s += 1e-8
                np.divide(m, s, s)
                s *= rate
                p -= s

    return update


def ours_nn(
    layers: Layers, x: np.ndarray, t: np.ndarray, *, compiled: bool = False, adam: bool = False
) -> Contestant:
    """This project, with `nn`; or with the loss compiled into one op."""
    import nn
    from nn import Dense, ReLU, Sequential

    (w1, _), (w2, _), (w3, _) = layers
    model = Sequential(Dense(*w1.shape), ReLU(), Dense(*w2.shape), ReLU(), Dense(*w3.shape))
    for parameter, value in zip(model.parameters(), flat(layers), strict=True):
        parameter.data[...] = value
    parameters = model.parameters()
    optimizer = nn.Adam(parameters, lr=ADAM_RATE) if adam else nn.SGD(parameters, lr=RATE)
    return training_step(model, optimizer, x, t, compiled)


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


Maker = Callable[[Layers, np.ndarray, np.ndarray], Contestant]
WITH_SGD: dict[str, Maker] = {
    "hand-written NumPy": hand_written,
    "tinygrad-edu, nn": ours_nn,
    "tinygrad-edu, nn, compiled": partial(ours_nn, compiled=True),
    "tinygrad-edu, engine": ours_engine,
    "JAX jit": peers.jax_jit,
    "PyTorch": peers.pytorch,
    "torch.compile": partial(peers.pytorch, compiled=True),
    "tinygrad": peers.tinygrad,
    "MyGrad": peers.mygrad,
    "HIPS autograd": peers.hips_autograd,
    "DeZero": peers.dezero,
}


WITH_ADAM: dict[str, Maker] = {
    "hand-written NumPy, fused Adam": partial(hand_written, adam=True),
    "tinygrad-edu, nn": partial(ours_nn, adam=True),
    "tinygrad-edu, nn, compiled": partial(ours_nn, adam=True, compiled=True),
    "JAX jit": partial(peers.jax_jit, adam=True),
    "PyTorch": partial(peers.pytorch, adam=True),
    "torch.compile": partial(peers.pytorch, adam=True, compiled=True),
    "tinygrad": partial(peers.tinygrad, adam=True),
}


def tables(rounds: int) -> Iterator[Table]:
    """A small and a large network, on one batch."""
    for sizes, batch, optimizer, makers in (
        ((784, 128, 64, 10), 64, "SGD", WITH_SGD),
        ((784, 1024, 1024, 10), 256, "SGD", WITH_SGD),
        ((784, 1024, 1024, 10), 256, "Adam", WITH_ADAM),
    ):
        random = np.random.default_rng(0)
        layers = [layer(random, *pair) for pair in pairwise(sizes)]
        x = random.random((batch, sizes[0]), np.float32)
        t = random.integers(0, sizes[-1], batch)
        made = {name: _maker(make, layers, x, t) for name, make in makers.items()}
        notes = first_runs(made)
        contestants, missing = available(made)
        _agree(contestants)
        title = f"MLP {'-'.join(map(str, sizes))}, batch {batch}, float32, one {optimizer} step"
        yield Table(title, compare(contestants, rounds=rounds), notes + missing)


def _maker(make: Maker, layers: Layers, x: np.ndarray, t: np.ndarray) -> Callable[[], Contestant]:
    return lambda: make(copy(layers), x, t)


def _agree(contestants: dict[str, Contestant], steps: int = 5) -> None:
    """Assert that the losses of the first steps equal those of the first contestant."""
    expected = None
    for name, step in contestants.items():
        losses = [float(step()) for _ in range(steps)]
        expected = expected or losses
        np.testing.assert_allclose(losses, expected, rtol=1e-4, err_msg=name)
