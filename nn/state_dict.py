"""Whether a state fits what it is loaded into: its names, its kinds of values, its shapes.

A state comes from a file that anybody may have written.  What it may hold is declared by the state
of the object itself, and `like` is the one place where both are compared.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.errors import printable

__all__ = ["KeyDifference", "all_or_nothing", "generator_state", "key_difference", "like", "same"]


class KeyDifference(NamedTuple):
    """The names that a model or a state has and the other lacks."""

    missing: list[str]
    unexpected: list[str]


def key_difference(
    opening: str, model: Mapping[str, Any], state: Mapping[str, Any], strict: bool, hint: str = ""
) -> KeyDifference:
    """The names that differ between a model's own arrays and those of a state.

    Raises ValueError with all that differs, and the hint, if shapes or kinds of dtypes do, or if
    names do and `strict`.

    >>> w, b = np.ones(2), np.ones(1)
    >>> key_difference("no fit:", {"w": w}, {"w": w, "b": b}, strict=False)
    KeyDifference(missing=[], unexpected=['b'])
    """
    own, given = ({name: np.shape(a) for name, a in arrays.items()} for arrays in (model, state))
    missing = [name for name in own if name not in given]
    unexpected = [name for name in given if name not in own]
    wrong = [name for name in own if name in given and given[name] != own[name]]
    dtypes = [name for name in own if name in given and not _can_hold(model[name], state[name])]
    if wrong or dtypes or (strict and (missing or unexpected)):
        lines = [
            *_listed("missing, in the model only", [f"{n} {own[n]}" for n in missing]),
            *_listed("unexpected", [f"{n} {given[n]}" for n in unexpected]),
            *_listed("other shapes", [_pair(n, own[n], given[n]) for n in wrong]),
            *_listed(
                "other kinds of values",
                [_pair(n, np.asarray(model[n]).dtype, np.asarray(state[n]).dtype) for n in dtypes],
            ),
            hint or ("" if wrong or dtypes else "strict=False loads the names that both have"),
        ]
        raise ValueError("\n".join([opening, *lines]).rstrip())
    return KeyDifference(missing, unexpected)


def _can_hold(own: Any, given: Any) -> bool:
    """Whether an array can be set to another: to numbers, and integers to integers."""
    own, given = np.asarray(own).dtype.kind, np.asarray(given).dtype.kind
    return given in "biu" or given == own == "f"


def _pair(name: str, own: Any, given: Any) -> str:
    return f"{name} {own} in the model, {given} given"


def _listed(title: str, lines: list[str], most: int = 10) -> list[str]:
    more = [f"... and {len(lines) - most} more"] if len(lines) > most else []
    shown = [f"    {printable(line)}" for line in lines[:most] + more]
    return [f"  {title}:", *shown] if lines else []


def like(own: Any, given: Any, name: str = "the state") -> Any:
    """A copy of `given`, which must be of the kind of `own` all the way down.

    Numbers may be integers or not; arrays have the same shape, tuples the same length, dicts the
    same keys.  What declares nothing may be anything: None, and what an empty list or dict holds.
    Raises ValueError with the name of the first value that is of another kind.

    >>> like({"best": 0.0, "waited": 0}, {"best": 0.5, "waited": "long"})
    Traceback (most recent call last):
        ...
    ValueError: waited should be a number, and is of type str
    """
    if isinstance(own, Mapping) and isinstance(given, Mapping):
        if own and given.keys() != own.keys():
            raise ValueError(
                f"{name} has {printable(', '.join(map(str, given))) or 'nothing'}, where "
                f"{', '.join(map(str, own))} are expected"
            )
        return {key: like(own.get(key), value, printable(str(key))) for key, value in given.items()}
    if isinstance(own, (list, tuple)) and type(given) is type(own):
        if isinstance(own, tuple) and len(given) != len(own):
            raise ValueError(f"{name} has {len(given)} values, where {len(own)} are expected")
        kinds = own if isinstance(own, tuple) else own[:1] * len(given) or [None] * len(given)
        items = enumerate(zip(kinds, given, strict=True))
        return type(own)(like(kind, item, f"{name}[{i}]") for i, (kind, item) in items)
    if isinstance(own, np.ndarray) and isinstance(given, np.ndarray):
        if given.shape != own.shape:
            raise ValueError(f"{name} has shape {given.shape}, where {own.shape} is expected")
        if not _can_hold(own, given):
            raise ValueError(f"{name} holds {given.dtype}, where {own.dtype} is expected")
        return np.array(given)
    number = isinstance(own, Real) and not isinstance(own, bool)
    right = isinstance(given, Real) and not isinstance(given, bool) if number else None
    if own is not None and not (type(given) is type(own) if right is None else right):
        kind = "a number" if number else f"of type {type(own).__name__}"
        raise ValueError(f"{name} should be {kind}, and is of type {type(given).__name__}")
    return copy.deepcopy(given)


def same(one: Any, other: Any) -> bool:
    """Whether two states are equal, their arrays bit for bit."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray):
        return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    return bool(one == other or (one != one and other != other))


def generator_state(generator: np.random.Generator, given: Any) -> dict[str, Any]:
    """A copy of a state that the generator can take.  Raises ValueError for any other."""
    own = generator.bit_generator
    kind, here = isinstance(given, Mapping) and given.get("bit_generator"), type(own).__name__
    if isinstance(kind, str) and kind != here:
        raise ValueError(
            f"the random numbers were those of {kind}, and are those of {here} here; seed them as "
            "then, by nn.manual_seed or by np.random.seed"
        )
    state: dict[str, Any] = like(own.state, given, "the state of the random generator")
    # NumPy takes positions as they are, and would read outside of its memory
    for place, name, most in ((state["state"], "pos", 624), (state, "buffer_pos", 4)):
        if not 0 <= place.get(name, 0) <= most:
            raise ValueError(f"{name} of the random generator is {place[name]}, not 0 to {most}")
    trial = type(own)()
    try:
        trial.state = state
    except Exception as error:
        raise ValueError(f"the state of the random generator cannot be set: {error}") from None
    ours, theirs = (json.dumps(s, default=lambda a: a.tolist()) for s in (trial.state, state))
    if ours != theirs:
        raise ValueError("the state of the random generator holds numbers that it cannot have")
    return state


@contextmanager
def all_or_nothing(*parts: Any) -> Iterator[None]:
    """If the block raises, all parts get back their attributes, and an optimizer its options."""
    given = [part for part in parts if part is not None]
    for part in given:
        given.extend(getattr(part, "schedulers", ()))  # and what those hold
    dicts = [vars(part) for part in given]
    dicts += [group for part in given for group in getattr(part, "groups", ())]
    before = [each.copy() for each in dicts]
    try:
        yield
    except BaseException:
        for each, old in zip(dicts, before, strict=True):
            each.clear()
            each.update(old)
        raise
