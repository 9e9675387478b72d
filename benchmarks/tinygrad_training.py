"""One step of training with tinygrad, captured by its TinyJit, as its users write it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .compat import import_tinygrad
from .harness import Contestant

__all__ = ["tinygrad_training_step"]


def tinygrad_training_step(
    layers: list[Callable[[Any], Any]],
    values: Iterable[np.ndarray],
    rate: float,
    x: np.ndarray,
    t: np.ndarray,
    *,
    adam: bool = False,
) -> Contestant:
    """A sequence of layers with these parameters, cross-entropy, and SGD or Adam.

    The first call compiles the kernels, the second captures their order, the others replay them.
    """
    import_tinygrad()
    from tinygrad import Context, Tensor, TinyJit, nn

    parameters = nn.state.get_parameters(layers)
    for parameter, value in zip(parameters, values, strict=True):
        parameter.assign(Tensor(value.T if value.ndim == 2 else value)).realize()
    optimizer = (nn.optim.Adam if adam else nn.optim.SGD)(parameters, lr=rate)

    @TinyJit
    @Context(TRAINING=1)
    def step(x: Any, t: Any) -> Any:
        optimizer.zero_grad()
        loss = x.sequential(layers).sparse_categorical_crossentropy(t).backward()
        return loss.realize(*optimizer.schedule_step())

    inputs, targets = Tensor(x).realize(), Tensor(t).realize()
    return lambda: step(inputs, targets).item()
