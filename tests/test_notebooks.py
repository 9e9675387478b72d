"""Each committed notebook has the cells and the outputs of its text source."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from typing import Any

import matplotlib
import pytest

from docs.generate import ROOT

matplotlib.use("Agg")
import matplotlib.pyplot as plt

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))
notebooks = pytest.mark.parametrize("source", NOTEBOOKS, ids=lambda source: source.stem)


def cells_of(source: str) -> list[tuple[str, str]]:
    """The cells of a text in percent format."""
    cells = []
    for part in re.split(r"^# %%", source, flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        markdown = head.strip() == "[markdown]"
        text = re.sub(r"^# ?", "", body, flags=re.MULTILINE) if markdown else body
        cells.append(("markdown" if markdown else "code", text.strip()))
    return cells


@notebooks
def test_a_notebook_has_the_cells_of_its_source(source: Path) -> None:
    notebook = json.loads(source.with_suffix(".ipynb").read_text(encoding="utf-8"))
    cells = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]
    assert cells == cells_of(source.read_text(encoding="utf-8")), "run `make notebooks`"


@notebooks
def test_a_notebook_was_executed(source: Path) -> None:
    notebook = json.loads(source.with_suffix(".ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert {"image/png", "text/html"} <= kinds
    assert "image/svg+xml" not in kinds, "JupyterLab shows it as text where it is not trusted"
    assert all(output["output_type"] != "error" for output in outputs)


@notebooks
def test_a_source_prints_the_outputs(
    source: Path, tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(source))
    plt.close("all")
    printed = capsys.readouterr().out
    notebook = json.loads(source.with_suffix(".ipynb").read_text(encoding="utf-8"))
    shown = [
        "".join(output["text"])
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if output["output_type"] == "stream"
    ]
    words = [re.sub(r"[-\d.]+", "0", text) for text in ("".join(shown), printed)]
    assert words[0].split() == words[1].split(), "run `make notebooks`"
