"""Selections: of several values by conditions, by functions or by numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...array_interface import data_of
from ...declare import as_operand, composed
from ...tensor import Tensor
from ..index import index_put, take, take_along_axis
from ..joining import stack
from ..selections import where
from ..shape import cast_like

__all__ = ["choose", "extract", "piecewise", "select"]


@composed(np.select, method=False)
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """The choice of the first condition that holds, or else the default.
    y = x₁ where c₁ holds, else x₂ where c₂ holds, ..., else the default"""
    conditions = [np.asarray(data_of(each)) for each in condlist]
    if len(conditions) != len(choicelist) or not conditions:
        raise ValueError(
            f"select: {len(conditions)} conditions and {len(choicelist)} choices; give as many of "
            "one as of the other, and at least one"
        )
    for i, condition in enumerate(conditions):
        if condition.dtype != np.bool:
            raise TypeError(
                f"select: condition {i} must be of booleans, not {condition.dtype}; compare it"
            )
    *choices, y = _of_one_dtype((*choicelist, default))
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        y = where(condition, choice, y)
    return y


def _of_one_dtype(values: Sequence[Any]) -> list[Any]:
    """Lists as arrays, and Python's numbers in the dtype that the arrays have together."""
    values = [x if isinstance(x, (int, float)) else as_operand(x) for x in values]
    dtype = np.result_type(*(getattr(x, "dtype", x) for x in values))
    return [np.asarray(x, dtype) if isinstance(x, (int, float)) else x for x in values]


@composed(np.piecewise, method=False)
def piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    """Functions of the elements where conditions hold; the last function that applies counts.

    `funclist` are functions or numbers, as many as there are conditions; one more is for where none
    holds, else that is 0. `args` and `kw` are passed on to the functions.
    """
    x, condlist = as_operand(x), data_of(condlist)
    if not np.ndim(condlist) or (x.ndim and not np.ndim(condlist[0])):
        condlist = [condlist]
    conditions = np.asarray(condlist, bool)
    if len(funclist) == len(conditions) + 1:
        conditions = np.concatenate([conditions, ~conditions.any(0, keepdims=True)])
    if len(funclist) != len(conditions):
        raise ValueError(
            f"piecewise: {len(conditions)} conditions need as many functions, or one more for "
            f"where none holds, and {len(funclist)} were given"
        )
    y = where(False, x, np.zeros(x.shape, x.dtype))
    for condition, function in zip(conditions, funclist, strict=True):
        if condition.any():
            values = function(x[condition], *args, **kw) if callable(function) else function
            y = index_put(y, condition, cast_like(as_operand(values), x))
    return y


@composed(np.choose, method=False)
def choose(a: Any, choices: Any, *, mode: str = "raise") -> Any:
    """For each position, the element of the choice that an array of integers names there.
    y[i] = x[a[i]][i]

    In the mode "wrap" numbers are taken modulo the number of choices, in the mode "clip" the
    nearest one that there is.
    """
    index = np.asarray(data_of(a))
    if index.dtype.kind not in "iub":
        raise TypeError(f"choose: the choices are numbered by integers, not by {index.dtype}")
    index = index.astype(np.intp)
    parts = np.broadcast_arrays(index, *_of_one_dtype(tuple(choices)))
    n = len(parts) - 1
    if mode == "raise" and ((index < 0) | (index >= n)).any():
        raise ValueError(
            f"choose: there are {n} choices, so that the numbers run from 0 to {n - 1}"
        )
    if mode not in ("raise", "wrap", "clip"):
        raise ValueError(f"choose: the mode is 'raise', 'wrap' or 'clip', not {mode!r}")
    index = np.asarray(data_of(parts[0]))
    index = index % n if mode == "wrap" else index.clip(0, n - 1)
    return take_along_axis(stack(parts[1:]), index[None], 0)[0]


@composed(np.extract, method=False)
def extract(condition: Any, arr: Any) -> Tensor:
    """The elements where the condition holds, along one axis."""
    return take(np.ravel(as_operand(arr)), np.flatnonzero(data_of(condition)))
