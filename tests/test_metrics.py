"""Metrics, by hand and against scikit-learn where it is installed."""

from __future__ import annotations

import numpy as np
import pytest

from nn import metrics
from tinygrad_edu import Tensor

SCORES = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [0.0, 1.0, 2.0], [5.0, 2.0, 1.0]])
TARGETS = np.array([0, 1, 1, 2])


def test_forms_of_predictions() -> None:
    assert metrics.accuracy(SCORES, TARGETS) == 0.5
    assert metrics.accuracy(Tensor(SCORES), np.eye(3)[TARGETS]) == 0.5
    assert metrics.accuracy(SCORES.argmax(1), TARGETS) == 0.5
    assert metrics.accuracy(np.array([[0.2], [0.7]]), np.array([[0.0], [1.0]])) == 1
    assert metrics.accuracy(np.array([0.2, 0.7]), np.array([0, 1]), threshold=0.8) == 0.5


def test_top_k() -> None:
    assert metrics.top_k(SCORES, TARGETS, 1) == 0.5
    assert metrics.top_k(SCORES, TARGETS, 2) == 0.75
    assert metrics.top_k(SCORES, TARGETS, 3) == 1
    with pytest.raises(ValueError, match="k=4"):
        metrics.top_k(SCORES, TARGETS, 4)


def test_confusion_precision_recall() -> None:
    np.testing.assert_array_equal(
        metrics.confusion_matrix(SCORES, TARGETS), [[1, 0, 0], [0, 1, 1], [1, 0, 0]]
    )
    precision, recall, f1 = metrics.precision_recall_f1(SCORES, TARGETS, None)
    np.testing.assert_allclose(precision, [0.5, 1, 0])
    np.testing.assert_allclose(recall, [1, 0.5, 0])
    np.testing.assert_allclose(f1, [2 / 3, 2 / 3, 0])
    assert metrics.precision_recall_f1(SCORES, TARGETS, "micro") == (0.5, 0.5, 0.5)
    with pytest.raises(ValueError, match="two classes"):
        metrics.precision_recall_f1(SCORES, TARGETS, "binary")


def test_regression() -> None:
    p, t = np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 5.0])
    np.testing.assert_allclose(metrics.mae(p, t), 2 / 3)
    np.testing.assert_allclose(metrics.r2(p, t), 1 - 2 / 8)
    assert metrics.r2(np.full(3, 3.0), t) == 0
    with pytest.raises(ValueError, match="do not match"):
        metrics.mae(p[:, None], t)


def test_against_scikit_learn() -> None:
    reference = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    p, t = rng.integers(0, 5, 200), rng.integers(0, 5, 200)
    np.testing.assert_array_equal(metrics.confusion_matrix(p, t), reference.confusion_matrix(t, p))
    ours = metrics.precision_recall_f1(p, t)
    theirs = reference.precision_recall_fscore_support(t, p, average="macro")[:3]
    np.testing.assert_allclose(ours, theirs)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="4 predictions cannot be held against 3 targets"):
        metrics.accuracy(SCORES, TARGETS[:3])
    with pytest.raises(ValueError, match="no predictions"):
        metrics.accuracy(SCORES[:0], TARGETS[:0])


def test_top_k_of_columns_one_hot_and_sequences() -> None:
    scores, targets = np.eye(3), np.array([1, 1, 2])
    for form in (targets, targets[:, None], np.eye(3)[targets], np.eye(3, dtype=int)[targets]):
        assert metrics.top_k(scores, form, k=1) == 2 / 3
    assert metrics.top_k(scores.reshape(1, 3, 3), targets[None], k=1) == 2 / 3
    with pytest.raises(ValueError, match="3 predictions cannot be held against 1 targets"):
        metrics.top_k(scores, targets[:1], k=1)


def test_two_classes_as_probabilities_and_as_signs() -> None:
    p = np.array([[0.2], [0.9], [0.8]])
    assert metrics.accuracy(p, np.array([[0.1], [0.9], [0.9]])) == 1
    assert metrics.accuracy(p, np.array([[-1], [1], [1]])) == 1
    assert metrics.accuracy(p.ravel(), np.array([-1.0, 1.0, -1.0])) == 2 / 3
    assert metrics.accuracy(p, np.array([0, 1, 2])) == 2 / 3


def test_confusion_matrix_refuses_classes_that_it_has_no_row_for() -> None:
    for predicted, target in (([2, 1], [0, 1]), ([0, 1], [0, 2]), ([0, 1], [0, -100])):
        with pytest.raises(ValueError, match=r"classes from 0 to 1, and there is (2|-100)"):
            metrics.confusion_matrix(predicted, target, n_classes=2)
    with pytest.raises(ValueError, match="there is -100"):
        metrics.precision([0, 1], [0, -100])


def test_the_order_of_the_arguments_is_stated() -> None:
    learned, labels = Tensor(SCORES, requires_grad=True), Tensor(np.eye(3)[TARGETS])
    for metric in (metrics.accuracy, metrics.top_k, metrics.mse, metrics.r2, metrics.f1):
        with pytest.raises(TypeError, match=r"predictions come first, as in metric\(predicted, t"):
            metric(labels, learned)
    probabilities = np.array([0.2, 0.7])
    for predicted, target in ((TARGETS, SCORES), (np.array([0, 1]), probabilities)):
        for judge in (metrics.accuracy, metrics.precision, metrics.confusion_matrix):
            with pytest.raises(ValueError, match="the predictions come first"):
                judge(predicted, target)


def test_nan_predicts_no_class() -> None:
    for p, t in ((SCORES * np.nan, TARGETS), (np.array([0.1, np.nan]), np.array([0, 1]))):
        with pytest.raises(ValueError, match="some of the predictions are NaN"):
            metrics.accuracy(p, t)
    with pytest.raises(ValueError, match="some of the predictions are NaN"):
        metrics.f1(np.full((2, 3), np.nan), np.ones((2, 3)))
    with pytest.raises(ValueError, match="targets must be classes, and there is nan"):
        metrics.accuracy(SCORES, np.array([0, 1, np.nan, 0]))
    assert np.isnan(metrics.mse(np.array([np.nan, 1.0]), np.ones(2)))
