"""Normalization: to mean 0 and variance 1, then scaled and shifted by learned numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, effect, ops

from .options import checked

__all__ = ["batch_norm", "group_norm", "layer_norm", "rms_norm"]


@checked()
def batch_norm(
    x: Tensor, running_mean: Any = None, running_var: Any = None, weight: Any = None,
    bias: Any = None, training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Each channel, on axis 1, to mean 0 and variance 1, then times weight, plus bias.

    In training the statistics are the batch's, over all other axes, and the arrays `running_mean`
    and `running_var` (of the unbiased variance), if given, move towards them by the share
    `momentum`.  In evaluation they take the place of the batch's, if given.  All have shape
    (channels,).  Raises ValueError for other shapes, and for a batch with one value a channel,
    which has no variance.
    """
    running = {"running_mean": running_mean, "running_var": running_var}
    shape = _channels(x, **running, weight=weight, bias=bias)
    tracked = running_mean is not None and running_var is not None
    if tracked and not training:
        running_mean, running_var = Tensor(running_mean), Tensor(running_var)
        scale = (running_var + eps) ** -0.5
        scale = scale if weight is None else scale * weight
        shift = -running_mean * scale  # of a new array: training changes the old one
        shift = shift if bias is None else shift + bias
        moved: Tensor = x * scale.reshape(shape) + shift.reshape(shape)
        return moved
    if x.size <= x.shape[1]:
        instead = ", or call model.eval() to use the running statistics"
        raise ValueError(
            "the variance of a channel needs more than one value; give a larger batch "
            "(drop_last=True leaves out a last one of 1)"
            f"{instead if tracked else ''} (shape: {x.shape})"
        )
    axes = (0, *range(2, x.ndim))
    y, mean, var = ops.standardize(x, *_shaped(shape, weight, bias), axes, eps)
    if tracked:
        running_arrays, n = (running_mean, running_var), x.size // x.shape[1]
        effect(_follow, mean, var, *running_arrays, n, momentum, changes=running_arrays)
    return y


def _follow(
    mean: Any, var: Any, running_mean: Any, running_var: Any, n: int, momentum: float
) -> None:
    """Move the running statistics towards those of a batch with n values a channel."""
    running_mean += momentum * (mean.ravel() - running_mean)
    running_var += momentum * (var.ravel() * (n / (n - 1)) - running_var)


@checked()
def group_norm(
    x: Tensor, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Tensor:
    """Each group of a sample's channels, on axis 1, to mean 0 and variance 1.

    Weight and bias have shape (channels,).  Raises ValueError for other shapes, and if the
    channels do not divide into the groups.
    """
    _channels(x, weight=weight, bias=bias)
    channels = x.shape[1]
    if num_groups < 1 or channels % num_groups:
        raise ValueError(f"{channels} channels do not divide into {num_groups} groups")
    each = num_groups, channels // num_groups
    grouped = x.reshape((len(x), *each, math.prod(x.shape[2:])))
    given = _shaped((*each, 1), weight, bias)
    return ops.standardize(grouped, *given, (2, 3), eps)[0].reshape(x.shape)


@checked()
def layer_norm(
    x: Tensor, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Tensor:
    """The last axes of each sample to mean 0 and variance 1, then times weight, plus bias.

    `normalized_shape` is the shape of these axes, or the size of the last one, and that of weight
    and bias.  Raises ValueError for other shapes.
    """
    axes = _last_axes(x, normalized_shape, weight=weight, bias=bias)
    return ops.standardize(x, weight, bias, axes, eps)[0]


@checked()
def rms_norm(
    x: Tensor, normalized_shape: Any, weight: Any = None, eps: float | None = None
) -> Tensor:
    """The last axes of each sample to mean square 1, then times weight.

    `eps` is by default the smallest of x's dtype with 1 + ε > 1.  Shapes are as in `layer_norm`.
    """
    axes = _last_axes(x, normalized_shape, weight=weight)
    eps = float(np.finfo(x.dtype).eps) if eps is None else eps
    y = ops.unit_rms(x, axes, eps)
    return y if weight is None else y * weight


def _shaped(shape: tuple[int, ...], *given: Any) -> Any:
    """The same numbers in a shape that broadcasts, and None as it is."""
    return (None if value is None else value.reshape(shape) for value in given)


def _last_axes(x: Tensor, shape: Any, **given: Any) -> tuple[int, ...]:
    """The axes of that shape, if x ends in them and all that is given has it."""
    shape = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    if x.shape[-len(shape) :] != shape:
        listed = ", ".join(map(str, shape))
        raise ValueError(f"x must have shape (..., {listed}), and has shape {x.shape}")
    _check_given(given, shape, "that of the last axes of x, which are normalized")
    return tuple(range(-len(shape), 0))


def _channels(x: Tensor, **given: Any) -> tuple[int, ...]:
    """The shape in which what is given broadcasts to x, if x has channels on axis 1."""
    if x.ndim < 2:
        raise ValueError(f"x has {x.ndim} axes, not (batch, channels, ...)")
    _check_given(given, x.shape[1:2], "one number for each channel on axis 1 of x")
    return (1, -1, *(1,) * (x.ndim - 2))


def _check_given(given: dict[str, Any], shape: tuple[int, ...], why: str) -> None:
    for label, value in given.items():
        if value is not None and np.shape(value) != shape:
            raise ValueError(
                f"{label} must have shape {shape}, {why}, and has shape {np.shape(value)}"
            )
