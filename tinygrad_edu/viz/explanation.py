"""A step of the backward pass in words, and in pieces that the page shows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import labels
from .arrays import Arrays, digits, sample
from .cells import Pairs, Rule, Rules, Single, affine, as_routing
from .recording import Contribution, Recording, finite, is_outputs
from .steps import (
    Linear,
    Product,
    RecordedVJP,
    Routing,
    SumStrip,
    Term,
    Terms,
    product,
    recorded_vjp,
    routing,
    sum_strip,
    unraveled,
)

Block = dict[str, Any]
PLUMBING = {
    "broadcast_to", "cast", "copy", "expand_dims", "flip", "getitem", "moveaxis", "pick",
    "reshape", "roll", "squeeze", "swapaxes", "transpose",
}  # fmt: skip
"""Ops that only move elements."""
LARGEST_CELLS, LISTED_CELLS = 3, 16
"""Elements whose sums are listed where no rule gives them: the largest, and so many in all."""


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


def blocks(step: Contribution, arrays: Arrays, rules: Rules) -> list[Block]:
    """How a contribution comes about, as pieces for the page."""
    if view := product(step):
        found = _elementwise(view, step, arrays)
    else:
        found = _linear(step, Linear(step), arrays, rules)
    strip = sum_strip(step)
    if strip and step.raw is step.upstream:  # nothing but the sum
        return _strip(strip, arrays)
    return [*found, *(_strip(strip, arrays) if strip else [])]


def _elementwise(view: Product, step: Contribution, arrays: Arrays) -> list[Block]:
    found = [_product(view, step, arrays)]
    if np.shape(view.local) == np.shape(view.result) == np.shape(view.upstream):
        rule = _same_place(np.shape(view.result))
        found.append(_cells("single", view.upstream, view.result, arrays, local=view.local) | rule)
    zeroed = (
        np.shape(step.raw) == np.shape(step.part) and not finite(step.raw) and finite(step.part)
    )
    if zeroed:
        text = "What a selection left out sends nothing back, so that what is not finite becomes 0:"
        part = [arrays.number(step.part), "contribution"]
        found += [{"kind": "text", "text": text}, _equation(part)]
    return found


def _linear(step: Contribution, linear: Linear, arrays: Arrays, rules: Rules) -> list[Block]:
    """Of an op that is not elementwise: what it moves, or else the terms of its elements."""
    rule = rules.find(step, linear)
    route = as_routing(rule, step) if rule else routing(step, linear)
    cells = [_rule(rule, step, arrays)] if rule else []
    if route:
        return [*_routing(route, step, arrays), *cells]
    if isinstance(rule, Single) and rule.local is not None and step.upstream.size == 1:
        found = [_product(Product(step.upstream, rule.local, step.part), step, arrays), *cells]
    else:
        found = [_from_to(step, arrays, with_kept=True), *cells]
        if not cells and not is_outputs(step.part):
            found.append(_listed(step, linear, arrays))
    recorded = recorded_vjp(step)
    return [*found, _lines(recorded, arrays)] if recorded else found


def _cells(rule: str, upstream: Any, result: Any, arrays: Arrays, local: Any = None) -> Block:
    """What the page needs to write out any element of `result`."""
    return {
        "kind": "cells",
        "rule": rule,
        "upstream": None if is_outputs(upstream) else arrays.number(upstream),
        "local": arrays.number(local),
        "result": arrays.number(result),
    }


def _rule(rule: Rule, step: Contribution, arrays: Arrays) -> Block:
    if isinstance(rule, Pairs):
        found = _cells("pairs", step.upstream, step.part, arrays)
        return found | {
            "kept": arrays.number(rule.kept),
            "name": rule.name,
            "shared": rule.shared,
            "offset": rule.offset,
            "matrix": rule.matrix,
        }
    kind, indices = ("single", rule.source) if isinstance(rule, Single) else ("spread", rule.target)
    found = _cells(kind, step.upstream, step.part, arrays, rule.local)
    regular = affine(indices)
    if regular:
        return found | {"offset": regular[0], "strides": regular[1]}
    return found | {"indices": arrays.number(indices)}


def _same_place(shape: tuple[int, ...]) -> Block:
    strides = [math.prod(shape[i + 1 :]) for i in range(len(shape))]
    return {"offset": 0, "strides": strides}


def _listed(step: Contribution, linear: Linear, arrays: Arrays) -> Block:
    """The terms of the largest elements, and of others spread evenly."""
    flat = np.nan_to_num(abs(np.ravel(step.part).astype(float)), nan=np.inf)
    largest = np.argsort(-flat, kind="stable")[:LARGEST_CELLS].tolist()
    others = sample(flat.size, LISTED_CELLS - LARGEST_CELLS).tolist()
    shape = np.shape(step.part)
    cells = [unraveled(each, shape) for each in dict.fromkeys(largest + others)]
    terms = [_terms(linear.terms(cell)) for cell in cells]
    return _cells("listed", step.upstream, step.part, arrays) | {"terms": terms}


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
    rows = [
        [digits(term.upstream), _where(term), digits(term.local), term.origin, digits(term.product)]
        for term in view.terms
    ]
    return {
        "cell": list(view.cell),
        "terms": rows,
        "more": view.more,
        "total": digits(view.total),
        "canceled": view.canceled,
    }


def _where(term: Term) -> str:
    output = "" if term.output is None else f"output {term.output} "
    return f"{output}{list(term.index)}" if term.index else output


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
        _cells("spread", view.before, view.after, arrays) | _summed_over(view),
    ]


def _summed_over(view: SumStrip) -> Block:
    """Where each element before the sum goes: to the one without its index along the axes."""
    after = np.arange(np.size(view.after)).reshape(
        np.sum(view.before, view.axes, keepdims=True).shape
    )
    steps = [
        s // after.itemsize if n > 1 else 0 for s, n in zip(after.strides, after.shape, strict=True)
    ]
    return {"offset": 0, "strides": steps}
