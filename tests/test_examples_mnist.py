"""The MNIST examples, on a few digits in MNIST's format: checks, results and plots."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import nn

pytest.importorskip("matplotlib")
from PIL import Image  # comes with matplotlib

from examples import drawing, mnist, mnist_conv
from examples.common import plt

from .test_datasets import fake_mnist, idx

both = pytest.mark.parametrize("example", [mnist, mnist_conv], ids=lambda e: e.__name__)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The 8 x 8 digits, enlarged three times, as 1200 training images and 400 test images."""
    folder = tmp_path / "data"
    folder.mkdir()
    digits = nn.datasets.digits()
    images = (digits.x[:1600] * 255).astype(np.uint8).reshape(-1, 8, 8)
    images = np.pad(images.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2)))
    labels = digits.y[:1600].astype(np.uint8)
    parts = images[:1200], labels[:1200], images[1200:], labels[1200:]
    fake_mnist(monkeypatch, folder, [idx(part) for part in parts])


def number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    assert found, f"{pattern} is not in {text}"
    return float(found[1])


@pytest.fixture
def shifted(monkeypatch: pytest.MonkeyPatch) -> dict[int, int]:
    """The number of images that were shifted, for each largest shift."""
    moved: dict[int, int] = {}

    class Counted(nn.transforms.RandomShift):
        def __call__(self, x: Any) -> np.ndarray:
            moved[self.pixels] = moved.get(self.pixels, 0) + len(x)
            return super().__call__(x)

    monkeypatch.setattr(nn.transforms, "RandomShift", Counted)
    return moved


def check_plots(folder: Path, printed: str, *names: str) -> None:
    for name in names:
        assert f"wrote {folder / name}" in printed
        with Image.open(folder / name) as image:
            assert min(image.size) > 150
            assert len(image.convert("RGB").getcolors(1 << 24) or ()) > 30
    assert {path.name for path in folder.iterdir()} == set(names)
    assert not plt.get_fignums()


# -------------------------------------------------------------------- mnist


@pytest.mark.usefixtures("data")
def test_mnist(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch, shifted: dict[int, int]
) -> None:
    evaluate, evaluated = mnist.evaluate, []
    monkeypatch.setattr(mnist, "WHOLE_EPOCHS", 5)
    monkeypatch.setattr(
        mnist, "evaluate", lambda *args: evaluated.append(args[1]) or evaluate(*args)
    )
    out = tmp_path / "out"
    mnist.main(["--samples", "1000", "--all", "--out", str(out)])
    printed = capsys.readouterr().out
    assert number(r"largest relative error (\S+): right", printed) < 1e-5
    assert printed.count("  ok\n") == 6, "every parameter is checked"
    assert number(r"loss [\d.]+, accuracy ([\d.]+)%", printed) == 100
    assert "training on 1000 digits, with 100 held out" in printed
    assert number(r"training accuracy ([\d.]+)%", printed) > 98
    assert number(r"validation accuracy ([\d.]+)%", printed) > 90
    losses = dict(re.findall(r"^rate (\S+) +training loss ([\d.]+)$", printed, re.MULTILINE))
    assert list(losses) == ["1e-05", "0.0001", "0.001", "0.01", "0.1"]
    assert min(losses, key=lambda rate: float(losses[rate])) in ("0.001", "0.01")
    assert number(r"full batch +training loss ([\d.]+)", printed) > number(
        r"batches of 128 +training loss ([\d.]+)", printed
    )
    assert "training on all 1200 digits" in printed
    assert "5 epochs in" in printed
    assert shifted[1] // 1200 == 5, "no shifts in the other trainings"
    assert [len(trainer.history) for trainer in evaluated] == [5], "the last model is evaluated"
    assert number(r"test accuracy ([\d.]+)% \(400 digits", printed) > 85
    names = ("history", "rates", "batches", "confusion", "wrong", "weights")
    check_plots(out, printed, *(f"{name}.png" for name in names))


@pytest.mark.usefixtures("data")
def test_mnist_without_comparisons(tmp_path: Path, capsys: Any) -> None:
    printed = []
    for _ in range(2):
        mnist.main(["--samples", "300", "--epochs", "2", "--seed", "3", "--out", str(tmp_path)])
        printed.append(re.sub(r" +[\d.]+$", "", capsys.readouterr().out, flags=re.MULTILINE))
    assert printed[0] == printed[1], "the same seed gives the same results, except for times"
    assert "rate" not in printed[0].split("training on")[1]
    for name in ("history", "confusion", "wrong", "weights"):
        assert (tmp_path / f"{name}.png").exists()


def test_mnist_network_is_as_documented() -> None:
    model = mnist.network()
    shapes = [p.shape for p in model.parameters() if p.ndim == 2]
    assert shapes == [(784, 128), (128, 64), (64, 10)]
    assert [type(m).__name__ for m in model][1:] == ["Dense", "ReLU", "Dense", "ReLU", "Dense"]
    deviation = np.std(next(model.parameters()).data)
    assert deviation == pytest.approx((2 / 784) ** 0.5, rel=0.02), "He initialization"


@pytest.mark.usefixtures("data")
def test_mnist_without_enough_digits(tmp_path: Path, capsys: Any) -> None:
    with pytest.raises(SystemExit) as end:
        mnist.main(["--samples", "1101", "--out", str(tmp_path)])
    assert end.value.code == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.endswith("error: --samples is at most 1100, as 100 are held out")


# -------------------------------------------------------------------- mnist_conv


@pytest.mark.usefixtures("data")
def test_mnist_conv(tmp_path: Path, capsys: Any, shifted: dict[int, int]) -> None:
    out = tmp_path / "out"
    mnist_conv.main(["--epochs", "4", "--out", str(out)])
    printed = capsys.readouterr().out
    assert number(r"test accuracy ([\d.]+)% \(400 digits", printed) > 85
    assert "18,474 parameters" in printed
    assert shifted[2] // 1160 == 4
    assert "1160 training digits, 40 held out" in printed
    check_plots(out, printed, "history.png", "wrong.png", "kernels.png")


@pytest.mark.usefixtures("data")
def test_mnist_conv_without_shifts(tmp_path: Path, shifted: dict[int, int]) -> None:
    mnist_conv.main(["--epochs", "1", "--shift", "0", "--out", str(tmp_path)])
    assert list(shifted) == [0]


def test_all_parameters_of_mnist_conv_get_gradients() -> None:
    model = mnist_conv.network()
    nn.cross_entropy(model(np.random.default_rng(0).random((8, 1, 28, 28))), [1] * 8).backward()
    assert all(np.abs(p.grad).max() > 0 for p in model.parameters() if p.ndim > 1)


# -------------------------------------------------------------------- errors and Ctrl-C


@both
def test_without_data_and_network(
    example: ModuleType, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*arguments: Any, **options: Any) -> Any:
        raise urllib.error.URLError("no network")

    monkeypatch.setenv("TINYGRAD_EDU_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(urllib.request, "urlopen", offline)
    with pytest.raises(SystemExit) as end:
        example.main(["--out", str(tmp_path)])
    assert end.value.code == 2
    (message,) = capsys.readouterr().err.splitlines()
    assert "error: train-images-idx3-ubyte.gz could not be downloaded" in message
    assert "or set $TINYGRAD_EDU_DATA to its folder" in message


@both
@pytest.mark.usefixtures("data")
def test_an_interrupt_saves_the_model(
    example: ModuleType, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    epoch = nn.Trainer._epoch

    def interrupted(trainer: nn.Trainer) -> Any:
        if "val_loss" in trainer.columns and len(trainer.history) == 1:
            raise KeyboardInterrupt
        return epoch(trainer)

    monkeypatch.setattr(nn.Trainer, "_epoch", interrupted)
    with pytest.raises(SystemExit) as end:
        example.main(["--epochs", "3", "--out", str(tmp_path), *SAMPLES.get(example, ())])
    assert end.value.code == 130
    assert f"model saved in {tmp_path / 'interrupted.npz'}" in capsys.readouterr().err
    with np.load(tmp_path / "interrupted.npz") as saved:
        for name, value in example.network().state_dict().items():
            assert saved[f"model.{name}"].shape == np.shape(value)


SAMPLES = {mnist: ("--samples", "500")}

# -------------------------------------------------------------------- drawing


def test_confusion_matrix_colors_only_errors() -> None:
    figure = drawing.confusion(np.array([[90, 2], [0, 70]]), "two classes")
    axes = figure.axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), [[0, 2], [0, 0]])
    assert [text.get_text() for text in axes.texts] == ["90", "2", "", "70"]
    assert [text.get_color() for text in axes.texts] == ["black", "white", "black", "black"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    drawing.confusion(np.diag([3, 4]), "no errors")
    plt.close("all")
