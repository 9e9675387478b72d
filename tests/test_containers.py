"""Containers of parameters keep their type; curves by few parameters are cheap."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, graph, hessian, jacobian, value_and_grad


class Attributes(dict[str, Any]):
    def __getattr__(self, name: str) -> Any:
        return self[name]


class Named(dict[str, Any]):
    def __init__(self, **items: Any) -> None:
        super().__init__(items)


@dataclass
class Layer:
    w: Any
    b: Any = None


Pair = namedtuple("Pair", "w b")


class Parts(list[Any]):
    pass


W, B = np.array([[1.0, 2.0]]), np.array([3.0, 4.0])


def default_of(items: Any) -> Any:
    return defaultdict(list, items)


@pytest.mark.parametrize(
    "make",
    [dict, OrderedDict, default_of, Attributes, lambda d: Named(**d), lambda d: Layer(**d),
     lambda d: Pair(**d), lambda d: Parts(d.values()), lambda d: tuple(d.values()),
     lambda d: MappingProxyType(d) and Attributes(d)],
)  # fmt: skip
def test_gradients_come_in_a_container_of_the_same_type(make: Any) -> None:
    parameters = make({"w": W, "b": B})

    def loss(p: Any) -> Any:
        assert type(p) is type(parameters)
        w, b = (p.w, p.b) if hasattr(p, "b") else p.values() if hasattr(p, "values") else p
        return (w * w).sum() + (3 * b).sum()

    _, gradients = value_and_grad(loss)(parameters)
    assert type(gradients) is type(parameters)
    w, b = vars(gradients).values() if isinstance(gradients, Layer) else (
        gradients.values() if hasattr(gradients, "values") else gradients)  # fmt: skip
    assert w.data.tolist() == [[2, 4]]
    assert b.data.tolist() == [3, 3]


def test_a_defaultdict_keeps_its_default() -> None:
    _, gradients = value_and_grad(lambda p: p["w"].sum())(default_of({"w": W}))
    assert gradients["new"] == []


def test_attrs_classes() -> None:
    attrs = pytest.importorskip("attrs")
    Frozen = attrs.make_class("Frozen", ["w", "b"], frozen=True)
    _, gradients = value_and_grad(lambda p: (p.w**2).sum() + p.b.sum())(Frozen(W, B))
    assert type(gradients) is Frozen
    assert gradients.w.data.tolist() == [[2, 4]]


def test_pydantic_models() -> None:
    pydantic = pytest.importorskip("pydantic")

    class Model(pydantic.BaseModel):  # type: ignore[misc, name-defined]
        model_config = {"arbitrary_types_allowed": True}
        w: np.ndarray
        b: float = 2.0

    _, gradients = value_and_grad(lambda p: (p.w**2).sum() * p.b)(Model(w=W))
    assert type(gradients) is Model
    assert gradients.w.data.tolist() == [[4, 8]]
    assert gradients.b.item() == 5


def test_what_holds_no_arrays_is_refused_with_what_works() -> None:
    with pytest.raises(TypeError, match=r"by an argument of type object.*dataclasses, attrs"):
        value_and_grad(lambda p: p)(object())


class TestJacobianByColumns:
    @staticmethod
    def curve(p: Any) -> Any:
        y, points = p[0], []
        for _ in range(40):
            y = y + 0.1 * (p[1] - y * y)
            points.append(y)
        return np.stack(points)

    def test_agrees_with_finite_differences(self) -> None:
        p, h = np.array([0.3, 1.2]), 1e-6
        steps = np.eye(2) * h
        numeric = np.stack([(self.curve(p + s) - self.curve(p - s)) / (2 * h) for s in steps], -1)
        np.testing.assert_allclose(jacobian(self.curve)(p).data, numeric, atol=1e-8)

    def test_sweeps_as_often_as_there_are_inputs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        count, sweep = [], graph.sweep
        monkeypatch.setattr(graph, "sweep", lambda *a, **k: count.append(1) or sweep(*a, **k))
        jacobian(self.curve)(np.array([0.3, 1.2]))
        assert len(count) <= 3

    def test_structures_on_both_sides(self) -> None:
        def f(p: Any, x: Any) -> Any:
            return {"y": p["a"] * x + p["b"], "z": (p["a"] * x).sum(), "c": Tensor(x)}

        x = np.arange(9.0)
        j = jacobian(f)({"a": 2.0, "b": np.array([1.0])}, x)
        assert j["y"]["a"].data.tolist() == x.tolist()
        assert j["y"]["b"].data.tolist() == np.ones((9, 1)).tolist()
        assert j["z"]["a"].item() == 36
        assert (j["z"]["b"].shape, j["c"]["a"].shape) == ((1,), (9,))
        assert not j["c"]["a"].data.any()

    def test_nests_and_agrees_with_rows(self) -> None:
        def few(p: Any) -> Any:
            return np.stack([p[0] * p[1] ** 2, p[0] ** 3, p[1], p[0] * p[0] * p[1], p[1] ** 4])

        p = np.array([2.0, 3.0])
        second = jacobian(jacobian(few))(p)
        for i in range(5):
            right = hessian(lambda q, i=i: few(q)[i])(p)
            np.testing.assert_allclose(second.data[i], right.data)

    def test_a_masked_singularity_stays_out(self) -> None:
        with np.errstate(divide="ignore"):
            j = jacobian(lambda x: np.sqrt(x) * np.ones((3, 2)))(np.array([0.0, 4.0]))
        assert j.data[:, 1, 0].tolist() == [0, 0, 0]
        assert j.data[:, 1, 1].tolist() == [0.25] * 3
