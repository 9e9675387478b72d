"""plot_attention: where each position looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .canvas import array, axes_for, pyplot

__all__ = ["plot_attention"]


def plot_attention(
    weights: Any,
    queries: Sequence[Any] | None = None,
    keys: Sequence[Any] | None = None,
    *,
    ax: Any = None,
) -> Any:
    """Draw attention weights: a row for each query, whose weights of all keys add up to 1.

    `weights` are those of one sample, (queries, keys), or with heads (heads, queries, keys), as
    `nn.MultiheadAttention` returns them, with `average_attn_weights=False` for each head.
    `queries` and `keys` are labels, such as words or characters; the keys' are the queries' if they
    are as many.  `ax` is Axes, or for heads a list of as many; heads in one of them are averaged.

    Returns the Axes, or for heads without `ax` a list of them.
    """
    values = array(weights)
    if values.ndim not in (2, 3) or not values.size:
        raise ValueError(
            f"plot_attention draws the weights of one sample, (queries, keys) or (heads, queries, "
            f"keys), and was given shape {values.shape}; weights[0] is the first sample's"
        )
    if keys is None and queries is not None and values.shape[-1] == values.shape[-2]:
        keys = queries
    if values.ndim == 3 and (ax is None or isinstance(ax, (list, tuple, np.ndarray))):
        several = _panels(len(values)) if ax is None else list(np.ravel(np.asarray(ax, object)))
        if len(several) != len(values):
            raise ValueError(f"there are {len(several)} Axes for {len(values)} heads")
        for i, (panel, head) in enumerate(zip(several, values, strict=True)):
            _draw(panel, head, queries, keys)
            panel.set_title(f"head {i}, up to {head.max():.2f}", fontsize=10)
        return several
    if values.ndim == 3:
        values = values.mean(axis=0)
    ax = axes_for(ax, "plot_attention", (4.8, 4.4))
    image = _draw(ax, values, queries, keys)
    ax.get_figure().colorbar(image, ax=ax, label="weight", shrink=0.8)
    return ax


def _panels(n: int) -> list[Any]:
    columns = min(n, 4)
    rows = -(-n // columns)
    size = 3 * columns, 3.1 * rows
    figure, axes = pyplot("plot_attention").subplots(
        rows, columns, figsize=size, squeeze=False, layout="constrained"
    )
    for unused in axes.flat[n:]:
        figure.delaxes(unused)
    return list(axes.flat[:n])


def _draw(ax: Any, values: np.ndarray, queries: Any, keys: Any) -> Any:
    image = ax.imshow(values, cmap="viridis", vmin=0, vmax=max(float(values.max()), 1e-12))
    for names, axis, n in ((queries, "y", values.shape[0]), (keys, "x", values.shape[1])):
        if names is not None:
            if len(names) != n:
                raise ValueError(f"there are {len(names)} labels for {n} positions")
            labels = [str(name).replace("$", r"\$") for name in names]  # it would begin a formula
            getattr(ax, f"set_{axis}ticks")(range(n), labels)
    if keys is not None and max(len(str(name)) for name in keys) > 2:
        ax.tick_params(axis="x", labelrotation=90)
    ax.set(xlabel="looked at (key)", ylabel="looking (query)")
    return image
