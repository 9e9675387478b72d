"""The training step of the multilayer perceptron in other libraries, as their users write it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .compat import import_dezero
from .harness import Contestant
from .layers import ADAM_RATE, RATE, Layers, flat


def pytorch(layers: Layers, x: np.ndarray, t: np.ndarray, *, adam: bool = False) -> Contestant:
    """PyTorch, eager, on the CPU."""
    import torch
    from torch import nn

    (w1, _), (w2, _), (w3, _) = layers
    model = nn.Sequential(
        nn.Linear(*w1.shape), nn.ReLU(), nn.Linear(*w2.shape), nn.ReLU(), nn.Linear(*w3.shape)
    )
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), flat(layers), strict=True):
            parameter.copy_(torch.from_numpy(value.T))
    optimizer: Any = torch.optim.SGD(model.parameters(), lr=RATE)
    if adam:
        optimizer = torch.optim.Adam(model.parameters(), lr=ADAM_RATE)
    inputs, targets = torch.from_numpy(x), torch.from_numpy(t)

    def step() -> Any:
        loss = nn.functional.cross_entropy(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


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
    import jax.numpy as jnp

    def loss(ps: Any) -> Any:
        h = x
        for i, (w, b) in enumerate(ps):
            h = h @ w + b
            h = jax.nn.relu(h) if i < len(ps) - 1 else h
        return -jax.nn.log_softmax(h)[jnp.arange(len(t)), t].mean()

    def descend(state: Any) -> Any:
        value, gradients = jax.value_and_grad(loss)(state)
        return value, jax.tree.map(lambda p, g: p - RATE * g, state, gradients)

    def adapt(state: Any) -> Any:
        ps, ms, vs, t = state
        value, gradients = jax.value_and_grad(loss)(ps)
        t = t + 1
        ms = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, ms, gradients)
        vs = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, vs, gradients)
        root, rate = jnp.sqrt(1 - 0.999**t), ADAM_RATE / (1 - 0.9**t)
        move = lambda p, m, v: p - rate * m / (jnp.sqrt(v) / root + 1e-8)
        return value, (jax.tree.map(move, ps, ms, vs), ms, vs, t)

    jitted = jax.jit(adapt if adam else descend, donate_argnums=0)
    state: Any = [tuple(jnp.asarray(p) for p in layer) for layer in layers]
    if adam:
        zeros = [jax.tree.map(jnp.zeros_like, state) for _ in range(2)]
        state = state, *zeros, jnp.zeros(())

    def step() -> Any:
        nonlocal state
        value, state = jitted(state)
        return jax.block_until_ready(value)

    return step
