"""The pages that Sphinx reads: the repository's own documents, lessons and notebooks, and the
reference, in folders like the repository's, so that the links between them hold.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from ..generate import ROOT
from . import reference

__all__ = ["write"]

HERE = Path(__file__).parent
GUIDES = {
    "Learn": ("docs/course.md", "docs/from-scratch.md", "docs/own-op.md", "notebooks/housing",
              "docs/teaching.md"),
    "Derivations": tuple(
        f"docs/derivations/{name}.md"
        for name in ("dense", "softmax-cross-entropy", "batch-norm", "layer-norm", "convolution",
                     "attention", "lstm")
    ),
    "Misconceptions": tuple(
        f"docs/misconceptions/{name}.md"
        for name in ("gradient-is-the-new-weight", "backward-changes-weights",
                     "gradients-live-in-the-loss", "backward-replaces-gradients",
                     "zero-gradient-means-optimum", "none-means-zero", "data-is-the-same",
                     "broadcasting-is-free", "the-network-ends-in-softmax",
                     "a-larger-step-learns-faster")
    ),
    "Networks": ("docs/nn.md", "docs/sanity.md", "docs/playground.md", "docs/parallel.md",
                 "docs/results.md"),
    "See": ("docs/seeing.md", "docs/why.md", "docs/programs.md"),
    "Coming from": ("docs/from-pytorch.md", "docs/from-keras.md", "docs/from-scikit-learn.md",
                    "docs/from-jax.md", "docs/from-micrograd.md"),
    "Look up": ("docs/gradient-contract.md", "docs/derivatives.md", "docs/numpy-coverage.md"),
    "Around it": ("docs/scipy.md", "docs/benchmarks.md", "docs/scaling.md", "docs/testing.md",
                  "CONTRIBUTING.md", "CHANGELOG.md"),
}  # fmt: skip
"""The site's menu. A document that is in no group comes last, so that none is forgotten."""

EXPLORERS = {
    "explorer.png": "network.html#step=10",
    "explorer-numbers.png": "numbers.html#step=11",
    "explorer-convolution.png": "convolution.html#step=18",
    "explorer-vanishing.png": "vanishing.html#step=60",
    "explorer-transformer.png": "transformer.html#step=560",
}
"""The page of examples.see_backprop that a picture of the documents shows."""

_ALONE = "---\norphan: true\n---\n\n"
_SHOWN = (".py", ".pyi", ".cfg", ".toml", ".csv", "")
_SAVED = re.compile(r'^```python\n(?:(?!```).)*?save\("([\w-]+\.html)"\).*?^```\n', re.M | re.S)
_LESSON = re.compile(r"\[([^\]]+)\]\((?:\.\./)?course/(\d\d_\w+)\.py\)")
_LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")
_PICTURE = re.compile(
    r'^<img src="(?:docs/)?pictures/([\w-]+\.png)"[^\n]*>$|^!\[[^\n]*\]\(pictures/([\w-]+\.png)\)$',
    re.M,
)


def write(folder: Path) -> list[str]:
    """Write all pages into `folder`; return the public names for which there is no example."""
    shutil.rmtree(folder, ignore_errors=True)
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    for path in documents:
        _write(folder, path.relative_to(ROOT).as_posix(), _document(path, folder))
    for path in (ROOT / "notebooks").glob("*.py"):
        _write(folder, f"notebooks/{path.name}", path.read_text(encoding="utf-8"))
    for name in ("docs/pictures", "notebooks/pictures"):
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, folder / name)
    pages, without = reference.pages()
    for name, text in pages.items():
        _write(folder, f"reference/{name}.md", text)
    _write(folder, "reference/index.md", _index(pages))
    with (folder / "README.md").open("a", encoding="utf-8") as file:
        file.write(_menu(sorted(p.relative_to(ROOT).as_posix() for p in documents)))
    (folder / "_static").mkdir()
    shutil.copy(HERE / "site.css", folder / "_static")
    return without


def _write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _document(path: Path, folder: Path) -> str:
    """A document whose links lead to pages: those to source files show them, lessons are built."""

    def linked(match: re.Match[str]) -> str:
        target = (path.parent / match[1]).resolve()
        if "://" in match[1] or not target.is_relative_to(ROOT):
            return match[0]
        name = target.relative_to(ROOT).as_posix()
        if target.parent == ROOT / "notebooks":
            return f"](/notebooks/{target.stem}.py)"
        if target.suffix in _SHOWN:
            _write(folder, f"source/{name}.md", _source(target, name))
            return f"](/source/{name}.md)"
        if target.suffix == ".md" and target.parent != ROOT and "docs" not in target.parts:
            _write(folder, name, _ALONE + target.read_text(encoding="utf-8"))
        return match[0]

    root = "../" * (len(path.relative_to(ROOT).parts) - 1)
    text = path.read_text(encoding="utf-8")
    text = _LESSON.sub(rf'<a href="{root}course/\2.html">\1</a>', text)
    text = _LINK.sub(linked, text)
    text = _PICTURE.sub(lambda match: _explorer(match, root), text)
    if path.parent.name == "misconceptions":
        _run(text, folder / "explorers")
        text = _SAVED.sub(lambda m: f"{m[0]}\n{_frame(root + m[1])}", text)
    return text


def _run(text: str, folder: Path) -> None:
    """Run a document's code in a folder, for the pages that it saves."""
    folder.mkdir(exist_ok=True)
    code = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    script = Path(folder, "train.py")
    script.write_text("\n".join(code), encoding="utf-8")
    subprocess.run([sys.executable, "train.py"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    script.unlink()


def _source(path: Path, name: str) -> str:
    """A page that shows a file, or lists a folder."""
    head = f"{_ALONE}# {name}\n\n"
    if path.is_dir():
        return head + "".join(f"- `{p.name}`\n" for p in sorted(path.glob("*.py")))
    kind = "python" if path.suffix in (".py", ".pyi") else "text"
    code = path.read_text(encoding="utf-8")
    return f"{head}``````{{code-block}} {kind}\n:linenos:\n\n{code}``````\n"


def _frame(source: str) -> str:
    frame = f'<iframe class="explorer" loading="lazy" src="{source}" title="the explorer"></iframe>'
    return f"```{{raw}} html\n{frame}\n```\n"


def _explorer(match: re.Match[str], root: str) -> str:
    """A picture of the explorer, with the explorer itself below."""
    page = EXPLORERS.get(match[1] or match[2])
    if page is None:
        return match[0]
    opening = "```{raw} html\n<details><summary>Open it here</summary>\n```\n"
    closing = "```{raw} html\n</details>\n```\n"
    return f"{match[0]}\n\n{opening}\n{_frame(root + page)}\n{closing}"


def _index(pages: dict[str, str]) -> str:
    listed = "\n".join(pages)
    heads = {name: text.partition("\n")[0].removeprefix("# ") for name, text in pages.items()}
    titles = "\n".join(f"- [{head}]({name}.md)" for name, head in heads.items())
    tree = f"```{{toctree}}\n:hidden:\n\n{listed}\n```\n"
    return f"# Reference\n\nEvery public name.\n\n{titles}\n\n{tree}"


def _menu(documents: list[str]) -> str:
    grouped = {name for names in GUIDES.values() for name in names}
    others = [name for name in documents if name not in grouped and name != "README.md"]
    groups = {**GUIDES, "More": tuple(others), "Reference": ("reference/index",)}
    trees = [
        f"```{{toctree}}\n:caption: {title}\n:hidden:\n\n" + "\n".join(names) + "\n```\n"
        for title, names in groups.items()
        if names
    ]
    return "\n" + "\n".join(trees)
