"""What is true for the current thread: whether operations are recorded, and where in a model."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Generator
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])
_GENERATOR, _ASYNCHRONOUS = 0x20, 0x80 | 0x200  # flags of a code object, as in `inspect`


class _State(threading.local):
    def __init__(self) -> None:
        self.recording = True
        self.retaining, self.sweep = False, -1  # whether the sweep keeps what it reads; its number
        self.scope = ""
        self.outer_recording: list[bool] = []  # stacks, so that one context can be entered twice
        self.outer_scopes: list[str] = []


state = _State()


class no_grad(contextlib.ContextDecorator):
    """Inside it nothing is recorded, in this thread: for evaluation and for updating parameters.

    It is a context manager and a decorator, also of generator functions, each step of which then
    runs inside it. Raises TypeError for asynchronous functions.

    >>> from tinygrad_edu import Tensor, no_grad
    >>> x = Tensor(3.0, requires_grad=True)
    >>> with no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    """

    recording = False

    def __enter__(self) -> None:
        state.outer_recording.append(state.recording)
        state.recording = self.recording

    def __exit__(self, *exc: object) -> None:
        state.recording = state.outer_recording.pop()

    def __call__(self, function: Function) -> Function:
        flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
        if flags & _ASYNCHRONOUS:
            name = type(self).__name__
            raise TypeError(
                f"{name} cannot decorate an asynchronous function, whose steps other tasks "
                f"interrupt; write `with {name}():` around what it computes between two awaits"
            )
        if not flags & _GENERATOR:
            return super().__call__(function)
        steps = functools.wraps(function)(lambda *args, **kw: self._steps(function(*args, **kw)))
        return steps  # type: ignore[return-value]

    def _steps(self, generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """The generator, each step of it inside this context and what is between them outside."""
        resume: Callable[[Any], Any] = generator.send
        sent: Any = None
        while True:
            with self:
                try:
                    value = resume(sent)
                except StopIteration as stop:
                    return stop.value
            try:
                resume, sent = generator.send, (yield value)
            except BaseException as error:
                resume, sent = generator.throw, error


class enable_grad(no_grad):
    """Records again inside `no_grad`."""

    recording = True


class Call(str):
    """The dotted path of a part of a model, for one call of it: another call has another object."""

    __slots__ = ("outer",)

    outer: str


class scope:
    """Names the part of a model that computes inside it; `nn.Module` enters its own name.

    >>> from tinygrad_edu import Tensor, scope
    >>> x = Tensor(3.0, requires_grad=True)
    >>> with scope("layers"), scope("0"):
    ...     y = x * x
    >>> y.node.scope
    'layers.0'
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        outer = state.scope
        state.outer_scopes.append(outer)
        if self.name:
            state.scope = call = Call(f"{outer}.{self.name}" if outer else self.name)
            call.outer = outer

    def __exit__(self, *exc: object) -> None:
        state.scope = state.outer_scopes.pop()
