"""Activation modules against PyTorch's of the same name: values and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nn
from tinygrad_edu import Tensor

torch = pytest.importorskip("torch")

CALLS: list[tuple[str, dict[str, Any]]] = [
    ("ReLU", {}),
    ("LeakyReLU", {}),
    ("LeakyReLU", {"negative_slope": 0.3}),
    ("ELU", {}),
    ("ELU", {"alpha": 0.4}),
    ("CELU", {}),
    ("CELU", {"alpha": 0.4}),
    ("SELU", {}),
    ("ReLU6", {}),
    ("Hardsigmoid", {}),
    ("Hardswish", {}),
    ("Hardshrink", {}),
    ("Hardshrink", {"lambd": 1.2}),
    ("Softshrink", {}),
    ("Softshrink", {"lambd": 0.0}),
    ("Tanhshrink", {}),
    ("Threshold", {"threshold": 0.5, "value": -2.0}),
    ("GLU", {}),
    ("GLU", {"axis": 0}),
    ("Softmin", {"axis": -1}),
    ("Softmin", {"axis": 1}),
    ("Hardtanh", {}),
    ("Hardtanh", {"min_val": -0.3, "max_val": 1.2}),
    ("GELU", {}),
    ("GELU", {"approximate": "tanh"}),
    ("SiLU", {}),
    ("Mish", {}),
    ("Softplus", {}),
    ("Softplus", {"beta": 3.0}),
    ("Softplus", {"beta": 0.5, "threshold": 1.0}),
    ("Softsign", {}),
    ("Tanh", {}),
    ("Sigmoid", {}),
    ("LogSigmoid", {}),
    ("Softmax", {"axis": -1}),
    ("Softmax", {"axis": 1}),
    ("LogSoftmax", {"axis": -1}),
    ("LogSoftmax", {"axis": 0}),
    ("Identity", {}),
]


def values(shape: tuple[int, ...]) -> np.ndarray:
    x = np.random.default_rng(len(shape)).normal(size=shape) * 3
    x.flat[:3] = [-30.0, 30.0, 0.1]
    return x


def compare(ours: nn.Module, theirs: Any, x: np.ndarray) -> None:
    x_ours, x_theirs = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, expected = ours(x_ours), theirs(x_theirs)
    np.testing.assert_allclose(y.data, expected.detach().numpy(), rtol=1e-8, atol=1e-8)
    weight = np.random.default_rng(1).normal(size=y.shape)
    (y * weight).sum().backward()
    (expected * torch.tensor(weight)).sum().backward()
    np.testing.assert_allclose(x_ours.grad, x_theirs.grad.numpy(), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("shape", [(8, 6), (4, 3, 6), (2, 3, 4, 6)])
@pytest.mark.parametrize(("name", "options"), CALLS)
def test_torch_activations(name: str, options: dict[str, Any], shape: tuple[int, ...]) -> None:
    renamed = {{"axis": "dim"}.get(key, key): value for key, value in options.items()}
    compare(getattr(nn, name)(**options), getattr(torch.nn, name)(**renamed), values(shape))


KINKS = [-6.0, -3.0, -0.5, 0.0, 0.5, 3.0, 6.0, 20.0]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", [name for name, options in CALLS if not options])
def test_torch_at_kinks_and_at_extremes(name: str, dtype: Any) -> None:
    if name == "Hardtanh":
        pytest.skip("its bounds pass the gradient, as clip's")
    numbers = [*KINKS, 1e4, -1e4, 1e-30, -1e-30]
    x_ours, x_theirs = np.array(numbers, dtype), torch.tensor(np.array(numbers, dtype))
    leaf, other = Tensor(x_ours, requires_grad=True), x_theirs.requires_grad_()
    y, expected = getattr(nn, name)()(leaf), getattr(torch.nn, name)()(other)
    assert y.dtype == dtype
    np.testing.assert_allclose(y.data, expected.detach().numpy(), rtol=1e-5, atol=1e-6)
    y.sum().backward()
    expected.sum().backward()
    np.testing.assert_allclose(leaf.grad, other.grad.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("n", "shape"), [(1, (7,)), (1, (7, 5)), (5, (7, 5)), (4, (3, 4, 5)), (3, (2, 3, 4, 5))]
)
def test_torch_prelu(n: int, shape: tuple[int, ...]) -> None:
    theirs = torch.nn.PReLU(n, init=0.3, dtype=torch.float64)
    ours = nn.PReLU(n, init=0.3, dtype=np.float64)
    np.testing.assert_array_equal(ours.weight.data, theirs.weight.detach().numpy())
    slopes = np.linspace(-0.2, 0.6, n)
    ours.load_state_dict({"weight": slopes})
    theirs.load_state_dict({"weight": torch.tensor(slopes)})
    x = values(shape)
    x.flat[3] = 0.0  # both let the slope's side through at the kink
    compare(ours, theirs, x)
    assert ours.weight.grad is not None
    np.testing.assert_allclose(ours.weight.grad, theirs.weight.grad.numpy(), rtol=1e-10)
