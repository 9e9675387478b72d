"""Kinks, infinities and zeros against PyTorch: equal, but where a stated convention differs.

The conventions are those of docs/gradient-contract.md, section 4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nn import functional
from tinygrad_edu import Tensor, ops

torch = pytest.importorskip("torch")
F = torch.nn.functional
INF = np.inf

POINTS = np.array([0, -0.0, 1, -1, 2, -2, 0.5, 3, 6, 1e-200, 1e200, -1e200, INF, -INF])
PAIRS = np.array([(x, y) for x in POINTS[:-5] for y in POINTS[:-5]])
PAIRS = np.concatenate([PAIRS, [(x, y) for x in (INF, -INF) for y in (INF, -INF, 0, 1, -2)]])
PAIRS = np.concatenate([PAIRS, PAIRS[-10:, ::-1]])

UNARY = {
    name: getattr(torch, name)
    for name in (
        *("sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh"),
        *("arccosh", "arctanh", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p"),
        *("sigmoid", "square", "sqrt", "reciprocal", "absolute", "sign", "floor", "ceil"),
        *("trunc", "round", "erf", "nan_to_num"),
    )
} | {
    name: getattr(F, name)
    for name in (
        *("relu", "elu", "selu", "silu", "mish", "gelu", "softsign", "logsigmoid", "hardtanh"),
        *("leaky_relu", "softplus"),
    )
}
UNARY["gelu_tanh"] = lambda x: F.gelu(x, approximate="tanh")
BINARY = {
    name: getattr(torch, name)
    for name in (
        *("maximum", "minimum", "fmax", "fmin", "hypot", "arctan2", "logaddexp", "logaddexp2"),
        *("remainder", "fmod", "multiply", "divide"),
    )
} | {"power": torch.pow}

Where = Callable[..., Any]
ELSE: dict[str, Where] = {  # where the convention is another
    "hardtanh": lambda x: abs(x) == 1,  # a bound passes the gradient, as clip's
    "fmax": lambda x, y: x == y,  # ties share equally, as maximum's
    "fmin": lambda x, y: x == y,
    "hypot": lambda x, y: np.isinf(x) | np.isinf(y) | (x == 0) & (y == 0),
    "arctan2": lambda x, y: np.isinf(x) | np.isinf(y),  # limits where NaN comes of ∞ / ∞
    "logaddexp": lambda x, y: np.isinf(x) & (x == y),
    "logaddexp2": lambda x, y: np.isinf(x) & (x == y),
    "power": lambda x, y: (x == INF) & (y < 0),
    "gelu_tanh": lambda x: abs(x) > 1e100,  # limits where NaN comes of ∞ · 0
} | dict.fromkeys(["silu", "mish", "gelu", "softsign"], np.isinf)


def ours(function: Any, *data: Any) -> list[np.ndarray]:
    leaves = [Tensor(each, requires_grad=True) for each in data]
    with np.errstate(all="ignore"):
        y = function(*leaves)
        y.backward(np.ones(y.shape))
    return [y.data, *(x.grad for x in leaves)]


def theirs(function: Any, *data: Any) -> list[np.ndarray]:
    leaves = [torch.tensor(np.array(each), requires_grad=True) for each in data]
    y = function(*leaves)
    y.backward(torch.ones_like(y))
    return [each.detach().numpy() for each in (y, *(x.grad for x in leaves))]


@pytest.mark.parametrize("name", [*UNARY, *BINARY])
def test_at_kinks_and_infinities(name: str) -> None:
    data = [POINTS] if name in UNARY else list(PAIRS.T)
    reference = (UNARY | BINARY)[name]
    function = getattr(ops, name, None) or getattr(functional, name)
    found, other = ours(function, *data), theirs(reference, *data)
    undefined = np.isnan(found[0]) & np.isnan(other[0])
    elsewhere = ELSE.get(name, lambda *data: np.zeros(len(data[0]), bool))(*data)
    same = ~undefined & ~elsewhere
    for a, b in zip(found, other, strict=True):
        np.testing.assert_allclose(a[same], b[same], rtol=1e-12, atol=1e-15)
    if name in ELSE:
        a, b = np.array(found)[:, elsewhere], np.array(other)[:, elsewhere]
        assert not np.allclose(a, b, equal_nan=True), "they agree, so strike it out"
        assert not (np.isnan(a) & ~np.isnan(b)).any()


BASES = [0.0, 2.0, 5.0, INF, -INF, np.nan, -3.0]


@pytest.mark.parametrize("exponent", [0, 0.0, 1, 2, 3, -1])
def test_constant_powers(exponent: float) -> None:
    def power(x: Any) -> Any:
        return x**exponent

    for a, b in zip(ours(power, BASES), theirs(power, BASES), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("base", [0.0, 0.5, 1.0, 2.0])
def test_powers_by_their_exponent(base: float) -> None:
    def power(y: Any) -> Any:
        return base**y

    exponents = [-2.0, -0.5, 0.0, 0.5, 2.0]
    for a, b in zip(ours(power, exponents), theirs(power, exponents), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-15)


REDUCTIONS = {
    "sum": (np.sum, torch.sum),
    "max": (np.max, torch.amax),
    "min": (np.min, torch.amin),
    "var": (np.var, lambda x: x.var(correction=0)),
    "std": (np.std, lambda x: x.std(correction=0)),
    "logsumexp": (ops.logsumexp, lambda x: torch.logsumexp(x, 0)),
    "norm": (np.linalg.norm, torch.linalg.norm),
    "norm 1": (lambda x: np.linalg.norm(x, 1), lambda x: torch.linalg.norm(x, 1)),
    "norm 3": (lambda x: np.linalg.norm(x, 3), lambda x: torch.linalg.norm(x, 3)),
    "norm ∞": (lambda x: np.linalg.norm(x, INF), lambda x: torch.linalg.norm(x, INF)),
    "median": (np.median, lambda x: x.sort().values[x.numel() // 2]),
}


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize(
    "data", [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [3.0, 1.0, 3.0], [0.0, 2.0, 0.0], [-1.0, 0.0, 1.0]]
)
def test_reductions_with_ties_and_zeros(name: str, data: Any) -> None:
    mine, reference = REDUCTIONS[name]
    a, b = ours(mine, data), theirs(reference, data)
    np.testing.assert_allclose(a[0], b[0], rtol=1e-12)
    if name == "median":  # of equal elements, any one
        a[1], b[1] = (np.bincount(np.unique(data, return_inverse=True)[1], g) for g in (a[1], b[1]))
    np.testing.assert_allclose(a[1], b[1], rtol=1e-12, atol=1e-15)


def test_what_rounding_leaves_of_a_std_has_no_slope() -> None:
    np.testing.assert_array_equal(ours(np.std, [0.1] * 3)[1], np.zeros(3))
    assert abs(theirs(lambda x: x.std(correction=0), [0.1] * 3)[1]).max() > 0.3


MATRICES = {
    "full rank": np.array([[1.0, 2.0], [3.0, 4.0]]),
    "equal values": np.eye(2),
    "rank 1": np.outer([1.0, 2.0, 3.0], [1.0, 1.0]),
    "rank 0": np.zeros((2, 2)),
}
ELSE_OF_NORMS = {  # torch sends a gradient through singular values that are 0
    ("nuc", "rank 1"), ("nuc", "rank 0"), (-2, "rank 1"), (-2, "rank 0"), (2, "rank 0"),
}  # fmt: skip


@pytest.mark.parametrize("ord", ["nuc", "fro", 2, -2, 1, -1, INF, -INF])
@pytest.mark.parametrize("name", MATRICES)
def test_norms_of_matrices(ord: Any, name: str) -> None:
    a = MATRICES[name]
    found = ours(lambda x: np.linalg.norm(x, ord), a)
    other = theirs(lambda x: torch.linalg.norm(x, ord), a)
    np.testing.assert_allclose(found[0], other[0], rtol=1e-12, atol=1e-14)
    if (ord, name) not in ELSE_OF_NORMS:
        np.testing.assert_allclose(found[1], other[1], rtol=1e-12, atol=1e-14)
        return
    rank_1 = a / (np.linalg.norm(a) or 1) if ord == "nuc" else 0 * a
    np.testing.assert_allclose(found[1], rank_1, atol=1e-14)
    assert abs(other[1] - found[1]).max() > 0.1, "agree: strike it out"


@pytest.mark.parametrize("function", [ops.softmax, ops.log_softmax, ops.logsumexp])
def test_half_precision_of_many_classes(function: Any) -> None:
    logits = np.random.default_rng(0).normal(size=(2, 5000)).astype(np.float16)
    reference = getattr(torch, function.__name__)
    x, t = Tensor(logits, requires_grad=True), torch.tensor(logits, requires_grad=True)
    y, u = function(x, 1), reference(t, 1)
    weight = np.random.default_rng(1).normal(size=y.shape).astype(np.float16)
    y.backward(weight)
    u.backward(torch.tensor(weight))
    np.testing.assert_allclose(y.data, u.detach().numpy(), rtol=2e-3, atol=2e-7)
    np.testing.assert_allclose(x.grad, t.grad.numpy(), rtol=2e-2, atol=3e-3 * abs(x.grad).max())
