"""The examples on sequences, and the autoencoder: their functions, and their errors."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from docs.generate import ROOT
from tinygrad_edu import no_grad

pytest.importorskip("matplotlib")
from examples import autoencoder, char_gpt, sine_rnn
from examples.gpt import GPT, load, save

TEXT = "the quick brown fox jumps over the lazy dog.\n" * 40
SMALL = ["--rounds", "1", "--context", "8", "--width", "8", "--layers", "1", "--batch-size", "4"]


@pytest.fixture
def model() -> GPT:
    nn.manual_seed(0)
    return GPT("abcd", context=6, width=8, layers=2, dropout=0.1)


# -------------------------------------------------------------------- char_gpt


def test_predictions_depend_only_on_previous_characters(model: GPT) -> None:
    codes = np.array([[0, 1, 2, 3, 0, 1]])
    other = codes.copy()
    other[0, 3] = 1
    with no_grad():
        y, z = model.eval()(codes).data[0], model(other).data[0]
    assert y.shape == (6, 4)
    np.testing.assert_array_equal(y[:3], z[:3])
    assert (y[3:] != z[3:]).any(axis=1).all()


def test_all_parameters_get_gradients(model: GPT) -> None:
    nn.cross_entropy(model(np.array([[0, 1, 2, 3]])), np.array([[1, 2, 3, 0]])).backward()
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())


def test_generation(model: GPT) -> None:
    def generated(*options: Any) -> str:
        nn.manual_seed(1)
        return "".join(model.generate("ab", 30, *options))

    assert len(generated()) == 30
    assert generated() == generated()
    assert len(set(generated(100.0))) == 4  # nearly uniform
    likeliest = generated(1.0, 1)
    assert likeliest == generated(5.0, 1) == generated(1e-6)
    for i in range(30):
        context = ("ab" + likeliest[:i])[-6:]
        with no_grad():
            best = int(model(model.encode(context)[None]).data[0, -1].argmax())
        assert likeliest[i] == "abcd"[best]
    assert generated(1.0, 99) == generated()
    assert len(set(generated(100.0, 2))) > 1


def test_a_saved_model_generates_the_same(model: GPT, tmp_path: Path) -> None:
    save(tmp_path / "model.safetensors", model)
    same = load(tmp_path / "model.safetensors")
    assert (same.characters, same.context) == ("abcd", 6)
    texts = []
    for each in (model, same):
        nn.manual_seed(2)
        texts.append("".join(each.generate("", 50)))
    assert texts[0] == texts[1]


def test_windows_and_rounds() -> None:
    data = char_gpt.windows(np.arange(100), 8)
    assert len(data) == 92
    assert (data.y == data.x + 1).all()
    assert char_gpt.windows(np.arange(100), 8, step=8).x[:, 0].tolist() == [*range(0, 92, 8)]
    nn.manual_seed(0)
    batches = list(char_gpt.Round(data, 4))
    assert len(batches) == len(char_gpt.Round(data, 4)) == char_gpt.ROUND
    assert {x.shape for x, _ in batches} == {(4, 8)}
    assert {start for x, _ in batches for start in x[:, 0]} == set(range(92))


def test_bigram_loss() -> None:
    codes = np.array([0, 1, 0, 1, 0, 2])  # 0 is followed twice by 1, once by 2; all counts plus 1
    loss = char_gpt.bigram_loss(codes, np.array([0, 1, 0]))
    assert loss == pytest.approx(-(np.log(3 / 6) + np.log(3 / 5)) / 2)


def test_char_gpt_on_another_text(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "fox.txt").write_text(TEXT)
    options = ["--text", str(tmp_path / "fox.txt"), "--out", str(tmp_path / "out"), *SMALL]
    options += ["--width", "24", "--lr", "0.02", "--length", "20", "--prompt", "the quick"]
    char_gpt.main(options)
    printed = capsys.readouterr().out
    loss = float(printed.split("validation loss ")[1].split()[0])
    bits = float(printed.split("character, ")[1].split()[0])
    assert loss < 0.8 < float(printed.split("bigram model ")[1].split()[0])
    assert bits == pytest.approx(loss / np.log(2), abs=2e-3)
    assert len(printed.split("\nthe quick")[1]) == 21

    trained = str(tmp_path / "out" / "model.safetensors")
    again = ["--load", trained, "--out", str(tmp_path), "--length", "40", "--top-k", "1"]
    char_gpt.main([*again, "--prompt", "the"])
    generated = capsys.readouterr().out.split("\nthe", 1)[1]
    assert len(generated) == 41
    assert "round" not in generated
    with pytest.raises(SystemExit) as stop:
        char_gpt.main([*again, "--prompt", "THE?"])
    assert stop.value.code == 2
    assert "error: the model does not know '?EHT', only '\\n .abc" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--text short", "short: 9 characters, and --context 64 needs 650"),
        ("--text short --context 1", "short: 9 characters, and --context 1 needs 20"),
        ("--text missing", "missing: No such file or directory"),
        ("--text bytes", "can't decode byte 0xff"),
        ("--prompt 5", "the model does not know '5'"),
        ("--width 10", "embed_dim=10 does not divide into 4 heads"),
        ("--load missing", "missing: No such file or directory"),
        ("--load short", "short is damaged, or no safetensors file"),
        ("--load dense", "dense holds no model of char_gpt.py"),
        ("--temperature 0", "'0' is not a positive number"),
        ("--top-k 0", "'0' is not a positive integer"),
    ],
)
def test_errors_of_char_gpt(
    options: str, message: str, tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("short").write_text("too short")
    Path("bytes").write_bytes(b"\xff" * 5000)
    nn.save("dense", nn.Dense(2, 2))
    with pytest.raises(SystemExit) as stop:
        char_gpt.main(options.split())
    printed = capsys.readouterr().err
    assert stop.value.code == 2
    assert printed.splitlines()[-1].startswith("python -m examples.char_gpt: error: ")
    assert message in printed


def test_an_interrupted_char_gpt_can_be_loaded(tmp_path: Path) -> None:
    """A process that trains receives a real SIGINT."""
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        f"from examples.char_gpt import main; main({[*SMALL, '--rounds', '900']} + "
        f"['--out', {str(tmp_path)!r}])"
    )
    training = subprocess.Popen(
        [sys.executable, "-u", "-c", code],
        cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert training.stdout
    for line in training.stdout:
        if line.startswith("    1 "):
            training.send_signal(signal.SIGINT)
            break
    out, err = training.communicate(timeout=60)
    assert training.returncode == 130
    assert "Traceback" not in err
    assert f"wrote {tmp_path / 'model.safetensors'}" in out
    assert f"model saved in {tmp_path / 'interrupted.npz'}" in err
    assert len("".join(load(tmp_path / "model.safetensors").generate("", 5))) == 5


def test_the_play() -> None:
    text = char_gpt.PLAY.read_text(encoding="utf-8")
    assert text.isascii()
    assert text.startswith("SAMPSON:\nGregory, o' my word")
    assert text.endswith("Than this of Juliet and her Romeo.\n")
    sources = (char_gpt.PLAY.parent / "SOURCES.md").read_text(encoding="utf-8")
    assert f"`{char_gpt.PLAY.name}`" in sources
    assert f"{len(text):,} characters" in sources


# -------------------------------------------------------------------- autoencoder


def test_pca_is_the_best_linear_map() -> None:
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(50, 2)) @ rng.normal(size=(2, 7)) + rng.normal(size=7)
    pca = autoencoder.PCA(plane, 2)
    assert pca.encode(plane).shape == (50, 2)
    np.testing.assert_allclose(pca.decode(pca.encode(plane)), plane)
    x = plane + rng.normal(size=plane.shape)
    pca = autoencoder.PCA(x, 2)
    left_out = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)[2:]
    error = ((pca.decode(pca.encode(x)) - x) ** 2).sum()
    assert error == pytest.approx((left_out**2).sum())


def test_codes_are_between_minus_1_and_1() -> None:
    nn.manual_seed(0)
    model = autoencoder.Autoencoder(64, 16, 3)
    x = nn.datasets.digits().x[:5]
    z, y = model.encode(x), model(x)
    assert z.shape == (5, 3)
    assert abs(z.data).max() <= 1
    assert y.shape == x.shape
    assert 0 <= y.data.min() <= y.data.max() <= 1
    np.testing.assert_array_equal(model.decode(z).data, y.data)


def test_longer_codes_are_not_drawn(tmp_path: Path, capsys: Any) -> None:
    autoencoder.main(["--code", "3", "--epochs", "1", "--hidden", "1", "--out", str(tmp_path)])
    assert "a code of 3 values for each" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["rebuilt.png"]


# -------------------------------------------------------------------- sine_rnn


def test_the_curve_repeats_after_300_steps() -> None:
    y = sine_rnn.curve(900)
    np.testing.assert_allclose(y[:300], y[600:], atol=1e-12)
    assert y.std() == pytest.approx(np.sqrt((1 + 0.25) / 2))


def test_a_linear_model_predicts_sines() -> None:
    y = sine_rnn.curve(400)
    train, test = (sine_rnn.windows(part, 8) for part in (y[:300], y[300:]))
    assert train.x.shape == train.y.shape == (292, 8, 1)
    assert (train.x[:, 1:] == train.y[:, :-1]).all()
    np.testing.assert_allclose(sine_rnn.linear(train, test), test.y[:, -1, 0], atol=1e-3)


def test_a_forecast_reads_its_own_predictions() -> None:
    nn.manual_seed(0)
    model = sine_rnn.Forecaster(4)
    seen = np.array([0.1, -0.5, 0.3])
    values = list(seen)
    for _ in range(5):  # as `forecast` does, but reading all values from the start each time
        values.append(float(model(np.array(values)[None, :, None]).data[0, -1, 0]))
    np.testing.assert_allclose(model.forecast(seen, 5), values[3:], atol=1e-6)


def test_too_few_values(capsys: Any) -> None:
    with pytest.raises(SystemExit) as stop:
        sine_rnn.main(["--steps", "100", "--window", "20"])
    assert stop.value.code == 2
    assert "error: --window 20 needs --steps 200 at least" in capsys.readouterr().err


def test_without_noise(tmp_path: Path, capsys: Any) -> None:
    short = ["--steps", "200", "--window", "20", "--hidden", "4", "--epochs", "1"]
    sine_rnn.main([*short, "--noise", "0", "--out", str(tmp_path)])
    assert "true value (noise²)            0.0000" in capsys.readouterr().out


def test_a_missing_package_is_reported_before_training(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(SystemExit) as stop:
        char_gpt.main(["--out", str(tmp_path)])
    assert stop.value.code == 2
    printed = capsys.readouterr()
    missing = "error: safetensors is missing: pip install safetensors\n"
    assert printed.err.endswith(missing)
    assert "round" not in printed.out
