"""Functions around a module's forward: hooks, which stay, and what `watched` puts there."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import Tensor

from .backward_hooks import around_backward

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
        return _hooked(self, _after, hook)

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, inputs)` before each forward, until the handle's `remove()`.

        What the hook returns, unless it is None, takes the place of the inputs; one that is no
        tuple counts as the only input.
        """
        return _hooked(self, _before, hook)

    def register_full_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, grad_inputs, grad_outputs)` in each backward pass through the module.

        Both are tuples, of what was given and returned by position: arrays, or Tensors under
        `create_graph=True`, and None for what does not require grad; an output that the loss does
        not use has zeros. What the hook returns, unless it is None, takes the place of the
        gradients of the inputs. It is called when they are known, or when those of the outputs are
        if no input requires grad. Raises ValueError in backward for other shapes.

        >>> import nn, numpy as np
        >>> layer = nn.Dense(3, 2)
        >>> def tell(module, grad_inputs, grad_outputs):
        ...     print(grad_inputs[0], grad_outputs[0].shape)
        >>> handle = layer.register_full_backward_hook(tell)
        >>> layer(np.ones((5, 3))).sum().backward()
        None (5, 2)
        """
        return _hooked(self, around_backward, hook)


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


def _hooked(module: Hooked, kind: Around, hook: Any) -> RemovableHandle:
    """Put a hook around those that go further inside: their order is that of PyTorch.

    Hooks after forward see the inputs that those before it returned, both are called in the order
    of their registration, and the gradients are those of what goes in and out of both.
    """
    if not callable(hook):
        raise TypeError(f"a hook is a function, not {hook!r}")
    inner = {_after: [_after]}.get(kind, [_after, around_backward])
    position = sum(getattr(f, "func", None) in inner for f in module._around)
    return RemovableHandle(module, functools.partial(kind, hook), position)


def _after(hook: Any, module: Any, forward: Any, *inputs: Any, **options: Any) -> Any:
    output = forward(*inputs, **options)
    instead = hook(module, inputs, output)
    return output if instead is None else instead


def _before(hook: Any, module: Any, forward: Any, *inputs: Any, **options: Any) -> Any:
    instead = hook(module, inputs)
    if instead is not None:
        inputs = as_tensors(instead if isinstance(instead, tuple) else (instead,))
    return forward(*inputs, **options)
