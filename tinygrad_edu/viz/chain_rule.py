"""`explain`: a backward pass as text, the chain rule with its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..graph import Node, OutputGradients, unbroadcast
from ..observers import unobserved
from ..tensor import Tensor
from . import text
from .explanation import PLUMBING
from .recording import Contribution, Recording, finite
from .steps import Product, RecordedVJP, Routing, SumStrip, Terms, views
from .text import Text

FOLDED_ABOVE = 15
MOST_CHAINS = 20
SHORT_VJP = 6


def explain(loss: Any, parameter: Any = None, *, full: bool = False) -> Text:
    """The backward pass of `loss`, which ran inside `observe()`, as text with its numbers.

    Each step is the chain rule: the gradient of an op's result (upstream), times the derivative of
    the op (local), is what the op adds to the gradient of its argument. Above 15 ops, the modules
    are folded, unless `full`. With a `parameter`, every chain of factors from `loss` to it is
    written out, and their sum, which is its gradient. Raises TypeError for what is no Tensor,
    RuntimeError where nothing was observed, and ValueError for a parameter that `loss` does not
    depend on.

    >>> from tinygrad_edu import Tensor, explain, observe
    >>> w = Tensor(3.0, requires_grad=True, name="w")
    >>> with observe():
    ...     loss = w * w
    ...     loss.backward()
    >>> print(explain(loss, w))  # doctest: +ELLIPSIS
    ∂loss/∂w = 6, the sum of 2 chains:
    1.  1
        × 3    ∂loss/∂w by x of multiply ...
        = 3
    2.  1
        × 3    ∂loss/∂w by y of multiply ...
        = 3
    3 + 3 = 6
    """
    recording = observed(loss, "explain")
    if parameter is not None:
        return Text("\n".join(_chains(recording, parameter)))
    return Text("\n".join(_backward(recording, full)))


def observed(y: Any, caller: str) -> Recording:
    """What was observed of the backward pass of a Tensor, or an error in one sentence."""
    if not isinstance(y, Tensor):
        raise TypeError(f"{caller} takes a Tensor, such as the loss, not a {type(y).__name__}")
    if y.node is None:
        raise RuntimeError(
            f"{caller} of a constant: it was computed from nothing that requires grad, or inside "
            "no_grad(), so that it has no backward pass"
        )
    recording = Recording([y.node])
    if y.is_leaf:
        raise RuntimeError(f"{caller} of a leaf, which was given and not computed; give the loss")
    if not recording.observed:
        raise RuntimeError(
            f"{caller} needs the values of both passes, and this was computed while nobody "
            "observed; compute it again, and call backward(), inside `with observe():`"
        )
    if recording.number is None:
        raise RuntimeError(
            f"{caller} needs a backward pass, and none ran inside `with observe():`; call "
            "backward() in the block as well"
        )
    return recording


# -------------------------------------------------------------------- the whole pass


def _backward(recording: Recording, full: bool) -> Iterator[str]:
    by_node = recording.by_node
    root = recording.outputs[0]
    ops, label = text.counted(len(by_node), "op"), text.printable(recording.labels[root])
    yield f"Backward pass from {label} = {text.array(recording.values[root])}: {ops}, last first."
    yield "upstream × local = contribution, which is added to the gradient of the argument"
    missing = sum(bool(node.edges) and node not in recording.traces for node in recording.order)
    if missing:
        yield f"{text.counted(missing, 'op')} outside observe() cannot be shown."
    folds = not full and len(by_node) > FOLDED_ABOVE
    writer = _Writer(recording)
    for i, (scope, nodes) in enumerate(_groups(by_node, folds)):
        if folds and i == FOLDED_ABOVE:
            yield "..."
            yield "explain(loss, full=True) shows every op."
            break
        yield ""
        if scope and folds and len(nodes) > 1:
            yield from writer.module(scope, [step for node in nodes for step in by_node[node]])
        else:
            for node in nodes:
                yield from writer.op(node, by_node[node])
    yield from writer.leaves()


def _groups(by_node: dict[Node, Any], folds: bool) -> Iterator[tuple[str, list[Node]]]:
    """The ops in order; with `folds`, those of a module that follow each other together."""
    scope = ""
    nodes: list[Node] = []
    for node in by_node:
        own = _module(node.scope) if folds else ""
        if nodes and not (own and own == scope):
            yield scope, nodes
            nodes = []
        scope, nodes = own, [*nodes, node]
    yield scope, nodes


def _module(scope: str) -> str:
    """The module to fold: that of the first level, with its number in a list."""
    first, _, rest = scope.partition(".")
    number = rest.partition(".")[0]
    return f"{first}.{number}" if number.isdigit() and not first.isdigit() else first


class _Writer:
    """Writes ops and modules, and remembers whose gradient was written last."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.shown: Node | None = None
        self.told: set[Node] = set()

    def op(self, node: Node, steps: list[Contribution]) -> Iterator[str]:
        """An op's name, formula and line; its upstream gradient; and each contribution."""
        formula = text.printable(node.op.formula)
        label, at = self._label(node), _at(self.recording, node)
        if node.op.name in PLUMBING and len(steps) == 1:
            to, part = self._label(steps[0].source), steps[0].part
            yield f"{label}   only moves elements, to {to}: {text.array(part)}{at}"
            self.shown = steps[0].source if steps[0].count == 1 else None
            return
        own = label.partition("#")[0].rpartition(".")[2] == node.op.name
        yield f"{label}{'' if own else f' = {node.op.name}'}   {formula}{at}"
        if node is not self.shown:
            yield f"    upstream {text.array(steps[0].upstream, text.FACTOR)}"
        for step in steps:
            yield from self._contribution(step)

    def _contribution(self, step: Contribution) -> Iterator[str]:
        label = self._label(step.source)
        turn = f", {step.turn} of {step.count}" if step.count > 1 else ""
        found = views(step, cells=1)
        if len(found) == 2 and isinstance(found[0], Routing):  # copied, then summed
            found = found[1:]
        details = [line for view in found for line in _written(view, step, self._kept(step.node))]
        yield f"    to {label} (argument {step.argument}{turn}): {details[0]}"
        yield from (f"        {line}" for line in details[1:])
        zeroed = _zeroed(step)
        if zeroed:
            yield f"        {text.counted(zeroed, 'element')} behind a selection set to 0"
        if step.before is not None:
            yield f"        added to what was there: {text.array(step.total)}"
        self.shown = step.source if step.turn == step.count else None

    def _kept(self, node: Node) -> dict[str, str]:
        """What the op's names for the values that its VJPs read stand for."""
        if node.op.sequence:
            return {}
        operands = {name: self.recording.operand(node, i) for i, name in _numbered(node)}
        return {**operands, "out": self.recording.labels[node]}

    def module(self, scope: str, steps: list[Contribution]) -> Iterator[str]:
        """What comes into a module, what goes on, and its parameters' gradients."""
        inside = {step.node for step in steps}
        yield f"{text.printable(scope)}   {text.counted(len(inside), 'op')}, folded"
        yield f"    upstream {text.array(steps[0].upstream)}"
        gradients = self.recording.gradients
        found = dict.fromkeys(step.source for step in steps if step.source not in inside)
        for source in sorted(found, key=lambda node: bool(node.edges)):  # parameters first
            kind = "on to" if source.edges else "for"
            self.told.add(source)
            yield f"    {kind} {self._label(source)}: {text.array(gradients[source])}"

    def leaves(self) -> Iterator[str]:
        """The gradients that were computed, but those that were told with their module."""
        gradients = self.recording.gradients
        leaves = [node for node in gradients if not node.edges and node not in self.told]
        if leaves:
            yield ""
            yield "Gradients:"
        for leaf in leaves:
            yield f"    ∂/∂{self._label(leaf)} = {text.array(self.recording.gradients[leaf])}"

    def _label(self, node: Node) -> str:
        return text.printable(self.recording.labels[node])


def _numbered(node: Node) -> Iterator[tuple[int, str]]:
    """The tensor arguments of an op that were given, by number."""
    for i, (name, edge) in enumerate(zip(node.op.tensors, node.edges, strict=False)):
        if edge.dtype is not None:
            yield i, name


def _zeroed(step: Contribution) -> int:
    """How many entries that were not finite the guard has set to 0."""
    if isinstance(step.raw, OutputGradients) or finite(step.raw) or not finite(step.part):
        return 0
    return int((~np.isfinite(step.raw)).sum())


# -------------------------------------------------------------------- the views as text


def _written(view: Any, step: Contribution, kept: dict[str, str]) -> Iterator[str]:
    """A view in lines; `kept` are the user's names of the values that a VJP reads."""
    if isinstance(view, Product):
        upstream, local = (text.array(x, text.FACTOR) for x in (view.upstream, view.local))
        if (np.asarray(view.local) == 1).all():
            yield f"× 1 = {text.array(view.result)}"
        elif np.size(view.upstream) <= text.IN_FULL:
            yield f"{upstream} × {local} = {text.array(view.result)}"
        else:
            yield f"× {local} = {text.array(view.result)}"
    elif isinstance(view, Routing):
        added = any(len(sources) > 1 for _, sources in view.cells)
        yield f"{'added up' if added else 'copied'} = {text.array(view.result)}"
    elif isinstance(view, Terms):
        yield f"Σ upstream × local = {text.array(step.part)}"
        yield _sum_of_terms(view, kept)
    elif isinstance(view, RecordedVJP):
        if not step.node.op.products:
            yield from _lines(view)
    elif isinstance(view, SumStrip):
        axes = f"{'axis' if len(view.axes) == 1 else 'axes'} {', '.join(map(str, view.axes))}"
        yield f"summed over {axes}, which broadcasting stretched: {text.array(view.after)}"


def _lines(view: RecordedVJP) -> Iterator[str]:
    """A VJP's own ops; of a long one only those that depend on the upstream gradient g."""
    every = len(view.lines) <= SHORT_VJP
    hidden = [line.name for line in view.lines if not (every or line.depends_on_upstream)]
    if hidden:
        yield f"{', '.join(hidden)} of kept values alone"
    for line in view.lines:
        if line.name not in hidden:
            given = ", ".join(map(text.printable, line.operands))
            yield f"{line.name} = {line.op}({given}) = {text.array(line.value)}"


def _sum_of_terms(view: Terms, kept: dict[str, str]) -> str:
    terms = []
    for term in view.terms:
        name, bracket, position = (term.origin or "").partition("[")
        origin = f" ({text.printable(kept.get(name, name))}{bracket}{position})" if name else ""
        factors = f"{term.upstream:.{text.FACTOR}g} × {term.local:.{text.FACTOR}g}"
        terms.append(f"{factors}{origin}")
    more = f" + {view.more} more" if view.more else ""
    total = "0, canceled" if view.canceled else text.scalar(view.total)
    at = f"element {text.index(view.cell)}: " if view.cell else ""
    return f"{at}{' + '.join(terms) or '0'}{more} = {total}"


# -------------------------------------------------------------------- chains


def _chains(recording: Recording, parameter: Any) -> Iterator[str]:
    if not isinstance(parameter, Tensor):
        kind = type(parameter).__name__
        raise TypeError(f"explain(loss, parameter) takes a Tensor to explain, not a {kind}")
    target: Any = parameter.node
    root = recording.outputs[0]
    steps = recording.to_node.get(target)
    if not steps or target is None:
        name = text.printable(parameter.name or "the parameter")
        raise ValueError(
            f"no gradient went from the loss to {name} in the last backward pass; it is a "
            "constant, or not among what the loss was computed from; why(tensor) says more"
        )
    ways = _ways(recording, target)
    total = text.array(recording.gradients[target])
    what = f"∂{_label(recording, root)}/∂{_label(recording, target)} = {total}, the sum of "
    if ways[root] > MOST_CHAINS:
        yield f"{what}{ways[root]} chains, here by their last op:"
        for step in steps:
            by = f"{text.array(step.part)}    by {step.argument} of {step.node.op.name}"
            yield f"    {by}{_at(recording, step.node)}"
        return
    yield f"{what}{text.counted(ways[root], 'chain')}:"
    results = []
    for i, chain in enumerate(_paths(recording, target, ways), 1):
        result = yield from _chain(recording, i, chain)
        results.append(result)
    if len(results) > 1 and np.size(results[0]) <= text.IN_FULL:
        yield f"{' + '.join(map(text.array, results))} = {total}"
    elif len(results) > 1:
        yield f"added up: {total}"


def _ways(recording: Recording, target: Node) -> dict[Node, int]:
    """How many chains lead from each node to the target."""
    ways = {target: 1}
    for node in reversed(recording.order):
        if node is not target:
            found = sum(ways.get(each.source, 0) for each in recording.by_node.get(node, ()))
            if found:
                ways[node] = found
    return ways


def _paths(
    recording: Recording, target: Node, ways: dict[Node, int]
) -> Iterator[list[Contribution]]:
    """Every chain of contributions from the loss to the target."""
    unfinished: list[tuple[Node, list[Contribution]]] = [(recording.outputs[0], [])]
    while unfinished:
        node, chain = unfinished.pop()
        if node is target:
            yield chain
            continue
        for step in reversed(recording.by_node.get(node, [])):
            if step.source in ways:
                unfinished.append((step.source, [*chain, step]))


def _chain(recording: Recording, number: int, chain: list[Contribution]) -> Any:
    """A chain's factors, one a line, and their product, which it returns."""
    g = chain[0].upstream
    yield f"{number}.  {text.array(g, text.FACTOR)}"
    for step in chain:
        above, below = _label(recording, step.node), _label(recording, step.source)
        what = f"∂{above}/∂{below} by {step.argument} of {step.node.op.name}"
        factor, g = _along(step, g)
        sign, shown = ("→", g) if factor is None else ("×", factor)
        digits = text.RESULT if factor is None else text.FACTOR
        yield f"    {sign} {text.array(shown, digits)}    {what}{_at(recording, step.node)}"
    yield f"    = {text.array(g)}"
    return g


def _along(step: Contribution, g: Any) -> tuple[Any, Any]:
    """What a gradient becomes along a step, and the factor if it is multiplied by one."""
    edge = step.node.edges[step.position]
    kept = step.kept.values()
    with unobserved(), np.errstate(all="ignore"):
        raw = edge.vjp.function(g, *kept)
        if isinstance(raw, OutputGradients):
            return None, raw
        part = unbroadcast(raw, edge.shape).astype(edge.dtype)
        factor = None
        if step.node.op.elementwise and np.shape(raw) == np.shape(part):
            factor = edge.vjp.function(np.ones_like(g), *kept)
    left_out = ~np.isfinite(part) & np.isfinite(step.part)  # by a selection
    return factor, np.where(left_out, np.zeros_like(part), part)


def _label(recording: Recording, node: Node) -> str:
    return text.printable(recording.labels[node])


def _at(recording: Recording, node: Node) -> str:
    """The line of source on which a node was computed."""
    line = recording.line(node)
    return f"   {line}  {text.printable(line.expression)}".rstrip() if line else ""
