"""Convolution: each kernel's sum with what it meets as it moves over its input.

Inputs are (batch, channels, *space) or (channels, *space), and kernels (out, in / groups, *kernel),
as in PyTorch; what lies outside the input counts as 0.  A convolution is linear in its input and in
its kernel, so with weights y for its output it is one number, linear in x, w and y.  Leaving out
one of the three gives the three ops that are each other's derivatives: `correlate`,
`correlate_input`, `correlate_weight`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..declare import Array, op
from ..precision import accumulator, at_least_single
from .windows import (
    Geometry,
    Sizes,
    batched,
    check_space,
    fold,
    geometry,
    positions_in,
    shaped,
    spans,
    spatial,
    widened,
    windows,
)  # fmt: skip

__all__ = [
    "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
    "correlate", "correlate_input", "correlate_weight",
]  # fmt: skip

Slices = tuple[int, int, Sizes, Geometry]  # number, step, positions reached, how one moves

_CACHED = 2**17  # elements of columns at a time

# -------------------------------------------------------------------- one form, three derivatives


def _sliced(taken: int, made: int, positions: Sizes, geometry: Geometry) -> Slices:
    """Kernels cut into slices along their first axis, where that pays, else one slice, the whole.

    All slices meet the same columns, each `step` further on, and what they give is added up. So
    there are fewer columns to copy by the number of slices, but as many more sums to add.
    """
    first, *others = geometry.kernel
    if geometry.stride[0] > 1 or taken * math.prod(others) < 4 * made:
        return 1, 0, positions, geometry
    step = geometry.dilation[0]
    reached = positions[0] + (first - 1) * step, *positions[1:]
    return first, step, reached, geometry._replace(kernel=(1, *others))


def _parts(a: Array, step: int, length: int) -> list[Array]:
    """Where each slice stands: views of (groups, slices, channels, batch, *positions reached)."""
    return [a[:, i, :, :, i * step : i * step + length] for i in range(a.shape[1])]


def _kernels(weight: Array, groups: int, slices: int = 1) -> Array:
    """The kernels as rows of matrices: (groups, slices · out / groups, channels · slice)."""
    out, taken, *kernel = weight.shape
    made, rest = out // groups, math.prod(kernel) // slices
    apart = at_least_single(weight).reshape(groups, made, taken, slices, rest)
    return apart.transpose(0, 3, 1, 2, 4).reshape(groups, slices * made, taken * rest)


def _blocks(batch: int, elements: int) -> list[slice]:
    """The samples in blocks, such that the columns of a block stay in the processor's cache."""
    step = max(1, _CACHED // max(1, elements))
    return [slice(first, min(first + step, batch)) for first in range(0, batch, step)]


def _columns(x: Array, positions: Sizes, geometry: Geometry) -> Iterator[tuple[slice, Array]]:
    """Blocks of samples, and `windows` there: (groups, channels · kernel, block · positions)."""
    met, axes = windows(at_least_single(x), positions, geometry), len(positions)
    rows = math.prod(met.shape[: axes + 1]) // geometry.groups
    width = math.prod(met.shape[axes + 2 :])
    for block in _blocks(len(x), rows * geometry.groups * width):
        here = met[(slice(None),) * (axes + 1) + (block,)]
        samples = block.stop - block.start
        yield block, here.reshape(geometry.groups, rows, samples * width)


def _rows(
    y: Array, block: slice, groups: int, wide: Sizes, slices: int = 1, step: int = 0
) -> Array:
    """Each channel's values for a block of samples: (groups, slices · channels, block · positions).

    Zeros surround them where the positions are `widened`, or reached by other slices only.
    """
    rows: Any = at_least_single(y[block].swapaxes(0, 1))
    made, samples, positions = len(rows) // groups, rows.shape[1], y.shape[2:]
    if wide != positions:
        rows, narrow = np.zeros((groups, slices, made, samples, *wide), rows.dtype), rows
        for part in _parts(rows, step, positions[0]):
            part[..., : positions[-1]] = narrow.reshape(groups, made, samples, *positions)
    return rows.reshape(groups, slices * made, samples * math.prod(wide))


def _turned(weight: Array, groups: int) -> Array:
    """The kernels from output to input, back to front: (in, out / groups, *kernel)."""
    out, taken, *kernel = weight.shape
    apart = weight.reshape(groups, out // groups, taken, *kernel).swapaxes(1, 2)
    turned: Any = np.flip(apart, tuple(range(3, apart.ndim)))
    return turned.reshape(groups * taken, out // groups, *kernel)


def _like(product: Any, a: Array, b: Array) -> Array:
    """A sum of products, of float16 computed in float32, in the dtype of its factors."""
    y: Array = product.astype(np.result_type(a, b), copy=False)
    return y


@op(
    None,
    lambda g, weight, like, geometry: correlate_input(g, weight, like[2:], geometry),
    lambda g, x, geometry: correlate_weight(x, g, geometry),
    products=True,
    method=False,
)
def correlate(x: Array, weight: Array, positions: Sizes, geometry: Geometry) -> Array:
    """Each kernel's sum at each position.
    y = w ⋆ x,  ∂L/∂x = w ⋆ᵀ g,  ∂L/∂w = g ⋆ x"""
    groups, made = geometry.groups, len(weight) // geometry.groups
    slices, step, reached, moving = _sliced(weight.shape[1], made, positions, geometry)
    kernels, wide = _kernels(weight, groups, slices), widened(reached, moving)
    y = np.empty((len(weight), len(x), *positions), np.result_type(x, kernels))
    sums = y.reshape(groups, made, len(x), *positions)
    for block, columns in _columns(x, reached, moving):
        product = (kernels @ columns).reshape(groups, slices, made, block.stop - block.start, *wide)
        total, *others = _parts(product, step, positions[0])
        for part in others:
            total += part
        sums[:, :, block] = total[..., : positions[-1]]
    return _like(y.swapaxes(0, 1), x, weight)


@op(
    None,
    lambda g, weight, like, geometry: correlate(g, weight, like[2:], geometry),
    lambda g, y, geometry: correlate_weight(g, y, geometry),
    products=True,
    method=False,
)
def correlate_input(y: Array, weight: Array, size: Sizes, geometry: Geometry) -> Array:
    """Each kernel laid down at each position.
    x = w ⋆ᵀ y,  ∂L/∂y = w ⋆ g,  ∂L/∂w = y ⋆ g"""
    groups, (taken, *kernel), positions = geometry.groups, weight.shape[1:], y.shape[2:]
    if set(geometry.stride) == {1} and len(weight) <= 2 * groups * taken:  # else `fold` is faster
        before = tuple(n - 1 - b for n, b in zip(spans(geometry), geometry.before, strict=True))
        x: Any = correlate(y, _turned(weight, groups), size, geometry._replace(before=before))
        return x
    kernels = _kernels(weight, groups).swapaxes(1, 2)
    x = np.empty((groups * taken, len(y), *size), np.result_type(y, kernels))
    for block in _blocks(len(y), groups * taken * math.prod((*kernel, *positions))):
        columns = kernels @ _rows(y, block, groups, positions)
        met = columns.reshape(len(x), *kernel, block.stop - block.start, *positions)
        folded = fold(np.moveaxis(met, len(kernel) + 1, 0), size, geometry)
        x[:, block] = folded.swapaxes(0, 1)
    return _like(x.swapaxes(0, 1), y, weight)


@op(
    None,
    lambda g, y, like, geometry: correlate_input(y, g, like[2:], geometry),
    lambda g, x, like, geometry: correlate(x, g, like[2:], geometry),
    products=True,
    method=False,
)
def correlate_weight(x: Array, y: Array, geometry: Geometry) -> Array:
    """What each kernel element meets.
    w = y ⋆ x,  ∂L/∂x = g ⋆ᵀ y,  ∂L/∂y = g ⋆ x"""
    groups = geometry.groups
    made, taken = y.shape[1] // groups, x.shape[1] // groups
    slices, step, reached, moving = _sliced(taken, made, y.shape[2:], geometry)
    wide, rest = widened(reached, moving), math.prod(moving.kernel)
    columnwise = np.zeros((groups, taken * rest, slices * made), at_least_single(x).dtype)
    for block, columns in _columns(x, reached, moving):  # so is BLAS faster than by rows
        columnwise += columns @ _rows(y, block, groups, wide, slices, step).swapaxes(1, 2)
    apart = columnwise.reshape(groups, taken, rest, slices, made).transpose(0, 4, 1, 3, 2)
    kernels = apart.reshape(groups * made, taken, *geometry.kernel)
    return _like(kernels, x, y)


# -------------------------------------------------------------------- what fits together


def _size(positions: Sizes, geometry: Geometry) -> Sizes:
    """How much a kernel at those positions covers along each axis, less the padding."""
    steps = zip(geometry.extra, geometry.stride, geometry.dilation, strict=True)
    if any(e >= max(s, d) for e, s, d in steps):
        raise ValueError("output_padding must be smaller than the stride or the dilation")
    pads = [b + a for b, a in zip(geometry.before, geometry.after, strict=True)]
    axes = zip(positions, geometry.stride, spans(geometry), pads, geometry.extra, strict=True)
    size = tuple((p - 1) * s + span - pad + e for p, s, span, pad, e in axes)
    if min(size) < 1:
        raise ValueError(f"the padding cuts all of y away, which would be of size {size}")
    return size


def _check(
    axes: int, x: Array, weight: Array, bias: Any, groups: int, *, transposed: bool = False
) -> None:
    """Whether the arrays are of the right dimension and their channels fit together."""
    check_space(x, axes)
    if weight.ndim != axes + 2:
        names = "in, out" if transposed else "out, in"
        raise ValueError(f"weight has {weight.ndim} axes, not ({names} / groups, *kernel)")
    if groups < 1 or len(weight) % groups:
        raise ValueError(f"weight's {len(weight)} channels do not divide into {groups} groups")
    taken, made = weight.shape[1] * groups, len(weight)
    if transposed:
        taken, made = made, taken
    channels = x.ndim - axes - 1
    if x.shape[channels] != taken:
        advice = ""
        if x.shape[-1] == taken:
            last = f"x.transpose{(*range(channels), x.ndim - 1, *range(channels, x.ndim - 1))}"
            advice = f"; if they come last, write {last}"
        elif taken == 1 and not channels:
            advice = "; if that is the batch, write x[:, None]"
        raise ValueError(
            f"the kernels take {taken} channels, and x has {x.shape[channels]} on axis {channels}"
            f"{advice}"
        )
    if bias is not None and np.shape(bias) != (made,):
        raise ValueError(f"bias has shape {np.shape(bias)}, and y has {made} channels")


def _shifted(y: Any, bias: Any, x: Array) -> Array:
    """y plus the bias of each channel, without a batch axis if x has none."""
    if bias is not None:
        bias = bias.reshape(-1, *(1,) * (y.ndim - 2))
        y = np.add(y, bias, out=y if bias.dtype == y.dtype else None)
    return y if x.ndim == y.ndim else y[0]


def _bias_vjp(g: Any, axes: int) -> Any:
    over = (0, *range(2, axes + 2))
    return batched(g, axes).sum(axis=over, dtype=accumulator(g.dtype))


# -------------------------------------------------------------------- convolution


def _input_vjp(
    g: Any, weight: Any, like: Any, stride: Any, padding: Any, dilation: Any, groups: Any,
    axes: int,
) -> Any:  # fmt: skip
    moving = geometry(axes, weight.shape[2:], stride, padding, dilation, groups)
    return shaped(correlate_input(batched(g, axes), weight, like[-axes:], moving), like)


def _weight_vjp(
    g: Any, x: Any, like: Any, stride: Any, padding: Any, dilation: Any, groups: Any, axes: int
) -> Any:
    moving = geometry(axes, like[2:], stride, padding, dilation, groups)
    return correlate_weight(batched(x, axes), batched(g, axes), moving)


def conv(
    x: Array, weight: Array, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: int = 1, axes: int = 2,
) -> Array:  # fmt: skip
    """Convolution of (batch, channels, *space) with (out, in / groups, *kernel).
    y = w ⋆ x + b,  ∂L/∂x = w ⋆ᵀ g,  ∂L/∂w = g ⋆ x,  ∂L/∂b = Σ g"""
    _check(axes, x, weight, bias, groups)
    moving = geometry(axes, weight.shape[2:], stride, padding, dilation, groups)
    positions = positions_in(x.shape[-axes:], moving)
    return _shifted(correlate(batched(x, axes), weight, positions, moving), bias, x)


conv1d = spatial(1, conv, _input_vjp, _weight_vjp, _bias_vjp, products=True)
conv2d = spatial(2, conv, _input_vjp, _weight_vjp, _bias_vjp, products=True)
conv3d = spatial(3, conv, _input_vjp, _weight_vjp, _bias_vjp, products=True)


# -------------------------------------------------------------------- transposed convolution


def _transposed_input_vjp(
    g: Any, weight: Any, like: Any, stride: Any, padding: Any, groups: Any, dilation: Any,
    axes: int,
) -> Any:  # fmt: skip
    moving = geometry(axes, weight.shape[2:], stride, padding, dilation, groups)
    return shaped(correlate(batched(g, axes), weight, like[-axes:], moving), like)


def _transposed_weight_vjp(
    g: Any, x: Any, like: Any, stride: Any, padding: Any, groups: Any, dilation: Any, axes: int
) -> Any:
    moving = geometry(axes, like[2:], stride, padding, dilation, groups)
    return correlate_weight(batched(g, axes), batched(x, axes), moving)


def conv_transpose(
    x: Array, weight: Array, bias: Any = None, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, groups: int = 1, dilation: Any = 1, axes: int = 2,
) -> Array:  # fmt: skip
    """Transposed convolution of (batch, channels, *space) with (in, out / groups, *kernel).
    y = w ⋆ᵀ x + b,  ∂L/∂x = w ⋆ g,  ∂L/∂w = x ⋆ g,  ∂L/∂b = Σ g"""
    _check(axes, x, weight, bias, groups, transposed=True)
    moving = geometry(axes, weight.shape[2:], stride, padding, dilation, groups, output_padding)
    size = _size(x.shape[-axes:], moving)
    return _shifted(correlate_input(batched(x, axes), weight, size, moving), bias, x)


_TRANSPOSED = conv_transpose, _transposed_input_vjp, _transposed_weight_vjp, _bias_vjp

conv_transpose1d = spatial(1, *_TRANSPOSED, products=True)
conv_transpose2d = spatial(2, *_TRANSPOSED, products=True)
conv_transpose3d = spatial(3, *_TRANSPOSED, products=True)
