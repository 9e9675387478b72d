"""What a check found: a table with a row for each variable."""

from __future__ import annotations

from typing import Any

from ..tables import text_table


class Report:
    """A table of named tuples, true if something was compared and every verdict is good.

    A verdict is a word, and what is to be said about it after a colon or a comma.  Those in `good`
    pass; those in `empty` pass too, but say that there was nothing to compare.
    """

    def __init__(self, rows: list[Any], good: tuple[str, ...], empty: tuple[str, ...] = ()) -> None:
        self.rows = rows
        self.good = good
        self.empty = empty

    def __bool__(self) -> bool:
        words = {row.verdict.split(":")[0] for row in self.rows} - set(self.empty)
        return bool(words) and words <= set(self.good)

    def __getitem__(self, name: str) -> Any:
        """The row of a variable.  Raises KeyError for a name that has none."""
        for row in self.rows:
            if row.name == name:
                return row
        names = ", ".join(row.name for row in self.rows) or "none"
        raise KeyError(f"the report has no row {name!r}; its rows are {names}")

    def __repr__(self) -> str:
        if not self.rows:
            return "nothing to check"
        return text_table([self.rows[0]._fields, *(tuple(map(_text, row)) for row in self.rows)])


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
