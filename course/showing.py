"""Predictions, drawings and the engine's own lines, wherever a lesson runs."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.atomic_write import written_whole

from . import progress
from .lessons import FOLDER
from .stage import current, kernel, say

__all__ = ["reveal", "show", "source_of"]


def reveal(guess: Any, actual: Any) -> None:
    """Print what happens, beside what was guessed: `guess` is `...` as long as nothing was.

    Nothing is locked: a guess of None shows it too.

    >>> reveal(6, 6.0)
    You guessed 6, and it is 6. Right!
    >>> reveal(5, np.array([1.0, 2.0]))
    You guessed 5. It is [1, 2].
    >>> reveal(..., 6.0)
    Guess first: write it in place of `...` (or None, to see it without a guess).
    """
    stage = current()
    if stage is not None:
        return stage.reveal(guess, actual)
    if guess is ...:
        print("Guess first: write it in place of `...` (or None, to see it without a guess).")
    elif guess is None:
        say(f"It is {as_text(actual)}.")
    elif _agree(guess, actual):
        say(f"You guessed {as_text(guess)}, and it is {as_text(actual)}. Right!")
    else:
        say(f"You guessed {as_text(guess)}. It is {as_text(actual)}.")


def _agree(guess: Any, actual: Any) -> bool:
    try:
        return bool(np.allclose(np.asarray(guess, float), np.asarray(actual, float), 1e-2, 1e-9))
    except (ValueError, TypeError):
        return bool(str(guess).strip().lower() == str(actual).strip().lower())


def as_text(value: Any) -> str:
    """A number with four digits, an array with as many, text without quotes."""
    if isinstance(value, (bool, str)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(as_text, value)) + "]"
    if isinstance(value, np.ndarray):
        return as_text(value.tolist())
    return f"{value:.4g}" if isinstance(value, (int, float)) else str(value)


def show(drawing: Any, name: str) -> None:
    """Show a drawing of `draw_graph`: in a notebook in place, else as a page called `name`.

    An observed graph is the explorer, another one an image or, without Graphviz, a page of shapes.
    """
    stage = current()
    if stage is not None:
        return stage.show(drawing, name)
    if kernel() is not None:
        from IPython.display import display

        display(drawing)  # type: ignore[no-untyped-call, unused-ignore]
        return
    target = progress.folder() / "pages"
    target.mkdir(parents=True, exist_ok=True)
    path = target / f"{name}.html"
    with written_whole(path) as file:
        file.write(drawing.page().encode("utf-8"))
    say(f"{drawing!r}: open {path} in a browser")


def source_of(thing: Any, first: str = "", last: str = "") -> None:
    """Print the engine's own lines of a function, a class or an op, with file and line numbers.

    `first` and `last` are parts of the first and the last line to print; by default all are.
    Raises ValueError if there is no such line.
    """
    function = inspect.unwrap(thing)
    lines, start = inspect.getsourcelines(function)
    path = Path(inspect.getsourcefile(function) or "")
    begin = _index(lines, first, 0)
    end = _index(lines, last, begin) + 1 if last else len(lines)
    if path.is_relative_to(FOLDER.parent):
        path = path.relative_to(FOLDER.parent)
    say(f"{path.as_posix()}, from line {start + begin}:\n")
    say(inspect.cleandoc("\n" + "".join(lines[begin:end])))


def _index(lines: list[str], part: str, start: int) -> int:
    for i in range(start, len(lines)):
        if part in lines[i]:
            return i
    raise ValueError(f"no line with {part!r} was found in the source; did it change?")
