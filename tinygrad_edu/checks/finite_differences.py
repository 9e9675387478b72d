"""One derivative by finite differences, and what it means if the analytic one differs.

(f(x + h) - f(x - h)) / 2h differs from f'(x) by the truncation h² f'''(x) / 6, and by rounding,
which changes it by about ε |f(x)| / h.  So the step h has to be small where the function bends, and
large where its value is.  It starts at `step`, or where rounding lets the tolerance be seen, and
shrinks as long as both derivatives disagree.  Then the slopes on the two sides tell a wrong
derivative from the places where none exists: at a kink they stay apart however small the step, and
at the edge of its domain a function has only one of them.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

ROUNDING = 4 * sys.float_info.epsilon
"""By how much rounding may change a value, relative to its size: a few units in the last place."""

RATIO = 8.0
LARGER, SMALLER = 5, 10
"""How often the step may grow and shrink by that ratio."""

VERDICTS = ("ok", "kink", "edge", "undecided", "undefined", "wrong")


class Tolerance(NamedTuple):
    """By how much derivatives may differ, and the step that finds it out."""

    rtol: float
    atol: float
    step: float

    def of(self, *slopes: float) -> float:
        """atol + rtol · |the largest of the slopes that are finite|."""
        return self.atol + self.rtol * max((abs(s) for s in slopes if math.isfinite(s)), default=0)


class Slopes(NamedTuple):
    """How fast a value changes over a step to the left and one to the right, and its noise."""

    step: float
    left: float
    right: float
    noise: float

    @property
    def central(self) -> float:
        """The mean of both, whose error is of second order in the step."""
        return (self.left + self.right) / 2

    @property
    def gap(self) -> float:
        """By how much they differ: about step · f'' for a smooth function."""
        return abs(self.right - self.left)

    @property
    def flat(self) -> bool:
        """Whether the value does not change at all."""
        return self.left == self.right == 0


class Judgment(NamedTuple):
    """The numeric derivative, what it says about the analytic one, and how exact it is."""

    numeric: float
    verdict: str
    error: float = 0.0


class Element:
    """One element of a variable: a function `f` of one number, about `x`.

    `value` is f(x), `magnitude` the size of the numbers of which it is the sum, `analytic` the
    derivative to be judged, and `scale` that of the variable's other elements.
    """

    def __init__(
        self,
        f: Callable[[float], float],
        x: float,
        value: float,
        magnitude: float,
        analytic: float,
        scale: float,
        tolerance: Tolerance,
    ) -> None:
        self.f, self.x, self.value = f, x, value
        self.noise = ROUNDING * magnitude if math.isfinite(magnitude) else 0.0
        self.analytic, self.scale, self.tolerance = analytic, scale, tolerance
        self.base = max(tolerance.step, ROUNDING) * max(1.0, abs(x))
        self.largest = self.base * RATIO**LARGER

    def judge(self) -> Judgment:
        """Compare with smaller and smaller steps, until one agrees or none can."""
        rungs: list[Slopes] = []  # of a ladder, from the largest step down
        for step in self.steps():
            rungs.append(self.slopes(step))
            if self.agrees(rungs):
                return Judgment(rungs[-1].central, "ok")
            if self.refuted(rungs):
                return Judgment(rungs[-1].central, "wrong")
            hidden = rungs[-1].noise > abs(rungs[-1].central - self.analytic)
            if hidden and step <= self.base:
                break
        return self.disagreement(rungs)

    # ---------------------------------------------------------------- steps and slopes

    def steps(self) -> Iterator[float]:
        """From the first that rounding allows to the smallest, which is much smaller than x."""
        step, limit = self.base, self.tolerance.of(self.analytic, self.scale)
        for _ in range(LARGER):
            if self.noise <= limit * step:
                break
            step *= RATIO
        smallest = max(self.base / RATIO**SMALLER, ROUNDING * abs(self.x))
        while step >= smallest:
            yield step
            step /= RATIO
        if 0 < abs(self.x) < self.base:
            step = min(step, abs(self.x) / RATIO)
            while step > abs(self.x) / RATIO**8:
                yield step
                step /= RATIO

    def slopes(self, step: float) -> Slopes:
        """To both sides of x, over the distances that x really moves."""
        behind, ahead = self.x - step, self.x + step
        left = (self.value - self.f(behind)) / (self.x - behind)
        right = (self.f(ahead) - self.value) / (ahead - self.x)
        return Slopes(step, left, right, self.noise / step)

    def visible(self, slopes: Slopes) -> bool:
        """Whether rounding changes these slopes by less than is tolerated."""
        known = slopes.left, slopes.right, self.analytic, self.scale
        return slopes.noise <= self.tolerance.of(*known)

    def agrees(self, rungs: list[Slopes]) -> bool:
        """Whether the last slopes are the analytic one, or will be: see `extrapolated`."""
        last = rungs[-1]
        if not (math.isfinite(last.central) and math.isfinite(self.analytic)):
            return False
        estimates = [last.central, *(extrapolated(*pair) for pair in [rungs[-2:]] if len(pair) > 1)]
        return self.visible(last) and any(
            abs(each - self.analytic) <= self.tolerance.of(each, self.analytic) + last.noise
            for each in estimates
        )

    def refuted(self, rungs: list[Slopes]) -> bool:
        """Whether three steps say the same, something else, and both sides have met.

        Not if the value does not move at all: it may be constant there, or the step too small for
        the noise inside f.
        """
        last = rungs[-1]
        if len(rungs) < 3 or last.step > self.base or last.flat:
            return False
        near = self.tolerance.of(*(each.central for each in rungs[-3:]))
        met = last.gap <= max(10 * near + last.noise, rungs[-3].gap / RATIO)
        return met and all(
            abs(b.central - a.central) <= near + a.noise + b.noise
            and min(abs(each.central - self.analytic) - each.noise for each in (a, b)) > near
            for a, b in itertools.pairwise(rungs[-3:])
        )

    # ---------------------------------------------------------------- if none agrees

    def disagreement(self, rungs: list[Slopes]) -> Judgment:
        """The verdict where both disagree."""
        left, right = math.isfinite(rungs[-1].left), math.isfinite(rungs[-1].right)
        if not math.isfinite(self.value) or not (left or right):
            return Judgment(rungs[-1].central, "undefined")
        if not (left and right) or math.isinf(self.analytic):
            side = "central" if left and right else "left" if left else "right"
            return self.at_an_edge(rungs, side)
        near = [r for r in rungs if r.step <= self.base and math.isfinite(r.central)]
        excused = self.at_a_kink(near) or self.at_a_jump(near)
        return excused or self.wrong_or_undecided(rungs)

    def at_an_edge(self, rungs: list[Slopes], side: str) -> Judgment:
        """Where the function ends: its one-sided slope, or a slope that grows without bound."""
        seen = [(getattr(rung, side), rung.noise) for rung in rungs]
        near = self.tolerance.of(self.analytic)
        seen = [each for each in seen if math.isfinite(each[0])]
        clear = [slope for slope, noise in seen if noise <= max(near, 0.1 * abs(slope))]
        if len(clear) < 2:
            return Judgment(seen[-1][0], "undecided", seen[-1][1])
        before, slope = clear[-2:]
        if abs(slope) > 2 * abs(before):
            right = self.analytic * math.copysign(1, slope) > abs(slope)
        else:
            near = max(self.tolerance.of(slope, self.analytic), abs(before - self.analytic) / 2)
            right = abs(slope - self.analytic) <= near < math.inf
        return Judgment(slope, "edge" if right else "wrong")

    def at_a_kink(self, rungs: list[Slopes]) -> Judgment | None:
        """Where the slopes stay apart however small the step, if the analytic one lies between."""
        widest = max(rung.gap for rung in rungs)
        clear = [rung for rung in rungs if rung.noise <= 0.1 * widest]
        if len(clear) < 2:
            return None
        last = clear[-1]
        slack = last.noise + 1e2 * self.tolerance.of(last.left, last.right)
        low, high = sorted([last.left, last.right])
        between = low - slack <= self.analytic <= high + slack
        stays = all(last.gap / 2 < rung.gap < 2 * last.gap for rung in clear)
        found = between and stays and last.gap > slack
        return Judgment(clear[0].central, "kink") if found else None

    def at_a_jump(self, rungs: list[Slopes]) -> Judgment | None:
        """Where the value jumps by the same height however small the step."""
        clear = [r for r in rungs if r.noise <= 0.1 * max(abs(r.left), abs(r.right))]
        if len(clear) < 2 or not math.isfinite(self.analytic):
            return None
        first, last = ((r.left * r.step, r.right * r.step) for r in (clear[0], clear[-1]))
        height = max(map(abs, last))
        same = all(abs(a - b) <= 0.1 * height for a, b in zip(first, last, strict=True))
        return Judgment(clear[0].central, "kink") if height and same else None

    def wrong_or_undecided(self, rungs: list[Slopes]) -> Judgment:
        """Wrong if it lies outside the error of every step, larger ones included.

        The error is the noise, and by how much the next larger step differs.
        """
        rungs = [r for r in (*self.larger(rungs[0].step), *rungs) if math.isfinite(r.central)]
        centrals = [rung.central for rung in rungs]
        neighbors = [*(centrals[1:2] or [math.inf]), *centrals]
        errors = [r.noise + abs(r.central - n) for r, n in zip(rungs, neighbors, strict=False)]
        found = [
            Judgment(central, "undecided", error)
            for central, error in zip(centrals, errors, strict=True)
            if abs(central - self.analytic) <= self.tolerance.of(central, self.analytic) + error
        ]
        if found:
            return min(found, key=lambda each: each.error)
        return Judgment(centrals[errors.index(min(errors))], "wrong")

    def larger(self, step: float) -> list[Slopes]:
        """Slopes over larger steps than this one, the largest first."""
        times = [k for k in range(LARGER, 0, -1) if step * RATIO**k < 2 * self.largest]
        return [self.slopes(step * RATIO**k) for k in times]


def extrapolated(coarse: Slopes, fine: Slopes) -> float:
    """Richardson's estimate from two steps, without the error of second order."""
    ratio = coarse.step / fine.step
    return fine.central + (fine.central - coarse.central) / (ratio * ratio - 1)
