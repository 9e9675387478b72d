"""`observe`: while it is on, every node keeps its value, its gradients, and where it was computed.

What is kept hangs on the nodes themselves, as their `trace`, so it lives as long as the graph it
belongs to, and a graph can be explained after the block.
"""

from __future__ import annotations

import itertools
import sys
import threading
from collections import deque
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from .. import errors, graph, where
from ..context import state
from ..graph import Edge, Node, OutputGradients
from ..observers import Observer, observers
from ..tensor import Tensor
from . import tampering
from .provenance import Provenance

_SWEEP, _BACKWARD = graph.sweep.__code__, Tensor.backward.__code__
_NOT_ARRAYS = (Tensor, OutputGradients)
_UNNAMED: dict[int, str | None] = {}
_passes = itertools.count(1)
_latest = threading.local()


class Passed:
    """What one backward pass brought to a node: its gradient, and what its VJPs made of that.

    `gradient` is None where it is to be added up from the contributions; `parts` holds by edge what
    the VJP returned and what landed on the source.
    """

    __slots__ = ("seed", "gradient", "parts")

    def __init__(self) -> None:
        self.seed: Any = None
        self.gradient: Any = None
        self.parts: dict[Edge, tuple[Any, Any]] = {}


class Trace:
    """What was observed of an op's call: `values` it was given and `out` that it returned.

    The data of leaves and constants are copies, as they were then. `names` are the variables that
    held the operands which were not computed, by position; `sites` and `calls` say where, innermost
    first, the calls by number; `swept_by` is the backward pass in which a derivative made the call,
    or 0; `passes` are the backward passes that came by, by number.
    """

    __slots__ = ("values", "out", "names", "sites", "calls", "swept_by", "passes", "output")

    def __init__(self, values: Any, out: Any, names: Any, sites: Any, calls: Any) -> None:
        self.values = values
        self.out = out
        self.names: dict[int, str | None] = names
        self.sites: tuple[where.Site, ...] = sites
        self.calls: tuple[int, ...] = calls
        self.swept_by = 0
        self.passes: dict[int, Passed] = {}
        self.output: int | None = None

    @property
    def line(self) -> where.Line | None:
        """The user's line of source, or else the layer's."""
        user = next((site for site in self.sites if not site.in_layer), None)
        site = user or (self.sites[0] if self.sites else None)
        return where.line(site) if site else None

    def kept(self, node: Node, position: int) -> Any:
        """What the VJP of an edge read, as it was in the forward pass."""
        op, vjp = node.op, node.edges[position].vjp
        if self.output is not None:  # a pick of one output
            return self.output, [np.zeros(value.shape, value.dtype) for value in self.values]
        slots = op.offered(self.values, self.out)
        if op.sequence:
            slots[-3:-1] = self.values[0][position].shape, position
        return vjp.collect(slots) if vjp.slots else ()

    def operands(self, op: Any) -> Any:
        """The data of the tensor arguments, by edge."""
        if self.output is not None:
            return [self.values]
        return self.values[0] if op.sequence else self.values[: len(op.tensors)]


class Failure(NamedTuple):
    """The op that raised an error: a node that has no value, as the output of a drawing."""

    node: Any
    error: Exception
    shape: None = None
    dtype: None = None
    name: None = None
    is_leaf: bool = False


class Observation(Observer):
    """What `observe` has seen; see there.

    `failure` is the last op that raised an error, and `roots` the nodes from which the latest
    backward pass started.
    """

    def __init__(self) -> None:
        self.failure: Failure | None = None
        self.roots: list[Node] = []
        self.number = 0  # of the latest backward pass
        self.swept_at: tuple[where.Site, ...] = ()
        self.provenance = Provenance()
        self.changes: deque[tampering.Change] = deque(maxlen=16)
        self._frames = where.Frames(_SWEEP)

    # ---------------------------------------------------------------- what is told

    def operation(self, op: Any, operands: Any, values: Any, out: Any, result: Any) -> None:
        several = op.outputs > 1
        node = result[0].node if several else result.node
        if node is None:
            self._unrecorded(op, operands, values, result)
            return
        made = self._trace(sys._getframe(3), op, operands, values, out)
        if several:
            node = node.edges[0].source
            for i, each in enumerate(result):
                pick = each.node.trace = Trace(out, each._array, _UNNAMED, made.sites, made.calls)
                pick.swept_by, pick.output = made.swept_by, i
        else:
            made.out = result._array
            if made.out.base is None:
                sources = [edge.source for edge in node.edges]  # edges may keep the result itself
                self.provenance.computed(op, made.out, made.sites, sources)
            elif self.provenance.is_given(made.out):  # an update would change it
                made.out = made.out.copy()
        node.trace = made

    def _unrecorded(self, op: Any, operands: Any, values: Any, result: Any) -> None:
        """An op on constants, or inside `no_grad`."""
        datas = values[0] if op.sequence else values
        parents: list[Node] = []
        for operand, data in zip(operands, datas, strict=False):
            node = getattr(operand, "node", None)
            parents += [node] if node is not None else self.provenance.parents(data)
        if parents and op.outputs == 1:
            sites, _, _ = self._frames.read(sys._getframe(4))
            how = "inside no_grad()" if not state.recording else "as a constant"
            self.provenance.computed(op, result._array, sites, parents, how)

    def failed(self, op: Any, operands: Any, values: Any, error: Exception) -> None:
        edges = []
        for operand in operands if op.sequence else operands[: len(op.tensors)]:
            if isinstance(operand, (Tensor, np.ndarray)):
                source, name = getattr(operand, "node", None), getattr(operand, "name", None)
                edges.append(Edge(source, operand.shape, operand.dtype, name, None, None))
            else:
                edges.append(Edge(None, (), None, operand, None, None))
        statics = values[len(op.tensors) :] if op.statics else ()
        node: Any = Node(op, edges, statics, state.scope)
        node.trace = self._trace(sys._getframe(2), op, operands, values, None)
        try:
            error = errors.explain(op, values, error)
        except errors.LOCATED as other:
            error = other
        self.failure = Failure(node, error)

    def undifferentiated(self, name: str, operands: Any, result: Any) -> None:
        nodes = [getattr(operand, "node", None) for operand in operands]
        parents = [node for node in nodes if node is not None]
        if parents:
            sites, _, _ = self._frames.read(sys._getframe(3))
            self.provenance.undifferentiated(name, sites, parents)

    def sweep_begins(self, order: Any, seeds: Any) -> None:
        self.number = next(_passes)
        self.roots = list(seeds)
        self.swept_at = where.Frames(_SWEEP).read(sys._getframe(2))[0]
        self.changes += tampering.of_given(order, self.number, self.swept_at)
        if sys._getframe(3).f_code is _BACKWARD:
            self.provenance.sweeps(order, self.number, self.swept_at)
        for node, seed in seeds.items():
            if hasattr(node, "trace"):
                self._passed(node.trace).seed = np.array(_data(seed))

    def contribution(self, node: Any, edge: Any, g: Any, raw: Any, part: Any) -> None:
        trace = getattr(node, "trace", None)
        if trace is None:
            return
        given, landed = raw, part
        if isinstance(g, _NOT_ARRAYS) or isinstance(raw, _NOT_ARRAYS):
            g, given, landed = _data(g), _data(raw), _data(part)
        if edge.source.retains and type(landed) is np.ndarray:  # the sweep adds to it in place
            landed = landed.copy()
        if node.retains and type(g) is np.ndarray:
            g = g.copy()
        passed = self._passed(trace)
        passed.gradient = g
        passed.parts[edge] = landed if raw is part else given, landed

    def _passed(self, trace: Trace) -> Passed:
        passed = trace.passes.get(self.number)
        if passed is None:
            passed = trace.passes[self.number] = Passed()
        return passed

    # ---------------------------------------------------------------- what is kept

    def _trace(self, frame: FrameType, op: Any, operands: Any, values: Any, out: Any) -> Trace:
        sites, calls, swept = self._frames.read(frame)
        n = len(op.tensors)
        given = list(values[0] if op.sequence else values[:n])
        names: dict[int, str | None] = _UNNAMED
        for i, value in enumerate(given):
            if type(value) is np.ndarray:
                operand = operands[i]
                node = operand.node if isinstance(operand, Tensor) else None
                if node is None or not node.edges:
                    given[i], name = self.provenance.given(op, operand, value, frame, sites)
                    names = {**names, i: name}
        arguments = [given, *values[1:]] if op.sequence else given + values[n:]
        trace = Trace(arguments, out, names, sites, calls)
        if swept:
            trace.swept_by = self.number
        return trace


def _data(value: Any) -> Any:
    """A gradient as an array, where the sweep may be recorded."""
    if isinstance(value, OutputGradients):
        return OutputGradients(map(_data, value))
    return value._array if isinstance(value, Tensor) else value


# -------------------------------------------------------------------- the context


class observe:
    """Within the block every node keeps its value, gradients, variable name and line of source.

    It is for looking at few steps: what it keeps is held as long as its graph is. It holds for the
    current thread, and within another `observe()` it is the same observation. What it yields is
    what `draw_graph` takes to draw the graph of an op that failed.

    >>> from tinygrad_edu import Tensor, draw_graph, observe
    >>> w = Tensor(2.0, requires_grad=True, name="w")
    >>> with observe():
    ...     loss = w * w
    ...     loss.backward()
    >>> drawing = draw_graph(loss)
    """

    def __init__(self) -> None:
        self._entered: list[tuple[Observation, bool]] = []

    def __enter__(self) -> Observation:
        seen = observation()
        outermost = seen is None
        seen = seen or Observation()
        self._entered.append((seen, outermost))
        if outermost:
            seen.__enter__()
        return seen

    def __exit__(self, *exc: object) -> None:
        seen, outermost = self._entered.pop()
        if outermost:
            seen.__exit__(*exc)
            seen._frames = where.Frames(_SWEEP)
            seen.provenance.close()
            _latest.seen = seen


def observation() -> Observation | None:
    """The observation that is on in this thread."""
    listening = observers.get(threading.get_ident(), ())
    return next((each for each in listening if isinstance(each, Observation)), None)


def latest() -> Observation | None:
    """The observation that is on in this thread, or else the last one."""
    return observation() or getattr(_latest, "seen", None)
