"""`check`, `hint` and `solution`: in a notebook, in a script and in a terminal alike."""

from __future__ import annotations

from typing import Any

from . import progress
from .catalog import declared, find
from .exercise import Exercise
from .judging import Verdict, verdict
from .lessons import solution_of
from .stage import current, say

__all__ = ["check", "hint", "report", "solution"]


def check(number: str, function: Any, *, seed: int = 0) -> None:
    """Call a function on random arguments, and print whether it is right, or what is wrong.

    `number` is that of the exercise, as "1.2", and `function` the function itself, or the class,
    that the exercise asks for. Another `seed` draws other arguments. Raises ValueError for an
    unknown number, and TypeError if what is given cannot be called.
    """
    stage = current()
    if stage is not None:
        return stage.check(number, function)
    exercise = find(number)
    if not callable(function):
        raise TypeError(
            f'check takes the function itself: check("{number}", {exercise.name}), not what it '
            f"returned ({type(function).__name__})"
        )
    found = verdict(exercise, function, seed)
    noted = progress.note(number, tries=1, passed=found.right)
    say(report(exercise, found, noted["hints"]))


def report(exercise: Exercise, found: Verdict, hints: int) -> str:
    """The lines that `check` prints."""
    name = f"{exercise.number} {exercise.name}"
    if found.right:
        return f"{name}: {found.text}.{_next(exercise.number)}"
    if found.text == "still blank":
        lines = [
            f"{name} is still blank: replace its line `raise NotImplementedError(...)` by yours, "
            "and run this again."
        ]
    else:
        lines = [f"{name}: not yet. {found.text}"]
    if found.explanation:
        lines.append(f"    {found.explanation}")
    left = len(exercise.hints) - hints
    more = f'hint("{exercise.number}") gives {"a" if hints == 0 else "another"} hint'
    shown = f'solution("{exercise.number}") shows a solution' if exercise.published else ""
    lines.append("    " + "; ".join(filter(None, [more if left > 0 else "", shown])) + ".")
    return "\n".join(lines)


def _next(number: str) -> str:
    """Which exercise of the lesson is next."""
    lesson = [each for each in declared() if each.partition(".")[0] == number.partition(".")[0]]
    left = [each for each in lesson if not progress.entry(each)["passed"]]
    return f" Next: {left[0]}." if left else " That was the last one of this lesson."


def hint(number: str) -> None:
    """Print the next hint of an exercise; after the last, all of them.

    Raises ValueError for an unknown number.
    """
    exercise = find(number)
    seen = progress.entry(number)["hints"]
    if seen < len(exercise.hints):
        progress.note(number, hints=1)
        lines = [f"Hint {seen + 1} of {len(exercise.hints)}: {exercise.hints[seen]}"]
    else:
        lines = [f"Hint {i}: {text}" for i, text in enumerate(exercise.hints, 1)]
    if seen + 1 >= len(exercise.hints) and exercise.published:
        lines.append(f'All hints are told; solution("{number}") shows a solution.')
    say("\n".join(lines))


def solution(number: str) -> None:
    """Print a solution of an exercise.  Raises ValueError for an unknown number."""
    exercise = find(number)
    code = solution_of(exercise.number) if exercise.published else None
    say(code or f"{number} is for you alone: its solution is nowhere written.")
