"""The Trainer: its scores, what ends it, what it keeps, and what it refuses."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import pytest

import nn
from nn import metrics
from nn.callbacks import Callback
from nn.nonfinite import origin_of_nonfinite
from tinygrad_edu import Tensor


def data(n: int = 60, seed: int = 0) -> nn.Dataset:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3)).astype(np.float32)
    return nn.Dataset(x, (x[:, 0] > x[:, 1]).astype(np.int64))


def trainer(metrics: Any = ("accuracy",), lr: float = 0.05, **options: Any) -> nn.Trainer:
    nn.manual_seed(0)
    model = nn.Sequential(
        nn.Dense(3, 8, l2=options.pop("l2", 0.0)), nn.ReLU(), nn.Dropout(0.1), nn.Dense(8, 2)
    )
    optimizer = nn.Adam(model.parameters(), lr=lr)
    return nn.Trainer(model, "cross_entropy", optimizer, metrics, **options)


# -------------------------------------------------------------------- the loop and its scores


def test_the_loop_is_the_one_written_by_hand() -> None:
    nn.manual_seed(3)
    hand = nn.Sequential(nn.Dense(3, 4, l2=0.1), nn.Tanh(), nn.Dense(4, 2))
    ours = nn.Sequential(nn.Dense(3, 4, l2=0.1), nn.Tanh(), nn.Dense(4, 2))
    ours.load_state_dict(hand.state_dict())
    train = data()
    optimizer = nn.SGD(hand.parameters(), lr=0.1, momentum=0.9)
    nn.manual_seed(1)
    losses, penalties = [], []
    for x, t in nn.DataLoader(train, 16, shuffle=True):
        loss, penalty = nn.cross_entropy(hand(x), t), hand.penalty()
        optimizer.zero_grad()
        (loss + penalty).backward()
        optimizer.step()
        losses.append(float(loss) * len(t))
        penalties.append(float(penalty) * len(t))
    nn.manual_seed(1)
    fitted = nn.Trainer(ours, "cross_entropy", nn.SGD(ours.parameters(), lr=0.1, momentum=0.9))
    history = fitted.fit(train, batch_size=16, progress=False)
    for p, q in zip(hand.parameters(), ours.parameters(), strict=True):
        np.testing.assert_array_equal(p.data, q.data)
    assert history["loss"] == [sum(losses) / 60]
    assert history["penalty"] == [sum(penalties) / 60]
    assert history["penalty"][0] > 0


@pytest.mark.parametrize(("batch_size", "steps"), [(None, 1), (1, 60), (16, 4)])
def test_full_batch_mini_batch_and_single_sample(batch_size: int | None, steps: int) -> None:
    class Count(Callback):
        steps = 0

        def on_batch_end(self, trainer: nn.Trainer) -> None:
            self.steps += 1

    count = Count()
    trainer().fit(data(), batch_size=batch_size, callbacks=[count], progress=False)
    assert count.steps == steps


def test_history_has_training_and_validation_columns() -> None:
    t = trainer(["accuracy", "f1"], l2=0.01)
    history = t.fit(data(), data(20, 1), epochs=2, batch_size=16, progress=False)
    assert history.names == [
        "epoch", "loss", "penalty", "accuracy", "f1", "val_loss", "val_accuracy", "val_f1",
        "lr", "seconds",
    ]  # fmt: skip
    judged = t.evaluate(data(20, 1))
    assert judged["loss"] == pytest.approx(history["val_loss"][-1], rel=1e-6)
    assert judged["accuracy"] == history["val_accuracy"][-1]
    assert history.as_dict()["epoch"] == [1, 2]
    assert len(str(history).splitlines()) == 7, "the columns that do not fit follow below"
    head, *rows = history.table(every=2, without=["seconds", "lr"]).splitlines()
    assert head.split() == history.names[:-2]
    assert [row.split()[0] for row in rows] == ["1", "2"]


def test_evaluation_does_not_depend_on_the_batch_size_nor_drop() -> None:
    t = trainer()
    t.fit(data(), batch_size=16, progress=False)
    t.model.train()
    small, large = t.evaluate(data(), batch_size=7), t.evaluate(data(), batch_size=60)
    assert small["loss"] == pytest.approx(large["loss"], rel=1e-5)
    assert small["accuracy"] == large["accuracy"]
    predicted = t.predict(data().x, batch_size=7)
    np.testing.assert_allclose(predicted, t.predict(data()), rtol=1e-5, atol=1e-6)
    assert (predicted.argmax(1) == data().y).mean() == small["accuracy"]
    assert all(module.training for _, module in t.model.named_modules())


def test_several_inputs_and_a_target_that_is_the_input() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            self.a, self.b = nn.Dense(2, 1), nn.Dense(3, 1)

        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return self.a(x) + self.b(y)

    rng = np.random.default_rng(0)
    model = Sum()
    rows = rng.normal(size=(20, 2)), rng.normal(size=(20, 3)), rng.normal(size=(20, 1))
    t = nn.Trainer(model, "mse", nn.SGD(model.parameters(), lr=0.1), ["r2", "mae"])
    history = t.fit(rows, epochs=3, batch_size=5, progress=False)
    assert history["loss"][-1] < history["loss"][0]
    assert t.predict(nn.Dataset(*rows)).shape == (20, 1)


def test_clipping_and_schedules() -> None:
    steps = trainer(clip_norm=1e-6)
    before = steps.model.state_dict()
    steps.optimizer = nn.SGD(steps.model.parameters(), lr=1.0)
    steps.fit(data(), batch_size=None, progress=False)
    moved = [np.linalg.norm(v - before[k]) for k, v in steps.model.state_dict().items()]
    assert 0 < math.hypot(*moved) < 2e-6
    t = trainer()
    t.scheduler = nn.StepLR(t.optimizer, step_size=1, gamma=0.5)
    assert t.fit(data(), epochs=3, batch_size=20, progress=False)["lr"] == [0.05, 0.025, 0.0125]
    t = trainer(schedule="batch")
    t.scheduler = nn.StepLR(t.optimizer, step_size=1, gamma=0.5)
    assert t.fit(data(), epochs=1, batch_size=20, progress=False)["lr"] == [0.05 / 4]
    t = trainer()
    t.scheduler = nn.OneCycleLR(t.optimizer, max_lr=0.1, total_steps=6)
    t.schedule = "batch"
    assert t.fit(data(), epochs=2, batch_size=20, progress=False)["lr"][-1] < 1e-5
    t = trainer(lr=0.0)
    t.scheduler = nn.ReduceLROnPlateau(t.optimizer, patience=1)
    t.fit(data(), epochs=2, batch_size=20, progress=False)
    assert t.scheduler.t == 2
    assert t.scheduler.best == min(t.history["loss"])
    t = trainer()
    t.scheduler = nn.ReduceLROnPlateau(t.optimizer)
    t.fit(data(), data(20, 1), epochs=2, batch_size=20, progress=False)
    assert t.scheduler.best == min(t.history["val_loss"])
    limited = trainer(clip_value=1e-9)
    before = limited.model.state_dict()
    limited.optimizer = nn.SGD(limited.model.parameters(), lr=1.0)
    limited.fit(data(), batch_size=None, progress=False)
    moved = max(abs(v - before[k]).max() for k, v in limited.model.state_dict().items())
    assert moved < 2e-9


def test_accuracy_of_logits_is_judged_at_zero() -> None:
    model = nn.Dense(1, 1, init="ones")
    x = np.array([[0.2], [-0.2]], np.float32)
    target = np.array([[1.0], [0.0]], np.float32)
    for loss in ("bce_with_logits", nn.BCEWithLogitsLoss()):
        t = nn.Trainer(model, loss, nn.SGD(model.parameters(), lr=0.1), ["accuracy"])
        assert t.evaluate((x, target))["accuracy"] == 1.0


# -------------------------------------------------------------------- what ends a training


class Forced(nn.Module):
    """Returns a parameter's square, whatever its input."""

    def __init__(self, start: float) -> None:
        self.w = nn.Parameter(np.array([start]))

    def forward(self, x: Tensor) -> Tensor:
        return self.w * self.w + x * 0.0


def test_early_stopping_gives_the_best_weights_back() -> None:
    model = Forced(1.0)
    rows = np.zeros((4, 1)), np.zeros((4, 1))
    t = nn.Trainer(model, "l1", nn.SGD([model.w], lr=0.35))
    seen: list[float] = []

    def shake(trainer: nn.Trainer) -> None:  # worse from the third epoch on
        seen.append(float(model.w.data[0]))
        if len(seen) > 2:
            model.w.data[:] = 5.0 + len(seen)

    stopping = nn.EarlyStopping(patience=3)
    history = t.fit(
        rows, rows, epochs=50, batch_size=4, callbacks=[stopping, shake], progress=False
    )
    assert len(history) == stopping.best_epoch + 3 < 50
    assert history.best()["epoch"] == stopping.best_epoch
    assert model.w.data[0] == seen[stopping.best_epoch - 1]
    assert t.evaluate(rows)["loss"] == min(history["val_loss"])
    assert "no better val_loss for 3 epochs" in str(history.stopped)
    assert not history.interrupted


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_best_weights_come_back_however_it_ends(error: type[BaseException]) -> None:
    t = trainer()
    best: dict[str, Any] = {}

    def watch(trainer: nn.Trainer) -> None:
        if len(trainer.history) == 1:
            best.update(trainer.model.state_dict())
        if len(trainer.history) == 2:
            for p in trainer.model.parameters():
                p.data += 100.0
        if len(trainer.history) == 3:
            raise error

    options: Any = {"epochs": 9, "callbacks": [nn.EarlyStopping("loss"), watch], "progress": False}
    if error is KeyboardInterrupt:
        history = t.fit(data(), **options)
        assert history.stopped == "interrupted after 3 of 9 epochs"
        assert history.interrupted
    else:
        with pytest.raises(RuntimeError):
            t.fit(data(), **options)
    assert len(t.history) == 3
    winner = t.history.best("loss")["epoch"]
    assert winner in (1, 2)
    for name, value in t.model.state_dict().items():
        if winner == 1:
            np.testing.assert_array_equal(value, best[name])
        assert np.abs(value).max() < 50


def test_a_loss_that_is_nan_names_the_first_layer() -> None:
    class Log(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return np.log(x - x - 1)

    model = nn.Sequential(nn.Dense(3, 4), nn.Sequential(nn.ReLU(), Log()), nn.Dense(4, 2))
    t = nn.Trainer(model, "cross_entropy", nn.SGD(model.parameters(), lr=0.1))
    named = r"first output .* is that of layer 1\.1 \(Log\); look at what comes into it"
    with pytest.raises(FloatingPointError, match=named):
        t.fit(data(), progress=False)


def test_nan_is_found_behind_keywords() -> None:
    block = nn.TransformerBlock(4, 1)
    block.linear2.weight.data[0, 0] = np.nan
    found = origin_of_nonfinite(block, [np.ones((1, 2, 4))])
    assert found.startswith("parameter linear2.weight is not finite since an earlier step")


def test_nan_in_the_data_and_in_a_parameter() -> None:
    spoilt = data()
    spoilt.x[7, 1] = np.nan
    with pytest.raises(FloatingPointError, match="the input holds 1 values that are not finite"):
        trainer().fit(spoilt, progress=False)
    t = trainer()

    def spoil(trainer: nn.Trainer) -> None:
        trainer.model[3].bias.data[0] = np.inf  # type: ignore[index]

    with pytest.raises(FloatingPointError, match=r"batch 1: parameter 3\.bias .*; try a smaller"):
        t.fit(data(), epochs=3, callbacks=[spoil], progress=False)
    assert len(t.history) == 1


def test_training_mode_while_fitting_and_evaluation_mode_after() -> None:
    t = trainer()
    t.model.eval()
    seen: list[bool] = []

    class Look(Callback):
        def on_batch_end(self, trainer: nn.Trainer) -> None:
            seen.append(all(module.training for _, module in trainer.model.named_modules()))

    t.fit(data(), data(20, 1), epochs=2, batch_size=20, callbacks=[Look()], progress=False)
    assert seen == [True] * 6
    assert not any(module.training for _, module in t.model.named_modules())


def scripted(values: list[float]) -> nn.Trainer:
    """A training whose metric takes these values, epoch by epoch."""
    model, given = Forced(1.0), iter([0.0, *values])  # the first when it is tried out
    optimizer = nn.SGD([model.w], lr=0.01)
    return nn.Trainer(model, "l1", optimizer, {"score": lambda predicted, target: next(given)})


def test_patience_starts_anew_after_an_improvement_and_in_another_training() -> None:
    rows = np.zeros((4, 1)), np.zeros((4, 1))
    stopping = nn.EarlyStopping("score", patience=3)
    values = [1.0, 0.0, 2.0, 0.0, 0.0, 0.0, 9.0]
    t = scripted(values)
    options: Any = {"epochs": 7, "batch_size": 4, "callbacks": [stopping], "progress": False}
    assert len(t.fit(rows, **options)) == 6
    assert stopping.best_epoch == 3
    t = scripted(values)
    assert len(t.fit(rows, **options)) == 6
    options["callbacks"] = [nn.EarlyStopping("score", patience=2, min_delta=0.06)]
    assert len(scripted([0.0, 0.1, 0.15, 0.12, 0.9]).fit(rows, **options)) == 4


def test_predict_takes_what_fit_takes() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            self.a, self.b = nn.Dense(3, 1), nn.Dense(3, 1)

        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return self.a(x) - self.b(y)

    model, (x, y) = Sum(), (data().x, data(60, 1).x)
    t = nn.Trainer(model, "mse", nn.SGD(model.parameters()))
    expected = model(x, y).data
    np.testing.assert_array_equal(t.predict((x, y)), expected)
    rows = x, y, np.zeros((60, 1))
    np.testing.assert_array_equal(t.predict(nn.Dataset(*rows)), expected)
    np.testing.assert_allclose(t.predict(nn.DataLoader(rows, 7)), expected, rtol=1e-6, atol=1e-6)
    t = trainer()
    for form in (x, x.tolist(), (x,), Tensor(x, requires_grad=True), nn.DataLoader(x, 60)):
        np.testing.assert_array_equal(t.predict(form), t.predict(data()))


def test_metrics_of_the_trainer_by_name_in_a_dict_and_by_function() -> None:
    x, target = np.array([[0.2], [-0.2]], np.float32), np.array([[1.0], [0.0]], np.float32)
    model = nn.Dense(1, 1, init="ones")
    given = {"a": "accuracy", "b": metrics.accuracy, "c": partial(metrics.accuracy, threshold=0.3)}
    for loss, labels in (("bce_with_logits", target), ("hinge", 2 * target - 1)):
        t = nn.Trainer(model, loss, nn.SGD(model.parameters()), given)
        scores = t.evaluate((x, labels))
        assert (scores["a"], scores["b"], scores["c"]) == (1, 1, 0.5)
