"""Arrays as data of a page: in full if small, else sampled and packed, with exact statistics.

A page of values is to stay small, so an array beyond a limit is sampled: every k-th index of each
axis, the same for every array of that shape, so that the terms of an equation fit each other.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from typing import Any

import numpy as np

IN_FULL = 48
"""An array of so many values is written in decimal, a larger one in binary."""
LIMIT, LOWEST = 4096, 64
"""How many values of an array a page holds at most, and what that is halved down to."""


def number(value: Any) -> Any:
    """A number with six digits, as JSON can say it: inf and nan are strings for JavaScript."""
    if isinstance(value, (bool, np.bool)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    value = float(value)
    if math.isfinite(value):
        return float(f"{value:.6g}")
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def statistics(array: Any) -> dict[str, Any]:
    """Exact statistics of all the values; of the finite ones, if some are not."""
    array = np.asarray(array)
    values = array.astype(np.float64).ravel()
    finite = values[np.isfinite(values)]
    found: dict[str, Any] = {"size": int(values.size)}
    if finite.size:
        with np.errstate(over="ignore"):
            found.update(
                min=number(finite.min()), max=number(finite.max()), mean=number(finite.mean()),
                std=number(finite.std()), norm=number(np.sqrt((finite**2).sum())),
            )  # fmt: skip
    found["zeros"] = int((values == 0).sum())
    if finite.size < values.size:
        found["nan"] = int(np.isnan(values).sum())
        found["inf"] = int(np.isinf(values).sum())
    return found


def histogram(array: Any, bins: int = 20) -> dict[str, Any] | None:
    """How the finite values are distributed: counts, and the ends of the bins; None without any."""
    values = np.asarray(array, dtype=np.float64).ravel()
    values = values[np.isfinite(values)]
    if not values.size:
        return None
    low, high = float(values.min()), float(values.max())
    if not math.isfinite(high - low):
        return None
    counts, _ = np.histogram(values, bins=1 if low == high else bins, range=(low, high))
    return {"counts": counts.tolist(), "low": number(low), "high": number(high)}


def constant(array: Any) -> Any:
    """The value that is everywhere in an array, as "1 everywhere"; None if there is none."""
    array = np.asarray(array)
    if array.size > 1 and bool((array == array.flat[0]).all()):
        return number(array.flat[0])
    return None


def sampled(shape: tuple[int, ...], limit: int = LIMIT) -> list[list[int]]:
    """The indices to show along each axis, so that they are at most `limit` values.

    The longest axes are thinned out first, evenly, and their ends stay. They depend on the shape
    alone.
    """
    sizes = list(shape)
    while math.prod(sizes) > limit:
        longest = max(range(len(sizes)), key=lambda axis: sizes[axis])
        sizes[longest] = (sizes[longest] + 1) // 2
    return [
        np.linspace(0, n - 1, k).round().astype(int).tolist()
        for n, k in zip(shape, sizes, strict=True)
    ]


def packed(array: Any, limit: int = LIMIT) -> dict[str, Any]:
    """An array for a page: `shape`, `dtype`, `statistics`, and its values.

    These are `constant`, a single one; or `values`, in decimal, nested as the array is; or `data`,
    base64 of float16 (little-endian) to be multiplied by `scale`. With `indices`, by axis, only
    those are there. In `data`, what is not finite stays so.
    """
    array = np.asarray(array)
    found: dict[str, Any] = {
        "shape": list(array.shape), "dtype": str(array.dtype), "statistics": statistics(array)
    }  # fmt: skip
    same = constant(array)
    if same is not None:
        return {**found, "constant": same}
    if array.size <= IN_FULL:
        return {**found, "values": _nested(array)}
    if array.size > limit:
        indices = sampled(array.shape, limit)
        array = array[np.ix_(*indices)]
        found["indices"] = indices
    values = array.astype(np.float64)
    finite = np.abs(values[np.isfinite(values)])
    scale = float(finite.max()) if finite.size and finite.max() > 0 else 1.0
    data = (values / scale).astype("<f2").tobytes()
    return {**found, "scale": scale, "data": base64.b64encode(data).decode()}


def unpacked(found: dict[str, Any]) -> np.ndarray:
    """The values of a packed array, as a page shows them: a sample, if it has `indices`."""
    shape = tuple(map(len, found["indices"])) if "indices" in found else tuple(found["shape"])
    if "constant" in found:
        return np.full(shape, float(found["constant"]))
    if "values" in found:
        return np.array(found["values"], dtype=object).astype(np.float64).reshape(shape)
    data = np.frombuffer(base64.b64decode(found["data"]), "<f2").astype(np.float64)
    values: np.ndarray = (data * found["scale"]).reshape(shape)
    return values


def within(budget: int, size: Callable[[int], int]) -> int:
    """The limit per array with which a page fits its budget: halved from `LIMIT` until it does.

    `size(limit)` is the page's size in bytes; what does not depend on the limit counts too.
    """
    limit = LIMIT
    while limit > LOWEST and size(limit) > budget:
        limit //= 2
    return limit


def _nested(array: np.ndarray) -> Any:
    if array.ndim:
        return [_nested(each) for each in array]
    return number(array[()])
