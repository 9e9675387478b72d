"""What estimators share: parameters, the parts that they make of them, and the training."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from tinygrad_edu import Tensor

from .. import losses
from ..callbacks import Callback, EarlyStopping
from ..data import Dataset
from ..evaluation import Evaluator
from ..history import History
from ..init import drawing_from, generator
from ..module import Module, get_default_dtype, set_default_dtype
from ..networks import MLP
from ..optim import Adam, Optimizer
from ..schedulers import Scheduler
from ..trainer import Trainer
from ..validation import unknown_keyword, unknown_name
from .weights import weigh

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Callbacks", "Estimator", "Network"]

Network = Sequence[int] | Module[Any] | Callable[..., Module[Any]]
Callbacks = Iterable[Callback | Callable[[Any], Any]]

_PARTS = ("module", "loss", "optimizer", "scheduler", "early_stopping", "trainer")
"""What has options of its own, which are named as in optimizer__lr."""

_EXAMPLES = {
    "optimizer": "optimizer=nn.Adam, optimizer__lr=0.01",
    "scheduler": "scheduler=nn.StepLR, scheduler__step_size=10",
}


class Estimator(BaseEstimator):  # type: ignore[misc]
    """A network, and how a Trainer fits it, as parameters that can be read, set and searched."""

    module_: Module[Any]
    optimizer_: Optimizer
    history_: History
    _checks: dict[str, bool] = {}  # of the targets
    _needed = ""

    def __init__(
        self, module: Network = (100,), *, loss: Any = "mse",
        optimizer: Callable[..., Optimizer] = Adam,
        scheduler: Callable[..., Scheduler] | None = None,
        epochs: int = 100, batch_size: int | None = 32, shuffle: bool = True,
        callbacks: Callbacks = (), early_stopping: bool = False, validation_fraction: float = 0.1,
        warm_start: bool = False, random_state: Any = None, verbose: bool = False,
        **part__option: Any,
    ) -> None:  # fmt: skip
        self.module = module
        self.loss = loss
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.epochs = epochs
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.callbacks = callbacks
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        for name in part__option:
            if not _is_option(name):
                known = unknown_keyword(type(self).__name__, name, self._get_param_names())
                raise TypeError(f"{known}, and options of these, as in optimizer__lr=0.01")
        self._given = part__option

    # ---------------------------------------------------------------- parameters and parts

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name, and the options of parts that were given."""
        return {**super().get_params(deep), **self._given}

    def set_params(self, **parameters: Any) -> Self:
        """Set parameters and options of parts.  Raises ValueError for an unknown parameter."""
        options = {name: value for name, value in parameters.items() if _is_option(name)}
        super().set_params(**{k: v for k, v in parameters.items() if k not in options})
        self._given = {**self._given, **options}
        return self

    def _options(self, part: str) -> dict[str, Any]:
        """The options of a part that were given."""
        split = {name: name.partition("__") for name in self._given}
        return {option: self._given[name] for name, (of, _, option) in split.items() if of == part}

    def _made(self, part: str, *args: Any) -> Any:
        """A part, made by the class or function that is given for it."""
        factory = getattr(self, part)
        if not callable(factory):
            raise TypeError(
                f"{type(self).__name__}: {part} is a class, with its options by name, as in "
                f"{_EXAMPLES[part]}, and not {factory!r}"
            )
        return factory(*args, **self._options(part))

    def _made_loss(self) -> Callable[..., Tensor]:
        options = self._options("loss")
        if isinstance(self.loss, type):
            return self.loss(**options)  # type: ignore[no-any-return]
        loss = losses.get(self.loss)
        return partial(loss, **options) if options else loss

    def _made_module(self, x: np.ndarray, outputs: int) -> Module[Any]:
        """A copy of the module given, or one made for these inputs and so many outputs."""
        if isinstance(self.module, Module):
            if options := self._options("module"):
                raise ValueError(
                    f"{type(self).__name__}: the module is made already, and has no option "
                    f"{', '.join(options)}; give the class or function that makes it"
                )
            return copy.deepcopy(self.module)
        sizes: dict[str, Any] = {"in_features": x.shape[-1], "out_features": outputs}
        if callable(self.module):
            factory = self.module
        else:
            factory, sizes["hidden"] = MLP, self.module
        takes = signature(factory).parameters
        sizes = {name: size for name, size in sizes.items() if name in takes}
        before = get_default_dtype()
        set_default_dtype(x.dtype if x.dtype in (np.float32, np.float64) else before)
        try:
            return factory(**{**sizes, **self._options("module")})
        finally:
            set_default_dtype(before)

    def _check_outputs(self, x: np.ndarray, outputs: int) -> None:
        """Raise ValueError unless the module returns so many numbers for a sample."""
        shape = self._predicted(x[:1]).shape
        if shape != (1, outputs):
            raise ValueError(
                f"{type(self).__name__}: the module returns shape {shape} for one sample, and "
                f"(1, {outputs}) is needed: {self._needed}"
            )

    # ---------------------------------------------------------------- fit and predict

    def _fit(self, X: Any, y: Any, sample_weight: Any, once: bool = False) -> Self:
        """Train for all epochs, or `once` around the data, as partial_fit does."""
        for name in self._given:
            part = name.partition("__")[0]
            if part not in _PARTS:
                raise unknown_name(f"part in {name}:", part, _PARTS)
        go_on = (once or self.warm_start) and hasattr(self, "module_")
        x, y = validate_data(self, X, y, reset=not go_on, allow_nd=True, **self._checks)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, x)
        target, outputs, weights = self._prepared(y, weights, go_on, once)
        if weights is not None:
            if weights.min() < 0 or not weights.any():
                raise ValueError("sample and class weights must be at least 0, and some above it")
            weights = weights if once else weights / weights.mean()
        if not go_on:
            self._random = _seeded(self.random_state)
        with drawing_from(self._random):
            if not go_on:
                self.module_, self.history_ = self._made_module(x, outputs), History()
                self._check_outputs(x, outputs)
            if not (go_on and once):
                self.optimizer_ = self._made("optimizer", self.module_.parameters())
                scheduled = self.scheduler is not None
                self._schedule = self._made("scheduler", self.optimizer_) if scheduled else None
            self._train(self._cast(x), target, weights, once)
        return self

    def _prepared(self, y: Any, weights: Any, go_on: bool, once: bool) -> tuple[Any, int, Any]:
        """The targets as the loss takes them, the number of outputs, and the weights if any."""
        raise NotImplementedError

    def _train(self, x: np.ndarray, target: np.ndarray, weights: Any, once: bool) -> None:
        options = {"scheduler": self._schedule, **self._options("trainer")}
        trainer = Trainer(self.module_, self._made_loss(), self.optimizer_, **options)
        y = target if weights is None else weigh(trainer, target, weights.astype(x.dtype))
        data, held_out, callbacks = Dataset(x, y), None, [*self.callbacks]
        if self.early_stopping and not once:
            data, held_out = (Dataset(*data[rows]) for rows in self._split(target))
            callbacks.append(EarlyStopping(**self._options("early_stopping")))
        history = trainer.fit(
            data, held_out, epochs=1 if once else self.epochs, batch_size=self.batch_size,
            shuffle=self.shuffle, callbacks=callbacks, progress=bool(self.verbose),
        )  # fmt: skip
        earlier = self.history_.rows
        earlier += [{**row, "epoch": len(earlier) + row["epoch"]} for row in history]
        history.rows, self.history_ = earlier, history
        self.module_.zero_grad()  # or copies and pickles would hold the last gradients

    def _split(self, target: np.ndarray) -> list[np.ndarray]:
        """The rows to learn from, and those held out, among which each class has its share."""
        return train_test_split(  # type: ignore[no-any-return]
            np.arange(len(target)), test_size=self.validation_fraction,
            stratify=target if is_classifier(self) else None,
            random_state=int(generator().integers(2**31)),
        )  # fmt: skip

    def _cast(self, x: np.ndarray) -> np.ndarray:
        """Numbers in the dtype of the module's parameters, and integers as they are."""
        dtype = next(self.module_.parameters()).dtype
        return x if x.dtype.kind in "iu" else x.astype(dtype, copy=False)

    def _predicted(self, x: np.ndarray) -> np.ndarray:
        return Evaluator(self.module_, "mse").predict(self._cast(x))

    def _outputs(self, X: Any) -> np.ndarray:
        """What the module returns for samples that have yet to be validated."""
        check_is_fitted(self)
        return self._predicted(validate_data(self, X, reset=False, allow_nd=True))


def _is_option(name: str) -> bool:
    """Whether this is named as an option of a part is, such as optimizer__lr."""
    return "__" in name.strip("_")


def _seeded(random_state: Any) -> np.random.Generator:
    """A generator for a `random_state` of scikit-learn's, None for a seed drawn from nn's own."""
    if random_state is None:
        return np.random.default_rng(generator().integers(2**63))
    return np.random.default_rng(check_random_state(random_state).randint(2**31 - 1))
