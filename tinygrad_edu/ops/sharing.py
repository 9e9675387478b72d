"""What several derivatives of one op have in common."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph import OutputGradients

__all__: list[str] = []


SHARED: set[Callable[..., Any]] = set()
"""The functions that are `shared`."""


def came(g: Any) -> bool:
    """Whether anything came back to an output; what nothing came to is one 0, broadcast."""
    return type(g) is not np.ndarray or any(g.strides) or not g.size or g.item(0) != 0


def shared(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compute what several VJPs of an op read once for each `g`, the gradients of its outputs.

    They belong to one op in one backward pass, and what was computed is freed with them.
    """

    @functools.wraps(function)
    def call(g: Any, *args: Any) -> Any:
        if not isinstance(g, OutputGradients):
            return function(g, *args)
        if g.shared is None:
            g.shared = function(g, *args)
        return g.shared

    SHARED.add(call)
    return call
