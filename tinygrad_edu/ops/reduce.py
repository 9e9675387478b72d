"""Reductions: the gradient of the result is spread over what was reduced."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..declare import Array, op
from ..precision import accumulator, at_least_single, divided, in_single, rounded
from ..registry import OPS
from .elementwise import only
from .masks import accumulation, extremum, mean_where, with_keywords

__all__ = ["cumprod", "cumsum", "max", "mean", "min", "prod", "sum"]

Axis = int | tuple[int, ...] | None


def spread(g: Any, like: tuple[int, ...], axis: Axis) -> Any:
    """`g` with the reduced axes back in their places, of size 1."""
    if axis is None:
        return g.reshape((1,) * len(like))
    axes = {a % len(like) for a in (axis if isinstance(axis, tuple) else (axis,))} if like else ()
    return g.reshape([1 if i in axes else n for i, n in enumerate(like)])


def count(like: tuple[int, ...], axis: Axis) -> int:
    """How many elements went into each."""
    if axis is None:
        return math.prod(like)
    return math.prod(like[a] for a in (axis if isinstance(axis, tuple) else (axis,)) if like)


@accumulation(0, np.add)
@op(np.sum, lambda g, like, axis: np.broadcast_to(spread(g, like, axis), like))
def sum(a: Array, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Array:
    """Sum.
    y = Σ xᵢ,  ∂L/∂xᵢ = g"""
    y = a.sum(axis, dtype or accumulator(a.dtype), keepdims=keepdims)
    return y if dtype else rounded(y, a)


@with_keywords(mean_where, where=True)
@op(
    np.mean,
    lambda g, like, axis: np.broadcast_to(
        divided(spread(g, like, axis), count(like, axis) or 1), like
    ),
)
def mean(a: Array, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Array:
    """Mean.
    y = Σ xᵢ / n,  ∂L/∂xᵢ = g / n"""
    return a.mean(axis, dtype, keepdims=keepdims)


def _extremum_vjp(g: Any, a: Any, out: Any, like: Any, axis: Axis) -> Any:
    chosen = a == spread(out, like, axis)
    g = spread(g, like, axis)
    if np.count_nonzero(chosen) != out.size:
        g = divided(g, np.count_nonzero(chosen, axis, keepdims=True))
    return only(g, chosen)


@extremum(-math.inf, np.maximum)
@op(np.max, _extremum_vjp, selects=True)
def max(a: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Largest element.
    y = max xᵢ,  ∂L/∂xᵢ = g / m for the m largest,  0 for the others"""
    return np.max(a, axis, keepdims=keepdims)


@extremum(math.inf, np.minimum)
@op(np.min, _extremum_vjp, selects=True)
def min(a: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Smallest element.
    y = min xᵢ,  ∂L/∂xᵢ = g / m for the m smallest,  0 for the others"""
    return np.min(a, axis, keepdims=keepdims)


OPS |= {np.amax: max, np.amin: min}


# -------------------------------------------------------------------- products, running sums


def rows(a: Any, axes: tuple[int, ...]) -> Any:
    """The axes flattened into one, the last."""
    kept = [i for i in range(a.ndim) if i not in axes]
    size = math.prod(a.shape[i] for i in axes)
    return a.transpose((*kept, *axes)).reshape((*(a.shape[i] for i in kept), size))


def _unrows(r: Any, like: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """The inverse of `rows`."""
    order = (*(i for i in range(len(like)) if i not in axes), *axes)
    back = tuple(order.index(i) for i in range(len(like)))
    return r.reshape(tuple(like[i] for i in order)).transpose(back)


def _before(products: Any) -> Any:
    """Of running products, those without the element at each place: the one before, at first 1."""
    return np.concatenate([np.ones_like(products[..., :1]), products[..., :-1]], axis=-1)


def _prod_vjp(g: Any, a: Any, out: Any, like: tuple[int, ...], axis: Axis) -> Any:
    g, a = spread(g, like, axis), at_least_single(a)
    if np.all(out):
        return g * spread(out, like, axis) / a
    axes = normalize_axis_tuple(range(len(like)) if axis is None else axis, len(like))
    x = rows(a, axes)
    others = _before(x.cumprod(axis=-1)) * _before(x[..., ::-1].cumprod(axis=-1))[..., ::-1]
    return g * _unrows(others, like, axes)


@accumulation(1, np.multiply)
@op(np.prod, _prod_vjp, along="axis")
def prod(a: Array, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Array:
    """Product.
    y = Π xᵢ,  ∂L/∂xᵢ = g times the product of the others"""
    return in_single(np.prod, a, axis, dtype, keepdims=keepdims)


def _from_the_end(x: Any) -> Any:
    """Running sums along the last axis, backwards."""
    return x[..., ::-1].cumsum(-1, accumulator(x.dtype))[..., ::-1]


def _cumsum_vjp(g: Any, like: tuple[int, ...], axis: int | None) -> Any:
    if axis is None:
        return _from_the_end(g).reshape(like)
    return _from_the_end(g.swapaxes(axis, -1)).swapaxes(axis, -1)


@op(np.cumsum, _cumsum_vjp)
def cumsum(a: Array, axis: int | None = None, dtype: Any = None) -> Array:
    """Running sum.
    yₖ = Σ xᵢ over i ≤ k,  ∂L/∂xᵢ = Σ gₖ over k ≥ i"""
    return in_single(np.cumsum, a, axis, dtype)


def _weighted_tails(g: Any, x: Any) -> Any:
    """rᵢ = gᵢ + xᵢ₊₁ rᵢ₊₁ along the last axis, without a division, in steps of 1, 2, 4 ..."""
    factors, step = x[..., 1:], 1
    while step < x.shape[-1]:
        g = np.concatenate([g[..., :-step] + factors * g[..., step:], g[..., -step:]], axis=-1)
        factors = factors[..., :-step] * factors[..., step:]
        step *= 2
    return g


def _cumprod_vjp(g: Any, a: Any, out: Any, like: tuple[int, ...], axis: int | None) -> Any:
    if axis is None:
        return _cumprod_vjp(g, a.reshape((-1,)), out, g.shape, -1).reshape(like)
    g, a, out = (at_least_single(v).swapaxes(axis, -1) for v in (g, a, out))
    part = _from_the_end(g * out) / a if np.all(out) else _before(out) * _weighted_tails(g, a)
    return part.swapaxes(axis, -1)


@op(np.cumprod, _cumprod_vjp, along="axis")
def cumprod(a: Array, axis: int | None = None, dtype: Any = None) -> Array:
    """Running product.
    yₖ = Π xᵢ over i ≤ k,  ∂L/∂xᵢ = Σ gₖ Π of the others, over k ≥ i"""
    return in_single(np.cumprod, a, axis, dtype)
