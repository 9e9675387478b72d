"""`python -m course`: the lessons and your progress; `python -m course 5` opens lesson 5."""

from __future__ import annotations

import argparse
import subprocess
import sys
import webbrowser
from collections.abc import Sequence
from importlib.util import find_spec

from tinygrad_edu.errors import printable
from tinygrad_edu.tables import text_table

from . import progress
from .build import build
from .checking import hint, solution
from .lessons import Lesson, lessons

__all__ = ["listed", "main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line: list the lessons, open one, or print a hint or a solution."""
    parser = argparse.ArgumentParser("python -m course", description=__doc__)
    parser.add_argument("what", nargs="*", metavar="5 | hint 5.2 | solution 5.2")
    parser.add_argument("--pages", action="store_true", help="a page, also if there is JupyterLab")
    parser.add_argument("--no-browser", action="store_true", help="only say what would be opened")
    given = parser.parse_args(arguments)
    try:
        if not given.what:
            print(listed())
        elif given.what[0] in ("hint", "solution") and len(given.what) == 2:
            (hint if given.what[0] == "hint" else solution)(given.what[1])
        elif len(given.what) == 1 and given.what[0].isdecimal():
            _open(_lesson(int(given.what[0])), given.pages, not given.no_browser)
        else:
            parser.error("give the number of a lesson, or hint or solution and an exercise")
    except (ValueError, OSError) as error:
        parser.exit(2, f"{parser.prog}: {printable(str(error))}\n")


def listed() -> str:
    """The table of lessons, with the exercises that were solved."""
    known = progress.read()
    rows = [("lesson", "exercises", "solved")]
    for lesson in lessons().values():
        numbers = lesson.exercises
        done = [n for n in numbers if n in known and known[n]["passed"]]
        left = [n for n in numbers if n not in done]
        state = "all" if not left else f"{len(done)}, next is {left[0]}"
        rows.append((lesson.title, str(len(numbers)), state if known else "-"))
    return f"{text_table(rows, 'lrl')}\n\n`python -m course 1` opens lesson 1."


def _lesson(number: int) -> Lesson:
    known = lessons()
    if number not in known:
        raise ValueError(f"there is no lesson {number}; there are {min(known)} to {max(known)}")
    return known[number]


def _open(lesson: Lesson, as_page: bool, browser: bool) -> None:
    """In JupyterLab if it is installed, else as a page beside the script to edit."""
    laboratory = find_spec("jupyterlab") is not None and not as_page
    build([lesson.number], pages=not laboratory)
    folder = progress.folder()
    if laboratory:
        command = [sys.executable, "-m", "jupyterlab", f"{lesson.path.stem}.ipynb"]
        print(f"{folder / command[-1]} opens in JupyterLab; Ctrl-C here ends it", flush=True)
        if browser:
            subprocess.run(command, cwd=folder, check=False)
        return
    page = folder / f"{lesson.path.stem}.html"
    print(f"read {page}\nedit {folder / lesson.path.name}, and run it with Python")
    if browser:
        webbrowser.open(page.resolve().as_uri())


if __name__ == "__main__":
    main()
