"""What a Tensor shares with a NumPy array: shape and dtype, NumPy's protocols, its numbers."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import errors
from .methods import Methods, Result
from .registry import NONDIFFERENTIABLE, OPS, OPTIONAL


class ArrayInterface(Methods[Result]):
    """The part of a Tensor that is about its `data`; the subclass adds the history, `node`."""

    __slots__ = ()
    __array_priority__ = 1000

    _data: np.ndarray
    node: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """Size along each axis; () for a scalar."""
        return self._data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the elements."""
        return self._data.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._data.size

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError(errors.ITEM_ASSIGNMENT)

    def __iter__(self) -> Iterator[Result]:
        if not self.ndim:
            raise TypeError("a 0-d Tensor cannot be iterated over; float(t) gives its number")
        return (self[i] for i in range(len(self)))

    def __len__(self) -> int:
        return len(self._data)

    # ---------------------------------------------------------------- NumPy's protocols

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__":
            raise errors.locate(errors.ufunc_method(errors.full_name(ufunc), method))
        if kwargs:
            kwargs = {name: v for name, v in kwargs.items() if not _is_default(name, v)}
            if "where" in kwargs:
                raise errors.locate(errors.undefined_elsewhere(errors.full_name(ufunc)))
        if ufunc in OPS or _is_declared_now(ufunc):
            return OPS[ufunc](*inputs, **kwargs)
        return self.__array_function__(ufunc, (), inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if kwargs.get("out") is not None:
            raise errors.locate(errors.writes_out(errors.full_name(function)))
        kwargs.pop("out", None)
        if function in OPS:
            return OPS[function](*args, **kwargs)
        if function in NONDIFFERENTIABLE:
            return function(*data_of(args), **data_of(kwargs))
        raise errors.locate(errors.not_recorded(errors.full_name(function)))

    # ---------------------------------------------------------------- leaving the graph, openly

    def __bool__(self) -> bool:
        return bool(self._data)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def item(self) -> Any:
        """The only element, as a Python number. Raises ValueError if there are more."""
        if self.size != 1:
            raise ValueError(
                f"item() needs exactly one element, and this Tensor of shape {self.shape} has "
                f"{self.size}; reduce it first, for example with .mean()"
            )
        return self._data.item()

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers."""
        return self._data.tolist()

    def numpy(self) -> np.ndarray:
        """The data, if no gradient would be lost by it; otherwise raises, see `detach()`."""
        return np.asarray(self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if self.node is not None:
            raise errors.to_array()
        return np.array(self._data, dtype, copy=copy)


def _is_declared_now(ufunc: Any) -> bool:
    """Whether a ufunc has an op after all: an optional library's are declared at its first call."""
    for library, module in OPTIONAL.items():
        if getattr(sys.modules.get(library), ufunc.__name__, None) is ufunc:
            importlib.import_module(module)
    return ufunc in OPS


_UFUNC_DEFAULTS = {
    "where": True,
    "casting": "same_kind",
    "order": "K",
    "subok": True,
    "dtype": None,
}


def _is_default(name: str, value: Any) -> bool:
    """Whether a keyword of a ufunc says what holds without it."""
    if name not in _UFUNC_DEFAULTS:
        return False
    default = _UFUNC_DEFAULTS[name]
    return type(value) is type(default) and bool(value == default)


def data_of(value: Any) -> Any:
    """`value` with the data of Tensors in place of the Tensors, also inside containers."""
    if isinstance(value, ArrayInterface):
        return value._data
    if isinstance(value, (list, tuple)):
        items = map(data_of, value)
        return value._make(items) if hasattr(value, "_make") else type(value)(items)
    if isinstance(value, dict):
        return {key: data_of(each) for key, each in value.items()}
    return value
