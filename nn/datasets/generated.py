"""Data made on the spot, of which the truth is known.

Each takes the number of samples and a `seed`, without which it draws from the generator that
`nn.manual_seed` sets.  Points are float32 (n, 2) and classes int64 (n,), in random order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data import Dataset
from ..init import generator

__all__ = ["blobs", "circles", "housing", "moons", "sine", "spirals"]


def _points(parts: list[np.ndarray], noise: float, rng: np.random.Generator) -> Dataset:
    """A part of the plane for each class, with normal noise, shuffled."""
    points = np.concatenate(parts) + rng.normal(0, noise, (sum(map(len, parts)), 2))
    labels = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    order = rng.permutation(len(labels))
    return Dataset(points[order].astype(np.float32), labels[order])


def _shares(n: int, classes: int) -> list[int]:
    if n < classes:
        raise ValueError(f"{n} samples cannot show {classes} classes; ask for more")
    return [n // classes + (i < n % classes) for i in range(classes)]


def _polar(radius: Any, angle: Any) -> np.ndarray:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def circles(
    n: int = 1000, noise: float = 0.1, factor: float = 0.5, seed: int | None = None
) -> Dataset:
    """Two circles around 0: class 0 of radius 1, class 1 of radius `factor`.

    >>> circles(6, seed=0)
    Dataset(float32[6, 2], int64[6])
    """
    rng = generator(seed)
    outer, inner = (rng.uniform(0, 2 * np.pi, k) for k in _shares(n, 2))
    return _points([_polar(1.0, outer), _polar(factor, inner)], noise, rng)


def moons(n: int = 1000, noise: float = 0.1, seed: int | None = None) -> Dataset:
    """Two half circles that reach into each other."""
    rng = generator(seed)
    upper, lower = (rng.uniform(0, np.pi, k) for k in _shares(n, 2))
    return _points([_polar(1.0, upper), [1.0, 0.5] - _polar(1.0, lower)], noise, rng)


def spirals(
    n: int = 1000, classes: int = 2, turns: float = 1.5, noise: float = 0.02,
    seed: int | None = None,
) -> Dataset:  # fmt: skip
    """Arms that wind out of 0, one for each class."""
    rng = generator(seed)
    parts = []
    for i, k in enumerate(_shares(n, classes)):
        radius = np.sqrt(rng.uniform(0, 1, k))
        parts.append(_polar(radius, 2 * np.pi * (turns * radius + i / classes)))
    return _points(parts, noise, rng)


def blobs(n: int = 1000, classes: int = 3, noise: float = 1.0, seed: int | None = None) -> Dataset:
    """Normal clouds around centers drawn from [-10, 10]²."""
    rng = generator(seed)
    centers = rng.uniform(-10, 10, (classes, 2))
    shares = _shares(n, classes)
    return _points([np.tile(c, (k, 1)) for c, k in zip(centers, shares, strict=True)], noise, rng)


def sine(n: int = 200, noise: float = 0.1, seed: int | None = None) -> Dataset:
    """y = sin x with normal noise; x (n, 1) from [-π, π], y (n, 1)."""
    rng = generator(seed)
    x = rng.uniform(-np.pi, np.pi, (n, 1))
    y = np.sin(x) + rng.normal(0, noise, x.shape)
    return Dataset(x.astype(np.float32), y.astype(np.float32))


HOUSING = {  # feature: (lowest, highest, thousands of euros for each unit)
    "area_m2": (30.0, 220.0, 3.2),
    "rooms": (1.0, 7.0, 8.0),
    "age_years": (0.0, 90.0, -0.9),
    "distance_km": (0.0, 30.0, -4.5),
}
BASE_PRICE = 120.0


def housing(n: int = 500, noise: float = 15.0, seed: int | None = None) -> Dataset:
    """Houses and their prices, linear in four features up to normal noise.

    x: float32 (n, 4), area in m² and with it the number of rooms, age in years, distance to the
    center in km; y: float32 (n, 1), the price in thousands of euros.  No model can have a mean
    squared error below `noise`² on new houses; `about` has the names and the true weights.

    >>> housing(3, seed=0).about["feature_names"]
    ['area_m2', 'rooms', 'age_years', 'distance_km']
    """
    rng = generator(seed)
    low, high, weights = np.array(list(HOUSING.values())).T
    x = rng.uniform(low, high, (n, len(HOUSING)))
    x[:, 1] = np.clip(np.round(x[:, 0] / 30 + rng.normal(0, 0.7, n)), low[1], high[1])
    x[:, 2] = np.round(x[:, 2])
    y = BASE_PRICE + x @ weights + rng.normal(0, noise, n)
    about = {"weights": weights, "base_price": BASE_PRICE, "noise": noise}
    x, y = x.astype(np.float32), y[:, None].astype(np.float32)
    return Dataset(x, y, feature_names=list(HOUSING), **about)
