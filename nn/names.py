"""What is said of a name that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def unknown(kind: str, name: object, names: Iterable[str]) -> ValueError:
    """The error for a name that is none of `names`, with the nearest one.

    >>> print(unknown("fruit", "Aple", ["apple", "pear"]))
    unknown fruit 'Aple'; did you mean 'apple'? There are apple, pear
    """
    names = list(names)
    near = difflib.get_close_matches(str(name).lower(), names, 1)
    meant = f"; did you mean {near[0]!r}? There are" if near else "; there are"
    return ValueError(f"unknown {kind} {name!r}{meant} {', '.join(names)}")
