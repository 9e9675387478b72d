"""A line search: how far to go along a direction (Nocedal and Wright, 2006, section 3.5)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

__all__ = ["Point", "strong_wolfe"]

ENOUGH, FLAT = 1e-4, 0.9  # c₁ and c₂ of the conditions


class Point(NamedTuple):
    """What is found at the distance t: the loss (never NaN), its gradient and its slope."""

    t: float
    loss: float
    gradient: np.ndarray
    slope: float


def strong_wolfe(
    evaluate: Callable[[float], Point],
    start: Point,
    t: float,
    most: int,
    size: float,
    tolerance: float,
) -> tuple[Point, int]:
    """A point that satisfies the strong Wolfe conditions, and how many were evaluated.

    loss(t) ≤ loss(0) + c₁ t slope(0),   |slope(t)| ≤ c₂ |slope(0)|

    From `t` on it goes further until two points have one between them that does, then narrows them
    down by cubic interpolation. It gives up with the lowest point found when it has evaluated
    `most` after the first, or when the interval times `size` is shorter than `tolerance`.
    A loss that is infinite is only too high.
    """
    points, used = _bracket(evaluate, start, t, most)
    stuck = False
    while len(points) == 2 and used < most:
        low = _lowest(points)
        first, last = sorted(point.t for point in points)
        if (last - first) * size < tolerance:
            break
        t, margin = _cubic_minimum(points[0], points[1], first, last), 0.1 * (last - first)
        near = min(last - t, t - first) < margin
        if near and (stuck or not first < t < last):  # twice in a row: keep away from the ends
            t = last - margin if abs(t - last) < abs(t - first) else first + margin
            near = False
        stuck = near
        new, used = evaluate(t), used + 1
        if _too_high(new, start) or new.loss >= points[low].loss:
            points[1 - low] = new
            continue
        if _is_flat(new, start):
            points = [new]
        else:
            if new.slope * (points[1 - low].t - points[low].t) >= 0:
                points[1 - low] = points[low]
            points[low] = new
    return points[_lowest(points)], used + 1


def _bracket(
    evaluate: Callable[[float], Point], start: Point, t: float, most: int
) -> tuple[list[Point], int]:
    """Two points, between which the conditions are satisfied somewhere, or one that does.

    Also the number of points after the first.
    """
    previous, new = start, evaluate(t)
    for used in range(most):
        if _too_high(new, start) or (used > 1 and new.loss >= previous.loss):
            return [previous, new], used
        if _is_flat(new, start):
            return [new], used
        if new.slope >= 0:
            return [previous, new], used
        further = new.t + 0.01 * (new.t - previous.t)
        t = _cubic_minimum(previous, new, further, 10 * new.t)
        previous, new = new, evaluate(t)
    return [start, new], most


def _too_high(point: Point, start: Point) -> bool:
    return point.loss > start.loss + ENOUGH * point.t * start.slope


def _is_flat(point: Point, start: Point) -> bool:
    return abs(point.slope) <= -FLAT * start.slope


def _lowest(points: list[Point]) -> int:
    return 0 if points[0].loss <= points[-1].loss else 1


def _cubic_minimum(a: Point, b: Point, first: float, last: float) -> float:
    """Where the cubic through both points, with their slopes, is least between first and last."""
    if a.t > b.t:
        a, b = b, a
    with np.errstate(all="ignore"):
        change = np.float64(a.loss - b.loss) / (a.t - b.t)
        d1 = a.slope + b.slope - 3 * change
        d2 = np.sqrt(d1 * d1 - a.slope * b.slope)
        t = float(b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2)))
    return min(max(t, first), last) if math.isfinite(t) else (first + last) / 2
