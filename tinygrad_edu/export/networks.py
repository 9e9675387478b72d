"""Products, convolutions, pooling, normalization, recurrent cells and losses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import ops
from ..ops.extended import decompositions, linear_equations
from ..ops.products import _explicit
from .elementwise import log1p
from .graph import broadcast
from .table import (
    Array,
    NoOperator,
    Out,
    Size,
    axes_of,
    only_integers,
    pointwise,
    product,
    writes,
)

__all__: list[str] = []

# -------------------------------------------------------------------- products


@writes(ops.dense)
def _dense(out: Out, x: Any, weight: Any, bias: Any = None) -> Any:
    x, weight, bias = (out.like(each) for each in (x, weight, bias))
    if x.ndim == 2 and bias is not None and out.dtype.kind == "f":
        return x.node("Gemm", weight, bias)
    y = x.node("MatMul", weight)
    return y if bias is None else y.node("Add", bias)


@writes(ops.matmul)
def _matmul(out: Out, x: Any, y: Any) -> Any:
    return out.like(x).node("MatMul", out.like(y))


@writes(ops.vecdot)
def _vecdot(out: Out, x1: Any, x2: Any) -> Array:
    products = out.like(x1) * out.like(x2)
    return products.reduce("Sum", [products.ndim - 1])  # type: ignore[no-any-return]


@writes(ops.outer)
def _outer(out: Out, a: Any, b: Any) -> Array:
    a, b = out.like(a), out.like(b)
    column = a.reshape((product(a.dims), 1))
    return column * b.reshape((1, product(b.dims)))  # type: ignore[no-any-return]


@writes(decompositions.det)
def _det(out: Out, a: Any) -> Any:
    return out.like(a).node("Det")


@writes(ops.einsum)
def _einsum(out: Out, operands: list[Any], subscripts: str, optimize: Any = False) -> Any:
    arrays = [out.like(x) for x in operands]
    inputs, output = _explicit(subscripts, [x.dims for x in arrays])  # ellipses may differ
    sizes: dict[str, Any] = {}
    for labels, x in zip(inputs, arrays, strict=True):
        sizes |= {c: n for c, n in zip(labels, x.dims, strict=True) if n != 1 or c not in sizes}
    first, *others = (
        x.expand(tuple(sizes[c] for c in labels)) for labels, x in zip(inputs, arrays, strict=True)
    )
    return first.node("Einsum", *others, equation=f"{','.join(inputs)}->{output}")


# -------------------------------------------------------------------- convolution


def _moves(moving: Any, **more: Any) -> dict[str, Any]:
    """The attributes of how a kernel moves."""
    return {
        "kernel_shape": moving.kernel,
        "strides": moving.stride,
        "pads": (*moving.before, *moving.after),
        **more,
    }


def _with_batch(x: Array, axes: int) -> Array:
    """x with a batch axis, which every operator with a kernel wants."""
    return x if x.ndim == axes + 2 else x.unsqueeze(0)


def _like_input(y: Array, x: Array, axes: int) -> Any:
    """What an operator made of x and a batch axis, without it if x has none."""
    return y if x.ndim == axes + 2 else y.node("Squeeze", y.graph.constant([0], np.int64))


@writes(ops.conv1d, ops.conv2d, ops.conv3d)
def _convolution(
    out: Out, x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0,
    dilation: Any = 1, groups: int = 1, axes: Any = None,
) -> Any:  # fmt: skip
    x, weight, bias = (out.like(each) for each in (x, weight, bias))
    kernel = weight.dims[2:]
    moving = ops.geometry(len(kernel), kernel, stride, padding, dilation, groups)
    moves = _moves(moving, dilations=moving.dilation, group=groups)
    return _convolved("Conv", x, weight, bias, moves)


@writes(ops.conv_transpose1d, ops.conv_transpose2d, ops.conv_transpose3d)
def _transposed(
    out: Out, x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, groups: int = 1, dilation: Any = 1, axes: Any = None,
) -> Any:  # fmt: skip
    x, weight, bias = (out.like(each) for each in (x, weight, bias))
    kernel = weight.dims[2:]
    moving = ops.geometry(len(kernel), kernel, stride, padding, dilation, groups, output_padding)
    moves = _moves(moving, dilations=moving.dilation, group=groups, output_padding=moving.extra)
    return _convolved("ConvTranspose", x, weight, bias, moves)


def _convolved(kind: str, x: Array, weight: Array, bias: Any, moves: dict[str, Any]) -> Any:
    axes = weight.ndim - 2
    y = _with_batch(x, axes).node(kind, weight, *([] if bias is None else [bias]), **moves)
    return _like_input(y, x, axes)


# -------------------------------------------------------------------- pooling


def _max_pooling(axes: int) -> Any:
    def write(
        out: Out, x: Array, kernel_size: Any, stride: Any = None, padding: Any = 0,
        dilation: Any = 1, ceil_mode: bool = False, *rest: Any,
    ) -> Any:  # fmt: skip
        moving = ops.window(axes, kernel_size, stride, padding, dilation)
        moves = _moves(moving, dilations=moving.dilation, ceil_mode=int(ceil_mode))
        wide = x if x.dtype.kind == "f" else x.cast(np.float64)
        return _like_input(_with_batch(wide, axes).node("MaxPool", **moves), x, axes)

    return write


def _avg_pooling(axes: int) -> Any:
    def write(
        out: Out, x: Array, kernel_size: Any, stride: Any = None, padding: Any = 0,
        ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: Any = None,
        *rest: Any,
    ) -> Any:  # fmt: skip
        if divisor_override is not None:
            raise NoOperator("AveragePool divides by the number of elements, not by another number")
        moves = _moves(ops.window(axes, kernel_size, stride, padding), ceil_mode=int(ceil_mode))
        moves["count_include_pad"] = int(count_include_pad)
        y = _with_batch(out.like(x), axes).node("AveragePool", **moves)
        return _like_input(y, x, axes)

    return write


for _axes, _max_pool, _avg_pool in (
    (1, ops.max_pool1d, ops.avg_pool1d),
    (2, ops.max_pool2d, ops.avg_pool2d),
    (3, ops.max_pool3d, ops.avg_pool3d),
):
    writes(_max_pool)(_max_pooling(_axes))
    writes(_avg_pool)(_avg_pooling(_axes))


# -------------------------------------------------------------------- normalization


@writes(ops.standardize)
def _standardize(
    out: Out, x: Any, weight: Any = None, bias: Any = None, axis: Any = -1, eps: float = 1e-5
) -> Any:
    x, weight, bias = map(out.like, (x, weight, bias))
    axes = sorted(axes_of(axis, x.ndim))
    mean = x.reduce("Mean", axes, True)
    y = x - mean
    var = (y * y).reduce("Mean", axes, True)
    sizes = x.dims[axes[0] :]
    if axes == list(range(axes[0], x.ndim)) and not any(isinstance(n, Size) for n in sizes):
        ones = out.graph.constant(np.ones(sizes, out.dtype))
        y = x.node("LayerNormalization", ones, axis=axes[0], epsilon=float(eps)).of(x.dims)
    else:
        y = y / (var + eps).pointwise("Sqrt")
    y = y if weight is None else y * weight
    return y if bias is None else y + bias, mean, var


@writes(ops.unit_rms)
def _unit_rms(out: Out, x: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    x = out.like(x)
    mean = (x * x).reduce("Mean", axes_of(axis, x.ndim), True)
    return x / (mean + eps).pointwise("Sqrt")


# -------------------------------------------------------------------- recurrent cells


def _blocks(a: Array, state: Array, n: int) -> list[Array]:
    """The columns of n gates."""
    blocks = a.graph.node("Split", a, dtype=a.dtype, outputs=n, axis=-1, num_outputs=n)
    return [block.of(state.dims) for block in blocks]


def _stacked(gates: list[Array]) -> Any:
    first, *others = (gate.unsqueeze(0) for gate in gates)
    return first.node("Concat", *others, axis=0)


def _items(x: Array) -> list[Any]:
    """The items along the first axis."""
    (n,) = only_integers(x.dims[:1], "the length of the sequence")
    return [x.slice([i], [i + 1], [0], [1]).of((1, *x.dims[1:])).reshape(x.dims[1:])
            for i in range(n)]  # fmt: skip


@writes(ops.lstm_cell)
def _lstm_cell(out: Out, a: Any, c: Any) -> Any:
    a, c = out.like(a), out.like(c)
    blocks = _blocks(a, c, 4)
    kinds = ("Sigmoid", "Sigmoid", "Tanh", "Sigmoid")
    i, f, n, o = (x.pointwise(kind) for x, kind in zip(blocks, kinds, strict=True))
    cell = f * c + i * n
    return o * cell.pointwise("Tanh"), cell, _stacked([i, f, n, o])


@writes(ops.lstm)
def _lstm(out: Out, x: Any, h: Any, c: Any, weight: Any) -> Any:
    h, c, weight = map(out.like, (h, c, weight))
    steps = []
    for each in _items(out.like(x)):
        h, c, gates = _lstm_cell(out, each + h.node("MatMul", weight).of(each.dims), c)
        steps.append((h, c, gates.of((4, *c.dims))))
    return tuple(_stacked(list(each)) for each in zip(*steps, strict=True))


@writes(ops.gru_cell)
def _gru_cell(out: Out, x: Any, a: Any, h: Any) -> Any:
    x, a, h = map(out.like, (x, a, h))
    xs, inner = _blocks(x, h, 3), _blocks(a, h, 3)
    r, z = ((xs[i] + inner[i]).pointwise("Sigmoid") for i in (0, 1))
    n = (xs[2] + r * inner[2]).pointwise("Tanh")
    return n + z * (h - n), _stacked([r, z, n])


@writes(ops.gru)
def _gru(out: Out, x: Any, h: Any, weight: Any, bias: Any = None) -> Any:
    h, weight, bias = map(out.like, (h, weight, bias))
    steps = []
    for each in _items(out.like(x)):
        a = h.node("MatMul", weight).of(each.dims)
        h, gates = _gru_cell(out, each, a if bias is None else a + bias, h)
        steps.append((h, gates.of((3, *h.dims))))
    return tuple(_stacked(list(each)) for each in zip(*steps, strict=True))


# -------------------------------------------------------------------- attention


@writes(ops.attention)
def _attention(
    out: Out, query: Any, key: Any, value: Any, bias: Any = None, kept: Any = None,
    scale: float = 1.0,
) -> Any:  # fmt: skip
    query, key, value, bias, kept = map(out.like, (query, key, value, bias, kept))
    order = [*range(key.ndim - 2), key.ndim - 1, key.ndim - 2]
    lead = broadcast(query.dims[:-2], key.dims[:-2])
    scores = (query * scale).node("MatMul", key.transpose(order))
    scores = scores.of((*lead, query.dims[-2], key.dims[-2]))
    if bias is not None:
        lowest = float(np.finfo(out.dtype).min)
        scores = scores + bias
        allowed = (scores > lowest).cast(out.dtype)  # a row of -∞ has no softmax
        scores = scores.pointwise("Max", lowest)
    weights = scores.node("Softmax", axis=-1).of(scores.dims)
    if bias is not None:
        weights = weights * allowed
    return (weights if kept is None else weights * kept).node("MatMul", value), weights


# -------------------------------------------------------------------- activations


@pointwise(ops.gelu_and_slope)
def _gelu_and_slope(x: Array) -> tuple[Array, Array]:
    cdf = (x * math.sqrt(0.5)).pointwise("Erf") * 0.5 + 0.5
    density = (x * x * -0.5).pointwise("Exp") * (1 / math.sqrt(2 * math.pi))
    return x * cdf, cdf + x * density


# -------------------------------------------------------------------- losses


def _reduced(losses: Array, reduction: str) -> Array:
    if reduction == "none":
        return losses
    return losses.reduce("Mean" if reduction == "mean" else "Sum", range(losses.ndim))


@pointwise(ops.squared_error)
def _squared_error(x: Array, targets: Array, reduction: str = "mean") -> Array:
    d = x - targets
    return _reduced(d * d, reduction)


@pointwise(ops.binary_cross_entropy_with_logits)
def _bce_with_logits(x: Array, targets: Array, reduction: str = "none") -> Array:
    rest = log1p((-abs(x)).pointwise("Exp"))
    return _reduced(x.pointwise("Max", 0) - x * targets + rest, reduction)


@writes(ops.cross_entropy)
def _cross_entropy(out: Out, x: Any, targets: Any, reduction: str = "mean") -> Array:
    x, targets = out.like(x), out.graph.array(targets, np.int64).cast(np.int64)
    logarithms = x.node("LogSoftmax", axis=x.ndim - 1)
    column = targets.unsqueeze(targets.ndim)
    chosen = logarithms.node("GatherElements", column, axis=x.ndim - 1).of(column.dims)
    return _reduced(-chosen.reshape(targets.dims), reduction)


def _logarithm(x: Array) -> Array:
    return x.pointwise("Log").pointwise("Max", -100.0)


@pointwise(ops.bernoulli)
def _bernoulli(x: Array, targets: Array) -> Array:
    return (targets - 1) * _logarithm(1 - x) - targets * _logarithm(x)


@pointwise(ops.log_probability)
def _log_probability(x: Array) -> Array:
    return _logarithm(x)


# -------------------------------------------------------------------- none


def _refused(why: str) -> Any:
    def write(out: Out, *args: Any, **options: Any) -> Any:
        raise NoOperator(why)

    return write


_SOLVERS = [
    getattr(decompositions, name)
    for name in (
        "inv", "solve", "svd", "qr", "eigh", "cholesky", "pinv", "slogdet", "cofactor",
    )
]  # fmt: skip
writes(*_SOLVERS, linear_equations.solve_triangular)(
    _refused("neither have the other decompositions and solutions of linear systems")
)
writes(
    *(ops.correlate, ops.correlate_input, ops.correlate_weight, ops.fold, ops.unfold, ops.unpad),
    *(ops.window_spread, ops.window_sum),
)(_refused("it is a part of derivatives"))
