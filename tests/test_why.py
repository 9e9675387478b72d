"""why() and detect_anomaly(): each broken program is found, and its healthy twin is not."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import nn
from tinygrad_edu import Tensor, detect_anomaly, no_grad, observe, ops, why
from tinygrad_edu.observers import observers
from tinygrad_edu.viz import findings

WHY = Path(__file__).parents[1] / "docs" / "why.md"


def leaf(values, name=None):
    return Tensor(np.array(values, float), requires_grad=True, name=name)


def ids(report):
    return [finding.id for finding in report.findings]


class Net(nn.Module):
    def __init__(self):
        self.first, self.last = nn.Dense(2, 3), nn.Dense(3, 1)

    def forward(self, x):
        return self.last(self.first(x).tanh())


def train(model, optimizer, steps=3, zero_grad=True, keep=()):
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(5, 2)), rng.normal(size=(5, 1))
    with observe():
        for _ in range(steps):
            loss = nn.mse_loss(model(x), t)
            if zero_grad:
                model.zero_grad()
            loss.backward()
            optimizer.step()
    return loss


class TestNone:
    """Rows 1 to 4: no gradient."""

    def test_backward_was_not_called(self):
        w = leaf([1.0, 2.0], "w")
        with observe():
            loss = (w * w).sum()
        assert ids(why(w)) == ["backward-did-not-reach-it"]
        assert why(w).startswith("w: no backward pass was observed.")
        with observe():
            loss = (w * w).sum()
            loss.backward()
        assert ids(why(w)) == []

    def test_backward_from_another_root(self):
        v, w = leaf([1.0], "v"), leaf([2.0], "w")
        with observe():
            other = (v * 3).sum()
            loss = (w * w).sum()
            loss.backward()
        report = why(v)
        assert ids(report) == ["backward-did-not-reach-it"]
        assert "v was used by multiply at test_why.py:" in report
        assert "other = (v * 3).sum()" in report
        assert other.node is not None

    def test_never_used(self):
        v, w = leaf([1.0], "v"), leaf([2.0], "w")
        with observe():
            (w * w).sum().backward()
        assert "no op was seen that used v" in why(v)

    def test_the_name_holds_a_result(self):
        with observe():
            w = leaf([1.0, 2.0]) * 0.1
            (w * w).sum().backward()
        report = why(w)
        assert ids(report) == ["the-name-holds-a-result"]
        assert "w was computed, by multiply" in report
        assert "w = leaf([1.0, 2.0]) * 0.1" in report

    def test_a_result_that_retains_its_gradient(self):
        with observe():
            w = leaf([1.0, 2.0]) * 0.1
            w.retain_grad()
            (w * w).sum().backward()
        assert ids(why(w)) == []

    @pytest.mark.parametrize("cut", ["data", "detach", "wrapped", "no_grad"])
    def test_the_gradient_was_cut_off(self, cut):
        v, w = leaf([1.0, 2.0], "v"), leaf([2.0, 3.0], "w")
        with observe():
            h = np.tanh(v)
            if cut == "data":
                h = h.data
            elif cut == "detach":
                h = h.detach()
            elif cut == "wrapped":
                h = Tensor(h.data)
            else:
                with no_grad():
                    h = np.tanh(v) * 2
            loss = (w * h).sum()
            loss.backward()
        report = why(v)
        assert ids(report) == ["the-gradient-was-cut-off"]
        assert "went into multiply at test_why.py:" in report
        assert "loss = (w * h).sum()" in report
        assert ids(why(w)) == []

    def test_the_data_of_the_leaf_itself_was_used(self):
        v, w = leaf([1.0, 2.0], "v"), leaf([2.0, 3.0], "w")
        with observe():
            (w * v.detach()).sum().backward()
        report = why(v)
        assert ids(report) == ["the-gradient-was-cut-off"]
        assert "the data of v went into multiply" in report

    def test_a_result_inside_no_grad(self):
        v = leaf([1.0], "v")
        with observe(), no_grad():
            y = v * 2
        report = why(y)
        assert ids(report) == ["the-gradient-was-cut-off"]
        assert "computed by multiply at test_why.py:" in report

    def test_a_constant(self):
        with observe():
            pass
        assert ids(why(Tensor(1.0))) == ["backward-did-not-reach-it"]

    @pytest.mark.parametrize(
        ("f", "name"),
        [
            (lambda h: h > 0, "gt"),
            (lambda h: np.argmax(h), "argmax"),
            (lambda h: h.argmax(), "argmax"),
            (lambda h: np.isfinite(h), "isfinite"),
        ],
    )
    def test_a_function_without_a_derivative(self, f, name):
        v, w = leaf([1.0, -2.0], "v"), leaf([2.0, 3.0], "w")
        with observe():
            (w * w + f(np.tanh(v))).sum().backward()
        report = why(v)
        assert ids(report) == ["the-gradient-was-cut-off"]
        assert f"went into {name} at test_why.py:" in report
        assert ids(why(w)) == []

    def test_a_comparison_beside_the_loss(self):
        v = leaf([1.0, -2.0], "v")
        with observe():
            assert (v > 0).sum() == 1
            (v * v).sum().backward()
        assert ids(why(v)) == []

    def test_a_target_may_be_detached(self):
        """A value that is used both ways has its gradient, so nothing is wrong."""
        w = leaf([1.0, 2.0], "w")
        with observe():
            h = w * 2
            ((h - h.detach() * 0.9) ** 2).sum().backward()
        assert ids(why(w)) == []

    def test_layers_that_parameters_does_not_find(self):
        class Hiding(nn.Module):
            def __init__(self):
                self.first = nn.Dense(2, 3)
                layer = nn.Dense(3, 1)
                self.hidden = lambda x: layer(x)

            def forward(self, x):
                return self.hidden(self.first(x))

        model = Hiding()
        loss = train(model, nn.SGD(model.parameters(), lr=0.1))
        report = why(loss, trained=model)
        assert ids(report) == ["not-among-the-parameters"]
        assert "the loss depends on" in report

    def test_layers_that_are_not_used(self):
        model = Net()
        model.more = nn.Dense(3, 3)
        loss = train(model, nn.SGD(model.parameters(), lr=0.1))
        assert ids(why(loss, trained=model)) == ["not-among-the-parameters"]

    def test_all_layers_found_and_used(self):
        model = Net()
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        loss = train(model, optimizer)
        for trained in (model, optimizer, list(model.parameters())):
            assert ids(why(loss, trained=trained)) == []
            assert ids(why(model.first.weight, trained=trained)) == []


class TestWithoutEffect:
    """Rows 5 and 6: a gradient that does nothing, or too much."""

    def test_not_in_the_optimizer(self):
        model = Net()
        optimizer = nn.SGD(model.first.parameters(), lr=0.1)
        train(model, optimizer)
        assert ids(why(model.last.weight)) == ["not-in-the-optimizer"]
        assert "same values in 3 backward passes, while 2 others changed" in why(model.last.weight)
        assert ids(why(model.last.weight, trained=optimizer))[0] == "not-in-the-optimizer"
        assert ids(why(model.first.weight)) == []

    def test_gradients_are_not_reset(self):
        model = Net()
        train(model, nn.SGD(model.parameters(), lr=0.1), zero_grad=False)
        assert ids(why(model.first.weight)) == ["gradients-are-not-reset"]

    def test_trained_as_it_should_be(self):
        model = Net()
        train(model, nn.Adam(model.parameters(), lr=0.1))
        for parameter in model.parameters():
            assert ids(why(parameter)) == []

    def test_gradients_are_accumulated_on_purpose(self):
        """Several passes, then one update."""
        model = Net()
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        x = np.ones((2, 2))
        with observe():
            for _ in range(2):
                model.zero_grad()
                for _ in range(3):
                    (model(x) ** 2).mean().backward()
                optimizer.step()
        assert ids(why(model.first.weight)) == []

    def test_a_gradient_that_is_reset_before_it_is_used(self):
        """As in a GAN: the generator's loss also adds to the gradients of the discriminator."""
        generator, discriminator = Net(), nn.Dense(1, 1)
        optimizers = [nn.SGD(m.parameters(), lr=0.1) for m in (generator, discriminator)]
        x = np.ones((2, 2))
        with observe():
            for _ in range(3):
                discriminator.zero_grad()
                (discriminator(generator(x).detach()) ** 2).mean().backward()
                optimizers[1].step()
                generator.zero_grad()
                (discriminator(generator(x)) ** 2).mean().backward()
                optimizers[0].step()
        for model in (generator, discriminator):
            for parameter in model.parameters():
                assert ids(why(parameter)) == []

    @pytest.mark.parametrize("replace", [True, False])
    def test_two_steps_are_enough(self, replace):
        w = leaf([1.0, 2.0], "w")
        with observe():
            for _ in range(2):
                (w * w).sum().backward()
                if replace:
                    w.data = w.data - 0.1 * w.grad
                else:
                    w.data -= 0.1 * w.grad
            assert ids(why(w)) == ["gradients-are-not-reset"]
        assert ids(why(w)) == ["gradients-are-not-reset"]

    def test_several_passes_without_an_update(self):
        w = leaf([1.0, 2.0], "w")
        with observe():
            for _ in range(3):
                w.zero_grad()
                (w * w).sum().backward()
        assert ids(why(w)) == []

    def test_other_gradients_do_not_count_as_passes(self):
        """grad() adds to no .grad."""
        from tinygrad_edu import grad

        w = leaf([1.0, 2.0], "w")
        with observe():
            (w * w).sum().backward()
            w.data = w.data * 2
            grad((w * w).sum(), w)
        assert ids(why(w)) == []


class TestNotFinite:
    """Rows 7 to 9: NaN and infinities."""

    @pytest.mark.parametrize(
        ("f", "op"),
        [
            (lambda x: np.log(x), "log"),
            (lambda x: np.sqrt(x - 1), "sqrt"),
            (lambda x: 1 / x, "divide"),
            (lambda x: np.exp(x * 1000), "exp"),
            (lambda x: (x - 1) ** 0.5, "power"),
            (lambda x: np.arccos(x), "arccos"),
        ],
    )
    def test_in_the_forward_pass(self, f, op):
        x = leaf([4.0, 0.0, 1.0], "x")
        with observe(), np.errstate(all="ignore"):
            y = f(x) * 2
            loss = (y + 1).sum()
            loss.backward()
        report = why(x)
        assert ids(report) == ["nan-in-the-forward-pass"]
        assert re.search(rf"{op} is (nan|-?inf) at \[\d\], computed from finite values", report)
        assert "y = f(x) * 2" not in report.splitlines()[2] or op == "divide"
        assert ids(why(loss)) == ["nan-in-the-forward-pass"]

    def test_before_a_backward_pass(self):
        with observe(), np.errstate(all="ignore"):
            loss = np.log(leaf([-1.0], "x")).sum()
        assert ids(why(loss)) == ["nan-in-the-forward-pass"]

    def test_in_the_domain(self):
        x = leaf([4.0, 0.5, 1.0], "x")
        with observe():
            (np.log(x) + np.sqrt(x) + 1 / x + np.exp(x)).sum().backward()
        assert ids(why(x)) == []

    def test_given_in_the_data(self):
        x, w = np.array([1.0, np.nan]), leaf([1.0, 2.0], "w")
        with observe():
            (x * w).sum().backward()
        report = why(w)
        assert ids(report) == ["nan-in-the-forward-pass"]
        assert "x, which was given and not computed, holds NaN or inf in 1 of 2 elements" in report

    @pytest.mark.parametrize("f", [np.sqrt, lambda d: d**0.5])
    def test_only_in_the_backward_pass(self, f):
        x = leaf([[0.0, 4.0]], "x")
        with observe():
            d = (x * x).sum(axis=0)
            loss = f(d).mean()
            loss.backward()
        report = why(x)
        assert ids(report) == ["nan-only-in-the-backward-pass"]
        assert "where x (d) = 0" in report
        assert "test_why.py:" in report

    def test_norms_are_0_at_0(self):
        x = leaf([[0.0, 4.0]], "x")
        with observe():
            np.linalg.norm(x, axis=0).mean().backward()
        assert ids(why(x)) == []

    def test_zero_times_infinity_forward(self):
        x, mask = leaf([0.0, 4.0], "x"), np.array([0.0, 1.0])
        with observe(), np.errstate(all="ignore"):
            (mask * np.log(x)).sum().backward()
        report = why(x)
        assert ids(report) == ["zero-times-infinity"]
        assert "log is -inf at [0], computed from finite values: x = 0" in report

    def test_zero_times_infinity_backward(self):
        x, mask = leaf([0.0, 4.0], "x"), np.array([0.0, 1.0])
        with observe():
            (mask * np.sqrt(x)).sum().backward()
        report = why(x)
        assert ids(report) == ["zero-times-infinity"]
        assert "upstream 0 × local inf" in report

    def test_zero_times_infinity_in_a_product_of_matrices(self):
        w, x = leaf([[1.0], [2.0]], "w"), np.array([[np.inf, 1.0], [1.0, 2.0]])
        with observe(), np.errstate(all="ignore"):
            h = np.minimum(x @ w, 10.0)
            (h * np.array([[0.0], [1.0]])).sum().backward()
        assert ids(why(w)) in (["zero-times-infinity"], [])

    def test_a_selection_leaves_out_both(self):
        x = leaf([0.0, 4.0], "x")
        with observe(), np.errstate(all="ignore"):
            np.where(x.data > 0, np.log(x) + np.sqrt(x), 0.0).sum().backward()
        assert ids(why(x)) == []

    def test_masked_attention(self):
        scores = leaf(np.zeros((2, 2)), "scores")
        with observe():
            masked = np.where([[True, False], [True, True]], scores, -np.inf)
            (ops.softmax(masked) * np.array([1.0, 2.0])).sum().backward()
        assert ids(why(scores)) == []

    def test_overflow_of_the_gradient(self):
        x = Tensor(np.array([1.0], np.float32), requires_grad=True, name="x")
        with observe(), np.errstate(all="ignore"):
            (x * np.float32(1e30)).backward(np.array([1e30], np.float32))
        assert ids(why(x)) == ["nan-only-in-the-backward-pass"]


MODELS = {
    "perceptron": (
        lambda: nn.Sequential(
            nn.Dense(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Dense(8, 3)
        ),
        (8, 4),
    ),
    "convolution": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.GELU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Dense(27, 3),
        ),
        (8, 1, 8, 8),
    ),
    "transformer": (
        lambda: nn.Sequential(nn.TransformerBlock(4, 2), nn.Flatten(), nn.Dense(20, 3)),
        (8, 5, 4),
    ),
    "recurrent": (lambda: Recurrent(), (8, 5, 4)),
}  # fmt: skip


class Recurrent(nn.Module):
    def __init__(self):
        self.cells, self.head = nn.LSTM(4, 6), nn.Dense(6, 3)

    def forward(self, x):
        return self.head(self.cells(x)[0][:, -1])


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("context", [observe, detect_anomaly])
def test_no_alarm_on_healthy_networks(name, context):
    make, shape = MODELS[name]
    rng = np.random.default_rng(0)
    model = make()
    optimizer = nn.Adam(model.parameters(), lr=1e-2)
    with context():
        for _ in range(3):
            x, t = rng.normal(size=shape), rng.integers(0, 3, shape[0])
            loss = nn.cross_entropy(model(x), t)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    for path, parameter in model.named_parameters():
        report = why(parameter, trained=optimizer)
        assert ids(report) == [], f"{path}: {report}"
    assert ids(why(loss, trained=model)) == []


def test_overflow_of_a_sum_of_gradients():
    x = Tensor(np.array([1.0], np.float32), requires_grad=True, name="x")
    with observe(), np.errstate(all="ignore"):
        h = x - 1
        (h * np.float32(3e38) + h * np.float32(3e38)).backward(np.array([1.0], np.float32))
    assert "the 2 contributions to h are finite, and their sum is not" in why(x)
    with observe(), np.errstate(all="ignore"):
        ((x - 1) * np.full(3, 2e38, np.float32)).sum().backward()
    assert "once it is summed" in why(x)


def test_a_gradient_given_to_backward_that_is_not_finite():
    x = leaf([1.0], "x")
    with observe():
        (x * 2).backward([np.inf])
    assert "that was given to backward() is not finite" in why(x)


def test_nan_from_outside_of_the_block():
    x = leaf([-1.0], "x")
    with np.errstate(all="ignore"):
        h = np.sqrt(x)
    with observe():
        (h * 2).sum().backward()
    assert "which was computed outside observe(), holds NaN" in why(x)


def test_several_losses_in_turn():
    """Each pass reaches its own parameters."""
    v, w = leaf([1.0], "v"), leaf([2.0], "w")
    with observe():
        first = (v * v).sum()
        first.backward()
        (w * w).sum().backward()
    assert ids(why(v)) == []
    assert "but in one before" in why(v)
    assert "its gradient is [2]" in why(v, first)


def test_frozen_parameters_are_not_missed():
    model = Net()
    model.first.requires_grad_(False)
    loss = train(model, nn.SGD(model.last.parameters(), lr=0.1))
    assert ids(why(loss, trained=model)) == []


class TestZero:
    def test_dead_units(self):
        x = leaf([-1.0, -2.0], "x")
        with observe():
            (ops.relu(x * 2)).sum().backward()
        report = why(x)
        assert ids(report) == ["the-gradient-is-zero"]
        assert "relu is flat below 0" in report
        assert "its operand x is -4 to -2" in report

    def test_a_piecewise_constant_op(self):
        x = leaf([1.2, 2.7], "x")
        with observe():
            np.round(x).sum().backward()
        assert ids(why(x)) == ["the-gradient-is-zero"]

    def test_some_units_alive(self):
        x = leaf([-1.0, 2.0], "x")
        with observe():
            ops.relu(x).sum().backward()
        assert ids(why(x)) == []

    def test_terms_that_cancel_are_no_mistake(self):
        """A bias before a normalization."""
        x, b = leaf([[1.0, 2.0], [4.0, 8.0]], "x"), leaf([0.0, 0.0], "b")
        with observe():
            h = x + b
            loss = ((h - h.mean(axis=0)) * np.array([[1.0, 2.0], [1.0, 2.0]])).sum()
            loss.backward()
        np.testing.assert_array_equal(b.grad, [0.0, 0.0])
        assert ids(why(b)) == []
        assert "a sum whose terms cancel" in why(b)

    def test_a_seed_of_zeros(self):
        x = leaf([-1.0, 2.0], "x")
        with observe():
            (x * x).backward([0.0, 0.0])
        assert "given to backward() is 0" in why(x)


class TestChanged:
    """Row 20: an array changed between the passes."""

    def test_a_constant(self):
        w, x = leaf([1.0, 2.0], "w"), np.array([1.0, 2.0])
        with observe():
            loss = (w * x).sum()
            x[0] = 100.0
            loss.backward()
        report = why(w)
        assert ids(report) == ["an-array-was-changed"]
        assert "x, of shape (2,), was kept by multiply at test_why.py:" in report

    def test_a_parameter(self):
        w, v = leaf([1.0, 2.0], "w"), leaf([3.0, 4.0], "v")
        with observe():
            loss = (w * v).sum()
            w.data[0] = 100.0
            loss.backward()
        assert ids(why(v)) == ["an-array-was-changed"]

    def test_after_the_pass(self):
        w, x = leaf([1.0, 2.0], "w"), np.array([1.0, 2.0])
        with observe():
            for _ in range(2):
                w.zero_grad()
                (w * x).sum().backward()
                x[0] += 1.0
        assert ids(why(w)) == []

    def test_what_no_derivative_reads(self):
        w, x = leaf([1.0, 2.0], "w"), np.array([1.0, 2.0])
        with observe():
            loss = (w + x).sum()
            x[0] = 100.0
            loss.backward()
        assert ids(why(w)) == []


class TestAnomaly:
    def test_in_the_forward_pass(self):
        with detect_anomaly(), np.errstate(all="ignore"):
            loss = np.log(leaf([-1.0], "x")).sum()
            with pytest.raises(FloatingPointError, match="log is nan at \\[0\\]"):
                loss.backward()

    def test_in_the_backward_pass(self):
        with detect_anomaly(), pytest.raises(FloatingPointError, match="sends to x is inf at"):
            np.sqrt(leaf([0.0, 1.0], "x")).sum().backward()

    def test_a_sum_of_gradients_that_overflows(self):
        x = Tensor(np.array([1.0], np.float32), requires_grad=True, name="x")
        with detect_anomaly(), np.errstate(all="ignore"):
            h = x - 1
            loss = (h * np.float32(3e38) + h * np.float32(3e38)).sum()
            with pytest.raises(FloatingPointError, match="the 2 contributions to h are finite"):
                loss.backward()

    def test_names_the_line(self):
        with detect_anomaly():
            root = np.sqrt(leaf([0.0, 1.0], "x"))
            with pytest.raises(FloatingPointError) as caught:
                root.sum().backward()
        assert 'root = np.sqrt(leaf([0.0, 1.0], "x"))' in str(caught.value)
        assert "docs/why.md#nan-only-in-the-backward-pass" in str(caught.value)

    def test_a_changed_constant(self):
        w, x = leaf([1.0, 2.0]), np.array([1.0, 2.0])
        with detect_anomaly():
            loss = (w * x).sum()
            x[0] = 5.0
            with pytest.raises(RuntimeError, match="x, of shape"):
                loss.backward()

    def test_a_changed_result(self):
        w = leaf([1.0, 2.0])
        with detect_anomaly():
            h = w * 2
            loss = (h * h).sum()
            h.data[0] = 5.0
            with pytest.raises(RuntimeError, match="h, of shape"):
                loss.backward()

    def test_healthy_programs(self):
        x = leaf([0.0, 4.0], "x")
        with detect_anomaly(), np.errstate(all="ignore"):
            np.where(x.data > 0, np.log(x), 0.0).sum().backward()
            np.linalg.norm(x - x.data).backward()
        model = Net()
        with detect_anomaly():
            train(model, nn.Adam(model.parameters()))

    def test_ends_with_the_block(self):
        with detect_anomaly():
            pass
        np.sqrt(leaf([0.0])).sum().backward()
        assert not observers

    def test_survives_exceptions_and_nests(self):
        with pytest.raises(KeyError), observe(), detect_anomaly(), detect_anomaly():
            raise KeyError
        assert not observers

    def test_recorded_derivatives(self):
        from tinygrad_edu import grad

        x = leaf([1.0, 2.0], "x")
        with detect_anomaly():
            (slope,) = (grad((x**3).sum(), x, create_graph=True),)
            slope.sum().backward()
        np.testing.assert_allclose(x.grad, [6.0, 12.0])


class TestReports:
    def test_every_finding_has_its_section(self):
        headings = re.findall(r"^## (.+)$", WHY.read_text(encoding="utf-8"), re.MULTILINE)
        anchors = {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
        folder = Path(findings.__file__).parent
        source = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
        used = set(re.findall(r'"((?:[a-z]+-){2,}[a-z]+)"', source))
        assert len(used) >= 10
        assert used <= anchors, used - anchors

    def test_a_report_shows_itself(self):
        w = leaf([1.0], "w")
        with observe():
            (w * 2).sum().backward()
        assert repr(why(w)) == "w: its gradient is [2]. Nothing wrong was found."

    def test_names_cannot_write_over_the_terminal(self):
        x = leaf([0.0], "evil\x1b[2J")
        with observe():
            np.sqrt(x).sum().backward()
        assert "\x1b" not in why(x)

    def test_of_no_tensor(self):
        with pytest.raises(TypeError, match="why\\(\\) takes a Tensor"):
            why(3.0)
        with observe():
            pass
        with pytest.raises(TypeError, match="that backward\\(\\) was called on"):
            why(leaf(1.0), 3.0)
        with pytest.raises(TypeError, match="a model, an optimizer, or a list"):
            why(leaf(1.0), trained=[3.0])

    def test_nothing_observed(self):
        import threading

        caught = []

        def work():
            try:
                why(leaf(1.0))
            except RuntimeError as error:
                caught.append(str(error))

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert "inside `with observe():`" in caught[0]
