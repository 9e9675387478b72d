"""Trainer: the loop over epochs and mini-batches, and what people want around it."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, no_grad

from . import checkpoint, losses
from .callbacks import Callback, in_calling_order
from .data import Data, DataLoader, extreme_samples, in_batches, inputs_only, with_target
from .display import Displayed, of_trainer
from .history import History, checked_rows, direction
from .init import generator, unmoved
from .metrics import Metric, by_name
from .module import Module
from .nonfinite import origin_of_nonfinite
from .optim import Optimizer, clip_grad_norm, clip_grad_value
from .schedulers import OneCycleLR, ReduceLROnPlateau, Scheduler
from .state_dict import all_or_nothing, generator_state, like
from .validation import KeywordsChecked, choice, integer, keywords_checked, unknown_name
from .watching import evaluating

__all__ = ["Trainer"]


class Trainer(Displayed, KeywordsChecked):
    """Fits a model to data by an optimizer, and judges it by metrics.

    `loss` is a function or module of (prediction, target), or a name such as "mse" or
    "cross_entropy"; each of the `metrics` a function or a name such as "accuracy", in a list or in
    a dict under names of your own.  To the loss the model's `penalty()` is added.  A `scheduler`
    steps once an epoch, or with `schedule="batch"` once a batch (as OneCycleLR always does);
    gradients are clipped to a joint norm of `clip_norm` and to values within ±`clip_value`.

    >>> import nn
    >>> _ = nn.manual_seed(0)
    >>> train, validation = nn.datasets.iris().split(0.2, seed=0)
    >>> model = nn.Sequential(nn.Dense(4, 8), nn.ReLU(), nn.Dense(8, 3))
    >>> optimizer = nn.Adam(model.parameters(), lr=0.01)
    >>> trainer = Trainer(model, "cross_entropy", optimizer, metrics=["accuracy"])
    >>> history = trainer.fit(train, validation, epochs=30, batch_size=16, progress=False)
    >>> trainer.evaluate(validation)["accuracy"] > 0.9
    True
    """

    history: History
    loader: DataLoader
    columns: list[str]
    epochs: int = 0
    batch: int = 0

    def __init__(
        self,
        model: Module[Any],
        loss: str | Callable[..., Tensor],
        optimizer: Optimizer,
        metrics: Sequence[str | Metric] | Mapping[str, str | Metric] = (),
        *,
        scheduler: Scheduler | None = None,
        schedule: str = "epoch",
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        self.loss = losses.get(loss)
        self.metrics = by_name(metrics, self.loss)
        _check_parts(model, optimizer, scheduler, schedule)
        _check_parameters(model, self.loss, optimizer)
        self.model, self.optimizer, self.scheduler = model, optimizer, scheduler
        self.schedule = "batch" if isinstance(scheduler, OneCycleLR) else schedule
        for name, limit in (("clip_norm", clip_norm), ("clip_value", clip_value)):
            if limit is not None and not limit > 0:
                raise ValueError(f"{name} must be positive, not {limit}")
        self.clip_norm, self.clip_value = clip_norm, clip_value
        self.history = History()

    def _shown(self) -> dict[str, Any]:
        return of_trainer(self)

    # ---------------------------------------------------------------- the loop

    @keywords_checked
    def fit(
        self,
        train: Data,
        validation: Data | None = None,
        *,
        epochs: int = 1,
        batch_size: int | None = 32,
        shuffle: bool = True,
        callbacks: Iterable[Callback | Callable[[Trainer], Any]] = (),
        progress: bool = True,
        resume: str | Path | None = None,
    ) -> History:
        """Train until there are `epochs` epochs in the history, or a callback stops it.

        Data are a Dataset, a tuple (x, y) of arrays, or a DataLoader, whose batches are used then.
        `batch_size=None` is full-batch descent, 1 single-sample descent.  `resume` goes on from a
        file of `ModelCheckpoint` or `save` to the values an uninterrupted training would have
        given, bit for bit.  Ctrl-C ends the training as a callback would: the history and the
        parameters are kept.  Afterwards the model is in evaluation mode.  Raises
        FloatingPointError, naming the first layer that made it, when the loss is not finite.
        """
        self.epochs, self.history = integer("epochs", epochs), History()
        self._callbacks = in_calling_order(callbacks, progress)
        self._prepare(train, validation, batch_size, shuffle)
        if resume is not None:
            self._resume(resume)
        self._call("on_train_begin")
        try:
            while len(self.history) < self.epochs and self.history.stopped is None:
                with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                    self.history.rows.append(self._epoch())
                self._call("on_epoch_end")
        except KeyboardInterrupt:
            self.history.interrupted = True
            self.stop(f"interrupted after {len(self.history)} of {self.epochs} epochs")
        finally:
            self._call("on_train_end")
            self.model.eval()
        return self.history

    def _prepare(self, train: Data, validation: Any, batch_size: Any, shuffle: bool) -> None:
        """The loaders and the columns of the history, once the data are known to fit."""
        self.loader = in_batches(train, batch_size, shuffle)
        n = len(self.loader.dataset)
        if self.loader is not train and self.loader.batch_size > n:
            raise ValueError(
                f"batch_size={batch_size} is more than the {n} samples; batch_size=None takes "
                "them all at once"
            )
        held_out = [] if validation is None else [in_batches(validation, 256)]
        self._loaders = [self.loader, *held_out]
        for loader in self._loaders:
            self._try_out(loader)
        _check_parameters(self.model, self.loss, self.optimizer)
        self._remember_what_rests()
        self._buffers = _Buffers(self.model)
        self._parameters = list(self.model.parameters())
        penalty = self.model.penalty()
        self._penalized = penalty.requires_grad or bool(penalty)
        names = ["loss", *self.metrics]
        self.columns = [*names, "penalty"] if self._penalized else names
        self.columns += [f"val_{name}" for name in names * len(held_out)]
        monitor = getattr(self.scheduler, "monitor", None)
        if monitor is not None and monitor not in self.columns:
            raise unknown_name("column of the history", monitor, self.columns)

    def _remember_what_rests(self) -> None:
        """Modules in evaluation mode inside a model in training mode stay so, also in later fits.

        A fit leaves the whole model in evaluation mode, in which nothing new can be learned of it.
        """
        training = self.model.training
        for _, module in self.model.named_modules():
            module._rests = not module.training and (training or module._rests)

    def _train_mode(self) -> None:
        self.model.train()
        for _, module in self.model.named_modules():
            if module._rests:
                module.training = False

    def _epoch(self) -> dict[str, Any]:
        """Train once around the data; the epoch's row of the history."""
        start = time.perf_counter()
        self._train_mode()
        scores = _Scores(self.metrics)
        for number, (*inputs, target) in enumerate(self.loader, 1):
            self.batch = number
            scores.add(target, *self._step(inputs, target))
            self._call("on_batch_end")
        row = {"epoch": len(self.history) + 1, **scores.values()}
        for loader in self._loaders[1:]:
            row |= {f"val_{name}": value for name, value in self._judge(loader).items()}
        if self.scheduler is not None and self.schedule == "epoch":
            if isinstance(self.scheduler, ReduceLROnPlateau):
                watched = self.scheduler.monitor or ("val_loss" if "val_loss" in row else "loss")
                self.scheduler.step(row[watched])
            else:
                self.scheduler.step()
        return {**row, "lr": self._rate, "seconds": time.perf_counter() - start}

    def _step(self, inputs: list[Any], target: Any) -> tuple[Tensor, dict[str, float]]:
        """One step of the optimizer: the prediction, and the loss and penalty before it."""
        self._buffers.keep()
        output = self.model(*inputs)
        total = loss = self.loss(output, target)
        if not math.isfinite(loss.data):
            raise self._diverged(loss, inputs, target)
        means = {"loss": float(loss)}
        if self._penalized:
            penalty = self.model.penalty()
            means["penalty"], total = float(penalty), loss + penalty
        self.optimizer.zero_grad()
        for parameter in self._parameters:  # also those that the optimizer does not hold
            parameter.grad = None
        total.backward()
        learning = [p for group in self.optimizer.groups for p in group["params"]]
        if self.clip_norm is not None:
            clip_grad_norm(learning, self.clip_norm)
        if self.clip_value is not None:
            clip_grad_value(learning, self.clip_value)
        self._rate = self.optimizer.lr
        self.optimizer.step()
        if self.scheduler is not None and self.schedule == "batch":
            self.scheduler.step()
        return output, means

    def stop(self, reason: str) -> None:
        """End the training after this epoch; for callbacks."""
        self.history.stopped = reason

    def _call(self, event: str) -> None:
        for callback in self._callbacks:
            getattr(callback, event)(self)

    # ---------------------------------------------------------------- judging

    def evaluate(self, data: Data, batch_size: int = 256) -> dict[str, float]:
        """The loss and the metrics on data, in evaluation mode and without recording a graph."""
        return self._judge(in_batches(data, batch_size))

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
        scores = _Scores(self.metrics)
        with evaluating(self.model), no_grad():
            for batch in loader:
                *inputs, target = with_target(batch)
                output = self.model(*inputs)
                scores.add(target, output, {"loss": float(self.loss(output, target))})
        return scores.values()

    # ---------------------------------------------------------------- saving, going on

    def save(self, path: str | Path) -> None:
        """Write what `fit(..., resume=path)` needs to go on.  Raises ValueError before `fit`."""
        if not len(self.history):
            raise ValueError("there is no training to save yet; nn.save(path, model) saves a model")
        checkpoint.save(
            path,
            self.model,
            self.optimizer,
            self.scheduler,
            history=self.history.rows,
            generators=[rng.bit_generator.state for rng in self._generators()],
            callbacks={name: callback.state_dict() for name, callback in self._named()},
        )

    def _resume(self, path: str | Path) -> None:
        found, _ = checkpoint.read(path)
        more, generators = found.more, self._generators()
        if not {"history", "generators", "callbacks"} <= more.keys():
            raise ValueError(f"{path} was not saved by a Trainer, and says nothing of its training")
        with all_or_nothing(self.optimizer, self.scheduler, *self._callbacks):
            try:
                rows = checked_rows(more["history"], self.columns)
                states = like([{}], more["generators"], "generators")
                if len(states) != len(generators):
                    raise ValueError(f"it had {len(states)} generators, here are {len(generators)}")
                states = [generator_state(*pair) for pair in zip(generators, states, strict=True)]
                saved = like({}, more["callbacks"], "callbacks")
                for name, callback in self._named():
                    if name in saved:
                        callback.load_state_dict(like({}, saved[name], name))
                        callback.check_model(self.model)
            except Exception as error:  # also what callbacks of a user's own raise
                raise ValueError(f"the training in {path} cannot go on here: {error}") from error
            checkpoint.restore(path, found, self.model, self.optimizer, self.scheduler)
        self.history.rows.extend(rows)
        for rng, state in zip(generators, states, strict=True):
            rng.bit_generator.state = state

    def _generators(self) -> list[np.random.Generator]:
        return [generator(), *(loader.generator for loader in self._loaders)]

    def _named(self) -> list[tuple[str, Callback]]:
        """Callbacks by their class's name, and by a number those of the same class."""
        names = [type(callback).__name__ for callback in self._callbacks]
        keys = [f"{name}{names[:i].count(name) or ''}" for i, name in enumerate(names)]
        return list(zip(keys, self._callbacks, strict=True))

    # ---------------------------------------------------------------- what can go wrong

    def _try_out(self, loader: DataLoader) -> None:
        """Raise what the data would make the model or the loss raise, and change nothing."""
        samples = extreme_samples(loader.dataset)
        quiet = np.errstate(all="ignore")  # training tells what is not finite
        with evaluating(self.model), no_grad(), unmoved(), quiet:
            *inputs, target = with_target(loader.batch(samples))
            loss = self.loss(self.model(*inputs), target)
        if not isinstance(loss, Tensor):
            raise TypeError(
                "the loss must return a Tensor, for its graph to be gone back through, not a "
                f"{type(loss).__name__}"
            )
        if loss.ndim:
            raise ValueError("the loss must return one number, as with reduction='mean'")

    def _diverged(self, loss: Tensor, inputs: list[Any], target: Any) -> FloatingPointError:
        with unmoved():
            origin = origin_of_nonfinite(self.model, inputs, target)
        self._buffers.put_back()
        remedy = "look at what comes into it"
        if origin.startswith("parameter"):
            remedy = f"try a smaller learning rate than {self.optimizer.lr:g}, or clip_norm=1.0"
        return FloatingPointError(
            f"the loss is {loss.data} in epoch {len(self.history) + 1}, batch {self.batch}: "
            f"{origin}; {remedy}. The history and the parameters are kept as they are"
        )


def _check_parts(model: Any, optimizer: Any, scheduler: Any, schedule: str) -> None:
    """Raise unless the optimizer trains the model and the scheduler is of the optimizer."""
    if not isinstance(model, Module):
        raise TypeError(f"Trainer takes a Module first, not {type(model).__name__}")
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"Trainer takes an optimizer, as in nn.Adam(model.parameters()), not {optimizer!r}"
        )
    choice("schedule", schedule, ("epoch", "batch"))
    if scheduler is None:
        return
    if not isinstance(scheduler, Scheduler):
        raise TypeError(f"scheduler is one such as nn.StepLR(optimizer, 10), not {scheduler!r}")
    if scheduler.optimizer is not optimizer:
        raise ValueError("the schedule is of another optimizer, and would not change this one")
    if not isinstance(scheduler, ReduceLROnPlateau):
        return
    if schedule == "batch":
        raise ValueError("ReduceLROnPlateau judges the loss once an epoch: schedule='epoch'")
    watched, other = scheduler.monitor or "loss", {"min": "max", "max": "min"}[scheduler.mode]
    if direction(watched) == other:
        raise ValueError(
            f"ReduceLROnPlateau(mode={scheduler.mode!r}) would watch {watched}, better the "
            "other way; name a column and its mode, as in mode='max', monitor='val_accuracy'"
        )


def _check_parameters(model: Module[Any], loss: Any, optimizer: Optimizer) -> None:
    """Raise unless all that the optimizer changes is the model's, or the loss's own."""
    parts = [model, loss] if isinstance(loss, Module) else [model]
    own = {id(p) for part in parts for p in part.parameters()}
    held = [p for group in optimizer.groups for p in group["params"]]
    if foreign := [p for p in held if id(p) not in own]:
        named = f" named {foreign[0].name!r}" if foreign[0].name else ""
        raise ValueError(
            f"{len(foreign)} of the optimizer's {len(held)} parameters are not this model's, the "
            f"first{named} of shape {foreign[0].shape}, so that what stands in their stead would "
            "never learn; if a layer was replaced after the optimizer was made, make it again from "
            "model.parameters()"
        )


class _Buffers:
    """The buffers of a model as they were before a step, in case the step fails."""

    def __init__(self, model: Module[Any]) -> None:
        self.names = [(m, name) for _, m in model.named_modules() for name in m._buffers]
        self.values: list[Any] = []

    def keep(self) -> None:
        self.values = [copy.copy(getattr(module, name)) for module, name in self.names]

    def put_back(self) -> None:
        for (module, name), value in zip(self.names, self.values, strict=True):
            setattr(module, name, value)


class _Scores:
    """Means over batches, and metrics, which judge all predictions together."""

    def __init__(self, metrics: Mapping[str, Metric]) -> None:
        self.metrics = metrics
        self.n = 0
        self.sums: dict[str, float] = {}
        self.outputs: list[np.ndarray] = []
        self.targets: list[np.ndarray] = []

    def add(self, target: Any, output: Tensor, means: dict[str, float]) -> None:
        """Take a batch in; its loss and penalty are means, so that they count by its size."""
        n = len(target)
        self.n += n
        for name, mean in means.items():
            self.sums[name] = self.sums.get(name, 0.0) + mean * n
        if self.metrics:
            self.outputs.append(output.data)
            self.targets.append(np.asarray(target))

    def values(self) -> dict[str, float]:
        """The means, and the metrics."""
        means = {name: total / self.n for name, total in self.sums.items()}
        if not self.metrics:
            return means
        predicted, target = np.concatenate(self.outputs), np.concatenate(self.targets)
        return means | {name: f(predicted, target) for name, f in self.metrics.items()}
