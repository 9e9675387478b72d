"""Reductions and statistics of what is not NaN, the names that begin with nan."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ...array_interface import data_of
from ...declare import as_operand, composed
from ..masks import only_where
from ..reduce import (
    Axis,
    cumprod,
    cumsum,
    max,
    mean,
    min,
    prod,
    rows,
    sum,
)
from ..shape import cast_like
from ..statistics import (
    OF_ELEMENTS,
    axes_of,
    kept_axes,
    rank,
    shares,
    std,
    var,
    weighted_quantile,
)

__all__ = [
    "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmedian", "nanmin", "nanpercentile",
    "nanprod", "nanquantile", "nanstd", "nansum", "nanvar",
]  # fmt: skip


def _numbers(a: Any, where: Any = True) -> Any:
    """The mask of what is not NaN and not masked; True if that is everything."""
    mask = ~np.isnan(a)
    if where is not True:
        return mask & np.asarray(data_of(where), bool)
    return True if mask.all() else mask


def _given(**keywords: Any) -> dict[str, Any]:
    """Those that say something, so that a reduction without any stays one op."""
    return {name: v for name, v in keywords.items() if v is not None and v is not True}


@composed(np.nansum)
def nansum(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """Sum of what is not NaN."""
    a = as_operand(a)
    return sum(a, axis, dtype, keepdims, **_given(initial=initial, where=_numbers(a, where)))


@composed(np.nanprod, method=False)
def nanprod(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """Product of what is not NaN."""
    a = as_operand(a)
    return prod(a, axis, dtype, keepdims, **_given(initial=initial, where=_numbers(a, where)))


@composed(np.nancumsum, method=False)
def nancumsum(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Running sum, to which NaN adds nothing."""
    a = as_operand(a)
    return cumsum(only_where(_numbers(a), a, 0), axis, dtype)


@composed(np.nancumprod, method=False)
def nancumprod(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Running product, which NaN does not change."""
    a = as_operand(a)
    return cumprod(only_where(_numbers(a), a, 1), axis, dtype)


@composed(np.nanmax, method=False)
def nanmax(
    a: Any, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Any:
    """Largest of what is not NaN."""
    return _extremum(max, -math.inf, a, axis, keepdims, _given(initial=initial, where=where))


@composed(np.nanmin, method=False)
def nanmin(
    a: Any, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Any:
    """Smallest of what is not NaN."""
    return _extremum(min, math.inf, a, axis, keepdims, _given(initial=initial, where=where))


def _extremum(
    extremum: Any, fill: float, a: Any, axis: Axis, keepdims: bool, keywords: dict[str, Any]
) -> Any:
    a = as_operand(a)
    mask = _numbers(a)
    y = extremum(only_where(mask, a, fill), axis, keepdims, **keywords)
    if mask is True or "initial" in keywords:
        return y
    return _nan_without(np.any(mask, axis, keepdims=keepdims), y, "All-NaN slice encountered")


def _nan_without(enough: Any, y: Any, warning: str) -> Any:
    """NaN, with a warning as NumPy's, where there are not enough numbers."""
    if np.all(enough):
        return y
    warnings.warn(warning, RuntimeWarning, stacklevel=4)
    return np.where(enough, y, np.asarray(np.nan, y.dtype))


# -------------------------------------------------------------------- statistics


@composed(np.nanmean)
def nanmean(
    a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, where: Any = True
) -> Any:
    """Mean of what is not NaN."""
    a = as_operand(a)
    return mean(a, axis, dtype, keepdims, **_given(where=_numbers(a, where)))


@composed(np.nanvar, method=False)
def nanvar(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    """Variance of what is not NaN."""
    return _spread(var, a, axis, dtype, ddof, keepdims, where, mean, correction)


@composed(np.nanstd, method=False)
def nanstd(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    """Standard deviation of what is not NaN."""
    return _spread(std, a, axis, dtype, ddof, keepdims, where, mean, correction)


def _spread(
    call: Any, a: Any, axis: Axis, dtype: Any, ddof: float, keepdims: bool,
    where: Any, mean: Any, correction: Any,
) -> Any:  # fmt: skip
    a = as_operand(a)
    mask = _numbers(a, where)
    if mean is not None:
        mean = cast_like(as_operand(mean), a)
    keywords = _given(where=mask, mean=mean, correction=correction)
    with np.errstate(all="ignore"):
        y = call(a, axis, dtype, ddof, keepdims, **keywords)
    counted = np.sum(np.broadcast_to(mask, a.shape), axis, keepdims=keepdims)
    enough = counted > (ddof if correction is None else correction)
    return _nan_without(enough, y, "Degrees of freedom <= 0 for slice.")


# -------------------------------------------------------------------- order statistics


@composed(np.nanmedian, method=False)
def nanmedian(
    a: Any, axis: Axis = None, *, overwrite_input: bool = False, keepdims: bool = False
) -> Any:
    """The middle of what is not NaN, or the mean of the two in the middle."""
    return nanquantile(a, 0.5, axis, keepdims=keepdims)


@composed(np.nanpercentile, method=False)
def nanpercentile(a: Any, q: Any, axis: Axis = None, **keywords: Any) -> Any:
    """The nanquantile of q / 100, with the same keywords."""
    share = q / 100 if isinstance(q, (int, float)) else np.true_divide(q, 100)
    return nanquantile(a, share, axis, **keywords)


@composed(np.nanquantile, method=False)
def nanquantile(
    a: Any,
    q: Any,
    axis: Axis = None,
    *,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    weights: Any = None,
) -> Any:
    """The `quantile` of what is not NaN in each row."""
    a = as_operand(a)
    share = shares(a, q)
    if weights is not None:
        return weighted_quantile(np.nanquantile, a, share, axis, method, keepdims, weights)
    if not a.size:
        return mean(a, axis, None, keepdims)  # NaN, as in NumPy without axes for q
    grouped = rows(a, axes_of(axis, a.ndim))
    y = _quantiles(grouped.reshape((-1, grouped.shape[-1])), share, method)
    return kept_axes(y.reshape((*share.shape, *grouped.shape[:-1])), a, axis, keepdims)


def _quantiles(flat: Any, share: Any, method: str) -> Any:
    """Those of each row, one row for each q."""
    data = data_of(flat)
    counted = (~np.isnan(data)).sum(-1)
    order = np.argsort(data, -1)  # NaN comes last
    place = np.empty((share.size, len(data)))
    for n in np.unique(counted):
        place[:, counted == n] = rank(n or 1, share.reshape(-1), method)[:, None]
    row, low = np.arange(len(data)), np.floor(place).astype(int)
    y = flat[row, order[row, low]]
    if method not in OF_ELEMENTS:
        high = np.minimum(low + 1, np.maximum(counted - 1, 0))
        y = y + (flat[row, order[row, high]] - y) * np.asarray(place - low, share.dtype)
    return _nan_without(counted > 0, y, "All-NaN slice encountered")
