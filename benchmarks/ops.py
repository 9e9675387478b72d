"""Every op on a million float32 elements, value and gradient, with and without the engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, ops
from tinygrad_edu.declare import Op
from tinygrad_edu.graph import unbroadcast
from tinygrad_edu.ops.windows import Geometry

from .by_hand import HAND
from .harness import Row, Table, compare

SIDE = 1000
SQUARE = (SIDE, SIDE)
SMALL = (100, 100)  # for what costs n³
STEP = Geometry((3, 3), (1, 1), (1, 1), (0, 0), (0, 0))
HALF = Geometry((2, 2), (2, 2), (1, 1), (0, 0), (0, 0))

CALLS: dict[str, tuple[list[tuple[int, ...]], list[Any]]] = {
    **dict.fromkeys(("sum", "mean", "max", "min", "var", "std", "prod"), ([SQUARE], [-1])),
    **dict.fromkeys(("logsumexp", "softmax", "log_softmax", "cumsum", "cumprod"), ([SQUARE], [-1])),
    "standardize": ([SQUARE, (SIDE,), (SIDE,)], [(-1,)]),
    "unit_rms": ([SQUARE], [(-1,)]),
    **dict.fromkeys(("transpose", "copy", "rot90", "tril", "triu"), ([SQUARE], [])),
    **dict.fromkeys(("flip", "sort"), ([SQUARE], [-1])),
    **dict.fromkeys(("swapaxes", "moveaxis"), ([SQUARE], [0, 1])),
    **dict.fromkeys(("concatenate", "stack"), ([SQUARE, SQUARE], [0])),
    **dict.fromkeys(("inv", "det", "slogdet", "pinv", "svd", "qr"), ([SMALL], [])),
    **dict.fromkeys(("cofactor", "cholesky", "eigh"), ([SMALL], [])),
    **dict.fromkeys(("max_pool1d", "avg_pool1d"), ([(64, 16, SIDE)], [2])),
    **dict.fromkeys(("max_pool2d", "avg_pool2d"), ([(64, 16, 32, 32)], [2])),
    **dict.fromkeys(("max_pool3d", "avg_pool3d"), ([(16, 16, 16, 16, 16)], [2])),
    "matmul": ([SQUARE, SQUARE], []),
    "dense": ([SQUARE, SQUARE, (SIDE,)], []),
    "lstm_cell": ([SQUARE, (SIDE, SIDE // 4)], []),
    "gru_cell": ([(SIDE, 3 * SIDE // 4)] * 2 + [(SIDE, SIDE // 4)], []),
    "lstm": ([(64, 32, 512), (32, 128), (32, 128), (128, 512)], []),
    "gru": ([(64, 32, 384), (32, 128), (128, 384), (384,)], []),
    "attention": ([(64, 128, 32)] * 3 + [(128, 128), (64, 128, 128)], []),
    "solve": ([SMALL, SMALL], []),
    "reshape": ([SQUARE], [-1]),
    "squeeze": ([(1, *SQUARE)], [0]),
    "expand_dims": ([SQUARE], [0]),
    "broadcast_to": ([(1, SIDE)], [SQUARE]),
    "roll": ([SQUARE], [3, 1]),
    "repeat": ([SQUARE], [2, 1]),
    "pad": ([SQUARE], [2]),
    "take": ([SQUARE], [np.arange(SIDE)[::-1], 0]),
    "getitem": ([SQUARE], [(slice(None), np.arange(0, SIDE, 2))]),
    "vector_norm": ([SQUARE], [2, -1]),
    "squared_error": ([SQUARE, SQUARE], []),
    "outer": ([(SIDE,), (SIDE,)], []),
    "vecdot": ([SQUARE, SQUARE], []),
    "einsum": ([SQUARE, SQUARE], ["ij,ij->i"]),
    "scatter": ([SQUARE], [(slice(None), np.arange(SIDE)[::-1]), SQUARE]),
    "cast": ([SQUARE], [np.float32]),
    "unpad": ([SQUARE], [((2, 2), (2, 2)), "constant"]),
    "cross_entropy": ([SQUARE, (SIDE,)], []),
    "conv1d": ([(64, 16, 200), (32, 16, 3), (32,)], [1, 1]),
    "conv2d": ([(64, 16, 14, 14), (32, 16, 3, 3), (32,)], [1, 1]),
    "conv3d": ([(8, 16, 8, 8, 8), (32, 16, 3, 3, 3), (32,)], [1, 1]),
    "conv_transpose1d": ([(64, 16, 200), (16, 32, 3), (32,)], [1, 1]),
    "conv_transpose2d": ([(64, 16, 14, 14), (16, 32, 3, 3), (32,)], [1, 1]),
    "conv_transpose3d": ([(8, 16, 8, 8, 8), (16, 32, 3, 3, 3), (32,)], [1, 1]),
    "unfold": ([(64, 16, 14, 14)], [(12, 12), STEP]),
    "fold": ([(64, 16, 3, 3, 12, 12)], [(14, 14), STEP]),
    "convolve": ([(SIDE * SIDE,), (10,)], []),
    "window_spread": ([(64, 16, 16, 16)], [None, (32, 32), HALF]),
    "window_sum": ([(64, 16, 32, 32)], [None, (16, 16), HALF]),
    "correlate": ([(64, 16, 14, 14), (32, 16, 3, 3)], [(12, 12), STEP]),
    "correlate_input": ([(64, 32, 12, 12), (32, 16, 3, 3)], [(14, 14), STEP]),
    "correlate_weight": ([(64, 16, 14, 14), (64, 32, 12, 12)], [STEP]),
}
"""Operand shapes and static arguments of the ops that are not elementwise."""


def tables(rounds: int) -> Iterator[Table]:
    """One table of all ops: the time of each, and its ratio to the time without the engine."""
    declared = {f.op.name: f for f in vars(ops).values() if isinstance(getattr(f, "op", None), Op)}
    rows = [_row(call, rounds) for call in declared.values()]
    notes = [
        "The ratio is to value and gradient written by hand in NumPy; for the ops marked *, to the",
        "forward function and VJPs of the op itself, called without the engine.",
    ]
    title = f"Ops at {SIDE} x {SIDE} elements (matrices to decompose: 100 x 100), float32"
    yield Table(title, rows, notes, plotted=False, order=-1)


@np.errstate(all="ignore")  # determinants overflow at this size
def _row(call: Any, rounds: int) -> Row:
    op: Op = call.op
    rng = np.random.default_rng(0)
    shapes, statics = CALLS.get(op.name, ([SQUARE] * len(op.tensors), []))
    operands = [_operand(op, i, shape, rng) for i, shape in enumerate(shapes)]
    vjps = op.vjps * len(operands) if op.sequence else op.vjps
    inputs = [
        Tensor(x, requires_grad=True) if v else x for x, v in zip(operands, vjps, strict=True)
    ]
    leaves = [x for x in inputs if isinstance(x, Tensor)]
    arguments = [inputs] if op.sequence else inputs
    result = call(*arguments, *statics)
    outputs = list(result) if op.outputs > 1 else [result]
    g = [np.ones(y.shape, np.float32) for y in outputs]

    def ours() -> Any:
        for leaf in leaves:
            leaf.grad = None
        result = call(*arguments, *statics)
        (result[-1] if op.outputs > 1 else result).backward(g[-1])
        return [leaf.grad for leaf in leaves]

    hand = HAND.get(op.name)
    upstream = g[0] if op.outputs == 1 else (*(0 * w for w in g[:-1]), g[-1])
    plain = (
        partial(hand, upstream, *operands)
        if hand
        else partial(_declared, op, upstream, operands, statics)
    )
    for mine, other in zip(ours(), plain(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=2e-3, atol=1e-3)
    found = compare({"plain": plain, "ours": ours}, rounds=rounds, seconds=0.0)
    (row,) = (row for row in found if row.name == "ours")
    return dataclasses.replace(row, name=op.name + ("" if hand else " *"))


def _declared(op: Op, g: Any, operands: list[Any], statics: list[Any]) -> list[Any]:
    """Forward and VJPs as declared, without a graph; each gradient is an array of its own."""
    given = [operands] if op.sequence else list(operands)
    values = list(op.bind((*given, *statics), {}))
    out = op.forward(*values)
    vjps = op.vjps * len(operands) if op.sequence else op.vjps
    slots, parts = op.offered(values, out), []
    for i, vjp in enumerate(vjps):
        if op.sequence:
            slots[-3:-1] = operands[i].shape, i
        if vjp:
            kept = vjp.collect(slots) if vjp.slots else ()
            parts.append(vjp.function(g, *kept))
    active = (x for x, v in zip(operands, vjps, strict=True) if v)
    fitted = (unbroadcast(part, x.shape) for part, x in zip(parts, active, strict=True))
    return [np.array(p) if p.base is not None or p is g else p for p in fitted]


def _operand(op: Op, i: int, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    interval = op.domain[0 if op.sequence else i] if isinstance(op.domain[0], tuple) else op.domain
    values = rng.uniform(*interval, shape).astype(np.float32)
    if op.name == "where" and i == 0:
        return values > 0
    if op.name == "ldexp" and i == 1:
        return rng.integers(-3, 4, shape, np.int32)
    if op.name == "cross_entropy" and i == 1:
        return rng.integers(0, SIDE, shape)
    if shape == SMALL and i == 0:
        values += 50 * np.eye(len(values), dtype=np.float32)  # well conditioned
    return values
