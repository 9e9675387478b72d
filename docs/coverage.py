"""Which functions of NumPy and SciPy have derivatives, here and in autograd and MyGrad."""

from __future__ import annotations

import importlib
import importlib.util
import json
from collections.abc import Iterable
from pathlib import Path

from tinygrad_edu.array_interface import OPTIONAL
from tinygrad_edu.registry import OPS
from tinygrad_edu.unrecorded import LEFT_OUT, full_name

HAS_SCIPY = importlib.util.find_spec("scipy") is not None
ENGINES = json.loads(Path(__file__).with_name("other_engines.json").read_text(encoding="utf-8"))
LIBRARIES = ("np", "np.linalg", "np.fft", "scipy.special")
COLUMNS = {"autograd": "HIPS autograd", "mygrad": "MyGrad"}

HEAD = """# NumPy's and SciPy's functions

Which of them have derivatives, here and in HIPS autograd {autograd} and MyGrad {mygrad}. Written by
`make stubs` from the ops, and from the functions of the other two as `docs/read_engines.py` reads
them off; kept current by a test. Formulas are in [the table of derivatives](derivatives.md).

Here all are differentiated to any order. A function without a row below either has no derivative
and returns a plain array, such as `np.argmax`, or it says in an error what to write.

|  | tinygrad-edu | {columns} |
| --- | --- | --- | --- |
"""
PYTHON = (
    "a function in Python that makes arrays of its arguments at once, so no engine can be asked"
)
ELSEWHERE = {
    "np.array": "it converts Tensors to arrays; write `np.stack` or `np.block` of a list of them",
    "np.full": "it converts Tensors to arrays; write `np.broadcast_to(t, shape)`",
    "np.row_stack": "an older name that this NumPy has no more; write `np.vstack`",
    "scipy.integrate.odeint": f"{PYTHON}; write the steps of a solver with ops",
    "scipy.linalg.solve_banded": f"{PYTHON}; write `np.linalg.solve`",
    "scipy.linalg.solve_sylvester": f"{PYTHON}; write `np.linalg.solve` with `np.kron`",
    "scipy.linalg.solve_triangular": f"{PYTHON}; write `ops.solve_triangular`",
    "scipy.linalg.sqrtm": f"{PYTHON}; for symmetric matrices write `np.linalg.eigh`",
    "scipy.signal.convolve": f"{PYTHON}; write `np.convolve` or `ops.conv2d`",
    **{
        f"scipy.special.{name}": f"{PYTHON}; write `{instead}`"
        for name, instead in {
            "logsumexp": "ops.logsumexp",
            "multigammaln": "scipy_special.multigammaln",
            "polygamma": "scipy_special.polygamma",
        }.items()
    },
}
"""What another engine differentiates and no op stands for: why, and what to write."""


def coverage() -> str:
    """The text of numpy-coverage.md."""
    if HAS_SCIPY:
        for library, module in OPTIONAL.items():
            importlib.import_module(library)
            importlib.import_module(module)
    ours = {name for name in map(full_name, OPS) if "." in name and name[0] != "_"}
    ours = {name for name in ours if name.startswith(("np.", "scipy."))}
    theirs = {engine: set(found["functions"]) for engine, found in ENGINES.items()}
    versions = {engine: found["version"] for engine, found in ENGINES.items()}
    every = sorted(ours.union(*theirs.values()), key=lambda name: (name.count("."), name))
    parts = [
        HEAD.format(columns=" | ".join(COLUMNS[engine] for engine in ENGINES), **versions),
        *(f"{_row(library, [_count(library, names) for names in (ours, *theirs.values())])}\n"
          for library in LIBRARIES),
        *_left_out(set(every) - ours, theirs),
        *_sections(every, ours, theirs),
    ]  # fmt: skip
    return "".join(parts)


def _library(name: str) -> str:
    return name.rpartition(".")[0]


def _count(library: str, names: Iterable[str]) -> str:
    return str(sum(_library(name) == library for name in names))


def _row(first: str, cells: Iterable[str]) -> str:
    return f"| `{first}` | {' | '.join(cells)} |"


def _left_out(names: set[str], theirs: dict[str, set[str]]) -> list[str]:
    """What another engine has and this one has not."""
    reasons: dict[str, list[str]] = {}
    for name in sorted(names):
        why = ELSEWHERE.get(name) or LEFT_OUT.get(name) or LEFT_OUT.get(_library(name))
        if why is None:
            raise LookupError(f"{name} has derivatives elsewhere; why has it none here?")
        reasons.setdefault(why, []).append(name)
    lines = ["\n## Left out\n\nWhat one of the others differentiates, and why it is not here.\n\n"]
    lines.append("| functions | engine | why |\n| --- | --- | --- |\n")
    for why, functions in reasons.items():
        engines = [
            COLUMNS[engine] for engine, found in theirs.items() if found.intersection(functions)
        ]
        listed = ", ".join(f"`{name}`" for name in functions)
        lines.append(f"| {listed} | {', '.join(engines)} | {why} |\n")
    return lines


def _sections(every: list[str], ours: set[str], theirs: dict[str, set[str]]) -> list[str]:
    lines: list[str] = []
    heading = ""
    for name in every:
        library = _library(name)
        if library not in LIBRARIES:
            continue
        if library != heading:
            heading = library
            columns = " | ".join(COLUMNS[engine] for engine in theirs)
            lines.append(f"\n## {library}\n\n| function | tinygrad-edu | {columns} |\n")
            lines.append("| --- | --- | --- | --- |\n")
        marks = ["x" if name in names else "" for names in (ours, *theirs.values())]
        lines.append(f"{_row(name, marks)}\n")
    return lines
