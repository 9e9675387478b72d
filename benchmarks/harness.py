"""Times contestants on a machine that may be busy with other processes.

Every round runs all contestants, each time in a new order; the ratio to the first contestant is
computed for each round, so that a slowdown of the whole machine cancels out.
"""

from __future__ import annotations

import contextlib
import gc
import os
import random
import re
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from .compat import forget_compiled

Contestant = Callable[[], Any]
AGAIN = "BENCHMARKS_AGAIN"
"""The variable of the environment that says that first runs were measured already."""


@dataclass
class Row:
    """One contestant: its median, and in each round its ratio to the first contestant.

    `value` is in seconds, unless the table has another unit. After several runs, `runs` has the
    median ratio of each, and `elsewhere` those with other threads.
    """

    name: str
    value: float
    ratios: list[float]
    runs: list[float] = field(default_factory=list)
    elsewhere: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """The median of the ratios, of all runs if there are several."""
        return statistics.median(self.runs or self.ratios)

    @property
    def quartiles(self) -> tuple[float, float] | None:
        """Half of the ratios lie between these."""
        if len(self.ratios) < 2:
            return None
        low, _, high = statistics.quantiles(self.ratios, n=4, method="inclusive")
        return low, high

    def cells(self, unit: Callable[[float], str]) -> list[str]:
        """What a table has of it; what it lacks is empty."""
        quartiles, runs = _spread(self.quartiles), _spread(_range(self.runs))
        other = f"{statistics.median(self.elsewhere):.2f}" if self.elsewhere else ""
        if len(self.elsewhere) > 1:
            other += f" ({_spread(_range(self.elsewhere))})"
        return [self.name, unit(self.value), f"{self.ratio:.2f}", quartiles, runs, other]


@dataclass
class Table:
    """One comparison, ready to be printed; `unit` names that of its values, and `plotted` tells
    whether its ratios are worth a picture. Rows are shown by ratio, fastest first; with `order` -1
    slowest first, and with 0 as they were given."""

    title: str
    rows: list[Row]
    notes: list[str] = field(default_factory=list)
    unit: str = "time"
    measured: str = "median"
    plotted: bool = True
    order: int = 1
    other: str = ""  # what the last column is called

    def ordered(self) -> list[Row]:
        """The rows as they are shown."""
        return sorted(self.rows, key=lambda row: row.ratio * self.order)

    def cells(self) -> list[list[str]]:
        """The texts of the table, the header first, without columns that are empty."""
        rows = [row.cells(UNITS[self.unit]) for row in self.ordered()]
        head = ["", self.measured, "ratio", "quartiles", "runs", self.other]
        full = [i for i in range(len(head)) if i < 3 or any(row[i] for row in rows)]
        return [[cells[i] for i in full] for cells in [head, *rows]]

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


def _spread(ends: tuple[float, float] | None) -> str:
    return "" if ends is None else f"{ends[0]:.2f} - {ends[1]:.2f}"


def _range(ratios: list[float]) -> tuple[float, float] | None:
    return (min(ratios), max(ratios)) if len(ratios) > 1 else None


def duration(seconds: float) -> str:
    """Seconds with three significant digits, as s, ms or µs."""
    scales = ("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)
    unit, size = next(each for each in scales if seconds >= each[1] or each is scales[-1])
    number = seconds / size
    return f"{number:.{max(0, 3 - len(str(int(number))))}f} {unit}"


def megabytes(size: float) -> str:
    """Bytes with three significant digits or more."""
    return f"{size / 1e6:.3g} MB" if size < 1e9 else f"{size / 1e6:.0f} MB"


UNITS: dict[str, Callable[[float], str]] = {"time": duration, "memory": megabytes}
"""How the values of a table are written."""


def available(
    makers: dict[str, Callable[[], Contestant]],
) -> tuple[dict[str, Contestant], list[str]]:
    """The contestants whose library is installed, and a note about each of the others.

    Those that compile for long take part in the first of several runs only.
    """
    contestants, notes = {}, []
    for name, make in makers.items():
        if AGAIN in os.environ and re.fullmatch("torch.compile|tinygrad", name):
            continue
        try:
            contestants[name] = make()
        except ImportError as error:
            notes.append(f"{name} is left out: {error}.")
    return contestants, notes


def first_runs(makers: dict[str, Callable[[], Contestant]]) -> list[str]:
    """How long those that compile take for the first run of a contestant made for that.

    Not measured again in later runs of all benchmarks, in which `AGAIN` is set.
    """
    notes: list[str] = []
    for name, make in makers.items() if AGAIN not in os.environ else ():
        if re.search("compile|jit|tinygrad$", name):
            with contextlib.suppress(ImportError):
                forget_compiled()
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
    """Time all `contestants` in every round, for about `seconds` each.

    Python's garbage collector is at work, except in those `without_collector`.
    """
    gc.collect()
    gc.freeze()  # so that it does not walk again and again through the libraries
    repeats = {name: _repeats(run, seconds) for name, run in contestants.items()}
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name in random.sample(list(contestants), len(contestants)):
            collected = name not in without_collector
            times[name].append(_time(contestants[name], repeats[name], collected=collected))
    gc.unfreeze()
    return rows_of(times)


def rows_of(times: dict[str, list[float]]) -> list[Row]:
    """A row for each contestant from its times in all rounds."""
    first = next(iter(times.values()))
    return [
        Row(name, statistics.median(each), [t / t0 for t, t0 in zip(each, first, strict=True)])
        for name, each in times.items()
    ]


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
