"""A function's run, recorded: what its arguments, its captured Tensors and its outputs are."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from .. import graph
from ..context import enable_grad
from ..errors import line_of
from ..pytree import flat, like, paths
from ..tensor import Tensor, wrap
from .dyed import TraceError
from .recording import Recording, Value

ARRAYS = (np.ndarray, np.generic, Tensor)


class Arguments:
    """The arguments of a call: the arrays among them, with names, and all else as it is."""

    def __init__(self, f: Callable[..., Any], args: Any, kwargs: Any) -> None:
        self.structure = (list(args), dict(kwargs))
        leaves = flat(self.structure)
        names = [path for root, value in _named(f, args, kwargs) for path in paths(value, root)]
        self.leaves = leaves
        self.arrays = [x for x in leaves if isinstance(x, ARRAYS)]
        self.names = [n for n, x in zip(names, leaves, strict=True) if isinstance(x, ARRAYS)]

    def with_arrays(self, arrays: list[Any]) -> tuple[Any, Any]:
        """args and kwargs with other arrays."""
        given = iter(arrays)
        leaves = (next(given) if isinstance(x, ARRAYS) else x for x in self.leaves)
        args, kwargs = like(self.structure, leaves)
        return args, kwargs


def _named(f: Callable[..., Any], args: Any, kwargs: Any) -> list[tuple[str, Any]]:
    """Each argument with the name that the function has for it."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = []
    for i in range(len(args)):
        if i < len(parameters) and parameters[i].kind is not inspect.Parameter.VAR_POSITIONAL:
            names.append(parameters[i].name)
        else:
            names.append(f"x{i}" if len(args) > 1 else "x")
    return [*zip(names, args, strict=True), *kwargs.items()]


class Traced:
    """One recorded run of a function."""

    def __init__(
        self, f: Callable[..., Any], args: Any, kwargs: Any, arrays: Any = None, *,
        located: bool = True,
    ) -> None:  # fmt: skip
        self.arguments = Arguments(f, args, kwargs)
        self.recording = recording = Recording(located=located)
        arrays = self.arguments.arrays if arrays is None else arrays
        with recording, enable_grad():
            tensors = [
                recording.input(_fresh(x), name)
                for x, name in zip(arrays, self.arguments.names, strict=True)
            ]
            args, kwargs = self.arguments.with_arrays(tensors)
            self.output = f(*args, **kwargs)
            leaves = flat(self.output)
            self.outputs: list[Value | None] = [
                recording.value_of(y) if isinstance(y, Tensor) else None for y in leaves
            ]
            self.connected = [isinstance(y, Tensor) and y.node is not None for y in leaves]

    def variables(self) -> list[Value]:
        """What a gradient can be asked for: captured Tensors and arguments that require grad."""
        values = [*self.recording.inputs, *self.recording.captured]
        return [v for v in values if v.tensor.node is not None]

    def release(self) -> None:
        """Let go of the arrays of the run."""
        self.recording.release()
        for value in self.recording.inputs:
            value.array = None
        self.output = None


FACTOR = 1.0625
"""By which parameters are multiplied in the last run; exact in floating point."""


def traced(f: Callable[..., Any], args: Any, kwargs: Any) -> Traced:
    """A run of f, checked against two more: what they do differently cannot be recorded.

    The second run tells arrays that are captured, the same in each run, from those that f makes. In
    the third the arguments have other values and the parameters are a little larger: a constant
    that has changed then was computed from them outside of the ops.
    """
    first = Traced(f, args, kwargs)
    again = Traced(f, args, kwargs, located=False)
    _compare(
        first,
        again,
        "is another at each run; draw it by tinygrad_edu.effect, or pass it as an argument",
    )
    for v, w in _constants(first.recording, again.recording):
        if v.kind == "captured":  # a leaf that the function makes
            first.recording.captured.remove(v)
            first.recording.constants.append(v)
            v.kind = "constant"
        v.captured = v.array is w.array
    first.recording.name_results()
    with _larger(v.tensor for v in first.recording.captured):
        other = _with_other_values(f, args, kwargs, first.arguments.arrays)
    _compare(
        first, other,
        "was computed from the arguments or parameters outside of the ops, and would be frozen as "
        "it is now; compute it from Tensors, or pass it as an argument",
    )  # fmt: skip
    return first


def _compare(a: Traced, b: Traced, complaint: str) -> None:
    one, two = a.recording, b.recording
    steps = zip(one.steps, two.steps, strict=False)
    different: list[Any] = [s for s, t in steps if s.function is not t.function]
    if different or len(one.steps) != len(two.steps):
        step = next(iter([*different, *one.steps]), None)
        where = f" from {_spelled(step.location)} on" if step else ""
        raise TraceError(
            f"two runs of the function do not call the same ops{where}, so that one program cannot "
            "stand for both; let no branch depend on values or on what happened before"
        )
    for v, w in _constants(one, two):
        x, y = np.asarray(v.array), np.asarray(w.array)
        if x.shape != y.shape or x.tobytes() != y.tobytes():
            raise TraceError(
                f"an array of shape {x.shape} that {_spelled(v.location)} reads {complaint}"
            )
    for s, t in zip(one.steps, two.steps, strict=True):
        if not (_same(s.args, t.args) and _same(s.kwargs, t.kwargs)):
            raise TraceError(f"a static argument of the call at {_spelled(s.location)} {complaint}")


def _constants(one: Recording, two: Recording) -> list[tuple[Value, Value]]:
    """What two runs read that is no argument, no result and not the same captured Tensor."""
    found = {}
    for s, t in zip(one.steps, two.steps, strict=True):
        for v, w in zip(s.reads, t.reads, strict=False):
            if v.kind == "constant" or (v.kind == "captured" and v.tensor is not w.tensor):
                found[v] = w
    return list(found.items())


def _same(a: Any, b: Any) -> bool:
    """Whether the arguments of two calls are the same but for the arrays."""
    if type(a) is not type(b):
        return False
    if isinstance(a, Value) or a is b:
        return True
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, slice):
        return _same((a.start, a.stop, a.step), (b.start, b.stop, b.step))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    return repr(a) == repr(b)


def _spelled(location: Any) -> str:
    return line_of(*(location or ("?", 0)))


def _with_other_values(f: Callable[..., Any], args: Any, kwargs: Any, arrays: list[Any]) -> Traced:
    """A run with arrays rolled along their first axis, one element moved if that changes nothing.

    Where f refuses a moved element, as a class that there is not, they are only rolled.
    """
    rolled = [_rolled(x) for x in arrays]
    moved = [_moved(x) for x in rolled]
    if any(a is not b for a, b in zip(rolled, moved, strict=True)):
        with contextlib.suppress(Exception):
            return Traced(f, args, kwargs, moved, located=False)
    return Traced(f, args, kwargs, rolled, located=False)


def _rolled(x: Any) -> Any:
    """The same numbers in another order."""
    return _like(x, np.roll(_array(x), 1, 0)) if np.ndim(x) else x


def _moved(x: Any) -> Any:
    """Another first element, if all rows are equal: one nearer to 0, or 1 in place of 0."""
    array = _array(x)
    if not array.size or (array.ndim and (array[:1] != array).any()):
        return x
    moved, first = array.copy(), array.flat[0]
    if not first:
        moved.flat[0] = 1
    elif array.dtype.kind == "f":
        moved.flat[0] = first / FACTOR
    else:
        moved.flat[0] = 0 if first is np.True_ else first - np.sign(first)
    return _like(x, moved)


def _array(x: Any) -> np.ndarray:
    return x._array if isinstance(x, Tensor) else np.asarray(x)


def _like(x: Any, array: np.ndarray) -> Any:
    """An array in place of x: a Tensor with its node, if x is one."""
    return wrap(array, x.node, x._name) if isinstance(x, Tensor) else array


@contextlib.contextmanager
def _larger(tensors: Iterable[Tensor]) -> Iterator[None]:
    """Parameters a little larger, for as long as it lasts."""
    before = [(t, t._array) for t in tensors]
    for tensor, array in before:
        tensor._array = array * np.asarray(FACTOR, array.dtype)
    try:
        yield
    finally:
        for tensor, array in before:
            tensor._array = array


def _fresh(x: Any) -> Tensor:
    """A Tensor for an argument: a leaf, if that requires grad."""
    if not isinstance(x, Tensor):
        array = np.asarray(x)
        if array.dtype.kind not in "fiub":
            raise TraceError(f"an argument is an array of {array.dtype}; give it numbers")
        return wrap(array[...], None)
    if x.node is None:
        return wrap(x._array[...], None, x._name)
    leaf = wrap(x._array[...], graph.Node(None, (), ()), x._name)
    return leaf
