"""Metrics against scikit-learn's, on random values and on the edge cases of each."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

import nn
from nn import metrics
from tinygrad_edu import Tensor

reference = pytest.importorskip("sklearn.metrics")

AVERAGES = ("macro", "weighted", "micro", None)

CLASSES: dict[str, tuple[Any, Any]] = {
    "random": tuple(np.random.default_rng(0).integers(0, 5, (2, 200))),
    "a class that is nowhere": ([0, 2, 2, 0, 4], [0, 2, 0, 0, 4]),
    "a class that is never predicted": ([0, 0, 0, 0], [0, 1, 2, 0]),
    "a class that is only predicted": ([0, 3, 1, 0], [0, 1, 1, 0]),
    "one class": ([0, 0, 0], [0, 0, 0]),
    "one class, another predicted": ([1, 1], [0, 0]),
    "all wrong": ([1, 0, 2], [0, 2, 1]),
    "unsigned": (np.array([0, 1, 2, 1], np.uint8), np.array([2, 1, 0, 1], np.uint16)),
    "booleans": (np.array([True, False, True]), np.array([True, True, False])),
    "one sample": ([3], [3]),
}

LABELS: dict[str, tuple[Any, Any]] = {
    "random": tuple(np.random.default_rng(1).integers(0, 2, (2, 50, 4))),
    "a label that never holds": ([[0, 1, 0], [1, 1, 0]], [[0, 1, 0], [1, 0, 0]]),
    "no label at all": ([[0, 1], [0, 0]], [[0, 0], [0, 0]]),
    "nothing predicted": ([[0, 0], [0, 0]], [[0, 1], [1, 1]]),
    "all right": ([[0, 1, 1], [0, 0, 0]], [[0, 1, 1], [0, 0, 0]]),
    "unsigned": (np.eye(3, dtype=np.uint8), np.ones((3, 3), np.uint8)),
    "booleans": (np.eye(3, dtype=bool), np.ones((3, 3), bool)),
}


@pytest.fixture(autouse=True)
def silent() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's, of values that are not defined
        yield


def theirs(target: Any, predicted: Any, average: str | None, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return reference.precision_recall_fscore_support(
            target, predicted, average=average, **options
        )[:3]


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("case", CLASSES)
def test_one_class_for_each_sample(case: str, average: str | None) -> None:
    p, t = map(np.asarray, CLASSES[case])
    n = int(max(p.max(), t.max())) + 1
    every = {"labels": range(n)} if average is None else {}
    expected = theirs(t, p, average, **every)
    one_hot = np.eye(n)[t.astype(int)], np.eye(n)[p.astype(int)]
    forms = [(p, t), (Tensor(one_hot[1]), t), (one_hot[1], one_hot[0]), (p, t.astype(float))]
    for predicted, target in forms if n > 1 else forms[:1]:
        ours = metrics.precision_recall_f1(predicted, target, average)
        np.testing.assert_allclose(ours, expected, rtol=1e-14)
        single = [
            f(predicted, target, average=average)
            for f in (metrics.precision, metrics.recall, metrics.f1)
        ]
        np.testing.assert_array_equal(single, ours)
        assert metrics.accuracy(predicted, target) == reference.accuracy_score(t, p)
        matrix = metrics.confusion_matrix(predicted, target)
        np.testing.assert_array_equal(matrix, reference.confusion_matrix(t, p, labels=range(n)))


@pytest.mark.parametrize("target", [[0, 0, 0], [1, 1, 1], [0, 1, 0], [1, 0, 1]])
@pytest.mark.parametrize("predicted", [[0, 0, 0], [1, 1, 1], [0, 1, 1]])
def test_class_one_alone(predicted: list[int], target: list[int]) -> None:
    expected = theirs(target, predicted, "binary")
    scores = np.where(predicted, 0.9, 0.2)
    for form in (predicted, scores, scores[:, None], np.stack([1 - scores, scores], axis=1)):
        np.testing.assert_allclose(metrics.precision_recall_f1(form, target, "binary"), expected)
    signs = 2 * np.array(target) - 1
    logits = scores - 0.5
    ours = metrics.precision_recall_f1(logits, signs, "binary", threshold=0.0)
    np.testing.assert_allclose(ours, expected)


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("case", LABELS)
def test_several_labels(case: str, average: str | None) -> None:
    p, t = map(np.asarray, LABELS[case])
    expected = theirs(t, p, average)
    scores = np.where(p, 0.7, 0.1)
    forms: list[Any] = [(p, t)]
    if (t.sum(1) != 1).any():
        forms += [(scores, t), (Tensor(scores), t.astype(float)), (scores, 2.0 * t - 1)]
    for predicted, target in forms:
        ours = metrics.precision_recall_f1(predicted, target, average)
        np.testing.assert_allclose(ours, expected, rtol=1e-14)
        assert metrics.accuracy(predicted, target) == reference.accuracy_score(t, p)
        for wrong in (metrics.confusion_matrix, partial(metrics.top_k, k=1)):
            with pytest.raises(ValueError, match="one class for each sample"):
                wrong(predicted, target)
        with pytest.raises(
            ValueError, match=r"'binary' is for two classes, and there are \d labels"
        ):
            metrics.precision_recall_f1(predicted, target, "binary")


@pytest.mark.parametrize("k", [1, 2, 3])
def test_top_k_with_equal_scores(k: int) -> None:
    rng = np.random.default_rng(2)
    for scores in (rng.integers(0, 3, (60, 4)), rng.normal(size=(60, 4)), np.zeros((60, 4))):
        t = rng.integers(0, 4, 60)
        expected = reference.top_k_accuracy_score(t, scores, k=k, labels=range(4))
        assert metrics.top_k(scores, t, k) == pytest.approx(expected)
        assert metrics.top_k(scores.astype(np.float32), t, k) == pytest.approx(expected)


NUMBERS: dict[str, tuple[Any, Any]] = {
    "one output": tuple(np.random.default_rng(3).normal(size=(2, 30))),
    "three outputs": tuple(np.random.default_rng(4).normal(size=(2, 30, 3)) * [1, 10, 100]),
    "constant targets": ([1.0, 2.0, 3.0], [2.0, 2.0, 2.0]),
    "constant targets, predicted exactly": ([0.1, 0.1, 0.1], [0.1, 0.1, 0.1]),
    "one constant output of two": ([[1.0, 2], [2, 2], [4, 2]], [[1.0, 2], [3, 2], [5, 2]]),
    "unsigned": (np.array([1, 5, 200], np.uint8), np.array([3, 4, 250], np.uint8)),
    "booleans": (np.array([True, False, False]), np.array([True, True, False])),
    "integers": (np.array([1, 5, 2], np.int8), np.array([-128, 127, 0], np.int8)),
    "half precision": (np.full(9, 300, np.float16), np.arange(9, dtype=np.float16)),
    "single precision": (np.linspace(0, 1, 9, dtype=np.float32), np.full(9, 0.1, np.float32)),
    "one sample": ([1.0], [2.0]),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_regression(case: str) -> None:
    p, t = map(np.asarray, NUMBERS[case])
    exact = p.astype(float), t.astype(float)
    for ours, name in (
        (metrics.mse, "mean_squared_error"), (metrics.mae, "mean_absolute_error"),
        (metrics.r2, "r2_score"),
    ):  # fmt: skip
        expected = getattr(reference, name)(*exact[::-1])
        found = ours(p, t)
        assert type(found) is float
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_thresholds_of_logits() -> None:
    """However the loss, or the metric, was given its options."""

    class Mine(nn.BCEWithLogitsLoss):
        pass

    x = np.array([[0.2], [0.3], [-0.2], [4.0]], np.float32)
    t = np.array([[1.0], [0.0], [0.0], [1.0]], np.float32)
    model = nn.Dense(1, 1, init="ones")
    decided = (x > 0).astype(int)
    expected = {
        "accuracy": reference.accuracy_score(t, decided),
        "f1": reference.f1_score(t, decided, average="weighted"),
    }
    weighted = {"accuracy": metrics.accuracy, "f1": partial(metrics.f1, average="weighted")}
    for loss in (
        "bce_with_logits", Mine(pos_weight=np.array([2.0])), partial(nn.hinge_loss),
        partial(partial(nn.binary_cross_entropy_with_logits, reduction="mean"), weight=None),
    ):  # fmt: skip
        signed = isinstance(loss, partial) and loss.func is nn.hinge_loss
        target = 2 * t - 1 if signed else t
        trainer = nn.Trainer(model, loss, nn.SGD(model.parameters()), weighted)
        scores = trainer.evaluate((x, target))
        assert {name: scores[name] for name in expected} == pytest.approx(expected)
