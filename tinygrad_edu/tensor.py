"""The Tensor: an array with a history.

`data` is the array; `node` is how it was computed (`graph.Node`), a leaf's node if nothing but a
wish for its gradient is known, and None for a constant.  What computes is an op, found through
`operators.py`.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from . import graph
from .context import state
from .operators import OPS, Operators, plain


class Tensor(Operators):
    """An n-dimensional array whose operations are recorded, so that they can be differentiated.

    `data` is anything NumPy makes a real array of; its dtype is kept (Python numbers become
    float64).  With `requires_grad=True` the Tensor is a leaf: it owns a copy of the data, as
    floating point, and `backward()` adds to its `grad`, an ndarray of its shape and dtype.
    Raises TypeError for complex, text or object data.

    >>> a = Tensor([1.0, 2.0], requires_grad=True, name="a")
    >>> (a * a).sum().backward()
    >>> a.grad
    array([2., 4.])
    """

    __slots__ = ("data", "node", "_name", "__weakref__")

    data: np.ndarray
    node: graph.Node | None

    def __init__(
        self, data: Any, *, requires_grad: bool = False, dtype: Any = None, name: str | None = None
    ) -> None:
        if isinstance(data, Tensor):
            raise TypeError(
                "Tensor() was given a Tensor; use it as it is, or .detach() for one without history"
            )
        array = np.array(data, dtype, copy=True if requires_grad else None)
        if array.dtype.kind not in "fiub":
            raise TypeError(
                f"Tensor holds real numbers, not dtype {array.dtype}; "
                "give it floats, integers or booleans"
            )
        self.data = array
        self.node = None
        self._name = name
        if requires_grad:
            self.requires_grad = True

    # ---------------------------------------------------------------- what it is

    @property
    def shape(self) -> tuple[int, ...]:
        """Size along each axis; () for a scalar."""
        return self.data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the elements."""
        return self.data.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.data.size

    @property
    def T(self) -> Tensor:
        """The axes in reverse order."""
        return OPS[np.transpose](self)

    @property
    def mT(self) -> Tensor:
        """The last two axes exchanged: a stack of matrices, each transposed."""
        return OPS[np.swapaxes](self, -1, -2)

    @property
    def name(self) -> str | None:
        """What drawings and error messages call it."""
        return self._name

    @name.setter
    def name(self, name: str | None) -> None:
        self._name = name
        if self.node is not None:
            self.node.name = name

    @property
    def is_leaf(self) -> bool:
        """Whether it was given rather than computed by a recorded operation."""
        return self.node is None or not self.node.edges

    @property
    def requires_grad(self) -> bool:
        """Whether operations on it are recorded.  Can be set on leaves, to freeze parameters."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, wish: bool) -> None:
        if not self.is_leaf:
            raise RuntimeError(
                "requires_grad can only be set on a leaf, and this was computed by "
                f"{self.node.op.name}; .detach() gives one without history"  # type: ignore[union-attr]
            )
        if wish and self.node is None:
            if self.data.dtype.kind != "f":
                self.data = self.data.astype(np.float64)
            self.node = graph.Node(None, (), ())
            self.node.name = self._name
        elif not wish:
            self.node = None

    @property
    def grad(self) -> np.ndarray | None:
        """The accumulated gradient: an ndarray of the Tensor's shape and dtype, or None.

        Inner Tensors have one only if `retain_grad()` was called before `backward()`.
        """
        node = self.node
        if node is None:
            return None
        if not node.retains:
            warnings.warn(
                f"reading .grad of an inner Tensor (computed by {node.op.name}), which is not "
                "kept; call .retain_grad() on it before backward(), or use grad(loss, tensor)",
                stacklevel=2,
            )
        return node.grad

    @grad.setter
    def grad(self, value: Any) -> None:
        if self.node is None:
            if value is not None:
                raise RuntimeError("a Tensor that does not require a gradient cannot be given one")
        elif value is None or value is self.node.grad:
            self.node.grad = value
        else:
            gradient = np.array(value, self.dtype)
            if gradient.shape != self.shape:
                raise ValueError(
                    f"a gradient of shape {gradient.shape} cannot belong to a Tensor of shape "
                    f"{self.shape}"
                )
            self.node.grad = gradient

    def retain_grad(self) -> None:
        """Keep this inner Tensor's gradient at the next `backward()`; leaves keep theirs anyway."""
        if self.node is None:
            raise RuntimeError("retain_grad() on a Tensor that does not require a gradient")
        self.node.retains = True

    def detach(self) -> Tensor:
        """A constant Tensor that shares the data and has no history."""
        return wrap(self.data, None, self._name)

    def zero_grad(self) -> None:
        """Forget the accumulated gradient."""
        self.grad = None

    # ---------------------------------------------------------------- differentiation

    def backward(self, gradient: Any = None, *, retain_graph: bool = False) -> None:
        """Add dself/dleaf to the `grad` of every leaf behind this Tensor.

        A Tensor with more than one element needs the upstream `gradient`, of its own shape:
        the leaves then receive the vector-Jacobian product.  Raises RuntimeError if nothing was
        recorded, or if the graph was swept before without `retain_graph=True`.

        >>> x = Tensor([1.0, 2.0], requires_grad=True)
        >>> (x ** 2).backward([1.0, 10.0])
        >>> x.grad
        array([ 2., 40.])
        """
        start = seeds("backward()", [self], [gradient], create_graph=False)
        for node, g in graph.sweep(start, retain_graph=retain_graph).items():
            if node.grad is None:
                node.grad = g
            else:
                node.grad += g

    # ---------------------------------------------------------------- in place, in a loop

    def __iadd__(self, other: Any) -> Tensor:
        return self._update(operator.iadd, other, self.__add__)

    def __isub__(self, other: Any) -> Tensor:
        return self._update(operator.isub, other, self.__sub__)

    def __imul__(self, other: Any) -> Tensor:
        return self._update(operator.imul, other, self.__mul__)

    def __itruediv__(self, other: Any) -> Tensor:
        return self._update(operator.itruediv, other, self.__truediv__)

    def _update(self, inplace: Any, other: Any, outofplace: Callable[[Any], Tensor]) -> Tensor:
        """`a += b` is `a = a + b`, but on a leaf with gradient it updates the data, unrecorded."""
        if self.node is None or self.node.edges:
            return outofplace(other)
        if state.recording:
            raise RuntimeError(
                f"`{inplace.__name__[1:]}` in place on a leaf that requires a gradient would "
                "change what the graph has seen; update it under no_grad(), as in "
                "`with no_grad(): p -= lr * p.grad`, or write a new name, as in `q = p + x`"
            )
        inplace(self.data, plain(other))
        return self

    def __iter__(self) -> Iterator[Tensor]:
        if not self.ndim:
            raise TypeError("a 0-d Tensor cannot be iterated over; float(t) gives its number")
        return (self[i] for i in range(len(self)))

    def __len__(self) -> int:
        return len(self.data)

    # ---------------------------------------------------------------- leaving the graph, openly

    def __bool__(self) -> bool:
        return bool(self.data)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def item(self) -> Any:
        """The only element, as a Python number.  Raises ValueError if there are more."""
        if self.size != 1:
            raise ValueError(
                f"item() needs exactly one element, and this Tensor of shape {self.shape} has "
                f"{self.size}; reduce it first, for example with .mean()"
            )
        return self.data.item()

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers."""
        return self.data.tolist()

    def numpy(self) -> np.ndarray:
        """The data, if no gradient would be lost by it; otherwise raises, see `detach()`."""
        return np.asarray(self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if self.node is not None:
            raise TypeError(
                "turning a Tensor that requires a gradient into an ndarray would cut it off from "
                "its graph unseen; write t.data, or t.detach() for a constant Tensor"
                " (and np.stack(list) to build one Tensor of several)"
            )
        return np.array(self.data, dtype, copy=copy)

    def __repr__(self) -> str:
        parts = [np.array2string(self.data, separator=", ", prefix="Tensor(")]
        if self.data.dtype not in (np.float64, np.int64, np.bool_):
            parts.append(f"dtype={self.data.dtype}")
        if self.node is not None:
            op = self.node.op
            parts.append(f"op=<{op.name}>" if op else "requires_grad=True")
        if self._name:
            parts.append(f"name={self._name!r}")
        return f"Tensor({', '.join(parts)})"

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        copy = _rebuild(type(self), self.data.copy(), self.requires_grad, self._name)
        memo[id(self)] = copy
        return copy

    def __reduce__(self) -> Any:
        return _rebuild, (type(self), self.data, self.requires_grad, self._name)


def wrap(data: np.ndarray, node: graph.Node | None, name: str | None = None) -> Tensor:
    """A Tensor of what is known to be right."""
    tensor = _new(Tensor)
    tensor.data = data
    tensor.node = node
    tensor._name = name
    return tensor


_new = object.__new__


def _rebuild(kind: type[Tensor], data: np.ndarray, requires_grad: bool, name: str | None) -> Tensor:
    """A copied or unpickled Tensor: a leaf, whatever the original was computed from."""
    tensor = object.__new__(kind)
    Tensor.__init__(tensor, data, requires_grad=requires_grad, name=name)
    return tensor


# -------------------------------------------------------------------- where a sweep starts


def seeds(
    caller: str, outputs: Sequence[Tensor], gradients: Sequence[Any], create_graph: bool
) -> dict[graph.Node, Any]:
    """Each output's node with its checked upstream gradient: a Tensor if that is recorded too."""
    start: dict[graph.Node, Any] = {}
    if len(gradients) != len(outputs):
        raise ValueError(f"{caller}: {len(outputs)} outputs, but {len(gradients)} grad_outputs")
    for tensor, gradient in zip(outputs, gradients, strict=True):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{caller} differentiates a Tensor, not a {type(tensor).__name__}")
        node = tensor.node
        if node is None:
            raise RuntimeError(
                f"{caller} on a Tensor that no recorded operation led to; give a Tensor it is "
                "computed from requires_grad=True, and compute outside no_grad()"
            )
        if gradient is None:
            if tensor.size != 1:
                raise RuntimeError(
                    f"{caller} without a gradient needs a scalar, and this Tensor has shape "
                    f"{tensor.shape}; reduce it first, as in .sum() or .mean(), or give the "
                    "upstream gradient, an array of that shape"
                )
            gradient = np.ones(tensor.shape, tensor.dtype)
        elif not (create_graph and isinstance(gradient, Tensor)):
            gradient = np.asarray(plain(gradient), tensor.dtype)
        if create_graph and not isinstance(gradient, Tensor):
            gradient = wrap(gradient, None)
        if gradient.shape != tensor.shape:
            raise ValueError(
                f"{caller}: the upstream gradient has shape {gradient.shape}, "
                f"the Tensor {tensor.shape}; they must be equal"
            )
        start[node] = start[node] + gradient if node in start else gradient
    return start
