"""SciPy's gamma and beta functions, complete and incomplete."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from scipy import special

from ....declare import Array
from ...elementwise import POSITIVE, nothing, pointwise

__all__ = [
    "beta",
    "betainc",
    "betaincc",
    "betaincinv",
    "betaln",
    "binom",
    "digamma",
    "gamma",
    "gammainc",
    "gammaincc",
    "gammainccinv",
    "gammaincinv",
    "gammaln",
    "gammasgn",
    "loggamma",
    "multigammaln",
    "poch",
    "polygamma",
    "rgamma",
]

function = partial(pointwise, method=False)


def _polygamma_vjp(g: Any, n: Any, x: Any) -> Any:
    return g * polygamma(n + 1, x)


@function(special.gammaln, lambda g, x: g * special.digamma(x), domain=POSITIVE)
def gammaln(x: Array) -> Array:
    """Logarithm of the gamma function's absolute value.
    y = ln |Γ(x)|,  ∂L/∂x = g ψ(x)"""
    return special.gammaln(x)


@function(special.loggamma, lambda g, z: g * special.digamma(z), domain=POSITIVE)
def loggamma(z: Array) -> Array:
    """Logarithm of the gamma function.
    y = ln Γ(z),  ∂L/∂z = g ψ(z)"""
    return special.loggamma(z)


@function(special.gamma, lambda g, z, out: g * (out * special.digamma(z)), domain=POSITIVE)
def gamma(z: Array) -> Array:
    """Gamma function.
    y = Γ(z),  ∂L/∂z = g y ψ(z)"""
    return special.gamma(z)


@function(special.rgamma, lambda g, z, out: -g * (out * special.digamma(z)), domain=POSITIVE)
def rgamma(z: Array) -> Array:
    """Reciprocal of the gamma function.
    y = 1 / Γ(z),  ∂L/∂z = -g y ψ(z)"""
    return special.rgamma(z)


@function(special.gammasgn, nothing, domain=POSITIVE)
def gammasgn(x: Array) -> Array:
    """Sign of the gamma function.
    y = -1 or 1,  ∂L/∂x = 0"""
    return special.gammasgn(x)


@function(special.digamma, lambda g, z: _polygamma_vjp(g, 0, z), domain=POSITIVE)
def digamma(z: Array) -> Array:
    """Logarithmic derivative of the gamma function.
    y = ψ(z),  ∂L/∂z = g ψ⁽¹⁾(z)"""
    return special.digamma(z)


@function(None, None, _polygamma_vjp, domain=POSITIVE)
def polygamma(n: Array, x: Array) -> Array:
    """Derivatives of digamma, of the integer order n.
    y = ψ⁽ⁿ⁾(x),  ∂L/∂x = g ψ⁽ⁿ⁺¹⁾(x)

    SciPy's own is a function in Python, which takes arrays only: call this one.
    """
    return np.asarray(special.polygamma(n, x), np.result_type(x, np.float16))


def multigammaln(a: Any, d: int) -> Any:
    """Logarithm of the gamma function of d dimensions.
    y = d (d - 1) / 4 ln π + Σ ln Γ(a - j/2) over j < d

    SciPy's own is a function in Python, which takes arrays only: call this one.
    """
    if np.any(np.less_equal(a, (d - 1) / 2)):
        raise ValueError(f"multigammaln: a must be larger than (d - 1) / 2 = {(d - 1) / 2}")
    terms = [special.gammaln(a - j / 2) for j in range(d)]
    return sum(terms, start=d * (d - 1) / 4 * math.log(math.pi))


# -------------------------------------------------------------------- of two arguments


def _apart(x: Any, y: Any) -> Any:
    """ψ(x) - ψ(y)."""
    return special.digamma(x) - special.digamma(y)


def _gamma_density(a: Any, x: Any) -> Any:
    """xᵃ⁻¹ e⁻ˣ / Γ(a)."""
    return np.exp(special.xlogy(a - 1, x) - x - special.gammaln(a))


def _beta_density(a: Any, b: Any, x: Any) -> Any:
    """xᵃ⁻¹ (1 - x)ᵇ⁻¹ / B(a, b)."""
    return np.exp(special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x) - special.betaln(a, b))


@function(
    special.beta,
    lambda g, a, b, out: g * (out * _apart(a, a + b)),
    lambda g, a, b, out: g * (out * _apart(b, a + b)),
    domain=POSITIVE,
)
def beta(a: Array, b: Array) -> Array:
    """Beta function.
    y = Γ(a) Γ(b) / Γ(a + b),  ∂L/∂a = g y (ψ(a) - ψ(a + b)),  ∂L/∂b = g y (ψ(b) - ψ(a + b))"""
    return special.beta(a, b)


@function(
    special.betaln,
    lambda g, a, b: g * _apart(a, a + b),
    lambda g, a, b: g * _apart(b, a + b),
    domain=POSITIVE,
)
def betaln(a: Array, b: Array) -> Array:
    """Logarithm of the beta function's absolute value.
    y = ln |B(a, b)|,  ∂L/∂a = g (ψ(a) - ψ(a + b)),  ∂L/∂b = g (ψ(b) - ψ(a + b))"""
    return special.betaln(a, b)


@function(
    special.binom,
    lambda g, n, k, out: g * (out * _apart(n + 1, n - k + 1)),
    lambda g, n, k, out: g * (out * _apart(n - k + 1, k + 1)),
    domain=((3.1, 5.0), (0.2, 2.9)),
)
def binom(n: Array, k: Array) -> Array:
    """Binomial coefficient, of real numbers.
    y = Γ(n + 1) / Γ(k + 1) Γ(n - k + 1),  ∂L/∂n = g y (ψ(n + 1) - ψ(n - k + 1)),
    ∂L/∂k = g y (ψ(n - k + 1) - ψ(k + 1))"""
    return special.binom(n, k)


@function(
    special.poch,
    lambda g, z, m, out: g * (out * _apart(z + m, z)),
    lambda g, z, m, out: g * (out * special.digamma(z + m)),
    domain=POSITIVE,
)
def poch(z: Array, m: Array) -> Array:
    """Rising factorial.
    y = Γ(z + m) / Γ(z),  ∂L/∂z = g y (ψ(z + m) - ψ(z)),  ∂L/∂m = g y ψ(z + m)"""
    return special.poch(z, m)


@function(special.gammainc, None, lambda g, a, x: g * _gamma_density(a, x), domain=POSITIVE)
def gammainc(a: Array, x: Array) -> Array:
    """Regularized lower incomplete gamma function.
    y = ∫₀ˣ tᵃ⁻¹ e⁻ᵗ dt / Γ(a),  ∂L/∂x = g p,  p = xᵃ⁻¹ e⁻ˣ / Γ(a)"""
    return special.gammainc(a, x)


@function(special.gammaincc, None, lambda g, a, x: -g * _gamma_density(a, x), domain=POSITIVE)
def gammaincc(a: Array, x: Array) -> Array:
    """Regularized upper incomplete gamma function.
    y = 1 - P(a, x),  ∂L/∂x = -g p,  p = xᵃ⁻¹ e⁻ˣ / Γ(a)"""
    return special.gammaincc(a, x)


@function(
    special.gammaincinv,
    None,
    lambda g, a, out: g / _gamma_density(a, out),
    domain=(POSITIVE, (0.1, 0.9)),
)
def gammaincinv(a: Array, y: Array) -> Array:
    """Inverse of gammainc.
    x = P⁻¹(a, y),  ∂L/∂y = g / p(x)"""
    return special.gammaincinv(a, y)


@function(
    special.gammainccinv,
    None,
    lambda g, a, out: -g / _gamma_density(a, out),
    domain=(POSITIVE, (0.1, 0.9)),
)
def gammainccinv(a: Array, y: Array) -> Array:
    """Inverse of gammaincc.
    x = Q⁻¹(a, y),  ∂L/∂y = -g / p(x)"""
    return special.gammainccinv(a, y)


@function(
    special.betainc,
    None,
    None,
    lambda g, a, b, x: g * _beta_density(a, b, x),
    domain=(POSITIVE, POSITIVE, (0.1, 0.9)),
)
def betainc(a: Array, b: Array, x: Array) -> Array:
    """Regularized incomplete beta function.
    y = ∫₀ˣ tᵃ⁻¹ (1 - t)ᵇ⁻¹ dt / B(a, b),  ∂L/∂x = g p,  p = xᵃ⁻¹ (1 - x)ᵇ⁻¹ / B(a, b)"""
    return special.betainc(a, b, x)


@function(
    special.betaincc,
    None,
    None,
    lambda g, a, b, x: -g * _beta_density(a, b, x),
    domain=(POSITIVE, POSITIVE, (0.1, 0.9)),
)
def betaincc(a: Array, b: Array, x: Array) -> Array:
    """Complement of betainc.
    y = 1 - I(a, b, x),  ∂L/∂x = -g p,  p = xᵃ⁻¹ (1 - x)ᵇ⁻¹ / B(a, b)"""
    return special.betaincc(a, b, x)


@function(
    special.betaincinv,
    None,
    None,
    lambda g, a, b, out: g / _beta_density(a, b, out),
    domain=(POSITIVE, POSITIVE, (0.1, 0.9)),
)
def betaincinv(a: Array, b: Array, y: Array) -> Array:
    """Inverse of betainc.
    x = I⁻¹(a, b, y),  ∂L/∂y = g / p(x)"""
    return special.betaincinv(a, b, y)
