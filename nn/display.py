"""How trainers, optimizers, loaders and checkpoints show themselves: by a few named values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinygrad_edu.errors import printable
from tinygrad_edu.tables import html_table

from .history import text

__all__ = ["Displayed", "as_html", "as_text", "of_trainer"]


class Displayed:
    """An object whose `_shown()` says what is worth seeing of it, in a line or in a notebook."""

    def _shown(self) -> Mapping[str, Any]:
        raise NotImplementedError

    def __repr__(self) -> str:
        return as_text(self, self._shown())

    def _repr_html_(self) -> str:
        return as_html(self, self._shown())


def as_text(owner: Any, values: Mapping[str, Any]) -> str:
    """The name of the class and the values, on a line."""
    listed = ", ".join(f"{name}={value}" for name, value in values.items())
    return printable(f"{type(owner).__name__}({listed})")


def as_html(owner: Any, values: Mapping[str, Any]) -> str:
    """The same as a table of two columns."""
    rows = [(name, str(value)) for name, value in values.items()]
    return html_table([(type(owner).__name__, ""), *rows])


def of_trainer(trainer: Any) -> dict[str, Any]:
    """What is worth seeing of a Trainer: its parts, and what the last epoch gave."""
    size = sum(p.size for p in trainer.model.parameters())
    shown = {
        "model": f"{type(trainer.model).__name__} of {size:,} parameters",
        "loss": getattr(trainer.loss, "__name__", type(trainer.loss).__name__),
        "optimizer": trainer.optimizer,
        "metrics": ", ".join(trainer.metrics) or "none",
        "epochs": len(trainer.history),
    }
    for row in trainer.history.rows[-1:]:
        values = {name: text(value) for name, value in row.items() if name != "epoch"}
        shown["last"] = ", ".join(map(" ".join, values.items()))
    return shown
