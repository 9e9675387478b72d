"""gradcheck where it is hard to be right: nothing compared, rounding noise, tiny arguments."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

import nn
from tinygrad_edu import Tensor, gradcheck, no_grad, op, ops

rng = np.random.default_rng(0)
X = rng.normal(size=(3, 2))


class Outputs(NamedTuple):
    mean: Any
    total: Any


def scaled(factor: float) -> Any:
    """The sum of squares with a derivative that is `factor` times the right one."""

    @op(None, lambda g, x: 2 * factor * g * x, method=False)
    def square_(x: Any) -> Any:
        """Square.
        y = x²,  ∂L/∂x = 2 g x"""
        return x * x

    return lambda x: square_(x).sum()


def unrecorded(x: Any) -> Any:
    with no_grad():
        return (x**2).sum()


def verdict(f: Any, *inputs: Any, **options: Any) -> str:
    return gradcheck(f, *inputs, **options).rows[0].verdict


class TestAnOutputThatIsNoTensor:
    @pytest.mark.parametrize(
        ("f", "message"),
        [
            (lambda x: float((x**2).sum()), r"gradcheck: output of <lambda>\(\) is of type float;"),
            (lambda x: (x**2).sum().item(), r"output of .* type float;"),
            (lambda x: (x.data**2).sum(), r"output of .* type float64;"),
            (lambda x: x.data**2, r"output of .* type ndarray;"),
            (lambda x: ((x**2).sum(), float(x.sum())), r"output\[1\] of .* type float;"),
            (lambda x: [x.sum(), x.data], r"output\[1\] of .* type ndarray;"),
            (lambda x: {"a": x.sum(), "b": [x.data.sum()]}, r"output\['b'\]\[0\] of .* float64;"),
            (lambda x: Outputs(x.mean(), x.sum().item()), r"output\.total of .* type float;"),
            (lambda x: None, r"returned no Tensor"),
            (lambda x: (), r"returned no Tensor"),
            (lambda x: x.argmax(), r"returned no Tensor"),
            (lambda x: (x.shape, "done", True), r"returned no Tensor"),
            (lambda x: object(), r"output of .* type object;"),
        ],
    )
    def test_is_an_error_that_names_it(self, f: Any, message: str) -> None:
        with pytest.raises(TypeError, match=message) as caught:
            gradcheck(f, X)
        assert "return the Tensor itself, not its .data, .item() or float()" in str(caught.value)

    def test_is_an_error_of_a_loss_too(self) -> None:
        model = nn.Dense(2, 1)
        with pytest.raises(TypeError, match=r"output of <lambda>\(\) is of type float"):
            gradcheck(model, lambda out: out.sum().item(), X)
        with pytest.raises(TypeError, match=r"output\[1\] of <lambda>\(\) is of type ndarray"):
            gradcheck(model, lambda out: (out.sum(), out.data), X)

    def test_may_be_an_integer_or_none_beside_a_tensor(self) -> None:
        assert gradcheck(lambda x: (np.tanh(x), None, x.argmax(), x.shape, x > 0, "done"), X)
        assert gradcheck(lambda x: (np.tanh(x), Tensor(np.arange(3))), X)


class TestAnOutputCutOffFromTheGraph:
    @pytest.mark.parametrize(
        "f",
        [
            lambda x: (x**2).sum().detach(),
            lambda x: (x.detach() ** 2).sum(),
            lambda x: Tensor(x.data**2),
            unrecorded,
            lambda x: (x.sum(), (x**2).sum().detach()),
            lambda x: [Tensor(x.data**2), x.sum()],
            lambda x: {"a": x.sum(), "b": unrecorded(x)},
            lambda x: x[0].sum() + (x[1:] ** 2).sum().detach(),
        ],
    )
    def test_is_wrong(self, f: Any) -> None:
        report = gradcheck(f, X)
        assert not report
        assert report["x"].verdict.startswith("wrong")

    def test_is_named_if_no_gradient_arrives(self) -> None:
        assert verdict(lambda x: (x**2).sum().detach(), X) == (
            "wrong: 6 of 6, and no gradient arrives: .data, .item(), float(), detach() or "
            "no_grad() has cut the graph"
        )
        report = gradcheck(lambda x, y: (x.detach() * y).sum(), X, X + 1)
        assert "no gradient arrives" in report["x"].verdict
        assert report["y"].verdict == "ok"

    def test_is_wrong_in_a_model_too(self) -> None:
        model = nn.Sequential(nn.Dense(2, 3), nn.Tanh(), nn.Dense(3, 1))
        report = gradcheck(model, lambda out: (out.detach() ** 2).sum(), X)
        assert not report
        assert all("no gradient arrives" in row.verdict for row in report.rows)

    @pytest.mark.parametrize(
        "f",
        [
            lambda x: Tensor(3.0),
            lambda x: (Tensor(3.0), Tensor([1.0, 2.0])),
            lambda x: Tensor(2.0, requires_grad=True) * 3,
            lambda x: Tensor(np.ones(x.shape)).sum(),
            lambda x: x[:0],
            lambda x: (x[:0], Tensor(1.0)),
        ],
    )
    def test_checks_nothing_if_it_is_all_there_is(self, f: Any) -> None:
        report = gradcheck(f, X)
        assert not report
        assert report["x"].verdict == "disconnected: nothing that is returned depends on a variable"
        assert not gradcheck(f, X, order=2)
        assert not gradcheck(lambda x, y: f(x), X, X)

    def test_may_be_constant_beside_others(self) -> None:
        assert verdict(lambda x: (np.tanh(x), Tensor(3.0), Tensor(np.ones(2))), X) == "ok"
        report = gradcheck(lambda x, y: np.tanh(x), X, X)
        assert report
        assert report["y"].verdict == "unused"

    def test_a_linear_function_has_no_second_derivative(self) -> None:
        report = gradcheck(lambda x: 3 * x, X, order=2)
        assert report
        assert [row.verdict for row in report.rows] == ["ok", "unused"]


class TestNothingCompared:
    def test_outputs_do_not_cancel(self) -> None:
        wrong = scaled(1.5)
        assert not gradcheck(lambda x: (wrong(x), -wrong(x)), X)
        assert gradcheck(lambda x: ((x**2).sum(), -(x**2).sum()), X)["x"].verdict == "ok"

    def test_a_variable_without_elements(self) -> None:
        report = gradcheck(lambda x: x * 2, np.zeros((0, 2)))
        assert report["x"].verdict == "empty"
        assert not report
        assert gradcheck(lambda x, y: x * 2 + y.sum(), np.zeros((0, 2)), X).rows[0].verdict == (
            "empty"
        )
        assert gradcheck(lambda x, y: (x * 2, y * 2), np.zeros((0, 2)), X)

    @pytest.mark.parametrize("samples", [0, -1, 2.5, True])
    def test_no_samples(self, samples: Any) -> None:
        with pytest.raises(ValueError, match=r"samples is an integer of at least 1, or None"):
            gradcheck(lambda x: x * 2, X, samples=samples)

    @pytest.mark.parametrize("name", ["rtol", "atol", "step"])
    @pytest.mark.parametrize("value", [-1.0, np.inf, np.nan])
    def test_tolerances_that_excuse_everything(self, name: str, value: float) -> None:
        with pytest.raises(ValueError, match=f"{name} is a finite number"):
            gradcheck(scaled(1.5), X, **{name: value})

    @pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
    def test_a_gradient_that_is_not_finite(self, value: float) -> None:
        @op(None, lambda g, x: g * np.where(x > 0, value, 2 * x), method=False)
        def square_(x: Any) -> Any:
            """Square.
            y = x²,  ∂L/∂x = 2 g x"""
            return x * x

        assert verdict(square_, np.array([-1.0, 2.0])) == "wrong: 1 of 2"


TINY = [1e-3, 1e-6, 1e-7, 1e-8, 3e-9, 1e-10, 1e-12, 1e-20, 1e-100, 1e-300]


class TestTinyArguments:
    @pytest.mark.parametrize("x", TINY)
    @pytest.mark.parametrize(
        "f",
        [np.log, np.sqrt, np.reciprocal, np.log2, np.cbrt, lambda x: 1 / x, lambda x: x**-0.5,
         lambda x: x * np.log(x), lambda x: np.log(x) ** 2, lambda x: np.arcsinh(x / 1e-9)],
    )  # fmt: skip
    def test_a_right_gradient_is_ok(self, f: Any, x: float) -> None:
        with np.errstate(over="ignore"):
            slope = (f(np.array(x) * (1 + 1e-5)) - f(np.array(x))) / (1e-5 * x)
        if np.isfinite(slope):
            report = gradcheck(f, np.array([x]))
            assert report["x"].verdict == "ok", report

    @pytest.mark.parametrize("x", TINY)
    @pytest.mark.parametrize("f", [np.log, np.sqrt, abs])
    def test_a_right_gradient_is_ok_beside_large_ones(self, f: Any, x: float) -> None:
        """As far as the others' rounding lets it be seen: of |x| a kink, and of √x nothing."""
        said = verdict(lambda x: f(x).sum(), np.array([x, 1.0, 100.0, 2 * x]))
        hidden = f is not np.log and said.startswith(("kink", "undecided"))
        assert said == "ok" or (x < 1e-6 and hidden)

    @pytest.mark.parametrize("x", TINY)
    @pytest.mark.parametrize("factor", [1.01, 1.5, -1.0, 0.0])
    def test_a_wrong_gradient_is_wrong(self, factor: float, x: float) -> None:
        @op(None, lambda g, x: factor * g / x, method=False)
        def log_(x: Any) -> Any:
            """Logarithm.
            y = ln x,  ∂L/∂x = g / x"""
            return np.log(x)

        assert verdict(log_, np.array([x])).startswith("wrong: 1 of 1")

    @pytest.mark.parametrize("x", [1e-8, 1e-7, -1e-8, 1e-6, 1e-4])
    @pytest.mark.parametrize("slope", [0.5, 0.75])
    def test_a_kink_nearby_excuses_nothing(self, x: float, slope: float) -> None:
        @op(None, lambda g, x: slope * g, method=False)
        def relu_(x: Any) -> Any:
            """Rectified linear unit.
            y = max(x, 0),  ∂L/∂x = g [x > 0]"""
            return x * (x > 0)

        said = verdict(relu_, np.array([x]))
        assert said == "wrong: 1 of 1" or (x < 0 and said.startswith("undecided"))
        assert verdict(ops.relu, np.array([x])) in ("ok", "unused")

    def test_a_function_that_bends_where_x_is_not_small(self) -> None:
        assert verdict(lambda x: np.log(x - 1 + 1e-8), np.array([1.0])) == "ok"
        assert verdict(lambda x: np.sqrt(x * x + 1e-20), np.array([1e-10, 0.0])) == "ok"
        assert verdict(lambda x: np.tanh(1e8 * x), np.array([1e-9])) == "ok"


class TestRoundingNoise:
    @pytest.mark.parametrize("offset", [0.0, 1e4, 1e6, 1e8, 1e12, 1e16])
    @pytest.mark.parametrize("factor", [0.0, 0.5, 1.1, 1.5, -1.0])
    def test_hides_no_wrong_gradient(self, offset: float, factor: float) -> None:
        wrong = scaled(factor)
        report = gradcheck(lambda x: wrong(x) + offset, np.array([1.0, -2.0]))
        assert not report
        assert report["x"].verdict.startswith("wrong" if offset < 1e12 else ("wrong", "undecided"))

    @pytest.mark.parametrize("offset", [1e2, 1e4, 1e6])
    def test_is_escaped_with_larger_steps(self, offset: float) -> None:
        assert verdict(lambda x: (x**2).sum() + offset, np.array([1.0, -2.0])) == "ok"
        assert verdict(lambda x: np.tanh(x).sum() + offset, X) == "ok"
        assert verdict(lambda x: np.exp(x).sum() * offset, X) == "ok"

    def test_is_named_where_it_hides_the_answer(self) -> None:
        report = gradcheck(lambda x: (x**2).sum() + 1e16, np.array([1.0, -2.0]))
        assert not report
        assert report["x"].verdict.startswith("undecided: 2 of 2, rounding noise of")
        assert report["x"].verdict.endswith("hides it")
        again = gradcheck(lambda x: (x**2).sum() + 1e10, np.array([1.0, -2.0]), rtol=1e-2)
        assert again["x"].verdict == "ok"

    @pytest.mark.parametrize("offset", [1e3, 1e5, 1e7, 1e9, 1e11, 1e13])
    @pytest.mark.parametrize("f", [np.tanh, np.square, lambda x: np.exp(3 * x)])
    def test_does_not_make_a_right_gradient_wrong(self, f: Any, offset: float) -> None:
        """Nor does the noise inside of a function, of which its value says nothing."""
        outside = verdict(lambda x: f(x).sum() + offset, X)
        assert outside == "ok" or outside.startswith("undecided")
        inside = verdict(lambda x: (f(x) + offset).sum() - offset * x.size, X)
        assert inside == "ok" or inside.startswith("undecided")

    def test_is_that_of_each_output(self) -> None:
        """The outputs cancel in the sum that is differentiated, their noise does not."""
        y = lambda x: np.concatenate([x**2 + 1e9, -(x**2) - 1e9])
        assert not verdict(y, np.array([1.0, 2.0])).startswith("wrong")

    def test_of_an_unused_variable(self) -> None:
        report = gradcheck(lambda x, y: (x**2).sum() + 1e6, X, X)
        assert report
        assert report["y"].verdict == "unused"

    def test_in_the_second_derivative(self) -> None:
        report = gradcheck(lambda x: (x**3).sum() + 1e6, X, order=2)
        assert report, report

    @pytest.mark.parametrize("scale", [1.0, 1e3, 1e6])
    def test_a_large_loss_with_kinks(self, scale: float) -> None:
        nn.manual_seed(0)
        model = nn.Sequential(nn.Dense(2, 8), nn.ReLU(), nn.Dense(8, 1))
        x, t = np.linspace(-1, 1, 40).reshape(20, 2), np.cos(np.arange(20.0))[:, None]
        report = gradcheck(model, lambda y: (((y - t) * scale) ** 2).sum() + scale, x)
        assert report, report
