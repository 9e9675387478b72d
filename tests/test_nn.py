"""Modules, losses, optimizers and data, as people who come from PyTorch expect them."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import nn
from nn import init, watched
from tinygrad_edu import Tensor, no_grad

from .test_training import data


def mlp() -> nn.Sequential:
    nn.manual_seed(0)
    return nn.Sequential(nn.Dense(4, 8), nn.ReLU(), nn.Dense(8, 3))


# -------------------------------------------------------------------- modules


def test_keys_and_the_tree() -> None:
    model = mlp()
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert repr(model) == ("Sequential(\n  (0): Dense(4, 8)\n  (1): ReLU()\n  (2): Dense(8, 3)\n)")
    assert [name for name, _ in model.named_modules()] == ["", "0", "1", "2"]
    assert len(model) == 3
    assert model[0].weight.name == "weight"


def test_a_list_of_modules_is_found_and_named_in_the_graph() -> None:
    class Stack(nn.Module):
        def __init__(self) -> None:
            self.layers = [nn.Dense(2, 2), nn.Dense(2, 2)]

        def forward(self, x: Tensor) -> Tensor:
            for layer in self.layers:
                x = layer(x)
            return x

    model = Stack()
    assert [name for name, _ in model.named_parameters()] == [
        "layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias",
    ]  # fmt: skip
    y = model(np.ones((1, 2)))
    assert y.node.scope == "layers.1"
    assert y.node.edges[0].source.scope == "layers.0"


def test_shared_parameters() -> None:
    layer = nn.Dense(3, 3)
    model = nn.Sequential(layer, nn.ReLU(), layer)
    assert len(list(model.parameters())) == 2
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    twin = copy.deepcopy(model)
    assert twin[0].weight is twin[2].weight
    assert twin[0].weight is not layer.weight
    nn.mse_loss(model(np.ones((2, 3))), np.zeros((2, 3))).backward()
    assert layer.weight.grad is not None


def test_buffers_are_state_but_not_parameters() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            self.register_buffer("scale", np.full(2, 3.0))

        def forward(self, x: Tensor) -> Tensor:
            return x * self.scale

    model = nn.Sequential(Scaled())
    assert list(model.parameters()) == []
    np.testing.assert_array_equal(model.state_dict()["0.scale"], [3.0, 3.0])
    model.load_state_dict({"0.scale": np.array([1.0, 2.0])})
    np.testing.assert_array_equal(model(np.ones(2)).data, [1.0, 2.0])


def test_state_dict_is_a_copy_and_loads_back() -> None:
    model, other = mlp(), mlp()
    state = model.state_dict()
    for p in model.parameters():
        p.data += 1
    assert not np.array_equal(state["0.weight"], model[0].weight.data)
    model.load_state_dict(state)
    np.testing.assert_array_equal(model[0].weight.data, other[0].weight.data)


def test_load_state_dict_refuses_what_does_not_fit_and_changes_nothing() -> None:
    model = mlp()
    before = model.state_dict()
    state = dict(before) | {"extra": np.ones(1)}
    del state["2.bias"]
    state["0.weight"] = state["0.weight"] + 1
    with pytest.raises(ValueError, match=r"(?s)missing.* 2.bias \(3,\).*unexpected:\s+extra"):
        model.load_state_dict(state)
    with pytest.raises(ValueError, match=r"0.weight \(4, 8\) in the model, \(4, 9\) given"):
        model.load_state_dict(before | {"0.weight": np.ones((4, 9))})
    for path, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[path])
    difference = model.load_state_dict(state, strict=False)
    assert difference == (["2.bias"], ["extra"])
    np.testing.assert_array_equal(model[0].weight.data, before["0.weight"] + 1)


def test_train_and_eval_reach_every_module() -> None:
    model = nn.Sequential(mlp())
    model.eval()
    assert not any(m.training for _, m in model.named_modules())
    model.train()
    assert all(m.training for _, m in model.named_modules())


def test_arrays_go_in_and_tensors_come_out() -> None:
    model = mlp()
    y = model(np.ones((5, 4)))
    assert isinstance(y, Tensor)
    assert y.dtype == np.float32, "float64 data must not double the cost of a float32 network"
    assert model(Tensor(np.ones((2, 7, 4)))).shape == (2, 7, 3)
    assert model(np.ones((5, 4), int)).dtype == np.float32


def test_dtype_and_bias_options() -> None:
    layer = nn.Dense(3, 2, bias=False, dtype=np.float64)
    assert layer(np.ones((1, 3))).dtype == np.float64
    assert list(layer.state_dict()) == ["weight"]
    assert repr(layer) == "Dense(3, 2, bias=False)"


def test_a_parameter_is_not_replaced_by_an_array() -> None:
    layer = nn.Dense(3, 2)
    with pytest.raises(TypeError, match=r"module.weight.data\[...\] = array"):
        layer.weight = np.zeros((3, 2))
    layer.weight = nn.Parameter(np.zeros((3, 2)))


def test_a_class_in_place_of_a_module() -> None:
    with pytest.raises(TypeError, match="parentheses"):
        nn.Sequential(nn.Dense(2, 2), nn.ReLU)


def test_models_pickle() -> None:
    model = mlp()
    twin = pickle.loads(pickle.dumps(model))
    x = np.ones((2, 4))
    np.testing.assert_array_equal(twin(x).data, model(x).data)
    assert all(isinstance(p, nn.Parameter) for p in twin.parameters())


def test_zero_grad_and_freezing() -> None:
    model = mlp()
    nn.cross_entropy(model(np.ones((2, 4))), np.array([0, 1])).backward()
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())
    model.requires_grad_(False)
    assert not model(np.ones((2, 4))).requires_grad


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (nn.ReLU(), [0.0, 0.0, 2.0]),
        (nn.Tanh(), np.tanh([-1.0, 0.0, 2.0])),
        (nn.Sigmoid(), 1 / (1 + np.exp([1.0, 0.0, -2.0]))),
        (nn.Softmax(), np.exp([-1.0, 0.0, 2.0]) / np.exp([-1.0, 0.0, 2.0]).sum()),
    ],
)
def test_activations(module: Any, expected: Any) -> None:
    np.testing.assert_allclose(module(np.array([-1.0, 0.0, 2.0])).data, expected)


# -------------------------------------------------------------------- initial values


@pytest.mark.parametrize(
    ("name", "deviation"),
    [
        ("he", (2 / 400) ** 0.5),
        ("he_uniform", (2 / 400) ** 0.5),
        ("xavier", (2 / 1000) ** 0.5),
        ("glorot_uniform", (2 / 1000) ** 0.5),
        ("normal", 0.01),
        ("uniform", 1 / (3 * 400) ** 0.5),
        ("zeros", 0.0),
    ],
)
def test_initializers_have_their_spread(name: str, deviation: float) -> None:
    nn.manual_seed(1)
    weight = nn.Dense(400, 600, init=name).weight.data
    assert abs(weight.mean()) < 0.01 * max(deviation, 1e-9) + 1e-4
    np.testing.assert_allclose(weight.std(), deviation, rtol=0.01)


def test_initializer_by_function_and_unknown_name() -> None:
    layer = nn.Dense(2, 3, init=lambda shape, rng: np.arange(6).reshape(shape))
    np.testing.assert_array_equal(layer.weight.data, [[0, 1, 2], [3, 4, 5]])
    with pytest.raises(ValueError, match=r"nn.init.constant\(0.1\)"):
        nn.Dense(2, 2, init="constant")
    with pytest.raises(ValueError, match=r"'hee'; did you mean 'he'"):
        nn.Dense(2, 3, init="hee")
    with pytest.raises(ValueError, match="out_features"):
        nn.Dense(2, 0)
    assert init.generator() is init.generator()


# -------------------------------------------------------------------- losses


def test_losses_agree_as_functions_and_modules() -> None:
    rng = np.random.default_rng(0)
    logits, targets = Tensor(rng.normal(size=(6, 4))), rng.integers(0, 4, 6)
    p = np.exp(logits.data) / np.exp(logits.data).sum(1, keepdims=True)
    expected = -np.log(p[np.arange(6), targets])
    for reduction, value in (
        ("none", expected),
        ("sum", expected.sum()),
        ("mean", expected.mean()),
    ):
        np.testing.assert_allclose(nn.cross_entropy(logits, targets, reduction).data, value)
        np.testing.assert_allclose(nn.CrossEntropyLoss(reduction)(logits, targets).data, value)
    y = rng.normal(size=(6, 4))
    for reduction, value in (
        ("sum", ((logits.data - y) ** 2).sum()),
        ("mean", ((logits.data - y) ** 2).mean()),
    ):
        np.testing.assert_allclose(nn.mse_loss(logits, y, reduction).data, value)
        np.testing.assert_allclose(nn.MSELoss(reduction)(logits, y).data, value)
    with pytest.raises(ValueError, match="'average'"):
        nn.mse_loss(logits, y, "average")


def test_mse_keeps_the_type_of_the_prediction() -> None:
    prediction = Tensor(np.ones(3, np.float32), requires_grad=True)
    assert nn.mse_loss(prediction, np.zeros(3)).dtype == np.float32


# -------------------------------------------------------------------- data


def test_loader_visits_every_sample_once_and_repeats_from_its_seed() -> None:
    x = np.arange(10)
    loader = nn.DataLoader((x, x * 2), batch_size=3, shuffle=True, seed=5)
    first, second = (list(loader) for _ in range(2))
    assert len(loader) == len(first) == 4
    assert sorted(np.concatenate([a for a, _ in first])) == list(range(10))
    assert all((b == 2 * a).all() for a, b in first)
    assert not all(np.array_equal(a[0], b[0]) for a, b in zip(first, second, strict=True))
    again = list(nn.DataLoader((x, x * 2), batch_size=3, shuffle=True, seed=5))
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(first, again, strict=True))


def test_loader_options() -> None:
    assert [len(b) for b in nn.DataLoader(np.arange(10), 4)] == [4, 4, 2]
    assert [len(b) for b in nn.DataLoader(np.arange(10), 4, drop_last=True)] == [4, 4]
    with pytest.raises(ValueError, match="batch_size"):
        nn.DataLoader(np.arange(3), 0)
    with pytest.raises(ValueError, match="empty"):
        nn.DataLoader(np.arange(0), 1)
    with pytest.raises(ValueError, match="equally long"):
        nn.DataLoader((np.arange(3), np.arange(4)))


def test_split_is_a_partition() -> None:
    train, test = nn.datasets.digits().split(0.2, seed=3)
    assert (len(train), len(test)) == (1438, 359)
    with pytest.raises(ValueError, match="empty"):
        train.split(0.0)


def test_shipped_data_are_what_they_say() -> None:
    digits, iris = nn.datasets.digits(), nn.datasets.iris()
    assert np.bincount(digits.y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert (digits.x.min(), digits.x.max()) == (0, 1)
    assert np.bincount(iris.y).tolist() == [50, 50, 50]
    np.testing.assert_allclose(iris.x.mean(0), [5.843333, 3.057333, 3.758, 1.199333], rtol=1e-6)
    assert iris.x.flags.c_contiguous


def test_a_network_learns_the_digits() -> None:
    nn.manual_seed(0)
    train, test = nn.datasets.digits().split(0.2, seed=0)
    model = nn.Sequential(nn.Dense(64, 64), nn.ReLU(), nn.Dense(64, 10))
    optimizer = nn.Adam(model.parameters(), lr=3e-3)
    for _ in range(15):
        for x, y in nn.DataLoader(train, batch_size=64, shuffle=True):
            loss = nn.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with no_grad():
        assert (model(test.x).argmax(axis=-1) == test.y).mean() > 0.95


def test_common_mistakes_are_explained() -> None:
    with pytest.raises(TypeError, match=r"not a list; np.array\(x\)"):
        nn.Dense(2, 2)([1.0, 2.0])
    with pytest.raises(TypeError, match=r"write Sequential\(\*modules\)"):
        nn.Sequential([nn.ReLU()])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"takes model.parameters\(\), not a Dense"):
        nn.SGD(nn.Dense(2, 2))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="hidden sizes are a list"):
        nn.MLP(4, 16, 3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="one by one"):
        nn.Reshape((1, 8, 8))  # type: ignore[arg-type]
    for hidden in (
        {"a": nn.ReLU()},
        [nn.ReLU(), None],
        [(nn.Dense(2, 2), nn.ReLU())],
        [{"a": nn.ReLU()}],
        [nn.Parameter([1.0])],
    ):
        with pytest.raises(TypeError, match=r"Dense.parts: .* in a (dict|list) would not be found"):
            nn.Dense(2, 2).parts = hidden
    with pytest.raises(ValueError, match="T_max must be a positive integer"):
        nn.CosineAnnealingLR(nn.SGD(nn.Dense(2, 2).parameters()), T_max=0)


def test_a_layer_may_be_called_l2() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            self.l1, self.l2 = nn.Dense(3, 4), nn.Dense(4, 2)
            self.weight = nn.Parameter(np.ones(2, np.float32))

        def forward(self, x: Tensor) -> Tensor:
            return self.l2(self.l1(x)) * self.weight

    model = Two()
    assert model.penalty() == 0
    t = nn.Trainer(model, "cross_entropy", nn.SGD(model.parameters()))
    assert "penalty" not in t.fit(data(), progress=False).names
    model.l1.l2 = np.float32(2.0)
    np.testing.assert_allclose(float(model.penalty()), (model.l1.weight.data**2).sum(), rtol=1e-6)


@pytest.mark.parametrize("l2", [0.5, np.ones(3), "two", None])
def test_an_attribute_of_ones_own_may_be_called_l2(l2: Any) -> None:
    class Norm(nn.Module):
        def __init__(self) -> None:
            self.weight = nn.Parameter(np.ones(3, np.float32))
            self.l2 = l2

        def forward(self, x: Tensor) -> Tensor:
            return x * self.weight

    model = nn.Sequential(Norm(), nn.Dense(3, 2))
    assert model.penalty() == 0
    t = nn.Trainer(model, "cross_entropy", nn.SGD(model.parameters()))
    assert "penalty" not in t.fit(data(), progress=False).names


def test_errors_in_a_forward_are_located_once_and_a_users_own_stay_as_they_are() -> None:
    class Picky(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise ValueError("mine")

    with pytest.raises(ValueError, match=r"^mine$"):
        nn.Sequential(Picky())(np.ones(3))
    model = nn.Sequential(nn.Sequential(nn.Lambda(lambda x: [1.0, 2.0]), nn.Dense(2, 2)))
    with pytest.raises(TypeError, match=r"not a list; .*, at test_nn\.py:\d+, in layer 0\.1$"):
        model(np.ones(2))
    with pytest.raises(NotImplementedError, match=r"^Module defines no forward"):
        nn.Module()(1)


def test_arrays_by_keyword() -> None:
    x = np.ones((2, 3, 4))
    attention, block, lstm = nn.MultiheadAttention(4, 2), nn.TransformerBlock(4, 2), nn.LSTM(4, 3)
    y, _ = attention(query=x, key=x, value=x)
    np.testing.assert_array_equal(y.data, attention(x)[0].data)
    assert block(src=x).shape == x.shape
    assert lstm(x=x)[0].dtype == np.float32


def test_a_buffer_stays_an_array_when_it_is_assigned_to() -> None:
    class Counted(nn.Module):
        def __init__(self) -> None:
            self.register_buffer("calls", np.array(0))
            self.register_buffer("mean", np.zeros(3))

        def forward(self, x: Tensor) -> Tensor:
            self.calls = self.calls + 1  # NumPy makes it a scalar
            self.mean = x.mean(axis=0)
            return x

    model = Counted()
    model(np.arange(6.0).reshape(2, 3))
    assert isinstance(model.mean, np.ndarray)
    nn.summary(model, (3,))
    state = model.state_dict()
    model(np.ones((2, 3)))
    model.load_state_dict(state)
    assert model.calls == 1
    np.testing.assert_array_equal(model.mean, [1.5, 2.5, 3.5])
    with pytest.raises(TypeError, match=r"would cut it off .* write t.data"):
        model(Tensor(np.ones((2, 3)), requires_grad=True))


def test_watched_gives_back_a_forward_of_the_instance() -> None:
    layer = nn.Dense(2, 2)
    layer.forward = lambda x: x * 2  # type: ignore[method-assign]
    nn.summary(layer, (2,))
    np.testing.assert_array_equal(layer(np.ones(2)).data, [2, 2])
    quiet = lambda path, module, forward, *inputs: forward(*inputs)
    plain = nn.Dense(2, 2)
    with watched(plain, quiet), watched(plain, quiet):
        plain(np.ones(2))
    assert "forward" not in vars(plain)


@pytest.mark.parametrize(
    "layer", [nn.ReLU(), nn.Flatten(), nn.Dropout(), nn.LayerNorm(4), nn.Dense(4, 2), nn.Softmax()]
)
def test_several_values_in_a_sequential_are_explained(layer: nn.Module) -> None:
    x = np.ones((2, 5, 3))
    name = type(layer).__name__
    with pytest.raises(
        TypeError, match=rf"layer 1 \({name}\) was given several values.*nn\.Lambda.*test_nn"
    ):
        nn.Sequential(nn.LSTM(3, 4), layer)(x)
    chosen = nn.Lambda(lambda values: values[0])
    assert len(nn.Sequential(nn.LSTM(3, 4), chosen, layer)(x)) == 2
    with pytest.raises(TypeError, match="must be a Tensor, an array or a real number, not str"):
        nn.Sequential(nn.Lambda(lambda x: x + "1"))(x)
