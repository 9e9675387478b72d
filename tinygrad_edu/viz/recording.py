"""What was observed of a graph, in order: its values, gradients, names and contributions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import where
from ..graph import Node, OutputGradients, topological_order
from .observation import Trace


@dataclass(frozen=True)
class Contribution:
    """A step of the backward pass: what one VJP adds to the gradient of one of its op's arguments.

    `upstream` is the gradient of `node`, `raw` what the VJP of argument `position` returned, and
    `part` what lands on `source`: `raw` guarded, summed over stretched axes, and cast. `before` is
    the source's gradient before, None if this is its first contribution; it is the `turn`-th of
    `count`. For an op with several outputs, gradients are tuples.
    """

    number: int
    node: Any
    position: int
    source: Any
    upstream: Any
    raw: Any
    part: Any
    before: Any
    turn: int
    count: int

    @property
    def total(self) -> Any:
        """The source's gradient afterwards."""
        with np.errstate(all="ignore"):
            return self.part if self.before is None else self.before + self.part

    @property
    def trace(self) -> Trace:
        """What was observed of the op's call."""
        found: Trace = self.node.trace
        return found

    @property
    def argument(self) -> str:
        """What the op calls the argument."""
        op = self.node.op
        return (
            f"{op.tensors[0]}[{self.position}]" if op.sequence else str(op.tensors[self.position])
        )

    @property
    def kept(self) -> dict[str, Any]:
        """What the VJP read, under the op's names, as it was in the forward pass."""
        reads = self.node.edges[self.position].vjp.reads
        return dict(zip(reads, self.trace.kept(self.node, self.position), strict=True))


class Recording:
    """What was observed of the graph behind some nodes.

    `order` has all of them, youngest first, as the sweep passes them; `traces` those of the ops
    that were observed. `values`, `gradients` and `names` are by node, as far as they are known;
    `labels` has one for every node, all different. `passes` are the numbers of the backward passes
    through the graph, and `number` is the one that is shown, by default the last; None if there
    was none.
    """

    def __init__(self, outputs: Iterable[Node], number: int | None = None) -> None:
        self.outputs = list(outputs)
        self.order = topological_order(self.outputs)
        nodes: list[Any] = self.order
        self.traces: dict[Node, Trace] = {n: n.trace for n in nodes if hasattr(n, "trace")}
        self.passes = sorted({each for trace in self.traces.values() for each in trace.passes})
        self.number = number if number is not None else self.passes[-1] if self.passes else None
        self.values = self._values()
        self.inner: set[Node] = set()  # whose name is a variable inside of a layer
        self.names = self._names()
        self.labels = self._labels()
        self.contributions: list[Contribution] = []
        self.by_node: dict[Node, list[Contribution]] = {}  # those that a node's op made
        self.to_node: dict[Node, list[Contribution]] = {}  # those to its gradient
        self.gradients: dict[Node, Any] = {}
        if self.number is not None:
            self._sweep(self.number)

    @property
    def observed(self) -> bool:
        """Whether anything of it was observed."""
        return bool(self.traces)

    def line(self, node: Node) -> where.Line | None:
        """The line of source on which a node was computed."""
        trace = self.traces.get(node)
        return trace.line if trace else None

    # ---------------------------------------------------------------- values and names

    def _values(self) -> dict[Node, Any]:
        values = {}
        for node, trace in self.traces.items():
            if trace.out is not None:  # or it failed
                values[node] = trace.out
            operands = trace.operands(node.op)
            for edge, value in zip(node.edges, operands, strict=False):
                if edge.source is not None and not edge.source.edges:
                    values[edge.source] = value
        return values

    def _names(self) -> dict[Node, str]:
        """The user's variables: a name belongs to the youngest node computed in a call."""
        youngest: dict[int, Node] = {}
        names = {node: node.name for node in self.order if node.name}
        for node, trace in self.traces.items():
            for call in trace.calls:
                youngest.setdefault(call, node)
            for position, name in trace.names.items():
                source = node.edges[position].source
                if source is not None and name:
                    names.setdefault(source, name)
        for node, trace in self.traces.items():
            name, inner = _variable(node, trace, youngest)
            if inner:
                self.inner.add(node)
            if name and node not in names and not trace.swept_by:
                names[node] = name
        return names

    def _labels(self) -> dict[Node, str]:
        """The user's names; what a layer has named, or only its op, goes by the layer's path."""
        labels: dict[Node, str] = {}
        taken: dict[str, int] = {}
        home = {edge.source: node.scope for node in self.order for edge in node.edges}
        for node in reversed(self.order):
            name = self.names.get(node) or (node.op.name if node.edges else "leaf")
            scope = node.scope if node.edges else home.get(node)
            own = node in self.names and node not in self.inner and node.edges
            label = name if own or not scope else f"{scope}.{name}"
            taken[label] = taken.get(label, 0) + 1
            labels[node] = label if taken[label] == 1 else f"{label}#{taken[label]}"
        return labels

    def operand(self, node: Node, position: int) -> str:
        """What an argument of an op is called: its label, its variable's name, or its number."""
        edge, trace = node.edges[position], self.traces.get(node)
        if edge.source is not None:
            return self.labels[edge.source]
        if edge.dtype is None:
            return f"{edge.name:.6g}" if isinstance(edge.name, float) else str(edge.name)
        return edge.name or (trace and trace.names.get(position)) or argument(node, position)

    # ---------------------------------------------------------------- the backward pass

    def _sweep(self, number: int) -> None:
        """Go through a backward pass as the sweep did."""
        counts: dict[Node, int] = {}
        passed = {n: t.passes[number] for n, t in self.traces.items() if number in t.passes}
        for node, each in passed.items():
            for edge in each.parts:
                counts[edge.source] = counts.get(edge.source, 0) + 1
            if each.seed is not None:
                self.gradients[node] = each.seed
        turns: dict[Node, int] = {}
        for node, each in passed.items():
            if each.gradient is not None:
                self.gradients[node] = each.gradient
            for position, edge in enumerate(node.edges):
                if edge not in each.parts:
                    continue
                source, (raw, part) = edge.source, each.parts[edge]
                turn = turns[source] = turns.get(source, 0) + 1
                step = Contribution(
                    len(self.contributions) + 1, node, position, source, each.gradient, raw, part,
                    self.gradients.get(source), turn, counts[source],
                )  # fmt: skip
                self.gradients[source] = step.total
                self.contributions.append(step)
                self.by_node.setdefault(node, []).append(step)
                self.to_node.setdefault(source, []).append(step)


def _variable(node: Node, trace: Trace, youngest: dict[int, Node]) -> tuple[str | None, bool]:
    """The variable that an op's result went to, the user's, or else one inside of a layer."""
    levels = list(zip(trace.sites, trace.calls, strict=True))
    for in_layer in (False, True):
        for depth, (site, call) in enumerate(levels):
            if site.in_layer == in_layer:
                if youngest.get(call) is not node:
                    break
                name = where.target(site, trace.output)
                if name is None and depth:  # one of several outputs, chosen in a function
                    name = where.target(site, None)
                if name is not where.RETURNED:
                    if isinstance(name, str):
                        return name, in_layer
                    break
    return None, False


def argument(node: Node, position: int) -> str:
    """What an op calls one of its arguments."""
    op = node.op
    return f"{op.tensors[0]}[{position}]" if op.sequence else str(op.tensors[position])


def is_outputs(gradient: Any) -> bool:
    """Whether it is the gradient of an op with several outputs."""
    return isinstance(gradient, OutputGradients)


def finite(gradient: Any) -> bool:
    """Whether all of it is finite."""
    if is_outputs(gradient):
        return all(map(finite, gradient))
    return bool(np.isfinite(gradient).all())
