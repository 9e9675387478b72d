"""The former names of what stands in `validation`."""

from __future__ import annotations

from numbers import Real
from typing import Any

from .validation import integer
from .validation import several_values as several
from .validation import unknown_name as unknown

__all__ = ["several", "unknown", "whole"]


def whole(name: str, n: Any, kind: Any = Real) -> int:
    """An integer of at least 1, of that kind."""
    if not isinstance(n, kind):
        raise ValueError(f"{name} must be a positive integer, not {n!r}")
    return integer(name, n)
