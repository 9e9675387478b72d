"""The training step of the multilayer perceptron in other libraries, as their users write it."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import jax_training
from .compat import import_dezero, import_tinygrad
from .harness import Contestant
from .layers import ADAM_RATE, RATE, Layers, flat
from .tinygrad_training import tinygrad_training_step
from .training import load_torch, torch_training_step


def pytorch(
    layers: Layers, x: np.ndarray, t: np.ndarray, *, compiled: bool = False, adam: bool = False
) -> Contestant:
    """PyTorch on the CPU, eager; or with the loss compiled."""
    import torch
    from torch.nn import Linear, ReLU, Sequential

    (w1, _), (w2, _), (w3, _) = layers
    model = Sequential(Linear(*w1.shape), ReLU(), Linear(*w2.shape), ReLU(), Linear(*w3.shape))
    load_torch(model, flat(layers))
    optimizer: Any = torch.optim.SGD(model.parameters(), lr=RATE)
    if adam:
        optimizer = torch.optim.Adam(model.parameters(), lr=ADAM_RATE)
    return torch_training_step(model, optimizer, x, t, compiled)


def tinygrad(layers: Layers, x: np.ndarray, t: np.ndarray, *, adam: bool = False) -> Contestant:
    """tinygrad, whose CPU device compiles by clang."""
    import_tinygrad()
    from tinygrad import Tensor
    from tinygrad.nn import Linear

    first, second, third = [Linear(*w.shape) for w, _ in layers]
    model: list[Any] = [first, Tensor.relu, second, Tensor.relu, third]
    rate = ADAM_RATE if adam else RATE
    return tinygrad_training_step(model, flat(layers), rate, x, t, adam=adam)


def mygrad(layers: Layers, x: np.ndarray, t: np.ndarray) -> Contestant:
    """MyGrad, with its neural-network functions."""
    import mygrad as mg
    from mygrad.nnet.activations import relu
    from mygrad.nnet.losses import softmax_crossentropy

    w1, b1, w2, b2, w3, b3 = ps = [mg.tensor(p) for p in flat(layers)]

    def step() -> Any:
        h1 = relu(mg.matmul(x, w1) + b1)
        h2 = relu(mg.matmul(h1, w2) + b2)
        loss = softmax_crossentropy(mg.matmul(h2, w3) + b3, t)
        loss.backward()
        for p in ps:
            p.data -= RATE * p.grad
        return loss

    return step


def hips_autograd(layers: Layers, x: np.ndarray, t: np.ndarray) -> Contestant:
    """HIPS autograd: the loss as a function of the parameters, in its NumPy."""
    import autograd.numpy as anp
    from autograd import value_and_grad

    ps, rows = list(flat(layers)), np.arange(len(t))

    def loss(ps: list[Any]) -> Any:
        w1, b1, w2, b2, w3, b3 = ps
        h1 = anp.maximum(anp.dot(x, w1) + b1, 0)
        h2 = anp.maximum(anp.dot(h1, w2) + b2, 0)
        z = anp.dot(h2, w3) + b3
        z = z - anp.max(z, axis=1, keepdims=True)
        return anp.mean(anp.log(anp.sum(anp.exp(z), axis=1)) - z[rows, t])

    differentiate = value_and_grad(loss)

    def step() -> Any:
        value, gradients = differentiate(ps)
        for p, g in zip(ps, gradients, strict=True):
            p -= np.asarray(RATE * g, p.dtype)  # some of its gradients are float64
        return value

    return step


def dezero(layers: Layers, x: np.ndarray, t: np.ndarray) -> Contestant:
    """DeZero, with its functions."""
    library, F = import_dezero()
    w1, b1, w2, b2, w3, b3 = ps = [library.Parameter(p) for p in flat(layers)]

    def step() -> Any:
        h1 = F.relu(F.linear(x, w1, b1))
        h2 = F.relu(F.linear(h1, w2, b2))
        loss = F.softmax_cross_entropy(F.linear(h2, w3, b3), t)
        for p in ps:
            p.cleargrad()
        loss.backward()
        for p in ps:
            p.data -= np.asarray(RATE * p.grad.data, p.data.dtype)  # some of them are float64
        return loss.data

    return step


def jax_jit(layers: Layers, x: np.ndarray, t: np.ndarray, *, adam: bool = False) -> Contestant:
    """JAX, the whole step compiled by jit, with the old weights given up to the new ones."""
    import jax

    def loss(ps: Any, x: Any, t: Any) -> Any:
        (w1, b1), (w2, b2), (w3, b3) = ps
        h1 = jax.nn.relu(x @ w1 + b1)
        h2 = jax.nn.relu(h1 @ w2 + b2)
        return jax_training.cross_entropy(h2 @ w3 + b3, t)

    optimizer = jax_training.adam(ADAM_RATE) if adam else jax_training.sgd(RATE)
    return jax_training.jax_training_step(loss, optimizer, layers, x, t)
