"""What a Tensor shares with a NumPy array: shape and dtype, NumPy's protocols, its numbers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import conversion, errors
from .methods import Methods, Result
from .registry import NONDIFFERENTIABLE, OPS


class ArrayInterface(Methods[Result]):
    """The part of a Tensor that is about its `data`; the subclass adds the history, `node`."""

    __slots__ = ()
    __array_priority__ = 1000

    _array: np.ndarray
    node: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """Size along each axis; () for a scalar."""
        return self._array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the elements."""
        return self._array.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._array.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._array.size

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError(errors.ITEM_ASSIGNMENT)

    def __iter__(self) -> Iterator[Result]:
        if not self.ndim:
            raise TypeError("a 0-d Tensor cannot be iterated over; float(t) gives its number")
        return (self[i] for i in range(len(self)))

    def __len__(self) -> int:
        return len(self._array)

    # ---------------------------------------------------------------- NumPy's protocols

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.get("out")
        if method == "__call__" and out is None:
            return self.__array_function__(ufunc, (), inputs, kwargs)
        if _is_constant((inputs, kwargs)):
            return getattr(ufunc, method)(*data_of(inputs), **data_of(kwargs))
        raise errors.ufunc_method(ufunc, method) if out is None else errors.out(ufunc)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in OPS:
            return OPS[function](*args, **kwargs)
        writes = kwargs.get("out") is not None
        if (function in NONDIFFERENTIABLE and not writes) or _is_constant((args, kwargs)):
            return function(*data_of(args), **data_of(kwargs))
        raise errors.out(function) if writes else errors.not_recorded(function)

    # ---------------------------------------------------------------- leaving the graph, openly

    def __bool__(self) -> bool:
        return bool(self._array)

    def __float__(self) -> float:
        if self.node is not None:
            conversion.check(sys._getframe(1), self._described())
        return float(self.item())

    def __int__(self) -> int:
        if self.node is not None:
            conversion.check(sys._getframe(1), self._described())
        return int(self.item())

    def _described(self) -> str:
        return getattr(self, "name", None) or "a Tensor that requires grad"

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def item(self) -> Any:
        """The only element, as a Python number. Raises ValueError if there are more."""
        if self.size != 1:
            raise ValueError(
                f"item() needs exactly one element, and this Tensor of shape {self.shape} has "
                f"{self.size}; reduce it first, for example with .mean()"
            )
        return self._array.item()

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers."""
        return self._array.tolist()

    def numpy(self) -> np.ndarray:
        """The data, if no gradient would be lost by it; otherwise raises, see `detach()`."""
        return np.asarray(self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if self.node is not None:
            raise TypeError(errors.TO_ARRAY)
        return np.array(self._array, dtype, copy=copy)


def _is_constant(value: Any) -> bool:
    """Whether no Tensor in it requires grad, so that NumPy can have the arrays themselves."""
    if isinstance(value, ArrayInterface):
        return value.node is None
    if isinstance(value, dict):
        value = value.values()
    return not isinstance(value, (list, tuple, type({}.values()))) or all(map(_is_constant, value))


def data_of(value: Any) -> Any:
    """`value` with the data of Tensors in place of the Tensors, also inside containers."""
    if isinstance(value, ArrayInterface):
        return value._array
    if isinstance(value, (list, tuple)):
        items = map(data_of, value)
        return value._make(items) if hasattr(value, "_make") else type(value)(items)
    if isinstance(value, dict):
        return {key: data_of(each) for key, each in value.items()}
    return value
