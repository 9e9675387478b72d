"""What observers are told: operations, failures, and the steps of a backward pass."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_edu import Tensor, grad
from tinygrad_edu.observers import Observer, observers, tell, unobserved


def leaf(values, name=None):
    return Tensor(np.array(values, float), requires_grad=True, name=name)


class Log(Observer):
    def __init__(self):
        self.events = []

    def operation(self, op, operands, values, out, result):
        self.events.append(("operation", op.name))

    def failed(self, op, operands, values, error):
        self.events.append(("failed", op.name, [np.shape(v) for v in values]))

    def sweep_begins(self, order, seeds):
        self.events.append(("sweep", [n.op.name for n in order if n.edges], list(seeds.values())))

    def contribution(self, node, edge, g, raw, part):
        self.events.append((node.op.name, node.edges.index(edge), g, raw, part))


def test_the_steps_of_a_pass_in_their_order():
    x, b = leaf([[1.0, 2.0], [3.0, 4.0]]), leaf([1.0, 1.0])
    with Log() as log:
        y = (x * b).sum()
        y.backward()
    assert log.events[:2] == [("operation", "multiply"), ("operation", "sum")]
    assert log.events[2] == ("sweep", ["sum", "multiply"], [1.0])
    names = [(name, position) for name, position, *_ in log.events[3:]]
    assert names == [("sum", 0), ("multiply", 0), ("multiply", 1)]
    _, _, g, raw, part = log.events[-1]
    np.testing.assert_array_equal(g, np.ones((2, 2)))
    np.testing.assert_array_equal(raw, x.data)
    np.testing.assert_array_equal(part, [4.0, 6.0])


def test_what_the_guard_sets_to_0():
    x = leaf([0.0, 4.0])
    with Log() as log:
        np.where(x.data > 0, np.sqrt(x), 0.0).sum().backward()
    name, _, g, raw, part = log.events[-1]
    assert name == "sqrt"
    np.testing.assert_array_equal(g, [0.0, 1.0])
    assert np.isnan(raw[0])
    np.testing.assert_array_equal(part, [0.0, 0.25])


def test_contributions_that_the_sweep_would_add_in_place():
    x = leaf(np.arange(5.0))
    with Log() as log:
        (x[:2].sum() + x[1:].sum() + x[1:3].sum()).backward()
    parts = [event[-1].copy() for event in log.events if event[0] == "getitem"]
    assert len(parts) == 3
    np.testing.assert_array_equal(x.grad, [1.0, 3.0, 2.0, 1.0, 1.0])


def test_only_the_path_that_was_asked_for():
    x, w = leaf(2.0), leaf(3.0)
    with Log() as log:
        grad(x * w, x)
    assert [event[:2] for event in log.events if event[0] == "multiply"] == [("multiply", 0)]


def test_a_failed_op():
    with Log() as log, pytest.raises(ValueError, match="add"):
        leaf([1.0, 2.0]) + np.ones(3)
    assert log.events == [("failed", "add", [(2,), (3,)])]


def test_whether_anybody_was_told():
    assert not tell("failed", None, None, None, None)
    with Log() as log:
        assert tell("sweep_begins", [], {})
        assert log.events == [("sweep", [], [])]
        with unobserved():
            assert not tell("operation", None, None, None, None, None)
        assert observers
    assert not observers


def test_unobserved_without_observers():
    with unobserved():
        leaf(1.0) * 2
    assert not observers
