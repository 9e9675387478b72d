"""Indices as vectors: rows of a table, or rows with a single 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import Tensor, ops

from .options import checked

__all__ = ["embedding", "one_hot"]


@checked()
def one_hot(indices: Any, num_classes: int = -1, dtype: Any = np.float64) -> np.ndarray:
    """Class indices as rows with a single 1, in an ndarray: it has no derivative.

    By default (-1) there are as many classes as the largest index says, as in PyTorch.  Raises
    TypeError for indices that are not integers, IndexError for one out of range.

    >>> one_hot([2, 0], 3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    if num_classes == -1:
        num_classes = int(np.max(indices, initial=-1)) + 1
    indices = _indices(indices, num_classes)
    rows: np.ndarray = (indices[..., None] == np.arange(num_classes)).astype(dtype)
    return rows


@checked()
def embedding(indices: Any, weight: Tensor, padding_idx: int | None = None) -> Tensor:
    """The rows of weight, (entries, features), at the indices; the gradients of equal ones add up.

    The row `padding_idx`, -1 for the last, gets no gradient.  Raises TypeError for indices that are
    not integers, IndexError for one out of range.
    """
    y = weight[_indices(indices, len(weight))]
    if padding_idx is None:
        return y
    padded = np.equal(indices, padding_idx % len(weight))[..., None]
    constant = weight.detach() if isinstance(weight, Tensor) else weight
    return ops.where(padded, constant[padding_idx], y)


def _indices(indices: Any, n: int) -> np.ndarray:
    i = np.asarray(indices)
    if i.dtype.kind not in "iu":
        raise TypeError(f"the indices must be integers, and are {i.dtype}")
    if i.size and (i.min() < 0 or i.max() >= n):
        raise IndexError(
            f"indices from {i.min()} to {i.max()} were given, and there are only 0 to {n - 1}"
        )
    return i
