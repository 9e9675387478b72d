"""Checks a built site: every link leads somewhere, and no page fetches anything from elsewhere."""

from __future__ import annotations

import html.parser
import re
import urllib.parse
from pathlib import Path

__all__ = ["wrong"]

_FETCHING = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}
_ELSEWHERE = re.compile(r"url\(\s*['\"]?(?:https?:)?//|@import\s+['\"]?https?:")


class _Page(html.parser.HTMLParser):
    """The links of a page, what it fetches, and the places in it that a link can name."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.places: set[str] = {"", "top"}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.places.update(given[name] for name in ("id", "name") if name in given)
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif (name := _FETCHING.get(tag, "")) in given:
            leads = given.get("rel", "") in ("index", "search", "next", "prev", "canonical")
            (self.links if leads else self.fetched).append(given[name])


def wrong(folder: Path) -> list[str]:
    """What is wrong with the site in `folder`, a line each."""
    pages = {path.resolve(): _Page(path) for path in folder.rglob("*.html")}
    found = [
        f"{path.relative_to(folder)}: fetches from elsewhere"
        for path in folder.rglob("*.css")
        if _ELSEWHERE.search(path.read_text(encoding="utf-8"))
    ]
    for path, page in pages.items():
        name = path.relative_to(folder.resolve())
        for link in page.fetched:
            if re.match(r"(https?:)?//", link):
                found.append(f"{name}: fetches {link}")
        found += [
            f"{name}: {link} leads nowhere"
            for link in [*page.links, *page.fetched]
            if not _leads_somewhere(path, link, pages)
        ]
    return found


def _leads_somewhere(path: Path, link: str, pages: dict[Path, _Page]) -> bool:
    parts = urllib.parse.urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = (path.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else path
    if not target.exists():
        return False
    own = pages.get(target)
    fragment = urllib.parse.unquote(parts.fragment)
    return own is None or fragment in own.places or fragment.startswith("step=")
