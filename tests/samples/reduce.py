"""Reductions, and functions along one axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from .core import Call, axes, sampler, shapes, values


@sampler("sum", "mean", "max", "min", "logsumexp")
def reduction(draw: Any, op: Any) -> Call:
    shape = draw(shapes())
    statics = {"axis": axes(draw, len(shape)), "keepdims": draw(st.booleans())}
    return Call(values(draw, op, shape), statics)


@sampler("var", "std")
def spread(draw: Any, op: Any) -> Call:
    shape = draw(shapes(min_side=2) | st.just((0,)) | st.just((3, 0)))
    shape = shape or (2,)
    call = {"axis": axes(draw, len(shape)), "keepdims": draw(st.booleans())}
    return Call(values(draw, op, shape), call | {"ddof": draw(st.sampled_from([0, 1]))})


@sampler("softmax", "log_softmax")
def along(draw: Any, op: Any) -> Call:
    shape = draw(shapes(min_dims=1))
    return Call(values(draw, op, shape), {"axis": axes(draw, len(shape), several=False)})


@sampler("cumsum", "cumprod")
def running(draw: Any, op: Any) -> Call:
    shape = draw(shapes())
    axis = axes(draw, len(shape), several=False)
    return Call(_some_zero(draw, op, shape), {"axis": draw(st.sampled_from([None, axis]))})


@sampler("prod")
def product(draw: Any, op: Any) -> Call:
    shape = draw(shapes())
    statics = {"axis": axes(draw, len(shape)), "keepdims": draw(st.booleans())}
    return Call(_some_zero(draw, op, shape), statics)


def _some_zero(draw: Any, op: Any, shape: tuple[int, ...]) -> list[np.ndarray]:
    """Values with some zeros, where a product cannot be divided by its factors."""
    (x,) = values(draw, op, shape)
    share = draw(st.sampled_from([0.0, 0.2, 0.5]))
    x[np.random.default_rng(0).random(shape) < share] = 0
    return [x]
