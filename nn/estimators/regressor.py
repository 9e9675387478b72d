"""Regressor: a network that predicts numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import RegressorMixin

from .estimator import Estimator

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Regressor"]


class Regressor(RegressorMixin, Estimator):  # type: ignore[misc]
    """A network that predicts numbers, as an estimator of scikit-learn's.

    The parameters are those of `Classifier`, but for `class_weight`; the module returns
    (n, outputs) for targets (n,) or (n, outputs), and the `loss` is a function of both.

    >>> import nn
    >>> x = np.linspace(-1, 1, 200)[:, None]
    >>> model = nn.Regressor((16,), epochs=50, optimizer__lr=0.01, random_state=0)
    >>> model.fit(x, x[:, 0] ** 2).score(x, x[:, 0] ** 2) > 0.9
    True
    """

    _needed = "a number for each output"
    _checks = {"multi_output": True, "y_numeric": True}

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on X (n, features) and y (n,) or (n, outputs)."""
        return self._fit(X, y, sample_weight)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train once around these samples."""
        return self._fit(X, y, sample_weight, once=True)

    def _prepared(self, y: Any, weights: Any, go_on: bool, once: bool) -> tuple[Any, int, Any]:
        target = y.reshape(len(y), -1)
        return target, target.shape[1], weights

    def predict(self, X: Any) -> np.ndarray:
        """Predictions (n,), or (n, outputs) if there are several."""
        y = self._outputs(X)
        return y[:, 0] if y.shape[1] == 1 else y

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
