"""gradcheck finds what is wrong, says it, and leaves everything alone."""

from __future__ import annotations

import importlib.util
import pkgutil
from typing import Any

import numpy as np
import pytest

import nn
import tinygrad_edu
from tinygrad_edu import Tensor, checks, gradcheck, op, ops

rng = np.random.default_rng(0)
X = rng.normal(size=(3, 2))


def wrong(vjp: Any) -> Any:
    """x² with another derivative."""

    @op(None, vjp, elementwise=True, method=False)
    def square_(x: Any) -> Any:
        """Square.
        y = x²,  ∂L/∂x = 2 g x"""
        return x * x

    return square_


def constant(x: Any) -> Any:
    """Cut off from its graph, as no VJP may do."""
    return x.data if isinstance(x, Tensor) else x


def verdict(f: Any, *inputs: Any, **options: Any) -> str:
    return gradcheck(f, *inputs, **options).rows[-1].verdict


class TestFunctions:
    @pytest.mark.parametrize(
        ("f", "inputs"),
        [
            (lambda x: np.tanh(x * x), (X,)),
            (lambda x, y: x @ y.T, (X, X + 1)),
            (lambda p: (p["w"] * p["b"][0], p["w"].sum()), ({"w": X, "b": [2.0]},)),
            (lambda x: 1 / x, (1e-3,)),
            (lambda x: np.exp(200 * x), (1.0,)),
            (lambda x: np.log(x), (1e-7,)),
            (ops.sigmoid, (np.array([-700.0, 0.0, 700.0]),)),
            (lambda x, k: x[k], (X, np.array([0, 0, 2]))),
            (lambda x: x.relu(), (np.array([1e-6, -1e-6, 1.0]),)),  # a kink within the step
        ],
    )
    def test_right(self, f: Any, inputs: Any) -> None:
        report = gradcheck(f, *inputs, order=2)
        assert report, report
        assert {row.verdict for row in report.rows} <= {"ok", "unused"}

    def test_float32_is_checked_in_float64(self) -> None:
        x = X.astype(np.float32)
        report = gradcheck(lambda x: np.exp(x) * 1000, x, rtol=1e-9, atol=1e-6)
        assert report.rows[0].verdict == "ok", report
        assert x.dtype == np.float32

    @pytest.mark.parametrize(
        ("vjp", "order", "expected"),
        [
            (lambda g, x: 3 * g * x, 1, "wrong: 6 of 6, all 1.5 times what is right"),
            (lambda g, x: -2 * g * x, 1, "wrong: 6 of 6, all -1 times what is right"),
            (lambda g, x: 2 * g * x * (x < 1), 1, "wrong: 1 of 6"),
            (lambda g, x: g * np.nan * x, 1, "wrong: 6 of 6"),
            (lambda g, x: 2 * g * constant(x), 2, "wrong: 6 of 6"),
        ],
    )
    def test_wrong(self, vjp: Any, order: int, expected: str) -> None:
        x = np.array([[0.1, -0.2], [0.3, 1.5], [-0.5, 0.6]])
        report = gradcheck(wrong(vjp), x, order=order)
        assert not report
        assert report.rows[-1].verdict.startswith(expected)
        if "1 of 6" in expected:
            assert report["x"].where == "[1, 1]"

    @pytest.mark.parametrize(
        ("f", "x", "expected"),
        [
            (lambda x: x.relu().sum(), [0.0, 1.0], "kink: 1 of 2"),
            (lambda x: np.maximum(x, 0.3 * x).sum(), [0.0, 1.0], "ok"),
            (lambda x: x.clip(0, 1).sum(), [0.0, 1.0, 0.5], "kink: 2 of 3"),
            (lambda x: (abs(x) + x).sum(), [0.0, 1.0], "ok"),
            (lambda x: np.where(x > 0, 1.0, 0.0).sum() * x[1], [0.0, 1.0], "kink: 1 of 2"),
            (np.sqrt, [0.0], "edge: 1 of 1"),
            (lambda x: x**1.5, [0.0], "edge: 1 of 1"),
            (lambda x: x * np.sqrt(x), [0.0], "wrong: 1 of 1"),  # 0 · ∞
            (np.log, [-1.0], "undefined: 1 of 1"),
            (np.log, [1e-300], "ok"),
            (np.cbrt, [0.0], "edge: 1 of 1"),
            (lambda x: (x * 0).sum(), [0.0, 1.0], "unused"),
        ],
    )
    def test_where_no_derivative_exists(self, f: Any, x: Any, expected: str) -> None:
        report = gradcheck(f, np.array(x))
        assert report.rows[0].verdict == expected, report
        assert bool(report) == (expected[0] not in "uw" or expected == "unused")

    def test_a_kink_hides_no_bug(self) -> None:
        """A derivative that is none of the slopes is wrong at a kink too."""

        @op(None, lambda g, x: g * np.sign(x) + 2 * g * (x == 0), method=False)
        def bent(x: Any) -> Any:
            """Absolute value.
            y = |x|,  ∂L/∂x = g sign x"""
            return abs(x)

        assert verdict(bent, np.array([0.0, 1.0])).startswith("wrong: 1 of 2")

    def test_steep_curvature_and_the_wrong_infinity_are_not_excused(self) -> None:
        @op(None, lambda g, x: g * (2e12 * x + 100), method=False)
        def steep(x: Any) -> Any:
            """Parabola.
            y = 10¹² x²,  ∂L/∂x = 2 · 10¹² g x"""
            return 1e12 * x * x

        @op(None, lambda g, out: -g * 0.5 / out, method=False)
        def falling(x: Any) -> Any:
            """Root.
            y = √x,  ∂L/∂x = g / 2y"""
            return x**0.5

        assert verdict(steep, np.array([0.0])) == "wrong: 1 of 1"
        assert verdict(falling, np.array([0.0])) == "wrong: 1 of 1"

    def test_a_part_of_a_large_variable(self) -> None:
        calls = []

        def f(x: Any) -> Any:
            calls.append(1)
            return (x**2).sum()

        report = gradcheck(f, np.ones(1000), samples=5)
        assert report["x"].checked == "5 of 1000"
        assert len(calls) < 30
        first, again, other = (
            gradcheck(f, rng.normal(size=1000), samples=1, seed=s)["x"].where for s in (1, 1, 2)
        )
        assert first == again != other
        assert gradcheck(f, np.ones(1000), samples=None)["x"].checked == "1000 of 1000"

    def test_a_gradient_inside(self) -> None:
        from tinygrad_edu import value_and_grad

        assert gradcheck(lambda x: value_and_grad(lambda y: (y**3).sum())(x)[1], X, order=2)

    def test_nothing_to_check(self) -> None:
        with pytest.raises(TypeError, match="given no floating-point input"):
            gradcheck(lambda x: x, np.array([1, 2]))
        with pytest.raises(ValueError, match="order is 1"):
            gradcheck(lambda x: x, X, order=3)

    def test_the_table(self) -> None:
        text = repr(gradcheck(wrong(lambda g, x: 3 * g * x), np.array([1.0, 2.0])))
        head, line, rest = text.splitlines()
        assert head.split()[:4] == ["name", "shape", "checked", "error"]
        assert line.index("wrong") == head.index("verdict")
        assert max(map(len, text.splitlines())) <= 80
        assert " ".join(text.split()).endswith("wrong: 2 of 2, all 1.5 times what is right")
        assert rest.index("times") == line.index("wrong"), "folded within its column"


def test_no_module_bears_the_name_of_a_function() -> None:
    """`tinygrad_edu.gradcheck` is the function, whatever was imported before."""
    modules = {module.name for module in pkgutil.iter_modules(checks.__path__)}
    assert not modules & set(checks.__all__)
    for name in ("check_op", "compare", "gradcheck"):
        assert getattr(tinygrad_edu, name) is getattr(checks, name)
        assert importlib.util.find_spec(f"tinygrad_edu.{name}") is None


class Noisy(nn.Module):
    """Remembers its calls, and draws from a generator of its own."""

    def __init__(self, seed: int | None = 0) -> None:
        self.inner = nn.Dense(2, 4)
        self.calls = 0
        self.seen = np.zeros(2, np.float32)
        self.rng = np.random.default_rng(seed)
        self.fails = False

    def forward(self, x: Any) -> Any:
        self.calls += 1
        self.seen += x.data.sum(axis=0)
        self.last = x
        if self.fails and self.calls > 1:
            raise KeyError("the forward fails")
        return self.inner(x) * (self.rng.random(4) > 0.5)


class TestModels:
    def setup_method(self) -> None:
        nn.manual_seed(0)

    def state(self, model: Any) -> Any:
        parameters = [(p, p.data, p.data.copy(), p.grad, p.node) for p in model.parameters()]
        own = dict(vars(model)) | {"rng state": str(model.rng.bit_generator.state)}
        return parameters, own, model.seen.copy()

    def check_unchanged(self, model: Any, before: Any) -> None:
        parameters, own, seen = before
        for p, data, values, grad, node in parameters:
            assert p.data is data
            assert p.grad is grad
            assert p.node is node
            assert p.dtype == np.float32
            np.testing.assert_array_equal(p.data, values)
        assert own == dict(vars(model)) | {"rng state": str(model.rng.bit_generator.state)}
        np.testing.assert_array_equal(model.seen, seen)

    def test_right_and_everything_put_back(self) -> None:
        model = Noisy()
        loss = nn.mse_loss(model(X.astype(np.float32)), np.ones((3, 4)))
        loss.backward()
        before = self.state(model)
        report = gradcheck(model, nn.mse_loss, X, np.ones((3, 4)), order=2)
        assert report, report
        assert [row.name for row in report.rows] == [
            "inner.weight", "inner.bias", "Hessian inner.weight", "Hessian inner.bias",
        ]  # fmt: skip
        assert report["inner.weight"].error < 1e-8
        self.check_unchanged(model, before)

    def test_put_back_after_an_exception(self) -> None:
        model = Noisy()
        model.fails = True
        before = self.state(model)
        with pytest.raises(KeyError):
            gradcheck(lambda_model(model), nn.mse_loss, X, np.ones((3, 4)))
        self.check_unchanged(model, before)

    def test_training_mode_and_frozen_parameters(self) -> None:
        model = nn.Sequential(nn.Dense(2, 3), nn.ReLU(), nn.Dense(3, 2)).eval()
        model[0].requires_grad_(False)
        report = gradcheck(model, nn.cross_entropy, X.astype(np.float32), np.array([0, 1, 0]))
        assert [row.name for row in report.rows] == ["2.weight", "2.bias"]
        assert report
        assert not model.training
        nothing = gradcheck(nn.ReLU(), nn.mse_loss, X, X)
        assert repr(nothing) == "nothing to check"
        assert not nothing
        assert model[0].weight.dtype == np.float32
        assert not model[0].weight.requires_grad

    def test_a_layer_by_itself_with_its_input(self) -> None:
        report = gradcheck(nn.Dense(2, 3), X)
        assert report
        assert [row.name for row in report.rows] == ["input 0", "weight", "bias"]

    def test_a_wrong_layer(self) -> None:
        class Wrong(nn.Dense):
            def forward(self, x: Any) -> Any:
                return wrong(lambda g, x: g * x)(super().forward(x))

        report = gradcheck(Wrong(2, 3), nn.mse_loss, X, np.ones((3, 3)))
        assert not report
        assert report["bias"].verdict == "wrong: 3 of 3, all 0.5 times what is right"

    def test_what_draws_random_numbers(self) -> None:
        generator = np.random.default_rng(0)
        f = lambda x: (x * (generator.random(x.shape) > 0.5)).sum()
        with pytest.raises(ValueError, match=r"two evaluations .* differ"):
            gradcheck(f, X)
        before = generator.bit_generator.state
        assert gradcheck(f, X, rng=generator)
        assert generator.bit_generator.state == before

    def test_any_model_with_named_parameters(self) -> None:
        class Plain:
            def __init__(self) -> None:
                self.w = Tensor(X.astype(np.float32), requires_grad=True)

            def named_parameters(self) -> Any:
                return [("w", self.w)]

            def __call__(self, x: Any, y: Any) -> Any:
                return (x @ self.w) * y

        report = gradcheck(Plain(), lambda out: (out**2).sum(), (np.ones((2, 3)), 2.0))
        assert report["w"].verdict == "ok", report


def lambda_model(model: Any) -> Any:
    """The model, failing on its second evaluation: `calls` is put back before each."""

    class Twice:
        evaluations = 0

        def named_parameters(self) -> Any:
            return model.named_parameters()

        def named_modules(self) -> Any:
            return model.named_modules()

        def __call__(self, x: Any) -> Any:
            Twice.evaluations += 1
            model.calls = Twice.evaluations
            return model(x)

    return Twice()
