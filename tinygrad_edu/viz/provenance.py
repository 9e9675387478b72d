"""Where arrays come from: copies of what was given, and values that left their graph.

Arrays are known by their memory, through weak references, so that nothing is held by being known.
"""

from __future__ import annotations

import functools
import itertools
import weakref
from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from .. import where
from ..graph import Node
from ..tensor import Tensor
from .tampering import same

MOST_CUTS, MOST_NODES = 100, 5000
UNDIFFERENTIATED = "which has no derivative"
BY_HAND = "as .data or by detach()"
_versions = itertools.count(1)


class Cut(NamedTuple):
    """A computed value that went into an op as a constant, so that no gradient comes back.

    `leaves` are the births of the leaves that it was computed from.
    """

    computed_by: str
    computed_at: tuple[where.Site, ...]
    how: str
    used_by: str
    used_at: tuple[where.Site, ...]
    leaves: set[int]


class Pass(NamedTuple):
    """A backward pass that reached a leaf: which, where, and how the leaf was then.

    `added` says whether there was a gradient already, `version` which data.
    """

    number: int
    at: tuple[where.Site, ...]
    added: bool
    version: int


class Leaf:
    """What is known of a leaf: its name, the version of its data, its last use, its passes."""

    __slots__ = ("name", "version", "used", "passes", "changed")

    def __init__(self) -> None:
        self.name: str | None = None
        self.version = 0
        self.used: tuple[str, tuple[where.Site, ...]] = ("", ())
        self.passes: deque[Pass] = deque(maxlen=8)
        self.changed: bool | None = None  # since it was used last; known when all is over


class _Copy(weakref.ref[np.ndarray]):
    """Of an array that was given: its values as they were, its name, its leaf, if any, and its use.

    `used` is by which op, and where, if that was as a constant.
    """

    __slots__ = ("key", "values", "name", "node", "leaf", "version", "used")

    key: int
    values: Any
    name: str | None
    node: Node | None
    leaf: Any
    version: int
    used: tuple[str, tuple[where.Site, ...]] | None


class _Result(weakref.ref[np.ndarray]):
    """Of an array that was computed: by which op and where, from which nodes, and how.

    Of the nodes, some may be None; how is "" if it was recorded.
    """

    __slots__ = ("key", "facts")

    key: int
    facts: tuple[Any, tuple[where.Site, ...], Any, str]

    def parents(self) -> list[Node]:
        """The nodes that it was computed from."""
        return [each for each in self.facts[2] if each is not None]


class Provenance:
    """What is known of arrays, by the id of the array that owns their memory."""

    def __init__(self) -> None:
        self.leaves: dict[int, Leaf] = {}  # by birth
        self.cuts: deque[Cut] = deque(maxlen=MOST_CUTS)
        self._copies: dict[int, Any] = {}
        self._results: dict[int, Any] = {}
        self._forget = functools.partial(_forget, self._results)
        self._forget_copy = functools.partial(_forget, self._copies)

    def given(
        self, op: Any, operand: Any, array: np.ndarray, frame: Any, sites: Any
    ) -> tuple[np.ndarray, str | None]:
        """The values and the name of a leaf or a constant; a copy, shared while nothing changes."""
        known = self._copies.get(id(array if array.base is None else owner_of(array)))
        node = operand.node if isinstance(operand, Tensor) else None
        if known is None or known() is not array or not same(known.values, array):
            known = self._copied(operand, array, known, frame)
        if node is None:
            self._look_for_cut(op, owner_of(array), known, sites)
            known.used = op.name, sites
        else:
            if known.node is not node:
                known.node, known.leaf = node, self._leaf(node, known)
            known.leaf.used = op.name, sites
        return known.values, known.name

    def _copied(self, operand: Any, array: np.ndarray, known: Any, frame: Any) -> _Copy:
        name = operand.name if isinstance(operand, Tensor) else None
        if known is not None and known() is array:
            name = name or known.name
        copy = _Copy(array, self._forget_copy)
        copy.key, copy.values = id(owner_of(array)), array.copy()
        copy.name = name or where.variable(frame, operand, array)
        copy.version = next(_versions)
        copy.node = copy.leaf = copy.used = None
        self._copies[copy.key] = copy
        return copy

    def _leaf(self, node: Node, copy: _Copy) -> Leaf:
        leaf = self.leaves.get(node.birth)
        if leaf is None:
            leaf = self.leaves[node.birth] = Leaf()
        leaf.name, leaf.version = copy.name, copy.version
        return leaf

    def computed(self, op: Any, array: np.ndarray, sites: Any, parents: Any, how: str = "") -> None:
        """Remember how an array was computed; `how` says why it was not recorded."""
        result = _Result(array, self._forget)
        result.key = key = id(array)
        result.facts = op, sites, parents, how
        self._results[key] = result

    def undifferentiated(self, name: str, sites: Any, parents: list[Node]) -> None:
        """Note a use that no gradient comes back from."""
        self.cuts.append(Cut("", sites, UNDIFFERENTIATED, name, sites, _leaves(parents)))

    def is_given(self, array: np.ndarray) -> bool:
        """Whether an array is a view of a leaf's data or of a constant."""
        return array.base is not None and id(owner_of(array)) in self._copies

    def parents(self, array: Any) -> list[Node]:
        """The nodes that an unrecorded array was computed from."""
        if type(array) is np.ndarray:
            owner = owner_of(array)
            known = self._results.get(id(owner))
            if known is not None and known() is owner:
                return list(known.parents())
        return []

    def unrecorded(self, array: np.ndarray) -> tuple[str, Any, str] | None:
        """By which op an array was computed and where, and why that was not recorded."""
        known = self._results.get(id(array))
        if known is None or known() is not array or not known.facts[3]:
            return None
        op, sites, _, how = known.facts
        return op.name, sites, how

    def used_as_constant(self, array: np.ndarray) -> tuple[str, Any] | None:
        """By which op, and where, the memory of an array was used as a constant."""
        owner = owner_of(array)
        known = self._copies.get(id(owner))
        if known is None or known() is None or owner_of(known()) is not owner:
            return None
        used: tuple[str, Any] | None = known.used
        return used

    def _look_for_cut(self, op: Any, owner: Any, known: Any, sites: Any) -> None:
        result = self._results.get(id(owner))
        if result is not None and result() is owner:
            computed_by, at, _, how = result.facts
            how, leaves = how or BY_HAND, _leaves(result.parents())
            self.cuts.append(Cut(computed_by.name, at, how, op.name, sites, leaves))
        elif known is not None and known.node is not None and known() is not None:
            self.cuts.append(Cut("", (), BY_HAND, op.name, sites, {known.node.birth}))

    def sweeps(self, order: Iterable[Node], number: int, at: Any) -> None:
        """Note a backward pass at the leaves that it reaches."""
        for node in order:
            if not node.edges:
                leaf = self.leaves.get(node.birth)
                if leaf is not None:
                    added = node.grad is not None and bool(node.grad.any())
                    leaf.passes.append(Pass(number, at, added, leaf.version))

    def updated_since(self, leaf: Leaf) -> bool:
        """Whether the data of a leaf were changed, or replaced, after they were used last."""
        if leaf.changed is not None:
            return leaf.changed
        copies = [each for each in self._copies.values() if each.leaf is leaf]
        return not copies or any(map(_has_changed, copies))

    def close(self) -> None:
        """Hold no values any more, only what is known of arrays that others hold."""
        for leaf in self.leaves.values():
            leaf.changed = True
        for copy in list(self._copies.values()):
            if copy.leaf is not None:
                copy.leaf.changed = _has_changed(copy)
            copy.values = copy.node = copy.leaf = None
        for key, result in list(self._results.items()):
            if not result.facts[3]:
                self._results.pop(key, None)


def _has_changed(copy: _Copy) -> bool:
    array = copy()
    return array is None or not same(copy.values, array)


def _forget(known: dict[int, Any], ref: Any) -> None:
    """What a weak reference calls when its array is gone."""
    key = ref.key
    if known.get(key) is ref:
        del known[key]


def owner_of(array: Any) -> Any:
    """The array that owns the memory of a view."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _leaves(parents: Iterable[Node]) -> set[int]:
    """The births of the leaves behind some nodes, as far as `MOST_NODES` lead."""
    frontier = list(parents)
    seen = set(frontier)
    while frontier and len(seen) < MOST_NODES:
        for edge in frontier.pop().edges:
            if edge.source is not None and edge.source not in seen:
                seen.add(edge.source)
                frontier.append(edge.source)
    return {node.birth for node in seen if not node.edges}
