"""Convolution: each kernel's sum with what it meets as it moves over its input.

Inputs are (batch, channels, *space) and kernels (out, in / groups, *kernel), as in PyTorch; what
lies outside the input counts as 0.  A convolution is linear in its input and in its kernel, so with
weights y for its output it is one number, linear in x, w and y.  Leaving out one of the three gives
the three ops that are each other's derivatives: `correlate`, `correlate_input`, `correlate_weight`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..declare import Array, op

__all__ = [
    "conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d", "correlate", "correlate_input",
    "correlate_weight", "fold", "geometry", "unfold",
]  # fmt: skip

Sizes = tuple[int, ...]


class Geometry(NamedTuple):
    """How a kernel moves, one number for each spatial dimension.

    `before` and `after` are the padding, `extra` what a transposed convolution adds to its output.
    """

    kernel: Sizes
    stride: Sizes
    dilation: Sizes
    before: Sizes
    after: Sizes
    groups: int = 1
    extra: Sizes = ()


def geometry(
    axes: int, kernel_size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: int = 1, output_padding: Any = 0,
) -> Geometry:  # fmt: skip
    """The arguments of a convolution of so many spatial dimensions, checked.

    Raises ValueError for what is not one integer or one for each spatial dimension.
    """
    kernel = per_axis("kernel_size", kernel_size, axes)
    strides, dilations = per_axis("stride", stride, axes), per_axis("dilation", dilation, axes)
    if padding == "same":
        if set(strides) != {1}:
            raise ValueError("padding='same' needs stride 1, since a longer one makes y smaller")
        total = [d * (k - 1) for k, d in zip(kernel, dilations, strict=True)]
        before, after = tuple(n // 2 for n in total), tuple(n - n // 2 for n in total)
    elif isinstance(padding, str) and padding != "valid":
        raise ValueError(f"padding is a number, a tuple, 'same' or 'valid', and not {padding!r}")
    else:
        before = after = per_axis("padding", 0 if isinstance(padding, str) else padding, axes, 0)
    extra = per_axis("output_padding", output_padding, axes, 0)
    return Geometry(kernel, strides, dilations, before, after, groups, extra)


def per_axis(name: str, value: Any, axes: int, least: int = 1) -> Sizes:
    """One integer for each spatial dimension."""
    numbers = tuple(value) if isinstance(value, (tuple, list)) else (value,) * axes
    integers = all(isinstance(n, (int, np.integer)) for n in numbers)
    if len(numbers) != axes or not integers or min(numbers) < least:
        raise ValueError(
            f"{name} is one integer from {least} up, or {axes} of them in a tuple, one for each "
            f"spatial dimension, and not {value!r}"
        )
    return tuple(map(int, numbers))


# -------------------------------------------------------------------- what meets what


def _met(offset: int, stride: int, size: int, positions: int) -> tuple[slice, slice]:
    """Along one axis: the input met by a kernel element at `offset`, and at which positions."""
    first = max(0, -(offset // stride))
    last = max(first, min(positions, (size - 1 - offset) // stride + 1))
    start = offset + first * stride
    return slice(start, start + (last - first) * stride, stride), slice(first, last)


def visits(positions: Sizes, size: Sizes, geometry: Geometry) -> Iterator[tuple[Any, Any, Any]]:
    """For every kernel element, indices: into unfolded arrays, into the input, into the output."""
    axes = [
        [(i, *_met(i * d - b, s, n, p)) for i in range(k)]
        for p, n, k, s, d, b in zip(positions, size, *geometry[:4], strict=True)
    ]
    for visit in itertools.product(*axes):
        element, met, at = zip(*visit, strict=True)
        yield (slice(None), slice(None), *element, *at), (..., *met), (..., *at)


@op(None, lambda g, like, geometry: fold(g, like[2:], geometry), method=False)
def unfold(x: Array, positions: Sizes, geometry: Geometry) -> Array:
    """What a kernel meets, (batch, channels, *kernel, *positions).
    y[k, p] = x[p stride + k dilation - before],  ∂L/∂x = Σ g over equal indices"""
    kernel = geometry.kernel
    alone = set(kernel) == set(geometry.stride) == {1} and not any(geometry.before)
    if alone and x.shape[2:] == positions:
        return x.reshape(x.shape[:2] + kernel + positions)
    y = np.zeros((x.shape[1], *kernel, len(x), *positions), x.dtype)
    y = np.moveaxis(y, len(kernel) + 1, 0)  # in memory as `_columns` wants them
    for unfolded, met, _ in visits(positions, x.shape[2:], geometry):
        y[unfolded] = x[met]
    return y


@op(None, lambda g, like, geometry: unfold(g, _positions(like), geometry), method=False)
def fold(y: Array, size: Sizes, geometry: Geometry) -> Array:
    """The adjoint of `unfold`: what a kernel meets, added up.
    x[p stride + k dilation - before] = Σ y[k, p],  ∂L/∂y[k, p] = g[p stride + k dilation - before]
    """
    x = np.zeros((y.shape[1], len(y), *size), y.dtype).swapaxes(0, 1)
    steps = zip(geometry.stride, geometry.dilation, geometry.kernel, strict=True)
    apart = all(s > d * (k - 1) for s, d, k in steps)  # no element is met twice
    for unfolded, met, _ in visits(_positions(y.shape), size, geometry):
        if apart:
            x[met] = y[unfolded]
        else:
            x[met] += y[unfolded]
    return x


def _positions(shape: Sizes) -> Sizes:
    """The positions' part of an unfolded shape, (batch, channels, *kernel, *positions)."""
    return shape[len(shape) // 2 + 1 :]


# -------------------------------------------------------------------- one form, three derivatives


def _kernels(weight: Array, groups: int) -> Array:
    """The kernels as rows of matrices: (groups, out / groups, channels · kernel)."""
    return weight.reshape(groups, len(weight) // groups, math.prod(weight.shape[1:]))


def _columns(x: Array, positions: Sizes, geometry: Geometry) -> Array:
    """`unfold`ed, for all samples at once: (groups, channels · kernel, batch · positions)."""
    met: Any = unfold(x, positions, geometry)
    y: Any = np.moveaxis(met, 0, len(positions) + 1)
    rows = x.shape[1] // geometry.groups * math.prod(geometry.kernel)
    return y.reshape(geometry.groups, rows, len(x) * math.prod(positions))


def _rows(y: Array, groups: int) -> Array:
    """Each channel's values for all samples: (groups, channels, batch · positions)."""
    channels = y.shape[1] // groups
    return y.swapaxes(0, 1).reshape(groups, channels, len(y) * math.prod(y.shape[2:]))


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
    columns = _columns(x, positions, geometry)
    y = _kernels(weight, geometry.groups) @ columns
    return y.reshape(len(weight), len(x), *positions).swapaxes(0, 1)


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
    groups, (per_group, *kernel) = geometry.groups, weight.shape[1:]
    columns = _kernels(weight, groups).swapaxes(1, 2) @ _rows(y, groups)
    unfolded = columns.reshape(per_group * groups, *kernel, len(y), *y.shape[2:])
    x: Any = fold(np.moveaxis(unfolded, len(kernel) + 1, 0), size, geometry)
    return x


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
    columns = _columns(x, y.shape[2:], geometry)
    weight = _rows(y, geometry.groups) @ columns.swapaxes(1, 2)
    return weight.reshape(y.shape[1], x.shape[1] // geometry.groups, *geometry.kernel)


# -------------------------------------------------------------------- sizes


def _pads(geometry: Geometry) -> Sizes:
    return tuple(b + a for b, a in zip(geometry.before, geometry.after, strict=True))


def _spans(geometry: Geometry) -> Sizes:
    """How many elements lie between a kernel's ends, with them."""
    return tuple(d * (k - 1) + 1 for k, d in zip(geometry.kernel, geometry.dilation, strict=True))


def positions_in(size: Sizes, geometry: Geometry) -> Sizes:
    """At how many positions the kernel stands along each axis."""
    padded = [n + pad for n, pad in zip(size, _pads(geometry), strict=True)]
    axes = list(zip(padded, _spans(geometry), geometry.stride, strict=True))
    for n, span, _ in axes:
        if span > n:
            raise ValueError(
                f"the kernel spans {span} elements and the padded input has only {n}; "
                "take a smaller kernel, more padding, or a larger input"
            )
    return tuple((n - span) // s + 1 for n, span, s in axes)


def _size(positions: Sizes, geometry: Geometry) -> Sizes:
    """How much a kernel at those positions covers along each axis, less the padding."""
    steps = zip(geometry.extra, geometry.stride, geometry.dilation, strict=True)
    if any(e >= max(s, d) for e, s, d in steps):
        raise ValueError("output_padding must be smaller than the stride or the dilation")
    pads, spans = _pads(geometry), _spans(geometry)
    axes = zip(positions, geometry.stride, spans, pads, geometry.extra, strict=True)
    size = tuple((p - 1) * s + span - pad + e for p, s, span, pad, e in axes)
    if min(size) < 1:
        raise ValueError(f"the padding cuts all of y away, which would be of size {size}")
    return size


def check_space(x: Array, axes: int) -> None:
    """Whether x is a batch of channels of so many spatial dimensions."""
    if x.ndim != axes + 2:
        advice = "; a single sample is x[None]" if x.ndim == axes + 1 else ""
        space = ("length", "height, width")[axes - 1]
        raise ValueError(f"x has {x.ndim} axes, not (batch, channels, {space}){advice}")


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
    given, taken, made = x.shape[1], weight.shape[1] * groups, len(weight)
    if transposed:
        taken, made = made, taken
    if given != taken:
        last = f"x.transpose{(0, axes + 1, *range(1, axes + 1))}"
        advice = f"; if they come last, write {last}" if x.shape[-1] == taken else ""
        raise ValueError(f"the kernels take {taken} channels, and x has {given} on axis 1{advice}")
    if bias is not None and np.shape(bias) != (made,):
        raise ValueError(f"bias has shape {np.shape(bias)}, and y has {made} channels")


def _shifted(y: Any, bias: Any) -> Array:
    if bias is None:
        return y
    bias = bias.reshape(-1, *(1,) * (y.ndim - 2))
    return np.add(y, bias, out=y if bias.dtype == y.dtype else None)


def _bias_vjp(g: Any) -> Any:
    return g.sum(axis=(0, *range(2, g.ndim)))


# -------------------------------------------------------------------- convolution


def _geometry_of(weight_shape: Sizes, *arguments: Any) -> Geometry:
    return geometry(len(weight_shape) - 2, weight_shape[2:], *arguments)


def _input_vjp(
    g: Any, weight: Any, like: Any, stride: Any, padding: Any, dilation: Any, groups: Any
) -> Any:
    moving = _geometry_of(weight.shape, stride, padding, dilation, groups)
    return correlate_input(g, weight, like[2:], moving)


def _weight_vjp(
    g: Any, x: Any, like: Any, stride: Any, padding: Any, dilation: Any, groups: Any
) -> Any:
    return correlate_weight(x, g, _geometry_of(like, stride, padding, dilation, groups))


def _convolved(
    axes: int, x: Array, weight: Array, bias: Any, stride: Any, padding: Any, dilation: Any, n: int
) -> Array:
    _check(axes, x, weight, bias, n)
    moving = _geometry_of(weight.shape, stride, padding, dilation, n)
    positions = positions_in(x.shape[2:], moving)
    return _shifted(correlate(x, weight, positions, moving), bias)


@op(None, _input_vjp, _weight_vjp, _bias_vjp, products=True, method=False)
def conv1d(
    x: Array, weight: Array, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: int = 1,
) -> Array:  # fmt: skip
    """Convolution of (batch, channels, length) with (out, in / groups, kernel).
    y = w ⋆ x + b,  ∂L/∂x = w ⋆ᵀ g,  ∂L/∂w = g ⋆ x,  ∂L/∂b = Σ g"""
    return _convolved(1, x, weight, bias, stride, padding, dilation, groups)


@op(None, _input_vjp, _weight_vjp, _bias_vjp, products=True, method=False)
def conv2d(
    x: Array, weight: Array, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: int = 1,
) -> Array:  # fmt: skip
    """Convolution of (batch, channels, height, width) with (out, in / groups, *kernel).
    y = w ⋆ x + b,  ∂L/∂x = w ⋆ᵀ g,  ∂L/∂w = g ⋆ x,  ∂L/∂b = Σ g"""
    return _convolved(2, x, weight, bias, stride, padding, dilation, groups)


# -------------------------------------------------------------------- transposed convolution


def _transposed_input_vjp(
    g: Any, weight: Any, like: Any, stride: Any, padding: Any, groups: Any, dilation: Any
) -> Any:
    return correlate(
        g, weight, like[2:], _geometry_of(weight.shape, stride, padding, dilation, groups)
    )


def _transposed_weight_vjp(
    g: Any, x: Any, like: Any, stride: Any, padding: Any, groups: Any, dilation: Any
) -> Any:
    return correlate_weight(g, x, _geometry_of(like, stride, padding, dilation, groups))


def _laid_down(
    axes: int, x: Array, weight: Array, bias: Any, stride: Any, padding: Any, output_padding: Any,
    groups: int, dilation: Any,
) -> Array:  # fmt: skip
    _check(axes, x, weight, bias, groups, transposed=True)
    moving = _geometry_of(weight.shape, stride, padding, dilation, groups, output_padding)
    size = _size(x.shape[2:], moving)
    return _shifted(correlate_input(x, weight, size, moving), bias)


@op(
    None,
    _transposed_input_vjp,
    _transposed_weight_vjp,
    _bias_vjp,
    products=True,
    method=False,
)
def conv_transpose1d(
    x: Array, weight: Array, bias: Any = None, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, groups: int = 1, dilation: Any = 1,
) -> Array:  # fmt: skip
    """Transposed convolution of (batch, channels, length) with (in, out / groups, kernel).
    y = w ⋆ᵀ x + b,  ∂L/∂x = w ⋆ g,  ∂L/∂w = x ⋆ g,  ∂L/∂b = Σ g"""
    return _laid_down(1, x, weight, bias, stride, padding, output_padding, groups, dilation)


@op(
    None,
    _transposed_input_vjp,
    _transposed_weight_vjp,
    _bias_vjp,
    products=True,
    method=False,
)
def conv_transpose2d(
    x: Array, weight: Array, bias: Any = None, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, groups: int = 1, dilation: Any = 1,
) -> Array:  # fmt: skip
    """Transposed convolution of (batch, channels, height, width) with (in, out / groups, *kernel).
    y = w ⋆ᵀ x + b,  ∂L/∂x = w ⋆ g,  ∂L/∂w = x ⋆ g,  ∂L/∂b = Σ g"""
    return _laid_down(2, x, weight, bias, stride, padding, output_padding, groups, dilation)
