"""What callbacks write, show and save, and a training resumed from it."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from nn.callbacks import Callback
from nn.history import History
from tinygrad_edu import Tensor

from .test_training import Forced, data, scripted, trainer


def same(a: History, b: History) -> None:
    """All values but the seconds, bit for bit."""
    assert len(a) == len(b)
    for ours, theirs in zip(a, b, strict=True):
        assert {**ours, "seconds": 0} == {**theirs, "seconds": 0}


@pytest.mark.parametrize("epochs", [1, 3, 5])
def test_resumed_training_gives_the_same_values_bit_for_bit(tmp_path: Path, epochs: int) -> None:
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


def test_csv_names_are_quoted_and_no_formulas() -> None:
    history = History([{"a,b": 0.1, 'say "x"': -1, "=1+1": 1e-300, "two\nlines": 3}])
    names, values = csv.reader(history.csv().splitlines(keepends=True))
    assert names == ["a,b", 'say "x"', "'=1+1", "two\\nlines"]
    assert list(map(float, values)) == [0.1, -1, 1e-300, 3]


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


def test_a_penalty_of_ones_own_is_added() -> None:
    class Shrinking(Forced):
        def penalty(self) -> Tensor:
            return self.w.sum()

    model = Shrinking(1.0)
    rows = np.zeros((4, 1)), np.ones((4, 1))
    t = nn.Trainer(model, "mse", nn.SGD([model.w], lr=0.5))
    assert t.fit(rows, batch_size=4, progress=False)["penalty"] == [1.0]
    assert model.w.data[0] == 0.5


def test_the_best_checkpoint_stays_when_training_resumes_from_another(tmp_path: Path) -> None:
    rows = np.zeros((4, 1)), np.zeros((4, 1))

    def fit(values: list[float], epochs: int, **options: Any) -> None:
        last = nn.ModelCheckpoint(tmp_path / "last")
        best = nn.ModelCheckpoint(tmp_path / "best", "score", save_best_only=True)
        t = scripted(values)
        t.fit(rows, epochs=epochs, batch_size=4, callbacks=[last, best], progress=False, **options)

    fit([0.2, 0.5], 2)
    fit([0.4, 0.3], 4, resume=tmp_path / "last")
    assert nn.load(tmp_path / "best").more["history"][-1]["score"] == 0.5
    fit([0.6], 5, resume=tmp_path / "last")
    assert nn.load(tmp_path / "best").more["history"][-1]["score"] == 0.6


def test_a_training_that_does_not_begin_gives_no_weights_back() -> None:
    stopping = nn.EarlyStopping("loss", patience=9)
    t = trainer()
    t.fit(data(), callbacks=[stopping], progress=False)
    t.fit(data(), progress=False)
    now = t.model.state_dict()
    with pytest.raises(ValueError, match="unknown column"):
        t.fit(data(), callbacks=[nn.EarlyStopping("los"), stopping], progress=False)
    for name, value in t.model.state_dict().items():
        np.testing.assert_array_equal(value, now[name])


@pytest.mark.parametrize("when", ["before", "within"])
def test_an_interrupt_at_the_end_of_the_best_epoch_keeps_its_weights(
    when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = np.zeros((4, 1)), np.zeros((4, 1))
    t = scripted([0.1, 0.2, 0.3])
    copied = t.model.state_dict
    calls: list[int] = []

    def copying() -> Any:
        if len(t.history) == 3 and when == "within" and not calls:
            calls.append(1)
            raise KeyboardInterrupt
        return copied()

    def interrupt(trainer: nn.Trainer) -> None:
        if len(trainer.history) == 3 and when == "before":
            raise KeyboardInterrupt

    monkeypatch.setattr(t.model, "state_dict", copying)
    stopping = nn.EarlyStopping("score", patience=9)
    seen: list[float] = []

    class See(Callback):
        def on_batch_end(self, trainer: nn.Trainer) -> None:
            seen.append(float(t.model.w.data[0]))  # type: ignore[arg-type]

    callbacks = [interrupt, stopping, See()]
    history = t.fit(rows, epochs=9, batch_size=4, callbacks=callbacks, progress=False)
    assert history.stopped == "interrupted after 3 of 9 epochs"
    assert history.best("score")["epoch"] == stopping.best_epoch == 3
    assert t.model.w.data[0] == seen[2]  # type: ignore[index, union-attr]


def test_a_shuffled_validation_is_resumed_bit_for_bit(tmp_path: Path) -> None:
    def fit(epochs: int, **options: Any) -> Any:
        validation = nn.DataLoader(data(50, 1), 7, shuffle=True, seed=5)
        keep = nn.ModelCheckpoint(tmp_path / "{epoch}")
        t = trainer()
        return t.fit(data(), validation, epochs=epochs, callbacks=[keep], progress=False, **options)

    whole = fit(4)
    same(fit(4, resume=tmp_path / "2"), whole)


def test_resuming_with_other_columns_is_refused(tmp_path: Path) -> None:
    keep = nn.ModelCheckpoint(tmp_path / "last")
    trainer().fit(data(), data(20, 1), epochs=2, callbacks=[keep], progress=False)
    t = trainer()
    before = t.model.state_dict()
    with pytest.raises(
        ValueError, match=r"had the columns .*val_loss, and this one has accuracy, loss;"
    ):
        t.fit(data(), epochs=3, progress=False, resume=tmp_path / "last")
    for name, value in t.model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_the_bar_is_quiet_without_ipywidgets() -> None:
    code = """
import sys, types
sys.modules["ipywidgets"] = None
ipython = types.ModuleType("IPython")
ipython.get_ipython = lambda: types.SimpleNamespace(config={"IPKernelApp": {}})
sys.modules["IPython"] = ipython
from nn.callbacks import Progress
class Part(list): history, loader, epochs = [], [1], 1
bar = Progress()
bar.on_train_begin(Part)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Warning" not in ran.stderr
    assert "0/1" in ran.stderr


def test_a_missing_safetensors_is_told_when_the_callback_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ModuleNotFoundError, match=r"needs safetensors: pip install safetensors$"):
        nn.ModelCheckpoint("run.safetensors")
