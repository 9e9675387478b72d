"""observe(): what is kept of every node, under which name and from which line."""

from __future__ import annotations

import gc
import sys
import threading
import weakref

import numpy as np
import pytest

import nn
from tinygrad_edu import Tensor, draw_graph, grad, no_grad, observe, op, ops, where
from tinygrad_edu.observers import observers
from tinygrad_edu.viz.recording import Recording

EXACT = sys.version_info >= (3, 11)


def leaf(values, name=None):
    return Tensor(np.array(values, float), requires_grad=True, name=name)


def recorded(y):
    return Recording([y.node])


def node_of(recording, name):
    (found,) = [n for n in recording.order if n.edges and n.op.name == name]
    return found


class TestValuesAndGradients:
    def test_of_every_node(self):
        w, x = leaf([2.0, 3.0]), np.array([1.0, -1.0])
        with observe():
            h = x * w
            loss = (h * h).sum()
            loss.backward()
        seen = recorded(loss)
        np.testing.assert_array_equal(seen.values[h.node], [2.0, -3.0])
        np.testing.assert_array_equal(seen.values[w.node], [2.0, 3.0])
        np.testing.assert_array_equal(seen.gradients[h.node], [4.0, -6.0])
        np.testing.assert_array_equal(seen.gradients[w.node], w.grad)
        assert seen.gradients[loss.node] == 1

    def test_are_those_of_then_after_an_update(self):
        w = leaf([1.0, 2.0])
        with observe():
            loss = (w.reshape(2, 1) * w.reshape(1, 2)).sum()
            loss.backward()
        first = w.grad.copy()
        w.data[...] = 100.0
        w.grad[...] = 100.0
        seen = recorded(loss)
        np.testing.assert_array_equal(seen.values[w.node], [1.0, 2.0])
        np.testing.assert_array_equal(seen.gradients[w.node], first)
        for node, trace in seen.traces.items():
            assert np.max(trace.out) <= 9, node.op.name

    def test_a_second_pass_does_not_change_the_first(self):
        w = leaf(3.0)
        with observe():
            loss = w * w
            loss.backward(retain_graph=True)
            loss.backward(10.0)
        first, second = recorded(loss).passes
        assert Recording([loss.node], first).gradients[w.node] == 6
        assert Recording([loss.node], second).gradients[w.node] == 60
        assert recorded(loss).number == second

    def test_parts_stay_as_they_were_when_the_sweep_adds_to_them(self):
        x, a, b = leaf([1.0, 1.0]), np.array([2.0, 3.0]), np.array([10.0, 20.0])
        with observe():
            loss = (x * a).sum() + (x * b).sum()
            loss.backward()
        parts = [s.part for s in recorded(loss).contributions if s.source is x.node]
        assert sorted(part.tolist() for part in parts) == [[2.0, 3.0], [10.0, 20.0]]

    def test_retained_gradients_stay_as_they_were(self):
        x = leaf([1.0, 2.0])
        with observe():
            h = x * 2.0
            h.retain_grad()
            loss = (h * h).sum()
            loss.backward(retain_graph=True)
            loss.backward()
        first = Recording([loss.node], recorded(loss).passes[0])
        np.testing.assert_array_equal(first.gradients[h.node], [4.0, 8.0])
        np.testing.assert_array_equal(h.grad, [8.0, 16.0])

    def test_contributions_are_in_the_order_of_the_sweep_with_running_sums(self):
        x = leaf(3.0, "x")
        with observe():
            loss = x * x * x
            loss.backward()
        steps = [step for step in recorded(loss).contributions if step.source is x.node]
        assert [(step.turn, step.count) for step in steps] == [(1, 3), (2, 3), (3, 3)]
        assert [step.before for step in steps] == [None, 9.0, 18.0]
        assert steps[-1].total == x.grad == 27

    def test_of_ops_with_several_outputs(self):
        x = leaf([[2.0, 1.0], [1.0, 3.0]])
        with observe():
            values, vectors = np.linalg.eigh(x)
            loss = values[0] + (vectors * np.arange(4.0).reshape(2, 2)).sum()
            loss.backward()
        np.testing.assert_array_equal(recorded(loss).gradients[x.node], x.grad)

    def test_of_recorded_derivatives(self):
        x = leaf(2.0)
        with observe():
            slope = grad(x**3, x, create_graph=True)
            product = slope * x
            product.backward()
        seen = recorded(product)
        assert seen.gradients[x.node] == x.grad == 36
        made = {bool(trace.swept_by) for trace in seen.traces.values()}
        assert made == {True, False}

    def test_of_lists_of_operands(self):
        a, b = leaf([1.0]), leaf([2.0, 3.0])
        with observe():
            loss = (np.concatenate([a, b, [4.0]]) ** 2).sum()
            loss.backward()
        seen = recorded(loss)
        np.testing.assert_array_equal(seen.gradients[b.node], [4.0, 6.0])
        np.testing.assert_array_equal(seen.values[b.node], [2.0, 3.0])

    @pytest.mark.parametrize("dtype", [np.float16, np.float32])
    def test_the_gradients_are_the_same_as_unobserved(self, dtype):
        rng = np.random.default_rng(0)
        model = nn.Sequential(nn.Dense(4, 8), nn.GELU(), nn.Dense(8, 3))
        model.load_state_dict({k: v.astype(dtype) for k, v in model.state_dict().items()})
        x, t = rng.normal(size=(6, 4)).astype(dtype), np.array([0, 1, 2, 0, 1, 2])
        nn.cross_entropy(model(x), t).backward()
        plain = [p.grad.copy() for p in model.parameters()]
        model.zero_grad()
        with observe():
            nn.cross_entropy(model(x), t).backward()
        for p, g in zip(model.parameters(), plain, strict=True):
            np.testing.assert_array_equal(p.grad, g)


class TestNames:
    def test_are_the_variables_that_results_go_to(self):
        w, data = leaf([1.0, 2.0]), np.array([1.0, 2.0])
        box = {}
        with observe():
            a = data * w
            b = c = np.tanh(a)
            box["d"] = b + 1
            self.e = box["d"] * c
            loss = (self.e * 2).sum()
        seen = recorded(loss)
        names = {n.op.name: seen.names.get(n) for n in seen.order if n.edges}
        assert seen.names[a.node] == "a"
        assert names["tanh"] in ("b", "c")
        assert seen.names[box["d"].node] == "box['d']"
        assert seen.names[self.e.node] == "self.e"
        assert seen.names[loss.node] == "loss"
        assert seen.names[w.node] == "w"
        assert seen.operand(a.node, 0) == "data"
        assert sum(name is None for name in names.values()) == 0

    def test_belong_to_the_youngest_node_of_a_call(self):
        def inner(x):
            y = x * 2
            return (y + 1) * y

        x = leaf(1.0)
        with observe():
            for _ in range(2):
                x = inner(x)
        seen = recorded(x)
        assert [seen.names.get(n) for n in reversed(seen.order) if n.edges] == [
            "y", None, "x", "y", None, "x",
        ]  # fmt: skip

    def test_of_a_layer_used_twice(self):
        layer, x = nn.Sequential(nn.Dense(2, 2), nn.GELU()), leaf([[1.0, 2.0]])
        with observe():
            h = layer(layer(x))
        seen = recorded(h)
        named = [n for n in seen.order if n.edges and seen.names.get(n) == "h"]
        assert named == [h.node]

    def test_of_a_users_layer_between_others(self):
        class Squared(nn.Module):
            def forward(self, x):
                square = x * x
                return square + 1

        model, x = nn.Sequential(nn.Dense(2, 2), Squared(), nn.Dense(2, 2)), np.ones((1, 2))
        with observe():
            h = model(x)
        seen = recorded(h)
        named = [(seen.names.get(n), n.op.name) for n in reversed(seen.order) if n.edges]
        assert named == [(None, "dense"), ("square", "multiply"), (None, "add"), ("h", "dense")]

    def test_of_unpacked_outputs(self):
        x = leaf([[2.0, 1.0], [1.0, 3.0]])
        with observe():
            values, vectors = np.linalg.eigh(x)
        assert recorded(values).names[values.node] == "values"
        assert recorded(vectors).names[vectors.node] == "vectors"

    def test_given_by_the_user_come_first(self):
        x = leaf(2.0, "given")
        with observe():
            y = x * x
        y.name = "other"
        seen = recorded(y)
        assert (seen.names[x.node], seen.names[y.node]) == ("given", "other")

    def test_inside_of_layers_have_the_path(self):
        model = nn.Sequential(nn.Dense(2, 3), nn.Dense(3, 1))
        with observe():
            out = model(np.ones((1, 2)))
        labels = set(recorded(out).labels.values())
        assert {"0.weight", "0.bias", "1.weight", "1.bias", "0.dense", "out"} <= labels

    def test_labels_are_all_different(self):
        x = leaf(1.0)
        with observe():
            for _ in range(5):
                x = x * 2 + 1
        labels = recorded(x).labels.values()
        assert len(set(labels)) == len(labels)


class TestLines:
    def test_are_the_users_with_the_expression(self):
        x = leaf([1.0, 2.0])
        with observe():
            loss = (np.exp(x) * x).sum()
        seen = recorded(loss)
        line = seen.line(node_of(seen, "exp"))
        assert line.text.strip() == "loss = (np.exp(x) * x).sum()"
        assert line.file == __file__
        if EXACT:
            assert line.expression == "np.exp(x)"
            assert seen.line(node_of(seen, "multiply")).expression == "np.exp(x) * x"

    def test_columns_count_characters(self):
        x = leaf([1.0, 2.0])
        with observe():
            größe = "äöü" and np.exp(x); loss = größe.sum()  # fmt: skip  # noqa: E702
        if EXACT:
            seen = recorded(loss)
            assert seen.line(node_of(seen, "exp")).expression == "np.exp(x)"

    def test_of_a_generator_resumed_from_elsewhere(self):
        def doubled(x):
            while True:
                x = x * 2
                yield x

        steps = doubled(leaf(1.0))
        with observe():
            first = next(steps)
            second = next(steps)
        seen = recorded(second)
        callers = [seen.traces[t.node].sites[1].offset for t in (first, second)]
        assert callers[0] < callers[1]

    def test_of_code_without_source(self):
        names = {"x": leaf(1.0), "np": np}
        with observe():
            exec(compile("y = np.exp(x)\nloss = y * 2", "<nowhere>", "exec"), names)
        seen = recorded(names["loss"])
        assert str(seen.line(names["loss"].node)) == "<nowhere>:2"
        assert seen.names[names["y"].node] == "y"

    def test_hold_no_frame(self):
        class Large:
            pass

        def compute(x):
            large = Large()
            gone.append(weakref.ref(large))
            return x * 2

        gone: list[weakref.ref[Large]] = []
        with observe():
            y = compute(leaf(1.0))
        gc.collect()
        assert gone[0]() is None
        assert y.node is not None


class TestContext:
    def test_off_keeps_nothing(self):
        y = leaf(1.0) * 2
        assert not hasattr(y.node, "trace")
        with observe():
            pass
        z = leaf(1.0) * 2
        assert not hasattr(z.node, "trace")
        assert not observers

    def test_nested_is_the_same_observation(self):
        x = leaf(1.0)
        with observe() as outer:
            with observe() as inner:
                a = x * 2
            b = a * 3
        assert inner is outer
        assert a.node.trace
        assert b.node.trace
        assert not observers

    def test_survives_exceptions(self):
        with pytest.raises(KeyError), observe():
            raise KeyError
        assert not observers

    def test_one_can_be_entered_again(self):
        context = observe()
        for _ in range(2):
            with context:
                y = leaf(1.0) * 2
            assert y.node.trace

    def test_holds_for_its_thread_alone(self):
        found = []

        def work():
            y = leaf(1.0) * 2
            y.backward()
            found.append(hasattr(y.node, "trace"))

        with observe():
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            y = leaf(1.0) * 2
        assert found == [False]
        assert hasattr(y.node, "trace")

    def test_inside_no_grad_nothing_is_recorded(self):
        with observe(), no_grad():
            y = leaf(1.0) * 2
        assert y.node is None

    def test_memory_goes_with_the_graph(self):
        gc.disable()
        try:
            x = leaf(np.ones(1000))
            with observe() as seen:
                h = np.tanh(x)
                gone = weakref.ref(h.data)
                loss = (h * h).sum()
                loss.backward()
                del h
                assert gone() is not None
                del loss
                other = (x * 2).sum()
                other.backward()
                assert gone() is None
            assert seen.roots == [other.node]
        finally:
            gc.enable()

    @pytest.mark.parametrize("f", [np.tanh, ops.relu, np.sqrt, lambda x: x.reshape(2, 500) * 2])
    def test_memory_of_a_graph_that_was_never_swept_goes_too(self, f):
        gc.disable()
        try:
            x = leaf(np.ones(1000))
            with observe() as seen:
                y = f(x)
                gone = weakref.ref(y.data)
                z = y * 2
                del y
                assert gone() is not None
                del z
                assert gone() is None
                assert not seen.provenance._results
        finally:
            gc.enable()

    def test_a_users_own_op_is_seen(self):
        @op(None, lambda g, x: g * 3 * x * x, elementwise=True, method=False)
        def cube(x):
            """Third power.
            y = x³,  ∂L/∂x = 3 g x²"""
            return x * x * x

        x = leaf(2.0)
        with observe():
            y = cube(x)
            y.backward()
        assert recorded(y).gradients[x.node] == 12

    def test_a_failed_op_is_noted(self):
        x = leaf(np.ones((2, 3)), "x")
        with observe() as seen:
            h = x * 2
            with pytest.raises(ValueError, match="matmul"):
                h @ np.ones((2, 3))
        node = seen.failure.node
        assert node.op.name == "matmul"
        assert node.edges[0].source is h.node
        assert "h @ np.ones((2, 3))" in node.trace.line.text

    def test_a_failed_op_on_a_list_is_noted(self):
        with observe() as seen, pytest.raises(ValueError, match="concatenate"):
            np.concatenate([leaf([1.0]), leaf([[1.0]])])
        assert seen.failure.node.op.name == "concatenate"

    def test_a_failed_op_in_a_layer_has_its_path(self):
        model = nn.Sequential(nn.Dense(2, 3, bias=False))
        with observe() as seen, pytest.raises(ValueError, match="dense"):
            model(np.ones((1, 5)))
        assert seen.failure.node.scope == "0"
        assert "expected input of 2 features" in str(seen.failure.error)
        draw_graph(seen)


class TestBytecode:
    """Names are read from instructions, which differ between versions of Python."""

    @pytest.mark.parametrize(
        ("after", "name"),
        [
            ([("STORE_FAST", "x")], "x"),
            ([("STORE_NAME", "x")], "x"),
            ([("STORE_FAST_STORE_FAST", ("x", "y"))], "x"),
            ([("STORE_FAST_LOAD_FAST", ("x", "x"))], "x"),
            ([("LOAD_FAST", "self"), ("STORE_ATTR", "h")], "self.h"),
            ([("LOAD_FAST_BORROW", "self"), ("STORE_ATTR", "h")], "self.h"),
            ([("LOAD_FAST", "d"), ("LOAD_CONST", "k"), ("STORE_SUBSCR", None)], "d['k']"),
            ([("LOAD_FAST_LOAD_FAST", ("d", "k")), ("STORE_SUBSCR", None)], "d[k]"),
            ([("LOAD_FAST_BORROW_LOAD_FAST_BORROW", ("d", "k")), ("STORE_SUBSCR", None)], "d[k]"),
            ([("LOAD_NAME", "d"), ("LOAD_SMALL_INT", 3), ("STORE_SUBSCR", None)], "d[3]"),
            ([("RETURN_VALUE", None)], where.RETURNED),
            ([("BINARY_OP", 5)], None),
            ([], None),
        ],
    )
    def test_the_next_instruction_names_a_value(self, after, name):
        assert where._stored(after) == name

    def test_of_unpacking(self):
        assert where._stored_at([("STORE_FAST", "a"), ("STORE_FAST", "b")], 1) == "b"
        assert where._stored_at([("STORE_FAST_STORE_FAST", ("a", "b"))], 1) == "b"
        assert where._stored_at([("STORE_FAST", "a"), ("LOAD_FAST", "b")], 1) is None


def test_layers_keep_their_own_names():
    model = nn.TransformerBlock(8, 2)
    with observe():
        out = model(np.ones((1, 3, 8)))
    seen = recorded(out)
    assert seen.inner
    assert ops.attention.op.name in {n.op.name for n in seen.order if n.edges}
