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
    for register in (
        layer.register_forward_hook,
        layer.register_forward_pre_hook,
        layer.register_full_backward_hook,
    ):
        with pytest.raises(TypeError, match="a hook is a function, not 3"):
            register(3)  # type: ignore[arg-type]
    layer.register_forward_hook(lambda module, inputs, output: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        layer(X)


def test_an_output_that_is_an_array_becomes_a_tensor() -> None:
    layer = nn.Dense(3, 2)
    layer.register_forward_hook(lambda module, inputs, output: output.data)
    assert isinstance(layer(X), Tensor)


# -------------------------------------------------------------------- gradients


def test_a_backward_hook_is_called_once_a_sweep_until_removed() -> None:
    model = nn.Sequential(nn.Dense(3, 4), nn.Tanh(), nn.Dense(4, 2)).double()
    told: list[Any] = []
    handle = model[2].register_full_backward_hook(lambda m, gi, go: told.append((m, gi, go)))
    model(X).sum().backward()
    ((module, (grad_input,), (grad_output,)),) = told
    assert module is model[2]
    np.testing.assert_array_equal(grad_output, np.ones((2, 2)))
    np.testing.assert_allclose(grad_input, grad_output @ model[2].weight.data.T)
    with nn.no_grad():
        model(X)
    handle.remove()
    model(X).sum().backward()
    assert len(told) == 1


def test_backward_hooks_leave_values_and_gradients_as_they_are() -> None:
    nn.manual_seed(0)
    model = nn.Sequential(nn.LSTM(3, 4), nn.Lambda(lambda values: values[0]), nn.Dense(4, 2))
    x = np.ones((2, 5, 3))

    def gradients() -> list[Any]:
        model.zero_grad()
        loss = nn.mse_loss(model(x), np.zeros((2, 5, 2)))
        loss.backward()
        return [float(loss), *(p.grad for p in model.parameters())]

    expected = gradients()
    for module in model.modules():
        module.register_full_backward_hook(lambda module, grad_inputs, grad_outputs: None)
    for mine, other in zip(gradients(), expected, strict=True):
        np.testing.assert_array_equal(mine, other)


def test_wrong_gradients_of_backward_hooks() -> None:
    layer: Any = nn.Tanh()
    handle = layer.register_full_backward_hook(lambda module, gi, go: gi[0].sum())
    x = Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(
        ValueError, match=r"a backward hook of Tanh returned .*\[\(\)\] for .*\(2,\)"
    ):
        layer(x).sum().backward()
    handle.remove()
    layer.register_full_backward_hook(lambda module, gi, go: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        layer(x).sum().backward()
    assert x.grad is None
