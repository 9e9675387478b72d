"""The documentation site: what its pages are made from, and the check of a built one."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.site import links, sources
from docs.site.docstrings import markdown
from docs.site.reference import Reference


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference()


@pytest.fixture(scope="module")
def pages(reference: Reference) -> dict[str, str]:
    return dict(reference.pages())


# -------------------------------------------------------------------- docstrings


def test_examples_become_blocks_of_code() -> None:
    assert (
        markdown("Sum.\n\n>>> 1 + 1\n2\n\nMore.") == "Sum.\n\n```pycon\n>>> 1 + 1\n2\n```\n\nMore."
    )
    assert markdown("It is:\n>>> 1\n1") == "It is:\n\n```pycon\n>>> 1\n1\n```"


def test_what_markdown_would_take_for_markup_is_escaped_outside_of_code() -> None:
    text = "a * b * c, in_features -> <b>[x]</b>, $5, `in_features * 2`"
    escaped = r"a \* b \* c, in\_features -\> \<b\>\[x\]\</b\>, \$5, `in_features * 2`"
    assert markdown(text) == escaped


def test_lines_of_a_formula_stay_lines() -> None:
    assert markdown("m = a g\nv = b g²") == "m = a g\\\nv = b g²"
    assert markdown("m = a g\nand so on") == "m = a g\nand so on"


def test_names_in_backticks_become_links_to_what_they_name() -> None:
    known = {"grad": "tinygrad_edu.grad"}
    assert markdown("See `grad`.", known.get) == "See {py:obj}`grad <tinygrad_edu.grad>`."
    assert markdown("See `other`.", known.get) == "See `other`."


# -------------------------------------------------------------------- the reference


def test_every_public_name_is_described_once_with_an_example(
    reference: Reference, pages: dict[str, str]
) -> None:
    text = "\n".join(pages.values())
    assert reference.without_example == []
    for name in reference.names:
        first = reference.first[id(name.value)]
        if first is name:
            kind = "class" if isinstance(name.value, type) else "function"
            kind = kind if callable(name.value) else "data"
            assert text.count(f"{{py:{kind}}} {name.name}") >= 1, name.full
        else:
            assert f"`{name.full}` is {{py:obj}}`{first.full}`" in text
    assert "{py:class} Dense(in_features: int, out_features: int, bias: bool = True, *" in text
    assert "Raises ValueError for inputs of other axes or channels" in text, "errors of Conv2d"


def test_an_example_of_an_op_shows_what_the_engine_computes(pages: dict[str, str]) -> None:
    _, _, entry = pages["ops/elementwise"].partition("{py:function} square(")
    assert ">>> out = ops.square(x); out\n" in entry
    lines = entry.partition("```pycon\n")[2].splitlines()
    assert lines[:4] == [
        ">>> x = Tensor([-0.8, 1.2], requires_grad=True)",
        ">>> out = ops.square(x); out",
        "Tensor([0.64, 1.44], op=<square>)",
        ">>> out.sum().backward(); x.grad",
    ]
    assert lines[4] == "array([-1.6,  2.4])"


# -------------------------------------------------------------------- pages and their links


def test_links_to_source_files_lead_to_pages_that_show_them(tmp_path: Path) -> None:
    path = sources.ROOT / "docs" / "gradient-contract.md"
    text = sources._document(path, tmp_path)
    assert "](/source/tinygrad_edu/graph.py.md)" in text
    assert "](../" not in text
    shown = (tmp_path / "source/tinygrad_edu/graph.py.md").read_text(encoding="utf-8")
    assert "def sweep(" in shown


def test_every_document_is_in_the_menu() -> None:
    menu = sources._menu(["README.md", "docs/nn.md", "docs/new.md"])
    assert "docs/nn.md" in menu
    assert "docs/new.md" in menu.partition(":caption: More")[2]


def site(folder: Path, **pages: str) -> list[str]:
    for name, body in pages.items():
        (folder / f"{name}.html").write_text(f"<html><body>{body}</body></html>", encoding="utf-8")
    return links.wrong(folder)


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    good = '<a href="b.html#there">x</a><a href="#top">x</a><a href="https://example.org">x</a>'
    assert site(tmp_path, a=good, b='<p id="there">x</p>') == []
    assert site(tmp_path, a='<a href="c.html">x</a>') == ["a.html: c.html leads nowhere"]
    assert site(tmp_path, a='<a href="b.html#no">x</a>') == ["a.html: b.html#no leads nowhere"]


@pytest.mark.parametrize(
    "body",
    [
        '<script src="https://example.org/x.js"></script>',
        '<link rel="stylesheet" href="//example.org/x.css">',
        '<img src="http://example.org/x.png">',
    ],
)
def test_a_page_that_fetches_from_elsewhere_is_found(tmp_path: Path, body: str) -> None:
    (found,) = site(tmp_path, a=body)
    assert found.startswith("a.html: fetches ")


def test_a_style_sheet_that_fetches_from_elsewhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("@font-face { src: url('https://example.org/f.woff') }")
    assert links.wrong(tmp_path) == ["a.css: fetches from elsewhere"]
