"""NumPy's and SciPy's functions that are composed of ops, or optional, against PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, grad

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(0)
V, W, M, S, TALL = (RNG.normal(size=s) for s in [(5,), (5,), (3, 5), (4, 4), (5, 3)])
POINTS = np.array([0.0, 0.4, 1.5, 1.9, 3.0])
POSITIVE, SHARE = np.abs(M) + 0.3, RNG.uniform(0.05, 0.95, (3, 5))
MISSING = np.where(RNG.random(M.shape) < 0.3, np.nan, 0)


def agree(ours: Callable[..., Any], theirs: Callable[..., Any], *arrays: np.ndarray) -> None:
    """Value, and the first two orders of derivatives along random directions."""
    rng = np.random.default_rng(1)
    mine = [Tensor(x, requires_grad=True) for x in arrays]
    other = [torch.tensor(x, requires_grad=True) for x in arrays]
    y, z = ours(*mine), theirs(*other)
    np.testing.assert_allclose(y.data, z.detach(), rtol=1e-9, atol=1e-12)
    w = rng.normal(size=y.shape)
    us = [rng.normal(size=x.shape) for x in arrays]
    firsts = grad(y, mine, w, create_graph=True)
    expected = torch.autograd.grad(z, other, torch.tensor(w), create_graph=True)
    for a, b in zip(firsts, expected, strict=True):
        np.testing.assert_allclose(a.data, b.detach(), rtol=1e-7, atol=1e-9)
    total = sum((g * u).sum() for g, u in zip(firsts, us, strict=True))
    other_total = sum((g * torch.tensor(u)).sum() for g, u in zip(expected, us, strict=True))
    if not (total.requires_grad and other_total.requires_grad):
        return
    seconds = grad(total, mine, allow_unused=True)
    others = torch.autograd.grad(other_total, other, allow_unused=True)
    for a, b, x in zip(seconds, others, arrays, strict=True):
        a, b = (np.zeros(x.shape) if g is None else np.asarray(g.data) for g in (a, b))
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8)


def test_differences() -> None:
    agree(lambda x: np.diff(x, 2, 0), lambda x: torch.diff(x, 2, 0), M)
    agree(
        lambda x, y: np.diff(x, prepend=y, append=y),
        lambda x, y: torch.diff(x, prepend=y, append=y),
        M,
        M[:, :2],
    )
    agree(np.trapezoid, lambda y, x: torch.trapezoid(y, x), M, POINTS)
    spacing = [torch.arange(3, dtype=torch.float64) * 0.3, torch.tensor(POINTS)]
    for n in (1, 2):
        agree(
            lambda x: np.stack(np.gradient(x, 0.3, POINTS, edge_order=n)),  # noqa: B023
            lambda x: torch.stack(torch.gradient(x, spacing=spacing, edge_order=n)),  # noqa: B023
            M,
        )


def test_statistics() -> None:
    agree(np.cov, torch.cov, M)
    agree(np.corrcoef, torch.corrcoef, M)
    agree(
        lambda x: np.cov(x, aweights=SHARE[0], ddof=0),
        lambda x: torch.cov(x, aweights=torch.tensor(SHARE[0]), correction=0),
        M,
    )
    for function in ("nansum", "nanmean"):
        agree(
            lambda x: getattr(np, function)(x + MISSING, axis=0),  # noqa: B023
            lambda x: getattr(torch, function)(x + torch.tensor(MISSING), dim=0),  # noqa: B023
            M,
        )
    for method in ("linear", "lower", "higher", "midpoint", "nearest"):
        agree(
            lambda x: np.quantile(x, [0.1, 0.6], 1, method=method),  # noqa: B023
            lambda x: torch.quantile(
                x,
                torch.tensor([0.1, 0.6], dtype=torch.float64),
                1,
                interpolation=method,  # noqa: B023
            ),
            M,
        )
        agree(
            lambda x: np.nanquantile(x + MISSING, 0.3, 1, method=method),  # noqa: B023
            lambda x: torch.nanquantile(x + torch.tensor(MISSING), 0.3, 1, interpolation=method),  # noqa: B023
            M,
        )


def test_polynomials_and_selections() -> None:
    agree(lambda x: np.vander(x, 4, True), lambda x: torch.stack([x**n for n in range(4)], 1), V)
    agree(np.heaviside, lambda x, h: torch.where(x > 0, x * 0 + 1, x * 0 + 0 * h), V, W)
    agree(
        lambda x, y: np.select([x > 0.5, x > -0.5], [x * y, y], x),
        lambda x, y: torch.where(x > 0.5, x * y, torch.where(x > -0.5, y, x)),
        V,
        W,
    )


def test_linear_equations() -> None:
    agree(
        lambda a, b: np.linalg.lstsq(a, b)[0],
        lambda a, b: torch.linalg.lstsq(a, b[:, None]).solution[:, 0],
        TALL,
        V,
    )
    for p in (None, 2, -2):
        agree(lambda x: np.linalg.cond(x, p), lambda x: torch.linalg.cond(x, p), S)  # noqa: B023
    norm, inv = torch.linalg.matrix_norm, torch.linalg.inv  # PyTorch's cond of others fails
    for p in (1, -1, np.inf, "fro", "nuc"):
        agree(lambda x: np.linalg.cond(x, p), lambda x: norm(x, p) * norm(inv(x), p), S)  # noqa: B023
    agree(
        lambda x: np.linalg.tensorinv(x, 1),
        lambda x: torch.linalg.tensorinv(x, 1),
        RNG.normal(size=(4, 2, 2)),
    )
    agree(
        np.linalg.tensorsolve,
        torch.linalg.tensorsolve,
        RNG.normal(size=(2, 3, 6)),
        M[:2, :3].copy(),
    )


SPECIAL: dict[str, tuple[Any, ...]] = {
    **{name: (name, M) for name in ("erf", "erfc", "erfcx", "expit", "ndtr", "log_ndtr", "exp2")},
    **{name: (name, M) for name in ("expm1", "i0", "i0e", "i1", "i1e")},
    **{name: (name, POSITIVE) for name in ("gammaln", "digamma", "psi", "log1p", "entr")},
    **{name: (name, SHARE) for name in ("erfinv", "logit", "ndtri")},
    **{name: (name, POSITIVE, SHARE) for name in ("xlogy", "xlog1py")},
    "log_expit": (torch.nn.functional.logsigmoid, M),
    "gamma": (lambda x: torch.lgamma(x).exp(), POSITIVE),
    "j0": ("bessel_j0", M),
    "rel_entr": (lambda x, y: x * (x / y).log(), POSITIVE, SHARE),
    "kl_div": (lambda x, y: x * (x / y).log() - x + y, POSITIVE, SHARE),
    "betaln": (
        lambda a, b: torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b),
        POSITIVE,
        SHARE,
    ),
}


@pytest.mark.parametrize("name", SPECIAL)
def test_special_functions(name: str) -> None:
    special = pytest.importorskip("scipy.special")
    theirs, *arrays = SPECIAL[name]
    theirs = getattr(torch.special, theirs) if isinstance(theirs, str) else theirs
    if name == "j0":
        return np.testing.assert_allclose(special.j0(Tensor(M)).data, theirs(torch.tensor(M)))
    agree(getattr(special, name), theirs, *arrays)


def test_special_functions_with_an_order() -> None:
    scipy_special = pytest.importorskip("tinygrad_edu.ops.extended.scipy_special")
    special = pytest.importorskip("scipy.special")
    for n in (1, 2, 3):
        agree(
            lambda x: scipy_special.polygamma(n, x),  # noqa: B023
            lambda x: torch.special.polygamma(n, x),  # noqa: B023
            POSITIVE,
        )
    agree(
        lambda a: scipy_special.multigammaln(a + 1, 3),
        lambda a: torch.special.multigammaln(a + 1, 3),
        POSITIVE,
    )
    a = torch.tensor(POSITIVE)
    agree(lambda x: special.gammainc(POSITIVE, x), lambda x: torch.special.gammainc(a, x), SHARE)
    agree(lambda x: special.gammaincc(POSITIVE, x), lambda x: torch.special.gammaincc(a, x), SHARE)
    delta = RNG.uniform(0.3, 1, M.shape)
    agree(
        lambda r: special.huber(0.7, r),
        lambda r: torch.nn.functional.huber_loss(r, r * 0, "none", 0.7),
        delta * M,
    )
