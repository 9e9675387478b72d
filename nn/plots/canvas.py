"""What all plots share: Axes, colors that color-blind people can tell apart, and tiles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, no_grad

from ..module import Module
from ..validation import required
from ..watching import evaluating

__all__ = ["COLORS", "MARKERS", "RED", "array", "axes_for", "pyplot", "scores", "tiles"]

COLORS = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8a6d00"
"""After Okabe and Ito, Color Universal Design, 2008; the first two for training and validation."""
MARKERS = "os^Dv<>p"
RED = "#b2182b"  # of what is wrong


def pyplot(name: str) -> Any:
    """matplotlib.pyplot.  Raises ModuleNotFoundError with the remedy if it is missing."""
    return required("matplotlib.pyplot", f"{name} needs", "matplotlib")


def axes_for(ax: Any, name: str, size: tuple[float, float]) -> Any:
    """The Axes as they are, or those of a new figure of this size in inches."""
    plt = pyplot(name)
    if ax is not None:
        if not hasattr(ax, "get_figure"):
            raise TypeError(f"ax of {name} is matplotlib Axes, as of plt.subplots(), not {ax!r}")
        return ax
    return plt.subplots(figsize=size, layout="constrained")[1]


def array(values: Any) -> np.ndarray:
    """The array of a Tensor or of anything that NumPy takes."""
    return values.data if isinstance(values, Tensor) else np.asarray(values)


def scores(model: Module[Any] | Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
    """The output of a Module, in evaluation mode, or of a function; no graph is recorded."""
    with no_grad():
        if isinstance(model, Module):
            with evaluating(model):
                return array(model(x))
        return array(model(x))


def tiles(
    ax: Any,
    images: np.ndarray,
    captions: Sequence[str],
    marked: Sequence[bool],
    columns: int,
    **color: Any,
) -> None:
    """Draw images (n, H, W) or (n, H, W, 3) in rows, with captions above; some in red.

    `color` are options of `imshow`; a limit `vmax` may be given for each image.
    """
    n, (height, width) = len(images), images.shape[1:3]
    above, columns = (0.22 * height if captions else 0.0), min(columns, n)
    limits = np.broadcast_to(color.pop("vmax", 1.0), n)
    signed = color.pop("signed", False)
    for i, image in enumerate(images):
        left = (i % columns) * 1.08 * width
        top = (i // columns) * (1.08 * height + above) + above
        box = left, left + width, top + height, top
        low = -limits[i] if signed else 0
        ax.imshow(image, extent=box, vmin=low, vmax=limits[i], interpolation="nearest", **color)
        if captions:
            style = {"color": RED, "weight": "bold"} if marked[i] else {"color": "black"}
            ax.text(left + width / 2, top - 0.06 * height, captions[i], ha="center", va="bottom",
                    fontsize=9, **style)  # fmt: skip
    rows = -(-n // columns)
    ax.set(xlim=(0, columns * 1.08 * width), ylim=(rows * (1.08 * height + above), 0))
    ax.set_aspect("equal")
    ax.axis("off")
