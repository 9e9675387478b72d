"""Embedding: a vector for each of many things."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import Tensor, ops

from ..init import Initialiser, initial, normal
from ..module import Parameter, Regularized, get_default_dtype
from .arguments import not_negative, positive


class Embedding(Regularized):
    """A table of vectors: y = W[i], (...) integers -> (..., embedding_dim).

    `weight` has shape (num_embeddings, embedding_dim) and starts in N(0, 1), or by `init`; what
    comes back to equal indices adds up.  The entry `padding_idx` starts at 0 and gets no gradient,
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
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        init: str | Initialiser | None = None,
        l2: float = 0.0,
        dtype: Any = None,
    ) -> None:
        positive(self, num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        not_negative(self, l2=l2)
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise ValueError(
                    f"Embedding: padding_idx={padding_idx} is none of the {num_embeddings} entries"
                )
            padding_idx %= num_embeddings
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx, self.l2 = padding_idx, l2
        shape = (num_embeddings, embedding_dim)
        weight = initial(init or normal(std=1.0), shape, dtype or get_default_dtype())
        if padding_idx is not None:
            weight[padding_idx] = 0
        self.weight = Parameter(weight)

    def forward(self, indices: Any) -> Tensor:
        """Integers of any shape -> that shape and embedding_dim."""
        indices = np.asarray(indices)
        y: Tensor = ops.embedding(self.weight, indices)
        if self.padding_idx is None:
            return y
        padding = (indices == self.padding_idx)[..., None]
        return ops.where(padding, self.weight.data[self.padding_idx], y)

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
