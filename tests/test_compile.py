"""`compile`: the results of the function, recorded as one op, whatever happens around it."""

from __future__ import annotations

import copy
import gc
import threading
import tracemalloc
import weakref
from typing import Any

import numpy as np
import pytest

import nn
from tinygrad_edu import Tensor, TraceError, compile, enable_grad, grad, hvp, no_grad, op, ops
from tinygrad_edu.program.templates import templates

rng = np.random.default_rng(0)


def weights(*shape: int, name: str | None = "w") -> Tensor:
    return Tensor(rng.normal(size=shape), requires_grad=True, name=name)


def outcome(f: Any, parameters: Any, *args: Any) -> Any:
    """A scalar's value and its parameters' gradients."""
    for p in parameters:
        p.grad = None
    y = f(*args)
    y.backward()
    return y.data, [p.grad for p in parameters]


def assert_same(a: Any, b: Any) -> None:
    np.testing.assert_array_equal(a[0], b[0])
    for x, y in zip(a[1], b[1], strict=True):
        np.testing.assert_array_equal(x, y)


class Recurrent(nn.Module):
    def __init__(self, layer: Any) -> None:
        self.layer, self.head = layer, nn.Dense(8, 2)

    def forward(self, x: Any) -> Any:
        return self.head(self.layer(x)[0][:, -1])


def images() -> Any:
    return rng.normal(size=(4, 1, 12, 12)).astype("f4"), rng.integers(0, 10, 4)


def signals() -> Any:
    return rng.normal(size=(3, 6, 5)).astype("f4"), rng.integers(0, 2, 3)


def rows() -> Any:
    return rng.normal(size=(8, 5)).astype("f4"), rng.integers(0, 2, 8)


def tokens() -> Any:
    return rng.integers(0, 9, (3, 6)), rng.integers(0, 9, (3, 6))


NETWORKS: dict[str, Any] = {
    "dense": (lambda: nn.Sequential(nn.Dense(5, 16), nn.Tanh(), nn.Dense(16, 2)), rows),
    "dropout": (
        lambda: nn.Sequential(nn.Dense(5, 16), nn.Dropout(0.4), nn.ReLU(), nn.Dense(16, 2)),
        rows,
    ),
    "batch norm": (
        lambda: nn.Sequential(nn.Dense(5, 16), nn.BatchNorm1d(16), nn.GELU(), nn.Dense(16, 2)),
        rows,
    ),
    "mean batch norm": (
        lambda: nn.Sequential(nn.Dense(5, 9), nn.BatchNorm1d(9, momentum=None), nn.Dense(9, 2)),
        rows,
    ),
    "convolution": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 3, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(3, 4, 3),
            nn.SiLU(),
            nn.AvgPool2d(2),
            nn.Flatten(),
            nn.Dense(16, 10),
        ),
        images,
    ),
    "lstm": (lambda: Recurrent(nn.LSTM(5, 8)), signals),
    "gru": (lambda: Recurrent(nn.GRU(5, 8)), signals),
    "transformer": (
        lambda: nn.Sequential(
            nn.Embedding(9, 16),
            nn.TransformerBlock(16, 4, activation="gelu"),
            nn.Dense(16, 9),
        ),
        tokens,
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_training_a_network_gives_the_same_bits(name: str) -> None:
    """Twelve steps, with training and evaluation by turns, and buffers and random numbers."""
    make, batch = NETWORKS[name]
    nn.manual_seed(0)
    eager = make()
    batches = [batch() for _ in range(12)]
    compiled = copy.deepcopy(eager)
    results = []
    for model, wrap in ((eager, lambda f: f), (compiled, compile)):
        nn.manual_seed(1)
        step = wrap(lambda x, t, model=model: nn.cross_entropy(model(x), t))
        optimizer = nn.SGD(model.parameters(), lr=0.05, momentum=0.9)
        losses = []
        for i, (x, t) in enumerate(batches):
            model.train() if i % 4 else model.eval()
            loss = step(x, t)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        results.append((losses, model.state_dict()))
    (losses, states), (others, other_states) = results
    assert losses == others
    for key, value in states.items():
        np.testing.assert_array_equal(value, other_states[key], err_msg=key)


class TestAsOneOp:
    def test_inside_a_larger_graph(self) -> None:
        w, v = weights(3), weights(3)
        f = compile(lambda x: (x * w).sum())

        def whole(f: Any) -> Any:
            return f(np.exp(v)) ** 2 + f(v * 2) * v.sum()

        assert_same(outcome(whole, [w, v], f), outcome(whole, [w, v], lambda x: (x * w).sum()))

    def test_called_twice_before_backward(self) -> None:
        """The buffers of the first call must live until its backward pass."""
        a, b = weights(3), weights(3)
        f = compile(lambda: (a + b).sum())
        (f() + f()).backward()
        np.testing.assert_array_equal(a.grad, [2.0, 2.0, 2.0])
        np.testing.assert_array_equal(b.grad, [2.0, 2.0, 2.0])
        assert a.grad is not b.grad

    def test_results_and_gradients_that_are_kept_are_never_overwritten(self) -> None:
        w = weights(40, 40)
        f = compile(lambda x: np.tanh(x @ w))
        first = f(np.ones((3, 40)))
        first.sum().backward()
        value, gradient = first.data.copy(), w.grad
        assert gradient is not None
        kept = gradient.copy()
        w.grad = None
        for _ in range(3):
            f(rng.normal(size=(3, 40))).sum().backward()
        np.testing.assert_array_equal(first.data, value)
        np.testing.assert_array_equal(gradient, kept)

    def test_retained_graphs_can_be_swept_again(self) -> None:
        w = weights(20)
        y = compile(lambda: (np.exp(w) * w).sum())()
        y.backward(retain_graph=True)
        first = w.grad
        assert first is not None
        once = first.copy()
        y.backward()
        np.testing.assert_array_equal(w.grad, 2 * once)
        with pytest.raises(RuntimeError, match="already swept"):
            y.backward()

    def test_a_dropped_result_frees_its_memory(self) -> None:
        w = weights(10)
        f = compile(lambda: (w * w).sum())
        y = f()
        watched = weakref.ref(y)
        gc.disable()
        try:
            del y
            assert watched() is None
        finally:
            gc.enable()

    def test_without_recording(self) -> None:
        w = weights(3)
        f = compile(lambda x: (x * w).sum())
        with no_grad():
            y = f(np.ones(3))
        assert not y.requires_grad
        with no_grad(), enable_grad():
            assert f(np.ones(3)).requires_grad

    def test_several_outputs_in_containers(self) -> None:
        w = weights(3)

        def f(x: Any) -> Any:
            h = x * w
            return {"loss": h.sum(), "parts": [h, h], "same": x, "mask": h > 0, "n": 3, "w": w}

        x = Tensor(np.ones(3), requires_grad=True)
        found, expected = compile(f)(x), f(x)
        assert found["n"] == 3
        assert found["same"] is x
        assert found["w"] is w
        assert type(found["mask"]) is type(expected["mask"]) is np.ndarray
        results = []
        for out in (found, expected):
            w.grad = x.grad = None
            ((out["parts"][0] * out["parts"][1]).sum() + out["loss"] * 2).backward()
            results.append((out["loss"].data, [w.grad, x.grad]))
        assert_same(*results)

    def test_only_some_outputs_are_used(self) -> None:
        w, v = weights(3), weights(3)
        a, _ = compile(lambda: ((w * 2).sum(), (v * 3).sum()))()
        a.backward()
        np.testing.assert_array_equal(w.grad, [2.0, 2.0, 2.0])

    def test_arguments_that_require_grad(self) -> None:
        x, w = weights(3), weights(3)
        f = compile(lambda x, k: (x**k * w).sum())
        for k in (2, 3):
            assert_same(
                outcome(f, [x, w], x, k), outcome(lambda x, k: (x**k * w).sum(), [x, w], x, k)
            )
        assert len(f.programs) == 2

    def test_it_is_drawn_as_one_operation(self) -> None:
        w = weights(3)

        @compile
        def energy() -> Any:
            return (w * w).sum()

        assert energy().node.op.name == "energy"
        assert energy.__name__ == "energy"

    def test_a_method(self) -> None:
        class Model:
            def __init__(self, scale: float) -> None:
                self.w = weights(3)
                self.scale = scale

            @compile
            def loss(self, x: Any) -> Any:
                return (x * self.w * self.scale).sum()

        a, b = Model(1.0), Model(2.0)
        for m in (a, b, a):
            assert m.loss(np.ones(3)).item() == (m.w.data * m.scale).sum()

    def test_equal_gradients_are_arrays_of_their_own(self) -> None:
        a, b = weights(5), weights(5)
        f = compile(lambda x: (a * x * 3).sum() + (b * x * 3).sum())
        f(np.full(5, 2.0)).backward()
        assert a.grad is not None
        assert b.grad is not None
        assert not np.shares_memory(a.grad, b.grad)
        f(np.full(5, 2.0)).backward()
        np.testing.assert_array_equal(a.grad, np.full(5, 12.0))
        np.testing.assert_array_equal(b.grad, np.full(5, 12.0))

    def test_parameters_are_swept_one_after_the_other(self) -> None:
        """Each sweep computes anew, also with the same upstream array changed in place."""
        a, b = weights(3), weights(3)
        y = compile(lambda: a * b)()
        g = np.ones(3)
        (first,) = grad(y, [a], g, retain_graph=True)
        g *= 2
        (second,) = grad(y, [b], g, retain_graph=True)
        np.testing.assert_array_equal(first.data, b.data)
        np.testing.assert_array_equal(second.data, 2 * a.data)
        grad(y, [a], g)
        with pytest.raises(RuntimeError, match="already swept"):
            grad(y, [b], g)

    def test_a_comparison_of_numbers_stays_a_boolean(self) -> None:
        w = Tensor(2.0, requires_grad=True)
        f = lambda: (w * 3, w > 1)
        (_, found), (_, expected) = compile(f)(), f()
        assert found == expected
        assert found.dtype == expected.dtype == np.bool


class TestMemory:
    def test_neither_the_graph_of_the_trace_nor_large_arrays_are_kept(self) -> None:
        w = weights(200, 200)
        f = compile(lambda x: np.tanh(np.exp(-np.tanh(x @ w)) @ w).sum())
        x = rng.normal(size=(200, 200))
        f(x).backward()  # which fills the caches
        f = compile(f.__wrapped__)  # type: ignore[attr-defined]
        tracemalloc.start()
        try:
            f(x).backward()
            w.grad = None
            gc.collect()
            assert tracemalloc.get_traced_memory()[0] < x.nbytes / 2
        finally:
            tracemalloc.stop()

    def test_a_step_needs_no_more_than_without(self) -> None:
        w = weights(200, 200)

        def loss(x: Any) -> Any:
            h = x
            for _ in range(6):
                h = np.tanh(h @ w) * 0.5 + h
            return (h * h).sum()

        def peak(f: Any) -> int:
            for _ in range(2):
                w.grad = None
                f(x).backward()
            tracemalloc.start()
            try:
                w.grad = None
                f(x).backward()
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

        x = rng.normal(size=(200, 200))
        assert peak(compile(loss)) <= peak(loss)

    def test_steps_leave_nothing_behind(self) -> None:
        w = weights(10)
        f = compile(lambda x: (np.tanh(x * w) * w).sum())
        x = np.ones(10)
        tracemalloc.start()
        try:
            sizes = []
            for _ in range(2):
                for _ in range(300):
                    f(x).backward()
                gc.collect()
                sizes.append(tracemalloc.get_traced_memory()[0])
            assert sizes[1] - sizes[0] < 2000
        finally:
            tracemalloc.stop()


def test_the_lines_of_an_op_are_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    w = weights(7)

    def f(x: Any) -> Any:
        h = x
        for _ in range(30):
            h = np.tanh(h * w) + x
        return h.sum()

    made: list[Any] = []
    make = templates._made
    monkeypatch.setattr(templates, "_made", lambda *args: made.append(args) or make(*args))
    compile(f)(np.ones(7))
    assert len(made) < 20
    made.clear()
    compile(f)(np.ones(7))
    assert not made


class TestOneProgramForEach:
    w = weights(3)

    def test_shape_and_dtype(self) -> None:
        f = compile(lambda x: (x[..., None] * self.w).sum())
        for x in (np.ones(3), np.ones(4), np.ones(3, "f4"), np.ones(3)):
            assert f(x).dtype == np.float64
        assert len(f.programs) == 3

    def test_static_arguments(self) -> None:
        f = compile(lambda n, kind="a": (self.w * n).sum() if kind == "a" else self.w.sum())
        assert f(2).item() == 2 * f(1).item()
        f(2, kind="b")
        assert len(f.programs) == 3

    def test_zeros_of_either_sign(self) -> None:
        w = Tensor([1.0], requires_grad=True)
        f = compile(lambda zero: w * zero)
        assert [np.signbit(f(zero).data[0]) for zero in (0.0, -0.0)] == [False, True]

    def test_modes(self) -> None:
        model = nn.Sequential(nn.Dense(3, 4), nn.Dropout(0.5))
        f = compile(lambda x: model(x).sum())
        x = np.ones((2, 3), "f4")
        f(x), f(x)
        model.eval()
        assert f(x).item() == model(x).sum().item()
        for _ in range(5):
            model.train()
            f(x)
            model.eval()
            f(x)
        assert len(f.programs) <= 3

    def test_the_cache_is_bounded(self) -> None:
        f = compile(lambda x: (x.sum() * self.w).sum())
        for n in range(1, 40):
            f(np.ones(n))
        assert len(f.programs) == 16

    def test_frozen_and_unfrozen_parameters(self) -> None:
        a, b = weights(3), weights(3)
        f = compile(lambda: (a * b).sum())
        f()
        b.requires_grad = False
        f().backward()
        assert b.grad is None
        b.requires_grad = True
        f().backward()
        np.testing.assert_array_equal(b.grad, a.data)

    def test_a_variable_around_it(self) -> None:
        w = weights(3)
        factor = 1.0

        def f() -> Any:
            return (w * factor).sum()

        g = compile(f)
        assert g().item() == f().item()
        factor = 3.0
        assert g().item() == f().item()
        w = weights(3)
        assert g().item() == f().item()

    def test_a_replaced_layer(self) -> None:
        model = nn.Sequential(nn.Dense(3, 2))
        f = compile(lambda x: model(x).sum())
        x = np.ones((1, 3), "f4")
        f(x)
        model[0] = nn.Dense(3, 2)
        assert f(x).item() == model(x).sum().item()

    def test_assigned_data_is_seen(self) -> None:
        w = weights(3)
        f = compile(lambda: (w * w).sum())
        f()
        w.data = np.arange(3.0)
        assert f().item() == 5.0
        w.data[...] = 1.0
        assert f().item() == 3.0

    def test_a_change_between_forward_and_backward_is_refused(self) -> None:
        w = weights(3)
        y = compile(lambda: (w * w).sum())()
        w.data *= 2
        with pytest.raises(RuntimeError, match="changed in place"):
            y.backward()


class TestCarefully:
    """Where values are not finite a program gives way to the engine's own steps."""

    def test_what_a_selection_left_out(self) -> None:
        w = Tensor([4.0, 0.0, -1.0], requires_grad=True)
        f = lambda: np.where(w > 0, np.sqrt(np.abs(w)) * w, 0).sum()
        assert_same(outcome(compile(f), [w]), outcome(f, [w]))

    def test_infinite_values(self) -> None:
        x = Tensor([-np.inf, 0.0, np.inf], requires_grad=True)
        f = lambda: np.exp(-ops.silu(x)).sum()
        with np.errstate(all="ignore"):
            assert_same(outcome(compile(f), [x]), outcome(f, [x]))

    def test_with_a_frozen_parameter_that_was_replaced(self) -> None:
        w, scale = weights(3), nn.Parameter(np.ones(3))
        scale.requires_grad = False
        f = lambda x: (np.log(x) * w * scale).sum()
        compiled = compile(f)
        compiled(np.ones(3))
        scale.data = np.full(3, 2.0)
        with np.errstate(all="ignore"):
            assert compiled(np.array([0.0, 1.0, 1.0])).item() == f(np.array([0.0, 1.0, 1.0])).item()

    def test_numbers_that_python_refuses(self) -> None:
        x = Tensor(2.0, requires_grad=True)
        f = compile(lambda: np.exp(x) / x)
        f()
        x.data = np.array(0.0)
        with np.errstate(all="ignore"):
            assert f().item() == np.inf

    def test_a_batch_that_the_traced_way_cannot_take(self) -> None:
        """Ignored labels take another way through cross_entropy than those of the trace."""
        model = nn.Dense(3, 2)
        f = compile(lambda x, t: nn.cross_entropy(model(x), t, ignore_index=-100))
        x = rng.normal(size=(4, 3)).astype("f4")
        f(x, np.array([0, 1, 1, 0]))
        t = np.array([0, -100, 1, 0])
        expected = nn.cross_entropy(model(x), t, ignore_index=-100)
        np.testing.assert_allclose(f(x, t).item(), expected.item(), rtol=1e-6)


class TestSecondOrder:
    def test_it_is_that_of_the_function(self) -> None:
        w = weights(3)

        def f(x: Any) -> Any:
            return (np.sin(x * w) * w).sum()

        x, v = np.ones(3), np.array([1.0, -1.0, 2.0])
        np.testing.assert_allclose(hvp(compile(f), x, v).data, hvp(f, x, v).data)

    def test_of_parameters(self) -> None:
        w = weights(3)
        found = []
        for f in (compile(lambda: (w**4).sum()), lambda: (w**4).sum()):
            (g,) = grad(f(), [w], create_graph=True)
            found.append(grad((g * g).sum(), [w])[0].data)
        np.testing.assert_allclose(*found)

    def test_with_effects_it_says_so(self) -> None:
        w = weights(8)
        y = compile(lambda: nn.functional.dropout(w, 0.5).sum())()
        with pytest.raises(RuntimeError, match=r"compiled and draws at random"):
            grad(y, [w], create_graph=True)

    def test_a_gradient_inside_is_compiled(self) -> None:
        model = nn.Sequential(nn.Dense(4, 3), nn.Tanh(), nn.Dense(3, 2))
        ps = list(model.parameters())

        def product(x: Any, t: Any, vs: Any) -> Any:
            gs = grad(nn.cross_entropy(model(x), t), ps, create_graph=True)
            return grad(sum((g * v).sum() for g, v in zip(gs, vs, strict=True)), ps)

        f = compile(product)
        for t in ([0, 1, 1], [1, 0, 1]):
            args = (
                rng.normal(size=(3, 4)).astype("f4"), np.array(t),
                [rng.normal(size=p.shape).astype("f4") for p in ps],
            )  # fmt: skip
            for a, b in zip(f(*args), product(*args), strict=True):
                np.testing.assert_array_equal(a.data, b.data)
                assert not a.requires_grad


def test_a_users_own_op_is_called_as_it_is() -> None:
    power = 3

    @op(None, lambda g, x: g * power * x ** (power - 1), method=False)
    def cube(x: Any) -> Any:
        """Third power.
        y = x³,  ∂L/∂x = 3 g x²"""
        return x**power

    w = weights(3)
    assert_same(outcome(compile(lambda: cube(w).sum()), [w]), outcome(lambda: cube(w).sum(), [w]))


def test_what_a_program_cannot_repeat_is_an_error() -> None:
    w = weights(3)
    f = compile(lambda x: (x * w).sum() if float(x.sum()) > 0 else w.sum())
    with pytest.raises(TraceError, match=r"float\(\)"):
        f(np.ones(3))


def test_threads() -> None:
    w = weights(30, 30)
    f = compile(lambda x: np.tanh(x @ w).sum())
    inputs = [rng.normal(size=(4, 30)) for _ in range(8)]
    expected = [grad(f(x), [w])[0].data for x in inputs]
    found: list[Any] = [None] * len(inputs)

    def work(i: int) -> None:
        for _ in range(20):
            found[i] = grad(f(inputs[i]), [w])[0].data.copy()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(inputs))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_trainer_that_compiles_has_the_same_history() -> None:
    train, validation = nn.datasets.digits()[:300], nn.datasets.digits()[300:400]
    histories = []
    for compiled in (False, True):
        nn.manual_seed(0)
        model = nn.Sequential(
            nn.Dense(64, 32, l2=1e-3), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.2),
            nn.Dense(32, 10),
        )  # fmt: skip
        optimizer = nn.Adam(model.parameters(), lr=1e-2)
        trainer = nn.Trainer(model, "cross_entropy", optimizer, ["accuracy"], compile=compiled)
        trainer.fit(train, validation, epochs=3, batch_size=64, progress=False)
        histories.append([{**row, "seconds": 0} for row in trainer.history])
    assert histories[0] == histories[1]
