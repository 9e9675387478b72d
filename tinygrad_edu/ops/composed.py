"""Functions that are short expressions of other ops, and the methods that take shapes piecewise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..methods import Methods
from ..operators import OPS
from ..tensor import Tensor
from .elementwise import clamp
from .shape import cast
from .shape import reshape as _reshape
from .shape import transpose as _transpose


def composed(
    numpy_function: Callable[..., Any] | None = None, *, method: bool = True
) -> Callable[[Callable[..., Any]], Callable[..., Tensor]]:
    """Let NumPy's function, and a method, find a function that is composed of ops."""

    def register(function: Callable[..., Any]) -> Callable[..., Tensor]:
        if numpy_function is not None:
            OPS[numpy_function] = function
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


@composed()
def reshape(x: Tensor, *shape: Any) -> Tensor:
    """In another shape, given as a tuple or piecewise; one size may be -1."""
    return _reshape(x, shape[0] if len(shape) == 1 else shape)


@composed()
def transpose(x: Tensor, *axes: Any) -> Tensor:
    """The axes in another order, given as a tuple or piecewise; reversed if none is given."""
    return _transpose(x, axes[0] if len(axes) == 1 else axes or None)


@composed()
def flatten(x: Tensor) -> Tensor:
    """All elements along one axis, row by row."""
    return _reshape(x, -1)


@composed(np.ravel)
def ravel(a: Tensor) -> Tensor:
    """All elements along one axis, row by row."""
    return _reshape(a, -1)


@composed(getattr(np, "astype", None))
def astype(x: Tensor, dtype: Any) -> Tensor | np.ndarray:
    """As another type: a plain array if that is not floating, since then it has no gradient."""
    return cast(x, dtype) if np.dtype(dtype).kind == "f" else x.data.astype(dtype)
