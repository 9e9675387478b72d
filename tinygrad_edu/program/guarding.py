"""Where a program needs the NaN guard: where an infinite slope and a selection can meet.

The sweep guards whatever lies behind a selection, and a run of the engine cannot know better. A
program to be read shows a guard only where some finite arguments make a slope, or a value that it
is multiplied by, infinite.
"""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np

from .recording import Step, Value, filled, values_in

PROBES = (0.0, 0.5, 1.0, 2.0, 1e4, -0.5, -1.0, -1e4)
"""Arguments that find a pole at zero or one, the edge of a domain, or an overflow."""


def needed(forward: list[Step], backward: list[Step]) -> tuple[set[Step], set[Step]]:
    """Guards of the sweep that a program shows, and the steps that may be given infinite slopes."""
    infinite: set[Value] = set()  # what may be infinite although all inputs are finite
    for step in forward:
        if step.op is None or step.op.selects:
            continue
        if _is_steep(step) or not infinite.isdisjoint(values_in(step.args)):
            infinite.update(step.outs)
    steep = {step for step in forward if step.op is not None and _is_steep(step)}
    guards, reached = set(), set()
    slopes: set[Value] = set()  # gradients that may be infinite
    for step in backward:
        origin = step.origin
        if step.role == "guard":
            _, _, call, _, kept = step.args
            factors = not infinite.isdisjoint(values_in(kept))
            several = call.op.along and call.op.outputs > 1
            masks = call.op.selects or call.op.products or several
            if not masks and (origin in steep or factors):
                guards.add(step)
        read = list(values_in(step.args))
        if not slopes.isdisjoint(read):
            reached.add(step)
        passes = origin is None or not (origin.op.products or origin.op.along)
        if origin in steep or (passes and not slopes.isdisjoint(read)):
            slopes.update(step.outs)
    return guards, reached


def _is_steep(step: Step) -> bool:
    """Whether a derivative of an elementwise op is infinite for some finite arguments."""
    op = step.op
    if not op.elementwise or op.selects:
        return False
    numbers = filled(step.args[: len(op.tensors)], lambda value: None)
    statics = filled(step.args[len(op.tensors) :], lambda value: None)
    key = [x if isinstance(x, (int, float)) else None for x in numbers]
    try:
        return _steep(op, tuple(key), tuple(statics))
    except Exception:  # of an op that takes no such arrays, or a static argument without a hash
        return True


@functools.lru_cache(1024)
def _steep(op: Any, numbers: tuple[float | None, ...], statics: tuple[Any, ...]) -> bool:
    """The same, by trying; `numbers` are the arguments that are fixed, None for the others."""
    probes = [PROBES if x is None else (x,) for x in numbers]
    grid = np.array(list(itertools.product(*probes))).T
    args = [row if x is None else x for row, x in zip(grid, numbers, strict=True)]
    with np.errstate(all="ignore"):
        out = op.forward(*args, *statics)
        slots = [*args, *statics, out, *(grid[0].shape for _ in args)]
        vjps = [v for v, x in zip(op.vjps, numbers, strict=True) if v is not None and x is None]
        g = np.ones(grid[0].shape)
        upstream = g if op.outputs == 1 else (g,) * op.outputs
        parts = [v.function(upstream, *(slots[s] for s in v.slots)) for v in vjps]
    return not all(np.isfinite(part).all() for part in parts)
