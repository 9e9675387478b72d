"""Axes joined."""

from __future__ import annotations

import math
from typing import Any

from tinygrad_edu.errors import located

__all__ = ["flatten"]


@located
def flatten(x: Any, start_axis: int = 1) -> Any:
    """All axes from start_axis on become one: (a, b, c, ...) -> (a, b c ...).

    Raises ValueError for an input without that axis.
    """
    if not -x.ndim <= start_axis < x.ndim:
        raise ValueError(
            f"flatten: an input of shape {x.shape} has no axis {start_axis} to start from"
        )
    kept = x.shape[:start_axis]  # up to a negative axis too
    return x.reshape((*kept, math.prod(x.shape[start_axis:])))
