"""Arrays for a page: small ones number by number, large ones sampled, statistics always exact.

A page has a budget, since a person must be able to mail it. Samples are taken at indices that
depend on an axis' length alone, so that the arrays of one equation show the same rows and columns.
"""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np

FULL = 48
"""Elements; an array of so many is written number by number."""
SAMPLED = 4096
"""Elements that are kept of a larger array, at most."""
BINS = 24
SINGLE = 1e-20, 1e30
"""Between these, single precision holds the largest element of an array, and others beside it."""


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

    def encoded(self, budget: int) -> tuple[list[dict[str, Any]], str, int]:
        """All of them, and the numbers of large ones, in at most `budget` bytes if sampling can.

        The numbers are float32, one array after the other, deflated, in base64; an array's `at` is
        where its own begin. The third is how many elements of an array were kept: the limit is
        halved until all fits.
        """
        described = [describe(array) for array in self._arrays]
        limit = SAMPLED
        while limit > FULL and sum(_bytes(a.size, limit) for a in self._arrays) > budget:
            limit //= 2
        while True:
            found, numbers = self._sampled(described, limit)
            size = len(numbers) + sum(map(_described_bytes, found))
            if size <= budget or limit <= FULL:
                return found, numbers, limit
            limit //= 2

    def _sampled(
        self, described: list[dict[str, Any]], limit: int
    ) -> tuple[list[dict[str, Any]], str]:
        """The arrays with at most `limit` elements each, and the numbers of large ones."""
        chunks, at = [], 0
        found = []
        for described_as, array in zip(described, self._arrays, strict=True):
            entry, numbers = values(array, limit)
            found.append(described_as | entry)
            if numbers is not None:
                found[-1]["at"] = at
                at += numbers.size
                chunks.append(numbers.tobytes())
        return found, deflated(b"".join(chunks))


def deflated(content: bytes) -> str:
    """Bytes, compressed and in base64; the page's `inflate` undoes it."""
    return base64.b64encode(zlib.compress(content, 9)).decode()


def _bytes(size: int, limit: int) -> int:
    """What an array takes at the least, if its numbers can be halved by deflating them."""
    return 200 + (10 * size if size <= FULL else int(2.6 * min(size, limit)))


def _described_bytes(entry: dict[str, Any]) -> int:
    return (
        280
        + 10 * len(entry.get("values", ()))
        + 5 * sum(len(a or ()) for a in entry.get("axes", ()))
    )


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


def values(array: np.ndarray, limit: int = SAMPLED) -> tuple[dict[str, Any], np.ndarray | None]:
    """The elements: all of them, one for all if they are equal, or a sample.

    A sample is single-precision numbers, and for each axis the indices that were taken (None for
    all). They are divided by `scale`, which is 1 but where single precision could not hold them.
    """
    if array.size and (array == array.flat[0]).all():
        return {"constant": digits(array.flat[0])}, None
    if array.size <= FULL:
        return {"values": [digits(x) for x in array.ravel()]}, None
    taken = [sample(n, cap) for n, cap in zip(array.shape, caps(array.shape, limit), strict=True)]
    part = array[np.ix_(*taken)].astype(np.float64)
    size = np.abs(part[np.isfinite(part)]).max(initial=0.0) or 1.0
    scale = 1.0 if SINGLE[0] < size < SINGLE[1] else float(size)
    complete = zip(taken, array.shape, strict=True)
    axes = [None if len(t) == n else t.tolist() for t, n in complete]
    return {"scale": scale, "axes": axes}, (part / scale).astype("<f4")


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
