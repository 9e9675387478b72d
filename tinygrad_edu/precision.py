"""Half precision: float16 counts to 2048 and ends at 65504, so it is summed and squared in float32.

The result is rounded once, at the end: by `rounded` in a forward, and by the sweep in a derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_HALF = np.dtype(np.float16)
_SINGLE = np.dtype(np.float32)
_LARGEST = {np.dtype(kind): float(np.finfo(kind).max) for kind in ("f2", "f4", "f8")}


def accumulator(dtype: np.dtype[Any]) -> np.dtype[Any] | None:
    """The dtype to sum elements of this one in: float32 for float16, else NumPy's own choice."""
    return _SINGLE if dtype is _HALF else None


def at_least_single(x: Any) -> Any:
    """float16 as float32; everything else as it is."""
    return x.astype(_SINGLE) if getattr(x, "dtype", None) is _HALF else x


def rounded(y: Any, x: Any) -> Any:
    """`y`, computed from `at_least_single(x)`, as float16 if x is."""
    return y.astype(_HALF) if getattr(x, "dtype", None) is _HALF else y


def in_single(reduction: Callable[..., Any], a: Any, axis: Any, dtype: Any, **options: Any) -> Any:
    """A reduction of NumPy's, of float16 in float32, unless another dtype is asked for."""
    if dtype is None and getattr(a, "dtype", None) is _HALF:
        return rounded(reduction(a, axis, _SINGLE, **options), a)
    return reduction(a, axis, dtype, **options)


def divided(g: Any, counts: Any) -> Any:
    """`g` divided by integers, which may be more than float16 has numbers for."""
    wide = at_least_single(g)
    return wide / (counts if isinstance(counts, int) else counts.astype(wide.dtype))


def sum_of_squares(x: Any) -> float:
    """Of an array, in one pass, however its axes lie in memory; ∞ or NaN unless all is finite."""
    flat = x.ravel(order="K")
    return float(np.vdot(flat, flat))


def is_moderate(x: Any) -> bool:
    """Whether x is an array of sizes below 1e12, whose squares and cubes are finite, quickly."""
    return type(x) is np.ndarray and sum_of_squares(x) < 1e24


def finite(x: Any) -> Any:
    """The largest number in place of ∞, so that its product with 0 is 0, and ∞ / ∞ is 1."""
    if is_moderate(x) or getattr(x, "dtype", None) not in _LARGEST:
        return x
    return x.clip(-_LARGEST[x.dtype], _LARGEST[x.dtype])
