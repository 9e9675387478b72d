"""Derivatives of convolution and pooling: what a kernel meets as it moves over its input.

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

Sizes = tuple[int, ...]


class Geometry(NamedTuple):
    """How a kernel moves: per axis of space its stride, its dilation and the padding before it."""

    stride: Sizes
    dilation: Sizes
    before: Sizes
    groups: int = 1


# -------------------------------------------------------------------- what meets what


def _met(offset: int, stride: int, size: int, positions: int) -> tuple[slice, slice]:
    """Along one axis: the input met by a kernel element at `offset`, and at which positions."""
    first = max(0, -(offset // stride))
    last = max(first, min(positions, (size - 1 - offset) // stride + 1))
    start = offset + first * stride
    return slice(start, start + (last - first) * stride, stride), slice(first, last)


def visits(
    kernel: Sizes, positions: Sizes, size: Sizes, geometry: Geometry
) -> Iterator[tuple[Any, Any, Any]]:
    """For every kernel element, indices: into unfolded arrays, into the input, into the output."""
    stride, dilation, before, _ = geometry
    axes = [
        [(i, *_met(i * d - b, s, n, p)) for i in range(k)]
        for k, p, n, s, d, b in zip(kernel, positions, size, stride, dilation, before, strict=True)
    ]
    for visit in itertools.product(*axes):
        place, met, at = zip(*visit, strict=True)
        yield (slice(None), slice(None), *place, *at), (..., *met), (..., *at)


@op(None, lambda g, like, geometry: fold(g, like[2:], geometry), method=False)
def unfold(x: Array, kernel: Sizes, positions: Sizes, geometry: Geometry) -> Array:
    """What a kernel meets, (batch, channels, *kernel, *positions).

    y[k, p] = x[p stride + k dilation - before],  ∂L/∂x = Σ g over equal places
    """
    if x.shape[2:] == positions and set(kernel) == {1} and not any(geometry.before):
        return x.reshape(x.shape[:2] + kernel + positions)
    y = np.zeros((x.shape[1], *kernel, len(x), *positions), x.dtype)
    y = np.moveaxis(y, len(kernel) + 1, 0)  # in memory as `_columns` wants them
    for unfolded, met, _ in visits(kernel, positions, x.shape[2:], geometry):
        y[unfolded] = x[met]
    return y


@op(None, lambda g, like, geometry: unfold(g, *_halves(like[2:]), geometry), method=False)
def fold(y: Array, size: Sizes, geometry: Geometry) -> Array:
    """What `unfold` took apart, added up in its places.

    x[p stride + k dilation - before] = Σ y[k, p],  ∂L/∂y = g at those places
    """
    x = np.zeros((y.shape[1], len(y), *size), y.dtype).swapaxes(0, 1)
    kernel, positions = _halves(y.shape[2:])
    steps = zip(geometry.stride, geometry.dilation, kernel, strict=True)
    apart = all(s > d * (k - 1) for s, d, k in steps)  # no place is met twice
    for unfolded, met, _ in visits(kernel, positions, size, geometry):
        if apart:
            x[met] = y[unfolded]
        else:
            x[met] += y[unfolded]
    return x


def _halves(shape: Sizes) -> tuple[Sizes, Sizes]:
    """The kernel's and the positions' part of an unfolded shape."""
    return shape[: len(shape) // 2], shape[len(shape) // 2 :]


# -------------------------------------------------------------------- one form, three derivatives


def _kernels(weight: Array, groups: int) -> Array:
    """The kernels as rows of matrices: (groups, out / groups, channels · kernel)."""
    return weight.reshape(groups, len(weight) // groups, math.prod(weight.shape[1:]))


def _columns(x: Array, kernel: Sizes, positions: Sizes, geometry: Geometry) -> Array:
    """`unfold`ed, for all samples at once: (groups, channels · kernel, batch · positions)."""
    met: Any = unfold(x, kernel, positions, geometry)
    y: Any = np.moveaxis(met, 0, len(kernel) + 1)
    rows = x.shape[1] // geometry.groups * math.prod(kernel)
    return y.reshape(geometry.groups, rows, len(x) * math.prod(positions))


def _rows(y: Array, groups: int) -> Array:
    """Each channel's values for all samples: (groups, channels, batch · positions)."""
    channels = y.shape[1] // groups
    return y.swapaxes(0, 1).reshape(groups, channels, len(y) * math.prod(y.shape[2:]))


@op(
    None,
    lambda g, weight, like, geometry: correlate_input(g, weight, like[2:], geometry),
    lambda g, x, like, geometry: correlate_weight(x, g, like[2:], geometry),
    products=True,
    method=False,
)
def correlate(x: Array, weight: Array, positions: Sizes, geometry: Geometry) -> Array:
    """Each kernel's sum at each position.  y = w ⋆ x,  ∂L/∂x = w ⋆ᵀ g,  ∂L/∂w = g ⋆ x"""
    columns = _columns(x, weight.shape[2:], positions, geometry)
    y = _kernels(weight, geometry.groups) @ columns
    return y.reshape(len(weight), len(x), *positions).swapaxes(0, 1)


@op(
    None,
    lambda g, weight, like, geometry: correlate(g, weight, like[2:], geometry),
    lambda g, y, like, geometry: correlate_weight(g, y, like[2:], geometry),
    products=True,
    method=False,
)
def correlate_input(y: Array, weight: Array, size: Sizes, geometry: Geometry) -> Array:
    """Each kernel laid down at each position.  x = w ⋆ᵀ y,  ∂L/∂y = w ⋆ g,  ∂L/∂w = y ⋆ g"""
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
def correlate_weight(x: Array, y: Array, kernel: Sizes, geometry: Geometry) -> Array:
    """What each kernel element meets.  w = y ⋆ x,  ∂L/∂x = g ⋆ᵀ y,  ∂L/∂y = g ⋆ x"""
    columns = _columns(x, kernel, y.shape[2:], geometry)
    weight = _rows(y, geometry.groups) @ columns.swapaxes(1, 2)
    return weight.reshape(y.shape[1], x.shape[1] // geometry.groups, *kernel)


# -------------------------------------------------------------------- arguments


def per_axis(name: str, value: Any, axes: int, least: int) -> Sizes:
    """One number for each axis of space."""
    numbers = tuple(value) if isinstance(value, (tuple, list)) else (value,) * axes
    whole = all(isinstance(n, (int, np.integer)) for n in numbers)
    if len(numbers) != axes or not whole or min(numbers) < least:
        raise ValueError(
            f"{name} is one whole number from {least} up, or {axes} of them in a tuple, one for "
            f"each axis of space, and not {value!r}"
        )
    return tuple(map(int, numbers))


def _paddings(padding: Any, kernel: Sizes, stride: Sizes, dilation: Sizes) -> tuple[Sizes, Sizes]:
    """The padding before and after each axis of space."""
    if padding == "same":
        if set(stride) != {1}:
            raise ValueError("padding='same' needs stride 1, since a longer one makes y smaller")
        total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return tuple(n // 2 for n in total), tuple(n - n // 2 for n in total)
    if isinstance(padding, str) and padding != "valid":
        raise ValueError(f"padding is a number, a tuple, 'same' or 'valid', and not {padding!r}")
    both = per_axis("padding", 0 if isinstance(padding, str) else padding, len(kernel), 0)
    return both, both


def padded_geometry(
    kernel: Sizes, stride: Any, padding: Any, dilation: Any, groups: int
) -> Geometry:
    """The arguments as people give them, checked."""
    stride = per_axis("stride", stride, len(kernel), 1)
    dilation = per_axis("dilation", dilation, len(kernel), 1)
    before, _ = _paddings(padding, kernel, stride, dilation)
    return Geometry(stride, dilation, before, groups)


def places(size: Sizes, kernel: Sizes, padding: Any, geometry: Geometry) -> Sizes:
    """At how many positions the kernel stands along each axis."""
    stride, dilation, before, _ = geometry
    after = _paddings(padding, kernel, stride, dilation)[1]
    padded = [n + b + a for n, b, a in zip(size, before, after, strict=True)]
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    for span, n in zip(spans, padded, strict=True):
        if span > n:
            raise ValueError(
                f"the kernel spans {span} elements and the padded input has only {n}; "
                "take a smaller kernel, more padding, or a larger input"
            )
    return tuple((n - m) // s + 1 for n, m, s in zip(padded, spans, stride, strict=True))


def _size(positions: Sizes, kernel: Sizes, padding: Any, extra: Sizes, geometry: Geometry) -> Sizes:
    """How much a kernel at those positions covers along each axis, less the padding."""
    stride, dilation, before, _ = geometry
    after = _paddings(padding, kernel, stride, dilation)[1]
    pads = [b + a for b, a in zip(before, after, strict=True)]
    axes = zip(positions, kernel, stride, dilation, pads, extra, strict=True)
    size = tuple((p - 1) * s + d * (k - 1) + 1 - pad + e for p, k, s, d, pad, e in axes)
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation, strict=True)):
        raise ValueError("output_padding must be smaller than the stride or the dilation")
    if min(size) < 1:
        raise ValueError(f"the padding cuts all of y away, which would be of size {size}")
    return size


def check_space(x: Array, axes: int) -> None:
    """Whether x is a batch of channels of as many axes of space."""
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


def _input_vjp(
    g: Any, weight: Any, like: Any, stride: Any, padding: Any, dilation: Any, groups: Any
) -> Any:
    geometry = padded_geometry(weight.shape[2:], stride, padding, dilation, groups)
    return correlate_input(g, weight, like[2:], geometry)


def _weight_vjp(
    g: Any, x: Any, like: Any, stride: Any, padding: Any, dilation: Any, groups: Any
) -> Any:
    geometry = padded_geometry(like[2:], stride, padding, dilation, groups)
    return correlate_weight(x, g, like[2:], geometry)


def _convolved(
    x: Array, weight: Array, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Array:
    kernel, size = weight.shape[2:], x.shape[2:]
    geometry = padded_geometry(kernel, stride, padding, dilation, groups)
    positions = places(size, kernel, padding, geometry)
    return _shifted(correlate(x, weight, positions, geometry), bias)


@op(None, _input_vjp, _weight_vjp, _bias_vjp, products=True, method=False)
def conv1d(
    x: Array,
    weight: Array,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Array:
    """Convolution of (batch, channels, length) with (out, in / groups, kernel).

    y = w ⋆ x + b,  ∂L/∂x = w ⋆ᵀ g,  ∂L/∂w = g ⋆ x,  ∂L/∂b = Σ g
    """
    _check(1, x, weight, bias, groups)
    return _convolved(x, weight, bias, stride, padding, dilation, groups)


@op(None, _input_vjp, _weight_vjp, _bias_vjp, products=True, method=False)
def conv2d(
    x: Array,
    weight: Array,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Array:
    """Convolution of (batch, channels, height, width) with (out, in / groups, *kernel).

    y = w ⋆ x + b,  ∂L/∂x = w ⋆ᵀ g,  ∂L/∂w = g ⋆ x,  ∂L/∂b = Σ g
    """
    _check(2, x, weight, bias, groups)
    return _convolved(x, weight, bias, stride, padding, dilation, groups)


# -------------------------------------------------------------------- transposed convolution


def _transposed_input_vjp(
    g: Any, weight: Any, like: Any, stride: Any, padding: Any, groups: Any, dilation: Any
) -> Any:
    geometry = padded_geometry(weight.shape[2:], stride, padding, dilation, groups)
    return correlate(g, weight, like[2:], geometry)


def _transposed_weight_vjp(
    g: Any, x: Any, like: Any, stride: Any, padding: Any, groups: Any, dilation: Any
) -> Any:
    geometry = padded_geometry(like[2:], stride, padding, dilation, groups)
    return correlate_weight(g, x, like[2:], geometry)


def _laid_down(
    x: Array,
    weight: Array,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Array:
    kernel = weight.shape[2:]
    geometry = padded_geometry(kernel, stride, padding, dilation, groups)
    extra = per_axis("output_padding", output_padding, len(kernel), 0)
    size = _size(x.shape[2:], kernel, padding, extra, geometry)
    return _shifted(correlate_input(x, weight, size, geometry), bias)


@op(
    None,
    _transposed_input_vjp,
    _transposed_weight_vjp,
    _bias_vjp,
    products=True,
    method=False,
)
def conv_transpose1d(
    x: Array,
    weight: Array,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Array:
    """Transposed convolution of (batch, channels, length) with (in, out / groups, kernel).

    y = w ⋆ᵀ x + b,  ∂L/∂x = w ⋆ g,  ∂L/∂w = x ⋆ g,  ∂L/∂b = Σ g
    """
    _check(1, x, weight, bias, groups, transposed=True)
    return _laid_down(x, weight, bias, stride, padding, output_padding, groups, dilation)


@op(
    None,
    _transposed_input_vjp,
    _transposed_weight_vjp,
    _bias_vjp,
    products=True,
    method=False,
)
def conv_transpose2d(
    x: Array,
    weight: Array,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Array:
    """Transposed convolution of (batch, channels, height, width) with (in, out / groups, *kernel).

    y = w ⋆ᵀ x + b,  ∂L/∂x = w ⋆ g,  ∂L/∂w = x ⋆ g,  ∂L/∂b = Σ g
    """
    _check(2, x, weight, bias, groups, transposed=True)
    return _laid_down(x, weight, bias, stride, padding, output_padding, groups, dilation)
