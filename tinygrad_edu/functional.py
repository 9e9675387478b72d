"""Derivatives on demand: of what, with respect to what, and in which shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from . import graph
from .context import enable_grad, no_grad
from .tensor import Tensor, seeds, wrap


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    create_graph: bool = False,
    retain_graph: bool | None = None,
    allow_unused: bool = False,
) -> Any:
    """The gradients of `outputs` (summed, if several) with respect to `inputs`.

    `inputs` is a Tensor, or a list, tuple or dict of Tensors, and the answer has the same
    structure; no Tensor's `.grad` is touched.  `grad_outputs` weights outputs that are not
    scalars.  With `create_graph=True` the answers are recorded and can be differentiated again;
    `retain_graph` defaults to `create_graph`.  Raises RuntimeError for an input that the outputs
    do not depend on, unless `allow_unused=True`, which answers None for it.

    >>> x = Tensor(2.0, requires_grad=True)
    >>> slope = grad(x ** 3, x, create_graph=True)
    >>> slope, grad(slope, x)
    (Tensor(12., op=<multiply>), Tensor(12.))
    """
    retain_graph = create_graph if retain_graph is None else retain_graph
    if isinstance(outputs, Tensor):
        outputs, grad_outputs = [outputs], [grad_outputs]
    start = seeds("grad()", outputs, grad_outputs or [None] * len(outputs), create_graph)
    xs = _flat(inputs)
    for i, x in enumerate(xs):
        if not isinstance(x, Tensor) or x.node is None:
            raise RuntimeError(
                f"grad() with respect to input {_label(x, i)}, which does not require a gradient; "
                "make it with Tensor(..., requires_grad=True)"
            )
    lift = wrap if create_graph else None
    with enable_grad() if create_graph else no_grad():
        found = graph.sweep(start, {x.node for x in xs}, retain_graph=retain_graph, lift=lift)
    answers = []
    for i, x in enumerate(xs):
        g = found.get(x.node)
        if g is None and not allow_unused:
            raise RuntimeError(
                f"grad(): the outputs do not depend on input {_label(x, i)}; leave it out, or "
                "give allow_unused=True to get None for it"
            )
        answers.append(g if g is None or isinstance(g, Tensor) else wrap(g, None))
    return _like(inputs, iter(answers))


def _flat(structure: Any) -> list[Any]:
    if isinstance(structure, dict):
        return list(structure.values())
    return list(structure) if isinstance(structure, (list, tuple)) else [structure]


def _like(structure: Any, values: Iterator[Any]) -> Any:
    if isinstance(structure, dict):
        return {key: next(values) for key in structure}
    if isinstance(structure, tuple) and hasattr(structure, "_make"):
        return structure._make(values)
    return type(structure)(values) if isinstance(structure, (list, tuple)) else next(values)


def _label(x: Any, i: int) -> str:
    return f"{i} ({x.name!r})" if isinstance(x, Tensor) and x.name else str(i)
