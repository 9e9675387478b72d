"""Docstrings as the Markdown that the site's pages are written in.

The docstrings of this project are plain text with code in backticks and examples after `>>>`.
What Markdown would take for markup is escaped, and the lines of a formula stay lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["markdown"]

_CODE = re.compile(r"(``.+?``|`[^`]+`)", re.DOTALL)
_MARKUP = re.compile(r"([\\*_<>\[\]$|#~{}])")
_FORMULA = re.compile(r"\s[=←]\s")
Link = Callable[[str], str | None]


def markdown(docstring: str, link: Link = lambda name: None) -> str:
    r"""The paragraphs and examples of a cleaned docstring.

    `link` returns the full name of what a name in backticks stands for, or None.

    >>> print(markdown("y = a * b, of `x`.\n\n>>> 1 + 1\n2"))
    y = a \* b, of `x`.
    <BLANKLINE>
    ```pycon
    >>> 1 + 1
    2
    ```
    """
    return "\n\n".join(_block(block, link) for block in re.split(r"\n\s*\n", docstring.strip()))


def _block(block: str, link: Link) -> str:
    if block.lstrip().startswith(">>>"):
        return f"```pycon\n{block}\n```"
    lines = block.splitlines()
    before = next((i for i, line in enumerate(lines) if line.startswith(">>>")), len(lines))
    text = [_text(line, link) for line in lines[:before]]
    formula = len(text) > 1 and all(_FORMULA.search(line) for line in lines[:before])
    return ("\\\n" if formula else "\n").join(text) + (
        "\n\n" + _block("\n".join(lines[before:]), link) if before < len(lines) else ""
    )


def _text(line: str, link: Link) -> str:
    parts = _CODE.split(line)
    return "".join(
        _code(part, link) if i % 2 else _MARKUP.sub(r"\\\1", part) for i, part in enumerate(parts)
    )


def _code(span: str, link: Link) -> str:
    target = link(span.strip("`"))
    return f"{{py:obj}}`{span.strip('`')} <{target}>`" if target else span
