"""A Tensor's graph as a drawing: what was computed, from what, and in which module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..tensor import Tensor
from .annotations import Annotations
from .dot import DotDrawing
from .folding import fold, show_repeats_once
from .observation import Observation
from .outline import Outline
from .recording import Recording
from .render import Graph


def draw_graph(
    t: Any,
    *inputs: Any,
    direction: str = "LR",
    depth: int | None = None,
    fold_repeats: bool = False,
    color: str | None = None,
) -> Graph:
    """Draw what `t`, a Tensor or a list of Tensors, was computed from.

    With a model, or any function, and its `inputs`, what it computes from them is drawn.
    Operations carry their formula, and their derivatives as a tooltip; boxes are the Tensors that
    went in, with name, shape and dtype; frames are the calls of modules (`scope`) that computed.
    `direction` is "LR", left to right, or "TB", top to bottom. Modules at `depth` are folded into
    one box each; `fold_repeats` shows equal ones that follow each other once, with their number.
    `.save("x.html")` and `.explore()` make the explorer instead, where everything unfolds.

    What was computed inside `observe()` shows its variable names, values and gradients, and with
    `color="gradient"` the size of these on a logarithmic scale. What `observe()` yields draws the
    op that failed, marked, and what had been computed for it.

    >>> from tinygrad_edu import Tensor
    >>> x = Tensor(3.0, requires_grad=True, name="x")
    >>> drawing = draw_graph(x * x)
    >>> drawing
    Graph(1 operation, 1 tensor)
    >>> "z = x y" in drawing.source
    True
    >>> draw_graph(lambda x: x.exp().sum(), x)
    Graph(2 operations, 1 tensor)
    """
    outputs = _computed(t, inputs) if inputs else _given(t)
    if color not in (None, "gradient"):
        raise ValueError(f'color is None or "gradient", not {color!r}')
    if direction not in ("LR", "TB"):
        raise ValueError(f'direction is "LR" or "TB", not {direction!r}')
    if depth is not None and (not isinstance(depth, int) or isinstance(depth, bool) or depth < 1):
        raise ValueError(f"depth is None or a positive integer, not {depth!r}")
    outline = Outline(outputs)
    annotations = Annotations(Recording(outline.ends), color is not None)
    operations, tensors = outline.counts()
    if fold_repeats:
        show_repeats_once(outline)
    if depth is not None:
        fold(outline, depth)
    opening = {"depth": depth, "fold_repeats": fold_repeats, "color": color}
    digraph = DotDrawing(outline, direction, annotations).digraph()
    return Graph(digraph, operations, tensors, outputs, opening)


def _given(t: Any) -> list[Any]:
    if isinstance(t, Observation):
        if t.failure is None:
            raise ValueError(
                "draw_graph of what observe() yields draws the op that failed, and none did; give "
                "it the Tensor that was computed, such as the loss"
            )
        return [t.failure]
    outputs = list(t) if isinstance(t, (list, tuple)) else [t]
    for y in outputs:
        if not isinstance(y, Tensor):
            model = ", or a model with its inputs: draw_graph(model, x)" if callable(y) else ""
            raise TypeError(
                "draw_graph draws a Tensor or a list of Tensors, such as the loss, not "
                f"{type(y).__name__}{model}"
            )
    if not outputs:
        raise ValueError("draw_graph was given an empty list; give it at least one Tensor")
    return outputs


def _computed(function: Any, inputs: tuple[Any, ...]) -> list[Tensor]:
    """The Tensors that a model returns for its inputs."""
    if not callable(function):
        raise TypeError(
            "draw_graph takes one Tensor or one list of Tensors, or a model and its inputs; "
            f"{type(function).__name__} is not a model"
        )
    outputs = list(_tensors(function(*inputs)))
    if not outputs:
        raise TypeError("draw_graph called the function, and it returned no Tensor to draw")
    return outputs


def _tensors(found: Any) -> Iterator[Tensor]:
    if isinstance(found, Tensor):
        yield found
    elif isinstance(found, Mapping):
        yield from _tensors(list(found.values()))
    elif isinstance(found, (list, tuple)):
        for each in found:
            yield from _tensors(each)
