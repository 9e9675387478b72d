"""A picture of the ratios: one panel for each table, one dot for each contestant."""

from __future__ import annotations

import io
from typing import Any

from .harness import Table

OWN, OTHER, FIRST = "#c2410c", "#475569", "#94a3b8"


def picture(tables: list[Table]) -> bytes:
    """The tables that are to be plotted, as a PNG. Raises ImportError without matplotlib."""
    from matplotlib.figure import Figure

    shown = [table for table in tables if table.plotted] or tables
    heights = [len(table.rows) + 1.6 for table in shown]
    figure = Figure(figsize=(9, 0.27 * sum(heights) + 0.6), layout="constrained")
    panels = figure.subplots(len(shown), 1, height_ratios=heights, squeeze=False)[:, 0]
    for panel, table in zip(panels, shown, strict=True):
        _draw(panel, table)
    panels[-1].set_xlabel("ratio to the first contestant, with quartiles; less is better")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()


def _draw(panel: Any, table: Table) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    rows = table.ordered()[::-1]
    for i, row in enumerate(rows):
        own = row.name.startswith("tinygrad-edu") or row.name.startswith("import tinygrad_edu")
        color = OWN if own else FIRST if row.ratio == 1 else OTHER
        if row.quartiles is not None:
            panel.plot(row.quartiles, (i, i), color=color, linewidth=3, alpha=0.4)
        panel.plot([row.ratio], [i], "o", color=color, markersize=5)
        end = max(row.ratio, *(row.quartiles or (0.0,)))
        place = {"xytext": (7, 0), "textcoords": "offset points", "va": "center"}
        panel.annotate(f"{row.ratio:.2f}", (end, i), fontsize=7, color=color, **place)
    panel.set_xscale("log")
    panel.axvline(1, color=FIRST, linewidth=0.8)
    panel.set_yticks(range(len(rows)), [row.name for row in rows], fontsize=8)
    panel.set_ylim(-0.7, len(rows) - 0.3)
    ends = [end for row in rows for end in (row.ratio, *(row.quartiles or ()))]
    low, high = min(1.0, *ends), max(1.0, *ends)
    room = (high / low) ** 0.1
    panel.set_xlim(low / 1.1 / room, high * 1.1 * room)
    panel.set_title(table.title, fontsize=9, loc="left")
    panel.tick_params(axis="x", which="both", labelsize=7)
    plain = FuncFormatter(lambda value, _: f"{value:g}")
    panel.xaxis.set_major_formatter(plain)
    panel.xaxis.set_minor_formatter(plain if high / low < 6 else NullFormatter())
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)
