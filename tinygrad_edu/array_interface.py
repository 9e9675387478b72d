"""What a Tensor shares with a NumPy array: shape and dtype, NumPy's protocols, its numbers."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import conversion, errors, unrecorded
from .habits import Elsewhere
from .methods import Methods, Result
from .observers import observers, tell
from .registry import NONDIFFERENTIABLE, OPS

OPTIONAL = {"scipy.special": "tinygrad_edu.ops.extended.scipy_special"}
"""Library that need not be installed -> the module that declares the ops of its functions."""


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
        if conversion.is_called(sys._getframe(1)):
            raise TypeError("size is a number, as NumPy has it; write x.shape, or x.shape[axis]")
        return self._array.size

    def __dir__(self) -> list[str]:
        elsewhere = [k for k, v in vars(Methods).items() if isinstance(v, Elsewhere)]
        return sorted({*super().__dir__()}.difference(elsewhere))

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError(unrecorded.ITEM_ASSIGNMENT)

    def __iter__(self) -> Iterator[Result]:
        if not self.ndim:
            raise TypeError("a 0-d Tensor cannot be iterated over; float(t) gives its number")
        return (self[i] for i in range(len(self)))

    def __len__(self) -> int:
        return len(self._array)

    # ---------------------------------------------------------------- NumPy's protocols

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if (method != "__call__" or kwargs) and _is_constant((inputs, kwargs)):
            return getattr(ufunc, method)(*data_of(inputs), **data_of(kwargs))
        if method != "__call__":
            raise errors.locate(unrecorded.ufunc_method(unrecorded.full_name(ufunc), method))
        kwargs = {name: v for name, v in kwargs.items() if not _is_default(name, v)}
        if "where" in kwargs:
            raise errors.locate(unrecorded.undefined_elsewhere(unrecorded.full_name(ufunc)))
        if ufunc not in OPS:
            _declare_optional(ufunc)
        return self.__array_function__(ufunc, (), inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        writes = kwargs.pop("out", None)
        if function in OPS and writes is None:
            return OPS[function](*args, **kwargs)
        if writes is not None:
            kwargs["out"] = writes
        if _is_constant((args, kwargs)) or (function in NONDIFFERENTIABLE and writes is None):
            result = function(*data_of(args), **data_of(kwargs))
            if observers:
                tell("undifferentiated", function.__name__, args, result)
            return result
        name = unrecorded.full_name(function)
        raise errors.locate(
            unrecorded.not_recorded(name) if writes is None else unrecorded.writes_out(name)
        )

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
        if self._array.size != 1:
            raise ValueError(
                f"item() needs exactly one element, and this Tensor of shape {self.shape} has "
                f"{self._array.size}; reduce it first, for example with .mean()"
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
            raise unrecorded.to_array()
        return np.array(self._array, dtype, copy=copy)


def _is_constant(value: Any) -> bool:
    """Whether no Tensor in it requires grad, so that NumPy can have the arrays themselves."""
    if isinstance(value, ArrayInterface):
        return value.node is None
    if isinstance(value, dict):
        return all(map(_is_constant, value.values()))
    return not isinstance(value, (list, tuple)) or all(map(_is_constant, value))


def _declare_optional(ufunc: Any) -> None:
    """Declare the ops of an optional library's functions when the first of them is called."""
    for library, module in OPTIONAL.items():
        if getattr(sys.modules.get(library), ufunc.__name__, None) is ufunc:
            importlib.import_module(module)


_UFUNC_DEFAULTS = {
    "where": True,
    "casting": "same_kind",
    "order": "K",
    "subok": True,
    "dtype": None,
}


def _is_default(name: str, value: Any) -> bool:
    """Whether a keyword of a ufunc has its default value."""
    if name not in _UFUNC_DEFAULTS:
        return False
    default = _UFUNC_DEFAULTS[name]
    return type(value) is type(default) and bool(value == default)


def compared(compare: Callable[..., Any]) -> Callable[..., Any]:
    """A comparison, which has no derivative and returns a plain array."""

    def call(x: Any, y: Any) -> Any:
        result = compare(x._array, data_of(y))
        if observers:
            tell("undifferentiated", compare.__name__, (x, y), result)
        return result

    return call


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
