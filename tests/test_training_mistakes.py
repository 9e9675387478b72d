"""What a Trainer refuses, before it changes anything."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import nn
from nn import metrics
from nn.nonfinite import origin_of_nonfinite

from .test_callbacks import same
from .test_training import data, trainer

# -------------------------------------------------------------------- data


def refuse(message: str, rows: Any = None, kind: type[Exception] = ValueError, **fit: Any) -> None:
    t = trainer()
    before = t.model.state_dict()
    with pytest.raises(kind, match=message):
        t.fit(rows if rows is not None else data(), progress=False, **fit)
    for name, value in t.model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_bad_data_are_refused_before_training_starts() -> None:
    x, y = data().arrays
    refuse("the dataset is empty", (x[:0], y[:0]))
    refuse(r"equally long, and are \[60, 59\]", (x, y[:-1]))
    refuse(r"class indices from 0 to 2", (x, np.where(np.arange(60) == 57, 2, y)))
    refuse(r"class indices from -1 to 1", (x, np.where(np.arange(60) == 57, -1, y)))
    refuse("expected input of 3 features .* layer 0", (x[:, :2], y))
    refuse("epochs must be a positive integer", epochs=0)
    refuse("class indices from", validation=(x, y + 1))
    refuse("the dataset is empty", validation=(x[:0], y[:0]))


def test_unknown_names_and_parts_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown metric 'acuracy'; did you mean 'accuracy'"):
        trainer(["acuracy"])
    model, other = nn.Dense(2, 2), nn.Dense(2, 2)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match=r"cross_entrpy.*cross_entropy"):
        nn.Trainer(model, "cross_entrpy", optimizer)
    with pytest.raises(ValueError, match="2 of the optimizer's 2 parameters are not this model's"):
        nn.Trainer(other, "mse", optimizer)
    with pytest.raises(TypeError, match=r"nn.Adam\(model.parameters\(\)\)"):
        nn.Trainer(model, "mse", "adam")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="one number"):
        nn.Trainer(model, nn.MSELoss("none"), optimizer).fit(
            (np.ones((4, 2)), np.ones((4, 2))), batch_size=2
        )
    with pytest.raises(ValueError, match="'val_los'; did you mean 'val_loss'"):
        trainer().fit(data(), data(), callbacks=[nn.EarlyStopping("val_los")], progress=False)
    with pytest.raises(TypeError, match="data are \\(x, y\\)"):
        trainer().fit(data().x, progress=False)
    with pytest.raises(ValueError, match="clip_norm must be positive"):
        trainer(clip_norm=-1.0)
    with pytest.raises(ValueError, match="no training to save yet"):
        trainer().save("nowhere")
    with pytest.raises(ValueError, match="patience"):
        nn.EarlyStopping(patience=0)


def test_numbers_that_are_none() -> None:
    for wrong in (None, "3", float("nan"), 2.5, 0):
        with pytest.raises(ValueError, match="epochs must be a positive integer, not "):
            trainer().fit(data(), epochs=wrong, progress=False)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="batch_size must be a positive integer, not "):
            nn.DataLoader(data(), wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="batch_size must be a positive integer, not 'all'"):
        trainer().fit(data(), batch_size="all", progress=False)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"Dense: in_features must be .*, not \(28, 28\)"):
        nn.Dense((28, 28), 10)  # type: ignore[arg-type]


def test_data_without_targets_are_refused() -> None:
    x = data().x
    for rows in (nn.DataLoader(x, 10), nn.Dataset(x), (x,)):
        with pytest.raises(ValueError, match="inputs and targets are needed"):
            trainer().fit(rows, progress=False)
        with pytest.raises(ValueError, match="inputs and targets are needed"):
            trainer().evaluate(rows)


class ByNumber:
    """A dataset that knows no slices and no arrays of indices."""

    def __len__(self) -> int:
        return 60

    def __getitem__(self, i: int) -> Any:
        return data().x.tolist()[i], data().y.tolist()[i]


def test_a_dataset_that_takes_single_numbers_only_is_told_what_is_needed() -> None:
    for fit in (
        lambda: trainer().fit(ByNumber(), progress=False),  # type: ignore[arg-type]
        lambda: trainer().fit(data(), ByNumber(), progress=False),  # type: ignore[arg-type]
        lambda: list(nn.DataLoader(ByNumber(), 8, shuffle=True)),  # type: ignore[arg-type]
    ):
        with pytest.raises(TypeError, match=r"ByNumber\[indices\], .* array of .*nn\.Dataset"):
            fit()


class Rows:
    """A dataset of one's own, which reads the samples it is asked for, and no others."""

    def __init__(self, n: int = 60) -> None:
        self.data, self.read = data(n), 0

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: Any) -> Any:
        rows = self.data[index]
        self.read += len(rows[0])
        return rows


def test_a_dataset_of_ones_own_is_not_read_before_training() -> None:
    rows = Rows()
    history = trainer().fit(rows, batch_size=20, progress=False)  # type: ignore[arg-type]
    assert rows.read == 61
    same(history, trainer().fit(data(), batch_size=20, progress=False))


def test_targets_and_indices_out_of_range_are_found_wherever_they_are() -> None:
    x, y = data().x, data().y[:, None].astype(np.float64)
    model = nn.Dense(3, 1)
    t = nn.Trainer(model, "bce_with_logits", nn.SGD(model.parameters()))
    before = model.state_dict()
    for bad in (2.0, -1.0, np.nan):
        spoilt = np.where(np.arange(60)[:, None] == 57, bad, y)
        with pytest.raises(ValueError, match="targets must be from 0 to 1"):
            t.fit((x, spoilt), batch_size=8, progress=False)
    words = np.random.default_rng(0).integers(0, 5, (60, 3))
    words[57, 1] = 5
    reader = nn.Sequential(nn.Embedding(5, 4), nn.Flatten(), nn.Dense(12, 2))
    t = nn.Trainer(reader, "cross_entropy", nn.SGD(reader.parameters()))
    with pytest.raises(IndexError, match=r"indices from . to 5"):
        t.fit((words, data().y), batch_size=8, progress=False)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_trying_out_draws_nothing() -> None:
    images = np.random.default_rng(0).normal(size=(20, 1, 4, 4)).astype(np.float32)
    rows = images, np.arange(20) % 2
    seen: list[Any] = []
    loader = nn.DataLoader(
        rows, 20, transform=lambda x: seen.append(nn.transforms.RandomShift(1)(x)) or seen[-1]
    )
    model = nn.Sequential(nn.Flatten(), nn.Dense(16, 2))
    nn.manual_seed(1)
    nn.Trainer(model, "cross_entropy", nn.SGD(model.parameters())).fit(loader, progress=False)
    nn.manual_seed(1)
    np.testing.assert_array_equal(seen[-1], nn.transforms.RandomShift(1)(images))


def test_a_loss_must_be_a_tensor_and_a_model_return_one() -> None:
    t = trainer()
    t.loss = lambda y, target: float(y.data.mean())
    with pytest.raises(TypeError, match=r"the loss must return a Tensor, .* not a float"):
        t.fit(data(), progress=False)
    lstm = nn.LSTM(3, 2)
    x = np.ones((4, 5, 3))
    t = nn.Trainer(lstm, "mse", nn.SGD(lstm.parameters()))
    with pytest.raises(TypeError, match=r"mse_loss: .*was given several values.*output\[:, -1\]"):
        t.fit((x, np.ones((4, 5, 2))), batch_size=4, progress=False)
    with pytest.raises(TypeError, match=r"cross_entropy: .*was given several values"):
        nn.cross_entropy(lstm(x), np.ones((4, 5), int))
    with pytest.raises(TypeError, match="predict needs one Tensor, and the model returns a tuple"):
        t.predict(x)


def test_nan_in_the_targets_is_told() -> None:
    model = nn.Dense(3, 1)
    t = nn.Trainer(model, "mse", nn.SGD(model.parameters()))
    targets = np.where(np.arange(60)[:, None] == 57, np.nan, 1.0)
    with pytest.raises(FloatingPointError, match="the target holds 1 values that are not finite"):
        t.fit((data().x, targets), progress=False)
    assert origin_of_nonfinite(model, [data().x], targets).startswith("the target holds 1 values")


# -------------------------------------------------------------------- parts


def test_a_schedule_of_another_optimizer_and_other_things_are_refused() -> None:
    model = nn.Dense(2, 2)
    optimizer, other = nn.SGD(model.parameters()), nn.SGD(model.parameters())
    build = partial(nn.Trainer, model, "mse", optimizer)
    with pytest.raises(ValueError, match="the schedule is of another optimizer"):
        build(scheduler=nn.StepLR(other, 1))
    with pytest.raises(TypeError, match="scheduler is one such as"):
        build(scheduler="step")
    with pytest.raises(ValueError, match=r"ReduceLROnPlateau .* once an epoch"):
        build(scheduler=nn.ReduceLROnPlateau(optimizer), schedule="batch")


def test_what_is_no_callback_is_refused() -> None:
    for wrong, words in (
        (nn.EarlyStopping, "write EarlyStopping"),
        (None, "not None"),
        ("early", "not 'early'"),
    ):
        with pytest.raises(TypeError, match=f"callbacks are .*{words}"):
            trainer().fit(data(), callbacks=[wrong], progress=False)  # type: ignore[list-item]
    with pytest.raises(TypeError, match="callbacks are a list"):
        trainer().fit(data(), callbacks=nn.EarlyStopping(), progress=False)  # type: ignore[arg-type]


def test_two_metrics_of_the_same_name_are_refused() -> None:
    tops = [partial(metrics.top_k, k=1), partial(metrics.top_k, k=2)]
    with pytest.raises(ValueError, match=r"two metrics are called 'top_k'; .* as a dict"):
        trainer(tops)
    with pytest.raises(ValueError, match=r"a metric cannot be called 'loss'"):
        trainer({"loss": metrics.accuracy})
    with pytest.raises(ValueError, match="unknown metric 'acuracy'"):
        trainer({"acc": "acuracy"})
    with pytest.raises(TypeError, match=r"metrics are a list or a dict, as in \['accuracy'\]"):
        trainer(metrics.accuracy)
