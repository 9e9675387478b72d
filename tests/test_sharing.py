"""What the derivatives of one op have in common is computed once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nn
from tinygrad_edu import Tensor, grad, op, trace
from tinygrad_edu.ops.sharing import came, shared

computed: list[Any] = []


@shared
def _common(g: Any) -> Any:
    computed.append(g)
    return g[0] * 3


@op(
    None,
    lambda g, y: _common(g) * y,
    lambda g, x: _common(g) * x,
    outputs=2,
    method=False,
)
def tripled(x: Any, y: Any) -> Any:
    """Three times a product, and twice x, through which nothing comes back.
    z = 3 x y,  ∂L/∂x = 3 g y,  ∂L/∂y = 3 g x"""
    return 3 * x * y, 2 * x


def leaves() -> list[Tensor]:
    return [Tensor([2.0, 3.0], requires_grad=True), Tensor([5.0, 7.0], requires_grad=True)]


def test_two_derivatives_share_their_work() -> None:
    computed.clear()
    x, y = leaves()
    tripled(x, y)[0].backward([1.0, 1.0])
    np.testing.assert_array_equal(x.grad, 3 * y.data)
    np.testing.assert_array_equal(y.grad, 3 * x.data)
    assert len(computed) == 1


def test_another_backward_pass_computes_it_again() -> None:
    """Also with the very same upstream array, of which the elements may have changed."""
    x, y = leaves()
    z, upstream = tripled(x, y)[0], np.ones(2)
    z.backward(upstream, retain_graph=True)
    upstream *= 10
    x.zero_grad()
    z.backward(upstream)
    np.testing.assert_array_equal(x.grad, 30 * y.data)


def test_derivatives_of_shared_work() -> None:
    x, y = leaves()
    slopes = grad(tripled(x, y)[0], [x, y], np.ones(2), create_graph=True)
    (mixed,) = grad(slopes[0], [y], np.ones(2))
    np.testing.assert_array_equal(mixed.data, [3.0, 3.0])


def test_an_output_that_nothing_comes_to_takes_no_memory() -> None:
    computed.clear()
    x, y = leaves()
    tripled(x, y)[0].backward([1.0, 1.0])
    g, nothing = computed[0]
    assert came(g)
    assert not came(nothing)
    assert nothing.shape == (2,)
    assert nothing.strides == (0,)
    assert came(np.broadcast_to(np.float32(1), (3, 2)))
    assert came(np.zeros(2))


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_a_program_of_a_sequence_goes_back_once(kind: str) -> None:
    layer, x = getattr(nn, kind)(3, 4), np.ones((2, 5, 3), np.float32)
    code = str(trace(lambda x: (layer(x)[0] ** 2).mean(), x)).rpartition("# backward")[2]
    assert code.count(f"_{kind.lower()}_vjp(") == 1
