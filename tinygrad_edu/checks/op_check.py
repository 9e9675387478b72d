"""The test of an op: all that its declaration promises, for the arguments at hand.

Derivatives are compared with central differences along random directions: for f: Rⁿ → Rᵐ, weights
w and a direction v, ⟨w, J v⟩ takes two evaluations, whatever n and m are.  The second derivative is
the same check of the function x ↦ ⟨u, Jᵀ w⟩.  Where they disagree, `gradcheck` looks at one element
after the other, and knows kinks.
"""

from __future__ import annotations

import inspect
import itertools
import operator
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..functional import grad
from ..graph import topological_order
from ..tensor import Tensor
from .gradient_check import gradcheck

STEP = 1e-5
NOT_COMPARED = (None, operator.getitem, np.reshape)
"""What is no NumPy function, or has other names for its arguments in some versions of NumPy."""


class UndefinedValue(AssertionError):
    """The call fails as its forward does, or its value is not finite: it has no derivative."""


def check_op(function: Any, *arrays: Any, **statics: Any) -> None:
    """Check an op, called with these arrays for its tensor arguments and these static arguments.

    - Its value, its warnings or its error are those of the forward and of the NumPy function.
    - Its first and second derivatives agree with finite differences.
    - float64 stays float64 and float32 stays float32, in it and in each VJP.
    - The order of the elements in memory makes no difference.
    - Nothing that it is given is changed, and no two gradients share memory.

    A sequence op takes its list of arrays first.  Raises AssertionError with what is broken;
    UndefinedValue, which is one too, where the value is not finite or the call fails; TypeError if
    no array is of floating point, so that there is nothing to differentiate.

    >>> from tinygrad_edu import op, ops
    >>> check_op(ops.tanh, np.array([0.5, -1.0]))
    >>> @op(None, lambda g, x: 2 * g * x, method=False)
    ... def cube(x):
    ...     \"\"\"Third power.
    ...     y = x³,  ∂L/∂x = 3 g x²\"\"\"
    ...     return x**3
    >>> check_op(cube, np.array([0.5, -1.0]))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    AssertionError: cube: a derivative disagrees with finite differences
    name  shape  checked  error   where  numeric  analytic  verdict
    x     ...                                               wrong: 2 of 2
    ...
    """
    if getattr(function, "op", None) is None:
        raise TypeError(f"check_op needs a function declared with @op, not {function!r}")
    check = _Check(function, arrays, statics)
    check.value()
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they were compared with the value
        check.derivatives()
        check.conventions(np.dtype(np.float64))
        check.conventions(np.dtype(np.float32))


class _Check:
    """One call of an op."""

    def __init__(self, function: Any, arrays: tuple[Any, ...], statics: dict[str, Any]) -> None:
        self.function, self.op, self.given = function, function.op, (arrays, statics)
        bound = self.op.bind(arrays, statics)
        n = len(self.op.tensors)
        tensors = bound[0] if self.op.sequence else bound[:n]
        self.statics: list[Any] = list(bound[n:])
        self.arrays = [_array(x) for x in tensors]
        vjps = self.op.vjps * len(self.arrays) if self.op.sequence else self.op.vjps
        self.active = [
            i
            for i, (x, vjp) in enumerate(zip(self.arrays, vjps, strict=True))
            if vjp and x is not None and x.dtype.kind == "f"
        ]
        if not self.active:
            raise TypeError(
                f"check_op: {self.op.name} was given no floating-point array for an argument with "
                "a derivative, so there is nothing to check"
            )
        self.gradients: list[np.ndarray] = []
        self.rng = np.random.default_rng(0)

    def call(self, function: Any, arrays: list[Any]) -> Any:
        """Any function, called as the op is, with other arrays."""
        return function(*([arrays] if self.op.sequence else arrays), *self.statics)

    def require(self, condition: Any, complaint: str) -> None:
        """Raise AssertionError unless the condition holds."""
        if not condition:
            raise AssertionError(f"{self.op.name}: {complaint}")

    def leaves(self, arrays: list[Any]) -> list[Any]:
        """A leaf for every array with a derivative, which lies in memory as the array does."""
        inputs = list(arrays)
        for i in self.active:
            inputs[i] = Tensor(arrays[i], requires_grad=True)
            inputs[i].data = arrays[i]
        return inputs

    def with_dtype(self, dtype: np.dtype[Any]) -> tuple[list[Any], list[Any]]:
        """The arrays and the static arguments, with floating-point numbers in another dtype."""
        arrays = [
            x if x is None or x.dtype.kind != "f" or x.dtype == dtype else x.astype(dtype)
            for x in self.arrays
        ]
        names = zip(self.op.statics, self.statics, strict=True)
        return arrays, [dtype if name == "dtype" else value for name, value in names]

    def label(self, i: int) -> str:
        """What the op calls its argument i."""
        return f"{self.op.tensors[0]}[{i}]" if self.op.sequence else self.op.tensors[i]

    # ---------------------------------------------------------------- the value

    def value(self) -> None:
        """That of the forward and of the NumPy function, with their warnings and errors."""
        before = [None if x is None else x.copy() for x in self.arrays]
        plain = _outcome(lambda: self.call(self.op.forward, self.arrays))
        self.require(_all_same(self.arrays, before), "the forward changes its arguments")
        recorded = _outcome(lambda: self.call(self.function, self.leaves(self.arrays)))
        self.same_outcome(recorded, plain, "the forward")
        if self.op.numpy_function not in NOT_COMPARED:
            arrays, statics = self.given
            other = _outcome(lambda: self.op.numpy_function(*arrays, **statics))
            self.same_outcome(recorded, other, "NumPy's function")
        value, _ = recorded
        if isinstance(value, Exception):
            raise UndefinedValue(f"{self.op.name}: as its forward does, it raises {value!r}")
        for part in value:
            if not np.isfinite(part).all():
                raise UndefinedValue(
                    f"{self.op.name}: its value is not finite, as at "
                    f"{np.argwhere(~np.isfinite(part))[0].tolist()}, so that it has no derivative; "
                    "give it arrays in its domain"
                )

    def same_outcome(self, ours: Any, theirs: Any, what: str) -> None:
        """Require the outcome of the op to be that of another function."""
        (a, warned), (b, expected) = ours, theirs
        if isinstance(a, Exception) or isinstance(b, Exception):
            same = type(a) is type(b)
            self.require(same, f"its outcome is {_said(a)}, and that of {what} {_said(b)}")
            return
        self.require(len(a) == len(b), f"returns {len(a)} arrays, and {what} {len(b)}")
        for x, y in zip(a, b, strict=True):
            self.require(
                x.shape == y.shape and x.dtype == y.dtype,
                f"returns {x.shape} {x.dtype}, and {what} {y.shape} {y.dtype}",
            )
            near = np.allclose(x, y, 1e-12, 1e-12, equal_nan=True)
            self.require(near, f"its value differs from that of {what}")
        self.require(warned == expected, f"warns of {warned}, and {what} of {expected}")

    # ---------------------------------------------------------------- its derivatives

    def derivatives(self) -> None:
        """First and second derivatives against finite differences."""
        self.arrays, self.statics = self.with_dtype(np.dtype(np.float64))
        try:
            agree = self.agree_along_a_direction()
        except Exception as error:
            raise AssertionError(f"{self.op.name}: differentiating it twice: {error}") from error
        if not agree:
            self.one_by_one()

    def agree_along_a_direction(self) -> bool:
        """Whether ⟨w, J v⟩ and ⟨u, ∂(Jᵀ w) v⟩ are what central differences say."""
        self.plain = _joined(self.call(self.op.forward, self.arrays))
        self.w = self.rng.normal(size=np.shape(self.plain))
        us, vs = ([self.rng.normal(size=self.arrays[i].shape) for i in self.active] for _ in "uv")

        def value(arrays: list[Any]) -> float:
            return float((self.w * _joined(self.call(self.op.forward, arrays))).sum())

        def projected(arrays: list[Any]) -> float:
            return _inner(self.backward(arrays)[1], us)

        def slope(function: Callable[[list[Any]], float]) -> float:
            ahead, behind = list(self.arrays), list(self.arrays)
            for i, v in zip(self.active, vs, strict=True):
                ahead[i], behind[i] = self.arrays[i] + STEP * v, self.arrays[i] - STEP * v
            return (function(ahead) - function(behind)) / (2 * STEP)

        firsts = self.backward(self.arrays)[1]
        self.gradients = [g.data for g in firsts]
        if not _near(_inner(firsts, vs), slope(value), 1e-6):
            return False
        weight = Tensor(self.w, requires_grad=True)
        inputs, firsts = self.backward(self.arrays, weight, create_graph=True)
        now, recorded = _inner(firsts, us), [g.requires_grad for g in firsts]
        if not any(recorded):
            return now == 0  # Jᵀ w depends on w, unless it is 0
        outputs, upstream = (list(itertools.compress(each, recorded)) for each in (firsts, us))
        *seconds, by_weight = grad(outputs, [*inputs, weight], upstream, allow_unused=True)
        linear = _near(_inner([by_weight], [self.w]), now, 1e-8)
        return linear and _near(_inner(seconds, vs), slope(projected), 1e-5)

    def backward(self, arrays: list[Any], weight: Any = None, create_graph: bool = False) -> Any:
        """The leaves, and Jᵀ w."""
        leaves = self.leaves(arrays)
        inputs = [leaves[i] for i in self.active]
        y = _joined(self.call(self.function, leaves))
        weight = self.w if weight is None else weight
        return inputs, grad(y, inputs, weight, create_graph=create_graph)

    def one_by_one(self) -> None:
        """Which element of which argument is wrong, if there is one and no kink."""

        def curved(*inputs: Any) -> Any:
            """The op under a parabola, so that the upstream gradient depends on x as well."""
            arrays = list(inputs[0]) if self.op.sequence else list(self.arrays)
            if not self.op.sequence:
                for i, x in zip(self.active, inputs, strict=True):
                    arrays[i] = x
            return tuple(y * (y / 2 + 1.618) for y in _tuple(self.call(self.function, arrays)))

        names = [self.op.tensors[0 if self.op.sequence else i] for i in self.active]
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        parameters = [inspect.Parameter(name, kind) for name in dict.fromkeys(names)]
        curved.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        inputs = [self.arrays] if self.op.sequence else [self.arrays[i] for i in self.active]
        try:
            report = gradcheck(curved, *inputs, order=2)
        except Exception as error:
            raise AssertionError(f"{self.op.name}: differentiating it twice: {error}") from error
        self.require(report, f"a derivative disagrees with finite differences\n{report}")
        every = all(self.arrays[i].size <= 100 for i in self.active)
        self.require(
            every,
            "a derivative disagrees with finite differences along a random direction, and none "
            f"with those of the elements that were looked at; check smaller arrays\n{report}",
        )

    # ---------------------------------------------------------------- its conventions

    def conventions(self, dtype: np.dtype[Any]) -> None:
        """Dtypes are kept all the way, nothing given is changed, and gradients share no memory."""
        arrays, statics = self.with_dtype(dtype)
        change = _reversed_in_memory if dtype == np.float64 else np.copy
        arrays = [None if x is None else change(x) for x in arrays]
        inputs = self.leaves(arrays)
        outputs = _tuple(self.function(*([inputs] if self.op.sequence else inputs), *statics))
        out, g = _joined(outputs), self.w.astype(dtype)
        self.require(out.dtype == dtype, f"returns {out.dtype} for {dtype}")
        seen = [g, out.data, *(x for x in arrays if x is not None)]
        before = [x.copy() for x in seen]
        self.dtypes_of_vjps(out, g if len(outputs) == 1 else _ones(outputs))
        out.backward(g)
        self.require(_same(g, before[0]), "a VJP changes the upstream gradient")
        self.require(_all_same(seen, before), "a VJP changes a value that it reads")
        for i in self.active:
            self.gradient(inputs[i], self.label(i), seen)
        if dtype == np.float64:
            found = [out.data, *(inputs[i].grad for i in self.active)]
            labels = ["value", *(f"gradient by `{self.label(i)}`" for i in self.active)]
            for label, a, b in zip(labels, found, [self.plain, *self.gradients], strict=True):
                self.require(_near(a, b, 1e-9), f"its {label} depends on the order in memory")

    def gradient(self, leaf: Tensor, label: str, seen: list[np.ndarray]) -> None:
        """Require an array of its own, of the leaf's shape and dtype."""
        g = leaf.grad
        self.require(type(g) is np.ndarray, f"the gradient of `{label}` is a {type(g).__name__}")
        assert g is not None
        self.require(
            (g.shape, g.dtype) == (leaf.shape, leaf.dtype),
            f"the gradient of `{label}`, {leaf.shape} {leaf.dtype}, is {g.shape} {g.dtype}",
        )
        alone = g.flags.writeable and not any(np.may_share_memory(g, each) for each in seen)
        self.require(alone, f"the gradient of `{label}` shares memory with another array")
        seen.append(g)

    def dtypes_of_vjps(self, out: Tensor, g: Any) -> None:
        """Before the sweep casts anything, a VJP has returned the dtype that it was given."""
        assert out.node is not None
        (node,) = (each for each in topological_order([out.node]) if each.op is self.op)
        for i, edge in enumerate(node.edges):
            if edge.source is not None:
                part = edge.vjp.function(g, *edge.kept)
                complaint = f"its VJP for `{self.label(i)}` returns {part.dtype} for {out.dtype}"
                self.require(part.dtype == out.dtype, complaint)


def _outcome(function: Callable[[], Any]) -> tuple[Any, list[str]]:
    """The outcome of a call: its error, or its value as a list of arrays and what it warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = function()
        except (IndexError, ValueError, TypeError) as error:
            return error, []
    parts = [np.asarray(x.data if isinstance(x, Tensor) else x) for x in _tuple(value)]
    return parts, sorted({each.category.__name__ for each in caught})


def _said(outcome: Any) -> str:
    return repr(outcome) if isinstance(outcome, Exception) else "a value"


def _array(x: Any) -> Any:
    """An argument as an array; None for an optional one that was not given."""
    if isinstance(x, Tensor):
        return x.data
    return None if x is None else np.asarray(x)


def _tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _joined(value: Any) -> Any:
    """Several outputs as one vector."""
    parts = _tuple(value)
    return parts[0] if len(parts) == 1 else np.concatenate([np.ravel(part) for part in parts])


def _ones(outputs: tuple[Any, ...]) -> tuple[np.ndarray, ...]:
    return tuple(np.ones(y.shape, y.dtype) for y in outputs)


def _inner(gradients: list[Any], directions: list[np.ndarray]) -> float:
    """⟨gradients, directions⟩, where None is 0."""
    pairs = zip(gradients, directions, strict=True)
    return sum(float((g.data * v).sum()) for g, v in pairs if g is not None)


def _near(a: Any, b: Any, tolerance: float) -> bool:
    """Whether no difference is larger than `tolerance`, relative to the largest value above 1."""
    largest = 1 + float(np.max(abs(b), initial=0))
    return bool(np.all(abs(a - b) <= tolerance * largest))


def _reversed_in_memory(x: np.ndarray) -> np.ndarray:
    """The same array with its elements from the last to the first in memory."""
    return np.flip(np.flip(x).copy())


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def _all_same(arrays: list[Any], others: list[Any]) -> bool:
    pairs = zip(arrays, others, strict=True)
    return all(a is b is None or _same(a, b) for a, b in pairs)
