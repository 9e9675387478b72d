"""Functions that rearrange elements."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import strategies as st

from .core import Call, axes, sampler, shapes, values


@sampler("copy")
def same(draw: Any, op: Any) -> Call:
    return Call(values(draw, op, draw(shapes())), {})


@sampler("cast")
def same_type(draw: Any, op: Any) -> Call:
    return Call(values(draw, op, draw(shapes())), {"dtype": np.dtype(np.float64)})


@sampler("reshape")
def reshaped(draw: Any, op: Any) -> Call:
    shape = draw(shapes() | st.just((2, 3)))
    size = int(np.prod(shape))
    others = [(-1,), -1, (1, size), (size, 1, 1), shape[::-1]] if size else [shape[::-1], (0, 2)]
    order = draw(st.sampled_from("CF"))
    return Call(values(draw, op, shape), {"shape": draw(st.sampled_from(others)), "order": order})


@sampler("transpose")
def transposed(draw: Any, op: Any) -> Call:
    shape = draw(shapes())
    order = draw(st.permutations(range(len(shape))))
    negative = [a - len(shape) for a in order]
    return Call(
        values(draw, op, shape), {"axes": draw(st.sampled_from([None, tuple(order), negative]))}
    )


@sampler("swapaxes")
def swapped(draw: Any, op: Any) -> Call:
    shape = draw(shapes(min_dims=1))
    axis = st.integers(-len(shape), len(shape) - 1)
    return Call(values(draw, op, shape), {"axis1": draw(axis), "axis2": draw(axis)})


@sampler("squeeze")
def squeezed(draw: Any, op: Any) -> Call:
    shape = draw(shapes(min_dims=1))
    ones = tuple(i for i, n in enumerate(shape) if n == 1)
    return Call(values(draw, op, shape), {"axis": draw(st.sampled_from([None, ones, *ones]))})


@sampler("expand_dims")
def expanded(draw: Any, op: Any) -> Call:
    shape = draw(shapes(max_dims=2))
    axis = draw(st.integers(-len(shape) - 1, len(shape)) | st.just((0, -1)))
    return Call(values(draw, op, shape), {"axis": axis})


@sampler("broadcast_to")
def broadcast(draw: Any, op: Any) -> Call:
    drawn = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_side=3))
    return Call(values(draw, op, drawn.input_shapes[0]), {"shape": drawn.result_shape})


@sampler("concatenate")
def joined(draw: Any, op: Any) -> Call:
    shape = draw(shapes(min_dims=1))
    axis = draw(st.none() | st.integers(-len(shape), len(shape) - 1))
    sizes = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    parts = [
        shape
        if axis is None
        else tuple(n if i == axis % len(shape) else m for i, m in enumerate(shape))
        for n in sizes
    ]
    return Call(values(draw, op, *parts), {"axis": axis})


@sampler("stack")
def stacked(draw: Any, op: Any) -> Call:
    shape = draw(shapes(max_dims=2))
    axis = draw(st.integers(-len(shape) - 1, len(shape)))
    return Call(values(draw, op, *[shape] * draw(st.integers(1, 3))), {"axis": axis})


@sampler("moveaxis")
def moved(draw: Any, op: Any) -> Call:
    shape = draw(shapes(min_dims=1) | st.just((2, 3, 1)))
    axis = st.integers(-len(shape), len(shape) - 1)
    order = st.permutations(range(len(shape))).map(tuple)
    pair = draw(st.tuples(axis, axis) | st.tuples(order, order))
    return Call(values(draw, op, shape), {"source": pair[0], "destination": pair[1]})


@sampler("flip")
def flipped(draw: Any, op: Any) -> Call:
    shape = draw(shapes())
    return Call(values(draw, op, shape), {"axis": axes(draw, len(shape))})


@sampler("rot90")
def turned(draw: Any, op: Any) -> Call:
    shape = draw(shapes(min_dims=2))
    plane = draw(st.permutations(range(len(shape))))[:2]
    return Call(values(draw, op, shape), {"k": draw(st.integers(-2, 5)), "axes": tuple(plane)})


@sampler("roll")
def rolled(draw: Any, op: Any) -> Call:
    shape = draw(shapes(min_dims=1))
    axis = axes(draw, len(shape))
    several = isinstance(axis, tuple) and draw(st.booleans())
    shift = st.integers(-4, 4)
    drawn = draw(st.tuples(*[shift] * len(axis))) if several else draw(shift)
    return Call(values(draw, op, shape), {"shift": drawn, "axis": axis})


@sampler("tril", "triu")
def triangle(draw: Any, op: Any) -> Call:
    return Call(values(draw, op, draw(shapes(min_dims=1))), {"k": draw(st.integers(-2, 2))})


@sampler("repeat")
def repeated(draw: Any, op: Any) -> Call:
    shape = draw(shapes())
    axis = axes(draw, len(shape), several=False) if draw(st.booleans()) else None
    length = int(np.prod(shape)) if axis is None else shape[axis]
    often = st.integers(0, 3)
    repeats = draw(often | st.tuples(often) | st.tuples(*[often] * length).map(np.array))
    return Call(values(draw, op, shape), {"repeats": repeats, "axis": axis})


def _border(draw: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    width, ndim = st.integers(0, 4), len(shape)
    forms = width | st.tuples(width) | st.tuples(width, width)
    forms |= st.tuples(*[st.tuples(width, width)] * ndim) | st.tuples(*[st.tuples(width)] * ndim)
    mode = draw(st.sampled_from(["constant", "edge", "reflect", "symmetric", "wrap"]))
    return {"pad_width": draw(forms), "mode": mode}


@sampler("pad")
def padded(draw: Any, op: Any) -> Call:
    shape = draw(shapes(min_dims=1))
    statics = _border(draw, shape)
    if statics["mode"] == "constant" and draw(st.booleans()):
        statics["constant_values"] = draw(st.sampled_from([1.5, (1, 2)]))
    return Call(values(draw, op, shape), statics)


@sampler("unpad")
def unpadded(draw: Any, op: Any) -> Call:
    shape = draw(shapes(min_dims=1, min_side=1))
    statics = _border(draw, shape)
    return Call(values(draw, op, np.pad(np.zeros(shape), **statics).shape), statics)
