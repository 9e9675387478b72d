"""Tensors that report, while a function is traced, what would leave the graph unseen.

A trace runs a function once and writes down its ops. A number read by `float(t)`, or an array by
`t.data`, would become a constant of the program without a word, and be wrong at the next call.
While a trace is on, its Tensors have a class that refuses this and names the line.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import errors
from ..array_interface import _is_constant, data_of
from ..observers import observers
from ..registry import NONDIFFERENTIABLE, OPS
from ..tensor import Tensor


class TraceError(RuntimeError):
    """A function does something that a program cannot repeat."""


def is_internal(frame: Any) -> bool:
    """Whether a frame is in this library."""
    return _is_internal(frame.f_globals.get("__name__", ""))


@functools.lru_cache(maxsize=1024)
def _is_internal(module: str) -> bool:
    return module.split(".")[0] in errors.internal


def _recording() -> Any:
    return observers[threading.get_ident()][-1]


def _refused(what: str, remedy: str, original: Callable[..., Any]) -> Any:
    """Refuses a user's own code; the library's reads values only to check them."""

    def refuse(self: Any, *args: Any, **kwargs: Any) -> Any:
        if is_internal(sys._getframe(1)):
            return original(self, *args, **kwargs)
        error = TraceError(
            f"{what} of a traced Tensor would be frozen into the program as it is now; {remedy}"
        )
        raise errors.locate(error)

    return refuse


_INSTEAD = "use ops and NumPy functions of the Tensor itself"
_NUMBER = "compute with the Tensor, or read the number from what the function returns"
_BRANCH = (
    "a branch on values cannot be recorded: choose with np.where, or pass the choice as an argument"
)
_PROPERTIES = {name: (vars(Tensor)[name].fget, vars(Tensor)[name].fset) for name in ("data",)}


_REFUSED: dict[str, Any] = {
    "data": property(
        _refused(".data", _INSTEAD, _PROPERTIES["data"][0]),
        _refused("assigning .data", "do it outside of the function", _PROPERTIES["data"][1]),
    ),
    **{
        name: _refused(what, remedy, getattr(Tensor, name))
        for name, what, remedy in (
            ("__bool__", "bool()", _BRANCH),
            ("__float__", "float()", _NUMBER),
            ("__int__", "int()", _NUMBER),
            ("__array__", "np.asarray()", _INSTEAD),
            ("item", ".item()", _NUMBER),
            ("tolist", ".tolist()", _NUMBER),
            ("numpy", ".numpy()", _INSTEAD),
            ("backward", "backward()", "return the loss, and its program computes the gradients"),
        )
    },
}


def _recorded(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function without a derivative, as a step of the program."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return _recording().call(function, args, kwargs, "numpy")

    return call


_COMPARED: dict[str, Callable[..., Any]] = {
    "__eq__": np.equal, "__ne__": np.not_equal, "__lt__": np.less, "__le__": np.less_equal,
    "__gt__": np.greater, "__ge__": np.greater_equal, "__and__": np.bitwise_and,
    "__or__": np.bitwise_or, "__xor__": np.bitwise_xor, "__invert__": np.invert,
    "argmax": np.argmax, "argmin": np.argmin, "argsort": np.argsort,
    "argpartition": np.argpartition, "any": np.any, "all": np.all,
}  # fmt: skip


_STATIC = {
    np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj,
    np.may_share_memory, np.shares_memory, np.min_scalar_type, np.common_type,
}  # fmt: skip
"""Functions of shapes and dtypes, which are the same in every call of a program."""


def _array_ufunc(self: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    if method == "__call__" and ufunc not in OPS:
        return _array_function(self, ufunc, (), inputs, kwargs)
    if method != "__call__" and _is_constant((inputs, kwargs)):
        return _recording().call(getattr(ufunc, method), inputs, kwargs, "numpy")
    return Tensor.__array_ufunc__(self, ufunc, method, *inputs, **kwargs)


def _array_function(self: Any, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    if function in _STATIC:
        return function(*data_of(args), **data_of(kwargs))
    free = function in NONDIFFERENTIABLE or _is_constant((args, kwargs))
    if function not in OPS and free and "out" not in kwargs:
        return _recording().call(function, args, kwargs, "numpy")
    return Tensor.__array_function__(self, function, types, args, kwargs)


def _astype(self: Any, dtype: Any, *args: Any, **kwargs: Any) -> Any:
    if np.dtype(dtype).kind == "f":
        return Tensor.astype(self, dtype, *args, **kwargs)
    return _recording().call(_converted, (self, np.dtype(dtype)), {}, "numpy")


def _converted(x: Any, dtype: Any) -> Any:
    return x.astype(dtype)


@functools.cache
def _dyed(kind: Any) -> type[Tensor]:
    members = {
        "__slots__": (),
        "__hash__": kind.__hash__,
        "__array_ufunc__": _array_ufunc,
        "__array_function__": _array_function,
        "astype": _astype,
        "undyed": kind,
        **_REFUSED,
        **{name: _recorded(function) for name, function in _COMPARED.items()},
    }
    return type(kind.__name__, (kind,), members)


def dye(tensor: Tensor) -> None:
    """Let a Tensor report what a trace cannot see."""
    kind: Any = type(tensor)
    if not hasattr(kind, "undyed"):
        tensor.__class__ = _dyed(kind)


def undye(tensor: Tensor) -> None:
    """Make it an ordinary Tensor again."""
    tensor.__class__ = getattr(type(tensor), "undyed", type(tensor))
