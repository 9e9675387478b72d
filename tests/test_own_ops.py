"""An op of one's own: what goes wrong in it is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, grad, op

X = Tensor([1.0, 2.0], requires_grad=True)


@pytest.mark.parametrize("returned", [0.0, None, [0.0, 0.0], 0, "text"])
def test_a_vjp_that_returns_no_array_is_named(returned: Any) -> None:
    @op(None, lambda g: returned, method=False)
    def careless(x: Any) -> Any:
        return x.copy()

    with pytest.raises(TypeError, match=r"derivative of careless: its VJP returned .*zeros_like"):
        careless(X).sum().backward()


def test_a_vjp_that_raises_keeps_its_error_and_names_the_op() -> None:
    def vjp(g: Any) -> Any:
        raise ValueError("no such thing")

    def slip(g: Any) -> Any:
        return g.no_such_attribute

    @op(None, vjp, method=False)
    def failing(x: Any) -> Any:
        return x.copy()

    @op(None, slip, method=False)
    def slipping(x: Any) -> Any:
        return x.copy()

    with pytest.raises(ValueError, match="the derivative of failing: no such thing"):
        failing(X).sum().backward()
    with pytest.raises(AttributeError, match="no_such_attribute"):
        slipping(X).sum().backward()


def test_a_forward_without_a_return_is_named() -> None:
    @op(None, lambda g: g, method=False)
    def silent(x: Any) -> Any:
        x.copy()

    with pytest.raises(TypeError, match="the forward of silent returned None"):
        silent(X)


@pytest.mark.parametrize("name", ["sum", "shape", "backward", "data", "grad", "exp"])
def test_a_name_that_tensors_have_is_refused(name: str) -> None:
    def forward(x: Any) -> Any:
        return x.copy()

    forward.__name__ = name
    with pytest.raises(ValueError, match=f"have an attribute '{name}' already.*method=False"):
        op(None, lambda g: g)(forward)
    assert (op(None, lambda g: g, method=False)(forward)(X).data == X.data).all()


def test_an_op_can_be_declared_again() -> None:
    """As in a notebook, where a cell is run twice."""
    for factor in (2, 3):

        @op(None, lambda g, factor=factor: g * factor)
        def own_multiple(x: Any, factor: int = factor) -> Any:
            return x * factor

    assert X.own_multiple().data.tolist() == [3, 6]  # type: ignore[attr-defined]


def test_a_singular_matrix_is_named() -> None:
    a = Tensor(np.ones((2, 2)), requires_grad=True)
    _, logarithm = np.linalg.slogdet(a)
    with pytest.raises(np.linalg.LinAlgError, match=r"the derivative of slogdet: .*ingular"):
        logarithm.backward()


def test_grad_of_two_outputs_with_one_array() -> None:
    y = X * X
    with pytest.raises(
        TypeError, match=r"grad.. of 2 outputs needs a list of as many grad_outputs"
    ):
        grad([y, y], X, np.ones(2))
    assert grad([y, y], X, [np.ones(2)] * 2).data.tolist() == [4, 8]
