"""Parts of a recording that repeat: equal steps, forward and backward, on other arrays.

A repetition is found by comparing the steps themselves: ops, static arguments, shapes, dtypes and
which result goes where. Module paths only decide where one repetition ends and the next begins.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from .recording import Step, Value, filled, values_in

LEAST_SAVED = 4
"""Steps that a function has to save to be worth its name."""

NEARLY = 0.6
"""Whole modules are preferred to parts that save up to this much more."""

MOST_RUNS = 60
"""Runs of repetitions that are looked at, the longest ones."""

MOST_STARTS = 4
"""Where a run of repetitions is tried to begin, before it is given up."""


class Unit:
    """One repetition: its steps, and `values`, which of its Values stands for one of the first's.

    `backward` has a key for each step: of which forward step, for which operand, and what it does.
    """

    def __init__(self, forward: list[Step]) -> None:
        self.forward = forward
        self.backward: dict[Any, Step] = {}
        self.values: dict[Value, Value] = {}
        self.outs: list[str] = []  # variables for what its calls return
        self.saved: list[str] = []
        self.slopes = ""

    def steps(self) -> list[Step]:
        return [*self.forward, *self.backward.values()]

    def made(self) -> set[Value]:
        """What its steps compute."""
        return {out for step in self.steps() for out in step.outs}

    def match(self, other: Unit, flags: Callable[[Step], Any]) -> dict[Value, Value] | None:
        """The other unit's Value for each of this one's, or None if they differ.

        Backward steps that the other does not have are allowed, if it has what they read.
        """
        found = _Matching(self.made(), other.made(), flags)
        for s, t in zip(self.forward, other.forward, strict=True):
            if not found.step(s, t):
                return None
        if not set(other.backward) <= set(self.backward):
            return None
        for key, s in self.backward.items():
            if key in other.backward and not found.step(s, other.backward[key]):
                return None
        values = found.values
        read = (v for step in self.steps() for v in values_in([step.args, step.kwargs]))
        known = all(v in values or v in found.inside or is_literal(v) for v in read)
        return values if known else None


class _Matching:
    """A one-to-one relation between the Values of two units."""

    def __init__(self, inside: set[Value], other: set[Value], flags: Callable[[Step], Any]) -> None:
        self.inside, self.other = inside, other
        self.flags = flags
        self.values: dict[Value, Value] = {}
        self.back: dict[Value, Value] = {}

    def step(self, s: Step, t: Step) -> bool:
        same = s.function is t.function and s.role == t.role and len(s.outs) == len(t.outs)
        same = same and self.flags(s) == self.flags(t)
        if not (same and self._equal([s.args, s.kwargs], [t.args, t.kwargs])):
            return False
        for v, w in zip(s.outs, t.outs, strict=True):
            if _kind(v) != _kind(w):
                return False
            self.values[v], self.back[w] = w, v
        return True

    def _equal(self, a: Any, b: Any) -> bool:
        if isinstance(a, Value):
            return isinstance(b, Value) and self._related(a, b)
        if type(a) is not type(b):
            return False
        if isinstance(a, (list, tuple)):
            return len(a) == len(b) and all(map(self._equal, a, b))
        if isinstance(a, dict):
            return a.keys() == b.keys() and all(self._equal(a[k], b[k]) for k in a)
        if isinstance(a, slice):
            return self._equal([a.start, a.stop, a.step], [b.start, b.stop, b.step])
        return a is b or repr(a) == repr(b)

    def _related(self, v: Value, w: Value) -> bool:
        if v in self.values or w in self.back:
            return self.values.get(v) is w
        if v in self.inside or w in self.other or _kind(v) != _kind(w):
            return False
        if is_literal(v) or is_literal(w):
            return is_literal(v) and is_literal(w) and _bytes(v) == _bytes(w)
        self.values[v], self.back[w] = w, v
        return True


def _kind(value: Value) -> Any:
    array = np.asarray(value.array)
    return array.shape, array.dtype


def _bytes(value: Value) -> bytes:
    return np.asarray(value.array).tobytes()


def is_literal(value: Value) -> bool:
    """Whether a program writes a Value as a number."""
    return value.kind == "constant" and np.ndim(value.array) == 0 and not value.captured


class Repetition:
    """Units that are equal; `template` is the one that computes most, and is written down."""

    def __init__(self, units: list[Unit], template: Unit) -> None:
        self.units = units
        self.template = template
        steps = (unit.forward for unit in units[:2])
        self.modules = any(s.scope != t.scope for s, t in zip(*steps, strict=True))
        self.used: set[Value] = set()  # what of a template's results is read outside of it

    def find_used(self, steps: list[Step], results: set[Value]) -> None:
        """Note which results are read by other steps than the unit's own, or are asked for."""
        readers: dict[Value, list[Step]] = defaultdict(list)
        for step in steps:
            for value in values_in([step.args, step.kwargs]):
                readers[value].append(step)
        for unit in self.units:
            forward = set(unit.forward)
            own = set(unit.steps())
            made = {v for step in unit.forward for v in step.outs}
            back = {w: v for v, w in unit.values.items()}
            for value in unit.made():
                inner = own if value in made else own - forward
                if value in results or any(s not in inner for s in readers[value]):
                    self.used.add(back[value])


def repetitions(
    forward: list[Step],
    backward: list[Step],
    results: set[Value],
    flags: Callable[[Step], Any] = lambda step: None,
) -> list[Repetition]:
    """The repetitions that save most, in which no step occurs twice."""
    by_origin: dict[Step, list[Step]] = defaultdict(list)
    copies: dict[Value, Step] = {}
    for step in backward:
        if step.origin is not None and step.role != "zeros":
            by_origin[step.origin].append(step)
        elif step.role == "copy":
            copies[step.args[0]] = step
    taken: set[Step] = set()
    found = []
    for starts, period in _candidates(forward):
        spans = [forward[i : i + period] for i in starts]
        spans = [steps for steps in spans if taken.isdisjoint(steps)]
        made = _matched(_units(spans), by_origin, copies, flags)
        if made is not None:
            made.find_used([*forward, *backward], results)
            found.append(made)
            taken.update(step for unit in made.units for step in unit.forward)
    return found


def _candidates(forward: list[Step]) -> list[tuple[list[int], int]]:
    """Where equal parts begin and how long they are, those first that save most."""
    numbers: dict[str, int] = {}
    signs = np.array([numbers.setdefault(_sign(step), len(numbers)) for step in forward])
    found: dict[bytes, tuple[int, int, list[int], int]] = {}
    for start, period, length in _runs(signs):
        for first, depth in _starts(forward, start, period, length):
            pattern = signs[first : first + period]
            if pattern.tobytes() not in found:
                starts = _occurrences(signs, pattern, first)
                saved = (len(starts) - 1) * period
                found[pattern.tobytes()] = saved, depth, starts, period
    least = NEARLY * max((each[0] for each in found.values()), default=0)
    order = sorted(
        found.values(), key=lambda each: (each[0] < least, each[0] > least and each[1], -each[0])
    )
    return [(starts, period) for _, _, starts, period in order]


def _runs(signs: Any) -> list[tuple[int, int, int]]:
    """(start, period, length) where a step is like the one a period later, the best ones."""
    found = []
    for period in range(2, len(signs) // 2 + 1):
        equal = np.concatenate([[False], signs[:-period] == signs[period:], [False]])
        ends = np.flatnonzero(equal[1:] != equal[:-1])
        for start, end in zip(ends[::2], ends[1::2], strict=True):
            if end - start >= period:
                saved = int(end - start) // period * period
                found.append((-saved, period, int(start), int(end - start)))
    return [(start, period, length) for _, period, start, length in sorted(found)[:MOST_RUNS]]


def _sign(step: Step) -> str:
    """The same for steps that are alike but for their static arguments."""
    arrays = [_kind(v) for v in values_in([step.args, step.kwargs])]
    kinds = [type(each).__name__ for each in step.args]
    return repr((id(step.function), step.role, kinds, arrays, [_kind(out) for out in step.outs]))


def _occurrences(signs: Any, pattern: Any, first: int) -> list[int]:
    """Where a pattern stands, without overlaps, counted from `first` on and back from it."""
    period = len(pattern)
    windows = np.lib.stride_tricks.sliding_window_view(signs, period)
    places = np.flatnonzero((windows == pattern).all(axis=1)).tolist()
    after: list[int] = []
    for place in places:
        if place >= first and (not after or place >= after[-1] + period):
            after.append(place)
    before: list[int] = []
    for place in reversed(places):
        if place + period <= (before[-1] if before else first):
            before.append(place)
    return [*reversed(before), *after]


def _units(spans: list[list[Step]]) -> list[Unit]:
    """Units of the steps that are equal in all spans; the others are done before each.

    There are none if these need what a unit computes, or if the spans are neither of several
    modules nor a chain, of which each reads what the one before has computed.
    """
    if len(spans) < 2:
        return []
    statics = [[repr(filled([s.args, s.kwargs], _kind)) for s in steps] for steps in spans]
    equal = [len(set(column)) == 1 for column in zip(*statics, strict=True)]
    units = []
    for steps in spans:
        unit = Unit([s for s, same in zip(steps, equal, strict=True) if same])
        others = [s for s, same in zip(steps, equal, strict=True) if not same]
        if not unit.made().isdisjoint(_read(others)) or any(s.role == "effect" for s in others):
            return []
        units.append(unit)
    first, second = spans[:2]
    modules = any(s.scope != t.scope for s, t in zip(first, second, strict=True))
    chained = not {out for s in first for out in s.outs}.isdisjoint(_read(second))
    return units if modules or chained else []


def _read(steps: list[Step]) -> list[Value]:
    return [v for step in steps for v in values_in([step.args, step.kwargs])]


def _starts(forward: list[Step], start: int, period: int, length: int) -> list[tuple[int, int]]:
    """First steps of a run's repetitions, those first that cut it at the borders of modules.

    With each, how many modules both sides of a cut between two repetitions have in common.
    """
    count = length // period + 1
    slack = length + period - count * period
    found = []
    for first in range(start, start + slack + 1):
        cuts = [first + i * period for i in range(count + 1)]
        cuts = [i for i in cuts if 0 < i < len(forward)]
        depth = sum(_common(forward[i - 1].scope, forward[i].scope) for i in cuts)
        reads = any(v.kind == "captured" for v in values_in(forward[first].args))
        inner = _common(forward[cuts[-2]].scope, forward[cuts[-2] - 1].scope) if cuts[1:] else 0
        found.append((depth, not reads, first, inner))
    return [(first, inner) for _, _, first, inner in sorted(found)[:MOST_STARTS]]


def _common(a: str, b: str) -> int:
    """How many modules two paths have in common."""
    pairs = zip(a.split("."), b.split("."), strict=False)
    parts = 0
    for x, y in pairs:
        if x != y or not x:
            break
        parts += 1
    return parts


def _matched(
    units: list[Unit],
    by_origin: dict[Step, list[Step]],
    copies: dict[Value, Step],
    flags: Callable[[Step], Any],
) -> Repetition | None:
    for unit in units:
        for offset, step in reversed(list(enumerate(unit.forward))):
            for each in by_origin[step]:
                key: tuple[Any, ...] = (offset, each.position, each.role)
                while key in unit.backward:
                    key += ("",)
                unit.backward[key] = each
    _hoist(units)
    for unit in units:
        outside = {v for step in unit.forward for v in values_in(step.args)}
        for value in list(unit.made()):
            copy = copies.get(value)
            if copy is not None and copy.of in outside:
                unit.backward["copy", _position(unit, copy.of)] = copy
    template = max(units, key=lambda unit: len(unit.backward), default=None)
    if template is None:
        return None
    same = []
    for unit in units:
        values = template.match(unit, flags)
        if values is not None:
            unit.values = values
            same.append(unit)
    saved = (len(same) - 1) * len(template.forward)
    return Repetition(same, template) if saved >= LEAST_SAVED else None


def _position(unit: Unit, value: Value | None) -> int:
    read = [v for step in unit.forward for v in values_in(step.args)]
    return read.index(value)  # type: ignore[arg-type]


def _hoist(units: list[Unit]) -> None:
    """Leave to the caller what adds to a gradient that was begun outside, in whichever unit."""
    whole: set[int] = set()
    sums: set[int] = set()
    for unit in units:
        own = {out for step in unit.backward.values() for out in step.outs}
        made = {out for step in unit.forward for out in step.outs}
        for step in unit.backward.values():
            if step.of in made or step.role not in ("accumulate", "add_to"):
                continue
            if step.args[0] not in own:
                begun = whole if step.role == "add_to" else sums
                begun.add(_position(unit, step.of))
    for unit in units:
        made = {out for step in unit.forward for out in step.outs}
        for key, step in list(unit.backward.items()):
            if step.of in made:
                continue
            at = _position(unit, step.of)
            if at in whole or (at in sums and step.role == "accumulate"):
                del unit.backward[key]


__all__ = ["Repetition", "Unit", "repetitions"]
