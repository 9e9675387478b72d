"""What a drawing holds: boxes, the arrows between them, and a frame for each call of a module.

The DOT drawing and the explorer are both made from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..graph import Edge, Node, topological_order
from ..tensor import Tensor


@dataclass(eq=False, slots=True)
class Frame:
    """One call of a module, or a part of a path (as `layers` in `layers.0`) that groups calls."""

    name: str
    path: str
    outer: Frame | None
    depth: int
    times: int = 1

    def within(self, depth: int) -> Frame:
        """The frame around it, or itself, at that depth."""
        frame = self
        while frame.depth > depth:
            frame = frame.outer  # type: ignore[assignment]
        return frame


@dataclass(eq=False, slots=True)
class Box:
    """An operation, parameter, input or output, or a module that is folded into one box."""

    kind: str
    frame: Frame
    name: str | None
    shape: Any = None
    dtype: Any = None
    node: Node | None = None
    source: Any = None  # the Edge or Tensor that describes a constant
    operands: list[tuple[int, Edge]] = field(default_factory=list)
    operations: int = 0
    parameters: int = 0


@dataclass(eq=False, slots=True)
class Arrow:
    """From the box that holds a value to the box that reads it, there as which operand."""

    tail: Box
    head: Box
    operand: int | None = None
    number: int | None = None  # of the edge in the head's node


class Outline:
    """Boxes in the order they were computed in, arrows and frames of what `outputs` came from."""

    def __init__(self, outputs: Iterable[Tensor]) -> None:
        self.outputs = list(outputs)
        self.root = Frame("", "", None, 0)
        self.boxes: list[Box] = []
        self.arrows: list[Arrow] = []
        self.ends = dict.fromkeys(y.node for y in self.outputs if y.node is not None)
        self.of: dict[Any, Box] = {}
        self._calls: dict[Any, Frame] = {}
        self._entered: dict[tuple[Frame, str], int] = {}
        order = topological_order(self.ends)
        results, homes = self._measure(order)
        for node in reversed(order):
            shape, dtype = results[node]
            if node.edges:
                self._operation(node, shape, dtype)
            else:
                self._add(Box("parameter", homes[node], node.name, shape, dtype, node), node)
        for y in self.outputs:
            self._output(y)

    @property
    def frames(self) -> list[Frame]:
        """Every frame with something in it, an outer one before those inside."""
        found: dict[Frame, None] = {}
        for box in self.boxes:
            chain, frame = [], box.frame
            while frame.outer is not None and frame not in found:
                chain.append(frame)
                frame = frame.outer
            found |= dict.fromkeys(reversed(chain))
        return list(found)

    def _measure(self, order: list[Node]) -> tuple[dict[Node, Any], dict[Node, Frame]]:
        """Every result's shape and dtype, and the innermost frame around its consumers."""
        results = {y.node: (y.shape, y.dtype) for y in self.outputs if y.node is not None}
        homes: dict[Node, Frame] = dict.fromkeys(results, self.root)
        for node in reversed(order):  # frames are numbered in the order they were entered
            self._frame(node.scope)
        for node in order:
            frame = self._frame(node.scope)
            for edge in node.edges:
                source = edge.source
                if source is not None:
                    results[source] = edge.shape, edge.dtype
                    home = homes.get(source)
                    homes[source] = frame if home is None else common(home, frame)
        return results, homes

    def _frame(self, call: str) -> Frame:
        """The frame of a call; those around it are made first."""
        if not call:
            return self.root
        key = id(call) if hasattr(call, "outer") else call
        frame = self._calls.get(key)
        if frame is None:
            outer = getattr(call, "outer", "")
            frame = self._frame(outer)
            *groups, name = call[len(outer) :].strip(".").split(".")
            for group in groups:
                frame = self._group(frame, group)
            times = self._entered[frame, name] = self._entered.get((frame, name), 0) + 1
            frame = self._calls[key] = _inner(frame, name if times == 1 else f"{name} #{times}")
        return frame

    def _group(self, frame: Frame, name: str) -> Frame:
        key = (frame, name)
        if key not in self._calls:
            self._calls[key] = _inner(frame, name)
        return self._calls[key]

    # ---------------------------------------------------------------- what is drawn

    def _add(self, box: Box, key: Any) -> Box:
        self.boxes.append(box)
        self.of[key] = box
        return box

    def _operation(self, node: Node, shape: Any, dtype: Any) -> None:
        box = Box("operation", self._frame(node.scope), node.name, shape, dtype, node)
        self._add(box, node)
        box.operations = 1
        box.operands = [
            (i, e) for i, e in enumerate(node.edges) if e.dtype is not None or e.name is not None
        ]
        several = len(box.operands) > 1
        computed = any(e.source is not None and e.source.edges for e in node.edges)
        beside = box.frame if computed else self.root
        for i, edge in box.operands:
            if edge.dtype is not None:
                given = edge.source is None
                tail = self._constant(edge, beside) if given else self.of[edge.source]
                self.arrows.append(Arrow(tail, box, i if several else None, i))
        if not box.operands and node.edges and node.edges[0].source is not None:  # a pick
            self.arrows.append(Arrow(self.of[node.edges[0].source], box, None, 0))

    def _output(self, y: Tensor) -> None:
        """The mark behind a result that was asked for; a leaf drawn by itself needs none."""
        if y.shape is None:  # an op that failed, and has no result
            self.of[y.node].kind = "failed"
            return
        box = self._constant(y, self.root) if y.node is None else self.of[y.node]
        key = ("output", box)
        if (not y.is_leaf or len(self.outputs) > 1) and key not in self.of:
            mark = Box("output", self.root, y.name or "output", y.shape, y.dtype, source=y)
            self.arrows.append(Arrow(box, self._add(mark, key)))

    def _constant(self, a: Edge | Tensor, frame: Frame) -> Box:
        """What has no gradient: one box wherever it has the same name, shape and dtype.

        A named one is the user's and outside of all modules, as is one from which alone something
        is computed; another, such as a mask, belongs to its consumer's.
        """
        frame = self.root if a.name else frame
        key = (a.name, a.shape, a.dtype) if a.name else id(a)
        found = self.of.get(key)
        if found is not None:
            return found
        return self._add(Box("input", frame, a.name, a.shape, a.dtype, source=a), key)

    def counts(self) -> tuple[int, int]:
        """The numbers of operations and of tensors that went in."""
        tensors = sum(box.kind in ("parameter", "input") for box in self.boxes)
        return sum(box.kind in ("operation", "failed") for box in self.boxes), tensors


def _inner(frame: Frame, name: str) -> Frame:
    path = f"{frame.path}.{name}" if frame.outer else name
    return Frame(name, path, frame, frame.depth + 1)


def common(a: Frame, b: Frame) -> Frame:
    """The innermost frame around two."""
    a, b = a.within(b.depth), b.within(a.depth)
    while a is not b:
        a, b = a.outer, b.outer  # type: ignore[assignment]
    return a
