"""Creation: Tensors of a shape or a range, as leaves if wanted.

    w = ops.normal(rng, (784, 128), scale=0.05, requires_grad=True, name="weight")

The dtype is NumPy's own, so float64 for zeros and for random numbers; np.zeros_like and the
related functions, called through NumPy, return plain arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..tensor import Tensor

__all__ = [
    "arange", "eye", "full", "full_like", "linspace", "normal", "ones", "ones_like", "uniform",
    "zeros", "zeros_like",
]  # fmt: skip


def _creator(create: Callable[..., Any], summary: str) -> Callable[..., Tensor]:
    """NumPy's function, returning a Tensor."""

    def function(
        *args: Any, requires_grad: bool = False, name: str | None = None, **kwargs: Any
    ) -> Tensor:
        args = tuple(x.data if isinstance(x, Tensor) else x for x in args)
        return Tensor(create(*args, **kwargs), requires_grad=requires_grad, name=name)

    function.__name__ = function.__qualname__ = create.__name__
    function.__doc__ = f"{summary}  Arguments as in np.{create.__name__}, dtype too."
    return function


zeros = _creator(np.zeros, "Zeros, in a shape.")
ones = _creator(np.ones, "Ones, in a shape.")
full = _creator(np.full, "One value, in a shape.")
arange = _creator(np.arange, "Numbers from start to before stop, by steps.")
linspace = _creator(np.linspace, "So many numbers, equally spaced, from start to stop.")
eye = _creator(np.eye, "Ones on a diagonal, zeros elsewhere.")
zeros_like = _creator(np.zeros_like, "Zeros, in the shape and dtype of an array or a Tensor.")
ones_like = _creator(np.ones_like, "Ones, in the shape and dtype of an array or a Tensor.")
full_like = _creator(np.full_like, "One value, in the shape and dtype of an array or a Tensor.")


def normal(
    rng: np.random.Generator, shape: Any = (), loc: float = 0.0, scale: float = 1.0, *,
    dtype: Any = None, requires_grad: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Normally distributed numbers of mean `loc` and standard deviation `scale`."""
    drawn = rng.normal(loc, scale, shape)
    return Tensor(drawn, requires_grad=requires_grad, dtype=dtype, name=name)


def uniform(
    rng: np.random.Generator, shape: Any = (), low: float = 0.0, high: float = 1.0, *,
    dtype: Any = None, requires_grad: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Numbers uniformly distributed from `low` to before `high`."""
    drawn = rng.uniform(low, high, shape)
    return Tensor(drawn, requires_grad=requires_grad, dtype=dtype, name=name)
