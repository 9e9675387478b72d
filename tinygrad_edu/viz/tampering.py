"""Arrays that were changed between the forward and the backward pass, which makes it wrong."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph import Node, topological_order
from ..where import Line, Site
from . import text
from .findings import Finding, at


@dataclass(frozen=True)
class Change:
    """An array that a VJP of `node` reads was changed before the backward pass `number`."""

    number: int
    node: Any
    name: str
    shape: tuple[int, ...]
    line: Line | None
    swept_at: tuple[Site, ...]

    def leads_to(self, target: Any) -> bool:
        """Whether the gradient of a node is wrong by it."""
        return target in topological_order([self.node])

    def finding(self) -> Finding:
        """What to say of it."""
        name, op = text.printable(self.name), self.node.op.name
        kept = f"{op}{f' at {self.line}' if self.line else ''}"
        return Finding(
            "an-array-was-changed",
            [
                f"{name}, of shape {self.shape}, was kept by {kept} for the backward pass, and had "
                f"other values when backward(){at(self.swept_at)} began"
            ],
            None,
            "call backward() before changing it, or change a copy, as in x = x.copy()",
            self.line,
        )


def of_given(order: list[Node], number: int, swept_at: Any) -> Iterator[Change]:
    """Leaves and constants whose values differ from their copies."""
    for node in order:
        trace = getattr(node, "trace", None)
        if trace is None or not trace.names:
            continue
        op = node.op
        for edge in node.edges:
            if not edge.kept or edge.source is None:
                continue
            found = _differing(op, trace, zip(edge.vjp.slots, edge.kept, strict=False))
            if found is not None:
                position, value = found
                name = trace.names[position] or op.tensors[0 if op.sequence else position]
                yield Change(number, node, name, value.shape, trace.line, swept_at)
                break


def _differing(op: Any, trace: Any, pairs: Any) -> Any:
    """The position and the value of a kept operand that differs from its copy."""
    for slot, value in pairs:
        if op.sequence and slot == 0:
            live, copies = list(enumerate(value)), trace.values[0]
        else:
            live, copies = [(slot, value)], trace.values
        for position, each in live:
            if position in trace.names and type(each) is np.ndarray:
                copy = copies[position]
                if each.shape == copy.shape and not same(each, copy):
                    return position, each
    return None


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays have the same values; NaN is the same as NaN."""
    if a.nbytes < 1000:
        return a.tobytes() == b.tobytes()
    return bool((a == b).all()) or np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def checksum(array: Any) -> int:
    """A number that changes with the values of an array."""
    return zlib.crc32(np.ascontiguousarray(array).tobytes())
