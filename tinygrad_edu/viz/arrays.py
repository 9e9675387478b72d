"""Arrays for a page: small ones number by number, large ones sampled, statistics always exact.

A page has a budget, since a person must be able to mail it. Samples are taken at indices that
depend on an axis' length alone, so that the arrays of one equation show the same rows and columns.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

FULL = 48
"""Elements; an array of so many is written number by number."""
SAMPLED = 4096
"""Elements that are kept of a larger array, at most."""
BINS = 24


class Arrays:
    """The arrays of a page, each held once, to be encoded together within a budget."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}
        self._arrays: list[np.ndarray] = []

    def number(self, array: Any) -> int | None:
        """The number by which the page finds this array; equal arrays have the same."""
        if array is None:
            return None
        array = np.asarray(array)
        key = array.shape, array.dtype, hash(array.tobytes())
        if key not in self._numbers:
            self._numbers[key] = len(self._arrays)
            self._arrays.append(array)
        return self._numbers[key]

    def encoded(self, budget: int) -> tuple[list[dict[str, Any]], int]:
        """All of them in at most `budget` bytes, as far as sampling can reach it, and the limit.

        The limit is how many elements of an array were kept: it is halved until all fits.
        """
        described = [describe(array) for array in self._arrays]
        limit = SAMPLED
        while limit > FULL and sum(_bytes(a.size, limit) for a in self._arrays) > budget:
            limit //= 2
        pairs = zip(described, self._arrays, strict=True)
        return [d | values(a, limit) for d, a in pairs], limit


def _bytes(size: int, limit: int) -> int:
    return 300 + (10 * size if size <= FULL else 3 * min(size, limit))


def describe(array: np.ndarray) -> dict[str, Any]:
    """Shape, dtype and exact statistics; of many elements also a histogram."""
    found: dict[str, Any] = {"shape": list(array.shape), "dtype": str(array.dtype)}
    wide = array.astype(np.float64, copy=False)
    finite = wide[np.isfinite(wide)] if wide.size else wide
    found["nan"] = int(np.isnan(wide).sum())
    found["inf"] = int(np.isinf(wide).sum())
    if not finite.size:
        return found
    with np.errstate(all="ignore"):
        low, high = float(finite.min()), float(finite.max())
        largest = max(abs(low), abs(high))
        scaled = finite / largest if largest > 0 else finite  # squares of large numbers overflow
        found |= {
            "min": digits(low),
            "max": digits(high),
            "mean": digits(float(scaled.mean()) * (largest or 1.0)),
            "std": digits(float(scaled.std()) * (largest or 1.0)),
            "norm": digits(float(np.sqrt(np.vdot(scaled, scaled))) * (largest or 1.0)),
            "zeros": int(finite.size - np.count_nonzero(finite)),
        }
    if array.size > FULL and low < high and np.isfinite(high - low):
        found["bins"] = np.histogram(finite, BINS, (low, high))[0].tolist()
    return found


def values(array: np.ndarray, limit: int = SAMPLED) -> dict[str, Any]:
    """The elements: all of them, one for all if they are equal, or a sample.

    A sample is half-precision numbers, divided by the largest, in base64, and for each axis the
    indices that were taken (None for all).
    """
    if array.size and (array == array.flat[0]).all():
        return {"constant": digits(array.flat[0])}
    if array.size <= FULL:
        return {"values": [digits(x) for x in array.ravel()]}
    taken = [sample(n, cap) for n, cap in zip(array.shape, caps(array.shape, limit), strict=True)]
    part = array[np.ix_(*taken)].astype(np.float64)
    size = np.abs(part[np.isfinite(part)]).max(initial=0.0) or 1.0
    packed = base64.b64encode((part / size).astype("<f2").tobytes()).decode()
    complete = zip(taken, array.shape, strict=True)
    axes = [None if len(t) == n else t.tolist() for t, n in complete]
    return {"scale": digits(size), "half": packed, "axes": axes}


def caps(shape: tuple[int, ...], limit: int) -> list[int]:
    """How many indices to take of each axis: the last two share the limit, others what is left."""
    side = int(limit**0.5)
    found: list[int] = []
    left = limit
    for position, n in enumerate(reversed(shape)):
        alone = position == 0 and all(m == 1 for m in shape[:-1])
        cap = max(1, min(n, left if alone else min(side, left)))
        found.append(cap)
        left //= cap
    return found[::-1]


def sample(n: int, cap: int) -> np.ndarray:
    """`cap` of the indices below n, evenly spread, with the first and the last."""
    return np.arange(n) if n <= cap else np.linspace(0, n - 1, cap).round().astype(np.intp)


def digits(x: Any, places: int = 6) -> Any:
    """A number of six significant digits; JSON has no other than finite ones, so they are text."""
    if isinstance(x, (bool, np.bool_, int, np.integer)):
        return int(x)
    x = float(x)
    if x != x:
        return "NaN"
    if x in (float("inf"), -float("inf")):
        return "Infinity" if x > 0 else "-Infinity"
    return float(f"{x:.{places}g}")
