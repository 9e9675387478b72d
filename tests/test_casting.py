"""Models in another floating type: to, float, double, half."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nn

X = np.arange(12.0).reshape(4, 3)


def network() -> Any:
    nn.manual_seed(0)
    return nn.Sequential(nn.Dense(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Dense(4, 2))


@pytest.mark.parametrize(
    ("cast", "dtype"),
    [
        (lambda m: m.double(), np.float64),
        (lambda m: m.half(), np.float16),
        (lambda m: m.double().float(), np.float32),
        (lambda m: m.to(np.float64), np.float64),
        (lambda m: m.to("float64"), np.float64),
        (lambda m: m.to(float), np.float64),
        (lambda m: m.to("cpu"), np.float32),
    ],
)
def test_parameters_buffers_and_gradients_are_cast(cast: Any, dtype: Any) -> None:
    model = network()
    model(X).sum().backward()
    before, gradients = model.state_dict(), [p.grad for p in model.parameters()]
    parameters = list(model.parameters())
    assert cast(model) is model
    for p, same, gradient in zip(model.parameters(), parameters, gradients, strict=True):
        assert p is same
        assert p.requires_grad
        assert p.is_leaf
        assert p.dtype == p.grad.dtype == dtype
        np.testing.assert_allclose(p.grad, gradient, rtol=1e-3, atol=1e-6)
    for name, value in model.state_dict().items():
        kind = value.dtype if value.dtype.kind == "i" else dtype
        assert value.dtype == kind == (before[name].dtype if value.dtype.kind == "i" else dtype)
        np.testing.assert_allclose(value, before[name], rtol=1e-3)
    assert model(X).dtype == dtype
    assert [value.dtype.kind for _, value in model.named_buffers()].count("i") == 1


def test_frozen_parameters_are_cast_and_integers_stay() -> None:
    model = network().requires_grad_(False)
    model.table = nn.Parameter(np.arange(3), requires_grad=False)
    model.double()
    assert model[0].weight.dtype == np.float64
    assert not model[0].weight.requires_grad
    assert model.table.dtype == np.arange(3).dtype


def test_wrong_types_and_devices() -> None:
    model = network()
    for device in ("cuda", "cuda:0", "mps"):
        with pytest.raises(ValueError, match=r"no device '.*'; leave it out, all runs on the CPU"):
            model.to(device)
    for dtype in (np.int64, "flot", None, 3, "int8", complex):
        with pytest.raises(TypeError, match=r"to\(\) takes a floating type, such as np\.float64"):
            model.to(dtype)
    with pytest.raises(AttributeError, match="all runs on the CPU"):
        model.cuda()
    assert model[0].weight.dtype == np.float32


def small() -> Any:
    nn.manual_seed(0)
    return nn.Sequential(nn.Dense(3, 4), nn.Tanh(), nn.Dense(4, 2))


@pytest.mark.parametrize(
    "make",
    [
        lambda p: nn.SGD(p, lr=0.01, momentum=0.9),
        lambda p: nn.Adam(p, lr=0.01),
        lambda p: nn.RMSprop(p, lr=0.01, momentum=0.9),
    ],
)
def test_an_optimizer_goes_on_after_a_cast(make: Any) -> None:
    def train(model: Any, optimizer: Any, n: int) -> None:
        for _ in range(n):
            optimizer.zero_grad()
            loss = nn.mse_loss(model(X), np.ones((4, 2)))
            loss.backward()
            optimizer.step()

    model, reference = small(), small().double()
    optimizer, other = make(model.parameters()), make(reference.parameters())
    train(model, optimizer, 3)
    model.double()
    train(model, optimizer, 5)
    train(reference, other, 8)
    for p, q in zip(model.parameters(), reference.parameters(), strict=True):
        assert p.dtype == np.float64
        np.testing.assert_allclose(p.data, q.data, rtol=1e-3, atol=1e-3)
    arrays = [v for s in optimizer.state.values() for v in s.values() if isinstance(v, np.ndarray)]
    assert {a.dtype for a in arrays} == {np.dtype(np.float64)}
    model.float()
    train(model, optimizer, 1)
    assert model[0].weight.dtype == np.float32
