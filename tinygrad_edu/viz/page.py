"""The explorer: a page of its own, offline, that shows a graph and steps through both passes."""

from __future__ import annotations

import html
import json
import re
from importlib import resources
from typing import Any

from ..tensor import Tensor
from .arrays import deflated
from .content import Content

MODULES = (
    "arrays", "cells", "draw", "coloring", "culling", "view", "player", "search", "inspector",
    "main",
)  # fmt: skip

_WITH_STEPS = (
    "Press ▶ Play, or the right arrow key, to watch {what} computed and its gradient travel back, "
    "step by step; click any box for its numbers."
)
_FORWARD_ONLY = (
    "Press ▶ Play, or the right arrow key, to watch {what} computed step by step; click any box "
    "for its numbers."
)
_STILL = "Click any box for its shape, formula and derivative; drag to move, scroll to zoom."
_UNOBSERVED = (
    "There are no values here, since nothing was observed: run the forward and the backward pass "
    "inside <code>with observe():</code> to see numbers and to step through backpropagation."
)
_NO_BACKWARD = (
    "There are no gradients here: call <code>backward()</code> inside <code>with observe():</code> "
    "to step through backpropagation."
)


def page(outputs: list[Tensor], opening: dict[str, Any], budget: int) -> str:
    """The page as HTML. It fetches nothing, and works from a file and in a sandboxed frame."""
    content = Content(outputs, opening)
    what = content.name
    title = f"Backpropagation through {what}" if content.backward else f"Graph of {what}"
    template = _source("page.html")
    parts = {
        "title": html.escape(title),
        "style": _source("style.css"),
        "license": _source("vendor/dagre.LICENSE.txt").strip(),
        "dagre": deflated(
            _source("vendor/dagre.min.js").partition("//# sourceMappingURL")[0].encode()
        ),
        "worker": _source("layout.js"),
        "modules": "\n".join(map(_module, MODULES)),
    }
    fixed = len(template) + sum(map(len, parts.values()))
    data, numbers, notes = content.data(budget - fixed)
    if not content.recorded:
        said, notes = _STILL, [_UNOBSERVED, *notes]
    elif not content.backward:
        said, notes = _FORWARD_ONLY, [_NO_BACKWARD, *notes]
    else:
        said = _WITH_STEPS
    parts["opening"] = html.escape(said.format(what=what))
    parts["notes"] = "".join(f"<p>{note}</p>" for note in notes)
    parts["data"], parts["numbers"] = _embedded(data), numbers
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)


def _source(name: str) -> str:
    return (resources.files(__package__) / "web" / name).read_text(encoding="utf-8")


def _module(name: str) -> str:
    """A module of the page as text, readable in its source too."""
    return f'<script type="text/plain" data-module="{name}">\n{_source(f"{name}.js")}</script>'


def _embedded(data: Any) -> str:
    """JSON inside of a script element, which no text of a user's can end."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    text = text.encode("utf-8", "backslashreplace").decode()  # lone surrogates
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
