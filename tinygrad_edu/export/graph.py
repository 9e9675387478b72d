"""An ONNX graph in the making, and its arrays, whose operators add nodes to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from .batch import Dims, Size


class Node(NamedTuple):
    """One node: an operator, the names of what it reads and computes, and its attributes."""

    kind: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]
    name: str


class Array:
    """An array of a graph, by name.

    `dims` is its shape, where known, and `value` the array itself, if it is a constant.
    """

    __slots__ = ("graph", "name", "dtype", "_dims", "value")

    def __init__(
        self, graph: Graph, name: str, dtype: Any, dims: Dims | None = None, value: Any = None
    ) -> None:
        self.graph, self.name, self.dtype = graph, name, np.dtype(dtype)
        self._dims, self.value = dims, value

    @property
    def dims(self) -> Dims:
        assert self._dims is not None, f"the shape of {self.name} is not known"
        return self._dims

    @property
    def ndim(self) -> int:
        return len(self.dims)

    def node(self, kind: str, *others: Any, dtype: Any = None, **attributes: Any) -> Any:
        """What an operator makes of this array and of others; numbers take this one's dtype."""
        return self.graph.node(kind, self, *others, dtype=dtype or self.dtype, **attributes)

    def cast(self, dtype: Any) -> Array:
        dtype = np.dtype(dtype)
        if dtype == self.dtype:
            return self
        y: Array = self.node("Cast", dtype=dtype, to=self.graph.type_of(dtype))
        y._dims = self._dims
        return y

    def of(self, dims: Dims) -> Array:
        """The same array, whose shape is known."""
        self._dims = dims
        return self

    def reshape(self, dims: Dims) -> Array:
        if dims == self.dims:
            return self
        target = self.graph.shape(dims, self.dims)
        y: Array = self.node("Reshape", target, allowzero=int(0 in dims))
        return y.of(dims)

    def transpose(self, order: Iterable[int]) -> Array:
        order = [i % self.ndim for i in order]
        if order == sorted(order):
            return self
        y: Array = self.node("Transpose", perm=order)
        return y.of(tuple(self.dims[i] for i in order))

    def expand(self, dims: Dims) -> Array:
        if dims == self.dims:
            return self
        own = (1,) * (len(dims) - self.ndim) + self.dims
        wanted = tuple(1 if n == m else n for n, m in zip(dims, own, strict=True))
        y: Array = self.node("Expand", self.graph.vector(wanted))
        return y.of(dims)

    def unsqueeze(self, *axes: int) -> Array:
        dims = list(self.dims)
        for axis in axes:
            dims.insert(axis, 1)
        y: Array = self.node("Unsqueeze", self.graph.vector(axes))
        return y.of(tuple(dims))

    def reduce(self, kind: str, axes: Any, keepdims: bool = False) -> Array:
        """ReduceSum and the like over some axes, or all if `axes` is None."""
        over = [] if axes is None else [self.graph.vector(axes)]
        y: Array = self.node(f"Reduce{kind}", *over, keepdims=int(keepdims))
        axes = range(self.ndim) if axes is None else axes
        dims = [1 if i in axes else n for i, n in enumerate(self.dims)]
        return y.of(tuple(n for i, n in enumerate(dims) if keepdims or i not in axes))

    def slice(self, starts: Any, ends: Any, axes: Any, steps: Any) -> Array:
        vector = self.graph.vector
        y: Array = self.node("Slice", vector(starts), vector(ends), vector(axes), vector(steps))
        return y

    # ---------------------------------------------------------------- arithmetic

    def pointwise(self, kind: str, *others: Any, dtype: Any = None) -> Array:
        """The output of an elementwise operator, whose inputs broadcast."""
        y: Array = self.node(kind, *others, dtype=dtype)
        known = [x._dims if isinstance(x, Array) else () for x in (self, *others)]
        y._dims = None if None in known else broadcast(*known)
        return y

    def __add__(self, other: Any) -> Array:
        return self.pointwise("Add", other)

    def __sub__(self, other: Any) -> Array:
        return self.pointwise("Sub", other)

    def __rsub__(self, other: Any) -> Array:
        return self.graph.array(other, self.dtype) - self

    def __mul__(self, other: Any) -> Array:
        return self.pointwise("Mul", other)

    def __truediv__(self, other: Any) -> Array:
        return self.pointwise("Div", other)

    def __neg__(self) -> Array:
        return self.pointwise("Neg")

    def __abs__(self) -> Array:
        return self.pointwise("Abs")

    def __gt__(self, other: Any) -> Array:
        return self.pointwise("Greater", other, dtype=bool)

    def __lt__(self, other: Any) -> Array:
        return self.pointwise("Less", other, dtype=bool)

    def equals(self, other: Any) -> Array:
        return self.pointwise("Equal", other, dtype=bool)

    def where(self, x: Any, y: Any) -> Array:
        """x where this condition holds, else y; one of them is an array."""
        like = x if isinstance(x, Array) else y
        x, y = (self.graph.array(each, like.dtype) for each in (x, y))
        return self.pointwise("Where", x, y, dtype=like.dtype)


def broadcast(*shapes: Any) -> Dims:
    """The shape that arrays of these shapes have together."""
    ndim = max(map(len, shapes))
    columns = zip(*((1,) * (ndim - len(dims)) + tuple(dims) for dims in shapes), strict=True)
    return tuple(next((n for n in column if n != 1), 1) for column in columns)


class Graph:
    """The nodes and constants of a graph; every name in it is given once."""

    def __init__(self, type_of: Callable[[Any], int]) -> None:
        self.type_of = type_of
        self.nodes: list[Node] = []
        self.constants: dict[str, Any] = {}
        self.scope = ""
        self.batch: Any = None  # an input and its axis, whose size is the batch's
        self._names: set[str] = set()
        self._known: dict[Any, Array] = {}

    def unique(self, name: str) -> str:
        """The name, with a number if it is taken."""
        free, n = name, 1
        while free in self._names:
            free, n = f"{name}_{n}", n + 1
        self._names.add(free)
        return free

    def node(self, kind: str, *inputs: Any, dtype: Any, outputs: int = 1, **attributes: Any) -> Any:
        """A new node; returns its output, or a list of them."""
        like = next(x.dtype for x in inputs if isinstance(x, Array))
        read = ["" if x is None else self.array(x, like).name for x in inputs]
        name = self.unique(f"{self.scope}.{kind}" if self.scope else kind)
        made = [name] if outputs == 1 else [self.unique(f"{name}.{i}") for i in range(outputs)]
        self.nodes.append(Node(kind, read, made, attributes, name))
        arrays = [Array(self, each, dtype) for each in made]
        return arrays[0] if outputs == 1 else arrays

    def array(self, x: Any, dtype: Any) -> Array:
        """An array as it is; a number or a `Size` as a constant of the dtype."""
        if isinstance(x, Array):
            return x
        return self.size(x).cast(dtype) if isinstance(x, Size) else self.constant(x, dtype)

    def constant(self, value: Any, dtype: Any = None, name: str = "constant") -> Array:
        """An array of the file; small ones without a name of their own are stored once."""
        value = np.asarray(value, dtype)
        small = name == "constant" and value.size < 100
        key = (value.dtype, value.shape, value.tobytes()) if small else name
        if not small or key not in self._known:
            free = self.unique(name)
            self.constants[free] = value
            self._known[key] = Array(self, free, value.dtype, value.shape, value)
        return self._known[key]

    def size(self, size: Size) -> Array:
        """A number that depends on the batch's size, as a 0-d int64."""
        if size in self._known:
            return self._known[size]
        if size == Size(1, 0):
            array, axis = self.batch
            sizes: Array = array.node("Shape", dtype=np.int64, start=axis, end=axis + 1)
            y = sizes.of((1,)).reshape(())
        else:
            y = self.size(Size(1, 0))
            y = y * size.slope if size.slope != 1 else y
            y = y + size.offset if size.offset else y
        self._known[size] = y
        return y

    def vector(self, numbers: Iterable[Any]) -> Array:
        """Integers, among which may be a `Size` or a 0-d array, as one int64 array."""
        numbers = list(numbers)
        if not any(isinstance(n, (Size, Array)) for n in numbers):
            return self.constant(numbers, np.int64)
        zero = self.constant([0], np.int64)
        parts = [
            self.array(n, np.int64).cast(np.int64).node("Unsqueeze", zero)
            if isinstance(n, (Size, Array)) else self.constant([n], np.int64)
            for n in numbers
        ]  # fmt: skip
        y: Array = parts[0]
        return y if len(parts) == 1 else y.node("Concat", *parts[1:], axis=0)

    def shape(self, dims: Dims, given: Dims) -> Array:
        """What Reshape makes of an array of given shape: 0 keeps a size, -1 is what is left."""
        if 0 in dims:  # an empty array, for which 0 means 0
            return self.vector(dims)
        target: list[Any] = [
            0 if isinstance(n, Size) and (n,) == given[i : i + 1] else n for i, n in enumerate(dims)
        ]
        left = [i for i, n in enumerate(target) if isinstance(n, Size)]
        if len(left) == 1:
            target[left[0]] = -1
        return self.vector(target)

    def rename(self, old: str, new: str) -> None:
        """Call an array that a node computes by another name."""
        for i, node in enumerate(self.nodes):
            inputs, outputs = ([new if x == old else x for x in each] for each in node[1:3])
            self.nodes[i] = node._replace(inputs=inputs, outputs=outputs)

    def pruned(self, outputs: Iterable[str]) -> list[Node]:
        """The nodes that outputs are computed from."""
        wanted, nodes = set(outputs), []
        for node in reversed(self.nodes):
            if wanted.intersection(node.outputs):
                wanted.update(node.inputs)
                nodes.append(node)
        self.constants = {k: v for k, v in self.constants.items() if k in wanted}
        return nodes[::-1]


def identifier(path: str) -> str:
    """The path of an argument or output, such as "output[1][0]", as a name: "output_1_0"."""
    return re.sub(r"\W+", "_", path).strip("_")
