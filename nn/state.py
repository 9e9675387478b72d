"""Whether a state fits a model, and how it differs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

Shapes = Mapping[str, tuple[int, ...]]


class KeyDifference(NamedTuple):
    """The names that a model or a state has and the other lacks."""

    missing: list[str]
    unexpected: list[str]


def compare(
    opening: str,
    own: Shapes,
    given: Shapes,
    strict: bool,
    hint: Callable[[list[str]], str | None] = lambda wrong: None,
) -> KeyDifference:
    """The names that differ between a model's own shapes and those of a state.

    Raises ValueError with all that differs if shapes do, or if names do and `strict`; `hint` may
    add a line, from the names of other shapes.

    >>> compare("no fit:", {"w": (2,)}, {"w": (2,), "b": (1,)}, strict=False)
    KeyDifference(missing=[], unexpected=['b'])
    """
    difference = KeyDifference(
        missing=[name for name in own if name not in given],
        unexpected=[name for name in given if name not in own],
    )
    wrong = [name for name in own if given.get(name, own[name]) != own[name]]
    if not wrong and not (strict and any(difference)):
        return difference
    lines = [
        opening,
        *_listed("missing, in the model only", [f"{n} {own[n]}" for n in difference.missing]),
        *_listed("unexpected", [f"{n} {given[n]}" for n in difference.unexpected]),
        *_listed("other shapes", [f"{n} {own[n]} in the model, {given[n]} given" for n in wrong]),
    ]
    lines.append(hint(wrong) or ("" if wrong else "strict=False loads the names that both have"))
    raise ValueError("\n".join(lines).rstrip())


def _listed(title: str, lines: list[str], most: int = 10) -> list[str]:
    if not lines:
        return []
    more = [f"... and {len(lines) - most} more"] if len(lines) > most else []
    return [f"  {title}:", *(f"    {line}" for line in lines[:most] + more)]
