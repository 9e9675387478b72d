"""What a learner has done: a file of their own, `progress.json` in the folder of their lessons."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TypedDict

from tinygrad_edu.atomic_write import written_whole

from .lessons import FOLDER

__all__ = ["Entry", "entry", "folder", "note", "read"]


class Entry(TypedDict):
    """What is known of an exercise: how often it was checked, whether with success, hints seen."""

    tries: int
    passed: bool
    hints: int


def folder() -> Path:
    """Where the learner's files are: `out/course` in the checkout, or $TINYGRAD_EDU_COURSE."""
    chosen = os.environ.get("TINYGRAD_EDU_COURSE")
    return Path(chosen) if chosen else FOLDER.parent / "out" / "course"


def read() -> dict[str, Entry]:
    """Progress by the number of the exercise; nothing if the file is missing or damaged."""
    try:
        given = json.loads((folder() / "progress.json").read_text(encoding="utf-8"))
        return {
            str(number): Entry(
                tries=int(entry["tries"]), passed=bool(entry["passed"]), hints=int(entry["hints"])
            )
            for number, entry in given.items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def entry(number: str) -> Entry:
    """What is known of one exercise."""
    return read().get(number) or Entry(tries=0, passed=False, hints=0)


def note(number: str, *, tries: int = 0, passed: bool = False, hints: int = 0) -> Entry:
    """Add to what is known of an exercise.  A folder that cannot be written to stops nobody."""
    before = entry(number)
    after = Entry(
        tries=before["tries"] + tries,
        passed=before["passed"] or passed,
        hints=before["hints"] + hints,
    )
    known = {**read(), number: after}
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with written_whole(folder() / "progress.json") as file:
            file.write(json.dumps(known, indent=1, sort_keys=True).encode())
    except OSError:
        pass
    return after
