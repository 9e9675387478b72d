"""The code in documents runs and prints what they say, links work, generated files are current."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nn
from docs.coverage import HAS_SCIPY
from docs.generate import FILES, ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
GUIDE = ROOT / "docs" / "nn.md"
PRINTED_IN = (
    *("course.md", "estimators.md", "programs.md", "sanity.md", "seeing.md", "weights.md"),
    "why.md",
)
PRINTING = [
    *(ROOT / "docs" / name for name in PRINTED_IN),
    *(ROOT / "docs").glob("from-*.md"),
    *(ROOT / "docs").glob("*/*.md"),
]
BLOCK = re.compile(r"^```python\n(.*?)^```(?:\n\n```text\n(.*?)^```)?", re.MULTILINE | re.DOTALL)
PRINTED = re.compile(r"^ *print\(.*\)  # (.+)$", re.MULTILINE)
OTHERS = ("autograd", "jax", "keras", "micrograd", "sklearn", "torch")
"""Blocks that import these are left out where they are not installed."""

RUN = """
import importlib.util, json, sys
names = {"__name__": "__main__"}
for line, code, imported in json.load(sys.stdin):
    if not all(map(importlib.util.find_spec, imported)):
        print(end="\\0")
        continue
    try:
        exec(compile(code, "train.py", "exec"), names)
    except BaseException:
        print("In the block at line", line, file=sys.stderr)
        raise
    print(end="\\0", flush=True)
"""


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_code_blocks_run_in_order(path: Path, tmp_path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    blocks = [
        (text.count("\n", 0, m.start(1)) + 1, m[1], _others_imported(m[1]))
        for m in BLOCK.finditer(text)
    ]
    environment = dict(os.environ, PYTHONPATH=str(ROOT), PYTHONUTF8="1", MPLBACKEND="agg")
    environment["TINYGRAD_EDU_COURSE"] = str(tmp_path)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN],
        input=json.dumps(blocks), encoding="utf-8",
        cwd=tmp_path, env=environment, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    if path in (GUIDE, *PRINTING):
        _check_what_is_printed(text, done.stdout.split("\0"))


def _others_imported(code: str) -> list[str]:
    found = re.findall(r"^(?:import|from) (\w+)", code, re.MULTILINE)
    return [name for name in found if name in OTHERS]


def _check_what_is_printed(text: str, printed: list[str]) -> None:
    """A block prints the comments after its print(...), and the text block right after it."""
    for (code, after), output in zip(BLOCK.findall(text), printed, strict=False):
        if not all(map(importlib.util.find_spec, _others_imported(code))):
            continue
        said = "\n".join([*PRINTED.findall(code), after])
        words, got = said.split(), output.split()
        fits = len(words) == len(got) and all(map(_fits, words, got))
        assert fits, f"{code}\nprints\n\n{output}\nand the page says\n\n{said}"


def _fits(said: str, printed: str) -> bool:
    """The same word, `...` for any word, or a number within one unit of its last digit."""
    try:
        unit = 10.0 ** -len(said.partition(".")[2])
        return said in ("...", printed) or abs(float(said) - float(printed)) < 1.5 * unit < 1
    except ValueError:
        return False


def test_the_guide_mentions_every_public_name() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    modules = (nn, nn.init, nn.metrics, nn.transforms, nn.datasets, nn.optim)
    names = {module.__name__: set(module.__all__) for module in modules}
    assert {"clip_grad_norm", "SGD"} < names["nn.optim"]
    for owner, public in names.items():
        missing = {name for name in public if not re.search(rf"\b{name}\b", text)}
        assert not missing, f"docs/nn.md does not mention {sorted(missing)} of {owner}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_to_headings_exist(path: Path) -> None:
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_link_targets_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#]+)", text) + re.findall(r'src="([^"]+)"', text)
    missing = [t for t in targets if "://" not in t and not (path.parent / t).exists()]
    assert not missing


def test_source_lines_named_in_the_gradient_contract_exist() -> None:
    text = (ROOT / "docs" / "gradient-contract.md").read_text(encoding="utf-8")
    kept = re.findall(r"Kept by\s`([^`]+)`\s+in\s\[[^]]+\]\(([^)]+)\)", text)
    assert len(kept) == 12
    for line, path in kept:
        assert line in (ROOT / "docs" / path).read_text(encoding="utf-8"), line
    promises = (ROOT / "tests" / "test_promises.py").read_text(encoding="utf-8")
    named = set(re.findall(r"`(Test\w+)`", text))
    assert named == set(re.findall(r"^class (Test\w+)", promises, re.MULTILINE))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_generated_files_are_current(path: Path) -> None:
    if path.suffix == ".md" and not hasattr(np, "matvec"):
        pytest.skip("an older NumPy lacks some of the functions in the table")
    if path.suffix == ".md" and not HAS_SCIPY:
        pytest.skip("SciPy's functions are in the table")
    assert path.read_text(encoding="utf-8") == FILES[path](), "run `make stubs`"


def test_import_loads_nothing_optional() -> None:
    code = (
        "import sys, tinygrad_edu, nn; "
        "print([m for m in ('matplotlib', 'graphviz', 'pygraphviz', 'scipy', 'sklearn', 'tqdm') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_the_demo(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "examples.digits", "--epochs", "20", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    accuracy = re.search(r"test accuracy ([\d.]+)%", done.stdout)
    assert accuracy
    assert float(accuracy[1]) >= 97
    for name in ("curves.png", "predictions.png", "graph.svg", "graph.png", "explorer.html"):
        assert (tmp_path / name).stat().st_size > 5000
        assert name in done.stdout
    assert "explorer.html" in done.stdout.splitlines()[-1], "the demo ends with the explorer"
