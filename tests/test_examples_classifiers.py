"""The examples of classifiers reach their accuracies and save their plots."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn

pytest.importorskip("matplotlib")
from PIL import Image  # comes with matplotlib

from examples import circles, decision_boundary, iris
from examples.common import plt


def numbers(pattern: str, text: str) -> list[float]:
    found = re.search(pattern, text)
    assert found, f"{pattern} is not in {text}"
    return [float(number) for number in found.groups()]


def check_plot(path: Path, smallest: int = 5_000, largest: int = 160_000) -> None:
    with Image.open(path) as image:
        assert min(image.size) > 300
    assert smallest < path.stat().st_size < largest


# -------------------------------------------------------------------- circles


def test_circles_reaches_its_accuracy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    circles.main(["--out", str(tmp_path)])
    out = capsys.readouterr().out
    assert numbers(r"validation accuracy ([\d.]+)%", out)[0] >= 99
    assert re.search(r"epoch +loss +penalty +accuracy +val_loss +val_accuracy", out)
    epochs, best = numbers(r"(\d+) epochs; parameters of epoch (\d+) restored", out)
    assert epochs == min(best + 20, 150)
    for name in ("history.png", "boundary.png"):
        check_plot(tmp_path / name)
        assert f"wrote {tmp_path / name}" in out


def test_circles_network_is_as_documented() -> None:
    model = circles.network()
    assert [type(module).__name__ for module in model] == [
        *("Dense", "ReLU", "Dropout", "Dense", "ReLU", "Dense", "Sigmoid")
    ]
    assert [p.shape for p in model.parameters() if p.ndim == 2] == [(2, 16), (16, 8), (8, 1)]
    assert [getattr(module, "l2", 0) for module in model] == [0.01, 0, 0, 0, 0, 0, 0]


def test_circles_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupts(nn.EarlyStopping):
        def on_epoch_end(self, trainer: nn.Trainer) -> None:
            if len(trainer.history) == 3:
                raise KeyboardInterrupt

    monkeypatch.setattr(nn, "EarlyStopping", Interrupts)
    with pytest.raises(SystemExit) as end:
        circles.main(["--points", "100", "--out", str(tmp_path)])
    assert end.value.code == 130
    assert str(tmp_path / "interrupted.npz") in capsys.readouterr().err
    with np.load(tmp_path / "interrupted.npz") as saved:
        assert saved["model.0.weight"].shape == (2, 16)


# -------------------------------------------------------------------- decision_boundary


def test_decision_boundary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    decision_boundary.main(["--epochs", "30", "--frames", "4", "--out", str(tmp_path)])
    out = capsys.readouterr().out
    assert numbers(r"test accuracy ([\d.]+)%", out)[0] >= 98
    shown = [int(epoch) for epoch in re.findall(r"^ +(\d+)  \d", out, re.MULTILINE)]
    assert shown[0] == 0
    assert shown[-1] == 30
    check_plot(tmp_path / "boundary.png")
    with Image.open(tmp_path / "boundary.gif") as movie:
        assert movie.n_frames == len(shown)
        assert movie.info["loop"] == 0, "it repeats"
    assert (tmp_path / "boundary.gif").stat().st_size / len(shown) * 40 < 1.5e6


def test_decision_boundary_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def draw(axes: Any, model: Any, data: Any, title: str) -> None:
        if "epoch 2" in title:
            raise KeyboardInterrupt

    monkeypatch.setattr(decision_boundary, "draw", draw)
    with pytest.raises(SystemExit) as end:
        decision_boundary.main(["--epochs", "3", "--out", str(tmp_path)])
    assert end.value.code == 130
    with np.load(tmp_path / "interrupted.npz") as saved:
        assert saved["rows"].shape == (3, 5)
    assert "model, rows saved" in capsys.readouterr().err


def test_dashed_lines_are_where_units_switch_on() -> None:
    model = nn.Network([2, 8, 1], output="sigmoid")
    weight, bias, *_ = model.parameters()
    bias.data[:] = np.linspace(-1, 1, 8)
    axes = plt.figure().add_subplot()
    decision_boundary.draw(axes, model, nn.datasets.circles(50), "")
    lines = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert len(lines) == 8
    for i, line in enumerate(lines):
        for point in (line.get_xy1(), line.get_xy2()):
            assert abs(point @ weight.data[:, i] + bias.data[i]) < 1e-5
    plt.close("all")


# -------------------------------------------------------------------- iris


def test_iris(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    iris.main(["--out", str(tmp_path)])
    out = capsys.readouterr().out
    tested = {
        init: numbers(rf"{init} +[\d.]+ +[\d.]+% +([\d.]+)%", out)[0]
        for init in ("Kaiming", "zero", "random")
    }
    assert tested["Kaiming"] >= 96
    assert tested["random"] >= 90
    assert tested["zero"] <= 50
    stuck = re.findall(r"^zero +0\.00000 +0\.00000 +0\.00000 +0\.\d+ +1$", out, re.MULTILINE)
    assert len(stuck) == 2, "before and after training"
    assert len(re.findall(r"^(?:Kaiming|random) .* 8$", out, re.MULTILINE)) == 4
    assert "120 training flowers, 30 test flowers" in out
    for name in ("initializations.png", "confusion.png"):
        check_plot(tmp_path / name)


def test_iris_networks_see_the_same_flowers_in_the_same_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[list[np.ndarray]] = []
    real = iris.train

    def train(model: nn.Network, data: nn.Dataset, name: str, run: Any) -> Any:
        batches: list[np.ndarray] = []
        seen.append(batches)
        monkeypatch.setattr(
            iris, "loss_of", lambda model, x, y: batches.append(x) or loss_of(model, x, y)
        )
        return real(model, data, name, run)

    loss_of = iris.loss_of
    monkeypatch.setattr(iris, "train", train)
    iris.main(["--epochs", "3", "--out", str(tmp_path)])
    for others in seen[1:]:
        for a, b in zip(seen[0][:28], others[:28], strict=True):
            np.testing.assert_array_equal(a, b)
    assert not np.array_equal(seen[0][1], seen[0][10]), "but another order in every epoch"


def test_circles_without_noise_and_with_too_few_points(tmp_path: Path, capsys: Any) -> None:
    out = ["--out", str(tmp_path)]
    circles.main(["--points", "20", "--noise", "0", "--epochs", "1", *out])
    assert "(4 points, used only to choose the epoch)" in capsys.readouterr().out
    with pytest.raises(SystemExit) as end:
        circles.main(["--points", "9", *out])
    assert end.value.code == 2
    assert capsys.readouterr().err.endswith(
        "error: --points is at least 10, since a fifth is held out\n"
    )
