"""A lesson as a page to read: its text, the code with blanks, and what the code prints and shows.

The page is made by running the lesson with its solutions, so that what comes after an exercise is
there too. What follows a prediction is folded, and so are hints.
"""

from __future__ import annotations

import ast
import contextlib
import html
import io
import linecache
import re
from pathlib import Path
from typing import Any

from .catalog import find
from .lessons import Lesson, cells, lessons, relinked
from .markdown import to_html
from .showing import as_text
from .stage import Stage, staged

__all__ = ["index", "page", "run_cell"]

STYLE = """
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; line-height: 1.55;
  font-family: system-ui, sans-serif; color: #1c2430; background: #fff; }
pre { padding: .7rem .9rem; border-radius: 6px; overflow-x: auto; line-height: 1.4;
  font-size: .9rem; }
pre.code { background: #f1f3f6; } pre.output { border-left: 3px solid #9fb0c6; }
code { font-family: ui-monospace, monospace; } p code, li code { background: #f1f3f6; }
.shown { width: min(64rem, 94vw); margin-left: calc((100% - min(64rem, 94vw)) / 2); }
details { border: 1px solid #c7d0dc; border-radius: 6px; padding: .4rem .9rem; margin: .6rem 0; }
summary { cursor: pointer; } table { border-collapse: collapse; }
td, th { border: 1px solid #c7d0dc; padding: .25rem .6rem; text-align: left; }
nav { display: flex; justify-content: space-between; margin: 2rem 0; gap: 1rem; }
a { color: #0b57a4; } img { max-width: 100%; }
@media (prefers-color-scheme: dark) {
  body { color: #dde3ea; background: #14181d; } a { color: #8fc1ff; }
  pre.code, p code, li code { background: #20262e; } .shown { background: #fff; }
}
"""

INTRODUCTION = """# A course: from `a * b` to a transformer

Every step by hand once, and then by the engine, with this repository alone. To do the exercises,
run `make course`, and then `python -m course 1` in a checkout. These pages are for reading: what
follows a prediction is folded, and so are hints.
"""

TEMPLATE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{style}</style></head>
<body><main>{body}</main>{nav}</body></html>
"""


def page(lesson: Lesson, folder: Path, document: str = ".md") -> str:
    """The page of a lesson, with links that hold from a folder, where documents end so."""
    shown = cells(relinked(lesson.stripped, folder, ".html", document))
    recorder = _Recorder()
    names: dict[str, Any] = {"__name__": "__main__"}
    parts = []
    with staged(Stage(recorder.check, recorder.reveal, recorder.show)):
        for i, (blank, cell) in enumerate(zip(shown, cells(lesson.text), strict=True), 1):
            if cell.kind == "markdown":
                parts.append(to_html(blank.source))
                continue
            parts.append(f'<pre class="code"><code>{_escaped(blank.source)}</code></pre>')
            printed, value = run_cell(cell.source, names, f"cell {i}")
            if printed:
                parts.append(_output(printed))
            parts += recorder.taken()
            if value is not None:
                parts.append(_value(value))
    return TEMPLATE.format(
        title=_escaped(lesson.title), style=STYLE, body="\n".join(parts), nav=_nav(lesson)
    )


def index() -> str:
    """The page that lists the lessons."""
    items = []
    for lesson in lessons().values():
        first = cells(lesson.text)[0].source
        able = re.search(r"\*\*You will be able to\*\* (.+?)\n\n", first, re.DOTALL)
        title = f"[{lesson.title}]({lesson.path.stem}.html)"
        items.append(to_html(f"## {title}\n\nYou will be able to {able[1] if able else ''}"))
    body = to_html(INTRODUCTION) + "\n".join(items)
    return TEMPLATE.format(title="A course", style=STYLE, body=body, nav="")


def run_cell(source: str, names: dict[str, Any], filename: str) -> tuple[str, Any]:
    """Run a cell as a notebook does: what it prints, and the value of its last line."""
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    value = None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, filename, "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), filename, "eval"), names)
    return printed.getvalue(), value


class _Recorder:
    """What checks, predictions and drawings put on the page."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def taken(self) -> list[str]:
        parts, self.parts = self.parts, []
        return parts

    def check(self, number: str, function: Any) -> None:
        hints = find(number).hints
        for i, text in enumerate(hints, 1):
            self.parts.append(_folded(f"Hint {i} of {len(hints)}", to_html(text)))

    def reveal(self, guess: Any, actual: Any) -> None:
        self.parts.append(_folded("After your guess: look", _output(as_text(actual))))

    def show(self, drawing: Any, name: str) -> None:
        self.parts.append(_value(drawing))


def _value(value: Any) -> str:
    bundle = getattr(value, "_repr_mimebundle_", None)
    shown = bundle().get("text/html") if bundle is not None else None
    return f'<div class="shown">{shown}</div>' if shown else _output(repr(value))


def _output(text: str) -> str:
    return f'<pre class="output">{_escaped(text.rstrip())}</pre>'


def _folded(summary: str, body: str) -> str:
    return f"<details><summary>{_escaped(summary)}</summary>{body}</details>"


def _nav(lesson: Lesson) -> str:
    known = lessons()
    links = []
    for step, arrow in ((-1, "← {}"), (1, "{} →")):
        other = known.get(lesson.number + step)
        if other is None:
            links.append("<span></span>")
        else:
            title = arrow.format(_escaped(other.title))
            links.append(f'<a href="{other.path.stem}.html">{title}</a>')
    return f"<nav>{''.join(links)}</nav>"


def _escaped(text: str) -> str:
    return html.escape(re.sub(r"\x1b\[[\d;]*m", "", text), quote=False)
