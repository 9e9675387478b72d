"""Functions that rearrange and index elements, composed of a few ops; creation of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, grad, ops

from .agreement import agree, leaf

RNG = np.random.default_rng(0)
V, M, W, C = (RNG.normal(size=s) for s in [(4,), (3, 4), (3, 4), (2, 3, 4)])
ONE = [
    np.ravel, np.atleast_1d, np.atleast_2d, np.atleast_3d, np.diagflat, np.copy, np.flip,
    lambda x: np.ravel(x, order="F"),
    lambda x: np.tile(x, 2),
    lambda x: np.tile(x, (2, 1, 3)),
    lambda x: np.tile(x, ()),
    lambda x: np.tile(x, 0),
    lambda x: np.append(x, x),
    lambda x: np.meshgrid(x),
    lambda x: np.broadcast_arrays(x, np.zeros((2, 1, 1))),
]  # fmt: skip
ROWS = [
    np.flipud, np.diag, np.vstack, np.hstack, np.dstack, np.column_stack,
    lambda x: np.diag(x, 1),
    lambda x: np.diag(x, -2),
    lambda x: np.diagflat(x, -1),
    lambda x: np.append(x, x[:1], axis=0),
    lambda x: np.array_split(x, 3),
    lambda x: np.array_split(x, [1, 2, 9], axis=-1),
    lambda x: np.split(x, [2, 1, -1]),
    lambda x: np.split(x, 1),
    lambda x: np.hsplit(x, 2),
    lambda x: np.compress([True, False, True], x, axis=0),
    lambda x: np.compress([False, True, True], x),
    lambda x: np.take_along_axis(x, np.argsort(x, -1), -1),
    lambda x: np.take_along_axis(x, np.array([0, 3, 0]), None),
    lambda x: np.take_along_axis(x, np.zeros((1,) * x.ndim, int), 0),
    lambda x: np.take(x, [[0, -1], [1, 1]], -1),
]  # fmt: skip
MATRICES = [
    np.fliplr, np.diagonal, np.matrix_transpose, np.linalg.matrix_transpose, np.linalg.diagonal,
    np.linalg.trace,
    lambda x: np.diagonal(x, 1),
    lambda x: np.diagonal(x, -2, 1, 0),
    lambda x: np.diagonal(x, 9),
    lambda x: np.diagonal(x, -9, -1, -2),
    lambda x: np.vsplit(x, [1, 2]),
    lambda x: np.partition(x, 1),
    lambda x: np.partition(x, [0, 1], axis=0),
    lambda x: np.partition(x, 3, axis=None),
]  # fmt: skip


@pytest.mark.parametrize("function", ONE)
@pytest.mark.parametrize("x", [np.array(1.5), V, M, C, np.zeros((0, 2))])
def test_of_any_array(function: Any, x: np.ndarray) -> None:
    agree(function, x)


@pytest.mark.parametrize("function", ROWS)
@pytest.mark.parametrize("x", [V, M])
def test_of_rows(function: Any, x: np.ndarray) -> None:
    agree(function, x)


@pytest.mark.parametrize("function", MATRICES)
def test_of_matrices(function: Any) -> None:
    agree(function, M)
    agree(function, C)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: np.vstack([x, y, x]),
        lambda x, y: np.hstack((x, y)),
        lambda x, y: np.dstack([x, y]),
        lambda x, y: np.column_stack([x, y, x[:, 0]]),
        lambda x, y: np.append(x, y),
        lambda x, y: np.append(x, y, axis=1),
        lambda x, y: np.meshgrid(x[0], y[:, 0], np.ones(2)),
        lambda x, y: np.meshgrid(x[0], y[:, 0], indexing="ij"),
        lambda x, y: np.meshgrid(x[0], y[:, 0], sparse=True),
        lambda x, y: np.broadcast_arrays(x[:, :1], y[0], 3 * y),
        lambda x, y: np.atleast_3d(x, y[0]),
        lambda x, y: np.dsplit(np.stack([x, y], -1), 2),
    ],
)
def test_of_two(function: Any) -> None:
    agree(function, M, W)


@pytest.mark.skipif(not hasattr(np, "unstack"), reason="NumPy 2.1 or newer")
def test_unstack() -> None:
    agree(np.unstack, C)
    agree(lambda x: np.unstack(x, axis=-2), C)


def test_methods() -> None:
    x = leaf(C)
    for got, want in [
        (x.reshape(6, 4, order="F"), C.reshape(6, 4, order="F")),
        (x.flatten("F"), C.flatten("F")),
        (x.ravel(), C.ravel()),
        (x.repeat(2, axis=1), C.repeat(2, axis=1)),
        (x.take([0, 5]), C.take([0, 5])),
        (x.compress([False, True], axis=0), C.compress([False, True], axis=0)),
        (x.diagonal(1, 1, 2), C.diagonal(1, 1, 2)),
        (x.swapaxes(axis1=0, axis2=2), C.swapaxes(0, 2)),
        (x.moveaxis(0, -1), np.moveaxis(C, 0, -1)),
        (x.tile(2), np.tile(C, 2)),
        (x.flip(1), np.flip(C, 1)),
        (x.fliplr(), np.fliplr(C)),
        (x.roll(2), np.roll(C, 2)),
        (x.rot90(axes=(1, 2)), np.rot90(C, axes=(1, 2))),
        (x.tril(-1), np.tril(C, -1)),
        (x.mT, C.mT),
    ]:
        np.testing.assert_array_equal(got.data, want, strict=True)
        assert got.requires_grad
    for plain, want in [
        (x.argsort(), C.argsort()),
        (x.argsort(axis=0, kind="stable"), C.argsort(0)),
        (np.argpartition(x, 1), np.argpartition(C, 1)),
        (x.argpartition(1), C.argpartition(1)),
    ]:
        assert type(plain) is np.ndarray
        np.testing.assert_array_equal(plain, want)


def test_astype() -> None:
    x = leaf(M)
    assert x.astype(np.float32).dtype == np.float32
    assert type(x.astype(int)) is np.ndarray
    assert x.astype(np.float64, copy=False) is x
    if hasattr(np, "astype"):
        assert np.astype(x, np.float32).requires_grad


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (lambda x: np.pad(x, 1, "mean"), ValueError, "'mean' has no derivative here; it can be"),
        (lambda x: np.pad(x, 1, "edge", constant_values=1), ValueError, "constant_values"),
        (lambda x: np.pad(x, 1, stat_length=2), TypeError, "stat_length"),
        (lambda x: np.split(x, 3), ValueError, "no 3 equal sections; np.array_split"),
        (lambda x: np.array_split(x, 0), ValueError, "into 0 sections"),
        (lambda x: np.hsplit(x[0, 0], 1), ValueError, "hsplit needs 1 axes or more"),
        (lambda x: np.fliplr(x[0]), ValueError, "fliplr needs 2 axes or more, and was given 1"),
        (lambda x: np.diag(np.stack([x, x])), ValueError, "diag takes a vector or a matrix"),
        (lambda x: np.diagonal(x, 0, 1, 1), ValueError, "repeated axis"),
        (lambda x: np.reshape(x, -1, order="K"), ValueError, "order is 'C'"),
        (lambda x: np.meshgrid(x[0], indexing="q"), ValueError, "indexing is 'xy' or 'ij'"),
        (lambda x: np.take(x, 8), IndexError, "take: index 8 is out of bounds"),
        (lambda x: np.take_along_axis(x, np.array([0]), 1), ValueError, "as many axes as the"),
        (lambda x: np.take_along_axis(x, np.zeros((2, 1)), 1), IndexError, "must be integers"),
        (lambda x: np.take_along_axis(x, np.zeros((2, 1), int), 2), ValueError, "axis 2 is out"),
        (lambda x: np.compress([[True]], x), ValueError, "must have one axis, and has 2"),
        (lambda x: x.mT[0].mT, ValueError, "axis"),
    ],
)
def test_errors(function: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        function(leaf(np.ones((2, 4))))


class TestScatter:
    """index_add and index_put, the functional counterparts of item assignment."""

    INDICES = [
        [0, 0, 2], np.array([[0, 0], [-1, 1]]), (np.array([0, 0]), np.array([1, 1])), ([0, -3], 1),
        (slice(None), [1, 1, -1]), (Ellipsis, [0, 0]), (np.array([True, False, True]), [0, 1]), 1,
        (slice(2, None, -1), 0), None, ((0, 0),), (np.int64(1), np.array([2, 2])), [], -1,
        np.array(2), range(2), (np.array([[0], [0]]), np.array([1, 1])), M > 0,
    ]  # fmt: skip

    @pytest.mark.parametrize("index", INDICES)
    def test_every_index(self, index: Any) -> None:
        added, put = M.copy(), M.copy()
        values = RNG.normal(size=M[index].shape)
        np.add.at(added, index, values)
        put[index] = values
        np.testing.assert_allclose(ops.index_add(leaf(M), index, values).data, added)
        np.testing.assert_array_equal(ops.index_put(leaf(M), index, values).data, put)
        agree(lambda x: x[index], M)
        agree(lambda x, v: ops.index_add(x, index, v), M, values)
        agree(lambda x, v: ops.index_put(x, index, v), M, values)

    def test_values_broadcast(self) -> None:
        agree(lambda x, v: ops.index_add(x, [0, 0], v), M, V)
        agree(lambda x, v: ops.index_put(x, [0, 0, 1], v), M, V)
        x = leaf(M, np.float32)
        assert ops.index_add(x, 0, 1.0).dtype == ops.index_put(x, 0, [1, 2, 3, 4]).dtype == x.dtype

    def test_the_last_of_equal_indices_wins(self) -> None:
        values = leaf([1.0, 2.0, 3.0])
        put = ops.index_put(np.zeros(2), [0, 0, 1], values)
        np.testing.assert_array_equal(put.data, [2.0, 3.0])
        np.testing.assert_array_equal(grad(put.sum(), values).data, [0.0, 1.0, 1.0])

    def test_a_million_repeated_indices(self) -> None:
        x = leaf(np.zeros(10), np.float32)
        index = np.random.default_rng(0).integers(0, 10, 1_000_000)
        x[index].sum().backward()
        np.testing.assert_array_equal(x.grad, np.bincount(index))


class TestGather:
    def test_against_torch(self) -> None:
        torch = pytest.importorskip("torch")
        index = RNG.integers(0, 2, size=(5, 2, 3))
        for axis in (0, -3):
            want = torch.gather(torch.tensor(C), axis, torch.tensor(index[:, :2, :3]))
            got = ops.gather(leaf(C), axis, index)
            np.testing.assert_array_equal(got.data, want.numpy())
        agree(lambda x: ops.gather(x, 0, index), C)
        np.testing.assert_array_equal(leaf(C).gather(0, index).data, got.data)

    def test_an_index_longer_than_the_array(self) -> None:
        with pytest.raises(IndexError):
            ops.gather(leaf(M), 1, np.zeros((4, 1), int))


class TestSort:
    def test_equal_elements_keep_their_order(self) -> None:
        x = leaf([2.0, 1.0, 2.0, 1.0])
        np.sort(x, kind="stable").backward([1.0, 2.0, 3.0, 4.0])
        np.testing.assert_array_equal(x.grad, [3.0, 1.0, 4.0, 2.0])

    def test_nan_is_sorted_last(self) -> None:
        x = leaf([np.nan, 1.0, 0.0])
        np.sort(x, kind="stable").backward([1.0, 2.0, 3.0])
        np.testing.assert_array_equal(x.grad, [3.0, 2.0, 1.0])

    def test_partition_finds_the_kth_element(self) -> None:
        data = RNG.permutation(1000.0 * np.arange(1000))
        parts = np.partition(leaf(data), 300).data
        assert parts[300] == 300_000
        assert parts[:300].max() < 300_000 < parts[301:].min()


class TestCreation:
    @pytest.mark.parametrize(
        ("name", "args"),
        [
            ("zeros", (3,)),
            ("ones", ((2, 3),)),
            ("full", ((2,), 1.5)),
            ("arange", (1, 7, 2)),
            ("linspace", (0.0, 1.0, 5)),
            ("eye", (3, 4, 1)),
            ("zeros_like", (M,)),
            ("ones_like", (M,)),
            ("full_like", (M, 2)),
        ],
    )
    def test_against_numpy(self, name: str, args: Any) -> None:
        want = getattr(np, name)(*args)
        got = getattr(ops, name)(*args)
        np.testing.assert_array_equal(got.data, want, strict=True)
        assert not got.requires_grad
        named = getattr(ops, name)(*args, requires_grad=True, name="w", dtype=np.float32)
        assert (named.name, named.dtype, named.is_leaf) == ("w", np.float32, True)
        assert getattr(ops, name).__name__ == name

    def test_like_a_tensor(self) -> None:
        x = Tensor(M, requires_grad=True)
        assert ops.zeros_like(x).shape == x.shape
        assert type(np.zeros_like(x)) is np.ndarray

    def test_random(self) -> None:
        drawn = ops.normal(np.random.default_rng(3), (1000, 2), 5.0, 0.1, requires_grad=True)
        want = np.random.default_rng(3).normal(5.0, 0.1, (1000, 2))
        np.testing.assert_array_equal(drawn.data, want)
        assert drawn.requires_grad
        drawn = ops.uniform(np.random.default_rng(3), (1000,), -1, 1, dtype=np.float32, name="u")
        assert (drawn.name, drawn.dtype, drawn.shape) == ("u", np.float32, (1000,))
        assert -1 <= drawn.data.min() < -0.9
        assert 0.9 < drawn.data.max() < 1
