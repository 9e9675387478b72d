"""The Tensor: an array with a history.

`data` is the array and `node` (`graph.Node`) how it was computed: a leaf's node has no edges, and a
constant has none at all. What computes is an op: `operators.py` says which one `a * b` calls.
What a Tensor shares with an array is in `array_interface.py`.
"""

from __future__ import annotations

import threading
import warnings
from typing import Any

import numpy as np

from . import changes, errors, graph
from .array_interface import ArrayInterface, data_of

_adding = threading.Lock()


class Tensor(ArrayInterface["Tensor"]):
    """An n-dimensional array whose operations are recorded, so that they can be differentiated.

    `data` is anything NumPy makes a real array of; its dtype is kept (Python numbers become
    float64). With `requires_grad=True` the Tensor is a leaf: it owns a copy of the data, as
    floating point, and `backward()` adds to its `grad`, an ndarray of its shape and dtype.
    Raises TypeError for complex, text or object data.

    >>> a = Tensor([1.0, 2.0], requires_grad=True, name="a")
    >>> (a * a).sum().backward()
    >>> a.grad
    array([2., 4.])
    """

    __slots__ = ("_array", "node", "_name", "__weakref__")

    _array: np.ndarray
    node: graph.Node | None

    def __init__(
        self, data: Any, *, requires_grad: bool = False, dtype: Any = None, name: str | None = None
    ) -> None:
        if isinstance(data, Tensor):
            raise TypeError(
                "Tensor() was given a Tensor; use it as it is, or .detach() for one without history"
            )
        if isinstance(data, np.ma.MaskedArray):
            raise TypeError(f"Tensor has no mask; write {errors.foreign(data)}")
        self._array = _real(np.array(data, dtype, copy=True if requires_grad else None))
        self.node = None
        self._name = name
        if requires_grad:
            self.requires_grad = True

    # ---------------------------------------------------------------- what it is

    @property
    def data(self) -> np.ndarray:
        """The array. Setting it, as `p.data -= lr * g` does, is outside the graph.

        After changing its elements, as in `p.data[...] = 0`, tell it by `p.mark_changed()`, so that
        a backward pass through older results is refused, since it would be wrong.
        """
        return self._array

    @data.setter
    def data(self, value: Any) -> None:
        array = _real(np.asarray(data_of(value)))
        if self.node is not None and array.dtype.kind != "f":
            array = array.astype(self._array.dtype)
        self._array = array
        self.mark_changed()

    def mark_changed(self) -> None:
        """Note that the data of a leaf was changed in place; older graphs then refuse `backward`.

        >>> w = Tensor([2.0], requires_grad=True, name="w")
        >>> loss = (w * w).sum()
        >>> w.data[...] = 5.0
        >>> w.mark_changed()
        >>> loss.backward()  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        RuntimeError: 'w' was changed in place after multiply had kept its values ...
        """
        if self.node is not None and not self.node.edges:
            changes.mark(self.node, self._array)

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
        """Whether operations on it are recorded. Can be set on leaves, to freeze parameters."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not self.is_leaf:
            raise errors.not_leaf(self.node)
        if value and self.node is None:
            if self._array.dtype.kind != "f":
                self._array = self._array.astype(np.float64)
            self.node = graph.Node(None, (), ())
            self.node.name = self._name
        elif not value:
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
            warnings.warn(errors.INNER_GRAD.format(node.op.name), stacklevel=2)
        return node.grad

    @grad.setter
    def grad(self, value: Any) -> None:
        if self.node is None:
            if value is not None:
                raise RuntimeError("a Tensor that does not require grad cannot be given a gradient")
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
        return wrap(self._array, None, self._name)

    def zero_grad(self) -> None:
        """Set the accumulated gradient to None."""
        self.grad = None

    # ---------------------------------------------------------------- differentiation

    def backward(self, gradient: Any = None, *, retain_graph: bool = False) -> None:
        """Add dself/dleaf to the `grad` of every leaf behind this Tensor.

        A Tensor with more than one element needs the upstream `gradient`, of its own shape:
        the leaves then receive the vector-Jacobian product. Raises RuntimeError if nothing was
        recorded, or if the graph was swept before without `retain_graph=True`.

        >>> x = Tensor([1.0, 2.0], requires_grad=True)
        >>> (x ** 2).backward([1.0, 10.0])
        >>> x.grad
        array([ 2., 40.])
        """
        upstream = seed("backward()", self, gradient, create_graph=False)
        start: dict[Any, Any] = {self.node: upstream}
        gradients = graph.sweep(start, retain_graph=retain_graph)
        with _adding:  # other threads may add to the same leaves
            for node, g in gradients.items():
                if node.grad is None:
                    node.grad = g
                else:
                    node.grad += g

    # ---------------------------------------------------------------- shown, copied, pickled

    def __repr__(self) -> str:
        parts = [np.array2string(self._array, separator=", ", prefix="Tensor(")]
        if self._array.dtype not in (np.float64, np.int64, np.bool_):
            parts.append(f"dtype={self._array.dtype}")
        if self.node is not None:
            op = self.node.op
            parts.append(f"op=<{op.name}>" if op else "requires_grad=True")
        if self._name:
            parts.append(f"name={self._name!r}")
        return f"Tensor({', '.join(parts)})"

    def __reduce__(self) -> Any:
        return _rebuild, (type(self), self._array, self.requires_grad, self._name)


def _real(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"Tensor holds real numbers, not dtype {array.dtype}; "
            "give it floats, integers or booleans"
        )
    return array


def wrap(data: np.ndarray, node: graph.Node | None, name: str | None = None) -> Tensor:
    """A Tensor of an array that needs no checks."""
    tensor = _new(Tensor)
    tensor._array = data
    tensor.node = node
    tensor._name = name
    return tensor


_new = object.__new__


def _rebuild(kind: type[Tensor], data: np.ndarray, requires_grad: bool, name: str | None) -> Tensor:
    """A copied or unpickled Tensor: a leaf, whatever the original was computed from."""
    tensor = object.__new__(kind)
    Tensor.__init__(tensor, data, requires_grad=requires_grad, name=name)
    return tensor


def seed(caller: str, y: Any, gradient: Any, create_graph: bool) -> Any:
    """The upstream gradient of an output, checked: a Tensor if what is made of it is recorded."""
    if not isinstance(y, Tensor):
        raise TypeError(f"{caller} differentiates a Tensor, not a {type(y).__name__}")
    if y.node is None:
        raise errors.no_history(caller)
    if gradient is None:
        if y._array.size != 1:
            raise errors.not_scalar(caller, y.shape)
        gradient = np.array(1, y.dtype, ndmin=y.ndim)
    elif not (create_graph and isinstance(gradient, Tensor)):
        gradient = np.asarray(data_of(gradient), y.dtype)
    if gradient.shape != y.shape:
        raise errors.upstream_shape(caller, gradient.shape, y.shape)
    return wrap(gradient, None) if create_graph and type(gradient) is np.ndarray else gradient
