"""A recording whose sizes are functions of the batch's.

A recording knows the sizes of one run alone: a reshape to (5, 64) of a batch of 5 would be wrong
for any other. So a function is run with batches of two more sizes, and an integer that differs
between the runs is a multiple of the batch's size, plus a constant: a `Size`. The numbers in them
differ too, so that a constant that was computed from them outside of the ops is found.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from ..program.recording import Step, Value, values_in
from ..program.tracing import Arguments, Traced, _spelled, traced
from ..tensor import Tensor


@dataclasses.dataclass(frozen=True)
class Size:
    """slope * batch + offset."""

    slope: int
    offset: int

    def __str__(self) -> str:
        times = "batch" if self.slope == 1 else f"{self.slope}*batch"
        return f"{times}{self.offset:+}" if self.offset else times


Dims = tuple[int | Size, ...]


def has_size(structure: Any) -> bool:
    """Whether something in the arguments of a call depends on the batch's size."""
    if isinstance(structure, slice):
        structure = [structure.start, structure.stop, structure.step]
    if isinstance(structure, dict):
        structure = list(structure.values())
    if isinstance(structure, (list, tuple)):
        return any(map(has_size, structure))
    return isinstance(structure, Size)


class Call(NamedTuple):
    """A step whose arguments hold a `Size` where they depend on the batch's."""

    step: Step
    args: list[Any]
    kwargs: dict[str, Any]


_OTHER_OPS = (
    "the model calls other ops for a batch of another size; let no branch depend on it, or give "
    "batch_axis=None for a model of this size alone"
)


class Batched:
    """The steps of a function that are needed for its outputs, for a batch of any size."""

    def __init__(self, f: Callable[..., Any], args: Any, batch_axis: Any) -> None:
        given = Arguments(f, args, {})
        arrays = [np.asarray(x.data if isinstance(x, Tensor) else x) for x in given.arrays]
        axes = _axes(given.names, arrays, batch_axis)
        rows = {x.shape[axis] for x, axis in zip(arrays, axes, strict=True) if axis is not None}
        start = max(2, *rows) if rows else 1  # one row would broadcast
        self.sizes = (start, start + 1, start + 3) if rows else (1, 1, 1)
        batches = [list(map(_resized, arrays, axes, [n] * len(axes))) for n in self.sizes]
        self.run = traced(f, *given.with_arrays(batches[0]))
        self.runs = [self.run, *(_other_run(f, given, batch) for batch in batches[1:])]
        self.dims: dict[Value, Dims] = {}
        self._same: dict[Value, tuple[Any, ...]] = {}  # which Values of the runs are one
        self.calls: list[Call] = []
        recordings = [run.recording for run in self.runs]
        self._know([each.inputs for each in recordings])
        if len({len(each.steps) for each in recordings}) > 1:
            raise ValueError(_OTHER_OPS)
        for steps in zip(*(each.steps for each in recordings), strict=True):
            self._add(steps)
        self._know([[v for v in run.outputs if v is not None] for run in self.runs])
        pairs = zip(recordings[0].inputs, axes, strict=True)
        self.source = next(((v, axis) for v, axis in pairs if axis is not None), None)
        self.calls = self._needed()

    def _add(self, steps: Iterable[Step]) -> None:
        first, *others = steps = list(steps)
        if any(s.function is not first.function for s in others):
            raise ValueError(_OTHER_OPS)
        try:
            args, kwargs = self._merged(*((s.args, s.kwargs) for s in steps))
            self._know([s.outs for s in steps])
        except ValueError as error:
            raise ValueError(f"{error}, at {_spelled(first.location)}") from None
        self.calls.append(Call(first, args, kwargs))

    def _know(self, values: list[list[Value]]) -> None:
        for each in zip(*values, strict=True):
            self._merged(*each)

    def _merged(self, *parts: Any) -> Any:
        """The same argument of each run as one."""
        first = parts[0]
        if isinstance(first, Value):
            return self._merged_values(parts)
        if len({(type(p), len(p) if isinstance(p, (list, tuple)) else 1) for p in parts}) > 1:
            raise _dependent(f"{first!r}")
        if isinstance(first, (list, tuple)):
            merged = [self._merged(*each) for each in zip(*parts, strict=True)]
            return first._make(merged) if hasattr(first, "_make") else type(first)(merged)
        if isinstance(first, slice):
            ends = [(p.start, p.stop, p.step) for p in parts]
            return slice(*(self._merged(*each) for each in zip(*ends, strict=True)))
        if isinstance(first, dict):
            return {key: self._merged(*(p[key] for p in parts)) for key in first}
        if isinstance(first, (int, np.integer)) and not isinstance(first, bool):
            return self._size(parts)
        if any(repr(part) != repr(first) for part in parts):
            raise _dependent(f"{first!r}")
        return first

    def _merged_values(self, values: tuple[Any, ...]) -> Value:
        first: Value = values[0]
        if self._same.setdefault(first, values) != values:
            raise ValueError(_OTHER_OPS)
        if first not in self.dims:
            arrays = [np.asarray(v.array) for v in values]
            if len({x.ndim for x in arrays}) > 1:
                raise _dependent(f"the number of axes, {arrays[0].ndim},")
            sizes = zip(*(x.shape for x in arrays), strict=True)
            self.dims[first] = tuple(self._size(each) for each in sizes)
            if first.kind == "constant":
                _check_constants(arrays)
        return first

    def _size(self, given: tuple[Any, ...]) -> int | Size:
        """What the integers of the runs are, as a function of the batch's size."""
        numbers = [int(n) for n in given]
        if len(set(numbers)) == 1:
            return numbers[0]
        slope = numbers[1] - numbers[0]
        size = Size(slope, numbers[0] - slope * self.sizes[0])
        if any(size.slope * n + size.offset != m for n, m in zip(self.sizes, numbers, strict=True)):
            raise _dependent(f"the integer {numbers[0]}")
        return size

    def _needed(self) -> list[Call]:
        """The calls that the outputs are computed from."""
        wanted = {v for v in self.run.outputs if v is not None}
        needed = []
        for call in reversed(self.calls):
            if wanted.intersection(call.step.outs):
                wanted.update(values_in([call.args, call.kwargs]))
                needed.append(call)
        return needed[::-1]


FACTOR = 0.9375
"""By which the inputs of the other runs are smaller, so that what is frozen shows in constants."""


def _other_run(f: Callable[..., Any], given: Arguments, batch: list[Any]) -> Traced:
    try:
        return Traced(f, *given.with_arrays(list(map(_varied, batch))))
    except (ValueError, IndexError):
        pass  # of another size, or of other values, such as labels of 1 and -1
    try:
        return Traced(f, *given.with_arrays(batch))
    except (ValueError, IndexError) as error:
        raise ValueError(
            f"the model does not take a batch of another size: {error}; let it take sizes from the "
            "input's shape, or give batch_axis=None for a model of this size alone"
        ) from error


def _varied(x: Any) -> Any:
    """An input of other values: smaller numbers, or the same integers in another order."""
    if x.dtype.kind == "f":
        return x * x.dtype.type(FACTOR)
    return np.roll(x, 1) if x.dtype.kind in "iu" else x


def _axes(names: list[str], arrays: list[Any], batch_axis: Any) -> list[int | None]:
    """Each input's axis of the batch, None if it has none."""
    one = batch_axis is None or isinstance(batch_axis, int)
    axes = [batch_axis] * len(arrays) if one else list(batch_axis)
    if len(axes) != len(arrays):
        raise ValueError(
            f"batch_axis names {len(axes)} axes for {len(arrays)} inputs ({', '.join(names)}); "
            "give one for each, None where there is none"
        )
    rows = {}
    for name, x, axis in zip(names, arrays, axes, strict=True):
        if axis is not None:
            if not -x.ndim <= axis < x.ndim:
                raise ValueError(f"{name} has shape {x.shape}, and no axis {axis} for the batch")
            rows[name] = x.shape[axis]
    if len(set(rows.values())) > 1 or 0 in rows.values():
        listed = ", ".join(f"{name} {n}" for name, n in rows.items())
        raise ValueError(
            f"the batch's size must be one, and not 0, and along batch_axis={batch_axis!r} is that "
            f"of {listed}; batch_axis=(0, None), for instance, says that the second has no batch"
        )
    pairs = zip(arrays, axes, strict=True)
    return [None if axis is None else axis % x.ndim for x, axis in pairs]


def _resized(x: Any, axis: int | None, n: int) -> Any:
    """The rows of x again and again, as many as there shall be."""
    return x if axis is None else np.take(x, np.arange(n) % x.shape[axis], axis)


def _check_constants(arrays: list[Any]) -> None:
    """Whether a constant is the same in each run, or grows by a rule (see `rule`)."""
    first = arrays[0]
    for other in arrays[1:]:
        if other.shape == first.shape:
            if other is not first and other.tobytes() != first.tobytes():
                raise _dependent(f"an array of shape {first.shape}")
            continue
        base, slope, axis = rule(first, other.shape)
        again = base + slope * _counting(other.shape, axis)
        if not np.array_equal(again.astype(first.dtype), other):
            raise _dependent(f"an array of shape {first.shape}")


def rule(array: Any, other: tuple[int, ...]) -> tuple[Any, Any, int]:
    """base, slope and axis of `base + slope * i`, which an array is along the axis that grows."""
    axes = [i for i, (n, m) in enumerate(zip(array.shape, other, strict=True)) if n != m]
    if len(axes) != 1 or array.shape[axes[0]] < 2 or array.dtype.kind not in "fiub":
        raise _dependent(f"an array of shape {array.shape}")
    base, following = (np.take(array, [i], axes[0]) for i in (0, 1))
    slope = following.astype(np.int64) - base.astype(np.int64) if array.dtype.kind in "iu" else 0
    again = base + slope * _counting(array.shape, axes[0])
    if not np.array_equal(again.astype(array.dtype), array):
        raise _dependent(f"an array of shape {array.shape}")
    return base, np.asarray(slope), axes[0]


def _counting(shape: tuple[int, ...], axis: int) -> Any:
    grid = [-1 if i == axis else 1 for i in range(len(shape))]
    return np.broadcast_to(np.arange(shape[axis]).reshape(grid), shape)


def _dependent(what: str) -> ValueError:
    return ValueError(
        f"{what} in the model depends on values, or on the batch's size otherwise than by a factor "
        "and a sum; compute it with NumPy functions of the inputs, or give batch_axis=None for a "
        "model of this size alone"
    )
