"""compare: gradients derived by hand, and what each usual slip is called."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nn
from tinygrad_edu import Tensor, compare

rng = np.random.default_rng(0)


class TestCompare:
    def setup_method(self) -> None:
        self.x, self.t = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
        self.w = Tensor(rng.normal(size=(3, 2)), requires_grad=True, name="w")
        self.b = Tensor(rng.normal(size=2), requires_grad=True, name="b")
        self.error = self.x @ self.w + self.b - self.t
        self.loss = (self.error**2).sum() / 5
        self.gw = 2 * self.x.T @ self.error.data / 5
        self.gb = 2 * self.error.data.sum(axis=0) / 5

    def say(self, gw: Any, gb: Any = None) -> str:
        gb = self.gb if gb is None else gb
        report = compare([gw, gb], self.loss, [self.w, self.b])
        assert bool(report) == all(row.verdict == "right" for row in report.rows)
        return report.rows[0].verdict if gb is self.gb else report.rows[1].verdict

    def test_right(self) -> None:
        assert compare([self.gw, self.gb], self.loss, [self.w, self.b])
        assert compare({"w": self.gw, "b": self.gb}, self.loss, {"w": self.w, "b": self.b})
        assert compare({"b": self.gb, "w": Tensor(self.gw)}, lambda: self.loss, (self.w, self.b))
        assert compare(self.gw, self.loss, self.w)
        assert self.w.grad is None
        self.loss.backward()

    def test_factors(self) -> None:
        say = self.say
        assert say(5 * self.gw) == "wrong: 5 times too large; was 1/N forgotten (N = 5)?"
        assert say(-5 * self.gw).endswith("(N = 5)?; its sign is flipped")
        assert "divided by N = 5 once too often" in say(self.gw / 5)
        assert say(-self.gw) == "wrong: its sign is flipped"
        assert say(2 * self.gw) == "wrong: twice what is right; was a factor 1/2 forgotten?"
        assert say(self.gw / 2).startswith("wrong: half of what is right")
        assert say(1.234 * self.gw) == "wrong: 1.234 times what is right"

    def test_shapes(self) -> None:
        say, e = self.say, 2 * self.error.data / 5
        assert say(self.gw.T) == "wrong shape: transposed"
        assert say(-self.gw.T) == "wrong shape: transposed; its sign is flipped"
        assert say(self.gw, e) == "wrong shape: not summed over axis 0, the batch"
        assert say(self.gw, -5 * e).startswith(
            "wrong shape: not summed over axis 0, the batch; 5 t"
        )
        assert say(self.x[:, :, None] * e[:, None, :]).endswith("not summed over axis 0, the batch")
        assert say(self.gw, self.gb[None]) == (
            "wrong shape: the values in shape (1, 2) instead of (2,); is it keepdims?"
        )
        assert say(self.gw.sum(axis=0)).endswith("summed over axis 0, which the parameter has")
        assert say(self.gw[:1]).startswith("wrong shape: (1, 2) instead of (3, 2), and no usual")

    def test_a_square_matrix_transposed(self) -> None:
        w = Tensor(rng.normal(size=(3, 3)), requires_grad=True)
        loss = (self.x @ w @ np.ones((3, 1))).sum()
        right = self.x.sum(axis=0)[:, None] * np.ones((1, 3))
        assert compare(right, loss, w)
        assert compare(right.T, loss, w).rows[0].verdict == "wrong: transposed"

    def test_elements(self) -> None:
        other = self.gw.copy()
        other[2, 1] += 1
        assert self.say(other).startswith("wrong: 1 of 6 elements, as")
        assert self.say(other).endswith("at [2, 1]")
        other[2, 1] = np.nan
        assert self.say(other) == "wrong: not finite at [2, 1]"
        assert self.say(self.gw * 0) == "wrong: all of it is 0"
        assert self.say(self.gw + 0.01 * self.w.data).startswith(
            "wrong: differs by 0.01 times the parameter; is a weight decay"
        )
        x = Tensor([1.0, -1.0, 2.0], requires_grad=True)
        report = compare(np.ones(3), x.relu().sum(), x)
        assert report.rows[0].verdict.startswith("wrong: right but where it should be 0, as at [1]")
        assert compare([None, self.gb], self.loss, [self.w, self.b]).rows[0].verdict == "missing"
        unused = compare([np.ones(3)], self.loss, [x])
        assert unused.rows[0].verdict == "wrong: all of it should be 0"

    def test_models_and_names(self) -> None:
        model = nn.Sequential(nn.Dense(3, 2))
        loss = nn.mse_loss(model(self.x), self.t)
        e = (model(self.x).data - self.t) * 2 / self.t.size
        report = compare({"0.weight": self.x.T @ e, "0.bias": e}, loss, model)
        assert report["0.weight"].verdict == "right"
        assert "not summed over axis 0" in report["0.bias"].verdict
        assert [row.verdict for row in compare({"0.bias": e.sum(0)}, loss, model).rows] == [
            "missing",
            "right",
        ]
        with pytest.raises(ValueError, match=r"gradients for weight, and the parameters are 0\.w"):
            compare({"weight": e}, loss, model)
        with pytest.raises(ValueError, match="3 gradients were given for 2"):
            compare([e, e, e], loss, model)

    def test_the_mean_of_all_elements(self) -> None:
        loss = nn.mse_loss(self.x @ self.w, self.t)
        g = 2 * self.x.T @ ((self.x @ self.w).data - self.t)
        verdict = compare(g, loss, self.w).rows[0].verdict
        assert verdict == "wrong: 10 times too large; was 1/N forgotten (N = 10)?"


class TestNothingCompared:
    """Zeros that agree with zeros say nothing if the loss is computed from other Tensors."""

    def setup_method(self) -> None:
        self.p = Tensor([1.0, 2.0], requires_grad=True, name="p")
        self.q = Tensor([3.0, 4.0], requires_grad=True, name="q")

    def test_a_loss_of_other_tensors(self) -> None:
        other = Tensor([1.0, 2.0], requires_grad=True)
        report = compare([np.zeros(2), np.zeros(2)], (other**2).sum(), [self.p, self.q])
        assert not report
        assert {row.verdict for row in report.rows} == {
            "disconnected: the loss is not computed from any of these parameters"
        }

    def test_one_parameter_may_be_unused(self) -> None:
        mine = [2 * self.p.data, np.zeros(2)]
        assert compare(mine, (self.p**2).sum(), [self.p, self.q])
        assert not compare([mine[0], np.ones(2)], (self.p**2).sum(), [self.p, self.q])

    def test_a_loss_that_is_no_tensor(self) -> None:
        for loss in (3.0, self.p.data.sum(), lambda: (self.p**2).sum().item(), None):
            with pytest.raises(TypeError, match=r"compare: the loss is of type .*give the Tensor"):
                compare([np.zeros(2)], loss, [self.p])
        with pytest.raises(RuntimeError):
            compare([np.zeros(2)], (self.p**2).sum().detach(), [self.p])

    def test_a_parameter_without_elements(self) -> None:
        empty = Tensor(np.zeros((0, 2)), requires_grad=True)
        loss = empty.sum() + (self.p**2).sum()
        report = compare([np.zeros((0, 2))], loss, [empty])
        assert not report
        assert report.rows[0].verdict == "empty"
        assert compare([np.zeros((0, 2)), 2 * self.p.data], loss, [empty, self.p])
        assert not compare([np.zeros(2)], loss, [empty])
        assert not compare([], self.p.sum(), [])

    def test_a_gradient_of_the_loss_that_is_not_finite(self) -> None:
        x = Tensor([0.0, 1.0], requires_grad=True)
        report = compare([np.array([np.inf, 0.5])], np.sqrt(x).sum(), [x])
        assert report.rows[0].verdict == "undefined: the loss has no finite gradient at [0]"
        assert not report
        assert not compare([np.array([1.0, 0.5])], np.sqrt(x).sum(), [x])


def test_a_row_that_does_not_exist() -> None:
    p = Tensor([1.0], requires_grad=True, name="p")
    report = compare([np.ones(1)], p.sum(), [p])
    assert report["p"].verdict == "right"
    with pytest.raises(KeyError, match="the report has no row 'q'; its rows are p"):
        report["q"]
