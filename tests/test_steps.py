"""The views of a step reproduce the engine's contribution, for every op."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nn
from tinygrad_edu import Tensor, grad, observe, ops
from tinygrad_edu.viz.recording import Recording, is_outputs
from tinygrad_edu.viz.steps import (
    Linear,
    Product,
    RecordedVJP,
    Routing,
    SumStrip,
    Terms,
    product,
    recorded_vjp,
    views,
)

from .samples import ALL, calls


def near(a, b):
    return np.allclose(a, b, 1e-7, 1e-7, equal_nan=True)


def leaf(values, name=None):
    return Tensor(np.array(values, float), requires_grad=True, name=name)


def steps_of(y):
    return Recording([y.node]).contributions


def reproduces(view, step):
    """Whether what a view says gives the contribution."""
    if isinstance(view, Product):
        return near(view.upstream * view.local, step.raw)
    if isinstance(view, Routing):
        pairs = [(sum(view.upstream[i] for i in j), view.result[c]) for c, j in view.cells]
        return all(near(a, b) for a, b in pairs)
    if isinstance(view, Terms):
        return near(view.total, step.part[view.cell])
    if isinstance(view, RecordedVJP):
        return near(view.result, step.raw) and near(view.lines[-1].value, step.raw)
    shape, before = step.part.shape, view.before
    return near(before.sum(view.axes).reshape(shape), view.after) and near(view.after, step.part)


def observed(name, arrays, statics):
    """What was recorded of an op that was called and swept, if it can be."""
    op = ALL[name].op
    inputs = [
        Tensor(a, requires_grad=True)
        if isinstance(a, np.ndarray) and a.dtype.kind == "f" and (op.sequence or op.vjps[i])
        else a
        for i, a in enumerate(arrays)
    ]
    with observe():
        try:
            y = ALL[name](*([inputs] if op.sequence else inputs), **statics)
        except (ValueError, TypeError, IndexError):
            return None
        outputs = [o for o in (y if isinstance(y, tuple) else (y,)) if o.node is not None]
        if not outputs:
            return None
        rng = np.random.default_rng(0)
        weights = [rng.normal(size=o.shape).astype(o.dtype) for o in outputs]
        leaves = [x for x in inputs if isinstance(x, Tensor)]
        gradients = grad(outputs, leaves, weights, allow_unused=True)
    return Recording([o.node for o in outputs]), leaves, gradients


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_views_reproduce_the_contribution(name, data):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = observed(name, *data.draw(calls(ALL[name].op)))
        if found is None:
            return
        recording, leaves, gradients = found
        for x, g in zip(leaves, gradients, strict=True):
            if g is not None:
                np.testing.assert_array_equal(recording.gradients[x.node], g.data)
        for step in recording.contributions:
            if is_outputs(step.part) or np.size(step.part):
                found = views(step)
                assert found or is_outputs(step.part)
                for view in found:
                    assert is_outputs(step.part) or reproduces(view, step), view


def test_a_wrong_local_factor_is_found():
    """The test above can fail."""
    x = leaf([1.0, 2.0])
    with observe():
        y = (x * x).sum()
        y.backward()
    step = steps_of(y)[1]
    right = product(step)
    assert right is not None
    assert reproduces(right, step)
    assert not reproduces(Product(right.upstream, -right.local, right.result), step)


def test_an_elementwise_op_is_a_product():
    x = leaf([1.0, 2.0], "x")
    with observe():
        y = np.exp(x)
        y.backward([1.0, 10.0])
    (view,) = views(steps_of(y)[0])
    np.testing.assert_array_equal(view.local, np.exp([1.0, 2.0]))
    np.testing.assert_array_equal(view.upstream, [1.0, 10.0])


def test_broadcasting_is_a_sum_strip():
    b = leaf([1.0, 2.0, 3.0])
    with observe():
        y = (b + np.ones((4, 2, 3))).sum()
        y.backward()
    *_, strip = views(steps_of(y)[1])
    assert isinstance(strip, SumStrip)
    assert strip.axes == (0, 1)
    np.testing.assert_array_equal(strip.after, [8.0, 8.0, 8.0])


def test_stretched_axes_are_in_the_strip():
    b = leaf([[1.0], [2.0]])
    with observe():
        y = (b * np.ones((5, 2, 3))).sum()
        y.backward()
    *_, strip = views(steps_of(y)[1])
    assert strip.axes == (0, 2)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.reshape(3, 2),
        lambda x: x[:, [0, 0, 2]],
        lambda x: x.sum(axis=0),
        lambda x: ops.max_pool1d(x.reshape(1, 2, 3), 2),
        lambda x: x.T,
    ],
)
def test_copying_and_adding_is_routing(f):
    x = leaf([[1.0, 5.0, 2.0], [7.0, 3.0, 4.0]])
    with observe():
        y = f(x)
        y.backward(np.arange(float(y.size)).reshape(y.shape) + 1)
    step = next(s for s in steps_of(y) if s.node is y.node)
    view = views(step)[0]
    assert isinstance(view, Routing)
    assert len(view.cells) == 6


def test_repeated_indices_are_added_up():
    x = leaf([1.0, 2.0])
    with observe():
        y = x[[1, 1, 0]]
        y.backward([1.0, 10.0, 100.0])
    view = views(steps_of(y)[0])[0]
    assert view.cells == [((0,), [(2,)]), ((1,), [(0,), (1,)])]


def test_terms_name_the_kept_value_that_they_multiply_by():
    w, x = leaf([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.5, 0.25], [2.0, 0.125]])
    with observe():
        y = x @ w
        y.backward([[1.0, 10.0], [100.0, 1000.0]])
    terms = Linear(steps_of(y)[0]).terms((0, 1))
    assert [(t.upstream, t.local, t.product, t.origin) for t in terms.terms] == [
        (1000.0, 2.0, 2000.0, "x[1,0]"),
        (10.0, 0.5, 5.0, "x[0,0]"),
    ]
    assert (terms.total, terms.more, terms.canceled) == (2005.0, 0, False)


def test_terms_beyond_the_largest_are_counted():
    w, x = leaf(np.ones((1, 1))), np.arange(1.0, 11.0).reshape(10, 1)
    with observe():
        y = (x @ w).sum()
        y.backward()
    terms = Linear(steps_of(y)[1]).terms((0, 0))
    assert [t.local for t in terms.terms] == [10.0, 9.0, 8.0, 7.0, 6.0, 5.0]
    assert (terms.more, terms.total) == (4, 55.0)


def test_terms_that_cancel_say_so():
    x = leaf([0.1, 0.2, 0.4])
    with observe():
        y = ops.softmax(x).sum()
        y.backward()
    step = steps_of(y)[1]
    assert Linear(step).terms((1,)).canceled


def test_cross_entropy_is_recorded_as_its_own_ops():
    x = leaf(np.arange(6.0).reshape(2, 3))
    with observe():
        loss = ops.cross_entropy(x, np.array([0, 2]))
        loss.backward()
    view = recorded_vjp(steps_of(loss)[0])
    assert 2 <= len(view.lines) <= 14
    assert view.lines[-1].depends_on_upstream
    assert not all(line.depends_on_upstream for line in view.lines)
    np.testing.assert_allclose(view.result, x.grad)


def test_views_are_not_observed_themselves():
    x = leaf([1.0, 2.0])
    with observe() as seen:
        y = (x @ x).sum()
        y.backward()
        number = seen.number
        for step in steps_of(y):
            views(step)
        assert seen.number == number


def test_guarded_entries_are_0_in_the_contribution():
    x = leaf([0.0, 4.0])
    with observe():
        y = np.where(x.data > 0, np.sqrt(x), 0.0).sum()
        y.backward()
    step = next(s for s in steps_of(y) if s.source is x.node)
    assert np.isnan(step.raw[0])
    np.testing.assert_array_equal(step.part, [0.0, 0.25])


def test_of_a_convolutional_network():
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dense(18, 3)
    )
    with observe():
        loss = nn.cross_entropy(model(rng.normal(size=(2, 1, 8, 8))), np.array([0, 2]))
        loss.backward()
    for step in steps_of(loss):
        for view in views(step):
            if isinstance(view, Terms):
                assert np.isclose(view.total, step.part[view.cell], rtol=1e-4), step.node.op.name
