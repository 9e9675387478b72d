"""The promises of docs/gradient-contract.md, a class of tests for each."""

from __future__ import annotations

import gc
import threading
import warnings
from typing import Any

import numpy as np
import pytest

import nn
import nn.functional as F
from tinygrad_edu import Tensor, enable_grad, grad, no_grad, ops


def leaf(data: Any, dtype: Any = np.float64) -> Tensor:
    return Tensor(np.asarray(data, dtype), requires_grad=True)


def gradient(function: Any, data: Any) -> np.ndarray:
    x = leaf(data)
    return grad(function(x).sum(), x).data


def second(function: Any, data: Any) -> np.ndarray:
    x = leaf(data)
    first = grad(function(x).sum(), x, create_graph=True)
    return grad(first.sum(), x, allow_unused=True).data


class TestShapeAndDtype:
    """A gradient always has its tensor's shape and dtype."""

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_through_every_kind_of_argument(self, dtype: Any) -> None:
        x, b = leaf(np.ones((2, 3)), dtype), leaf(np.ones(3), dtype)
        y = (x * 2.0 + b) ** 2 / 3 - 2**b
        assert y.dtype == dtype
        y.sum().backward()
        assert (x.grad.shape, x.grad.dtype) == ((2, 3), dtype)
        assert (b.grad.shape, b.grad.dtype) == ((3,), dtype)

    def test_mixed_types(self) -> None:
        x, y = leaf(np.ones(3), np.float32), leaf(np.ones(3), np.float64)
        product = x * y
        assert product.dtype == np.float64
        product.sum().backward()
        assert x.grad.dtype == np.float32
        assert y.grad.dtype == np.float64

    @pytest.mark.parametrize("data", [3, [1, 2], np.arange(3), True])
    def test_integers_become_floating(self, data: Any) -> None:
        x = Tensor(data, requires_grad=True)
        assert x.dtype == np.float64
        (x * x).sum().backward()
        np.testing.assert_array_equal(x.grad, 2 * np.asarray(data, float))

    def test_python_numbers_are_float64_and_arrays_keep_their_type(self) -> None:
        assert Tensor(1.0).dtype == np.float64
        assert Tensor(np.ones(2, np.float32)).dtype == np.float32
        assert Tensor([1, 2]).dtype == np.int64


class TestAccumulation:
    """Only leaves accumulate gradients; no two gradients share memory, and none is read-only."""

    def test_leaves_accumulate(self) -> None:
        x = leaf(3.0)
        for times in (1, 2, 3):
            (x * x).backward()
            assert x.grad == 6.0 * times

    def test_intermediate_gradients_do_not_carry_over_to_the_next_backward(self) -> None:
        x = leaf(3.0)
        inner = x * 2
        y = inner * inner
        y.backward(retain_graph=True)
        y.backward()
        assert x.grad == 2 * 24.0

    def test_a_square_has_two_edges_and_two_contributions(self) -> None:
        x = leaf(3.0)
        y = x * x
        assert [edge.source for edge in y.node.edges] == [x.node, x.node]
        y.backward()
        assert x.grad == 6.0

    def test_many_paths(self) -> None:
        x = leaf(2.0)
        y = x
        for _ in range(40):
            y = y + y  # 2**40 paths
        y.backward()
        assert x.grad == 2.0**40

    def test_gradients_of_the_terms_of_a_sum_share_no_memory(self) -> None:
        a, b, g = leaf(np.ones(3)), leaf(np.ones(3)), np.ones(3)
        (a + b).backward(g)
        a.grad += 1
        np.testing.assert_array_equal(b.grad, np.ones(3))
        np.testing.assert_array_equal(g, np.ones(3))

    def test_the_gradient_of_a_broadcast_is_writable(self) -> None:
        x = leaf(np.ones((2, 3)))
        x.sum().backward()
        x.grad *= 2
        np.testing.assert_array_equal(x.grad, np.full((2, 3), 2.0))

    def test_accumulation_does_not_change_a_retained_intermediate_gradient(self) -> None:
        x = leaf(np.ones(3))
        inner = x * 1.0
        inner.retain_grad()
        (inner + inner).sum().backward()
        x.grad += 5
        np.testing.assert_array_equal(inner.grad, np.full(3, 2.0))

    def test_a_second_backward_is_an_error(self) -> None:
        y = leaf(2.0) ** 2
        y.backward()
        with pytest.raises(RuntimeError, match="retain_graph=True"):
            y.backward()

    def test_a_second_backward_is_an_error_even_if_no_values_were_stored(self) -> None:
        y = leaf(2.0) + 1
        y.backward()
        with pytest.raises(RuntimeError, match="already swept"):
            y.backward()

    def test_a_failed_second_backward_changes_no_gradient(self) -> None:
        x = leaf(2.0)
        inner = x**2
        inner.backward()
        with pytest.raises(RuntimeError, match="already swept"):
            (inner * x).backward()
        assert x.grad == 4.0


class TestBroadcasting:
    """Broadcasting is summed back, repeated indices are summed, and inputs are never changed."""

    def test_summed_back(self) -> None:
        x, column, row, scalar = (
            leaf(np.ones((2, 3))),
            leaf(np.ones((2, 1))),
            leaf(np.ones(3)),
            leaf(1.0),
        )
        (x + column + row + scalar).sum().backward()
        np.testing.assert_array_equal(column.grad, [[3.0], [3.0]])
        np.testing.assert_array_equal(row.grad, [2.0, 2.0, 2.0])
        assert scalar.grad == 6.0

    def test_repeated_indices_add(self) -> None:
        x = leaf([1.0, 2.0, 3.0])
        x[[0, 0, 2, 0]].sum().backward()
        np.testing.assert_array_equal(x.grad, [3.0, 0.0, 1.0])

    def test_ops_do_not_change_their_inputs(self) -> None:
        x = leaf(np.arange(6.0).reshape(2, 3))
        before = x.data.copy()
        ops.dense(x, np.ones((3, 2)), np.ones(2)).sum().backward()
        ops.softmax(x).sum().backward()
        np.testing.assert_array_equal(x.data, before)


class TestKinks:
    """At a kink the derivative follows the documented convention."""

    @pytest.mark.parametrize(
        ("function", "data", "expected"),
        [
            (lambda x: np.maximum(x, 0), [0.0], [0.5]),
            (lambda x: np.minimum(x, 0), [0.0], [0.5]),
            (lambda x: np.maximum(0, x), [0.0], [0.5]),
            (lambda x: x.relu(), [0.0, -0.0], [0.0, 0.0]),
            (lambda x: abs(x), [0.0], [0.0]),
            (lambda x: x.max(), [2.0, 2.0, 1.0], [0.5, 0.5, 0.0]),
            (lambda x: x.min(), [1.0, 2.0, 1.0], [0.5, 0.0, 0.5]),
            (lambda x: x.clip(0, 1), [-1.0, 0.0, 0.5, 1.0, 2.0], [0.0, 1.0, 1.0, 1.0, 0.0]),
            (lambda x: x.std(), [3.0, 3.0], [0.0, 0.0]),
            (lambda x: x.var(), [3.0, 3.0], [0.0, 0.0]),
            (lambda x: x**2, [0.0], [0.0]),
            (lambda x: x**1, [0.0], [1.0]),
            (lambda x: x**0, [0.0, np.inf, -np.inf, np.nan], [0.0] * 4),
            (lambda y: 0**y, [0.0, 2.0], [0.0, 0.0]),
            (lambda x: x.std(), [0.1, 0.1, 0.1], [0.0, 0.0, 0.0]),
            (F.hardtanh, [-1.0, 1.0], [1.0, 1.0]),
            (ops.logsumexp, [-np.inf, -np.inf], [0.0, 0.0]),
            (lambda x: np.fmax(x, 1.0), [1.0], [0.5]),
            (lambda x: np.hypot(x, x), [0.0], [0.0]),
            (lambda x: np.arctan2(x, x), [0.0], [0.0]),
            (lambda x: np.linalg.norm(x, -2), [[3.0, 4.0], [6.0, 8.0]], [[0.0, 0.0], [0.0, 0.0]]),
            (lambda x: x ** np.array([0, 1, 2, 3]), [0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]),
        ],
    )
    def test_at_the_kink(self, function: Any, data: Any, expected: Any) -> None:
        np.testing.assert_array_equal(gradient(function, data), expected)

    @pytest.mark.parametrize("power", [0, 1, 2, 3, 4, np.array(2), np.array(3.0)])
    def test_integer_powers_at_zero_in_every_order(self, power: Any) -> None:
        x = leaf(0.0)
        y = x**power
        for order in range(1, 5):
            y = grad(y, x, create_graph=True, allow_unused=True)
            assert y == (np.prod(np.arange(1, power + 1)) if order == power else 0)

    def test_zero_to_a_learned_power(self) -> None:
        base, exponent = leaf(0.0), leaf(2.0)
        (base**exponent).backward()
        assert (base.grad, exponent.grad) == (0.0, 0.0)


class TestSelection:
    """Elements that are not selected get gradient 0."""

    @pytest.mark.parametrize(
        ("function", "data"),
        [
            (lambda x: np.where(x > 0, np.sqrt(x), 0), [0.0]),
            (lambda x: np.where(x > 0, np.log(x), 0), [0.0]),
            (lambda x: np.where(x > 0, x * np.log(x), 0), [0.0]),
            (lambda x: np.where(x > 0, 1 / x, 0), [0.0]),
            (lambda x: np.where(x > 0, x**0.5, 0), [0.0]),
            (lambda x: np.where(x < 1, np.exp(x), 0), [1e4]),
            (lambda x: np.where(x > 0, np.sqrt(np.log(x)), 0), [0.0]),
            (lambda x: np.sqrt(x)[1:], [0.0, 4.0]),
            (lambda x: np.maximum(np.sqrt(x), 1e-3), [0.0]),
            (lambda x: np.sqrt(x).clip(1e-3, 1.0), [0.0]),
            (lambda x: np.where(x == x, F.gelu(x), 0), [np.nan]),
        ],
    )
    def test_first_and_second_order(self, function: Any, data: Any) -> None:
        with np.errstate(all="ignore"):
            assert gradient(function, data)[0] == 0
            assert np.isfinite(gradient(function, data)).all()
            assert second(function, data)[0] == 0

    def test_derivatives_of_selected_elements_are_not_changed(self) -> None:
        def safe_root(x: Any) -> Any:
            return np.where(x > 0, np.sqrt(x), 0)

        with np.errstate(all="ignore"):
            np.testing.assert_allclose(gradient(safe_root, [0.0, 4.0]), [0.0, 0.25])
            np.testing.assert_allclose(second(safe_root, [0.0, 4.0]), [0.0, -1 / 32])

    def test_second_derivatives_stay_right(self) -> None:
        assert second(lambda x: np.log(x) ** 2, 1.0) == 2
        assert second(lambda x: (np.log(x) ** 2).relu() + np.log(x) ** 2, 1.0) == 2

    def test_without_a_selection_an_infinite_derivative_stays_infinite(self) -> None:
        assert gradient(np.sqrt, 0.0) == np.inf


class TestExtremes:
    """Stable at ±1e4, value and gradient, in float32 and float64."""

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize(
        "function",
        [
            ops.softmax,
            ops.log_softmax,
            ops.logsumexp,
            ops.sigmoid,
            lambda x: ops.cross_entropy(x, np.array([0, 1])),
            lambda x: ops.binary_cross_entropy_with_logits(x, np.array([0.0, 1.0, 0.5], x.dtype)),
        ],
    )
    def test_stable(self, function: Any, dtype: Any) -> None:
        x = leaf([[1e4, -1e4, 0.0], [-1e4, -1e4, 1e4]], dtype)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            y = function(x)
        assert np.isfinite(y.data).all()
        y.sum().backward()
        assert np.isfinite(x.grad).all()

    def test_rows_do_not_affect_each_other(self) -> None:
        rows = ops.softmax(leaf([[1e4, 0.0], [0.0, -1e4], [1.0, 1.0]]))
        np.testing.assert_array_equal(rows.data, [[1, 0], [1, 0], [0.5, 0.5]])

    def test_sigmoid_keeps_its_precision(self) -> None:
        np.testing.assert_allclose(ops.sigmoid(leaf(-40.0)).data, np.exp(-40.0), rtol=1e-14)

    def test_a_confidently_wrong_prediction_still_gets_a_gradient(self) -> None:
        x = leaf([-800.0])
        ops.binary_cross_entropy_with_logits(x, np.array([1.0])).sum().backward()
        assert x.grad == -1


class TestHigherOrders:
    """Higher derivatives are right (the second derivative of every op is tested in test_ops)."""

    def test_fifth_derivative_of_a_power(self) -> None:
        x = leaf(2.0)
        y = x**5
        for _ in range(5):
            y = grad(y, x, create_graph=True)
        assert y == 120

    def test_gradient_penalty(self) -> None:
        rng = np.random.default_rng(0)
        x, w = leaf(rng.normal(size=(4, 3))), leaf(rng.normal(size=(3, 2)))

        def penalty() -> Tensor:
            y = np.tanh(x @ w).sum()
            return (grad(y, x, create_graph=True) ** 2).sum()

        penalty().backward()
        step = 1e-6
        w.data[0, 1] += step
        ahead = float(penalty())
        w.data[0, 1] -= 2 * step
        behind = float(penalty())
        np.testing.assert_allclose(w.grad[0, 1], (ahead - behind) / (2 * step), rtol=1e-6)

    def test_create_graph_records_inside_no_grad(self) -> None:
        x = leaf(3.0)
        y = x**3
        with no_grad():
            slope = grad(y, x, create_graph=True)
        assert grad(slope, x) == 18


class TestDepth:
    """Depth is unlimited, and dropped graphs are freed at once."""

    def test_a_chain_of_a_million_ops(self) -> None:
        x = leaf(1.0)
        y = x
        for _ in range(1_000_000):
            y = y + 1e-9
        y.backward()
        assert x.grad == 1
        del y

    def test_a_dropped_graph_is_freed_without_the_garbage_collector(self) -> None:
        model = nn.Sequential(nn.Dense(3, 4), nn.ReLU(), nn.Dense(4, 2))
        data, targets = np.ones((5, 3), np.float32), np.zeros(5, int)

        def step(backward: bool) -> None:
            loss = nn.cross_entropy(model(data), targets)
            if backward:
                loss.backward()

        step(True)
        gc.collect()
        gc.disable()
        try:
            before = len(gc.get_objects())
            for i in range(1000):
                step(backward=i % 2 == 0)
            assert len(gc.get_objects()) <= before
        finally:
            gc.enable()
        assert gc.collect() == 0

    def test_the_sweep_frees_stored_values(self) -> None:
        y = np.exp(leaf(np.ones(3)))
        loss = (y * y).sum()
        loss.backward()
        assert all(edge.kept is None for edge in loss.node.edges)

    def test_only_values_that_a_vjp_names_are_stored(self) -> None:
        x, constant = leaf(np.ones(3)), np.ones(3)
        assert (x + constant).node.edges[0].kept == ()
        by_x, by_constant = (x * constant).node.edges
        assert by_x.kept[0] is constant
        assert by_constant.kept is None


class TestErrors:
    """An error says what went wrong, where, and what to do (see also test_errors)."""

    def test_a_layer_names_its_path(self) -> None:
        model = nn.Sequential(nn.Dense(3, 4), nn.ReLU(), nn.Dense(5, 2))
        with pytest.raises(ValueError, match=r"test_promises\.py:\d+, in layer 2") as caught:
            model(np.ones((7, 3)))
        assert "(7, 4), (5, 2)" in str(caught.value)

    def test_a_loss_that_would_broadcast(self) -> None:
        with pytest.raises(ValueError, match="must be equal"):
            nn.mse_loss(Tensor(np.ones((4, 1))), np.ones(4))


class TestThreads:
    """no_grad and the default dtype are per thread, and restored after an exception."""

    def test_no_grad_ends_with_an_exception(self) -> None:
        with pytest.raises(KeyError), no_grad():
            raise KeyError
        assert (leaf(1.0) * 2).requires_grad

    def test_no_grad_in_one_thread_only(self) -> None:
        inside, done, seen = threading.Event(), threading.Event(), []

        def other() -> None:
            inside.wait()
            seen.append((leaf(1.0) * 2).requires_grad)
            seen.append(nn.Dense(1, 1).weight.dtype)
            done.set()

        thread = threading.Thread(target=other)
        thread.start()
        try:
            nn.set_default_dtype(np.float64)
            with no_grad():
                inside.set()
                done.wait()
        finally:
            nn.set_default_dtype(np.float32)
        thread.join()
        assert seen == [True, np.float32]

    def test_as_decorator_and_nested(self) -> None:
        @no_grad()
        def f(x: Tensor) -> Tensor:
            with enable_grad():
                assert (x * 2).requires_grad
            return x * 2

        assert not f(leaf(1.0)).requires_grad
        assert (leaf(1.0) * 2).requires_grad


class TestChangedValues:
    """Parameters changed between forward and backward are detected."""

    def test_a_change_between_forward_and_backward_is_an_error(self) -> None:
        w = leaf(2.0)
        square, cube = w * w, w * w * w
        square.backward()
        with no_grad():
            w -= 0.1 * w.grad
        with pytest.raises(RuntimeError, match="changed in place after multiply"):
            cube.backward()
        w.zero_grad()
        (w * w * w).backward()
        np.testing.assert_allclose(w.grad, 3 * w.data**2)
