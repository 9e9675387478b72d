"""Functions that are short expressions of other ops; those of shapes are in composed_shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..methods import Methods
from ..operators import OPS
from ..tensor import Tensor
from .elementwise import clamp


def composed(
    *numpy_functions: Callable[..., Any] | None, method: bool = True
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let NumPy's functions, and a method, find a function that is composed of ops."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        OPS.update(dict.fromkeys(filter(None, numpy_functions), function))
        if method:
            setattr(Methods, function.__name__, function)
        return function

    return register


@composed(np.clip)
def clip(
    a: Tensor, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None
) -> Tensor:
    """Between two bounds, None for no bound: `clamp` with NumPy's two spellings."""
    return clamp(a, a_min if min is None else min, a_max if max is None else max)
