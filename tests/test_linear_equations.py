"""Least squares, triangular matrices, condition numbers, tensors as matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, check_op, grad, ops

from .agreement import agree, leaf

RNG = np.random.default_rng(0)
V, W, TALL, WIDE, S, B = (
    RNG.normal(size=s) for s in [(5,), (3,), (5, 3), (3, 5), (3, 3), (2, 3, 3)]
)
DEFICIENT = TALL @ np.diag([1, 1, 0.0])


class TestLeastSquares:
    @pytest.mark.parametrize("a", [TALL, WIDE, S, TALL[:, :1]])
    def test_systems(self, a: np.ndarray) -> None:
        for b in (RNG.normal(size=len(a)), RNG.normal(size=(len(a), 2)), np.zeros((len(a), 0))):
            agree(lambda a, b: np.linalg.lstsq(a, b)[0], a, b)
            agree(lambda a: np.linalg.lstsq(a, b)[3], a)  # noqa: B023
            agree(lambda a, b: np.linalg.lstsq(a, b, rcond=-1)[0], a, b)
            got, want = (np.linalg.lstsq(x, b) for x in (leaf(a), a))
            assert got[2] == want[2]
            assert not isinstance(got[2], Tensor)
            assert got[1].shape == want[1].shape
        if a.shape[0] > a.shape[1]:
            agree(lambda a, b: np.linalg.lstsq(a, b)[1], a, V)
            agree(lambda b: np.linalg.lstsq(a, b)[1], RNG.normal(size=(5, 2)))

    def test_less_than_full_rank(self) -> None:
        got, want = (np.linalg.lstsq(x, V) for x in (leaf(DEFICIENT), DEFICIENT))
        assert got[2] == want[2] == 2
        assert got[1].size == want[1].size == 0
        for i in (0, 3):
            np.testing.assert_allclose(got[i].data, want[i], atol=1e-12)
        agree(lambda b: np.linalg.lstsq(DEFICIENT, b)[0], V)
        got, want = (np.linalg.lstsq(x, W, rcond=0.5) for x in (leaf(S), S))
        np.testing.assert_allclose(got[0].data, want[0], atol=1e-12)
        assert got[2] == want[2] < 3

    def test_float32_is_computed_in_float64(self) -> None:
        a = np.vander(np.linspace(0, 1, 9), 6).astype(np.float32)
        got, want = (np.linalg.lstsq(x, a[:, 2]) for x in (leaf(a, np.float32), a))
        assert got[0].dtype == got[3].dtype == np.float32
        np.testing.assert_allclose(got[0].data, want[0], atol=1e-4)

    def test_errors(self) -> None:
        for a in (TALL, leaf(TALL)):
            for b in (W, np.zeros((5, 1, 1))):
                with pytest.raises(np.linalg.LinAlgError):
                    np.linalg.lstsq(a, b)
            with pytest.raises(np.linalg.LinAlgError):
                np.linalg.lstsq(a[None], V)


class TestTriangular:
    @pytest.mark.parametrize("lower", [False, True])
    @pytest.mark.parametrize("trans", [0, 1])
    @pytest.mark.parametrize("n", [1, 5, 33, 70])
    def test_large_ones_in_blocks(self, n: int, trans: int, lower: bool) -> None:
        a = RNG.normal(size=(2, n, n)) / n + 2 * np.eye(n)
        b = RNG.normal(size=(n, 2))
        triangle = np.tril(a) if lower else np.triu(a)
        want = np.linalg.solve(triangle.mT if trans else triangle, b)
        np.testing.assert_allclose(ops.solve_triangular(a, b, trans, lower), want, atol=1e-12)
        check_op(ops.solve_triangular, a, b, trans=trans, lower=lower)

    def test_vectors_stacks_and_unit_diagonals(self) -> None:
        unit = np.tril(S, -1) + np.eye(3)
        got = ops.solve_triangular(leaf(S), W, lower=True, unit_diagonal=True)
        np.testing.assert_allclose(got.data, np.linalg.solve(unit, W))
        np.testing.assert_allclose(ops.solve_triangular(B, W), np.linalg.solve(np.triu(B), W))

    def test_what_is_not_read_has_no_gradient(self) -> None:
        a = leaf(np.array([[2.0, np.nan], [1.0, 3.0]]))
        (g,) = grad([ops.solve_triangular(a, np.ones(2), lower=True).sum()], [a])
        assert np.isfinite(g.data).all()
        assert g.data[0, 1] == 0

    def test_errors(self) -> None:
        with pytest.raises(np.linalg.LinAlgError, match="Singular"):
            ops.solve_triangular(leaf(np.zeros((2, 2))), np.ones(2))
        with pytest.raises(ValueError, match="trans is 0, 1, 'N' or 'T', not 2"):
            ops.solve_triangular(leaf(S), W, trans=2)


class TestCondition:
    @pytest.mark.parametrize("p", [None, 2, -2, 1, -1, np.inf, -np.inf, "fro", "nuc"])
    def test_norms(self, p: Any) -> None:
        agree(lambda x: np.linalg.cond(x, p), S)
        agree(lambda x: np.linalg.cond(x, p), B)
        if p in (None, 2, -2):
            agree(lambda x: np.linalg.cond(x, p), TALL)
        if p == "nuc":
            return  # NumPy's fails for singular matrices
        singular = np.array([S, np.zeros((3, 3)), np.ones((3, 3))])
        got = np.linalg.cond(leaf(singular), p)
        with np.errstate(all="ignore"):
            want = np.linalg.cond(singular, p)
        np.testing.assert_allclose(got.data[:2], want[:2])

    def test_errors(self) -> None:
        for x in (TALL, leaf(TALL)):
            with pytest.raises(np.linalg.LinAlgError):
                np.linalg.cond(x, 1)
            with pytest.raises(np.linalg.LinAlgError):
                np.linalg.cond(x[:0])


class TestTensors:
    def test_tensorinv(self) -> None:
        agree(np.linalg.tensorinv, RNG.normal(size=(4, 6, 8, 3)))
        agree(lambda x: np.linalg.tensorinv(x, ind=1), RNG.normal(size=(6, 2, 3)))
        for x in (S, leaf(S)):
            with pytest.raises(ValueError, match=r"ind|nvalid"):
                np.linalg.tensorinv(x, 0)
            with pytest.raises(np.linalg.LinAlgError):
                np.linalg.tensorinv(x)

    def test_tensorsolve(self) -> None:
        agree(np.linalg.tensorsolve, RNG.normal(size=(2, 3, 6)), RNG.normal(size=(2, 3)))
        agree(np.linalg.tensorsolve, RNG.normal(size=(6, 2, 3)), RNG.normal(size=6))
        agree(
            lambda a, b: np.linalg.tensorsolve(a, b, axes=(0, 2)),
            RNG.normal(size=(2, 6, 3)),
            RNG.normal(size=6),
        )
        agree(
            lambda a, b: np.linalg.tensorsolve(a, b, axes=[1]),
            RNG.normal(size=(2, 6, 3)),
            RNG.normal(size=(2, 3)),
        )
        for x in (TALL, leaf(TALL)):
            with pytest.raises(np.linalg.LinAlgError):
                np.linalg.tensorsolve(x, V)


def test_pinv_of_symmetric_matrices() -> None:
    a = S + S.T
    np.testing.assert_allclose(
        np.linalg.pinv(leaf(a), hermitian=True).data, np.linalg.pinv(a, hermitian=True)
    )
    agree(lambda x: np.linalg.pinv((x + x.mT) / 2, 1e-15, True), S)


def test_the_rank_is_a_plain_integer() -> None:
    assert np.linalg.matrix_rank(leaf(DEFICIENT)) == 2
