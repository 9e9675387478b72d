"""What each op may be called with: values from its declaration, structure from a sampler here.

Elementwise ops need no sampler: they get broadcasting shapes.  Values are distinct numbers within
the op's domain and away from its kinks, in arrays of every memory layout; shapes may be 0-d or
empty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import strategies as st

from tinygrad_edu import ops
from tinygrad_edu.op import Op

ALL: dict[str, Any] = {
    f.op.name: f for f in vars(ops).values() if isinstance(getattr(f, "op", None), Op)
}
SAMPLERS: dict[str, Callable[..., Call]] = {}
MARGIN = 0.02


class Call(NamedTuple):
    """Operands as float64 arrays (or, without a derivative, booleans or integers), and statics."""

    operands: list[np.ndarray]
    statics: dict[str, Any]


def sampler(*names: str) -> Callable[[Any], Any]:
    """Register a sampler, `draw, op -> Call`, for ops."""

    def register(function: Any) -> Any:
        SAMPLERS.update(dict.fromkeys(names, function))
        return function

    return register


@st.composite
def calls(draw: Any, op: Any) -> Call:
    """A call of the op."""
    return (SAMPLERS.get(op.name) or elementwise)(draw, op)


def values(draw: Any, op: Any, *shapes: tuple[int, ...]) -> list[np.ndarray]:
    """Distinct numbers in the op's domain, away from its kinks, in drawn memory layouts."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = [int(np.prod(shape)) for shape in shapes]
    total = sum(sizes)
    places = rng.permutation(total) + rng.uniform(0.3, 0.7, total)
    arrays = []
    for i, (shape, size) in enumerate(zip(shapes, sizes, strict=True)):
        low, high = op.domain[i] if isinstance(op.domain[0], tuple) else op.domain
        own, places = places[:size], places[size:]
        x = low + (high - low) * own / max(total, 1)
        for kink in op.kinks:
            x = np.where(abs(x - kink) < MARGIN, kink + np.where(x < kink, -MARGIN, MARGIN), x)
        arrays.append(_laid_out(draw, x.reshape(shape)))
    return arrays


def _laid_out(draw: Any, x: np.ndarray) -> np.ndarray:
    layout = draw(st.sampled_from(["C", "F", "strided", "reversed"])) if x.ndim else "C"
    if layout == "strided":
        wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]))
        wide[..., ::2] = x
        return wide[..., ::2]
    if layout == "reversed":
        return np.ascontiguousarray(x[::-1])[::-1]
    return np.array(x, order=layout)


def shapes(min_dims: int = 0, max_dims: int = 3, min_side: int = 0) -> Any:
    return hnp.array_shapes(
        min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=3
    ) | st.just((2,) * min_dims)


def axes(draw: Any, ndim: int, *, several: bool = True) -> Any:
    """None, an axis, or a tuple of axes."""
    one = st.integers(-ndim, ndim - 1) if ndim else st.none()
    if not several or not ndim:
        return draw(one)
    some = st.lists(st.integers(0, ndim - 1), unique=True, min_size=1).map(tuple)
    return draw(st.none() | one | some)


def elementwise(draw: Any, op: Any) -> Call:
    drawn = draw(
        hnp.mutually_broadcastable_shapes(
            num_shapes=len(op.tensors), max_dims=3, min_side=0, max_side=3
        )
    ).input_shapes
    operands = values(draw, op, *drawn)
    for i, vjp in enumerate(op.vjps):
        if vjp is None:
            operands[i] = operands[i] > 0
    return Call(operands, {})


# -------------------------------------------------------------------- reductions


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


# -------------------------------------------------------------------- shapes


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


# -------------------------------------------------------------------- indexing


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


# -------------------------------------------------------------------- products, networks


@sampler("matmul")
def product(draw: Any, op: Any) -> Call:
    shapes_ = draw(
        hnp.mutually_broadcastable_shapes(
            signature="(m?,n),(n,p?)->(m?,p?)", max_side=3, max_dims=2, min_side=0
        )
    )
    return Call(values(draw, op, *shapes_.input_shapes), {})


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
