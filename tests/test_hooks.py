"""Hooks around a module's forward, and `watched`, which stands on them."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import nn
from tinygrad_edu import Tensor

X = np.arange(6.0).reshape(2, 3)


def test_a_forward_hook_sees_and_replaces() -> None:
    layer, seen = nn.Dense(3, 2).double(), []
    y = layer(X)

    def look(module: Any, inputs: Any, output: Any) -> None:
        seen.append((module, inputs, output))

    handle = layer.register_forward_hook(look)
    layer.register_forward_hook(lambda module, inputs, output: output * 2)
    layer.register_forward_hook(lambda module, inputs, output: output + 1)
    np.testing.assert_allclose(layer(X).data, y.data * 2 + 1)
    (module, (x,), output), *more = seen
    assert module is layer
    assert isinstance(x, Tensor)
    np.testing.assert_array_equal(output.data, y.data)
    assert not more
    handle.remove()
    handle.remove()
    layer(X)
    assert len(seen) == 1


def test_a_forward_pre_hook_replaces_inputs_in_order() -> None:
    layer, order = nn.Identity(), []
    layer.register_forward_pre_hook(lambda module, inputs: order.append(inputs[0].item()))
    layer.register_forward_pre_hook(lambda module, inputs: inputs[0] + 1)
    layer.register_forward_pre_hook(lambda module, inputs: (inputs[0].data * 10,))
    layer.register_forward_hook(lambda module, inputs, output: order.append(inputs[0].item()))
    assert layer(np.array(2.0)).item() == 30
    assert order == [2, 30]


def test_gradients_flow_through_hooks() -> None:
    model = nn.Sequential(nn.Dense(3, 4), nn.Tanh(), nn.Dense(4, 1)).double()
    outputs: list[Any] = []

    def keep(module: Any, inputs: Any, output: Any) -> None:
        output.retain_grad()
        outputs.append(output)

    handle = model[1].register_forward_hook(keep)
    model(X).sum().backward()
    np.testing.assert_allclose(outputs[0].grad, np.tile(model[2].weight.data[:, 0], (2, 1)))
    handle.remove()
    grad = model[0].weight.grad.copy()
    model.zero_grad()
    model[1].register_forward_hook(lambda module, inputs, output: output * 3)
    model(X).sum().backward()
    np.testing.assert_allclose(model[0].weight.grad, grad * 3, atol=1e-12)


def twice(module: Any, inputs: Any, output: Any) -> Any:
    return output * 2


def test_hooks_are_copied_and_pickled() -> None:
    layer = nn.Dense(3, 2)
    layer.register_forward_hook(twice)
    y = layer(X).data
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(other(X).data, y)
        owner: list[Any] = []
        other.register_forward_hook(lambda module, inputs, output, o=owner: o.append(module))
        other(X)
        assert owner == [other]
        assert len(layer._around) == 1


def test_hooks_and_watched_do_not_disturb_each_other() -> None:
    layer, seen = nn.ReLU(), []

    def watch(path: str, module: Any, forward: Any, *inputs: Any, **options: Any) -> Any:
        seen.append("before")
        output = forward(*inputs, **options)
        seen.append(float(output.data.sum()))
        return output

    def shift(module: Any, inputs: Any, output: Any) -> Any:
        return output + 1

    with nn.watched(layer, watch):
        handle = layer.register_forward_hook(shift)
        with nn.watched(layer, watch):
            assert layer(np.ones(2)).data.sum() == 4
    assert seen == ["before", "before", 4.0, 4.0]
    assert len(layer._around) == 1
    assert layer(np.ones(2)).data.sum() == 4
    handle.remove()
    assert layer(np.ones(2)).data.sum() == 2
    assert not layer._around


def test_what_is_no_hook() -> None:
    layer = nn.Dense(3, 2)
    for register in (layer.register_forward_hook, layer.register_forward_pre_hook):
        with pytest.raises(TypeError, match="a hook is a function, not 3"):
            register(3)  # type: ignore[arg-type]
    with pytest.raises(AttributeError, match=r"output\.retain_grad\(\)"):
        layer.register_full_backward_hook(print)
    layer.register_forward_hook(lambda module, inputs, output: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        layer(X)


def test_an_output_that_is_an_array_becomes_a_tensor() -> None:
    layer = nn.Dense(3, 2)
    layer.register_forward_hook(lambda module, inputs, output: output.data)
    assert isinstance(layer(X), Tensor)
