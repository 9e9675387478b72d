"""The graph: what was computed, sorted topologically and swept backwards.

Nothing here knows what a Tensor is.  A gradient is whatever the VJPs answer: an ndarray in the
ordinary sweep, a Tensor when derivatives are themselves to be differentiated.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

SPENT = (
    "this graph was already swept backwards, and the values it kept were dropped on the way to "
    "save memory; run the forward pass again, or give retain_graph=True to the first sweep"
)

_births = itertools.count()


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

    __slots__ = ("op", "edges", "statics", "scope", "birth", "name", "retains", "grad")

    def __init__(self, op: Any, edges: Any, statics: Any, scope: str = "") -> None:
        self.op = op
        self.edges: tuple[Edge, ...] = edges
        self.statics = statics
        self.scope = scope
        self.birth = next(_births)
        self.name: str | None = None
        self.retains = not edges
        self.grad: np.ndarray | None = None


class Bundle(tuple[Any, ...]):
    """The gradients of an op with several outputs: one thing to the sweep, added one by one."""

    shape = dtype = base = None

    def __add__(self, other: Any) -> Bundle:
        return Bundle(a + b for a, b in zip(self, other, strict=True))


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
    lift: Callable[[Any, Node], Any] | None = None,
) -> dict[Node, Any]:
    """Backpropagate from `seeds` (node -> gradient) and answer the gradients that were asked for.

    Those are the `wanted` nodes', or else every retaining node's.  The other gradients, and unless
    `retain_graph` the values kept for the VJPs, are dropped as the sweep passes, so that their
    memory serves the gradients still to come.  With `lift`, which puts a kept value back on its
    node, the VJPs are recorded too.
    """
    order = topological_order(seeds)
    if wanted is not None:
        wanted = set(wanted)
        path = _leading_to(wanted, order)
        order = [node for node in order if node in path]
    selecting = any(node.op.selects for node in order if node.edges)
    gradients = dict(seeds)
    owned: set[Node] = set()  # nodes whose gradient is an array that nobody else can see
    answers = {}
    with np.errstate(all="ignore"):
        for node in order:
            g = gradients.pop(node)
            if node.retains if wanted is None else node in wanted:
                answers[node] = g if lift or node in owned else np.array(g)
            guarded = selecting and node.edges and node.op.guarded
            for edge in node.edges:
                source = edge.source
                if source is None or (wanted is not None and source not in path):
                    continue
                kept = edge.kept
                if kept is None:
                    raise RuntimeError(SPENT)
                part = edge.vjp.function(g, *(kept if lift is None else _lifted(node, edge, lift)))
                if guarded:
                    part = _silence(part, g)
                if part.shape != edge.shape or part.dtype is not edge.dtype:
                    part = _fitted(part, node, edge)
                if source not in gradients:
                    gradients[source] = part
                    if source.retains and part is not g and _fresh(part):
                        owned.add(source)
                elif source in owned:
                    gradients[source] += part
                else:
                    gradients[source] = gradients[source] + part
                    if _fresh(gradients[source]):
                        owned.add(source)
                if not retain_graph:
                    edge.kept = None
    return answers


def _fresh(part: Any) -> bool:
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
    """What a VJP answered, in the shape and dtype of the argument."""
    part = unbroadcast(part, edge.shape)
    if part.shape != edge.shape:
        raise ValueError(
            f"a VJP of {node.op.name} answered shape {part.shape} for an argument of shape "
            f"{edge.shape}"
        )
    return part if part.dtype is edge.dtype else part.astype(edge.dtype)


def _lifted(node: Node, edge: Edge, lift: Callable[[Any, Node], Any]) -> Iterator[Any]:
    """The values `edge` kept, each back on the node it came from."""
    for origin, value in zip(edge.vjp.origins, edge.kept, strict=True):
        if origin == "out":
            yield node.op.lifted(value, node, lift)
        elif origin == "all":
            yield [_back(part, each, lift) for part, each in zip(value, node.edges, strict=True)]
        elif origin is None:
            yield value
        else:
            yield _back(value, node.edges[origin], lift)


def _back(value: Any, edge: Edge, lift: Callable[[Any, Node], Any]) -> Any:
    return value if edge.source is None else lift(value, edge.source)


def _silence(part: Any, g: Any) -> Any:
    """Non-finite entries become 0 where `g` is 0: nothing comes back from what was left out.

    Only here, never in a VJP: a guard inside one would cut its second derivative.
    """
    if np.isfinite(part).all():
        return part
    return np.where(np.isfinite(part) | (g != 0), part, np.zeros((), part.dtype))


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum `g` over the axes that broadcasting added to or stretched from `shape`."""
    added = g.ndim - len(shape)
    if added > 0:
        g = g.sum(axis=tuple(range(added)))
        if g.shape == shape:
            return g
    stretched = tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] != 1)
    return g.sum(axis=stretched, keepdims=True) if stretched else g
