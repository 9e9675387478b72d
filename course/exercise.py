"""How an exercise is declared: what is drawn, who judges, which mistakes are expected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["RIGHT", "Arguments", "Exercise", "Judge", "Mistake"]

Arguments = Mapping[str, Any]
"""The arguments of one call, by name, in the order in which the function takes them."""

Judge = Callable[[Arguments, Any], str]
"""From the arguments and what the function returned for them to "right", or what is wrong."""

RIGHT = "right"


def _called(function: Any, *arguments: Any) -> Any:
    return function(*arguments)


@dataclass(frozen=True)
class Mistake:
    """A wrong function that learners write, and what is to be said about it.

    `verdict` is a part of what the judge says of it. Where a learner's function earns the same
    verdicts in all trials, the `explanation` is added.
    """

    function: Any
    verdict: str
    explanation: str = ""


@dataclass(frozen=True)
class Exercise:
    """One exercise: a function called `name`, checked on arguments that `draw` makes.

    `judge` says whether a result is right; see `judges` for those that take their reference from
    the engine or from finite differences. `use` is how the function is called, for a class for
    instance, and returns plain data: numbers, arrays, text, and lists, tuples and dicts of them.
    `hints` go from a question to the last step but one. An exercise that is not `published` has its
    solution nowhere in the repository.
    """

    number: str
    name: str
    draw: Callable[[np.random.Generator], Arguments]
    judge: Judge
    hints: tuple[str, ...]
    mistakes: tuple[Mistake, ...]
    use: Callable[..., Any] = _called
    task: str = ""
    published: bool = True

    def drawn(self, seed: int, trial: int) -> Arguments:
        """The arguments of a trial: the same for the same seed."""
        return self.draw(np.random.default_rng([seed, trial]))
