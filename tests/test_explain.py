"""explain(): the backward pass as text, with numbers that a calculator agrees with."""

from __future__ import annotations

import re

import numpy as np
import pytest

import nn
from tinygrad_edu import Tensor, explain, no_grad, observe, ops
from tinygrad_edu.viz import text


def leaf(values, name=None):
    return Tensor(np.array(values, float), requires_grad=True, name=name)


def without_source(report):
    return [re.sub(r" +test_explain.py:\d+ .*", "", line) for line in report.split("\n")]


def small():
    w, x = leaf([1.0, -2.0], "w"), np.array([0.5, 3.0])
    with observe():
        h = w * x
        loss = (h * h).sum()
        loss.backward()
    return w, loss


def test_every_op_with_its_numbers():
    _, loss = small()
    lines = without_source(explain(loss))
    assert lines == [
        "Backward pass from loss = 36.25: 3 ops, last first.",
        "upstream × local = contribution, which is added to the gradient of the argument",
        "",
        "loss = sum   y = Σ xᵢ, ∂L/∂xᵢ = g",
        "    upstream 1",
        "    to multiply (argument a): copied = 1 everywhere",
        "",
        "multiply   z = x y, ∂L/∂x = g y, ∂L/∂y = g x",
        "    to h (argument x, 1 of 2): 1 everywhere × [0.5, -6] = [0.5, -6]",
        "    to h (argument y, 2 of 2): 1 everywhere × [0.5, -6] = [0.5, -6]",
        "        added to what was there: [1, -12]",
        "",
        "h = multiply   z = x y, ∂L/∂x = g y, ∂L/∂y = g x",
        "    to w (argument x): [1, -12] × [0.5, 3] = [0.5, -36]",
        "",
        "Gradients:",
        "    ∂/∂w = [0.5, -36]",
    ]


def test_the_line_of_each_op():
    _, loss = small()
    assert re.search(r"h = multiply .* test_explain.py:\d+  (w \* x|h = w \* x)", explain(loss))


def test_every_chain_of_factors_and_their_sum():
    x = leaf(3.0, "x")
    with observe():
        y = x * x
        loss = y * x
        loss.backward()
    lines = without_source(explain(loss, x))
    assert lines == [
        "∂loss/∂x = 27, the sum of 3 chains:",
        "1.  1",
        "    × 3    ∂loss/∂y by x of multiply",
        "    × 3    ∂y/∂x by x of multiply",
        "    = 9",
        "2.  1",
        "    × 3    ∂loss/∂y by x of multiply",
        "    × 3    ∂y/∂x by y of multiply",
        "    = 9",
        "3.  1",
        "    × 9    ∂loss/∂x by y of multiply",
        "    = 9",
        "9 + 9 + 9 = 27",
    ]


def test_chains_of_arrays_add_up_to_the_gradient():
    rng = np.random.default_rng(0)
    w, x = leaf(rng.normal(size=(2, 2)), "w"), rng.normal(size=(3, 2))
    with observe():
        h = np.tanh(x @ w)
        loss = (h * h.sum(axis=0)).mean() + np.linalg.norm(w)
        loss.backward()
    report = explain(loss, w)
    results = re.findall(r"^    = (.*)$", report, re.MULTILINE)
    total = sum(np.array(eval(each)) for each in results)
    np.testing.assert_allclose(total, w.grad, atol=1e-3)
    assert report.endswith(f"= {text.array(w.grad)}")


def test_many_chains_are_told_by_their_last_op():
    x = leaf(1.1, "x")
    with observe():
        y = x
        for _ in range(6):
            y = y * y
        y.backward()
    report = explain(y, x)
    assert "the sum of 64 chains, here by their last op" in report
    parts = [float(each) for each in re.findall(r"^    ([\d.e+]+)    by", report, re.MULTILINE)]
    assert len(parts) == 2
    assert sum(parts) == pytest.approx(float(x.grad), rel=1e-3)


def test_what_a_selection_left_out_is_0_in_its_chain():
    x = leaf([0.0, 4.0], "x")
    with observe():
        loss = np.where(x.data > 0, np.sqrt(x), 0.0).sum()
        loss.backward()
    assert explain(loss, x).endswith("    = [0, 0.25]")
    assert "1 element behind a selection set to 0" in explain(loss)


def test_printed_factors_multiply_to_the_printed_result():
    rng = np.random.default_rng(1)
    agree = total = 0
    for _ in range(300):
        x = leaf(rng.normal(), "x")
        with observe():
            loss = x * float(rng.normal())
            loss.backward(float(rng.normal()))
        (g, local, result), = re.findall(r"\): (\S+) × (\S+) = (\S+)", explain(loss))  # fmt: skip
        agree += f"{float(g) * float(local):.4g}" == f"{float(result):.4g}"
        total += 1
    assert agree / total > 0.98


def test_factors_are_called_as_the_user_calls_them():
    w, data = leaf([[1.0, 2.0], [3.0, 4.0]], "w"), np.array([[0.5, 0.25], [2.0, 0.125]])
    with observe():
        (data @ w).sum().backward()
        loss = (data @ w).sum()
        loss.backward()
    assert "1 × 2 (data[1,0]) + 1 × 0.5 (data[0,0]) = 2.5" in explain(loss)


def test_large_arrays_are_told_by_shape_norm_and_largest():
    w = leaf(np.ones((20, 10)), "w")
    with observe():
        loss = np.tanh(np.arange(40.0).reshape(2, 20) / 1000 @ w).sum()
        loss.backward()
    pattern = r"∂/∂w = \(20, 10\) of norm [\d.]+, largest [\d.]+ at \[\d+, \d+\]"
    assert re.search(pattern, explain(loss))


def test_modules_are_folded_above_15_ops_unless_full():
    model = nn.Sequential(*[nn.Sequential(nn.Dense(3, 3), nn.GELU()) for _ in range(6)])
    with observe():
        loss = (model(np.ones((2, 3))) ** 2).mean()
        loss.backward()
    folded, full = explain(loss), explain(loss, full=True)
    assert "3   3 ops, folded" in folded
    assert "    for 3.0.weight: " in folded
    assert "    on to 2.1.y: " in folded
    assert folded.count("3.0.weight") == 1
    assert "folded" not in full
    assert len(full) > len(folded)


def test_a_long_chain_without_modules_is_cut():
    x = leaf(1.0, "x")
    with observe():
        y = x
        for _ in range(100):
            y = y * 1.01
        y.backward()
    assert "explain(loss, full=True)" in explain(y)
    assert len(explain(y).split("\n")) < 100
    assert len(explain(y, full=True).split("\n")) > 200


def test_names_cannot_write_over_the_terminal():
    x = leaf(1.0, "evil\x1b[2J\nname")
    with observe():
        y = x * 2
        y.backward()
    for report in (explain(y), explain(y, x)):
        assert "\x1b" not in report
        assert "evil\\x1b[2J\\nname" in report


def test_it_shows_itself_as_text():
    _, loss = small()
    assert repr(explain(loss)) == str(explain(loss))


def test_two_passes_show_the_last():
    x = leaf(2.0, "x")
    with observe():
        loss = x * x
        loss.backward(retain_graph=True)
        loss.backward(100.0)
    assert "∂/∂x = 400" in explain(loss)


@pytest.mark.parametrize("pieces", ["eigh", "getitem"])
def test_ops_with_several_outputs_and_plumbing(pieces):
    x = leaf([[2.0, 1.0], [1.0, 3.0]], "x")
    with observe():
        y = np.linalg.eigh(x)[0][0] if pieces == "eigh" else x.reshape(4)[1]
        y.backward()
    assert "∂/∂x" in explain(y)
    assert explain(y, x).startswith("∂y/∂x")


class TestMistakes:
    """One sentence each, which says what to do."""

    def test_no_tensor(self):
        with pytest.raises(TypeError, match="takes a Tensor, such as the loss, not a float"):
            explain(3.0)

    def test_a_constant(self):
        with no_grad():
            y = leaf(1.0) * 2
        with pytest.raises(RuntimeError, match="explain of a constant"):
            explain(y)

    def test_a_leaf(self):
        with pytest.raises(RuntimeError, match="of a leaf"):
            explain(leaf(1.0))

    def test_after_the_fact(self):
        y = leaf(1.0) * 2
        y.backward()
        with observe(), pytest.raises(RuntimeError, match="while nobody observed"):
            explain(y)

    def test_without_a_backward_pass(self):
        with observe():
            y = leaf(1.0) * 2
        with pytest.raises(RuntimeError, match="call backward\\(\\) in the block as well"):
            explain(y)
        y.backward()
        with pytest.raises(RuntimeError, match="call backward\\(\\) in the block as well"):
            explain(y)

    def test_partly_observed(self):
        h = leaf(1.0, "x") * 2
        with observe():
            y = h * 3
            y.backward()
        assert "1 op outside observe() cannot be shown" in explain(y)

    def test_a_parameter_it_does_not_depend_on(self):
        _, loss = small()
        with pytest.raises(ValueError, match="no gradient went from the loss to other"):
            explain(loss, leaf(1.0, "other"))
        with pytest.raises(ValueError, match="constant"):
            explain(loss, Tensor(1.0))
        with pytest.raises(TypeError, match="takes a Tensor to explain, not a str"):
            explain(loss, "w")


def test_softmax_says_what_it_is_made_of():
    x = leaf([0.1, 0.2, 0.7], "x")
    with observe():
        p = ops.softmax(x)
        loss = (p * np.array([1.0, 0, 0])).sum()
        loss.backward()
    report = explain(loss)
    assert re.search(r"t\d = \w+\(.*g.*\)", report)
    assert "element [0]:" in report
