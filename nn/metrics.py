"""How good predictions are, as numbers: of the predictions, which come first, and the targets.

Classes are predicted as scores (n, classes), of which the largest counts, as probabilities or
scores (n,) or (n, 1) of one class against the other (at least `threshold` is class 1), or as class
indices, integers (n,).  Tensors and arrays will do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from inspect import signature
from typing import Any

import numpy as np

from tinygrad_edu import Tensor

from .history import BOOKKEEPING
from .validation import choice, unknown_name

__all__ = [
    "NAMES", "accuracy", "classes", "confusion_matrix", "f1", "get", "mae", "mse", "precision",
    "precision_recall_f1", "r2", "recall", "top_k",
]  # fmt: skip

Metric = Callable[..., float]


def _array(values: Any) -> np.ndarray:
    array: np.ndarray = values.data if isinstance(values, Tensor) else np.asarray(values)
    return array


def classes(predicted: Any, threshold: float = 0.5) -> np.ndarray:
    """The predicted class indices."""
    p = _array(predicted)
    if p.dtype.kind in "iub":
        return p.ravel().astype(np.int64)
    if _scored(p):
        best: np.ndarray = p.argmax(axis=-1)
        return best.ravel()
    return (p.ravel() >= threshold).astype(np.int64)


def _scored(values: np.ndarray) -> bool:
    """Whether the last axis holds a score for each class."""
    return values.ndim > 1 and values.shape[-1] > 1


def _pair(predicted: Any, target: Any, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """The predicted classes and those of the target."""
    p = classes(predicted, threshold)
    return p, _expected(_array(predicted), _array(target), len(p))


def _expected(p: np.ndarray, t: np.ndarray, n: int) -> np.ndarray:
    """The class indices of the targets of n predictions."""
    if _scored(t) and (t.ndim > p.ndim or (t.shape == p.shape and p.dtype.kind == "f")):
        t = t.argmax(axis=-1)  # one-hot
    elif p.dtype.kind == "f" and not _scored(p):  # two classes, perhaps -1 and 1, or probabilities
        t = np.where(np.absolute(t) <= 1, t >= 0.5, t)
    if t.size != n:
        raise ValueError(f"{n} predictions cannot be held against {t.size} targets")
    if not n:
        raise ValueError("there are no predictions to judge")
    return t.ravel().astype(np.int64)


def accuracy(predicted: Any, target: Any, threshold: float = 0.5) -> float:
    """The share of predictions that are right.

    >>> accuracy(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    0.5
    """
    p, t = _pair(predicted, target, threshold)
    return float((p == t).mean())


def top_k(predicted: Any, target: Any, k: int = 5) -> float:
    """The share of samples whose class is among the k highest scores.

    >>> top_k(np.array([[0.1, 0.5, 0.4]]), np.array([2]), k=2)
    1.0
    """
    scores = _array(predicted)
    if scores.ndim < 2 or not 1 <= k <= scores.shape[-1]:
        raise ValueError(
            f"top_k needs scores (n, classes) with at least k={k} classes, not shape {scores.shape}"
        )
    t = _expected(scores, _array(target), scores.size // scores.shape[-1])
    best = np.argpartition(scores.reshape(len(t), -1), -k, axis=1)[:, -k:]
    return float((best == t[:, None]).any(axis=1).mean())


def confusion_matrix(
    predicted: Any, target: Any, n_classes: int | None = None, threshold: float = 0.5
) -> np.ndarray:
    """How often class i (row) was taken for class j (column): int64 (classes, classes).

    >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 0, 1]))
    array([[1, 1],
           [0, 1]])
    """
    p, t = _pair(predicted, target, threshold)
    n = n_classes or int(max(p.max(), t.max())) + 1
    for values in (p, t):
        if (wrong := values[(values < 0) | (values >= n)]).size:
            raise ValueError(f"there are classes from 0 to {n - 1}, and there is {wrong[0]}")
    return np.bincount(t * n + p, minlength=n * n).reshape(n, n)


def precision_recall_f1(
    predicted: Any, target: Any, average: str | None = "macro", threshold: float = 0.5
) -> tuple[Any, Any, Any]:
    """Precision, recall and their harmonic mean F1, 0 where nothing was predicted or present.

    `average` is "macro" (mean over classes), "binary" (of class 1), "micro" (all decisions
    together), or None (an array with a number for each class).

    >>> precision_recall_f1(np.array([1, 1, 0, 1]), np.array([1, 0, 0, 1]), "binary")
    (0.6666666666666666, 1.0, 0.8)
    """
    choice("average", average, ("macro", "binary", "micro", None))
    matrix = confusion_matrix(predicted, target, None, threshold).astype(float)
    right, guessed, present = np.diagonal(matrix), matrix.sum(0), matrix.sum(1)
    if average == "micro":
        right, guessed, present = (np.array([x.sum()]) for x in (right, guessed, present))
    precision = right / np.maximum(guessed, 1)
    recall = right / np.maximum(present, 1)
    f1 = 2 * right / np.maximum(guessed + present, 1)
    if average is None:
        return precision, recall, f1
    if average == "binary" and len(matrix) > 2:
        raise ValueError(f"'binary' is for two classes, and there are {len(matrix)}")
    part = slice(-1, None) if average == "binary" else slice(None)
    return float(precision[part].mean()), float(recall[part].mean()), float(f1[part].mean())


def _errors(predicted: Any, target: Any) -> np.ndarray:
    p, t = _array(predicted), _array(target)
    if p.shape != t.shape:
        raise ValueError(f"predictions of shape {p.shape} do not match targets of shape {t.shape}")
    return np.asarray(p - t)


def mae(predicted: Any, target: Any) -> float:
    """Mean absolute error, mean |y - t|."""
    return float(abs(_errors(predicted, target)).mean())


def r2(predicted: Any, target: Any) -> float:
    """Coefficient of determination, 1 - Σ (y - t)² / Σ (t - t̄)²; 0 for predicting the mean.

    >>> r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]))
    1.0
    """
    errors, t = _errors(predicted, target), _array(target)
    spread = float(((t - t.mean()) ** 2).sum())
    return 1.0 - float((errors**2).sum()) / spread if spread else float("nan")


def mse(predicted: Any, target: Any) -> float:
    """Mean squared error, mean (y - t)²."""
    return float((_errors(predicted, target) ** 2).mean())


def precision(predicted: Any, target: Any, threshold: float = 0.5) -> float:
    """The mean over classes of `precision_recall_f1`'s precision."""
    return float(precision_recall_f1(predicted, target, threshold=threshold)[0])


def recall(predicted: Any, target: Any, threshold: float = 0.5) -> float:
    """The mean over classes of `precision_recall_f1`'s recall."""
    return float(precision_recall_f1(predicted, target, threshold=threshold)[1])


def f1(predicted: Any, target: Any, threshold: float = 0.5) -> float:
    """The mean over classes of `precision_recall_f1`'s F1."""
    return float(precision_recall_f1(predicted, target, threshold=threshold)[2])


NAMES: dict[str, Metric] = {
    f.__name__: f for f in (accuracy, top_k, precision, recall, f1, mae, mse, r2)
}


def get(metric: str | Metric) -> tuple[str, Metric]:
    """A metric with its name, by that name or as a function of (predicted, target).

    Raises ValueError for an unknown name.
    """
    if callable(metric):
        return getattr(metric, "__name__", type(metric).__name__), metric
    if metric not in NAMES:
        raise unknown_name("metric", metric, NAMES)
    return metric, NAMES[metric]


def by_name(given: Any, loss: Any) -> dict[str, Metric]:
    """A Trainer's metrics under their names; the threshold of nn's own is 0 if `loss` takes logits.

    Raises TypeError for what is no list or dict, ValueError for names that are unknown, given twice
    or those of other columns of the history.
    """
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, Iterable):
        raise TypeError(f"metrics are a list or a dict, as in ['accuracy'], not {given!r}")
    pairs = given.items() if isinstance(given, Mapping) else ((None, metric) for metric in given)
    takes_logits = getattr(loss, "__name__", type(loss).__name__) in _LOSSES_OF_LOGITS
    found: dict[str, Metric] = {}
    for own_name, metric in pairs:
        name, function = get(metric)
        name = own_name or name
        if name in (*BOOKKEEPING, "loss", "penalty"):
            raise ValueError(f"a metric cannot be called {name!r}, as a column of the history is")
        if name in found:
            raise ValueError(f"two metrics are called {name!r}; give them as a dict, by name")
        if takes_logits and _has_threshold(function):
            function = partial(function, threshold=0.0)
        found[name] = function
    return found


_LOSSES_OF_LOGITS = (
    *("binary_cross_entropy_with_logits", "BCEWithLogitsLoss"),
    *("hinge_loss", "HingeLoss", "soft_margin_loss", "SoftMarginLoss"),
    *("sigmoid_focal_loss", "SigmoidFocalLoss"),
    *("multilabel_soft_margin_loss", "MultiLabelSoftMarginLoss"),
)


def _has_threshold(metric: Metric) -> bool:
    return metric in NAMES.values() and "threshold" in signature(metric).parameters
