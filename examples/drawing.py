"""Pictures that several examples draw: of the plane that a classifier divides, and of digits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

import nn
from tinygrad_edu import Tensor, no_grad

from .common import Figure, plt

COLOURS = "#b2182b", "#2166ac"  # class 0 is red, class 1 blue
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
    """Colour the plane by the score of its points, with a line where it is `level`.

    x are the points (n, 2) to show, y their classes: class 1 is what is positive.  `levels` are
    where the colour changes, `size` is that of a point; `around` are points that shall be in view.
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
    for kind, colour in zip((y.ravel() <= 0, y.ravel() > 0), COLOURS, strict=True):
        axes.scatter(*x[kind].T, color=colour, s=size, edgecolors="white", linewidth=0.5)
    axes.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")


def sheet(
    images: np.ndarray,
    title: str,
    captions: Sequence[str] = (),
    *,
    columns: int = 10,
    signed: bool = False,
) -> Figure:
    """Images (n, H, W) side by side, grey, or if `signed` blue below 0, white at 0, red above."""
    rows = max(1, -(-len(images) // columns))
    size = 0.85 * columns, (1.05 if captions else 0.85) * rows + 0.4
    figure, grid = plt.subplots(rows, columns, squeeze=False, figsize=size, layout="constrained")
    for axes, image in zip(grid.flat, images, strict=False):
        limit = abs(image).max() or 1
        colours = {"cmap": "RdBu_r", "vmin": -limit} if signed else {"cmap": "gray_r", "vmin": 0}
        axes.imshow(image, vmax=limit, **colours)
    for axes, caption in zip(grid.flat, captions, strict=False):
        axes.set_title(caption, fontsize=9, color="tab:red")
    for axes in grid.flat:
        axes.axis("off")
    figure.suptitle(title)
    return figure


def wrong(scores: np.ndarray, data: nn.Dataset, most: int = 50) -> Figure:
    """The pictures that a classifier is wrong about, first those of which it is surest.

    Scores are logits (n, classes) of the pictures `data.x`.
    """
    found = scores.argmax(axis=1)
    amiss = np.flatnonzero(found != data.y)
    margin = scores[amiss].max(axis=1) - scores[amiss, data.y[amiss]]
    shown = amiss[np.argsort(-margin, kind="stable")][:most]
    captions = [f"{found[i]}, is {data.y[i]}" for i in shown]
    title = f"{len(amiss)} of {len(data)} wrong: what the network reads, and what is right"
    return sheet(data.x[shown].reshape(-1, *data.x.shape[-2:]), title, captions)


def confusion(matrix: np.ndarray, title: str, names: Sequence[str] | None = None) -> Figure:
    """How often a class (row) was taken for another (column); colour is for mistakes."""
    figure, axes = plt.subplots(figsize=(6, 5.6), layout="constrained")
    mistakes = matrix * (1 - np.eye(len(matrix), dtype=int))
    axes.imshow(mistakes, cmap="Reds", vmax=max(1, mistakes.max()))
    for (i, j), n in np.ndenumerate(matrix):
        colour = "white" if 2 * mistakes[i, j] > mistakes.max() else "black"
        weight = "bold" if i == j else "normal"
        axes.text(j, i, n or "", ha="center", va="center", color=colour, weight=weight)
    axes.set_xticks(range(len(matrix)), names)
    axes.set_yticks(range(len(matrix)), names)
    axes.set(title=title, xlabel="taken for", ylabel="is")
    return figure
