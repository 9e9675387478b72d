"""History: what every epoch of a training gave, as a table, as lists and as a plot."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.atomic_write import written_whole
from tinygrad_edu.errors import printable
from tinygrad_edu.tables import html_table, text_table

from .state_dict import like
from .validation import required

__all__ = ["History"]

BOOKKEEPING = ("epoch", "lr", "seconds")
"""The columns that say nothing of how well the model does."""


class History:
    """The values of every epoch: its rows print as a table, its columns are lists.

    `loss`, `penalty` (if a layer has `l2`) and the metrics are those of the training data while the
    weights were changing; those with `val_` are of the validation data at the end of the epoch;
    `lr` is the learning rate of its last step, `seconds` its duration.  `stopped` says why a
    training ended before its last epoch, `interrupted` whether that was Ctrl-C.

    >>> history = History([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}])
    >>> print(history)
    epoch    loss
        1  0.5000
        2  0.2500
    >>> history["loss"], history.best("loss")
    ([0.5, 0.25], {'epoch': 2, 'loss': 0.25})
    """

    def __init__(self, rows: list[dict[str, Any]] | None = None) -> None:
        self.rows = rows or []
        self.stopped: str | None = None
        self.interrupted = False

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    def __getitem__(self, name: str) -> list[Any]:
        if name not in self.names:
            raise KeyError(f"the history has no {name!r}; it has {', '.join(self.names) or 'none'}")
        return [row[name] for row in self.rows]

    @property
    def names(self) -> list[str]:
        """The columns."""
        return list(self.rows[0]) if self.rows else []

    def as_dict(self) -> dict[str, list[Any]]:
        """Every column as a list."""
        return {name: self[name] for name in self.names}

    @property
    def history(self) -> dict[str, list[Any]]:
        """Every column as a list, under Keras's name."""
        return self.as_dict()

    def best(self, name: str = "val_loss", mode: str | None = None) -> dict[str, Any]:
        """The row in which a column is best: smallest for losses and errors, else largest.

        Raises ValueError where neither the name nor `mode`, "min" or "max", says which.
        """
        scores = larger_is_better(name, self[name], mode)
        values = [-math.inf if math.isnan(v) else v for v in scores]
        return self.rows[values.index(max(values))]

    def table(self, every: int = 1, without: Iterable[str] = ()) -> str:
        """Every `every`th row and the last, as text, without some of the columns."""
        shown = [row for i, row in enumerate(self.rows) if i % every == 0 or row is self.rows[-1]]
        names = [name for name in self.names if name not in without]
        return text_table(_cells(names, shown), "r" * len(names)) if names else ""

    def csv(self) -> str:
        """All rows as comma-separated values, every digit kept.

        Names are quoted where they need it, and their control characters escaped; one that a
        spreadsheet would take for a formula begins with an apostrophe.
        """
        import csv

        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(
            "'" + name if name[:1] in tuple("=+-@") else name for name in map(printable, self.names)
        )
        writer.writerows([row[name] for name in self.names] for row in self.rows)
        return text.getvalue()

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        return printable(f"History({len(self)} epochs of {', '.join(self.names) or 'nothing'})")

    def _repr_html_(self) -> str:
        """The table, of a long training about twenty rows and the last."""
        every = max(1, math.ceil(len(self) / 20))
        shown = [row for i, row in enumerate(self.rows) if i % every == 0 or row is self.rows[-1]]
        return html_table(_cells(self.names or ["no epochs"], shown), "r" * len(self.names))

    def plot(self, path: Any = None) -> Any:
        """One panel a quantity, training beside validation; written to `path` if given.

        Returns the matplotlib Axes.  Raises ModuleNotFoundError with the remedy without matplotlib,
        an OSError that names the file where it cannot be written.
        """
        if not self.rows:
            raise ValueError("the history is empty: there is nothing to plot")
        from .plots.curves import plot_history

        axes = plot_history(self)
        if path is not None:
            figure = axes[0].figure
            required("matplotlib.pyplot", "History.plot needs", "matplotlib").close(figure)
            save_figure(figure, path)
        return _Panels(axes)


class _Panels(tuple[Any, ...]):
    """Axes, which a notebook that shows their figure does not list as well."""

    def _ipython_display_(self) -> None:
        pass


def save_figure(figure: Any, path: str | os.PathLike[str]) -> None:
    """Write a matplotlib figure, whole or not at all, in the format that the suffix says."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format=Path(path).suffix[1:] or None, dpi=120)
    with written_whole(path) as file:
        file.write(drawn.getvalue())


def _cells(names: list[str], rows: list[dict[str, Any]]) -> list[list[str]]:
    """The texts of a table with a head."""
    texts = {"seconds": "{:.2f}".format}
    return [names, *([texts.get(name, text)(row[name]) for name in names] for row in rows)]


def checked_rows(rows: Any, columns: Iterable[str], n: int | None) -> list[dict[str, Any]]:
    """Copies of rows from a file, of which there should be `n`, or if that is None at least one.

    Raises ValueError unless they are numbers in these columns.
    """
    rows = like([{}], rows, "the history")
    if n is not None and n != len(rows):
        raise ValueError(f"its history has {len(rows)} rows, and {n} were saved")
    given = {str(name) for row in rows[:1] for name in row} - set(BOOKKEEPING)
    if given != set(columns) and n != 0:
        raise ValueError(
            f"it had the columns {', '.join(sorted(given))}, and this one has "
            f"{', '.join(sorted(columns))}; give fit and Trainer what they had"
        )
    for number, row in enumerate(rows, 1):
        if row.keys() != {*columns, *BOOKKEEPING} or row["epoch"] != number:
            raise ValueError(f"row {number} of its history is damaged")
        for name, value in row.items():
            if np.ndim(value) or np.asarray(value).dtype.kind not in "biuf":
                raise ValueError(f"{name} of epoch {number} is not a number")
    return list(rows)


_FALLING = ("loss", "error", "penalty", "mse", "mae", "brier", "seconds")
_RISING = ("score", "acc", "top_k", "precision", "recall", "f1", "r2", "auc")


def direction(name: str) -> str | None:
    """Whether a column's name says that it is to fall, "min", or to rise, "max"; else None."""
    falls, rises = (any(part in name for part in parts) for parts in (_FALLING, _RISING))
    return None if falls == rises else "min" if falls else "max"


def larger_is_better(name: str, values: list[Any], mode: str | None = None) -> list[Any]:
    """A column's values, negative if smaller ones are better: those of losses and errors.

    `mode`, "max" or "min", goes before what the name says.  Raises ValueError if neither says it.
    """
    mode = mode or direction(name)
    if mode is None:
        raise ValueError(f"is {name!r} to fall or to rise? Say mode='min' or mode='max'")
    return [-v for v in values] if mode == "min" else values


def text(value: Any) -> str:
    """A value in a few characters."""
    if isinstance(value, int):
        return str(value)
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e5 else f"{value:.2e}"
