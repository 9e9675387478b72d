"""SciPy's entropies, robust losses and power transformations."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy import special

from ....declare import Array
from ...elementwise import POSITIVE, only, pointwise

__all__ = [
    "boxcox",
    "boxcox1p",
    "entr",
    "huber",
    "inv_boxcox",
    "inv_boxcox1p",
    "kl_div",
    "pseudo_huber",
    "rel_entr",
    "xlog1py",
    "xlogy",
]

function = partial(pointwise, method=False)


def _but_0(y: Any, x: Any) -> Any:
    """y, but 1 where x and y are 0, so that x / y is 0 there."""
    both = np.equal(x, 0) & np.equal(y, 0)
    return np.where(both, 1, y) if both.any() else y


def _pseudo_huber_delta(delta: Any, r: Any) -> Any:
    s = np.sqrt(1 + np.square(r / delta))
    return delta * np.square(s - 1) / s


@function(
    special.xlogy,
    lambda g, y: g * np.log(y),
    lambda g, x, y: g * (x / _but_0(y, x)),
    domain=POSITIVE,
)
def xlogy(x: Array, y: Array) -> Array:
    """Product with a logarithm, 0 at x = 0.
    z = x ln y,  ∂L/∂x = g ln y,  ∂L/∂y = g x / y,  0 at x = y = 0"""
    return special.xlogy(x, y)


@function(
    special.xlog1py,
    lambda g, y: g * np.log1p(y),
    lambda g, x, y: g * (x / _but_0(1 + y, x)),
    domain=POSITIVE,
)
def xlog1py(x: Array, y: Array) -> Array:
    """The same of 1 + y, precise near 0.
    z = x ln(1 + y),  ∂L/∂x = g ln(1 + y),  ∂L/∂y = g x / (1 + y),  0 at x = 0, y = -1"""
    return special.xlog1py(x, y)


@function(special.entr, lambda g, x: g * (-1 - np.log(x)), domain=POSITIVE)
def entr(x: Array) -> Array:
    """Entropy of one probability, 0 at 0.
    y = -x ln x,  ∂L/∂x = -g (1 + ln x)"""
    return special.entr(x)


@function(
    special.rel_entr,
    lambda g, x, y: g * (np.log(x / y) + 1),
    lambda g, x, y: -g * (x / _but_0(y, x)),
    domain=POSITIVE,
)
def rel_entr(x: Array, y: Array) -> Array:
    """Relative entropy of one probability, 0 at x = 0.
    z = x ln(x / y),  ∂L/∂x = g (ln(x / y) + 1),  ∂L/∂y = -g x / y,  0 at x = y = 0"""
    return special.rel_entr(x, y)


@function(
    special.kl_div,
    lambda g, x, y: g * np.log(x / y),
    lambda g, x, y: g * (1 - x / _but_0(y, x)),
    domain=POSITIVE,
)
def kl_div(x: Array, y: Array) -> Array:
    """Kullback-Leibler divergence of one probability, least at x = y.
    z = x ln(x / y) - x + y,  ∂L/∂x = g ln(x / y),  ∂L/∂y = g (1 - x / y)"""
    return special.kl_div(x, y)


@function(
    special.huber,
    lambda g, delta, r: only(g, np.absolute(r) > delta) * (np.absolute(r) - delta),
    lambda g, delta, r: g * np.clip(r, -delta, delta),
    domain=((0.5, 1.0), (-2.0, 2.0)),
    kinks=(),
)
def huber(delta: Array, r: Array) -> Array:
    """Huber's loss, quadratic up to δ and linear beyond.
    y = r²/2 if |r| ≤ δ else δ (|r| - δ/2),  ∂L/∂r = g min(max(r, -δ), δ),
    ∂L/∂δ = g max(|r| - δ, 0)"""
    return special.huber(delta, r)


@function(
    special.pseudo_huber,
    lambda g, delta, r: g * _pseudo_huber_delta(delta, r),
    lambda g, delta, r: g * (r / np.sqrt(1 + np.square(r / delta))),
    domain=((0.5, 1.0), (-2.0, 2.0)),
)
def pseudo_huber(delta: Array, r: Array) -> Array:
    """A smooth form of Huber's loss.
    y = δ² (s - 1),  s = √(1 + (r/δ)²),  ∂L/∂r = g r / s,  ∂L/∂δ = g δ (s - 1)² / s"""
    return special.pseudo_huber(delta, r)


@function(special.boxcox, lambda g, x, lmbda: g * x ** (lmbda - 1), None, domain=POSITIVE)
def boxcox(x: Array, lmbda: Array) -> Array:
    """Box-Cox transformation.
    y = (xᵏ - 1) / k,  ln x at k = 0,  ∂L/∂x = g xᵏ⁻¹"""
    return special.boxcox(x, lmbda)


@function(special.boxcox1p, lambda g, x, lmbda: g * (1 + x) ** (lmbda - 1), None, domain=POSITIVE)
def boxcox1p(x: Array, lmbda: Array) -> Array:
    """Box-Cox transformation of 1 + x, precise near 0.
    y = ((1 + x)ᵏ - 1) / k,  ln(1 + x) at k = 0,  ∂L/∂x = g (1 + x)ᵏ⁻¹"""
    return special.boxcox1p(x, lmbda)


@function(special.inv_boxcox, lambda g, lmbda, out: g * out ** (1 - lmbda), None, domain=POSITIVE)
def inv_boxcox(y: Array, lmbda: Array) -> Array:
    """Inverse of boxcox.
    x = (k y + 1)^(1/k),  eʸ at k = 0,  ∂L/∂y = g x¹⁻ᵏ"""
    return special.inv_boxcox(y, lmbda)


@function(
    special.inv_boxcox1p, lambda g, lmbda, out: g * (1 + out) ** (1 - lmbda), None, domain=POSITIVE
)
def inv_boxcox1p(y: Array, lmbda: Array) -> Array:
    """Inverse of boxcox1p.
    x = (k y + 1)^(1/k) - 1,  eʸ - 1 at k = 0,  ∂L/∂y = g (1 + x)¹⁻ᵏ"""
    return special.inv_boxcox1p(y, lmbda)
