"""Ops with several outputs: one node, and a pick for each output."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from tinygrad_edu import Tensor, draw_graph, grad, op


class Powers(NamedTuple):
    square: Any
    cube: Any


@op(None, lambda g, x: g[0] * 2 * x + g[1] * 3 * x * x, outputs=2, method=False)
def by_argument(x: Any) -> Any:
    """Powers.
    y = x², x³"""
    return Powers(x**2, x**3)


@op(None, lambda g, out: g[0] * 2 * out[0] ** 0.5 + g[1] * 3 * out[0], outputs=2, method=False)
def by_output(x: Any) -> Any:
    """Powers.
    y = x², x³"""
    return Powers(x**2, x**3)


@pytest.mark.parametrize("powers", [by_argument, by_output])
def test_first_and_second_derivatives(powers: Any) -> None:
    x = Tensor([2.0, 3.0], requires_grad=True)
    square, cube = powers(x)
    np.testing.assert_allclose(grad(square.sum(), x).data, 2 * x.data)
    square, cube = powers(x)
    first = grad((square * cube).sum(), x, create_graph=True)
    np.testing.assert_allclose(first.data, 5 * x.data**4)
    np.testing.assert_allclose(grad(first.sum(), x).data, 20 * x.data**3)


def test_names_constants_and_plain_arrays() -> None:
    result = by_argument(Tensor([2.0], requires_grad=True))
    assert isinstance(result, Powers)
    assert result.cube.requires_grad
    assert not by_argument(Tensor([2.0])).square.requires_grad
    assert type(by_argument(np.ones(1)).square) is np.ndarray


def test_both_picks_are_drawn() -> None:
    square, cube = by_argument(Tensor([2.0], requires_grad=True))
    source = draw_graph(square * cube).source
    assert source.count("<B>pick</B>") == 2
    assert source.count("<B>by_argument</B>") == 1
