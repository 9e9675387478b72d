"""Products, norms and decompositions: functions composed of ops, hard cases, and PyTorch."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, grad, ops
from tinygrad_edu.graph import topological_order

from .agreement import agree, leaf

RNG = np.random.default_rng(0)
V, M, W, C, S, B = (
    RNG.normal(size=s) for s in [(3,), (3, 4), (4, 3), (2, 3, 4), (3, 3), (2, 3, 3)]
)
V4 = RNG.normal(size=4)
SYMMETRIC = S + S.T
DEFINITE = S @ S.T + np.eye(3)


def symmetric(x: Any) -> Any:
    return (x + x.mT) / 2


class TestProducts:
    @pytest.mark.parametrize("x", [np.array(2.0), V, W, np.swapaxes(C, 1, 2), np.zeros((0, 3))])
    @pytest.mark.parametrize("y", [np.array(0.5), V, M, C])
    def test_dot_of_every_rank(self, x: np.ndarray, y: np.ndarray) -> None:
        agree(np.dot, x, y)

    @pytest.mark.parametrize("x", [np.array(2.0), V4, M, C])
    @pytest.mark.parametrize("y", [np.array(0.5), V4, M, C])
    def test_inner_outer_kron(self, x: np.ndarray, y: np.ndarray) -> None:
        agree(np.inner, x, y)
        agree(np.outer, x, y)
        agree(np.kron, x, y)

    @pytest.mark.parametrize(
        ("function", "x", "y"),
        [
            (np.vdot, M, W),
            (np.linalg.outer, V, V4),
            (np.vecdot, C, M),
            (np.linalg.vecdot, C, M),
            (lambda x, y: np.linalg.vecdot(x, y, axis=0), M, M * 2),
            (np.linalg.matmul, C, W),
            (lambda x, y: np.tensordot(x, y, 1), C, W),
            (lambda x, y: np.tensordot(x, y, axes=0), V, M),
            (lambda x, y: np.tensordot(x, y, ([0, -1], [1, 0])), M, W),
            (lambda x, y: np.tensordot(x, y, (1, -2)), C, M),
            (lambda x, y: np.linalg.tensordot(x, y, axes=((2, 1), (1, 0))), C, M),
            (np.cross, V, S),
            (lambda x, y: np.cross(x, y, 1, 0, 0), C, M),
            (lambda x, y: np.cross(x, y, axis=0), M, M[:, ::-1].copy()),
            (np.linalg.cross, B, S),
        ],
    )
    def test_pairs(self, function: Any, x: np.ndarray, y: np.ndarray) -> None:
        agree(function, x, y)

    @pytest.mark.skipif(not hasattr(np, "matvec"), reason="NumPy 2.2 or newer")
    def test_matvec_and_vecmat(self) -> None:
        agree(np.matvec, C, V4)
        agree(np.matvec, M, RNG.normal(size=(2, 1, 4)))
        agree(np.vecmat, V, C)

    @pytest.mark.parametrize("power", [0, 1, 2, 3, 6, 11, -1, -2, -3])
    def test_matrix_power(self, power: int) -> None:
        agree(lambda x: np.linalg.matrix_power(x, power), 0.5 * B)

    def test_multi_dot(self) -> None:
        parts = [RNG.normal(size=s) for s in [(2, 9), (9, 1), (1, 8), (8, 3)]]
        agree(lambda *xs: np.linalg.multi_dot(xs), *parts)
        agree(lambda *xs: np.linalg.multi_dot(xs), parts[0][0], *parts[1:])
        agree(lambda *xs: np.linalg.multi_dot(xs), *parts, V)
        agree(lambda *xs: np.linalg.multi_dot(xs), parts[0][0], *parts[1:], V)
        agree(lambda *xs: np.linalg.multi_dot(xs), parts[0], parts[1])

    def test_multi_dot_multiplies_in_the_cheapest_order(self) -> None:
        sizes = [30, 35, 15, 5, 10, 20, 25]
        chain = [leaf(np.ones(pair)) for pair in pairwise(sizes)]
        products = [n for n in topological_order([np.linalg.multi_dot(chain).node]) if n.edges]
        pairs = [[edge.shape for edge in node.edges] for node in products]
        assert sum(a[0] * a[1] * b[1] for a, b in pairs) == 15125

    def test_methods(self) -> None:
        x = leaf(S)
        for name, args in [("dot", (V,)), ("inner", (V,)), ("outer", (V,)), ("cross", (V,))]:
            np.testing.assert_array_equal(getattr(x, name)(*args).data, getattr(np, name)(S, V))
        assert x.norm() == np.linalg.norm(S)
        assert x.det() == np.linalg.det(S)
        assert (x.matrix_power(2) == np.linalg.matrix_power(S, 2)).all()

    @pytest.mark.parametrize(
        ("function", "message"),
        [
            (lambda: np.dot(leaf(V), leaf(M.T)), "matmul: the last axis of the first"),
            (lambda: np.inner(leaf(V), leaf(V4)), "tensordot: axes .* differ in size"),
            (lambda: np.cross(leaf(V4), V4), "vectors of 3 elements"),
            (lambda: np.linalg.matrix_power(leaf(M), 2), "3 by 4 matrices are not square"),
            (lambda: np.linalg.multi_dot([leaf(V)]), "two arrays or more"),
            (lambda: np.linalg.outer(leaf(M), V), "takes two vectors"),
            (lambda: np.einsum("ij->k", leaf(M)), "einsum: .*'k'"),
            (lambda: np.linalg.inv(leaf(np.zeros((2, 2)))), "inv: Singular matrix .*test_linalg"),
            (lambda: np.linalg.cholesky(leaf(-np.eye(2))), "cholesky: Matrix is not positive"),
            (lambda: np.linalg.norm(leaf(V), "fro"), "a vector has no norm of order 'fro'"),
            (lambda: np.linalg.norm(leaf(M), 3), "a matrix has no norm of order 3"),
            (lambda: np.linalg.norm(leaf(C), 2), "over one axis or two, not 3"),
        ],
    )
    def test_errors(self, function: Any, message: str) -> None:
        with pytest.raises((ValueError, np.linalg.LinAlgError), match=message):
            function()


class TestEinsum:
    def test_labels_as_lists(self) -> None:
        agree(lambda x, y: np.einsum(x, [0, 1], y, [1, 2]), M, W)
        agree(lambda x, y: np.einsum(x, [5, 30], y, [30, 2], [2, 5]), M, W)
        agree(lambda x: np.einsum(x, [..., 0, 1], [..., 1]), C)
        agree(lambda x: np.einsum(x, [1, 1]), S)

    def test_of_one_tensor_twice(self) -> None:
        agree(lambda x: np.einsum("ij,kj->ik", x, x, optimize=True), M)
        agree(lambda x: np.einsum("i,i,i,i", x, x, x, x), V)

    def test_a_chosen_path(self) -> None:
        path = ["einsum_path", (0, 1), (0, 1)]
        agree(lambda x, y, z: np.einsum("ij,jk,kl", x, y, z, optimize=path), M, W, M * 2)


class TestNorms:
    @pytest.mark.parametrize("order", [None, 2, 1, 3, 0.5, 0, -1, np.inf, -np.inf])
    @pytest.mark.parametrize("keepdims", [False, True])
    def test_of_vectors(self, order: Any, keepdims: bool) -> None:
        agree(lambda x: np.linalg.norm(x, order, keepdims=keepdims), V)
        agree(lambda x: np.linalg.norm(x, order, axis=-2, keepdims=keepdims), C)

    @pytest.mark.parametrize("order", [None, "fro", "nuc", 2, -2, 1, -1, np.inf, -np.inf])
    @pytest.mark.parametrize("keepdims", [False, True])
    def test_of_matrices(self, order: Any, keepdims: bool) -> None:
        agree(lambda x: np.linalg.norm(x, order, keepdims=keepdims), M)
        agree(lambda x: np.linalg.norm(x, order, axis=(2, 0), keepdims=keepdims), C)

    def test_newer_names(self) -> None:
        agree(lambda x: np.linalg.vector_norm(x, ord=3, axis=(0, 2)), C)
        agree(lambda x: np.linalg.matrix_norm(x, ord="nuc", keepdims=True), C)
        agree(np.linalg.norm, C)

    @pytest.mark.parametrize("order", [None, 2, 1, 3, 1.5, 0.5, 0, np.inf, -np.inf])
    def test_gradient_is_zero_at_the_zero_vector(self, order: Any) -> None:
        x = leaf(np.zeros((2, 3)))
        np.linalg.norm(x, order, axis=0).sum().backward()
        np.testing.assert_array_equal(x.grad, np.zeros((2, 3)))

    @pytest.mark.parametrize("order", [None, "fro", "nuc", 2, -2, 1, -1, np.inf, -np.inf])
    def test_gradient_is_zero_at_the_zero_matrix(self, order: Any) -> None:
        x = leaf(np.zeros((2, 3)))
        np.linalg.norm(x, order).backward()
        np.testing.assert_array_equal(x.grad, np.zeros((2, 3)))

    def test_second_derivative_at_a_zero_element(self) -> None:
        x = leaf([0.0, 3.0, 4.0])
        slopes = grad(np.linalg.norm(x), x, create_graph=True)
        second = [grad(s, x, retain_graph=True).data for s in slopes]
        unit = np.array([0.0, 0.6, 0.8])
        np.testing.assert_allclose(second, (np.eye(3) - np.outer(unit, unit)) / 5, atol=1e-15)

    def test_ties_share(self) -> None:
        x = leaf([2.0, -2.0, 1.0])
        np.linalg.norm(x, np.inf).backward()
        np.testing.assert_array_equal(x.grad, [0.5, -0.5, 0.0])


class TestDeterminants:
    @pytest.mark.parametrize(
        ("matrix", "cofactors"),
        [
            ([[1.0, 2.0], [2.0, 4.0]], [[4, -2], [-2, 1]]),
            ([[0.0, 0.0], [0.0, 3.0]], [[3, 0], [0, 0]]),
            ([[0.0, 0.0], [0.0, 0.0]], [[0, 0], [0, 0]]),
            ([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]],
             [[-3, 6, -3], [6, -12, 6], [-3, 6, -3]]),
            ([[0.0, -1.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 0.0]],
             [[0, 0, 0], [0, 0, 0], [0, 0, 2]]),
        ],
    )  # fmt: skip
    def test_singular(self, matrix: Any, cofactors: Any) -> None:
        x = leaf(matrix)
        np.linalg.det(x).backward()
        np.testing.assert_allclose(x.grad, cofactors, atol=1e-12)

    def test_a_stack_with_a_singular_matrix(self) -> None:
        x = leaf([[[1.0, 2.0], [3.0, 4.0]], [[1.0, 1.0], [1.0, 1.0]]])
        np.linalg.det(x).sum().backward()
        np.testing.assert_allclose(x.grad, [[[4, -3], [-2, 1]], [[1, -1], [-1, 1]]], atol=1e-14)

    def test_named_results(self) -> None:
        sign, logarithm = np.linalg.slogdet(leaf(S))
        assert np.linalg.slogdet(leaf(S)).logabsdet == logarithm
        assert sign == np.sign(np.linalg.det(S))


class TestDecompositions:
    @pytest.mark.parametrize(
        "function",
        [
            lambda x: np.linalg.eigh(symmetric(x)).eigenvalues,
            lambda x: np.linalg.eigvalsh(symmetric(x), UPLO="U"),
            lambda x: np.linalg.svd(x, compute_uv=False),
            np.linalg.svdvals,
            lambda x: np.linalg.svd(x).S,
            lambda x: np.linalg.qr(x, "r"),
            lambda x: np.linalg.qr(x, mode="complete"),
            lambda x: np.linalg.cholesky(x @ x.mT + np.eye(3, dtype=x.dtype), upper=True),
            lambda x: np.linalg.pinv(x, rtol=1e-6),
            lambda x: np.linalg.pinv(x[..., :2] @ x[..., :2].mT),  # always of rank 2
        ],
    )
    def test_of_stacks(self, function: Any) -> None:
        agree(function, B)

    def test_the_gradient_is_in_the_triangle_that_is_read(self) -> None:
        for function, triangle in [
            (lambda x: np.linalg.cholesky(x), np.tril),
            (lambda x: np.linalg.cholesky(x, upper=True), np.triu),
            (lambda x: np.linalg.eigh(x)[0] ** 2, np.tril),
            (lambda x: np.linalg.eigh(x, "U")[0] ** 2, np.triu),
        ]:
            x = leaf(DEFINITE)
            function(x).sum().backward()
            np.testing.assert_array_equal(x.grad, triangle(x.grad))
            y = leaf(DEFINITE)
            function(symmetric(y)).sum().backward()
            np.testing.assert_allclose(y.grad, y.grad.T, atol=1e-12)

    def test_functions_of_equal_eigenvalues_and_singular_values(self) -> None:
        x = leaf(np.eye(3))
        np.linalg.eigvalsh(x).sum().backward()
        np.testing.assert_allclose(x.grad, np.eye(3))
        x = leaf(np.eye(3)[:, :2])
        np.linalg.norm(x, "nuc").backward()
        np.testing.assert_allclose(x.grad, np.eye(3)[:, :2])
        x = leaf(np.diag([2.0, 0.0]))
        np.linalg.norm(x, "nuc").backward()
        np.testing.assert_allclose(x.grad, np.diag([1.0, 0.0]))
        x = leaf(np.zeros((2, 3)))
        (np.linalg.svdvals(x) ** 2).sum().backward()
        np.testing.assert_array_equal(x.grad, 0 * x.data)

    def test_gradients_of_the_vectors_of_equal_eigenvalues_are_not_finite(self) -> None:
        x = leaf(np.eye(2))
        np.linalg.eigh(x).eigenvectors[0, 1].backward()
        assert not np.isfinite(x.grad).all()

    def test_singular_vectors_that_only_complete_a_basis(self) -> None:
        x = leaf(M)
        u, s, vh = np.linalg.svd(x)
        assert vh.shape == (4, 4)
        same = (u @ (s[:, None] * vh[:3])).sum()
        np.testing.assert_allclose(grad(same, x, retain_graph=True).data, np.ones((3, 4)))
        with pytest.raises(ValueError, match="write full_matrices=False"):
            vh.sum().backward()
        with pytest.raises(ValueError, match="more rows than columns"):
            np.linalg.qr(leaf(W), "complete")

    def test_of_one_output_only(self) -> None:
        for i in range(3):
            agree(lambda x, i=i: np.linalg.svd(x, full_matrices=False)[i] ** 2, M)
            agree(lambda x, i=i: np.linalg.svd(x, full_matrices=False)[i] ** 2, W)
        for i in range(2):
            agree(lambda x, i=i: np.linalg.qr(x)[i], M)
            agree(lambda x, i=i: np.linalg.qr(x)[i], W)
            agree(lambda x, i=i: np.linalg.eigh(x)[i] ** 2, SYMMETRIC)


class TestAgainstTorch:
    """Value, first and second gradient in float64, of functions that do not depend on signs."""

    PAIRS = {
        "inv": (lambda x: np.linalg.inv(x), lambda t, x: t.linalg.inv(x)),
        "pinv": (lambda x: np.linalg.pinv(x[..., :2]), lambda t, x: t.linalg.pinv(x[..., :2])),
        "det": (lambda x: np.linalg.det(x), lambda t, x: t.linalg.det(x)),
        "slogdet": (lambda x: np.linalg.slogdet(x)[1], lambda t, x: t.linalg.slogdet(x)[1]),
        "solve": (lambda x: np.linalg.solve(x, x.mT), lambda t, x: t.linalg.solve(x, x.mT)),
        "cholesky": (
            lambda x: np.linalg.cholesky(x @ x.mT),
            lambda t, x: t.linalg.cholesky(x @ x.mT),
        ),
        "eigvalsh": (
            lambda x: np.linalg.eigvalsh(symmetric(x)),
            lambda t, x: t.linalg.eigvalsh(symmetric(x)),
        ),
        "eigh": (
            lambda x: np.linalg.eigh(symmetric(x))[1] ** 2,
            lambda t, x: t.linalg.eigh(symmetric(x))[1] ** 2,
        ),
        "svd": (
            lambda x: np.linalg.svd(x[..., :2], full_matrices=False)[0] ** 2,
            lambda t, x: t.linalg.svd(x[..., :2], full_matrices=False)[0] ** 2,
        ),
        "svdvals": (lambda x: np.linalg.svdvals(x), lambda t, x: t.linalg.svdvals(x)),
        "qr": (
            lambda x: abs(np.linalg.qr(x[..., :2])[0]),
            lambda t, x: abs(t.linalg.qr(x[..., :2])[0]),
        ),
        "qr wide": (
            lambda x: abs(np.linalg.qr(x[..., :2, :])[1]),
            lambda t, x: abs(t.linalg.qr(x[..., :2, :])[1]),
        ),
        "matrix_power": (
            lambda x: np.linalg.matrix_power(x, -3),
            lambda t, x: t.linalg.matrix_power(x, -3),
        ),
        "nuc": (
            lambda x: np.linalg.norm(x, "nuc", axis=(-2, -1)),
            lambda t, x: t.linalg.matrix_norm(x, "nuc"),
        ),
        "2": (
            lambda x: np.linalg.norm(x, 2, axis=(-2, -1)),
            lambda t, x: t.linalg.matrix_norm(x, 2),
        ),
        "einsum": (
            lambda x: np.einsum("...ij,...jk,...ki->...j", x, x, x),
            lambda t, x: t.einsum("...ij,...jk,...ki->...j", x, x, x),
        ),
    }

    @pytest.mark.parametrize("name", PAIRS)
    @pytest.mark.parametrize("data", [S, B, 100 * S])
    def test_pair(self, name: str, data: np.ndarray) -> None:
        torch = pytest.importorskip("torch")
        ours, theirs = self.PAIRS[name]
        x, y = leaf(data), torch.tensor(data, requires_grad=True)
        a, b = ours(x), theirs(torch, y)
        w, u = np.random.default_rng(1).normal(size=(2, *data.shape))
        w = w.ravel()[: a.size].reshape(a.shape)
        close(a, b)
        first = grad((a * w).sum(), x, create_graph=True)
        (other,) = torch.autograd.grad((b * torch.tensor(w)).sum(), y, create_graph=True)
        close(first, other)
        second = grad((first * u).sum(), x)
        close(second, torch.autograd.grad((other * torch.tensor(u)).sum(), y)[0])


def close(ours: Tensor, theirs: Any) -> None:
    theirs = theirs.detach().numpy()
    scale = float(np.abs(theirs).max()) or 1.0
    np.testing.assert_allclose(ours.data, theirs, rtol=1e-8, atol=1e-9 * scale)


def test_empty_stacks_of_float32_matrices() -> None:
    x = leaf(np.zeros((0, 3, 3)), np.float32)
    for function in (np.linalg.inv, np.linalg.det, np.linalg.eigvalsh, ops.cofactor):
        y = function(x)
        assert y.dtype == np.float32
        y.sum().backward()
        assert x.grad.shape == (0, 3, 3)
