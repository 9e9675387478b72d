"""The tables by which NumPy's functions find their ops: the ops fill them, Tensors look there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

OPS: dict[Callable[..., Any], Callable[..., Any]] = {}
"""NumPy function -> the op, or the function composed of ops, that is recorded in its place."""

NONDIFFERENTIABLE: set[Callable[..., Any]] = set()
"""NumPy functions without a derivative, such as argmax, which return plain arrays."""

OPTIONAL = {"scipy.special": "tinygrad_edu.ops.extended.scipy_special"}
"""Library that need not be installed -> the module that declares the ops of its functions."""
