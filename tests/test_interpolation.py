"""Differences, interpolation and numbers between two ends: values and two orders of derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor

from .agreement import agree, leaf

RNG = np.random.default_rng(0)
V, W, M, N, C = (RNG.normal(size=s) for s in [(4,), (4,), (3, 4), (3, 4), (2, 3, 4)])
POINTS = np.array([0.0, 0.4, 1.5, 1.9])  # ascending, at unequal distances
INSIDE = np.array([[0.1, 0.5, 1.7], [0.39, 1.4, 1.6]])


class TestDifferences:
    @pytest.mark.parametrize("x", [V, M, C, np.zeros((2, 0)), np.ones((3, 1))])
    @pytest.mark.parametrize("n", [0, 1, 2, 3])
    def test_diff(self, x: np.ndarray, n: int) -> None:
        agree(lambda x: np.diff(x, n), x)
        agree(lambda x: np.diff(x, n=n, axis=0), x)

    def test_diff_between_ends(self) -> None:
        agree(lambda x, y: np.diff(x, axis=0, prepend=y), M, N)
        agree(lambda x, y: np.diff(x, prepend=0.5, append=y), M, N[:, :2])
        agree(lambda x, y: np.diff(x, append=y), C, np.array(0.7))
        agree(lambda y: np.diff(V, prepend=y), W)

    def test_diff_of_booleans(self) -> None:
        x = np.array([True, True, False])
        np.testing.assert_array_equal(np.diff(Tensor(x)), np.diff(x))

    def test_ediff1d(self) -> None:
        agree(np.ediff1d, M)
        agree(lambda x, y: np.ediff1d(x, to_begin=y), M, V)
        agree(lambda x, y, z: np.ediff1d(x, y, z), V, M, np.array(0.5))
        agree(np.ediff1d, np.array(2.0))
        with pytest.raises(TypeError, match=r"write ary\.astype\(float64\)"):
            np.ediff1d(np.array([1, 2]), to_end=leaf([0.5]))

    @pytest.mark.parametrize("edge_order", [1, 2])
    def test_gradient(self, edge_order: int) -> None:
        def check(*arrays: np.ndarray, **keywords: Any) -> None:
            agree(lambda *xs: np.gradient(*xs, edge_order=edge_order, **keywords), *arrays)

        check(V)
        check(C[:1].repeat(3, 0) * RNG.normal(size=(3, 3, 4)))
        check(M, axis=-1)
        check(M, axis=(1, 0))
        check(M, np.array(0.3))
        check(M, np.array(0.3), np.array(2.0))
        check(V, POINTS)
        check(M, np.array(0.3), POINTS)
        check(M, POINTS[:3], POINTS)
        check(M, POINTS, axis=1)
        check(V, np.arange(4.0))
        agree(lambda x: np.gradient(x, 2, edge_order=edge_order), V)
        agree(lambda x: np.gradient(x, [0, 1, 5, 6], edge_order=edge_order), V)
        agree(lambda d: np.gradient(np.arange(4) ** 2, d, edge_order=edge_order), np.array(0.3))

        assert np.gradient(leaf(M), axis=()) == np.gradient(M, axis=()) == ()

    def test_trapezoid(self) -> None:
        agree(np.trapezoid, V)
        agree(lambda y: np.trapezoid(y, dx=0.5, axis=0), C)
        agree(np.trapezoid, V, POINTS)
        agree(np.trapezoid, C, POINTS)
        agree(lambda y, x: np.trapezoid(y, x, axis=-2), C, POINTS[:3])
        agree(lambda y, x: np.trapezoid(y, x, axis=0), C, C * 2)
        agree(lambda x: np.trapezoid([1, 2, 5, 7], x), POINTS)
        agree(np.trapezoid, np.zeros(0))

    def test_unwrap(self) -> None:
        angles = np.array([[0.1, 3.0, -3.1, -1.0], [1.0, 9.3, 2.2, -5.4]])
        agree(np.unwrap, angles)
        agree(lambda x: np.unwrap(x, axis=0, period=4), angles)
        agree(lambda x: np.unwrap(x, 3.7, period=4), angles)

    @pytest.mark.skipif(not hasattr(np, "cumulative_sum"), reason="NumPy 2.1 or newer")
    @pytest.mark.parametrize("name", ["cumulative_sum", "cumulative_prod"])
    def test_cumulative(self, name: str) -> None:
        function = getattr(np, name)
        agree(function, V)
        agree(function, np.array(2.0))
        agree(lambda x: function(x, axis=1, include_initial=True), C)
        agree(lambda x: function(x, axis=-1, include_initial=True), M)

    @pytest.mark.parametrize(
        ("error", "call"),
        [
            (ValueError, lambda x: np.diff(x, -1)),
            (ValueError, lambda x: np.diff(x[0, 0])),
            (IndexError, lambda x: np.diff(x, axis=2)),
            (ValueError, lambda x: np.gradient(x, edge_order=3)),
            (ValueError, lambda x: np.gradient(x[:1])),
            (ValueError, lambda x: np.gradient(x[:2], edge_order=2)),
            (TypeError, lambda x: np.gradient(x, 1, 2, 3)),
            (ValueError, lambda x: np.gradient(x, [1, 2], [1, 2, 3, 4])),
            (ValueError, lambda x: np.gradient(x[0], [[1, 2, 3, 4]])),
            (IndexError, lambda x: np.gradient(x, axis=2)),
            (ValueError, lambda x: np.gradient(x, axis=(0, 0))),
            (ValueError, lambda x: np.trapezoid(x, [1, 2, 3])),
            (IndexError, lambda x: np.trapezoid(x, axis=3)),
        ],
    )
    def test_errors_are_of_numpys_kind(self, error: Any, call: Any) -> None:
        for x in (M, leaf(M)):
            with pytest.raises(error):
                call(x)


class TestInterpolation:
    def test_between_points(self) -> None:
        agree(np.interp, INSIDE, POINTS, V)
        agree(np.interp, np.array(0.7), POINTS, V)
        agree(lambda x: np.interp(x, [0, 1, 2], [3, 1, 5]), INSIDE)
        agree(lambda fp: np.interp([-1, 0.5, 1.9, 3], POINTS, fp), V)
        agree(lambda xp: np.interp([-1, 0.5, 1.8, 3], xp, V), POINTS)

    def test_outside(self) -> None:
        x = np.array([-1.0, 0.2, 2.5])
        agree(np.interp, x, POINTS, V)
        agree(lambda x, xp, fp: np.interp(x, xp, fp, left=7, right=-2.5), x, POINTS, V)
        agree(lambda x, xp, fp, r: np.interp(x, xp, fp, right=r), x, POINTS, V, np.array(0.3))

    def test_periodic(self) -> None:
        x = np.array([-1.1, 0.2, 2.7, 5.1, 9.2])
        agree(lambda *a: np.interp(*a, period=3), x, POINTS + 2, V)
        agree(lambda *a: np.interp(*a, period=-2.1, left=5), x, POINTS[::-1].copy(), V)

    def test_few_points(self) -> None:
        x = leaf([-1.0, 0.5, 2.0])
        for left, right in ((None, None), (7.0, 8.0)):
            got = np.interp(x, [0.5], leaf([3.0]), left, right)
            np.testing.assert_array_equal(got.data, np.interp(x.data, [0.5], [3.0], left, right))
        agree(lambda fp: np.interp([0.0, 1.0], [0.5], fp), np.array([3.0]))
        agree(lambda x: np.interp(x, [0.5, 0.5, 1.0], [1.0, 2.0, 3.0]), np.array([0.1, 0.6]))

    def test_at_the_points_and_beyond(self) -> None:
        """The slope of the piece to the right; 0 outside and for NaN, NaN."""
        x = leaf([0.0, 1.0, 2.0, 3.0])
        np.interp(x, [0, 1, 2], [0, 1, 4]).sum().backward()
        np.testing.assert_array_equal(x.grad, [1, 3, 3, 0])
        assert np.isnan(np.interp(leaf([np.nan]), [0, 1], [0, 1]).data)

    @pytest.mark.parametrize(
        ("xp", "fp", "keywords"),
        [
            ([1, 2], [1, 2, 3], {}),
            ([], [], {}),
            ([[1, 2]], [[1, 2]], {}),
            ([1, 2], [1, 2], {"period": 0}),
            ([1, 2], [1, 2, 3], {"period": 2}),
        ],
    )
    def test_errors(self, xp: Any, fp: Any, keywords: Any) -> None:
        for x in (V, leaf(V)):
            with pytest.raises(ValueError, match=r"."):
                np.interp(x, xp, fp, **keywords)
        with pytest.raises(TypeError, match="complex"):
            np.interp(leaf(V), [0, 1], [0, 1j])


class TestBetweenTwoEnds:
    ENDS = (np.array(0.5), np.array(3.0)), (V, np.array(2.0)), (M, V), (np.array(-1.0), M)

    @pytest.mark.parametrize(("start", "stop"), ENDS)
    @pytest.mark.parametrize("num", [0, 1, 2, 5])
    def test_linspace(self, start: np.ndarray, stop: np.ndarray, num: int) -> None:
        for endpoint in (True, False):
            agree(lambda a, b: np.linspace(a, b, num, endpoint), start, stop)  # noqa: B023
            agree(lambda a, b: np.logspace(a, b, num, endpoint), start, stop)  # noqa: B023
        agree(lambda a: np.linspace(a, 1, num), start)
        agree(lambda b: np.linspace(0, b, num=num), stop)

    def test_linspace_in_other_forms(self) -> None:
        agree(lambda a, b: np.linspace(a, b, 4, axis=-1), M, V)
        agree(lambda a, b: np.linspace(a, b, 4, axis=1), M, V)
        agree(lambda a, b: np.linspace(a, b, 4, retstep=True), M, V)
        agree(lambda a: np.linspace(a, [1, 2, 3, 4], 3), V)
        got = np.linspace(leaf(0), 9.9, 5, dtype=int)
        assert not isinstance(got, Tensor)
        np.testing.assert_array_equal(got, np.linspace(0, 9.9, 5, dtype=int))
        assert np.linspace(leaf(0), 1, 5, dtype=np.float32).dtype == np.float32
        assert np.isnan(np.linspace(leaf(0), 1, 1, retstep=True)[1])

    def test_logspace_and_geomspace(self) -> None:
        positive, two = np.exp(M), np.array(2.0)
        agree(lambda a, b, base: np.logspace(a, b, 4, base=base), M, V, two)
        agree(lambda a, b, base: np.logspace(a, b, 3, base=base, axis=-1), M, V, np.exp(V))
        for endpoint in (True, False):
            agree(lambda a, b: np.geomspace(a, b, 5, endpoint), positive, two)  # noqa: B023
        agree(lambda a: np.geomspace(a, -1, 4, axis=1), -positive)
        agree(lambda a: np.geomspace(a, 4, 1), two)
        assert np.geomspace(leaf(1), 9, 3, dtype=int).tolist() == [1, 3, 9]

    @pytest.mark.parametrize(
        "call",
        [
            lambda x: np.linspace(x, 1, -1),
            lambda x: np.geomspace(x, 0, 3),
            lambda x: np.geomspace(x * 0, 1, 3),
            lambda x: np.logspace(x, 1, -1),
        ],
    )
    def test_errors(self, call: Any) -> None:
        for x in (V, leaf(V)):
            with pytest.raises(ValueError, match=r"."):
                call(x)
        with pytest.raises(TypeError):
            np.linspace(leaf(0), 1, 2.5)
