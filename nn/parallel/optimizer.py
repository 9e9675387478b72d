"""DistributedOptimizer: any optimizer, whose steps use the gradients of all processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import Tensor

from ..optim import Optimizer
from ..validation import choice, integer
from .ranks import world
from .reduction import Reduction

__all__ = ["DistributedOptimizer"]


class DistributedOptimizer(Optimizer):
    """An optimizer whose `step()` first averages the gradients over all processes.

    It is of the class of the one it is given, as in `DistributedOptimizer(nn.Adam(...))`, and
    shares all of that one's state, which should not `step()` itself any more.  The gradients of a
    rank are those of a mean over its samples: where the last batch does not divide evenly,
    `step(samples=len(x))` gives each rank its right weight.  Without it all weigh the same.

    With `compression="fp16"` gradients are sent in half precision, and added up in their own.  With
    `backward_passes_per_step=k` only every k-th step is one, by the mean of the gradients of all
    passes since (Horovod's names; Sergeev and Del Balso, 2018).

    Raises TypeError for what is no optimizer, ValueError for one that is distributed already.

    >>> import nn
    >>> from nn import parallel
    >>> p = nn.Parameter([1.0])
    >>> optimizer = parallel.DistributedOptimizer(nn.SGD([p], lr=0.1))
    >>> (p * p).sum().backward(); optimizer.step(samples=1); p.data
    array([0.8], dtype=float32)
    >>> isinstance(optimizer, nn.SGD)
    True
    """

    distributed = True
    _reduction: Reduction

    if not TYPE_CHECKING:

        def __new__(cls, optimizer: Optimizer, *args: Any, **options: Any) -> Any:
            kind = type(optimizer)
            if not isinstance(optimizer, Optimizer):
                raise TypeError(f"DistributedOptimizer takes an optimizer, not {optimizer!r}")
            if isinstance(optimizer, DistributedOptimizer):
                raise ValueError("the optimizer is distributed already")
            joined = type(f"Distributed{kind.__name__}", (DistributedOptimizer, kind), {})
            self = super().__new__(joined)
            self.__dict__ = vars(optimizer)
            return self

    def __init__(
        self,
        optimizer: Optimizer,
        *,
        compression: str | None = None,
        backward_passes_per_step: int = 1,
    ) -> None:
        choice("compression", compression, (None, "fp16"))
        passes = integer("backward_passes_per_step", backward_passes_per_step)
        self._reduction = Reduction(world(), compression, passes)

    def synchronize(
        self, samples: float | None = None, *, average: bool = True, last: bool = False
    ) -> None:
        """Make the gradients those of all ranks, now and not in `step()`; to clip them, say.

        With `average=False` they are those of the sum of all samples, of the same `samples`.  With
        `last` passes that are still accumulated are sent before there are as many as there should.
        """
        reduction, ranks = self._reduction, self._reduction.ranks
        samples = 0.0 if ranks.idle else 1.0 if samples is None else float(samples)
        parameters = list(self._each())
        reduction.done = True
        if reduction.passes > 1:
            reduction.accumulate(parameters, samples)
            if reduction.calls < reduction.passes and not last:
                return
            samples = reduction.release(parameters)
        if ranks.size > 1 or not average:
            reduction.mean(parameters, samples, average)

    def step(
        self, closure: Callable[[], Any] | None = None, *, samples: float | None = None
    ) -> Any:
        """A step by the gradients of all ranks, which `synchronize` may have fetched already.

        `samples` is the number of this rank's samples.  What a closure returns is averaged too.
        """
        if closure is not None:
            return super().step(lambda: self._of_all(closure(), samples))
        if not self._reduction.done:
            self.synchronize(samples)
        self._reduction.done = False
        return super().step()

    def _of_all(self, loss: Any, samples: float | None) -> Any:
        """The loss of all samples, once their gradients are there."""
        done, self._reduction.done = self._reduction.done, False
        if done:  # by the closure itself
            return loss
        self.synchronize(samples)
        self._reduction.done = False
        return self.loss_of_all(loss, samples)

    def loss_of_all(self, loss: Any, samples: float | None = None, average: bool = True) -> Tensor:
        """The mean of all ranks' losses, each weighted by its samples, or the sum of them."""
        ranks = self._reduction.ranks
        weight = 0.0 if ranks.idle else 1.0 if samples is None or not average else float(samples)
        value = float(loss) * weight if weight else 0.0
        total, weights = ranks.sum(np.array([value, weight]))
        dtype = loss.dtype if isinstance(loss, Tensor) else None
        return Tensor(np.asarray(total / weights if average else total, dtype))
