"""A lesson in a real JupyterLab: run as it comes, then with an exercise done."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="needs pip install 'tinygrad-edu[browser]'")
pytest.importorskip("jupyterlab", reason="needs pip install 'tinygrad-edu[browser]'")
from playwright.sync_api import Browser, Page

from course.build import build

from .test_explorer_notebook import laboratory, steps

__all__ = ["laboratory"]  # a fixture


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The lessons, as `make course` writes them."""
    made = tmp_path_factory.mktemp("course")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYGRAD_EDU_COURSE", str(made))
        build([1])
        yield made


RIGHT = "    return (f(x + h) - f(x - h)) / (2 * h)"
WRONG = "    return (f(x + h) - f(x - h)) / h"


def test_a_learner_does_a_lesson(browser: Browser, laboratory: str, folder: Path) -> None:
    page: Page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.goto(f"{laboratory}/lab/tree/01_slope_by_hand.ipynb")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
    page.get_by_role("heading", name="1 Slope by hand").click()
    for _ in range(11):  # cells, up to the first exercise
        page.keyboard.press("Shift+Enter")
    cell = page.locator(".jp-CodeCell").filter(has_text=re.compile(r"def slope\(f, x, h\)"))
    cell.get_by_text("1.1 slope is still blank").wait_for(timeout=60_000)

    for line, said in (
        (WRONG, "From x - h to x + h the distance is not h."),
        (RIGHT, "1.1 slope: right"),
    ):
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(f"def slope(f, x, h):\n{line}\n\n\ncheck('1.1', slope)")
        page.keyboard.press("Control+Enter")
        cell.get_by_text(said).wait_for(timeout=30_000)
    assert (folder / "progress.json").exists()

    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.get_by_text("def multiply(x: Array, y: Array)").wait_for(timeout=60_000)
    frame = page.locator(".jp-OutputArea iframe").first.element_handle().content_frame()
    assert frame is not None
    assert steps(frame).startswith("Forward: multiply")
    page.close()
