"""Gradients derived by hand against the engine's: `compare` says which are right.

What is wrong with the others is found in `diagnosis`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..functional import grad
from ..graph import topological_order
from ..pytree import flat
from ..tensor import Tensor
from .diagnosis import diagnosis
from .report import Report


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
    a 1/N forgotten, a matrix transposed, a sign flipped, a mask left out.  Raises TypeError if the
    loss is no Tensor, ValueError if the gradients do not belong to these parameters.

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
    if not isinstance(loss, Tensor):
        raise TypeError(
            f"compare: the loss is of type {type(loss).__name__}; give the Tensor itself, not its "
            ".data, .item() or float(), which are cut off from the graph"
        )
    exact = grad(loss, list(tensors.values()), retain_graph=True, allow_unused=True)
    sizes = _sizes(loss)
    rows = [
        _finding(key, p, g, own, sizes)
        for (key, p), g, own in zip(tensors.items(), exact, mine, strict=True)
    ]
    if all(g is None for g in exact):
        rows = [_disconnected(row) for row in rows]
    return Report(rows, ("right",), ("empty",))


def _finding(key: str, p: Tensor, exact: Tensor | None, own: Any, sizes: set[int]) -> Finding:
    """What is to be said about one parameter."""
    right = np.zeros(p.shape) if exact is None else exact.data.astype(np.float64)
    if own is None:
        return Finding(key, "-", str(right.shape), "-", "missing")
    own = np.asarray(own.data if isinstance(own, Tensor) else own, np.float64)
    same = own.shape == right.shape
    error = f"{abs(own - right).max(initial=0):.4g}" if same else "-"
    tolerance = float(np.sqrt(np.finfo(p.dtype).eps))
    verdict = diagnosis(own, right, p.data, tolerance, sizes) if own.size or not same else "empty"
    return Finding(key, str(own.shape), str(right.shape), error, verdict)


def _disconnected(row: Finding) -> Finding:
    """For a row of a report in which the loss depends on no parameter."""
    if row.verdict != "right":
        return row
    words = "disconnected: the loss is not computed from any of these parameters"
    return row._replace(verdict=words)


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
