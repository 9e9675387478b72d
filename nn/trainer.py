"""Trainer: the loop over epochs and mini-batches, and what people want around it."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, enable_grad

from . import checkpoint
from .callbacks import Callback, in_calling_order
from .data import DataLoader
from .display import Displayed, of_trainer
from .evaluation import Evaluator
from .history import History, checked_rows
from .init import generator, unmoved
from .metrics import Metric
from .module import Module
from .nonfinite import Buffers, nonfinite_names, origin_of_nonfinite
from .optim import Optimizer, clip_grad_norm, clip_grad_value
from .schedulers import ReduceLROnPlateau, Scheduler
from .scores import Scores
from .state_dict import all_or_nothing, generator_state, like, same
from .threads import for_products
from .training_data import Data, in_batches
from .training_parts import check_parameters, check_parts, objective_of
from .validation import boolean, integer, keywords_checked, unknown_name
from .watching import remember_resting, train_all_but_resting

__all__ = ["Trainer"]

_SECONDS = 0.1  # between two copies of all that has state


class Trainer(Displayed, Evaluator):
    """Fits a model to data by an optimizer, and judges it by metrics.

    `loss` is a function or module of (prediction, target), or a name such as "mse" or
    "cross_entropy"; each of the `metrics` a function or a name such as "accuracy", in a list or in
    a dict under names of your own.  To the loss the model's `penalty()` is added.  A `scheduler`
    steps once an epoch, or with `schedule="batch"` once a batch (as OneCycleLR and CyclicLR do);
    gradients are clipped to a joint norm of `clip_norm` and to values within ±`clip_value`.
    With `compile=True` each step runs as a program (`tinygrad_edu.compile`): sooner, to the same
    numbers.  With `parallel=True` all processes of `mpiexec` train together (`nn.parallel`).

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
    _point: dict[str, Any] | None = None  # where a resumed training begins, if not at what is now
    _waiting: Sequence[str] = ()  # callbacks that have yet to see the epoch

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
        compile: bool = False,
        parallel: bool = False,
    ) -> None:
        check_parts(model, optimizer, scheduler, schedule, parallel)
        super().__init__(model, loss, metrics)
        check_parameters(model, self.loss, optimizer)
        self.optimizer, self.scheduler = optimizer, scheduler
        if boolean("Trainer: parallel", parallel):
            from .parallel.training import together

            self.optimizer, self.processes = together(optimizer)
        self.schedule = "batch" if scheduler is not None and scheduler.per_batch else schedule
        for name, limit in (("clip_norm", clip_norm), ("clip_value", clip_value)):
            if limit is not None and not limit > 0:
                raise ValueError(f"{name} must be positive, not {limit}")
        self.clip_norm, self.clip_value = clip_norm, clip_value
        self.compile = boolean("Trainer: compile", compile)
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
        parameters are kept.  Raises FloatingPointError when the loss is not finite, naming the
        first layer that made it, and when an epoch leaves a parameter that is not.

        However the training ends, every callback's `on_train_end` is called, and the model is in
        evaluation mode afterwards.  What is refused before the first epoch (data or metrics that do
        not fit, a file that cannot go on here) has changed nothing, the history neither.
        """
        called = self.processes.callbacks(in_calling_order(callbacks, progress))
        with self.processes.ending_all():
            with self._unchanged_if_refused(called, resume):
                self.epochs, self._callbacks = integer("epochs", epochs), called
                self._prepare(train, validation, batch_size, shuffle)
                self.history, self._point = History(), None
                waiting, states = ([], []) if resume is None else self._resume(resume)
                self._begin()
            for rng, state in zip(self._generators(), states, strict=False):
                rng.bit_generator.state = state
            try:
                with for_products(self._parameters, self.loader.batch_size):
                    self._train(waiting)
            except KeyboardInterrupt:
                if self.processes.size > 1:
                    raise
                self.history.interrupted = True
                self.stop(f"interrupted after {len(self.history)} of {self.epochs} epochs")
            finally:
                self._end(called, self.model.eval)
        return self.history

    @contextmanager
    def _unchanged_if_refused(self, callbacks: Sequence[Callback], resume: Any) -> Iterator[None]:
        """If the block raises, all is as it was, also what a resumed file would have set."""
        before = {} if resume is None else self.model.state_dict()
        loaded = [] if resume is None else [self.optimizer, self.scheduler, *callbacks]
        try:
            with all_or_nothing(self, *loaded):
                yield
        except BaseException:
            if before:
                self.model.load_state_dict(before)
            raise

    def _begin(self) -> None:
        """Let all callbacks begin, and those that have begun end if another one cannot."""
        begun: list[Callback] = []
        try:
            for callback in self._callbacks:
                callback.on_train_begin(self)
                begun.append(callback)
        except BaseException:
            self._end(begun)
            raise

    def _end(self, callbacks: Sequence[Callback], *more: Callable[[], Any]) -> None:
        """Let callbacks end, and do what comes after them, also when one of them raises."""
        with ExitStack() as ending:  # it calls in reverse what it is given
            for last in reversed(more):
                ending.callback(last)
            for callback in reversed(callbacks):
                ending.callback(callback.on_train_end, self)

    def _train(self, waiting: Sequence[tuple[str, Callback]]) -> None:
        """The epochs.  `waiting` are callbacks that had not been called when a file was saved.

        Copies of all that has state are taken now and then, since they would cost as much as a
        short epoch; what came after one is computed again when the training is resumed.
        """
        self._waiting = [name for name, _ in waiting]
        self.processes.start(self)
        self._point, copied = self._snapshot(), time.perf_counter()
        self._call_after_epoch(waiting)
        while len(self.history) < self.epochs and self.history.stopped is None:
            if time.perf_counter() - copied > _SECONDS:
                self._point, copied = self._snapshot(), time.perf_counter()
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                self.history.rows.append(self._epoch())
            self._call_after_epoch(self._named())
            self.history.stopped = self.processes.stopped(self.history.stopped)
        self._point = self._snapshot()

    def _call_after_epoch(self, named: Sequence[tuple[str, Callback]]) -> None:
        """Let callbacks see the epoch; what they save meanwhile is the state after it."""
        before, self._point = self._point, None
        try:
            for i, (_, callback) in enumerate(named, 1):
                self._waiting = [name for name, _ in named[i:]]
                callback.on_epoch_end(self)
        finally:
            self._point, self._waiting = before, []

    def _prepare(self, train: Data, validation: Any, batch_size: Any, shuffle: bool) -> None:
        """The loaders and the columns of the history, once the data are known to fit."""
        given = [in_batches(train, batch_size, shuffle)]
        given += [] if validation is None else [in_batches(validation, 256)]
        self._loaders = [self.processes.divided(loader) for loader in given]
        self.loader, *held_out = self._loaders
        for loader in self._loaders:
            self._try_out(loader)
        check_parameters(self.model, self.loss, self.optimizer)
        remember_resting(self.model)
        self._buffers = Buffers(self.model)
        self._parameters = list(self.model.parameters())
        penalty = self.model.penalty()
        self._penalized = penalty.requires_grad or bool(penalty)
        self._objective = objective_of(self.model, self.loss, self._penalized)
        if self.compile:
            from tinygrad_edu import compile

            self._objective = compile(self._objective)
        names = ["loss", *self.metrics]
        self.columns = [*names, "penalty"] if self._penalized else names
        self.columns += [f"val_{name}" for name in names * len(held_out)]
        monitor = getattr(self.scheduler, "monitor", None)
        if monitor is not None and monitor not in self.columns:
            raise unknown_name("column of the history", monitor, self.columns)
        self.processes.agree(self)

    def _epoch(self) -> dict[str, Any]:
        """Train once around the data; the epoch's row of the history."""
        start = time.perf_counter()
        train_all_but_resting(self.model)
        scores = Scores(self.metrics, self.loss)
        with self.processes.epoch(len(self.history) + 1, self):
            for number, (*inputs, target) in enumerate(self.loader, 1):
                self.batch = number
                result = self._step(inputs, target)
                if not self.processes.idle:
                    scores.add(target, *result)
                for callback in self._callbacks:
                    callback.on_batch_end(self)
        if not all(np.isfinite(p.data).all() for p in self._parameters if p.requires_grad):
            raise FloatingPointError(
                f"{nonfinite_names(self.model)[0]} is not finite after epoch "
                f"{len(self.history) + 1}, batch {self.batch}; {self._smaller_steps()}"
            )
        row = self.processes.judged(scores, lambda s: {**s.means(), **s.judged()})
        row = {"epoch": len(self.history) + 1, **row}
        for loader in self._loaders[1:]:
            row |= {f"val_{name}": value for name, value in self._judge(loader).items()}
        if self.scheduler is not None and self.schedule == "epoch":
            if isinstance(self.scheduler, ReduceLROnPlateau):
                watched = self.scheduler.monitor or ("val_loss" if "val_loss" in row else "loss")
                self.scheduler.step(row[watched])
            else:
                self.scheduler.step()
        seconds = time.perf_counter() - start
        return dict(self.processes.shared({**row, "lr": self._rate, "seconds": seconds}))

    def _step(self, inputs: list[Any], target: Any) -> tuple[Any, dict[str, float]]:
        """One step of the optimizer: the prediction, and the loss and penalty before it."""
        self._buffers.keep()
        before: list[Any] = []

        def closure() -> Tensor:
            """The loss and its gradients, which some optimizers need several times in a step."""
            with enable_grad():
                total, output, loss, penalty = self._objective(*inputs, target)
                if not before and not math.isfinite(loss.data):
                    raise self._diverged(loss, inputs, target)
                means = {"loss": float(loss)}
                if penalty is not None:
                    means["penalty"] = float(penalty)
                for parameter in self._parameters:  # also those that the optimizer does not hold
                    parameter.grad = None
                self.optimizer.zero_grad()
                total = self.processes.backward(total, self, target)
            self._clip()
            before[:] = before or [output, means]
            return total

        self._rate = self.optimizer.lr
        step: Callable[..., Any] = self.optimizer.step
        if getattr(self.optimizer, "needs_closure", False):
            step(closure)
        else:
            closure()
            step()
        if self.scheduler is not None and self.schedule == "batch":
            self.scheduler.step()
        return before[0], before[1]

    def _clip(self) -> None:
        if self.clip_norm is None and self.clip_value is None:
            return
        learning = [p for group in self.optimizer.groups for p in group["params"]]
        if self.clip_norm is not None:
            clip_grad_norm(learning, self.clip_norm)
        if self.clip_value is not None:
            clip_grad_value(learning, self.clip_value)

    def stop(self, reason: str) -> None:
        """End the training after this epoch; for callbacks."""
        self.history.stopped = reason

    # ---------------------------------------------------------------- saving, going on

    def save(self, path: str | Path) -> None:
        """Write what `fit(..., resume=path)` needs to go on.  Raises ValueError before `fit`.

        The model in the file is the one at hand.  Where training does not go on from it, since an
        epoch was interrupted or EarlyStopping gave back the best parameters, the file also holds
        the state after the last complete epoch.
        """
        if self._point is None and not len(self.history):
            raise ValueError("there is no training to save yet; nn.save(path, model) saves a model")
        if self.processes.rank:
            return
        state = self._training_state() if self._point is None else self._point.copy()
        if self._point is not None and same(state["parts"], self._parts()):
            del state["parts"]
        state["history"] = self.history.rows[: state["epochs"]]
        checkpoint.save(path, self.model, self.optimizer, self.scheduler, **state)

    def _training_state(self) -> dict[str, Any]:
        """What is saved beside the model, the optimizer and the schedule."""
        return {
            "epochs": len(self.history),
            "generators": [rng.bit_generator.state for rng in self._generators()],
            "callbacks": {name: callback.state_dict() for name, callback in self._named()},
            "waiting": self._waiting,
        }

    def _parts(self) -> dict[str, Any]:
        """The states of the model, the optimizer and the schedule."""
        schedule = None if self.scheduler is None else self.scheduler.state_dict()
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": schedule,
        }

    def _snapshot(self) -> dict[str, Any] | None:
        """A copy of all that training goes on from; None while a callback cannot tell its state."""
        try:
            return {**copy.deepcopy(self._training_state()), "parts": self._parts()}
        except Exception:  # it is raised when there is a file to write
            return None

    def _resume(self, path: Any) -> tuple[list[tuple[str, Callback]], list[dict[str, Any]]]:
        """Go on from a file: the callbacks still to be called, and the states of generators."""
        found, _ = checkpoint.read(path)
        more, generators = found.more, self._generators()
        if not {"history", "generators", "callbacks"} <= more.keys():
            raise ValueError(f"{path} was not saved by a Trainer, and says nothing of its training")
        with all_or_nothing(self.optimizer, self.scheduler, *self._callbacks):
            try:
                rows = checked_rows(more["history"], self.columns, more.get("epochs"))
                states = like([{}], more["generators"], "generators")
                if len(states) != len(generators):
                    raise ValueError(f"it had {len(states)} generators, here are {len(generators)}")
                states = [generator_state(*pair) for pair in zip(generators, states, strict=True)]
                saved = like({}, more["callbacks"], "callbacks")
                for name, callback in self._named():
                    if name in saved:
                        callback.load_state_dict(like({}, saved[name], name))
                        callback.check_model(self.model)
                waiting = like([""], more.get("waiting", []), "waiting")
                if "parts" in more:
                    own = {**self._parts(), "optimizer": {}, "scheduler": None}
                    parts = like(own, more["parts"], "parts")
                    state = parts.pop("model")
                    found = found._replace(state=state, **parts)
            except MemoryError:
                raise
            except Exception as error:  # also what callbacks of a user's own raise
                raise ValueError(f"the training in {path} cannot go on here: {error}") from error
            checkpoint.restore(path, found, self.model, self.optimizer, self.scheduler)
        self.history.rows.extend(rows)
        return [(name, each) for name, each in self._named() if name in waiting], states

    def _generators(self) -> list[np.random.Generator]:
        return [generator(), *(loader.generator for loader in self._loaders)]

    def _named(self) -> list[tuple[str, Callback]]:
        """Callbacks by their class's name, and by a number those of the same class."""
        names = [type(callback).__name__ for callback in self._callbacks]
        keys = [f"{name}{names[:i].count(name) or ''}" for i, name in enumerate(names)]
        return list(zip(keys, self._callbacks, strict=True))

    # ---------------------------------------------------------------- what can go wrong

    def _smaller_steps(self) -> str:
        return f"try a smaller learning rate than {self.optimizer.lr:g}, or clip_norm=1.0"

    def _diverged(self, loss: Tensor, inputs: list[Any], target: Any) -> FloatingPointError:
        with unmoved(), self.processes.alone():
            origin = origin_of_nonfinite(self.model, inputs, target)
        self._buffers.put_back()
        remedy = "look at what comes into it"
        if origin.startswith("parameter"):
            remedy = self._smaller_steps()
        return FloatingPointError(
            f"the loss is {loss.data} in epoch {len(self.history) + 1}, batch {self.batch}: "
            f"{origin}; {remedy}. The history and the parameters are kept as they are"
        )
