"""What is said to be written for PyTorch's names computes what PyTorch's do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, habits, ops

torch = pytest.importorskip("torch")

A, B = np.arange(6.0).reshape(2, 3) + 1, np.arange(6.0)[::-1].reshape(2, 3) + 1
CUBE, OTHER = np.arange(24.0).reshape(2, 3, 4), np.arange(40.0).reshape(2, 4, 5)
MASK = A > 3

CALLS: list[tuple[str, Any, dict[str, Any]]] = [
    ("view", lambda x, y: x.view(3, 2), {"shape": (3, 2)}),
    ("view_as", lambda x, y: x.view_as(y), {}),
    ("reshape_as", lambda x, y: x.reshape_as(y), {}),
    ("permute", lambda x, y: x.permute(1, 0), {"axes": (1, 0)}),
    ("unsqueeze", lambda x, y: x.unsqueeze(-1), {"axis": -1}),
    ("t", lambda x, y: x.t(), {}),
    ("movedim", lambda x, y: x.movedim(0, 1), {"source": 0, "destination": 1}),
    ("expand", lambda x, y: x.expand(4, 2, 3), {"shape": (4, 2, 3)}),
    ("expand_as", lambda x, y: x.expand_as(y), {}),
    ("dim", lambda x, y: x.dim(), {}),
    ("numel", lambda x, y: x.numel(), {}),
    ("chunk", lambda x, y: x.chunk(3, 1), {"n": 3, "axis": 1}),
    ("split", lambda x, y: x.split([1, 2], 1), {"positions": [1], "axis": 1}),
    ("unbind", lambda x, y: x.unbind(), {}),
    ("narrow", lambda x, y: x.narrow(0, 1, 1), {"start": 1, "stop": 2}),
    ("select", lambda x, y: x.select(1, 2), {"i": 2, "axis": 1}),
    (
        "index_select",
        lambda x, y: x.index_select(1, torch.tensor([2, 0])),
        {"indices": [2, 0], "axis": 1},
    ),
    ("masked_select", lambda x, y: x.masked_select(torch.tensor(MASK)), {"mask": MASK}),
    (
        "masked_fill",
        lambda x, y: x.masked_fill(torch.tensor(MASK), 7.0),
        {"mask": MASK, "value": 7.0},
    ),
    ("topk", lambda x, y: x.topk(2, 1).values.flip(1), {"k": 2, "axis": 1}),
    ("sort", lambda x, y: y.sort(1).values, {"axis": 1, "x": B}),
    ("float", lambda x, y: x.float(), {}),
    ("double", lambda x, y: x.double(), {}),
    ("half", lambda x, y: x.half(), {}),
    ("long", lambda x, y: x.long(), {}),
    ("int", lambda x, y: x.int(), {}),
    ("bool", lambda x, y: x.bool(), {}),
    ("type_as", lambda x, y: x.type_as(y), {}),
    ("is_floating_point", lambda x, y: x.is_floating_point(), {}),
    ("element_size", lambda x, y: x.element_size(), {}),
    ("mm", lambda x, y: x.mm(y.T), {"y": B.T}),
    ("bmm", lambda x, y: torch.tensor(CUBE).bmm(torch.tensor(OTHER)), {"x": CUBE, "y": OTHER}),
    ("mv", lambda x, y: x.mv(y[0]), {"y": B[0]}),
    ("addmm", lambda x, y: x.addmm(y, y[:, [0, 1, 2]].T @ y), {"a": B, "b": B.T @ B}),
    ("mul", lambda x, y: x.mul(y), {}),
    ("sub", lambda x, y: x.sub(y), {}),
    ("div", lambda x, y: x.div(y), {}),
    ("pow", lambda x, y: x.pow(y), {}),
    ("neg", lambda x, y: x.neg(), {}),
    ("ger", lambda x, y: x[0].ger(y[0]), {"x": A[0], "y": B[0]}),
    ("rsqrt", lambda x, y: x.rsqrt(), {}),
    ("lerp", lambda x, y: x.lerp(y, 0.3), {"w": 0.3}),
    *((f, lambda x, y, f=f: getattr(x, f)(y), {}) for f in ("eq", "ne", "lt", "le", "gt", "ge")),
    ("amax", lambda x, y: x.amax(1), {"axis": 1}),
    ("amin", lambda x, y: x.amin(1), {"axis": 1}),
    ("equal", lambda x, y: x.equal(y), {}),
    ("clone", lambda x, y: x.clone(), {}),
    ("new_zeros", lambda x, y: x.new_zeros(2, 3), {"shape": (2, 3)}),
    ("new_ones", lambda x, y: x.new_ones(2, 3), {"shape": (2, 3)}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "theirs", "values"), CALLS, ids=[call[0] for call in CALLS])
def test_the_advice_computes_what_pytorch_computes(name: str, theirs: Any, values: Any) -> None:
    given = {"x": A, "y": B} | values
    tensors = {k: Tensor(v) if k in ("x", "y", "a", "b") else v for k, v in given.items()}
    ours = eval(
        habits.TENSOR[name].partition(",  ")[0].partition(", after")[0],
        {"np": np, "ops": ops} | tensors,
    )
    expected = theirs(torch.tensor(A), torch.tensor(B))
    several = isinstance(expected, (tuple, list))
    pairs = zip(ours, expected, strict=True) if several else [(ours, expected)]
    for mine, other in pairs:
        mine, other = np.asarray(mine), np.asarray(other)
        np.testing.assert_allclose(mine, other, rtol=1e-12)
        if mine.ndim:
            assert mine.dtype == other.dtype
