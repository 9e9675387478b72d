"""One training step of a small residual network with batch normalization."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from . import jax_training
from .harness import Contestant, Table, available, compare, first_runs
from .training import load_torch, torch_training_step, training_step

CHANNELS, BLOCKS, BATCH = 16, 2, 32
RATE, MOMENTUM = 0.01, 0.9


def network() -> Any:
    """3 x 32 x 32 images: a convolution, residual blocks of two, the mean of space, one layer."""
    import nn

    nn.manual_seed(0)

    def unit(channels: int) -> list[Any]:
        kernel = nn.Conv2d(channels, CHANNELS, 3, padding=1, bias=False)
        return [kernel, nn.BatchNorm2d(CHANNELS)]

    def block() -> list[Any]:
        return [nn.Residual(*unit(CHANNELS), nn.ReLU(), *unit(CHANNELS)), nn.ReLU()]

    blocks = [layer for _ in range(BLOCKS) for layer in block()]
    return nn.Sequential(
        *unit(3), nn.ReLU(), *blocks, nn.GlobalAvgPool(), nn.Dense(CHANNELS, 10)
    )  # fmt: skip


def ours(x: np.ndarray, t: np.ndarray, *, compiled: bool) -> Contestant:
    """This project, each op by itself or the loss compiled into one."""
    import nn

    model = network()
    optimizer = nn.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM)
    return training_step(model, optimizer, x, t, compiled)


def pytorch(x: np.ndarray, t: np.ndarray, *, compiled: bool) -> Contestant:
    """PyTorch, from the same weights, eager or with the loss compiled."""
    import torch
    from torch import nn as tn

    class Block(tn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inside = tn.Sequential(*unit(CHANNELS), tn.ReLU(), *unit(CHANNELS))

        def forward(self, x: Any) -> Any:
            return tn.functional.relu(x + self.inside(x))

    def unit(channels: int) -> list[Any]:
        kernel = tn.Conv2d(channels, CHANNELS, 3, padding=1, bias=False)
        return [kernel, tn.BatchNorm2d(CHANNELS)]

    blocks = [Block() for _ in range(BLOCKS)]
    head = [tn.AdaptiveAvgPool2d(1), tn.Flatten(), tn.Linear(CHANNELS, 10)]
    model = tn.Sequential(*unit(3), tn.ReLU(), *blocks, *head)
    load_torch(model, (own.data for own in network().parameters()))
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM)
    return torch_training_step(model, optimizer, x, t, compiled)


def jax_jit(x: np.ndarray, t: np.ndarray) -> Contestant:
    """JAX, from the same weights, the whole step compiled by jit, with the channels last."""
    import jax
    from jax import numpy as jnp

    *inside, weight, bias = [own.data for own in network().parameters()]
    units = [
        (kernel.transpose(2, 3, 1, 0), scale, shift)
        for kernel, scale, shift in zip(*(inside[i::3] for i in range(3)), strict=True)
    ]
    count = x[:, 0].size

    def unit(h: Any, ps: Any, running: Any) -> tuple[Any, Any]:
        """A convolution and batch normalization, and the new running mean and variance."""
        kernel, scale, shift = ps
        h = jax_training.convolution(h, kernel)
        mean, var = h.mean((0, 1, 2)), h.var((0, 1, 2))
        h = (h - mean) * (scale * jax.lax.rsqrt(var + 1e-5)) + shift
        now = mean, var * (count / (count - 1))
        return h, tuple(0.9 * old + 0.1 * new for old, new in zip(running, now, strict=True))

    def loss(ps: Any, running: Any, x: Any, t: Any) -> tuple[Any, Any]:
        units, weight, bias = ps
        applied = zip(units, running, strict=True)
        h, first = unit(x, *next(applied))
        h, now = jax.nn.relu(h), [first]
        for ps, old in applied:
            inner, new = unit(h, ps, old)
            outer, last = unit(jax.nn.relu(inner), *next(applied))
            h, now = jax.nn.relu(h + outer), [*now, new, last]
        return jax_training.cross_entropy(h.mean((1, 2)) @ weight + bias, t), now

    sgd = jax_training.sgd(RATE, MOMENTUM)
    differentiate = jax.value_and_grad(loss, has_aux=True)

    def update(state: Any, x: Any, t: Any) -> tuple[Any, Any]:
        ps, velocity, running = state
        (value, running), gradients = differentiate(ps, running, x, t)
        return value, (*sgd.move(ps, gradients, velocity), running)

    ps = units, weight, bias
    running = [(jnp.zeros(CHANNELS), jnp.ones(CHANNELS)) for _ in units]
    state = ps, sgd.start(ps), running
    return jax_training.jitted_step(update, state, x.transpose(0, 2, 3, 1), t)


def tables(rounds: int) -> Iterator[Table]:
    """The step on one batch of images of CIFAR's size."""
    random = np.random.default_rng(1)
    x = random.random((BATCH, 3, 32, 32), np.float32)
    t = random.integers(0, 10, BATCH)
    makers: dict[str, Callable[[], Contestant]] = {
        "PyTorch": partial(pytorch, x, t, compiled=False),
        "torch.compile": partial(pytorch, x, t, compiled=True),
        "tinygrad-edu, nn": partial(ours, x, t, compiled=False),
        "tinygrad-edu, nn, compiled": partial(ours, x, t, compiled=True),
        "JAX jit": partial(jax_jit, x, t),
    }
    notes = first_runs(makers)
    contestants, missing = available(makers)
    losses = {name: [float(step()) for _ in range(4)] for name, step in contestants.items()}
    expected = next(iter(losses.values()))
    for name, found in losses.items():
        np.testing.assert_allclose(found, expected, rtol=1e-3, err_msg=name)
    title = (
        f"Residual network of {1 + 2 * BLOCKS} convolutions of {CHANNELS} channels with batch "
        f"normalization, 32 x 32, batch {BATCH}, float32, one step of SGD with momentum"
    )
    yield Table(title, compare(contestants, rounds=rounds), notes + missing)
