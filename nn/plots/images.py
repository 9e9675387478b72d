"""plot_predictions and plot_filters: what a model makes of samples, and what its weights seek."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..module import Module
from .canvas import COLORS, array, axes_for, scores, tiles

__all__ = ["plot_filters", "plot_predictions"]


def plot_predictions(
    model: Any,
    x: Any,
    y: Any,
    *,
    image_shape: tuple[int, ...] | None = None,
    class_names: Sequence[str] | None = None,
    columns: int = 10,
    rows: int = 5,
    ax: Any = None,
) -> Any:
    """Draw samples with what a model predicts, or predicted against true numbers.

    `model` is a Module, a function of x, or an array of predictions that were made already.  For
    class indices y, x are images, of shape (n, H, W), (n, 1, H, W) or (n, 3, H, W), or flat ones of
    an `image_shape`.  The misclassified ones come first, the most confident of them before others;
    their captions are red and say the predicted and the true class.  For numbers y, of one column,
    each sample is a point, and the line is where the prediction is right.

    Returns the Axes.  Raises ValueError for shapes that do not fit.
    """
    x, y = array(x), array(y)
    known = not isinstance(model, Module) and not callable(model)
    found = array(model) if known else scores(model, x)
    if len(found) != len(y):
        raise ValueError(f"there are {len(found)} predictions for {len(y)} targets")
    if y.dtype.kind == "f":
        return _numbers(axes_for(ax, "plot_predictions", (4.6, 4.4)), found, y)
    images = _images(x, image_shape)
    predicted = found if found.ndim == 1 else found.argmax(axis=1)
    wrong = predicted != y
    order = _worst_first(found, y, wrong)[: rows * columns]
    name = (lambda i: class_names[i]) if class_names is not None else str
    captions = [
        f"{name(predicted[i])}, is {name(y[i])}" if wrong[i] else f"{name(predicted[i])}"
        for i in order
    ]
    lines = -(-len(order) // columns)
    ax = axes_for(ax, "plot_predictions", (min(columns, len(order)) + 0.4, 1.25 * lines + 0.5))
    limit = images[order].max() or 1.0
    tiles(ax, images[order], captions, wrong[order], columns, cmap="gray_r", vmax=limit)
    ax.set_title(f"{int(wrong.sum())} of {len(y)} misclassified")
    return ax


def _worst_first(found: np.ndarray, y: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """The order of samples: those misclassified, the largest margin first, then the others."""
    if found.ndim == 1:
        return np.argsort(~wrong, kind="stable")
    margin = found.max(axis=1) - found[np.arange(len(y)), y]
    return np.lexsort((-margin * wrong, ~wrong))


def _numbers(ax: Any, found: np.ndarray, y: np.ndarray) -> Any:
    if found.size != y.size or y.size != len(y):
        raise ValueError(
            f"predictions of shape {found.shape} and targets of shape {y.shape} are drawn one "
            "column at a time, as of prediction[:, 0]"
        )
    found, y = found.ravel(), y.ravel()
    ends = [min(y.min(), found.min()), max(y.max(), found.max())]
    ax.plot(ends, ends, color="black", linewidth=1, label="predicted = true")
    ax.scatter(y, found, s=14, alpha=0.6, color=COLORS[0], linewidth=0, label="samples")
    error = np.sqrt(np.mean((found - y) ** 2))
    ax.set(xlabel="true", ylabel="predicted", title=f"RMSE {error:.3g}")
    ax.legend()
    ax.grid(alpha=0.3)
    return ax


def plot_filters(
    weight: Any, *, image_shape: tuple[int, ...] | None = None, columns: int = 8,
    most: int = 64, ax: Any = None,
) -> Any:  # fmt: skip
    """Draw the weights of a layer as images: blue below 0, white at 0 and red above.

    `weight` is that of a convolution, (out, in, h, w), of which the inputs' mean is drawn if there
    are several; of a Dense layer, (in, out), for inputs that were images of `image_shape`; or a
    layer that has one.  Each image has its own scale.  Returns the Axes.
    """
    values = array(getattr(weight, "weight", weight) if isinstance(weight, Module) else weight)
    if values.ndim == 2:
        if image_shape is None:
            raise ValueError(
                "the weights of a Dense layer are drawn as images of its inputs: give "
                "image_shape=(height, width)"
            )
        values = _images(values.T, image_shape)
    elif values.ndim == 4:
        values = values.mean(axis=1)
    if values.ndim != 3:
        raise ValueError(f"plot_filters draws weights (out, in, h, w), not those of {values.shape}")
    shown = values[:most]
    limits = np.abs(shown).max(axis=(1, 2))
    limits[limits == 0] = 1
    lines, across = -(-len(shown) // columns), min(columns, len(shown))
    ax = axes_for(ax, "plot_filters", (0.85 * across + 0.2, 0.85 * lines + 0.5))
    tiles(ax, shown, (), (), columns, cmap="RdBu_r", vmax=limits, signed=True)
    first = f", the first {len(shown)} of them" if len(shown) < len(values) else ""
    ax.set_title(f"{len(values)} filters{first}: red above 0, blue below", fontsize=11)
    return ax


def _images(x: np.ndarray, image_shape: tuple[int, ...] | None) -> np.ndarray:
    """Images (n, H, W), or with three colors (n, H, W, 3)."""
    shape = x.shape[1:] if image_shape is None else tuple(image_shape)
    try:
        x = x.reshape(len(x), *shape)
    except ValueError:
        raise ValueError(f"{x[:1].size} values of a sample are no image of {shape}") from None
    if x.ndim == 4 and x.shape[1] == 1:
        x = x[:, 0]
    if x.ndim == 4 and x.shape[1] == 3:
        x = np.moveaxis(x, 1, 3)
    if x.ndim != 3 and not (x.ndim == 4 and x.shape[3] == 3):
        raise ValueError(
            f"samples of shape {x.shape[1:]} are no images; give image_shape=(height, width)"
        )
    return x
