"""Covariances and correlation coefficients."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ...declare import as_operand, composed
from ...tensor import Tensor
from ..joining import concatenate
from ..products import matmul
from ..shape import cast_like
from ..statistics import average
from .diagonals import diagonal

__all__ = ["corrcoef", "cov"]


@composed(np.cov, method=False)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    """Covariances of variables, one in each row, or in each column if not `rowvar`; in float64.
    Cᵢⱼ = Σ w (xᵢ - x̄ᵢ) (xⱼ - x̄ⱼ) / n,  n = Σ w - ddof Σ w a / Σ w,  w = f a

    `y` are more variables, `fweights` how often each observation was made, and `aweights` how much
    each counts; `ddof` is 1 unless it is given or `bias` is true.
    """
    if ddof is not None and ddof != int(ddof):
        raise ValueError(f"cov: ddof must be an integer, not {ddof}")
    ddof = (0 if bias else 1) if ddof is None else ddof
    x = _variables(m, y, rowvar, dtype)
    if not x.shape[0]:
        return x.reshape(0, 0)
    weights, total = _weights(x.shape[1], fweights, aweights)
    n = total
    if ddof:
        n = total - ddof * (1 if aweights is None else (weights * aweights).sum() / total)
    if np.any(n <= 0):
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=4)
        n = 0.0
    x = x - average(x, 1, weights, keepdims=True)
    weighted = x if weights is None else x * weights
    products = matmul(x, weighted.T)
    return (products * cast_like(as_operand(np.true_divide(1, n)), products)).squeeze()


def _variables(m: Any, y: Any, rowvar: bool, dtype: Any) -> Any:
    """Those of m and of y, one in each row."""
    parts = [as_operand(each) for each in (m, y) if each is not None]
    if dtype is None:
        dtype = np.result_type(*(x.dtype for x in parts), np.float64)
    variables = []
    for i, x in enumerate(parts):
        if x.ndim > 2:
            raise ValueError(f"cov: variables are given in one axis or two, not {x.ndim}")
        columns = not rowvar and (x.ndim > 1 if i == 0 else x.ndim > 1 and x.shape[0] != 1)
        x = x.astype(dtype) if x.dtype != dtype else x
        variables.append(x.T if columns else np.atleast_2d(x))
    return variables[0] if len(parts) == 1 else concatenate(variables)


def _weights(n: int, fweights: Any, aweights: Any) -> tuple[Any, Any]:
    """The product of the weights of n observations, or None, and its sum."""
    weights = None
    for name, given in (("fweights", fweights), ("aweights", aweights)):
        if given is None:
            continue
        w = as_operand(given)
        w = w.astype(np.float64) if w.dtype != np.float64 else w
        if name == "fweights" and not np.all(w == np.around(w)):
            raise TypeError("cov: fweights must be integers")
        if w.shape != (n,):
            raise RuntimeError(f"cov: {name} must be a vector of {n} weights, not {w.shape}")
        if np.any(w < 0):
            raise ValueError(f"cov: {name} cannot be negative")
        weights = w if weights is None else weights * w
    return weights, n if weights is None else weights.sum()


@composed(np.corrcoef, method=False)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Tensor:
    """Correlation coefficients of variables, given as to `cov`.
    Rᵢⱼ = Cᵢⱼ / √(Cᵢᵢ Cⱼⱼ)"""
    c = cov(x, y, rowvar, dtype=dtype)
    if not c.ndim:
        return c / c
    deviation = np.sqrt(diagonal(c))
    return np.clip(c / deviation[:, None] / deviation[None, :], -1, 1)
