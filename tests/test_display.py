"""What objects show of themselves, in a notebook and as text: short, readable and escaped."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import nn
from nn.history import History
from tinygrad_edu import Tensor, compare, gradcheck
from tinygrad_edu.tables import html_table, text_table


@pytest.fixture(scope="module")
def trainer() -> nn.Trainer:
    model = nn.Sequential(nn.Dense(4, 8), nn.ReLU(), nn.Dense(8, 3))
    metrics = {"accuracy": "accuracy", "<script>": "accuracy"}
    trainer = nn.Trainer(model, "cross_entropy", nn.Adam(model.parameters()), metrics)
    trainer.fit(nn.datasets.iris(), epochs=2, progress=False)
    return trainer


def rows(html: str) -> list[list[str]]:
    """The cells of a table in HTML."""
    table = ElementTree.fromstring(html)
    return [[cell.text or "" for cell in row] for row in table.iter("tr")]


def test_a_trainer_and_its_parts(trainer: nn.Trainer, tmp_path: Path) -> None:
    assert repr(trainer).startswith("Trainer(model=Sequential of 67 parameters, loss=cross_entropy")
    assert ["metrics", "accuracy, <script>"] in rows(trainer._repr_html_())
    assert ["epochs", "2"] in rows(trainer._repr_html_())
    assert repr(trainer.optimizer).startswith("Adam(parameters=67, lr=0.001, betas=(0.9, 0.999)")
    loader = nn.DataLoader(nn.datasets.iris(), 32)
    assert repr(loader) == (
        "DataLoader(data=Dataset(float32[150, 4], int64[150]), batch_size=32, shuffle=False, "
        "drop_last=False, batches=5)"
    )
    assert ["batch_size", "32"] in rows(loader._repr_html_())
    trainer.save(tmp_path / "run")
    found = nn.load(tmp_path / "run")
    assert repr(found) == (
        "Checkpoint(state=4 arrays of 67 values, beside=optimizer, epochs, generators, callbacks, "
        "waiting, history)"
    )
    assert ["state", "4 arrays of 67 values"] in rows(found._repr_html_())


def test_several_groups_and_data_of_a_kind_of_ones_own() -> None:
    p, q = nn.Parameter(np.ones(3)), nn.Parameter(np.ones(4))
    groups: Any = [{"params": p}, {"params": q, "lr": 0.1}]
    assert repr(nn.SGD(groups, lr=1.0)).startswith("SGD(parameters=7 in 2 groups, lr=1.0")

    class Own:
        def __len__(self) -> int:
            return 9

        def __getitem__(self, i: Any) -> Any:
            return np.ones(2)

    assert repr(nn.DataLoader(Own())).startswith("DataLoader(data=Own, batch_size=1")


def test_a_history(trainer: nn.Trainer) -> None:
    head, *body = rows(trainer.history._repr_html_())
    assert head == trainer.history.names
    assert len(body) == 2
    assert "<script>" not in trainer.history._repr_html_()
    long = History([{"epoch": i, "loss": 1.0} for i in range(1, 1001)])
    shown = rows(long._repr_html_())
    assert len(shown) == 22, "a head, every 50th row and the last"
    assert shown[-1][0] == "1000"
    assert "no epochs" in History()._repr_html_()
    assert repr(History()) == "History(0 epochs of nothing)"


def test_a_summary() -> None:
    shown = nn.summary(nn.Sequential(nn.Dense(4, 8), nn.ReLU()), 4)._repr_html_()
    assert ">Dense</td>" in shown
    assert "40 trainable" in shown


def test_axes_are_not_listed_below_their_figure(trainer: nn.Trainer, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib").use("Agg")
    axes = trainer.history.plot(tmp_path / "x.png")
    assert axes._ipython_display_() is None
    assert axes[0].get_title() == "loss"


def test_control_characters_are_escaped() -> None:
    history = History([{"epoch": 1, "a\x1b[2J\nb": 0.5}])
    for shown in (str(history), repr(history), history._repr_html_()):
        assert "a\\x1b[2J\\nb" in shown
        assert "\x1b" not in shown


# -------------------------------------------------------------------- tables in terminals


@pytest.fixture(params=[40, 80, 200])
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setenv("COLUMNS", str(request.param))
    return request.param


def wide_tables() -> Iterator[str]:
    names = [f"a_rather_long_metric_{i}" for i in range(9)]
    yield str(History([{"epoch": i, **dict.fromkeys(names, 0.25)} for i in (1, 2)]))
    deep = nn.Dense(3, 4)
    for _ in range(9):
        deep = nn.Sequential(nn.ReLU(), deep)  # type: ignore[assignment]
    yield str(nn.summary(deep, 3))
    w = Tensor(np.ones((3, 2)), requires_grad=True, name="a.path.to.a.weight.of.a.layer")
    yield repr(compare([np.zeros((2, 3))], (w * w).mean(), [w]))
    yield repr(gradcheck(lambda x: np.exp(x).sum(), np.ones((2, 3))))


def test_tables_fit_the_terminal_and_lose_nothing(width: int) -> None:
    history, summary, comparison, check = wide_tables()
    for table in (history, summary, comparison, check):
        assert max(map(len, table.splitlines())) <= width
    assert history.count("0.2500") == 18
    assert summary.count("Dense") == 1
    assert comparison.count("wrong") == 1


def test_columns_that_do_not_fit_follow_below(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    table = text_table([("name", "a", "bcdefghijk"), ("x", "1" * 9, "2"), ("y", "3", "4")], "lrr")
    assert table == "name          a\nx     111111111\ny             3\n\n" + (
        "name  bcdefghijk\nx              2\ny              4"
    )


def test_long_cells_are_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "24")
    table = text_table([("name", "words"), ("x", "one two three four five")], rule=True)
    assert table.splitlines() == [
        "name  words",
        "------------------------",
        "x     one two three four",
        "      five",
    ]


def test_text_in_html_is_escaped() -> None:
    assert rows(html_table([("<a>", "&")])) == [["<a>", "&"]]


PRINTED = """
import numpy as np, nn
from tinygrad_edu import Tensor, compare, draw_graph, gradcheck
model = nn.Sequential(nn.Dense(4, 8), nn.ReLU(), nn.Dense(8, 3))
trainer = nn.Trainer(model, "cross_entropy", nn.Adam(model.parameters()), ["accuracy", "f1"])
history = trainer.fit(nn.datasets.iris(), epochs=2, callbacks=[nn.EarlyStopping()])
w = Tensor(np.ones((3, 2)), requires_grad=True, name="w")
loss = (w * w).mean()
print(model, trainer, history, repr(history), nn.summary(model, 4), nn.datasets.iris())
print(compare([np.zeros((2, 3))], loss, [w]), gradcheck(lambda x: np.exp(x).sum(), np.ones(3)))
print(w, loss, draw_graph(loss), trainer.optimizer, nn.DataLoader(nn.datasets.iris(), 9))
for wrong in (lambda: w @ w, lambda: nn.summary(model, 5), lambda: trainer.fit(np.ones(3))):
    try:
        wrong()
    except Exception as error:
        print(error)
"""


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_all_is_printed_in_any_encoding(encoding: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PRINTED],
        capture_output=True,
        env={"PYTHONIOENCODING": encoding, "PYTHONPATH": str(Path(nn.__file__).parents[1])},
    )
    assert ran.returncode == 0, ran.stderr.decode(encoding)
    assert b"Sequential" in ran.stdout


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("options", [["--help"], ["--epochs", "2"]])
def test_examples_are_printed_in_any_encoding(
    encoding: str, options: list[str], tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    ran = subprocess.run(
        [sys.executable, "-m", "examples.housing", "--out", str(tmp_path), *options],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        cwd=Path(nn.__file__).parents[1],
    )
    assert ran.returncode == 0, ran.stderr.decode(encoding)


def test_messages_are_ascii() -> None:
    """In the source of all that may be printed; docstrings and what is drawn are not."""
    wrong = []
    for folder in ("tinygrad_edu", "nn"):
        for path in sorted(Path(nn.__file__).parents[1].joinpath(folder).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            wrong += [
                f"{path}:{node.lineno}: {node.value!r}"
                for node in ast.walk(tree)
                if isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and id(node) not in statements
                and not node.value.isascii()
                and not {"viz", "plots", "playground"} & {*path.parts}
            ]
    assert not wrong, "\n".join(wrong)
