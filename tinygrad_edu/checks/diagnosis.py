"""What is wrong with a gradient, in words.

A wrong gradient is most often a right one with one step left out.  Each such slip is tried, and the
first that makes the two equal is the diagnosis.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np


def diagnosis(
    own: np.ndarray, right: np.ndarray, p: np.ndarray, tolerance: float, sizes: set[int]
) -> str:
    """What the gradient `own` of a parameter with the values p is: "right", or what is wrong.

    `tolerance` is relative to the largest element of the right one; `sizes` are the numbers that
    N may be in a forgotten 1/N.
    """
    kind = "wrong" if own.shape == right.shape else "wrong shape"
    if not np.isfinite(right).all():
        return f"undefined: the loss has no finite gradient at {_first(~np.isfinite(right))}"
    if not np.isfinite(own).all():
        return f"{kind}: not finite at {_first(~np.isfinite(own))}"
    tolerance *= float(abs(right).max(initial=0))
    if kind == "wrong" and _close(own, right, tolerance):
        return "right"
    if not right.any():
        return f"{kind}: all of it should be 0"
    if not own.any():
        return f"{kind}: all of it is 0"
    for slip, yours, truth in _slips(own, right):
        factor = common_factor(yours, truth, tolerance)
        if factor is not None:
            return f"{kind}: " + "; ".join(filter(None, [slip, _in_words(factor, sizes)]))
    if kind == "wrong":
        return f"{kind}: {_elements(own, right, p, tolerance)}"
    return f"{kind}: {own.shape} instead of {right.shape}, and no usual slip explains the values"


def common_factor(own: np.ndarray, right: np.ndarray, tolerance: float) -> float | None:
    """The c ≠ 0 with own = c · right up to |c| · tolerance in every element, if there is one."""
    with np.errstate(all="ignore"):
        factor = float((own * right).sum() / ((right * right).sum() or 1))
        near = _close(own, factor * right, abs(factor) * tolerance)
    return factor if factor and near else None


def _close(a: np.ndarray, b: np.ndarray, tolerance: float) -> bool:
    return bool((abs(a - b) <= tolerance).all())


def _first(mask: np.ndarray) -> str:
    return str(np.argwhere(mask)[0].tolist())


def _slips(own: np.ndarray, right: np.ndarray) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """What may have been forgotten, with both gradients as they would be if it was."""
    if own.shape == right.shape:
        yield "", own, right
    if own.ndim > 1 and own.T.shape == right.shape:
        yield "transposed", own.T, right
    if own.size == right.size and own.shape != right.shape:
        slip = f"the values in shape {own.shape} instead of {right.shape}; is it keepdims?"
        yield slip, own.reshape(right.shape), right
    for axes in _subsets(own.ndim):
        if right.shape in (own.sum(axes).shape, own.sum(axes, keepdims=True).shape):
            yield f"not summed over {_named(axes)}", own.sum(axes).reshape(right.shape), right
    for axes in _subsets(right.ndim):
        if own.shape in (right.sum(axes).shape, right.sum(axes, keepdims=True).shape):
            slip = f"summed over {_named(axes, '')}, which the parameter has"
            yield slip, own, right.sum(axes).reshape(own.shape)


def _subsets(n: int) -> Iterator[tuple[int, ...]]:
    return (axes for k in range(1, n + 1) for axes in itertools.combinations(range(n), k))


def _named(axes: tuple[int, ...], batch: str = ", the batch") -> str:
    if len(axes) == 1:
        return f"axis {axes[0]}" + (batch if axes == (0,) else "")
    return f"axes {', '.join(map(str, axes))}"


def _in_words(scale: float, sizes: set[int]) -> str:
    """A factor between a gradient and the right one, and where it may come from."""
    size, sign = abs(scale), "its sign is flipped" if scale < 0 else ""
    larger, smaller = round(size), round(1 / size)
    words = f"{size:.4g} times what is right"
    if abs(size - 1) < 1e-3:
        words = ""
    elif abs(size - 2) < 1e-3:
        words = "twice what is right; was a factor 1/2 forgotten?"
    elif abs(size - 0.5) < 1e-3:
        words = "half of what is right; was the 2 of a square's derivative forgotten?"
    elif larger in sizes and abs(size / larger - 1) < 1e-3:
        words = f"{larger} times too large; was 1/N forgotten (N = {larger})?"
    elif smaller in sizes and abs(size * smaller - 1) < 1e-3:
        words = f"{smaller} times too small; was it divided by N = {smaller} once too often?"
    return "; ".join(filter(None, [words, sign]))


def _elements(own: np.ndarray, right: np.ndarray, p: np.ndarray, tolerance: float) -> str:
    """Where gradients of one shape differ, and what the difference looks like."""
    difference = own - right
    wrong = abs(difference) > tolerance
    decay = float((difference * p).sum() / ((p * p).sum() or 1))
    if decay and _close(difference, decay * p, tolerance):
        return f"differs by {decay:.4g} times the parameter; is a weight decay in only one of them?"
    if not right[wrong].any():
        return f"right but where it should be 0, as at {_first(wrong)}; was a mask forgotten?"
    i = tuple(np.argwhere(wrong)[0])
    return (
        f"{wrong.sum()} of {own.size} elements, as {own[i]:.4g} instead of {right[i]:.4g} at "
        f"{_first(wrong)}"
    )
