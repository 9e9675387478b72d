"""The time of an import: a new Python process that imports one package and ends."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from .harness import Contestant, Table, available, compare

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("numpy", "tinygrad_edu", "nn", "torch", "mygrad", "autograd", "micrograd")


def tables(rounds: int) -> Iterator[Table]:
    """One table, with the ratios to importing NumPy."""
    makers = {f"import {package}": _importer(package) for package in PACKAGES}
    makers["python alone"] = lambda: lambda: _python("pass")
    contestants, notes = available(makers)
    rows = compare(contestants, rounds=rounds, seconds=0)
    yield Table("Import, in a fresh process", rows, notes, plotted=False)


def _importer(package: str) -> Callable[[], Contestant]:
    def make() -> Contestant:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:  # a folder without __init__.py is no package yet
            raise ImportError(f"No module named {package!r}")
        return lambda: _python(f"import {package}")

    return make


def _python(code: str) -> None:
    """Run the code as if its packages were installed, with compiled bytecode."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
