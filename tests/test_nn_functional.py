"""nn.functional as a package, and what its functions do beyond the layers that call them."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import nn
import nn.functional as F
from tinygrad_edu import Tensor, gradcheck, ops

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 3))


def test_the_package_lists_its_functions() -> None:
    assert dir(F) == sorted(F.__all__)
    assert all(callable(getattr(F, name)) for name in dir(F))
    for name in nn.losses.__all__:
        if name.islower():
            assert getattr(nn, name) is getattr(nn.losses, name) is getattr(F, name)
    assert F.relu is ops.relu
    assert F.linear is F.dense is ops.dense


@pytest.mark.parametrize("name", F.__all__)
def test_functions_pickle(name: str) -> None:
    function = getattr(F, name)
    assert pickle.loads(pickle.dumps(function)) is function


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: F.glu(X, dim=1), "glu has no argument dim; did you mean axis? It takes x, axis"),
        (lambda: nn.cross_entropy(X, [0] * 4, dim=1), "cross_entropy has no argument dim; did you"),
        (lambda: F.softplus(X, betta=2.0), "softplus has no argument betta; did you mean beta?"),
        (
            lambda: nn.mse_loss(X, X, size_average=True),
            "mse_loss has no argument size_average; did you mean reduction? It",
        ),
    ],
)
def test_unknown_options_are_told_the_names(call: Any, words: str) -> None:
    with pytest.raises(TypeError, match=r"test_nn_functional\.py:\d+$") as caught:
        call()
    assert str(caught.value).startswith(words)


def test_linear_without_a_bias() -> None:
    weight = RNG.normal(size=(3, 2))
    np.testing.assert_array_equal(F.linear(X, weight), X @ weight)
    assert gradcheck(F.linear, X, weight)
    layer = nn.Dense(3, 2, bias=False)
    assert layer(X).node.op.name == "dense"


def test_dropout() -> None:
    nn.manual_seed(0)
    x = Tensor(np.ones((100, 100)), requires_grad=True)
    y = F.dropout(x, 0.25)
    np.testing.assert_allclose(np.unique(y.data), [0, 4 / 3])
    assert abs(y.data.mean() - 1) < 0.02
    assert F.dropout(x, 0.25, training=False) is x
    assert not F.dropout(X, 1.0).any()
    assert F.dropout2d(np.ones((2, 3, 4, 4)), 0.5, False).shape == (2, 3, 4, 4)
    with pytest.raises(ValueError, match=r"dropout: p must be a probability.*, and is 2, at test_"):
        F.dropout(x, 2)
    with pytest.raises(
        ValueError, match=r"dropout2d: expected images .* shape \(4, 3\), at test_nn_f"
    ):
        F.dropout2d(X)


def test_batch_norm_moves_the_running_statistics_in_training_only() -> None:
    mean, variance = np.zeros(3), np.ones(3)
    F.batch_norm(X, mean, variance)
    assert not mean.any()
    F.batch_norm(X, mean, variance, training=True, momentum=0.25)
    np.testing.assert_allclose(mean, 0.25 * X.mean(0))
    np.testing.assert_allclose(variance, 0.75 + 0.25 * X.var(0, ddof=1))


def test_embedding_of_a_padding_index() -> None:
    weight = Tensor(np.ones((3, 2)), requires_grad=True)
    F.embedding([0, 1, 1], weight, padding_idx=0).sum().backward()
    np.testing.assert_array_equal(weight.grad, [[0, 0], [2, 2], [0, 0]])
    np.testing.assert_array_equal(F.embedding([2, 0], X, 0), X[[2, 0]])
    weight.zero_grad()
    F.embedding([0, 2, 2], weight, padding_idx=-1).sum().backward()
    np.testing.assert_array_equal(weight.grad, [[1, 1], [0, 0], [0, 0]])


def test_one_hot_of_as_many_classes_as_there_are() -> None:
    np.testing.assert_array_equal(F.one_hot([2, 0]), F.one_hot([2, 0], 3))
    assert F.one_hot(np.zeros(0, int)).shape == (0, 0)
    with pytest.raises(TypeError, match="the indices must be integers, and are float64"):
        F.one_hot([0.5])


def test_attention_with_dropout() -> None:
    nn.manual_seed(0)
    q = RNG.normal(size=(5, 4, 3))
    assert not F.scaled_dot_product_attention(q, q, q, dropout_p=1.0).any()
    y = F.scaled_dot_product_attention(q, q, q)
    np.testing.assert_allclose(y, F.attention_weights(q, q) @ q)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: F.layer_norm(X, (4,)),
            r"layer_norm: x must have shape \(..., 4\), and has shape \(4, 3\)",
        ),
        (lambda: F.global_avg_pool(X), r"global_avg_pool: expected \(batch, channels, \*space\)"),
        (lambda: F.hardtanh(X, 1, -1), "hardtanh: min_val=1 is not below max_val=-1"),
        (lambda: F.softplus(X, -1), "softplus: beta must be positive, and is -1"),
        (lambda: F.prelu(X, np.ones(2)), "prelu: expected 2 channels on axis 1"),
        (lambda: F.adaptive_avg_pool1d(X[None], (1, 2)), "output_size is one positive integer"),
        (
            lambda: F.adaptive_avg_pool1d(X[0], 2),
            r"x has 1 axes, not \(batch, channels, length\) or",
        ),
    ],
)
def test_errors_say_where(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        call()
    assert str(caught.value).count("at test_nn_functional.py:") == 1
