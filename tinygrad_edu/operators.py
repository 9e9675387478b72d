"""How a call finds its op: Python's operators and NumPy's protocols look into one table, `OPS`.

`a * b`, `np.multiply(a, b)` and `a.multiply(b)` are the same call.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .methods import Methods

if TYPE_CHECKING:
    from .tensor import Tensor

OPS: dict[Callable[..., Any], Callable[..., Tensor]] = {}
"""NumPy function -> the op that records it."""

PLAIN: set[Callable[..., Any]] = set()
"""NumPy functions without a derivative, such as argmax, which answer in plain arrays."""


_INSTEAD = {
    "add.reduce": "np.sum",
    "multiply.reduce": "np.prod",
    "maximum.reduce": "np.max",
    "minimum.reduce": "np.min",
    "add.accumulate": "np.cumsum",
    "multiply.accumulate": "np.cumprod",
    "add.at": "x[index] and arithmetic, or ops.scatter",
    "multiply.outer": "x[:, None] * y",
    "add.outer": "x[:, None] + y",
}


class Operators(Methods):
    """What Python and NumPy ask of a Tensor, which `data` and the ops answer."""

    __slots__ = ()
    __array_priority__ = 1000
    __hash__ = object.__hash__

    data: np.ndarray

    # ---------------------------------------------------------------- Python's operators

    def __add__(self, other: Any) -> Tensor:
        return OPS[np.add](self, other)

    def __radd__(self, other: Any) -> Tensor:
        return OPS[np.add](other, self)

    def __sub__(self, other: Any) -> Tensor:
        return OPS[np.subtract](self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return OPS[np.subtract](other, self)

    def __mul__(self, other: Any) -> Tensor:
        return OPS[np.multiply](self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return OPS[np.multiply](other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return OPS[np.divide](self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return OPS[np.divide](other, self)

    def __floordiv__(self, other: Any) -> Tensor:
        return OPS[np.floor_divide](self, other)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return OPS[np.floor_divide](other, self)

    def __mod__(self, other: Any) -> Tensor:
        return OPS[np.remainder](self, other)

    def __rmod__(self, other: Any) -> Tensor:
        return OPS[np.remainder](other, self)

    def __pow__(self, other: Any) -> Tensor:
        return OPS[np.power](self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return OPS[np.power](other, self)

    def __matmul__(self, other: Any) -> Tensor:
        return OPS[np.matmul](self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return OPS[np.matmul](other, self)

    def __neg__(self) -> Tensor:
        return OPS[np.negative](self)

    def __pos__(self) -> Tensor:
        return OPS[np.positive](self)

    def __abs__(self) -> Tensor:
        return OPS[np.absolute](self)

    def __getitem__(self, index: Any) -> Tensor:
        return OPS[operator.getitem](self, plain(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError(
            "item assignment is not recorded, so Tensors have none; write "
            "np.where(mask, value, x) or ops.index_put(x, index, value) for a new Tensor, or "
            "x.data[...] = value outside the graph"
        )

    # ---------------------------------------------------------------- comparisons

    def __eq__(self, other: object) -> Any:
        return self.data == plain(other)

    def __ne__(self, other: object) -> Any:
        return self.data != plain(other)

    def __lt__(self, other: Any) -> Any:
        return self.data < plain(other)

    def __le__(self, other: Any) -> Any:
        return self.data <= plain(other)

    def __gt__(self, other: Any) -> Any:
        return self.data > plain(other)

    def __ge__(self, other: Any) -> Any:
        return self.data >= plain(other)

    # ---------------------------------------------------------------- NumPy's protocols

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__":
            instead = _INSTEAD.get(
                f"{ufunc.__name__}.{method}", "np.sum, np.max or another function"
            )
            raise TypeError(f"np.{ufunc.__name__}.{method} is not recorded; write {instead}")
        if ufunc in OPS:
            return OPS[ufunc](*inputs, **kwargs)
        return self.__array_function__(ufunc, (), inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in OPS:
            return OPS[function](*args, **kwargs)
        if kwargs.get("out") is not None:
            raise TypeError(
                f"np.{function.__name__}(..., out=) would write past the graph; "
                "use the value that it returns"
            )
        if function in PLAIN:
            return function(*plain(args), **plain(kwargs))
        raise TypeError(
            f"np.{function.__name__} has no derivative here; compose it of functions that have, "
            "declare it with tinygrad_edu.op, or pass t.data to compute outside the graph"
        )


def plain(value: Any) -> Any:
    """`value` with the data of Tensors in place of the Tensors, also inside containers."""
    if isinstance(value, Operators):
        return value.data
    if isinstance(value, (list, tuple)):
        return type(value)(map(plain, value))
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return value
