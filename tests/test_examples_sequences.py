"""The examples that read sequences or squeeze pictures: their parts, and what they refuse."""

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


def test_a_guess_depends_only_on_what_came_before(model: GPT) -> None:
    codes = np.array([[0, 1, 2, 3, 0, 1]])
    other = codes.copy()
    other[0, 3] = 1
    with no_grad():
        y, z = model.eval()(codes).data[0], model(other).data[0]
    assert y.shape == (6, 4)
    np.testing.assert_array_equal(y[:3], z[:3])
    assert (y[3:] != z[3:]).any(axis=1).all()


def test_all_parameters_learn(model: GPT) -> None:
    nn.cross_entropy(model(np.array([[0, 1, 2, 3]])), np.array([[1, 2, 3, 0]])).backward()
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())


def test_writing(model: GPT) -> None:
    def written(*options: Any) -> str:
        nn.manual_seed(1)
        return "".join(model.write("ab", 30, *options))

    assert len(written()) == 30
    assert written() == written()
    assert len(set(written(100.0))) == 4  # nearly uniform
    likeliest = written(1.0, 1)
    assert likeliest == written(5.0, 1) == written(1e-6)
    for i in range(30):
        context = ("ab" + likeliest[:i])[-6:]
        with no_grad():
            best = int(model(model.encode(context)[None]).data[0, -1].argmax())
        assert likeliest[i] == "abcd"[best]
    assert written(1.0, 99) == written()
    assert len(set(written(100.0, 2))) > 1


def test_a_saved_model_writes_the_same(model: GPT, tmp_path: Path) -> None:
    save(tmp_path / "model.safetensors", model)
    same = load(tmp_path / "model.safetensors")
    assert (same.characters, same.context) == ("abcd", 6)
    texts = []
    for each in (model, same):
        nn.manual_seed(2)
        texts.append("".join(each.write("", 50)))
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


def test_counts_of_pairs() -> None:
    codes = np.array([0, 1, 0, 1, 0, 2])  # after 0 twice 1, once 2; each counted once more
    loss = char_gpt.by_pairs(codes, np.array([0, 1, 0]))
    assert loss == pytest.approx(-(np.log(3 / 6) + np.log(3 / 5)) / 2)


def test_char_gpt_on_a_text_of_yours(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "fox.txt").write_text(TEXT)
    options = ["--text", str(tmp_path / "fox.txt"), "--out", str(tmp_path / "out"), *SMALL]
    options += ["--width", "24", "--lr", "0.02", "--length", "20", "--prompt", "the quick"]
    char_gpt.main(options)
    said = capsys.readouterr().out
    loss = float(said.split("validation loss ")[1].split()[0])
    bits = float(said.split("character, ")[1].split()[0])
    assert loss < 0.8 < float(said.split("pairs reach ")[1].split()[0])
    assert bits == pytest.approx(loss / np.log(2), abs=2e-3)
    assert len(said.split("\nthe quick")[1]) == 21

    trained = str(tmp_path / "out" / "model.safetensors")
    again = ["--load", trained, "--out", str(tmp_path), "--length", "40", "--top-k", "1"]
    char_gpt.main([*again, "--prompt", "the"])
    written = capsys.readouterr().out.split("\nthe", 1)[1]
    assert len(written) == 41
    assert "round" not in written
    with pytest.raises(SystemExit) as stop:
        char_gpt.main([*again, "--prompt", "THE?"])
    assert stop.value.code == 2
    assert "error: the model never saw '?EHT'; it knows '\\n .abc" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--text short", "short: 9 characters, and --context 64 needs 650"),
        ("--text short --context 1", "short: 9 characters, and --context 1 needs 20"),
        ("--text missing", "missing: No such file or directory"),
        ("--text bytes", "can't decode byte 0xff"),
        ("--prompt 5", "the model never saw '5'"),
        ("--width 10", "embed_dim=10 does not divide into 4 heads"),
        ("--load missing", "missing: No such file or directory"),
        ("--load short", "short is damaged, or no safetensors file"),
        ("--load dense", "dense holds no model of char_gpt.py"),
        ("--temperature 0", "'0' is not a positive number"),
        ("--top-k 0", "'0' is not a positive whole number"),
    ],
)
def test_char_gpt_refuses(
    options: str, sentence: str, tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("short").write_text("too short")
    Path("bytes").write_bytes(b"\xff" * 5000)
    nn.save("dense", nn.Dense(2, 2))
    with pytest.raises(SystemExit) as stop:
        char_gpt.main(options.split())
    said = capsys.readouterr().err
    assert stop.value.code == 2
    assert said.splitlines()[-1].startswith("python -m examples.char_gpt: error: ")
    assert sentence in said


def test_an_interrupted_char_gpt_can_be_loaded(tmp_path: Path) -> None:
    """In earnest: a process that trains is sent SIGINT."""
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
    said, warned = training.communicate(timeout=60)
    assert training.returncode == 130
    assert "Traceback" not in warned
    assert f"wrote {tmp_path / 'model.safetensors'}" in said
    assert f"model so far saved in {tmp_path / 'interrupted.npz'}" in warned
    assert len("".join(load(tmp_path / "model.safetensors").write("", 5))) == 5


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


def test_codes_lie_in_a_square() -> None:
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
    assert "3 numbers for each" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["rebuilt.png"]


# -------------------------------------------------------------------- sine_rnn


def test_the_curve_repeats_after_300_steps() -> None:
    y = sine_rnn.curve(900)
    np.testing.assert_allclose(y[:300], y[600:], atol=1e-12)
    assert y.std() == pytest.approx(np.sqrt((1 + 0.25) / 2))


def test_a_weighted_sum_continues_sines() -> None:
    y = sine_rnn.curve(400)
    train, test = (sine_rnn.windows(part, 8) for part in (y[:300], y[300:]))
    assert train.x.shape == train.y.shape == (292, 8, 1)
    assert (train.x[:, 1:] == train.y[:, :-1]).all()
    np.testing.assert_allclose(sine_rnn.linear(train, test), test.y[:, -1, 0], atol=1e-3)


def test_alone_it_reads_its_own_guesses() -> None:
    nn.manual_seed(0)
    model = sine_rnn.Forecaster(4)
    seen = np.array([0.1, -0.5, 0.3])
    values = list(seen)
    for _ in range(5):  # as `alone` does, but reading all from the start each time
        values.append(float(model(np.array(values)[None, :, None]).data[0, -1, 0]))
    np.testing.assert_allclose(model.alone(seen, 5), values[3:], atol=1e-6)


def test_too_few_values(capsys: Any) -> None:
    with pytest.raises(SystemExit) as stop:
        sine_rnn.main(["--steps", "100", "--window", "20"])
    assert stop.value.code == 2
    assert "error: --window 20 needs --steps 200 at least" in capsys.readouterr().err


def test_without_noise(tmp_path: Path, capsys: Any) -> None:
    short = ["--steps", "200", "--window", "20", "--hidden", "4", "--epochs", "1"]
    sine_rnn.main([*short, "--noise", "0", "--out", str(tmp_path)])
    assert "the truth (noise²)             0.0000" in capsys.readouterr().out


def test_a_missing_package_is_told_before_training(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(SystemExit) as stop:
        char_gpt.main(["--out", str(tmp_path)])
    assert stop.value.code == 2
    said = capsys.readouterr()
    assert said.err.endswith("error: safetensors is missing: pip install 'tinygrad-edu[interop]'\n")
    assert "round" not in said.out
