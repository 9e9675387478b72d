"""Where a NaN or an infinity comes from: the first op to have made one of finite values."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph import Node
from . import text
from .findings import BACKWARD, FORWARD, UNKNOWN, Finding
from .recording import Contribution, Recording, finite, is_outputs
from .steps import Linear, product

FORWARD_ID, BACKWARD_ID = "nan-in-the-forward-pass", "nan-only-in-the-backward-pass"
MASK_ID = "zero-times-infinity"
OVERFLOW = (
    "scale the loss down, or compute in a wider dtype: float32 ends at 3e38, float16 at 65504"
)


# -------------------------------------------------------------------- forward


def forward(recording: Recording, node: Node) -> Finding:
    """Why the value of a node is not finite: the op behind it which made that of finite values.

    The search follows the elements: of an elementwise op, only operands that are not finite at the
    same position.
    """
    zero = None
    while True:
        trace = recording.traces.get(node)
        if trace is None:
            return _given(recording, node)
        if trace.output is not None:
            node = node.edges[0].source
            continue
        position = _bad(trace.out)
        operands = _operands(recording, node, position)
        if zero is None and _is_zero_times_infinity(node, operands):
            zero = node, position, operands
        culprits = [each for each in operands if not np.isfinite(each[2]).all()]
        if not culprits:
            return _made(recording, node, position, operands, zero)
        i, label, _ = culprits[0]
        source = node.edges[i].source
        if source is None or not source.edges:
            value = trace.operands(node.op)[i]
            return _held(label, "was given and not computed", value, recording.line(node))
        node = source


def _operands(recording: Recording, node: Node, position: Any) -> list[tuple[int, str, Any]]:
    """The operands of an op by number, label and value; of an elementwise op at one position."""
    trace = recording.traces[node]
    found = []
    for i, value in enumerate(trace.operands(node.op)):
        array = np.asarray(value)
        if array.dtype.kind != "f" and array.dtype.kind not in "iub":
            continue
        if node.op.elementwise and np.shape(trace.out):
            array = np.broadcast_to(array, np.shape(trace.out))[position]
        found.append((i, recording.operand(node, i), array))
    return found


def _bad(array: Any) -> tuple[int, ...]:
    """The position of the first NaN, or else of the first infinity."""
    if isinstance(array, tuple):
        array = next(each for each in array if not np.isfinite(each).all())
    mask = np.isnan(array)
    if not mask.any():
        mask = ~np.isfinite(array)
    return tuple(int(i) for i in np.argwhere(mask)[0])


def _is_zero_times_infinity(node: Node, operands: Any) -> bool:
    values = [float(value) for _, _, value in operands if np.ndim(value) == 0]
    is_product = node.op.name == "multiply" and len(values) == 2
    return is_product and 0 in values and bool(np.isinf(values).any())


def _made(recording: Recording, node: Node, position: Any, operands: Any, zero: Any) -> Finding:
    value = recording.traces[node].out
    shown = value[0] if isinstance(value, tuple) else value
    facts = [
        f"{_what(recording, node)} is {text.scalar(shown[position])}{_of(text.index(position))}, "
        f"computed from finite values: {_listed(node, operands)}"
    ]
    if zero is not None and zero[0] is not node:
        line = recording.line(zero[0])
        at = f", at {line}" if line else ""
        facts.append(f"multiplied by 0 it became NaN{_of(text.index(zero[1]))}{at}")
        return Finding(
            MASK_ID, facts, "a product with a mask of 0 and 1 leaves nothing out: 0 · inf is NaN",
            "choose with np.where(mask, value, 0), which leaves the others out in both passes",
            recording.line(node),
        )  # fmt: skip
    likely, remedy = FORWARD.get(node.op.name, UNKNOWN)
    return Finding(FORWARD_ID, facts, likely, remedy, recording.line(node))


def _what(recording: Recording, node: Node) -> str:
    """A result by its label, with its op if that does not tell it."""
    label = text.printable(recording.labels[node])
    own = label.partition("#")[0].rpartition(".")[2] == node.op.name
    return label if own else f"{label}, by {node.op.name},"


def _given(recording: Recording, node: Node) -> Finding:
    """A node that nobody observed."""
    how = "was computed outside observe()" if node.edges else "was given and not computed"
    return _held(recording.labels[node], how, recording.values.get(node), None)


def _held(label: str, how: str, value: Any, line: Any) -> Finding:
    bad = "" if value is None else f" in {int((~np.isfinite(value)).sum())} of {np.size(value)}"
    return Finding(
        FORWARD_ID,
        [f"{text.printable(label)}, which {how}, holds NaN or inf{bad}{' elements' * bool(bad)}"],
        None,
        "look at the data, as by np.isfinite(x).all(), or at the update that made the parameter so",
        line,
    )


def _listed(node: Node, operands: Any) -> str:
    op = node.op
    named = []
    for i, label, value in operands:
        name = f"{op.tensors[0]}[{i}]" if op.sequence else op.tensors[i]
        label = text.printable(label)
        named.append(f"{name}{f' ({label})' if label != name else ''} = {text.array(value)}")
    return ", ".join(named)


def _of(where: str) -> str:
    return f" at {where}" if where else ""


# -------------------------------------------------------------------- backward


def backward(recording: Recording, target: Node) -> Finding:
    """Why the gradient of a node is not finite: the derivative that made that of a finite one."""
    while True:
        steps = recording.to_node.get(target, [])
        step = next((each for each in steps if not finite(each.part)), None)
        if step is None:
            label = text.printable(recording.labels[target])
            if steps:
                fact = f"the {len(steps)} contributions to {label} are finite, and their sum is not"
                return Finding(BACKWARD_ID, [fact], "an overflow", OVERFLOW)
            fact = f"the gradient of {label} that was given to backward() is not finite"
            return Finding(BACKWARD_ID, [fact], None, "give backward() a finite gradient")
        if finite(step.upstream):
            return derivative(recording, step)
        target = step.node


def derivative(recording: Recording, step: Contribution) -> Finding:
    """A contribution that is not finite, although its upstream gradient is."""
    node = step.node
    to = text.printable(recording.labels[step.source])
    what = f"the gradient of {_what(recording, node)} is finite; what it sends to {to} is"
    line = recording.line(node)
    if not is_outputs(step.raw) and finite(step.raw):
        facts = [f"{what} not, once it is summed or cast to {step.part.dtype}"]
        return Finding(BACKWARD_ID, facts, "an overflow", OVERFLOW, line)
    if is_outputs(step.raw) or is_outputs(step.upstream):
        facts, zero = [f"{what} not"], False
    else:
        position = _bad(step.raw)
        value = text.scalar(np.asarray(step.raw)[position])
        facts = [f"{what} {value}{_of(text.index(position))}"]
        factor, zero = _factor(recording, step, position)
        facts.append(factor)
    likely, remedy = BACKWARD.get(node.op.name, UNKNOWN)
    if zero:
        likely = "a selection, or a product with 0, left this element out, but 0 · inf is NaN"
        remedy = (
            "keep the op's argument in its domain where it is left out too, as in "
            "f(np.where(mask, x, 1)), and choose with np.where(mask, ..., 0) afterwards"
        )
    return Finding(MASK_ID if zero else BACKWARD_ID, facts, likely, remedy, line)


def _factor(recording: Recording, step: Contribution, position: Any) -> tuple[str, bool]:
    """The product that is not finite, and whether its upstream factor is 0."""
    node = step.node
    if found := product(step):
        g, local = (
            np.broadcast_to(each, np.shape(step.raw))[position]
            for each in (found.upstream, found.local)
        )
        operands = _operands(recording, node, position)
        shown = f"upstream {text.scalar(g, 6)} × local {text.scalar(local, 6)}"
        return f"{shown}, where {_listed(node, operands)}", bool(g == 0)
    if np.shape(step.raw) == np.shape(step.part):
        terms = Linear(step).terms(position).terms
        bad = next((each for each in terms if not np.isfinite(each.product)), None)
        if bad is not None:
            origin = f" ({bad.origin})" if bad.origin else ""
            shown = f"{text.scalar(bad.upstream, 6)} × local {text.scalar(bad.local, 6)}{origin}"
            return f"upstream{text.index(bad.index)} {shown}", bad.upstream == 0
    return f"its operands: {_listed(node, _operands(recording, node, position))}", False
