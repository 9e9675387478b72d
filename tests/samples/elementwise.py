"""Elementwise functions with static arguments."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from .core import Call, elementwise, sampler

SETTINGS = {
    "elu": ("alpha", [0.3, 1.0, 2.0]),
    "leaky_relu": ("negative_slope", [0.01, 0.3, 1.5, -0.5]),
    "softplus": ("beta", [0.5, 1.0, 3.0]),
    "sinc_slope": ("order", [1, 2, 3, 6]),
    "round": ("decimals", [0, -1]),
}


@sampler(*SETTINGS)
def configured(draw: Any, op: Any) -> Call:
    name, choices = SETTINGS[op.name]
    return elementwise(draw, op)._replace(statics={name: draw(st.sampled_from(choices))})
