"""One training step of a small residual network with batch normalization."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .harness import Contestant, Table, available, compare
from .training import training_step

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


def pytorch(x: np.ndarray, t: np.ndarray) -> Contestant:
    """PyTorch, eager, from the same weights."""
    import torch
    from torch import nn as tn
    from torch.nn import functional as F

    class Block(tn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inside = tn.Sequential(*unit(CHANNELS), tn.ReLU(), *unit(CHANNELS))

        def forward(self, x: Any) -> Any:
            return F.relu(x + self.inside(x))

    def unit(channels: int) -> list[Any]:
        kernel = tn.Conv2d(channels, CHANNELS, 3, padding=1, bias=False)
        return [kernel, tn.BatchNorm2d(CHANNELS)]

    blocks = [Block() for _ in range(BLOCKS)]
    head = [tn.AdaptiveAvgPool2d(1), tn.Flatten(), tn.Linear(CHANNELS, 10)]
    model = tn.Sequential(*unit(3), tn.ReLU(), *blocks, *head)
    with torch.no_grad():
        for parameter, own in zip(model.parameters(), network().parameters(), strict=True):
            value = own.data.T if own.ndim == 2 else own.data  # a Dense weight is (in, out)
            parameter.copy_(torch.tensor(np.ascontiguousarray(value)))
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM)
    inputs, targets = torch.tensor(x), torch.tensor(t)

    def step() -> Any:
        loss = F.cross_entropy(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def tables(rounds: int) -> Iterator[Table]:
    """The step on one batch of images of CIFAR's size."""
    random = np.random.default_rng(1)
    x = random.random((BATCH, 3, 32, 32), np.float32)
    t = random.integers(0, 10, BATCH)
    makers: dict[str, Callable[[], Contestant]] = {
        "PyTorch": lambda: pytorch(x, t),
        "tinygrad-edu, nn": lambda: ours(x, t, compiled=False),
        "tinygrad-edu, nn, compiled": lambda: ours(x, t, compiled=True),
    }
    contestants, notes = available(makers)
    losses = {name: [float(step()) for _ in range(4)] for name, step in contestants.items()}
    expected = next(iter(losses.values()))
    for name, found in losses.items():
        np.testing.assert_allclose(found, expected, rtol=1e-3, err_msg=name)
    title = (
        f"Residual network of {1 + 2 * BLOCKS} convolutions of {CHANNELS} channels with batch "
        f"normalization, 32 x 32, batch {BATCH}, float32, one step of SGD with momentum"
    )
    yield Table(title, compare(contestants, rounds=rounds), notes)
