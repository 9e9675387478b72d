"""Elementwise functions with static arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from .core import Call, elementwise, sampler, shapes, values

SETTINGS = {
    "elu": ("alpha", [0.3, 1.0, 2.0]),
    "leaky_relu": ("negative_slope", [0.01, 0.3, 1.5, -0.5]),
    "softplus": ("beta", [0.5, 1.0, 3.0]),
    "sinc_slope": ("order", [1, 2, 3, 6]),
    "round": ("decimals", [0, -1]),
    "bessel_i": ("order", [0, 1, 2, 5]),
    "angle": ("deg", [False, True]),
}


@sampler(*SETTINGS)
def configured(draw: Any, op: Any) -> Call:
    name, choices = SETTINGS[op.name]
    return elementwise(draw, op)._replace(statics={name: draw(st.sampled_from(choices))})


@sampler("heaviside")
def step(draw: Any, op: Any) -> Call:
    """Away from the step, or at it in places: then integers, which have no derivative."""
    x, height = elementwise(draw, op).operands
    if draw(st.booleans()):
        x = np.asarray(np.trunc(x), np.int8)
    return Call([x, height], {})


@sampler("ldexp")
def scaled(draw: Any, op: Any) -> Call:
    x, power = elementwise(draw, op).operands
    return Call([x, power * draw(st.integers(-4, 4))], {})


@sampler("modf")
def fraction(draw: Any, op: Any) -> Call:
    return Call(values(draw, op, draw(shapes())), {})
