"""Products of vectors and matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..declare import Array, as_operand, composed, op
from ..precision import at_least_single, rounded
from ..tensor import Tensor
from .index import scatter
from .shape import broadcast_to, check_ndim, expand_dims, moveaxis

__all__ = [
    "dot", "einsum", "inner", "matmul", "matvec", "outer", "tensordot", "vdot", "vecdot", "vecmat",
]  # fmt: skip


def _matrix(x: Any, like: tuple[int, ...], axis: int) -> Any:
    """`x` with the axis of size 1 that a product with a vector of shape `like` lacks."""
    return np.expand_dims(x, axis) if len(like) == 1 else x


def _left(g: Any, y: Any, like: Any) -> Any:
    if y.ndim == len(like) == 2:
        return g @ y.T
    g = _matrix(_matrix(g, y.shape, -1), like, -2)
    return g @ _matrix(y, y.shape, -1).swapaxes(-1, -2)


def _right(g: Any, x: Any, like: Any) -> Any:
    if x.ndim == len(like) == 2:
        return x.T @ g
    g = _matrix(_matrix(g, like, -1), x.shape, -2)
    part = _matrix(x, x.shape, -2).swapaxes(-1, -2) @ g
    return part[..., 0] if len(like) == 1 else part


@op(np.matmul, _left, _right, products=True)
def matmul(x: Array, y: Array) -> Array:
    """Matrix product over the last two axes.
    z = x y,  ∂L/∂x = g yᵀ,  ∂L/∂y = xᵀ g"""
    return np.matmul(x, y)


@op(
    None,
    lambda g, x2: np.expand_dims(g, -1) * x2,
    lambda g, x1: np.expand_dims(g, -1) * x1,
    products=True,
    method=False,
)
def vecdot(x1: Array, x2: Array) -> Array:
    """Sum of products over the last axis.
    z = Σ x y,  ∂L/∂x = g y,  ∂L/∂y = g x"""
    return np.vecdot(x1, x2)


@op(
    np.outer,
    lambda g, b, like: (g @ b.reshape(-1)).reshape(like),
    lambda g, a, like: (a.reshape(-1) @ g).reshape(like),
    products=True,
)
def outer(a: Array, b: Array) -> Array:
    """The products of all elements of a with all of b.
    Z = a bᵀ,  ∂L/∂a = g b,  ∂L/∂b = gᵀ a"""
    return np.outer(a, b)


# -------------------------------------------------------------------- products made of them


@composed(np.dot)
def dot(a: Any, b: Any) -> Tensor:
    """Sum of products over the last axis of a and the last but one of b, which may be a vector."""
    a, b = as_operand(a), as_operand(b)
    if not a.ndim or not b.ndim:
        return a * b
    return matmul(a, b) if b.ndim <= 2 else tensordot(a, b, (-1, -2))


@composed(np.inner)
def inner(a: Any, b: Any) -> Tensor:
    """Sum of products over the last axes."""
    a, b = as_operand(a), as_operand(b)
    return tensordot(a, b, (-1, -1)) if a.ndim and b.ndim else a * b


@composed(np.linalg.outer, method=False)
def _outer_of_vectors(x1: Any, x2: Any) -> Tensor:
    """`outer` of two vectors only."""
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(f"outer takes two vectors, not {np.ndim(x1)} and {np.ndim(x2)} axes")
    return outer(x1, x2)


@composed(np.vdot)
def vdot(a: Any, b: Any) -> Tensor:
    """Sum of the products of all elements, row by row."""
    return matmul(as_operand(a).reshape(-1), as_operand(b).reshape(-1))


@composed(np.tensordot, np.linalg.tensordot, method=False)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Tensor:
    """Sum of products over axes of a and of b: a pair of lists, or so many last and first ones."""
    a, b = as_operand(a), as_operand(b)
    if np.ndim(axes) == 0 and not isinstance(axes, (list, tuple)):
        if axes > min(a.ndim, b.ndim):
            raise IndexError(f"tensordot: {axes} axes of each, and they have {a.ndim} and {b.ndim}")
        axes = range(a.ndim - axes, a.ndim), range(axes)
    over_a, over_b = (
        normalize_axis_tuple(tuple(each) if np.iterable(each) else (int(each),), x.ndim)
        for each, x in zip(axes, (a, b), strict=True)
    )
    if [a.shape[i] for i in over_a] != [b.shape[i] for i in over_b]:
        raise ValueError(
            f"tensordot: axes {over_a} of {a.shape} and {over_b} of {b.shape} differ in size"
        )
    free_a = [i for i in range(a.ndim) if i not in over_a]
    free_b = [i for i in range(b.ndim) if i not in over_b]
    rows, columns = [a.shape[i] for i in free_a], [b.shape[i] for i in free_b]
    length = int(np.prod([a.shape[i] for i in over_a], dtype=int))
    left = a.transpose([*free_a, *over_a]).reshape(int(np.prod(rows, dtype=int)), length)
    right = b.transpose([*over_b, *free_b]).reshape(length, int(np.prod(columns, dtype=int)))
    return matmul(left, right).reshape((*rows, *columns))


@composed(np.vecdot, np.linalg.vecdot, method=False)
def _vecdot(x1: Any, x2: Any, *, axis: int = -1) -> Tensor:
    """`vecdot` over any axis."""
    if axis != -1:
        x1, x2 = moveaxis(x1, axis, -1), moveaxis(x2, axis, -1)
    return vecdot(x1, x2)


@composed(getattr(np, "matvec", None), method=False)
def matvec(x1: Any, x2: Any) -> Tensor:
    """Matrices times vectors, the rows of the last axis."""
    check_ndim("matvec", x1, 2)
    return matmul(x1, expand_dims(x2, -1)).squeeze(-1)


@composed(getattr(np, "vecmat", None), method=False)
def vecmat(x1: Any, x2: Any) -> Tensor:
    """Vectors, the rows of the last axis, times matrices."""
    check_ndim("vecmat", x2, 2)
    return matmul(expand_dims(x1, -2), x2).squeeze(-2)


composed(np.linalg.matmul, method=False)(matmul)


# -------------------------------------------------------------------- Einstein summation

_LETTERS = (
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"  # in the order that NumPy sorts them
)


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


@op(None, _einsum_vjp, sequence=True, products=True, method=False)
def einsum(operands: Any, subscripts: str, optimize: Any = False) -> Array:
    """Sum of products over labeled axes.
    z = Σ x y ... over the labels that the output lacks,  ∂L/∂x = Σ g y ... over those that x lacks
    """
    y = np.einsum(subscripts, *map(at_least_single, operands), optimize=optimize)
    return rounded(y, operands[0]) if len({x.dtype for x in operands}) == 1 else y


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
