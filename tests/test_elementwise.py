"""Hard cases of the elementwise functions: kinks, selections, extremes, special functions."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest

import nn.functional as F
from tinygrad_edu import Tensor, grad, ops

ACTIVATIONS = {
    "sigmoid": ops.sigmoid,
    "relu": ops.relu,
    "leaky_relu": ops.leaky_relu,
    "elu": ops.elu,
    "selu": ops.selu,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": ops.silu,
    "mish": ops.mish,
    "softplus": ops.softplus,
    "softsign": ops.softsign,
    "hardtanh": F.hardtanh,
    "celu": F.celu,
    "relu6": F.relu6,
    "hardsigmoid": F.hardsigmoid,
    "hardswish": F.hardswish,
    "hardshrink": F.hardshrink,
    "softshrink": F.softshrink,
    "tanhshrink": F.tanhshrink,
    "logsigmoid": ops.logsigmoid,
    "tanh": np.tanh,
    "erf": ops.erf,
}


METHODS = ["abs", "square", "exp2", "log1p", "sinc", "arctan2", "fmax", "round", "erf"]
SMOOTH = ["sin", "cos", "tan", "arctan", "sinh", "cosh", "arcsinh", "exp", "exp2", "expm1"]


def leaf(data: Any, dtype: Any = np.float64) -> Tensor:
    return Tensor(np.asarray(data, dtype), requires_grad=True)


def derivatives(function: Any, data: Any, dtype: Any = np.float64) -> tuple[Any, Any, Any]:
    """Value, first and second derivative of an elementwise function."""
    x = leaf(data, dtype)
    y = function(x)
    first = grad(y.sum(), x, create_graph=True)
    second = grad(first.sum(), x, allow_unused=True) if first.requires_grad else None
    return y.data, first.data, np.zeros_like(x.data) if second is None else second.data


class TestKinks:
    @pytest.mark.parametrize(
        ("function", "data", "expected"),
        [
            (ops.leaky_relu, [0.0, -0.0], [0.01, 0.01]),
            (lambda x: ops.elu(x, 2.0), [0.0], [2.0]),
            (ops.elu, [0.0], [1.0]),
            (F.hardtanh, [-2.0, -1.0, 0.0, 1.0, 2.0], [0.0, 1.0, 1.0, 1.0, 0.0]),
            (F.relu6, [-1.0, 0.0, 3.0, 6.0, 7.0], [0.0, 0.0, 1.0, 0.0, 0.0]),
            (F.hardswish, [-3.0, 0.0, 3.0], [0.0, 0.5, 1.0]),
            (lambda x: F.celu(x, 2.0), [0.0], [1.0]),
            (F.hardshrink, [-0.5, 0.0, 0.5, 0.6], [0.0, 0.0, 0.0, 1.0]),
            (F.softshrink, [-0.5, 0.0, 0.5, 0.6], [0.0, 0.0, 0.0, 1.0]),
            (lambda x: F.threshold(x, 0.5, 2.0), [0.4, 0.5, 0.6], [0.0, 0.0, 1.0]),
            (ops.softsign, [0.0], [1.0]),
            (np.fabs, [0.0], [0.0]),
            (np.fmax, [1.0], [0.5]),
            (np.sinc, [0.0], [0.0]),
            (np.sign, [0.0], [0.0]),
            (np.floor, [1.0], [0.0]),
            (np.nan_to_num, [np.nan, np.inf, -np.inf, 1.0], [0.0, 0.0, 0.0, 1.0]),
        ],
    )
    def test_at_the_kink(self, function: Any, data: Any, expected: Any) -> None:
        f = (lambda x: np.fmax(x, 1.0)) if function is np.fmax else function
        np.testing.assert_array_equal(derivatives(f, data)[1], expected)

    def test_hypot_at_the_origin(self) -> None:
        x, y = leaf([0.0, 3.0]), leaf([0.0, 4.0])
        np.hypot(x, y).sum().backward()
        np.testing.assert_array_equal(x.grad, [0.0, 0.6])
        np.testing.assert_array_equal(y.grad, [0.0, 0.8])

    @pytest.mark.parametrize("function", [np.fmax, np.fmin])
    def test_fmax_and_fmin_ignore_nan(self, function: Any) -> None:
        x, y = leaf([np.nan, 1.0, 2.0]), leaf([3.0, np.nan, 2.0])
        z = function(x, y)
        z.sum().backward()
        np.testing.assert_array_equal(z.data, [3.0, 1.0, 2.0])
        np.testing.assert_array_equal(x.grad, [0.0, 1.0, 0.5])
        np.testing.assert_array_equal(y.grad, [1.0, 0.0, 0.5])

    def test_clip_with_the_lower_bound_above_the_upper(self) -> None:
        x, low, high = leaf([0.0, 3.0]), leaf(2.0), leaf(1.0)
        y = np.clip(x, low, high)
        y.sum().backward()
        np.testing.assert_array_equal(y.data, [1.0, 1.0])
        np.testing.assert_array_equal(x.grad, [0.0, 0.0])
        assert (low.grad, high.grad) == (0.0, 2.0)

    @pytest.mark.parametrize("order", range(1, 9))
    def test_sinc_in_every_order(self, order: int) -> None:
        """The nth derivative at 0 is ± πⁿ / (n + 1), or 0; it is continuous there."""
        x = leaf([0.0, 1e-9, 0.1, 3.0])
        y = np.sinc(x)
        for _ in range(order):
            y = grad(y.sum(), x, create_graph=True)
        at_0 = 0 if order % 2 else (-1) ** (order // 2) * np.pi**order / (order + 1)
        assert y.data[0] == pytest.approx(at_0, rel=1e-13)
        assert y.data[1] == pytest.approx(at_0, rel=1e-7, abs=1e-8 * np.pi ** (order + 1))
        t = np.linspace(0, 1, 20001)  # sinc x = ∫ cos πxt dt, so its derivatives are integrals too
        for x0, value in zip(x.data[2:], y.data[2:], strict=True):
            integrand = (np.pi * t) ** order * np.cos(np.pi * x0 * t + order * np.pi / 2)
            area = (integrand[:-1] + integrand[1:]).sum() / 2 * t[1]
            assert value == pytest.approx(area, rel=1e-5, abs=1e-5 * np.pi**order)


def chosen(condition: Any, function: Any, other: Any = 0.0) -> Any:
    return lambda x: np.where(condition(x), function(x), other)


class TestSelections:
    """Elements that are not selected get gradient 0, whatever functions they went through."""

    HARD = [
        (chosen(lambda x: abs(x) < 1, np.arccos), [1.0, -1.0, 1.5]),
        (chosen(lambda x: abs(x) < 1, np.arcsin), [1.0, -1.0, 1.5]),
        (chosen(lambda x: abs(x) < 1, np.arctanh), [1.0, -1.0, 1.5]),
        (chosen(lambda x: x > 1, np.arccosh), [1.0, 0.0]),
        (chosen(lambda x: x > 0, lambda x: np.arctan2(x, x * 0)), [0.0, -0.0]),
        (chosen(lambda x: x > 0, lambda x: np.arctan2(x, 2 * x)), [0.0]),
        (chosen(lambda x: x > 0, lambda x: np.hypot(x, x)), [0.0]),
        (chosen(lambda x: x > 0, lambda x: x * np.log(x)), [0.0, -1.0]),
        (chosen(lambda x: x > 0, lambda x: x**0.5), [0.0, -1.0]),
        (chosen(lambda x: x > 0, lambda x: x**-2.0), [0.0]),
        (chosen(lambda x: x > 0, lambda x: x**x), [0.0, -1.0]),
        (chosen(lambda x: x > 0, lambda x: np.sqrt(x) * np.log(x) / x), [0.0]),
        (chosen(lambda x: x > 0, np.cbrt), [0.0]),
        (chosen(lambda x: x > 0, np.reciprocal), [0.0]),
        (chosen(lambda x: x > 0, np.log2), [0.0]),
        (chosen(lambda x: x > 0, np.log10), [0.0]),
        (chosen(lambda x: x > -1, np.log1p), [-1.0, -2.0]),
        (chosen(lambda x: x < 1, np.exp), [1e4]),
        (chosen(lambda x: x < 1, lambda x: np.exp(x) / (1 + np.exp(x))), [1e4]),
        (chosen(lambda x: x < 1, np.sinh), [1e4]),
        (chosen(lambda x: x < 1, np.expm1), [1e4]),
        (chosen(lambda x: x > 0, lambda x: np.sqrt(x * x) / x), [0.0]),
        (lambda x: np.log(x)[x.data > 0], [0.0, -1.0]),
        (lambda x: (x * np.log(x))[x.data > 0], [0.0]),
        (lambda x: np.arccos(x)[abs(x.data) < 1], [1.0]),
        (lambda x: np.maximum(np.log(x), -3.0), [0.0]),
        (lambda x: np.maximum(x**0.5, 1e-3), [0.0]),
        (lambda x: np.minimum(1 / x, 10.0), [0.0]),
        (lambda x: np.minimum(np.exp(x), 10.0), [1e4]),
        (lambda x: np.clip(np.log(x), -3.0, 3.0), [0.0]),
        (lambda x: np.clip(np.exp(x), 0.0, 10.0), [1e4]),
        (lambda x: np.fmin(1 / x, 10.0), [0.0]),
        (lambda x: np.sqrt(x).max() + (np.sqrt(x) + 2).max(), [0.0, 4.0]),
        (lambda x: ops.relu(-1 / x), [0.0]),
        (lambda x: np.nan_to_num(np.log(x), neginf=-5.0), [0.0]),
    ]

    @pytest.mark.parametrize(("function", "data"), HARD)
    def test_elements_that_are_not_selected_get_gradient_0(self, function: Any, data: Any) -> None:
        with np.errstate(all="ignore"):
            _, first, second = derivatives(function, data)
        assert first[0] == 0
        assert second[0] == 0
        assert np.isfinite(first).all()
        assert np.isfinite(second).all()

    INSIDE = [
        (lambda x: np.sqrt(ops.relu(x)), [-1.0]),
        (lambda x: np.sqrt(np.maximum(x, 0.0)), [-1.0]),
        (lambda x: np.sqrt(np.clip(x, 0.0, None)), [-1.0]),
        (lambda x: np.log(np.clip(x, 0.0, 1.0)), [-1.0]),
        (lambda x: np.sqrt(np.where(x > 0, x, 0.0)), [-1.0, 0.0]),
        (lambda x: np.sqrt(np.minimum(x, 0.0)), [1.0]),
        (lambda x: np.sqrt(np.fmax(x, 0.0)), [-1.0]),
        (lambda x: np.sqrt(np.floor(x)), [0.5]),
        (lambda x: 1 / np.trunc(x), [0.5]),
        (lambda x: np.sqrt(np.nan_to_num(x)), [np.nan]),
        (lambda x: np.sqrt(x.max() - 1.0), [0.5, 1.0]),
    ]

    @pytest.mark.parametrize(("function", "data"), INSIDE)
    def test_the_zero_derivative_of_a_selection_times_infinity_is_0(
        self, function: Any, data: Any
    ) -> None:
        with np.errstate(all="ignore"):
            _, first, second = derivatives(function, data)
        assert first[0] == 0
        assert second[0] == 0

    @pytest.mark.parametrize("x0", [0.25, 0.5])
    def test_derivatives_of_selected_elements_are_not_changed(self, x0: float) -> None:
        with np.errstate(all="ignore"):
            entropy = derivatives(chosen(lambda x: x > 0, lambda x: x * np.log(x)), [x0, 0.0])
            angle = derivatives(chosen(lambda x: abs(x) < 1, np.arccos), [x0, 1.0])
        np.testing.assert_allclose(entropy[1], [math.log(x0) + 1, 0])
        np.testing.assert_allclose(entropy[2], [1 / x0, 0])
        np.testing.assert_allclose(angle[1], [-((1 - x0 * x0) ** -0.5), 0])
        np.testing.assert_allclose(angle[2], [-x0 * (1 - x0 * x0) ** -1.5, 0])

    def test_the_hessian_of_a_squared_logarithm_at_its_zero(self) -> None:
        for f in (
            lambda x: np.log(x) ** 2,
            lambda x: np.square(np.log(x)),
            lambda x: np.where(x > 0, np.log(x) ** 2, 0.0),
            lambda x: (np.log(x) * np.log(x))[0:1],
            lambda x: np.maximum(np.log(x), -10.0) ** 2,
            lambda x: np.clip(np.log(x), -10.0, 10.0) ** 2,
        ):
            np.testing.assert_array_equal(derivatives(f, [1.0])[2], [2.0])


class TestExtremes:
    """Stable at ±1e4 and beyond, in value, gradient and second derivative."""

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("name", ACTIVATIONS)
    def test_activations(self, name: str, dtype: Any) -> None:
        x = np.array([-1e4, -800.0, -90.0, -20.0, 0.5, 20.0, 90.0, 800.0, 1e4])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            value, first, second = derivatives(ACTIVATIONS[name], x, dtype)
        slopes = {"sigmoid": (0, 0), "tanh": (0, 0), "erf": (0, 0), "hardtanh": (0, 0)}
        slopes |= {"leaky_relu": (0.01, 1), "logsigmoid": (1, 0), "softsign": (1e-8, 1e-8)}
        slopes |= {"selu": (0, 1.0507009873554805), "relu6": (0, 0), "hardsigmoid": (0, 0)}
        slopes |= dict.fromkeys(["hardshrink", "softshrink", "tanhshrink"], (1, 1))
        left, right = slopes.get(name, (0, 1))
        assert (value.dtype, first.dtype, second.dtype) == (dtype, dtype, dtype)
        for array in (value, first, second):
            assert np.isfinite(array).all()
        np.testing.assert_allclose(first[[0, -1]], [left, right], rtol=1e-3, atol=1e-12)
        np.testing.assert_allclose(second[[0, -1]], [0, 0], atol=1e-11)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("function", [np.logaddexp, np.logaddexp2])
    def test_logarithms_of_sums(self, function: Any, dtype: Any) -> None:
        inf = np.inf
        x = leaf([1e4, -1e4, 1e4, -inf, -inf, 3.0], dtype)
        y = leaf([-1e4, 1e4, 1e4, -inf, 0.0, 3.0], dtype)
        z = function(x, y)
        z.sum().backward()
        np.testing.assert_array_equal(x.grad, np.array([1, 0, 0.5, 0, 0, 0.5], dtype))
        np.testing.assert_array_equal(y.grad, np.array([0, 1, 0.5, 0, 1, 0.5], dtype))

    def test_precision_near_zero(self) -> None:
        tiny = [1e-12]
        assert derivatives(np.expm1, tiny)[0] == pytest.approx(1e-12, rel=1e-11)
        assert derivatives(np.expm1, [-40.0])[1] == pytest.approx(math.exp(-40), rel=1e-14)
        assert derivatives(ops.erf, [1e-300])[0] == pytest.approx(
            1.1283791670955126e-300, rel=1e-14
        )
        assert derivatives(ops.logsigmoid, [40.0])[0] == pytest.approx(-math.exp(-40), rel=1e-14)
        assert derivatives(ops.softplus, [-40.0])[0] == pytest.approx(math.exp(-40), rel=1e-14)


class TestErrorFunction:
    def test_against_the_standard_library(self) -> None:
        x = np.concatenate([np.linspace(-7, 7, 20001), 10.0 ** np.arange(-300, 1, 7), [-0.0]])
        exact = np.array([math.erf(v) for v in x])
        np.testing.assert_allclose(ops.erf(x), exact, rtol=1e-15)
        np.testing.assert_allclose(ops.erf(x.astype(np.float32)), exact, rtol=1e-6, atol=1e-40)
        np.testing.assert_allclose(ops.erf(x.astype(np.float16)), exact, rtol=2e-3, atol=1e-7)

    def test_types_and_limits(self) -> None:
        assert ops.erf(np.float32(0.5)).dtype == np.float32
        assert ops.erf(np.arange(3)).dtype == np.float64
        np.testing.assert_array_equal(ops.erf(np.array([np.inf, -np.inf, np.nan])), [1, -1, np.nan])
        assert ops.erf(np.empty((0, 2))).shape == (0, 2)


class TestAgainstNumPy:
    """Aliases of NumPy functions call the same ops."""

    @pytest.mark.parametrize(
        ("function", "rest"),
        [
            (np.float_power, (2,)),
            (np.rad2deg, ()),
            (np.deg2rad, ()),
            (np.around, (1,)),
            (np.mod, (2.0,)),
            (np.abs, ()),
            (np.pow, (2,)) if hasattr(np, "pow") else (np.power, (2,)),
        ],
    )
    def test_value(self, function: Any, rest: Any) -> None:
        x = np.array([0.26, 1.74, -2.26])
        y = function(leaf(x), *rest)
        np.testing.assert_allclose(y.data, function(x, *rest), strict=True)
        y.sum().backward()

    def test_methods(self) -> None:
        x = leaf([0.26, -1.74])
        for name in METHODS:
            rest = (2.0,) if name in ("arctan2", "fmax") else ()
            with np.errstate(invalid="ignore"):
                assert getattr(x, name)(*rest).shape == (2,)
        np.testing.assert_array_equal(x.round(1).data, [0.3, -1.7])

    def test_float_power_is_float64(self) -> None:
        x = leaf([2.0], np.float32)
        y = np.float_power(x, 2)
        y.sum().backward()
        assert (y.dtype, x.grad.dtype, x.grad[0]) == (np.float64, np.float32, 4)

    def test_nan_to_num_in_place_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="copy=False"):
            np.nan_to_num(leaf([np.nan]), copy=False)

    def test_gelu_has_two_forms(self) -> None:
        with pytest.raises(ValueError, match="'none' or 'tanh'"):
            F.gelu(leaf(1.0), approximate="quick")


class TestAgainstTorch:
    """Activations and special functions: value, gradient and second derivative in float64."""

    POINTS = np.array([-30.0, -6.5, -2.2, -1.3, -0.4, -1e-3, 1e-3, 0.3, 0.9, 1.7, 4.4, 8.0, 30.0])

    @staticmethod
    def references() -> dict[str, tuple[Any, Any, slice]]:
        torch = pytest.importorskip("torch")
        f, everywhere, positive, inside = (
            torch.nn.functional,
            slice(None),
            slice(6, None),
            slice(4, 9),
        )
        pairs = {
            "gelu_tanh": (lambda x: f.gelu(x, approximate="tanh")),
            "softplus": lambda x: f.softplus(x, threshold=1e9),
            "hardsigmoid": lambda x: f.relu6(x + 3) / 6,  # its own has no second derivative
            "hardswish": lambda x: x * f.relu6(x + 3) / 6,
            "sigmoid": torch.sigmoid,
            "tanh": torch.tanh,
            "erf": torch.erf,
        }
        table = {n: (a, pairs.get(n) or getattr(f, n), everywhere) for n, a in ACTIVATIONS.items()}
        table |= {
            "softplus beta": (
                lambda x: ops.softplus(x, 3.0),
                lambda x: f.softplus(x, 3.0, 1e9),
                everywhere,
            ),
            "leaky": (lambda x: ops.leaky_relu(x, 0.3), lambda x: f.leaky_relu(x, 0.3), everywhere),
            "elu 0.3": (lambda x: ops.elu(x, 0.3), lambda x: f.elu(x, 0.3), everywhere),
            "elu 2": (lambda x: ops.elu(x, 2.0), lambda x: f.elu(x, 2.0), everywhere),
            "celu 0.5": (lambda x: F.celu(x, 0.5), lambda x: f.celu(x, 0.5), everywhere),
            "softplus up to 20": (F.softplus, f.softplus, everywhere),
            "hardtanh wide": (
                lambda x: F.hardtanh(x, -2, 5),
                lambda x: f.hardtanh(x, -2, 5),
                everywhere,
            ),
            "sinc": (np.sinc, torch.sinc, slice(1, 5)),
            "cbrt": (np.cbrt, lambda x: x ** (1 / 3), positive),
            "logaddexp": (
                lambda x: np.logaddexp(x, 2 * x * x),
                lambda x: torch.logaddexp(x, 2 * x * x),
                slice(1, -1),  # at ±30 its second derivative is NaN
            ),
            "logaddexp2": (
                lambda x: np.logaddexp2(x, 0.1 * x * x),
                lambda x: torch.logaddexp2(x, 0.1 * x * x),
                slice(1, -1),
            ),
            "arctan2": (
                lambda x: np.arctan2(x, x * x - 1),
                lambda x: torch.arctan2(x, x * x - 1),
                everywhere,
            ),
            "hypot": (lambda x: np.hypot(x, x * x), lambda x: torch.hypot(x, x * x), everywhere),
        }
        for name in SMOOTH:
            table[name] = (getattr(np, name), getattr(torch, name), everywhere)
        for name in ["log", "log2", "log10", "log1p", "sqrt"]:
            table[name] = (getattr(np, name), getattr(torch, name), positive)
        for name in ["arcsin", "arccos", "arctanh"]:
            table[name] = (getattr(np, name), getattr(torch, name), inside)
        table["arccosh"] = (np.arccosh, torch.arccosh, slice(9, None))
        return table

    def test_value_gradient_and_second_derivative(self) -> None:
        torch = pytest.importorskip("torch")
        for name, (ours, theirs, where) in self.references().items():
            data = self.POINTS[where]
            x = torch.tensor(data, requires_grad=True)
            y = theirs(x)
            (first,) = torch.autograd.grad(y.sum(), x, create_graph=True)
            second = torch.zeros_like(x)
            if first.requires_grad:
                (second,) = torch.autograd.grad(first.sum(), x, allow_unused=True)
            expected = y, first, torch.zeros_like(x) if second is None else second
            for order, (a, b) in enumerate(zip(derivatives(ours, data), expected, strict=True)):
                np.testing.assert_allclose(
                    a, b.detach().numpy(), rtol=1e-8, atol=1e-11, err_msg=f"{name}, order {order}"
                )
