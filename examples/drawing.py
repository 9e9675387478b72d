"""A picture that several examples draw: what a classifier says of the plane, and its points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from tinygrad_edu import Tensor, no_grad

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
