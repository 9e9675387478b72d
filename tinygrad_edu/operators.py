"""Python's operators: `a * b` is the op `multiply`, which `ops/elementwise.py` declares.

`a * b`, `np.multiply(a, b)` and `a.multiply(b)` are the same call.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from . import unrecorded
from .array_interface import compared, data_of
from .context import state
from .methods import Methods
from .ops.elementwise import (
    absolute,
    add,
    divide,
    floor_divide,
    multiply,
    negative,
    positive,
    power,
    remainder,
    subtract,
)
from .ops.index import getitem
from .ops.products import matmul
from .ops.shape import swapaxes, transpose


def _reflected(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda y, x: function(x, y)


BINARY: dict[str, Callable[..., Any]] = {
    "add": add,
    "sub": subtract,
    "mul": multiply,
    "truediv": divide,
    "floordiv": floor_divide,
    "mod": remainder,
    "pow": power,
    "matmul": matmul,
}
"""`x * y` looks for `__mul__` of x, or else for `__rmul__`, reflected, of y."""

OTHERS: dict[str, Any] = {
    "__neg__": negative,
    "__pos__": positive,
    "__abs__": absolute,
    "__eq__": compared(operator.eq),
    "__ne__": compared(operator.ne),
    "__lt__": compared(operator.lt),
    "__le__": compared(operator.le),
    "__gt__": compared(operator.gt),
    "__ge__": compared(operator.ge),
    "__getitem__": lambda x, index: getitem(x, data_of(index)),
    "T": property(lambda x: transpose(x), doc="The axes in reverse order."),
    "mT": property(lambda x: swapaxes(x, -1, -2), doc="The last two axes exchanged."),
}


IN_PLACE = ("add", "sub", "mul", "truediv")
"""`a += b` is `a = a + b`, but updates the data of a leaf that requires grad, unrecorded."""


def _in_place(update: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    def call(a: Any, b: Any) -> Any:
        if a.node is None or a.node.edges:
            return function(a, b)
        if state.recording:
            raise RuntimeError(unrecorded.IN_PLACE.format(update.__name__[1:]))
        a.data = update(a.data, data_of(b))
        return a

    return call


for _name in IN_PLACE:
    setattr(Methods, f"__i{_name}__", _in_place(getattr(operator, f"i{_name}"), BINARY[_name]))
for _name, _function in BINARY.items():
    setattr(Methods, f"__{_name}__", _function)
    setattr(Methods, f"__r{_name}__", _reflected(_function))
for _name, _attribute in OTHERS.items():
    setattr(Methods, _name, _attribute)
