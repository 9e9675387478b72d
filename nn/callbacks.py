"""What can be done between batches and epochs of a training: stop early, save, log, show."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from tinygrad_edu.atomic_write import written_whole
from tinygrad_edu.errors import printable

from .data import DataLoader
from .history import BOOKKEEPING, History, larger_is_better, text
from .module import Module
from .nonfinite import nonfinite_names
from .optim import Optimizer
from .state_dict import key_difference, like
from .validation import KeywordsChecked, boolean, choice, integer, required, unknown_name

__all__ = ["CSVLog", "Callback", "EarlyStopping", "ModelCheckpoint", "TrainerLike"]


class TrainerLike(Protocol):
    """What callbacks may use of a Trainer."""

    model: Module[Any]
    optimizer: Optimizer
    history: History
    loader: DataLoader  # of the training data
    epochs: int  # that there will be in the history
    columns: list[str]  # that there will be in the history, less the bookkeeping

    def stop(self, reason: str) -> None: ...
    def save(self, path: str | Path) -> None: ...


class Callback(KeywordsChecked):
    """Called by a Trainer, which gives itself; override what you need.

    `state_dict` and `load_state_dict` let a resumed training go on as if it had not been
    interrupted.  A plain function of the trainer will do for what happens after every epoch.
    """

    last = False  # whether it comes after the others, since it saves their state
    writes = False  # whether one of several processes should call it alone: files, a progress bar

    def on_train_begin(self, trainer: TrainerLike) -> None:
        """Before the first epoch, or before the next one of a resumed training."""

    def on_batch_end(self, trainer: TrainerLike) -> None:
        """After every step of the optimizer."""

    def on_epoch_end(self, trainer: TrainerLike) -> None:
        """When the epoch's values are the last row of `trainer.history`."""

    def on_train_end(self, trainer: TrainerLike) -> None:
        """However the training ended."""

    def state_dict(self) -> dict[str, Any]:
        """What it needs to continue."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a `state_dict`.

        Raises ValueError unless the state has the keys and kinds of values that `state_dict` gives
        now; a file cannot set anything else.
        """
        own = self.state_dict()
        if state and not own:
            raise ValueError(f"{type(self).__name__} has no state")
        vars(self).update(like(own, state))

    def check_model(self, model: Module[Any]) -> None:
        """Raise ValueError if the state that was just loaded is not of this model."""


class EachEpoch(Callback):
    """A function of the trainer, called after every epoch."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.on_epoch_end = function  # type: ignore[assignment,method-assign]


class Monitor(Callback):
    """Follows one column of the history: `monitor`, else val_loss, else loss without validation.

    `mode` is "min", "max", or None to know it by the name: losses and errors are to fall, scores
    such as an accuracy to rise; of other names it must be said.
    """

    def __init__(self, monitor: str | None = None, mode: str | None = None) -> None:
        if mode not in (None, "auto"):
            choice("mode", mode, ("min", "max"))
        self.monitor, self.mode = monitor, None if mode == "auto" else mode

    def on_train_begin(self, trainer: TrainerLike) -> None:
        if self.monitor is not None and self.monitor not in trainer.columns:
            raise unknown_name("column of the history", self.monitor, trainer.columns)
        larger_is_better(self.monitor or "loss", [], self.mode)

    def column(self, trainer: TrainerLike) -> str:
        """The name of the column."""
        return self.monitor or ("val_loss" if "val_loss" in trainer.history.names else "loss")

    def scores(self, trainer: TrainerLike) -> list[float]:
        """The column, or its negatives if it is to fall: larger is better."""
        name = self.column(trainer)
        return larger_is_better(name, trainer.history[name], self.mode)


class EarlyStopping(Monitor):
    """Stops when `patience` epochs in a row brought no improvement of more than `min_delta`.

    However the training ends, the model gets back its parameters of the best epoch, unless
    `restore_best_weights=False` (Prechelt, Early Stopping - But When?, 1998).
    """

    def __init__(
        self,
        monitor: str | None = None,
        patience: int = 10,
        min_delta: float = 0.0,
        mode: str | None = None,
        restore_best_weights: bool = True,
    ) -> None:
        super().__init__(monitor, mode)
        self.restore_best_weights = boolean("restore_best_weights", restore_best_weights)
        if patience < 1 or min_delta < 0:
            raise ValueError(
                f"patience is at least 1 epoch, min_delta at least 0, not {patience}, {min_delta}"
            )
        self.patience, self.min_delta = patience, min_delta
        self._forget()

    def _forget(self) -> None:
        self.best = -math.inf
        self.best_state: dict[str, Any] = {}
        self.best_epoch = self.waited = 0

    def on_train_begin(self, trainer: TrainerLike) -> None:
        super().on_train_begin(trainer)
        if not len(trainer.history):
            self._forget()
        self.judged = len(trainer.history)
        self._stop_if_it_is_time(trainer)

    def on_epoch_end(self, trainer: TrainerLike) -> None:
        self._judge(trainer)
        self._stop_if_it_is_time(trainer)

    def _judge(self, trainer: TrainerLike) -> None:
        score = self.scores(trainer)[-1]
        if score > self.best + self.min_delta:  # never so of NaN
            self.best_state = trainer.model.state_dict()
            self.best, self.best_epoch, self.waited = score, len(trainer.history), 0
        else:
            self.waited += 1
        self.judged = len(trainer.history)

    def _stop_if_it_is_time(self, trainer: TrainerLike) -> None:
        if self.waited >= self.patience:
            epoch = self.best_epoch if self.restore_best_weights else len(trainer.history)
            trainer.stop(
                f"no better {self.column(trainer)} for {self.waited} epochs; "
                f"the parameters are those of epoch {epoch}"
            )

    def on_train_end(self, trainer: TrainerLike) -> None:
        if self.judged < len(trainer.history):  # Ctrl-C was faster
            self._judge(trainer)
        if self.best_state and self.restore_best_weights:
            trainer.model.load_state_dict(self.best_state)

    def state_dict(self) -> dict[str, Any]:
        names = ("best", "best_state", "best_epoch", "waited")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        given = like({**self.state_dict(), "best_state": {}}, state)
        integer("waited", given["waited"], 0)
        integer("best_epoch", given["best_epoch"], 0)
        if math.isnan(given["best"]):
            raise ValueError("best is no number")
        vars(self).update(given)

    def check_model(self, model: Module[Any]) -> None:
        if self.best_state:
            key_difference("its best parameters:", model.state_dict(), self.best_state, strict=True)


class ModelCheckpoint(Monitor):
    """Writes a checkpoint after every epoch, or with `save_best_only` after each that was the best.

    `path` may hold values of the epoch, as in "run/{epoch:03d}-{val_loss:.3f}.safetensors".  The
    file holds all that `Trainer.fit(..., resume=path)` needs to go on to the same values.  Raises
    FloatingPointError rather than save parameters that are not finite.
    """

    last = writes = True

    def __init__(
        self,
        path: str | Path,
        monitor: str | None = None,
        save_best_only: bool = False,
        mode: str | None = None,
    ) -> None:
        required("safetensors", "ModelCheckpoint needs", "safetensors")  # now, not after an epoch
        super().__init__(monitor, mode)
        self.path, self.save_best_only = str(path), save_best_only

    def on_train_begin(self, trainer: TrainerLike) -> None:
        super().on_train_begin(trainer)
        Path(self.path).parent.mkdir(parents=True, exist_ok=True)

    def on_epoch_end(self, trainer: TrainerLike) -> None:
        *earlier, last = self.scores(trainer)
        best = max((score for score in earlier if not math.isnan(score)), default=-math.inf)
        if last > best or not self.save_best_only:
            path = self.path.format(**trainer.history.rows[-1])
            if names := nonfinite_names(trainer.model):
                raise FloatingPointError(
                    f"{names[0]} is not finite after epoch {len(trainer.history)}, and is not "
                    f"saved over {path}; try a smaller learning rate, or clip_norm=1.0"
                )
            trainer.save(path)


class CSVLog(Callback):
    """Writes the history to a CSV file, whole, after every epoch."""

    writes = True

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def on_train_begin(self, trainer: TrainerLike) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)

    def on_epoch_end(self, trainer: TrainerLike) -> None:
        with written_whole(self.path) as file:
            file.write(trainer.history.csv().encode())


class Progress(Callback):
    """A progress bar of the training's batches, in a terminal or a notebook (tqdm's)."""

    writes = True
    bar: Any = None

    def on_train_begin(self, trainer: TrainerLike) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # without ipywidgets the bar is one of text
            from tqdm.auto import tqdm

        done, batches = len(trainer.history), len(trainer.loader)
        total = trainer.epochs * batches
        self.bar = tqdm(total=total, initial=done * batches, unit="batch", mininterval=0.2)
        self._describe(trainer)

    def _describe(self, trainer: TrainerLike) -> None:
        epoch = min(len(trainer.history) + 1, trainer.epochs)
        self.bar.set_description(f"epoch {epoch}/{trainer.epochs}", refresh=False)

    def on_batch_end(self, trainer: TrainerLike) -> None:
        self.bar.update()

    def on_epoch_end(self, trainer: TrainerLike) -> None:
        row = trainer.history.rows[-1]
        values = {printable(k): text(v) for k, v in row.items() if k not in BOOKKEEPING}
        self.bar.set_postfix(values, refresh=False)
        self._describe(trainer)

    def on_train_end(self, trainer: TrainerLike) -> None:
        if self.bar is not None:
            self.bar.close()
            if trainer.history.stopped:
                self.bar.write(f"stopped: {trainer.history.stopped}")


def in_calling_order(given: Any, progress: bool) -> list[Callback]:
    """Callbacks, and functions as such, in the order in which they are called.

    Raises TypeError for anything else.
    """
    if given is None:
        given = ()
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
