"""Which function writes which op: the families of operators add theirs here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .batch import Dims, Size
from .graph import Array, Graph

TABLE: dict[Any, Callable[..., Any]] = {}
"""For an op, or a NumPy function without a derivative, what adds its nodes to a graph."""


class NoOperator(Exception):
    """ONNX has no operator for a call: why, and what to do."""


class Out(NamedTuple):
    """What a call computes: the dtype and the shape of its first output."""

    graph: Graph
    dtype: np.dtype[Any]
    dims: Dims

    def like(self, x: Any) -> Any:
        """An argument in the dtype of the output."""
        return None if x is None else self.graph.array(x, self.dtype).cast(self.dtype)


def writes(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: the function writes calls of these ops or NumPy functions.

    It takes `Out` and the arguments of the call, `Array`s in place of arrays, and returns an
    `Array` for each output.
    """

    def register(write: Callable[..., Any]) -> Callable[..., Any]:
        TABLE.update({getattr(f, "op", f): write for f in functions})
        return write

    return register


def pointwise(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The same for elementwise ops: without `Out`, and with arguments in the output's dtype."""

    def register(write: Callable[..., Any]) -> Callable[..., Any]:
        for f in functions:
            n = len(f.op.tensors)

            def call(out: Out, *args: Any, _n: int = n) -> Any:
                return write(*map(out.like, args[:_n]), *args[_n:])

            TABLE[f.op] = call
        return write

    return register


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """The axes that a reduction names, counted from the front."""
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    return tuple(int(i) % ndim for i in axes) if ndim else ()


def product(sizes: Any) -> Any:
    """The product of sizes, of which one at most may depend on the batch's."""
    total: Any = 1
    for n in sizes:
        if isinstance(n, Size) and isinstance(total, Size):
            raise NoOperator("two sizes multiply that both depend on the batch's")
        if isinstance(n, Size) or isinstance(total, Size):
            size, times = (n, total) if isinstance(n, Size) else (total, n)
            total = Size(size.slope * times, size.offset * times)
        else:
            total *= n
    return total


def only_integers(dims: Dims, what: str) -> tuple[int, ...]:
    """A shape that must not depend on the batch's size."""
    if any(isinstance(n, Size) for n in dims):
        raise NoOperator(f"{what} depends on the batch's size; batch_axis=None makes that fixed")
    return tuple(int(n) for n in dims)  # type: ignore[arg-type]


__all__ = [
    "TABLE", "Array", "NoOperator", "Out", "Size", "axes_of", "only_integers", "pointwise",
    "product", "writes",
]  # fmt: skip
