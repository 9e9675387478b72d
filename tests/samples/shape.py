"""Functions that rearrange elements."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import strategies as st

from .core import Call, sampler, shapes, values


@sampler("copy")
def same(draw: Any, op: Any) -> Call:
    return Call(values(draw, op, draw(shapes())), {})


@sampler("cast")
def same_type(draw: Any, op: Any) -> Call:
    return Call(values(draw, op, draw(shapes())), {"dtype": np.dtype(np.float64)})


@sampler("reshape")
def reshaped(draw: Any, op: Any) -> Call:
    shape = draw(shapes())
    size = int(np.prod(shape))
    others = [(-1,), -1, (1, size), (size, 1, 1), shape[::-1]] if size else [shape[::-1], (0, 2)]
    return Call(values(draw, op, shape), {"shape": draw(st.sampled_from(others))})


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
