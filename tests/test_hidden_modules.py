"""Modules and parameters where no walk finds them: refused, at the latest when asked for."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
import pytest

import nn


class Late(nn.Module):
    """A container that is filled only after it was assigned."""

    def __init__(self, container: Any, fill: Any) -> None:
        self.parts = container
        fill(self.parts, nn.Dense(2, 2))


def put(array: Any, module: Any) -> None:
    array[0] = module


@pytest.mark.parametrize(
    ("container", "fill"),
    [
        ([], list.append),
        ({}, lambda d, m: d.update(a=m)),
        ({}, lambda d, m: d.update({m: "a"})),
        ({}, lambda d, m: d.update(a=[{"b": m.weight}])),
        (set(), set.add),
        (deque(), deque.append),
        (np.empty(2, object), put),
        (([],), lambda t, m: t[0].append(m)),
    ],
)
def test_layers_added_after_assignment_are_refused(container: Any, fill: Any) -> None:
    model = nn.Sequential(Late(container, fill), nn.ReLU())
    for ask in (
        lambda: list(model.parameters()),
        lambda: nn.SGD(model.parameters()),
        model.state_dict,
        lambda: model.load_state_dict({}),
    ):
        with pytest.raises(TypeError, match=r"Late.parts: .* not found.*nn\.ModuleList\(\)"):
            ask()


@pytest.mark.parametrize("make", [set, deque, frozenset, lambda m: np.array([*m, None], object)])
def test_containers_without_names_are_refused_when_assigned(make: Any) -> None:
    model = nn.Module()
    with pytest.raises(TypeError, match="would not be found"):
        model.parts = make([nn.Dense(2, 2)])


def test_layers_of_the_class_are_refused() -> None:
    class OfClass(nn.Module):
        inner = nn.Dense(2, 2)

    class Shared(nn.Module):
        parts: list[Any] = []

        def __init__(self) -> None:
            self.parts.append(nn.Dense(2, 2))

    class Derived(Shared):
        pass

    for kind in (OfClass, Derived):
        with pytest.raises(TypeError, match=f"{kind.__name__}.* belongs to the class.*__init__"):
            list(kind().parameters())
    model = OfClass()
    model.inner = nn.Dense(2, 3)
    assert len(list(model.parameters())) == 2


def test_what_holds_no_modules_may_be_filled_at_will() -> None:
    model = nn.Module()
    model.losses, model.names, model.layers = [], {}, nn.ModuleList()
    model.losses.append(0.5)
    model.names["a"] = [1, (2, "b")]
    model.layers.append(nn.Dense(2, 3))
    assert [name for name, _ in model.named_parameters()] == ["layers.0.weight", "layers.0.bias"]
