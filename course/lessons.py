"""The lessons: text notebooks in percent format, with the solutions between markers.

# %%
def double(x):
    \"\"\"2 x.\"\"\"
    # solution 1.1
    return 2 * x
    # end


check("1.1", double)
"""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

__all__ = ["FOLDER", "Cell", "Lesson", "blank", "cells", "lessons", "relinked", "solution_of"]

FOLDER = Path(__file__).parent
SOLUTION = re.compile(r"^( *)# solution (\S+)\n(.*?)^ *# end\n", re.MULTILINE | re.DOTALL)
MARKERS = re.compile(r"^ *# (?:solution \S+|end)\n", re.MULTILINE)
CHECK = re.compile(r"\n*^check\(.*?\)$", re.MULTILINE)


class Cell(NamedTuple):
    """A cell of a notebook: "markdown" or "code", and its text."""

    kind: str
    source: str


class Lesson(NamedTuple):
    """A lesson by its number, its file and its title."""

    number: int
    path: Path
    title: str

    @property
    def text(self) -> str:
        """The source, solutions included."""
        return self.path.read_text(encoding="utf-8")

    @property
    def stripped(self) -> str:
        """What a learner gets: blanks in the place of solutions."""
        return SOLUTION.sub(blank, self.text)

    @property
    def exercises(self) -> list[str]:
        """The numbers of its exercises, in the order in which they stand."""
        return list(dict.fromkeys(re.findall(r'^check\("([^"]+)"', self.text, re.MULTILINE)))


def blank(match: re.Match[str]) -> str:
    """What stands in the place of a solution."""
    return f'{match[1]}raise NotImplementedError("{match[2]} is still blank")  # your lines here\n'


@cache
def lessons() -> dict[int, Lesson]:
    """All lessons by their number."""
    found = {}
    for path in sorted(FOLDER.glob("[0-9][0-9]_*.py")):
        title = re.search(r"^# # (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        name = title[1] if title else path.stem
        found[int(path.stem[:2])] = Lesson(int(path.stem[:2]), path, name)
    return found


def cells(text: str) -> list[Cell]:
    """The cells of a text in percent format.

    >>> cells("# %% [markdown]\\n# # Title\\n\\n# %%\\nx = 1\\n")
    [Cell(kind='markdown', source='# Title'), Cell(kind='code', source='x = 1')]
    """
    found = []
    for part in re.split(r"^# %%", text, flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        if head.strip() == "[markdown]":
            found.append(Cell("markdown", re.sub(r"^# ?", "", body, flags=re.MULTILINE).strip()))
        else:
            found.append(Cell("code", body.strip()))
    return found


def solution_of(number: str) -> str | None:
    """The solution of an exercise, from its lesson; None if it is in none."""
    for lesson in lessons().values():
        for cell in cells(lesson.text):
            if number in [found[1] for found in SOLUTION.findall(cell.source + "\n")]:
                return MARKERS.sub("", CHECK.sub("", cell.source) + "\n").strip()
    return None


def relinked(text: str, folder: Path, lesson: str, document: str = ".md") -> str:
    """The text with links as they are from a folder, where lessons and documents end so."""

    def new(match: re.Match[str]) -> str:
        target, hash_, heading = match[1].partition("#")
        if "://" in target or not target:
            return match[0]
        if re.fullmatch(r"\d\d_\w+\.py", target):
            target = target.removesuffix(".py") + lesson
        else:
            target = Path(os.path.relpath(FOLDER / target, folder)).as_posix()
            target = re.sub(r"\.md$", document, target)
        return f"]({target}{hash_}{heading})"

    return re.sub(r"\]\(([^)\s]+)\)", new, text)
