"""What a Trainer is given: understood, and refused before training starts if it cannot be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from inspect import signature
from typing import Any

import numpy as np

from tinygrad_edu import Tensor

from . import metrics
from .callbacks import Callback, EachEpoch, Progress
from .data import DataLoader, Dataset
from .history import NO_FIGURES
from .metrics import Metric
from .module import Module
from .optim import Optimizer
from .schedulers import ReduceLROnPlateau, Scheduler

Data = Dataset | DataLoader | Sequence[Any]

COLUMNS = (*NO_FIGURES, "loss", "penalty")
"""What the history shows besides the metrics."""


# -------------------------------------------------------------------- data


def in_batches(data: Data, batch_size: int | None, shuffle: bool) -> DataLoader:
    """Data to be trained on, in batches of the size asked for; None is all at once."""
    if isinstance(data, DataLoader):
        return data
    dataset = _dataset(data)
    n = len(dataset)
    if isinstance(batch_size, int) and batch_size > n > 0:
        raise ValueError(
            f"batch_size={batch_size} is more than the {n} samples; batch_size=None takes them "
            "all at once"
        )
    return DataLoader(dataset, max(n, 1) if batch_size is None else batch_size, shuffle)


def in_order(data: Data, batch_size: int = 256) -> DataLoader:
    """Data to be judged, in batches of at most that size."""
    return data if isinstance(data, DataLoader) else DataLoader(_dataset(data), batch_size)


def inputs_only(x: Any, batch_size: int) -> Iterator[Sequence[Any]]:
    """Batches of a model's inputs: of an array, of a tuple of them, or of data with targets."""
    if isinstance(x, (Tensor, np.ndarray, list)):
        x = (x.data if isinstance(x, Tensor) else np.asarray(x),)
    for batch in in_order(x, batch_size):
        values = batch if isinstance(batch, (tuple, list)) else (batch,)
        yield values if isinstance(x, tuple) or len(values) == 1 else values[:-1]


def with_target(batch: Any) -> Sequence[Any]:
    """A batch of inputs and, last, targets."""
    if not isinstance(batch, (tuple, list)) or len(batch) < 2:
        raise ValueError("inputs and targets are needed, as in (x, y), and there are inputs only")
    return batch


def worst(dataset: Any) -> np.ndarray:
    """The samples that hold the smallest and the largest class, target or index.

    Where one of them is out of range, it is so in these samples.  Other datasets than a Dataset of
    arrays are not read for it: theirs is the first sample.
    """
    rows = {0}
    if isinstance(dataset, Dataset):
        for array in dataset.arrays:
            if array.size and array.dtype.kind in ("iuf" if array is dataset.y else "iu"):
                each = array.reshape(len(array), -1)
                rows |= {int(each.min(axis=1).argmin()), int(each.max(axis=1).argmax())}
    return np.array(sorted(rows))


def _dataset(data: Any) -> Dataset:
    if isinstance(data, (tuple, list)):
        return Dataset(*data)
    if not hasattr(data, "__getitem__") or isinstance(data, (np.ndarray, Tensor)):
        kind = type(data).__name__
        raise TypeError(f"data are (x, y), a Dataset or a DataLoader, and not a {kind}")
    dataset: Dataset = data
    return dataset


# -------------------------------------------------------------------- metrics and callbacks


def metrics_by_name(given: Any, loss: Any) -> dict[str, Metric]:
    """Metrics under their names; the threshold of nn's own is 0 if the loss takes logits."""
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, Iterable):
        raise TypeError(f"metrics are a list or a dict, as in ['accuracy'], not {given!r}")
    pairs = given.items() if isinstance(given, Mapping) else ((None, metric) for metric in given)
    loss_name = getattr(loss, "__name__", type(loss).__name__)
    takes_logits = loss_name in (
        *("binary_cross_entropy_with_logits", "BCEWithLogitsLoss"),
        *("hinge_loss", "HingeLoss"),
    )
    found: dict[str, Metric] = {}
    for wish, metric in pairs:
        own, function = metrics.get(metric)
        name = wish or own
        if name in COLUMNS:
            raise ValueError(f"a metric cannot be called {name!r}, as a column of the history is")
        if name in found:
            raise ValueError(f"two metrics are called {name!r}; give them as a dict, by name")
        if takes_logits and _has_threshold(function):
            function = partial(function, threshold=0.0)
        found[name] = function
    return found


def _has_threshold(metric: Metric) -> bool:
    return metric in metrics.NAMES.values() and "threshold" in signature(metric).parameters


def callbacks(given: Any, progress: bool) -> list[Callback]:
    """Callbacks in the order in which they are called."""
    if not isinstance(given, Iterable):
        raise TypeError(f"callbacks are a list, as in [nn.EarlyStopping()], not {given!r}")
    found: list[Callback] = []
    for callback in given:
        if isinstance(callback, type):
            raise TypeError(f"callbacks are objects: write {callback.__name__}(), with parentheses")
        if not isinstance(callback, Callback) and not callable(callback):
            raise TypeError(
                f"callbacks are Callbacks or functions of the trainer, not {callback!r}"
            )
        found.append(callback if isinstance(callback, Callback) else EachEpoch(callback))
    found += [Progress()] if progress else []
    return sorted(found, key=lambda callback: callback.last)


# -------------------------------------------------------------------- model, optimizer, schedule


def check_parts(model: Any, optimizer: Any, scheduler: Any, schedule: str) -> None:
    """Raise unless the optimizer trains the model and the schedule is of the optimizer."""
    if not isinstance(model, Module):
        raise TypeError(f"Trainer takes a Module first, not {type(model).__name__}")
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"Trainer takes an optimizer, as in nn.Adam(model.parameters()), not {optimizer!r}"
        )
    own = {id(p) for p in model.parameters()}
    if not any(id(p) in own for group in optimizer.groups for p in group["params"]):
        raise ValueError(
            "the optimizer holds no parameter of this model, which would never learn; make it "
            "from this model's parameters()"
        )
    if schedule not in ("epoch", "batch"):
        raise ValueError(f"schedule is 'epoch' or 'batch', not {schedule!r}")
    if scheduler is None:
        return
    if not isinstance(scheduler, Scheduler):
        raise TypeError(f"scheduler is one such as nn.StepLR(optimizer, 10), not {scheduler!r}")
    if scheduler.optimizer is not optimizer:
        raise ValueError("the schedule is of another optimizer, and would not change this one")
    if isinstance(scheduler, ReduceLROnPlateau) and schedule == "batch":
        raise ValueError("ReduceLROnPlateau judges the loss once an epoch: schedule='epoch'")
