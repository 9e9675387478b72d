"""plot_gradient_flow: how the gradient comes through the layers, and how far a step moves them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..module import Parameter
from ..sanity_check.experiments import FADING, HALF, flow, steps_are_small
from ..sanity_check.passes import Layer, Slopes
from ..sanity_check.report import Finding
from ..sanity_check.subject import Subject
from .canvas import COLORS, RED, axes_for

__all__ = ["plot_gradient_flow"]


@dataclass
class Row:
    """A line of the plot: a layer with parameters, or an activation function."""

    birth: int
    label: str
    wrong: bool = False
    gradient: float | None = None
    update: float | None = None


def plot_gradient_flow(
    model: Any, loss: Any, batch: Any, optimizer: Any = None, *, ax: Any = None
) -> Any:
    """Draw the norm of the gradient at each layer, from the input down to the loss.

    Circles are the norms of the loss's gradient with respect to the layers' outputs, on a
    logarithmic scale: where they shrink by the same factor from layer to layer, the gradient
    vanishes or explodes.  With an optimizer, squares are the ratio ‖update‖ / ‖weights‖ of its next
    step, for which 0.001 is usual; the band is from 0.0001 to 0.01.  Activation functions stand
    between the layers with the share of their units that are dead (0 for all samples) or of their
    values that are saturated.  The title is what `nn.sanity` would say of it.

    The arguments are those of `nn.sanity`, and everything is left as it was.  Returns the Axes.
    """
    subject = Subject(model, loss, batch, optimizer)
    found = subject.first
    if not found.layers:
        raise ValueError("the model has no layers with parameters, or none of them is called")
    updates = {} if optimizer is None else subject.updates()
    rows = [_row(layer, updates) for layer in found.layers]
    rows += [_activation(each) for each in found.slopes]
    rows.sort(key=lambda row: row.birth)
    ax = axes_for(ax, "plot_gradient_flow", (7, 1.6 + 0.3 * len(rows)))
    _draw(ax, rows)
    ax.set_title(_verdict(subject, rows), fontsize=11, loc="left")
    return ax


def _row(layer: Layer, updates: dict[int, float]) -> Row:
    own = [p for p in vars(layer.module).values() if isinstance(p, Parameter) and p.ndim > 1]
    ratios = [updates[id(p)] for p in own if id(p) in updates]
    update = max(ratios, default=None)
    birth = layer.output.node.birth if layer.output.node is not None else 0
    label = f"{layer.path} {type(layer.module).__name__}".strip()
    return Row(birth, label, False, layer.gradient, update)


def _activation(each: Slopes) -> Row:
    share = each.dead / each.units if each.op == "relu" else each.flat
    state = "dead" if each.op == "relu" else "saturated"
    return Row(each.birth, f"{each.scope} {each.op}, {share:.0%} {state}".strip(), share > HALF)


def _draw(ax: Any, rows: list[Row]) -> None:
    heights = np.arange(len(rows))
    for name, marker, color, label in (
        ("gradient", "o-", COLORS[0], "gradient at the layer's output"),
        ("update", "s", COLORS[1], "‖update‖ / ‖weights‖"),
    ):
        points = [(getattr(row, name), h) for row, h in zip(rows, heights, strict=True)]
        drawn = [(v, h) for v, h in points if v is not None and v > 0 and math.isfinite(v)]
        if drawn:
            ax.plot(*zip(*drawn, strict=True), marker, color=color, label=label, markersize=6)
            if name == "update":
                ax.axvspan(1e-4, 1e-2, color=color, alpha=0.12, linewidth=0)
    for row, height in zip(rows, heights, strict=True):
        named = (("gradient", row.gradient), ("update", row.update))
        odd = [f"{n} {v:g}" for n, v in named if v is not None and not (0 < v < math.inf)]
        style = {"color": RED, "ha": "right", "va": "center", "fontsize": 9}
        ax.text(0.99, height, ", ".join(odd), transform=ax.get_yaxis_transform(), **style)
    ax.set_xscale("log")
    ax.set_yticks(heights, [row.label for row in rows])
    for text, row in zip(ax.get_yticklabels(), rows, strict=True):
        if row.gradient is None:
            text.set(color=RED if row.wrong else "dimgray", fontsize=9)
    ax.set(ylim=(len(rows) - 0.5, -0.5), xlabel="norm, or ratio", ylabel="from input to loss")
    ax.grid(alpha=0.3)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="best", fontsize=9)


def _verdict(subject: Subject, rows: list[Row]) -> str:
    """The worst that is to be seen, in a few words."""
    if not subject.first.finite:
        return "The loss or its gradients are not finite"
    said = []
    ends = flow(subject.first.layers)
    if ends is not None:
        ratio, first, last = ends
        word = "vanishes" if ratio < FADING else "explodes" if ratio > 1 / FADING else ""
        if word:
            said.append(
                f"The gradient {word}: at layer {first.path} it is\n"
                f"{ratio:.1g} times that at layer {last.path}"
            )
    said += [f"Layer {row.label}" for row in rows if row.wrong]
    if isinstance(steps_are_small(subject), Finding):
        said.append("The loss grows from step to step: try a smaller learning rate")
    return "\n".join(said) or "The gradient comes through all layers"
