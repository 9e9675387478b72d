"""Several runs of the benchmarks, each a process of its own, and what they have in common."""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from .harness import AGAIN, Row, Table

ONCE = {"optimizers", "loader", "memory", "estimators"}
ONE_THREAD = {"mnist", "growth", "ops", "import"}
ROOT = Path(__file__).resolve().parent.parent


def repeat(names: list[str], runs: int, threads: list[int], rounds: int, folder: Path) -> None:
    """Run the benchmarks `runs` times with each number of threads; a file for each run.

    What takes long and hardly varies is done in the first run only: what is in `ONCE`, and the
    contestants that compile for long. What more threads cannot help has one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"TORCHINDUCTOR_CACHE_DIR": str(folder / "torch.compile")}
    for n in threads:
        for run in range(runs):
            path = folder / f"{n}-threads-run-{run + 1}.jsonl"
            path.unlink(missing_ok=True)
            options = [f"--rounds={rounds}", f"--threads={n}", f"--save={path}"]
            later = ONCE if AGAIN in environment else set()
            left_out = later | (ONE_THREAD if n > 1 else set())
            chosen = [name for name in names if name not in left_out]
            if not chosen:
                continue
            command = [sys.executable, "-m", "benchmarks", *chosen, *options]
            subprocess.run(command, cwd=ROOT, env=environment, check=True)
            environment[AGAIN] = "1"


def save(path: Path, table: Table, threads: int) -> None:
    """Append a table to a file, as one line of JSON."""
    from tinygrad_edu.atomic_write import written_whole

    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_bytes() if path.exists() else b""
    line = json.dumps({"threads": threads, **dataclasses.asdict(table)})
    with written_whole(path) as file:
        file.write(before + line.encode() + b"\n")


def load(folder: Path) -> dict[int, list[Table]]:
    """The tables in the files of a folder, by the number of threads."""
    found: dict[int, list[Table]] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            given = json.loads(line)
            threads = given.pop("threads")
            rows = [Row(**row) for row in given.pop("rows")]
            found.setdefault(threads, []).append(Table(rows=rows, **given))
    if not found:
        raise FileNotFoundError(f"there are no runs (*.jsonl) in {folder}")
    return found


def combined(found: dict[int, list[Table]]) -> list[Table]:
    """One table of each title: the runs with the fewest threads, beside them those with more."""
    first, *others = sorted(found)
    tables = [_joined(each) for each in _by_title(found[first]).values()]
    for threads in others:
        by_title = _by_title(found[threads])
        for table in tables:
            table.other = f"{threads} threads"
            ratios = _ratios(by_title.get(table.title, []))
            for row in table.rows:
                row.elsewhere = ratios.get(row.name, [])
    return tables


def _by_title(tables: list[Table]) -> dict[str, list[Table]]:
    found: dict[str, list[Table]] = {}
    for table in tables:
        found.setdefault(table.title, []).append(table)
    return found


def _ratios(tables: list[Table]) -> dict[str, list[float]]:
    """Each contestant's ratio in each run."""
    found: dict[str, list[float]] = {}
    for table in tables:
        for row in table.rows:
            found.setdefault(row.name, []).append(row.ratio)
    return found


def _joined(tables: list[Table]) -> Table:
    """The table of all runs."""
    first, rows = tables[0], []
    for name, runs in _ratios(tables).items():
        same = [row for table in tables for row in table.rows if row.name == name]
        value = statistics.median(row.value for row in same)
        rows.append(Row(name, value, [ratio for row in same for ratio in row.ratios], runs))
    return dataclasses.replace(first, rows=rows)
