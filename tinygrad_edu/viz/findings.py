"""What is wrong with a gradient: measured facts, the likely cause, the line, and the remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..where import Line, Site, line
from . import text

DOCUMENT = "docs/why.md"


@dataclass(frozen=True)
class Finding:
    """One thing that was found. `id` is the heading of `DOCUMENT` that explains it.

    `facts` were measured; `likely` is a guess, None where the facts say all.
    """

    id: str
    facts: list[str]
    likely: str | None
    remedy: str
    line: Line | None = None

    def __str__(self) -> str:
        lines = [f"  - {fact}" for fact in self.facts]
        if self.line:
            lines.append(f"  at {self.line}: {text.printable(self.line.text.strip())}".rstrip(": "))
        if self.likely:
            lines.append(f"  Likely: {self.likely}")
        lines.append(f"  To do: {self.remedy}")
        lines.append(f"  More: {DOCUMENT}#{self.id}")
        return "\n".join(lines)


class Report(text.Text):
    """What `why` returns: text, with the findings in it."""

    __slots__ = ("findings",)

    findings: tuple[Finding, ...]

    def __new__(cls, opening: str, findings: list[Finding]) -> Report:
        report = super().__new__(cls, "\n".join([opening, *map(str, findings)]))
        report.findings = tuple(findings)
        return report


def at(sites: Any) -> str:
    """Where something was called, as " at file:line"; "" if that is not known."""
    found = user_line(sites)
    return f" at {found}" if found else ""


def user_line(sites: Any) -> Line | None:
    """The user's line among some sites, or else the layer's."""
    every: list[Site] = list(sites)
    site = next((each for each in every if not each.in_layer), every[0] if every else None)
    return line(site) if site else None


_NORM = "np.linalg.norm, np.std and np.var have gradient 0 at their zero"
FORWARD = {
    "log": (
        "log is -inf at 0 and NaN below",
        "keep its argument above 0, as in np.log(np.maximum(x, 1e-12)), or compute log "
        "probabilities at once, by log_softmax or nn.cross_entropy",
    ),
    "log2": ("log2 is -inf at 0 and NaN below", "keep its argument above 0 by np.maximum"),
    "log10": ("log10 is -inf at 0 and NaN below", "keep its argument above 0 by np.maximum"),
    "log1p": ("log1p(x) is -inf at -1 and NaN below", "keep its argument above -1 by np.maximum"),
    "sqrt": (
        "the square root of a negative number is NaN; rounding can make a variance negative",
        "keep its argument at 0 or above, by np.maximum(x, 0)",
    ),
    "divide": (
        "the divisor is 0",
        "divide by np.maximum(y, 1e-12), or choose by np.where(y != 0, x / y, 0)",
    ),
    "exp": (
        "exp overflows, beyond 709 in float64 and 88 in float32",
        "subtract the largest value first, as softmax and logsumexp do, or clip the argument",
    ),
    "power": (
        "a negative number to a power that is no integer is NaN, and 0 to a negative one inf",
        "keep the base above 0, by np.abs or np.maximum",
    ),
    "arccos": ("arccos is NaN outside of -1 to 1", "np.clip its argument to that interval"),
    "arcsin": ("arcsin is NaN outside of -1 to 1", "np.clip its argument to that interval"),
    "subtract": ("inf - inf is NaN", "look where its operands became infinite"),
}
"""Op -> likely cause and remedy of a value that is not finite."""

BACKWARD = {
    "sqrt": (
        "the slope of sqrt is infinite at 0",
        f"add a small number below the root, as in np.sqrt(x + 1e-12); {_NORM}",
    ),
    "log": ("the slope 1/x of log is infinite at 0", FORWARD["log"][1]),
    "divide": ("the slope of x / y is infinite at y = 0", FORWARD["divide"][1]),
    "power": (
        "the slope of a power below 1 is infinite at 0",
        "add a small number to the base, as in (x + 1e-12) ** 0.5",
    ),
    "arccos": ("the slope of arccos is infinite at -1 and 1", "np.clip it to ±(1 - 1e-7)"),
    "arcsin": ("the slope of arcsin is infinite at -1 and 1", "np.clip it to ±(1 - 1e-7)"),
    "arctanh": ("the slope of arctanh is infinite at -1 and 1", "np.clip it to ±(1 - 1e-7)"),
    "cbrt": ("the slope of cbrt is infinite at 0", "add a small number to its argument"),
}
"""Op -> likely cause and remedy of a derivative that is not finite."""

UNKNOWN = (
    "a value outside of what the op is defined or differentiable for, or an overflow",
    "look at the operands above; keep them in the op's domain by np.clip or np.maximum",
)
