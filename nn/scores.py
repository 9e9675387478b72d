"""What a Trainer reports of an epoch or of data: the loss, and metrics of all predictions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from tinygrad_edu import Tensor

from .metrics import Metric, number

__all__ = ["Scores", "summed", "try_metrics"]


class Scores:
    """Takes batches in, and judges all of them together."""

    def __init__(
        self, metrics: Mapping[str, Metric], loss: Callable[..., Any], keep: bool = False
    ) -> None:
        self.metrics, self.loss, self.keep = metrics, loss, keep or bool(metrics)
        self.sizes: list[int] = []
        self.sums: dict[str, float] = {}
        self.outputs: list[Any] = []
        self.targets: list[Any] = []

    def add(self, target: Any, output: Any, means: Mapping[str, float] | None = None) -> None:
        """Take a batch in; its loss and penalty are means, so that they count by its size."""
        self.sizes.append(len(target))
        for name, mean in (means or {}).items():
            self.sums[name] = self.sums.get(name, 0.0) + mean * self._weight(name, len(target))
        if self.keep:
            self.outputs.append(_detached(output))
            self.targets.append(target)

    def _weight(self, name: str, n: int) -> int:
        return 1 if name == "loss" and summed(self.loss) else n

    def means(self) -> dict[str, float]:
        """The means over all samples, or of a loss that is a sum the sum."""
        n = sum(self.sizes)
        return {name: total / self._weight(name, n) for name, total in self.sums.items()}

    def joined_loss(self) -> float:
        """The loss of all predictions and targets at once, so that no mean depends on the batches.

        Where the loss cannot take them so, since samples of different batches have different shapes
        or are not along the first axis, it is that of the batches, each counted by its size.
        """
        try:
            return float(self.loss(*self._joined()))
        except Exception:  # what is no fault of the joining is raised for a batch too
            for output, target, n in zip(self.outputs, self.targets, self.sizes, strict=True):
                mean = float(self.loss(output, target))
                self.sums["loss"] = self.sums.get("loss", 0.0) + mean * self._weight("loss", n)
            return self.means()["loss"]

    def judged(self) -> dict[str, float]:
        """The metrics of all predictions, NaN where these are."""
        if not self.metrics:
            return {}
        predicted, target = map(_plain, self._joined())
        if isinstance(predicted, np.ndarray) and np.isnan(predicted).any():
            return dict.fromkeys(self.metrics, math.nan)
        return {name: number(name, f(predicted, target)) for name, f in self.metrics.items()}

    def _joined(self) -> tuple[Any, Any]:
        return _joined(self.outputs, self.sizes), _joined(self.targets, self.sizes)


def try_metrics(metrics: Mapping[str, Metric], output: Any, target: Any) -> None:
    """Raise ValueError or TypeError with the name of a metric that raises or returns no number."""
    predicted, target = _plain(output), _plain(target)
    for name, metric in metrics.items():
        try:
            value = metric(predicted, target)
        except Exception as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(
                f"the metric {name!r} was given {_described(predicted)} of predictions and "
                f"{_described(target)} of targets, in this order, and raised: {error}"
            ) from error
        number(name, value)


def _described(values: Any) -> str:
    kind = f"a {type(values).__name__}"
    return f"an array {values.shape}" if isinstance(values, np.ndarray) else kind


def _plain(values: Any) -> Any:
    return values.data if isinstance(values, Tensor) else values


def _joined(batches: list[Any], sizes: list[int]) -> Any:
    """Batches as one.  A sample may take several rows of the first axis, all of them as many."""
    first = batches[0]
    if isinstance(first, (tuple, list)):
        return [_joined(list(part), sizes) for part in zip(*batches, strict=True)]
    if isinstance(first, dict):
        return {key: _joined([batch[key] for batch in batches], sizes) for key in first}
    arrays = [np.asarray(_plain(batch)) for batch in batches]
    kinds = {(a.ndim and len(a) / n, a.shape[1:]) for a, n in zip(arrays, sizes, strict=True)}
    if len(kinds) > 1 or arrays[0].ndim == 0:
        raise ValueError(
            "all predictions are judged together, and so are all targets; of the batches they have "
            f"different shapes, such as {arrays[0].shape} and {arrays[-1].shape}"
        )
    whole = np.concatenate(arrays)
    return Tensor(whole) if isinstance(first, Tensor) else whole


def _detached(output: Any) -> Any:
    """The output without its graph."""
    if isinstance(output, Tensor):
        return Tensor(output.data)
    if isinstance(output, (tuple, list)):
        return [_detached(each) for each in output]
    if isinstance(output, dict):
        return {key: _detached(each) for key, each in output.items()}
    return output


def summed(loss: Any) -> bool:
    """Whether a loss is known to be the sum over the samples of a batch, and no mean."""
    reduction = getattr(loss, "reduction", None)
    while isinstance(loss, partial):
        loss, reduction = loss.func, loss.keywords.get("reduction", reduction)
    return bool(reduction == "sum")
