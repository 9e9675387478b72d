"""The ops of neural networks against PyTorch: values, first and second derivatives, both dtypes."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import nn.functional as F
from tinygrad_edu import Tensor, grad, ops

torch = pytest.importorskip("torch")
REFERENCE = torch.nn.functional

DTYPES = [np.float64, np.float32]


def compare(ours: Any, theirs: Any, arrays: list[np.ndarray], dtype: Any) -> None:
    """Compare a function of Tensors with one of torch.Tensors, with the same data."""
    rtol, atol = (1e-8, 1e-9) if dtype is np.float64 else (2e-3, 2e-3)
    mine = [Tensor(a.astype(dtype), requires_grad=True) for a in arrays]
    other = [torch.tensor(a.astype(dtype), requires_grad=True) for a in arrays]
    y, z = ours(*mine), theirs(*other)

    def same(a: Any, b: Any) -> None:
        assert a.dtype == dtype
        np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=rtol, atol=atol)

    same(y, z)
    weight = np.random.default_rng(1).normal(size=y.shape).astype(dtype)
    first = grad((y * y * weight).sum(), mine, create_graph=True)
    total = (z * z * torch.from_numpy(weight)).sum()
    expected = torch.autograd.grad(total, other, create_graph=True)
    for a, b in zip(first, expected, strict=True):
        same(a, b)
    second = grad(sum((g * g).sum() for g in first), mine, allow_unused=True)
    expected = torch.autograd.grad(sum((g * g).sum() for g in expected), other, allow_unused=True)
    for a, b, x in zip(second, expected, other, strict=True):  # None is 0
        same(
            Tensor(np.zeros(x.shape, dtype)) if a is None else a,
            torch.zeros_like(x) if b is None else b,
        )


def numbers(rng: np.random.Generator, axes: int, low: int, high: int) -> tuple[int, ...]:
    return tuple(int(n) for n in rng.integers(low, high + 1, axes))


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_convolution(axes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    draw = lambda low, high: numbers(rng, axes, low, high)
    groups = int(rng.integers(1, 4))
    taken, made = groups * int(rng.integers(1, 3)), groups * int(rng.integers(1, 3))
    kernel, size = draw(1, 3), draw(5, 8) if axes < 3 else draw(4, 5)
    call: dict[str, Any] = {"stride": draw(1, 3), "dilation": draw(1, 2), "groups": groups}
    call["padding"] = draw(0 if axes < 3 else 1, 2)
    if seed % 5 == 0:
        call |= {"stride": 1, "padding": "same"}
    x, w, b = (taken, *size), (made, taken // groups, *kernel), (made,)
    x = x if seed % 4 == 0 else (2, *x)
    name = f"conv{axes}d"
    if seed % 3 == 0 and call["padding"] != "same":
        name, w = f"conv_transpose{axes}d", (taken, made // groups, *kernel)
        most = zip(call["stride"], call["dilation"], strict=True)
        call["output_padding"] = tuple(int(rng.integers(0, max(pair))) for pair in most)
    arrays = [rng.normal(size=shape) for shape in (x, w, b)]
    ours, theirs = getattr(F, name), getattr(REFERENCE, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch copies for padding="same" and an even kernel
        compare(
            lambda *a: ours(*a, **call),
            lambda *a: theirs(*a, **call),
            arrays,
            DTYPES[seed % 4 == 3],
        )


@pytest.mark.parametrize("seed", range(16))
@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("kind", ["max", "avg"])
def test_pooling(kind: str, axes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    kernel = numbers(rng, axes, 1, 3)
    call: dict[str, Any] = {"stride": numbers(rng, axes, 1, 3), "ceil_mode": bool(seed % 2)}
    call["padding"] = tuple(int(rng.integers(0, k // 2 + 1)) for k in kernel)
    if kind == "max":
        call["dilation"] = numbers(rng, axes, 1, 2)
    else:
        call["count_include_pad"] = bool(seed // 2 % 2)
        if axes > 1 and seed % 5 == 0:
            call["divisor_override"] = seed + 1
    x = rng.normal(size=(3, *rng.integers(5, 8, axes)))
    x = x if seed % 4 == 1 else np.stack([x, x[::-1]])
    name = f"{kind}_pool{axes}d"
    compare(
        lambda x: getattr(F, name)(x, kernel, **call),
        lambda x: getattr(REFERENCE, name)(x, kernel, **call),
        [x],
        DTYPES[seed % 3 == 2],
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, (1, 2), (3, 4), (5, 6), (7, 3), (5, 9)])
def test_adaptive_pooling(size: Any, dtype: Any) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 6))
    compare(
        lambda x: F.adaptive_avg_pool2d(x, size),
        lambda x: REFERENCE.adaptive_avg_pool2d(x, size),
        [x],
        dtype,
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_normalization(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(3, 4, 2, 5)) + 1, rng.normal(size=4), rng.normal(size=4)
    mean, variance = rng.normal(size=4).astype(dtype), rng.uniform(1, 2, 4).astype(dtype)
    running = torch.from_numpy(mean), torch.from_numpy(variance)
    last = [x, rng.normal(size=5), rng.normal(size=5)]
    two = [x, rng.normal(size=(2, 5)), rng.normal(size=(2, 5))]
    cases: list[Any] = [
        (
            lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
            lambda x, w, b: REFERENCE.batch_norm(x, None, None, w, b, True),
            [x, w, b],
        ),
        (
            lambda x, w, b: F.batch_norm(x, mean, variance, w, b),
            lambda x, w, b: REFERENCE.batch_norm(x, *running, w, b),
            [x, w, b],
        ),
        (
            lambda x, w, b: F.group_norm(x, 2, w, b),
            lambda x, w, b: REFERENCE.group_norm(x, 2, w, b),
            [x, w, b],
        ),
        (
            lambda x, w, b: F.layer_norm(x, (5,), w, b),
            lambda x, w, b: REFERENCE.layer_norm(x, (5,), w, b),
            last,
        ),
        (
            lambda x, w, b: F.layer_norm(x, (2, 5), w, b),
            lambda x, w, b: REFERENCE.layer_norm(x, (2, 5), w, b),
            two,
        ),
        (
            lambda x, w: F.rms_norm(x, (5,), w),
            lambda x, w: REFERENCE.rms_norm(x, (5,), w),
            last[:2],
        ),
    ]
    for ours, theirs, arrays in cases:
        compare(ours, theirs, arrays, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["plain", "boolean", "additive", "causal"])
def test_attention(kind: str, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    q, k, v = (rng.normal(size=shape) for shape in ((2, 3, 4, 5), (2, 3, 6, 5), (2, 3, 6, 2)))
    mask: Any = rng.random((4, 6)) < 0.6
    mask[:, 0] = True
    if kind == "additive":
        mask = rng.normal(size=(4, 6)).astype(dtype)
    attend = REFERENCE.scaled_dot_product_attention
    call: Any = {"is_causal": kind == "causal"}
    masked = kind in ("boolean", "additive")
    compare(
        lambda *a: F.scaled_dot_product_attention(*a, mask if masked else None, **call),
        lambda *a: attend(*a, torch.from_numpy(mask) if masked else None, **call),
        [q, k, v],
        dtype,
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_and_embedding(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    x, classes = rng.normal(size=(4, 5)), np.array([0, 4, 2, 2])
    compare(lambda x: ops.softmax(x, 0), lambda x: REFERENCE.softmax(x, 0), [x], dtype)
    compare(lambda x: ops.log_softmax(x, 0), lambda x: REFERENCE.log_softmax(x, 0), [x], dtype)
    t, weight = torch.from_numpy(classes), rng.normal(size=(5, 2))
    compare(lambda w: F.embedding(classes, w), lambda w: REFERENCE.embedding(t, w), [weight], dtype)
