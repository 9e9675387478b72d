"""The rest of NumPy's functions: the values are NumPy's, and two orders of derivatives hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, grad, ops

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


class TestSelections:
    def test_select(self) -> None:
        agree(lambda x, y: np.select([x > 1, y < 0], [x * y, y]), M, N)
        agree(lambda x, y, z: np.select([x > y], [x], z * y), M, V, np.array(0.4))
        agree(lambda x: np.select([x > 1, x > 0, x > -1], [x * x, 2, -x], 0.5), C)
        agree(lambda x: np.select([True, False], [x, 1.0]), V)
        assert np.select([M > 0], [leaf(M, np.float32)], 1).dtype == np.float32

    def test_what_is_not_selected_has_no_nan(self) -> None:
        x = leaf([0.0, 4.0])
        np.select([x > 0], [np.sqrt(x)]).sum().backward()
        np.testing.assert_array_equal(x.grad, [0, 0.25])

    def test_piecewise(self) -> None:
        def sine(x: Any, scale: float = 1.0) -> Any:
            return np.sin(x) * scale

        agree(lambda x: np.piecewise(x, [x < -0.5, x > 0.5], [np.exp, sine]), M)
        agree(lambda x: np.piecewise(x, [x < 0], [np.exp, lambda x: x * x]), M)
        agree(
            lambda x: np.piecewise(x, [x < 0.2, x < 0], [lambda x, scale: x, 3, sine], scale=2.0), V
        )
        agree(lambda x: np.piecewise(x, x < 0, [sine, sine], 0.5), V)
        agree(lambda x: np.piecewise(x, [x < 0, x >= 0], [np.cos, np.exp]), np.array(0.3))
        agree(lambda x: np.piecewise(x, x < 0, [np.cos, np.exp]), np.array(0.3))
        agree(lambda x: np.piecewise(x, [x > 9], [np.exp]), V)
        agree(lambda x, y: np.piecewise(x, [x < 0], [lambda v: v * y, y]), V, np.array(0.3))
        agree(lambda x: np.piecewise(x, [x > 9], [1, 2]), V)

    def test_choose(self) -> None:
        index = np.array([[0, 2, 1, 0], [1, 1, 0, 2], [2, 0, 0, 1]])
        agree(lambda x, y: np.choose(index, [x, y, 5.0]), M, V)
        agree(lambda x: np.choose(index, x), RNG.normal(size=(3, 4)))
        agree(lambda x: np.choose(index * 3 - 2, [x, 1.0], mode="wrap"), M)
        agree(lambda x: np.choose(index * 3 - 2, [x, 1.0], mode="clip"), M)
        agree(lambda x: np.choose(1, [x, x * x]), M)

    def test_extract(self) -> None:
        agree(lambda x: np.extract(x > 0, x), M)
        agree(lambda x: np.extract([1, 0, 0, 1], x), M)

    @pytest.mark.parametrize(
        ("error", "call"),
        [
            (ValueError, lambda x: np.select([x > 0], [x, x])),
            (ValueError, lambda x: np.select([], [])),
            (TypeError, lambda x: np.select([np.ones(4)], [x])),
            (ValueError, lambda x: np.piecewise(x, [x > 0], [1, 2, 3])),
            (ValueError, lambda x: np.choose([0, 3, 1, 1], [x, x])),
            (ValueError, lambda x: np.choose([0, -1, 1, 1], [x, x])),
            (ValueError, lambda x: np.choose([0, 0, 1, 1], [x, x], mode="other")),
            (TypeError, lambda x: np.choose([0.5, 0, 1, 1], [x, x])),
        ],
    )
    def test_errors_are_of_numpys_kind(self, error: Any, call: Any) -> None:
        for x in (V, leaf(V)):
            if x is V and not call.__code__.co_consts:
                continue
            with pytest.raises(error):
                call(x)

    def test_a_gradient_is_not_cast_away(self) -> None:
        y = leaf(0.5)
        with pytest.raises(TypeError, match=r"which has none; write a\.astype\(float64\)"):
            np.piecewise(Tensor([1, 2]), [[True, False]], [lambda x: x * y, 0])


class TestRearrangements:
    def test_block(self) -> None:
        agree(lambda x, y: np.block([[x, y], [y, x]]), M, N)
        agree(lambda x, y: np.block([x, y, 1.0]), V, W[:2])
        agree(lambda x, y: np.block([[x], [y]]), M, V)
        agree(lambda x: np.block([[[x]], [[x]]]), V)
        agree(lambda x: np.block([[x, np.zeros((3, 1))]]), M)
        agree(lambda x: np.block([x, x]), C)
        for wrong, error in (([[], []], ValueError), ([[V], V], ValueError), ([(V, V)], TypeError)):
            for x in (M, leaf(M)):
                with pytest.raises(error):
                    np.block([x, wrong])

    @pytest.mark.parametrize("obj", [0, -1, 2, [1], [0, 0, 3], np.array([2, 1]), slice(1, 3), [-2]])
    def test_insert(self, obj: Any) -> None:
        agree(lambda x: np.insert(x, obj, 5.0), V)
        agree(lambda x: np.insert(x, obj, 5.0, axis=1), M)
        agree(lambda x, v: np.insert(x, obj, v, axis=-1), M, np.array(0.5))
        agree(lambda x, v: np.insert(x, obj, v), M, np.array([0.5]))

    def test_insert_several(self) -> None:
        agree(lambda x, v: np.insert(x, 1, v), V, W)
        agree(lambda x, v: np.insert(x, [1], v), V, W)
        agree(lambda x, v: np.insert(x, 1, v, axis=0), M, V)
        agree(lambda x, v: np.insert(x, [1], v, axis=0), M, N)
        agree(lambda x, v: np.insert(x, 1, v, axis=1), M, M[:, 0])
        agree(lambda x, v: np.insert(x, [1, 3], v, axis=1), M, M[:, :2])
        agree(lambda x, v: np.insert(x, np.array([True, False, True, False]), v), V, W[:2])
        agree(lambda v: np.insert(np.ones(3), 2, v), V)
        with pytest.raises(TypeError, match="int64, which has none"):
            np.insert(np.array([1, 2]), 0, leaf(0.5))

    @pytest.mark.parametrize("obj", [0, -1, [1], [0, 0, 3], slice(1, 3), [], slice(None)])
    def test_delete(self, obj: Any) -> None:
        agree(lambda x: np.delete(x, obj), V)
        agree(lambda x: np.delete(x, obj), M)
        agree(lambda x: np.delete(x, obj, axis=-1), C)
        agree(lambda x: np.delete(x, np.array([True, False, True, False]), axis=1), M)

    def test_resize(self) -> None:
        agree(lambda x: np.resize(x, (3, 2)), V)
        agree(lambda x: np.resize(x, 7), M[:1, :2])
        agree(lambda x: np.resize(x, ()), V)

    def test_rollaxis(self) -> None:
        for axis in (-3, 0, 1, 2):
            for start in (-3, -1, 0, 1, 2, 3):
                agree(lambda x: np.rollaxis(x, axis, start), C)  # noqa: B023

    def test_stacking_as_another_dtype(self) -> None:
        x = leaf(V)
        for join in (np.concatenate, np.stack, np.vstack, np.hstack):
            y = join([x, W], dtype=np.float32)
            assert y.dtype == np.float32
            np.testing.assert_array_equal(y.data, join([V, W], dtype=np.float32))
            assert grad(y.sum(), x).dtype == np.float64
            assert join([x, V], dtype=float, casting="no").dtype == float
            for casting in ("no", "safe"):
                with pytest.raises(TypeError, match="Cannot cast"):
                    join([x, W], dtype=np.float32, casting=casting)
            with pytest.raises(TypeError, match="Cannot cast"):
                join([x, W], dtype=int)
            with pytest.raises(ValueError, match=r"write \.astype\(\.\.\.\) behind it"):
                join([x, W], dtype=int, casting="unsafe")

    def test_bincount(self) -> None:
        agree(lambda w: np.bincount([0, 3, 3, 1], w, 6), V)
        agree(lambda w: np.bincount([0, 3, 3, 1], weights=w), V)
        assert isinstance(np.bincount(Tensor([1, 1])), np.ndarray)
        with pytest.raises(ValueError, match=r"weights of shape"):
            np.bincount([0, 1], leaf(V))

    @pytest.mark.parametrize(
        ("error", "call"),
        [
            (IndexError, lambda x: np.insert(x, 5, 1.0)),
            (IndexError, lambda x: np.insert(x, 0, 1.0, axis=1)),
            (IndexError, lambda x: np.insert(x, [1, 9], 1.0)),
            (ValueError, lambda x: np.insert(x, [0, 1], [1.0, 2.0, 3.0])),
            (ValueError, lambda x: np.insert(x, [[0]], 1.0)),
            (IndexError, lambda x: np.delete(x, 4)),
            (IndexError, lambda x: np.delete(x, 0, axis=1)),
            (ValueError, lambda x: np.resize(x, (-1, 2))),
            (IndexError, lambda x: np.rollaxis(x, 1)),
            (IndexError, lambda x: np.rollaxis(x, 0, 2)),
            (IndexError, lambda x: np.rollaxis(x, 0, -2)),
        ],
    )
    def test_errors_are_of_numpys_kind(self, error: Any, call: Any) -> None:
        for x in (V, leaf(V)):
            with pytest.raises(error):
                call(x)


class TestPolynomials:
    def test_polyval(self) -> None:
        agree(np.polyval, V, M)
        agree(np.polyval, V, np.array(0.5))
        agree(lambda x: np.polyval([1, 0, -2], x), M)
        agree(lambda p: np.polyval(p, [0, 1, 2]), V)
        with pytest.raises(TypeError, match="x must be an array or a Tensor"):
            np.polyval(leaf(V), np.poly1d([1, 2]))

    def test_vander(self) -> None:
        agree(np.vander, V)
        agree(lambda x: np.vander(x, 3), V)
        agree(lambda x: np.vander(x, N=6, increasing=True), V)
        agree(lambda x: np.vander(x, 0), V)
        agree(np.vander, np.array([0.0, 1.0, 2.0]))
        with pytest.raises(ValueError, match="vector"):
            np.vander(leaf(M))

    @pytest.mark.parametrize("mode", ["full", "same", "valid"])
    @pytest.mark.parametrize("sizes", [(5, 3), (3, 5), (4, 4), (6, 1), (1, 3), (5, 2), (2, 5)])
    def test_products_of_sequences(self, mode: str, sizes: tuple[int, int]) -> None:
        a, v = (RNG.normal(size=n) for n in sizes)
        agree(lambda a, v: np.convolve(a, v, mode), a, v)
        agree(lambda a, v: np.correlate(a, v, mode), a, v)

    def test_defaults_and_scalars(self) -> None:
        agree(np.convolve, V, W[:2])
        agree(np.correlate, V, W[:2])
        agree(np.convolve, np.array(2.0), V)
        agree(lambda a: np.convolve(a, [1, 2]), V)
        for call in (lambda x: np.convolve(x, []), lambda x: np.convolve(x, [1], "other")):
            for x in (V, leaf(V)):
                with pytest.raises(ValueError, match=r"."):
                    call(x)


class TestElementwise:
    def test_copysign(self) -> None:
        agree(np.copysign, M, N)
        agree(lambda x: np.copysign(x, -1.0), M)
        agree(lambda x: np.copysign(2.0, x), M)
        x = leaf([0.0, -0.0])
        y = np.copysign(x, [-1.0, 1.0])
        np.testing.assert_array_equal(np.signbit(y.data), [True, False])
        assert (grad(y.sum(), x).data == 0).all()

    def test_heaviside(self) -> None:
        agree(np.heaviside, M, N)
        x, h = leaf([-1.0, 0.0, 2.0]), leaf(0.3)
        y = np.heaviside(x, h)
        np.testing.assert_array_equal(y.data, [0, 0.3, 1])
        gx, gh = grad(y.sum(), [x, h])
        assert (gx.data == 0).all()
        assert gh.data == 1

    def test_parts(self) -> None:
        agree(np.modf, M)
        agree(np.fix, M * 3)
        agree(lambda x: np.ldexp(x, [1, 0, -2, 3]), M)
        agree(lambda x, y: np.divmod(x, y), M * 3, N)

    def test_real_numbers_as_complex_ones(self) -> None:
        for x in (M, np.array(0.5)):
            for function in (np.real, np.conj, np.conjugate, np.real_if_close):
                agree(function, x)
            agree(lambda x: x.real * x.conj(), x)
            for function in (np.imag, np.angle, lambda x: np.angle(x, deg=True), lambda x: x.imag):
                agree(lambda x: function(x) + x, x)  # noqa: B023
                y = function(leaf(x))
                assert (grad(y.sum(), leaf_of(y)).data == 0).all()


def leaf_of(y: Tensor) -> Tensor:
    """The one leaf behind y, as a Tensor of its own."""
    from tinygrad_edu.graph import topological_order
    from tinygrad_edu.tensor import wrap

    node = topological_order([y.node])[-1]
    return wrap(np.zeros(y.shape), node)


class TestBessel:
    X = np.array([-40.0, -31.0, -29.0, -3.0, -1e-3, 0.0, 1e-8, 0.5, 8.0, 20.0, 35.0, 300.0])

    def test_values(self) -> None:
        mpmath = pytest.importorskip("mpmath")
        for n in range(7):
            want = [float(mpmath.besseli(n, x)) for x in self.X]
            np.testing.assert_allclose(ops.bessel_i(self.X, n), want, rtol=1e-13, atol=0)
            single = ops.bessel_i(self.X[:-1].astype(np.float32), n)
            assert single.dtype == np.float32
            np.testing.assert_allclose(single, want[:-1], rtol=1e-5, atol=1e-30)

    def test_derivatives(self) -> None:
        agree(np.i0, self.X[2:-2])
        agree(np.i0, M)
        agree(np.i0, np.array(0.5))
        agree(np.i0, np.zeros(0))

    def test_just_before_overflow(self) -> None:
        assert np.isfinite(ops.bessel_i(np.array(713.0), 1))
        with np.errstate(over="ignore"):
            assert np.isinf(ops.bessel_i(np.array(800.0), 1))
