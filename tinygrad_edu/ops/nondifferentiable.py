"""Functions without a derivative: comparisons, indices and tests, which return plain arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import located
from ..methods import Methods
from ..registry import NONDIFFERENTIABLE

__all__ = ["all", "any", "argmax", "argmin", "argpartition", "argsort"]

NONDIFFERENTIABLE |= {
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    np.isclose, np.allclose, np.array_equal, np.isfinite, np.isnan, np.isinf, np.signbit,
    np.logical_and, np.logical_or, np.logical_not, np.logical_xor,
    np.argmax, np.argmin, np.argsort, np.argpartition, np.lexsort, np.argwhere, np.nonzero,
    np.flatnonzero, np.searchsorted, np.digitize, np.count_nonzero, np.any, np.all,
    np.unique, np.unique_all, np.unique_counts, np.unique_inverse, np.unique_values, np.isin,
    np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d, np.nanargmax, np.nanargmin,
    np.isposinf, np.isneginf, np.isreal, np.iscomplex, np.array_equiv, np.linalg.matrix_rank,
    np.histogram_bin_edges, np.spacing,
    np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.left_shift, np.right_shift,
    np.bitwise_count, np.gcd, np.lcm, np.packbits, np.unpackbits, np.ix_, np.einsum_path,
    np.diag_indices_from, np.tril_indices_from, np.triu_indices_from, np.unravel_index,
    np.ravel_multi_index, np.min_scalar_type, np.common_type,
    np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj,
    np.zeros_like, np.ones_like, np.empty_like, np.full_like,
    np.array_str, np.array_repr, np.array2string, np.may_share_memory, np.shares_memory,
}  # fmt: skip


@located
def argmax(self: Any, axis: int | None = None, *, keepdims: bool = False) -> np.ndarray:
    """Where the largest element is, as a plain array of indices."""
    return np.argmax(self, axis, keepdims=keepdims)


@located
def argmin(self: Any, axis: int | None = None, *, keepdims: bool = False) -> np.ndarray:
    """Where the smallest element is, as a plain array of indices."""
    return np.argmin(self, axis, keepdims=keepdims)


@located
def argsort(
    self: Any, axis: int | None = -1, kind: Any = None, *, stable: bool | None = None
) -> np.ndarray:
    """The indices that would sort, as a plain array."""
    return np.argsort(self, axis, kind, stable=stable)


@located
def argpartition(self: Any, kth: Any, axis: int | None = -1) -> np.ndarray:
    """The indices that would put the k-th smallest at its position, as a plain array."""
    return np.argpartition(self, kth, axis)


@located
def any(self: Any, axis: Any = None, *, keepdims: bool = False, where: Any = True) -> Any:
    """Whether any element is nonzero, as a plain array."""
    return np.any(self, axis, keepdims=keepdims, where=where)


@located
def all(self: Any, axis: Any = None, *, keepdims: bool = False, where: Any = True) -> Any:
    """Whether all elements are nonzero, as a plain array."""
    return np.all(self, axis, keepdims=keepdims, where=where)


for _method in (argmax, argmin, argsort, argpartition, any, all):
    setattr(Methods, _method.__name__, _method)
