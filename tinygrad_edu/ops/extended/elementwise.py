"""More elementwise functions: signs, parts of numbers, and the complex parts of real numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...declare import Array, composed, op
from ...methods import Methods
from ...registry import OPS
from ..elementwise import floor_divide, nothing, only, pointwise, positive, remainder, trunc
from ..selections import selection

__all__ = ["angle", "conjugate", "copysign", "divmod", "heaviside", "imag", "ldexp", "modf", "real"]


@pointwise(
    np.copysign,
    lambda g, x1, out: g * (np.sign(x1) * np.sign(out)),
    nothing,
    method=False,
    kinks=(0.0,),
)
def copysign(x1: Array, x2: Array) -> Array:
    """The size of x with the sign of s.
    y = |x| sign s,  ∂L/∂x = g sign x sign s,  ∂L/∂s = 0,  0 at 0"""
    return np.copysign(x1, x2)


@selection(np.heaviside, nothing, lambda g, x1: only(g, x1 == 0), method=False, kinks=(0.0,))
def heaviside(x1: Array, x2: Array) -> Array:
    """Unit step.
    y = 0 if x < 0, 1 if x > 0, h at 0,  ∂L/∂x = 0,  ∂L/∂h = g where x = 0"""
    return np.heaviside(x1, x2)


@pointwise(np.ldexp, lambda g, x2: np.ldexp(g, x2), None, method=False)
def ldexp(x1: Array, x2: Array) -> Array:
    """Multiplied by a power of 2.
    y = x 2ⁿ,  ∂L/∂x = g 2ⁿ"""
    return np.ldexp(x1, x2)


@op(np.modf, lambda g: g[0], outputs=2, method=False, domain=(0.1, 0.9))
def modf(x: Array) -> Any:
    """The fraction of a number, with its sign, and its integer part.
    y = x - trunc x,  ∂L/∂x = g"""
    return np.modf(x)


@composed(np.divmod, method=False)
def divmod(x: Any, y: Any) -> Any:
    """Quotient rounded down, and remainder."""
    return floor_divide(x, y), remainder(x, y)


OPS[np.fix] = trunc


# -------------------------------------------------------------------- real numbers as complex ones


@composed(np.real, np.real_if_close, method=False)
def real(val: Any, tol: float = 100) -> Any:
    """The real part of real numbers, which is all of them."""
    return positive(val)


@composed(np.conjugate)
def conjugate(x: Any) -> Any:
    """The complex conjugate of real numbers, which is the same."""
    return positive(x)


@pointwise(np.imag, nothing, method=False)
def imag(val: Array) -> Array:
    """The imaginary part of real numbers.
    y = 0,  ∂L/∂x = 0"""
    return np.zeros_like(val)


@pointwise(np.angle, nothing, method=False, kinks=(0.0,))
def angle(z: Array, deg: bool = False) -> Array:
    """The angle in the complex plane of real numbers.
    y = 0 if x ≥ 0,  π if x < 0,  ∂L/∂x = 0"""
    return np.angle(z, deg)


setattr(Methods, "conj", conjugate)  # noqa: B010
setattr(Methods, "real", property(real, doc="The real part, which is all."))  # noqa: B010
setattr(Methods, "imag", property(imag, doc="The imaginary part, zeros."))  # noqa: B010
