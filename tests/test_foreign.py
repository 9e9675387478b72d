"""Arrays of other libraries, and subclasses of NumPy's: rightly taken, or refused with a remedy."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, grad, ops

X = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
OPERATORS = [operator.add, operator.mul, operator.matmul, operator.sub, operator.truediv]


def with_a_matrix() -> Any:
    with pytest.warns(PendingDeprecationWarning):
        return np.matrix([[1.0, 0.0], [0.0, 1.0]])


MASKED = np.ma.masked_array([[1.0, 2.0], [3.0, 4.0]], [[False, True], [False, False]])


@pytest.mark.parametrize("operate", OPERATORS)
class TestSubclassesThatComputeOtherwise:
    def test_a_matrix(self, operate: Any) -> None:
        m = with_a_matrix()
        for a, b in ((X, m), (m, X)):
            with pytest.raises(TypeError, match=r"numpy's matrix; write np.asarray\(m\)"):
                operate(a, b)

    def test_a_masked_array(self, operate: Any) -> None:
        for a, b in ((X, MASKED), (MASKED, X)):
            with pytest.raises(TypeError, match=r"write m.filled\(0\)|would cut it off"):
                operate(a, b)


def test_they_are_refused_in_sequences_and_by_numpy() -> None:
    with pytest.raises(TypeError, match="MaskedArray"):
        ops.concatenate([X, MASKED])
    with pytest.raises(TypeError, match="MaskedArray"):
        np.where([[True, False]], X, MASKED)
    with pytest.raises(TypeError, match="has no mask"):
        Tensor(MASKED)


def test_other_subclasses_are_arrays(tmp_path: Any) -> None:
    class Named(np.ndarray):
        pass

    for values in (
        np.ones(2).view(Named),
        np.rec.array(np.ones(2)),
        np.memmap(tmp_path / "x", np.float64, "w+", shape=(2,)),
    ):
        values[...] = 3.0
        assert (grad((X * values).sum(), X).data == 3).all()
        assert (grad((values * X).sum(), X).data == 3).all()


class Enumeration(int):
    pass


@pytest.mark.parametrize(
    "number", [Enumeration(3), True, np.float16(3), np.longdouble(3), np.uint8(3), np.True_]
)
def test_numbers_of_every_kind(number: Any) -> None:
    assert (grad((X * number).sum(), X).data == float(number)).all()


def test_scipy_sparse() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    for s in (sparse.csr_matrix(np.eye(2)), sparse.csr_array(np.eye(2))):
        with pytest.raises(TypeError, match=r"scipy's csr_.*; write s.toarray\(\)"):
            X @ s
        with pytest.raises(TypeError, match=r"toarray|cut off the graph|cut it off"):
            s @ X


def test_like_pandas_and_torch() -> None:
    class Series:
        dtype = np.dtype(float)

        def to_numpy(self) -> Any: ...

    class Foreign:
        dtype = "torch.float32"

        def detach(self) -> Any: ...

        def numpy(self) -> Any: ...

    with pytest.raises(TypeError, match=r"Series; write s.to_numpy\(\)"):
        X * Series()
    with pytest.raises(TypeError, match=r"Foreign; write t.detach\(\).numpy\(\)"):
        X * Foreign()


def test_torch_itself() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match=r"torch's Tensor; write t.detach\(\).numpy\(\)"):
        X * torch.ones(2)


class TestConstantsAreArrays:
    """A Tensor without a gradient is its array to NumPy."""

    C = Tensor([1.0, 2.0, 3.0])

    def test_methods_of_ufuncs(self) -> None:
        assert np.add.reduce(self.C) == 6
        assert np.multiply.accumulate(self.C).tolist() == [1, 2, 6]
        assert np.subtract.outer(self.C, self.C).shape == (3, 3)
        a = np.zeros(3)
        np.add.at(a, [0, 0], self.C[:2])
        assert a.tolist() == [3, 0, 0]

    def test_functions_that_no_op_stands_for(self) -> None:
        np.testing.assert_allclose(np.fft.ifft(np.fft.fft(self.C)).real, self.C.data)
        assert np.histogram2d(self.C, self.C)[0].sum() == 3

    def test_out(self) -> None:
        a = np.zeros(3)
        assert np.add(self.C, 1.0, out=a) is a
        assert a.tolist() == [2, 3, 4]

    def test_updating_an_array_in_place(self) -> None:
        """The line of every from-scratch project."""
        w = {"W": np.ones(3)}
        g = {"W": self.C}
        w["W"] -= 0.1 * g["W"]
        assert type(w["W"]) is np.ndarray
        np.testing.assert_allclose(w["W"], [0.9, 0.8, 0.7])

    def test_updating_an_array_with_a_tracked_value_says_what_to_write(self) -> None:
        w = np.ones((2, 2))
        with pytest.raises(TypeError, match=r"np.subtract\(..., out=\).*a -= t.*`a = a - t`, or"):
            w -= X
        assert (w == 1).all()
