"""Joining, splitting and iterating take memory and work that grow with the number of pieces."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, grad
from tinygrad_edu.graph import sweep


def leaves(n: int) -> list[Tensor]:
    return [Tensor([float(i)], requires_grad=True) for i in range(n)]


def vector(n: int) -> Tensor:
    return Tensor(np.arange(float(n)), requires_grad=True)


PROGRAMS: dict[str, Callable[[int], Any]] = {
    "concatenate": lambda n: np.concatenate(leaves(n)),
    "concatenate flat": lambda n: np.concatenate(leaves(n), None),
    "stack": lambda n: np.stack(leaves(n)),
    "vstack": lambda n: np.vstack(leaves(n)),
    "hstack": lambda n: np.hstack(leaves(n)),
    "iteration": lambda n: sum(x * x for x in vector(n)),
    "iteration over an inner result": lambda n: sum(x * x for x in vector(n) * 2),
    "iteration over rows": lambda n: sum((x * x).sum() for x in vector(2 * n).reshape(n, 2)),
    "split": lambda n: sum((x * x).sum() for x in np.split(vector(n), n)),
    "repeated fancy indices": lambda n: sum(
        (x[[i, i]] ** 2).sum() for x in [vector(n) * 1] for i in range(n)
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_memory_is_linear(name: str) -> None:
    def peak(n: int) -> int:
        tracemalloc.start()
        y = PROGRAMS[name](n).sum()
        y.backward()
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(10)
    small, large = peak(200), peak(800)
    assert large < 6 * small, (small, large)


def bytes_written(name: str, n: int) -> int:
    """What the sweep allocates in all, as NumPy reports it to tracemalloc's domain, in bytes."""
    y = PROGRAMS[name](n).sum()
    allocated = []
    real = np.zeros

    def zeros(shape: Any, dtype: Any = float, *args: Any, **kwargs: Any) -> Any:
        array = real(shape, dtype, *args, **kwargs)
        allocated.append(array.nbytes)
        return array

    np.zeros = zeros
    try:
        sweep({y.node: np.ones(())})
    finally:
        np.zeros = real
    return sum(allocated)


@pytest.mark.parametrize(
    "name", [name for name in PROGRAMS if "iteration" in name or "split" in name]
)
def test_rows_share_one_buffer(name: str) -> None:
    assert bytes_written(name, 400) <= 6 * max(bytes_written(name, 100), 8 * 200)


def test_gradients_are_right() -> None:
    x = Tensor(np.arange(12.0).reshape(4, 3), requires_grad=True)
    a, b, *rest = x
    y = (a * a).sum() + (a * b).sum() + sum((r**3).sum() for r in rest) + (x[[0, 0, 2]] * 5).sum()
    expected = np.array(
        [2 * x.data[0] + x.data[1] + 10, x.data[0], 3 * x.data[2] ** 2 + 5, 3 * x.data[3] ** 2]
    )
    np.testing.assert_allclose(grad(y, x, retain_graph=True).data, expected)
    y.backward()
    np.testing.assert_allclose(x.grad, expected)  # type: ignore[arg-type]


def test_adding_into_a_gradient_of_every_memory_order() -> None:
    """The first part of the gradient of w is a product whose memory is in Fortran's order."""
    w = Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    x = np.ones((3, 4))
    for index in ([0, 0, 1], (slice(None), [1, 1]), ([1, 1], [2, 2]), np.array([True, False])):
        product, picked = ((w.T.T @ x) ** 2).sum(), (w[index] ** 2).sum()
        separate = (
            grad(product, w, retain_graph=True).data + grad(picked, w, retain_graph=True).data
        )
        np.testing.assert_allclose(grad(product + picked, w, retain_graph=True).data, separate)
        w.zero_grad()
        (picked + product).backward()
        np.testing.assert_allclose(w.grad, separate)  # type: ignore[arg-type]
