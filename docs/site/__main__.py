"""`python -m docs.site` writes out/site/html, which opens in a browser without a server."""

from __future__ import annotations

import os
import sys

from course.build import build_site
from examples import see_backprop

from ..generate import ROOT
from . import links, sources

OUT = ROOT / "out" / "site"


def main() -> int:
    """Build the site, with warnings as errors, and check its links."""
    from sphinx.cmd.build import build_main

    os.environ["PYTHONPATH"] = str(ROOT)
    os.environ["MPLBACKEND"] = "agg"
    without = sources.write(OUT / "source")
    see_backprop.main(["--out", str(OUT / "source" / "explorers")])
    build_site(OUT / "source" / "explorers" / "course")
    settings = str(ROOT / "docs" / "site")
    arguments = ["-W", "--keep-going", "-q", "-c", settings, "-d", str(OUT / "doctrees")]
    failed = build_main([*arguments, str(OUT / "source"), str(OUT / "html")])
    found = [f"{name} has no example; write one in docs/site/calls.py" for name in without]
    found += links.wrong(OUT / "html")
    print(*found, sep="\n")
    print(f"the site is in {OUT / 'html' / 'README.html'}")
    return failed or bool(found)


if __name__ == "__main__":
    sys.exit(main())
