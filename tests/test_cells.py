"""The rules by which a page writes out any element of a contribution as a sum."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.explorer_graphs import network
from tinygrad_edu import Tensor, observe, ops
from tinygrad_edu.viz import cells
from tinygrad_edu.viz.cells import Pairs, Rules, Single, Spread, affine, places
from tinygrad_edu.viz.recording import Recording, is_outputs
from tinygrad_edu.viz.steps import Linear

from .samples import ALL, calls
from .test_steps import observed


def by_rule(rule: Any, step: Any, cell: tuple[int, ...]) -> float:
    """What a rule says that an element is."""
    upstream = np.asarray(step.upstream, float)
    if isinstance(rule, Pairs):
        j, k = places(rule, cell, upstream.shape)
        return float((upstream[tuple(j.T)] * rule.kept[tuple(k.T)]).sum())
    flat = int(np.ravel_multi_index(cell, step.part.shape)) if cell else 0
    if isinstance(rule, Single):
        source = int(rule.source.flat[flat])
        local = 1.0 if rule.local is None else float(rule.local[cell])
        return 0.0 if source < 0 else float(upstream.flat[source]) * local
    weights = upstream if rule.local is None else upstream * rule.local
    return float(weights[rule.target == flat].sum())


def reproduces(rule: Any, step: Any) -> bool:
    found = [by_rule(rule, step, cell) for cell in np.ndindex(step.part.shape)]
    scale = max(1.0, float(abs(step.part).max(initial=0.0)))
    return np.allclose(found, step.part.ravel(), rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.parametrize("name", [name for name in ALL if not ALL[name].op.elementwise])
@settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_a_rule_gives_every_element_of_the_contribution(name: str, data: Any) -> None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = observed(name, *data.draw(calls(ALL[name].op)))
        if found is None:
            return
        for step in found[0].contributions:
            if is_outputs(step.part) or is_outputs(step.upstream) or step.part.size > 500:
                continue
            rule = Rules().find(step, Linear(step))
            if rule is not None and np.isfinite(step.part).all():
                assert reproduces(rule, step), rule


def swept(f: Any, *shapes: tuple[int, ...]) -> Any:
    """The contributions of an op to its leaves, from a random upstream gradient."""
    rng = np.random.default_rng(0)
    leaves = [Tensor(rng.normal(size=shape), requires_grad=True) for shape in shapes]
    with observe():
        y = f(*leaves)
        y.backward(rng.normal(size=y.shape))
    return Recording([y.node]).contributions


@pytest.mark.parametrize(
    ("f", "shapes", "kinds"),
    [
        (lambda x, w, b: ops.dense(x, w, b), [(5, 4), (4, 3), (3,)], [Pairs, Pairs, Spread]),
        (lambda x, y: x @ y, [(2, 5, 4), (4, 3)], [Pairs, Pairs]),
        (lambda x, y: np.einsum("bij,bkj->bik", x, y), [(2, 3, 4), (2, 5, 4)], [Pairs, Pairs]),
        (lambda x, y: np.outer(x, y), [(3,), (4,)], [Pairs, Pairs]),
        (
            lambda x, w: ops.conv2d(x, w, stride=2, padding=1),
            [(2, 3, 6, 6), (4, 3, 3, 3)],
            [Pairs, Pairs],
        ),
        (lambda x: x.mean(axis=1), [(3, 4)], [Single]),
        (lambda x: ops.max_pool2d(x, 2), [(1, 2, 4, 4)], [Single]),
        (lambda x: ops.avg_pool2d(x, 2), [(1, 2, 4, 4)], [Single]),
        (lambda x: x[np.array([0, 2, 2])], [(4, 3)], [Spread]),
        (lambda x: np.broadcast_to(x, (5, 3)), [(3,)], [Spread]),
        (lambda x: x.T.reshape(2, 6), [(3, 4)], [Single, Single]),
    ],
)
def test_the_terms_of_common_ops_follow_from_a_rule(f: Any, shapes: Any, kinds: Any) -> None:
    steps = swept(f, *shapes)
    rules = Rules()
    found = [rules.find(step, Linear(step)) for step in steps]
    assert [type(rule) for rule in found] == kinds
    assert all(map(reproduces, found, steps))


def test_of_what_mixes_elements_there_is_no_rule() -> None:
    (step,) = swept(ops.softmax, (3, 4))
    assert Rules().find(step, Linear(step)) is None


def test_equal_calls_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    pairs = cells._pairs
    monkeypatch.setattr(cells, "_pairs", lambda step: looked.append(step) or pairs(step))
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    with observe():
        y = x
        for _ in range(4):
            y = y @ np.full((3, 3), 0.5)
        y.sum().backward()
    assert y.node is not None
    rules = Rules()
    found = [rules.find(step, Linear(step)) for step in Recording([y.node]).contributions]
    assert len(looked) == 1
    assert all(isinstance(rule, Pairs) for rule in found)


def test_a_wrong_rule_is_found() -> None:
    """The tests above can fail."""
    step = swept(lambda x, w: x @ w, (5, 4), (4, 3))[0]
    rule = Rules().find(step, Linear(step))
    assert isinstance(rule, Pairs)
    wrong = Pairs(rule.name, rule.kept, rule.shared, [0, 1], rule.matrix)
    assert reproduces(rule, step)
    assert not reproduces(wrong, step)


def test_indices_that_are_regular_are_an_offset_and_strides() -> None:
    grid = np.arange(24).reshape(2, 3, 4)
    assert affine(grid) == (0, [12, 4, 1])
    assert affine(grid.transpose(2, 0, 1)[::-1]) == (3, [-1, 12, 4])
    assert affine(np.array([0, 2, 1])) is None
    assert affine(np.zeros((2, 1), int)) == (0, [0, 0])


def test_the_terms_of_a_network_add_up() -> None:
    loss = network(40, 20)
    assert loss.node is not None
    rules = Rules()
    for step in Recording([loss.node]).contributions:
        if not step.node.op.elementwise:
            rule = rules.find(step, Linear(step))
            assert rule is not None
            cell = np.unravel_index(int(np.argmax(abs(step.part))), step.part.shape)
            expected = Linear(step).terms(tuple(map(int, cell))).total
            found = by_rule(rule, step, tuple(map(int, cell)))
            assert math.isclose(found, expected, rel_tol=1e-4)
