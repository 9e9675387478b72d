"""What a selection left out sends nothing back, in every order, and changes nothing elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, grad, ops

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

SINGULAR: dict[str, Callable[[Any], Any]] = {
    "sqrt": np.sqrt,
    "log": np.log,
    "1 / x": lambda x: 1 / x,
    "x ** 1.5": lambda x: x**1.5,
    "x ** 2.5": lambda x: x**2.5,
    "x log x": lambda x: x * np.log(x),
    "cbrt": np.cbrt,
    "x ** x": lambda x: x**x,
    "log |x|": lambda x: np.log(np.absolute(x)),
    "hypot": lambda x: np.hypot(x, 0.0) / x,
    "arctan2": lambda x: np.arctan2(x, 0.0 * x),
    "log of softmax": lambda x: np.log(x) + ops.softmax(np.stack([x, 1 / x]), 0)[0],
}


def derivatives(f: Callable[[Tensor], Any], at: float, order: int) -> list[float]:
    x = Tensor(at, requires_grad=True)
    found, y = [], f(x)
    for _ in range(order):
        y = grad(y, x, create_graph=True, allow_unused=True)
        if y is None:
            break
        found.append(float(y.item()))
    return found


@pytest.mark.parametrize("name", SINGULAR)
def test_a_masked_singularity_has_derivative_0_to_the_fourth_order(name: str) -> None:
    f = SINGULAR[name]
    assert derivatives(lambda x: np.where(x > 0, f(x), 0), 0.0, 4) == [0, 0, 0, 0]


@pytest.mark.parametrize("name", SINGULAR)
def test_what_was_chosen_has_the_derivatives_it_has_alone(name: str) -> None:
    f = SINGULAR[name]
    chosen = derivatives(lambda x: np.where(x > 0, f(x), 0), 1.7, 3)
    np.testing.assert_allclose(chosen, derivatives(f, 1.7, 3), rtol=1e-12)


@pytest.mark.parametrize(
    "select",
    [
        lambda y: y[1:],
        lambda y: np.take(y, [1]),
        lambda y: np.where([False, True], y, 0),
        lambda y: np.nan_to_num(y, posinf=0)[1:],
        lambda y: np.triu(np.stack([y, y]))[1, 1:],
    ],
)
@pytest.mark.parametrize("f", [np.sqrt, np.log, np.reciprocal])
def test_every_selecting_op_guards_what_is_behind_it(select: Any, f: Any) -> None:
    x = Tensor([0.0, 4.0], requires_grad=True)
    select(f(x)).sum().backward()
    assert x.grad is not None
    assert x.grad[0] == 0
    assert np.isfinite(x.grad).all()


class TestWhatIsNotBehindASelection:
    def slope(self, f: Callable[[Any], Any]) -> float:
        return derivatives(f, 0.0, 1)[0]

    def test_an_unrelated_relu_changes_nothing(self) -> None:
        assert np.isnan(self.slope(lambda x: np.exp(np.log(x))))
        assert np.isnan(self.slope(lambda x: np.exp(np.log(x)) + ops.relu(x)))
        assert np.isnan(self.slope(lambda x: np.exp(np.log(x)) + np.where(x > 1, x, 0)))

    def test_a_selection_before_it_changes_nothing(self) -> None:
        assert np.isnan(self.slope(lambda x: np.exp(np.log(ops.relu(x) + x))))

    def test_the_second_derivative_is_not_guarded_either(self) -> None:
        x = Tensor(0.0, requires_grad=True)
        (first,) = grad([np.where(x > 0, np.sqrt(x), 0) + x**1.5], [x], create_graph=True)
        assert first.item() == 0
        assert grad(first, x).item() == np.inf

    def test_infinity_where_nothing_was_left_out(self) -> None:
        assert self.slope(np.sqrt) == np.inf
        assert self.slope(lambda x: np.where(x >= 0, np.sqrt(x), 0)) == np.inf

    def test_the_hessian_of_a_guarded_square_is_right(self) -> None:
        assert derivatives(lambda x: np.where(x > 0, np.log(x) ** 2, 0), 1.0, 2) == [0, 2]


ROWS = np.array([[np.inf, 1.0, 2.0], [0.5, 1.0, 2.0]])


@pytest.mark.parametrize(
    "f",
    [
        ops.softmax,
        ops.log_softmax,
        lambda x: ops.logsumexp(x, 1),
        lambda x: ops.logsumexp(x, 1, keepdims=True),
        lambda x: np.std(x, 1),
        lambda x: np.var(x, axis=(1,)),
        lambda x: np.prod(x, 1) ** 2,
        lambda x: np.cumprod(x, 1) ** 2,
        lambda x: np.linalg.norm(x, axis=1),
        lambda x: np.linalg.norm(x, 3, axis=-1, keepdims=True),
        lambda x: ops.standardize(x)[0],
        lambda x: sum(ops.standardize(x, np.ones(3), np.ones(3))),
        ops.unit_rms,
        lambda x: ops.cross_entropy(x, np.ones(len(x), int), "none"),
        lambda x: (x / x.sum(1, keepdims=True)) ** 2,
    ],
)
def test_a_row_that_was_not_chosen_sends_nothing_back(f: Any) -> None:
    x = Tensor(ROWS, requires_grad=True)
    y = f(x)[1].sum()
    (first,) = grad([y], [x], create_graph=True)
    finite = Tensor(ROWS[1:], requires_grad=True)
    if f(finite).ndim and len(f(finite)) == 1:
        (right,) = grad([f(finite).sum()], [finite])
        np.testing.assert_allclose(first.data[1], right.data[0], atol=1e-12)
    assert (first.data[0] == 0).all()
    second = grad((first * first).sum(), x, allow_unused=True)
    assert second is None or (second.data[0] == 0).all()


@pytest.mark.parametrize("shape", [(3,), (2, 1)])
def test_a_row_that_was_not_chosen_sends_nothing_to_the_weight_of_a_norm(shape: Any) -> None:
    weight = Tensor(np.full(shape, 2.0), requires_grad=True)
    bias = Tensor(np.ones(shape), requires_grad=True)

    def slopes(x: np.ndarray) -> list[np.ndarray]:
        loss = (ops.standardize(x, weight, bias)[0][1] ** 3).sum()
        return [g.data for g in grad([loss], [weight, bias])]

    for found, right in zip(slopes(ROWS), slopes(np.stack([ROWS[1]] * 2)), strict=True):
        np.testing.assert_allclose(found, right, atol=1e-12)


W = np.array([[0.5, -1.0], [2.0, 1.0], [1.0, 3.0]])
PRODUCTS: dict[str, Callable[[Any, Any], Any]] = {
    "matmul": lambda x, w: x @ w,
    "dense": lambda x, w: ops.dense(x, w, np.zeros(2)),
    "einsum": lambda x, w: np.einsum("ij,jk->ik", x, w),
    "einsum of three": lambda x, w: np.einsum("ij,jk,k->ik", x, w, np.ones(2)),
    "vecdot": lambda x, w: np.vecdot(x[:, None], w.T),
    "tensordot": lambda x, w: np.tensordot(x, w, 1),
    "conv1d": lambda x, w: ops.conv1d(x[:, :, None], w.T[:, :, None])[:, :, 0],
    "conv_transpose1d": lambda x, w: ops.conv_transpose1d(x[:, :, None], w[:, :, None])[:, :, 0],
    "vectors": lambda x, w: np.stack([x[0] @ w, x[1] @ w]),
    "outer": lambda x, w: np.outer(x[:, 0], w[0]) + np.outer(x[:, 1], w[1]),
}


@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_sums_of_products_leave_out_what_was_not_chosen(name: str, bad: float) -> None:
    f = PRODUCTS[name]
    good = np.array([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]])
    spoiled = good.copy()
    spoiled[0] = [bad, 1.0, 2.0]
    found = []
    for values in (good, spoiled):
        w, x = Tensor(W, requires_grad=True), Tensor(values, requires_grad=True)
        found.append(grad((f(x, w)[1] ** 2).sum(), [x, w]))
    (x_right, w_right), (x_found, w_found) = found
    np.testing.assert_allclose(w_found.data, w_right.data)
    np.testing.assert_allclose(x_found.data[1], x_right.data[1])
    assert (x_found.data[0] == 0).all()


@pytest.mark.parametrize("name", ["matmul", "dense", "einsum", "conv1d"])
def test_the_second_derivative_of_products_leaves_it_out_too(name: str) -> None:
    f = PRODUCTS[name]
    found = []
    for row in ([1.0, 1.0, 1.0], [np.inf, 1.0, 1.0]):
        w = Tensor(W, requires_grad=True)
        x = Tensor(np.array([row, [4.0, 5.0, -6.0]]), requires_grad=True)
        (first,) = grad([(f(x, w)[1] ** 3).sum()], [w], create_graph=True)
        found.append(grad((first**2).sum(), w).data)
    np.testing.assert_allclose(found[1], found[0])


def test_what_a_non_finite_factor_reaches_stays_non_finite() -> None:
    w = Tensor(W, requires_grad=True)
    x = np.array([[np.inf, 1.0, 2.0], [1.0, 1.0, 1.0]])
    (x @ w)[:, 0].sum().backward()
    assert w.grad is not None
    assert w.grad[0, 0] == np.inf
    assert w.grad[1:].tolist() == [[2, 0], [3, 0]]


def test_a_value_that_also_goes_elsewhere_is_guarded_for_both() -> None:
    """The one cost that the contract states."""
    x = Tensor(0.0, requires_grad=True)
    y = np.log(x)
    assert np.isnan(grad(np.exp(y), x).item())
    y = np.log(x)
    assert grad(np.exp(y) + np.where(x > 0, y, 0), x).item() == 0
