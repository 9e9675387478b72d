"""`no_grad`, `enable_grad` and `scope`: reentrant, and right for generators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tinygrad_edu import Tensor, enable_grad, no_grad, scope
from tinygrad_edu.context import state

X = Tensor(2.0, requires_grad=True)


def recording() -> bool:
    return (X * X).requires_grad


def test_one_object_can_be_entered_twice() -> None:
    q = no_grad()
    with q, q:
        assert not recording()
    assert recording()
    with q, enable_grad() as _, q:
        assert not recording()
    assert recording()


def test_one_scope_can_be_entered_twice() -> None:
    s = scope("a")
    with s, s:
        assert state.scope == "a.a"
    assert state.scope == ""


def test_interleaved_with_a_generator_that_is_paused_inside() -> None:
    def inside() -> Iterator[int]:
        with no_grad():
            yield 1
        yield 2

    steps = inside()
    next(steps)
    with no_grad():
        next(steps)
    assert recording()


class TestDecorator:
    def test_a_function(self) -> None:
        @no_grad()
        def f() -> bool:
            return recording()

        assert not f()
        assert recording()

    def test_a_generator_function_runs_each_step_inside(self) -> None:
        @no_grad()
        def steps(n: int) -> Iterator[Any]:
            """Some steps."""
            try:
                for i in range(n):
                    received = yield i, recording()
                    assert not recording()
                    assert received in (None, "sent")
            except KeyError:
                yield "caught", recording()
            return "end"

        generator = steps(3)
        assert steps.__doc__ == "Some steps."
        assert next(generator) == (0, False)
        assert recording()
        assert generator.send("sent") == (1, False)
        assert generator.throw(KeyError()) == ("caught", False)
        assert recording()
        with pytest.raises(StopIteration) as stop:
            next(generator)
        assert stop.value.value == "end"
        assert recording()

    def test_closing_a_generator_runs_its_end_inside(self) -> None:
        seen = []

        @no_grad()
        def steps() -> Iterator[int]:
            try:
                yield 1
            finally:
                seen.append(recording())

        generator = steps()
        next(generator)
        generator.close()
        assert seen == [False]
        assert recording()

    def test_an_asynchronous_function_is_refused(self) -> None:
        async def f() -> None: ...

        with pytest.raises(TypeError, match="asynchronous"):
            no_grad()(f)
