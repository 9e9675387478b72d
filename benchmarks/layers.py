"""The initial weights of the multilayer perceptron, the same for all contestants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

Layers = list[tuple[np.ndarray, np.ndarray]]
Arrays = Sequence[np.ndarray]
RATE, ADAM_RATE = 0.01, 1e-3


def layer(random: np.random.Generator, n: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    """A weight of shape (n, m), scaled for relu, and a bias."""
    weight = random.standard_normal((n, m), np.float32) * np.float32((2 / n) ** 0.5)
    return weight, np.zeros(m, np.float32)


def copy(layers: Layers) -> Layers:
    """Layers that can be trained without changing the originals."""
    return [(weight.copy(), bias.copy()) for weight, bias in layers]


def flat(layers: Layers) -> Iterator[np.ndarray]:
    """Weight, bias, weight, bias ..."""
    return (array for layer in layers for array in layer)
