"""`python -m benchmarks [mlp|chain|ops|import ...]` prints tables, or writes them to a page."""

from __future__ import annotations

import argparse
import datetime
import importlib
import io
import os
import sys
from pathlib import Path
from typing import Any

from . import runs
from .harness import Table

BENCHMARKS = {
    "mlp": "mlp", "optimizers": "optimizers", "convnet": "convnet", "resnet": "resnet",
    "mnist": "mnist", "transformer": "transformer", "recurrent": "recurrent",
    "hessian": "hessian", "loader": "loader", "chain": "chain", "growth": "growth",
    "memory": "memory", "ops": "ops", "estimators": "estimators", "import": "startup",
}  # fmt: skip
"""Name -> module, whose `tables(rounds)` yields tables."""

INTRODUCTION = """\
# Benchmarks

Written by `make bench`. Before the timing, all contestants are checked to compute the same values.
Then all of them run in each round, every time in a new order. *median* is the median time of one
run; *ratio* is the median of the ratios to the time of the first contestant in the same round, and
half of these ratios lie between the *quartiles*. {runs}

{machine}

Measured on {date}.

"""
RUNS = """\
Everything was measured in {runs} separate
processes of {rounds} rounds with one thread of the processor for every contestant: *ratio* is the
median of their ratios, and *runs* the lowest and the highest of them; what has no *runs* was
measured in the first one.{others}"""
OTHERS = """ The last column has the
same, measured with {threads} threads, which disturb each other on a machine that has other work."""
PICTURE = "![The ratios of all contestants, one panel for each table](pictures/{name})\n\n"


def main() -> None:
    """Run the benchmarks that the command line names, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(BENCHMARKS))
    parser.add_argument("--rounds", type=int, default=25, help="how often each contestant runs")
    parser.add_argument("--threads", type=int, default=1, help="for every contestant; 1 by default")
    parser.add_argument("--runs", type=int, help="so many processes, with 1 and with 2 threads")
    parser.add_argument("--save", type=Path, metavar="FILE", help="append the tables to a file")
    parser.add_argument("--runs-in", type=Path, metavar="FOLDER", default=Path("out/benchmarks"))
    parser.add_argument(
        "--write", type=Path, metavar="PATH", help="write a page of the runs, with a picture"
    )
    options = parser.parse_args()
    if isinstance(sys.stdout, io.TextIOWrapper):  # for units that the terminal's encoding lacks
        sys.stdout.reconfigure(errors="backslashreplace")
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"there are {', '.join(BENCHMARKS)}, but no {', '.join(sorted(unknown))}")
    if options.runs:
        threads = [n for n in (1, 2) if n <= (os.cpu_count() or 1)]
        names = options.names or [*BENCHMARKS]
        runs.repeat(names, options.runs, threads, options.rounds, options.runs_in)
    elif not options.write:
        measure(options.names or list(BENCHMARKS), options)
    if options.write:
        write(options.write, options.runs_in)


def measure(names: list[str], options: argparse.Namespace) -> None:
    """Print the tables of one run, and save them if that is asked for."""
    limit_threads(options.threads)
    for name in names:
        module: Any = importlib.import_module(f".{BENCHMARKS[name]}", __package__)
        for table in module.tables(options.rounds):
            print(table.text(), flush=True)
            if options.save:
                runs.save(options.save, table, options.threads)


def limit_threads(n: int) -> None:
    """Let no library use more threads, nor more cores; before any is imported."""
    for name in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM"):
        os.environ[f"{name}_NUM_THREADS"] = str(n)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:n])


def page(found: dict[int, list[Table]], tables: list[Table]) -> str:
    """The tables, with a description of the method, the machine and the date.

    Where the picture goes stands `{picture}`.
    """
    from . import machine

    _, *more = sorted(found)
    others = OTHERS.format(threads=" and ".join(map(str, more))) if more else ""
    rows = [row for table in tables for row in table.rows]
    count = max(len(row.runs) for row in rows)
    rounds = max(len(row.ratios) // len(row.runs) for row in rows)
    head = INTRODUCTION.format(
        runs=RUNS.format(runs=count, rounds=rounds, others=others),
        machine="\n".join(f"- {fact}" for fact in machine.describe()),
        date=datetime.date.today().isoformat(),
    )
    limits = Path(__file__).with_name("limits.md").read_text(encoding="utf-8")
    body = "\n".join([*(table.markdown() for table in tables), limits])
    return _escaped(head) + "{picture}" + _escaped(body)


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def write(path: Path, folder: Path) -> None:
    """The page of the runs in a folder, and beside it pictures/NAME.png, if matplotlib is there."""
    from tinygrad_edu.atomic_write import written_whole

    from . import plot

    found = runs.load(folder)
    tables = runs.combined(found)
    text = page(found, tables)
    shown = ""
    try:
        image = plot.picture(tables)
    except ImportError:
        print("there is no picture without matplotlib: pip install matplotlib", file=sys.stderr)
    else:
        name = f"{path.stem}.png"
        (path.parent / "pictures").mkdir(parents=True, exist_ok=True)
        with written_whole(path.parent / "pictures" / name) as file:
            file.write(image)
        shown = PICTURE.format(name=name)
    with written_whole(path) as file:
        file.write(text.format(picture=shown).encode())


if __name__ == "__main__":
    main()
