"""Indexing of every kind."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import strategies as st

from .core import Call, sampler, shapes, values


def _index(draw: Any, shape: tuple[int, ...]) -> Any:
    kinds = [hnp.basic_indices(shape, allow_newaxis=True), hnp.arrays(bool, shape)]
    if all(shape) and shape:
        rows = hnp.arrays(
            np.int64,
            st.sampled_from([(2,), (2, 2), ()]),
            elements=st.integers(-shape[0], shape[0] - 1),
        )
        kinds += [
            hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(max_dims=2, max_side=3)),
            rows,
            rows.map(lambda r: (r, Ellipsis, None)),
            rows.map(lambda r: (r.tolist(),)),
            rows.map(lambda r: (tuple(r.tolist()),) if r.ndim else (r,)),
            rows.map(lambda r: (Ellipsis, None) if r.ndim == 0 else (r.tolist(), ...)),
            hnp.arrays(bool, shape[:1]),
            hnp.arrays(bool, shape[:1]).map(
                lambda m: (m, ..., slice(None, None, -1)) if len(shape) > 1 else m
            ),
        ]
        if len(shape) > 1:
            kinds.append(rows.map(lambda r: (slice(None, None, -1), abs(r) % shape[1])))
            kinds.append(rows.map(lambda r: (r, slice(None), 0) if len(shape) > 2 else (r, 0)))
    return draw(st.one_of(kinds))


@sampler("getitem")
def indexed(draw: Any, op: Any) -> Call:
    shape = draw(shapes())
    return Call(values(draw, op, shape), {"index": _index(draw, shape)})


@sampler("scatter")
def scattered(draw: Any, op: Any) -> Call:
    shape = draw(shapes())
    index = _index(draw, shape)
    picked = np.zeros(shape)[index].shape
    return Call(values(draw, op, picked), {"index": index, "shape": shape})


@sampler("take")
def taken(draw: Any, op: Any) -> Call:
    shape = draw(shapes(min_dims=1, min_side=1))
    axis = draw(st.none() | st.integers(-len(shape), len(shape) - 1))
    length = int(np.prod(shape)) if axis is None else shape[axis]
    mode = draw(st.sampled_from(["raise", "wrap", "clip"]))
    reach = length if mode == "raise" else 3 * length
    indices = hnp.arrays(
        np.int64, hnp.array_shapes(min_dims=0, max_dims=2), elements=st.integers(-reach, reach - 1)
    )
    indices |= st.integers(-reach, reach - 1) | st.lists(st.integers(0, length - 1), min_size=1)
    statics = {"indices": draw(indices), "axis": axis, "mode": mode}
    return Call(values(draw, op, shape), statics)


@sampler("sort")
def in_order(draw: Any, op: Any) -> Call:
    shape = draw(shapes(min_dims=1))
    axis = draw(st.none() | st.integers(-len(shape), len(shape) - 1))
    return Call(
        values(draw, op, shape), {"axis": axis, "kind": draw(st.sampled_from([None, "stable"]))}
    )
