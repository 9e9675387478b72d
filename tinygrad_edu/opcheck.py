"""The test of an op: everything that a declaration promises, on the arguments at hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from .gradcheck import gradcheck
from .tensor import Tensor


def check_op(function: Any, *arrays: Any, **statics: Any) -> None:
    """Check an op, called with these arrays for its tensor arguments and these static arguments.

    Its value is the forward's (and the NumPy function's); its first and second derivatives agree
    with finite differences; float32 stays float32 in it and in its VJPs; nothing that it is given
    is changed.  A sequence op takes its list of arrays first.  Raises AssertionError with what is
    broken, so any test can call it; the arrays should lie in the op's domain.

    >>> from tinygrad_edu import op, ops
    >>> check_op(ops.tanh, np.array([0.5, -1.0]))
    >>> @op(None, lambda g, x: 2 * g * x, method=False)
    ... def cube(x):
    ...     \"\"\"Third power.  y = x³,  ∂L/∂x = 3 g x²\"\"\"
    ...     return x**3
    >>> check_op(cube, np.array([0.5, -1.0]))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    AssertionError: cube: a derivative disagrees with finite differences
    name  shape  checked  error   where  numeric  analytic  verdict
    x     ...                                               wrong: 2 of 2
    ...
    """
    op = getattr(function, "op", None)
    if op is None:
        raise TypeError(f"check_op needs a function declared with @op, not {function!r}")
    check = _Check(function, op, list(arrays[0] if op.sequence else arrays), statics)
    check.value()
    check.derivatives()
    for dtype in (np.float64, np.float32):
        check.manners(np.dtype(dtype))


class _Check:
    """One call of an op."""

    def __init__(self, function: Any, op: Any, arrays: list[Any], statics: dict[str, Any]) -> None:
        self.function, self.op, self.statics = function, op, statics
        self.arrays = [x.data if isinstance(x, Tensor) else np.asarray(x) for x in arrays]
        vjps = op.vjps * len(arrays) if op.sequence else op.vjps
        pairs = zip(self.arrays, vjps, strict=False)
        self.active = [i for i, (x, vjp) in enumerate(pairs) if vjp and x.dtype.kind == "f"]

    def call(self, function: Any, arrays: list[Any]) -> Any:
        """Any function, called as the op is."""
        return function(*([arrays] if self.op.sequence else arrays), **self.statics)

    def require(self, condition: Any, complaint: str) -> None:
        """Raise AssertionError unless the condition holds."""
        if not condition:
            raise AssertionError(f"{self.op.name}: {complaint}")

    def leaves(self, arrays: list[Any]) -> list[Any]:
        """A leaf for every array with a derivative."""
        return [
            Tensor(x, requires_grad=True) if i in self.active else x for i, x in enumerate(arrays)
        ]

    def value(self) -> None:
        """That of the forward, and of the NumPy function it stands for; the inputs unchanged."""
        before = [x.copy() for x in self.arrays]
        plain = _tuple(self.call(self.op.forward, self.arrays))
        for x, unchanged in zip(self.arrays, before, strict=True):
            self.require(_same(x, unchanged), "the forward changes its arguments")
        recorded = _tuple(self.call(self.function, self.leaves(self.arrays)))
        functions = {"the plain forward": plain}
        # operator.getitem is no NumPy function, and old ufuncs do not say where they come from
        if getattr(self.op.numpy_function or len, "__module__", "numpy") == "numpy":
            functions["NumPy's function"] = _tuple(self.call(self.op.numpy_function, self.arrays))
        for what, values in functions.items():
            for ours, theirs in zip(recorded, values, strict=True):
                theirs = np.asarray(theirs)
                self.require(
                    ours.shape == theirs.shape and ours.dtype == theirs.dtype,
                    f"answers {ours.shape} {ours.dtype}, and {what} {theirs.shape} {theirs.dtype}",
                )
                close = np.allclose(ours.data, theirs, 1e-12, 1e-12, equal_nan=True)
                self.require(close, f"its value differs from that of {what}")

    def derivatives(self) -> None:
        """First and second, against finite differences."""

        def curved(*xs: Any) -> Any:
            """The op under a parabola, so that the upstream gradient depends on x as well."""
            arrays = list(self.arrays)
            for i, x in zip(self.active, xs, strict=True):
                arrays[i] = x
            return tuple(y * (y / 2 + 1.618) for y in _tuple(self.call(self.function, arrays)))

        if not self.active:
            return
        try:
            report = gradcheck(curved, *(self.arrays[i] for i in self.active), order=2)
        except Exception as error:
            raise AssertionError(f"{self.op.name}: differentiating it twice: {error}") from error
        names = self.op.tensors
        for k, i in enumerate(self.active):
            label = f"{names[0]}[{i}]" if self.op.sequence else names[i]
            report = report.renamed(f"input {k}", label)
        self.require(report, f"a derivative disagrees with finite differences\n{report}")

    def manners(self, dtype: np.dtype[Any]) -> None:
        """Types are kept all the way, and backward changes nothing that it is given."""
        arrays = [x.astype(dtype) if x.dtype.kind == "f" else x.copy() for x in self.arrays]
        inputs = self.leaves(arrays)
        outputs = _tuple(self.call(self.function, inputs))
        seen = [*(y.data for y in outputs), *(x.data for x in inputs if isinstance(x, Tensor))]
        before = [a.copy() for a in seen]
        for y in outputs:
            self.require(y.dtype == dtype, f"answers {y.dtype} for {dtype}")
            g = np.linspace(0.5, 1.5, y.size, dtype=dtype).reshape(y.shape)
            given = g.copy()
            if y.node is not None and y.node.op is self.op:
                self.vjp_types(y, g)
            if y.node is not None:
                y.backward(g, retain_graph=True)
            self.require(_same(g, given), "a VJP changes the upstream gradient")
        for a, unchanged in zip(seen, before, strict=True):
            self.require(_same(a, unchanged), "a VJP changes a value that it reads")

    def vjp_types(self, y: Tensor, g: np.ndarray) -> None:
        """Before anything is cast, a VJP has answered in the type it was given."""
        assert y.node is not None
        for edge, label in zip(y.node.edges, self.op.tensors * len(y.node.edges), strict=False):
            if edge.source is not None:
                with np.errstate(all="ignore"):
                    part = edge.vjp.function(g, *edge.kept)
                complaint = f"its VJP for `{label}` answers {part.dtype} for {g.dtype}"
                self.require(part.dtype == g.dtype, complaint)


def _tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
