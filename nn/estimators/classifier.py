"""Classifier: a network that predicts classes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    check_classification_targets,
    unique_labels,
)

from tinygrad_edu import ops

from ..optim import Adam, Optimizer
from ..schedulers import Scheduler
from .estimator import Callbacks, Estimator, Network

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Classifier"]


class Classifier(ClassifierMixin, Estimator):  # type: ignore[misc]
    """A network that predicts classes, as an estimator of scikit-learn's.

    `module` is the sizes of hidden layers, a Module, which is copied, or a class or function that
    makes one; where this has parameters `in_features` and `out_features`, it is given the number of
    features and of classes.  What it returns are scores (n, classes), for the `loss`: a name, a
    function of scores and class indices, or a class of losses.  `optimizer` and `scheduler` are
    classes, or functions of the parameters and of the optimizer.

    Options of these parts are named after them: optimizer__lr, module__dropout, loss__gamma,
    scheduler__step_size.  Those of the Trainer are trainer__clip_norm, trainer__metrics and so on.
    With `early_stopping`, `validation_fraction` of the data are held out, and training stops when
    their loss no longer falls, by nn.EarlyStopping and its options, such as
    early_stopping__patience.  Any other `callbacks` of nn are used as they are.

    `class_weight` is a dict by label, or "balanced", for every class to count the same.  `fit`
    starts anew, but with `warm_start` from the last weights.  `random_state` None draws from the
    generator that `nn.manual_seed` seeds.  `verbose` shows a progress bar.

    A network that is made here has the dtype of X, float32 or float64; for integers it is float32.

    After `fit` there are `module_`, `optimizer_`, `history_`, `classes_`, `n_features_in_` and, of
    a data frame, `feature_names_in_`.  It raises ValueError or TypeError for data, parameters and
    options that do not fit.

    >>> import nn
    >>> iris = nn.datasets.iris()
    >>> model = nn.Classifier((16,), epochs=30, optimizer__lr=0.01, random_state=0)
    >>> model.fit(iris.x, iris.y).score(iris.x, iris.y) > 0.9
    True
    >>> model.predict_proba(iris.x[:2]).shape
    (2, 3)
    """

    classes_: np.ndarray
    _needed = "a score for each class"

    def __init__(
        self, module: Network = (100,), *, loss: Any = "cross_entropy", class_weight: Any = None,
        optimizer: Callable[..., Optimizer] = Adam,
        scheduler: Callable[..., Scheduler] | None = None,
        epochs: int = 100, batch_size: int | None = 32, shuffle: bool = True,
        callbacks: Callbacks = (), early_stopping: bool = False, validation_fraction: float = 0.1,
        warm_start: bool = False, random_state: Any = None, verbose: bool = False,
        **part__option: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            module, loss=loss, optimizer=optimizer, scheduler=scheduler, epochs=epochs,
            batch_size=batch_size, shuffle=shuffle, callbacks=callbacks,
            early_stopping=early_stopping, validation_fraction=validation_fraction,
            warm_start=warm_start, random_state=random_state, verbose=verbose, **part__option,
        )  # fmt: skip
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on X (n, features) and the labels y (n,)."""
        return self._fit(X, y, sample_weight)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train once around these samples; the first call is given all `classes` there can be."""
        _check_partial_fit_first_call(self, classes)
        if isinstance(self.class_weight, str):
            raise ValueError(
                f"class_weight={self.class_weight!r} needs all data at once; give partial_fit a "
                "dict of weights, or sample_weight"
            )
        return self._fit(X, y, sample_weight, once=True)

    def _prepared(self, y: Any, weights: Any, go_on: bool, once: bool) -> tuple[Any, int, Any]:
        check_classification_targets(y)
        if not (go_on or once):
            self.classes_ = unique_labels(y)
        if len(unknown := np.setdiff1d(y, self.classes_)):
            raise ValueError(
                f"y has the labels {unknown.tolist()}, which were not among the classes "
                f"{self.classes_.tolist()} at first"
            )
        if self.class_weight is not None:
            each = compute_sample_weight(self.class_weight, y)
            weights = each if weights is None else weights * each
        return np.searchsorted(self.classes_, y), len(self.classes_), weights

    def predict(self, X: Any) -> np.ndarray:
        """The labels (n,) of the highest scores."""
        best = self._outputs(X).argmax(axis=1)
        return self.classes_[best]  # type: ignore[no-any-return]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities (n, classes), in the order of `classes_`: the softmax of the scores."""
        scores, loss = self._outputs(X), self._made_loss()
        while isinstance(loss, partial):
            loss = loss.func
        name = getattr(getattr(loss, "_function", loss), "__name__", "")
        if name == "categorical_cross_entropy":
            return scores
        y: Any = np.exp(scores) if name == "nll_loss" else ops.softmax(scores, -1)
        return y  # type: ignore[no-any-return]
