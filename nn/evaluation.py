"""Evaluator: how good a model is on data, by a loss and by metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, no_grad

from . import losses
from .data import DataLoader
from .init import unmoved
from .metrics import Metric, by_name
from .module import Module
from .one_process import OneProcess
from .scores import Scores, try_metrics
from .training_data import (
    Data,
    extreme_samples,
    in_batches,
    inputs_only,
    spread_samples,
    with_target,
)
from .validation import KeywordsChecked, keywords_checked
from .watching import evaluating

__all__ = ["Evaluator", "one_number"]


def one_number(loss: Any) -> Tensor:
    """A loss as it is.  Raises TypeError or ValueError unless it is a Tensor of one number."""
    if not isinstance(loss, Tensor):
        raise TypeError(
            "the loss must return a Tensor, for its graph to be gone back through, not a "
            f"{type(loss).__name__}"
        )
    if loss.ndim:
        raise ValueError("the loss must return one number, as with reduction='mean'")
    return loss


class Evaluator(KeywordsChecked):
    """A model, a loss and metrics: the part of a Trainer that changes nothing."""

    processes: OneProcess = OneProcess()

    def __init__(
        self,
        model: Module[Any],
        loss: str | Callable[..., Tensor],
        metrics: Sequence[str | Metric] | Mapping[str, str | Metric] = (),
    ) -> None:
        self.model, self.loss = model, losses.get(loss)
        self.metrics = by_name(metrics, self.loss)

    @keywords_checked
    def evaluate(self, data: Data, batch_size: int = 256) -> dict[str, float]:
        """The loss and the metrics on data, in evaluation mode and without recording a graph.

        They are those of all predictions and targets together, however the samples fall into
        batches: with class weights or ignored labels a mean over batches would be another one.
        """
        return self._judge(in_batches(data, batch_size))

    @keywords_checked
    def predict(self, x: Any, batch_size: int = 256) -> np.ndarray:
        """The model's output for all samples of an array, of a tuple of arrays, one an input of the
        model, or of a Dataset or DataLoader, whose last array, the targets, is left out.
        """
        outputs: list[np.ndarray] = []
        with evaluating(self.model), no_grad():
            for inputs in inputs_only(x, batch_size):
                output = self.model(*inputs)
                if not isinstance(output, Tensor):
                    kind = type(output).__name__
                    raise TypeError(f"predict needs one Tensor, and the model returns a {kind}")
                outputs.append(output.data)
        return np.concatenate(outputs)

    def _judge(self, loader: DataLoader) -> dict[str, float]:
        scores = Scores(self.metrics, self.loss, keep=True)
        divided = hasattr(loader.sampler, "share")
        processes = self.processes if divided else OneProcess()
        loader = processes.divided(loader)
        with evaluating(self.model), no_grad():
            for batch in loader:
                *inputs, target = with_target(batch)
                output = self.model(*inputs)
                if not processes.idle:
                    scores.add(target, output)
            values = processes.judged(scores, lambda s: {"loss": s.joined_loss(), **s.judged()})
            return dict(values)

    def _try_out(self, loader: DataLoader) -> None:
        """Raise what the data would make the model, the loss or a metric raise; change nothing."""
        quiet = np.errstate(all="ignore")  # training tells what is not finite
        with evaluating(self.model), no_grad(), unmoved(), quiet:
            *inputs, target = with_target(loader.batch(extreme_samples(loader.dataset)))
            output = self.model(*inputs)
            one_number(self.loss(output, target))
            try:
                try_metrics(self.metrics, output, target)
            except (TypeError, ValueError):  # some need more samples, such as of all classes
                *inputs, target = with_target(loader.batch(spread_samples(loader.dataset)))
                try_metrics(self.metrics, self.model(*inputs), target)
