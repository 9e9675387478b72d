"""Embedding: a vector for each of many things."""

from __future__ import annotations

from typing import Any

from tinygrad_edu import Tensor

from .. import functional as F
from ..init import Initializer, normal
from ..module import Regularized
from ..validation import integer, not_negative
from .layer import Layer, parameter

__all__ = ["Embedding"]


class Embedding(Layer, Regularized):
    """A table of vectors: y = W[i], (...) integers -> (..., embedding_dim).

    `weight` has shape (num_embeddings, embedding_dim) and starts in N(0, 1), or by `init`; the
    gradients of equal indices add up.  The entry `padding_idx` starts at 0 and gets no gradient,
    so it stays as it is.  With `l2` the model's `penalty()` holds l2/2 ‖W‖².

    Raises IndexError for an index outside 0 to num_embeddings - 1, TypeError for other numbers
    than integers.

    >>> import numpy as np
    >>> table = Embedding(10, 3, padding_idx=0)
    >>> y = table(np.array([[1, 2, 0], [4, 1, 9]]))
    >>> y.shape, y.data[0, 2]
    ((2, 3, 3), array([0., 0., 0.], dtype=float32))
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None, *,
        init: str | Initializer | None = None, l2: float = 0.0, dtype: Any = None,
    ) -> None:  # fmt: skip
        self.num_embeddings = n = integer("Embedding: num_embeddings", num_embeddings)
        self.embedding_dim = integer("Embedding: embedding_dim", embedding_dim)
        self.l2 = not_negative("Embedding: l2", l2)
        self.weight = parameter(init or normal(std=1.0), (n, self.embedding_dim), dtype)
        if padding_idx is not None:
            if not -n <= padding_idx < n:
                raise ValueError(f"Embedding: padding_idx={padding_idx} is none of the {n} entries")
            padding_idx %= n
            self.weight.data[padding_idx] = 0
        self.padding_idx = padding_idx

    def forward(self, indices: Any) -> Tensor:
        """Integers of any shape -> that shape and embedding_dim."""
        return F.embedding(indices, self.weight, self.padding_idx)
