"""Every declared exercise, by its number."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache

from . import exercises
from .exercise import Exercise

__all__ = ["declared", "find"]


@cache
def declared() -> dict[str, Exercise]:
    """All exercises, in the order of their files in `course/exercises` and of their lines."""
    found: dict[str, Exercise] = {}
    for module in sorted(pkgutil.iter_modules(exercises.__path__), key=lambda each: each.name):
        listed: Sequence[Exercise] = importlib.import_module(
            f"{exercises.__name__}.{module.name}"
        ).EXERCISES
        for exercise in listed:
            if exercise.number in found:
                raise ValueError(f"exercise {exercise.number} is declared twice")
            found[exercise.number] = exercise
    return found


def find(number: str) -> Exercise:
    """The exercise of a number.  Raises ValueError, which names those that are similar."""
    known = declared()
    if str(number) in known:
        return known[str(number)]
    beginning = str(number).partition(".")[0]
    near = [each for each in known if each.partition(".")[0] == beginning] or [*known]
    raise ValueError(f"there is no exercise {number!r}; there are {', '.join(near)}")
