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


def agree(ours: Any, theirs: Any, shape: tuple[int, ...], dtype: Any, seed: int = 0) -> None:
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


def batch(data: st.DataObject) -> tuple[int, ...]:
    """The batch axis, or none."""
    return data.draw(st.sampled_from([(2,), (1,), (), (0,)]))


@pytest.mark.parametrize("axes", [1, 2, 3])
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
    shape = (*batch(data), taken, *data.draw(st.tuples(*[st.integers(5, 10 - axes)] * axes)))
    name = f"Conv{axes}d"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch copies for padding="same" and an even kernel
        agree(
            getattr(nn, name)(taken, made, kernel, **options, dtype=dtype),
            getattr(torch.nn, name)(taken, made, kernel, **options),
            shape,
            dtype,
        )


@pytest.mark.parametrize("axes", [1, 2, 3])
@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_torch_transposed_convolution(axes: int, data: st.DataObject) -> None:
    groups = data.draw(st.integers(1, 3))
    taken, made = (groups * data.draw(st.integers(1, 2)) for _ in range(2))
    stride, dilation = data.draw(pairs(1, 3, axes)), data.draw(pairs(1, 2, axes))
    extra = data.draw(pairs(0, 2, axes))
    most = np.maximum(np.broadcast_to(stride, axes), np.broadcast_to(dilation, axes))
    assume((np.broadcast_to(extra, axes) < most).all())
    arguments = (
        taken, made, data.draw(pairs(1, 3, axes)), stride, data.draw(pairs(0, 1, axes)), extra,
        groups, data.draw(st.booleans()), dilation,
    )  # fmt: skip
    dtype, name = data.draw(st.sampled_from(DTYPES)), f"ConvTranspose{axes}d"
    shape = (*batch(data), taken, *data.draw(st.tuples(*[st.integers(3, 5)] * axes)))
    agree(
        getattr(nn, name)(*arguments, dtype=dtype),
        getattr(torch.nn, name)(*arguments),
        shape,
        dtype,
    )


# -------------------------------------------------------------------- pooling


def windows(data: st.DataObject, axes: int) -> tuple[Any, dict[str, Any]]:
    """A window's size, and how it moves."""
    kernel = data.draw(st.tuples(*[st.integers(1, 4)] * axes))
    padding = st.tuples(*[st.integers(0, k // 2) for k in kernel])
    return kernel, {
        "stride": data.draw(st.none() | pairs(1, 3, axes)),
        "padding": data.draw(padding),
        "ceil_mode": data.draw(st.booleans()),
    }


@pytest.mark.parametrize("name", [f"{kind}Pool{n}d" for kind in ("Max", "Avg") for n in (1, 2, 3)])
@settings(max_examples=30, deadline=None, derandomize=True)
@given(data=st.data())
def test_torch_pooling(name: str, data: st.DataObject) -> None:
    axes = int(name[-2])
    kernel, options = windows(data, axes)
    if name.startswith("Max"):
        options["dilation"] = data.draw(pairs(1, 2, axes))
    else:
        options["count_include_pad"] = data.draw(st.booleans())
        if axes > 1:
            options["divisor_override"] = data.draw(st.sampled_from([None, 1, 5]))
    shape = (*batch(data), 3, *data.draw(st.tuples(*[st.integers(7, 9)] * axes)))
    agree(
        getattr(nn, name)(kernel, **options),
        getattr(torch.nn, name)(kernel, **options),
        shape,
        data.draw(st.sampled_from(DTYPES)),
    )


@pytest.mark.parametrize("axes", [1, 2, 3])
@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_torch_max_unpooling(axes: int, data: st.DataObject) -> None:
    """Indices, and what is put back there, with gradients where no index is there twice."""
    kernel, options = windows(data, axes)
    apart = data.draw(st.booleans())
    if apart:
        options["stride"] = None
    shape = (*data.draw(st.sampled_from([(2,), ()])), 3, *[data.draw(st.integers(7, 9))] * axes)
    x = np.random.default_rng(0).normal(size=shape)
    pool, unpool = f"MaxPool{axes}d", f"MaxUnpool{axes}d"
    made = [
        getattr(package, pool)(kernel, **options, return_indices=True) for package in (nn, torch.nn)
    ]
    (y, indices), (z, expected) = made[0](x), made[1](torch.from_numpy(x))
    np.testing.assert_array_equal(y.data, z.numpy())
    np.testing.assert_array_equal(indices, expected.numpy())
    options.pop("ceil_mode")
    moving = [np.broadcast_to(options["stride"] or kernel, axes), options["padding"], kernel]
    steps = list(zip(y.shape[-axes:], shape[-axes:], *moving, strict=True))
    assume(all(abs((m - 1) * s - 2 * pad + k - n) < s for m, n, s, pad, k in steps))
    leaf, twin = Tensor(y.data, requires_grad=True), z.detach().requires_grad_()
    back = getattr(nn, unpool)(kernel, **options)(leaf, indices, shape[-axes:])
    there = getattr(torch.nn, unpool)(kernel, **options)(twin, expected, shape[-axes:])
    np.testing.assert_array_equal(back.data, there.detach().numpy())
    if apart:
        (back**3).sum().backward()
        (there**3).sum().backward()
        np.testing.assert_allclose(leaf.grad, twin.grad.numpy())


SIZES = [1, 3, 7, (1, 2, 3), (3, 4, 2), (None, 4, 1), (5, None, 6)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("kind", ["Avg", "Max"])
def test_torch_adaptive_pooling(kind: str, axes: int, size: Any, dtype: Any) -> None:
    name, size = f"Adaptive{kind}Pool{axes}d", size[:axes] if isinstance(size, tuple) else size
    if axes == 1 and isinstance(size, tuple):
        size = size[0] or 6  # PyTorch's takes no None there
    ours, theirs = getattr(nn, name)(size), getattr(torch.nn, name)(size)
    for shape in ((2, 3, 5, 6, 4), (3, 5, 6, 4)):
        agree(ours, theirs, shape[: len(shape) - 3 + axes], dtype)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_torch_indices_of_adaptive_pooling(axes: int) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 6, 4)[: 2 + axes])
    for size in (2, 3, 5):
        name = f"adaptive_max_pool{axes}d"
        y, indices = getattr(nn.functional, name)(x, size, return_indices=True)
        z, expected = getattr(torch.nn.functional, name)(
            torch.from_numpy(x), size, return_indices=True
        )
        np.testing.assert_array_equal(y, z.numpy())
        np.testing.assert_array_equal(indices, expected.numpy())


def test_torch_global_pooling() -> None:
    theirs = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    agree(nn.GlobalAvgPool(), theirs, (2, 3, 5, 6), np.float64)
