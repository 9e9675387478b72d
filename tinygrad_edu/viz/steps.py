"""How a contribution to a gradient comes about: five views, each true of every op.

A VJP is linear in the upstream gradient. So it says itself what it multiplies by: run on ones, or
recorded and differentiated by its upstream gradient. What a view says is computed by the op's own
VJP from the values of the forward pass, never by a second account of the op.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..context import enable_grad
from ..gradient import grad
from ..graph import OutputGradients, unbroadcast
from ..observers import Observer, unobserved
from ..ops.sharing import came
from ..tensor import Tensor, wrap
from .recording import Contribution, is_outputs

MOST_TERMS = 6
SAMPLED_CELLS = 8
RECORDED_OPS = range(2, 15)


@dataclass(frozen=True)
class Product:
    """upstream × local = contribution, element by element."""

    upstream: Any
    local: Any
    result: Any


@dataclass(frozen=True)
class Routing:
    """Elements of the upstream gradient are copied, or added up, and nothing else.

    `cells` are those looked at: (index in the contribution, indices in the upstream gradient).
    """

    upstream: Any
    cells: list[tuple[tuple[int, ...], list[tuple[int, ...]]]]
    result: Any


@dataclass(frozen=True)
class Term:
    """upstream[index] · local. `origin` names the only kept value that equals the local factor."""

    index: tuple[int, ...]
    upstream: float
    local: float
    product: float
    origin: str | None
    output: int | None = None


@dataclass(frozen=True)
class Terms:
    """A cell of the contribution as a sum, Σⱼ upstream[j] · local[j]: its largest terms.

    `more` counts the others that are not 0, and `total` is the sum of all; `canceled` if that is
    below the rounding of its terms.
    """

    cell: tuple[int, ...]
    terms: list[Term]
    more: int
    total: float
    canceled: bool


@dataclass(frozen=True)
class Line:
    """An op inside of a VJP: `operands` are names of what it was given, or of earlier lines."""

    name: str
    op: str
    formula: str
    operands: list[str]
    value: Any
    depends_on_upstream: bool


@dataclass(frozen=True)
class RecordedVJP:
    """A VJP as the ops it is made of, in order; the last line is its result."""

    lines: list[Line]
    result: Any


@dataclass(frozen=True)
class SumStrip:
    """The sum over the axes that broadcasting had added or stretched."""

    before: Any
    axes: tuple[int, ...]
    after: Any


View = Product | Routing | Terms | RecordedVJP | SumStrip


def views(step: Contribution, cells: int = 3) -> list[View]:
    """The views of a contribution, the one that fits best first.

    An elementwise op is a product, if a gradient came to one output only; what only copies and adds
    is routing; everything else are the terms of its `cells` largest elements, and the VJP as it was
    recorded if that is short. The last is the sum over stretched axes, if there is one.
    """
    found: list[View] = []
    if simple := product(step):
        found.append(simple)
    else:
        linear = Linear(step)
        route = routing(step, linear)
        if route:
            found.append(route)
        else:
            largest = np.argsort(-abs(_flat(step.part)), kind="stable")[:cells]
            shape = np.shape(step.part)
            found += [linear.terms(unraveled(each, shape)) for each in largest]
            recorded = recorded_vjp(step)
            if recorded:
                found.append(recorded)
    strip = sum_strip(step)
    return [*found, strip] if strip else found


def product(step: Contribution) -> Product | None:
    """The contribution of an elementwise op; `local` is its derivative, exactly.

    None of other ops, and if a gradient came to several outputs.
    """
    upstream = _only_upstream(step) if step.node.op.elementwise else None
    if upstream is None:
        return None
    with unobserved(), np.errstate(all="ignore"):
        vjp = step.node.edges[step.position].vjp
        given = step.upstream
        one = np.ones_like(upstream)
        if is_outputs(given):
            one = OutputGradients(one if g is upstream else np.zeros_like(g) for g in given)
        local = vjp.function(one, *step.kept.values())
    return Product(upstream, np.asarray(local), step.raw)


def _only_upstream(step: Contribution) -> Any:
    """The gradient of the output, or of the only one of several to which one came, or None."""
    if not is_outputs(step.upstream):
        return step.upstream
    those = [g for g in step.upstream if came(g)]
    return those[0] if len(those) == 1 else None


def sum_strip(step: Contribution) -> SumStrip | None:
    """The sum over stretched axes; None if there are none."""
    before, after = np.shape(step.raw), np.shape(step.part)
    if is_outputs(step.raw) or before == after:
        return None
    added = len(before) - len(after)
    stretched = (i + added for i, n in enumerate(after) if n == 1 and before[i + added] != 1)
    return SumStrip(step.raw, (*range(added), *stretched), step.part)


class Linear:
    """A VJP as the linear function of the upstream gradient that it is.

    `replaced` are values to read in place of kept ones; those of lists by names as in `x[0]`.
    """

    def __init__(self, step: Contribution, replaced: dict[str, Any] | None = None) -> None:
        self.step = step
        kept = _replaced(step.kept, replaced or {})
        edge = step.node.edges[step.position]
        several = is_outputs(step.upstream)
        upstream = step.upstream if several else [step.upstream]
        with unobserved(), enable_grad(), np.errstate(all="ignore"):
            self.variables = [Tensor(np.asarray(each), requires_grad=True) for each in upstream]
            g = OutputGradients(self.variables) if several else self.variables[0]
            result = edge.vjp.function(g, *kept.values())
            if not is_outputs(result):
                result = unbroadcast(result, edge.shape)
                self.results = [result]
            else:
                self.results = list(result)

    def rows(self, cell: tuple[int, ...], output: int = 0) -> list[np.ndarray]:
        """What an element of the contribution multiplies each upstream gradient by."""
        result = self.results[output]
        if not isinstance(result, Tensor) or result.node is None:  # it is 0 whatever comes
            return [np.zeros(x.shape, x.dtype) for x in self.variables]
        with unobserved(), enable_grad(), np.errstate(all="ignore"):
            element = result[cell] if result.ndim else result
            rows = grad(element, self.variables, retain_graph=True, allow_unused=True)
        pairs = zip(rows, self.variables, strict=True)
        return [np.zeros(x.shape, x.dtype) if row is None else row.data for row, x in pairs]

    def transposed(self, weights: np.ndarray) -> np.ndarray:
        """How far each upstream element counts in the contribution, weighted and summed."""
        ((result,), (variable,)) = self.results, self.variables
        if not isinstance(result, Tensor) or result.node is None:  # it is 0 whatever comes
            return np.zeros(variable.shape, variable.dtype)
        with unobserved(), enable_grad(), np.errstate(all="ignore"):
            weights = weights.astype(result.dtype)
            return np.asarray(grad(result, variable, weights, retain_graph=True).data)

    def terms(self, cell: tuple[int, ...], most: int = MOST_TERMS) -> Terms:
        """An element of the contribution as the sum it is."""
        found = []
        for output, (row, x) in enumerate(zip(self.rows(cell), self.variables, strict=True)):
            with np.errstate(all="ignore"):
                products = row * x.data
            for index in map(tuple, np.argwhere(products != 0).tolist()):
                found.append((products[index], index, row[index], x.data[index], output))
        found.sort(key=lambda each: -_size(each[0]))
        several = len(self.variables) > 1
        terms = [
            Term(
                index, float(g), float(local), float(value), self._origin(local),
                output if several else None,
            )
            for value, index, local, g, output in found[:most]
        ]  # fmt: skip
        total = float(sum(each[0] for each in found))
        largest = float(abs(found[0][0])) if found else 0.0
        rounding = largest * len(found) * float(np.finfo(self.variables[0].dtype).eps)
        canceled = len(found) > 1 and abs(total) <= rounding
        return Terms(cell, terms, len(found) - len(terms), total, canceled)

    def _origin(self, local: Any) -> str | None:
        """The kept value that equals a local factor, if there is exactly one."""
        if local in (0, 1, -1):
            return None
        matches: list[str] = []
        for name, value in self.step.kept.items():
            each = value if type(value) is list else [value]
            for i, array in enumerate(each):
                if isinstance(array, np.ndarray) and array.dtype.kind == "f":
                    label = f"{name}[{i}]" if type(value) is list else name
                    equal = np.argwhere(array == local)
                    matches += [f"{label}{_bracket(index)}" for index in equal[:2].tolist()]
        return matches[0] if len(matches) == 1 else None


def _replaced(kept: dict[str, Any], replaced: dict[str, Any]) -> dict[str, Any]:
    found = dict(kept)
    for name, value in replaced.items():
        listed, bracket, position = name.partition("[")
        if bracket:
            found[listed] = list(found[listed])
            found[listed][int(position[:-1])] = value
        else:
            found[name] = value
    return found


def routing(step: Contribution, linear: Linear) -> Routing | None:
    """The contribution as copies and sums; None if some factor looked at is neither 0 nor 1."""
    if is_outputs(step.part):
        return Routing(step.upstream, [], step.part) if step.trace.output is not None else None
    if is_outputs(step.upstream):
        return None
    cells = []
    for flat in sampled(step.part):
        cell = unraveled(flat, np.shape(step.part))
        (row,) = linear.rows(cell)
        if not ((row == 0) | (row == 1)).all():
            return None
        cells.append((cell, [tuple(index) for index in np.argwhere(row).tolist()]))
    return Routing(step.upstream, cells, step.part)


def recorded_vjp(step: Contribution) -> RecordedVJP | None:
    """The VJP as its own ops, on the values of this pass; None unless they are 2 to 14."""
    op, vjp = step.node.op, step.node.edges[step.position].vjp
    kept = step.kept
    for name, slot in zip(vjp.reads, vjp.slots, strict=True):
        if op.is_operand(slot) or slot == op.slots["out"]:
            kept[name] = _as_tensors(kept[name])
    several = is_outputs(step.upstream)
    upstream = [wrap(np.asarray(g), None) for g in (step.upstream if several else [step.upstream])]
    g = OutputGradients(upstream) if several else upstream[0]
    with unobserved(), _Lines() as lines, np.errstate(all="ignore"):
        for i, each in enumerate(upstream):
            lines.know(each, f"g[{i}]" if several else "g", True)
        for name, value in kept.items():
            for i, each in enumerate(value if isinstance(value, (list, tuple)) else ()):
                lines.know(each, f"{name}[{i}]", False)
            lines.know(value, name, False)
        result = vjp.function(g, *kept.values())
    if len(lines.found) not in RECORDED_OPS or not isinstance(result, Tensor):
        return None
    return RecordedVJP(lines.found, result.data)


class _Lines(Observer):
    """Writes down the ops that are called while it listens."""

    def __init__(self) -> None:
        self.found: list[Line] = []
        self.known: dict[int, tuple[Any, str, bool]] = {}  # holds them, or ids would be given anew

    def know(self, value: Any, name: str, depends: bool) -> None:
        self.known[id(value)] = value, name, depends

    def operation(self, op: Any, operands: Any, values: Any, out: Any, result: Any) -> None:
        name = f"t{len(self.found) + 1}"
        given = [self.known.get(id(each)) for each in operands]
        depends = any(each is not None and each[2] for each in given)
        labels = [
            each[1] if each else _described(value)
            for each, value in zip(given, operands, strict=True)
        ]
        several = isinstance(result, tuple)
        data = tuple(each.data for each in result) if several else result.data
        self.found.append(Line(name, op.name, op.formula, labels, data, depends))
        for i, each in enumerate(result if several else [result]):
            self.know(each, f"{name}[{i}]" if several else name, depends)


def _as_tensors(value: Any) -> Any:
    """Floating-point values as constant Tensors, so that what is computed of them is told."""
    if isinstance(value, (list, tuple)):
        items = map(_as_tensors, value)
        return value._make(items) if hasattr(value, "_make") else type(value)(items)
    if isinstance(value, (np.ndarray, np.floating)) and value.dtype.kind == "f":
        return wrap(np.asarray(value), None)
    return value


def _described(value: Any) -> str:
    if isinstance(value, Tensor):
        value = value.data
    if isinstance(value, np.ndarray) and value.ndim:
        return f"{value.dtype}{list(value.shape)}"
    return f"{value:.6g}" if isinstance(value, (float, np.floating)) else str(value)


def _flat(array: Any) -> np.ndarray:
    return np.ravel(np.nan_to_num(np.asarray(array, dtype=float), nan=np.inf))


def sampled(array: Any) -> list[int]:
    """Flat indices of some elements: the largest, and others spread evenly."""
    size = np.size(array)
    if size <= SAMPLED_CELLS:
        return list(range(size))
    spread = np.linspace(0, size - 1, SAMPLED_CELLS - 1).astype(int).tolist()
    return sorted({int(np.argmax(abs(_flat(array)))), *spread})


def unraveled(flat: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(flat), shape)) if shape else ()


def _bracket(index: Any) -> str:
    return f"[{','.join(map(str, index))}]" if len(index) else ""


def _size(value: Any) -> float:
    return float("inf") if np.isnan(value) else abs(float(value))
