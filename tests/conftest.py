"""What several test files share: a browser, and a fixture for programs."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tinygrad_edu.program.compiled import Compiled

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
OPTIONS = ["--no-sandbox", "--disable-gpu"]


@pytest.fixture
def no_program_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a program raises, the function itself is called, which would hide that it is wrong."""

    def refuse(compiled: Any, call: Any) -> Any:
        raise AssertionError("the program failed, and the function was called in its place")

    monkeypatch.setattr(Compiled, "eager", refuse)


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
