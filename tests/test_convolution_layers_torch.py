"""Convolution and pooling layers against PyTorch's with the same weights: values and gradients."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import nn
from tinygrad_edu import Tensor

torch = pytest.importorskip("torch")

DTYPES = [np.float64, np.float32]


def agree(ours: nn.Module, theirs: Any, shape: tuple[int, ...], dtype: Any, seed: int = 0) -> None:
    """Two layers on the same input, the second with the first's state."""
    rng = np.random.default_rng(seed)
    for p in ours.parameters():
        p.data[...] = rng.normal(size=p.shape)
    theirs = theirs.to(torch.from_numpy(np.zeros(0, dtype)).dtype)
    theirs.load_state_dict({k: torch.from_numpy(v) for k, v in ours.state_dict().items()})
    data = rng.normal(size=shape).astype(dtype)
    x, z = Tensor(data, requires_grad=True), torch.tensor(data, requires_grad=True)
    y, expected = ours(x), theirs(z)
    weight = rng.normal(size=y.shape).astype(dtype)
    (y * y * weight).sum().backward()
    (expected * expected * torch.from_numpy(weight)).sum().backward()
    tolerance = (
        {"rtol": 1e-9, "atol": 1e-9} if dtype == np.float64 else {"rtol": 2e-4, "atol": 2e-3}
    )
    same = lambda a, b: np.testing.assert_allclose(a, b.detach().numpy(), **tolerance)
    assert y.dtype == dtype
    same(y.data, expected)
    same(x.grad, z.grad)
    parameters = dict(theirs.named_parameters())
    for name, p in ours.named_parameters():
        same(p.grad, parameters.pop(name).grad)
    assert not parameters


def pairs(low: int, high: int, axes: int) -> Any:
    """A number, or one for each axis."""
    number = st.integers(low, high)
    return number | st.tuples(*[number] * axes)


@pytest.mark.parametrize("axes", [1, 2])
@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_torch_convolution(axes: int, data: st.DataObject) -> None:
    groups = data.draw(st.integers(1, 3))
    taken, made = (groups * data.draw(st.integers(1, 2)) for _ in range(2))
    options: dict[str, Any] = {
        "stride": data.draw(pairs(1, 3, axes)),
        "padding": data.draw(pairs(0, 2, axes) | st.sampled_from(["same", "valid"])),
        "dilation": data.draw(pairs(1, 2, axes)),
        "groups": groups,
        "bias": data.draw(st.booleans()),
    }
    if options["padding"] == "same":
        options["stride"] = 1
    kernel, dtype = data.draw(pairs(1, 3, axes)), data.draw(st.sampled_from(DTYPES))
    shape = (
        data.draw(st.integers(1, 2)),
        taken,
        *data.draw(st.tuples(*[st.integers(5, 8)] * axes)),
    )
    name = f"Conv{axes}d"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch copies for padding="same" and an even kernel
        agree(
            getattr(nn, name)(taken, made, kernel, **options, dtype=dtype),
            getattr(torch.nn, name)(taken, made, kernel, **options),
            shape,
            dtype,
        )


@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_torch_transposed_convolution(data: st.DataObject) -> None:
    groups = data.draw(st.integers(1, 3))
    taken, made = (groups * data.draw(st.integers(1, 2)) for _ in range(2))
    stride, dilation = data.draw(pairs(1, 3, 2)), data.draw(pairs(1, 2, 2))
    extra = data.draw(pairs(0, 2, 2))
    most = np.maximum(np.broadcast_to(stride, 2), np.broadcast_to(dilation, 2))
    assume((np.broadcast_to(extra, 2) < most).all())
    arguments = (
        taken, made, data.draw(pairs(1, 3, 2)), stride, data.draw(pairs(0, 1, 2)), extra, groups,
        data.draw(st.booleans()), dilation,
    )  # fmt: skip
    dtype = data.draw(st.sampled_from(DTYPES))
    shape = (2, taken, *data.draw(st.tuples(st.integers(3, 5), st.integers(3, 5))))
    agree(
        nn.ConvTranspose2d(*arguments, dtype=dtype),
        torch.nn.ConvTranspose2d(*arguments),
        shape,
        dtype,
    )


@pytest.mark.parametrize("name", ["MaxPool1d", "MaxPool2d", "AvgPool1d", "AvgPool2d"])
@settings(max_examples=20, deadline=None, derandomize=True)
@given(data=st.data())
def test_torch_pooling(name: str, data: st.DataObject) -> None:
    axes = int(name[-2])
    kernel = data.draw(st.tuples(*[st.integers(1, 4)] * axes))
    options: dict[str, Any] = {
        "stride": data.draw(st.none() | pairs(1, 3, axes)),
        "padding": data.draw(st.tuples(*[st.integers(0, k // 2) for k in kernel])),
    }
    if name.startswith("Avg"):
        options["count_include_pad"] = data.draw(st.booleans())
    shape = (2, 3, *data.draw(st.tuples(*[st.integers(4, 8)] * axes)))
    agree(
        getattr(nn, name)(kernel, **options),
        getattr(torch.nn, name)(kernel, **options),
        shape,
        data.draw(st.sampled_from(DTYPES)),
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, (1, 2), (3, 4), 7, (5, 6)])
def test_torch_adaptive_pooling(size: Any, dtype: Any) -> None:
    agree(nn.AdaptiveAvgPool2d(size), torch.nn.AdaptiveAvgPool2d(size), (2, 3, 5, 6), dtype)


def test_torch_global_pooling() -> None:
    theirs = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    agree(nn.GlobalAvgPool(), theirs, (2, 3, 5, 6), np.float64)
