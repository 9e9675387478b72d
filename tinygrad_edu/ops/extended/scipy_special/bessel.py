"""SciPy's Bessel functions; by their order there is no derivative."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy import special

from ....declare import Array, composed
from ...elementwise import POSITIVE, pointwise

__all__ = [
    "i0",
    "i0e",
    "i1",
    "i1e",
    "iv",
    "ive",
    "j0",
    "j1",
    "jv",
    "k0",
    "k0e",
    "k1",
    "k1e",
    "kn",
    "kv",
    "kve",
    "y0",
    "y1",
    "yn",
    "yv",
]

function = partial(pointwise, method=False)


@function(special.j0, lambda g, x: -g * special.j1(x))
def j0(x: Array) -> Array:
    """Bessel function of the first kind, order 0.
    y = J₀(x),  ∂L/∂x = -g J₁(x)"""
    return special.j0(x)


@function(special.j1, lambda g, x: g * (special.j0(x) - special.jv(2, x)) / 2)
def j1(x: Array) -> Array:
    """Bessel function of the first kind, order 1.
    y = J₁(x),  ∂L/∂x = g (J₀(x) - J₂(x)) / 2"""
    return special.j1(x)


@function(
    special.jv,
    None,
    lambda g, v, z: g * (special.jv(v - 1, z) - special.jv(v + 1, z)) / 2,
    domain=POSITIVE,
)
def jv(v: Array, z: Array) -> Array:
    """Bessel functions of the first kind.
    y = Jᵥ(z),  ∂L/∂z = g (Jᵥ₋₁(z) - Jᵥ₊₁(z)) / 2"""
    return special.jv(v, z)


@function(special.y0, lambda g, x: -g * special.y1(x), domain=POSITIVE)
def y0(x: Array) -> Array:
    """Bessel function of the second kind, order 0.
    y = Y₀(x),  ∂L/∂x = -g Y₁(x)"""
    return special.y0(x)


@function(special.y1, lambda g, x: g * (special.y0(x) - special.yv(2, x)) / 2, domain=POSITIVE)
def y1(x: Array) -> Array:
    """Bessel function of the second kind, order 1.
    y = Y₁(x),  ∂L/∂x = g (Y₀(x) - Y₂(x)) / 2"""
    return special.y1(x)


@composed(special.yn, method=False)
def yn(n: Any, x: Any) -> Any:
    """Bessel functions of the second kind, of integer order.
    y = Yₙ(x)"""
    return yv(n, x)


@function(
    special.yv,
    None,
    lambda g, v, z: g * (special.yv(v - 1, z) - special.yv(v + 1, z)) / 2,
    domain=POSITIVE,
)
def yv(v: Array, z: Array) -> Array:
    """Bessel functions of the second kind.
    y = Yᵥ(z),  ∂L/∂z = g (Yᵥ₋₁(z) - Yᵥ₊₁(z)) / 2"""
    return special.yv(v, z)


@function(special.i0, lambda g, x: g * special.i1(x))
def i0(x: Array) -> Array:
    """Modified Bessel function of the first kind, order 0.
    y = I₀(x),  ∂L/∂x = g I₁(x)"""
    return special.i0(x)


@function(special.i1, lambda g, x: g * (special.i0(x) + special.iv(2, x)) / 2)
def i1(x: Array) -> Array:
    """Modified Bessel function of the first kind, order 1.
    y = I₁(x),  ∂L/∂x = g (I₀(x) + I₂(x)) / 2"""
    return special.i1(x)


@function(
    special.iv,
    None,
    lambda g, v, z: g * (special.iv(v - 1, z) + special.iv(v + 1, z)) / 2,
    domain=POSITIVE,
)
def iv(v: Array, z: Array) -> Array:
    """Modified Bessel functions of the first kind.
    y = Iᵥ(z),  ∂L/∂z = g (Iᵥ₋₁(z) + Iᵥ₊₁(z)) / 2"""
    return special.iv(v, z)


@function(special.i0e, lambda g, x, out: g * (special.i1e(x) - np.sign(x) * out), kinks=(0.0,))
def i0e(x: Array) -> Array:
    """Scaled modified Bessel function, order 0.
    y = e⁻ˡˣˡ I₀(x),  ∂L/∂x = g (e⁻ˡˣˡ I₁(x) - y sign x)"""
    return special.i0e(x)


@function(
    special.i1e,
    lambda g, x, out: g * ((special.i0e(x) + special.ive(2, x)) / 2 - np.sign(x) * out),
    kinks=(0.0,),
)
def i1e(x: Array) -> Array:
    """Scaled modified Bessel function, order 1.
    y = e⁻ˡˣˡ I₁(x),  ∂L/∂x = g (e⁻ˡˣˡ (I₀(x) + I₂(x)) / 2 - y sign x)"""
    return special.i1e(x)


@function(
    special.ive,
    None,
    lambda g, v, z, out: (
        g * ((special.ive(v - 1, z) + special.ive(v + 1, z)) / 2 - np.sign(z) * out)
    ),
    domain=POSITIVE,
)
def ive(v: Array, z: Array) -> Array:
    """Scaled modified Bessel functions.
    y = e⁻ˡᶻˡ Iᵥ(z),  ∂L/∂z = g (e⁻ˡᶻˡ (Iᵥ₋₁(z) + Iᵥ₊₁(z)) / 2 - y sign z)"""
    return special.ive(v, z)


@function(special.k0, lambda g, x: -g * special.k1(x), domain=POSITIVE)
def k0(x: Array) -> Array:
    """Modified Bessel function of the second kind, order 0.
    y = K₀(x),  ∂L/∂x = -g K₁(x)"""
    return special.k0(x)


@function(special.k1, lambda g, x: -g * (special.k0(x) + special.kv(2, x)) / 2, domain=POSITIVE)
def k1(x: Array) -> Array:
    """Modified Bessel function of the second kind, order 1.
    y = K₁(x),  ∂L/∂x = -g (K₀(x) + K₂(x)) / 2"""
    return special.k1(x)


@composed(special.kn, method=False)
def kn(n: Any, x: Any) -> Any:
    """Modified Bessel functions of the second kind, of integer order.
    y = Kₙ(x)"""
    return kv(n, x)


@function(
    special.kv,
    None,
    lambda g, v, z: -g * (special.kv(v - 1, z) + special.kv(v + 1, z)) / 2,
    domain=POSITIVE,
)
def kv(v: Array, z: Array) -> Array:
    """Modified Bessel functions of the second kind.
    y = Kᵥ(z),  ∂L/∂z = -g (Kᵥ₋₁(z) + Kᵥ₊₁(z)) / 2"""
    return special.kv(v, z)


@function(special.k0e, lambda g, x, out: g * (out - special.k1e(x)), domain=POSITIVE)
def k0e(x: Array) -> Array:
    """Scaled modified Bessel function of the second kind, order 0.
    y = eˣ K₀(x),  ∂L/∂x = g (y - eˣ K₁(x))"""
    return special.k0e(x)


@function(
    special.k1e,
    lambda g, x, out: g * (out - (special.k0e(x) + special.kve(2, x)) / 2),
    domain=POSITIVE,
)
def k1e(x: Array) -> Array:
    """Scaled modified Bessel function of the second kind, order 1.
    y = eˣ K₁(x),  ∂L/∂x = g (y - eˣ (K₀(x) + K₂(x)) / 2)"""
    return special.k1e(x)


@function(
    special.kve,
    None,
    lambda g, v, z, out: g * (out - (special.kve(v - 1, z) + special.kve(v + 1, z)) / 2),
    domain=POSITIVE,
)
def kve(v: Array, z: Array) -> Array:
    """Scaled modified Bessel functions of the second kind.
    y = eᶻ Kᵥ(z),  ∂L/∂z = g (y - eᶻ (Kᵥ₋₁(z) + Kᵥ₊₁(z)) / 2)"""
    return special.kve(v, z)
