"""What a sanity check reports: findings, with facts first, and what was found to be well."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["DOCUMENT", "Finding", "Fine", "Result", "SanityReport", "Unchecked"]

DOCUMENT = "docs/sanity.md"
STRUCTURE, EXPERIMENT = "By structure", "By experiment"


@dataclass(frozen=True)
class Finding:
    """Something that is probably wrong.  `id` is the heading of `DOCUMENT` that explains it.

    `facts` were measured; `likely` is a guess, None where the facts say all.
    """

    facts: list[str]
    likely: str | None
    remedy: str
    id: str = ""
    mark = "!!"

    def lines(self) -> Iterator[str]:
        """The facts, the likely cause, the remedy and where to read on."""
        yield from (f"- {fact}" for fact in self.facts)
        if self.likely:
            yield f"Likely: {self.likely}"
        yield f"To do: {self.remedy}"
        yield f'More: {DOCUMENT}#{self.id}; ignore=["{self.id}"] skips this check'


@dataclass(frozen=True)
class Fine:
    """A check that found nothing wrong, and what it saw."""

    text: str
    id: str = ""
    mark = "ok"


@dataclass(frozen=True)
class Unchecked(Fine):
    """A check that could not be made, and why."""

    mark = "--"


Result = Finding | Fine


@dataclass(frozen=True)
class SanityReport:
    """The results of all checks.  It is true if there is no finding; printing it shows the list.

    In a notebook it is shown as a table.
    """

    opening: str
    structure: list[Result]
    experiments: list[Result]

    @property
    def findings(self) -> list[Finding]:
        """What is probably wrong, what follows from the structure first."""
        return [each for each in (*self.structure, *self.experiments) if isinstance(each, Finding)]

    @property
    def unchecked(self) -> list[Unchecked]:
        """The checks that could not be made."""
        every = (*self.structure, *self.experiments)
        return [each for each in every if isinstance(each, Unchecked)]

    def __bool__(self) -> bool:
        return not self.findings

    def _title(self) -> str:
        n = len(self.findings)
        return f"{self.opening}: {n or 'no'} finding{'s' * (n != 1)}"

    def _parts(self) -> list[tuple[str, list[Result]]]:
        parts = [(STRUCTURE, self.structure), (EXPERIMENT, self.experiments)]
        return [(title, results) for title, results in parts if results]

    def __str__(self) -> str:
        lines = [self._title()]
        for title, results in self._parts():
            lines.append(title)
            for each in results:
                head = f"  [{each.mark}] {each.id}"
                if isinstance(each, Fine):
                    lines += _wrapped(each.text, f"{head}: ", 7)
                else:
                    lines.append(head)
                    for line in each.lines():
                        lines += _wrapped(line, " " * 7, 9 if line.startswith("- ") else 7)
        return "\n".join(line.encode("ascii", "backslashreplace").decode() for line in lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """A table, with the checks that found nothing folded."""
        rows = []
        for title, results in self._parts():
            rows.append(f"<tr><th colspan=3 style='text-align:left'>{title}</th></tr>")
            for each in results:
                told = [each.text] if isinstance(each, Fine) else list(each.lines())
                text = "<br>".join(map(html.escape, told))
                style = "font-weight:bold;color:#b2182b" if isinstance(each, Finding) else ""
                rows.append(
                    f"<tr style='vertical-align:top'><td style='{style}'>{each.mark}</td>"
                    f"<td style='text-align:left'><code>{html.escape(each.id)}</code></td>"
                    f"<td style='text-align:left'>{text}</td></tr>"
                )
        return f"<p>{html.escape(self._title())}</p><table>{''.join(rows)}</table>"


def _wrapped(text: str, start: str, indent: int) -> list[str]:
    """Lines of at most 96 characters, the first after `start`, the others indented."""
    return textwrap.wrap(
        start + text, 96, subsequent_indent=" " * indent,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
