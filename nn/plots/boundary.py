"""plot_decision_boundary: which class a model gives to each point of the plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .canvas import COLORS, MARKERS, array, axes_for, pyplot, scores

__all__ = ["plot_decision_boundary"]

TWO = "#b2182b", "#2166ac"  # class 0 is red, class 1 blue


def plot_decision_boundary(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    level: float | None = None,
    levels: Any = None,
    around: Any = None,
    size: float = 14,
    resolution: int = 200,
    ax: Any = None,
) -> Any:
    """Color the plane by a model's output, with a line between the classes, and draw the points.

    `model` is a Module, or a function of points (n, 2).  An output of one number is a score of
    class 1, and the line is where it is `level`: 0.5 for probabilities, else 0, unless it is given.
    An output of K numbers gives the class with the largest one, paler where the softmax of it is
    smaller.  `x` are points (n, 2) and `y` their classes, of which those above 0 are class 1 if
    there are two; `levels` are the scores at which the color changes, `around` points that must be
    in view, `size` that of a point, `resolution` the number of points along each side.

    Returns the Axes.  Raises ValueError for points that are not in a plane.
    """
    x = array(x)
    if x.ndim != 2 or x.shape[1] != 2 or not len(x):
        raise ValueError(
            f"plot_decision_boundary draws points of shape (n, 2), and x has shape {x.shape}; "
            "train on two of the features, or project them on two first"
        )
    seen = x if around is None else array(around)
    wide, high = np.ptp(seen, axis=0) + 1e-12
    ax = axes_for(ax, "plot_decision_boundary", (5, min(max(5 * high / wide, 2.2), 8) + 0.3))
    margin = 0.08 * np.ptp(seen, axis=0).max() or 0.5
    (left, bottom), (right, top) = seen.min(axis=0) - margin, seen.max(axis=0) + margin
    grid = np.meshgrid(np.linspace(left, right, resolution), np.linspace(bottom, top, resolution))
    found = scores(model, np.stack([side.ravel() for side in grid], axis=1).astype(x.dtype))
    if found.ndim == 2 and found.shape[1] > 1:
        classes = found.shape[1]
        colors = TWO if classes == 2 else COLORS
        _classes(ax, grid, found, colors)
    else:
        values = found.reshape(grid[0].shape)
        _score(ax, grid, values, level, levels)
        classes, colors = 2, TWO
    if y is not None:
        _points(ax, x, array(y).ravel(), classes, colors, size)
    ax.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
    return ax


def _score(ax: Any, grid: Any, values: np.ndarray, level: Any, levels: Any) -> None:
    """The score of class 1, red where it is low and blue where it is high."""
    from matplotlib.colors import LinearSegmentedColormap

    probable = values.min() >= 0 and values.max() <= 1
    level = (0.5 if probable else 0.0) if level is None else level
    if levels is None:
        half = 0.5 if probable else float(np.abs(values - level).max()) or 1.0
        levels = np.linspace(level - half, level + half, 11)
    pale = LinearSegmentedColormap.from_list("pale", ["#e39a94", "#f7f4f2", "#94bbdc"])
    ax.contourf(*grid, values, levels, cmap=pale, extend="both")
    if values.min() < level < values.max():
        ax.contour(*grid, values, [level], colors="black")


def _classes(ax: Any, grid: Any, found: np.ndarray, colors: Sequence[str]) -> None:
    """The class with the largest output, paler where it is less sure."""
    from matplotlib.colors import to_rgb

    shape, k = grid[0].shape, found.shape[1]
    best = found.argmax(axis=1).reshape(shape)
    p = found
    if found.min() < 0 or not np.allclose(found.sum(axis=1), 1, atol=1e-3):
        p = np.exp(found - found.max(axis=1, keepdims=True))
        p = p / p.sum(axis=1, keepdims=True)
    sure = (p.max(axis=1).reshape(shape) - 1 / k) / (1 - 1 / k)
    base = np.array([to_rgb(colors[i % len(colors)]) for i in range(k)])[best]
    strength = 0.12 + 0.38 * sure[..., None]
    box = grid[0].min(), grid[0].max(), grid[1].min(), grid[1].max()
    ax.imshow(1 - strength * (1 - base), extent=box, origin="lower", interpolation="bilinear")
    for i in range(k):
        if 0 < (best == i).mean() < 1:
            ax.contour(*grid, best == i, [0.5], colors="black", linewidths=0.8)


def _points(ax: Any, x: np.ndarray, y: np.ndarray, k: int, colors: Any, size: float) -> None:
    """Each class in its color and with its marker."""
    pyplot("plot_decision_boundary")
    kinds = [y <= 0, y > 0] if k == 2 else [y == i for i in range(k)]
    for i, kind in enumerate(kinds):
        style = {"color": colors[i % len(colors)], "marker": MARKERS[i % len(MARKERS)]}
        ax.scatter(*x[kind].T, s=size, edgecolors="white", linewidth=0.5, **style)
