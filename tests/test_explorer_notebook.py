"""A drawing in real notebooks: JupyterLab, trusted and not, and the HTML that nbconvert writes."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="needs pip install 'tinygrad-edu[browser]'")
pytest.importorskip("jupyterlab", reason="needs pip install 'tinygrad-edu[browser]'")
pytest.importorskip("nbconvert", reason="needs pip install 'tinygrad-edu[browser]'")
from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[1]
CELLS = (
    """
import numpy as np
from tinygrad_edu import Tensor, draw_graph, observe
x = Tensor(2.0, requires_grad=True, name="x")
with observe():
    y = np.tanh(x * -0.5)
    y.backward()
draw_graph(y)
""",
    "draw_graph(x * x)",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a notebook that was run elsewhere, so that JupyterLab does not trust it."""
    import nbformat

    made = tmp_path_factory.mktemp("notebooks")
    book = nbformat.v4.new_notebook()
    book.cells = [nbformat.v4.new_code_cell(cell.strip()) for cell in CELLS]
    nbformat.write(book, made / "book.ipynb")
    for arguments in (["--to", "notebook", "--execute", "--inplace"], ["--to", "html"]):
        command = [sys.executable, "-m", "nbconvert", *arguments, "book.ipynb"]
        subprocess.run(command, cwd=made, env=environment(made), check=True, capture_output=True)
    return made


def environment(folder: Path) -> dict[str, str]:
    return dict(os.environ, PYTHONPATH=str(ROOT), HOME=str(folder / "home"))


@pytest.fixture(scope="module")
def laboratory(folder: Path) -> Iterator[str]:
    """The address of a JupyterLab on this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", "--allow-root", f"--port={port}", "--IdentityProvider.token="]
    command = [sys.executable, "-m", "jupyterlab", *options]
    log = (folder / "log").open("wb")
    server = subprocess.Popen(
        command, cwd=folder, env=environment(folder), stdout=log, stderr=subprocess.STDOUT
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{address}/api", timeout=1)
                break
            time.sleep(0.2)
        else:
            pytest.fail((folder / "log").read_text())
        yield address
    finally:
        server.terminate()
        server.wait(30)
        log.close()


def steps(frame: Any) -> str:
    frame.wait_for_selector("body[data-ready]", timeout=30_000)
    frame.click("#forward")
    return str(frame.inner_text("#status"))


def test_without_trust_the_picture_shows_and_with_it_the_explorer(
    browser: Browser, laboratory: str
) -> None:
    page: Page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.goto(f"{laboratory}/lab/tree/book.ipynb")
    images = page.locator(".jp-OutputArea img")
    images.nth(1).wait_for(timeout=60_000)
    page.wait_for_timeout(1000)
    assert images.count() == 2
    assert (images.first.bounding_box() or {"width": 0})["width"] > 200
    assert page.locator(".jp-OutputArea iframe").count() == 0
    assert "once the notebook is trusted" in page.inner_text(".jp-Notebook")

    page.locator(".jp-Notebook .jp-Cell").first.click()
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".jp-OutputArea iframe", timeout=60_000)
    frame = page.locator(".jp-OutputArea iframe").element_handle().content_frame()
    assert steps(frame).startswith("Forward: multiply")
    page.close()


def test_nbconvert_keeps_the_explorer(browser: Browser, folder: Path) -> None:
    page = browser.new_page()
    page.goto((folder / "book.html").as_uri())
    assert steps(page.frames[1]).startswith("Forward: multiply")
    assert page.locator("img").count() == 2
    page.close()
