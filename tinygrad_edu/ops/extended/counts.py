"""Counts: how often integers are found, or values between edges."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ...array_interface import data_of
from ...declare import composed
from ...tensor import Tensor
from ..index import scatter

__all__ = ["bincount"]


@composed(np.bincount, method=False)
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """How often each integer is found, as a plain array; with `weights`, their sums, in float64.
    yₖ = Σ wᵢ over xᵢ = k"""
    x = data_of(x)
    if not isinstance(weights, Tensor):
        return np.bincount(x, weights, minlength)
    length = len(np.bincount(x, minlength=minlength))
    if np.shape(x) != weights.shape:
        raise ValueError(f"bincount: {np.shape(x)} integers have weights of shape {weights.shape}")
    weights = weights if weights.dtype == np.float64 else weights.astype(np.float64)
    return scatter(weights, np.asarray(x), (length,))


def _histogram(function: Any) -> Any:
    @functools.wraps(function)
    def histogram(*args: Any, **kwargs: Any) -> Any:
        weights = kwargs.get("weights")
        if isinstance(weights, Tensor) and weights.requires_grad:
            raise TypeError(
                f"{function.__name__} has no derivative with respect to its weights here; write "
                "np.bincount(np.digitize(x, edges), weights), or weights=t.data"
            )
        return function(*data_of(args), **data_of(kwargs))

    return histogram


for _function in (np.histogram, np.histogram2d, np.histogramdd):
    composed(_function, method=False)(_histogram(_function))
