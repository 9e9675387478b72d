"""`why`: why a gradient is None, zero, not finite, or stays without effect."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..graph import topological_order
from ..tensor import Tensor
from . import nonfinite, text
from .findings import Finding, Report, at, user_line
from .observation import Observation, latest
from .provenance import BY_HAND, UNDIFFERENTIATED, Cut, Leaf
from .recording import Contribution, Recording, argument, finite
from .steps import Linear, views

NOT_OBSERVED = (
    "why() needs to have seen it: compute the loss and call backward() inside `with observe():`, "
    "and ask in the block or after it"
)


def why(t: Any, loss: Any = None, *, trained: Any = None) -> Report:
    """Why the gradient of `t` is None, zero, NaN or without effect: facts, likely cause, remedy.

    It speaks about what was computed inside `with observe():`; `loss` is the Tensor that
    `backward()` was called on, if not the last one. `trained` is the model, the optimizer or the
    list of parameters among which `t` should be. A report without findings is an empty
    `findings`. Raises TypeError for what is no Tensor, and RuntimeError if nothing was observed.

    >>> from tinygrad_edu import Tensor, observe, why
    >>> x = Tensor([0.0, 4.0], requires_grad=True, name="x")
    >>> with observe():
    ...     loss = (x ** 0.5).sum()
    ...     loss.backward()
    >>> report = why(x)
    >>> report.findings[0].id
    'nan-only-in-the-backward-pass'
    """
    if not isinstance(t, Tensor):
        raise TypeError(f"why() takes a Tensor, such as a parameter, not a {type(t).__name__}")
    seen = latest()
    if seen is None:
        raise RuntimeError(NOT_OBSERVED)
    case = _Case(t, seen, loss)
    findings = case.findings(trained)
    return Report(case.opening(findings), findings)


class _Case:
    """A Tensor, and what was observed of it."""

    def __init__(self, t: Tensor, seen: Observation, loss: Any) -> None:
        self.t, self.seen = t, seen
        self.node: Any = t.node
        if loss is not None and (not isinstance(loss, Tensor) or loss.node is None):
            raise TypeError("why(t, loss) takes the Tensor that backward() was called on")
        roots: list[Any] = [loss.node] if loss is not None else seen.roots
        own = [t.node] if t.node is not None and t.node.edges else []
        self.recording = Recording([*roots, *(each for each in own if each not in roots)])
        self.roots = roots
        self.leaf: Leaf | None = seen.provenance.leaves.get(t.node.birth) if t.node else None
        known = self.recording.labels.get(t.node) if t.node else None
        name = t.name or (self.leaf and self.leaf.name)
        known = known if name or (t.node and t.node.edges) else None  # with the path of its layer
        self.name = text.printable(known or name or "the Tensor")
        self.gradient = self.recording.gradients.get(t.node) if t.node else None
        self.note = ""

    def opening(self, findings: list[Finding]) -> str:
        """What there is to explain, in one line."""
        g = self.gradient
        if self.seen.number == 0:
            what = "no backward pass was observed"
        elif g is None:
            what = f"no gradient came to it in the last backward pass{self.note}"
        elif isinstance(g, tuple):
            what = "it has several outputs"
        elif not finite(g):
            bad = ~np.isfinite(g)
            first = text.index(tuple(int(i) for i in np.argwhere(bad)[0]))
            where = f", first at {first}" if first else ""
            what = f"its gradient is not finite in {int(bad.sum())} of {bad.size} elements{where}"
        elif not np.any(g):
            what = f"its gradient is 0 everywhere{self.note}"
        else:
            what = f"its gradient is {text.array(g)}"
        return f"{self.name}: {what}." + ("" if findings else " Nothing wrong was found.")

    def findings(self, trained: Any) -> list[Finding]:
        """All that was found, the cause before what follows from it."""
        found: list[Finding | None] = []
        if self.node is None:
            return [self._constant()]
        computed = self.node.edges and self.node not in self.roots
        if computed and not self.node.retains and self.seen.number:
            found.append(self._result())
        if trained is not None:
            found.append(self._trained(trained))
        value = self._value()
        found += [self._changed(), value]
        if self.gradient is None:
            if value is None and (self.seen.number == 0 or not self.node.edges):
                found += self._unreached()
        elif not isinstance(self.gradient, tuple):
            if not finite(self.gradient) and value is None:
                found.append(nonfinite.backward(self.recording, self.node))
            elif self.gradient.size and finite(self.gradient) and not np.any(self.gradient):
                found.append(self._zero())
        if self.leaf is not None:
            found += [self._not_reset(self.leaf), self._not_updated(self.leaf)]
        return [finding for finding in found if finding is not None]

    # ---------------------------------------------------------------- None

    def _constant(self) -> Finding:
        remedy = "make it with Tensor(..., requires_grad=True), and compute outside no_grad()"
        fact = f"{self.name} does not require grad"
        unrecorded = self.seen.provenance.unrecorded(self.t.data)
        if unrecorded is None:
            facts = [f"{fact}: it is a constant, or was computed from constants"]
            return Finding("backward-did-not-reach-it", facts, None, remedy)
        op, sites, how = unrecorded
        facts = [f"{fact}: it was computed by {op}{at(sites)} {how}"]
        return Finding("the-gradient-was-cut-off", facts, None, remedy, user_line(sites))

    def _result(self) -> Finding:
        node = self.node
        leaves = [each for each in topological_order([node]) if not each.edges]
        behind = ", ".join(text.printable(self._label(leaf)) for leaf in leaves[:4])
        return Finding(
            "the-name-holds-a-result",
            [
                f"{self.name} was computed, by {node.op.name}, so that its .grad is not stored",
                f"behind it {'is the leaf' if len(leaves) == 1 else 'are the leaves'} {behind}, "
                "which got the gradient",
            ],
            None,
            "make the leaf of the finished array, as in Tensor(array * 0.1, requires_grad=True), "
            f"or call {self.name}.retain_grad() before backward()",
            self.recording.line(node),
        )

    def _unreached(self) -> list[Finding]:
        """No gradient came, because no pass began, or because of where it went."""
        if self.seen.number == 0:
            return [
                Finding(
                    "backward-did-not-reach-it",
                    ["backward() was not called while it was observed"],
                    None,
                    "call loss.backward() inside `with observe():`, then look at .grad",
                )
            ]
        if self.leaf is not None and self.leaf.passes:
            self.note = ", but in one before; why(t, loss) tells about that of another loss"
            return []
        cuts = [each for each in self.seen.provenance.cuts if self.node.birth in each.leaves]
        if cuts:
            return list({str(f): f for f in map(self._cut, cuts)}.values())[-3:]
        used = self.seen.provenance.used_as_constant(self.t.data)
        if used is not None:
            return [self._cut(Cut("", (), BY_HAND, *used, set()))]
        root = text.printable(", ".join(self._label(each) for each in self.roots))
        facts = [f"the last backward pass started from {root}{at(self.seen.swept_at)}"]
        op, used_at = self.leaf.used if self.leaf else ("", ())
        if not op:
            facts.append(f"no op was seen that used {self.name}")
        else:
            by = f"was used by {op}{at(used_at)}"
            facts.append(f"{self.name} {by}, whose result did not go into {root}")
        return [
            Finding(
                "backward-did-not-reach-it", facts, None,
                f"let the loss depend on {self.name}, or call backward() on the Tensor that does",
                user_line(used_at),
            )
        ]  # fmt: skip

    def _cut(self, cut: Cut) -> Finding:
        remedy = "pass the Tensor itself, not its .data, and compute outside no_grad()"
        where = f"{cut.used_by}{at(cut.used_at)}"
        if cut.how == UNDIFFERENTIATED:
            fact = f"{self.name}, or what was computed from it, went into {where}, {cut.how}"
            remedy = (
                "let the loss depend on a smooth function instead, such as sigmoid for a "
                "comparison and softmax for argmax"
            )
        elif cut.computed_by:
            by = f"a value computed from {self.name} by {cut.computed_by}{at(cut.computed_at)}"
            fact = f"{by} went into {where} as a constant, {cut.how}"
        else:
            fact = f"the data of {self.name} went into {where} as a constant, {cut.how}"
        line = user_line(cut.used_at)
        return Finding("the-gradient-was-cut-off", [fact], None, remedy, line)

    # ---------------------------------------------------------------- NaN, zero

    def _value(self) -> Finding | None:
        """A value that is not finite, at the root or at the Tensor itself."""
        for node in (*self.roots, self.node):
            value = self.recording.values.get(node) if node is not None else None
            if value is not None and not isinstance(value, tuple) and not finite(value):
                return nonfinite.forward(self.recording, node)
        return None

    def _zero(self) -> Finding | None:
        """The derivative that made 0 of a gradient that was not."""
        target: Any = self.node
        while True:
            steps = self.recording.to_node.get(target, [])
            if not steps:
                facts = ["the upstream gradient given to backward() is 0"]
                remedy = "give backward() the gradient that the loss has"
                return Finding("the-gradient-is-zero", facts, None, remedy)
            step = next((each for each in steps if _any(each.upstream)), None)
            if step is not None and (_any(step.part) or _cancels(step)):
                self.note = ", a sum whose terms cancel, as of a bias before a normalization"
                return None
            if step is not None:
                break
            target = steps[0].node
        node = step.node
        label, to = (text.printable(self._label(each)) for each in (node, step.source))
        facts = [
            f"the gradient of {label}, by {node.op.name}, is {text.array(step.upstream)}; what it "
            f"sends to {to} is 0 everywhere"
        ]
        for view in views(step, cells=1)[:1]:
            local = getattr(view, "local", None)
            if local is not None:
                facts.append(f"its derivative by {step.argument} is {text.array(local, 6)}")
        for i, value in enumerate(step.trace.operands(node.op)):
            if type(value) is np.ndarray and value.dtype.kind == "f" and value.size:
                span = f"{text.scalar(value.min())} to {text.scalar(value.max())}"
                facts.append(f"its operand {argument(node, i)} is {span}")
        return Finding(
            "the-gradient-is-zero", facts, _ZERO.get(node.op.name, _FLAT),
            "look at what goes into that op: a smaller learning rate, another start or another "
            "activation if units are dead; np.where instead of a product with a mask of zeros",
            self.recording.line(node),
        )  # fmt: skip

    def _changed(self) -> Finding | None:
        for change in self.seen.changes:
            if change.number == self.recording.number and change.leads_to(self.node):
                return change.finding()
        return None

    # ---------------------------------------------------------------- without effect

    def _trained(self, trained: Any) -> Finding | None:
        """Whether the Tensor is among those that are trained, and which others are not."""
        given = dict.fromkeys(each.node for each in _tensors(trained) if each.node)
        kind = type(trained).__name__
        if self.node is not None and not self.node.edges:
            if self.node in given:
                return None
            facts = [f"{self.name} is not among the {len(given)} parameters of the {kind}"]
            row = "not-in-the-optimizer"
        else:
            leaves = dict.fromkeys(n for n in topological_order(self.roots) if not n.edges)
            others = [each for each in leaves if each not in given]
            unused = [each for each in given if each not in leaves]
            if not others and not unused:
                return None
            facts = []
            if others:
                names = ", ".join(text.printable(self._label(each)) for each in others[:8])
                facts.append(f"the loss depends on {names}, not among the parameters of the {kind}")
            if unused:
                names = ", ".join(text.printable(self._label(each)) for each in unused[:8])
                facts.append(f"the {kind} has {names}, on which the loss does not depend")
            row = "not-among-the-parameters"
        return Finding(
            row, facts, None,
            "give the optimizer model.parameters(), and keep layers in attributes or an "
            "nn.ModuleList, where parameters() finds them",
        )  # fmt: skip

    def _not_reset(self, leaf: Leaf) -> Finding | None:
        """Two updates, and a gradient that was not reset between the passes before them."""
        first = second = None
        passes = list(leaf.passes)
        for i, (a, b) in enumerate(itertools.pairwise(passes)):
            later = passes[i + 2].version if i + 2 < len(passes) else leaf.version
            last = later == b.version and i + 2 == len(passes)
            used = later != b.version or (last and self.seen.provenance.updated_since(leaf))
            if b.added and a.version != b.version and used:
                first, second = a, b
        if first is None or second is None:
            return None
        return Finding(
            "gradients-are-not-reset",
            [
                f"backward(){at(second.at)} found a gradient in {self.name}, and added to it",
                f"that was computed with other values of {self.name}: it was updated after the "
                f"pass{at(first.at)}, and again after this one",
            ],
            None,
            "call optimizer.zero_grad() once for each update, before backward()",
            user_line(second.at),
        )

    def _not_updated(self, leaf: Leaf) -> Finding | None:
        """A leaf whose data stayed while those of others in the same passes were updated."""
        if len(leaf.passes) < 2 or len({each.version for each in leaf.passes}) > 1:
            return None
        first, last = leaf.passes[0].number, leaf.passes[-1].number
        if any(each.added for each in leaf.passes) or not self._has_slope():
            return None
        others = self.seen.provenance.leaves.values()
        updated = sum(
            len({each.version for each in other.passes if first <= each.number <= last}) > 1
            for other in others
        )
        if not updated:
            return None
        return Finding(
            "not-in-the-optimizer",
            [
                f"{self.name} has the same values in {len(leaf.passes)} backward passes, while "
                f"{updated} other{'s' * (updated > 1)} changed",
                f"its gradient is {text.array(self.gradient)}, and was reset in between",
            ],
            "it is not among the parameters of the optimizer, or its learning rate is 0",
            "give the optimizer model.parameters(); why(t, trained=optimizer) checks it",
        )

    def _has_slope(self) -> bool:
        return self.gradient is not None and _any(self.gradient)

    def _label(self, node: Any) -> str:
        """What a node is called, whether the loss depends on it or not."""
        leaf = self.seen.provenance.leaves.get(node.birth)
        known = self.recording.labels.get(node)
        name = node.name or (leaf and leaf.name)
        return (known if node.edges or name else None) or name or "without a name"


_FLAT = "the op is flat where its operands are, or multiplies by 0"
_ZERO = {
    "relu": "all units are dead for this batch: relu is flat below 0",
    "sign": "sign is piecewise constant, so its derivative is 0 everywhere",
    "round": "round is piecewise constant, so its derivative is 0 everywhere",
    "floor": "floor is piecewise constant, so its derivative is 0 everywhere",
    "clip": "all values are outside of the bounds, where clip is flat",
    "sigmoid": "saturation: sigmoid is flat far from 0",
    "tanh": "saturation: tanh is flat far from 0",
}


def _cancels(step: Contribution) -> bool:
    """Whether a contribution of 0 is a sum of terms that are not 0."""
    if step.node.op.elementwise and np.shape(step.raw) == np.shape(step.part):
        return False
    if isinstance(step.part, tuple) or not step.part.size:
        return False
    return bool(Linear(step).terms((0,) * step.part.ndim).terms)


def _any(gradient: Any) -> bool:
    each = gradient if isinstance(gradient, tuple) else (gradient,)
    return any(bool(np.any(g)) for g in each)


def _tensors(trained: Any) -> Iterable[Tensor]:
    """The parameters of a model, of an optimizer, or those of a list."""
    if hasattr(trained, "groups"):
        found = [p for group in trained.groups for p in group["params"]]
    elif callable(getattr(trained, "parameters", None)):
        found = list(trained.parameters())
    else:
        found = list(trained)
    for each in found:
        if not isinstance(each, Tensor):
            raise TypeError(
                "why(t, trained=...) takes a model, an optimizer, or a list of parameters, not "
                f"one of {type(each).__name__}"
            )
    return found
