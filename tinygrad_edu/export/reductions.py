"""Reductions, statistics and softmax."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import ops
from .table import Array, Out, axes_of, product, writes

__all__ = ["centered"]

OPERATORS: dict[Any, str] = {
    ops.sum: "Sum", ops.mean: "Mean", ops.prod: "Prod",
}  # fmt: skip


def _reduction(kind: str) -> Any:
    def write(
        out: Out, a: Array, axis: Any = None, dtype: Any = None, keepdims: bool = False
    ) -> Array:
        return out.like(a).reduce(kind, axes_of(axis, a.ndim), keepdims)  # type: ignore[no-any-return]

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
    total = (d * d).reduce("Sum", axes, keepdims)
    return total / (out.like(product(a.dims[i] for i in axes)) - ddof)


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


@writes(ops.vector_norm)
def _vector_norm(
    out: Out, x: Array, ord: float = 2, axis: Any = None, keepdims: bool = False
) -> Array:
    size, axes = abs(out.like(x)), axes_of(axis, x.ndim)
    if ord == 0:
        return (size > 0).cast(out.dtype).reduce("Sum", axes, keepdims)
    kinds = {2: "L2", 1: "L1", math.inf: "Max", -math.inf: "Min"}
    if ord in kinds:
        return size.reduce(kinds[ord], axes, keepdims)  # type: ignore[no-any-return]
    total = size.pointwise("Pow", ord).reduce("Sum", axes, keepdims)
    return total.pointwise("Pow", 1 / ord)  # type: ignore[no-any-return]


@writes(ops.cumsum)
def _cumsum(out: Out, a: Array, axis: int | None = None, dtype: Any = None) -> Any:
    if axis is None:
        a, axis = a.reshape((product(a.dims),)), 0
    at = out.graph.constant(axis % a.ndim, np.int64)
    return out.like(a).node("CumSum", at)


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
