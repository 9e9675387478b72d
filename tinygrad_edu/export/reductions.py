"""Reductions, statistics and softmax."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import ops
from ..ops.extended import norms
from .table import Array, Out, axes_of, only_integers, product, writes

__all__ = ["centered"]

OPERATORS: dict[Any, str] = {
    ops.sum: "Sum", ops.mean: "Mean", ops.prod: "Prod",
}  # fmt: skip


def _reduction(kind: str) -> Any:
    def write(
        out: Out, a: Array, axis: Any = None, dtype: Any = None, keepdims: bool = False
    ) -> Array:
        y: Array = out.like(a).reduce(kind, axes_of(axis, a.ndim), keepdims)
        return y

    return write


for _op, _kind in OPERATORS.items():
    writes(_op)(_reduction(_kind))


def _extremum(kind: str) -> Any:
    def write(out: Out, a: Array, axis: Any = None, keepdims: bool = False) -> Array:
        return a.reduce(kind, axes_of(axis, a.ndim), keepdims)

    return write


for _op, _kind in ((ops.max, "Max"), (ops.min, "Min"), (ops.logsumexp, "LogSumExp")):
    writes(_op)(_extremum(_kind))


def centered(a: Array, axes: Any) -> Array:
    """Less the mean over the axes."""
    return a - a.reduce("Mean", axes, True)


def _variance(out: Out, a: Array, axis: Any, ddof: float, keepdims: bool) -> Array:
    axes = axes_of(axis, a.ndim)
    d = centered(out.like(a), axes)
    count: Array = out.like(product(a.dims[i] for i in axes))
    return (d * d).reduce("Sum", axes, keepdims) / (count - ddof)


@writes(ops.var)
def _var(
    out: Out, a: Array, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False
) -> Array:
    return _variance(out, a, axis, ddof, keepdims)


@writes(ops.std)
def _std(
    out: Out, a: Array, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False
) -> Array:
    return _variance(out, a, axis, ddof, keepdims).pointwise("Sqrt")


@writes(norms.vector_norm)
def _vector_norm(
    out: Out, x: Array, ord: float = 2, axis: Any = None, keepdims: bool = False
) -> Array:
    given: Array = out.like(x)
    size, axes = abs(given), axes_of(axis, x.ndim)
    if ord == 0:
        return (size > 0).cast(out.dtype).reduce("Sum", axes, keepdims)
    kinds = {2: "L2", 1: "L1", math.inf: "Max", -math.inf: "Min"}
    if ord in kinds:
        return size.reduce(kinds[ord], axes, keepdims)
    total = size.pointwise("Pow", ord).reduce("Sum", axes, keepdims)
    return total.pointwise("Pow", 1 / ord)


@writes(ops.cumsum)
def _cumsum(out: Out, a: Array, axis: int | None = None, dtype: Any = None) -> Any:
    if axis is None:
        a, axis = a.reshape((product(a.dims),)), 0
    at = out.graph.constant(axis % a.ndim, np.int64)
    return out.like(a).node("CumSum", at)


@writes(ops.cumprod)
def _cumprod(out: Out, a: Array, axis: int | None = None, dtype: Any = None) -> Any:
    """The product of each row of a triangle of copies; only the newest opsets have CumProd."""
    if axis is None:
        a, axis = a.reshape((product(a.dims),)), 0
    order = [i for i in range(a.ndim) if i != axis % a.ndim] + [axis % a.ndim]
    x = out.like(a).transpose(order)
    (n,) = only_integers(x.dims[-1:], "an axis of running products")
    triangle = out.graph.constant(np.tri(n, dtype=bool))
    copies = triangle.where(x.unsqueeze(x.ndim - 1), out.like(1))
    products = copies.reduce("Prod", [copies.ndim - 1])
    return products.transpose(np.argsort(order).tolist())


def _softmax_like(kind: str) -> Any:
    def write(out: Out, x: Array, axis: int = -1) -> Any:
        return out.like(x).node(kind, axis=axis % x.ndim)

    return write


for _op, _kind in ((ops.softmax, "Softmax"), (ops.log_softmax, "LogSoftmax")):
    writes(_op)(_softmax_like(_kind))


def _whether(kind: str) -> Any:
    def write(out: Out, a: Array, axis: Any = None, *rest: Any, keepdims: bool = False) -> Array:
        truth = a.cast(bool).cast(np.int32)
        return truth.reduce(kind, axes_of(axis, a.ndim), keepdims).cast(bool)

    return write


for _function, _kind in ((np.any, "Max"), (np.all, "Min")):
    writes(_function)(_whether(_kind))


@writes(np.count_nonzero)
def _count_nonzero(out: Out, a: Array, axis: Any = None, *, keepdims: bool = False) -> Array:
    return a.cast(bool).cast(np.int64).reduce("Sum", axes_of(axis, a.ndim), keepdims)
