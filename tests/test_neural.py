"""The ops of neural networks in small cases computed by hand, and their error messages."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nn.functional as F
from tinygrad_edu import Tensor, grad, ops
from tinygrad_edu.ops import convolution
from tinygrad_edu.ops.windows import Geometry, geometry, positions_in

REDUCTIONS = ["none", "mean", "sum"]
DTYPES = [np.float64, np.float32]


def leaf(data: Any, dtype: Any = np.float64) -> Tensor:
    return Tensor(np.asarray(data, dtype), requires_grad=True)


def gradient(function: Callable[..., Any], *data: Any, dtype: Any = np.float64) -> Any:
    """The gradients of the function's sum: one, or a list."""
    xs = [leaf(x, dtype) for x in data]
    gradients = [g.data for g in grad(function(*xs).sum(), xs)]
    return gradients if len(gradients) > 1 else gradients[0]


# -------------------------------------------------------------------- by hand: convolution


def test_conv1d_by_hand() -> None:
    x, w = [[[1.0, 2.0, 3.0, 4.0]]], [[[1.0, 10.0]]]
    y = ops.conv1d(leaf(x), leaf(w), leaf([0.5]))
    np.testing.assert_array_equal(y.data, [[[21.5, 32.5, 43.5]]])
    gx, gw, gb = gradient(lambda *a: ops.conv1d(*a), x, w, [0.5])
    np.testing.assert_array_equal(gx, [[[1, 11, 11, 10]]])
    np.testing.assert_array_equal(gw, [[[6, 9]]])
    np.testing.assert_array_equal(gb, [3])


def test_conv2d_is_a_cross_correlation() -> None:
    x = np.arange(9.0).reshape(1, 1, 3, 3)
    w = np.array([[[[1.0, 0.0], [0.0, -1.0]]]])
    np.testing.assert_array_equal(ops.conv2d(leaf(x), w).data, np.full((1, 1, 2, 2), -4.0))
    strided = ops.conv2d(x, np.ones((1, 1, 1, 1)), stride=2)
    np.testing.assert_array_equal(strided, [[[[0, 2], [6, 8]]]])
    dilated = ops.conv2d(x, np.ones((1, 1, 2, 2)), dilation=2)
    np.testing.assert_array_equal(dilated, [[[[0 + 2 + 6 + 8]]]])


def test_padding() -> None:
    x, w = np.ones((1, 1, 3, 4)), np.ones((1, 1, 3, 2))
    assert ops.conv2d(x, w, padding="valid").shape == (1, 1, 1, 3)
    assert ops.conv2d(x, w, padding=(1, 0)).shape == (1, 1, 3, 3)
    same = ops.conv2d(x, w, padding="same")  # the odd one out is padded after, as in PyTorch
    np.testing.assert_array_equal(same, [[[[4, 4, 4, 2], [6, 6, 6, 3], [4, 4, 4, 2]]]])
    assert ops.conv_transpose2d(x, w, padding="same").shape == x.shape


def test_groups_do_not_mix() -> None:
    x, w = np.array([[[1.0, 2.0], [10.0, 20.0]]]), np.array([[[1.0]], [[3.0]]])
    np.testing.assert_array_equal(ops.conv1d(x, w, groups=2), [[[1, 2], [30, 60]]])
    gx, gw = gradient(lambda x, w: ops.conv1d(x, w, groups=2), x, w)
    np.testing.assert_array_equal(gx, [[[1, 1], [3, 3]]])
    np.testing.assert_array_equal(gw, [[[3]], [[30]]])


def test_conv_transpose_by_hand() -> None:
    x, w = [[[1.0, 2.0]]], [[[1.0, 10.0, 100.0]]]
    y = ops.conv_transpose1d(leaf(x), leaf(w), stride=2)
    np.testing.assert_array_equal(y.data, [[[1, 10, 102, 20, 200]]])
    y = ops.conv_transpose1d(leaf(x), leaf(w), stride=2, padding=1, output_padding=1)
    np.testing.assert_array_equal(y.data, [[[10, 102, 20, 200]]])


def test_conv_transpose_is_the_adjoint_of_conv() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 3, 7, 6)), rng.normal(size=(4, 3, 3, 2))
    y = ops.conv2d(x, w, stride=2, padding=1)
    g = rng.normal(size=y.shape)
    back = ops.conv_transpose2d(g, w, stride=2, padding=1, output_padding=(0, 0))
    assert back.shape == x.shape
    np.testing.assert_allclose((y * g).sum(), (back * x).sum())


def test_only_required_gradients_are_computed() -> None:
    weight = leaf(np.ones((1, 1, 2, 2)))
    ops.conv2d(np.ones((1, 1, 3, 3)), weight, padding=1, stride=2).sum().backward()
    np.testing.assert_array_equal(weight.grad, [[[[1, 2], [2, 4]]]])


# -------------------------------------------------------------------- by hand: pooling


def test_max_pool_by_hand() -> None:
    x = np.array([[[[1.0, 2.0, 5.0, 5.0], [4.0, 3.0, 5.0, 5.0]]]])
    y = ops.max_pool2d(leaf(x), 2)
    np.testing.assert_array_equal(y.data, [[[[4, 5]]]])
    g = gradient(lambda x: ops.max_pool2d(x, 2), x)  # ties share equally
    np.testing.assert_array_equal(g, [[[[0, 0, 0.25, 0.25], [1, 0, 0.25, 0.25]]]])


def test_padding_is_never_a_maximum() -> None:
    x = np.array([[[-1.0, -2.0, -3.0]]])
    np.testing.assert_array_equal(ops.max_pool1d(x, 2, 1, 1), [[[-1, -1, -2, -3]]])
    g = gradient(lambda x: ops.max_pool1d(x, 2, 1, 1), np.zeros((1, 1, 3)))
    np.testing.assert_array_equal(g, [[[1.5, 1, 1.5]]])
    whole = ops.max_pool1d(np.array([[[-7, -9]]]), 2, 1, 1)
    np.testing.assert_array_equal(whole, [[[-7, -7, -9]]])


def test_many_ties_of_a_large_window() -> None:
    g = gradient(lambda x: ops.max_pool2d(x, 16), np.ones((1, 1, 16, 16)))
    np.testing.assert_array_equal(g, np.full((1, 1, 16, 16), 1 / 256))


def test_avg_pool_by_hand() -> None:
    x = np.array([[[2.0, 4.0, 6.0]]])
    np.testing.assert_array_equal(ops.avg_pool1d(x, 2, 1, 1), [[[1, 3, 5, 3]]])
    without = ops.avg_pool1d(x, 2, 1, 1, count_include_pad=False)
    np.testing.assert_array_equal(without, [[[2, 3, 5, 6]]])
    g = gradient(lambda x: ops.avg_pool1d(x, 2, 1, 1, False, False), x)
    np.testing.assert_array_equal(g, [[[1.5, 1, 1.5]]])


def test_ceil_mode_by_hand() -> None:
    """One more window, which meets what is left, unless it would meet padding alone."""
    x = np.array([[[1.0, 5.0, 2.0, 6.0, 4.0]]])
    np.testing.assert_array_equal(ops.max_pool1d(x, 2, ceil_mode=True), [[[5, 6, 4]]])
    np.testing.assert_array_equal(ops.avg_pool1d(x, 2, ceil_mode=True), [[[3, 4, 4]]])
    np.testing.assert_array_equal(ops.max_pool1d(x, 2, 2, 1, ceil_mode=True), [[[1, 5, 6]]])
    np.testing.assert_array_equal(ops.avg_pool1d(x, 4, 4, 1, ceil_mode=True), [[[2, 10 / 3]]])
    without = ops.avg_pool1d(x, 4, 4, 1, True, False)
    np.testing.assert_allclose(without, [[[8 / 3, 5]]])
    np.testing.assert_array_equal(ops.avg_pool1d(x, 2, divisor_override=4), [[[1.5, 2]]])
    g = gradient(lambda x: ops.avg_pool1d(x, 3, ceil_mode=True), x)
    np.testing.assert_allclose(g, [[[1 / 3, 1 / 3, 1 / 3, 0.5, 0.5]]])


def test_dilated_windows_by_hand() -> None:
    x = np.array([[[9.0, 1.0, 2.0, 7.0, 4.0, 5.0]]])
    np.testing.assert_array_equal(ops.max_pool1d(x, 3, 1, 0, 2), [[[9, 7]]])
    g = gradient(lambda x: ops.max_pool1d(x, 3, 1, 0, 2), x)
    np.testing.assert_array_equal(g, [[[1, 0, 0, 1, 0, 0]]])


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_a_sample_without_a_batch_axis(axes: int) -> None:
    """It gives the values and gradients of a batch of one."""
    rng = np.random.default_rng(0)
    x, w, b = (rng.normal(size=shape) for shape in ((2, *[4] * axes), (2, 2, *[2] * axes), (2,)))
    for name, more in (("conv", (w, b)), ("conv_transpose", (w, b)), ("max_pool", ()),
                       ("avg_pool", ())):  # fmt: skip
        function = getattr(ops, f"{name}{axes}d")
        one, several = leaf(x), leaf(x[None])
        y, batch = (function(each, *(more or (2,))) for each in (one, several))
        assert y.shape == batch.shape[1:]
        np.testing.assert_array_equal(y.data, batch.data[0])
        (y * y).sum().backward()
        (batch * batch).sum().backward()
        np.testing.assert_array_equal(one.grad, several.grad[0])


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_an_empty_batch(axes: int) -> None:
    x, w = leaf(np.zeros((0, 2, *[4] * axes))), leaf(np.ones((2, 2, *[2] * axes)))
    for name, more in (("conv", w), ("conv_transpose", w), ("max_pool", 2), ("avg_pool", 2)):
        y = getattr(ops, f"{name}{axes}d")(x, more)
        assert y.shape[:2] == (0, 2)
        y.sum().backward()
        assert x.grad.shape == x.shape
    np.testing.assert_array_equal(w.grad, np.zeros(w.shape))


def test_half_precision_is_summed_in_single() -> None:
    """float16 has no odd numbers above 2048, so that one more added there would be lost."""
    ones = leaf(np.ones((1, 1, 5001)), np.float16)
    pooled = ops.avg_pool1d(ones, 5001)
    assert pooled.dtype == np.float16
    np.testing.assert_array_equal(pooled.data, 1)
    weight, bias = leaf(np.full((1, 1, 4097), 0.5), np.float16), leaf([0.0], np.float16)
    y = ops.conv1d(ones, weight, bias)
    np.testing.assert_array_equal(y.data, np.full((1, 1, 905), 2048.0))
    y.backward(np.full(y.shape, 4, np.float16))
    np.testing.assert_array_equal(weight.grad, np.full(weight.shape, 3620))
    np.testing.assert_array_equal(bias.grad, [3620])
    met = np.ones((1, 1, 2100, 2100), np.float16)  # the element in the middle is met 2100 times
    still = Geometry((2100,), (1,), (1,), (0,), (0,))
    assert ops.fold(met, (4199,), still)[0, 0, 2099] == 2100
    tied = leaf(np.zeros((1, 1, 4096)), np.float16)
    ops.max_pool1d(tied, 4096).backward(np.full((1, 1, 1), 4096, np.float16))
    np.testing.assert_array_equal(tied.grad, np.ones(tied.shape))
    spread = leaf(np.zeros((1, 1, 2)), np.float16)  # 1000 windows meet each element
    y = ops.conv_transpose1d(spread, np.ones((1, 1, 3000), np.float16))
    y.backward(np.ones(y.shape, np.float16))
    np.testing.assert_array_equal(spread.grad, np.full((1, 1, 2), 3000))


def test_adaptive_pooling_covers_evenly() -> None:
    x = np.arange(5.0).reshape(1, 1, 5)
    np.testing.assert_allclose(F.adaptive_avg_pool1d(x, 2), [[[1, 3]]])
    np.testing.assert_allclose(F.adaptive_avg_pool1d(x, 5), x)
    np.testing.assert_allclose(F.adaptive_avg_pool2d(np.ones((2, 3, 5, 4)), (7, 3)), 1.0)
    assert F.adaptive_avg_pool2d(leaf(np.ones((2, 3, 5, 4))), 1).shape == (2, 3, 1, 1)


# -------------------------------------------------------------------- by hand: normalization


def test_batch_norm_by_hand() -> None:
    x = np.array([[1.0, 10.0], [3.0, 10.0]])
    y = F.batch_norm(leaf(x), None, None, leaf([2.0, 2.0]), leaf([0.5, 0.5]), eps=0.25)
    np.testing.assert_allclose(y.data, [[0.5 - 2 / 1.25**0.5, 0.5], [0.5 + 2 / 1.25**0.5, 0.5]])
    mean, variance = np.array([1.0, 0.0]), np.array([3.0, 99.0])
    y = F.batch_norm(leaf(x), mean, variance, leaf([2.0, 2.0]), leaf([0.5, 0.5]), eps=1.0)
    np.testing.assert_allclose(y.data, [[0.5, 2.5], [2.5, 2.5]])


@pytest.mark.parametrize("dtype", DTYPES)
def test_normalizations_are_stable(dtype: Any) -> None:
    """A constant far from 0 is normalized to 0, and no gradient explodes."""
    for x in (np.full((4, 3, 2), 1e4), np.zeros((4, 3, 2))):
        for norm in (
            F.batch_norm,
            lambda x: F.layer_norm(x, 2),
            lambda x: F.rms_norm(x, 2),
            lambda x: F.group_norm(x, 3),
        ):
            t = leaf(x, dtype)
            y = norm(t)
            y.sum().backward()
            assert y.dtype == t.grad.dtype == dtype
            assert np.isfinite(y.data).all()
            assert np.isfinite(t.grad).all()
            assert abs(y.data).max() <= 1.001


def test_a_normalized_sum_has_no_slope() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 6))
    np.testing.assert_allclose(gradient(lambda x: F.layer_norm(x, 6), x), 0, atol=1e-12)
    np.testing.assert_allclose(gradient(F.batch_norm, x), 0, atol=1e-12)


# -------------------------------------------------------------------- by hand: the others


def test_dropout_by_hand() -> None:
    mask = np.array([2.0, 0.0, 2.0])
    np.testing.assert_array_equal(ops.dropout(leaf([1.0, 2.0, 3.0]), mask).data, [2, 0, 6])
    np.testing.assert_array_equal(gradient(lambda x: ops.dropout(x, mask), [1.0, 2.0, 3.0]), mask)
    assert ops.dropout(leaf([1.0, 2.0, 3.0], np.float32), mask).dtype == np.float32


def test_dropped_elements_get_gradient_0() -> None:
    g = gradient(lambda x: ops.dropout(np.sqrt(x), np.array([0.0, 1.0])), [0.0, 4.0])
    np.testing.assert_array_equal(g, [0, 0.25])


def test_embedding_adds_equal_indices() -> None:
    weight = leaf(np.arange(6.0).reshape(3, 2))
    y = F.embedding([[2, 0], [2, 2]], weight)
    np.testing.assert_array_equal(y.data, [[[4, 5], [0, 1]], [[4, 5], [4, 5]]])
    y.sum().backward()
    np.testing.assert_array_equal(weight.grad, [[1, 1], [0, 0], [3, 3]])
    assert F.embedding(np.zeros((0, 4), int), weight).shape == (0, 4, 2)


def test_one_hot() -> None:
    rows = F.one_hot([[1], [0]], 3, np.float32)
    np.testing.assert_array_equal(rows, [[[0, 1, 0]], [[1, 0, 0]]])
    assert rows.dtype == np.float32


class TestAttention:
    def test_by_hand(self) -> None:
        q, k = np.zeros((1, 2)), np.ones((2, 2))
        v = np.array([[1.0, 2.0], [3.0, 6.0]])
        y = F.scaled_dot_product_attention(leaf(q), leaf(k), leaf(v))
        np.testing.assert_array_equal(y.data, [[2, 4]])

    def test_causal(self) -> None:
        q = k = np.zeros((3, 1))
        y = F.scaled_dot_product_attention(q, k, np.array([[3.0], [5.0], [10.0]]), is_causal=True)
        np.testing.assert_allclose(y, [[3], [4], [6]])

    @pytest.mark.parametrize("kind", ["boolean", "additive"])
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_the_output_of_a_fully_masked_query_is_0(self, kind: str, dtype: Any) -> None:
        seen = np.array([[True, False], [False, False]])
        mask = seen if kind == "boolean" else np.where(seen, 0, -np.inf).astype(dtype)
        q, k, v = (leaf(np.full((2, 2), 2.0), dtype) for _ in "qkv")
        y = F.scaled_dot_product_attention(q, k, v, mask)
        np.testing.assert_array_equal(y.data, [[2, 2], [0, 0]])
        y.sum().backward()
        np.testing.assert_array_equal(v.grad, [[1, 1], [0, 0]])
        np.testing.assert_array_equal(q.grad, np.zeros((2, 2)))
        assert v.grad.dtype == dtype

    def test_a_mask_can_be_learned(self) -> None:
        mask = leaf([[0.5, -np.inf, 0.0]])
        q, k, v = np.ones((1, 2)), np.ones((3, 2)), np.array([[1.0], [2.0], [3.0]])
        F.scaled_dot_product_attention(q, k, v, mask).sum().backward()
        p = np.exp(0.5) / (1 + np.exp(0.5))
        np.testing.assert_allclose(mask.grad, [[-2 * p * (1 - p), 0, 2 * p * (1 - p)]])


# -------------------------------------------------------------------- mistakes

X = np.zeros((2, 3, 8, 8))
MISTAKES = [
    (lambda: ops.conv2d(X, np.zeros((4, 2, 3, 3))), ValueError,
     "conv2d: the kernels take 2 channels, and x has 3 on axis 1 (shapes:"),
    (lambda: ops.conv2d(X.transpose(0, 2, 3, 1), np.zeros((4, 3, 3, 3))), ValueError,
     "if they come last, write x.transpose(0, 3, 1, 2)"),
    (lambda: ops.conv2d(X[0].transpose(1, 2, 0), np.zeros((4, 3, 3, 3))), ValueError,
     "x has 8 on axis 0; if they come last, write x.transpose(2, 0, 1)"),
    (lambda: ops.conv2d(X[:, 0], np.zeros((4, 1, 3, 3))), ValueError,
     "x has 2 on axis 0; if that is the batch, write x[:, None]"),
    (lambda: ops.conv2d(X[0, 0], np.zeros((4, 3, 3, 3))), ValueError,
     "x has 2 axes, not (batch, channels, height, width) or (channels, height, width)"),
    (lambda: ops.conv1d(X, np.zeros((4, 3, 3))), ValueError,
     "x has 4 axes, not (batch, channels, length) or (channels, length)"),
    (lambda: ops.conv2d(X, np.zeros((4, 3, 3))), ValueError, "weight has 3 axes"),
    (lambda: ops.conv2d(X, np.zeros((4, 3, 9, 9))), ValueError,
     "the kernel spans 9 elements and the padded input has only 8"),
    (lambda: ops.conv2d(X, np.zeros((4, 3, 5, 5)), dilation=2), ValueError, "spans 9 elements"),
    (lambda: ops.conv2d(X, np.zeros((4, 1, 3, 3)), groups=3), ValueError,
     "weight's 4 channels do not divide into 3 groups"),
    (lambda: ops.conv2d(X, np.zeros((4, 3, 3, 3)), np.zeros(3)), ValueError,
     "bias has shape (3,), and y has 4 channels"),
    (lambda: ops.conv2d(X, np.zeros((4, 3, 3, 3)), stride=0), ValueError,
     "stride is one integer from 1 up, or 2 of them"),
    (lambda: ops.conv2d(X, np.zeros((4, 3, 3, 3)), padding=(1, 1, 1)), ValueError, "padding is"),
    (lambda: ops.conv2d(X, np.zeros((4, 3, 3, 3)), padding="full"), ValueError, "'full'"),
    (lambda: ops.conv2d(X, np.zeros((4, 3, 3, 3)), padding="same", stride=2), ValueError,
     "padding='same' needs stride 1"),
    (lambda: ops.conv_transpose2d(X, np.zeros((4, 3, 3, 3))), ValueError,
     "the kernels take 4 channels, and x has 3 on axis 1"),
    (lambda: ops.conv_transpose2d(X, np.zeros((3, 4, 3, 3)), output_padding=1), ValueError,
     "output_padding must be smaller"),
    (lambda: ops.max_pool2d(X, 9), ValueError, "the kernel spans 9 elements"),
    (lambda: ops.max_pool2d(X, 2, padding=2), ValueError, "more than half of kernel_size"),
    (lambda: ops.max_pool2d(X, 2, padding=3, dilation=4), ValueError,
     "padding 3 is more than half of kernel_size 2 of dilation 4"),
    (lambda: ops.max_pool1d(X[..., :1, 0], 2, 1, 2, 4), ValueError,
     "between the elements of a window of dilation 4 there is room for all 1 of the input"),
    (lambda: ops.max_pool3d(X, 4), ValueError, "max_pool3d: the kernel spans 4 elements and the"),
    (lambda: ops.max_pool2d(X, 9, 1, ceil_mode=True), ValueError, "kernel spans 9 elements"),
    (lambda: ops.avg_pool2d(X, 2, divisor_override=0), ValueError,
     "divisor_override is an integer other than 0, and not 0"),
    (lambda: ops.avg_pool2d(X, 2, divisor_override=0.5), ValueError, "and not 0.5"),
    (lambda: F.adaptive_avg_pool2d(X, 0), ValueError,
     "adaptive_avg_pool2d: output_size is one positive integer"),
    (lambda: ops.conv2d(X, np.zeros((4, 3, 3, 3)), stride=1.5), ValueError, "not 1.5"),
    (lambda: F.layer_norm(X, 8, np.ones(7)), ValueError, "weight must have shape (8,), that"),
    (lambda: F.layer_norm(X, (7,)), ValueError, "(..., 7), and has shape (2, 3, 8, 8)"),
    (lambda: F.rms_norm(np.ones(3), 3, np.ones((2, 3))), ValueError, "rms_norm: weight must"),
    (lambda: F.batch_norm(X, np.ones(4)), ValueError,
     "running_mean must have shape (3,), one number for each channel on axis 1 of x"),
    (lambda: F.batch_norm(np.ones((1, 3))), ValueError, "needs more than one value"),
    (lambda: F.group_norm(X, 2), ValueError, "3 channels do not divide into 2 groups"),
    (lambda: F.embedding([3], np.ones((3, 2))), IndexError, "there are only 0 to 2"),
    (lambda: F.embedding([-1], np.ones((3, 2))), IndexError, "indices from -1 to -1"),
    (lambda: F.one_hot([0.5], 3), TypeError, "indices must be integers"),
    (lambda: F.nll_loss(np.ones((2, 3)), [[0, 1]]), ValueError, "nll_loss: the classes are on"),
    (lambda: F.scaled_dot_product_attention(X, X[..., :4], X), ValueError,
     "queries of 8 features cannot meet keys of 4"),
    (lambda: F.scaled_dot_product_attention(X, X, X[..., :4, :]), ValueError, "8 keys need"),
    (lambda: F.binary_cross_entropy(np.array([1.5]), np.array([1.0])), ValueError,
     "must be probabilities"),
    (lambda: F.mse_loss(np.ones(2), np.ones(2), "average"), ValueError, "reduction is 'mean'"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "words"), MISTAKES, ids=lambda a: "")
def test_mistakes(call: Any, kind: Any, words: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("shapes", [((4, 1), (4,)), ((4,), (4, 1))])
def test_logits_and_targets_do_not_broadcast(shapes: Any) -> None:
    x, t = np.full(shapes[0], 0.5), np.full(shapes[1], 0.5)
    with pytest.raises(ValueError, match="broadcasting would compare every"):
        ops.binary_cross_entropy_with_logits(leaf(x), t)


@pytest.mark.parametrize("dtype", [int, np.uint8, bool])
def test_softmax_of_integers(dtype: Any) -> None:
    x = np.array([[1, 0, 1], [0, 0, 1]], dtype)
    for function in (ops.softmax, ops.log_softmax, ops.logsumexp):
        y = function(Tensor(x))
        assert y.dtype == np.float64
        np.testing.assert_array_equal(y.data, function(Tensor(x.astype(np.float64))).data)
    indices = np.array([2, 0])
    expected = ops.cross_entropy(Tensor(x.astype(np.float64)), indices)
    assert float(ops.cross_entropy(Tensor(x), indices)) == float(expected)


# -------------------------------------------------------------------- convolution in blocks


def met(x: Any, weight: Any, geometry: Geometry, positions: tuple[int, ...]) -> Any:
    """A convolution as its formula says, element by element of the kernel."""
    y = np.zeros((len(x), len(weight), *positions))
    padded = np.pad(x, [(0, 0), (0, 0), *[(b, 9) for b in geometry.before]])
    per_group = len(weight) // geometry.groups
    for group in range(geometry.groups):
        here = slice(group * per_group, (group + 1) * per_group)
        taken = weight.shape[1]
        channels = padded[:, group * taken : (group + 1) * taken]
        for k in np.ndindex(*geometry.kernel):
            zipped = zip(k, positions, geometry.stride, geometry.dilation, strict=True)
            at = [slice(i * d, i * d + (p - 1) * s + 1, s) for i, p, s, d in zipped]
            y[:, here] += np.einsum(
                "nc...,oc->no...", channels[(..., *at)], weight[(here, slice(None), *k)]
            )
    return y


@pytest.mark.parametrize("cached", [1, 5000, 2**17])
@pytest.mark.parametrize(
    ("channels", "size", "kernel", "options"),
    [
        ((4, 6), (20, 18), (3, 3), {"padding": 1}),
        ((4, 6), (20, 18), (3, 2), {"padding": (2, 0), "groups": 2}),
        ((1, 8), (9, 24), (3, 3), {"padding": 1}),
        ((4, 4), (17, 19), (3, 3), {"stride": 2, "padding": 1}),
        ((4, 4), (17, 33), (3, 3), {"stride": (2, 1), "dilation": 2, "padding": 3}),
        ((6, 4), (9, 9), (1, 1), {}),
        ((6, 4), (9, 9), (1, 1), {"stride": 2}),
        ((4, 6), (40,), (3,), {"dilation": 2, "padding": 7}),
        ((2, 2), (4, 5, 16), (2, 2, 2), {"padding": 1}),
    ],
)
def test_convolutions_of_several_blocks(
    channels: Any, size: Any, kernel: Any, options: Any, cached: int, monkeypatch: Any
) -> None:
    """Of one sample, of some, and of all; and each derivative is the adjoint of the forward."""
    monkeypatch.setattr(convolution, "_CACHED", cached)
    moving = geometry(len(size), kernel, **options)
    positions = positions_in(size, moving)
    random = np.random.default_rng(0)
    x = random.normal(size=(5, channels[0], *size))
    weight = random.normal(size=(channels[1], channels[0] // moving.groups, *kernel))
    y = random.normal(size=(5, channels[1], *positions))
    found = ops.correlate(x, weight, positions, moving)
    np.testing.assert_allclose(found, met(x, weight, moving, positions), atol=1e-10)
    product = np.vdot(y, found)
    by_input = np.vdot(x, ops.correlate_input(y, weight, size, moving))
    by_weight = np.vdot(weight, ops.correlate_weight(x, y, moving))
    np.testing.assert_allclose([by_input, by_weight], product, rtol=1e-10)


@pytest.mark.parametrize(
    ("kernel", "dilation", "groups", "slices"),
    [
        ((5, 4), (2, 1), 2, 5),
        ((3, 2, 2), (1, 2, 1), 1, 3),
        ((4,), (1,), 1, 4),
        ((2, 2), (1, 1), 1, 1),
    ],
)
def test_kernels_in_slices(kernel: Any, dilation: Any, groups: int, slices: int) -> None:
    random, made = np.random.default_rng(0), 1 if slices > 1 else 3
    moving = geometry(len(kernel), kernel, 1, 1, dilation, groups)
    size = tuple(10 + i for i in range(len(kernel)))
    positions = positions_in(size, moving)
    assert convolution._sliced(4, made, positions, moving)[0] == slices
    x = random.normal(size=(3, groups * 4, *size))
    w = random.normal(size=(groups * made, 4, *kernel))
    g = random.normal(size=(3, groups * made, *positions))
    met = ops.unfold(x, positions, moving).reshape(3, groups, 4 * math.prod(kernel), -1)
    apart = w.reshape(groups, made, -1), g.reshape(3, groups, made, -1)
    right = np.einsum("goc,bgcp->bgop", apart[0], met).reshape(g.shape)
    np.testing.assert_allclose(ops.correlate(x, w, positions, moving), right)
    right = np.einsum("bgop,bgcp->goc", apart[1], met).reshape(w.shape)
    np.testing.assert_allclose(ops.correlate_weight(x, g, moving), right)
