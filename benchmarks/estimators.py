"""nn.Classifier against scikit-learn's MLPClassifier, at the same settings: time and accuracy."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .harness import Table, compare

HIDDEN, ALPHA, EPOCHS, SPLITS = (100,), 1e-4, 20, 20
Make = Callable[..., Any]


def tables(rounds: int) -> Iterator[Table]:
    """For each dataset and batch size the time of a short training, and the accuracy of a long."""
    try:
        from sklearn.datasets import load_breast_cancer, load_digits
        from sklearn.preprocessing import StandardScaler
    except ImportError:
        return
    for name, load in (("digits", load_digits), ("breast cancer", load_breast_cancer)):
        X, y = load(return_X_y=True)
        X = StandardScaler().fit_transform(X)
        for batch in (200, 32):
            title = (
                f"Fitting {name}, {X.shape[1]}-100-{len(set(y))}, batch {batch}, {EPOCHS} epochs"
            )
            small = X.astype(np.float32)
            contestants = {
                "scikit-learn, MLPClassifier": _fit(theirs, X, y, batch),
                "tinygrad-edu, nn.Classifier": _fit(ours, X, y, batch),
                "tinygrad-edu, compiled": _fit(ours, X, y, batch, trainer__compile=True),
                "scikit-learn, float32": _fit(theirs, small, y, batch),
                "tinygrad-edu, float32": _fit(ours, small, y, batch),
            }
            table = Table(title, compare(contestants, rounds=rounds))
            if batch == 200:
                table.notes.append(_accuracies(X, y, batch))
            yield table


def ours(batch: int, epochs: int, seed: int, **options: Any) -> Any:
    import nn

    decay = ALPHA / batch  # as MLPClassifier's alpha is divided by the size of the batch
    return nn.Classifier(
        HIDDEN, batch_size=batch, epochs=epochs, random_state=seed, optimizer__weight_decay=decay,
        module__init="xavier_uniform", **options,
    )  # fmt: skip


def theirs(batch: int, epochs: int, seed: int) -> Any:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(
        HIDDEN, batch_size=batch, max_iter=epochs, random_state=seed, alpha=ALPHA,
        n_iter_no_change=epochs,
    )  # fmt: skip


def _fit(make: Make, X: Any, y: Any, batch: int, **options: Any) -> Callable[[], Any]:
    def run() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that MLPClassifier has not converged
            make(batch, EPOCHS, 0, **options).fit(X, y)

    return run


def _accuracies(X: Any, y: Any, batch: int) -> str:
    """The mean accuracies of both on the same random test sets, a quarter of the data each."""
    from sklearn.model_selection import train_test_split

    found: dict[Make, list[float]] = {theirs: [], ours: []}
    for seed in range(SPLITS):
        X1, X2, y1, y2 = train_test_split(X, y, random_state=seed, stratify=y)
        for make, accuracies in found.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                accuracies.append(make(batch, 200, seed).fit(X1, y1).score(X2, y2))
    means = [f"{100 * np.mean(each):.2f} %" for each in found.values()]
    differences = np.subtract(*found.values())
    error = np.std(differences, ddof=1) / np.sqrt(SPLITS)
    return (
        f"Accuracy after 200 epochs, mean of {SPLITS} test sets: MLPClassifier {means[0]}, "
        f"nn.Classifier {means[1]}; difference {-100 * differences.mean():+.2f} ± "
        f"{100 * error:.2f} %."
    )
