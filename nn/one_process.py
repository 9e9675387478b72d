"""What a Trainer asks of the processes that train together, in the usual case that there is one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from tinygrad_edu import Tensor

from .callbacks import Callback
from .data import DataLoader
from .scores import Scores

__all__ = ["OneProcess"]


class OneProcess:
    """Nothing is divided, exchanged or awaited; `nn.parallel.training` has the other case."""

    rank, size = 0, 1
    idle = False  # whether this process has no sample of the batch, and computes a stand-in

    def ending_all(self) -> AbstractContextManager[None]:
        """Within the block, an error here ends all processes."""
        return nullcontext()

    def alone(self) -> AbstractContextManager[None]:
        """Within the block, modules compute without the other processes."""
        return nullcontext()

    def epoch(self, number: int, trainer: Any) -> AbstractContextManager[None]:
        """Within the block, which trains, dropout draws from this process's own stream."""
        return nullcontext()

    def callbacks(self, callbacks: list[Callback]) -> list[Callback]:
        """Those of them that are called in this process."""
        return callbacks

    def divided(self, loader: DataLoader) -> DataLoader:
        """A loader that gives this process its share of each batch.

        Raises ValueError where it gives it so although the others are not asked for theirs.
        """
        if getattr(loader.sampler, "parts", 1) > 1:
            raise ValueError("a DistributedSampler needs nn.Trainer(..., parallel=True)")
        return loader

    def agree(self, trainer: Any) -> None:
        """Raise ValueError unless all processes train the same model on data of the same size."""

    def start(self, trainer: Any) -> None:
        """Give all processes the state of the first."""

    def backward(self, total: Tensor, trainer: Any, target: Any) -> Tensor:
        """The gradients of all samples of the batch; returns their loss."""
        total.backward()
        return total

    def judged(self, scores: Scores, values: Callable[[Scores], Any]) -> Any:
        """`values` of the scores of all processes."""
        return values(scores)

    def shared(self, value: Any) -> Any:
        """The first process's value."""
        return value

    def stopped(self, reason: str | None) -> str | None:
        """Why a callback, of whichever process, stops the training."""
        return reason
