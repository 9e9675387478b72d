"""The sources of the pages fit together: modules, elements, classes and variables of style."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import nn
import tinygrad_edu
from tinygrad_edu.viz import page

WEB = {
    "explorer": Path(tinygrad_edu.__file__).parent / "viz" / "web",
    "playground": Path(nn.__file__).parent / "playground" / "web",
}
LONGEST = 420


@pytest.fixture(params=WEB)
def folder(request: pytest.FixtureRequest) -> Path:
    return WEB[request.param]


def scripts(folder: Path) -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.js")}


def markup(folder: Path) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.html"))


def style(folder: Path) -> str:
    text = (folder / "style.css").read_text(encoding="utf-8")
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def test_what_is_imported_is_exported(folder: Path) -> None:
    texts = scripts(folder)
    exported = {
        name: set(
            re.findall(r"^export (?:async )?(?:function\*?|class|const|let) (\w+)", text, re.M)
        )
        for name, text in texts.items()
    }
    imports = 0
    for name, text in texts.items():
        for names, source in re.findall(r'import \{([^}]*)\} from "([^"]+)"', text):
            module = source.removeprefix("./").removesuffix(".js")
            wanted = {each.split(" as ")[0].strip() for each in names.split(",") if each.strip()}
            assert wanted <= exported[module], f"{name} imports {wanted - exported[module]}"
            imports += 1
    assert imports > 5


def test_each_module_of_the_explorer_is_in_the_page() -> None:
    assert {*page.MODULES, "layout"} == set(scripts(WEB["explorer"]))


def test_each_element_that_a_script_asks_for_is_in_the_page(folder: Path) -> None:
    ids = set(re.findall(r'\bid="([\w-]+)"', markup(folder)))
    text = "".join(scripts(folder).values())
    asked = set(re.findall(r'(?:\$|\bon|find)\(["`]#?([\w-]+)["`]', text))
    assert len(asked) > 10
    assert asked <= ids


def test_style_names_only_what_there_is(folder: Path) -> None:
    css, html = style(folder), markup(folder)
    everything = html + "".join(scripts(folder).values())
    selectors = "".join(re.findall(r"([^{}]*)\{", css))
    names = set(re.findall(r"[.#]([a-zA-Z][\w-]*)", selectors))
    assert len(names) > 20
    unknown = {name for name in names if not re.search(rf"\b{re.escape(name)}\b", everything)}
    assert not unknown


def test_variables_of_style_are_defined_and_used(folder: Path) -> None:
    css = style(folder)
    text = css + "".join(scripts(folder).values())
    used = set(re.findall(r"var\((--[\w-]+)", text))
    defined = set(re.findall(r"(--[\w-]+)\s*:", css))
    defined |= set(re.findall(r'setProperty\(\s*"(--[\w-]+)"', text))
    assert used == defined


def test_scripts_are_short_enough_to_read(folder: Path) -> None:
    assert all(text.count("\n") <= LONGEST for text in scripts(folder).values())
