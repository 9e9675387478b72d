"""Reductions, and functions along one axis."""

from __future__ import annotations

from typing import Any

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
