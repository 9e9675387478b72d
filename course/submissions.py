"""What a student handed in: which files, and the functions and classes that they define."""

from __future__ import annotations

import ast
import json
import linecache
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["definitions", "submissions"]

SUFFIXES = (".py", ".ipynb")
LARGEST = 20_000_000
"""Bytes; a notebook with many explorers in it has a few millions."""

KEPT = (
    ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign,
    ast.AugAssign, ast.If, ast.Try,
)  # fmt: skip
"""Statements that define something; loops, calls and prints of a lesson are not repeated."""


def submissions(folder: Path) -> dict[str, list[Path]]:
    """The files of each student: those in a folder of their name, or one file of their name.

    Raises FileNotFoundError if the folder is missing or has no files of Python or Jupyter in it.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder; give the one with the students' files")
    found: dict[str, list[Path]] = {}
    for entry in sorted(folder.iterdir()):
        if entry.is_symlink() or entry.name.startswith((".", "__")):
            continue
        files = list(_files(entry)) if entry.is_dir() else [entry]
        files = [each for each in files if _is_a_submission(each)]
        if files:
            found.setdefault(entry.name if entry.is_dir() else entry.stem, []).extend(files)
    if not found:
        raise FileNotFoundError(
            f"{folder} has no .py or .ipynb in it; expected is a file or a folder for each student"
        )
    return found


def _files(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.is_symlink() or entry.name.startswith((".", "__")):
            continue
        if entry.is_dir():
            yield from _files(entry)
        else:
            yield entry


def _is_a_submission(path: Path) -> bool:
    """Files of code; not the one that `make course` puts beside the lessons."""
    usual = path.suffix in SUFFIXES and path.name != "course.py"
    return usual and path.is_file() and path.stat().st_size <= LARGEST


def definitions(path: Path) -> tuple[dict[str, Any], list[str]]:
    """The names that a file defines, and what went wrong on the way.

    Statements are run one by one, so that a mistake spoils only what needs it.
    """
    names: dict[str, Any] = {"__name__": "submission"}
    problems = []
    for number, source in _pieces(path):
        filename = f"<{path.name}, {number}>"
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
        try:
            statements = ast.parse(source).body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            problems.append(f"{number}: {type(error).__name__}: {error}")
            continue
        for statement in statements:
            if not isinstance(statement, KEPT):
                continue
            tree = ast.Module([statement], [])
            try:
                exec(compile(tree, filename, "exec"), names)
            except (Exception, SystemExit) as error:
                words = f"{type(error).__name__}: {error}"
                problems.append(f"{number}, line {statement.lineno}: {words}")
    return names, problems


def _pieces(path: Path) -> Iterator[tuple[str, str]]:
    """The cells of a notebook or of a text in percent format, or the whole file."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".ipynb":
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        sources = ["".join(cell["source"]) for cell in cells]
    else:
        sources = re.split(r"^# %%.*$", text, flags=re.MULTILINE)
    for i, source in enumerate(sources, 1):
        without_magic = re.sub(r"^\s*[%!].*$", "", source, flags=re.MULTILINE)
        yield (f"cell {i}" if len(sources) > 1 else path.name), without_magic
