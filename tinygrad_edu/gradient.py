"""`grad`: the gradients of Tensors that were computed, with respect to others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import graph
from .context import enable_grad, no_grad
from .observers import observers, tracing
from .pytree import flat, like
from .tensor import Tensor, seed, wrap


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

    `inputs` is a Tensor, or a list, tuple or dict of Tensors, and the result has the same
    structure; no Tensor's `.grad` is touched. `grad_outputs` weights outputs that are not
    scalars. With `create_graph=True` the results are recorded and can be differentiated again;
    `retain_graph` defaults to `create_graph`. Raises RuntimeError for an input that the outputs
    do not depend on, unless `allow_unused=True`, which returns None for it.

    >>> x = Tensor(2.0, requires_grad=True)
    >>> slope = grad(x ** 3, x, create_graph=True)
    >>> slope, grad(slope, x)
    (Tensor(12., op=<multiply>), Tensor(12.))
    """
    retain_graph = create_graph if retain_graph is None else retain_graph
    recorded = create_graph or bool(observers and tracing())
    start = _seeds(outputs, grad_outputs, recorded)
    xs: list[Any] = [None] if inputs is None else flat(inputs)
    for i, x in enumerate(xs):
        if not isinstance(x, Tensor) or x.node is None:
            raise RuntimeError(
                f"grad() with respect to input {_label(x, i)}, which does not require a gradient; "
                "make it with Tensor(..., requires_grad=True)"
            )
    with enable_grad() if create_graph else no_grad():
        found = graph.sweep(
            start, {x.node for x in xs}, retain_graph=retain_graph, create_graph=recorded
        )
    results = []
    for i, x in enumerate(xs):
        g = found.get(x.node)
        if g is None and not allow_unused:
            raise RuntimeError(
                f"grad(): the outputs do not depend on input {_label(x, i)}; leave it out, or "
                "give allow_unused=True to get None for it"
            )
        results.append(g if g is None or isinstance(g, Tensor) else wrap(g, None))
    return like(inputs, iter(results))


def _label(x: Any, i: int) -> str:
    return f"{i} ({x.name!r})" if isinstance(x, Tensor) and x.name else str(i)


def _seeds(outputs: Any, grad_outputs: Any, create_graph: bool) -> dict[Any, Any]:
    """Each output's node with its upstream gradient, checked."""
    if isinstance(outputs, Tensor):
        outputs, grad_outputs = [outputs], [grad_outputs]
    elif callable(outputs):
        raise TypeError(
            "grad(outputs, inputs) differentiates Tensors that were computed; for a function f "
            "write value_and_grad(f)(x)"
        )
    elif grad_outputs is not None and not isinstance(grad_outputs, (list, tuple)):
        raise TypeError(
            f"grad() of {len(outputs)} outputs needs a list of as many grad_outputs, one for each, "
            f"not a {type(grad_outputs).__name__}"
        )
    grad_outputs = grad_outputs or [None] * len(outputs)
    if len(grad_outputs) != len(outputs):
        raise ValueError(f"grad(): {len(outputs)} outputs, but {len(grad_outputs)} grad_outputs")
    start: dict[Any, Any] = {}
    for y, weight in zip(outputs, grad_outputs, strict=True):
        g = seed("grad()", y, weight, create_graph)
        start[y.node] = start[y.node] + g if y.node in start else g
    return start
