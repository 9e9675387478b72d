"""Whether a `state_dict` fits a model, and how it differs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

__all__ = ["KeyDifference", "key_difference"]

Shapes = Mapping[str, tuple[int, ...]]


class KeyDifference(NamedTuple):
    """The names that a model or a state has and the other lacks."""

    missing: list[str]
    unexpected: list[str]


def key_difference(
    opening: str,
    model: Mapping[str, Any],
    state: Mapping[str, Any],
    strict: bool,
    hint: Callable[[Shapes, Shapes], str | None] = lambda own, given: None,
) -> KeyDifference:
    """The names that differ between a model's own arrays and those of a state.

    Raises ValueError with all that differs if shapes do, or if names do and `strict`; `hint` may
    add a line, from the shapes of the names that have other shapes.

    >>> w, b = np.ones(2), np.ones(1)
    >>> key_difference("no fit:", {"w": w}, {"w": w, "b": b}, strict=False)
    KeyDifference(missing=[], unexpected=['b'])
    """
    own, given = ({name: np.shape(a) for name, a in arrays.items()} for arrays in (model, state))
    missing = [name for name in own if name not in given]
    unexpected = [name for name in given if name not in own]
    wrong = [name for name in own if name in given and given[name] != own[name]]
    if wrong or (strict and (missing or unexpected)):
        last = hint({n: own[n] for n in wrong}, {n: given[n] for n in wrong})
        shapes = [f"{n} {own[n]} in the model, {given[n]} given" for n in wrong]
        lines = [
            *_listed("missing, in the model only", [f"{n} {own[n]}" for n in missing]),
            *_listed("unexpected", [f"{n} {given[n]}" for n in unexpected]),
            *_listed("other shapes", shapes),
            last or ("" if wrong else "strict=False loads the names that both have"),
        ]
        raise ValueError("\n".join([opening, *lines]).rstrip())
    return KeyDifference(missing, unexpected)


def _listed(title: str, lines: list[str], most: int = 10) -> list[str]:
    more = [f"... and {len(lines) - most} more"] if len(lines) > most else []
    return [f"  {title}:", *(f"    {line}" for line in lines[:most] + more)] if lines else []
