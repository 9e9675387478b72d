"""Well-conditioned matrices: singular values and eigenvalues are distinct and not near 0."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from .core import Call, laid_out, sampler, values

BATCHES = st.sampled_from([(), (), (2,), (2, 1), (0,)])


def _generator(draw: Any) -> np.random.Generator:
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1)))


def _rotations(rng: np.random.Generator, batch: Any, n: int) -> np.ndarray:
    return np.linalg.qr(rng.normal(size=(*batch, n, n)))[0]


def _spectrum(rng: np.random.Generator, batch: Any, n: int) -> np.ndarray:
    """Positive numbers, with differences of at least 1/2."""
    return 0.7 + np.arange(n) + rng.uniform(0, 0.5, size=(*batch, n))


def _general(draw: Any, batch: Any, m: int, n: int) -> np.ndarray:
    rng, k = _generator(draw), min(m, n)
    u, v = _rotations(rng, batch, m)[..., :k], _rotations(rng, batch, n)[..., :k, :]
    return laid_out(draw, (u * _spectrum(rng, batch, k)[..., None, :]) @ v)


def _symmetric(draw: Any, *, positive: bool) -> np.ndarray:
    rng, batch, n = _generator(draw), draw(BATCHES), draw(st.integers(0, 4))
    v, w = _rotations(rng, batch, n), _spectrum(rng, batch, n)
    if not positive:
        w = w * rng.choice([-1, 1], n)
    return laid_out(draw, (v * w[..., None, :]) @ v.mT)


@sampler("inv", "det", "slogdet", "cofactor")
def square(draw: Any, op: Any) -> Call:
    n = draw(st.integers(0, 4))
    return Call([_general(draw, draw(BATCHES), n, n)], {})


@sampler("solve")
def equations(draw: Any, op: Any) -> Call:
    n, k = draw(st.integers(1, 3)), draw(st.integers(0, 2))
    batch = draw(BATCHES)
    right = draw(st.sampled_from([(n,), (n, k), (*batch, n, k), (2, 1, n, k)]))
    if batch == (0,) and right[0] == 2:
        right = (n, k)
    return Call([_general(draw, batch, n, n), *values(draw, op, right)], {})


@sampler("pinv", "svd", "qr")
def rectangular(draw: Any, op: Any) -> Call:
    if op.name == "pinv" and draw(st.booleans()):
        return Call([_symmetric(draw, positive=False)], {"hermitian": True})
    m, n, statics = draw(st.integers(1, 4)), draw(st.integers(1, 4)), {}
    if op.name == "svd":
        statics["full_matrices"] = m == n and draw(st.booleans())
    return Call([_general(draw, draw(BATCHES), m, n)], statics)


@sampler("solve_triangular")
def triangular(draw: Any, op: Any) -> Call:
    """Matrices whose other triangle holds numbers that are not to be read."""
    n, k, batch = draw(st.sampled_from([1, 2, 3, 40])), draw(st.integers(0, 2)), draw(BATCHES)
    a = _generator(draw).uniform(-0.5, 0.5, size=(*batch, n, n)) / n + 2 * np.eye(n)
    (b,) = values(draw, op, draw(st.sampled_from([(n,), (n, k), (*batch, n, k)])))
    flags = {name: draw(st.booleans()) for name in ("lower", "unit_diagonal")}
    return Call([laid_out(draw, a), b], {"trans": draw(st.sampled_from([0, 1, "N", "T"])), **flags})


@sampler("cholesky")
def definite(draw: Any, op: Any) -> Call:
    return Call([_symmetric(draw, positive=True)], {"upper": draw(st.booleans())})


@sampler("eigh")
def symmetric(draw: Any, op: Any) -> Call:
    return Call([_symmetric(draw, positive=False)], {"UPLO": draw(st.sampled_from("LUlu"))})
