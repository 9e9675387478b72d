"""`python -m benchmarks [mlp|chain|ops|import ...]` prints tables, or writes them to a page."""

from __future__ import annotations

import argparse
import datetime
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tinygrad_edu.atomic_write import written_whole

from . import chain, convnet, loader, machine, mlp, ops, optimizers, startup
from .harness import Table

BENCHMARKS: dict[str, Callable[[int], Iterator[Table]]] = {
    "mlp": mlp.tables,
    "optimizers": optimizers.tables,
    "convnet": convnet.tables,
    "loader": loader.tables,
    "chain": chain.tables,
    "ops": ops.tables,
    "import": startup.tables,
}

INTRODUCTION = """\
# Benchmarks

Written by `python -m benchmarks --write docs/benchmarks.md`. Before the timing, all contestants are
checked to compute the same values. Then all of them run in each of {rounds} rounds, every time in a
new order; *median* is the median time of one run, and *ratio* is the median of the ratios to the
time of the first contestant in the same round.

{machine}

Measured on {date}.

"""


def main() -> None:
    """Run the benchmarks that the command line names, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(BENCHMARKS))
    parser.add_argument("--rounds", type=int, default=25, help="how often each contestant runs")
    parser.add_argument("--markdown", action="store_true", help="print a page instead of text")
    parser.add_argument("--write", type=Path, metavar="PATH", help="write the page to a file")
    options = parser.parse_args()
    if isinstance(sys.stdout, io.TextIOWrapper):  # for units that the terminal's encoding lacks
        sys.stdout.reconfigure(errors="backslashreplace")
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"there are {', '.join(BENCHMARKS)}, but no {', '.join(sorted(unknown))}")

    tables = []
    for name in options.names or BENCHMARKS:
        for table in BENCHMARKS[name](options.rounds):
            tables.append(table)
            if not options.markdown:
                print(table.text(), flush=True)
    if options.markdown:
        print(page(tables, options.rounds))
    if options.write:
        with written_whole(options.write) as file:
            file.write(page(tables, options.rounds).encode())


def page(tables: list[Table], rounds: int) -> str:
    """The tables, with a description of the method, the machine and the date."""
    facts = "\n".join(f"- {fact}" for fact in machine.describe())
    today = datetime.date.today().isoformat()
    head = INTRODUCTION.format(rounds=rounds, machine=facts, date=today)
    return head + "\n".join(table.markdown() for table in tables).rstrip() + "\n"


if __name__ == "__main__":
    main()
