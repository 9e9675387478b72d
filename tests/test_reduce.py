"""Reductions and statistics: products with zeros, and functions composed of other ops."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, grad, ops


def leaf(data: Any, dtype: Any = np.float64) -> Tensor:
    return Tensor(np.asarray(data, dtype), requires_grad=True)


def hessian(function: Any, data: Any) -> np.ndarray:
    x = leaf(data)
    slopes = grad(function(x), x, create_graph=True)
    rows = [grad(s, x, retain_graph=True, allow_unused=True) for s in slopes.reshape(-1)]
    return np.array([np.zeros(x.size) if r is None else r.data.ravel() for r in rows])


class TestProducts:
    """Right at zeros: the derivative is the product of the other elements, never a quotient."""

    @pytest.mark.parametrize(
        "data", [[2.0, 3.0, 4.0], [2.0, 0.0, 4.0], [0.0, 3.0, 0.0], [0.0, 0.0, 0.0], [0.0], [-2.0]]
    )
    def test_first_and_second_order(self, data: list[float]) -> None:
        n = len(data)
        without = [np.prod([v for j, v in enumerate(data) if j != i]) for i in range(n)]
        pairs = [
            [
                np.prod([v for k, v in enumerate(data) if k not in (i, j)]) * (i != j)
                for j in range(n)
            ]
            for i in range(n)
        ]
        for product in (np.prod, lambda x: np.cumprod(x)[-1], lambda x: x.prod(axis=(0,))):
            x = leaf(data)
            np.testing.assert_allclose(grad(product(x), x).data, without, atol=1e-14)
            np.testing.assert_allclose(hessian(product, data), pairs, atol=1e-14)

    def test_third_order_at_zero(self) -> None:
        x = leaf([0.0, 0.0, 0.0, 5.0])
        y = x.prod()
        for i in (0, 1, 2):
            y = grad(y, x, create_graph=True)[i]
        assert y == 5

    @pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (2, 1), (0, 1, 2)])
    @pytest.mark.parametrize("keepdims", [False, True])
    def test_axes_with_zeros(self, axis: Any, keepdims: bool) -> None:
        rng = np.random.default_rng(0)
        data = rng.normal(size=(2, 3, 4)) * (rng.random((2, 3, 4)) < 0.8)
        check(lambda x: np.prod(x, axis=axis, keepdims=keepdims), data)

    def test_a_long_cumulative_product_that_underflows(self) -> None:
        x = leaf(np.full(1000, 1e-3))
        np.cumprod(x).sum().backward()
        assert np.isfinite(x.grad).all()
        assert x.grad[0] == pytest.approx(1.001001, rel=1e-5)

    def test_float32_is_preserved(self) -> None:
        for data in ([1.0, 2.0], [0.0, 2.0]):
            x = leaf(data, np.float32)
            slope = grad((x.prod() + x.cumprod().sum()) * 1.0, x, create_graph=True)
            assert slope.dtype == np.float32
            grad(slope.sum(), x)


class TestExtremaTies:
    def test_aliases(self) -> None:
        x = leaf([1.0, 3.0, 3.0])
        (np.amax(x) + np.amin(x)).backward()
        np.testing.assert_array_equal(x.grad, [1.0, 0.5, 0.5])

    def test_peak_to_peak(self) -> None:
        x = leaf([1.0, 3.0, 3.0])
        np.ptp(x).backward()
        np.testing.assert_array_equal(x.grad, [-1.0, 0.5, 0.5])


def check(function: Any, *data: Any) -> None:
    """Value against NumPy's, first and second derivative against central differences."""
    rng = np.random.default_rng(1)
    data = tuple(np.asarray(d, float) for d in data)
    xs = [leaf(d) for d in data]
    y = function(*xs)
    np.testing.assert_allclose(y.data, function(*data), rtol=1e-12, atol=1e-14, strict=True)
    w = rng.normal(size=y.shape)
    us, vs = ([rng.normal(size=d.shape) for d in data] for _ in "uv")

    def first(points: Any) -> float:
        ts = [leaf(p) for p in points]
        return sum((g.data * u).sum() for g, u in zip(grad(function(*ts), ts, w), us, strict=True))

    def moved(step: float) -> list[np.ndarray]:
        return [d + step * v for d, v in zip(data, vs, strict=True)]

    def slope(f: Any) -> float:
        return (f(moved(1e-6)) - f(moved(-1e-6))) / 2e-6

    def value(points: Any) -> float:
        return np.sum(w * np.asarray(function(*points)))

    gradients = grad(y, xs, w, create_graph=True)
    inner = sum((g.data * v).sum() for g, v in zip(gradients, vs, strict=True))
    assert inner == pytest.approx(slope(value), rel=1e-6, abs=1e-6)
    total = sum((g * u).sum() for g, u in zip(gradients, us, strict=True))
    if isinstance(total, Tensor) and total.requires_grad:
        seconds = grad(total, xs, allow_unused=True)
        inner = sum((g.data * v).sum() for g, v in zip(seconds, vs, strict=True) if g is not None)
        assert inner == pytest.approx(slope(first), rel=1e-5, abs=1e-5)


DATA = np.random.default_rng(3).normal(size=(3, 4, 5))
AXES = [None, 0, -2, (0, 2), (2, 0), (0, 1, 2)]


class TestComposed:
    """Functions composed of ops have NumPy's values, and derivatives."""

    @pytest.mark.parametrize("axis", AXES)
    @pytest.mark.parametrize("keepdims", [False, True])
    @pytest.mark.parametrize("function", [np.ptp, np.median, np.nansum, np.nanmean, np.average])
    def test_along_axes(self, function: Any, axis: Any, keepdims: bool) -> None:
        check(lambda x: function(x, axis=axis, keepdims=keepdims), DATA)

    @pytest.mark.parametrize("axis", AXES)
    @pytest.mark.parametrize("keepdims", [False, True])
    @pytest.mark.parametrize("q", [0.0, 0.3, 1, [0.1, 0.5], np.array([[0.2, 0.9, 1.0]])])
    def test_quantiles(self, q: Any, axis: Any, keepdims: bool) -> None:
        check(lambda x: np.quantile(x, q, axis=axis, keepdims=keepdims), DATA)
        percent = q * 100 if isinstance(q, (int, float)) else np.array(q) * 100
        check(lambda x: np.percentile(x, percent, axis, keepdims=keepdims), DATA)

    def test_weights(self) -> None:
        w = np.random.default_rng(4).uniform(0.5, 2, size=DATA.shape)
        check(lambda x, w: np.average(x, weights=w), DATA, w)
        check(lambda x, w: np.average(x, axis=(0, 2), weights=w, keepdims=True), DATA, w)
        check(lambda x, w: np.average(x, 1, w), DATA, w[0, :, 0])
        check(lambda w: np.average(DATA, -1, w), w[0, 0])
        if np.lib.NumpyVersion(np.__version__) >= "2.1.0":
            check(lambda x, w: np.average(x, (2, 0), w), DATA, w[:, 0].T)

    @pytest.mark.parametrize(
        ("error", "call"),
        [
            (TypeError, lambda x: np.average(x, weights=np.ones(3))),
            (ValueError, lambda x: np.average(x, 0, np.ones(7))),
            (ZeroDivisionError, lambda x: np.average(x, 0, np.zeros(3))),
            (ValueError, lambda x: np.quantile(x, 1.5)),
            (IndexError, lambda x: np.median(x, axis=5)),
            (IndexError, lambda x: np.quantile(x, 0.5, axis=3)),
        ],
    )
    def test_errors_have_numpys_types(self, error: Any, call: Any) -> None:
        for x in (DATA, leaf(DATA)):
            with pytest.raises(error):
                call(x)

    def test_nan(self) -> None:
        data = DATA[0].copy()
        data[1, 2] = data[3, 0] = np.nan
        x = leaf(data)
        for function in (np.nansum, np.nanmean):
            for axis in (None, 0, 1):
                y = function(x, axis=axis)
                np.testing.assert_allclose(y.data, function(data, axis=axis), strict=True)
                g = grad(y.sum(), x).data
                assert (g[np.isnan(data)] == 0).all()
                assert (g[~np.isnan(data)] > 0).all()
        for function in (np.median, lambda a, axis: np.quantile(a, 0.3, axis)):
            for axis in (None, 0, 1):
                np.testing.assert_allclose(function(x, axis).data, function(data, axis))

    @pytest.mark.parametrize("call", [np.median, np.nanmean, np.ptp, np.nansum])
    def test_empty(self, call: Any) -> None:
        def outcome(x: Any) -> Any:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                try:
                    y = call(x)
                except ValueError:
                    return "error"
            value = y.data if isinstance(y, Tensor) else y
            return np.asarray(value).item(), {c.category for c in caught}

        np.testing.assert_equal(outcome(leaf(np.empty(0))), outcome(np.empty(0)))

    def test_scalars(self) -> None:
        for call in (np.median, np.ptp, np.nansum, np.nanmean, np.average, np.prod):
            check(call, 2.5)
        check(lambda x: np.quantile(x, 0.3), 2.5)

    def test_trace(self) -> None:
        check(np.trace, DATA)
        check(lambda x: np.trace(x, 1, -1, 0), DATA)
        check(lambda x: x.trace(offset=-1), DATA[0])

    def test_float32_is_preserved(self) -> None:
        x = leaf(DATA[0], np.float32)
        for call in (np.median, np.ptp, np.nansum, np.nanmean, np.average, np.trace):
            assert call(x).dtype == np.float32
        assert np.quantile(x, 0.3).dtype == np.quantile(x.data, 0.3).dtype == np.float32
        assert np.quantile(x, [0.3]).dtype == np.quantile(x.data, [0.3]).dtype

    def test_methods(self) -> None:
        x = leaf(DATA[0])
        for name in ["prod", "cumsum", "cumprod", "median", "nansum", "nanmean", "trace"]:
            assert getattr(x, name)().requires_grad
        assert x.quantile(0.5, axis=0).shape == (5,)
        assert x.cumsum(axis=0).shape == x.shape

    def test_integer_and_boolean_results_are_plain_arrays(self) -> None:
        x = leaf(DATA[0])
        for call in (np.argmax, np.argmin, np.count_nonzero, np.any, np.all):
            for axis in (None, 0):
                result = call(x, axis=axis)
                assert not isinstance(result, Tensor)
                np.testing.assert_array_equal(result, call(x.data, axis=axis))


@pytest.mark.parametrize("function", [ops.max, ops.min])
def test_shared_gradients_of_ties_keep_the_dtype(function: Any) -> None:
    a = np.array([[1, 1, 1], [0, 1, 2]], np.float32)
    op, g = function.op, np.ones(2, np.float32)
    vjp = op.vjps[0]
    values = [a, 1, False]
    part = vjp.function(g, *vjp.collect(op.offered(values, op.forward(*values))))
    assert part.dtype == np.float32
    np.testing.assert_allclose(part[0], 1 / 3, rtol=1e-6)
