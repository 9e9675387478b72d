"""SyncBatchNorm: batch normalization by the statistics of all processes' samples."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, effect, exchanges, is_tracing, op

from ..layers import BatchNorm1d, BatchNorm2d, BatchNorm3d
from ..module import Module
from .ranks import world

__all__ = ["SyncBatchNorm"]


class _Exchange:
    """A function of what all processes have, which a compiled program calls and does not copy."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.__name__ = function, function.__name__

    def __call__(self, *arrays: Any) -> Any:
        return self.function(*arrays)


@_Exchange
def _sum(x: np.ndarray) -> np.ndarray:
    return x if is_tracing() else world().sum(x)


@_Exchange
def _counted(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many values of a channel there are, and 1; of a stand-in for a sample 0 and 0: (1,)."""
    present = np.array([0 if world().idle and not is_tracing() else 1], x.dtype)
    return present * (x.size // x.shape[1]), present


@_Exchange
def _follow(mean: Any, variance: Any, total: Any, momentum: Any, *running: np.ndarray) -> None:
    """Move the running statistics towards those of a batch of all ranks."""
    if total[0] <= 1 and not is_tracing():
        raise ValueError(
            "the variance of a channel needs more than one value; give a larger batch "
            "(drop_last=True leaves out a last one of 1)"
        )
    if running:
        running_mean, running_var, batches = running
        batches += 1
        share = 1 / int(batches) if momentum is None else momentum
        running_mean += share * (mean - running_mean)
        running_var += share * (variance * (total / (total - 1)) - running_var)


@exchanges
@op(
    None,
    lambda g, weight: allreduce(g * weight, weight) / np.maximum(weight, 1),
    None,
    method=False,
)
def allreduce(x: np.ndarray, weight: Any) -> np.ndarray:
    """Sum over all processes q, whose losses have weights.
    y = Σ_q x_q,  ∂L/∂x = Σ_q w_q g_q / w"""
    summed: np.ndarray = _sum(x)
    return summed


class SyncBatchNorm(BatchNorm2d):
    """Batch normalization over the samples of all processes; inputs of two to five axes.

    As `BatchNorm1d`, `BatchNorm2d` and `BatchNorm3d`, of (batch, num_features, ...), but in
    training mean and variance are those of the batches of all ranks together, and so are their
    derivatives: the same numbers as one process has on the whole batch.  It takes two allreduces of
    num_features values forward, and as many backward.  The losses of the ranks count by their
    samples, as in `DistributedOptimizer`.

    Raises ValueError for inputs of other axes or channels, and in training for a batch with one
    value a channel, which has no variance.

    >>> import nn
    >>> from nn import parallel
    >>> model = nn.Sequential(nn.Dense(4, 8), nn.BatchNorm1d(8), nn.ReLU())
    >>> parallel.SyncBatchNorm.convert_sync_batchnorm(model)
    Sequential(
      (0): Dense(4, 8)
      (1): SyncBatchNorm(8)
      (2): ReLU()
    )
    """

    _axes = (2, 3, 4, 5)  # type: ignore[assignment]
    _layout = "(batch, {n}, ...)"

    @classmethod
    def convert_sync_batchnorm(cls, model: Module[Any]) -> Module[Any]:
        """The model with each BatchNorm inside replaced by one of these, of the same parameters.

        A model that is a BatchNorm itself becomes a new one.
        """
        made: dict[int, Module[Any]] = {}

        def converted(module: Module[Any]) -> Module[Any]:
            if type(module) not in (BatchNorm1d, BatchNorm2d, BatchNorm3d):
                return module
            if id(module) not in made:
                made[id(module)] = same = copy.copy(module)
                same.__class__ = cls
            return made[id(module)]

        for module in list(model.modules()):
            for name, child in list(module.named_children()):
                if converted(child) is not child:
                    setattr(module, name, converted(child))
        return converted(model)

    def forward(self, x: Tensor) -> Tensor:
        """x (batch, num_features, ...) -> the same shape."""
        if not self.training or not world().together:
            return super().forward(x)
        fits = x.ndim in self._axes and x.shape[1] == self.num_features
        self._check(x, fits, self._layout.format(n=self.num_features))
        x = self._like(x)
        axes, shape = (0, *range(2, x.ndim)), (1, -1, *(1,) * (x.ndim - 2))
        here, present = effect(_counted, x)
        sums = allreduce(np.concatenate([x.sum(axes) * present, here]), here)
        total, mean = sums[-1:], sums[:-1] / sums[-1:]
        y: Tensor = x - mean.reshape(shape)
        variance = allreduce((y * y).sum(axes) * present, here) / total
        y = y * ((variance + self.eps) ** -0.5).reshape(shape)
        running: tuple[np.ndarray, ...] = ()
        if self.track_running_stats:
            running = self.running_mean, self.running_var, self.num_batches_tracked
        effect(_follow, mean, variance, total, self.momentum, *running, changes=running)
        if self.weight is not None:
            y = y * self.weight.reshape(shape)
        if self.bias is not None:
            y = y + self.bias.reshape(shape)
        return y
