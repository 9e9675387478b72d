"""What `trace` writes, what it takes, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from tinygrad_edu import Program, Tensor, TraceError, effect, grad, no_grad, trace

rng = np.random.default_rng(0)


def weights(*shape: int, name: str = "w") -> Tensor:
    return Tensor(rng.normal(size=shape), requires_grad=True, name=name)


class TestCode:
    def test_a_network_reads_as_one_would_write_it(self) -> None:
        model = nn.Sequential(nn.Dense(4, 3), nn.ReLU(), nn.Dense(3, 1))

        def step(x: Any, y: Any) -> Any:
            return nn.mse_loss(model(x), y)

        x, y = rng.normal(size=(5, 4)).astype("f4"), rng.normal(size=(5, 1)).astype("f4")
        code = str(trace(step, x, y))
        for line in (
            "def step(x, y, layer0_weight, layer0_bias, layer2_weight, layer2_bias):",
            "    layer0_dense = x @ layer0_weight + layer0_bias",
            "    layer1_relu = np.maximum(layer0_dense, 0)",
            "    d_layer0_dense = d_layer1_relu * (layer1_relu > 0)",
            "    d_layer0_weight = x.T @ d_layer0_dense",
            "    d_layer0_bias = d_layer0_dense.sum(axis=0)",
            '        "layer0_bias": d_layer0_bias,',
        ):
            assert line in [text.partition("  #")[0] for text in code.splitlines()], code

    def test_variables_keep_the_users_names(self) -> None:
        w = weights(3)

        def loss(x: Any) -> Any:
            hidden = np.tanh(x * w) * 2
            error = hidden - 1.0
            return (error * error).sum()

        program = trace(loss, np.ones(3))
        lines = [line.partition("  #")[0].strip() for line in program.code.splitlines()]
        assert {"hidden = tanh * 2", "error = hidden - 1.0"} <= {*lines}
        assert not any(line.startswith("program =") for line in lines)

    def test_it_names_the_module_and_the_line(self) -> None:
        model = nn.Sequential(nn.Dense(2, 2))
        code = trace(lambda x: model(x).sum(), np.ones((1, 2), "f4")).code
        assert "# 0  test_program.py:" in code

    def test_a_lambda_is_called_step(self) -> None:
        w = weights(3)
        assert "def step(x, w):" in trace(lambda x: (x * w).sum(), np.ones(3)).code

    def test_names_shadow_nothing(self) -> None:
        w = weights(3, name="np")
        program = trace(lambda sum: (np.tanh(sum * w)).sum(), np.ones(3))
        value, gradients = program(np.ones(3))
        assert value == np.tanh(w.data).sum()
        assert list(gradients) == ["np2"]

    def test_a_function_named_like_a_builtin_or_a_helper(self) -> None:
        w = weights(4, 3)
        x, t = rng.normal(size=(2, 4)), np.array([0, 2])
        for name in ("len", "range", "_chosen", "lambda"):

            def f(x: Any, t: Any) -> Any:
                return nn.cross_entropy(x @ w, t)

            f.__name__ = name
            program = trace(f, x, t)
            assert program(x, t)[0] == f(x, t).data

    def test_buffers_are_named_after_their_layer(self) -> None:
        model = nn.Sequential(nn.Dense(2, 3), nn.BatchNorm1d(3))
        program = trace(lambda x: model(x).sum(), np.ones((4, 2), np.float32))
        assert {"layer1_running_mean", "layer1_running_var"} < {*program.constants}

    def test_equal_expressions_are_computed_once(self) -> None:
        w = weights(3)
        code = trace(lambda: (np.exp(w) * np.exp(w)).sum()).code
        assert code.count("np.exp(") == 1

    def test_slices_are_added_in_place(self) -> None:
        w = weights(6)
        code = trace(lambda: (w[:3] * w[3:]).sum()).code
        assert "d_w[:3] += " in code or "d_w[0:3] += " in code, code

    def test_the_longer_bodies_are_helpers_with_their_formula(self) -> None:
        x = Tensor(rng.normal(size=(2, 1, 5, 5)), requires_grad=True, name="x")
        code = trace(lambda: nn.functional.max_pool2d(x, 2).sum()).code
        assert "def visits(" in code
        assert "tinygrad" not in code


class TestCalling:
    def test_other_arguments_after_more_training(self) -> None:
        w = weights(4, 2)

        def loss(x: Any, t: Any) -> Any:
            return nn.cross_entropy(x @ w, t)

        program = trace(loss, rng.normal(size=(3, 4)), np.array([0, 1, 1]))
        for _ in range(3):
            x, t = rng.normal(size=(3, 4)), rng.integers(0, 2, 3)
            value, gradients = program(x, t)
            w.zero_grad()
            expected = loss(x, t)
            expected.backward()
            assert value == expected.data
            np.testing.assert_array_equal(gradients["w"], w.grad)
            assert w.grad is not None
            w.data = w.data - 0.1 * w.grad

    def test_arguments_in_containers_and_by_keyword(self) -> None:
        w = weights(3)
        program = trace(lambda batch, *, scale: (batch["x"][0] * w * scale).sum(), {
            "x": [np.ones(3)]}, scale=2.0)  # fmt: skip
        value, _ = program({"x": [np.arange(3.0)]}, scale=2.0)
        assert value == (np.arange(3.0) * w.data * 2).sum()

    def test_arguments_that_require_grad_have_gradients(self) -> None:
        x = Tensor(np.ones(3), requires_grad=True)
        _, gradients = trace(lambda x: (x**3).sum(), x)(x)
        np.testing.assert_array_equal(gradients["x"], [3.0, 3.0, 3.0])

    def test_values_beside_the_loss(self) -> None:
        w = weights(3)
        program = trace(lambda x: {"loss": (x * w).sum(), "n": 3}, np.ones(3))
        value, _ = program(np.ones(3))
        assert value == {"loss": w.data.sum(), "n": 3}

    def test_gradients_share_no_memory(self) -> None:
        a, b = weights(3, name="a"), weights(3, name="b")
        _, gradients = trace(lambda: (a + b).sum())()
        assert not np.shares_memory(gradients["a"], gradients["b"])

    @pytest.mark.parametrize(
        ("loss", "targets"),
        [
            (nn.NLLLoss(), ([0, 1, 2], [2, 2, 0])),
            (nn.FocalLoss(), ([0, 1, 2], [2, 2, 0])),
            (nn.MultiMarginLoss(), ([0, 1, 2], [2, 2, 0])),
            (nn.SigmoidFocalLoss(), (np.eye(3), np.ones((3, 3)))),
            (nn.HingeEmbeddingLoss(), (np.ones((3, 3)), 1 - 2 * np.eye(3))),
        ],
    )
    def test_targets_are_arguments_of_a_loss(self, loss: Any, targets: Any) -> None:
        w = weights(4, 3)

        def f(x: Any, t: Any) -> Any:
            return loss(np.log(0.1 + (x @ w) ** 2), t)

        first, second = map(np.asarray, targets)
        program = trace(f, rng.normal(size=(3, 4)), first)
        x = rng.normal(size=(3, 4))
        value, gradients = program(x, second)
        expected = f(x, second)
        expected.backward()
        assert value == expected.data
        np.testing.assert_array_equal(gradients["w"], w.grad)

    def test_a_loss_of_one_element_that_has_axes(self) -> None:
        model = nn.Sequential(nn.Dense(3, 2), nn.ReLU(), nn.Dense(2, 1))
        x = np.ones((1, 3), np.float32)
        value, gradients = trace(model, x)(x)
        loss = model(x)
        loss.backward()
        assert value.shape == (1, 1)
        np.testing.assert_array_equal(gradients["layer0_weight"], model[0].weight.grad)

    def test_a_loss_returned_twice_counts_twice(self) -> None:
        w = weights(3)

        def f(x: Any) -> Any:
            loss = (x * w).sum()
            return loss, loss

        _, gradients = trace(f, np.ones(3))(np.ones(3))
        np.testing.assert_array_equal(gradients["w"], [2.0, 2.0, 2.0])

    def test_another_shape_is_refused_with_both(self) -> None:
        w = weights(1)
        program = trace(lambda x: (x * w).sum(), np.ones(3))
        with pytest.raises(ValueError, match=r"shape \(3,\).*given shape \(4,\)"):
            program(np.ones(4))

    def test_a_constant_is_read_anew(self) -> None:
        """One that is refilled in place is the same array."""
        w, scale = weights(3), np.ones(3)
        program = trace(lambda: (w * scale).sum())
        scale[...] = 2.0
        assert program()[0] == 2 * w.data.sum()
        assert program.constants["constant"] is scale


class TestHonesty:
    """What a program cannot repeat is an error that names the line and the remedy."""

    w = weights(3)

    @pytest.mark.parametrize(
        ("f", "message"),
        [
            (lambda x: (x * x.data).sum(), r"\.data of a traced Tensor.*test_program.py"),
            (lambda x: x.sum() * float(x.sum()), r"float\(\).*read the number"),
            (lambda x: x.sum() * x.sum().item(), r"\.item\(\)"),
            (lambda x: (x * np.asarray(x)).sum(), r"np\.asarray\(\)"),
            (lambda x: (x * x.numpy()).sum(), r"\.numpy\(\)"),
            (lambda x: x.sum() if x.sum() > 0 else -x.sum(), r"bool\(\).*np\.where"),
            (lambda x: (x * x.tolist()[0]).sum(), r"\.tolist\(\)"),
            (lambda x: x.sum().backward(), r"backward\(\).*return the loss"),
        ],
    )
    def test_reading_a_value(self, f: Any, message: str) -> None:
        with pytest.raises(TraceError, match=message):
            trace(lambda x: f(x * self.w), np.array([1.0, 2.0, 3.0]))

    def test_reading_a_parameter_on_the_side(self) -> None:
        """Its values are no secret before it is met, but change in the last run."""
        w = weights(3)
        with pytest.raises(TraceError, match="outside of the ops"):
            trace(lambda x: (x * (w.data * 2) * self.w).sum() + w.sum(), np.ones(3))

    def test_random_numbers_outside_of_an_effect(self) -> None:
        generator = np.random.default_rng(0)
        with pytest.raises(TraceError, match=r"another at each run.*effect"):
            trace(lambda: (self.w * generator.normal(size=3)).sum())

    def test_a_branch_on_what_happened_before(self) -> None:
        calls: list[int] = []

        def f() -> Any:
            calls.append(1)
            return (self.w * 2).sum() if len(calls) % 2 else self.w.sum()

        with pytest.raises(TraceError, match="two runs"):
            trace(f)

    def test_nothing_is_left_behind(self) -> None:
        """Generators, buffers and gradients are as before, and Tensors ordinary again."""
        model = nn.Sequential(nn.Dense(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
        generator = nn.manual_seed(3)
        before = generator.bit_generator.state
        buffers = {k: v.copy() for k, v in model.state_dict().items()}
        x = Tensor(np.ones((2, 3), "f4"))
        trace(lambda x: model(x).sum(), x)
        assert nn.init.generator().bit_generator.state == before
        for key, value in model.state_dict().items():
            np.testing.assert_array_equal(value, buffers[key])
        assert all(type(p) is nn.Parameter and p.grad is None for p in model.parameters())
        assert type(x) is Tensor
        assert x.data[0, 0] == 1

    def test_an_error_in_the_function_leaves_nothing_behind_either(self) -> None:
        w = weights(3)
        with pytest.raises(ZeroDivisionError):
            trace(lambda: (w * 2).sum() / (1 // 0))
        assert type(w) is Tensor
        assert float(w.sum()) == w.data.sum()

    def test_masks_and_lookups_of_arguments_are_recorded(self) -> None:
        def f(x: Any, i: Any) -> Any:
            kept = np.where((x > 0) & ~(x > 2), np.sqrt(np.maximum(x, 1e-3)), 0.0)
            return (kept * self.w[i]).sum() + x[x.argmax()] * (x == x.max()).mean()

        x, i = np.array([1.0, -2.0, 3.0]), np.array([0, 1, 2])
        program = trace(f, x, i)
        for y, j in ((np.array([-1.0, 5.0, 0.5]), np.array([2, 2, 0])), (x, i)):
            assert program(y, j)[0] == f(Tensor(y), j).data


class TestBadInput:
    def test_no_tensors(self) -> None:
        with pytest.raises(TraceError, match="nothing that was computed from Tensors"):
            trace(lambda x: 3.0, np.ones(3))

    def test_nothing_differentiable(self) -> None:
        with pytest.raises(TraceError, match="require grad"):
            trace(lambda x: x.sum(), np.ones(3))

    def test_no_single_number(self) -> None:
        w = weights(3)
        with pytest.raises(TraceError, match=r"shape \(3,\).*return a loss"):
            trace(lambda: w * 2)

    def test_more_than_one_would_read(self) -> None:
        w = weights(1)

        def chain() -> Any:
            y = w
            for _ in range(10_001):
                y = y * 1.0
            return y.sum()

        with pytest.raises(TraceError, match=r"10002 ops.*use compile"):
            trace(chain)

    def test_text(self) -> None:
        w = weights(3)
        with pytest.raises(TraceError, match="array of <U"):
            trace(lambda x: w.sum(), np.array(["a"]))


class TestEffects:
    def test_dropout_draws_anew(self) -> None:
        w = weights(50)
        program = trace(lambda: nn.functional.dropout(w, 0.5).sum())
        nn.manual_seed(1)
        first, second = program()[0], program()[0]
        nn.manual_seed(1)
        assert (first, second) == tuple(
            nn.functional.dropout(w, 0.5).sum().item() for _ in range(2)
        )
        assert first != second

    def test_one_of_ones_own(self) -> None:
        counted = np.zeros(())

        def count(by: Any) -> None:
            counted[...] += by

        def f(x: Any) -> Any:
            effect(count, x.sum(), changes=(counted,))
            return (x * self_w).sum()

        self_w = weights(2)
        program = trace(f, np.ones(2))
        assert counted == 0
        program(np.ones(2))
        program(np.ones(2))
        assert counted == 4

    def test_outside_of_a_trace_it_is_a_call(self) -> None:
        assert effect(lambda a, b: a + b, 1, 2) == 3


def test_gradients_inside_the_function() -> None:
    """A Hessian-vector product is a program too."""
    w = weights(3)

    def product(v: Any) -> Any:
        (g,) = grad((np.sin(w) * w**2).sum(), [w], create_graph=True)
        (hv,) = grad((g * v).sum(), [w], create_graph=True)
        return (hv * v).sum()

    program = trace(product, np.ones(3))
    v = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(program(v)[0], product(Tensor(v)).data, rtol=1e-15)


def test_without_recording_there_is_nothing_to_trace() -> None:
    """A trace records all the same: what no_grad leaves out of f stays left out."""
    w = weights(3)

    def f() -> Any:
        with no_grad():
            scale = w * 2
        return (w * scale).sum()

    _, gradients = trace(f)()
    np.testing.assert_array_equal(gradients["w"], 2 * w.data)


def test_a_saved_program_checks_itself(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Dense(3, 4), nn.Tanh(), nn.Dense(4, 2))
    x, t = rng.normal(size=(5, 3)).astype("f4"), rng.integers(0, 2, 5)
    program = trace(lambda x, t: nn.cross_entropy(model(x), t), x, t)
    path = program.save(tmp_path / "backprop.py")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["backprop.npz", "backprop.py"]
    guard = "import sys; sys.modules['tinygrad_edu'] = None; import runpy; "
    run = f"{guard}runpy.run_path({str(path)!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "layer0_weight" in done.stdout
    assert "agree" in done.stdout


def test_a_wrong_derivative_is_found_by_the_saved_program(tmp_path: Path) -> None:
    w = weights(3)
    path = trace(lambda: (w**2).sum()).save(tmp_path / "backprop.py")
    text = path.read_text(encoding="utf-8")
    assert "* 2 *" in text
    path.write_text(text.replace("* 2 *", "* 3 *"), encoding="utf-8")
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "w" in done.stdout


def test_representation() -> None:
    w = weights(3)
    program = trace(lambda x: (x * w).sum(), np.ones(3))
    assert isinstance(program, Program)
    assert repr(program).startswith("<Program step(x, w), ")
