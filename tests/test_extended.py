"""The rest of NumPy's functions: the values are NumPy's, and two orders of derivatives hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, grad, ops

from .agreement import agree, leaf
from .test_statistics import outcome

RNG = np.random.default_rng(0)
V, W, M, N, C = (RNG.normal(size=s) for s in [(4,), (4,), (3, 4), (3, 4), (2, 3, 4)])


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


EVERYTHING = {
    "diff": lambda x: np.diff(x),
    "diff twice": lambda x: np.diff(x, 2, 0),
    "diff prepend": lambda x: np.diff(x, prepend=1.0),
    "ediff1d": lambda x: np.ediff1d(x, 1.0, 2.0),
    "gradient": lambda x: np.gradient(x),
    "trapezoid": lambda x: np.trapezoid(x),
    "unwrap": lambda x: np.unwrap(x),
    "interp": lambda x: np.interp(x, [0, 1], [0, 2]),
    "interp points": lambda x: np.interp([0.5], x, x),
    "linspace": lambda x: np.linspace(x, 1, 3),
    "select": lambda x: np.select([x > 0], [x], 2.0),
    "piecewise": lambda x: np.piecewise(x, [x > 0], [lambda v: v * v]),
    "choose": lambda x: np.choose(np.zeros(x.shape, int), [x, 1.0]),
    "extract": lambda x: np.extract(x > 0, x),
    "block": lambda x: np.block([[x, x]]),
    "block of one": lambda x: np.block(x),
    "insert": lambda x: np.insert(x, 0, 5.0),
    "insert along": lambda x: np.insert(x, 0, 5.0, axis=-1),
    "insert nothing": lambda x: np.insert(x, [], []),
    "delete": lambda x: np.delete(x, 0),
    "delete nothing": lambda x: np.delete(x, [], axis=0),
    "resize": lambda x: np.resize(x, (2, 2)),
    "rollaxis": lambda x: np.rollaxis(x, -1),
    "polyval": lambda x: np.polyval([1, 2], x),
    "polyval of": lambda x: np.polyval(x, 2.0),
    "vander": lambda x: np.vander(x, 2),
    "convolve": lambda x: np.convolve(x, [1, 2]),
    "correlate": lambda x: np.correlate(x, [1, 2], "full"),
    "copysign": lambda x: np.copysign(x, -1.0),
    "heaviside": lambda x: np.heaviside(x, 0.5),
    "i0": lambda x: np.i0(x),
    "imag": lambda x: np.imag(x),
    "cov": lambda x: np.cov(x),
    "sum where": lambda x: np.sum(x, where=x > 0),
    "mean where": lambda x: np.mean(x, where=x > 0),
    "max initial": lambda x: np.max(x, initial=1.0),
    "std where": lambda x: np.std(x, where=x > 0),
    "nanmax": lambda x: np.nanmax(x),
    "nanstd": lambda x: np.nanstd(x),
    "nanmedian": lambda x: np.nanmedian(x),
    "quantile": lambda x: np.quantile(x, 0.3, method="hazen"),
    "stack": lambda x: np.stack([x, x], dtype=np.float32),
    "cond": lambda x: np.linalg.cond(x),
    "lstsq": lambda x: np.linalg.lstsq(x, np.ones(len(x)))[0],
}


@pytest.mark.parametrize("name", EVERYTHING)
@pytest.mark.parametrize("data", [np.zeros(0), np.zeros((0, 3)), np.zeros((3, 0)), np.array(2.0)])
def test_empty_arrays_and_scalars(name: str, data: np.ndarray) -> None:
    """The same value and warnings as NumPy's, or the same kind of error."""
    call = EVERYTHING[name]
    np.testing.assert_equal(outcome(call, leaf(data)), outcome(call, data))
