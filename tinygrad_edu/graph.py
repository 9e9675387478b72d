"""The graph: what was computed, sorted topologically and swept backwards.

Nothing here knows what a Tensor is. A gradient is whatever the VJPs return: an ndarray in the
ordinary sweep, a Tensor when derivatives are themselves to be differentiated.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np

from . import changes, errors, guard
from .changes import births
from .context import state
from .observers import observers, tell
from .precision import accumulator

SPENT = (
    "this graph was already swept backwards, and the values it kept were freed on the way to "
    "save memory; run the forward pass again, or give retain_graph=True to the first sweep"
)


class Edge:
    """From a node to one of its array arguments.

    `source` is the argument's node, or None if it needs no gradient; `shape`, `dtype` and `name`
    describe the argument; `vjp` is its vector-Jacobian product and `kept` the values that reads.
    """

    __slots__ = ("source", "shape", "dtype", "name", "vjp", "kept")

    def __init__(self, source: Any, shape: Any, dtype: Any, name: Any, vjp: Any, kept: Any) -> None:
        self.source = source
        self.shape = shape
        self.dtype = dtype
        self.name = name
        self.vjp = vjp
        self.kept = kept


class Node:
    """One recorded operation, or a leaf: a node without edges, which retains its gradient.

    A node points at what it was computed from and never at its output, so graphs have no cycles.
    """

    __slots__ = (
        "op", "edges", "statics", "scope", "birth", "name", "retains", "grad", "changed", "trace",
    )  # fmt: skip

    guarded = False  # see `Guarded`

    def __init__(self, op: Any, edges: Any, statics: Any, scope: str = "") -> None:
        self.op = op
        self.edges: tuple[Edge, ...] = edges
        self.statics = statics
        self.scope = scope
        self.birth = next(births)
        self.name: str | None = None
        self.retains = not edges
        self.grad: np.ndarray | None = None


class Guarded(Node):
    """A node recorded while the gradient of something behind a selection was computed."""

    __slots__ = ()

    guarded = True


class OutputGradients(tuple[Any, ...]):
    """The gradients of all outputs of an op with several: one gradient to the sweep.

    It has no shape or dtype, as its edge has none, so it is neither summed over stretched axes
    nor cast; each item is right already.
    """

    shape = dtype = base = shared = None

    def __add__(self, other: Any) -> OutputGradients:
        return OutputGradients(a + b for a, b in zip(self, other, strict=True))


def topological_order(outputs: Iterable[Node]) -> list[Node]:
    """Every node behind `outputs`, each before the nodes it was computed from.

    A node is born after all it is computed from, so sorting by birth, youngest first, is a
    topological sort.
    """
    found = dict.fromkeys(outputs)
    frontier = list(found)
    while frontier:
        for edge in frontier.pop().edges:
            source = edge.source
            if source is not None and source not in found:
                found[source] = None
                frontier.append(source)
    return sorted(found, key=operator.attrgetter("birth"), reverse=True)


def sweep(
    seeds: dict[Node, Any],
    wanted: Iterable[Node] | None = None,
    *,
    retain_graph: bool = False,
    create_graph: bool = False,
) -> dict[Node, Any]:
    """Backpropagate from `seeds` (node -> gradient) and return the gradients that are asked for.

    Those are the `wanted` nodes', or else every retaining node's. The other gradients, and unless
    `retain_graph` the values kept for the VJPs, are freed as the sweep passes, so that their memory
    serves the gradients still to come. With `create_graph` the VJPs are recorded too.
    """
    order = topological_order(seeds)
    path = None if wanted is None else _leading_to(set(wanted), order)
    if path is not None:
        wanted = set(wanted or ())
        order = [node for node in order if node in path]
    observed = observers and tell("sweep_begins", order, seeds)
    changes.check(order, path)
    state.retaining, state.sweep = retain_graph, next(births)
    gradients = dict(seeds)
    owned: set[Node] = set()  # nodes whose gradient is an array that nobody else can see
    selected: set[Node] = set()  # nodes whose gradient has passed a selecting op
    found = {}
    with np.errstate(all="ignore"):
        for node in order:
            g = gradients.pop(node)
            if node.retains if wanted is None else node in wanted:
                found[node] = g if create_graph or node in owned else np.array(g)
            edges = node.edges
            guarded = edges and (node.guarded or node in selected)
            selects = edges and (guarded or node.op.selects)  # its own VJPs give 0 to what is out
            for edge in edges:
                source, vjp, kept = edge.source, edge.vjp, edge.kept
                if source is None or (path is not None and source not in path):
                    continue
                if kept is None:
                    raise RuntimeError(SPENT)
                if selects:
                    selected.add(source)
                if not retain_graph:
                    edge.kept = None
                if vjp.add_to is not None and source in owned and not observed:
                    vjp.add_to(gradients[source], g, *kept)
                    continue
                if create_graph:
                    start = next(births)
                    kept = list(vjp.recorded(node, kept))
                try:
                    part = vjp.function(g, *kept)
                    fits = part.shape == edge.shape and part.dtype is edge.dtype
                except Exception as error:
                    raise errors.in_backward(error, node) from error
                raw = part
                if guarded and vjp.reads:
                    part = guard.zero_unreached(part, g, node, vjp, kept)
                    if create_graph:
                        guard.mark(part, start, Guarded)
                if not fits:
                    part = _fitted(part, node, edge)
                if observed:
                    tell("contribution", node, edge, g, raw, part)
                so_far = gradients.get(source)
                if so_far is None:
                    gradients[source] = part
                    if source.retains and part is not g and _is_own_array(part):
                        owned.add(source)
                elif source in owned:
                    so_far += part
                else:
                    gradients[source] = total = so_far + part
                    if _is_own_array(total):
                        owned.add(source)
    return found


def _is_own_array(part: Any) -> bool:
    """Whether a computed gradient is an array of its own, and no view, number or Tensor."""
    return type(part) is np.ndarray and part.base is None


def _leading_to(wanted: set[Node], order: list[Node]) -> set[Node]:
    """The nodes of `order` through which a gradient reaches one of `wanted`."""
    path = set(wanted)
    for node in reversed(order):
        if any(edge.source in path for edge in node.edges):
            path.add(node)
    return path


def _fitted(part: Any, node: Node, edge: Edge) -> Any:
    """What a VJP returned, in the shape and dtype of the argument."""
    part = unbroadcast(part, edge.shape)
    if part.shape != edge.shape:
        raise errors.vjp_shape(node, part.shape, edge.shape)
    return part if part.dtype is edge.dtype else part.astype(edge.dtype)


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum `g` over the axes that broadcasting added to or stretched from `shape`."""
    added, dtype = g.ndim - len(shape), accumulator(g.dtype)
    if added > 0:  # as one axis, which is faster
        rows = g if added == 1 else g.reshape(math.prod(g.shape[:added]), *g.shape[added:])
        g = rows.sum(axis=0, dtype=dtype)
    stretched = tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] != 1)
    return g.sum(axis=stretched, dtype=dtype, keepdims=True) if stretched else g
