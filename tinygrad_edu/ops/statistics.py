"""Statistics: variance, order statistics and what NumPy composes of reductions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..array_interface import data_of
from ..declare import Array, as_operand, composed, op
from ..precision import accumulator, at_least_single, in_single, rounded
from ..tensor import Tensor
from .reduce import Axis, count, max, mean, min, rows, spread, sum

__all__ = ["average", "median", "nanmean", "nansum", "percentile", "ptp", "quantile", "std", "var"]


def centered(a: Any, axis: Axis) -> Any:
    a = at_least_single(a)
    return a - a.mean(axis=axis, keepdims=True)


def _var_vjp(g: Any, a: Any, like: Any, axis: Axis, ddof: float) -> Any:
    g = at_least_single(spread(g, like, axis))
    return g * (2 / (count(like, axis) - ddof or math.nan)) * centered(a, axis)


@op(np.var, _var_vjp, along="axis")
def var(
    a: Array, axis: Axis = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False
) -> Array:
    """Variance.
    y = Σ (xᵢ - x̄)² / (n - ddof),  ∂L/∂xᵢ = 2 g (xᵢ - x̄) / (n - ddof)"""
    return in_single(np.var, a, axis, dtype, ddof=ddof, keepdims=keepdims)


def _std_vjp(g: Any, a: Any, out: Any, like: Any, axis: Axis, ddof: float) -> Any:
    a, n = at_least_single(a), count(like, axis)
    mean, deviation = a.mean(axis=axis, keepdims=True), at_least_single(spread(out, like, axis))
    noise = n * np.finfo(a.dtype).eps * np.absolute(mean)
    if (deviation <= noise).any():
        flat = _equal(a, axis) | (deviation == 0)
        deviation = np.where(flat, math.inf, deviation)
    return spread(g, like, axis) / (deviation * (n - ddof)) * (a - mean)


def _equal(a: Any, axis: Axis) -> Any:
    """Where all elements along the axis are equal, whatever rounding makes of their deviation."""
    data = data_of(a)
    axis = tuple(range(a.ndim)) if axis is None else axis
    largest = np.maximum.reduce(data, axis, keepdims=True, initial=-math.inf)
    return largest == np.minimum.reduce(data, axis, keepdims=True, initial=math.inf)


@op(np.std, _std_vjp, along="axis")
def std(
    a: Array, axis: Axis = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False
) -> Array:
    """Standard deviation.
    y = √(Σ (xᵢ - x̄)² / m),  m = n - ddof,
    ∂L/∂xᵢ = g (xᵢ - x̄) / (m y),  0 where all are equal"""
    return in_single(np.std, a, axis, dtype, ddof=ddof, keepdims=keepdims)


@composed(np.ptp, method=False)
def ptp(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """From peak to peak: the largest element less the smallest."""
    return max(a, axis, keepdims) - min(a, axis, keepdims)


@composed(np.average, method=False)
def average(a: Any, axis: Axis = None, weights: Any = None, *, keepdims: bool = False) -> Any:
    """Weighted mean.
    y = Σ w x / Σ w, where weights of one dimension stand along the axis."""
    if weights is None:
        return mean(a, axis, None, keepdims)
    w = weights if isinstance(weights, Tensor) else np.asarray(weights)
    shape = np.shape(a)
    if w.shape != shape:
        if axis is None:
            raise TypeError(f"average: weights of shape {w.shape} for {shape} need an axis")
        axes = normalize_axis_tuple(axis, len(shape))
        if w.shape != tuple(shape[i] for i in axes):
            raise ValueError(
                f"average: weights must have the shape of a, {shape}, or of its axis {axis}, not "
                f"{w.shape}"
            )
        order = tuple(int(i) for i in np.argsort(axes))
        w = w.transpose(order).reshape([n if i in axes else 1 for i, n in enumerate(shape)])
        w = np.broadcast_to(w, shape)
    total = sum(w, axis, accumulator(w.dtype), keepdims)
    if np.any(total == 0):
        raise ZeroDivisionError("average: the weights sum to zero")
    weighted = a * w
    return rounded(sum(weighted, axis, accumulator(weighted.dtype), keepdims) / total, weighted)


@composed(np.nansum)
def nansum(a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    """Sum of what is not NaN."""
    return sum(np.where(np.isnan(a), 0, a), axis, dtype, keepdims)


@composed(np.nanmean)
def nanmean(a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    """Mean of what is not NaN."""
    a = as_operand(a)
    total = nansum(a, axis, dtype or accumulator(a.dtype), keepdims=keepdims)
    there = np.sum(~np.isnan(a), axis, keepdims=keepdims)
    mean = total / np.asarray(there, np.result_type(total.dtype, np.float16))
    return mean if dtype else rounded(mean, a)


# -------------------------------------------------------------------- order statistics


def _ranked(a: Any, axis: Axis, ranks: Any) -> Any:
    """The elements of these ranks (plain integers), in place of the axis, last; NaN if one is."""
    axes = normalize_axis_tuple(range(a.ndim) if axis is None else axis, a.ndim)
    x = rows(a, axes)
    flat = x.reshape((-1, x.shape[-1]))
    data = flat.data if isinstance(flat, Tensor) else flat
    order = np.argpartition(data, np.append(np.unique(ranks), -1), axis=-1)
    found = flat[np.arange(len(data))[:, None], order[:, np.ravel(ranks)]]
    last = np.take_along_axis(data, order[:, -1:], -1)
    if np.isnan(last).any():
        found = np.where(np.isnan(last), last, found)
    return found.reshape((*x.shape[:-1], *np.shape(ranks)))


def _kept(y: Any, a: Any, axis: Axis, keepdims: bool) -> Any:
    """The reduced axes back in their places, of size 1, if they are to be kept."""
    if not keepdims:
        return y
    axes = normalize_axis_tuple(range(a.ndim) if axis is None else axis, a.ndim)
    lead = y.shape[: y.ndim - a.ndim + len(axes)]
    return y.reshape((*lead, *(1 if i in axes else n for i, n in enumerate(a.shape))))


def _length(a: Any, axis: Axis) -> int:
    axes = normalize_axis_tuple(range(a.ndim) if axis is None else axis, a.ndim)
    return int(np.prod([a.shape[i] for i in axes], dtype=int))


@composed(np.median)
def median(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The middle element, or the mean of the two; of equal elements, one has the derivative."""
    n = _length(a, axis)
    if not a.size:
        return mean(a, axis, None, keepdims)
    middle = [n // 2] if n % 2 else [n // 2 - 1, n // 2]
    return _kept(_ranked(a, axis, middle).mean(-1), a, axis, keepdims)


@composed(np.quantile)
def quantile(
    a: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    """What a share q of the elements lies below, between two of them a straight line.

    q, a constant, may be an array: its axes come first.  Of equal elements, one has the derivative.
    """
    if method != "linear":
        raise ValueError(f"quantile: only method='linear' is differentiated here, not {method!r}")
    if isinstance(q, Tensor):
        raise TypeError("quantile: `q` is static, so it cannot be a Tensor; write q=t.data")
    kind = a.dtype if isinstance(q, (int, float)) and a.dtype.kind == "f" else None
    share = np.asarray(q, kind and np.result_type(kind, np.float32))
    if not np.all((share >= 0) & (share <= 1)):
        raise ValueError("quantile: every q must lie in the range [0, 1]")
    place = share.astype(np.float64) * (_length(a, axis) - 1)
    low = np.floor(place).astype(int)
    high = np.minimum(low + 1, _length(a, axis) - 1)
    ends = _ranked(a, axis, np.stack([low, high]))
    shape = ends.shape[: ends.ndim - share.ndim - 1]
    ends = rows(ends, tuple(range(len(shape)))) if shape else ends[..., None]
    start, end = ends[0], ends[1]
    t = np.asarray(place - low, kind or share.dtype)[..., None]
    return _kept((start + (end - start) * t).reshape(share.shape + shape), a, axis, keepdims)


@composed(np.percentile, method=False)
def percentile(
    a: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    """The quantile of q / 100."""
    if isinstance(q, Tensor):
        raise TypeError("percentile: `q` is static, so it cannot be a Tensor; write q=t.data")
    share = q / 100 if isinstance(q, (int, float)) else np.true_divide(q, 100)
    return quantile(a, share, axis, method=method, keepdims=keepdims)
