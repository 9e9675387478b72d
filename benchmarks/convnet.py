"""One training step of a small convolutional network: two convolutions, two poolings, one layer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from .harness import Contestant, Table, available, compare, first_runs
from .training import training_step

Weights = list[np.ndarray]
RATE = 0.01
CHANNELS = (1, 16, 32)
BATCH = 64


def initial_weights() -> Weights:
    """Two kernels of 3 x 3, the matrix after them, and their biases."""
    random = np.random.default_rng(0)
    _, a, b = CHANNELS
    shapes = [(a, 1, 3, 3), (a,), (b, a, 3, 3), (b,), (b * 7 * 7, 10), (10,)]
    fans = [9, 0, a * 9, 0, b * 49, 0]
    return [
        random.standard_normal(shape, np.float32) * np.float32((2 / fan) ** 0.5)
        if fan
        else np.zeros(shape, np.float32)
        for shape, fan in zip(shapes, fans, strict=True)
    ]


def _columns(x: np.ndarray) -> np.ndarray:
    """im2col: the 3 x 3 windows of the padded images, as (batch, channels · 9, positions)."""
    n, c, h, w = x.shape
    padded = np.zeros((n, c, h + 2, w + 2), x.dtype)
    padded[:, :, 1:-1, 1:-1] = x
    columns = np.empty((n, c, 3, 3, h, w), x.dtype)
    for i in range(3):
        for j in range(3):
            columns[:, :, i, j] = padded[:, :, i : i + h, j : j + w]
    return columns.reshape(n, c * 9, h * w)


def _image(columns: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """col2im: the adjoint of `_columns`, which adds the elements of the windows to the pixels."""
    n, c, h, w = shape
    g = columns.reshape(n, c, 3, 3, h, w)
    padded = np.zeros((n, c, h + 2, w + 2), columns.dtype)
    for i in range(3):
        for j in range(3):
            padded[:, :, i : i + h, j : j + w] += g[:, :, i, j]
    return padded[:, :, 1:-1, 1:-1]


def _pool(x: np.ndarray) -> np.ndarray:
    return np.maximum(
        np.maximum(x[..., ::2, ::2], x[..., ::2, 1::2]),
        np.maximum(x[..., 1::2, ::2], x[..., 1::2, 1::2]),
    )


def _unpool(g: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    out = np.empty_like(x)
    for i in range(2):
        for j in range(2):
            out[..., i::2, j::2] = g * (x[..., i::2, j::2] == y)
    return out


def hand_written(weights: Weights, x: np.ndarray, t: np.ndarray) -> Contestant:
    """NumPy: kernels as matrices over columns, pooling by strided maxima."""
    w1, b1, w2, b2, w3, b3 = weights
    m1, m2 = w1.reshape(len(w1), -1), w2.reshape(len(w2), -1)
    rows, n = np.arange(len(t)), len(t)

    def step() -> Any:
        c1 = _columns(x)
        a1 = (m1 @ c1 + b1[:, None]).reshape(n, -1, 28, 28)
        p1 = _pool(a1)
        h1 = np.maximum(p1, 0)
        c2 = _columns(h1)
        a2 = (m2 @ c2 + b2[:, None]).reshape(n, -1, 14, 14)
        p2 = _pool(a2)
        h2 = np.maximum(p2, 0).reshape(n, -1)
        z = h2 @ w3 + b3
        z -= z.max(axis=1, keepdims=True)
        p = np.exp(z)
        total = p.sum(axis=1, keepdims=True)
        loss = np.mean(np.log(total[:, 0]) - z[rows, t])

        p /= total
        p[rows, t] -= 1
        g3 = p / n
        g = (g3 @ w3.T).reshape(p2.shape)
        g *= p2 > 0
        g2 = _unpool(g, a2, p2).reshape(n, len(m2), -1)
        gm2 = (g2 @ c2.transpose(0, 2, 1)).sum(0)
        g = _image(m2.T @ g2, h1.shape) * (p1 > 0)
        g1 = _unpool(g, a1, p1).reshape(n, len(m1), -1)
        gm1 = (g1 @ c1.transpose(0, 2, 1)).sum(0)
        gradients = gm1, g1.sum((0, 2)), gm2, g2.sum((0, 2)), h2.T @ g3, g3.sum(0)
        for w, d in zip((m1, b1, m2, b2, w3, b3), gradients, strict=True):
            w -= RATE * d
        return loss

    return step


def ours(weights: Weights, x: np.ndarray, t: np.ndarray, compiled: bool = False) -> Contestant:
    """This project; or with the loss compiled into one op."""
    import nn

    _, a, b = CHANNELS
    model = nn.Sequential(
        nn.Conv2d(1, a, 3, padding=1),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(a, b, 3, padding=1),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dense(b * 49, 10),
    )
    for parameter, value in zip(model.parameters(), weights, strict=True):
        parameter.data[...] = value
    optimizer = nn.SGD(model.parameters(), lr=RATE)
    return training_step(model, optimizer, x, t, compiled)


def pytorch(weights: Weights, x: np.ndarray, t: np.ndarray) -> Contestant:
    """PyTorch, eager."""
    import torch
    from torch.nn import functional as F

    ps = [torch.tensor(w, requires_grad=True) for w in weights]
    w1, b1, w2, b2, w3, b3 = ps
    inputs, targets = torch.tensor(x), torch.tensor(t)
    optimizer = torch.optim.SGD(ps, lr=RATE)

    def step() -> Any:
        h = F.relu(F.max_pool2d(F.conv2d(inputs, w1, b1, padding=1), 2))
        h = F.relu(F.max_pool2d(F.conv2d(h, w2, b2, padding=1), 2))
        loss = F.cross_entropy(h.flatten(1) @ w3 + b3, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def jax_jit(weights: Weights, x: np.ndarray, t: np.ndarray) -> Contestant:
    """JAX, the whole step compiled by jit."""
    import jax
    import jax.numpy as jnp

    def layer(h: Any, w: Any, b: Any) -> Any:
        h = jax.lax.conv(h, w, (1, 1), "SAME") + b[:, None, None]
        h = jax.lax.reduce_window(h, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
        return jax.nn.relu(h)

    def loss(ps: Any) -> Any:
        w1, b1, w2, b2, w3, b3 = ps
        h = layer(layer(x, w1, b1), w2, b2)
        h = h.reshape(len(h), -1) @ w3 + b3
        return -jax.nn.log_softmax(h)[jnp.arange(len(t)), t].mean()

    def update(ps: Any) -> Any:
        value, gradients = jax.value_and_grad(loss)(ps)
        return value, jax.tree.map(lambda p, g: p - RATE * g, ps, gradients)

    jitted = jax.jit(update, donate_argnums=0)
    parameters = [jnp.asarray(p) for p in weights]

    def step() -> Any:
        nonlocal parameters
        value, parameters = jitted(parameters)
        return jax.block_until_ready(value)

    return step


def tables(rounds: int) -> Iterator[Table]:
    """The step on one batch of images of MNIST's size."""
    random = np.random.default_rng(1)
    x = random.random((BATCH, 1, 28, 28), np.float32)
    t = random.integers(0, 10, BATCH)
    makers: dict[str, Any] = {
        "hand-written NumPy": hand_written,
        "tinygrad-edu, nn": ours,
        "tinygrad-edu, nn, compiled": partial(ours, compiled=True),
        "JAX jit": jax_jit,
        "PyTorch": pytorch,
    }
    made: dict[str, Any] = {
        name: lambda make=make: make(initial_weights(), x, t) for name, make in makers.items()
    }
    notes = first_runs(made)
    contestants, missing = available(made)
    notes += missing
    expected = [float(contestants["hand-written NumPy"]()) for _ in range(4)]
    for name, step in list(contestants.items())[1:]:
        losses = [float(step()) for _ in range(4)]
        np.testing.assert_allclose(losses, expected, rtol=1e-3, err_msg=name)
    title = f"Convnet 1-16-32, two poolings, 28 x 28, batch {BATCH}, float32, one SGD step"
    yield Table(title, compare(contestants, rounds=rounds), notes)
