"""Writes what learners get, without solutions: `python -m course.build`, or `make course`.

To `out/course` go the lessons as scripts and as notebooks, and as pages to read on request. A file
that a learner has changed is left as it is.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tinygrad_edu.atomic_write import written_whole

from . import progress
from .lessons import FOLDER, Lesson, cells, lessons, relinked
from .pages import index, page

__all__ = ["build", "build_site", "main", "notebook"]

ROOT = FOLDER.parent
WRITTEN = ".written.json"
SHIM = '''"""Finds the package `course` in the checkout that this folder was made from."""

import importlib
import sys
from pathlib import Path

sys.path.insert(0, str((Path(__file__).parent / {root!r}).resolve()))
sys.modules.pop("course", None)
sys.path_importer_cache.clear()
sys.modules["course"] = importlib.import_module("course")
'''


def build(numbers: Sequence[int] | None = None, pages: bool = False) -> list[Path]:
    """Write the lessons of these numbers, or all, and return the files that were kept as they are.

    Those are the files that the learner has changed since.
    """
    folder = progress.folder()
    folder.mkdir(parents=True, exist_ok=True)
    writer = _Writer(folder)
    shim = SHIM.format(root=Path(os.path.relpath(ROOT, folder)).as_posix())
    writer.write("course.py", shim)
    for number, lesson in lessons().items():
        if numbers is None or number in numbers:
            writer.write(lesson.path.name, relinked(lesson.stripped, folder, ".py"))
            writer.write(f"{lesson.path.stem}.ipynb", notebook(lesson, folder))
            if pages:
                writer.write(f"{lesson.path.stem}.html", page(lesson, folder))
    if pages:
        writer.write("index.html", index())
    writer.finish()
    return writer.kept


def build_site(folder: Path) -> None:
    """Write the pages for a site that mirrors the repository, with documents as .html.

    `folder` is its folder `course`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        f"{each.path.stem}.html": page(each, FOLDER, ".html") for each in lessons().values()
    }
    for name, content in {"index.html": index(), **contents}.items():
        with written_whole(folder / name) as file:
            file.write(content.encode("utf-8"))


def notebook(lesson: Lesson, folder: Path) -> str:
    """The stripped lesson as a notebook."""
    made: list[dict[str, Any]] = []
    for i, cell in enumerate(cells(relinked(lesson.stripped, folder, ".ipynb"))):
        entry: dict[str, Any] = {"id": f"cell-{i}", "cell_type": cell.kind, "metadata": {}}
        entry["source"] = cell.source.splitlines(keepends=True)
        if cell.kind == "code":
            entry |= {"execution_count": None, "outputs": []}
        made.append(entry)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    book = {"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, ensure_ascii=False, indent=1) + "\n"


class _Writer:
    """Writes files, except over those that are no longer what it wrote the last time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept: list[Path] = []
        try:
            self.written = dict(json.loads((folder / WRITTEN).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            self.written = {}

    def write(self, name: str, content: str) -> None:
        path, data = self.folder / name, content.encode("utf-8")
        before = path.read_bytes() if path.exists() else None
        if before is not None and before != data and _hash(before) != self.written.get(name):
            self.kept.append(path)
            return
        if before != data:
            with written_whole(path) as file:
                file.write(data)
        self.written[name] = _hash(data)

    def finish(self) -> None:
        with written_whole(self.folder / WRITTEN) as file:
            file.write(json.dumps(self.written, indent=1, sort_keys=True).encode())


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def main(arguments: Sequence[str] | None = None) -> None:
    """Write all lessons, and say what was left as it is."""
    parser = argparse.ArgumentParser("python -m course.build", description=__doc__)
    parser.add_argument("lessons", nargs="*", type=int, help="their numbers; by default all")
    parser.add_argument("--site", type=Path, metavar="FOLDER", help="only the pages, for a site")
    parser.add_argument("--no-pages", action="store_true", help="no pages, which takes seconds")
    given = parser.parse_args(arguments)
    if given.site:
        return build_site(given.site)
    kept = build(given.lessons or None, pages=not given.no_pages)
    print(f"The lessons are in {progress.folder()}; `python -m course` lists them.")
    for path in kept:
        print(f"kept {path.name}, which you have changed; to get a new one, rename yours")


if __name__ == "__main__":
    main()
