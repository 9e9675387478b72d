"""Where a lesson plays: in a terminal, a notebook, a page that is being made, or a test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tinygrad_edu.errors import printable

__all__ = ["Stage", "current", "kernel", "say", "staged"]


@dataclass
class Stage:
    """What replaces `check`, `reveal` and `show` where a lesson runs without a learner."""

    check: Callable[[str, Any], None]
    reveal: Callable[[Any, Any], None]
    show: Callable[[Any, str], None]


_stages: list[Stage] = []


def current() -> Stage | None:
    """The stage of a page or a test; None where a learner runs the lesson."""
    return _stages[-1] if _stages else None


@contextmanager
def staged(stage: Stage) -> Iterator[None]:
    """Run lessons on this stage."""
    _stages.append(stage)
    try:
        yield
    finally:
        _stages.pop()


def kernel() -> Any:
    """The shell of a notebook's kernel, None in a terminal and in a script."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell if hasattr(shell, "kernel") else None


def say(text: str) -> None:
    """Print lines, with what the terminal cannot show as escape sequences."""
    print("\n".join(map(printable, text.split("\n"))))
