"""The operations of a program in order, and where their results go in memory.

Equal operations are computed once. A small result goes into a buffer that is kept between calls,
and that serves again as soon as nobody reads its array any more. A large one is written over an
operand that nobody reads any more, or is let go of as soon as it was read; nothing large is kept.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from .literals import text as literal_text
from .lowering import Info, Line, numbered
from .recording import Step, Value
from .templates import is_literal, templates

LARGE = 1 << 12
"""Bytes. Larger arrays are in no buffer."""

SMALL = 1 << 16
"""Bytes. Larger arrays are not kept for the backward pass to save computing them again."""


class Operation:
    """A line of a template with the numbers of a program's variables in it."""

    __slots__ = ("line", "targets", "args", "changes", "backward", "buffer", "over", "dead")

    def __init__(self, line: Line, slots: list[int], backward: bool) -> None:
        self.line = line
        self.targets = [slots[t] for t in line.targets]
        self.args = tuple([slots[a] for a in line.args])
        self.changes = [slots[c] for c in line.changes]
        self.backward = backward
        self.buffer: int | None = None
        self.over: int | None = None  # the variable whose array it writes over
        self.dead: list[int] = []  # large variables that nobody reads after it

    def code(self, *, buffers: bool = True) -> str:
        """The line of code."""
        line = self.line
        text = line.text % tuple([f"_{a}" for a in self.args])
        if line.ufunc:
            out = ""
            if buffers and self.buffer is not None:
                out = f", b{self.buffer}"
            elif buffers and self.over is not None:
                out = f", _{self.over}"
            if out and line.ufunc in ("maximum", "minimum"):
                out = f", out={out[2:]}"  # which NumPy no longer takes by position
            if line.options:
                out = f"{out or ', None'}, {line.options}"
            text += f"{out})"
        if self.targets:
            text = f"{', '.join([f'_{t}' for t in self.targets])} = {text}"
        return text


class Operations:
    """What the steps of a program compute, with a number for each variable.

    `constants` are the arrays that are read besides.
    """

    def __init__(self, given: Iterable[Value], *, floats: bool) -> None:
        self.floats = floats
        self.each: list[Operation] = []
        self.numbers: dict[Value, int] = {}
        self.constants: list[Value] = []
        self._namespaces: dict[int, dict[str, Any]] = {}
        self.merged: set[int] = set()  # variables that stand for several
        self.counter = itertools.count()
        for value in given:
            self.numbers[value] = next(self.counter)

    def add(self, steps: list[Step], *, backward: bool) -> None:
        """Append what steps do, without the NaN guard, which is for values that are not finite."""
        numbers, each = self.numbers, self.each
        for step in steps:
            if step.role == "guard":
                numbers[step.outs[0]] = numbers[step.args[0]]
                continue
            given = dict.fromkeys(step.reads)
            template = templates.of(step, given, backward=backward, floats=self.floats)
            slots = [self.number(value) for value in given]
            slots += itertools.islice(self.counter, template.size - len(given))
            each += [Operation(line, slots, backward) for line in template.lines]
            for out, result in zip(step.outs, template.results, strict=True):
                numbers[out] = slots[result]
            self._namespaces[id(template.namespace)] = template.namespace

    def namespace(self) -> dict[str, Any]:
        """The functions that the code calls, by name."""
        found: dict[str, Any] = {}
        for each in self._namespaces.values():
            found.update(each)
        ufuncs = {each.line.ufunc.partition(".")[0] for each in self.each} - {""}
        found.update((f"np_{name}", getattr(np, name)) for name in ufuncs)
        return found

    def number(self, value: Value) -> int:
        """The variable that a Value is."""
        known = self.numbers.get(value)
        if known is None:
            known = self.numbers[value] = next(self.counter)
            if not is_literal(value):
                self.constants.append(value)
        return known

    def literal(self, value: Value) -> int:
        """The variable of a Value that may be one number, which then is computed first."""
        new = value not in self.numbers
        n = self.number(value)
        if new and is_literal(value):
            line = Line((0,), literal_text(np.asarray(value.array)[()]))
            self.each.insert(0, Operation(line, [n], False))
        return n

    # ---------------------------------------------------------------- fewer of them

    def share(self, results: list[int]) -> list[int]:
        """Compute once what is computed several times; the results under their new numbers."""
        unstable = {n for each in self.each for n in each.changes}
        by: dict[int, int] = {}
        known: dict[Any, Operation] = {}
        kept = []
        for each in self.each:
            line = each.line
            if by:
                each.args = args = tuple([by.get(a, a) for a in each.args])
            else:
                args = each.args
            if line.effect or (unstable and not unstable.isdisjoint((*each.targets, *args))):
                kept.append(each)
                continue
            key = line.text, line.options, args
            same = known.get(key)
            if same and (same.backward == each.backward or max(line.sizes) <= SMALL):
                by.update(zip(each.targets, same.targets, strict=True))
                self.merged.update(same.targets)
                continue
            known[key] = each
            kept.append(each)
        self.each = kept
        return [by.get(n, n) for n in results]

    def drop_unused(self, results: Iterable[int]) -> None:
        """Leave out what the results do not need."""
        needed, kept = set(results), []
        for each in reversed(self.each):
            if each.line.effect or not needed.isdisjoint(each.targets):
                needed.update(each.args)
                kept.append(each)
        self.each = kept[::-1]

    def separate(self, gradients: list[int], others: Iterable[int]) -> list[int]:
        """The gradients as arrays of their own, which nothing else shares."""
        makers = {t: each for each in self.each for t in each.targets}
        taken = set(others)
        theirs = {m for n in taken for m in _owners(n, makers)}
        results = []
        for n in gradients:
            own = _owners(n, makers)
            made = n in makers and makers[n].backward
            if not made or n in theirs or own & taken or own & theirs & self.merged:
                line = Line((1,), f"np.copy({numbered(0)})")
                line.fresh = True
                copied = next(self.counter)
                self.each.append(Operation(line, [n, copied], True))
                own, n = {copied}, copied
            taken.add(n)
            theirs |= own
            results.append(n)
        return results


def _owners(n: int, makers: dict[int, Operation]) -> set[int]:
    """The variables whose memory one may share: it may be a view of them."""
    found: set[int] = set()
    frontier = [n]
    while frontier:
        m = frontier.pop()
        if m not in found:
            found.add(m)
            if m in makers and not makers[m].line.fresh:
                frontier += makers[m].args
    return found


class _Groups:
    """Variables that may share memory, as groups, each known by one of them."""

    def __init__(self, operations: list[Operation]) -> None:
        self._of: dict[int, int] = {}
        for each in operations:
            together = [*each.targets]
            if not each.line.fresh:
                together += [n for n in each.args if n in self._of]
            if together:
                first = self.of(together[0])
                for n in together[1:]:
                    self._of[self.of(n)] = first

    def of(self, n: int) -> int:
        """The group of a variable."""
        above = self._of.setdefault(n, n)
        while above != n:
            self._of[n] = further = self._of[above]
            n, above = above, further
        return n


def plan(operations: list[Operation], kept: set[int]) -> list[Info]:
    """Give each small result a buffer, if it may have one, and end large ones; the buffers."""
    return _Plan(operations, kept).buffers


class _Plan:
    def __init__(self, operations: list[Operation], kept: set[int]) -> None:
        self.operations = operations
        self.buffers: list[Info] = []
        self._free: dict[Info, list[int]] = defaultdict(list)
        self._used: dict[int, list[tuple[int, Info]]] = defaultdict(list)
        self._groups = groups = _Groups(self.operations)
        unstable = {n for each in self.operations for n in each.changes}
        held = {groups.of(n) for n in kept | unstable}
        self._assign(held, self._ends(held))
        self._free_large(kept)

    def _ends(self, held: set[int]) -> list[list[int]]:
        """For each operation, the groups whose memory is read there for the last time."""
        last: dict[int, int] = {}
        for i, each in enumerate(self.operations):
            for n in (*each.targets, *each.args):
                last[self._groups.of(n)] = i
        ends: list[list[int]] = [[] for _ in self.operations]
        for n, i in last.items():
            if n not in held:
                ends[i].append(n)
        return ends

    def _free_large(self, kept: set[int]) -> None:
        """Let go of large arrays, and of views of them, as soon as they were read by this name."""
        last: dict[int, int] = {}
        for i, each in enumerate(self.operations):
            large = [n for n, size in zip(each.targets, each.line.sizes, strict=False)
                     if size >= LARGE]  # fmt: skip
            last.update(dict.fromkeys(large, i))
            last.update((n, i) for n in each.args if n in last)
        for n, i in last.items():
            if n not in kept:
                self.operations[i].dead.append(n)

    def _assign(self, held: set[int], ends: list[list[int]]) -> None:
        alone: dict[int, tuple[int, Info]] = {}  # large arrays that may be written over, by group
        for each, ending in zip(self.operations, ends, strict=True):
            line, info = each.line, each.line.info
            elementwise = line.ufunc and line.ufunc not in ("matmul", "add.reduce")
            if elementwise:
                self._release(ending)
            if info is not None:
                (target,) = each.targets
                group = self._groups.of(target)
                large = line.sizes[0] >= LARGE
                if large and elementwise:
                    over = (alone[n] for n in ending if n in alone)
                    free = (n for n, kind in over if kind == info and n in each.args)
                    each.over = next(free, None)
                if large:
                    alone[group] = target, info
                elif group not in held and group not in ending:
                    each.buffer = self._buffer(info)
                    self._used[group].append((each.buffer, info))
            self._release(ending)

    def _release(self, groups: list[int]) -> None:
        for group in groups:
            for buffer, info in self._used.pop(group, ()):
                self._free[info].append(buffer)

    def _buffer(self, info: Info) -> int:
        free = self._free[info]
        if free:
            return free.pop()
        self.buffers.append(info)
        return len(self.buffers) - 1


def lines(operations: list[Operation], *, backward: bool, buffers: bool = True) -> Iterator[str]:
    """The code of one of the passes."""
    for each in operations:
        if each.backward is backward:
            yield each.code(buffers=buffers)
            if each.dead:
                yield f"del {', '.join([f'_{n}' for n in each.dead])}"


def empty(info: Info) -> np.ndarray:
    """A buffer: an array with these strides, which may be in another order than C's."""
    shape, dtype, strides = info
    array: np.ndarray = np.empty(shape, dtype)
    if array.strides == strides:
        return array
    order = sorted(range(len(shape)), key=lambda i: -strides[i])
    ordered: np.ndarray = np.empty([shape[i] for i in order], dtype)
    array = ordered.transpose([order.index(i) for i in range(len(shape))])
    return array
