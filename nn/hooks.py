"""Functions around a module's forward: hooks, which stay, and what `watched` puts there."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import Tensor

__all__ = ["Hooked", "RemovableHandle", "as_tensors"]

Around = Callable[..., Any]


def as_tensors(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The values, with arrays turned into constant Tensors."""
    if any(isinstance(x, np.ndarray) for x in values):
        return tuple(Tensor(x) if isinstance(x, np.ndarray) else x for x in values)
    return values


class Hooked:
    """What has a `forward` that other functions may be put around.

    Each of them computes `around(module, forward, *inputs, **options)`, where `forward` is the
    module's own or what the function before makes of it.
    """

    _around: tuple[Around, ...] = ()

    def register_forward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, inputs, output)` after each forward, until the handle's `remove()`.

        `inputs` is the tuple of what was given by position. What the hook returns, unless it is
        None, takes the place of the output. Hooks are called in the order of their registration.

        >>> import nn, numpy as np
        >>> layer = nn.Dense(3, 2)
        >>> def tell(module, inputs, output):
        ...     print(module, inputs[0].shape, "->", output.shape)
        >>> handle = layer.register_forward_hook(tell)
        >>> _ = layer(np.ones((5, 3)))
        Dense(3, 2) (5, 3) -> (5, 2)
        >>> handle.remove()
        """
        return RemovableHandle(self, functools.partial(_after, _callable(hook)), _first(self))

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, inputs)` before each forward, until the handle's `remove()`.

        What the hook returns, unless it is None, takes the place of the inputs; one that is no
        tuple counts as the only input.
        """
        return RemovableHandle(self, functools.partial(_before, _callable(hook)), _first(self))


class RemovableHandle:
    """What stands around a module's forward; `remove()` takes it away again.

    `position` is how many others stand further inside; without it all do.
    """

    def __init__(self, module: Hooked, around: Around, position: int | None = None) -> None:
        self.module, self.around = module, around
        functions = [*module._around]
        functions.insert(len(functions) if position is None else position, around)
        object.__setattr__(module, "_around", tuple(functions))

    def remove(self) -> None:
        """Take the function away; if it is gone already, nothing happens."""
        rest = tuple(f for f in self.module._around if f is not self.around)
        object.__setattr__(self.module, "_around", rest)


def _first(module: Hooked) -> int:
    """Where a hook goes: around the hooks after forward, inside those before it.

    So the former are called in the order of their registration, and see the inputs that the latter
    returned, which are called in that order, too.
    """
    return sum(getattr(f, "func", None) is _after for f in module._around)


def _callable(hook: Any) -> Any:
    if not callable(hook):
        raise TypeError(f"a hook is a function, not {hook!r}")
    return hook


def _after(hook: Any, module: Any, forward: Any, *inputs: Any, **options: Any) -> Any:
    output = forward(*inputs, **options)
    instead = hook(module, inputs, output)
    return output if instead is None else instead


def _before(hook: Any, module: Any, forward: Any, *inputs: Any, **options: Any) -> Any:
    instead = hook(module, inputs)
    if instead is not None:
        inputs = as_tensors(instead if isinstance(instead, tuple) else (instead,))
    return forward(*inputs, **options)
