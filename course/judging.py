"""One verdict on a learner's function, from several calls with arguments that are drawn."""

from __future__ import annotations

import copy
import linecache
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .exercise import RIGHT, Arguments, Exercise
from .results import plain

__all__ = [
    "TRIALS",
    "Outcome",
    "Verdict",
    "called",
    "judged",
    "verdict",
    "verdict_on",
    "with_arguments",
]

TRIALS = 5
"""Calls with arguments of different values and shapes."""

LONGEST = 300
"""Characters of an argument that are shown."""


class Outcome(NamedTuple):
    """What a call gave: a value, or the words for why there is none."""

    value: Any = None
    problem: str = ""


class Verdict(NamedTuple):
    """Whether a function is right, and what is to be said: a sentence, and an explanation."""

    right: bool
    text: str
    explanation: str = ""


def verdict(exercise: Exercise, function: Any, seed: int = 0) -> Verdict:
    """Call the function on arguments of all trials, and say what is wrong in the first that fails.

    Where one of the mistakes that the exercise lists fails in the same words in every trial, the
    explanation of that mistake is part of the verdict.
    """
    return verdict_on(exercise, lambda trial: called(exercise, function, seed, trial), seed)


def verdict_on(exercise: Exercise, outcome_of: Callable[[int], Outcome], seed: int) -> Verdict:
    """The same for outcomes of calls that were made elsewhere, by the trial."""
    said = _said(exercise, outcome_of, seed)
    wrong = [trial for trial in range(TRIALS) if said[trial] != RIGHT]
    if not wrong:
        return Verdict(True, f"right, in {TRIALS} random cases")
    text = with_arguments(said[wrong[0]], exercise.drawn(seed, wrong[0]))
    for mistake in exercise.mistakes:
        same = partial(called, exercise, mistake.function, seed)
        if mistake.explanation and _said(exercise, same, seed) == said:
            return Verdict(False, text, mistake.explanation)
    return Verdict(False, text)


def _said(exercise: Exercise, outcome_of: Callable[[int], Outcome], seed: int) -> list[str]:
    """What is to be said of each trial."""
    return [judged(exercise, seed, trial, outcome_of(trial)) for trial in range(TRIALS)]


def called(exercise: Exercise, function: Any, seed: int, trial: int) -> Outcome:
    """What the function returns for the arguments of a trial, as plain data."""
    arguments = exercise.drawn(seed, trial)
    try:
        with np.errstate(all="ignore"):
            value = plain(exercise.use(function, *copy.deepcopy(arguments).values()))
    except NotImplementedError as error:
        if "still blank" in str(error):
            return Outcome(problem="still blank")
        return Outcome(problem=_raised(error))
    except (Exception, SystemExit) as error:
        return Outcome(problem=_raised(error))
    return Outcome(value)


def judged(exercise: Exercise, seed: int, trial: int, outcome: Outcome) -> str:
    """ "right", or what is wrong with an outcome."""
    if outcome.problem:
        return outcome.problem
    if outcome.value is None:
        return f"{exercise.name} returned None; is a `return` missing?"
    try:
        with np.errstate(all="ignore"):
            return exercise.judge(exercise.drawn(seed, trial), outcome.value)
    except Exception as error:  # data that the judge did not expect
        return f"the result cannot be judged: {error}"


def _raised(error: BaseException) -> str:
    """An error in a learner's function, with the last line of theirs that led to it."""
    said = traceback.format_exception_only(type(error), error)[-1].strip()
    if len(said) > 300:
        said = f"{said[:297]}..."
    own = [f for f in traceback.extract_tb(error.__traceback__) if _is_a_learners(f.filename)]
    if not own:
        return f"raised {said}"
    line = own[-1].line or linecache.getline(own[-1].filename, own[-1].lineno or 0).strip()
    return f"raised {said}\n    in line {own[-1].lineno}: {line}"


def _is_a_learners(filename: str) -> bool:
    ours = ("tinygrad_edu", "nn", "numpy", "course")
    parts = filename.replace("\\", "/").split("/")
    return not any(part in ours for part in parts[:-1]) or "out" in parts


def with_arguments(said: str, arguments: Arguments) -> str:
    """The words, and for which arguments: values where they are few, else shapes."""
    if said == "still blank":
        return said
    shown = ", ".join(f"{name} = {_value(value)}" for name, value in arguments.items())
    return f"{said}\n    with {shown}" if shown else said


def _value(value: Any) -> str:
    text = _short(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size > 4:
        return f"an array of shape {value.shape}"
    if isinstance(value, np.ndarray):
        return _short(value.tolist())
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        inside = ", ".join(map(_short, value))
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_short(each)}" for key, each in value.items()) + "}"
    return getattr(value, "__name__", "a function") if callable(value) else repr(value)
