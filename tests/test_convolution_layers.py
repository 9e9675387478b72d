"""Convolution and pooling layers: shapes, gradients, initial values, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from tinygrad_edu import Tensor, gradcheck


def images(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


# -------------------------------------------------------------------- values and gradients


def naive(x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> np.ndarray:
    """A convolution by its definition, one place and one channel at a time."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    rows, columns = ((n - k) // stride + 1 for n, k in zip(x.shape[2:], w.shape[2:], strict=True))
    y = np.zeros((len(x), len(w), rows, columns))
    for i, j in np.ndindex(rows, columns):
        window = x[:, :, i * stride :, j * stride :][:, :, : w.shape[2], : w.shape[3]]
        for o in range(len(w)):
            y[:, o, i, j] = (window * w[o]).sum((1, 2, 3))
    return y


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 1), (3, 2)])
def test_convolution_by_its_definition(stride: int, padding: int) -> None:
    layer = nn.Conv2d(3, 4, (3, 2), stride, padding, dtype=np.float64)
    layer.bias.data[...] = [1, 2, 3, 4]
    x = images(2, 3, 7, 6)
    expected = naive(x, layer.weight.data, stride, padding) + np.arange(1, 5)[:, None, None]
    np.testing.assert_allclose(layer(x).data, expected)


LAYERS: list[tuple[Any, tuple[int, ...]]] = [
    (lambda: nn.Conv1d(2, 3, 3, 2, 1), (2, 2, 7)),
    (lambda: nn.Conv1d(4, 2, 2, dilation=2, groups=2, bias=False), (2, 4, 7)),
    (lambda: nn.Conv2d(2, 3, (3, 2), (2, 1), (1, 0)), (2, 2, 5, 6)),
    (lambda: nn.Conv2d(4, 6, 2, padding="same", dilation=(1, 2), groups=2), (1, 4, 5, 4)),
    (lambda: nn.Conv3d(2, 3, (1, 2, 3), (1, 2, 1), (0, 1, 1)), (2, 2, 2, 3, 3)),
    (lambda: nn.ConvTranspose1d(2, 3, 3, 2, 1, 1), (2, 2, 3)),
    (lambda: nn.ConvTranspose3d(2, 2, 2, (2, 1, 1)), (2, 2, 2, 2, 2)),
    (lambda: nn.ConvTranspose2d(2, 3, 3, 2, 1, 1), (2, 2, 3, 2)),
    (lambda: nn.ConvTranspose2d(4, 2, (2, 3), (1, 3), 0, (0, 2), 2, False, 2), (1, 4, 2, 3)),
    (lambda: nn.MaxPool1d(3, 2, 1), (2, 2, 7)),
    (lambda: nn.MaxPool2d((2, 3), 2, (0, 1)), (2, 2, 5, 6)),
    (lambda: nn.MaxPool2d(2, 2, 0, 2, ceil_mode=True), (2, 2, 5, 6)),
    (lambda: nn.MaxPool3d(2, ceil_mode=True), (2, 2, 3, 2, 2)),
    (lambda: nn.AvgPool1d(2), (2, 2, 7)),
    (lambda: nn.AvgPool2d(2, ceil_mode=True, divisor_override=3), (2, 2, 3, 4)),
    (lambda: nn.AvgPool3d(2, padding=1), (2, 2, 2, 3, 2)),
    (lambda: nn.AvgPool2d(3, 1, 1, count_include_pad=False), (2, 2, 4, 5)),
    (lambda: nn.AdaptiveAvgPool2d((2, 3)), (2, 2, 5, 7)),
    (lambda: nn.AdaptiveAvgPool1d(3), (2, 2, 5)),
    (lambda: nn.AdaptiveAvgPool3d((None, 2, 1)), (2, 2, 2, 3, 4)),
    (lambda: nn.AdaptiveMaxPool1d(3), (2, 2, 5)),
    (lambda: nn.AdaptiveMaxPool2d((2, 3)), (2, 2, 5, 6)),
    (lambda: nn.AdaptiveMaxPool3d((None, 2, 1)), (2, 2, 2, 3, 2)),
    (lambda: nn.GlobalAvgPool(), (2, 3, 4, 5)),
    (lambda: nn.GlobalAvgPool(), (2, 3, 4)),
]


@pytest.mark.parametrize(("make", "shape"), LAYERS)
def test_gradients(make: Any, shape: tuple[int, ...]) -> None:
    nn.manual_seed(0)
    layer, x = make(), images(*shape)
    report = gradcheck(layer, x, order=2)
    assert report, report
    assert len(report.rows) == 2 * (1 + len(list(layer.parameters())))
    assert all(row.verdict == "ok" for row in report.rows[: len(report.rows) // 2])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_transposed_convolution_is_the_adjoint(data: st.DataObject) -> None:
    """⟨conv x, y⟩ = ⟨x, convᵀ y⟩ with the same weight: (out, in, ...) of one is (in, out, ...)."""
    draw = lambda low, high: tuple(data.draw(st.tuples(*[st.integers(low, high)] * 2)))
    groups = data.draw(st.integers(1, 2))
    kernel, stride, dilation, size = draw(1, 3), draw(1, 3), draw(1, 2), draw(5, 8)
    padding = draw(0, 2)
    there = nn.Conv2d(
        2 * groups, 3 * groups, kernel, stride, padding, dilation, groups, False, dtype=np.float64
    )
    x = images(2, 2 * groups, *size)
    y = images(*there(x).shape, seed=1)
    spans = [
        (p - 1) * s - 2 * o + d * (k - 1) + 1
        for p, s, o, d, k in zip(y.shape[2:], stride, padding, dilation, kernel, strict=True)
    ]
    extra = tuple(n - m for n, m in zip(size, spans, strict=True))
    back = nn.ConvTranspose2d(
        3 * groups, 2 * groups, kernel, stride, padding, extra, groups, False, dilation,
        dtype=np.float64,
    )  # fmt: skip
    back.weight.data[...] = there.weight.data
    np.testing.assert_allclose((there(x).data * y).sum(), (x * back(y).data).sum())


def test_pooling_by_hand() -> None:
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    np.testing.assert_array_equal(nn.MaxPool2d(2)(x).data, [[[[5, 7], [13, 15]]]])
    np.testing.assert_array_equal(nn.AvgPool2d(2)(x).data, [[[[2.5, 4.5], [10.5, 12.5]]]])
    np.testing.assert_array_equal(nn.MaxPool2d(2, stride=1)(x).data[0, 0, 0], [5, 6, 7])
    np.testing.assert_array_equal(nn.GlobalAvgPool()(x).data, [[7.5]])
    np.testing.assert_array_equal(nn.MaxPool2d(2, padding=1)(x - 20).data[0, 0, 0], [-20, -18, -17])


def test_a_convnet_learns() -> None:
    nn.manual_seed(0)
    rng = np.random.default_rng(0)
    t = rng.integers(0, 2, 64)
    x = rng.normal(size=(64, 1, 8, 8)) * 0.5
    x[np.arange(64), 0, :, 4] += np.where(t, 2, 0)[:, None]  # columns
    x[np.arange(64), 0, 4, :] += np.where(t, 0, 2)[:, None]  # or rows
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 4, 3), nn.ReLU(), nn.GlobalAvgPool(), nn.Dense(4, 2),
    )  # fmt: skip
    optimizer = nn.Adam(model.parameters(), lr=0.02)
    for _ in range(40):
        optimizer.zero_grad()
        nn.cross_entropy(model(x), t).backward()
        optimizer.step()
    model.eval()
    assert (model(x).data.argmax(-1) == t).mean() > 0.95


# -------------------------------------------------------------------- parameters


def test_parameters_and_their_layout() -> None:
    layer = nn.Conv2d(4, 6, (3, 5), groups=2)
    shapes = {key: value.shape for key, value in layer.state_dict().items()}
    assert shapes == {"weight": (6, 2, 3, 5), "bias": (6,)}
    assert nn.Conv1d(4, 6, 3).weight.shape == (6, 4, 3)
    assert nn.Conv3d(4, 6, (1, 2, 3)).weight.shape == (6, 4, 1, 2, 3)
    assert nn.ConvTranspose1d(4, 6, 3).weight.shape == (4, 6, 3)
    assert nn.ConvTranspose2d(4, 6, (3, 5), groups=2).weight.shape == (4, 3, 3, 5)
    assert nn.ConvTranspose3d(4, 6, 2).weight.shape == (4, 6, 2, 2, 2)
    assert list(nn.Conv2d(1, 1, 1, bias=False).state_dict()) == ["weight"]
    assert layer.weight.dtype == np.float32
    assert layer.weight.data.flags.c_contiguous
    assert nn.ConvTranspose2d(4, 6, 3).weight.data.flags.c_contiguous
    assert not layer.bias.data.any()
    assert layer._transposed == ()


def test_dtype_of_inputs_and_parameters() -> None:
    assert nn.Conv2d(3, 2, 3)(images(1, 3, 4, 4)).dtype == np.float32
    assert nn.Conv2d(3, 2, 3)(np.ones((1, 3, 4, 4), int)).dtype == np.float32
    assert nn.ConvTranspose2d(3, 2, 3)(images(1, 3, 4, 4)).dtype == np.float32
    assert nn.Conv1d(3, 2, 3, dtype=np.float64)(images(1, 3, 4)).dtype == np.float64


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda: nn.Conv1d(32, 64, 5), (32, 32, 40)),
        (lambda: nn.Conv2d(16, 32, 3), (8, 16, 14, 14)),
        (lambda: nn.Conv2d(16, 32, 3, groups=4), (8, 16, 14, 14)),
        (lambda: nn.ConvTranspose2d(16, 32, 3), (8, 16, 14, 14)),
        (lambda: nn.ConvTranspose2d(32, 8, 4, 2), (8, 32, 14, 14)),
        (lambda: nn.ConvTranspose2d(16, 32, (2, 3), (2, 3), groups=2), (8, 16, 14, 14)),
        (lambda: nn.ConvTranspose2d(16, 32, (4, 3), (2, 1)), (8, 16, 14, 14)),
        (lambda: nn.ConvTranspose1d(16, 32, 6, 3), (16, 16, 40)),
        (lambda: nn.Conv3d(16, 32, 2), (2, 16, 14, 14, 14)),
        (lambda: nn.ConvTranspose3d(16, 8, 2, 2), (4, 16, 10, 10, 10)),
    ],
)
def test_initial_weights_keep_the_size_of_activations(layer: Any, shape: tuple[int, ...]) -> None:
    """E y² of a layer after a ReLU is that of the layer before it (He et al., 2015)."""
    nn.manual_seed(0)
    before = images(*shape)
    ratios = []
    for _ in range(10):
        after = layer()(np.maximum(before, 0)).data
        inner = after[(..., *[slice(5, -5)] * (after.ndim - 2))]
        ratios.append((inner**2).mean() / (before**2).mean())
    np.testing.assert_allclose(np.mean(ratios), 1, rtol=0.15)


def test_initializers_of_transposed_convolutions() -> None:
    shapes = []

    def ones(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        shapes.append(shape)
        return np.ones(shape)

    layer = nn.ConvTranspose2d(4, 6, (3, 4), (2, 1), groups=2, init=ones)
    assert shapes == [(12, 2, 2, 4)]
    np.testing.assert_array_equal(layer.weight.data, np.ones((4, 3, 3, 4)))
    numbered = lambda shape, rng: np.arange(np.prod(shape)).reshape(shape)
    weight = nn.ConvTranspose2d(2, 3, (4, 5), (2, 3), init=numbered).weight.data
    drawn = np.arange(3 * 2 * 3 * 2 * 2 * 2).reshape(3, 2, 3, 2, 2, 2)  # a unit for each place
    for i, o, a, b in np.ndindex(2, 3, 4, 5):
        assert weight[i, o, a, b] == drawn[o, a % 2, b % 3, i, a // 2, b // 3]
    with pytest.raises(ValueError, match="unknown initializer 'hee'"):
        nn.Conv2d(1, 1, 1, init="hee")


def test_seeds_rule_the_weights() -> None:
    weights = []
    for seed in (0, 0, 1):
        nn.manual_seed(seed)
        weights.append(nn.ConvTranspose2d(2, 3, 3).weight.data)
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_l2_is_in_the_penalty() -> None:
    model = nn.Sequential(nn.Conv2d(2, 3, 3, init="ones", l2=0.5), nn.ConvTranspose2d(3, 2, 3))
    assert float(model.penalty().data) == 0.25 * 54


def test_reprs_show_what_is_not_the_default() -> None:
    assert repr(nn.Conv1d(2, 4, 3)) == "Conv1d(2, 4, (3,))"
    assert (
        repr(nn.Conv2d(3, 8, 3, 2, "valid", (1, 2), bias=False, l2=0.1))
        == "Conv2d(3, 8, (3, 3), stride=(2, 2), padding='valid', dilation=(1, 2), bias=False, "
        "l2=0.1)"
    )
    assert repr(nn.ConvTranspose2d(2, 2, 3, 2, 0, 1, 2)) == (
        "ConvTranspose2d(2, 2, (3, 3), stride=(2, 2), output_padding=(1, 1), groups=2)"
    )
    assert repr(nn.AvgPool2d(2, 1, count_include_pad=False)) == (
        "AvgPool2d(2, stride=1, count_include_pad=False)"
    )
    assert repr(nn.AdaptiveAvgPool2d((1, 2))) == "AdaptiveAvgPool2d((1, 2))"
    assert repr(nn.MaxPool2d(2, ceil_mode=True)) == "MaxPool2d(2, ceil_mode=True)"
    assert repr(nn.GlobalAvgPool()) == "GlobalAvgPool()"


# -------------------------------------------------------------------- bad inputs


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (nn.Conv1d(3, 4, 3), (2, 4, 8), "take 3 channels, and x has 4 on axis 1"),
        (nn.Conv1d(3, 4, 3), (8,), r"x has 1 axes, not \(batch, channels, length\) or \(cha"),
        (nn.Conv1d(1, 4, 3), (5, 8), r"has 5 on axis 0; if that is the batch, write x\[:, None\]"),
        (nn.Conv2d(3, 4, 3), (2, 4, 8, 8), "take 3 channels, and x has 4 on axis 1"),
        (nn.Conv2d(3, 4, 3), (2, 8, 8, 3), r"come last, write x.transpose\(0, 3, 1, 2\)"),
        (nn.Conv2d(3, 4, 3), (4, 8, 8), "take 3 channels, and x has 4 on axis 0"),
        (nn.Conv2d(3, 4, 3), (8, 8, 3), r"come last, write x.transpose\(2, 0, 1\)"),
        (nn.Conv3d(3, 4, 3), (3, 8, 8), r"x has 3 axes, not \(batch, channels, depth, height, w"),
        (nn.Conv2d(3, 4, 3), (2, 3, 2, 8), "kernel spans 3 elements .* has only 2"),
        (nn.ConvTranspose2d(3, 4, 3), (2, 4, 8, 8), "take 3 channels, and x has 4 on axis 1"),
        (nn.ConvTranspose2d(3, 4, 3), (3, 8), "x has 2 axes"),
        (nn.ConvTranspose2d(3, 4, 3, output_padding=1), (2, 3, 8, 8), "output_padding must be"),
        (nn.MaxPool1d(2), (8,), "x has 1 axes"),
        (nn.MaxPool2d(2), (8, 8), "x has 2 axes"),
        (nn.AvgPool2d(9), (2, 3, 8, 8), "take a smaller kernel"),
        (nn.AdaptiveAvgPool2d(1), (8, 8), "x has 2 axes"),
        (nn.AdaptiveMaxPool3d(1), (8, 8), "x has 2 axes"),
        (nn.GlobalAvgPool(), (3, 8), r"expected \(batch, channels, \*space\), and was .*\(3, 8\)"),
    ],
)
def test_inputs_that_do_not_fit(layer: Any, shape: tuple[int, ...], message: str) -> None:
    model = nn.Sequential(nn.ReLU(), nn.Sequential(layer))
    with pytest.raises(
        ValueError, match=message + r".*[;,] at test_convolution_layers.py:\d+, in layer 1\.0"
    ):
        model(np.ones(shape))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Conv2d(0, 1, 1), "Conv2d: in_channels must be a positive integer, not 0"),
        (lambda: nn.Conv2d(1, 1.5, 1), "Conv2d: out_channels must be a positive integer"),  # type: ignore[arg-type]
        (lambda: nn.Conv2d(2, 2, 1, groups=0), "Conv2d: groups must be a positive integer"),
        (lambda: nn.Conv2d(3, 4, 1, groups=2), "Conv2d: 3 channels in and 4 out do not"),
        (lambda: nn.Conv2d(4, 3, 1, groups=2), "Conv2d: 4 channels in and 3 out do not"),
        (lambda: nn.Conv2d(1, 1, 0), "Conv2d: kernel_size is one integer from 1 up"),
        (lambda: nn.Conv1d(1, 1, (3, 3)), r"Conv1d: kernel_size .* not \(3, 3\)"),
        (lambda: nn.Conv2d(1, 1, 1, stride=0), "Conv2d: stride is"),
        (lambda: nn.Conv2d(1, 1, 1, padding=-1), "Conv2d: padding is"),
        (lambda: nn.Conv2d(1, 1, 1, padding="full"), "Conv2d: padding is .*, and not 'full'"),
        (lambda: nn.Conv2d(1, 1, 3, 2, "same"), "Conv2d: padding='same' needs stride 1"),
        (lambda: nn.Conv2d(1, 1, 1, dilation=0), "Conv2d: dilation is"),
        (lambda: nn.Conv2d(1, 1, 1, l2=-1), "Conv2d: l2 must not be negative, and is -1"),
        (lambda: nn.ConvTranspose2d(1, 1, 1, output_padding=-1), "ConvTranspose2d: output_padding"),
        (lambda: nn.MaxPool2d(2, padding=2), "MaxPool2d: padding 2 is more than half of kernel"),
        (lambda: nn.MaxPool2d(0), "MaxPool2d: kernel_size is"),
        (lambda: nn.MaxPool2d(2, stride=0), "MaxPool2d: stride is"),
        (lambda: nn.AvgPool1d((2, 2)), "AvgPool1d: kernel_size is"),
        (lambda: nn.AvgPool2d(2, padding=-1), "AvgPool2d: padding is"),
        (lambda: nn.AdaptiveAvgPool2d(0), "AdaptiveAvgPool2d: output_size is"),
        (lambda: nn.AdaptiveAvgPool3d((1, 2)), "for each of the 3 .* where None keeps the input's"),
        (lambda: nn.Conv3d(1, 1, (3, 3)), r"Conv3d: kernel_size is .* 3 of them .* not \(3, 3\)"),
        (lambda: nn.MaxPool1d(2, dilation=0), "MaxPool1d: dilation is"),
        (lambda: nn.MaxPool3d(2, padding=2), "MaxPool3d: padding 2 is more than half"),
        (lambda: nn.MaxUnpool2d(2, padding=2), "MaxUnpool2d: padding 2 is more than half"),
        (lambda: nn.AvgPool2d(2, divisor_override=0), "AvgPool2d: divisor_override is an integer"),
    ],
)
def test_arguments_that_make_no_layer(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_options_that_are_no_booleans() -> None:
    for make, name in (
        (lambda: nn.MaxPool2d(2, ceil_mode=1), "MaxPool2d: ceil_mode"),  # type: ignore[arg-type]
        (lambda: nn.MaxPool2d(2, 2, 0, 1, 2), "MaxPool2d: return_indices"),  # type: ignore[arg-type]
        (lambda: nn.AvgPool2d(2, 2, 0, False, "x"), "count_include_pad"),  # type: ignore[arg-type]
        (lambda: nn.AdaptiveMaxPool1d(2, "x"), "return_indices"),  # type: ignore[arg-type]
    ):
        with pytest.raises(TypeError, match=f"{name} must be True or False, not"):
            make()


# -------------------------------------------------------------------- maxima and their way back


def test_unpooling_is_the_inverse_on_the_maxima() -> None:
    x = np.array([[1.0, 2, 6, 3, 9], [5, 4, 0, 8, 7]])
    pool = nn.MaxPool1d(2, return_indices=True)
    y, indices = pool(x)
    np.testing.assert_array_equal(indices, [[1, 2], [0, 3]])
    small = nn.MaxUnpool1d(2)(y, indices)
    np.testing.assert_array_equal(small.data, [[0, 2, 6, 0], [5, 0, 0, 8]])
    for size in (x.shape, (5,), 5):
        whole = nn.MaxUnpool1d(2)(y, indices, size)
        np.testing.assert_array_equal(whole.data, [[0, 2, 6, 0, 0], [5, 0, 0, 8, 0]])
    again, same = pool(whole)
    np.testing.assert_array_equal(again.data, y.data)
    np.testing.assert_array_equal(same, indices)


def test_gradients_through_the_indices() -> None:
    """Maxima in and out again: the identity where they are, also for second derivatives."""
    pool, unpool = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)
    report = gradcheck(lambda x: unpool(*pool(x)) ** 3, images(2, 2, 4, 4), order=2)
    assert report, report
    y, indices = pool(images(2, 2, 4, 4))
    assert gradcheck(lambda y: unpool(y, indices) ** 2, y.data, order=2)


def test_of_equal_indices_the_last_counts() -> None:
    """In its value and in its gradient."""
    x, indices = Tensor([[1.0, 2.0, 3.0]], requires_grad=True), np.array([[4, 1, 4]])
    y = nn.MaxUnpool1d(2)(x, indices)
    np.testing.assert_array_equal(y.data, [[0, 2, 0, 0, 3, 0]])
    (y * np.arange(6)).sum().backward()
    np.testing.assert_array_equal(x.grad, [[0, 1, 4]])


def test_what_cannot_be_unpooled() -> None:
    x, layer = np.ones((1, 2, 2)), nn.MaxUnpool2d(2)
    indices = np.array([[[0, 2], [8, 10]]])
    with pytest.raises(TypeError, match="max_unpool2d: the indices must be integers, and are flo"):
        layer(x, indices * 1.0)
    with pytest.raises(
        ValueError, match=r"x has 2 axes, not \(batch, channels, height, width\) or"
    ):
        layer(x[0], indices[0])
    with pytest.raises(ValueError, match=r"indices have shape \(2, 2\), and x has \(1, 2, 2\)"):
        layer(x, indices[0])
    with pytest.raises(IndexError, match="indices from 0 to 16 were given, and of an output of 16"):
        layer(x, indices + np.array([[0, 0], [0, 6]]))
    with pytest.raises(ValueError, match=r"output_size is \(4, 4\), or differs .* not \(4, 6\)"):
        layer(x, indices, (4, 6))
    with pytest.raises(ValueError, match=r"output_size is \(4, 4\), or differs .* not \(4,\)"):
        layer(x, indices, (4,))


def test_unsigned_indices() -> None:
    y = nn.MaxUnpool1d(2)(np.array([[1.0, 2.0]]), np.array([[1, 2]], np.uint64))
    np.testing.assert_array_equal(y.data, [[0, 1, 2, 0]])


def test_indices_of_equal_maxima_and_of_nan() -> None:
    x = np.array([[2.0, 2, 1, np.nan, 3, 0]])
    y, indices = nn.MaxPool1d(2, return_indices=True)(x)
    np.testing.assert_array_equal(y.data, [[2, np.nan, 3]])
    np.testing.assert_array_equal(indices, [[0, 3, 4]])


# -------------------------------------------------------------------- with and without a batch


@pytest.mark.parametrize(("make", "shape"), [each for each in LAYERS if each[1][0] == 2])
def test_batches_of_none_and_samples_alone(make: Any, shape: tuple[int, ...]) -> None:
    layer, x = make(), images(*shape)
    y = layer(x)
    assert layer(x[:0]).shape == (0, *y.shape[1:])
    if not isinstance(layer, nn.GlobalAvgPool):  # which takes any number of axes
        np.testing.assert_allclose(layer(x[0]).data, y.data[0], rtol=1e-6)


def test_a_gradient_reaches_an_input_of_another_dtype() -> None:
    x = Tensor(images(1, 3, 5, 5), requires_grad=True)
    nn.Conv2d(3, 2, 3)(x).sum().backward()
    assert x.grad is not None
    assert x.grad.dtype == np.float64
