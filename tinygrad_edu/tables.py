"""Tables for terminals of any width and encoding, and for notebooks."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterator, Sequence

from .errors import printable

__all__ = ["folded", "html_table", "text_table"]

Rows = Sequence[Sequence[str]]
NARROWEST = 12
"""Characters; wider columns are folded where the table would be wider than the terminal."""


def text_table(rows: Rows, align: str = "", *, rule: bool = False) -> str:
    """Rows of text in columns, the first the head, as wide as the terminal, else 80 characters.

    `align` has a character for each column, "r" for right; others are left-aligned.  Wide cells are
    folded; if this is not enough, the columns follow below each other, the first one repeated.
    With a `rule` there is a line of dashes below the head.

    >>> print(text_table([("name", "size"), ("weight", "12"), ("bias", "3")], "lr"))
    name    size
    weight    12
    bias       3
    """
    width = _terminal()
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    while _total(widths) > width and max(widths) > NARROWEST:
        widths[widths.index(max(widths))] -= 1
    blocks = []
    for columns in _blocks(widths, width):
        head, *body = (
            list(_aligned([row[i] for i in columns], [widths[i] for i in columns], columns, align))
            for row in cells
        )
        lines = ["-" * _total([widths[i] for i in columns])] * rule
        blocks.append("\n".join([*head, *lines, *itertools.chain(*body)]))
    return "\n\n".join(blocks)


def folded(text: str) -> str:
    """A sentence on as many lines as the terminal's width makes it."""
    return "\n".join(_lines(text, _terminal()))


def _lines(text: str, width: int) -> list[str]:
    """The text on lines of a width, cut where a single word is longer."""
    return textwrap.wrap(text, width, break_on_hyphens=False) if len(text) > width else [text]


def _terminal() -> int:
    import shutil  # which is slow to import, and seldom needed

    return shutil.get_terminal_size().columns


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + 2 * (len(widths) - 1)


def _blocks(widths: Sequence[int], width: int) -> Iterator[list[int]]:
    """Columns that fit beside each other, the first of the table in each."""
    columns = [0]
    for i in range(1, len(widths)):
        if len(columns) > 1 and _total([widths[c] for c in (*columns, i)]) > width:
            yield columns
            columns = [0]
        columns = [*columns, i]
    yield columns


def _aligned(
    row: Sequence[str], widths: Sequence[int], columns: Sequence[int], align: str
) -> Iterator[str]:
    """The lines of a row."""
    pieces = [_lines(cell, width) for cell, width in zip(row, widths, strict=True)]
    for line in itertools.zip_longest(*pieces, fillvalue=""):
        aligned = (
            piece.rjust(width) if align[i : i + 1] == "r" else piece.ljust(width)
            for piece, width, i in zip(line, widths, columns, strict=True)
        )
        yield "  ".join(aligned).rstrip()


def html_table(rows: Rows, align: str = "") -> str:
    """The same for a notebook; the text is escaped.

    >>> html_table([("name", "size"), ("<w>", "12")], "lr")  # doctest: +ELLIPSIS
    '<table><tr><th style="text-align: left">name</th>...<td ...>&lt;w&gt;</td>...</table>'
    """
    import html

    lines = []
    for kind, row in zip(itertools.chain(["th"], itertools.repeat("td")), rows, strict=False):
        cells = (
            f'<{kind} style="text-align: {"right" if align[i : i + 1] == "r" else "left"}">'
            f"{html.escape(printable(cell))}</{kind}>"
            for i, cell in enumerate(row)
        )
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table>{''.join(lines)}</table>"
