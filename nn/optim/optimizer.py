"""What all optimizers share: parameters, their state, and the loop over them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_edu import Tensor


class Optimizer:
    """Holds parameters; a kind of optimizer defines `update` for one of them.

    Every array an update needs besides its state is one scratch buffer, as large as the largest
    parameter: a step allocates nothing.
    """

    lr: float

    def __init__(self, parameters: Iterable[Tensor]) -> None:
        if isinstance(parameters, Tensor):
            raise TypeError("an optimizer takes a list of parameters; write [p] for one")
        self.parameters = list(parameters)
        if not self.parameters:
            raise ValueError("an optimizer needs parameters; was model.parameters() used up?")
        for p in self.parameters:
            if not isinstance(p, Tensor) or not p.is_leaf:
                raise TypeError(f"an optimizer changes leaf Tensors, not {type(p).__name__} {p!r}")
        if len({id(p) for p in self.parameters}) < len(self.parameters):
            raise ValueError("a parameter was given twice, and would be changed twice")
        self.state: list[dict[str, Any]] = [{} for _ in self.parameters]
        self._scratch: list[np.ndarray] = []

    def zero_grad(self) -> None:
        """Forget the gradients: each becomes None."""
        for p in self.parameters:
            p.grad = None

    def step(self) -> None:
        """Change each parameter that has a gradient."""
        if not self._scratch:
            self._scratch = _shared([p.data for p in self.parameters])
        for p, state, scratch in zip(self.parameters, self.state, self._scratch, strict=True):
            g = p.grad
            if g is not None:
                self.update(p.data, g, state, scratch)

    def update(
        self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], scratch: np.ndarray
    ) -> None:
        """Change `p` in place by its gradient `g`, which is left as it is."""
        raise NotImplementedError(f"{type(self).__name__} defines no update()")


def _shared(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """For each array room of its shape and dtype, all in one buffer."""
    buffer = np.empty(max(a.nbytes for a in arrays), np.uint8)
    return [buffer[: a.nbytes].view(a.dtype).reshape(a.shape) for a in arrays]


def positive(name: str, value: float) -> float:
    """A hyperparameter that cannot be negative."""
    if not value >= 0:
        raise ValueError(f"{name} must be at least 0, not {value}")
    return value


def fraction(name: str, value: float) -> float:
    """A hyperparameter in [0, 1)."""
    if not 0 <= value < 1:
        raise ValueError(f"{name} must be at least 0 and below 1, not {value}")
    return value
