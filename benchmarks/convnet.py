"""One training step of a small convolutional network: two convolutions, two poolings, one layer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from . import jax_training
from .compat import import_tinygrad
from .harness import Contestant, Table, available, compare, first_runs
from .tinygrad_training import tinygrad_training_step
from .training import load_torch, torch_training_step, training_step

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


def pytorch(weights: Weights, x: np.ndarray, t: np.ndarray, compiled: bool = False) -> Contestant:
    """PyTorch, eager; or with the loss compiled."""
    import torch
    from torch.nn import Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential

    _, a, b = CHANNELS
    model = Sequential(
        Conv2d(1, a, 3, padding=1),
        MaxPool2d(2),
        ReLU(),
        Conv2d(a, b, 3, padding=1),
        MaxPool2d(2),
        ReLU(),
        Flatten(),
        Linear(b * 49, 10),
    )
    load_torch(model, weights)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    return torch_training_step(model, optimizer, x, t, compiled)


def jax_jit(weights: Weights, x: np.ndarray, t: np.ndarray) -> Contestant:
    """JAX, the whole step compiled by jit, with the channels last."""
    import jax

    def layer(h: Any, w: Any, b: Any) -> Any:
        h = jax_training.convolution(h, w) + b
        size = 1, 2, 2, 1
        h = jax.lax.reduce_window(h, -jax.numpy.inf, jax.lax.max, size, size, "VALID")
        return jax.nn.relu(h)

    def loss(ps: Any, x: Any, t: Any) -> Any:
        w1, b1, w2, b2, w3, b3 = ps
        h = layer(layer(x, w1, b1), w2, b2)
        return jax_training.cross_entropy(h.reshape(len(h), -1) @ w3 + b3, t)

    w1, b1, w2, b2, w3, b3 = weights
    k1, k2 = (w.transpose(2, 3, 1, 0) for w in (w1, w2))
    w3 = w3.reshape(-1, 7, 7, 10).transpose(1, 2, 0, 3).reshape(-1, 10)
    ps = k1, b1, k2, b2, w3, b3
    sgd = jax_training.sgd(RATE)
    return jax_training.jax_training_step(loss, sgd, ps, x.transpose(0, 2, 3, 1), t)


def tinygrad(weights: Weights, x: np.ndarray, t: np.ndarray) -> Contestant:
    """tinygrad, whose CPU device compiles by clang."""
    import_tinygrad()
    from tinygrad import Tensor
    from tinygrad.nn import Conv2d, Linear

    _, a, b = CHANNELS
    layers: list[Any] = [
        Conv2d(1, a, 3, padding=1),
        Tensor.max_pool2d,
        Tensor.relu,
        Conv2d(a, b, 3, padding=1),
        Tensor.max_pool2d,
        Tensor.relu,
        lambda h: h.flatten(1),
        Linear(b * 49, 10),
    ]
    return tinygrad_training_step(layers, weights, RATE, x, t)


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
        "torch.compile": partial(pytorch, compiled=True),
        "tinygrad": tinygrad,
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
