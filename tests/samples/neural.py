"""What networks are made of."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import strategies as st

from .core import Call, sampler, shapes, values


@sampler("dense")
def affine(draw: Any, op: Any) -> Call:
    n, m = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    batch = draw(shapes(max_dims=2))
    return Call(values(draw, op, (*batch, n), (n, m), (m,)), {})


@sampler("cross_entropy")
def classified(draw: Any, op: Any) -> Call:
    batch, classes = draw(shapes(max_dims=2)), draw(st.integers(1, 3))
    (x,) = values(draw, op, (*batch, classes))
    targets = draw(hnp.arrays(np.int64, batch, elements=st.integers(0, classes - 1)))
    return Call([x, targets], {"reduction": draw(st.sampled_from(["mean", "sum", "none"]))})
