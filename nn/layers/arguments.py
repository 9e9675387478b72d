"""What constructors of layers share: arguments checked, and shown again."""

from __future__ import annotations

import inspect
from numbers import Integral
from typing import Any

import numpy as np

from ..module import Module, Parameter
from ..names import whole


def positive(layer: Module, **numbers: Any) -> None:
    """Raises ValueError unless all are integers from 1 up."""
    for name, n in numbers.items():
        whole(f"{type(layer).__name__}: {name}", n, Integral)


def not_negative(layer: Module, **numbers: Any) -> None:
    """Raises ValueError for a number below 0."""
    for name, n in numbers.items():
        if not n >= 0:  # nan neither
            raise ValueError(f"{type(layer).__name__}: {name} must not be negative, and is {n}")


def described(layer: Module) -> str:
    """The arguments a layer was made with, less those at their defaults, for its `extra_repr`."""
    shown = []
    for name, parameter in inspect.signature(type(layer)).parameters.items():
        value, default = getattr(layer, name, parameter.default), parameter.default
        if name == "bias":
            value = isinstance(value, Parameter)
        if default is parameter.empty:
            shown.append(repr(value))
        elif value != default and value != (default,) * np.size(value):
            shown.append(f"{name}={value!r}")
    return ", ".join(shown)
