"""Windows: how a kernel moves over spatial dimensions, what it meets, and the adjoint of that.

Inputs are (batch, channels, *space) with one to three spatial dimensions; a single sample has no
batch axis.  Convolution and pooling are declared once for all of these by `spatial`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from ..declare import Array, op
from ..precision import accumulator, rounded
from ..tensor import Tensor

__all__ = [
    "check_space", "dimensioned", "fold", "geometry", "spatial", "unfold", "window_spread",
    "window_sum",
]  # fmt: skip

Sizes = tuple[int, ...]

_SPACES = {1: "length", 2: "height, width", 3: "depth, height, width"}


def spatial(
    axes: int, forward: Callable[..., Any], *vjps: Callable[..., Any], **traits: Any
) -> Callable[..., Tensor]:
    """The op of so many spatial dimensions: of `conv`, it is conv1d, conv2d or conv3d.

    The forward and VJPs of all are the same; each has its number as the default of `axes`, the
    forward's last parameter.
    """
    code, defaults = forward.__code__, forward.__defaults__ or ()
    own = FunctionType(code, forward.__globals__, forward.__name__, (*defaults[:-1], axes))
    own.__doc__, own.__annotations__ = forward.__doc__, forward.__annotations__
    return op(None, *vjps, method=False, **traits)(dimensioned(axes, own))


def dimensioned(axes: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with the number of spatial dimensions in its name, as in conv2d.

    In its docstring, `*space` becomes their names.
    """
    function.__name__ = function.__qualname__ = f"{function.__name__}{axes}d"
    function.__doc__ = (function.__doc__ or "").replace("*space", _SPACES[axes])
    return function


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


# -------------------------------------------------------------------- batches of channels


def check_space(x: Any, axes: int) -> None:
    """Whether x has channels and so many spatial dimensions, with or without a batch axis.

    Raises ValueError for other axes.
    """
    if x.ndim not in (axes + 1, axes + 2):
        sample = f"channels, {_SPACES[axes]}"
        raise ValueError(f"x has {x.ndim} axes, not (batch, {sample}) or ({sample})")


def batched(x: Any, axes: int) -> Any:
    """x with a batch axis, of one sample if it has none."""
    return x if x.ndim == axes + 2 else np.expand_dims(x, 0)


def shaped(y: Any, shape: Sizes) -> Any:
    """What was computed of a batch, in the shape that it has without a batch axis."""
    return y if y.shape == shape else y.reshape(shape)


# -------------------------------------------------------------------- sizes


def spans(geometry: Geometry) -> Sizes:
    """How many elements lie between a kernel's ends, with them."""
    return tuple(d * (k - 1) + 1 for k, d in zip(geometry.kernel, geometry.dilation, strict=True))


def positions_in(size: Sizes, geometry: Geometry, ceil_mode: bool = False) -> Sizes:
    """At how many positions the kernel stands along each axis.

    With `ceil_mode` the last may reach beyond the padded input, if it starts before the padding at
    the end.
    """
    positions = []
    for n, span, s, before, after in zip(
        size, spans(geometry), geometry.stride, geometry.before, geometry.after, strict=True
    ):
        padded = before + n + after
        p = (padded - span + (s - 1 if ceil_mode else 0)) // s + 1
        if ceil_mode and (p - 1) * s >= n + before:
            p -= 1
        if p < 1:
            raise ValueError(
                f"the kernel spans {span} elements and the padded input has only {padded}; "
                "take a smaller kernel, more padding, or a larger input"
            )
        positions.append(p)
    return tuple(positions)


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


def widened(positions: Sizes, geometry: Geometry) -> Sizes:
    """The positions at which `windows` looks, of which those at the end of a row may be void."""
    *others, last = positions
    void = spans(geometry)[-1] - 1
    return (*others, last + void) if geometry.stride[-1] == 1 and 8 * void <= last else positions


def windows(x: Array, positions: Sizes, geometry: Geometry) -> Array:
    """What a kernel meets, as a view of the padded x: (channels, *kernel, batch, *positions).

    The positions are `widened` to whole rows of the padded x, if the kernel moves by one element:
    then these are next to each other in memory, and all rows of an image are copied at once.
    """
    kernel, stride, dilation, before = geometry[:4]
    wide, moves = widened(positions, geometry), zip(positions, stride, spans(geometry), strict=True)
    padded = _surrounded(
        x, tuple((p - 1) * s + span for p, s, span in moves), before, wide[-1] - positions[-1]
    )
    channel, sample, *steps = padded.strides
    strides = (
        channel, *(d * step for d, step in zip(dilation, steps, strict=True)),
        sample, *(s * step for s, step in zip(stride, steps, strict=True)),
    )  # fmt: skip
    shape = (x.shape[1], *kernel, len(x), *wide)
    return np.lib.stride_tricks.as_strided(padded, shape, strides, writeable=False)


def _surrounded(x: Array, size: Sizes, before: Sizes, behind: int) -> Array:
    """x[-before : size - before] with 0 for what is outside: (channels, batch, *size).

    So many more elements can be read `behind` it.
    """
    x = x.swapaxes(0, 1)
    axes = [*zip(before, size, x.shape[2:], strict=True)]
    if not behind and all(b == 0 and m <= n for b, m, n in axes):
        first: Any = (..., *map(slice, size))
        return x[first]
    shape = (*x.shape[:2], *size)
    flat = np.zeros(math.prod(shape) + behind, x.dtype)
    padded = flat[: math.prod(shape)].reshape(shape)
    inside, here = zip(*(_met(-b, 1, n, m) for b, m, n in axes), strict=True)
    every = (slice(None), slice(None))
    padded[every + here] = x[every + inside]
    return padded


def is_apart(geometry: Geometry) -> bool:
    """Whether no element is met twice."""
    steps = zip(geometry.stride, spans(geometry), strict=True)
    return all(stride >= span for stride, span in steps)


@op(None, lambda g, like, geometry: fold(g, like[2:], geometry), method=False)
def unfold(x: Array, positions: Sizes, geometry: Geometry) -> Array:
    """What a kernel meets, (batch, channels, *kernel, *positions).
    y[k, p] = x[p stride + k dilation - before],  ∂L/∂x = Σ g over equal indices"""
    kernel = geometry.kernel
    alone = set(kernel) == set(geometry.stride) == {1} and not any(geometry.before)
    if alone and x.shape[2:] == positions:
        return x.reshape(x.shape[:2] + kernel + positions)
    y = np.zeros((x.shape[1], *kernel, len(x), *positions), x.dtype)
    y = np.moveaxis(y, len(kernel) + 1, 0)  # in memory as a convolution wants them
    for unfolded, met, _ in visits(positions, x.shape[2:], geometry):
        y[unfolded] = x[met]
    return y


@op(None, lambda g, like, geometry: unfold(g, _positions(like), geometry), method=False)
def fold(y: Array, size: Sizes, geometry: Geometry) -> Array:
    """The adjoint of `unfold`: what a kernel meets, added up.
    x[p stride + k dilation - before] = Σ y[k, p],  ∂L/∂y[k, p] = g[p stride + k dilation - before]
    """
    dtype = accumulator(y.dtype) or y.dtype
    x = np.zeros((y.shape[1], len(y), *size), dtype).swapaxes(0, 1)
    apart = is_apart(geometry)
    for unfolded, met, _ in visits(_positions(y.shape), size, geometry):
        if apart:
            x[met] = y[unfolded]
        else:
            x[met] += y[unfolded]
    return rounded(x, y)


def _positions(shape: Sizes) -> Sizes:
    """The positions' part of an unfolded shape, (batch, channels, *kernel, *positions)."""
    return shape[len(shape) // 2 + 1 :]


Chosen = list[Array] | None


@op(None, lambda g, like, chosen, geometry: window_sum(g, chosen, like[2:], geometry), method=False)
def window_spread(y: Array, chosen: Chosen, size: Sizes, geometry: Geometry) -> Array:
    """Each window's number, given to all of its elements or those chosen by c of 0 and 1.
    xᵢ = Σ cₖ y[p] over the windows p of which i is element k,  ∂L/∂y[p] = Σ cₖ gᵢ"""
    x = np.zeros_like(y, accumulator(y.dtype), shape=(*y.shape[:2], *size))
    apart = is_apart(geometry)
    for k, (_, met, at) in enumerate(visits(y.shape[2:], size, geometry)):
        given = y[at] if chosen is None else y[at] * chosen[k]
        if apart:
            x[met] = given
        else:
            x[met] += given
    return rounded(x, y)


@op(
    None,
    lambda g, like, chosen, geometry: window_spread(g, chosen, like[2:], geometry),
    method=False,
)
def window_sum(x: Array, chosen: Chosen, positions: Sizes, geometry: Geometry) -> Array:
    """The sum of each window, or of those of its elements chosen by c of 0 and 1.
    y[p] = Σ cₖ xᵢ over the elements k of window p,  ∂L/∂xᵢ = Σ cₖ g[p]"""
    y = np.zeros_like(x, accumulator(x.dtype), shape=(*x.shape[:2], *positions))
    for k, (_, met, at) in enumerate(visits(positions, x.shape[2:], geometry)):
        y[at] += x[met] if chosen is None else x[met] * chosen[k]
    return rounded(y, x)
