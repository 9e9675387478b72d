"""What the drawing of an observed graph adds: names, values, gradients, and these as colors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import text
from .recording import Recording, finite, is_outputs

SHORT = 4
"""An array of so many values is written in full; of others their size."""
SCALE = ("#f7fbff", "#deebf7", "#c6dbef", "#9ecae1", "#6baed6")
"""Fills from the smallest gradient to the largest; black text is readable on each."""
DEAD, BROKEN = "#d4d4d8", "#fdba74"
"""Fills of gradients that are 0, and of those with NaN or inf."""


class Annotations:
    """Texts and fills for the nodes of a drawing; empty ones if the graph was not observed."""

    def __init__(self, recording: Recording, colored: bool) -> None:
        self.recording = recording
        self.colored = colored
        sizes = [size(g) for g in recording.gradients.values() if not is_outputs(g)]
        logs = [math.log10(each) for each in sizes if each > 0 and math.isfinite(each)]
        self.lowest, self.highest = (min(logs), max(logs)) if logs else (0.0, 0.0)

    def name(self, node: Any) -> str | None:
        """The variable that holds what a node stands for."""
        return self.recording.names.get(node)

    def lines(self, node: Any) -> list[str]:
        """Its value and its gradient, as far as they are known."""
        value, g = self.recording.values.get(node), self.recording.gradients.get(node)
        found = [] if value is None or isinstance(value, tuple) else [f"= {_short(value)}"]
        return found if g is None or is_outputs(g) else [*found, f"∂ {_short(g)}"]

    def fill(self, node: Any) -> str | None:
        """The color of its gradient's size; None if there is none, or none is asked for."""
        g = self.recording.gradients.get(node)
        if not self.colored or g is None or is_outputs(g):
            return None
        if not finite(g):
            return BROKEN
        found = size(g)
        if found == 0:
            return DEAD
        span = self.highest - self.lowest
        share = (math.log10(found) - self.lowest) / span if span > 0 else 1.0
        return SCALE[min(int(share * len(SCALE)), len(SCALE) - 1)]

    def notes(self) -> list[tuple[str, str | None]]:
        """What the legend says, with a color that it explains."""
        recording = self.recording
        if not recording.observed:
            return []
        if recording.number is None:
            return [("no gradients: backward() did not run", None)]
        notes: list[tuple[str, str | None]] = [("rms: root mean square", None)]
        if not self.colored:
            return notes
        return [
            *notes,
            (f"rms of ∂ {10**self.lowest:.1e}", SCALE[0]),
            (f"{10**self.highest:.1e}", SCALE[-1]),
            ("∂ 0", DEAD),
            ("∂ NaN or inf", BROKEN),
        ]


def size(gradient: Any) -> float:
    """The root mean square."""
    g = np.asarray(gradient, dtype=np.float64)
    largest = float(np.abs(g).max(initial=0.0))
    if not largest or not math.isfinite(largest):
        return largest
    return largest * float(np.sqrt(np.mean((g / largest) ** 2)))


def _short(value: Any) -> str:
    value = np.asarray(value)
    if value.size <= SHORT:
        return text.array(value)
    if value.dtype.kind != "f":
        return f"{value.min()} to {value.max()}"
    if not finite(value):
        return f"{int((~np.isfinite(value)).sum())} of {value.size} not finite"
    if (value == value.flat[0]).all():
        return text.array(value)
    return f"rms {size(value):.3g}"
