"""check_op finds every way in which an op can break what its declaration promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tinygrad_edu import Tensor, check_op, op, ops
from tinygrad_edu.checks import UndefinedValue
from tinygrad_edu.registry import OPS

X = np.random.default_rng(0).normal(size=(3, 2))


def constant(x: Any) -> Any:
    """Cut off from its graph, as no VJP may do."""
    return x.data if isinstance(x, Tensor) else x


def cube_with(vjp: Any, forward: Any = lambda x: x * x * x, **options: Any) -> Any:
    def cube(x: Any) -> Any:
        """Third power.
        y = x³,  ∂L/∂x = 3 g x²"""
        return forward(x)

    return op(None, vjp, method=False, **options)(cube)


right = lambda g, x: 3 * g * x * x


def spoil(x: Any) -> Any:
    x *= 1.5
    return x * x * x


def overwrite(g: Any, x: Any) -> Any:
    if isinstance(g, np.ndarray) and g.shape:
        g *= x
    return 3 * g * x


def in_order(x: Any) -> int:
    """1, or 2 for an array that lies in memory otherwise."""
    data = x.data if isinstance(x, Tensor) else x
    return 1 if data.flags.c_contiguous else 2


class TestAnOp:
    @settings(max_examples=30, deadline=None, derandomize=True)
    @given(arrays(np.float64, array_shapes(max_side=3), elements=st.floats(-2, 2)))
    def test_of_a_user_passes(self, x: Any) -> None:
        check_op(cube_with(right), x)

    @pytest.mark.parametrize(
        ("cube", "complaint"),
        [
            (cube_with(lambda g, x: 2 * g * x * x), "disagrees with finite differences"),
            (cube_with(lambda g, x: 3 * g * constant(x) ** 2), "Hessian x .* wrong"),
            (cube_with(lambda g, x: 3 * constant(g) * x * x), "Hessian x .* wrong"),
            (cube_with(lambda g, x: g * (x * x * np.full(1, 3.0))), "float64 for float32"),
            (cube_with(right, lambda x: x**3 * np.full(1, 1.0)), "returns float64 for float32"),
            (cube_with(right, spoil), "the forward changes its arguments"),
            (cube_with(overwrite), "changes the upstream gradient"),
            (cube_with(lambda g, x: 3 * g[:1] * x[:1] ** 2), "differentiating it twice"),
            (cube_with(lambda g, x: g * in_order(x) * 3 * x * x), "gradient by `x` depends on the"),
            (cube_with(right, lambda x: x**3 * in_order(x)), "its value depends on the order"),
        ],
    )
    def test_is_found_wrong(self, cube: Any, complaint: str) -> None:
        with pytest.raises(AssertionError, match=complaint):
            check_op(cube, np.array([0.5, -1.0, 2.0]))

    def test_may_be_called_in_every_way(self) -> None:
        check_op(ops.sum, X, axis=0, keepdims=True)
        check_op(ops.concatenate, [X, X + 1], axis=1)
        check_op(ops.where, X > 0, X, X + 1)
        check_op(ops.cross_entropy, X, np.array([0, 1, 0]), reduction="none")
        check_op(ops.multiply, X, X[0])
        check_op(ops.tanh, X.astype(np.float32))
        check_op(ops.matmul, X.astype(np.float16), X.T)
        check_op(ops.cast, X, dtype=np.float32)
        check_op(ops.tanh, [0.5, 1.0])
        check_op(ops.tanh, 0.5)
        check_op(ops.tanh, Tensor(X))
        with pytest.raises(TypeError, match="declared with @op"):
            check_op(np.sin, X)

    def test_names_the_argument_that_is_wrong(self) -> None:
        @op(None, lambda g, y: g * y, lambda g, x: -g * x, elementwise=True, method=False)
        def product(x: Any, y: Any) -> Any:
            """Product.
            z = x y,  ∂L/∂x = g y,  ∂L/∂y = g x"""
            return x * y

        with pytest.raises(AssertionError) as caught:
            check_op(product, X, X[0])
        lines = str(caught.value).splitlines()
        assert [line.split()[0] for line in lines[2:4]] == ["x", "y"]
        assert "wrong: 2 of 2, all -1 times what is right" in " ".join(" ".join(lines[3:]).split())
        assert lines[2].endswith("ok")

        @op(None, lambda g, position: g[position] * (1 + (position == 10)), sequence=True)
        def stacked_(arrays: Any) -> Any:
            """Stack.
            y = (x₀, x₁, ...),  ∂L/∂xᵢ = gᵢ"""
            return np.stack(arrays)

        with pytest.raises(AssertionError) as caught:
            check_op(stacked_, list(np.ones(11)))
        wrong = [line for line in str(caught.value).splitlines() if "wrong" in line]
        assert wrong[0].startswith("arrays[10] ")

    def test_may_have_kinks(self) -> None:
        check_op(ops.relu, np.zeros(50))
        check_op(ops.max, np.zeros((2, 3)), axis=1)
        check_op(ops.sqrt, np.array([1e-8, 1e-3, 1.0]))
        with pytest.raises(AssertionError, match="check smaller arrays"):
            check_op(ops.relu, np.zeros(200))

    def test_gives_no_two_gradients_the_same_memory(self) -> None:
        buffer = np.zeros(3)

        def kept(g: Any) -> Any:
            if not isinstance(g, np.ndarray) or g.dtype != np.float64:
                return g * 1.0
            buffer[...] = g
            return buffer

        @op(None, kept, kept, elementwise=True, method=False)
        def total(x: Any, y: Any) -> Any:
            """Sum.
            z = x + y,  ∂L/∂x = g,  ∂L/∂y = g"""
            return x + y

        with pytest.raises(AssertionError, match="gradient of `y` shares memory with another"):
            check_op(total, np.ones(3), np.ones(3))


class TestNothingToCheck:
    def test_is_a_type_error_if_no_array_has_a_derivative(self) -> None:
        with pytest.raises(TypeError, match="sum was given no floating-point array for an"):
            check_op(ops.sum, np.array([1, 2]))
        with pytest.raises(TypeError, match="where was given no floating-point array"):
            check_op(ops.where, X > 0, 1, 2)

    def test_is_an_assertion_error_outside_of_the_domain(self) -> None:
        with pytest.raises(UndefinedValue, match=r"log: its value is not finite, as at \[1\], so"):
            check_op(ops.log, np.array([1.0, -1.0]))
        with pytest.raises(AssertionError, match="give it arrays in its domain"):
            check_op(ops.exp, np.array(1e3))

    def test_is_an_assertion_error_if_the_call_fails(self) -> None:
        with pytest.raises(UndefinedValue, match=r"reshape: as its forward does, it raises Value"):
            check_op(ops.reshape, X, shape=(7,))
        with pytest.raises(TypeError, match="has no argument axes"):
            check_op(ops.sum, X, axes=0)


class TestNumPysFunction:
    """An op that stands for a function of NumPy does as that does."""

    def check(self, function: Any, forward: Any, complaint: str, x: Any = X) -> None:
        original = OPS.get(function)
        checked = op(function, lambda g, x: g * np.sign(x), method=False)(forward)
        try:
            with pytest.raises(AssertionError, match=complaint):
                check_op(checked, x)
        finally:
            del OPS[function]
            if original is not None:
                OPS[function] = original

    def test_value(self) -> None:
        self.check(np.fabs, lambda x: abs(x) + 1e-6, "value differs from that of NumPy's function")
        self.check(np.fabs, lambda x: abs(x)[0], r"returns \(2,\) float64, and NumPy's function")
        self.check(np.fabs, lambda x: abs(x).astype(np.float32), r"float32, and NumPy's function")
        self.check(np.linalg.cond, lambda x: abs(x).sum(), "differs from that of NumPy's function")

    def test_warnings(self) -> None:
        def silent(x: Any) -> Any:
            with np.errstate(all="ignore"):
                return np.arccosh(x)

        complaint = r"warns of \[\], and NumPy's function of \['RuntimeWarning'\]"
        self.check(np.arccosh, silent, complaint, np.array([0.5]))

    def test_errors(self) -> None:
        def strict(x: Any) -> Any:
            raise ValueError("never")

        self.check(np.fabs, strict, r"its outcome is ValueError\(.*NumPy's function a value")
