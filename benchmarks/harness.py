"""Times contestants on a machine that may be busy with other processes.

Every round runs all contestants, each time in a new order; the ratio to the first contestant is
computed for each round, so that a slowdown of the whole machine cancels out.
"""

from __future__ import annotations

import contextlib
import gc
import random
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

Contestant = Callable[[], Any]
UNITS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))


@dataclass
class Row:
    """One contestant's median, and its ratio to the first contestant: median and quartiles.

    `value` is in seconds, unless the table has another unit.
    """

    name: str
    value: float
    ratio: float
    quartiles: tuple[float, float] | None = None


@dataclass
class Table:
    """One comparison, ready to be printed; `unit` spells its values, and `plotted` tells whether
    its ratios are worth a picture."""

    title: str
    rows: list[Row]
    notes: list[str] = field(default_factory=list)
    unit: Callable[[float], str] | None = None
    measured: str = "median"
    plotted: bool = True

    def cells(self) -> list[tuple[str, ...]]:
        """The texts of the table, the header first."""
        unit = self.unit or duration
        head = ("", self.measured, "ratio", "quartiles")
        body = [(r.name, unit(r.value), f"{r.ratio:.2f}", _spread(r.quartiles)) for r in self.rows]
        if not any(row.quartiles for row in self.rows):
            return [each[:3] for each in [head, *body]]
        return [head, *body]

    def text(self) -> str:
        """The table for a terminal, its columns aligned."""
        cells = self.cells()
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = []
        for name, *others in cells:
            padded = [f"{each:>{n}}" for each, n in zip(others, widths[1:], strict=True)]
            lines.append("  ".join([f"{name:{widths[0]}}", *padded]).rstrip())
        return "\n".join([self.title, *lines, *self.notes, ""])

    def markdown(self) -> str:
        """The table for a page."""
        head, *body = [f"| {' | '.join(cells)} |" for cells in self.cells()]
        rule = f"|---|{'---:|' * (len(self.cells()[0]) - 1)}"
        notes = [f"{note}  " for note in self.notes]
        return "\n".join([f"## {self.title}", "", head, rule, *body, "", *notes, ""])


def _spread(quartiles: tuple[float, float] | None) -> str:
    return "" if quartiles is None else f"{quartiles[0]:.2f} - {quartiles[1]:.2f}"


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


def first_runs(makers: dict[str, Callable[[], Contestant]]) -> list[str]:
    """How long those that compile take for the first run of a contestant made for that."""
    notes = []
    for name, make in makers.items():
        if "compiled" in name or "jit" in name:
            with contextlib.suppress(ImportError):
                run = make()
                start = time.perf_counter()
                run()
                taken = duration(time.perf_counter() - start)
                notes.append(f"{name}: {taken} for the first run, compilation included.")
    return notes


def compare(
    contestants: dict[str, Contestant],
    *,
    rounds: int = 25,
    seconds: float = 0.04,
    without_collector: Iterable[str] = (),
) -> list[Row]:
    """Time all `contestants` in every round, for about `seconds` each, fastest first.

    Python's garbage collector is at work, except in those `without_collector`.
    """
    repeats = {name: _repeats(run, seconds) for name, run in contestants.items()}
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name in random.sample(list(contestants), len(contestants)):
            collected = name not in without_collector
            times[name].append(_time(contestants[name], repeats[name], collected=collected))
    first = next(iter(times.values()))
    rows = []
    for name, each in times.items():
        ratios = [t / t0 for t, t0 in zip(each, first, strict=True)]
        rows.append(row(name, statistics.median(each), ratios))
    return sorted(rows, key=lambda row: row.ratio)


def row(name: str, value: float, ratios: list[float]) -> Row:
    """A row with the median of the ratios and their quartiles."""
    spread = None
    if len(ratios) > 1:
        low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
        spread = low, high
    return Row(name, value, statistics.median(ratios), spread)


def _repeats(run: Contestant, seconds: float) -> int:
    """How often `run` fits into `seconds`."""
    run()
    start = time.perf_counter()
    run()
    return max(1, round(seconds / (time.perf_counter() - start)))


def _time(run: Contestant, repeats: int, *, collected: bool = True) -> float:
    """The mean time of one run, after a garbage collection and a warm-up run."""
    gc.collect()
    run()
    if not collected:
        gc.disable()
    try:
        start = time.perf_counter()
        for _ in range(repeats):
            run()
        return (time.perf_counter() - start) / repeats
    finally:
        gc.enable()
