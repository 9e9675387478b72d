"""Parameters whose names differ by a number, passed as lists."""

from __future__ import annotations

import re


class Series:
    """Parameters named alike: before, number + offset, after.

    There is one for each of `numbers`, the repetitions, and of `ends`, pairs of offset and after.
    """

    def __init__(self, before: str, numbers: list[int], ends: list[tuple[int, str]]) -> None:
        self.before, self.numbers, self.ends = before, numbers, ends
        self.even = all(offset == 0 and after[:1] == "_" for offset, after in ends)
        self.buffers = 0  # how many of the ends are no parameters, but constants
        self.variable = self.slopes = self.constant = ""

    def literals(self) -> list[str]:
        """The sources of what runs through the names of one repetition, and of its buffers."""
        ends = [after[1:] for _, after in self.ends] if self.even else self.ends
        first = len(ends) - self.buffers
        return [repr(tuple(part)) for part in (ends[:first], ends[first:])]

    def key(self) -> str:
        """The source of a parameter's name, for number i."""
        return (
            f'f"{self.before}{{i}}_{{name}}"' if self.even else f'f"{self.before}{{i + n}}{{name}}"'
        )

    def item(self) -> str:
        """What the literal's items are unpacked into."""
        return "name" if self.even else "(n, name)"

    def counted(self, variable: str = "") -> str:
        """The source that runs through the numbers, and the items of a variable."""
        n, first = len(self.numbers), self.numbers[0]
        run = self.numbers == list(range(first, first + n))
        if variable and run:
            return f"enumerate({variable}, {first})" if first else f"enumerate({variable})"
        if run:
            return f"range({first}, {first + n})" if first else f"range({n})"
        step = self.numbers[1] - first
        even = self.numbers == list(range(first, first + n * step, step or 1))
        numbers = (
            f"range({first}, {first + n * step}, {step})" if even else str(tuple(self.numbers))
        )
        return f"zip({numbers}, {variable}, strict=True)" if variable else numbers


def series_of(rows: list[list[str]]) -> Series | None:
    """What rows of names have in common, if they differ by one number."""
    first: list[int] = []
    ends: list[tuple[int, str]] = []
    starts = set()
    for names in zip(*rows, strict=True):
        parts = [re.split(r"(\d+)", name) for name in names]
        if len({len(p) for p in parts}) > 1:
            return None
        places = [i for i, texts in enumerate(zip(*parts, strict=True)) if len(set(texts)) > 1]
        if len(places) != 1 or places[0] % 2 == 0:
            return None
        numbers = [int(p[places[0]]) for p in parts]
        first = first or numbers
        if {n - m for n, m in zip(numbers, first, strict=True)} != {numbers[0] - first[0]}:
            return None
        starts.add("".join(parts[0][: places[0]]))
        ends.append((numbers[0] - first[0], "".join(parts[0][places[0] + 1 :])))
    return Series(starts.pop(), first, ends) if len(starts) == 1 else None
