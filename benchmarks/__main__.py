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

BENCHMARKS = {
    "mlp": "mlp", "optimizers": "optimizers", "convnet": "convnet", "resnet": "resnet",
    "mnist": "mnist", "transformer": "transformer", "recurrent": "recurrent",
    "hessian": "hessian", "loader": "loader", "chain": "chain", "growth": "growth",
    "memory": "memory", "ops": "ops", "estimators": "estimators", "import": "startup",
}  # fmt: skip
"""Name -> module, whose `tables(rounds)` yields tables."""

INTRODUCTION = """\
# Benchmarks

Written by `python -m benchmarks --write docs/benchmarks.md`. Before the timing, all contestants are
checked to compute the same values. Then all of them run in each of {rounds} rounds, every time in a
new order; *median* is the median time of one run, *ratio* is the median of the ratios to the time
of the first contestant in the same round, and half of these ratios lie between the *quartiles*.
Every contestant has {threads} of the processor.

{machine}

Measured on {date}.

"""
PICTURE = "![The ratios of all contestants, one panel for each table](pictures/{name})\n\n"


def main() -> None:
    """Run the benchmarks that the command line names, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(BENCHMARKS))
    parser.add_argument("--rounds", type=int, default=25, help="how often each contestant runs")
    parser.add_argument("--threads", type=int, default=1, help="for every contestant; 1 by default")
    parser.add_argument("--markdown", action="store_true", help="print a page instead of text")
    parser.add_argument(
        "--write", type=Path, metavar="PATH", help="write the page to a file, with a picture"
    )
    options = parser.parse_args()
    if isinstance(sys.stdout, io.TextIOWrapper):  # for units that the terminal's encoding lacks
        sys.stdout.reconfigure(errors="backslashreplace")
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"there are {', '.join(BENCHMARKS)}, but no {', '.join(sorted(unknown))}")

    limit_threads(options.threads)
    tables = []
    for name in options.names or BENCHMARKS:
        module: Any = importlib.import_module(f".{BENCHMARKS[name]}", __package__)
        for table in module.tables(options.rounds):
            tables.append(table)
            if not options.markdown:
                print(table.text(), flush=True)
    text = page(tables, options.rounds, options.threads)
    if options.markdown:
        print(text.format(picture=""))
    if options.write:
        write(options.write, text, tables)


def limit_threads(n: int) -> None:
    """Let no library use more threads, nor more cores; before any is imported."""
    for name in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM"):
        os.environ[f"{name}_NUM_THREADS"] = str(n)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:n])


def page(tables: list[Any], rounds: int, threads: int) -> str:
    """The tables, with a description of the method, the machine and the date.

    Where the picture goes stands `{picture}`.
    """
    from . import machine

    facts = "\n".join(f"- {fact}" for fact in machine.describe())
    head = INTRODUCTION.format(
        rounds=rounds,
        machine=facts,
        date=datetime.date.today().isoformat(),
        threads="one thread" if threads == 1 else f"{threads} threads",
    )
    limits = Path(__file__).with_name("limits.md").read_text(encoding="utf-8")
    body = "\n".join([*(table.markdown() for table in tables), limits])
    return _escaped(head) + "{picture}" + _escaped(body)


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def write(path: Path, text: str, tables: list[Any]) -> None:
    """The page, and beside it pictures/NAME.png, if matplotlib is installed."""
    from tinygrad_edu.atomic_write import written_whole

    from . import plot

    shown = ""
    try:
        image = plot.picture(tables)
    except ImportError:
        print("there is no picture without matplotlib: pip install matplotlib", file=sys.stderr)
    else:
        name = f"{path.stem}.png"
        (path.parent / "pictures").mkdir(exist_ok=True)
        with written_whole(path.parent / "pictures" / name) as file:
            file.write(image)
        shown = PICTURE.format(name=name)
    with written_whole(path) as file:
        file.write(text.format(picture=shown).encode())


if __name__ == "__main__":
    main()
