"""What a Trainer reports: independent of the batches, and Python floats."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import nn
from nn import metrics
from tinygrad_edu import Tensor

from .test_training import data, trainer

WEIGHT = np.array([1.0, 20.0], np.float32)


def masked(prediction: Any, target: Any) -> Any:
    """A loss of one's own that counts some of the samples only."""
    mask = (target == 1).astype(np.float32)
    return (nn.cross_entropy(prediction, target, "none") * mask).sum() / max(mask.sum(), 1)


LOSSES: dict[str, Any] = {
    "class weights": nn.CrossEntropyLoss(weight=WEIGHT),
    "class weights by partial": partial(nn.cross_entropy, weight=WEIGHT),
    "class weights in a function": lambda y, t: nn.cross_entropy(y, t, weight=WEIGHT),
    "ignored": nn.CrossEntropyLoss(ignore_index=0),
    "ignored and weights": nn.CrossEntropyLoss(ignore_index=0, weight=WEIGHT),
    "sum": nn.CrossEntropyLoss("sum"),
    "sum by partial": partial(nn.cross_entropy, reduction="sum"),
    "own mask": masked,
    "mean": "cross_entropy",
    "log-likelihood": lambda y, t: nn.nll_loss(y.log_softmax(), t, weight=WEIGHT),
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
def test_evaluation_does_not_depend_on_the_batches(name: str) -> None:
    x, y = data(61).arrays
    order = np.argsort(y, kind="stable")  # batches of one class each
    model = nn.Sequential(nn.Dense(3, 2))
    t = nn.Trainer(model, LOSSES[name], nn.SGD(model.parameters(), lr=0.1), ["accuracy", "f1"])
    expected = float(t.loss(model(x), y))
    for rows in ((x, y), (x[order], y[order])):
        for size in (1, 7, 60, 61, 256):
            scores = t.evaluate(rows, batch_size=size)
            assert scores["loss"] == pytest.approx(expected, rel=1e-5)
            counted = y != 0 if "ignored" in name else y >= 0
            assert scores["f1"] == metrics.f1(model(x).data[counted], y[counted])
    history = t.fit((x, y), nn.DataLoader((x, y), 5), epochs=1, progress=False)
    final = float(t.loss(model(x), y))
    assert history["val_loss"][-1] == pytest.approx(final, rel=1e-5)
    if "sum" in name:  # training's is that of the epoch, as validation's is
        assert 0.5 < history["loss"][-1] / expected < 2


def test_outputs_of_several_parts_are_judged_together() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            self.a, self.b = nn.Dense(3, 2), nn.Dense(3, 1)

        def forward(self, x: Any) -> Any:
            return {"class": self.a(x), "rest": (self.b(x), self.a(x))}

    def loss(output: Any, target: Any) -> Any:
        weighted = nn.cross_entropy(output["class"], target, weight=WEIGHT)
        return weighted + (output["rest"][0] ** 2).mean()

    def right(output: Any, target: Any) -> float:
        return metrics.accuracy(output["class"], target)

    model, rows = Two(), data()
    t = nn.Trainer(model, loss, nn.SGD(model.parameters()), [right])
    expected = float(loss(model(rows.x), rows.y))
    for size in (7, 60):
        assert t.evaluate(rows, batch_size=size)["loss"] == pytest.approx(expected, rel=1e-5)
    assert t.fit(rows, progress=False)["right"][0] > 0


def test_batches_of_other_shapes_are_counted_by_their_size() -> None:
    """Sentences of other lengths in each batch, and outputs with time on the first axis."""
    rng = np.random.default_rng(0)
    batches = [(rng.normal(size=(n, steps, 3)), rng.integers(0, 2, (n, steps)))
               for n, steps in ((4, 5), (2, 7))]  # fmt: skip
    model = nn.Dense(3, 2)
    t = nn.Trainer(model, "cross_entropy", nn.SGD(model.parameters()))
    loader = nn.DataLoader(np.arange(6), 4)
    loader.batch = lambda index: batches[len(index) == 2]  # type: ignore[method-assign]
    each = [float(nn.cross_entropy(model(x), y)) for x, y in batches]
    expected = (4 * each[0] + 2 * each[1]) / 6
    assert t.evaluate(loader)["loss"] == pytest.approx(expected, rel=1e-5)
    first = nn.Lambda(lambda x: x.swapaxes(0, 1))
    model = nn.Sequential(nn.Dense(3, 2), first)
    t = nn.Trainer(
        model, lambda y, target: nn.cross_entropy(y.swapaxes(0, 1), target),
        nn.SGD(model.parameters()),
    )  # fmt: skip
    x, y = rng.normal(size=(6, 4, 3)), rng.integers(0, 2, (6, 4))
    for size in (2, 3, 4, 6):
        expected = float(nn.cross_entropy(model[0](x), y))
        assert t.evaluate((x, y), batch_size=size)["loss"] == pytest.approx(expected, rel=1e-5)


def test_samples_of_several_rows_are_joined() -> None:
    model = nn.Sequential(nn.Dense(3, 2), nn.Lambda(lambda x: x.reshape(-1, 2)))
    loss = lambda y, t: nn.cross_entropy(y, t.reshape(-1), weight=WEIGHT)
    t = nn.Trainer(model, loss, nn.SGD(model.parameters()), ["accuracy"])
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(10, 4, 3)), rng.integers(0, 2, (10, 4))
    expected = float(loss(model(x), y))
    for size in (3, 10):
        scores = t.evaluate((x, y), batch_size=size)
        assert scores["loss"] == pytest.approx(expected, rel=1e-5)
        assert scores["accuracy"] == metrics.accuracy(model(x), y)


def test_an_error_of_the_loss_is_its_own() -> None:
    t = trainer()
    with pytest.raises(ValueError, match="class indices from 1 to 2"):
        t.evaluate((data().x, data().y + 1), batch_size=20)


# -------------------------------------------------------------------- metrics of one's own


@pytest.mark.parametrize(
    "value",
    [
        np.float32(0.5), np.float16(0.5), np.array(0.5), np.array([0.5], np.float32), Tensor(0.5),
        Tensor([[0.5]], requires_grad=True), 0.5,
    ],
)  # fmt: skip
def test_metrics_end_as_python_floats(value: Any) -> None:
    t = trainer({"mine": lambda predicted, target: value, "count": lambda p, t: np.int32(3)})
    history = t.fit(data(), data(20, 1), progress=False)
    for row in (history.rows[0], t.evaluate(data())):
        for name, number in row.items():
            assert type(number) is (int if name == "epoch" else float), name
    assert history["val_mine"] == [0.5]


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (lambda p, t: None, "'bad' must return one number, and returns NoneType"),
        (lambda p, t: p, r"'bad' must return one number, and returns shape \(\d+, 2\)"),
        (lambda p, t: "high", "'bad' must return one number, and returns str"),
        (
            lambda p: 0.5,
            r"\(\d+, 2\) of predictions and an array \(\d+,\) of targets, in this order",
        ),
        (metrics.mse, "do not match targets"),
        (lambda p, t: metrics.precision(t, p), "the predictions come first"),
        (partial(metrics.f1, average=None), r"'bad' must return one number, and returns shape"),
    ],
)
def test_metrics_are_tried_before_training(metric: Any, message: str) -> None:
    t = trainer({"bad": metric})
    before = t.model.state_dict()
    with pytest.raises((ValueError, TypeError), match=message):
        t.fit(data(), progress=False)
    assert nn.state_dict.same(t.model.state_dict(), before)
    assert not t.optimizer.state


@pytest.mark.parametrize(
    "loss",
    [
        "cross_entropy", nn.CrossEntropyLoss(), nn.CrossEntropyLoss(ignore_index=1),
        partial(nn.cross_entropy, ignore_index=1),
        lambda y, t, ignore_index=1: nn.cross_entropy(y, t, ignore_index=ignore_index),
    ],
)  # fmt: skip
def test_metrics_leave_out_what_the_loss_ignores(loss: Any) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(10, 4, 3)), rng.integers(0, 2, (10, 4))
    kept = rng.random((10, 4)) < 0.6
    default = loss == "cross_entropy" or getattr(loss, "ignore_index", 1) == -100
    y = np.where(kept, y * 2, -100 if default else 1)
    model = nn.Dense(3, 3)
    chosen = ["accuracy", partial(metrics.f1, average="weighted"), partial(metrics.top_k, k=2)]
    names = dict(zip(("accuracy", "f1", "top"), chosen, strict=True))
    scores = nn.Trainer(model, loss, nn.SGD(model.parameters()), names).evaluate((x, y), 3)
    p, t = model(x).data[kept], y[kept]
    assert scores["accuracy"] == metrics.accuracy(p, t)
    assert scores["f1"] == metrics.f1(p, t, average="weighted")
    assert scores["top"] == metrics.top_k(p, t, k=2)
    flat = nn.Sequential(model, nn.Lambda(lambda z: z.reshape(-1, 3)))
    rows = lambda z, target: nn.functional.cross_entropy(z, target.reshape(-1))
    if default:
        trainer = nn.Trainer(flat, nn.CrossEntropyLoss(), nn.SGD(flat.parameters()), names)
        trainer.loss = rows
        assert trainer.evaluate((x, y), 3)["accuracy"] == scores["accuracy"]


def test_metrics_find_the_classes_on_the_axis_of_the_loss() -> None:
    def loss(y: Any, t: Any, ignore_index: int = -100, axis: int = 1) -> Any:
        return nn.cross_entropy(np.moveaxis(y, axis, -1), t, ignore_index=ignore_index)

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 2, 4, 4)).astype(np.float32), rng.integers(0, 3, (5, 4, 4))
    y[:, 0] = -100
    model = nn.Conv2d(2, 3, 1)
    t = nn.Trainer(model, loss, nn.SGD(model.parameters()), ["accuracy"])
    scores = t.evaluate((x, y), batch_size=2)
    right = (model(x).data.argmax(1) == y)[:, 1:]
    assert scores["accuracy"] == right.mean()
    assert t.fit((x, y), progress=False)["accuracy"] == [right.mean()]


def test_a_metric_that_needs_more_samples_is_tried_on_more() -> None:
    def needs_both(predicted: Any, target: Any) -> float:
        if len(predicted) < 30 or len(np.unique(target)) < 2:
            raise ValueError("undefined")
        return 1.0

    x, y = data().arrays
    order = np.argsort(y, kind="stable")
    history = trainer([needs_both]).fit((x[order], y[order]), progress=False)
    assert history["needs_both"] == [1.0]


def test_metrics_of_nan_are_nan() -> None:
    t = trainer(["accuracy", "f1"])
    t.model[3].bias.data[:] = np.nan  # type: ignore[index]
    scores = t.evaluate(data(20, 1))
    assert scores.keys() == {"loss", "accuracy", "f1"}
    assert np.isnan(list(scores.values())).all()
