"""Parameter: a Tensor that is trained; and the dtype that parameters get."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from tinygrad_edu import Tensor

__all__ = ["Parameter", "get_default_dtype", "set_default_dtype"]


class _Default(threading.local):
    dtype = np.dtype(np.float32)


_default = _Default()


def set_default_dtype(dtype: Any) -> None:
    """The dtype of parameters made from now on in this thread; float32 unless set."""
    if np.dtype(dtype).kind != "f":
        raise TypeError(f"parameters are floating point, not {np.dtype(dtype)}")
    _default.dtype = np.dtype(dtype)


def get_default_dtype() -> np.dtype[Any]:
    """The dtype that parameters get."""
    return _default.dtype


class Parameter(Tensor):
    """A Tensor that a Module owns and an optimizer changes.

    >>> Parameter([1.0, 2.0], name="weight")
    Tensor([1., 2.], dtype=float32, requires_grad=True, name='weight')
    """

    __slots__ = ()

    def __init__(
        self, data: Any, *, requires_grad: bool = True, dtype: Any = None, name: str | None = None
    ) -> None:
        if dtype is None and not isinstance(data, np.ndarray):
            dtype = get_default_dtype()
        super().__init__(data, requires_grad=requires_grad, dtype=dtype, name=name)


def forget_gradient(p: Tensor, set_to_none: bool) -> None:
    """Make a gradient None, or fill the one there is with zeros."""
    if set_to_none or p.grad is None:
        p.grad = None
    else:
        p.grad[...] = 0
