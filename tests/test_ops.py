"""Every declared op by itself, drawn from its declaration: value, derivatives, types, manners.

Derivatives are compared with central differences along random directions: for f: Rⁿ → Rᵐ, weights
w and a direction v, ⟨w, J v⟩ takes two evaluations, whatever n and m are.  The second derivative
is the same test on the function x ↦ ⟨u, Jᵀ w⟩.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_edu import Tensor, grad
from tinygrad_edu.declare import Op
from tinygrad_edu.graph import topological_order

from .samples import ALL, SAMPLERS, Call, calls

STEP = 1e-5


def test_every_op_has_samples() -> None:
    without = [n for n, f in ALL.items() if not f.op.elementwise and n not in SAMPLERS]
    assert not without, f"write a sampler in tests/samples for {without}"


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_op(name: str, data: st.DataObject) -> None:
    op = ALL[name].op
    call = data.draw(calls(op))
    given_values = [x.copy() for x in call.operands]
    value = check_value(op, call)
    for x, unchanged in zip(call.operands, given_values, strict=True):
        np.testing.assert_array_equal(x, unchanged)
    if value is not None and np.isfinite(value).all():
        rng = np.random.default_rng(0)
        check_derivatives(op, call, rng)
        check_manners(op, call, rng, np.float64)
        check_manners(op, call, rng, np.float32)


def run(op: Op, function: Callable[..., Any], operands: list[Any], statics: dict[str, Any]) -> Any:
    """Call `function` as the op is called."""
    names = op.parameters[1 if op.sequence else len(op.tensors) :]
    first = [operands] if op.sequence else operands
    rest = (statics.get(n, op.defaults[op.parameters.index(n)]) for n in names)
    return joined(function(*first, *rest))


def joined(answer: Any) -> Any:
    """Several outputs as one vector."""
    if not isinstance(answer, tuple):
        return answer
    return np.concatenate([np.ravel(part) for part in answer])  # type: ignore[type-var]


def leaves(op: Op, operands: list[np.ndarray]) -> list[Any]:
    """A leaf for every operand that has a derivative."""
    vjps = op.vjps * len(operands) if op.sequence else op.vjps
    pairs = zip(operands, vjps, strict=True)
    return [Tensor(x, requires_grad=True) if vjp else x for x, vjp in pairs]


# -------------------------------------------------------------------- the value


def check_value(op: Op, call: Call) -> np.ndarray | None:
    """The same value, warnings and kind of error as the plain forward's and NumPy's function's."""
    operands, statics = call
    ours = outcome(lambda: run(op, ALL[op.name], leaves(op, operands), statics))
    theirs = [outcome(lambda: run(op, op.forward, operands, statics))]
    if op.numpy_function not in (None, operator.getitem, np.reshape):  # by keyword, as NumPy is
        first = [operands] if op.sequence else operands
        theirs.append(outcome(lambda: joined(op.numpy_function(*first, **statics))))
    for value, noted in theirs:
        if isinstance(ours[0], np.ndarray):
            np.testing.assert_allclose(ours[0], value, rtol=1e-12, atol=1e-12, strict=True)
        assert (type(ours[0]), ours[1]) == (type(value), noted)
    return ours[0] if isinstance(ours[0], np.ndarray) else None


def outcome(function: Callable[[], Any]) -> tuple[Any, Any]:
    """What a call comes to: its value and the kinds of its warnings, or its kind of error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = function()
        except (IndexError, ValueError, TypeError) as error:
            return error, None
    value = value.data if isinstance(value, Tensor) else value
    return np.asarray(value), sorted({w.category.__name__ for w in caught})


# -------------------------------------------------------------------- its derivatives


def check_derivatives(op: Op, call: Call, rng: np.random.Generator) -> None:
    """First and second derivatives against central differences."""
    operands, statics = call
    active = [i for i, x in enumerate(leaves(op, operands)) if isinstance(x, Tensor)]
    w = normal(rng, run(op, op.forward, operands, statics))
    us, vs = ([normal(rng, operands[i]) for i in active] for _ in "uv")

    def value(xs: list[Any]) -> float:
        return float(np.sum(w * run(op, op.forward, xs, statics)))

    def gradients(xs: list[Any], weight: Any, create_graph: bool = False) -> Any:
        ts = leaves(op, xs)
        inputs = [ts[i] for i in active]
        y = run(op, ALL[op.name], ts, statics)
        return inputs, grad(y, inputs, weight, create_graph=create_graph)

    def projection(xs: list[Any]) -> float:
        return inner(gradients(xs, w)[1], us)

    def slope(function: Callable[[list[Any]], float]) -> float:
        ahead, behind = list(operands), list(operands)
        for i, v in zip(active, vs, strict=True):
            ahead[i], behind[i] = operands[i] + STEP * v, operands[i] - STEP * v
        return (function(ahead) - function(behind)) / (2 * STEP)

    scale = 1 + float(np.abs(w).sum())
    assert abs(inner(gradients(operands, w)[1], vs) - slope(value)) < 1e-6 * scale

    weight = Tensor(w, requires_grad=True)
    inputs, firsts = gradients(operands, weight, create_graph=True)
    total = sum((g * u).sum() for g, u in zip(firsts, us, strict=True))
    assert total.requires_grad or not total.data, "the first derivative is not recorded"
    if total.requires_grad:
        *seconds, slope_w = grad(total, [*inputs, weight], allow_unused=True)
        assert abs(inner(seconds, vs) - slope(projection)) < 1e-5 * scale
        assert abs(inner([slope_w], [w]) - projection(operands)) < 1e-8 * scale  # Jᵀw is linear


def normal(rng: np.random.Generator, like: Any) -> np.ndarray:
    return rng.normal(size=np.shape(like))


def inner(gradients: list[Any], directions: list[np.ndarray]) -> float:
    """⟨gradients, directions⟩, where None is 0."""
    pairs = zip(gradients, directions, strict=True)
    return sum(float((g.data * v).sum()) for g, v in pairs if g is not None)


# -------------------------------------------------------------------- its manners


def check_manners(op: Op, call: Call, rng: np.random.Generator, dtype: Any) -> None:
    """Types are kept all the way, nothing given is changed, and no two answers share memory."""
    operands = [x.astype(dtype) if x.dtype.kind == "f" else x for x in call.operands]
    statics = {k: dtype if k == "dtype" else v for k, v in call.statics.items()}
    inputs = leaves(op, operands)
    out = run(op, ALL[op.name], inputs, statics)
    assert isinstance(out, Tensor)
    assert out.dtype == dtype
    g = normal(rng, out).astype(dtype)
    before = [a.copy() for a in (g, out.data, *operands)]
    check_vjp_types(op, out, g)
    out.backward(g)
    for a, b in zip((g, out.data, *operands), before, strict=True):
        np.testing.assert_array_equal(a, b)
    seen = [g, out.data, *operands, *(t.data for t in inputs if isinstance(t, Tensor))]
    for t in inputs:
        if isinstance(t, Tensor):
            assert type(t.grad) is np.ndarray
            assert (t.grad.shape, t.grad.dtype) == (t.shape, dtype)
            assert t.grad.flags.writeable
            assert not any(np.may_share_memory(t.grad, other) for other in seen)
            seen.append(t.grad)


def check_vjp_types(op: Op, out: Tensor, g: np.ndarray) -> None:
    """Before the sweep casts anything, a VJP has answered in the type it was given."""
    (node,) = (n for n in topological_order([out.node]) if n.op is op)
    if op.outputs > 1:
        picks = [n for n in topological_order([out.node]) if n.op and n.op.name == "pick"]
        kinds = picks[0].edges[0].kept[1]
        g = tuple(np.ones(shape, dtype) for shape, dtype in kinds)
    for edge in node.edges:
        if edge.source is not None:
            part = edge.vjp.function(g, *edge.kept)
            assert part.dtype == out.dtype, f"{edge.vjp.reads}: {part.dtype} for {out.dtype}"
