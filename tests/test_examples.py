"""The examples with options that make them short: results, plots, errors and Ctrl-C."""

from __future__ import annotations

import ast
import builtins
import importlib
import io
import re
import runpy
import signal
import subprocess
import sys
import tokenize
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
import pytest

import nn
from docs.generate import ROOT
from examples import common
from tinygrad_edu import Graph

matplotlib.use("Agg")
import matplotlib.image
import matplotlib.pyplot as plt


class Short(NamedTuple):
    """An example with options that make it short, and its expected results and plots."""

    name: str
    options: str
    results: dict[str, tuple[float, float]]  # a pattern with one group: its bounds
    plots: tuple[str, ...]


SHORT = [
    Short(
        "housing",
        "--seed 1",
        {
            r"test MSE ([\d.]+)": (215, 235),
            r"R² ([\d.]+)": (0.99, 1),
            r"^  200 +([\d.]+)$": (180, 240),
            r"^area_m2 +([\d.]+) +3\.200$": (3.1, 3.3),
        },
        ("learning.png", "graph.png"),
    ),
    Short(
        "moons_scalar",
        "--steps 3",
        {
            r"(\d+) weights and biases": (337, 337),
            r"gradients by (\S+)": (0, 1e-12),
            r"scalars .* loss ([\d.]+)": (0.2, 0.5),
            r"arrays .* loss ([\d.]+)": (0.2, 0.5),
            r"arrays are (\d+) times as fast": (50, 1e5),
        },
        ("boundary.png", "neuron.png"),
    ),
    Short(
        "digits",
        "--epochs 5",
        {r"test accuracy ([\d.]+)%": (90, 100)},
        ("curves.png", "predictions.png", "graph.png", "explorer.html"),
    ),
    Short(
        "circles",
        "--points 400 --epochs 30 --lr 0.02",
        {r"validation accuracy ([\d.]+)%": (95, 100)},
        ("history.png", "boundary.png"),
    ),
    Short(
        "decision_boundary",
        "--epochs 20 --frames 3",
        {r"test accuracy ([\d.]+)%": (97, 100), r"^    0  ([\d.]+)": (0.5, 1)},
        ("boundary.gif", "boundary.png"),
    ),
    Short(
        "iris",
        "--epochs 60",
        {
            r"^Kaiming +[\d.]+ +[\d.]+% +([\d.]+)%": (90, 100),
            r"^zero +[\d.]+ +[\d.]+% +([\d.]+)%": (0, 50),
        },
        ("initializations.png", "confusion.png"),
    ),
    Short(
        "char_gpt",
        "--rounds 2 --context 16 --width 16 --layers 1 --batch-size 8 --lr 0.01 --length 30",
        {
            r"validation loss ([\d.]+)": (2.2, 2.6),
            r"bigram model ([\d.]+)": (2.442, 2.442),
            r"^    1 +([\d.]+)": (2.5, 3.5),
        },
        ("loss.png",),
    ),
    Short(
        "autoencoder",
        "--epochs 30",
        {
            r"^autoencoder +MSE ([\d.]+)": (0.03, 0.048),
            r"^PCA +MSE ([\d.]+), 27\.9%": (0.053, 0.054),
        },
        ("rebuilt.png", "codes.png", "plane.png"),
    ),
    Short(
        "sine_rnn",
        "--steps 600 --window 30 --hidden 12 --epochs 6",
        {
            r"^GRU +([\d.]+)": (0.01, 0.04),
            r"^linear model of 30 values +([\d.]+)": (0.01, 0.02),
            r"^last value +([\d.]+)": (0.05, 0.07),
            r"forecast of 120 steps: RMSE ([\d.]+)": (0, 1),
        },
        ("forecast.png",),
    ),
]
FOLDER = ROOT / "examples"
SCRIPTS = sorted(
    path.stem for path in FOLDER.glob("*.py") if "def main(" in path.read_text(encoding="utf-8")
)
shortened = pytest.mark.parametrize("short", SHORT, ids=lambda short: short.name)
every = pytest.mark.parametrize("name", SCRIPTS)


def main_of(name: str) -> Any:
    return importlib.import_module(f"examples.{name}").main


# -------------------------------------------------------------------- results and plots


@shortened
def test_results_and_plots(short: Short, tmp_path: Path, capsys: Any) -> None:
    main_of(short.name)([*short.options.split(), "--out", str(tmp_path / "new" / "folder")])
    printed = capsys.readouterr().out
    assert re.search(r"\bseed \d+", printed)
    for pattern, (least, most) in short.results.items():
        found = re.search(pattern, printed, re.MULTILINE)
        assert found, f"{pattern} not in {printed}"
        assert least <= float(found[1]) <= most, found[0]
    for name in short.plots:
        path = tmp_path / "new" / "folder" / name
        assert f"wrote {path}" in printed
        if path.suffix == ".png":
            check_plot(path)
    assert not plt.get_fignums()


def check_plot(path: Path) -> None:
    """The image is not too small, and neither empty nor of a single color."""
    image = matplotlib.image.imread(path)
    assert min(image.shape[:2]) >= 100
    assert len(np.unique(image.reshape(-1, image.shape[2]), axis=0)) > 30
    assert 0.005 < (image[..., :3].min(axis=2) < 0.9).mean() < 0.95


@shortened
def test_the_same_seed_gives_the_same_results(short: Short, tmp_path: Path, capsys: Any) -> None:
    printed = []
    for _ in range(2):
        main_of(short.name)([*short.options.split(), "--out", str(tmp_path)])
        output = capsys.readouterr().out
        printed.append(re.sub(r"[\d.]+ (ms|s|seconds|times)\b", "", output).split())
    assert printed[0] == printed[1]


@every
def test_every_example_has_a_test(name: str) -> None:
    tests = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("*.py")]
    imported = any(re.search(rf"^from examples import .*\b{name}\b", t, re.M) for t in tests)
    assert imported or name in {short.name for short in SHORT}


@every
def test_examples_are_short(name: str) -> None:
    path = FOLDER / f"{name}.py"
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree)
    assert "from .common import" in text
    assert lines_of_code(text, tree) < 120


def lines_of_code(text: str, tree: ast.Module) -> int:
    """Lines that contain more than a comment or a docstring."""
    ignored = {
        tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
        tokenize.ENDMARKER,
    }  # fmt: skip
    lines = {
        line
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type not in ignored
        for line in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(
            node
        ):
            first = node.body[0]
            lines -= set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return len(lines)


# -------------------------------------------------------------------- errors and Ctrl-C


NEEDED = {"gpt2_weights": ["folder"]}
"""Arguments without which an example does not run."""


def ended(name: str, capsys: Any, *argv: str) -> tuple[Any, str]:
    """The exit status and the output on stderr."""
    with pytest.raises(SystemExit) as stop:
        main_of(name)([*NEEDED.get(name, ()), *argv])
    return stop.value.code, capsys.readouterr().err


@every
def test_help(name: str, capsys: Any) -> None:
    with pytest.raises(SystemExit) as stop:
        main_of(name)(["--help"])
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"usage: python -m examples.{name} ")
    for option in re.findall(r"^  (--[\w-]+)(.*)", printed, re.MULTILINE):
        assert len(option[1]) > 3, f"{option[0]} is not explained"
    assert "(default: 0)" in printed


@every
def test_bad_input_prints_one_line_and_exits_with_2(name: str, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "file").write_text("")
    for argv, message in (
        (["--nonsense"], "unrecognized arguments: --nonsense"),
        (["--seed", "-1"], "'-1' is not 0 or a positive integer"),
        (["--out", str(tmp_path / "file")], f"cannot write to the folder {tmp_path / 'file'}: "),
        (["--out", str(tmp_path / "file" / "x")], "choose another with --out"),
    ):
        code, printed = ended(name, capsys, *argv)
        assert code == 2
        assert printed.startswith(f"python -m examples.{name}: error: ")
        assert message in printed
        assert printed.count("\n") == 1


@pytest.mark.parametrize("bad", ["0", "-1", "1.5", "many", ""])
def test_options_that_must_be_positive_integers(bad: str, capsys: Any) -> None:
    code, printed = ended("housing", capsys, "--epochs", bad)
    assert code == 2
    assert printed.endswith(f"argument --epochs: {bad!r} is not a positive integer\n")


@pytest.mark.parametrize("bad", ["-0.1", "inf", "nan", "much"])
def test_options_that_may_be_0(bad: str, capsys: Any) -> None:
    code, printed = ended("circles", capsys, "--noise", bad)
    assert code == 2
    assert printed.endswith(f"argument --noise: {bad!r} is not 0 or a positive number\n")


@pytest.mark.parametrize("bad", ["0", "-1", "inf", "nan", "much"])
def test_options_that_must_be_positive(bad: str, capsys: Any) -> None:
    code, printed = ended("housing", capsys, "--lr", bad)
    assert code == 2
    assert printed.endswith(f"argument --lr: {bad!r} is not a positive number\n")


@shortened
def test_an_interrupt_saves_what_was_learned(
    short: Short, tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    keep = common.Run.keep

    def stop(run: common.Run, **parts: Any) -> None:
        keep(run, **parts)
        raise KeyboardInterrupt

    monkeypatch.setattr(common.Run, "keep", stop)
    code, printed = ended(short.name, capsys, *short.options.split(), "--out", str(tmp_path))
    assert code == 130
    path = tmp_path / "interrupted.npz"
    assert f" saved in {path}" in printed
    with np.load(path, allow_pickle=False) as arrays:
        assert any(array.size > 1 and array.dtype.kind == "f" for array in arrays.values())


class TestScript:
    """What `examples.common` does for all examples."""

    parser = common.arguments("any", "Anything.")

    def run(self, folder: Path, error: BaseException | None = None, **parts: Any) -> None:
        with common.script(self.parser, ["--out", str(folder)]) as run:
            run.keep(**parts)
            plt.figure()
            if error:
                raise error

    def test_what_is_saved(self, tmp_path: Path) -> None:
        model, tensor = nn.Dense(2, 3), nn.Parameter([1.0, 2.0])
        history = [(1.0, 2.0), (3.0, 4.0)]
        parts = {"model": model, "w": [tensor, tensor], "history": history, "loss": 0.5}
        with pytest.raises(SystemExit):
            self.run(tmp_path, KeyboardInterrupt(), **parts)
        with np.load(tmp_path / "interrupted.npz", allow_pickle=False) as arrays:
            assert set(arrays) == {"model.weight", "model.bias", "w.0", "w.1", "history", "loss"}
            assert (arrays["model.weight"] == model.weight.data).all()
            assert (arrays["w.1"] == tensor.data).all()
            assert arrays["history"].tolist() == [[1, 2], [3, 4]]

    def test_nothing_learned_yet(self, tmp_path: Path, capsys: Any) -> None:
        with pytest.raises(SystemExit) as stop:
            self.run(tmp_path, KeyboardInterrupt())
        assert stop.value.code == 130
        assert capsys.readouterr().err == "\ninterrupted: nothing was learned yet\n"
        assert not list(tmp_path.iterdir())

    def test_nowhere_to_save(self, tmp_path: Path, capsys: Any) -> None:
        (tmp_path / "interrupted.npz").mkdir()
        with pytest.raises(SystemExit):
            self.run(tmp_path, KeyboardInterrupt(), x=1.0)
        assert "what was learned is lost" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("error", "message"),
        [
            (ConnectionError("data.gz could not be downloaded"), "data.gz could not be downloaded"),
            (FileNotFoundError(2, "No such file or directory", "t.txt"), "t.txt: No such file or "),
        ],
    )
    def test_missing_data(self, error: OSError, message: str, tmp_path: Path, capsys: Any) -> None:
        with pytest.raises(SystemExit) as stop:
            self.run(tmp_path, error)
        assert stop.value.code == 2
        printed = capsys.readouterr().err
        assert printed.startswith(f"python -m examples.any: error: {message}")
        assert printed.count("\n") == 1
        assert not plt.get_fignums()

    def test_a_bug_in_the_script_is_not_hidden(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="mine"):
            self.run(tmp_path, ValueError("mine"))

    def test_without_graphviz(self, tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
        def none(self: Any, path: Any) -> None:
            raise RuntimeError("drawing needs Graphviz")

        monkeypatch.setattr(Graph, "save", none)
        with common.script(self.parser, ["--out", str(tmp_path)]) as run:
            run.save(Graph(None, 0, 0), "graph.png")
        printed = capsys.readouterr()
        assert printed.err == f"{tmp_path / 'graph.png'} not written: drawing needs Graphviz\n"
        assert "wrote" not in printed.out


def test_without_matplotlib(monkeypatch: Any, capsys: Any) -> None:
    real = builtins.__import__

    def absent(name: str, *rest: Any) -> Any:
        if name == "matplotlib":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(FOLDER / "common.py"))
    assert stop.value.code == 2
    assert capsys.readouterr().err.endswith("pip install matplotlib\n")


def test_ctrl_c(tmp_path: Path) -> None:
    """A process that trains receives a real SIGINT."""
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from examples.housing import main; "
        f"main(['--epochs', '1000000', '--out', {str(tmp_path)!r}])"
    )
    training = subprocess.Popen(
        [sys.executable, "-u", "-c", code],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert training.stdout
    for line in training.stdout:
        if line.startswith("   20 "):
            training.send_signal(signal.SIGINT)
            break
    _, printed = training.communicate(timeout=60)
    assert training.returncode == 130
    assert "Traceback" not in printed
    assert f"parameters, losses saved in {tmp_path / 'interrupted.npz'}" in printed
    with np.load(tmp_path / "interrupted.npz") as arrays:
        assert arrays["parameters.weight"].shape == (4, 1)
        assert len(arrays["losses"]) >= 20
