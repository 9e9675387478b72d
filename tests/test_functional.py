"""Derivatives of functions: structures, choice of arguments, and nested derivatives."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import pytest

from tinygrad_edu import (
    Tensor,
    elementwise_grad,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    no_grad,
    ops,
    value_and_grad,
    vjp,
)

rng = np.random.default_rng(0)
X = rng.normal(size=(3,))
A = rng.normal(size=(3, 3))


def quadratic(x: Any) -> Any:
    return x @ (A @ x)


class Line(NamedTuple):
    w: Any
    b: Any


@dataclasses.dataclass(frozen=True)
class Layer:
    w: Any
    b: Any = None


class TestValueAndGrad:
    def test_value_and_gradient(self) -> None:
        value, slope = value_and_grad(quadratic)(X)
        np.testing.assert_allclose(value.data, X @ A @ X)
        np.testing.assert_allclose(slope.data, (A + A.T) @ X)

    @pytest.mark.parametrize("x", [2, 2.0, np.float32(2), np.array(2), Tensor(2), Tensor(2.0)])
    def test_every_kind_of_number(self, x: Any) -> None:
        value, slope = value_and_grad(lambda x: x**3)(x)
        assert (value, slope) == (8, 12)
        single = getattr(x, "dtype", None) == np.float32
        assert slope.dtype == value.dtype == (np.float32 if single else np.float64)

    @pytest.mark.parametrize(
        ("structure", "pick"),
        [
            ({"w": X, "b": 1.0}, lambda p: (p["w"], p["b"])),
            ([X, 1.0], tuple),
            ((X, 1.0), tuple),
            (Line(X, 1.0), lambda p: (p.w, p.b)),
            (Layer(X, 1.0), lambda p: (p.w, p.b)),
            (
                {"layers": [Layer(X), (1.0, None)], "empty": ()},
                lambda p: (p["layers"][0].w, p["layers"][1][0]),
            ),
        ],
    )
    def test_gradients_have_the_structure_of_the_argument(self, structure: Any, pick: Any) -> None:
        def loss(p: Any) -> Any:
            w, b = pick(p)
            return (w * w).sum() * b

        _, slope = value_and_grad(loss)(structure)
        assert type(slope) is type(structure)
        w, b = pick(slope)
        np.testing.assert_allclose(w.data, 2 * X)
        np.testing.assert_allclose(b.data, X @ X)

    def test_empty_structures_and_none_are_returned_as_they_are(self) -> None:
        p = {"layers": [Layer(X), (1.0, None)], "empty": ()}
        _, slope = value_and_grad(lambda p: p["layers"][0].w.sum())(p)
        assert slope["empty"] == ()
        assert slope["layers"][1][1] is slope["layers"][0].b is None

    def test_choosing_arguments(self) -> None:
        def f(x: Any, y: Any, *, z: Any = 1.0) -> Any:
            return x**2 * y * z

        assert value_and_grad(f)(3.0, 2.0)[1] == 12
        assert value_and_grad(f, 1)(3.0, 2.0)[1] == 9
        assert value_and_grad(f, -1)(3.0, 2.0)[1] == 9
        assert value_and_grad(f, (1, 0))(3.0, 2.0)[1] == (9, 12)
        assert value_and_grad(f, [0])(3.0, 2.0)[1] == (12,)
        assert value_and_grad(f, argnames="y")(3.0, 2.0)[1] == 9
        assert value_and_grad(f, argnames="z")(3.0, 2.0, z=1.0)[1] == 18
        assert value_and_grad(f, argnames=("z", "x"))(3.0, 2.0, z=1.0)[1] == (18, 12)
        assert value_and_grad(f, 0, "z")(3.0, 2.0, z=1.0)[1] == (12, 18)
        assert value_and_grad(f, 1)(3.0, y=2.0)[1] == 9
        assert value_and_grad(f)(x=3.0, y=2.0)[1] == 12

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"argnums": 2}, r"argument 2 of f\(\) was chosen .* 1 by position, and by keyword y"),
            ({"argnames": "w"}, "argument 'w'"),
        ],
    )
    def test_an_unknown_argument(self, options: Any, message: str) -> None:
        def f(x: Any, y: Any) -> Any:
            return x * y

        with pytest.raises(TypeError, match=message):
            value_and_grad(f, **options)(1.0, y=2.0)

    def test_an_argument_chosen_twice(self) -> None:
        with pytest.raises(ValueError, match="twice"):
            value_and_grad(lambda x, y: x * y, (0, -2))(1.0, 2.0)

    def test_auxiliary_data(self) -> None:
        def f(x: Any) -> Any:
            y = x * x
            return y.sum(), {"y": y, "note": "kept", "array": np.ones(2)}

        (_, aux), slope = value_and_grad(f, has_aux=True)(X)
        np.testing.assert_allclose(slope.data, 2 * X)
        np.testing.assert_allclose(aux["y"].data, X * X)
        assert aux["note"] == "kept"
        assert not aux["y"].requires_grad
        with pytest.raises(TypeError, match="must return a pair"):
            value_and_grad(lambda x: x, has_aux=True)(1.0)

    def test_more_than_one_number(self) -> None:
        with pytest.raises(RuntimeError, match=r"needs a function that returns one number.*\(3,\)"):
            value_and_grad(lambda x: x * 2)(X)

    def test_what_has_left_the_graph(self) -> None:
        with pytest.raises(TypeError, match="returned a float, which no derivative can reach"):
            value_and_grad(lambda x: float(x))(1.0)
        with pytest.raises(TypeError, match=r"write value_and_grad\(f\)\(x\)"):
            grad(quadratic, X)

    def test_the_gradient_of_an_unused_argument_is_zero(self) -> None:
        _, (_, gy) = value_and_grad(lambda x, y: (x * x).sum(), (0, 1))(X, A)
        np.testing.assert_array_equal(gy.data, np.zeros((3, 3)))
        assert value_and_grad(lambda x: Tensor(3.0))(np.float32(1))[1] == 0

    def test_arguments_and_other_leaves_are_not_changed(self) -> None:
        x, w = Tensor(X, requires_grad=True), Tensor(X, requires_grad=True)
        _, slope = value_and_grad(lambda x: (x * w).sum())(x)
        assert x.grad is None
        assert w.grad is None
        assert slope.requires_grad
        before = X.copy()
        value_and_grad(lambda x: (x * x).sum())(X)[1].data[:] = 7
        np.testing.assert_array_equal(X, before)

    def test_results_do_not_require_grad(self) -> None:
        value, slope = value_and_grad(quadratic)(X)
        assert not value.requires_grad
        assert not slope.requires_grad

    def test_inside_no_grad(self) -> None:
        w = Tensor(2.0, requires_grad=True)
        with no_grad():
            value, slope = value_and_grad(lambda x: w * x * x)(3.0)
        assert (value, slope) == (18, 12)
        assert not slope.requires_grad

    def test_float32_is_preserved(self) -> None:
        x = X.astype(np.float32)
        assert value_and_grad(lambda x: np.exp(x).sum())(x)[1].dtype == np.float32
        assert hessian(lambda x: np.exp(x).sum())(x).dtype == np.float32
        assert jvp(np.exp, x, X)[1].dtype == np.float32
        assert hvp(lambda x: np.exp(x).sum(), x, X).dtype == np.float32


class TestNested:
    def test_a_gradient_inside_a_gradient(self) -> None:
        """d/dx (x · d/dx x³) = d/dx 3x³ = 9x²."""
        f = lambda x: x * value_and_grad(lambda y: y**3)(x)[1]
        assert value_and_grad(f)(2.0)[1] == 36

    def test_the_inner_variable_is_not_the_outer_one(self) -> None:
        """d/dx [d/dy (x y) at y = x] = 1: no perturbation confusion."""
        f = lambda x: value_and_grad(lambda y: x * y)(x)[1]
        assert value_and_grad(f)(5.0) == (5, 1)

    def test_through_a_closure(self) -> None:
        f = lambda w: value_and_grad(lambda x: w**2 * x**3)(2.0)[1]
        assert value_and_grad(f)(3.0) == (108, 72)

    def test_a_value_inside(self) -> None:
        f = lambda x: value_and_grad(lambda y: y**3)(x)[0] * x
        assert value_and_grad(f)(2.0)[1] == 32

    def test_every_order(self) -> None:
        f: Any = lambda x: x**6
        for expected in (6 * 2**5, 30 * 2**4, 120 * 2**3, 360 * 2**2, 720 * 2, 720, 0):
            f = elementwise_grad(f)
            assert f(2.0) == expected

    def test_a_parameter_learns_from_a_gradient(self) -> None:
        w = Tensor(3.0, requires_grad=True)
        slope = value_and_grad(lambda x: w * x**2)(2.0)[1]
        slope.backward()
        assert w.grad == 4

    def test_hessian_of_a_function_that_uses_grad(self) -> None:
        def f(x: Any) -> Any:
            inner = Tensor(x.data, requires_grad=True) if x.node is None else x
            return (grad((inner**3).sum(), inner, create_graph=True) ** 2).sum()

        np.testing.assert_allclose(hessian(f)(X).data, np.diag(108 * X**2))
        g = lambda x: (value_and_grad(lambda x: (x**3).sum())(x)[1] ** 2).sum()
        np.testing.assert_allclose(hessian(g)(X).data, np.diag(108 * X**2))

    def test_jacobian_of_jacobian(self) -> None:
        twice = jacobian(jacobian(lambda x: x**3))(X)
        expected = np.zeros((3, 3, 3))
        expected[range(3), range(3), range(3)] = 6 * X
        np.testing.assert_allclose(twice.data, expected)

    def test_through_vjp_jvp_and_hvp(self) -> None:
        pulled = lambda x: vjp(lambda y: y**3, x)[1](np.ones(3))[0]
        pushed = lambda x: jvp(lambda y: y**3, x, np.ones(3))[1]
        product = lambda x: hvp(lambda y: (y**3).sum(), x, np.ones(3))
        np.testing.assert_allclose(jacobian(pulled)(X).data, np.diag(6 * X))
        np.testing.assert_allclose(jacobian(pushed)(X).data, np.diag(6 * X))
        np.testing.assert_allclose(jacobian(product)(X).data, np.diag([6, 6, 6]))

    def test_with_respect_to_the_direction_of_a_product(self) -> None:
        _, pull = vjp(lambda x: x**3, X)
        np.testing.assert_allclose(jacobian(lambda g: pull(g)[0])(X).data, np.diag(3 * X**2))
        push = lambda t: jvp(lambda x: x**3, X, t)[1]
        np.testing.assert_allclose(jacobian(push)(X).data, np.diag(3 * X**2))


class TestMatrices:
    def test_shapes(self) -> None:
        f = lambda x, y: (x[:, None] * y).sum(axis=0)
        by_x, by_y = jacobian(f, (0, 1))(X, A[:, :2])
        assert by_x.shape == (2, 3)
        assert by_y.shape == (2, 3, 2)
        np.testing.assert_allclose(by_x.data, A[:, :2].T)

    def test_structures(self) -> None:
        f = lambda p: {"y": p["w"] * p["b"], "z": (p["b"],)}
        j = jacobian(f)({"w": X, "b": 2.0})
        np.testing.assert_allclose(j["y"]["w"].data, 2 * np.eye(3))
        np.testing.assert_allclose(j["y"]["b"].data, X)
        np.testing.assert_array_equal(j["z"][0]["w"].data, np.zeros(3))
        assert j["z"][0]["b"] == 1

    def test_empty_and_constant(self) -> None:
        assert jacobian(lambda x: x * 2)(np.zeros((0, 2))).shape == (0, 2, 0, 2)
        assert jacobian(lambda x: x[:0])(X).shape == (0, 3)
        np.testing.assert_array_equal(jacobian(lambda x: Tensor(A))(X).data, np.zeros((3, 3, 3)))

    def test_rows_of_a_jacobian_do_not_affect_each_other(self) -> None:
        with np.errstate(divide="ignore"):
            j = jacobian(np.sqrt)(np.array([0.0, 4.0])).data
        np.testing.assert_array_equal(j, [[np.inf, 0], [0, 0.25]])

    def test_hessian(self) -> None:
        np.testing.assert_allclose(hessian(quadratic)(X).data, A + A.T)
        blocks = hessian(lambda x, y: x @ (A @ y), (0, 1))(X, X)
        np.testing.assert_allclose(blocks[0][1].data, A)
        np.testing.assert_allclose(blocks[1][0].data, A.T)
        np.testing.assert_array_equal(blocks[0][0].data, np.zeros((3, 3)))
        assert hessian(lambda x: np.log(x) ** 2)(1.0) == 2

    def test_hessian_of_a_network_is_symmetric(self) -> None:
        p = {"w": rng.normal(size=(3, 2)), "b": rng.normal(size=2)}
        f = lambda p: (np.tanh(A @ p["w"] + p["b"]) ** 2).sum()
        h = hessian(f)(p)
        np.testing.assert_allclose(h["w"]["b"].data.transpose(2, 0, 1), h["b"]["w"].data)
        np.testing.assert_allclose(h["w"]["w"].data, h["w"]["w"].data.transpose(2, 3, 0, 1))

    def test_auxiliary_data_and_names(self) -> None:
        f = lambda x, k: ((x**k).sum(), "aux")
        h, aux = hessian(f, argnames="x", has_aux=True)(X, 3)
        np.testing.assert_allclose(h.data, np.diag(6 * X))
        j, other = jacobian(f, has_aux=True)(X, 3)
        np.testing.assert_allclose(j.data, 3 * X**2)
        slope, third = elementwise_grad(f, has_aux=True)(X, 3)
        np.testing.assert_allclose(slope.data, 3 * X**2)
        assert aux == other == third == "aux"


class TestProducts:
    def f(self, p: Any, x: Any) -> Any:
        return np.tanh(x @ p["w"]), (p["w"] ** 2).sum() * x

    def arguments(self) -> Any:
        return {"w": rng.normal(size=(3, 2))}, rng.normal(size=(2, 3))

    def test_forward_and_reverse_agree(self) -> None:
        """⟨g, J t⟩ = ⟨Jᵀ g, t⟩, over structures of arguments and results."""
        primals, tangents = self.arguments(), self.arguments()
        y, pushed = jvp(self.f, primals, tangents)
        again, pull = vjp(self.f, *primals)
        g = tuple(rng.normal(size=each.shape) for each in y)
        p, x = pull(g)
        left = sum((a * b.data).sum() for a, b in zip(g, pushed, strict=True))
        right = (p["w"].data * tangents[0]["w"]).sum() + (x.data * tangents[1]).sum()
        np.testing.assert_allclose(left, right)
        np.testing.assert_array_equal(y[0].data, again[0].data)
        np.testing.assert_array_equal(pull(g)[1].data, x.data)

    def test_jvp_is_the_directional_derivative(self) -> None:
        t, h = rng.normal(size=3), 1e-6
        f = lambda x: ops.softmax(x * x)
        _, slope = jvp(f, X, t)
        np.testing.assert_allclose(slope.data, (f(X + h * t) - f(X - h * t)) / (2 * h), rtol=1e-6)

    def test_jvp_may_be_infinite(self) -> None:
        _, slope = jvp(lambda x: np.sqrt(x)[:], np.array([0.0, 4.0]), np.ones(2))
        np.testing.assert_array_equal(slope.data, [np.inf, 0.25])

    def test_jvp_of_a_constant_output(self) -> None:
        _, slope = jvp(lambda x: (Tensor(A), x), X, X)
        np.testing.assert_array_equal(slope[0].data, np.zeros((3, 3)))
        np.testing.assert_array_equal(slope[1].data, X)

    def test_hvp_is_the_hessian_times_a_direction(self) -> None:
        v = rng.normal(size=3)
        f = lambda x: np.exp(quadratic(x))
        np.testing.assert_allclose(hvp(f, X, v).data, hessian(f)(X).data @ v)
        g = lambda x, y: quadratic(x) * y
        hx, hy = hvp(g, (X, 2.0), (v, 3.0))
        h = hessian(g, (0, 1))(X, 2.0)
        np.testing.assert_allclose(hx.data, h[0][0].data @ v + h[0][1].data * 3)
        np.testing.assert_allclose(hy.data, h[1][0].data @ v)
        assert hvp(lambda p: p["a"] ** 2, {"a": 1.0}, {"a": 3.0}) == {"a": 6}

    def test_lists_as_directions(self) -> None:
        np.testing.assert_allclose(vjp(lambda x: x * X, X)[1]([1, 2, 3])[0].data, [1, 2, 3] * X)

    def test_auxiliary_data(self) -> None:
        f = lambda x: (x * x, "aux")
        assert vjp(f, 2.0, has_aux=True)[2] == "aux"
        assert jvp(f, 2.0, 1.0, has_aux=True) == (4, 4, "aux")

    def test_directions_of_the_wrong_shape_or_structure(self) -> None:
        with pytest.raises(ValueError, match=r"a tangent of shape \(2,\) for a primal of \(3,\)"):
            jvp(lambda x: x, X, np.ones(2))
        with pytest.raises(ValueError, match="structure of a dict of 'w', not a ndarray"):
            jvp(lambda p: p["w"], {"w": X}, X)
        with pytest.raises(ValueError, match="upstream gradient has shape"):
            vjp(lambda x: x, X)[1](np.ones(2))


def test_elementwise_grad_sums_over_broadcast_axes() -> None:
    np.testing.assert_allclose(elementwise_grad(lambda x, y: x * y)(X, A).data, A.sum(axis=0))
    slope = elementwise_grad(np.tanh)
    assert slope.__name__ == "tanh"
    np.testing.assert_allclose(slope(X).data, 1 - np.tanh(X) ** 2)
