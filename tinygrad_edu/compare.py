"""Gradients derived by hand against the engine's: which is right, and what is wrong with the rest.

A wrong gradient is most often a right one with one step left out.  Each such step is tried, and the
first that makes the two equal is the diagnosis.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from .functional import grad
from .gradcheck import Report
from .graph import topological_order
from .pytree import flat
from .tensor import Tensor


class Finding(NamedTuple):
    """One parameter's part of a comparison."""

    name: str
    yours: str
    right: str
    error: str
    verdict: str


def compare(my_gradients: Any, loss: Any, parameters: Any) -> Report:
    """Compare hand-derived gradients with those of `loss`, and say what is wrong with the others.

    `parameters` is a Tensor, a list, tuple or dict of Tensors, or a model with
    `named_parameters()`; `my_gradients` are in the same order, or a dict by name.  `loss` is a
    Tensor that was computed from them, or a function that computes it.  No `.grad` is touched, and
    the loss can still be differentiated afterwards.

    The report is true if all are right.  Its verdicts name the usual slips: a sum over the batch or
    a 1/N forgotten, a matrix transposed, a sign flipped, a mask left out.

    >>> x, t = np.array([[1.0, 0.0], [2.0, 1.0], [0.0, 1.0]]), np.array([[1.0], [5.0], [2.0]])
    >>> w = Tensor([[1.0], [0.0]], requires_grad=True, name="w")
    >>> b = Tensor([0.0], requires_grad=True, name="b")
    >>> error = x @ w + b - t
    >>> e = error.data
    >>> compare([2 * x.T @ e, -2 * e / 3], (error ** 2).mean(), [w, b])
    name  yours   right   error  verdict
    w     (2, 1)  (2, 1)  8      wrong: 3 times too large; was 1/N forgotten (N = 3)?
    b     (3, 1)  (1,)    -      wrong shape: not summed over axis 0, the batch; its sign is flipped
    """
    tensors, mine = _paired(my_gradients, parameters)
    loss = loss() if callable(loss) else loss
    exact = grad(loss, list(tensors.values()), retain_graph=True, allow_unused=True)
    sizes = _sizes(loss)
    rows = []
    for (key, p), g, own in zip(tensors.items(), exact, mine, strict=True):
        right = np.zeros(p.shape) if g is None else g.data.astype(np.float64)
        if own is None:
            rows.append(Finding(key, "-", str(right.shape), "-", "missing"))
            continue
        own = np.asarray(own.data if isinstance(own, Tensor) else own, np.float64)
        same = own.shape == right.shape
        error = f"{abs(own - right).max(initial=0):.4g}" if same else "-"
        verdict = _verdict(own, right, p, sizes)
        rows.append(Finding(key, str(own.shape), str(right.shape), error, verdict))
    return Report(rows, ("right",))


def _paired(my_gradients: Any, parameters: Any) -> tuple[dict[str, Tensor], list[Any]]:
    """The parameters by name, and a gradient or None for each."""
    if hasattr(parameters, "named_parameters"):
        parameters = {k: p for k, p in parameters.named_parameters() if p.requires_grad}
    alone = isinstance(parameters, Tensor)
    tensors = flat(parameters) if alone or isinstance(parameters, dict) else list(parameters)
    names = [p.name or f"parameter {i}" for i, p in enumerate(tensors)]
    if isinstance(parameters, dict):
        names = [str(key) for key in parameters]
    elif len(set(names)) < len(names):
        names = [f"{i} {name}" for i, name in enumerate(names)]
    if isinstance(my_gradients, dict):
        unknown = [str(key) for key in my_gradients if str(key) not in names]
        if unknown:
            raise ValueError(
                f"compare: there are gradients for {', '.join(unknown)}, and the parameters are "
                f"{', '.join(names)}"
            )
        by_name = {str(key): value for key, value in my_gradients.items()}
        mine = [by_name.get(key) for key in names]
    else:
        mine = [my_gradients] if alone else list(my_gradients)
    if len(mine) != len(names):
        raise ValueError(f"compare: {len(mine)} gradients were given for {len(names)} parameters")
    return dict(zip(names, tensors, strict=True)), mine


def _sizes(loss: Tensor) -> set[int]:
    """What N may be in a forgotten 1/N: sizes of what was computed with, or of its first axis."""
    nodes = [loss.node] if loss.node else []
    edges = [edge for node in topological_order(nodes) for edge in node.edges]
    shapes = {edge.shape for edge in edges if edge.shape}
    return {n for shape in shapes for n in (shape[0], int(np.prod(shape))) if n > 1}


# -------------------------------------------------------------------- what is wrong


def _verdict(own: np.ndarray, right: np.ndarray, p: Tensor, sizes: set[int]) -> str:
    tolerance = float(np.sqrt(np.finfo(p.dtype).eps)) * float(abs(right).max(initial=0))
    kind = "wrong" if own.shape == right.shape else "wrong shape"
    if kind == "wrong" and _close(own, right, tolerance):
        return "right"
    if not np.isfinite(own).all():
        return f"{kind}: not finite at {_first(~np.isfinite(own))}"
    if not right.any():
        return f"{kind}: all of it should be 0"
    if not own.any():
        return f"{kind}: all of it is 0"
    for slip, yours, truth in _slips(own, right):
        scale = float((yours * truth).sum() / ((truth * truth).sum() or 1))
        if scale and _close(yours, scale * truth, abs(scale) * tolerance):
            return f"{kind}: " + "; ".join(filter(None, [slip, _factor(scale, sizes)]))
    if kind == "wrong":
        return f"{kind}: {_elements(own, right, p, tolerance)}"
    return f"{kind}: {own.shape} instead of {right.shape}, and no usual slip explains the values"


def _close(a: np.ndarray, b: np.ndarray, tolerance: float) -> bool:
    return bool((abs(a - b) <= tolerance).all())


def _first(mask: np.ndarray) -> str:
    return str(np.argwhere(mask)[0].tolist())


def _slips(own: np.ndarray, right: np.ndarray) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """What may have been forgotten, with both gradients as they would be if it was that."""
    if own.shape == right.shape:
        yield "", own, right
    if own.ndim > 1 and own.T.shape == right.shape:
        yield "transposed", own.T, right
    if own.size == right.size and own.shape != right.shape:
        slip = f"the values in shape {own.shape} instead of {right.shape}; is it keepdims?"
        yield slip, own.reshape(right.shape), right
    for axes in _subsets(own.ndim):
        if right.shape in (own.sum(axes).shape, own.sum(axes, keepdims=True).shape):
            yield f"not summed over {_named(axes)}", own.sum(axes).reshape(right.shape), right
    for axes in _subsets(right.ndim):
        if own.shape in (right.sum(axes).shape, right.sum(axes, keepdims=True).shape):
            slip = f"summed over {_named(axes, '')}, which the parameter has"
            yield slip, own, right.sum(axes).reshape(own.shape)


def _subsets(n: int) -> Iterator[tuple[int, ...]]:
    return (axes for k in range(1, n + 1) for axes in itertools.combinations(range(n), k))


def _named(axes: tuple[int, ...], batch: str = ", the batch") -> str:
    if len(axes) == 1:
        return f"axis {axes[0]}" + (batch if axes == (0,) else "")
    return f"axes {', '.join(map(str, axes))}"


def _factor(scale: float, sizes: set[int]) -> str:
    """A factor between yours and the right one, in words."""
    size, sign = abs(scale), "its sign is flipped" if scale < 0 else ""
    larger, smaller = round(size), round(1 / size)
    words = f"{size:.4g} times what is right"
    if abs(size - 1) < 1e-3:
        words = ""
    elif abs(size - 2) < 1e-3:
        words = "twice what is right; was a factor 1/2 forgotten?"
    elif abs(size - 0.5) < 1e-3:
        words = "half of what is right; was the 2 of a square's derivative forgotten?"
    elif larger in sizes and abs(size / larger - 1) < 1e-3:
        words = f"{larger} times too large; was 1/N forgotten (N = {larger})?"
    elif smaller in sizes and abs(size * smaller - 1) < 1e-3:
        words = f"{smaller} times too small; was it divided by N = {smaller} once too often?"
    return "; ".join(filter(None, [words, sign]))


def _elements(own: np.ndarray, right: np.ndarray, p: Tensor, tolerance: float) -> str:
    """Where gradients of one shape differ, and what the difference looks like."""
    difference = own - right
    wrong = abs(difference) > tolerance
    decay = float((difference * p.data).sum() / ((p.data * p.data).sum() or 1))
    if decay and _close(difference, decay * p.data, tolerance):
        return f"differs by {decay:.4g} times the parameter; is a weight decay in only one of them?"
    if not right[wrong].any():
        return f"right but where it should be 0, as at {_first(wrong)}; was a mask forgotten?"
    i = tuple(np.argwhere(wrong)[0])
    return (
        f"{wrong.sum()} of {own.size} elements, as {own[i]:.4g} instead of {right[i]:.4g} at "
        f"{_first(wrong)}"
    )
