"""Calls of an op: values according to its declaration, shapes and static arguments by a sampler.

Elementwise ops need no sampler: they get shapes that broadcast. Values are distinct numbers in the
op's domain and away from its kinks, in arrays of every memory layout; arrays may be 0-d or empty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import strategies as st

from tinygrad_edu import ops
from tinygrad_edu.declare import Op

ALL: dict[str, Any] = {
    f.op.name: f for f in vars(ops).values() if isinstance(getattr(f, "op", None), Op)
}
SAMPLERS: dict[str, Callable[..., Call]] = {}
MARGIN = 0.02


class Call(NamedTuple):
    """Operands: float64 arrays (booleans or integers if not differentiable); static arguments."""

    operands: list[np.ndarray]
    statics: dict[str, Any]


def sampler(*names: str) -> Callable[[Any], Any]:
    """Register a sampler, `draw, op -> Call`, for the ops of these names."""

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
    positions = rng.permutation(total) + rng.uniform(0.3, 0.7, total)
    arrays = []
    for i, (shape, size) in enumerate(zip(shapes, sizes, strict=True)):
        low, high = op.domain[i] if isinstance(op.domain[0], tuple) else op.domain
        own, positions = positions[:size], positions[size:]
        x = low + (high - low) * own / max(total, 1)
        for kink in op.kinks:
            x = np.where(abs(x - kink) < MARGIN, kink + np.where(x < kink, -MARGIN, MARGIN), x)
        arrays.append(laid_out(draw, x.reshape(shape)))
    return arrays


def laid_out(draw: Any, x: np.ndarray) -> np.ndarray:
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
