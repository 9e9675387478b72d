"""Right numbers where they are hard to get: in half precision, of every size, and of nothing."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import nn.functional as F
from tinygrad_edu import Tensor, grad, ops

HALF, SINGLE, DOUBLE = np.float16, np.float32, np.float64
INF, NAN = np.inf, np.nan

FUNCTIONS = {**vars(ops), **{name: getattr(F, name) for name in F.__all__}}


def leaf(data: Any, dtype: Any = DOUBLE) -> Tensor:
    return Tensor(np.asarray(data, dtype), requires_grad=True)


def slopes(function: Any, *data: Any, dtype: Any = DOUBLE, upstream: float = 1.0) -> list[Any]:
    """The value of a function, and its gradients, all as arrays of float64."""
    leaves = [leaf(each, dtype) for each in data]
    with np.errstate(all="ignore"):
        y = function(*leaves)
        y.backward(np.full(y.shape, upstream))
    assert y.dtype == dtype
    assert all(x.grad.dtype == dtype for x in leaves)
    return [np.asarray(each, DOUBLE) for each in (y.data, *(x.grad for x in leaves))]


def orders(function: Any, data: Any, count: int = 2) -> list[Any]:
    """A function's derivatives up to an order, from the value on."""
    x = leaf(data)
    with np.errstate(all="ignore"):
        found = [function(x)]
        for _ in range(count):
            found.append(grad(found[-1].sum(), x, create_graph=True))
    return [each.data for each in found]


def along(rows: int) -> np.ndarray:
    return np.random.default_rng(rows).uniform(0.5, 1.5, (rows, 2))


MANY, MORE = 4096, 70_000  # float16 counts to 2048, and ends at 65504


class TestHalfPrecision:
    """What is summed or counted is float32, and rounded once."""

    @pytest.mark.parametrize("shape", [(), (1,), (3,), (1, 3), (MANY, 1)])
    def test_a_stretched_argument_is_summed(self, shape: Any) -> None:
        bias = leaf(np.ones(shape), HALF)
        (leaf(np.ones((MANY, 3)), HALF) + bias).backward(np.ones((MANY, 3)))
        np.testing.assert_array_equal(bias.grad, np.full(shape, MANY * 3 / max(bias.size, 1)))

    @pytest.mark.parametrize(
        "copied",
        [
            lambda x: np.broadcast_to(x, (MANY, 2)),
            lambda x: np.tile(x, (MANY, 1)),
            lambda x: np.repeat(x.reshape(1, 2), MANY, 0),
            lambda x: np.repeat(x.reshape(1, 2), [MANY], 0),
            lambda x: x.reshape(1, 2)[np.zeros(MANY, int)],
            lambda x: np.take(x.reshape(1, 2), np.zeros(MANY, int), 0),
            lambda x: np.take_along_axis(x.reshape(1, 2), np.zeros((MANY, 2), int), 0),
            lambda x: np.pad(x.reshape(1, 2), ((MANY - 1, 0), (0, 0)), "edge"),
            lambda x: ops.dense(np.ones((MANY, 1), HALF), np.ones((1, 2), HALF), x),
            lambda x: np.where(True, x, np.zeros((MANY, 2), HALF)),
            lambda x: np.ones((MANY, 1, 1), HALF) @ x.reshape(1, 2),
        ],
    )
    def test_copies_add_up(self, copied: Any) -> None:
        np.testing.assert_array_equal(slopes(copied, [1, 1], dtype=HALF)[1], [MANY, MANY])

    def test_copies_add_up_in_a_gradient_that_is_there(self) -> None:
        x = leaf([1, 2], HALF)
        np.concatenate([x * 1, x[np.zeros(MANY, int)]]).backward(np.ones(MANY + 2))
        assert x.grad.tolist() == [MANY, 1]

    def test_added_at_an_index(self) -> None:
        for shape in ((MANY,), (MANY, 2)):
            y = ops.index_add(
                leaf(np.zeros((3, *shape[1:])), HALF),
                np.zeros(MANY, int),
                1 + 0 * leaf(np.ones(shape), HALF),
            )
            np.testing.assert_array_equal(y.data[0], np.full(shape[1:], MANY))

    REDUCTIONS = {
        "sum": lambda x, axis: (x / 16).sum(axis),
        "mean": lambda x, axis: x.mean(axis),
        "var": lambda x, axis: x.var(axis),
        "std": lambda x, axis: x.std(axis),
        "max": lambda x, axis: (x * 0 + 1).max(axis) + 0 * x.max(axis),
        "cumsum": lambda x, axis: (x / 16).cumsum(axis),
        "logsumexp": lambda x, axis: ops.logsumexp(x * 0, axis),
        "norm": lambda x, axis: np.linalg.vector_norm(x, axis=axis),
        "norm 1": lambda x, axis: np.linalg.vector_norm(x / 16, ord=1, axis=axis),
        "norm 3": lambda x, axis: np.linalg.vector_norm(x, ord=3, axis=axis),
        "norm ∞": lambda x, axis: np.linalg.vector_norm(x * 0 + 1, ord=INF, axis=axis),
        "average": lambda x, axis: np.average(x, axis, x * 0 + 1),
        "nansum": lambda x, axis: np.nansum(x / 16, axis),
        "nanmean": lambda x, axis: np.nanmean(x, axis),
        "median": lambda x, axis: np.median(x, axis),
        "quantile": lambda x, axis: np.quantile(x, 0.3, axis),
        "einsum": lambda x, axis: np.einsum("ij->j" if axis == 0 else "ij->", x / 16),
    }

    @pytest.mark.parametrize("axis", [0, None])
    @pytest.mark.parametrize("rows", [MANY, MORE])
    @pytest.mark.parametrize("name", REDUCTIONS)
    def test_reductions_of_many(self, name: str, rows: int, axis: Any) -> None:
        data = along(rows).astype(HALF)
        small = (
            2.0**-6 if name == "cumsum" else 1000.0
        )  # as a scaled loss is, or none would be left
        found = slopes(lambda x: self.REDUCTIONS[name](x, axis), data, dtype=HALF, upstream=small)
        exact = slopes(lambda x: self.REDUCTIONS[name](x, axis), data, upstream=small)
        for a, b in zip(found, exact, strict=True):
            np.testing.assert_allclose(a, b.astype(HALF).astype(DOUBLE), rtol=6e-3, atol=1e-5)

    @pytest.mark.parametrize("function", [np.prod, np.cumprod])
    def test_products_of_many(self, function: Any) -> None:
        factors = (along(MANY) ** 0.03).astype(HALF)
        for axis in (0, None):
            found = slopes(lambda x, a=axis: function(x, a), factors, dtype=HALF, upstream=0.01)
            exact = slopes(lambda x, a=axis: function(x, a), factors, upstream=0.01)
            for a, b in zip(found, exact, strict=True):
                np.testing.assert_allclose(a, b, rtol=6e-3, atol=1e-5)

    @pytest.mark.parametrize("classes", [MANY, MORE])
    @pytest.mark.parametrize("axis", [0, 1])
    def test_softmax_of_many(self, classes: int, axis: int) -> None:
        data = np.zeros((classes, 2)) if axis == 0 else np.zeros((2, classes))
        weight = np.random.default_rng(0).normal(size=data.shape).astype(HALF)
        for function in (ops.softmax, ops.log_softmax):
            y, g = slopes(
                lambda x, f=function: f(x, axis) * weight.astype(x.dtype), data, dtype=HALF
            )
            z, h = slopes(lambda x, f=function: f(x, axis) * weight, data)
            np.testing.assert_allclose(y, z.astype(HALF), rtol=4e-3, atol=1e-7)
            np.testing.assert_allclose(g, h, rtol=4e-3, atol=1e-2 * abs(h).max())

    LOSSES = {
        "squared_error": lambda x, t: ops.squared_error(x, t * 0),
        "bce": lambda x, t: ops.binary_cross_entropy_with_logits(x, t * 0, "mean"),
        "mse_loss": lambda x, t: F.mse_loss(x, t * 0),
        "l1_loss": lambda x, t: F.l1_loss(x, t * 0),
        "cross_entropy": lambda x, t: ops.cross_entropy(x.reshape(-1, 2), np.zeros(MORE, int)),
        "nll_loss": lambda x, t: F.nll_loss(x.reshape(-1, 2), np.zeros(MORE, int)),
        "classes": lambda x, t: ops.cross_entropy(x.reshape(2, -1), np.zeros(2, int)),
    }

    @pytest.mark.parametrize("name", LOSSES)
    def test_means_of_losses(self, name: str) -> None:
        data = along(MORE).astype(HALF)
        targets = np.zeros(data.shape)
        found = slopes(
            lambda x: self.LOSSES[name](x, targets.astype(x.dtype)), data, dtype=HALF, upstream=1000
        )
        exact = slopes(lambda x: self.LOSSES[name](x, targets), data, upstream=1000)
        for a, b in zip(found, exact, strict=True):
            np.testing.assert_allclose(a, b.astype(HALF).astype(DOUBLE), rtol=1e-2, atol=3e-5)

    @pytest.mark.parametrize(
        "function",
        [
            lambda x: x.var(0) / 100,
            lambda x: x.std(0),
            lambda x: ops.standardize(x, axis=0)[0],
            lambda x: ops.unit_rms(x, 0),
            lambda x: np.linalg.norm(x),
            lambda x: np.linalg.norm(x, axis=0),
            lambda x: np.linalg.norm(x, 3, axis=0),
            lambda x: ops.squared_error(x, x.data * 0),
        ],
    )
    def test_squares_do_not_overflow(self, function: Any) -> None:
        data = (np.random.default_rng(0).normal(size=(50, 2)) * 200 + 100).astype(HALF)
        value, _ = slopes(function, data, dtype=HALF)
        exact, _ = slopes(function, data)
        mask = abs(exact) < 65504
        np.testing.assert_allclose(value[mask], exact[mask], rtol=2e-2, atol=2e-3)

    def test_single_and_double_precision_are_numpys(self) -> None:
        for dtype in (SINGLE, DOUBLE):
            x = np.random.default_rng(0).normal(size=(1000, 3)).astype(dtype)
            for name in ("sum", "mean", "var", "std", "prod", "cumsum", "cumprod"):
                function = getattr(np, name)
                np.testing.assert_array_equal(function(leaf(x, dtype), 0).data, function(x, 0))
        assert ops.sum(Tensor(np.full(300, 100, np.int8))).data == 30_000

    def test_a_dtype_that_is_asked_for_is_kept(self) -> None:
        x = leaf(np.ones(MANY), HALF)
        for function in (np.sum, np.mean, np.prod, np.cumsum, np.var, np.std):
            assert function(x, dtype=SINGLE).dtype == SINGLE
            assert function(x, dtype=HALF).dtype == HALF


BENDS = {"mish": ops.mish, "silu": ops.silu, "gelu": F.gelu, "gelu_tanh": ops.gelu_tanh}
SMOOTH = {
    name: FUNCTIONS[name]
    for name in (
        *("arcsinh", "arctan", "tanh", "sigmoid", "softplus", "logsigmoid", "softsign", "elu"),
        *("selu", "erf", "expm1", "exp", "exp2", "cbrt", "square", "reciprocal", "sinh", "cosh"),
        *("absolute", "relu", "leaky_relu", "hardtanh", "degrees", "radians", "celu", "relu6"),
        *("hardsigmoid", "hardswish", "hardshrink", "softshrink", "tanhshrink"),
    )
}
FROM_ZERO = {name: FUNCTIONS[name] for name in ("log", "log2", "log10", "log1p", "sqrt")}


def sizes(dtype: Any) -> np.ndarray:
    """Numbers of every size that a dtype has."""
    info = np.finfo(dtype)
    powers = 2.0 ** np.arange(info.minexp, info.maxexp, max(info.maxexp // 40, 1))
    middle = [0.1, 0.5, 1, 2, 3, 5, 8, 10, 11, 12, 14, 20, 30, 45, 90, 100, 300, 700, 1e3, 1e4]
    x = np.unique([*powers, *middle, float(info.max), float(info.tiny)]).astype(dtype)
    return np.concatenate([-x[::-1], [0], x])


class TestEverySize:
    """Value and slope of elementwise functions at huge, tiny and infinite arguments."""

    @pytest.mark.parametrize("dtype", [HALF, SINGLE])
    @pytest.mark.parametrize("name", [*BENDS, *SMOOTH, *FROM_ZERO, "arccosh"])
    def test_half_and_single_precision_agree_with_double(self, name: str, dtype: Any) -> None:
        """To a few units in the last place of the result, or of 1 where it is small beside 1."""
        x = sizes(dtype)
        if name in FROM_ZERO or name == "arccosh":
            x = x[x > (name == "arccosh")]
        info = np.finfo(dtype)
        found, exact = (slopes(FUNCTIONS[name], x, dtype=each) for each in (dtype, DOUBLE))
        ends = abs(exact[0]) < 0.98 * float(info.max)  # beyond, the value is infinite or may be
        beside_one = name in (*BENDS, "tanh", "sigmoid", "elu", "selu", "logsigmoid", "celu")
        beside_one |= name == "tanhshrink"
        absolute = max(8 * float(info.eps) * beside_one, float(info.tiny))
        for a, b in zip(found, exact, strict=True):
            with np.errstate(over="ignore"):
                b = b.astype(dtype).astype(DOUBLE)
            np.testing.assert_allclose(a[ends], b[ends], 8 * float(info.eps), absolute)

    @pytest.mark.parametrize("dtype", [HALF, SINGLE, DOUBLE])
    @pytest.mark.parametrize("name", BENDS)
    @pytest.mark.parametrize("size", [1e4, 1e20, 1e200, INF])
    def test_activations_far_out(self, name: str, dtype: Any, size: float) -> None:
        with np.errstate(over="ignore"):
            x = np.array([-size, size]).astype(dtype)
        value, slope = slopes(BENDS[name], x, dtype=dtype)
        np.testing.assert_array_equal(value, [0, x[1]])
        np.testing.assert_array_equal(slope, [0, 1])
        if dtype is DOUBLE:
            np.testing.assert_array_equal(orders(BENDS[name], x)[2], [0, 0])

    @pytest.mark.parametrize("name", BENDS)
    def test_activations_where_they_bend_are_untouched_by_an_infinity(self, name: str) -> None:
        x = np.linspace(-5, 5, 21)
        alone = orders(BENDS[name], x)
        beside = orders(BENDS[name], np.append(x, INF))
        for a, b in zip(alone, beside, strict=True):
            np.testing.assert_allclose(a, b[:-1], rtol=1e-14, atol=1e-16)

    AT_INFINITY = {  # value and slope at -∞ and at ∞
        "arctan": ([-np.pi / 2, np.pi / 2], [0, 0]),
        "arcsinh": ([-INF, INF], [0, 0]),
        "tanh": ([-1, 1], [0, 0]),
        "sigmoid": ([0, 1], [0, 0]),
        "softplus": ([0, INF], [0, 1]),
        "logsigmoid": ([-INF, 0], [1, 0]),
        "softsign": ([-1, 1], [0, 0]),
        "elu": ([-1, INF], [0, 1]),
        "erf": ([-1, 1], [0, 0]),
        "exp": ([0, INF], [0, INF]),
        "expm1": ([-1, INF], [0, INF]),
        "cbrt": ([-INF, INF], [0, 0]),
        "square": ([INF, INF], [-INF, INF]),
        "reciprocal": ([0, 0], [0, 0]),
        "sinh": ([-INF, INF], [INF, INF]),
        "absolute": ([INF, INF], [-1, 1]),
        "relu": ([0, INF], [0, 1]),
        "hardtanh": ([-1, 1], [0, 0]),
        "celu": ([-1, INF], [0, 1]),
        "relu6": ([0, 6], [0, 0]),
        "hardsigmoid": ([0, 1], [0, 0]),
        "hardswish": ([0, INF], [0, 1]),
        "hardshrink": ([-INF, INF], [1, 1]),
        "softshrink": ([-INF, INF], [1, 1]),
        "tanhshrink": ([-INF, INF], [1, 1]),
    }

    @pytest.mark.parametrize("dtype", [HALF, SINGLE, DOUBLE])
    @pytest.mark.parametrize("name", AT_INFINITY)
    def test_at_infinity(self, name: str, dtype: Any) -> None:
        found = slopes(FUNCTIONS[name], [-INF, INF], dtype=dtype)
        for a, b in zip(found, self.AT_INFINITY[name], strict=True):
            np.testing.assert_allclose(a, b, rtol=float(np.finfo(dtype).eps))

    @pytest.mark.parametrize(
        ("function", "x", "slope", "second"),
        [
            (np.arcsinh, 1e200, 1e-200, 0),
            (np.arcsinh, -1e300, 1e-300, 0),
            (np.arcsinh, 1e100, 1e-100, -1e-200),
            (np.arccosh, 1e200, 1e-200, 0),
            (np.arccosh, 1e100, 1e-100, -1e-200),
            (np.arctan, 1e70, 1e-140, -2e-210),
            (np.log10, 1.5e308, 1 / 1.5e308 / np.log(10), 0),
            (np.log2, 1e308, 1 / 1e308 / np.log(2), 0),
        ],
    )
    def test_slopes_far_out(self, function: Any, x: float, slope: float, second: float) -> None:
        found = orders(function, [x])
        np.testing.assert_allclose(found[1], [slope], rtol=1e-14)
        np.testing.assert_allclose(found[2], [second], rtol=1e-14)

    def test_arccosh_has_no_slope_where_it_has_no_value(self) -> None:
        assert np.isnan(slopes(np.arccosh, [-3.0, 0.5])).all()

    @pytest.mark.parametrize("size", [1e-300, 1e-200, 1e-160, 1.0, 1e160, 1e200, 1e300])
    def test_angles_and_lengths_of_every_size(self, size: float) -> None:
        y, x = size * np.array([3.0, -4.0]), size * np.array([4.0, 3.0])
        _, by_y, by_x = slopes(np.arctan2, y, x)
        np.testing.assert_allclose(by_y, np.array([4, 3]) / 25 / size, rtol=1e-14)
        np.testing.assert_allclose(by_x, np.array([-3, 4]) / 25 / size, rtol=1e-14)
        _, by_y, by_x = slopes(np.hypot, y, x)
        np.testing.assert_allclose([by_y, by_x], [[0.6, -0.8], [0.8, 0.6]], rtol=1e-14)

    def test_angles_of_axes_and_of_unlike_sizes(self) -> None:
        found = slopes(np.arctan2, [1e200, 1e-200, 0, 1e-300, 2], [1e-200, 1e200, 1e-200, 0, 0])
        np.testing.assert_allclose(found[1], [0, 1e-200, 1e200, 0, 0], rtol=1e-14)
        np.testing.assert_allclose(found[2], [-1e-200, 0, 0, -1e300, -0.5], rtol=1e-14)

    def test_second_derivatives_of_angles(self) -> None:
        """∂²z / ∂x² = 2xy / r⁴"""
        y = np.array([2.0, 4e-100, 4.0])
        second = orders(lambda x: np.arctan2(y, x), [0.0, 3e-100, 3.0])[2]
        np.testing.assert_allclose(second, [0, 24e200 / 625, 24 / 625], rtol=1e-13)
        second = orders(lambda x: np.arctan2(y[[0, 2]], x), [0.0, 3.0])[2]
        np.testing.assert_allclose(second, [0, 24 / 625], rtol=1e-13)

    @pytest.mark.parametrize("dtype", [HALF, SINGLE, DOUBLE])
    def test_angles_and_lengths_at_infinity_and_at_the_origin(self, dtype: Any) -> None:
        y, x = [INF, 1, INF, 0, -INF], [1, INF, INF, 0, 2]
        _, by_y, by_x = slopes(np.arctan2, y, x, dtype=dtype)
        np.testing.assert_array_equal([by_y, by_x], np.zeros((2, 5)))
        _, by_y, by_x = slopes(np.hypot, y, x, dtype=dtype)
        np.testing.assert_array_equal([by_y, by_x], [[1, 0, 1, 0, -1], [0, 1, 1, 0, 0]])

    @pytest.mark.parametrize("function", [np.logaddexp, np.logaddexp2])
    def test_shares_of_infinities_and_of_nan(self, function: Any) -> None:
        x, y = [INF, INF, -INF, -INF, 1e300, NAN, 0], [INF, 0, -INF, 0, -1e300, 0, NAN]
        _, by_x, by_y = slopes(function, x, y)
        np.testing.assert_array_equal(by_x, [0.5, 1, 0, 0, 1, NAN, NAN])
        np.testing.assert_array_equal(by_y, [0.5, 0, 0, 1, 0, NAN, NAN])


class TestPowers:
    """The constant 1 has no slope, whatever it is a power of."""

    BASES = [0.0, -0.0, 2.0, -2.0, 1e-320, INF, -INF, NAN]

    @pytest.mark.parametrize("zero", [0, 0.0, np.zeros(8), np.zeros(())])
    def test_to_the_zero(self, zero: Any) -> None:
        for each in orders(lambda x: x**zero, self.BASES)[1:]:
            np.testing.assert_array_equal(each, np.zeros(8))

    def test_to_a_learned_zero(self) -> None:
        _, slope, _ = slopes(np.power, self.BASES, np.zeros(8))
        np.testing.assert_array_equal(slope, np.zeros(8))

    def test_to_the_one(self) -> None:
        np.testing.assert_array_equal(orders(lambda x: x**1, self.BASES)[1], np.ones(8))

    def test_mixed_second_derivative_at_exponent_zero(self) -> None:
        """∂²xʸ / ∂x ∂y = xʸ⁻¹ (1 + y ln x)"""
        x, y = leaf([2.0, 5.0, 3.0]), leaf([0.0, 0.0, 2.0])
        by_x, by_y = grad(x**y, [x, y], np.ones(3), create_graph=True)
        expected = [0.5, 0.2, 3 * (1 + 2 * np.log(3))]
        np.testing.assert_allclose(grad(by_x, y, np.ones(3), retain_graph=True).data, expected)
        np.testing.assert_allclose(grad(by_y, x, np.ones(3)).data, expected)

    @pytest.mark.parametrize("base", [0, 0.0, np.zeros(4)])
    def test_zero_by_its_exponent(self, base: Any) -> None:
        _, slope = slopes(lambda y: base**y, [-1.0, 0.0, 1.0, 2.5])
        np.testing.assert_array_equal(slope, [-INF, 0, 0, 0])

    @pytest.mark.parametrize("base", [INF, np.full(3, INF)])
    def test_infinity_by_its_exponent(self, base: Any) -> None:
        _, slope = slopes(lambda y: base**y, [-1.0, -0.5, 1.0])
        np.testing.assert_array_equal(slope, [0, 0, INF])

    def test_a_negative_base_has_no_slope_by_its_exponent(self) -> None:
        assert np.isnan(slopes(lambda y: (-2.0) ** y, [2.0])[1])


class TestImpossible:
    """The logarithm of a sum of nothing but zeros: no element has a share in it."""

    def test_only_minus_infinity(self) -> None:
        for each in orders(ops.logsumexp, [-INF, -INF])[1:]:
            np.testing.assert_array_equal(each, [0, 0])

    @pytest.mark.parametrize("dtype", [HALF, SINGLE, DOUBLE])
    def test_one_row_of_them(self, dtype: Any) -> None:
        rows = [[-INF, -INF], [0.0, 0.0], [-INF, 1.0]]
        expected = [[0, 0], [0.5, 0.5], [0, 1]]
        _, slope = slopes(lambda x: ops.logsumexp(x, 1), rows, dtype=dtype)
        np.testing.assert_array_equal(slope, expected)
        _, slope = slopes(lambda x: ops.logsumexp(x, 1)[1:], rows, dtype=dtype)
        np.testing.assert_array_equal(slope, [[0, 0], *expected[1:]])

    def test_nested(self) -> None:
        def nested(x: Any) -> Any:
            return ops.logsumexp(ops.logsumexp(x, 1))

        found = orders(nested, [[-INF, -INF], [0.0, 0.0]])
        np.testing.assert_allclose(found[1], [[0, 0], [0.5, 0.5]])
        assert np.isfinite(found[2]).all()

    def test_huge_scores(self) -> None:
        value, slope = slopes(ops.logsumexp, [-1e300, -1e300])
        assert value == -1e300
        np.testing.assert_array_equal(slope, [1, 1])  # the logarithm of 2 is lost beside 1e300


class TestEqualElements:
    """A std that is 0, or would be but for rounding, has derivative 0."""

    @pytest.mark.parametrize("dtype", [HALF, SINGLE, DOUBLE])
    @pytest.mark.parametrize("n", [2, 3, 10, 1000])
    @pytest.mark.parametrize("value", [0.1, -1e-3, 0.0, 300.1])
    def test_std(self, dtype: Any, n: int, value: float) -> None:
        for axis, data in ((None, np.full(n, value)), (0, np.full((n, 2), value))):
            np.testing.assert_array_equal(
                slopes(lambda x, a=axis: x.std(a), data, dtype=dtype)[1], data * 0
            )

    def test_in_every_order(self) -> None:
        assert np.std(np.full(3, 0.1)) != 0
        for each in orders(np.std, np.full(3, 0.1), 3)[1:]:
            np.testing.assert_array_equal(each, np.zeros(3))

    def test_some_rows(self) -> None:
        rows = np.array([[0.1, 0.1, 0.1], [1.0, 2.0, 3.0]])
        slope = slopes(lambda x: x.std(1), rows)[1]
        np.testing.assert_array_equal(slope[0], np.zeros(3))
        np.testing.assert_allclose(slope[1], slopes(np.std, rows[1])[1], rtol=1e-15)

    def test_nearly_equal_elements_are_not_equal(self) -> None:
        slope = slopes(np.std, [1.0, 1.0 + 1e-12, 1.0])[1]
        np.testing.assert_allclose(slope, np.array([-1, 2, -1]) / np.sqrt(18), rtol=1e-3)

    def test_squares_that_vanish(self) -> None:
        np.testing.assert_array_equal(slopes(np.std, [1e-200, 1e-200, 0.0])[1], np.zeros(3))


class TestRankDeficient:
    """Singular values that are 0, or would be but for rounding, have derivative 0."""

    SINGULAR = [
        np.outer([1.0, 2.0], [3.0, 4.0]),
        np.outer([1.0, 2.0, 3.0], [1.0, 1.0]),
        np.outer([0.1, 0.7], [1.0, 3.0, 0.3]),
        np.zeros((2, 3)),
    ]

    @pytest.mark.parametrize("a", SINGULAR)
    def test_nuclear_norm(self, a: np.ndarray) -> None:
        """Of u vᵀ the gradient is u vᵀ / |u vᵀ|: the vectors of the others are any."""
        size = np.linalg.norm(a)
        value, slope = slopes(lambda x: np.linalg.norm(x, "nuc"), a)
        np.testing.assert_allclose(value, size)
        np.testing.assert_allclose(slope, a / (size or 1), atol=1e-14)
        np.testing.assert_allclose(slopes(lambda x: np.linalg.norm(x, 2), a)[1], slope, atol=1e-14)

    @pytest.mark.parametrize("a", SINGULAR)
    def test_smallest_singular_value(self, a: np.ndarray) -> None:
        value, slope = slopes(lambda x: np.linalg.norm(x, -2), a)
        np.testing.assert_allclose(value, np.linalg.norm(a, -2), atol=1e-30)
        np.testing.assert_array_equal(slope, np.zeros(a.shape))

    def test_of_a_stack(self) -> None:
        a = np.array([self.SINGULAR[0], np.eye(2)])
        slope = slopes(lambda x: np.linalg.norm(x, "nuc", (1, 2)), a)[1]
        np.testing.assert_allclose(slope, [a[0] / np.linalg.norm(a[0]), np.eye(2)], atol=1e-14)

    @pytest.mark.parametrize("ord", ["fro", 1, -1, INF, -INF, 2, -2, "nuc"])
    def test_of_zeros(self, ord: Any) -> None:
        np.testing.assert_array_equal(
            slopes(lambda x: np.linalg.norm(x, ord), np.zeros((2, 2)))[1], np.zeros((2, 2))
        )


NONE = np.array([], int)


class TestNothing:
    """What is computed from no elements, or leaves none: a value, and a gradient of zeros."""

    @pytest.mark.parametrize(
        ("function", "shape"),
        [
            (lambda x: x[[]], (3,)),
            (lambda x: x[[]], (3, 2)),
            (lambda x: x[NONE], (3, 2)),
            (lambda x: x[:, []], (3, 2)),
            (lambda x: x[[], []], (3, 2)),
            (lambda x: x[[], 1:], (3, 2)),
            (lambda x: x[[0, 0]], (3, 0)),
            (lambda x: np.take(x, []), (3, 2)),
            (lambda x: np.take(x, [], 1), (3, 2)),
            (lambda x: np.take(x, NONE, 0), (0, 2)),
            (lambda x: np.take(x, [[], []], mode="wrap"), (0,)),
            (lambda x: np.compress([], x), (3,)),
            (lambda x: np.take_along_axis(x, np.empty((3, 0), int), 1), (3, 2)),
            (lambda x: np.repeat(x, 0), (3,)),
            (lambda x: np.repeat(x, [0, 0], 1), (3, 2)),
            (lambda x: np.repeat(x, []), (0,)),
            (lambda x: np.tile(x, (0, 2)), (3,)),
            (lambda x: np.broadcast_to(x, (0, 3)), (3,)),
            (lambda x: np.concatenate([x, np.ones(2)])[:0], (0,)),
            (lambda x: np.concatenate([x, []])[3:], (3,)),
            (lambda x: np.array_split(x, 5)[4], (3,)),
            (lambda x: x.sum(0), (0, 3)),
            (lambda x: x.prod(0), (0, 3)),
            (lambda x: x.cumsum(0), (0, 3)),
            (lambda x: x.cumprod(), (0, 3)),
            (lambda x: x.max(1), (0, 3)),
            (lambda x: x.std(1), (0, 3)),
            (lambda x: x.mean(), (0,)),
            (lambda x: x.var(0), (0, 3)),
            (lambda x: x.std(), (0,)),
            (lambda x: np.median(x, 0), (0, 3)),
            (lambda x: np.quantile(x, 0.5, 1), (0, 3)),
            (lambda x: np.sort(x, 0), (0, 3)),
            (lambda x: np.sort(x, None), (3, 0)),
            (lambda x: np.partition(x, 0), (0,)),
            (lambda x: np.partition(x, 0, 0), (3, 0)),
            (lambda x: np.linalg.norm(x, axis=0), (0, 3)),
            (lambda x: np.linalg.norm(x, "nuc"), (0, 3)),
            (lambda x: np.linalg.norm(x, -2, (1, 2)), (0, 2, 3)),
            (lambda x: np.pad(x, ((0, 0), (1, 1)), "edge"), (0, 3)),
            (lambda x: np.einsum("ij->j", x), (0, 3)),
        ],
    )
    def test_value_and_gradient(self, function: Any, shape: Any) -> None:
        data = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            y = function(x := leaf(data))
            np.testing.assert_array_equal(y.data, function(data), strict=True)
            slope = grad(y, x, np.ones(y.shape), create_graph=True)
            np.testing.assert_array_equal(slope.data, np.zeros(shape))
            if slope.requires_grad:
                assert grad(slope.sum(), x, allow_unused=True) is None or slope.shape == shape
            function(x).backward(np.ones(y.shape))
        np.testing.assert_array_equal(x.grad, np.zeros(shape), strict=True)

    @pytest.mark.parametrize("index", [[], NONE, slice(0, 0), np.zeros(3, bool), ([],)])
    @pytest.mark.parametrize("put", [ops.index_add, ops.index_put])
    def test_nothing_is_added_or_put(self, put: Any, index: Any) -> None:
        for values in (leaf([]), leaf(5.0)):
            x = leaf([1.0, 2.0, 3.0])
            y = put(x, index, values)
            np.testing.assert_array_equal(y.data, x.data)
            y.backward(np.ones(3))
            np.testing.assert_array_equal(x.grad, np.ones(3))
            np.testing.assert_array_equal(values.grad, np.zeros(values.shape))

    def test_nothing_into_a_gradient_that_is_there(self) -> None:
        x = leaf([1.0, 2.0])
        for index in ([], NONE, ([],)):
            x.zero_grad()
            np.concatenate([x * 3, x[index]]).sum().backward()
            assert x.grad.tolist() == [3, 3]

    def test_gather_of_an_empty_list(self) -> None:
        x = leaf([1.0, 2.0])
        y = x.gather(0, [])
        y.backward(np.ones(0))
        assert y.shape == (0,)
        assert x.grad.tolist() == [0, 0]

    def test_an_empty_array_of_floats_is_still_refused_as_indices(self) -> None:
        with pytest.raises(TypeError):
            np.take(leaf([1.0]), np.array([]))
        with pytest.raises(IndexError, match="integers"):
            leaf([1.0]).gather(0, np.array([]))

    def test_pieces_without_elements_between_others(self) -> None:
        x, nothing = leaf([1.0, 2.0]), leaf([])
        np.concatenate([nothing, x, nothing, x]).backward([1.0, 2.0, 3.0, 4.0])
        assert x.grad.tolist() == [4, 6]
        assert nothing.grad.shape == (0,)
