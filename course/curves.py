"""Curves as a small SVG, so that lessons can show one without a plotting library."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["Curves", "curves"]

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 300, 52, 150, 14, 34
COLORS = ("#0b57a4", "#c2570c", "#3a7d44", "#8a3ffc", "#6b7280")
DASHES = ("", "7 4", "2 3", "9 3 2 3", "1 4")


def curves(
    lines: Mapping[str, tuple[Any, Any]],
    points: Mapping[str, tuple[Any, Any]] | None = None,
    x: str = "x",
    y: str = "",
) -> Curves:
    """Lines and points by their labels, each as a pair of x and y, to be given to `show`.

    Raises ValueError if there is nothing finite to draw.

    >>> xs = np.linspace(-1, 1, 5)
    >>> curves({"x²": (xs, xs**2)}, {"here": (0.5, 0.25)})
    Curves(x², here)
    """
    return Curves(dict(lines), dict(points or {}), x, y)


class Curves:
    """A plot; the last value of a notebook's cell shows it."""

    def __init__(self, lines: dict[str, Any], points: dict[str, Any], x: str, y: str) -> None:
        self.lines = {label: _pair(values) for label, values in lines.items()}
        self.points = {label: _pair(values) for label, values in points.items()}
        self.x, self.y = x, y
        drawn = [*self.lines.values(), *self.points.values()]
        both = [np.concatenate([pair[i] for pair in drawn] or [np.zeros(0)]) for i in (0, 1)]
        finite = [values[np.isfinite(values)] for values in both]
        if not all(values.size for values in finite):
            raise ValueError("curves: there is nothing finite to draw")
        (self.left, self.right), (low, high) = ((v.min(), v.max()) for v in finite)
        margin = 0.06 * (high - low) or 1.0
        self.low, self.high = low - margin, high + margin
        if self.left == self.right:
            self.left, self.right = self.left - 1, self.right + 1

    def svg(self) -> str:
        """The drawing as SVG."""
        parts = [*self._axes()]
        for i, (label, (xs, ys)) in enumerate(self.lines.items()):
            path = " ".join(f"{u:.1f},{v:.1f}" for u, v in self._placed(xs, ys))
            look = f'stroke="{COLORS[i % 5]}" stroke-dasharray="{DASHES[i % 5]}" stroke-width="2"'
            parts.append(f'<polyline points="{path}" fill="none" {look}/>')
            parts.append(self._key(i, label, f'<line x2="22" {look}/>'))
        for i, (label, (xs, ys)) in enumerate(self.points.items(), len(self.lines)):
            color = f'fill="{COLORS[i % 5]}"'
            parts += [
                f'<circle cx="{u:.1f}" cy="{v:.1f}" r="4.5" {color}/>'
                for u, v in self._placed(xs, ys)
            ]
            parts.append(self._key(i, label, f'<circle cx="11" r="4.5" {color}/>'))
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="13" '
            f'fill="#1c2430"><rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>'
        )

    def page(self) -> str:
        """The drawing as a page."""
        head = '<meta charset="utf-8"><title>Curves</title>'
        return f'<!doctype html><html lang="en">{head}{self.svg()}</html>'

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """An image in HTML, which a notebook shows also where it is not trusted."""
        data = base64.b64encode(self.svg().encode()).decode()
        alt = html.escape(f"curves of {', '.join([*self.lines, *self.points])} over {self.x}")
        image = f'<img alt="{alt}" src="data:image/svg+xml;base64,{data}" style="max-width: 100%">'
        return {"text/html": image, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"Curves({', '.join([*self.lines, *self.points])})"

    def _placed(self, xs: np.ndarray, ys: np.ndarray) -> list[tuple[float, float]]:
        keep = np.isfinite(xs) & np.isfinite(ys)
        across = LEFT + (xs[keep] - self.left) / (self.right - self.left) * (WIDTH - LEFT - RIGHT)
        down = TOP + (self.high - ys[keep]) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)
        return list(zip(across.tolist(), down.tolist(), strict=True))

    def _axes(self) -> list[str]:
        parts = []
        for value in _ticks(self.left, self.right):
            (u, _), *_ = self._placed(np.array([value]), np.array([self.low]))
            parts.append(_line(u, TOP, u, HEIGHT - BOTTOM))
            parts.append(_text(u, HEIGHT - BOTTOM + 16, f"{value:g}", "middle"))
        for value in _ticks(self.low, self.high):
            (_, v), *_ = self._placed(np.array([self.left]), np.array([value]))
            parts.append(_line(LEFT, v, WIDTH - RIGHT, v))
            parts.append(_text(LEFT - 7, v + 4, f"{value:g}", "end"))
        parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 3, self.x, "middle"))
        return [*parts, _text(4, TOP + 2, self.y, "start")]

    def _key(self, i: int, label: str, mark: str) -> str:
        place = f"translate({WIDTH - RIGHT + 14} {TOP + 12 + 20 * i})"
        return f'<g transform="{place}">{mark}{_text(30, 4, label, "start")}</g>'


def _pair(values: tuple[Any, Any]) -> tuple[np.ndarray, np.ndarray]:
    xs, ys = (np.atleast_1d(np.asarray(each, float)) for each in values)
    return xs, ys


def _ticks(low: float, high: float) -> np.ndarray:
    """About five round numbers between two others."""
    step = 10.0 ** np.floor(np.log10((high - low) / 4))
    step *= next(k for k in (1, 2, 5, 10) if (high - low) / (k * step) <= 6)
    return np.asarray(np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step + 0.0)


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#d5dbe3"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(text)}</text>'
