"""Recurrent networks: cells, and whole sequences."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from .core import Call, sampler, values


@sampler("lstm_cell", "gru_cell")
def stepped(draw: Any, op: Any) -> Call:
    gates = 4 if op.name == "lstm_cell" else 3
    batch, size = draw(st.sampled_from([(), (0,), (1,), (3,), (2, 2)])), draw(st.integers(1, 3))
    wide = [(*batch, gates * size)] * (len(op.tensors) - 1)
    return Call(values(draw, op, *wide, (*batch, size)), {})


@sampler("lstm", "gru")
def walked(draw: Any, op: Any) -> Call:
    gates = 4 if op.name == "lstm" else 3
    batch, size = draw(st.sampled_from([(), (0,), (1,), (2,)])), draw(st.integers(1, 2))
    state, columns = (*batch, size), gates * size
    shapes = {
        "x": (draw(st.integers(1, 4)), *batch, columns),
        "h": state,
        "c": state,
        "weight": (size, columns),
        "bias": (columns,),
    }
    return Call(values(draw, op, *(shapes[name] for name in op.tensors)), {})
