"""What callbacks write, show and save, and a training resumed from it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from nn.history import History

from .test_training import data, trainer


def same(a: History, b: History) -> None:
    """All figures but the seconds, bit for bit."""
    assert len(a) == len(b)
    for ours, theirs in zip(a, b, strict=True):
        assert {**ours, "seconds": 0} == {**theirs, "seconds": 0}


@pytest.mark.parametrize("epochs", [1, 3, 5])
def test_resumed_training_gives_the_same_figures_bit_for_bit(tmp_path: Path, epochs: int) -> None:
    def build() -> tuple[nn.Trainer, list[Any]]:
        t = trainer(["accuracy"], lr=0.02, l2=0.01)
        t.scheduler = nn.CosineAnnealingLR(t.optimizer, T_max=7)
        path = tmp_path / "at-{epoch}.safetensors"
        return t, [nn.ModelCheckpoint(path), nn.EarlyStopping(patience=2)]

    def loader() -> nn.DataLoader:
        return nn.DataLoader(data(), 16, shuffle=True, seed=4)

    whole, callbacks = build()
    expected = whole.fit(loader(), data(20, 1), epochs=7, callbacks=callbacks, progress=False)
    saved = tmp_path / f"at-{min(epochs, len(expected))}.safetensors"
    again, callbacks = build()
    nn.manual_seed(99)
    for p in again.model.parameters():
        p.data += 1
    history = again.fit(
        loader(), data(20, 1), epochs=7, callbacks=callbacks, progress=False, resume=saved
    )
    same(history, expected)
    for name, value in whole.model.state_dict().items():
        np.testing.assert_array_equal(value, again.model.state_dict()[name])


def test_patience_is_resumed(tmp_path: Path) -> None:
    def build() -> tuple[nn.Trainer, list[Any]]:
        path = tmp_path / "at-{epoch}.safetensors"
        return trainer(lr=0.0), [nn.ModelCheckpoint(path), nn.EarlyStopping(patience=3)]

    t, callbacks = build()
    options: Any = {"validation": data(20, 1), "epochs": 9, "progress": False}
    assert len(t.fit(data(), callbacks=callbacks, **options)) == 4
    for epoch in (2, 3, 4):
        t, callbacks = build()
        saved = tmp_path / f"at-{epoch}.safetensors"
        assert len(t.fit(data(), callbacks=callbacks, resume=saved, **options)) == 4


def test_save_best_only(tmp_path: Path) -> None:
    t = trainer(lr=0.0)
    saver = nn.ModelCheckpoint(tmp_path / "run" / "{epoch}.safetensors", "val_loss", True)
    t.fit(data(), data(20, 1), epochs=3, callbacks=[saver], progress=False)
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["1.safetensors"]


def test_a_checkpoint_that_is_not_of_a_training(tmp_path: Path) -> None:
    t = trainer()
    nn.save(tmp_path / "model.safetensors", t.model)
    with pytest.raises(ValueError, match="not saved by a Trainer"):
        t.fit(data(), progress=False, resume=tmp_path / "model.safetensors")


def test_csv_log_holds_every_digit(tmp_path: Path) -> None:
    history = trainer().fit(
        data(), epochs=2, callbacks=[nn.CSVLog(tmp_path / "logs" / "log.csv")], progress=False
    )
    with open(tmp_path / "logs" / "log.csv") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["loss"]) for row in rows] == history["loss"]
    assert list(rows[0]) == history.names


def test_plot(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib").use("Agg")
    history = trainer().fit(data(), data(20, 1), epochs=3, progress=False)
    axes = history.plot(tmp_path / "history.png")
    assert [a.get_title() for a in axes] == ["loss", "accuracy"]
    line, validation = axes[0].get_lines()
    np.testing.assert_array_equal(line.get_ydata(), history["loss"])
    np.testing.assert_array_equal(validation.get_ydata(), history["val_loss"])
    assert (tmp_path / "history.png").stat().st_size > 5000
    with pytest.raises(ValueError, match="nothing to plot"):
        History().plot()


def test_progress_bar(capsys: pytest.CaptureFixture[str]) -> None:
    trainer().fit(data(), epochs=2, batch_size=20, callbacks=[nn.EarlyStopping(patience=9)])
    shown = capsys.readouterr().err
    assert "6/6" in shown
    assert "epoch 2/2" in shown
