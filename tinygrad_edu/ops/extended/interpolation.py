"""Piecewise linear interpolation, and numbers between two ends."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ...declare import as_operand, composed
from ..index import take
from ..joining import concatenate
from ..shape import astype, moveaxis

__all__ = ["geomspace", "interp", "logspace"]


# -------------------------------------------------------------------- between points


@composed(np.interp, method=False)
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """Values at `x` on the line through the points (xp, fp), in float64 as in NumPy.
    y = fₖ + (fₖ₊₁ - fₖ) (x - xₖ) / (xₖ₊₁ - xₖ),  xₖ ≤ x < xₖ₊₁

    At a point itself the derivative is that of the piece to its right, and outside of all points
    that of the constants `left` and `right`, or of the first and last value.
    """
    x, xp, fp = (_float64(each) for each in (x, xp, fp))
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.size:
        raise ValueError(
            f"interp: xp and fp must be vectors of the same length, 1 or more, and have shapes "
            f"{xp.shape} and {fp.shape}"
        )
    if period is not None:
        x, xp, fp = _periodic(x, xp, fp, period)
        left = right = None
    last = len(xp) - 1
    k = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, max(last - 1, 0))
    y: Any = take(fp, k)
    if last:
        start, rise = take(xp, k), take(fp, k + 1) - y
        with np.errstate(divide="ignore", invalid="ignore"):  # outside, of points that are equal
            y = y + rise * ((x - start) / (take(xp, k + 1) - start))
    y = np.where(x > xp[-1], fp[-1] if right is None else right, y)
    return np.where(x < xp[0], fp[0] if left is None else left, y)


def _float64(x: Any) -> Any:
    x = as_operand(x)
    if x.dtype.kind not in "fiub":
        raise TypeError(f"only real numbers are interpolated here, not dtype {x.dtype}")
    return x if x.dtype == np.float64 else x.astype(np.float64)


def _periodic(x: Any, xp: Any, fp: Any, period: Any) -> tuple[Any, Any, Any]:
    """All within one period, and the points in ascending order, one more at each end."""
    if period == 0:
        raise ValueError("interp: the period must be a number other than 0")
    period = abs(period)
    x, xp = x % period, xp % period
    order = np.argsort(xp)
    xp, fp = take(xp, order), take(fp, order)
    xp = concatenate([xp[-1:] - period, xp, xp[:1] + period])
    return x, xp, concatenate([fp[-1:], fp, fp[:1]])


# -------------------------------------------------------------------- between two ends


@composed(np.linspace, method=False)
def _linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    """Numbers at equal distances between ends that may be Tensors.
    yₖ = a + k (b - a) / n"""
    start, delta, k, last = _ends("linspace", start, stop, num, endpoint)
    step = delta / last if last else np.nan
    y = start + k * (step if last else delta)
    if endpoint and last:
        y = np.where(k == last, stop, y)
    if dtype is not None and np.dtype(dtype).kind in "iu":
        y = np.floor(y)
    y = _laid_out(y, dtype, axis)
    return (y, step) if retstep else y


@composed(np.logspace, method=False)
def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Powers of a base, whose exponents are at equal distances.
    yₖ = base ^ (a + k (b - a) / n)"""
    if np.ndim(base):
        start, stop, base = np.broadcast_arrays(start, stop, base)
    return _laid_out(base ** _linspace(start, stop, num, endpoint), dtype, axis)


@composed(np.geomspace, method=False)
def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    """Numbers in equal ratios between two ends, neither of which may be 0, in float64 as in NumPy.
    yₖ = a (b / a)^(k / n)"""
    start, stop = _float64(start), _float64(stop)
    start, _, k, last = _ends("geomspace", start, stop, num, endpoint)
    if np.any(start == 0) or np.any(np.equal(stop, 0)):
        raise ValueError("geomspace: a geometric sequence cannot include zero")
    y = start * (stop / start) ** (k / max(last, 1))
    if endpoint and last:
        y = np.where(k == last, stop, y)
    return _laid_out(y, dtype, axis)


def _ends(name: str, start: Any, stop: Any, num: Any, endpoint: bool) -> tuple[Any, Any, Any, int]:
    """The start and the way to the stop as floating point, and 0, 1, 2 ... along a first axis."""
    num = operator.index(num)
    if num < 0:
        raise ValueError(f"{name}: num must be 0 or more, not {num}")
    start, stop = (x if isinstance(x, (int, float)) else as_operand(x) for x in (start, stop))
    delta = stop * 1.0 - start
    k = np.arange(num, dtype=getattr(delta, "dtype", np.float64))
    return start, delta, k.reshape((-1,) + (1,) * np.ndim(delta)), num - 1 if endpoint else num


def _laid_out(y: Any, dtype: Any, axis: int) -> Any:
    """The numbers along another axis, in another dtype."""
    y = moveaxis(y, 0, axis) if axis else y
    return y if dtype is None else astype(y, dtype)
