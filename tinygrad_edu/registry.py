"""The tables by which NumPy's functions find their ops: the ops fill them, Tensors look there."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

OPS: dict[Callable[..., Any], Callable[..., Any]] = {}
"""NumPy function -> the op, or the function composed of ops, that is recorded in its place."""

NONDIFFERENTIABLE: set[Callable[..., Any]] = set()
"""NumPy functions without a derivative, such as argmax, which return plain arrays."""

OPTIONAL = {"scipy.special": "tinygrad_edu.ops.extended.scipy_special"}
"""Library that need not be installed -> the module that declares the ops of its functions."""


def has_op(function: Callable[..., Any]) -> bool:
    """Whether `function` has an op; those of an optional library are declared at its first call."""
    for library, module in OPTIONAL.items():
        if _is_of(library, function):
            importlib.import_module(module)
    return function in OPS


def full_name(function: Callable[..., Any]) -> str:
    """What a person writes to call it: `np.linalg.inv`, `scipy.special.gammaln`."""
    module = getattr(function, "__module__", None)
    name = function.__name__
    for library in ("numpy", *OPTIONAL):  # a ufunc does not say where it comes from
        if _is_of(library, function):
            module = library
            break
    return f"{module}.{name}".replace("numpy.", "np.", 1) if module else name


def _is_of(library: str, function: Callable[..., Any]) -> bool:
    return getattr(sys.modules.get(library), function.__name__, None) is function
