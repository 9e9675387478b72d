"""Initial values of parameters, drawn from one generator that `manual_seed` sets.

An initialiser is a function of a shape and a generator; layers take one, or its name.  `fan_in`
and `fan_out` are the numbers of inputs and outputs of a unit, the first and second axis of a
Dense weight.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Initialiser = Callable[[tuple[int, ...], np.random.Generator], Any]

_generator = np.random.default_rng()


def manual_seed(seed: int) -> np.random.Generator:
    """Make initial values, shuffling and dropout repeat from here on.

    >>> import nn
    >>> _ = nn.manual_seed(0); a = nn.Dense(2, 2).weight
    >>> _ = nn.manual_seed(0); b = nn.Dense(2, 2).weight
    >>> bool((a == b).all())
    True
    """
    global _generator
    _generator = np.random.default_rng(seed)
    return _generator


def generator() -> np.random.Generator:
    """The generator in use."""
    return _generator


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight of shape (in, out)."""
    return (shape[0], shape[1]) if len(shape) > 1 else (math.prod(shape), math.prod(shape))


def zeros(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """All zero: right for biases; a layer of such weights never learns."""
    return np.zeros(shape)


def ones(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """All one."""
    return np.ones(shape)


def normal(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """N(0, 0.01²)."""
    return rng.normal(0.0, 0.01, shape)


def uniform(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """U(-1/√fan_in, 1/√fan_in)."""
    bound = 1 / math.sqrt(fans(shape)[0])
    return rng.uniform(-bound, bound, shape)


def xavier_normal(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """N(0, 2 / (fan_in + fan_out)), for tanh and sigmoid (Glorot and Bengio, 2010)."""
    return rng.normal(0.0, math.sqrt(2 / sum(fans(shape))), shape)


def xavier_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """U(-a, a), a = √(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""
    bound = math.sqrt(6 / sum(fans(shape)))
    return rng.uniform(-bound, bound, shape)


def he_normal(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """N(0, 2 / fan_in), for ReLU (He et al., 2015)."""
    return rng.normal(0.0, math.sqrt(2 / fans(shape)[0]), shape)


def he_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """U(-a, a), a = √(6 / fan_in), for ReLU (He et al., 2015)."""
    bound = math.sqrt(6 / fans(shape)[0])
    return rng.uniform(-bound, bound, shape)


NAMES: dict[str, Initialiser] = {
    "zeros": zeros,
    "ones": ones,
    "normal": normal,
    "uniform": uniform,
    "xavier": xavier_normal,
    "xavier_normal": xavier_normal,
    "xavier_uniform": xavier_uniform,
    "glorot": xavier_normal,
    "glorot_normal": xavier_normal,
    "glorot_uniform": xavier_uniform,
    "he": he_normal,
    "he_normal": he_normal,
    "he_uniform": he_uniform,
    "kaiming": he_normal,
    "kaiming_normal": he_normal,
    "kaiming_uniform": he_uniform,
}


def initial(init: str | Initialiser, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Values by an initialiser or its name, in a dtype.  Raises ValueError for an unknown name."""
    if isinstance(init, str):
        if init not in NAMES:
            raise ValueError(f"unknown initialiser {init!r}; there are {', '.join(NAMES)}")
        init = NAMES[init]
    values = np.asarray(init(shape, _generator), dtype)
    if values.shape != shape:
        raise ValueError(f"the initialiser answered shape {values.shape} for shape {shape}")
    return values
