"""plot_history: what every epoch gave, as curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .canvas import COLORS, axes_for, pyplot

__all__ = ["plot_history"]

BOOKKEEPING = ("epoch", "lr", "seconds")


def plot_history(
    history: Any, names: str | Sequence[str] | None = None, *, log: bool = False,
    labels: tuple[str, str] = ("training", "validation"), ax: Any = None,
) -> Any:  # fmt: skip
    """Draw the curves of a training, one panel a quantity, with its validation beside it.

    `history` is what `Trainer.fit` returns, a dict of lists such as
    `{"loss": [...], "val_loss": [...]}`, or a dict of several histories by their labels, which are
    drawn in the same panels to compare them.  `names` are the quantities, all if None; `ax` is
    Axes for one quantity, or a list of them.  With `log` losses are drawn on a logarithmic axis;
    `labels` are the words for the values without and with "val_" before their names.
    Returns the Axes of each panel, or those given as `ax`.  Raises ValueError for an empty history
    and KeyError for a name that it does not have.
    """
    pyplot("plot_history")
    labeled = _labeled(history)
    wanted = [names] if isinstance(names, str) else list(names or _quantities(labeled))
    axes = _panels(ax, wanted)
    for panel, name in zip(axes, wanted, strict=True):
        _draw(panel, name, labeled, labels)
        if log and "loss" in name:
            panel.set_yscale("log")
    return axes if ax is None or isinstance(ax, (list, tuple, np.ndarray)) else ax


def _labeled(history: Any) -> dict[str, Any]:
    """Histories by label; the label of one alone is empty."""
    several = isinstance(history, Mapping) and all(
        hasattr(each, "as_dict") or isinstance(each, Mapping) for each in history.values()
    )
    given = dict(history) if several else {"": history}
    columns = {
        label: each.as_dict() if hasattr(each, "as_dict") else dict(each)
        for label, each in given.items()
    }
    if not columns or not all(map(_length, columns.values())):
        raise ValueError("the history is empty: there is nothing to plot")
    return columns


def _length(columns: Mapping[str, Any]) -> int:
    return max((len(values) for values in columns.values()), default=0)


def _quantities(labeled: Mapping[str, Any]) -> list[str]:
    found = dict.fromkeys(name for columns in labeled.values() for name in columns)
    trained = [n for n in found if n not in BOOKKEEPING]
    return [n for n in trained if not (n.startswith("val_") and n[4:] in found)]


def _panels(ax: Any, names: Sequence[str]) -> Any:
    if ax is None:
        size = (4.5 * len(names), 3.2)
        plt = pyplot("plot_history")
        return plt.subplots(1, len(names), figsize=size, squeeze=False, layout="constrained")[1][0]
    axes = list(ax) if isinstance(ax, (list, tuple, np.ndarray)) else [ax]
    if len(axes) != len(names):
        raise ValueError(
            f"there are {len(axes)} Axes for {len(names)} quantities, {', '.join(names)}; choose "
            "some by names=[...], or give as many Axes"
        )
    return [axes_for(each, "plot_history", (0, 0)) for each in axes]


def _draw(panel: Any, name: str, labeled: Mapping[str, Any], labels: Sequence[str]) -> None:
    from matplotlib.ticker import MaxNLocator

    for i, (label, columns) in enumerate(labeled.items()):
        if name not in columns:
            raise KeyError(f"the history has no {name!r}; it has {', '.join(columns)}")
        epochs = columns.get("epoch", range(1, len(columns[name]) + 1))
        marker = "o" if len(columns[name]) < 3 else None
        color = COLORS[i % len(COLORS)]
        panel.plot(epochs, columns[name], label=label or labels[0], color=color, marker=marker)
        if (held_out := columns.get(f"val_{name}")) is not None:
            text = f"{label}, {labels[1]}" if label else labels[1]
            panel.plot(epochs, held_out, "--", label=text, marker=marker,
                       color=COLORS[1] if not label else color)  # fmt: skip
    if len(panel.get_legend_handles_labels()[1]) > 1:
        panel.legend()
    panel.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    panel.set(xlabel="epoch", title=name)
    panel.grid(alpha=0.3)
