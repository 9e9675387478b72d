"""plot_gradient_flow: how the gradient comes through the layers, and how far a step moves them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..module import Parameter
from ..sanity_check.experiments import FADING, HALF, UPDATE, flow
from ..sanity_check.passes import Layer, Pass, Slopes
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
    ax.set_title(_verdict(found, rows), fontsize=11, loc="left")
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


def _verdict(found: Pass, rows: list[Row]) -> str:
    """The worst that is to be seen, in a few words."""
    if not found.finite:
        return "The loss or its gradients are not finite"
    said = []
    ends = flow(found.layers)
    if ends is not None:
        ratio, first, last = ends
        if ratio < FADING:
            said.append(f"The gradient vanishes: at {first} {ratio:.1g} of that at {last}")
        elif ratio > 1 / FADING:
            said.append(f"The gradient explodes: at {first} {ratio:.1g} times that at {last}")
    said += [f"Layer {row.label}" for row in rows if row.wrong]
    if any(row.update is not None and row.update > UPDATE for row in rows):
        said.append(f"Steps of more than {UPDATE:.0%} of the weights: a smaller learning rate")
    return "\n".join(said) or "The gradient comes through all layers"
