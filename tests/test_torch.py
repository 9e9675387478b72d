"""Every op against PyTorch, an independent reference: value, first and second derivative.

This finds wrong forward functions, which finite differences cannot. Calls are drawn by the samplers
of the ops. It needs `pip install torch`; ops that PyTorch does not have are listed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_edu import Tensor, grad

from .samples import ALL, calls
from .torch_reference import ELSEWHERE, MISSING, REFERENCE

torch = pytest.importorskip("torch")


def test_every_op_has_a_reference_or_is_known_to_have_none() -> None:
    assert not set(ALL) - set(REFERENCE) - MISSING - ELSEWHERE
    assert not set(REFERENCE) & (MISSING | ELSEWHERE)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", [name for name in ALL if name in REFERENCE])
@settings(max_examples=10, deadline=None, derandomize=True)
@given(data=st.data())
def test_against_torch(name: str, dtype: Any, data: st.DataObject) -> None:
    op = ALL[name].op
    operands, statics = data.draw(calls(op))
    statics = {k: dtype if k == "dtype" else v for k, v in statics.items()}
    operands = [x.astype(dtype) if x.dtype.kind == "f" else x for x in operands]
    inputs = leaves(op, operands)
    try:
        ours = run(op, ALL[name], inputs, statics)
    except (ValueError, IndexError, TypeError):
        return  # an error that NumPy raises too, as test_ops checks
    tolerance = (
        {"rtol": 1e-7, "atol": 1e-9} if dtype == np.float64 else {"rtol": 2e-3, "atol": 2e-4}
    )
    theirs_in = [torch.tensor(x.copy(order="C")) for x in operands]
    active = [i for i, t in enumerate(inputs) if isinstance(t, Tensor)]
    for i in active:
        theirs_in[i].requires_grad_()
    theirs = run(op, with_statics(REFERENCE[name], op), theirs_in, statics)
    close(ours.data, theirs, tolerance)

    rng = np.random.default_rng(0)
    w = rng.normal(size=ours.shape).astype(dtype)
    us = [rng.normal(size=operands[i].shape).astype(dtype) for i in active]
    firsts = grad(ours, [inputs[i] for i in active], w, create_graph=True)
    expected = derivative(theirs, [theirs_in[i] for i in active], torch.tensor(w))
    for mine, other in zip(firsts, expected, strict=True):
        close(mine.data, other, tolerance)
    if dtype == np.float32:
        return
    total = sum((g * u).sum() for g, u in zip(firsts, us, strict=True))
    other_total = sum((g * torch.tensor(u)).sum() for g, u in zip(expected, us, strict=True))
    if total.requires_grad and other_total.requires_grad:
        seconds = grad(total, [inputs[i] for i in active], allow_unused=True)
        others = derivative(other_total, [theirs_in[i] for i in active], None)
        for i, mine, other in zip(active, seconds, others, strict=True):
            close(np.zeros(operands[i].shape) if mine is None else mine.data, other, tolerance)


def leaves(op: Any, operands: list[np.ndarray]) -> list[Any]:
    """A leaf for every operand that has a derivative."""
    vjps = op.vjps * len(operands) if op.sequence else op.vjps
    pairs = zip(operands, vjps, strict=True)
    return [Tensor(x, requires_grad=True) if vjp else x for x, vjp in pairs]


def run(op: Any, function: Callable[..., Any], operands: list[Any], statics: dict[str, Any]) -> Any:
    """Call `function` as the op is called; several outputs are returned as one vector."""
    names = op.parameters[1 if op.sequence else len(op.tensors) :]
    first = [operands] if op.sequence else operands
    rest = (statics.get(n, op.defaults[op.parameters.index(n)]) for n in names)
    value = function(*first, *rest)
    if not isinstance(value, tuple):
        return value
    return np.concatenate([np.ravel(part) for part in value])


def with_statics(reference: Callable[..., Any], op: Any) -> Callable[..., Any]:
    """The reference, called like the op; it takes the static arguments by the op's names."""
    names = op.parameters[1 if op.sequence else len(op.tensors) :]
    count = 1 if op.sequence else len(op.tensors)

    def call(*arguments: Any) -> Any:
        statics = dict(zip(names, arguments[count:], strict=True))
        result = reference(*arguments[:count], **statics)
        several = isinstance(result, tuple)
        return torch.cat([part.ravel() for part in result]) if several else result

    return call


def derivative(y: Any, xs: list[Any], weight: Any) -> list[Any]:
    """PyTorch's gradients, zeros for unused inputs."""
    if not y.requires_grad:
        return [torch.zeros_like(x) for x in xs]
    found = torch.autograd.grad(y, xs, weight, create_graph=True, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for x, g in zip(xs, found, strict=True)]


def close(ours: np.ndarray, theirs: Any, tolerance: dict[str, float]) -> None:
    np.testing.assert_allclose(ours, theirs.detach().numpy(force=True), **tolerance)
