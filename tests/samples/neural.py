"""Ops of neural networks."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import strategies as st

from tinygrad_edu.ops.windows import Geometry, visits

from .core import Call, axes, sampler, shapes, values


@sampler("dense")
def affine(draw: Any, op: Any) -> Call:
    n, m = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    batch = draw(shapes(max_dims=2))
    bias = draw(st.sampled_from([(m,), (*batch, m)]))
    return Call(values(draw, op, (*batch, n), (n, m), bias), {})


# -------------------------------------------------------------------- losses

REDUCTIONS = ["mean", "sum", "none"]


@sampler("cross_entropy")
def classified(draw: Any, op: Any) -> Call:
    batch, classes = draw(shapes(max_dims=2)), draw(st.integers(1, 3))
    (x,) = values(draw, op, (*batch, classes))
    targets = draw(hnp.arrays(np.int64, batch, elements=st.integers(0, classes - 1)))
    return Call([x, targets], {"reduction": draw(st.sampled_from(REDUCTIONS))})


@sampler("squared_error")
def compared(draw: Any, op: Any) -> Call:
    shape = draw(shapes())
    return Call(values(draw, op, shape, shape), {"reduction": draw(st.sampled_from(REDUCTIONS))})


@sampler("binary_cross_entropy_with_logits")
def judged(draw: Any, op: Any) -> Call:
    shape = draw(shapes())
    smaller = tuple(draw(st.sampled_from([1, n])) for n in shape)
    pair = draw(st.permutations([shape, draw(st.sampled_from([shape, smaller]))]))
    return Call(values(draw, op, *pair), {"reduction": draw(st.sampled_from(REDUCTIONS))})


# -------------------------------------------------------------------- normalization


@sampler("standardize", "unit_rms")
def normalized(draw: Any, op: Any) -> Call:
    shape = draw(shapes(min_dims=1, min_side=1))
    axis = axes(draw, len(shape))
    given = [shape]
    if op.name == "standardize":  # one number for each line along the axis, or any that broadcast
        mean = np.empty(shape).mean(axis=axis, keepdims=True).shape
        smaller = tuple(draw(st.sampled_from([1, n])) for n in shape[draw(st.integers(0, 2)) :])
        given += [draw(st.sampled_from([mean, smaller]))] * 2
    return Call(values(draw, op, *given), {"axis": axis, "eps": draw(st.sampled_from([1e-2, 1.0]))})


# -------------------------------------------------------------------- convolution, pooling


def _numbers(draw: Any, axes: int, most: int, least: int = 1) -> tuple[int, ...]:
    return draw(st.tuples(*[st.integers(least, most)] * axes))


def _moving(draw: Any, axes: int) -> tuple[Any, Any, Any]:
    """Positions, a size around what the kernel meets there, and how it moves."""
    most = 3 if axes < 3 else 2
    kernel, positions = _numbers(draw, axes, most), _numbers(draw, axes, most)
    stride, dilation, before = (
        _numbers(draw, axes, 3),
        _numbers(draw, axes, 2),
        _numbers(draw, axes, 2, 0),
    )
    zipped = zip(kernel, positions, stride, dilation, before, strict=True)
    size = [max(1, (p - 1) * s + d * (k - 1) + 1 - b) for k, p, s, d, b in zipped]
    size = tuple(max(1, n + draw(st.integers(-1, 1))) for n in size)
    return (
        positions,
        size,
        Geometry(kernel, stride, dilation, before, before, draw(st.integers(1, 2))),
    )


def _channels(draw: Any, groups: int) -> tuple[int, int]:
    return groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))


@sampler("unfold")
def unfolded(draw: Any, op: Any) -> Call:
    positions, size, geometry = _moving(draw, draw(st.integers(1, 3)))
    x = values(draw, op, (draw(st.integers(0, 2)), 2, *size))
    return Call(x, {"positions": positions, "geometry": geometry})


@sampler("fold")
def folded(draw: Any, op: Any) -> Call:
    positions, size, geometry = _moving(draw, draw(st.integers(1, 3)))
    y = values(draw, op, (draw(st.integers(0, 2)), 2, *geometry.kernel, *positions))
    return Call(y, {"size": size, "geometry": geometry})


def _chosen(draw: Any, positions: Any, size: Any, geometry: Geometry, lead: tuple[int, ...]) -> Any:
    """Which elements of each window count: an array for each element of the kernel, or all."""
    if draw(st.booleans()):
        return None
    random = np.random.default_rng(draw(st.integers(0, 99)))
    empty = np.zeros((*lead, *positions))
    each = [empty[at].shape for _, _, at in visits(positions, size, geometry)]
    return [random.random(shape) < 0.5 for shape in each]


@sampler("window_spread", "window_sum")
def chosen(draw: Any, op: Any) -> Call:
    positions, size, geometry = _moving(draw, draw(st.integers(1, 3)))
    lead = (draw(st.integers(0, 2)), 2)
    given, made = ("positions", "size") if op.name == "window_spread" else ("size", "positions")
    sizes = {"positions": positions, "size": size}
    picked = _chosen(draw, positions, size, geometry, lead)
    statics = {"chosen": picked, made: sizes[made], "geometry": geometry}
    return Call(values(draw, op, (*lead, *sizes[given])), statics)


@sampler("correlate", "correlate_input", "correlate_weight")
def correlated(draw: Any, op: Any) -> Call:
    positions, size, geometry = _moving(draw, draw(st.integers(1, 3)))
    batch = draw(st.integers(0, 9))
    taken, made = _channels(draw, geometry.groups)
    shaped = {
        "x": (batch, taken, *size),
        "weight": (made, taken // geometry.groups, *geometry.kernel),
        "y": (batch, made, *positions),
    }
    statics = {"positions": positions, "size": size, "geometry": geometry}
    operands = values(draw, op, *(shaped[name] for name in op.tensors))
    return Call(operands, {name: statics[name] for name in op.statics})


def _arguments(draw: Any, axes: int) -> tuple[tuple[int, ...], dict[str, Any]]:
    """A kernel, and the arguments of a convolution in the forms that users write."""
    either = st.integers(1, 3) | st.just((2, 1, 2)[:axes])
    padding = st.sampled_from([0, 1, 2, (1, 0, 1)[:axes], "valid", "same"])
    call = {"stride": draw(either), "padding": draw(padding), "groups": draw(st.integers(1, 2))}
    if call["padding"] == "same":
        call["stride"] = 1
    call["dilation"] = draw(st.sampled_from([1, 2, (1, 2, 1)[:axes]]))
    return _numbers(draw, axes, 3 if axes < 3 else 2), call


def _batch(draw: Any) -> tuple[int, ...]:
    """The batch axis of an input, or none."""
    return draw(st.sampled_from([(2,), (), (0,)]))


@sampler("conv1d", "conv2d", "conv3d")
def convolved(draw: Any, op: Any) -> Call:
    axes = int(op.name[4])
    kernel, statics = _arguments(draw, axes)
    taken, made = _channels(draw, statics["groups"])
    size = _numbers(draw, axes, 6 if axes < 3 else 4, 3)
    x = (*_batch(draw), taken, *size)
    shapes_ = x, (made, taken // statics["groups"], *kernel), (made,)
    return Call(values(draw, op, *shapes_), statics)


@sampler("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def transposed(draw: Any, op: Any) -> Call:
    axes = int(op.name[-2])
    kernel, statics = _arguments(draw, axes)
    taken, made = _channels(draw, statics["groups"])
    x = (*_batch(draw), taken, *_numbers(draw, axes, 3 if axes < 3 else 2))
    shapes_ = x, (taken, made // statics["groups"], *kernel), (made,)
    extra = draw(st.integers(0, 1)) if statics["stride"] != 1 else 0
    return Call(values(draw, op, *shapes_), statics | {"output_padding": extra})


@sampler(*(f"{kind}_pool{axes}d" for kind in ("max", "avg") for axes in (1, 2, 3)))
def pooled(draw: Any, op: Any) -> Call:
    axes = int(op.name[-2])
    kernel = draw(st.integers(1, 3) | st.just((3, 2, 1)[:axes]))
    padded = kernel != 1 and not (isinstance(kernel, tuple) and 1 in kernel)
    statics = {
        "kernel_size": kernel,
        "stride": draw(st.none() | st.integers(1, 3) | st.just((2, 1, 2)[:axes])),
        "padding": draw(st.integers(0, int(padded))),
        "ceil_mode": draw(st.booleans()),
    }
    if "dilation" in op.statics:
        statics["dilation"] = draw(st.sampled_from([1, 2, (1, 2, 1)[:axes]]))
    if "count_include_pad" in op.statics:
        statics["count_include_pad"] = draw(st.booleans())
        statics["divisor_override"] = draw(st.sampled_from([None, None, 3, -2]))
    size = _numbers(draw, axes, 6 if axes < 3 else 4, 3)
    return Call(values(draw, op, (*_batch(draw), draw(st.integers(0, 2)), *size)), statics)


# -------------------------------------------------------------------- attention


@sampler("attention")
def attending(draw: Any, op: Any) -> Call:
    batch = draw(st.sampled_from([(), (2,), (0,), (2, 1)]))
    queries, keys, n, m = draw(st.tuples(*[st.integers(1, 3)] * 4))
    scores = (*batch, queries, keys)
    shapes_ = (*batch, queries, n), (*batch, keys, n), (*batch, keys, m), scores[-2:]
    kept = draw(hnp.arrays(np.bool_, scores))
    statics = {"scale": draw(st.sampled_from([0.5, 1.0]))}
    return Call([*values(draw, op, *shapes_), kept], statics)
