"""Statistics: of some elements only, of what is not NaN, quantiles of every kind, covariances."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, grad, ops

from .agreement import agree, leaf

RNG = np.random.default_rng(0)
V, M, C = (RNG.normal(size=s) for s in [(5,), (3, 4), (3, 3, 4)])
MASK = RNG.random(C.shape) < 0.6
MASK[0] = True
AXES = [None, 0, -1, (0, 2), (2, 0), (0, 1, 2)]
NEWER = np.lib.NumpyVersion(np.__version__) >= "2.1.0"


def outcome(call: Any, x: Any) -> Any:
    """The value with the categories of its warnings, or the kind of error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            y = call(x)
        except np.exceptions.AxisError:
            return IndexError
        except Exception as error:
            return type(error)
    parts = y if isinstance(y, tuple) else (y,)
    values = [np.asarray(getattr(part, "data", part)).tolist() for part in parts]
    return values, {c.category for c in caught}


class TestSomeElementsOnly:
    """`where` and `initial`, as in NumPy."""

    @pytest.mark.parametrize("axis", AXES)
    @pytest.mark.parametrize("keepdims", [False, True])
    def test_masks(self, axis: Any, keepdims: bool) -> None:
        some = {"axis": axis, "keepdims": keepdims, "where": MASK}
        for function in (np.sum, np.mean, np.var, np.std, np.prod):
            agree(lambda x: function(x, **some), C)  # noqa: B023
        for function in (np.max, np.min, np.amax, np.amin):
            agree(lambda x: function(x, initial=0.25, **some), C)  # noqa: B023
        for function in (np.var, np.std):
            agree(lambda x: function(x, ddof=1, **some | {"where": MASK | True}), C)  # noqa: B023

    def test_masks_broadcast(self) -> None:
        for mask in (MASK[1:2], MASK[:1, :, :1], [[True], [False], [True]], True, np.True_):
            for function in (np.sum, np.mean, np.std):
                agree(lambda x: function(x, axis=1, where=mask), C)  # noqa: B023
        for x in (M, leaf(M)):
            with pytest.raises(ValueError, match=r"broadcast|dimensions"):
                np.sum(x, where=np.ones((2, 3, 4), bool))

    @pytest.mark.parametrize("initial", [0.5, -3, 100.0])
    def test_initial(self, initial: float) -> None:
        for function in (np.sum, np.prod, np.max, np.min):
            agree(lambda x: function(x, initial=initial), C)  # noqa: B023
            agree(lambda x: function(x, axis=(0, -1), initial=initial, keepdims=True), C)  # noqa: B023
            agree(lambda x: function(x, axis=0, initial=initial), np.zeros((0, 3)))  # noqa: B023
            agree(lambda x: function(x, initial=initial), np.array(2.5))  # noqa: B023

    def test_initial_by_itself_has_a_derivative(self) -> None:
        x, start = leaf(V), leaf(9.0)
        assert [g.data.tolist() for g in grad(x.max(initial=start), [x, start])] == [[0] * 5, 1]

    def test_methods_and_ops(self) -> None:
        x = leaf(C)
        for name in ("sum", "mean", "var", "std", "prod"):
            want = getattr(C, name)(axis=0, where=MASK)
            np.testing.assert_allclose(getattr(x, name)(axis=0, where=MASK).data, want)
            np.testing.assert_allclose(getattr(ops, name)(x, 0, where=MASK).data, want)
        assert x.max(where=MASK, initial=-9).data == C.max(where=MASK, initial=-9)

    def test_other_dtypes(self) -> None:
        x = leaf(M, np.float32)
        for function in (np.sum, np.mean, np.prod):
            got = function(x, dtype=np.float64, where=M > 0)
            assert got.dtype == np.float64
            np.testing.assert_allclose(got.data, function(x.data, dtype=np.float64, where=M > 0))
        whole = np.array([[1, 2], [3, 4]])
        for function in (np.max, np.min, np.sum, np.prod, np.mean, np.std):
            keywords = {"where": [[True], [False]]} | (
                {"initial": 2} if function in (np.max, np.min) else {}
            )
            got, want = (function(x, axis=0, **keywords) for x in (Tensor(whole), whole))
            assert got.dtype == want.dtype
            np.testing.assert_array_equal(got.data, want)
        half = np.full(5000, 20, np.float16)
        assert np.mean(Tensor(half), where=half > 0) == 20

    def test_what_the_mask_leaves_out_has_no_nan(self) -> None:
        for function in (np.sum, np.mean, np.prod, np.var, np.std):
            x = leaf([0.0, 1.0, 4.0])
            function(np.sqrt(x), where=x.data > 0).backward()
            assert np.isfinite(x.grad).all()
            assert x.grad[0] == 0

    def test_a_known_mean(self) -> None:
        for function in (np.var, np.std):
            agree(lambda x: function(x, mean=np.array(0.2)), C)  # noqa: B023
            agree(lambda x, m: function(x, axis=1, mean=m), C, C[:, :1] * 2)  # noqa: B023
            agree(lambda x: function(x, 0, correction=1), C)  # noqa: B023
            for x in (C, leaf(C)):
                with pytest.raises(ValueError, match="ddof"):
                    function(x, ddof=1, correction=1)

    def test_std_at_0(self) -> None:
        x = leaf([2.0, 2.0, 5.0])
        np.std(x, where=[True, True, False]).backward()
        assert (x.grad == 0).all()

    @pytest.mark.parametrize("function", [np.max, np.min])
    def test_an_extremum_with_a_mask_needs_initial(self, function: Any) -> None:
        for x in (V, leaf(V)):
            with pytest.raises(ValueError, match="initial"):
                function(x, where=x.data > 0 if x is not V else V > 0)
            with pytest.raises(ValueError, match=r"."):
                function(x[:0])

    @pytest.mark.parametrize("function", [np.sum, np.mean, np.var, np.std, np.prod])
    def test_nothing_left(self, function: Any) -> None:
        nothing = np.zeros(5, bool)
        for ddof in ({}, {"ddof": 1}) if function in (np.var, np.std) else ({},):
            some = {"where": nothing, **ddof}
            got, want = (outcome(lambda x: function(x, **some), x) for x in (leaf(V), V))  # noqa: B023
            np.testing.assert_equal(got, want)


WITH_NAN = C.copy()
WITH_NAN[0, 1, 2] = WITH_NAN[1, 1, 3] = WITH_NAN[1, 2, 0] = WITH_NAN[0, 0, 3] = np.nan
NAN = [
    np.nansum, np.nanprod, np.nanmean, np.nanvar, np.nanstd, np.nanmax, np.nanmin, np.nanmedian,
    lambda x, **k: np.nanquantile(x, 0.3, **k),
    lambda x, **k: np.nanpercentile(x, [30.0, 80.0], **k),
    lambda x, **k: np.nanvar(x, ddof=1, **k),
]  # fmt: skip


def without(function: Any, data: np.ndarray) -> Any:
    """The function of the elements of `data` that are not NaN, which are its only variables."""
    where = ~np.isnan(data)

    def call(x: Any) -> Any:
        return function(ops.index_put(np.where(where, 0, data), where, x))

    return call, data[where]


class TestNan:
    @pytest.mark.parametrize("axis", AXES)
    @pytest.mark.parametrize("keepdims", [False, True])
    @pytest.mark.parametrize("function", NAN)
    def test_along_axes(self, function: Any, axis: Any, keepdims: bool) -> None:
        missing = np.where(np.isnan(WITH_NAN), np.nan, 0)
        keywords = {"axis": axis, "keepdims": keepdims}
        agree(lambda x: function(x, **keywords), C)
        agree(lambda x: function(x + missing.astype(x.dtype), **keywords), C)

    @pytest.mark.parametrize("function", [np.nancumsum, np.nancumprod])
    def test_running(self, function: Any) -> None:
        missing = np.where(np.isnan(WITH_NAN), np.nan, 0)
        for axis in (None, 0, -1):
            agree(lambda x: function(x + missing.astype(x.dtype), axis=axis), C)  # noqa: B023

    def test_masks_and_initial(self) -> None:
        missing = np.where(np.isnan(WITH_NAN), np.nan, 0)
        some = {"axis": 1, "where": MASK}
        for function in (np.nansum, np.nanprod, np.nanmean, np.nanvar, np.nanstd):
            agree(lambda x: function(x + missing.astype(x.dtype), **some), C)  # noqa: B023
        for function in (np.nanmax, np.nanmin):
            agree(lambda x: function(x + missing.astype(x.dtype), initial=0.3, **some), C)  # noqa: B023
        for function in (np.nansum, np.nanprod, np.nanmax, np.nanmin):
            agree(lambda x: function(x + missing.astype(x.dtype), 0, initial=0.3), C)  # noqa: B023
        for function in (np.nanvar, np.nanstd):
            agree(lambda x: function(x + missing.astype(x.dtype), 0, mean=C[:1] * 2), C)  # noqa: B023

    def test_nan_receives_nothing(self) -> None:
        for function in NAN:
            x = leaf(WITH_NAN)
            y = function(x)
            (g,) = grad([y.sum()], [x])
            assert (g.data[np.isnan(WITH_NAN)] == 0).all()
            assert np.isfinite(g.data).all()

    @pytest.mark.parametrize("function", NAN)
    @pytest.mark.parametrize(
        "data",
        [[[np.nan, np.nan], [1.0, 2.0]], [[np.nan], [1.0]], np.zeros((2, 0)), [[1.0, -np.inf]]],
    )
    def test_too_few(self, function: Any, data: Any) -> None:
        data = np.array(data)
        for axis in (None, -1):
            if np.isinf(data).any() and function in (
                NAN[3],
                NAN[4],
                NAN[10],
                NAN[8],
                NAN[9],
                NAN[7],
            ):
                continue
            got, want = (outcome(lambda x: function(x, axis=axis), x) for x in (leaf(data), data))  # noqa: B023
            np.testing.assert_equal(got, want)

    def test_plain_positions(self) -> None:
        for function in (np.nanargmax, np.nanargmin):
            assert function(leaf(WITH_NAN)) == function(WITH_NAN)


METHODS = [
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf",
    "hazen", "weibull", "linear", "median_unbiased", "normal_unbiased", "lower", "higher",
    "midpoint", "nearest",
]  # fmt: skip


class TestQuantiles:
    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("q", [0.0, 0.3, 0.5, 1, [0.1, 0.75], np.array([[0.2, 0.9, 1.0]])])
    def test_methods(self, method: str, q: Any) -> None:
        for x, axis in ((V, None), (C, 0), (C, -1), (C, (0, 2)), (M[:, :1], 1)):
            agree(lambda x: np.quantile(x, q, axis=axis, method=method), x)  # noqa: B023
            if np.ndim(q) < 2:  # NumPy's puts the axes of q elsewhere
                agree(lambda x: np.nanquantile(x, q, axis=axis, method=method), x)  # noqa: B023

    @pytest.mark.parametrize("method", METHODS)
    def test_of_every_length(self, method: str) -> None:
        share = np.linspace(0, 1, 41)
        for n in range(1, 12):
            x = RNG.normal(size=n)
            got = np.quantile(leaf(x), share, method=method)
            np.testing.assert_allclose(got.data, np.quantile(x, share, method=method), atol=1e-12)

    def test_percentile_has_the_same_keywords(self) -> None:
        for function in (np.percentile, np.nanpercentile):
            agree(lambda x: function(x, 30, 1, method="hazen", keepdims=True), C)  # noqa: B023
            agree(lambda x: function(x, [30, 50], overwrite_input=True), C)  # noqa: B023

    def test_weights(self) -> None:
        w = RNG.uniform(0.1, 2, size=C.shape)
        some = {"method": "inverted_cdf", "axis": 1}
        for function in (np.quantile, np.nanquantile):
            for q in (0.0, 0.4, [0.2, 0.9]):
                agree(lambda x: function(x, q, weights=w, **some), C)  # noqa: B023
                if function is np.quantile:  # NumPy's nanquantile takes no vector
                    agree(lambda x: function(x, q, weights=w[0, :, 0], **some), C)  # noqa: B023
                agree(lambda x: function(x, q, weights=w, keepdims=True, **some), C)  # noqa: B023
            agree(lambda x: function(x, 0.4, weights=w, method="inverted_cdf"), C)  # noqa: B023
            for x in (C, leaf(C)):
                with pytest.raises(ValueError, match="weights"):
                    function(x, 0.4, weights=w)

    def test_errors(self) -> None:
        for x in (V, leaf(V)):
            for call in (
                lambda x: np.quantile(x, 0.3, method="other"),
                lambda x: np.quantile(x, [0.3, 2.0]),
                lambda x: np.nanquantile(x, -1),
                lambda x: np.nanpercentile(x, 101),
            ):
                with pytest.raises(ValueError, match=r"."):
                    call(x)


class TestCovariance:
    @pytest.mark.parametrize("rowvar", [True, False])
    def test_variables(self, rowvar: bool) -> None:
        for x in (V, M, M[:1], M[:, :1], np.zeros((0, 3))):
            if x.size == 0 or (not NEWER and x.shape[0] == 1 and not rowvar):
                continue
            if x.shape[int(rowvar and x.ndim > 1)] > 1:
                agree(lambda x: np.cov(x, rowvar=rowvar), x)
            agree(lambda x: np.cov(x, rowvar=rowvar, bias=True), x)
        agree(lambda x, y: np.cov(x, y, rowvar), M, M[::-1] * 2)
        agree(lambda x, y: np.cov(x, y), V, V[::-1] + 2)
        agree(lambda x, y: np.cov(x, y), M, M[0] ** 2)
        agree(lambda x: np.corrcoef(x, rowvar=rowvar), M)
        agree(lambda x, y: np.corrcoef(x, y, rowvar), M, M[::-1] ** 2)
        agree(lambda x, y: np.corrcoef(x, y), V, V[::-1] ** 2)

    def test_weights(self) -> None:
        often, much = np.array([1, 2, 0, 3]), RNG.uniform(0.1, 2, 4)
        agree(lambda x: np.cov(x, fweights=often), M)
        agree(lambda x, a: np.cov(x, aweights=a), M, much)
        agree(lambda x, a: np.cov(x, fweights=often, aweights=a, ddof=0), M, much)
        agree(lambda x, a: np.cov(x, fweights=often, aweights=a), M, much)
        agree(lambda x: np.cov(x, ddof=2), M)

    def test_dtypes(self) -> None:
        x = leaf(M, np.float32)
        assert np.cov(x, dtype=np.float32).dtype == np.float32
        assert np.cov(Tensor(np.arange(4))).data == np.cov(np.arange(4))

    @pytest.mark.parametrize(
        "call",
        [
            lambda x: np.cov(x, ddof=1.5),
            lambda x: np.cov(x[None]),
            lambda x: np.cov(x, x[None]),
            lambda x: np.cov(x, fweights=[1.5, 1, 1, 1]),
            lambda x: np.cov(x, fweights=[1, 1, 1]),
            lambda x: np.cov(x, fweights=[[1, 1, 1, 1]]),
            lambda x: np.cov(x, fweights=[-1, 1, 1, 1]),
            lambda x: np.cov(x, aweights=[-1, 1, 1, 1]),
            lambda x: np.cov(x, aweights=[1, 1]),
            lambda x: np.cov(x, aweights=[0, 0, 0, 0]),
            lambda x: np.cov(x[:, :1]),
            lambda x: np.cov(x, ddof=5),
            lambda x: np.corrcoef(x * 0),
        ],
    )
    def test_errors_and_warnings_are_of_numpys_kind(self, call: Any) -> None:
        np.testing.assert_equal(outcome(call, leaf(M)), outcome(call, M))

    def test_average_returns_the_weights(self) -> None:
        w = RNG.uniform(0.5, 2, C.shape)
        agree(lambda x, w: np.average(x, 1, w, returned=True), C, w)
        agree(lambda x: np.average(x, (0, 1), returned=True), C)
