"""Dropout: in training, elements or channels are dropped at random."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import Tensor, effect, ops

from ..init import generator
from .options import checked, number

__all__ = ["dropout", "dropout2d"]

_PROBABILITY = number("p", lambda v: 0 <= v <= 1, "a probability, from 0 to 1")


@checked(_PROBABILITY)
def dropout(x: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """Each element 0 with probability p, else divided by 1 - p; x itself unless `training`.

    Draws from `nn.init.generator()`, which `nn.manual_seed` sets.  Raises ValueError for a p
    outside 0 to 1.
    """
    return _dropped(x, p, x.shape) if training and p else x


@checked(_PROBABILITY)
def dropout2d(x: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """`dropout` of whole channels of images (batch, channels, height, width).

    Raises ValueError unless x has four axes.
    """
    if x.ndim != 4:
        raise ValueError(
            f"expected images (batch, channels, height, width), and was given shape {x.shape}"
        )
    return _dropped(x, p, (*x.shape[:2], 1, 1)) if training and p else x


def _dropped(x: Tensor, p: float, shape: tuple[int, ...]) -> Tensor:
    mask = effect(_mask, shape, p, np.result_type(x.dtype, 0.0), changes=(generator(),))
    return ops.dropout(x, mask)


def _mask(shape: tuple[int, ...], p: float, dtype: Any) -> np.ndarray:
    """Drawn anew each time: 1 / (1 - p) for what stays, else 0."""
    kept = generator().random(shape, np.float32) >= p  # float32 takes half the time
    return np.multiply(kept, 1 / (1 - p) if p < 1 else 0.0, dtype=dtype)
