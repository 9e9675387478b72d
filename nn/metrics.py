"""How good predictions are, as numbers: `metric(predicted, target)`, the predictions first.

scikit-learn's functions, which give the same numbers, take the targets first.

Classes are predicted as scores (n, classes), of which the largest counts, as probabilities or
scores (n,) or (n, 1) of one class against the other (at least `threshold` is class 1), or as class
indices, integers (n,).  Where several labels can hold at once (multi-label), targets are 0 and 1 in
the predictions' shape (n, labels), and each label is predicted by a score of its own, at least
`threshold`, or by 0 and 1; scores whose targets all have a single 1 in each row are those of
classes.  Tensors and arrays will do.
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

_ORDER = "the predictions come first, as in metric(predicted, target)"


def _arrays(predicted: Any, target: Any) -> tuple[np.ndarray, np.ndarray]:
    """Both as arrays.  Raises TypeError if they were probably swapped."""
    if getattr(target, "requires_grad", False) and not getattr(predicted, "requires_grad", False):
        raise TypeError(f"the targets require a gradient and the predictions do not; {_ORDER}")
    return _array(predicted), _array(target)


def _array(values: Any) -> np.ndarray:
    array: np.ndarray = values.data if isinstance(values, Tensor) else np.asarray(values)
    return array


def classes(predicted: Any, threshold: float = 0.5) -> np.ndarray:
    """The predicted class indices.  Raises ValueError for scores that are NaN."""
    p = _array(predicted)
    if p.dtype.kind in "iub":
        return p.ravel().astype(np.int64)
    if np.isnan(p).any():
        raise ValueError("some of the predictions are NaN, and predict no class")
    if _scored(p):
        best: np.ndarray = p.argmax(axis=-1)
        return best.ravel()
    return (p.ravel() >= threshold).astype(np.int64)


def _scored(values: np.ndarray) -> bool:
    """Whether the last axis holds a score for each class."""
    return values.ndim > 1 and values.shape[-1] > 1


def _several_labels(p: np.ndarray, t: np.ndarray) -> bool:
    """Whether each column is a label of its own, which holds or not."""
    if p.shape != t.shape or p.ndim != 2 or not _scored(p) or not _two_valued(t):
        return False
    return bool(((t == 1).sum(axis=1) != 1).any()) if p.dtype.kind == "f" else _two_valued(p)


def _two_valued(values: np.ndarray) -> bool:
    return bool(((values == 0) | (np.absolute(values) == 1)).all())


def _pair(predicted: Any, target: Any, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """The classes predicted and those of the targets, (n,), or of several labels 0 and 1, (n, k)"""
    p, t = _arrays(predicted, target)
    if _several_labels(p, t):
        if np.isnan(p).any():
            raise ValueError("some of the predictions are NaN, and predict no label")
        decided = p >= threshold if p.dtype.kind == "f" else p == 1
        return decided.astype(np.int64), (t == 1).astype(np.int64)
    found = classes(p, threshold)
    return found, _expected(p, t, len(found))


def _expected(p: np.ndarray, t: np.ndarray, n: int) -> np.ndarray:
    """The class indices of the targets of n predictions."""
    if _scored(t) and (t.ndim > p.ndim or (t.shape == p.shape and p.dtype.kind == "f")):
        if p.dtype.kind != "f" and not (_two_valued(t) and (t.sum(axis=-1) == 1).all()):
            raise ValueError(f"the targets of class indices are no scores; {_ORDER}")
        t = t.argmax(axis=-1)  # one-hot
    elif p.dtype.kind == "f" and not _scored(p):  # two classes, perhaps -1 and 1, or probabilities
        t = np.where(np.absolute(t) <= 1, t >= 0.5, t)
    if t.size != n:
        raise ValueError(f"{n} predictions cannot be held against {t.size} targets")
    if not n:
        raise ValueError("there are no predictions to judge")
    if t.dtype.kind == "f" and (wrong := t[(t != np.round(t)) | ~np.isfinite(t)]).size:
        raise ValueError(f"the targets must be classes, and there is {wrong[0]:g}; {_ORDER}")
    return t.ravel().astype(np.int64)


def accuracy(predicted: Any, target: Any, threshold: float = 0.5) -> float:
    """The share of predictions that are right; of several labels, all those of a sample must be.

    >>> accuracy(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    0.5
    """
    p, t = _pair(predicted, target, threshold)
    return float((p == t).reshape(len(p), -1).all(axis=1).mean())


def top_k(predicted: Any, target: Any, k: int = 5) -> float:
    """The share of samples whose class is among the k highest scores, of equal ones the last k.

    >>> top_k(np.array([[0.1, 0.5, 0.4]]), np.array([2]), k=2)
    1.0
    """
    scores, t = _arrays(predicted, target)
    if scores.ndim < 2 or not 1 <= k <= scores.shape[-1]:
        raise ValueError(
            f"top_k needs scores (n, classes) with at least k={k} classes, not shape {scores.shape}"
        )
    if _several_labels(scores, t):
        raise ValueError("top_k judges one class for each sample, and the targets hold several")
    t = _expected(scores, t, scores.size // scores.shape[-1])
    best = np.argsort(scores.reshape(len(t), -1), axis=1, kind="stable")[:, -k:]
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
    if p.ndim > 1:
        raise ValueError("a confusion matrix needs one class for each sample, not several labels")
    n = _number_of_classes(p, t, n_classes)
    return np.bincount(t * n + p, minlength=n * n).reshape(n, n)


def _number_of_classes(p: np.ndarray, t: np.ndarray, most: int | None) -> int:
    """How many classes there are.  Raises ValueError for one that there is not."""
    n = most or int(max(p.max(), t.max(), 0)) + 1
    for values in (p, t):
        if (wrong := values[(values < 0) | (values >= n)]).size:
            raise ValueError(f"there are classes from 0 to {n - 1}, and there is {wrong[0]}")
    return n


def precision_recall_f1(
    predicted: Any, target: Any, average: str | None = "macro", threshold: float = 0.5
) -> tuple[Any, Any, Any]:
    """Precision, recall and their harmonic mean F1, 0 where nothing was predicted or present.

    `average` is "macro" (mean over the classes that were predicted or present), "weighted" (mean
    over classes, each by the number of its samples), "binary" (of class 1), "micro" (all decisions
    together), or None (an array with a number for each class).  Several labels count as classes,
    all of them, and have no "binary".

    >>> precision_recall_f1(np.array([1, 1, 0, 1]), np.array([1, 0, 0, 1]), "binary")
    (0.6666666666666666, 1.0, 0.8)
    """
    choice("average", average, ("macro", "weighted", "binary", "micro", None))
    p, t = _pair(predicted, target, threshold)
    counts = _counts(p, t)
    if average == "binary":
        if p.ndim > 1 or len(counts[0]) > 2:
            what = "classes" if p.ndim == 1 else "labels, each on its own"
            raise ValueError(f"'binary' is for two classes, and there are {len(counts[0])} {what}")
        counts = [np.append(x, 0)[1:2] for x in counts]  # without class 1 there is none of it
    elif average == "micro":
        counts = [x.sum(keepdims=True) for x in counts]
    right, guessed, present = counts
    scores = (
        right / np.maximum(guessed, 1),
        right / np.maximum(present, 1),
        2 * right / np.maximum(guessed + present, 1),
    )
    if average is None:
        return scores
    weight = present if average == "weighted" else (guessed + present > 0) | (p.ndim > 1)
    mean = [float((x * weight).sum() / max(weight.sum(), 1)) for x in scores]
    return mean[0], mean[1], mean[2]


def _counts(p: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
    """How often each class, or label, was predicted rightly, was predicted, and was present."""
    if p.ndim > 1:
        return [(p * t).sum(axis=0), p.sum(axis=0), t.sum(axis=0)]
    n = _number_of_classes(p, t, None)
    return [np.bincount(x, minlength=n) for x in (t[p == t], p, t)]


def _numbers(predicted: Any, target: Any) -> tuple[np.ndarray, np.ndarray]:
    """Both in double precision, in which unsigned integers have differences."""
    p, t = _arrays(predicted, target)
    if p.shape != t.shape:
        raise ValueError(f"predictions of shape {p.shape} do not match targets of shape {t.shape}")
    if not p.size:
        raise ValueError("there are no predictions to judge")
    return p.astype(np.float64), t.astype(np.float64)


def mae(predicted: Any, target: Any) -> float:
    """Mean absolute error, mean |y - t|."""
    y, t = _numbers(predicted, target)
    return float(abs(y - t).mean())


def r2(predicted: Any, target: Any) -> float:
    """Coefficient of determination, 1 - Σ (y - t)² / Σ (t - t̄)²; 0 for predicting the mean.

    Of several outputs, columns of the arrays, it is the mean.  An output whose targets are all the
    same counts 1 if the predictions are too, else 0; of a single sample there is none, but NaN.

    >>> r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]))
    1.0
    """
    y, t = (np.atleast_1d(x) for x in _numbers(predicted, target))
    if len(t) < 2:
        return float("nan")
    errors, spread = ((y - t) ** 2).sum(axis=0), ((t - t.mean(axis=0)) ** 2).sum(axis=0)
    constant = (t == t[0]).all(axis=0) | (spread == 0)
    scores = np.where(constant, errors == 0, 1 - errors / np.where(constant, 1, spread))
    return float(scores.mean())


def mse(predicted: Any, target: Any) -> float:
    """Mean squared error, mean (y - t)²."""
    y, t = _numbers(predicted, target)
    return float(((y - t) ** 2).mean())


def precision(
    predicted: Any, target: Any, threshold: float = 0.5, *, average: str | None = "macro"
) -> Any:
    """The precision of `precision_recall_f1`."""
    return precision_recall_f1(predicted, target, average, threshold)[0]


def recall(
    predicted: Any, target: Any, threshold: float = 0.5, *, average: str | None = "macro"
) -> Any:
    """The recall of `precision_recall_f1`."""
    return precision_recall_f1(predicted, target, average, threshold)[1]


def f1(
    predicted: Any, target: Any, threshold: float = 0.5, *, average: str | None = "macro"
) -> Any:
    """The F1 of `precision_recall_f1`.

    >>> f1(np.array([1, 1, 0, 1]), np.array([1, 0, 0, 1]), average="weighted")
    0.7333333333333334
    """
    return precision_recall_f1(predicted, target, average, threshold)[2]


NAMES: dict[str, Metric] = {
    f.__name__: f for f in (accuracy, top_k, precision, recall, f1, mae, mse, r2)
}


def get(metric: str | Metric) -> tuple[str, Metric]:
    """A metric with its name, by that name or as a function of (predicted, target).

    The name of a `functools.partial` is its function's.

    Raises ValueError for an unknown name.
    """
    if callable(metric):
        function: Any = metric
        while isinstance(function, partial):
            function = function.func
        return getattr(function, "__name__", type(function).__name__), metric
    if metric not in NAMES:
        raise unknown_name("metric", metric, NAMES)
    return metric, NAMES[metric]


def by_name(given: Any, loss: Any) -> dict[str, Metric]:
    """A Trainer's metrics under their names.

    The threshold of nn's own is 0 if `loss` takes logits; they leave out the targets that the loss
    ignores, and find the classes on its `axis`.

    Raises TypeError for what is no list or dict, ValueError for names that are unknown, given twice
    or those of other columns of the history.
    """
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, Iterable):
        raise TypeError(f"metrics are a list or a dict, as in ['accuracy'], not {given!r}")
    pairs = given.items() if isinstance(given, Mapping) else ((None, metric) for metric in given)
    takes_logits = _takes_logits(loss)
    ignored, axis = _option(loss, "ignore_index"), _option(loss, "axis")
    found: dict[str, Metric] = {}
    for own_name, metric in pairs:
        name, function = get(metric)
        name = own_name or name
        if name in (*BOOKKEEPING, "loss", "penalty"):
            raise ValueError(f"a metric cannot be called {name!r}, as a column of the history is")
        if name in found:
            raise ValueError(f"two metrics are called {name!r}; give them as a dict, by name")
        if takes_logits and _without_threshold(function):
            function = partial(function, threshold=0.0)
        if ignored is not None and _is_own(function):
            function = partial(_of_counted, function, ignored, -1 if axis is None else axis)
        found[name] = function
    return found


_LOSSES_OF_LOGITS = (
    *("binary_cross_entropy_with_logits", "BCEWithLogitsLoss"),
    *("hinge_loss", "HingeLoss", "soft_margin_loss", "SoftMarginLoss"),
    *("sigmoid_focal_loss", "SigmoidFocalLoss"),
    *("multilabel_soft_margin_loss", "MultiLabelSoftMarginLoss"),
)


def _takes_logits(loss: Any) -> bool:
    """Whether a loss, perhaps a `partial` or of a subclass, judges scores around 0."""
    while isinstance(loss, partial):
        loss = loss.func
    names = [getattr(loss, "__name__", ""), *(cls.__name__ for cls in type(loss).__mro__)]
    return any(name in _LOSSES_OF_LOGITS for name in names)


def _without_threshold(metric: Any) -> bool:
    """Whether a metric is one of nn's own, perhaps a `partial`, whose threshold was not given."""
    given: dict[str, Any] = {}
    while isinstance(metric, partial):
        metric, given = metric.func, {**metric.keywords, **given}
    return _is_own(metric) and "threshold" in signature(metric).parameters.keys() - given.keys()


def _is_own(metric: Any) -> bool:
    while isinstance(metric, partial):
        metric = metric.func
    return metric in NAMES.values() or metric is precision_recall_f1


def _option(loss: Any, name: str) -> int | None:
    """An integer option of a loss, where it is known."""
    value = getattr(loss, name, None)
    if value is None:
        try:
            value = signature(loss).parameters[name].default
        except (TypeError, ValueError, KeyError):
            return None
    return value if isinstance(value, int) else None


def _of_counted(metric: Metric, ignored: int, axis: int, predicted: Any, target: Any) -> float:
    """A metric of the predictions whose targets are not ignored, with the classes on an axis."""
    p, t = _array(predicted), _array(target)
    if axis != -1 and p.ndim > 1:
        t = np.moveaxis(t, axis, -1) if t.shape == p.shape else t
        p = np.moveaxis(p, axis, -1)
    kept = t != ignored
    if t.dtype.kind not in "iu" or kept.all():
        return metric(p, t)
    if p.shape[:1] == (t.size,):  # all targets on one axis
        return metric(p[kept.ravel()], t[kept])
    return metric(p[kept], t[kept]) if p.shape[: t.ndim] == t.shape else metric(p, t)


def number(name: str, value: Any) -> float:
    """What a metric returned, as a Python float.  Raises TypeError unless it is one number."""
    array = _array(value)
    if array.size != 1 or array.dtype.kind not in "biuf":
        found = f"shape {array.shape}" if array.dtype.kind in "biuf" else type(value).__name__
        raise TypeError(f"the metric {name!r} must return one number, and returns {found}")
    return float(array.item())
