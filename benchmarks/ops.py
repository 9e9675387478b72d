"""Every op at a million float32 elements, value and gradient, against the same written by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, ops
from tinygrad_edu.op import Op

from .by_hand import HAND, Hand
from .harness import Row, Table, compare

SIDE = 1000
ALONG_ROWS = {"sum", "mean", "max", "min", "var", "std", "logsumexp", "cumsum"}


def tables(rounds: int) -> Iterator[Table]:
    """One table of all ops: the time of each, and its ratio to the hand-written one."""
    declared = {f.op.name: f for f in vars(ops).values() if isinstance(getattr(f, "op", None), Op)}
    rows = [_row(declared[name], hand, rounds) for name, hand in HAND.items()]
    note = f"Arrays of {SIDE} x {SIDE}; the ratio is to the same value and gradient by hand."
    yield Table("Ops at a million elements", sorted(rows, key=lambda row: -row.ratio), [note])


def _row(call: Any, hand: Hand, rounds: int) -> Row:
    rng = np.random.default_rng(0)
    op = call.op
    operands = [_operand(op, i, rng) for i in range(len(op.tensors))]
    statics = [-1] if op.name in (ALONG_ROWS | {"reshape"}) else []
    leaves = [Tensor(x, requires_grad=True) for x in operands]
    g = np.ones(call(*leaves, *statics).shape, np.float32)

    def ours() -> Any:
        for leaf in leaves:
            leaf.grad = None
        call(*leaves, *statics).backward(g)
        return [leaf.grad for leaf in leaves]

    def by_hand() -> Any:
        return hand(g, *operands)

    for mine, other in zip(ours(), by_hand(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=2e-3, atol=1e-4)
    found = compare({"hand": by_hand, "ours": ours}, rounds=rounds, seconds=0.0)
    (row,) = (row for row in found if row.name == "ours")
    return Row(op.name, row.seconds, row.ratio)


def _operand(op: Op, i: int, rng: np.random.Generator) -> np.ndarray:
    low, high = op.domain[i] if isinstance(op.domain[0], tuple) else op.domain
    shape = (SIDE,) if op.name == "dense" and i == 2 else (SIDE, SIDE)
    return rng.uniform(low, high, shape).astype(np.float32)
