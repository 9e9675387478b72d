"""A step of the backward pass in words, and in pieces that the page shows."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import labels
from .arrays import Arrays, digits
from .recording import Contribution, Recording, is_outputs
from .steps import Product, RecordedVJP, Routing, SumStrip, Terms, views

Block = dict[str, Any]
PLUMBING = {
    "broadcast_to", "cast", "copy", "expand_dims", "flip", "getitem", "moveaxis", "pick",
    "reshape", "roll", "squeeze", "swapaxes", "transpose",
}  # fmt: skip
"""Ops that only move elements."""
ALL_CELLS, LARGEST_CELLS = 9, 3
"""Up to so many elements of a contribution are each written out as a sum, else the largest."""


def forward_sentence(recording: Recording, node: Any) -> str:
    """`Forward: h = relu(dense)`."""
    operands = [recording.operand(node, i) for i in range(len(node.edges))]
    call = f"{node.op.name}({', '.join(map(labels.shortened, operands[:6]))})"
    name = recording.names.get(node)
    return f"Forward: {labels.shortened(name)} = {call}" if name else f"Forward: {call}"


def sentence(recording: Recording, step: Contribution) -> str:
    """`Backward: multiply sends 3 to a, contribution 1 of 2: they are added`."""
    target = labels.shortened(recording.labels[step.source])
    several = f", contribution {step.turn} of {step.count}: they are added"
    said = f"Backward: {step.node.op.name} sends {amount(step.part)} to {target}"
    return said + (several if step.count > 1 else "")


def amount(gradient: Any) -> str:
    """A gradient in a sentence: its number, or its shape."""
    if is_outputs(gradient):
        return "the gradients of its outputs"
    array = np.asarray(gradient)
    if array.size == 1:
        return f"{array.item():.4g}".replace("-", "−")
    if not array.any():
        return f"zeros of shape {array.shape}"
    return f"a gradient of shape {array.shape}"


def blocks(step: Contribution, arrays: Arrays) -> list[Block]:
    """How a contribution comes about, as pieces for the page."""
    found: list[Block] = []
    size = 0 if is_outputs(step.part) else np.size(step.part)
    for view in views(step, size if size <= ALL_CELLS else LARGEST_CELLS):
        if isinstance(view, Product):
            found.append(_product(view, step, arrays))
        elif isinstance(view, Routing):
            found += _routing(view, step, arrays)
        elif isinstance(view, Terms):
            if not any(block["kind"] == "terms" for block in found):
                found.append(_from_to(step, arrays, with_kept=True))
            found.append(_terms(view))
        elif isinstance(view, RecordedVJP):
            found.append(_lines(view, arrays))
        else:
            found += _strip(view, arrays)
    return found


def _equation(*parts: Any) -> Block:
    return {"kind": "equation", "parts": list(parts)}


def _named(gradient: Any, name: str, arrays: Arrays) -> list[Any]:
    """An array with its name, or those of several outputs."""
    if is_outputs(gradient):
        pairs = ([arrays.number(each), f"{name} {i}"] for i, each in enumerate(gradient))
        return [part for pair in pairs for part in (pair, ",")][:-1]
    return [[arrays.number(gradient), name]]


def _product(view: Product, step: Contribution, arrays: Arrays) -> Block:
    summed = np.shape(step.raw) != np.shape(step.part)
    return _equation(
        *_named(view.upstream, "upstream gradient", arrays),
        "×",
        *_named(view.local, "local derivative", arrays),
        "=",
        *_named(view.result, "before the sum" if summed else "contribution", arrays),
    )


def _from_to(step: Contribution, arrays: Arrays, with_kept: bool = False) -> Block:
    """The upstream gradient, what the derivative reads beside it, and the contribution."""
    read: list[Any] = []
    for name, value in step.kept.items() if with_kept else ():
        if isinstance(value, np.ndarray):
            read += ["and", [arrays.number(value), name]]
    upstream = _named(step.upstream, "upstream gradient", arrays)
    return _equation(*upstream, *read, "→", *_named(step.part, "contribution", arrays))


def _routing(view: Routing, step: Contribution, arrays: Arrays) -> list[Block]:
    most = max((len(sources) for _, sources in view.cells), default=1)
    left_out = any(not sources for _, sources in view.cells)
    said = "Elements are copied" if most <= 1 else "Elements are added up"
    said += "; where nothing came from, the gradient is 0." if left_out else ", nothing else."
    for cell, sources in view.cells:
        if sources:
            shown = " + ".join(f"upstream{_bracket(index)}" for index in sources[:4])
            more = f" + {len(sources) - 4} more" if len(sources) > 4 else ""
            said += f" For example contribution{_bracket(cell)} = {shown}{more}."
            break
    return [_from_to(step, arrays), {"kind": "text", "text": said}]


def _bracket(index: tuple[int, ...]) -> str:
    return str(list(index)) if index else ""


def _terms(view: Terms) -> Block:
    rows = []
    for term in view.terms:
        output = "" if term.output is None else f"output {term.output} "
        where = f"{output}{list(term.index)}" if term.index else output
        rows.append(
            [digits(term.upstream), where, digits(term.local), term.origin, digits(term.product)]
        )
    which = f"Element {list(view.cell)} of the contribution" if view.cell else "The contribution"
    return {
        "kind": "terms",
        "text": f"{which} as a sum of upstream × local, largest first:",
        "short": f"{which} as a sum",
        "terms": rows,
        "more": view.more,
        "total": digits(view.total),
        "canceled": view.canceled,
    }


def _lines(view: RecordedVJP, arrays: Arrays) -> Block:
    lines = []
    for line in view.lines:
        code = f"{line.name} = {line.op}({', '.join(line.operands)})"
        hidden = isinstance(line.value, tuple) or line.op in PLUMBING
        shown = None if hidden else arrays.number(line.value)
        lines.append([code, shown, line.depends_on_upstream])
    return {"kind": "lines", "text": f"The derivative as {len(lines)} operations", "lines": lines}


def _strip(view: SumStrip, arrays: Arrays) -> list[Block]:
    axes = "axis" if len(view.axes) == 1 else "axes"
    listed = ", ".join(map(str, view.axes))
    return [
        {"kind": "heading", "text": f"Broadcasting is summed back over {axes} {listed}"},
        _equation(
            [arrays.number(view.before), "before the sum"],
            "Σ →",
            [arrays.number(view.after), "contribution"],
        ),
    ]
