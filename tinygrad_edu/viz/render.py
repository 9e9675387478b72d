"""A drawing and the ways out of it: DOT text, a picture in a file or in a notebook."""

from __future__ import annotations

import atexit
import base64
import functools
import html
import importlib.util
import os
import shutil
import sys
import tempfile
import webbrowser
from pathlib import Path
from typing import Any

from ..atomic_write import written_whole
from ..errors import printable
from ..graph import topological_order

SUFFIXES = (".svg", ".png", ".pdf", ".dot", ".html")
PNG_DPI = "144"
NOTEBOOK_LIMIT = 1000
"""Operations; laying out more would keep a notebook's cell busy for minutes."""
PAGE_BYTES, NOTEBOOK_BYTES = 4_800_000, 1_500_000
"""The largest sizes of an explorer in a file, and in a cell of a notebook."""

NO_RENDERER = (
    "drawing as {format} needs Graphviz: pip install pygraphviz brings one along, or "
    "install Graphviz itself (https://graphviz.org/download) so that `dot` is on PATH; "
    '.save("x.dot") and .source work without'
)


class Graph:
    """A drawn computation graph, made by `draw_graph`; the last value of a notebook cell shows it.

    `digraph` is the `graphviz.Digraph` inside, `source` its DOT text.
    """

    def __init__(
        self, digraph: Any, operations: int, tensors: int, outputs: Any = (), opening: Any = None
    ) -> None:
        self.digraph = digraph
        self.operations = operations
        self.tensors = tensors
        self.outputs = outputs
        self.opening = opening or {}

    @property
    def source(self) -> str:
        """The drawing in the DOT language."""
        return str(self.digraph.source)

    def svg(self) -> str:
        """The drawing as SVG.  Raises RuntimeError if there is no Graphviz to render it."""
        return self._rendered("svg").decode()

    @property
    def recorded(self) -> bool:
        """Whether something of the graph was observed, see `observe`."""
        nodes = topological_order(y.node for y in self.outputs if y.node is not None)
        return any(hasattr(node, "trace") for node in nodes)

    def page(self, budget: int = PAGE_BYTES) -> str:
        """The explorer: a page of HTML that steps through the forward and the backward pass.

        Arrays are sampled as far as is needed for it to have about `budget` bytes at most.
        """
        from .page import page

        return page(self.outputs, self.opening, budget)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the drawing as .svg, .png, .pdf or .dot, or the explorer as .html.

        Returns the path. A file that is there is replaced only once the new one is complete. Raises
        ValueError for another suffix, FileNotFoundError for a missing folder, and RuntimeError if
        there is no Graphviz to render it (.dot and .html need none).
        """
        path = Path(path)
        suffix = path.suffix.lower()
        if suffix not in SUFFIXES:
            raise ValueError(f"cannot save a drawing as {path.name!r}; use {', '.join(SUFFIXES)}")
        if not path.parent.is_dir():
            raise FileNotFoundError(f"the folder {str(path.parent)!r} does not exist; create it")
        content = self._rendered(suffix[1:])
        with written_whole(path) as file:
            file.write(content)
        return path

    def explore(self, path: str | os.PathLike[str] | None = None) -> Path:
        """Open the explorer in a browser; returns the path of its page, by default a new file.

        It is one page without anything fetched, so it can be copied, mailed and projected.
        """
        if path is None:
            path = Path(tempfile.mkdtemp(prefix="tinygrad-edu-")) / "explorer.html"
        saved = self.save(Path(path).with_suffix(".html"))
        webbrowser.open(saved.resolve().as_uri())
        return saved

    def _rendered(self, format: str) -> bytes:
        if format == "dot":
            return self.source.encode()
        if format == "html":
            return self.page().encode("utf-8")
        if format != "png":
            return render(self.source, format)
        sharp = self.digraph.copy()
        sharp.attr(dpi=PNG_DPI)
        return render(sharp.source, format)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: the picture, or why there is none and the DOT text.

        The picture is an image in HTML, since this shows also where the notebook is not trusted;
        over it lies the explorer, where values were observed and the notebook is trusted.
        """
        if self.operations > NOTEBOOK_LIMIT:
            return {"text/plain": f"{self!r}: too large to show here; .save() it to a file"}
        try:
            image, plain = as_image(self.svg(), repr(self)), repr(self)
        except RuntimeError as error:
            image, plain = "", f"{self!r}: {error}\n\n{self.source}"
        if self.recorded:
            return {
                "text/html": with_explorer(image, self.page(NOTEBOOK_BYTES)),
                "text/plain": plain,
            }
        return {"text/html": image, "text/plain": plain} if image else {"text/plain": plain}

    def __repr__(self) -> str:
        counts = ((self.operations, "operation"), (self.tensors, "tensor"))
        return f"Graph({', '.join(f'{n} {what}' + 's' * (n != 1) for n, what in counts)})"


def as_image(svg: str, description: str) -> str:
    """An SVG as an image in HTML, at most as wide as what it stands in.

    >>> as_image("<svg/>", "a graph")
    '<img alt="a graph" src="data:image/svg+xml;base64,PHN2Zy8+" style="max-width: 100%">'
    """
    source = base64.b64encode(svg.encode()).decode()
    alt = html.escape(printable(description))
    return f'<img alt="{alt}" src="data:image/svg+xml;base64,{source}" style="max-width: 100%">'


def with_explorer(image: str, page: str) -> str:
    """An image and a sentence, and over them the explorer, which is dropped without trust.

    The page may run scripts, but is otherwise kept apart from the notebook.
    """
    said = "The explorer with the steps of backpropagation shows here once the notebook is trusted."
    frame = (
        f'<iframe title="Explorer" sandbox="allow-scripts" srcdoc="{html.escape(page)}" '
        'style="width: 100%; height: 100%; border: 0"></iframe>'
    )
    return (
        '<div style="position: relative; width: 100%; min-height: 480px; aspect-ratio: 16 / 10; '
        f'overflow: hidden">{image}<p>{said}</p>'
        f'<div style="position: absolute; inset: 0">{frame}</div></div>'
    )


def render(source: str, format: str) -> bytes:
    """DOT text as svg, png or pdf: by the system's `dot`, else by the one in pygraphviz's wheel."""
    import graphviz

    try:
        return bytes(graphviz.pipe("dot", format, source.encode(), quiet=True))
    except graphviz.ExecutableNotFound:
        pass
    try:
        import pygraphviz
    except ImportError:
        raise RuntimeError(NO_RENDERER.format(format=format)) from None
    _start_fonts()
    return bytes(pygraphviz.AGraph(string=source).draw(format=format, prog="dot"))


@functools.cache
def _start_fonts() -> None:
    """Draw a word, without the warnings of what the wheel's Fontconfig does not know of a system's.

    They are written once, to the process's standard error.
    """
    import pygraphviz

    _lend_fonts()
    word = pygraphviz.AGraph(string="digraph { word }")
    try:
        error = os.dup(2)
    except OSError:  # there is no standard error
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        word.draw(format="svg", prog="dot")
    finally:
        os.dup2(error, 2)
        os.close(error)
        os.close(nowhere)


FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts")
FONT_CONFIG = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>"""


def _lend_fonts() -> None:
    """Without a font on the system text becomes empty boxes: let Graphviz find matplotlib's."""
    folders = (Path(folder).expanduser() for folder in FONT_FOLDERS)
    matplotlib = importlib.util.find_spec("matplotlib")
    if (
        sys.platform != "linux"
        or matplotlib is None
        or "FONTCONFIG_FILE" in os.environ
        or any(next(folder.rglob("*.[to]tf"), None) for folder in folders)
    ):
        return
    fonts = Path(str(matplotlib.origin)).parent / "mpl-data" / "fonts" / "ttf"
    folder = Path(tempfile.mkdtemp(prefix="tinygrad-edu-fonts-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "fonts.conf").write_text(FONT_CONFIG.format(fonts=fonts, cache=folder))
    os.environ["FONTCONFIG_FILE"] = str(folder / "fonts.conf")
