"""Products of vectors and matrices."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp

from .core import Call, sampler, values


@sampler("matmul")
def product(draw: Any, op: Any) -> Call:
    shapes_ = draw(
        hnp.mutually_broadcastable_shapes(
            signature="(m?,n),(n,p?)->(m?,p?)", max_side=3, max_dims=2, min_side=0
        )
    )
    return Call(values(draw, op, *shapes_.input_shapes), {})
