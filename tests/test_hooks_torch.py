"""Hooks are called as PyTorch calls them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nn
from tinygrad_edu import Tensor, grad

torch = pytest.importorskip("torch")


def trace(model: Any, layer: Any, x: Any) -> list[Any]:
    """What several hooks see, in the order in which they are called."""
    log: list[Any] = []

    def add(name: str, change: float | None) -> Any:
        def hook(module: Any, inputs: Any, *output: Any) -> Any:
            value = (output or inputs)[0]
            log.append((name, len(inputs), float(value.sum())))
            return None if change is None else value + change

        return hook

    layer.register_forward_hook(add("after", None))
    layer.register_forward_pre_hook(add("before", None))
    layer.register_forward_hook(add("after, changing", 2.0))
    layer.register_forward_pre_hook(add("before, changing", 3.0))
    gone = layer.register_forward_hook(add("gone", 100.0))
    layer.register_forward_pre_hook(add("before, last", None))
    model.register_forward_hook(add("whole", None))
    gone.remove()
    layer.register_forward_hook(add("after, last", None))
    log.append(float(model(x).sum()))
    return log


def test_order_and_values_are_pytorchs() -> None:
    x = np.arange(6.0).reshape(2, 3)
    ours, theirs = (
        nn.Sequential(nn.ReLU(), nn.ReLU()),
        torch.nn.Sequential(torch.nn.ReLU(), torch.nn.ReLU()),
    )
    assert trace(ours, ours[0], x) == trace(theirs, theirs[0], torch.tensor(x))


# -------------------------------------------------------------------- gradients


def mixing(base: Any) -> Any:
    """A module of two inputs and two outputs, in either library."""

    class Mixing(base):  # type: ignore[misc]
        def forward(self, x: Any, y: Any) -> Any:
            return x * y, (x + y).sum()

    return Mixing()


def array(g: Any) -> Any:
    """A gradient of either library as an array of its own."""
    return g if g is None else np.array(g.detach().numpy() if hasattr(g, "detach") else g)


def gradients(module: Any, leaf: Any, change: Any = None, unused: bool = False) -> list[Any]:
    """What hooks are told in two backward passes, and the gradients of the leaves."""
    log: list[Any] = []

    def tell(module: Any, grad_inputs: Any, grad_outputs: Any) -> Any:
        log.append([array(g) for g in (*grad_inputs, *grad_outputs)])
        return None if change is None else change(grad_inputs)

    x, y = leaf([1.0, 2.0], True), leaf([3.0, 5.0], False)
    module.register_full_backward_hook(tell)
    module.register_full_backward_hook(tell)
    module.register_forward_pre_hook(lambda module, inputs: (inputs[0] * 2, inputs[1]))
    module.register_forward_hook(lambda module, inputs, outputs: (outputs[0] * 3, outputs[1]))
    product, total = module(x, y)
    loss = (product * product).sum() if unused else (product * product).sum() + total
    loss.backward(retain_graph=True)
    log.append([array(x.grad)])
    x.grad = None
    loss.backward()
    log.append([array(x.grad)])
    return log


def ours(values: Any, requires_grad: bool) -> Any:
    return Tensor(values, requires_grad=requires_grad)


def theirs(values: Any, requires_grad: bool) -> Any:
    return torch.tensor(values, dtype=torch.float64, requires_grad=requires_grad)


def equal(mine: list[Any], other: list[Any]) -> None:
    """Where one has None, for what does not take part, the other may have zeros."""
    assert len(mine) == len(other)
    for a, b in zip(mine, other, strict=True):
        for g, h in zip(a, b, strict=True):
            if g is None or h is None:
                assert not np.any(g if h is None else h)
            else:
                np.testing.assert_allclose(g, h)


@pytest.mark.parametrize("change", [None, lambda gs: (gs[0] * 10, gs[1])])
def test_backward_hooks_see_and_change_what_pytorchs_do(change: Any) -> None:
    mine = gradients(mixing(nn.Module), ours, change)
    other = gradients(mixing(torch.nn.Module), theirs, change)
    assert len(mine) == 6
    equal(mine, other)


def test_an_unused_output_has_zeros() -> None:
    mine = gradients(mixing(nn.Module), ours, unused=True)
    equal(mine, gradients(mixing(torch.nn.Module), theirs, unused=True))


def test_a_backward_hook_without_inputs_that_require_grad() -> None:
    weight, x = np.arange(6.0).reshape(3, 2), np.ones((4, 3))
    layer, other = nn.Dense(3, 2, bias=False), torch.nn.Linear(3, 2, bias=False)
    layer.weight.data = weight
    other.weight.data = torch.tensor(weight.T.copy())
    told: list[Any] = []
    layer.register_full_backward_hook(lambda module, gi, go: told.append([*map(array, (*gi, *go))]))
    other.register_full_backward_hook(lambda module, gi, go: told.append([*map(array, (*gi, *go))]))
    (layer(x) ** 2).sum().backward()
    with pytest.warns(UserWarning, match="no inputs require gradients"):
        (other(torch.tensor(x)) ** 2).sum().backward()
    equal([told[0]], [told[1]])
    np.testing.assert_allclose(layer.weight.grad, other.weight.grad.T)


def test_backward_hooks_in_second_derivatives() -> None:
    layer, other = nn.Tanh(), torch.nn.Tanh()
    for module in (layer, other):
        module.register_full_backward_hook(lambda module, gi, go: (gi[0] * 3,))
    x, z = ours(0.5, True), theirs(0.5, True)
    (first,) = grad(layer(x), [x], create_graph=True)
    (second,) = grad(first, [x])
    (expected,) = torch.autograd.grad(other(z), z, create_graph=True)
    assert first.item() == pytest.approx(expected.item())
    assert second.item() == pytest.approx(torch.autograd.grad(expected, z)[0].item())
