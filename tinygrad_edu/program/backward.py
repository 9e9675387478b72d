"""The sweep of a recording: the steps that compute its gradients, in the order of `graph.sweep`.

The steps are run while they are written down, so that shapes and dtypes are known.
"""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np

from .. import guard
from ..declare import Shapes
from ..graph import unbroadcast
from .recording import Recording, Step, Value, filled


class Sweep(NamedTuple):
    """The backward steps, and which Value is the gradient of which."""

    steps: list[Step]
    gradients: dict[Value, Value]


class Call(NamedTuple):
    """What `guard.zero_unreached` asks of a node."""

    op: Any
    statics: Any


def zero_unreached(part: Any, g: Any, call: Call, position: int, kept: Any) -> Any:
    """The NaN guard of the sweep: what a selection left out sends nothing back."""
    vjp = call.op.vjps[0 if call.op.sequence else position]
    return guard.zero_unreached(part, g, call, vjp, kept)


def sweep(recording: Recording, seeds: dict[Value, Value], wanted: set[Value]) -> Sweep:
    """Backpropagate from the gradients of some outputs to the wanted inputs and captured Values."""
    visible = [*recording.inputs, *recording.captured, *recording.constants, *seeds]
    live = _leading_to(recording.steps, wanted)
    return _Sweep(seeds, live, visible).run(recording.steps, wanted)


def _leading_to(steps: list[Step], wanted: set[Value]) -> set[Value]:
    live = set(wanted)
    for step in steps:
        if any(source in live for source in step.sources if source is not None):
            live.update(step.outs)
    return live


class _Sweep:
    def __init__(self, seeds: dict[Value, Value], live: set[Value], visible: list[Value]) -> None:
        self.visible = visible
        self.gradients = dict(seeds)
        self.live = live
        self.steps: list[Step] = []
        self.owned: set[Value] = set()
        self.selected: set[Value] = set()
        self.position = 0  # of the operand whose gradient is being computed

    def run(self, forward: list[Step], wanted: set[Value]) -> Sweep:
        with np.errstate(all="ignore"):
            for step in reversed(forward):
                if step.op is not None and any(out in self.gradients for out in step.outs):
                    self._through(step)
            found = {value: self.gradients[value] for value in wanted if value in self.gradients}
            return Sweep(self.steps, self._distinct(found))

    def _through(self, step: Step) -> None:
        op, outs = step.op, step.outs
        if op.outputs == 1:
            g: Any = self.gradients.pop(outs[0])
        else:
            g = tuple(self._gradient_or_zeros(out, step) for out in outs)
        selects = op.selects or any(out in self.selected for out in outs)
        for i, source in enumerate(step.sources):
            if source is not None and source in self.live:
                self._contribution(step, i, source, g, selects)

    def _gradient_or_zeros(self, out: Value, step: Step) -> Value:
        known = self.gradients.pop(out, None)
        if known is None:
            args = [out.array.dtype.type(0), np.shape(out.array)]
            (known,) = self._step(np.broadcast_to, args, "zeros", step, out)
            known.is_nothing = True
        return known

    def _contribution(self, step: Step, i: int, source: Value, g: Any, selects: bool) -> None:
        op, like = step.op, source.array
        self.position = i
        vjp = op.vjps[0 if op.sequence else i]
        kept: Any = vjp.collect(self._slots(step, i)) if vjp.slots else ()
        if selects:
            self.selected.add(source)
        if vjp.add_to is not None and source in self.owned:
            total = self.gradients[source]
            copied = Value(total.array.copy(), "computed")
            args = [total, g, *kept]
            vjp.add_to(copied.array, *filled(args[1:], _array))
            self._write(Step(vjp.add_to, args, [copied], "add_to"), step, source)
            self.gradients[source] = copied
            return
        (part,) = self._step(vjp.function, [g, *kept], "vjp", step, source)
        owned = part.array is not _array(g) and _is_own_array(part.array)
        if selects and vjp.reads and (op.elementwise or op.along or op.products):
            call = Call(op, filled(step.args[1 if op.sequence else len(op.tensors) :], _array))
            args = [part, g, call, i, list(kept)]
            (part,) = self._step(zero_unreached, args, "guard", step, source)
        part = self._fitted(part, like, step, source)
        so_far = self.gradients.get(source)
        if so_far is None:
            self.gradients[source] = part
            if owned and source.kind != "computed":
                self.owned.add(source)
        else:
            (total,) = self._step(operator.add, [so_far, part], "accumulate", step, source)
            self.gradients[source] = total
            if _is_own_array(total.array):
                self.owned.add(source)

    def _slots(self, step: Step, i: int) -> list[Any]:
        """What the call offered to its VJPs, as in `Op.offered`."""
        op = step.op
        out = step.outs[0] if op.outputs == 1 else tuple(step.outs)
        slots = [*step.args, out]
        if op.sequence:
            likes = Shapes(np.shape(each.array) for each in step.args[0])
            return [*slots, likes[i], i, likes]
        shapes = [np.shape(_array(each)) for each in step.args[: len(op.tensors)]]
        return [*slots, *shapes]

    def _fitted(self, part: Value, like: Any, step: Step, of: Value) -> Value:
        if np.shape(part.array) != np.shape(like):
            (part,) = self._step(unbroadcast, [part, np.shape(like)], "sum", step, of)
        if part.array.dtype != like.dtype:
            (part,) = self._step(cast, [part, like.dtype], "cast", step, of)
        return part

    def _distinct(self, found: dict[Value, Value]) -> dict[Value, Value]:
        """Every gradient an array of its own, as a program returns it."""
        result: dict[Value, Value] = {}
        others = [step_value.array for step_value in self.visible]
        for value, g in found.items():
            if g.kind != "computed" or _overlaps(g.array, others):
                (g,) = self._step(np.copy, [g], "copy", None, value)
            others.append(g.array)
            result[value] = g
        return result

    def _step(
        self, function: Any, args: list[Any], role: str, origin: Step | None, of: Value
    ) -> list[Value]:
        array = function(*filled(args, _array))
        out = Value(array, "computed")
        return self._write(Step(function, args, [out], role), origin, of)

    def _write(self, step: Step, origin: Step | None, of: Value) -> list[Value]:
        step.of, step.origin, step.position = of, origin, self.position
        if origin is not None:
            step.op, step.scope, step.location = origin.op, origin.scope, origin.location
        self.steps.append(step)
        return step.outs


def cast(x: Any, dtype: Any) -> Any:
    """Another floating type."""
    return x.astype(dtype)


def _array(value: Any) -> Any:
    return value.array if isinstance(value, Value) else value


def _overlaps(array: Any, others: list[Any]) -> bool:
    """Whether writing into an array would change another one, or itself elsewhere."""
    if type(array) is not np.ndarray:
        return False
    repeated = any(s == 0 and n > 1 for s, n in zip(array.strides, array.shape, strict=True))
    return repeated or any(np.may_share_memory(array, other) for other in others)


def _is_own_array(part: Any) -> bool:
    return type(part) is np.ndarray and part.base is None


def used(steps: list[Step], results: list[Value]) -> list[Step]:
    """The steps that the results need; what changes something outside is always needed."""
    needed, kept = set(results), []
    for step in reversed(steps):
        if step.role == "effect" or any(out in needed for out in step.outs):
            needed.update(step.reads)
            kept.append(step)
    return kept[::-1]
