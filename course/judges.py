"""Judges of exercises, whose reference is the engine or finite differences, not a solution."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, compare, grad

from .exercise import RIGHT, Arguments, Judge

__all__ = ["Gradients", "gradients", "slope", "values"]

CLOSE = 1e-2
"""What differs by less, relative to the largest element, is said to be a little off."""


def gradients(loss: Callable[..., Any], *of: str) -> Gradients:
    """The function shall return the gradients of `loss` with respect to the arguments in `of`.

    `loss` is written for the engine; it takes those of the drawn arguments that its parameters
    name. One gradient is returned as it is, several as a tuple in this order or as a dict.

    >>> judge = gradients(lambda x, w: ((x * w) ** 2).mean(), "w")
    >>> x, w = np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 0.5])
    >>> judge({"x": x, "w": w}, 2 * x * x * w / 3)
    'right'
    >>> judge({"x": x, "w": w}, 2 * x * x * w)
    'wrong: 3 times too large; was 1/N forgotten (N = 3)?'
    """
    return Gradients(loss, of)


@dataclass(frozen=True)
class Gradients:
    """The judge that `gradients` makes."""

    loss: Callable[..., Any]
    of: tuple[str, ...]

    @property
    def taken(self) -> tuple[str, ...]:
        """The names of the arguments that the loss takes."""
        return tuple(inspect.signature(self.loss).parameters)

    def __call__(self, arguments: Arguments, result: Any) -> str:
        of = self.of
        own, problem = _paired(result, of)
        if problem:
            return problem
        tensors = {k: Tensor(arguments[k], requires_grad=True, name=k) for k in of}
        loss = self.loss(*({**arguments, **tensors}[k] for k in self.taken))
        right = grad(loss, [tensors[k] for k in of], retain_graph=True, allow_unused=True)
        exact = {k: 0.0 if g is None else g.data for k, g in zip(of, right, strict=True)}
        rows = compare(own, loss, tensors).rows
        wrong = [row for row in rows if row.verdict.split(":")[0] not in (RIGHT, "empty")]
        if not wrong:
            return RIGHT
        row = wrong[0]
        verdict = _with_numbers(row.verdict, own[row.name], exact[row.name])
        return verdict if len(of) == 1 else f"the gradient of {row.name} is {verdict}"

    def by_finite_differences(self, arguments: Arguments) -> dict[str, np.ndarray]:
        """The same gradients, without the engine's derivatives."""
        found = {}
        for key in self.of:
            start = np.asarray(arguments[key], float)
            found[key] = np.zeros(start.shape)
            for i in np.ndindex(start.shape):

                def moved(x: float, key: str = key, i: Any = i, start: Any = start) -> float:
                    array = start.copy()
                    array[i] = x
                    return float(self.loss(*({**arguments, key: array}[k] for k in self.taken)))

                found[key][i] = slope(moved, float(start[i]))
        return found


def values(
    reference: Callable[..., Any], *, rtol: float = 1e-6, names: tuple[str, ...] = ()
) -> Judge:
    """The function shall return what `reference` returns for the same arguments.

    Numbers and arrays may differ by `rtol` times the largest element; text, truth values and
    everything else have to be equal. `names` are those of several results.

    >>> judge = values(lambda a: np.exp(a))
    >>> judge({"a": np.array([0.0, 1.0])}, np.array([1.0, np.e]))
    'right'
    >>> judge({"a": np.array([0.0, 1.0])}, np.array([-1.0, -np.e]))
    'wrong: its sign is flipped'
    """

    def judge(arguments: Arguments, result: Any) -> str:
        return _difference(result, reference(*arguments.values()), rtol, names)

    return judge


def slope(f: Callable[[float], float], x: float) -> float:
    """f'(x) by central differences with steps h and h/2, whose errors of order h² cancel.

    >>> round(slope(lambda x: x**3, 2.0), 9)
    12.0
    """
    h = 1e-3 * max(1.0, abs(x))
    coarse, fine = ((f(x + d) - f(x - d)) / (2 * d) for d in (h, h / 2))
    return float((4 * fine - coarse) / 3)


# -------------------------------------------------------------------- what a function returned


def _paired(result: Any, of: tuple[str, ...]) -> tuple[dict[str, Any], str]:
    """The gradients by name, and what is wrong with the form of the result."""
    if isinstance(result, dict):
        unknown = [str(key) for key in result if key not in of]
        if unknown:
            return {}, f"returned a gradient of {', '.join(unknown)}; asked are {', '.join(of)}"
        own = result
    elif len(of) == 1:
        single = isinstance(result, tuple) and len(result) == 1
        own = {of[0]: result[0] if single else result}
    elif not isinstance(result, (tuple, list)):
        return {}, f"returned one value; asked are the gradients of {', '.join(of)}, as a tuple"
    elif len(result) != len(of):
        return {}, f"returned {len(result)} values; asked are the gradients of {', '.join(of)}"
    else:
        own = dict(zip(of, result, strict=True))
    for key in of:
        if key not in own:
            return {}, f"the gradient of {key} is missing"
        if not _is_numeric(own[key]):
            return {}, f"returned {_kind(own[key])}; a gradient is a number or an array of numbers"
    return own, ""


def _difference(result: Any, expected: Any, rtol: float, names: tuple[str, ...] = ()) -> str:
    if isinstance(expected, Tensor):
        expected = expected.data
    if isinstance(expected, tuple) or (isinstance(expected, list) and not _is_numeric(expected)):
        return _of_items(result, expected, rtol, names)
    if isinstance(expected, dict):
        if not isinstance(result, dict) or set(result) != set(expected):
            keys = ", ".join(map(repr, expected))
            return f"returned {_kind(result)}; expected is a dict with the keys {keys}"
        return _of_items([result[key] for key in expected], [*expected.values()], rtol,
                         tuple(map(str, expected)))  # fmt: skip
    if isinstance(expected, (str, bool, np.bool_)) or expected is None:
        same = type(result) is type(expected) and result == expected
        return RIGHT if same else f"returned {_short(result)}; expected is {_short(expected)}"
    if not _is_numeric(result):
        return f"returned {_kind(result)}; expected is {_kind(expected)}"
    if isinstance(expected, list) and np.ndim(result) < 2 and np.size(result) != len(expected):
        return f"returned {np.size(result)} values; expected are {len(expected)}"
    if isinstance(expected, int) and np.ndim(result) == 0:
        return RIGHT if result == expected else f"returned {result}; expected is {expected}"
    return _of_numbers(np.asarray(result, float), np.asarray(expected, float), rtol)


def _of_items(result: Any, expected: Any, rtol: float, names: tuple[str, ...]) -> str:
    if not isinstance(result, (tuple, list)) and not _is_numeric(result):
        return f"returned {_kind(result)}; expected is {_kind(expected)}"
    result = list(np.atleast_1d(result)) if not isinstance(result, (tuple, list)) else result
    if expected and all(isinstance(each, str) for each in expected):
        return _of_words(list(result), list(expected))
    if len(result) != len(expected):
        return f"returned {len(result)} values; expected are {len(expected)}"
    for i, (own, right) in enumerate(zip(result, expected, strict=True)):
        verdict = _difference(own, right, rtol)
        if verdict != RIGHT:
            return f"{names[i] if i < len(names) else f'item {i} of the result'} is {verdict}"
    return RIGHT


def _of_words(own: list[Any], expected: list[str]) -> str:
    """A list of names: which are missing, which are too many, and is the order right?"""
    if own == expected:
        return RIGHT
    missing = [name for name in expected if name not in own]
    extra = [_short(name) for name in own if name not in expected]
    parts = [f"{', '.join(missing)} missing"] if missing else []
    parts += [f"{', '.join(extra)} should not be there"] if extra else []
    if not parts:
        again = sorted({name for name in own if own.count(name) > 1})
        parts = [f"{', '.join(again)} more than once" if again else f"the order of {_short(own)}"]
    return f"wrong: {'; '.join(parts)} (expected is {_short(expected)})"


def _of_numbers(own: np.ndarray, right: np.ndarray, rtol: float) -> str:
    if own.shape == right.shape:
        infinite = ~np.isfinite(right)
        differs = infinite & ~((own == right) | (np.isnan(own) & np.isnan(right)))
        if differs.any():
            i = tuple(np.argwhere(differs)[0].tolist())
            return f"wrong: {own[i]:.4g} instead of {right[i]:.4g} at {list(i)}"
        own, right = np.where(infinite, 0.0, own), np.where(infinite, 0.0, right)
        size = abs(right).max(initial=0)
        error = abs(own - right).max(initial=0)
        if error <= rtol * size:
            return RIGHT
        if error <= CLOSE * size:
            return _with_numbers("wrong: a little off", own, right)
    parameter = Tensor(np.zeros(right.shape), requires_grad=True, name="result")
    verdict = compare([own], (parameter * right).sum(), [parameter]).rows[0].verdict
    return _with_numbers(re.sub("; was the 2 of [^;]*", "", verdict), own, right)


def _with_numbers(verdict: str, own: Any, right: Any) -> str:
    """The verdict, with both numbers where there is just one of each.

    A factor that is no slip says nothing of a single number, and is left out.
    """
    own, right = np.asarray(own), np.asarray(right)
    if own.size != 1 or right.size != 1 or "instead of" in verdict:
        return verdict
    numbers = f"{float(own.ravel()[0]):.6g} instead of {float(right.ravel()[0]):.6g}"
    unknown = r"wrong: [\d.e+-]+ times what is right(; its sign is flipped)?"
    return f"wrong: {numbers}" if re.fullmatch(unknown, verdict) else f"{verdict} ({numbers})"


def _is_numeric(value: Any) -> bool:
    if isinstance(value, (str, bytes, dict, bool)) or value is None:
        return False
    try:
        return np.asarray(value).dtype.kind in "iuf"
    except (ValueError, TypeError):
        return False


def _kind(value: Any) -> str:
    """What a value is, in a few words: `a tuple of 3`, `an array of shape (2, 3)`."""
    if isinstance(value, np.ndarray) and value.ndim:
        return f"an array of shape {value.shape}"
    if isinstance(value, (np.ndarray, np.number)):
        return f"a number, {value:.4g}"
    if isinstance(value, (tuple, list, dict)):
        return f"a {type(value).__name__} of {len(value)}"
    return _short(value)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:197]}..."
