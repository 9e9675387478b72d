"""Norms of vectors and matrices: where a norm is 0, its gradient is 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ...array_interface import data_of
from ...declare import Array, composed, op
from ...precision import at_least_single, divided, rounded
from ...tensor import Tensor
from ..reduce import spread
from ..shape import expand_dims, moveaxis

__all__ = ["matrix_norm", "norm", "vector_norm"]

Axis = int | tuple[int, ...] | None


def _vector_norm_vjp(g: Any, x: Any, out: Any, like: Any, ord: float, axis: Axis) -> Any:
    x, g, out = at_least_single(x), spread(g, like, axis), spread(out, like, axis)
    if ord == 0:
        return np.broadcast_to(g * 0, like)
    if math.isinf(ord):
        chosen = np.absolute(x) == out
        return divided(g * np.sign(x) * chosen, np.count_nonzero(chosen, axis, keepdims=True))
    safe = np.where(out == 0, 1, out)
    if ord == 2:
        return g / safe * x
    return g * np.sign(x) * (np.where(x == 0, 1, np.absolute(x)) / safe) ** (ord - 1)


@op(np.linalg.vector_norm, _vector_norm_vjp, along="axis", method=False, domain=(0.5, 2.0))
def vector_norm(x: Array, ord: float = 2, axis: Any = None, keepdims: bool = False) -> Array:
    """Length of vectors.
    y = (Σ |xᵢ|ᵖ)^(1/p),  ∂L/∂xᵢ = g sign xᵢ |xᵢ / y|ᵖ⁻¹,  0 at y = 0

    For p = ±∞ the largest or smallest |xᵢ|, ties sharing equally; for p = 0 the number of xᵢ ≠ 0
    """
    wide = at_least_single(x)
    if ord == 2 and axis is None:
        y = np.linalg.norm(wide, None, None, keepdims)  # several times as quick
    else:
        y = np.linalg.vector_norm(wide, axis=axis, keepdims=keepdims, ord=ord)
    return rounded(y, x)


@composed(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Norm of vectors or matrices, of every order that NumPy has; of all elements if none is given.

    At a matrix norm of order 2, -2 or "nuc" equal singular values are no obstacle in the first
    derivative, and are in the second (see `svd`); those that are 0, but for rounding, have
    derivative 0.
    """
    x = x if isinstance(x, Tensor) else np.asarray(x)
    if axis is None and ord is None:
        return vector_norm(x, 2, None, keepdims)
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    if len(axes) == 1:
        if isinstance(ord, str):
            raise ValueError(f"norm: a vector has no norm of order {ord!r}, only of numbers")
        return vector_norm(x, 2 if ord is None else ord, axes[0], keepdims)
    if len(axes) != 2:
        raise ValueError(f"norm: over one axis or two, not {len(axes)}; or give no ord")
    if ord in (None, "fro", "f"):
        return vector_norm(x, 2, axes, keepdims)
    norms = _of_matrices(moveaxis(x, axes, (-2, -1)), ord)
    return expand_dims(norms, axes) if keepdims else norms


def _of_matrices(x: Any, ord: Any) -> Any:
    if ord in (2, -2, "nuc"):
        values = np.linalg.svdvals(x)
        values = np.where(_vanishing(values, x.shape), data_of(values), values)
        return values.sum(-1) if ord == "nuc" else _extreme(values, ord)
    if ord not in (1, -1, math.inf, -math.inf):
        raise ValueError(
            f"norm: a matrix has no norm of order {ord!r}; there are 'fro', 'nuc', 1, -1, 2, -2, "
            "inf and -inf"
        )
    sums = np.absolute(x).sum(-2 if abs(ord) == 1 else -1)
    return _extreme(sums, ord)


def _vanishing(values: Any, shape: tuple[int, ...]) -> Any:
    """Which singular values are 0 but for rounding, by np.linalg.matrix_rank's measure.

    As of |x|, the derivative of each is 0 there.
    """
    noise = max(shape[-2:]) * np.finfo(values.dtype).eps
    return values <= noise * data_of(values)[..., :1]


def _extreme(x: Any, ord: float) -> Any:
    if ord < 0:
        return x.min(-1)
    return x.max(-1) if x.shape[-1] else x.sum(-1)  # 0, as the norm of nothing


@composed(np.linalg.matrix_norm, method=False)
def matrix_norm(x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Tensor:
    """Norm of the matrices along the last two axes."""
    return norm(x, ord, (-2, -1), keepdims)
