"""Cells of recurrent networks."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from .core import Call, sampler, values


@sampler("lstm_cell", "gru_cell")
def stepped(draw: Any, op: Any) -> Call:
    gates = 4 if op.name == "lstm_cell" else 3
    n, size = draw(st.integers(0, 3)), draw(st.integers(1, 3))
    wide = [(n, gates * size)] * (len(op.tensors) - 1)
    return Call(values(draw, op, *wide, (n, size)), {})
