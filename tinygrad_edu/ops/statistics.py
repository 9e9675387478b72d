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
from .masks import only_where, with_keywords
from .reduce import Axis, count, max, mean, min, rows, spread, sum

__all__ = ["average", "median", "percentile", "ptp", "quantile", "std", "var"]


def centered(a: Any, axis: Axis) -> Any:
    a = at_least_single(a)
    return a - a.mean(axis=axis, keepdims=True)


def _deviations(
    a: Any, axis: Axis, dtype: Any, ddof: float, where: Any, mean: Any, correction: Any
) -> tuple[Any, Any]:
    """Those that count from their mean, and the number that the sum of squares is divided by."""
    if correction is not None:
        if ddof:
            raise ValueError("ddof and correction are two names of one number; give one of them")
        ddof = correction
    a = as_operand(a)
    if dtype is not None:
        a = a.astype(dtype)
    if mean is None:
        mean = np.mean(a, axis, keepdims=True, where=where)
    counted = np.sum(np.broadcast_to(where, a.shape), axis, keepdims=True)
    deviations = only_where(where, a - mean, 0)
    return deviations, np.maximum(counted - ddof, 0).astype(deviations.dtype)


def _var_with(
    call: Any, a: Any, axis: Axis, dtype: Any, ddof: float, keepdims: bool, **keywords: Any
) -> Any:
    d, n = _deviations(a, axis, dtype, ddof, **keywords)
    y = sum(d * d, axis, None, True) / n
    return y if keepdims else y.squeeze(axes_of(axis, y.ndim))


def _std_with(
    call: Any, a: Any, axis: Axis, dtype: Any, ddof: float, keepdims: bool, **keywords: Any
) -> Any:
    d, n = _deviations(a, axis, dtype, ddof, **keywords)
    y = np.linalg.vector_norm(d, axis=axes_of(axis, d.ndim), keepdims=True) / np.sqrt(n)
    return y if keepdims else y.squeeze(axes_of(axis, y.ndim))


def axes_of(axis: Axis, ndim: int) -> tuple[int, ...]:
    return normalize_axis_tuple(range(ndim) if axis is None else axis, ndim)


def _var_vjp(g: Any, a: Any, like: Any, axis: Axis, ddof: float) -> Any:
    g = at_least_single(spread(g, like, axis))
    return g * (2 / (count(like, axis) - ddof or math.nan)) * centered(a, axis)


@with_keywords(_var_with, where=True, mean=None, correction=None)
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


@with_keywords(_std_with, where=True, mean=None, correction=None)
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
def average(
    a: Any,
    axis: Axis = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: bool = False,
) -> Any:
    """Weighted mean, and if `returned` also the sums of the weights.
    y = Σ w x / Σ w, where weights of one dimension stand along the axis."""
    if weights is None:
        y = mean(a, axis, None, keepdims)
        return (y, np.full(y.shape, np.size(a) / y.size, y.dtype)) if returned else y
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
    y = rounded(sum(weighted, axis, accumulator(weighted.dtype), keepdims) / total, weighted)
    return (y, np.broadcast_to(total, y.shape)) if returned else y


# -------------------------------------------------------------------- order statistics


def _ranked(a: Any, axis: Axis, ranks: Any) -> Any:
    """The elements of these ranks (plain integers), in place of the axis, last; NaN if one is."""
    axes = axes_of(axis, a.ndim)
    x = rows(a, axes)
    flat = x.reshape((-1, x.shape[-1]))
    data = flat.data if isinstance(flat, Tensor) else flat
    order = np.argpartition(data, np.append(np.unique(ranks), -1), axis=-1)
    found = flat[np.arange(len(data))[:, None], order[:, np.ravel(ranks)]]
    last = np.take_along_axis(data, order[:, -1:], -1)
    if np.isnan(last).any():
        found = np.where(np.isnan(last), last, found)
    return found.reshape((*x.shape[:-1], *np.shape(ranks)))


def kept_axes(y: Any, a: Any, axis: Axis, keepdims: bool) -> Any:
    """The reduced axes back in their places, of size 1, if they are to be kept."""
    if not keepdims:
        return y
    axes = axes_of(axis, a.ndim)
    lead = y.shape[: y.ndim - a.ndim + len(axes)]
    return y.reshape((*lead, *(1 if i in axes else n for i, n in enumerate(a.shape))))


def _length(a: Any, axis: Axis) -> int:
    axes = axes_of(axis, a.ndim)
    return int(np.prod([a.shape[i] for i in axes], dtype=int))


@composed(np.median)
def median(
    a: Any, axis: Axis = None, *, overwrite_input: bool = False, keepdims: bool = False
) -> Any:
    """The middle element, or the mean of the two; of equal elements, one has the derivative."""
    n = _length(a, axis)
    if not a.size:
        return mean(a, axis, None, keepdims)
    middle = [n // 2] if n % 2 else [n // 2 - 1, n // 2]
    return kept_axes(_ranked(a, axis, middle).mean(-1), a, axis, keepdims)


OF_ELEMENTS = ("inverted_cdf", "closest_observation", "lower", "higher", "nearest")
"""Methods by which a quantile is always one of the elements."""


@composed(np.quantile)
def quantile(
    a: Any,
    q: Any,
    axis: Axis = None,
    *,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    weights: Any = None,
) -> Any:
    """What a share q of the elements lies below, by each of NumPy's methods.

    q, a constant, may be an array: its axes come first. Of equal elements, one has the derivative.
    """
    share = shares(a, q)
    if weights is not None:
        return weighted_quantile(np.quantile, a, share, axis, method, keepdims, weights)
    place = rank(_length(a, axis), share, method)
    low = np.floor(place).astype(int)
    high = np.minimum(low + 1, _length(a, axis) - 1)
    between = method not in OF_ELEMENTS
    ends = _ranked(a, axis, np.stack([low, high] if between else [low]))
    shape = ends.shape[: ends.ndim - share.ndim - 1]
    ends = rows(ends, tuple(range(len(shape)))) if shape else ends[..., None]
    y = ends[0]
    if between:
        half = a.dtype == np.float16 and share.dtype == np.float32
        kind = a.dtype if half else share.dtype
        y = y + (ends[1] - y) * np.asarray(place - low, kind)[..., None]
    return kept_axes(y.reshape(share.shape + shape), a, axis, keepdims)


def shares(a: Any, q: Any) -> Array:
    """q as an array; a number takes the dtype of a."""
    if isinstance(q, Tensor):
        raise TypeError("quantile: `q` is static, so it cannot be a Tensor; write q=t.data")
    kind = a.dtype if isinstance(q, (int, float)) and a.dtype.kind == "f" else None
    share = np.asarray(q, kind and np.result_type(kind, np.float32))
    if not np.all((share >= 0) & (share <= 1)):
        raise ValueError("quantile: every q must lie in the range [0, 1]")
    return share


def rank(n: int, share: Array, method: str) -> Array:
    """Where among n sorted elements a quantile lies: that of the numbers 0, 1, 2 ..."""
    if method == "linear":
        return share.astype(np.float64) * (n - 1)
    places = np.quantile(np.arange(n, dtype=np.float64), share, method=method)  # type: ignore[call-overload]
    return np.asarray(places)


def weighted_quantile(
    function: Any, a: Any, share: Array, axis: Axis, method: str, keepdims: bool, weights: Any
) -> Any:
    """NumPy's, which is always one of the elements: that element, which has the derivative."""
    keywords = {"axis": axis, "method": method, "keepdims": keepdims}
    value = function(data_of(a), share, weights=data_of(weights), **keywords)
    flat = rows(a, axes_of(axis, a.ndim))
    flat = flat.reshape((-1, flat.shape[-1]))
    wanted = value.reshape((share.size, -1))
    chosen = (data_of(flat) == wanted[..., None]).argmax(-1)
    found = flat[np.arange(flat.shape[0]), chosen]
    return np.where(np.isnan(wanted), wanted, found).reshape(value.shape)


@composed(np.percentile, method=False)
def percentile(a: Any, q: Any, axis: Axis = None, **keywords: Any) -> Any:
    """The quantile of q / 100, with the same keywords."""
    if isinstance(q, Tensor):
        raise TypeError("percentile: `q` is static, so it cannot be a Tensor; write q=t.data")
    share = q / 100 if isinstance(q, (int, float)) else np.true_divide(q, 100)
    return quantile(a, share, axis, **keywords)
