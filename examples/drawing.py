"""Plots that several examples draw: decision boundaries, images and confusion matrices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

import nn
from tinygrad_edu import Tensor, no_grad

from .common import Figure, plt

COLORS = "#b2182b", "#2166ac"  # class 0 is red, class 1 blue
PALE = LinearSegmentedColormap.from_list("pale", ["#e39a94", "#f7f4f2", "#94bbdc"])
PROBABILITIES = np.linspace(0, 1, 11)


def boundary(
    axes: Any,
    score: Callable[[np.ndarray], Tensor],
    x: np.ndarray,
    y: np.ndarray,
    *,
    level: float = 0.5,
    levels: np.ndarray = PROBABILITIES,
    size: float = 14,
    around: np.ndarray | None = None,
) -> None:
    """Color the plane by the score at its points, with a line where the score is `level`.

    x are the points (n, 2) to draw, y their classes: positive values are class 1. The color changes
    at the scores `levels`; `size` is the size of a point; `around` are points that must be in view.
    """
    seen = x if around is None else around
    (left, bottom), (right, top) = seen.min(axis=0) - 0.2, seen.max(axis=0) + 0.2
    grid = np.meshgrid(np.linspace(left, right, 200), np.linspace(bottom, top, 200))
    with no_grad():
        scores = score(np.stack([side.ravel() for side in grid], axis=1).astype(x.dtype)).data
    scores = scores.reshape(grid[0].shape)
    axes.contourf(*grid, scores, levels, cmap=PALE, extend="both")
    if scores.min() < level < scores.max():
        axes.contour(*grid, scores, [level], colors="black")
    for kind, color in zip((y.ravel() <= 0, y.ravel() > 0), COLORS, strict=True):
        axes.scatter(*x[kind].T, color=color, s=size, edgecolors="white", linewidth=0.5)
    axes.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")


def image_grid(
    images: np.ndarray,
    title: str,
    captions: Sequence[str] = (),
    *,
    columns: int = 10,
    signed: bool = False,
) -> Figure:
    """A grid of images (n, H, W), gray, or if `signed` blue below 0, white at 0 and red above."""
    rows = max(1, -(-len(images) // columns))
    size = 0.85 * columns, (1.05 if captions else 0.85) * rows + 0.4
    figure, grid = plt.subplots(rows, columns, squeeze=False, figsize=size, layout="constrained")
    for axes, image in zip(grid.flat, images, strict=False):
        limit = abs(image).max() or 1
        color = {"cmap": "RdBu_r", "vmin": -limit} if signed else {"cmap": "gray_r", "vmin": 0}
        axes.imshow(image, vmax=limit, **color)
    for axes, caption in zip(grid.flat, captions, strict=False):
        axes.set_title(caption, fontsize=9, color="tab:red")
    for axes in grid.flat:
        axes.axis("off")
    figure.suptitle(title)
    return figure


def misclassified(scores: np.ndarray, data: nn.Dataset, most: int = 50) -> Figure:
    """The images that a classifier gets wrong, most confident predictions first.

    Scores are logits (n, classes) of the images `data.x`.
    """
    predicted = scores.argmax(axis=1)
    errors = np.flatnonzero(predicted != data.y)
    margin = scores[errors].max(axis=1) - scores[errors, data.y[errors]]
    shown = errors[np.argsort(-margin, kind="stable")][:most]
    captions = [f"{predicted[i]}, is {data.y[i]}" for i in shown]
    title = f"{len(errors)} of {len(data)} misclassified: predicted and true class"
    return image_grid(data.x[shown].reshape(-1, *data.x.shape[-2:]), title, captions)


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
