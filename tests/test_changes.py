"""What backward needs and finds changed is an error and not a wrong number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nn
from tinygrad_edu import Tensor, grad, no_grad


def leaf(value: Any = 2.0, name: str = "w") -> Tensor:
    return Tensor(np.array(value, float), requires_grad=True, name=name)


def subtract_under_no_grad(w: Tensor) -> None:
    with no_grad():
        w -= 0.1 * np.ones(w.shape)


def scale_data(w: Tensor) -> None:
    w.data *= 0.5


def step(w: Tensor) -> None:
    optimizer = nn.SGD([w], lr=0.1)
    w.grad = np.ones(w.shape)
    optimizer.step()


def told(w: Tensor) -> None:
    w.data[...] = 5.0
    w.mark_changed()


CHANGES: list[Callable[[Tensor], None]] = [subtract_under_no_grad, scale_data, step, told]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("shape", [(), (3,)])
def test_a_change_before_backward_is_an_error(change: Any, shape: Any) -> None:
    w = leaf(np.full(shape, 2.0))
    loss = (w * w * w).sum()
    change(w)
    with pytest.raises(RuntimeError, match="'w' was changed in place after multiply had kept"):
        loss.backward()


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_computed_after_the_change_is_right(change: Any) -> None:
    w = leaf([2.0, 3.0])
    (w * w).sum().backward()
    change(w)
    w.zero_grad()
    (w * w).sum().backward()
    np.testing.assert_allclose(w.grad, 2 * w.data)


def test_views_are_found_and_the_layer_is_named() -> None:
    w = leaf([[2.0, 3.0]])
    x = Tensor([[1.0], [1.0]], requires_grad=True)
    loss = (w.T.reshape(1, 2)[:] @ x).sum()
    scale_data(w)
    with pytest.raises(RuntimeError, match="after matmul had kept"):
        loss.backward()
    model = nn.Sequential(nn.Dense(2, 2))
    loss = model(Tensor(np.ones((1, 2)), requires_grad=True)).sum()
    model[0].weight.data *= 2
    with pytest.raises(RuntimeError, match="'weight' was changed in place after dense in layer 0"):
        loss.backward()


def test_loading_a_state_counts_as_a_change() -> None:
    model, x = nn.Dense(2, 1), leaf([[1.0, 1.0]])
    loss = model(x).sum()
    model.load_state_dict(model.state_dict())
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


def test_a_graph_that_reads_no_changed_value_is_swept() -> None:
    w, b = leaf(2.0), leaf(1.0, "b")
    loss = w * w + b
    b.data *= 2
    loss.backward()
    assert w.grad == 4
    total = w + b  # an addition reads nothing
    w.data *= 2
    total.backward()
    assert b.grad == 2


def test_only_what_is_asked_for_is_checked() -> None:
    w, x = leaf(2.0), leaf(3.0, "x")
    y = w * w + x * x
    w.data *= 2
    assert grad(y, x, retain_graph=True).item() == 6
    with pytest.raises(RuntimeError, match="'w' was changed"):
        grad(y, w)


def test_new_data_leaves_old_results_as_they_were() -> None:
    w = leaf([2.0, 3.0])
    loss = (w * w).sum()
    w.data = w.data - 1.0
    loss.backward()
    assert w.grad is not None
    assert w.grad.tolist() == [4, 6]


class TestData:
    def test_a_scalar_parameter_stays_an_array(self) -> None:
        p = leaf(2.0)
        p.data = p.data - 0.5
        assert type(p.data) is np.ndarray
        with no_grad():
            p -= 0.5
        assert p.data == 1.0
        p.data = 3
        assert p.dtype == np.float64
        (p * p).backward()
        assert p.grad == 6

    def test_it_holds_real_numbers(self) -> None:
        p = leaf(2.0)
        with pytest.raises(TypeError, match="real numbers"):
            p.data = 1j
        with pytest.raises(TypeError, match="real numbers"):
            p.data = "text"
        assert p.data == 2.0

    def test_a_tensor_gives_its_array(self) -> None:
        p = leaf(2.0)
        p.data = Tensor(3.0)
        assert p.data == 3.0
        assert type(p.data) is np.ndarray
