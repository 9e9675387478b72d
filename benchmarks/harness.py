"""Times contestants on a machine that may be busy with other processes.

Every round runs all contestants, each time in a new order; the ratio to the first contestant is
computed for each round, so that a slowdown of the whole machine cancels out.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Contestant = Callable[[], Any]
UNITS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))


@dataclass
class Row:
    """One contestant's median time in seconds, and its median ratio to the first contestant."""

    name: str
    seconds: float
    ratio: float


@dataclass
class Table:
    """One comparison, ready to be printed."""

    title: str
    rows: list[Row]
    notes: list[str] = field(default_factory=list)

    def cells(self) -> list[tuple[str, str, str]]:
        """The texts of the table, the header first."""
        body = [(row.name, duration(row.seconds), f"{row.ratio:.2f}") for row in self.rows]
        return [("", "median", "ratio"), *body]

    def text(self) -> str:
        """The table for a terminal, its columns aligned."""
        cells = self.cells()
        width = max(len(name) for name, _, _ in cells)
        lines = [f"{name:{width}}  {median:>9}  {ratio:>6}" for name, median, ratio in cells]
        return "\n".join([self.title, *lines, *self.notes, ""])

    def markdown(self) -> str:
        """The table for a page."""
        head, *body = [f"| {' | '.join(cells)} |" for cells in self.cells()]
        notes = [f"{note}  " for note in self.notes]
        return "\n".join([f"### {self.title}", "", head, "|---|---:|---:|", *body, "", *notes, ""])


def duration(seconds: float) -> str:
    """Seconds with three significant digits, as s, ms or µs."""
    unit, size = next(each for each in UNITS if seconds >= each[1] or each is UNITS[-1])
    number = seconds / size
    return f"{number:.{max(0, 3 - len(str(int(number))))}f} {unit}"


def available(
    makers: dict[str, Callable[[], Contestant]],
) -> tuple[dict[str, Contestant], list[str]]:
    """The contestants whose library is installed, and a note about each of the others."""
    contestants, notes = {}, []
    for name, make in makers.items():
        try:
            contestants[name] = make()
        except ImportError as error:
            notes.append(f"{name} is left out: {error}.")
    return contestants, notes


def compare(
    contestants: dict[str, Contestant], *, rounds: int = 25, seconds: float = 0.04
) -> list[Row]:
    """Time all `contestants` in every round, for about `seconds` each, fastest first."""
    repeats = {name: _repeats(run, seconds) for name, run in contestants.items()}
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name in random.sample(list(contestants), len(contestants)):
            times[name].append(_time(contestants[name], repeats[name]))
    first = next(iter(times.values()))
    rows = [
        Row(
            name,
            statistics.median(each),
            statistics.median(t / t0 for t, t0 in zip(each, first, strict=True)),
        )
        for name, each in times.items()
    ]
    return sorted(rows, key=lambda row: row.ratio)


def _repeats(run: Contestant, seconds: float) -> int:
    """How often `run` fits into `seconds`."""
    run()
    start = time.perf_counter()
    run()
    return max(1, round(seconds / (time.perf_counter() - start)))


def _time(run: Contestant, repeats: int) -> float:
    """The mean time of one run, after a garbage collection and a warm-up run."""
    gc.collect()
    run()
    start = time.perf_counter()
    for _ in range(repeats):
        run()
    return (time.perf_counter() - start) / repeats
