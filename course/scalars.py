"""A scalar engine, and wrong ones, for the exercises of lesson 6."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = [
    "OnlyValues",
    "Replacing",
    "RightValue",
    "SamePower",
    "TanhOfInput",
    "TooEarly",
    "WithoutStart",
    "in_preorder",
    "sent",
    "sorted_back",
]


def sorted_back(y: Any) -> list[Any]:
    """y and all that it is computed from, each before its sources."""
    order: list[Any] = []

    def visit(number: Any) -> None:
        if number not in order:
            for source, _ in number.sources:
                visit(source)
            order.append(number)

    visit(y)
    return order[::-1]


def in_preorder(y: Any, again: bool = False) -> list[Any]:
    """The same as they are reached, which is no order to go back in."""
    order: list[Any] = []

    def visit(number: Any) -> None:
        if again or number not in order:
            order.append(number)
            for source, _ in number.sources:
                visit(source)

    visit(y)
    return order


def sent(y: Any, order: list[Any], *, start: float = 1.0, add: bool = True) -> None:
    """A backward pass in this order."""
    y.grad = start
    for number in order:
        for source, slope in number.sources:
            source.grad = (source.grad if add else 0.0) + number.grad * slope


class RightValue:
    """A right one, for the wrong ones to be made from."""

    def __init__(self, data: float, sources: Any = ()) -> None:
        self.data, self.sources, self.grad = float(data), sources, 0.0

    def other(self, other: Any) -> Any:
        return other if isinstance(other, RightValue) else type(self)(other)

    def __add__(self, other: Any) -> Any:
        other = self.other(other)
        return type(self)(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other: Any) -> Any:
        other = self.other(other)
        sources = (self, other.data), (other, self.data)
        return type(self)(self.data * other.data, sources)

    def __pow__(self, n: float) -> Any:
        return type(self)(self.data**n, ((self, n * self.data ** (n - 1)),))

    def tanh(self) -> Any:
        t = np.tanh(self.data)
        return type(self)(t, ((self, 1 - t**2),))

    def backward(self) -> None:
        sent(self, sorted_back(self))

    def __neg__(self) -> Any:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        return self + -other

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __truediv__(self, other: Any) -> Any:
        return self * other**-1

    def __radd__(self, other: Any) -> Any:
        return self + other

    def __rmul__(self, other: Any) -> Any:
        return self * other


class Replacing(RightValue):
    """Contributions replace each other."""

    def backward(self) -> None:
        sent(self, sorted_back(self), add=False)


class OnlyValues(RightValue):
    """Plain numbers are not made Values."""

    def other(self, other: Any) -> Any:
        return other


class SamePower(RightValue):
    """The slope of aⁿ has the exponent n."""

    def __pow__(self, n: float) -> Any:
        return type(self)(self.data**n, ((self, n * self.data**n),))


class TanhOfInput(RightValue):
    """The slope of tanh is taken from what goes in."""

    def tanh(self) -> Any:
        return type(self)(np.tanh(self.data), ((self, 1 - self.data**2),))


class WithoutStart(RightValue):
    """The gradient to begin with is 0."""

    def backward(self) -> None:
        sent(self, sorted_back(self), start=0.0)


class TooEarly(RightValue):
    """Gradients are passed on before they are complete."""

    def backward(self) -> None:
        sent(self, in_preorder(self))
