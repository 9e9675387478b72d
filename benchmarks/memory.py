"""The most memory that training steps have in use at a time, what is kept between them included.

It is what Python's `tracemalloc` counts: arrays, and all other objects that were made since the
contestant began, a compiled program among them. The 10,000 steps of the last table show whether
anything grows.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise

import numpy as np

from . import convnet, mlp
from .harness import Contestant, Row, Table
from .layers import copy, layer
from .training import training_step

Maker = Callable[[], Contestant]
STEPS = 10_000


def tables(rounds: int) -> Iterator[Table]:
    """Peaks of three networks by hand, eager and compiled, and the growth of one."""
    for title, makers in (
        ("MLP 784-128-64-10, batch 64, SGD", _mlp((784, 128, 64, 10), 64)),
        ("MLP 784-1024-1024-10, batch 256, SGD", _mlp((784, 1024, 1024, 10), 256)),
        ("Convnet 1-16-32, 28 x 28, batch 64, SGD", _convnet()),
        ("Two transformer blocks, 64 features, 16 x 64 tokens, Adam", _transformer()),
    ):
        peaks = {name: _peak(make) for name, make in makers.items()}
        eager = peaks["tinygrad-edu"]
        rows = [Row(name, peak, [peak / eager]) for name, peak in peaks.items()]
        yield Table(f"Peak memory: {title}", rows, unit="memory", measured="peak", order=0)
    yield _growth(_mlp((784, 128, 64, 10), 64)["tinygrad-edu, compiled"])


def _peak(make: Maker) -> float:
    """The peak, in bytes, of a new contestant's steps, after another has filled all caches."""
    _run(make(), 3)
    gc.collect()
    tracemalloc.start()
    try:
        step = make()
        _run(step, 3)
        gc.collect()
        tracemalloc.reset_peak()
        _run(step, 5)
        return float(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


def _growth(make: Maker) -> Table:
    """What is in use after the first steps, and after many more."""
    tracemalloc.start()
    try:
        step = make()
        in_use = []
        for steps in (STEPS // 100, STEPS):
            _run(step, steps)
            gc.collect()
            in_use.append(float(tracemalloc.get_traced_memory()[0]))
    finally:
        tracemalloc.stop()
    names = f"after {STEPS // 100} steps", f"after {STEPS:,} more"
    rows = [Row(name, size, [size / in_use[0]]) for name, size in zip(names, in_use, strict=True)]
    title = "Memory in use between steps of the small MLP, compiled"
    return Table(title, rows, unit="memory", measured="in use", plotted=False, order=0)


def _run(step: Contestant, times: int) -> None:
    for _ in range(times):
        step()


# -------------------------------------------------------------------- the networks


def _mlp(sizes: tuple[int, ...], batch: int) -> dict[str, Maker]:
    random = np.random.default_rng(0)
    layers = [layer(random, *pair) for pair in pairwise(sizes)]
    x = random.random((batch, sizes[0]), np.float32)
    t = random.integers(0, sizes[-1], batch)
    return {
        "hand-written NumPy": lambda: mlp.hand_written(copy(layers), x, t),
        "tinygrad-edu": lambda: mlp.ours_nn(copy(layers), x, t),
        "tinygrad-edu, compiled": lambda: mlp.ours_nn(copy(layers), x, t, compiled=True),
    }


def _convnet() -> dict[str, Maker]:
    random = np.random.default_rng(1)
    x = random.random((convnet.BATCH, 1, 28, 28), np.float32)
    t = random.integers(0, 10, convnet.BATCH)
    weights = convnet.initial_weights
    return {
        "hand-written NumPy": lambda: convnet.hand_written(weights(), x, t),
        "tinygrad-edu": lambda: convnet.ours(weights(), x, t),
        "tinygrad-edu, compiled": lambda: convnet.ours(weights(), x, t, compiled=True),
    }


def _transformer() -> dict[str, Maker]:
    return {
        "tinygrad-edu": partial(_transformer_step, compiled=False),
        "tinygrad-edu, compiled": partial(_transformer_step, compiled=True),
    }


def _transformer_step(*, compiled: bool) -> Contestant:
    import nn

    nn.manual_seed(0)
    random = np.random.default_rng(0)
    x, t = (random.integers(0, 50, (16, 64)) for _ in range(2))
    blocks = [nn.TransformerBlock(64, 4) for _ in range(2)]
    model = nn.Sequential(nn.Embedding(50, 64), *blocks, nn.Dense(64, 50))
    optimizer = nn.Adam(model.parameters())
    return training_step(model, optimizer, x, t, compiled)
