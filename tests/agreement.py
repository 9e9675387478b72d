"""Checks of functions composed of ops: values against NumPy, derivatives by finite differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, grad

STEP = 1e-5


def leaf(data: Any, dtype: Any = np.float64) -> Tensor:
    return Tensor(np.asarray(data, dtype), requires_grad=True)


def flat(result: Any) -> Any:
    """One output or several as one vector."""
    parts = result if isinstance(result, (list, tuple)) else [result]
    return np.concatenate([np.ravel(part) for part in parts])


def agree(function: Callable[..., Any], *arrays: np.ndarray) -> None:
    """Check the value for Tensors against that for arrays, and first and second derivatives.

    Derivatives are compared along random directions, as in test_ops. Of float32 the dtype is
    NumPy's as well, and gradients are float32.
    """
    rng = np.random.default_rng(0)
    want, got = function(*arrays), function(*map(leaf, arrays))
    same_value(got, want)
    w = rng.normal(size=flat(want).shape)
    us, vs = ([rng.normal(size=x.shape) for x in arrays] for _ in "uv")

    def slopes(xs: Any, weight: Any, create_graph: bool = False) -> Any:
        leaves = [leaf(x) for x in xs]
        y = (flat(function(*leaves)) * weight).sum()
        return leaves, grad(y, leaves, create_graph=create_graph)

    def along(xs: Any) -> float:
        return sum(float((g.data * u).sum()) for g, u in zip(slopes(xs, w)[1], us, strict=True))

    def difference(f: Callable[[Any], float]) -> float:
        ahead = [x + STEP * v for x, v in zip(arrays, vs, strict=True)]
        behind = [x - STEP * v for x, v in zip(arrays, vs, strict=True)]
        return (f(ahead) - f(behind)) / (2 * STEP)

    first = sum((g.data * v).sum() for g, v in zip(slopes(arrays, w)[1], vs, strict=True))
    np.testing.assert_allclose(
        first, difference(lambda xs: float(w @ flat(function(*xs)))), 1e-6, 1e-6
    )
    leaves, firsts = slopes(arrays, w, create_graph=True)
    total = sum((g * u).sum() for g, u in zip(firsts, us, strict=True))
    second = 0.0
    if total.requires_grad:
        found = grad(total, leaves, allow_unused=True)
        second = sum((g.data * v).sum() for g, v in zip(found, vs, strict=True) if g is not None)
    np.testing.assert_allclose(second, difference(along), 1e-5, 1e-5)
    same_dtypes(function, arrays)


def same_value(got: Any, want: Any) -> None:
    if isinstance(want, (list, tuple)):
        assert type(got) is type(want)
        for g, w in zip(got, want, strict=True):
            same_value(g, w)
    else:
        got = got.data if isinstance(got, Tensor) else got  # of a constant
        np.testing.assert_allclose(got, np.asarray(want), 1e-12, 1e-12, strict=True)


def same_dtypes(function: Callable[..., Any], arrays: Any) -> None:
    leaves = [leaf(x, np.float32) for x in arrays]
    got, want = function(*leaves), function(*(x.data for x in leaves))
    for part, other in zip(
        *(x if isinstance(x, (list, tuple)) else [x] for x in (got, want)), strict=True
    ):
        assert np.asarray(getattr(part, "data", part)).dtype == np.asarray(other).dtype
    firsts = grad((flat(got) * 1.5).sum(), leaves, create_graph=True)
    assert all(g.dtype == np.float32 for g in firsts)
