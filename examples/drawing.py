"""Confusion matrices, which several examples draw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .common import Figure, plt


def confusion(matrix: np.ndarray, title: str, names: Sequence[str] | None = None) -> Figure:
    """A confusion matrix, true classes as rows, predicted ones as columns; errors are colored."""
    figure, axes = plt.subplots(figsize=(6, 5.6), layout="constrained")
    errors = matrix * (1 - np.eye(len(matrix), dtype=int))
    axes.imshow(errors, cmap="Reds", vmax=max(1, errors.max()))
    for (i, j), n in np.ndenumerate(matrix):
        color = "white" if 2 * errors[i, j] > errors.max() else "black"
        weight = "bold" if i == j else "normal"
        axes.text(j, i, n or "", ha="center", va="center", color=color, weight=weight)
    axes.set_xticks(range(len(matrix)), names)
    axes.set_yticks(range(len(matrix)), names)
    axes.set(title=title, xlabel="predicted class", ylabel="true class")
    return figure
