"""Normalization layers against PyTorch's: values, gradients, state, training, evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from tinygrad_edu import Tensor

torch = pytest.importorskip("torch")

DTYPES = [np.float64, np.float32]


class Pair:
    """One of our layers and PyTorch's, with the same state, put through the same steps."""

    def __init__(self, name: str, arguments: dict[str, Any], dtype: Any) -> None:
        kind = torch.from_numpy(np.zeros(0, dtype)).dtype
        self.dtype = dtype
        self.ours = getattr(nn, name)(**arguments, dtype=dtype)
        self.theirs = getattr(torch.nn, name)(**arguments, dtype=kind)
        self.rng = np.random.default_rng(0)
        for p in self.ours.parameters():
            p.data[...] = self.rng.normal(size=p.shape)
        state = {k: torch.from_numpy(v) for k, v in self.ours.state_dict().items()}
        self.theirs.load_state_dict(state)

    def step(self, shape: tuple[int, ...]) -> None:
        """Values, gradients and state after one more input."""
        data = self.rng.normal(1, 2, shape).astype(self.dtype)
        x, z = Tensor(data, requires_grad=True), torch.tensor(data, requires_grad=True)
        self.ours.zero_grad()
        self.theirs.zero_grad()
        y, expected = self.ours(x), self.theirs(z)
        weight = self.rng.normal(size=y.shape).astype(self.dtype)
        (y * y * weight).sum().backward()
        (expected * expected * torch.from_numpy(weight)).sum().backward()
        assert y.dtype == self.dtype
        self.same(y.data, expected)
        self.same(x.grad, z.grad)
        for name, p in self.ours.named_parameters():
            self.same(p.grad, getattr(self.theirs, name).grad)
        state = self.theirs.state_dict()
        assert list(self.ours.state_dict()) == list(state)
        for key, value in self.ours.state_dict().items():
            self.same(value, state[key])
            assert value.dtype == state[key].numpy().dtype

    def same(self, a: Any, b: Any) -> None:
        double = self.dtype == np.float64
        tolerance = {"rtol": 1e-8, "atol": 1e-9} if double else {"rtol": 1e-3, "atol": 1e-3}
        np.testing.assert_allclose(a, b.detach().numpy(), **tolerance)


@pytest.mark.parametrize("space", [(), (3,), (2, 3), (2, 1, 3)])
@settings(max_examples=20, deadline=None, derandomize=True)
@given(data=st.data())
def test_torch_batch_norm(space: tuple[int, ...], data: st.DataObject) -> None:
    arguments = {
        "num_features": 3,
        "eps": data.draw(st.sampled_from([1e-5, 0.1])),
        "momentum": data.draw(st.sampled_from([0.1, 0.7, None])),
        "affine": data.draw(st.booleans()),
        "track_running_stats": data.draw(st.booleans()),
        "bias": data.draw(st.booleans()),
    }
    name = f"BatchNorm{max(len(space), 1)}d"
    pair = Pair(name, arguments, data.draw(st.sampled_from(DTYPES)))
    for training in (True, True, False, True, False):
        pair.ours.train(training)
        pair.theirs.train(training)
        pair.step((data.draw(st.integers(4, 6)), 3, *space))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("options", [{}, {"affine": False}, {"bias": False}])
@pytest.mark.parametrize("shape", [(3, 6), (2, 6, 4), (2, 6, 3, 2)])
@pytest.mark.parametrize("groups", [1, 2, 3])
def test_torch_group_norm(
    groups: int, shape: tuple[int, ...], options: dict[str, bool], dtype: Any
) -> None:
    arguments = {"num_groups": groups, "num_channels": 6, "eps": 0.01, **options}
    Pair("GroupNorm", arguments, dtype).step(shape)


SHAPES: list[tuple[Any, tuple[int, ...]]] = [
    (5, (3, 5)),
    ([5], (2, 3, 5)),
    ((3, 5), (2, 3, 5)),
    ((3, 4, 5), (2, 3, 4, 5)),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("options", [{}, {"elementwise_affine": False}, {"bias": False}])
@pytest.mark.parametrize(("normalized_shape", "shape"), SHAPES)
def test_torch_layer_norm(
    normalized_shape: Any, shape: tuple[int, ...], options: dict[str, bool], dtype: Any
) -> None:
    arguments = {"normalized_shape": normalized_shape, "eps": 0.01, **options}
    Pair("LayerNorm", arguments, dtype).step(shape)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("options", [{}, {"eps": 0.1}, {"elementwise_affine": False}])
@pytest.mark.parametrize(("normalized_shape", "shape"), SHAPES)
def test_torch_rms_norm(
    normalized_shape: Any, shape: tuple[int, ...], options: dict[str, Any], dtype: Any
) -> None:
    Pair("RMSNorm", {"normalized_shape": normalized_shape, **options}, dtype).step(shape)


def test_torch_defaults_are_the_same() -> None:
    for name, arguments, shape in (
        ("BatchNorm1d", {"num_features": 3}, (4, 3)),
        ("BatchNorm2d", {"num_features": 3}, (4, 3, 2, 2)),
        ("BatchNorm3d", {"num_features": 3}, (4, 3, 1, 2, 2)),
        ("GroupNorm", {"num_groups": 3, "num_channels": 6}, (4, 6)),
        ("LayerNorm", {"normalized_shape": 3}, (4, 3)),
        ("RMSNorm", {"normalized_shape": 3}, (4, 3)),
    ):
        Pair(name, arguments, np.float64).step(shape)
