"""Neuron, Network, MLP, and the small layers that they are put together with."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import nn
from tinygrad_edu import Tensor, gradcheck

X = np.random.default_rng(0).normal(size=(6, 4))
T = np.array([0, 1, 2, 2, 1, 0])


def kinds(model: nn.Sequential) -> list[str]:
    return [type(module).__name__ for module in model]


# -------------------------------------------------------------------- Dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropout_drops_its_share_and_keeps_the_mean(p: float, dtype: Any) -> None:
    nn.manual_seed(0)
    y = nn.Dropout(p)(np.ones((300, 400), dtype)).data
    assert y.dtype == dtype
    share = (y == 0).mean()
    assert abs(share - p) < 0.005
    np.testing.assert_allclose(y[y != 0], 1 / (1 - p), rtol=1e-6 if dtype == np.float32 else 1e-15)
    np.testing.assert_allclose(y.mean(), 1, atol=0.015)


def test_dropout_sends_back_what_it_let_through() -> None:
    nn.manual_seed(0)
    x = Tensor(np.full((30, 40), 3.0), requires_grad=True)
    y = nn.Dropout(0.25)(x)
    y.sum().backward()
    np.testing.assert_allclose(x.grad, y.data / 3)


def test_dropout_is_the_identity_in_evaluation_and_follows_the_seed() -> None:
    model = nn.Sequential(nn.Dropout(0.5))
    nn.manual_seed(3)
    first, second = model(X).data, model(X).data
    nn.manual_seed(3)
    np.testing.assert_array_equal(model(X).data, first)
    assert not np.array_equal(first, second)
    x = Tensor(X)
    assert model.eval()(x) is x
    assert nn.Dropout(0.0)(x) is x
    assert not nn.Dropout(1.0)(X).data.any()
    nn.manual_seed(3)
    np.testing.assert_array_equal(model.train()(X).data, first)
    assert nn.Dropout(0.5)(np.ones((2, 3), int)).dtype == np.float64


def test_dropout_of_channels() -> None:
    nn.manual_seed(0)
    layer = nn.Dropout2d(0.25)
    y = layer(np.ones((50, 40, 3, 5), np.float32)).data
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :, :1, :1], y.shape))
    assert abs((y[:, :, 0, 0] == 0).mean() - 0.25) < 0.03
    np.testing.assert_allclose(y.max(), 4 / 3, rtol=1e-6)
    with pytest.raises(ValueError, match=r"\(batch, channels, height, width\).* \(6, 4\).*layer 0"):
        nn.Sequential(layer)(X)
    x = Tensor(np.ones((1, 2, 3, 4)))
    assert layer.eval()(x) is x


def test_gradients_through_dropout() -> None:
    model = nn.Sequential(nn.Dense(4, 8), nn.Tanh(), nn.Dropout(0.5), nn.Dense(8, 3))
    assert gradcheck(model, nn.cross_entropy, X, T, rng=nn.init.generator())


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_dropout_by_no_probability(p: float) -> None:
    with pytest.raises(ValueError, match="Dropout2d: p must be a probability, from 0 to 1, and is"):
        nn.Dropout2d(p)
    with pytest.raises(ValueError, match="Dropout: p must be a probability"):
        nn.Dropout(p)


# -------------------------------------------------------------------- shapes and ways


def test_flatten_and_reshape() -> None:
    x = np.arange(120.0).reshape(2, 3, 4, 5)
    np.testing.assert_array_equal(nn.Flatten()(x).data, x.reshape(2, 60))
    np.testing.assert_array_equal(nn.Flatten(0)(x).data, x.ravel())
    np.testing.assert_array_equal(nn.Flatten(-2)(x).data, x.reshape(2, 3, 20))
    assert nn.Flatten()(np.ones((0, 3, 4))).shape == (0, 12)
    np.testing.assert_array_equal(nn.Reshape(5, -1)(x).data, x.reshape(2, 5, 12))
    assert nn.Reshape()(np.ones((2, 1))).shape == (2,)
    assert repr(nn.Sequential(nn.Flatten(), nn.Flatten(2), nn.Reshape(5, -1))) == (
        "Sequential(\n  (0): Flatten()\n  (1): Flatten(start_axis=2)\n  (2): Reshape(5, -1)\n)"
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Sequential(nn.Flatten())(np.ones(3)), r"\(3,\) has no axis 1 .*in layer 0"),
        (lambda: nn.Flatten(-3)(X), "no axis -3 to start from"),
        (lambda: nn.Reshape(3, 3)(X), r"24 elements do not fill shape \(6, 3, 3\)"),
        (lambda: nn.Reshape(-1, -1), r"one can be -1, not \(-1, -1\)"),
        (lambda: nn.Reshape(0), "sizes are positive"),
    ],
)
def test_shapes_that_do_not_fit(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_residual() -> None:
    block = nn.Residual(nn.Dense(4, 4), nn.Tanh())
    y = block(X)
    assert y.dtype == np.float32, "float64 data must not double the cost of a float32 network"
    np.testing.assert_allclose(y.data, X + block[1](block[0](X)).data, rtol=1e-5, atol=1e-6)
    assert list(block.state_dict()) == ["0.weight", "0.bias"]
    x = Tensor(X, requires_grad=True)
    zero = nn.Residual(nn.Dense(4, 4, init="zeros"))
    zero(x).sum().backward()
    np.testing.assert_array_equal(x.grad, np.ones_like(X))
    assert gradcheck(nn.Sequential(block, nn.Dense(4, 3)), nn.cross_entropy, X, T)
    with pytest.raises(ValueError, match=r"turns \(6, 4\) into \(6, 1\).*, in layer 0"):
        nn.Sequential(nn.Residual(nn.Dense(4, 1)))(X)  # (6, 4) + (6, 1) would broadcast
    with pytest.raises(ValueError, match="at least one module"):
        nn.Residual()


# -------------------------------------------------------------------- l2


def test_penalty_is_half_lambda_times_the_squared_weights() -> None:
    model = nn.Sequential(nn.Dense(4, 5, l2=0.3), nn.Dense(5, 2), nn.Residual(nn.Dense(2, 2, l2=2)))
    first, second, third = (layer.weight for layer in (model[0], model[1], model[2][0]))
    penalty = model.penalty()
    expected = 0.15 * (first.data**2).sum() + 1.0 * (third.data**2).sum()
    np.testing.assert_allclose(penalty.data, expected, rtol=1e-6)
    assert penalty.dtype == np.float32
    penalty.backward()
    np.testing.assert_allclose(first.grad, 0.3 * first.data, rtol=1e-6)
    np.testing.assert_allclose(third.grad, 2.0 * third.data, rtol=1e-6)
    assert second.grad is None
    assert model[0].bias.grad is None
    assert float(nn.Sequential(nn.Dense(2, 2), nn.ReLU()).penalty()) == 0


def test_penalty_adds_to_the_gradient_of_the_loss() -> None:
    model = nn.Network([4, 3], l2=0.5)
    nn.cross_entropy(model.logits(X), T).backward()
    alone = model[0].weight.grad.copy()
    model.zero_grad()
    (nn.cross_entropy(model.logits(X), T) + model.penalty()).backward()
    np.testing.assert_allclose(
        model[0].weight.grad, alone + 0.5 * model[0].weight.data, rtol=1e-5, atol=1e-7
    )
    assert gradcheck(model, lambda y, t: ((y - t) ** 2).sum() + model.penalty(), X, np.eye(3)[T])


# -------------------------------------------------------------------- Neuron


def test_neuron() -> None:
    neuron = nn.Neuron(4, l2=0.5)
    assert [(n, p.shape) for n, p in neuron.named_parameters()] == [("weight", (4,)), ("bias", ())]
    neuron.bias.data[...] = 0.7
    y = neuron(X)
    expected = 1 / (1 + np.exp(-(X @ neuron.weight.data + 0.7)))
    np.testing.assert_allclose(y.data, expected, rtol=1e-5)
    assert y.dtype == np.float32
    assert neuron(X[0]).shape == ()
    assert neuron(np.ones((2, 3, 4))).shape == (2, 3)
    assert repr(neuron) == "Neuron(4, Sigmoid())"
    assert repr(nn.Neuron(4, np.tanh, bias=False)) == "Neuron(4, Lambda(tanh), bias=False)"
    np.testing.assert_allclose(neuron.penalty().data, 0.25 * (neuron.weight.data**2).sum())
    assert gradcheck(nn.Neuron(4, "tanh"), nn.mse_loss, X, np.ones(6))


def test_a_neuron_learns_and() -> None:
    nn.manual_seed(0)
    x, t = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 0, 0, 1.0])
    neuron = nn.Neuron(2)
    optimizer = nn.Adam(neuron.parameters(), lr=0.2)
    for _ in range(200):
        loss = nn.mse_loss(neuron(x), t)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    np.testing.assert_array_equal(neuron(x).data > 0.5, t > 0.5)
    assert neuron.bias.shape == ()


# -------------------------------------------------------------------- Network and MLP


def test_network_by_its_sizes() -> None:
    network = nn.Network([4, 8, 5, 3])
    assert kinds(network) == ["Dense", "ReLU", "Dense", "ReLU", "Dense", "Softmax"]
    assert [p.shape for p in network.parameters()] == [(4, 8), (8,), (8, 5), (5,), (5, 3), (3,)]
    y = network(X)
    np.testing.assert_allclose(y.data.sum(axis=-1), np.ones(6), rtol=1e-6)
    logits = network.logits(X)
    np.testing.assert_allclose(nn.Softmax()(logits).data, y.data, rtol=1e-6)
    assert logits.node.scope == "4"
    assert repr(nn.Network([4, 3])) == "Network(\n  (0): Dense(4, 3)\n  (1): Softmax(axis=-1)\n)"
    twin = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(twin.logits(X).data, logits.data)


def test_network_options() -> None:
    network = nn.Network(
        (4, np.int64(8), 1), activation=nn.ELU(0.5), output="sigmoid", init="xavier", l2=0.1,
        dtype=np.float64,
    )  # fmt: skip
    assert kinds(network) == ["Dense", "ELU", "Dense", "Sigmoid"]
    assert network[1].alpha == 0.5
    assert [network[0].l2, network[2].l2] == [0.1, 0.1]
    assert network(X).dtype == np.float64
    np.testing.assert_allclose(nn.Sigmoid()(network.logits(X)).data, network(X).data)
    plain = nn.Network([4, 8, 3], output=None)
    assert kinds(plain) == ["Dense", "ReLU", "Dense"]
    np.testing.assert_array_equal(plain.logits(X).data, plain(X).data)
    ones = nn.Network([4, 2], init=lambda shape, rng: np.ones(shape))
    assert (ones[0].weight.data == 1).all()


def test_each_place_has_its_own_activation() -> None:
    slope = nn.PReLU()
    network = nn.Network([4, 8, 8, 3], activation=slope)
    assert network[1].weight is not network[3].weight
    assert network[1].weight is not slope.weight


def test_network_of_modules() -> None:
    network = nn.Network([nn.Flatten(), 4, 8, nn.Dropout(0.2), 3])
    assert kinds(network) == ["Flatten", "Dense", "ReLU", "Dropout", "Dense", "Softmax"]
    layers = [nn.Dense(4, 8), nn.Tanh(), nn.Dense(8, 3)]
    network = nn.Network(layers)
    assert list(network) == layers, "modules alone are a Sequential"
    np.testing.assert_array_equal(network(X).data, nn.Sequential(*layers)(X).data)
    np.testing.assert_array_equal(network.logits(X).data, network(X).data)
    network = nn.Network([4, 3, nn.LogSoftmax()])
    assert kinds(network) == ["Dense", "LogSoftmax"]
    np.testing.assert_array_equal(network.logits(X).data, network[0](X).data)


def test_logits_know_their_place_in_a_larger_model() -> None:
    class Whole(nn.Module):
        def __init__(self) -> None:
            self.head = nn.Network([4, 3])

        def forward(self, x: Any) -> Any:
            return self.head.logits(x)

    assert Whole()(X).node.scope == "head.0"


def test_zeros_do_not_learn_and_others_do() -> None:
    data = nn.datasets.iris()
    x = (data.x - data.x.mean(0)) / data.x.std(0)
    found = {}
    for init in ("zeros", "he"):
        nn.manual_seed(0)
        network = nn.Network([4, 8, 3], init=init)
        optimizer = nn.Adam(network.parameters(), lr=0.05)
        for _ in range(60):
            loss = nn.cross_entropy(network.logits(x), data.y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        found[init] = float(loss), nn.metrics.accuracy(network(x), data.y)
    np.testing.assert_allclose(found["zeros"][0], np.log(3), rtol=1e-4)
    assert found["zeros"][1] < 0.34
    assert found["he"][1] > 0.95


def test_mlp() -> None:
    model = nn.MLP(4, [16, 8], 3, activation="tanh", dropout=0.3)
    assert kinds(model) == ["Dense", "Tanh", "Dropout", "Dense", "Tanh", "Dropout", "Dense"]
    assert model[2].p == 0.3
    assert model(np.ones((2, 5, 4))).shape == (2, 5, 3)
    assert kinds(nn.MLP(4, (), 3)) == ["Dense"]
    assert kinds(nn.MLP(4, [5], 3)) == ["Dense", "ReLU", "Dense"]
    model = nn.MLP(4, [5], 3, init="zeros", l2=0.2, dtype=np.float64)
    assert model(X).dtype == np.float64
    assert (model[0].l2, model[0].weight.data.any()) == (0.2, False)
    assert gradcheck(nn.MLP(4, [5], 3, activation="gelu"), nn.cross_entropy, X, T)
    assert copy.deepcopy(model)(X).shape == (6, 3)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.Network([]), ValueError, r"at least two sizes.* was given \[\]"),
        (lambda: nn.Network([4]), ValueError, r"at least two sizes.* was given \[4\]"),
        (lambda: nn.Network([4, nn.ReLU()]), ValueError, "at least two sizes"),
        (lambda: nn.Network([4, 0, 3]), ValueError, r"positive integers, and are \[4, 0, 3\]"),
        (lambda: nn.Network([4, -8, 3]), ValueError, "positive integers"),
        (lambda: nn.Network([4, 8.0, 3]), TypeError, "number 1 is a float"),
        (lambda: nn.Network([nn.Dense(4, 3), nn.ReLU]), TypeError, r"number 1 .*nn.ReLU\(\)"),
        (lambda: nn.Network(4), TypeError, r"a list, such as \[4, 8, 3\], not 4"),
        (lambda: nn.Network([4, 3], output="softmacks"), ValueError, "activation 'softmacks'"),
        (lambda: nn.Network([4, 8, 3], activation="rellu"), ValueError, "activation 'rellu'"),
        (lambda: nn.Network([4, 3], init="hee"), ValueError, "initializer 'hee'"),
        (lambda: nn.Network([4, 3])(np.ones((2, 5))), ValueError, "4 features.*in layer 0"),
        (lambda: nn.MLP(4, [0], 3), ValueError, r"positive integers, and are \[4, 0, 3\]"),
        (lambda: nn.MLP(4, [5], 3, dropout=2), ValueError, "Dropout: p must be a probability"),
        (lambda: nn.MLP(4, [5], 3, activation="x"), ValueError, "activation 'x'"),
        (lambda: nn.Neuron(0), ValueError, "in_features must be a positive integer, not 0"),
        (lambda: nn.Neuron(2, l2=-1), ValueError, "l2 must not be negative, and is -1"),
        (lambda: nn.Neuron(2, "x"), ValueError, "activation 'x'"),
        (lambda: nn.Neuron(2)(X), ValueError, r"last axis of the first \(4\).*\(2\)"),
    ],
)
def test_what_is_refused(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
