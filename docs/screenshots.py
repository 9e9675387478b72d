"""Takes the images of the explorer in docs/pictures: `python -m docs.screenshots`.

Needs Chromium and `pip install 'tinygrad-edu[browser]'`.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from examples import see_backprop

PICTURES = Path(__file__).parent / "pictures"
SIZE = {"width": 1280, "height": 760}


class Shot(NamedTuple):
    """A page at a step, after `actions` in it, such as `("click", "#fit")`."""

    name: str
    page: str
    step: int
    actions: tuple[tuple[str, ...], ...] = ()
    scheme: Any = "light"


SHOTS = [
    Shot("explorer", "network", 10, (("click", '#graph .operation[aria-label*="relu"]'),)),
    Shot("explorer-numbers", "numbers", 11),
    Shot("explorer-convolution", "convolution", 18, (), "dark"),
    Shot("explorer-vanishing", "vanishing", 60, (("select_option", "#coloring", "gradient"),)),
    Shot("explorer-transformer", "transformer", 560),
]


def main() -> None:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        see_backprop.main(["--out", folder])
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for shot in SHOTS:
            page = browser.new_page(viewport=SIZE, color_scheme=shot.scheme)  # type: ignore[arg-type]
            page.goto(f"{Path(folder, shot.page).as_uri()}.html#step={shot.step}")
            page.wait_for_selector("body[data-ready]")
            for name, *values in shot.actions:
                getattr(page, name)(*values)
            page.wait_for_timeout(400)
            page.screenshot(path=PICTURES / f"{shot.name}.png")
            print(f"wrote {PICTURES / shot.name}.png")
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
