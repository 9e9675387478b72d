"""Sequential, ModuleList, ModuleDict, ParameterList and ParameterDict."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import nn

X = np.ones((4, 3))


def kinds(container: Any) -> list[str]:
    return [type(module).__name__ for module in container]


@pytest.mark.parametrize("make", [lambda *m: nn.Sequential(*m), lambda *m: nn.ModuleList(m)])
def test_modules_are_inserted_and_deleted(make: Any) -> None:
    model = make(nn.Dense(3, 4), nn.ReLU(), nn.Dense(4, 2))
    assert model.insert(1, nn.Dropout(0.1)) is model
    assert model.extend([nn.Tanh(), nn.Identity()]) is model
    assert kinds(model) == ["Dense", "Dropout", "ReLU", "Dense", "Tanh", "Identity"]
    del model[1]
    del model[-2:]
    assert kinds(model) == ["Dense", "ReLU", "Dense"]
    names = ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert [name for name, _ in model.named_parameters()] == names
    assert [module._name for module in model] == ["0", "1", "2"]
    assert kinds(model[::-1]) == ["Dense", "ReLU", "Dense"]
    assert type(model[:2]) is type(model)
    assert type(nn.Network([3, 4, 2])[:2]) is nn.Sequential
    with pytest.raises(IndexError):
        del model[7]


def test_containers_stay_whole_when_refused() -> None:
    model: Any = nn.Sequential(nn.Dense(3, 4), nn.ReLU())
    for change in (
        lambda: model.append(np.tanh),
        lambda: model.insert(0, "relu"),
        lambda: model.extend([nn.Tanh(), nn.ReLU]),
        lambda: model.__setitem__(1, 3),
    ):
        with pytest.raises(TypeError, match="Sequential takes modules, and number"):
            change()
        assert kinds(model) == ["Dense", "ReLU"]
    with pytest.raises(TypeError, match=r"number 3 is a type; write nn\.ReLU"):
        model.extend([nn.Tanh(), nn.ReLU])
    with pytest.raises(TypeError, match=r"write Sequential\(\*modules\)"):
        nn.Sequential([nn.ReLU()])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"write Sequential\(\*modules\.values\(\)\)"):
        nn.Sequential({"a": nn.ReLU()})  # type: ignore[arg-type]


def test_named_parts_of_a_sequential_keep_their_names() -> None:
    model: Any = nn.Sequential(nn.Dense(3, 4))
    model.head = nn.Dense(4, 2)
    model.insert(0, nn.Identity())
    assert [name for name, _ in model.named_children()] == ["0", "1", "head"]
    model[-1] = nn.Dense(4, 5)
    assert model.head.bias.shape == (5,)
    assert model(X).shape == (4, 5)


def test_module_dict() -> None:
    class Heads(nn.Module):
        def __init__(self) -> None:
            self.body = nn.Dense(3, 4)
            self.heads = nn.ModuleDict({"a": nn.Dense(4, 2), "b": nn.Dense(4, 5)})

        def forward(self, x: Any) -> Any:
            x = self.body(x)
            return tuple(self.heads[name](x) for name in ("a", "b"))

    model: Any = Heads()
    assert [y.shape for y in model(X)] == [(4, 2), (4, 5)]
    heads = model.heads
    heads["c"] = nn.Dense(4, 1)
    heads.update({"a": nn.Dense(4, 3)})
    assert [*heads] == [*heads.keys()] == ["a", "b", "c"]
    assert len(heads) == 3
    assert "a" in heads
    assert [m.bias.shape for m in heads.values()] == [(3,), (5,), (1,)]
    assert heads.pop("b").bias.shape == (5,)
    del heads["c"]
    assert [name for name, _ in heads.items()] == ["a"]
    assert heads["a"]._name == "heads.a"
    names = ["body.weight", "body.bias", "heads.a.weight", "heads.a.bias"]
    assert [name for name, _ in model.named_parameters()] == names
    for other in (copy.deepcopy(heads), pickle.loads(pickle.dumps(heads))):
        assert [*other] == ["a"]
        other.load_state_dict(heads.state_dict())
    with pytest.raises(KeyError, match="ModuleDict holds no 'b', but a"):
        heads["b"]


@pytest.mark.parametrize("make", [nn.ModuleDict, nn.ParameterDict])
def test_names_that_cannot_be(make: Any) -> None:
    value = nn.ReLU() if make is nn.ModuleDict else nn.Parameter([1.0])
    held = make({"good": value})
    for name in ("a.b", "", "keys", "train", "forward", "_name"):
        with pytest.raises(ValueError, match="give it another name"):
            held[name] = value
    with pytest.raises(TypeError, match="are text, not 3"):
        held[3] = value
    with pytest.raises(TypeError, match="'f' is a "):
        held["f"] = np.tanh
    with pytest.raises(KeyError):
        del held["other"]
    assert [*held] == ["good"]


def test_parameter_list_and_dict() -> None:
    class Polynomial(nn.Module):
        def __init__(self) -> None:
            self.w = nn.ParameterList([nn.Parameter(2.0), nn.Parameter([3.0])])
            self.rest = nn.ParameterDict({"scale": nn.Parameter(5.0)})

        def forward(self, x: Any) -> Any:
            return (self.w[0] + self.w[1] * x) * self.rest["scale"]

    model: Any = Polynomial()
    y = model(np.array([10.0]))
    assert y.data == [160.0]
    y.sum().backward()
    assert [float(p.grad.sum()) for p in model.parameters()] == [5, 50, 32]
    assert [p.name for p in model.parameters()] == ["w.0", "w.1", "rest.scale"]
    model.w.append(nn.Parameter(1.0))
    assert model.w[2].name == "w.2"
    model.w[0] = nn.Parameter(7.0)
    assert [float(p.data.sum()) for p in model.w] == [7, 3, 1]
    assert [*model.state_dict()] == ["w.0", "w.1", "w.2", "rest.scale"]
    assert isinstance(model.w[1:], nn.ParameterList)
    del model.w[0]
    assert len(model.w) == 2
    assert repr(model.w) == "ParameterList((1,), ())"
    assert repr(model.rest) == "ParameterDict(scale=())"
    with pytest.raises(TypeError, match="ParameterList takes parameters, and number 2"):
        model.w.append(nn.ReLU())
    with pytest.raises(TypeError, match=r"nn\.ParameterList or nn\.ParameterDict"):
        model.other = [nn.Parameter(1.0)]
    nn.SGD(model.parameters(), lr=0.1)


def test_slices_of_parameters_are_shared() -> None:
    whole = nn.ParameterList(nn.Parameter(float(i)) for i in range(4))
    assert whole[1:3][0] is whole[1]
