"""What is true for the current thread: whether operations are recorded, and where in a model."""

from __future__ import annotations

import contextlib
import threading


class _State(threading.local):
    recording = True
    scope = ""


state = _State()


class no_grad(contextlib.ContextDecorator):
    """Inside it nothing is recorded, in this thread: for evaluation and for updating parameters.

    >>> from tinygrad_edu import Tensor, no_grad
    >>> x = Tensor(3.0, requires_grad=True)
    >>> with no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    """

    recording = False

    def __enter__(self) -> None:
        self._outer = state.recording
        state.recording = self.recording

    def __exit__(self, *exc: object) -> None:
        state.recording = self._outer

    def _recreate_cm(self) -> no_grad:
        return type(self)()  # a decorated function may run in several threads at once


class enable_grad(no_grad):
    """Records again inside `no_grad`."""

    recording = True


class scope:
    """Names the part of a model that computes inside it; `nn.Module` enters its own name.

    >>> from tinygrad_edu import Tensor, scope
    >>> x = Tensor(3.0, requires_grad=True)
    >>> with scope("layers"), scope("0"):
    ...     y = x * x
    >>> y.node.scope
    'layers.0'
    """

    __slots__ = ("name", "_outer")

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        self._outer = outer = state.scope
        state.scope = f"{outer}.{self.name}" if outer and self.name else outer or self.name

    def __exit__(self, *exc: object) -> None:
        state.scope = self._outer
