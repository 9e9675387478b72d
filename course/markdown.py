"""The Markdown that lessons are written in, as HTML.

Headings, paragraphs, lists, tables, fenced code, HTML, code spans, **strong**, *emphasis*, links
and images: what the lessons need, so that their pages need nothing but this repository.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable

__all__ = ["anchor", "to_html"]


def to_html(text: str) -> str:
    """The text as HTML.

    >>> print(to_html("## A *title*\\n\\nSee `x < y`\\nand [a page](a.md)."))
    <h2 id="a-title">A <em>title</em></h2>
    <p>See <code>x &lt; y</code>
    and <a href="a.md">a page</a>.</p>
    """
    return "\n".join(map(_block, _blocks(text.split("\n"))))


def anchor(title: str) -> str:
    """What a link to a heading calls it.

    >>> anchor("Exercise 1.1: the slope")
    'exercise-11-the-slope'
    """
    return re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")


def _blocks(lines: list[str]) -> list[list[str]]:
    """The lines in groups: an empty line ends one, except in a fence, and a heading is its own."""
    groups: list[list[str]] = [[]]
    fenced = False
    for line in lines:
        fence = line.startswith("```")
        if fenced or not (fence or line.startswith("#") or _starts_list(line, groups[-1])):
            if fenced or line.strip():
                groups[-1].append(line)
            else:
                groups.append([])
        else:
            groups.append([line])
        if fence or (line.startswith("#") and not fenced):
            fenced = fence and not fenced
            groups += [] if fenced else [[]]
    return [group for group in groups if group]


def _starts_list(line: str, group: list[str]) -> bool:
    """Whether a list begins here, right after other text."""
    item = r"- |\d+\. "
    return bool(re.match(item, line)) and bool(group) and not re.match(item, group[0])


def _block(lines: list[str]) -> str:
    first = lines[0]
    if first.startswith("```"):
        code = html.escape("\n".join(lines[1:-1]), quote=False)
        return f"<pre><code>{code}</code></pre>"
    if heading := re.match(r"(#{1,6}) (.+)", first):
        level = len(heading[1])
        return f'<h{level} id="{anchor(heading[2])}">{_inline(heading[2])}</h{level}>'
    if first.startswith("|"):
        return _table(lines)
    if first.startswith("- "):
        return _list("ul", re.compile(r"- "), lines)
    if re.match(r"\d+\. ", first):
        return _list("ol", re.compile(r"\d+\. "), lines)
    if first.startswith("> "):
        quoted = to_html("\n".join(line.removeprefix(">").removeprefix(" ") for line in lines))
        return f"<blockquote>{quoted}</blockquote>"
    if first.startswith("<"):
        return "\n".join(lines)
    return f"<p>{_inline(chr(10).join(lines))}</p>"


def _list(kind: str, marker: re.Pattern[str], lines: list[str]) -> str:
    items: list[str] = []
    for line in lines:
        if found := marker.match(line):
            items.append(line[found.end() :])
        else:
            items[-1] += "\n" + line.strip()
    return f"<{kind}>{''.join(f'<li>{_inline(item)}</li>' for item in items)}</{kind}>"


def _table(lines: list[str]) -> str:
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    head, body = rows[0], [row for row in rows[1:] if not all(re.match(":?-+:?$", c) for c in row)]

    def row(cells: list[str], kind: str) -> str:
        return "<tr>" + "".join(f"<{kind}>{_inline(cell)}</{kind}>" for cell in cells) + "</tr>"

    return f"<table>{row(head, 'th')}{''.join(row(cells, 'td') for cells in body)}</table>"


def _inline(text: str) -> str:
    """Code spans first, since nothing in them is markup."""
    pieces = re.split(r"(`[^`]+`)", text)
    return "".join(
        f"<code>{html.escape(piece[1:-1], quote=False)}</code>" if i % 2 else _marked(piece)
        for i, piece in enumerate(pieces)
    )


MARKS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"!\[([^\]]*)\]\(([^)]+)\)", r'<img alt="\1" src="\2">'),
    (r"\[([^\]]+)\]\(([^)]+)\)", r'<a href="\2">\1</a>'),
    (r"\*\*(.+?)\*\*", r"<strong>\1</strong>"),
    (r"(?<![\w*])\*([^*\s][^*]*)\*(?!\w)", r"<em>\1</em>"),
)


def _marked(text: str) -> str:
    text = html.escape(text, quote=False)
    for pattern, replacement in MARKS:
        text = re.sub(pattern, replacement, text, flags=re.DOTALL)
    return text
