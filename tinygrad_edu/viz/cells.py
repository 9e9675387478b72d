"""Rules by which a page writes out any element of a contribution as the sum that it is.

A VJP is linear in the upstream gradient: element c of the contribution is the sum of
upstream[j] · local(c, j) over j. Of most ops, the local factors follow from arrays that the page
has. Which ones is found by running the op's own VJP on arrays that hold their own indices, and is
checked on the values of the pass.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph import unbroadcast
from ..observers import unobserved
from .arrays import sample
from .recording import Contribution, is_outputs
from .steps import Linear, Routing, sampled, unraveled

Index = tuple[int, ...]
RANDOM_PROBES, MOST_FITTED = 4, 500
MOST_INDICES = 1 << 22
"""Elements of an array that is looked at; single precision holds their numbers exactly."""


@dataclass(frozen=True)
class Single:
    """Element c is upstream[source[c]] · local[c], by flat indices, or 0 where that is -1.

    `local` is None if it is 1 everywhere.
    """

    source: np.ndarray
    local: np.ndarray | None


@dataclass(frozen=True)
class Spread:
    """Element c is the sum of upstream[j] · local[j] over all j with target[j] = c, flat indices.

    `local` is None if it is 1 everywhere.
    """

    target: np.ndarray
    local: np.ndarray | None


@dataclass(frozen=True)
class Pairs:
    """Element c is the sum of upstream[j] · kept[k], k = offset + matrix @ (*c, *j), within `kept`.

    Of j, an axis is equal to that axis of c which `shared` names, and goes over all if it is -1.
    `kept` is the value of this pass, and `name` is what the op calls it.
    """

    name: str
    kept: np.ndarray
    shared: list[int]
    offset: list[int]
    matrix: list[list[int]]


Rule = Single | Spread | Pairs


class Rules:
    """Finds the rules of contributions; equal calls, as of equal layers, are looked at once."""

    def __init__(self) -> None:
        self._pairs: dict[Any, Pairs | None] = {}

    def find(self, step: Contribution, linear: Linear) -> Rule | None:
        """The rule of a contribution; None if there is none of these."""
        if is_outputs(step.upstream) or is_outputs(step.part):
            return None
        if not step.upstream.size or not step.part.size:
            return None
        if max(step.upstream.size, step.part.size) >= MOST_INDICES:
            return None
        with np.errstate(all="ignore"):
            pairs = self._products(step) if step.node.op.products else None
            return pairs or _single(step) or _spread(step, linear)

    def _products(self, step: Contribution) -> Pairs | None:
        edges = [(edge.shape, str(edge.dtype)) for edge in step.node.edges]
        key = step.node.op, step.position, *edges, repr(step.node.statics), step.upstream.shape
        if key not in self._pairs:
            self._pairs[key] = _pairs(step)
        known = self._pairs[key]
        if known is None:
            return None
        kept = dict(_arrays(step.kept))[known.name]
        return Pairs(known.name, kept, known.shared, known.offset, known.matrix)


def affine(indices: np.ndarray) -> tuple[int, list[int]] | None:
    """The offset and strides, one an axis, if `indices` are offset + strides · position."""
    if not indices.size or not indices.ndim:
        return None
    offset = int(indices.flat[0])
    strides = [
        int(np.take(indices, 1, axis).flat[0]) - offset if n > 1 else 0
        for axis, n in enumerate(indices.shape)
    ]
    grid = np.full(indices.shape, offset)
    for axis, (n, stride) in enumerate(zip(indices.shape, strides, strict=True)):
        grid += stride * np.arange(n).reshape(-1, *[1] * (indices.ndim - axis - 1))
    return (offset, strides) if (grid == indices).all() else None


def as_routing(rule: Rule, step: Contribution) -> Routing | None:
    """A rule whose factors are all 1 as the view that it is."""
    if isinstance(rule, Pairs) or rule.local is not None:
        return None
    shape, upstream_shape = np.shape(step.part), np.shape(step.upstream)
    cells = []
    for flat in sampled(step.part):
        sources = (
            [int(rule.source.flat[flat])]
            if isinstance(rule, Single)
            else np.flatnonzero(rule.target.ravel() == flat).tolist()
        )
        indices = [unraveled(each, upstream_shape) for each in sources if each >= 0]
        cells.append((unraveled(flat, shape), indices))
    return Routing(step.upstream, cells, step.part)


# -------------------------------------------------------------------- at most one source or target


def _single(step: Contribution) -> Single | None:
    """The rule of a VJP in which each element of the contribution has one source at most."""
    local = _run(step, np.ones(step.upstream.shape))
    source = _numbers(_run(step, _numbered(step.upstream.shape)), local)
    if not _within(source, step.upstream.size):
        return None
    g = _random(step.upstream.shape)
    expected = np.where(source < 0, 0.0, g.ravel()[source] * local)
    return Single(source, _unless_1(local, source)) if _near(_run(step, g), expected) else None


def _spread(step: Contribution, linear: Linear) -> Spread | None:
    """The rule of a VJP in which each upstream element has one target at most."""
    shape = step.part.shape
    local = linear.transposed(np.ones(shape))
    target = _numbers(linear.transposed(_numbered(shape)), local)
    if not _within(target, step.part.size):
        return None
    g, reached = _random(step.upstream.shape), target >= 0
    weights = (g * local)[reached]
    expected = np.bincount(target[reached], weights, step.part.size).reshape(shape)
    return Spread(target, _unless_1(local, target)) if _near(_run(step, g), expected) else None


def _numbers(numbered: Any, local: Any) -> Any:
    """The flat indices that a VJP of `_numbered` tells; -1 where the local factor is 0."""
    found = np.rint(np.where(local == 0, 0.0, numbered / np.where(local == 0, 1, local)))
    return np.nan_to_num(found, nan=-1.0, posinf=-1.0, neginf=-1.0).astype(np.int64) - 1


def _within(indices: np.ndarray, size: int) -> bool:
    return bool(((indices >= -1) & (indices < size)).all())


def _unless_1(local: np.ndarray, indices: np.ndarray) -> np.ndarray | None:
    return None if (local[indices >= 0] == 1).all() else local


def _near(values: np.ndarray, expected: np.ndarray) -> bool:
    return bool(np.allclose(values, expected, 1e-5, 1e-6 * abs(expected).max(initial=0.0)))


def _random(shape: Any) -> Any:
    return np.random.default_rng(0).normal(size=shape)


def _run(step: Contribution, g: Any) -> np.ndarray:
    """The VJP of a step for another upstream gradient, summed over stretched axes."""
    edge = step.node.edges[step.position]
    with unobserved(), np.errstate(all="ignore"):
        result = edge.vjp.function(g, *step.kept.values())
        return np.asarray(unbroadcast(np.asarray(result), edge.shape))


def _numbered(shape: Any) -> Any:
    return np.arange(1.0, math.prod(shape) + 1).reshape(shape)


def _integers(values: Any) -> Any:
    return np.rint(values).astype(np.int64)


# -------------------------------------------------------------------- sums of products


def _arrays(kept: dict[str, Any]) -> list[tuple[str, np.ndarray]]:
    """The floating-point arrays that a VJP read, with their names; lists have one for each item."""
    found = []
    for name, value in kept.items():
        listed = isinstance(value, (list, tuple))
        for i, each in enumerate(value if listed else [value]):
            if isinstance(each, np.ndarray) and each.dtype.kind == "f":
                found.append((f"{name}[{i}]" if listed else name, each))
    return found


def _pairs(step: Contribution) -> Pairs | None:
    """The rule of a VJP that multiplies by one of its kept arrays, whose indices are affine."""
    probes, actual = _probes(step.part.shape), Linear(step)
    for name, kept in _arrays(step.kept):
        if not 0 < kept.size < MOST_INDICES:
            continue
        numbered = Linear(step, {name: _numbered(kept.shape)})
        found = []
        for cell in probes:
            row = numbered.rows(cell)[0]
            if not ((row == np.rint(row)) & (row >= 0) & (row <= kept.size)).all():
                break
            j = np.argwhere(row)
            j = j[sample(len(j), MOST_FITTED)]
            flat = np.atleast_1d(_integers(row[tuple(j.T)]) - 1)
            k = np.stack(np.unravel_index(flat, kept.shape or 1), -1)[:, : kept.ndim]
            found.append((np.broadcast_to(np.array(cell, int), (len(j), len(cell))), j, k))
        else:
            rule = _fitted(name, kept, *map(np.concatenate, zip(*found, strict=True)))
            if rule and all(_is_row(rule, c, actual.rows(c)[0]) for c in probes):
                return rule
    return None


def _probes(shape: Index) -> list[Index]:
    """Some cells: the first, the last along each axis, and others at random."""
    rng = np.random.default_rng(0)
    ends = [tuple((n - 1) * (a == b) for b, n in enumerate(shape)) for a in range(len(shape))]
    others = [tuple(int(rng.integers(n)) for n in shape) for _ in range(RANDOM_PROBES)]
    return list(dict.fromkeys([tuple(0 for _ in shape), *ends, *others]))


def _fitted(
    name: str, kept: np.ndarray, c: np.ndarray, j: np.ndarray, k: np.ndarray
) -> Pairs | None:
    """The rule by which, in all that was found, a kept index follows from those of c and j."""
    if not len(k):
        return None
    varying = [b for b in range(c.shape[1]) if c[:, b].any()]
    shared = [
        next((b for b in varying if (c[:, b] == j[:, a]).all()), -1) for a in range(j.shape[1])
    ]
    free = j * np.array([b < 0 for b in shared], int)
    columns = np.hstack([np.ones((len(k), 1), int), c, free])
    fit = np.rint(np.linalg.lstsq(columns, k, rcond=None)[0]).astype(int)
    if not np.array_equal(columns @ fit, k):
        return None
    return Pairs(name, kept, shared, fit[0].tolist(), fit[1:].T.tolist())


def _is_row(rule: Pairs, cell: Index, row: np.ndarray) -> bool:
    """Whether a rule gives the local factors of a cell, all of them and no others."""
    expected = np.zeros_like(row)
    j, k = places(rule, cell, row.shape)
    expected[tuple(j.T)] = rule.kept[tuple(k.T)]
    return bool(np.array_equal(row, expected, equal_nan=True))


def places(rule: Pairs, cell: Index, shape: Index) -> tuple[np.ndarray, np.ndarray]:
    """For a cell, where both factors of each product are: in the upstream gradient, in `kept`."""
    axes = [
        np.arange(n) if b < 0 else np.array([cell[b]])
        for b, n in zip(rule.shared, shape, strict=True)
    ]
    j = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(shape)) if axes else (
        np.empty((1, 0), int)
    )  # fmt: skip
    at = np.hstack([np.broadcast_to(np.array(cell, int), (len(j), len(cell))), j])
    k = at @ np.array(rule.matrix, int).reshape(-1, at.shape[1]).T + np.array(rule.offset, int)
    within = ((k >= 0) & (k < np.array(rule.kept.shape, int))).all(axis=1)
    return j[within], k[within]
