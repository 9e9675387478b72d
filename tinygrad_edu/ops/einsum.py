"""Einstein's sum and its derivative, which is another one: g takes the place of the argument."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..op import Array, op
from ..tensor import Tensor
from .composed import composed
from .index import scatter
from .shape import broadcast_to

_LETTERS = string.ascii_uppercase + string.ascii_lowercase  # in the order that NumPy sorts them


def _einsum_vjp(
    g: Any, operands: Any, position: int, likes: Any, subscripts: str, optimize: Any
) -> Any:
    inputs, output = _explicit(subscripts, likes)
    like, target = likes[position], inputs[position]
    sizes = dict(zip(target, like, strict=True))
    others = [i for i in range(len(inputs)) if i != position]
    given: dict[str, int] = {}  # the labels that g or another argument has, with their sizes
    for labels, shape in [(output, g.shape), *((inputs[i], likes[i]) for i in others)]:
        given |= {c: max(n, given.get(c, n)) for c, n in zip(labels, shape, strict=True)}
    known = {label for label, n in sizes.items() if given.get(label) == n}  # else n copies, or 1
    core = "".join(label for label in sizes if label in known)
    spec = ",".join([output, *(inputs[i] for i in others)]) + "->" + core
    path = optimize if isinstance(optimize, (bool, str)) else True
    part = einsum([g, *(operands[i] for i in others)], spec, path)
    part = part.reshape([n if label in known else 1 for label, n in sizes.items()])
    part = broadcast_to(part, tuple(sizes.values()))
    if len(sizes) == len(target):
        return part
    grid = np.ogrid[tuple(slice(n) for n in sizes.values())]
    places = dict(zip(sizes, grid, strict=True))
    return scatter(part, tuple(places[label] for label in target), like)


def _explicit(subscripts: str, shapes: Sequence[tuple[int, ...]]) -> tuple[list[str], str]:
    """The labels of each argument and of the output, with letters for ellipses."""
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    inputs = left.split(",")
    free = [letter for letter in _LETTERS if letter not in subscripts]
    hidden = [len(s) - len(i.replace("...", "")) for i, s in zip(inputs, shapes, strict=True)]
    ellipsis = "".join(free[: max(hidden)])
    inputs = [
        each.replace("...", ellipsis[len(ellipsis) - n :])
        for each, n in zip(inputs, hidden, strict=True)
    ]
    if arrow:
        return inputs, output.replace("...", ellipsis)
    once = [c for c in sorted(set(left) - set(",.")) if left.count(c) == 1]
    return inputs, ellipsis + "".join(once)


@op(None, _einsum_vjp, sequence=True, method=False)
def einsum(operands: Any, subscripts: str, optimize: Any = False) -> Array:
    """Sum of products over labelled axes.

    z = Σ x y ... over the labels that the output lacks,  ∂L/∂x = Σ g y ... over those that x lacks
    """
    return np.einsum(subscripts, *operands, optimize=optimize)


@composed(np.einsum, method=False)
def _einsum(*operands: Any, optimize: Any = False) -> Tensor:
    """NumPy's two ways to call it: with a string first, or with a list of labels after each."""
    if isinstance(operands[0], str):
        return einsum(operands[1:], operands[0], optimize)
    arrays, labels = operands[: len(operands) // 2 * 2 : 2], operands[1::2]
    subscripts = ",".join(map(_spelled, labels))
    if len(operands) % 2:
        subscripts += "->" + _spelled(operands[-1])
    return einsum(arrays, subscripts, optimize)


def _spelled(labels: Sequence[Any]) -> str:
    """Labels given as numbers and Ellipsis, as letters."""
    return "".join("..." if label is Ellipsis else _LETTERS[label] for label in labels)
