"""What several test files share: a browser."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
OPTIONS = ["--no-sandbox", "--disable-gpu"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium: playwright's own, or the system's; each run has a fresh profile."""
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as driver:
        for path in [None, *filter(None, map(shutil.which, NAMES))]:
            with contextlib.suppress(Error):
                found = driver.chromium.launch(executable_path=path, args=OPTIONS)
                yield found
                found.close()
                return
        pytest.skip("needs Chromium: apt install chromium, or playwright install chromium")
