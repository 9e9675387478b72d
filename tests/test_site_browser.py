"""The built documentation site in Chromium, from `file://`: wide and narrow, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="needs pip install 'tinygrad-edu[browser]'")
from playwright.sync_api import Browser

SITE = Path(__file__).parents[1] / "out" / "site" / "html"
if not (SITE / "README.html").exists():
    pytest.skip("needs the site, which `make docs` builds", allow_module_level=True)
PAGES = ["README", "docs/nn", "docs/seeing", "notebooks/housing", "reference/ops/elementwise"]


@pytest.fixture
def opened(browser: Browser) -> Iterator[Any]:
    """Opens a page of the site, which must neither complain nor fetch from elsewhere."""
    wrong: list[str] = []

    def open_page(name: str, **options: Any) -> Any:
        page = browser.new_page(**options)
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "request",
            lambda r: r.url.startswith(("file:", "data:", "blob:")) or wrong.append(r.url),
        )
        page.goto(f"{SITE.as_uri()}/{name}")
        return page

    yield open_page
    assert wrong == []


@pytest.mark.parametrize("width", [1400, 390])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_its_window_and_fetches_nothing(opened: Any, name: str, width: int) -> None:
    page = opened(f"{name}.html", viewport={"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h1").first.is_visible()


def test_search_finds_a_name(opened: Any) -> None:
    page = opened("search.html?q=MultiheadAttention")
    page.wait_for_selector("#search-results li")
    assert "nn.MultiheadAttention" in page.inner_text("#search-results")


def test_formulas_are_mathml(opened: Any) -> None:
    page = opened("reference/ops/elementwise.html")
    assert page.locator(".formulas math mfrac").count() > 10


def test_an_explorer_stands_in_the_page_and_runs(opened: Any) -> None:
    page = opened("docs/seeing.html")
    page.locator("details summary").first.click()
    frame = page.frame_locator("iframe.explorer").first
    frame.locator("body[data-ready]").wait_for()
    assert frame.locator("#graph .operation").count() > 0


def test_dark_and_light(opened: Any) -> None:
    color = "getComputedStyle(document.body).backgroundColor"
    dark = opened("README.html", color_scheme="dark").evaluate(color)
    assert dark != opened("README.html", color_scheme="light").evaluate(color)
