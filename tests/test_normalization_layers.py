"""Normalization layers: values, gradients, running statistics, and what they refuse."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
import nn.functional as F
from tinygrad_edu import Tensor, gradcheck, no_grad, ops


def values(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(1, 2, size=shape)


LAYERS: list[tuple[Any, tuple[int, ...], tuple[int, ...]]] = [  # layer, input, axes averaged over
    (lambda: nn.BatchNorm1d(3), (5, 3), (0,)),
    (lambda: nn.BatchNorm1d(3, affine=False), (4, 3, 2), (0, 2)),
    (lambda: nn.BatchNorm1d(2, track_running_stats=False), (4, 2), (0,)),
    (lambda: nn.BatchNorm2d(2, momentum=None), (3, 2, 2, 3), (0, 2, 3)),
    (lambda: nn.BatchNorm2d(2, bias=False), (3, 2, 2, 3), (0, 2, 3)),
    (lambda: nn.BatchNorm3d(2), (2, 2, 1, 2, 2), (0, 2, 3, 4)),
    (lambda: nn.GroupNorm(1, 4, bias=False), (2, 4, 3), (1, 2)),
    (lambda: nn.GroupNorm(1, 4), (2, 4, 3), (1, 2)),
    (lambda: nn.GroupNorm(4, 4), (2, 4, 2, 3), (2, 3)),
    (lambda: nn.GroupNorm(1, 4, affine=False), (3, 4), (1,)),
    (lambda: nn.LayerNorm(4), (3, 4), (1,)),
    (lambda: nn.LayerNorm((2, 3), bias=False), (2, 2, 2, 3), (2, 3)),
    (lambda: nn.LayerNorm([3], elementwise_affine=False), (2, 4, 3), (2,)),
    (lambda: nn.RMSNorm(4), (3, 4), (1,)),
    (lambda: nn.RMSNorm((2, 3), eps=0.1), (2, 2, 3), (1, 2)),
    (lambda: nn.RMSNorm(3, elementwise_affine=False), (2, 3), (1,)),
]


def scattered(layer: nn.Module) -> nn.Module:
    """A layer whose weights, biases and running statistics are not the ones it started with."""
    rng = np.random.default_rng(7)
    for p in layer.parameters():
        p.data[...] = rng.normal(1, 1, p.shape)
    for name, buffer in layer.named_buffers():
        if "running" in name:
            buffer[...] = rng.uniform(0.5, 2, buffer.shape)
    return layer


# -------------------------------------------------------------------- values and gradients


@pytest.mark.parametrize("eps", [1e-3, 1.0])
@pytest.mark.parametrize(("make", "shape", "axes"), LAYERS)
def test_values(make: Any, shape: tuple[int, ...], axes: tuple[int, ...], eps: float) -> None:
    layer, x = make(), values(*shape)
    layer.eps = eps
    centred = x if isinstance(layer, nn.RMSNorm) else x - x.mean(axes, keepdims=True)
    expected = centred / np.sqrt((centred**2).mean(axes, keepdims=True) + eps)
    np.testing.assert_allclose(layer(x).data, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("make", "shape", "axes"), LAYERS)
def test_gradients(
    make: Any, shape: tuple[int, ...], axes: tuple[int, ...], training: bool
) -> None:
    layer, x = scattered(make()).train(training), values(*shape)
    state = layer.state_dict()
    report = gradcheck(layer, x, order=2)
    assert report, report
    first = report.rows[: len(report.rows) // 2]
    assert len(first) == 1 + len(list(layer.parameters()))
    assert all(row.verdict == "ok" for row in first)
    for key, value in layer.state_dict().items():
        np.testing.assert_array_equal(value, state[key])


def test_groups_of_channels_are_normed_apart() -> None:
    x = values(2, 6, 4)
    y = nn.GroupNorm(3, 6)(x).data.reshape(2, 3, 8)
    np.testing.assert_allclose(y.mean(2), 0, atol=1e-6)
    np.testing.assert_allclose(y.var(2), 1, rtol=1e-3)
    x[:, 0] *= 100  # reaches its own group only
    np.testing.assert_allclose(nn.GroupNorm(3, 6)(x).data.reshape(2, 3, 8)[:, 1:], y[:, 1:])


def test_weight_and_bias_scale_and_shift_each_channel() -> None:
    x = values(4, 3, 5, 5)
    for layer in (nn.BatchNorm2d(3), nn.GroupNorm(1, 3)):
        y = layer(x).data
        layer.weight.data[...] = [1, 2, 3]
        layer.bias.data[...] = [-1, 0, 1]
        expected = y * np.float32([1, 2, 3])[:, None, None] + np.float32([-1, 0, 1])[:, None, None]
        np.testing.assert_allclose(layer(x).data, expected, rtol=1e-5, atol=1e-6)


# -------------------------------------------------------------------- running statistics


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    momentum=st.none() | st.floats(0, 1),
    sizes=st.lists(st.integers(2, 5), min_size=1, max_size=4),
    space=st.sampled_from([(), (3,), (2, 3)]),
)
def test_running_statistics(momentum: float | None, sizes: list[int], space: Any) -> None:
    kind = nn.BatchNorm2d if len(space) == 2 else nn.BatchNorm1d
    layer = kind(3, momentum=momentum, dtype=np.float64)
    mean, variance = np.zeros(3), np.ones(3)
    for i, n in enumerate(sizes):
        x = values(n, 3, *space, seed=i)
        layer(x)
        channels = np.moveaxis(x, 1, 0).reshape(3, -1)
        share = 1 / (i + 1) if momentum is None else momentum
        mean = (1 - share) * mean + share * channels.mean(1)
        variance = (1 - share) * variance + share * channels.var(1, ddof=1)
    np.testing.assert_allclose(layer.running_mean, mean)
    np.testing.assert_allclose(layer.running_var, variance)
    assert int(layer.num_batches_tracked) == len(sizes)

    layer.eval()
    state = layer.state_dict()
    x = values(1, 3, *space)
    by_channel = (-1, *(1,) * len(space))
    expected = (x - mean.reshape(by_channel)) / np.sqrt(variance + 1e-5).reshape(by_channel)
    np.testing.assert_allclose(layer(x).data, expected)
    for key, value in layer.state_dict().items():
        np.testing.assert_array_equal(value, state[key])


def test_statistics_are_learned_without_a_graph_too() -> None:
    layer, twin = nn.BatchNorm1d(3), nn.BatchNorm1d(3)
    layer(values(4, 3))
    with no_grad():
        twin(values(4, 3))
    np.testing.assert_array_equal(layer.running_mean, twin.running_mean)
    assert layer.running_mean.any()


def test_training_between_forward_and_backward_of_an_evaluation() -> None:
    """The graph holds the statistics of its own time."""
    gradients = []
    for trains in (False, True):
        layer = scattered(nn.BatchNorm1d(3)).eval()
        loss = (layer(values(4, 3)) ** 2).sum()
        if trains:
            layer.train()
            layer(values(4, 3, seed=1))
            layer.load_state_dict({k: v + 5 for k, v in layer.state_dict().items()})
        for p in layer.parameters():
            p.data[...] = 1.0  # in both, so that only the statistics differ
        loss.backward()
        gradients.append([layer.weight.grad, layer.bias.grad])
    np.testing.assert_array_equal(gradients[0], gradients[1])


def test_without_statistics_evaluation_uses_those_of_the_batch() -> None:
    layer = nn.BatchNorm1d(3, track_running_stats=False)
    x = values(5, 3)
    y = layer(x).data
    np.testing.assert_array_equal(layer.eval()(x).data, y)
    assert list(layer.named_buffers()) == []
    assert layer.running_mean is None


def test_state() -> None:
    layer = nn.BatchNorm2d(3)
    layer(values(4, 3, 2, 2))
    state = layer.state_dict()
    assert list(state) == ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    assert [str(v.dtype) for v in state.values()] == ["float32"] * 4 + ["int64"]
    assert state["num_batches_tracked"].shape == ()
    other, twin = nn.BatchNorm2d(3), copy.deepcopy(layer)
    other.load_state_dict(state)
    layer(values(4, 3, 2, 2))
    assert int(layer.num_batches_tracked) == 2
    x = values(1, 3, 2, 2, seed=3)
    np.testing.assert_array_equal(other.eval()(x).data, twin.eval()(x).data)
    assert int(other.num_batches_tracked) == 1
    assert "running_mean" not in dict(layer.named_parameters())


def test_statistics_keep_their_dtype() -> None:
    layer = nn.BatchNorm1d(3)
    y = layer(values(4, 3))
    assert y.dtype == layer.running_mean.dtype == layer.running_var.dtype == np.float32
    assert layer.eval()(values(4, 3)).dtype == np.float32
    plain = nn.BatchNorm1d(3, affine=False)
    plain(values(4, 3))
    assert plain.running_mean.dtype == np.float32
    double = nn.BatchNorm1d(3, dtype=np.float64)
    assert double(values(4, 3)).dtype == double.running_var.dtype == np.float64
    for norm in (nn.LayerNorm(3), nn.GroupNorm(1, 3), nn.RMSNorm(3)):
        assert norm(values(4, 3)).dtype == np.float32


# -------------------------------------------------------------------- how they look, bad inputs


def test_reprs_show_what_is_not_the_default() -> None:
    assert repr(nn.BatchNorm2d(3)) == "BatchNorm2d(3)"
    assert repr(nn.BatchNorm1d(3, 1e-3, None, False)) == (
        "BatchNorm1d(3, eps=0.001, momentum=None, affine=False)"
    )
    assert repr(nn.BatchNorm3d(3, bias=False)) == "BatchNorm3d(3, bias=False)"
    assert repr(nn.GroupNorm(2, 4)) == "GroupNorm(2, 4)"
    assert repr(nn.GroupNorm(2, 4, bias=False)) == "GroupNorm(2, 4, bias=False)"
    assert repr(nn.GroupNorm(2, 4, affine=False)) == "GroupNorm(2, 4, affine=False)"
    assert repr(nn.LayerNorm(4)) == "LayerNorm((4,))"
    assert repr(nn.LayerNorm((2, 4), bias=False)) == "LayerNorm((2, 4), bias=False)"
    assert repr(nn.RMSNorm([4], eps=0.5)) == "RMSNorm((4,), eps=0.5)"


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (nn.BatchNorm1d(3), (4, 2), r"\(batch, 3\) or \(batch, 3, length\)"),
        (nn.BatchNorm1d(3), (3,), r"\(batch, 3\)"),
        (nn.BatchNorm1d(3), (4, 3, 2, 2), r"\(batch, 3\)"),
        (nn.BatchNorm2d(3, affine=False), (4, 2, 5, 5), r"\(batch, 3, height, width\)"),
        (nn.BatchNorm3d(3), (4, 3, 5, 5), r"\(batch, 3, depth, height, width\)"),
        (nn.BatchNorm2d(3), (4, 3), r"\(batch, 3, height, width\)"),
        (nn.GroupNorm(1, 3), (4, 2, 5), r"\(batch, 3, ...\)"),
        (nn.GroupNorm(1, 3), (3,), r"\(batch, 3, ...\)"),
        (nn.LayerNorm((2, 3)), (4, 3, 2), r"\(..., 2, 3\)"),
        (nn.LayerNorm(3, elementwise_affine=False), (3, 4), r"\(..., 3\)"),
        (nn.RMSNorm((2, 3)), (3,), r"\(..., 2, 3\)"),
        (nn.RMSNorm(3), (4, 1), r"\(..., 3\)"),
    ],
)
def test_inputs_that_do_not_fit(layer: Any, shape: tuple[int, ...], expected: str) -> None:
    model = nn.Sequential(nn.ReLU(), nn.Sequential(layer))
    words = rf"{type(layer).__name__} takes {expected}.*, and x has"
    if isinstance(layer, (nn.LayerNorm, nn.RMSNorm)):
        words = rf"(layer|rms)_norm: x must have shape {expected}, and has"
    given = str(shape).replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(
        ValueError,
        match=rf"^{words} shape {given}, at test_normalization_layers.py:\d+, in layer 1\.0$",
    ):
        model(np.ones(shape))


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.BatchNorm1d(3), (1, 3)),
        (nn.BatchNorm1d(3), (1, 3, 1)),
        (nn.BatchNorm2d(3), (1, 3, 1, 1)),
        (nn.BatchNorm2d(3), (0, 3, 4, 4)),
    ],
)
def test_one_value_has_no_variance(layer: Any, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"more than one value; .* larger batch .*model\.eval\(\)"):
        nn.Sequential(layer)(np.ones(shape))
    if layer.track_running_stats:
        assert int(layer.num_batches_tracked) == 0
        assert not layer.running_mean.any()
        assert layer.eval()(np.ones(shape)).shape == shape


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.BatchNorm1d(0), "BatchNorm1d: num_features must be a positive integer"),
        (lambda: nn.BatchNorm2d(3, eps=-1), "BatchNorm2d: eps must not be negative, and is -1"),
        (lambda: nn.BatchNorm2d(3, momentum=1.5), "BatchNorm2d: momentum is .* not 1.5"),
        (lambda: nn.GroupNorm(0, 3), "GroupNorm: num_groups must be a positive integer"),
        (lambda: nn.GroupNorm(2, 3), "GroupNorm: 3 channels do not divide into 2 groups"),
        (lambda: nn.LayerNorm(()), r"LayerNorm: normalized_shape must be .*, not \(\)"),
        (lambda: nn.LayerNorm((3, 0)), "LayerNorm: normalized_shape must be .*, not 0"),
        (lambda: nn.LayerNorm(3, eps=-1), "LayerNorm: eps must not be negative"),
        (lambda: nn.RMSNorm(3, eps=-1), "RMSNorm: eps must not be negative"),
    ],
)
def test_arguments_that_make_no_layer(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_a_normalization_without_its_bias() -> None:
    for layer in (
        nn.BatchNorm1d(3, bias=False),
        nn.BatchNorm2d(3, affine=False),
        nn.GroupNorm(1, 3, affine=False),
        nn.LayerNorm(3, elementwise_affine=False),
        nn.GroupNorm(1, 3, bias=False),
        nn.LayerNorm(3, bias=False),
    ):
        assert layer.bias is None
        assert [name for name, _ in layer.named_parameters()] == ["weight"] * (
            "bias" in repr(layer)
        )
    for make in (
        nn.BatchNorm1d,
        nn.BatchNorm2d,
        nn.LayerNorm,
        lambda n, **o: nn.GroupNorm(1, n, **o),
    ):
        with pytest.raises(TypeError, match=r"Norm\w*: bias must be True or False, not 'relu'"):
            make(3, bias="relu")
    for call in (
        lambda: nn.BatchNorm1d(3, affine="no"),
        lambda: nn.BatchNorm1d(3, track_running_stats=0.1),
        lambda: nn.GroupNorm(1, 3, affine=1),
        lambda: nn.LayerNorm(3, elementwise_affine=1e-5),
        lambda: nn.RMSNorm(3, elementwise_affine="no"),
    ):
        with pytest.raises(TypeError, match=r"Norm\w*: \w+ must be True or False, not "):
            call()


def test_inputs_stay_what_they_were() -> None:
    x = values(4, 3)
    kept, before = Tensor(x, requires_grad=True), x.copy()
    for layer in (nn.BatchNorm1d(3), nn.GroupNorm(3, 3), nn.LayerNorm(3), nn.RMSNorm(3)):
        layer(kept).sum().backward()
        np.testing.assert_array_equal(kept.data, before)


def test_one_value_without_running_statistics() -> None:
    layer = nn.BatchNorm1d(3, track_running_stats=False).eval()
    with pytest.raises(ValueError, match="needs more than one value") as caught:
        layer(np.ones((1, 3)))
    assert "model.eval()" not in str(caught.value)


def test_a_large_mean_leaves_the_variance_right() -> None:
    x = (1e4 + values(64, 3)).astype(np.float32)
    _, mean, var = ops.standardize(Tensor(x), axis=0)
    np.testing.assert_allclose(mean.data[0], x.astype(float).mean(0), rtol=1e-6)
    np.testing.assert_allclose(var.data[0], x.astype(float).var(0), rtol=1e-3)


def test_half_precision_is_computed_in_float32_and_rounded_once() -> None:
    data = values(5000, 3) * 300  # whose squares and sums of 5,000 are no float16
    x, weight, bias, g = (a.astype(np.float16) for a in (data, *values(2, 3), values(5000, 3)))
    halves = [Tensor(a, requires_grad=True) for a in (x, weight, bias)]
    y = F.batch_norm(halves[0], weight=halves[1], bias=halves[2], training=True)
    y.backward(g)
    exact = [Tensor(a.astype(float), requires_grad=True) for a in (x, weight, bias)]
    right = F.batch_norm(exact[0], weight=exact[1], bias=exact[2], training=True)
    right.backward(g.astype(float))
    assert y.dtype == np.float16
    np.testing.assert_allclose(y.data, right.data, rtol=1e-3, atol=1e-5)
    for half, double in zip(halves, exact, strict=True):
        np.testing.assert_allclose(half.grad, double.grad, rtol=2e-3, atol=1e-5)  # type: ignore


def test_a_weight_and_a_bias_of_two_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="the same shape"):
        ops.standardize(Tensor(np.ones((2, 3))), np.ones(3), np.ones((1, 3)))


def test_no_sample_at_all() -> None:
    x = Tensor(np.ones((0, 3)), requires_grad=True)
    layer = nn.LayerNorm(3, dtype=np.float64)
    layer(x).sum().backward()
    assert x.grad is not None
    assert x.grad.shape == (0, 3)
    assert layer.bias is not None
    np.testing.assert_array_equal(layer.bias.grad, np.zeros(3))
