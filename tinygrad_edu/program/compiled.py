"""`compile`: a function that is recorded as one op, whose forward and backward are a program's."""

from __future__ import annotations

import functools
import threading
import types
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from ..context import enable_grad, state
from ..declare import Op, wrapped
from ..gradient import grad
from ..graph import Edge, Node, OutputGradients
from ..pytree import flat, like
from ..tensor import Tensor, wrap
from .kernel import Kernel, is_finite
from .recording import Value
from .surroundings import Surroundings
from .tracing import traced

MOST_PROGRAMS = 16
"""Kept for each compiled function; those of the arguments traced longest ago go first."""


def compile(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the same signature and the same results, recorded as one op.

    The first call for each set of shapes, dtypes and static arguments traces f (see `trace`), and
    later ones run that program: NumPy without the bookkeeping of one op after another. Parameters
    and arguments that require grad become the edges of the op. What f draws at random by way of
    `effect`, as dropout does, is drawn anew in each call.

    Raises TraceError, at a first call, for what a program cannot repeat. A second derivative, by
    `create_graph=True`, is that of f itself.

    >>> import numpy as np
    >>> from tinygrad_edu import Tensor
    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> square_sum = compile(lambda x: ((x * w) ** 2).sum())
    >>> square_sum(np.array([1.0, 1.0])).backward()
    >>> w.grad
    array([2., 4.])
    """
    return functools.update_wrapper(Compiled(f), f)


class Compiled:
    """A compiled function; `programs` are those that it has made."""

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f = f
        self._programs: OrderedDict[Any, list[_Program]] = OrderedDict()
        self._lock = threading.RLock()

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    @property
    def programs(self) -> list[Kernel]:
        """The programs made so far, those traced last at the end."""
        return [each.kernel for found in self._programs.values() for each in found]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        call = _Call(args, kwargs)
        program = self._found(call) or self._made(call)
        return program.run(self, call)

    def _found(self, call: _Call) -> _Program | None:
        for program in self._programs.get(call.key, ()):
            if program.fits():
                return program
        return None

    def _made(self, call: _Call) -> _Program:
        with self._lock:
            program = _Program(self.f, call)
            self._programs.setdefault(call.key, []).append(program)
            self._programs.move_to_end(call.key)
            while sum(map(len, self._programs.values())) > MOST_PROGRAMS:
                key, found = next(iter(self._programs.items()))
                found.pop(0)
                if not found:
                    del self._programs[key]
        return program

    def eager(self, call: _Call) -> Any:
        """f itself."""
        return self.f(*call.args, **call.kwargs)


_SIMPLE = (int, float, str, bool, type(None))


class _Call:
    """The arguments of a call, and the key under which its program is found."""

    __slots__ = ("args", "kwargs", "leaves", "key")

    def __init__(self, args: Any, kwargs: Any) -> None:
        self.args, self.kwargs = args, kwargs
        parts: list[Any] = []
        leaves: list[Any] = []
        for x in args if not kwargs else flat((list(args), kwargs)):
            for leaf in (x,) if isinstance(x, (np.ndarray, Tensor, *_SIMPLE)) else flat(x):
                parts.append(_key(leaf, leaves))
        shape = None if not kwargs else tuple(kwargs)
        self.key = (len(args), shape, tuple(parts), state.recording)
        self.leaves = leaves


def _key(leaf: Any, leaves: list[Any]) -> Any:
    if isinstance(leaf, np.ndarray):
        leaves.append(leaf)
        return leaf.shape, leaf.dtype
    if isinstance(leaf, Tensor):
        leaves.append(leaf)
        return leaf._array.shape, leaf._array.dtype, leaf.node is not None
    if isinstance(leaf, np.generic):
        leaves.append(leaf)
        return leaf.dtype
    return (type(leaf), leaf) if isinstance(leaf, _SIMPLE) else id(leaf)


class _Program:
    """A kernel, and how a call of it is recorded."""

    def __init__(self, f: Callable[..., Any], call: _Call) -> None:
        surroundings = Surroundings(f)
        run = traced(f, call.args, call.kwargs)
        self.structure, self.leaves = run.output, flat(run.output)
        self.outputs = run.outputs
        self.plain = {v for s in run.recording.steps if s.op is None for v in s.outs}
        self.inputs = run.recording.inputs
        self.kernel = kernel = Kernel(run)
        self.tensors = [v.tensor for v in kernel.captured]
        self.kinds = [(t, t.node is None, t._array.shape, t._array.dtype) for t in self.tensors]
        self.kinds += [
            (v.tensor, True, v.tensor._array.shape, v.tensor._array.dtype)
            for v in kernel.constants if v.tensor is not None and v.captured
        ]  # fmt: skip
        self.surroundings = surroundings.unchanged()
        self.op = _op(getattr(f, "__name__", "compiled"), len(kernel.seeds))
        self.alive = (f, call.args, call.kwargs) if _has_identities(call) else f
        # a loss, which is what is compiled most
        seeds = list(kernel.seeds)
        lonely = state.recording and len(self.outputs) == 1 and seeds == self.outputs
        lonely = lonely and isinstance(self.structure, Tensor) and bool(kernel.variables)
        self.single: Any = seeds[0] if lonely else None
        order = {v: i for i, v in enumerate(self.inputs)}
        self.from_input = [order.get(v) for v in kernel.variables]

    def fits(self) -> bool:
        """Whether all that was captured is as it was when this was traced."""
        for tensor, constant, shape, dtype in self.kinds:
            array = tensor._array
            if (tensor.node is None) is not constant or array.shape != shape:
                return False
            if array.dtype != dtype:
                return False
        return self.surroundings.hold()

    def run(self, compiled: Compiled, call: _Call) -> Any:
        kernel = self.kernel
        arrays = [x._array if isinstance(x, Tensor) else np.asarray(x) for x in call.leaves]
        arrays += [t._array for t in self.tensors]
        constants = [v.array if v.tensor is None else v.tensor._array for v in kernel.constants]
        try:
            outs, saved, effects = kernel.forward(*arrays, *constants)
        except Exception:
            if kernel.effects:
                raise
            return compiled.eager(call)  # which takes another way, or raises the same
        if not is_finite(outs):
            outs = kernel.careful(arrays, effects)
        known = dict(zip((v for v in self.outputs if v is not None), outs, strict=True))
        recorded = self._recorded(compiled, call, known, (saved, arrays, effects))
        if self.single is not None:
            return recorded[self.single]
        results = []
        for leaf, value in zip(self.leaves, self.outputs, strict=True):
            if value is None:
                results.append(leaf)
            elif value in recorded:
                results.append(recorded[value])
            elif value.kind in ("input", "captured"):
                results.append(self._given(value, call))
            elif value in self.plain:
                results.append(known[value])
            else:
                results.append(wrap(np.asarray(known[value]), None))
        return like(self.structure, iter(results))

    def _given(self, value: Value, call: _Call) -> Any:
        if value.kind == "captured":
            return value.tensor
        x = call.leaves[self.inputs.index(value)]
        return x if isinstance(x, Tensor) else Tensor(x)

    def _recorded(self, compiled: Compiled, call: _Call, known: Any, kept: Any) -> Any:
        """The outputs with a gradient, as Tensors on one node."""
        kernel = self.kernel
        if not kernel.variables or not state.recording:
            return {}
        edges = []
        for i, (value, position) in enumerate(zip(kernel.variables, self.from_input, strict=True)):
            tensor = value.tensor if position is None else call.leaves[position]
            array = tensor._array
            edges.append(Edge(tensor.node, array.shape, array.dtype, tensor._name, _PART, (i,)))
        parts = Node(_GRADIENTS, tuple(edges), (), state.scope)
        edge = Edge(parts, None, None, None, _BACKWARD, (self, compiled, call, *kept))
        node = Node(self.op, (edge,), (), state.scope)
        outs = tuple(np.asarray(known[v]) for v in kernel.seeds)
        made = wrapped(self.op, outs if len(outs) > 1 else outs[0], node)
        return dict(zip(kernel.seeds, made if len(outs) > 1 else (made,), strict=True))

    def gradients(self, saved: Any, arrays: Any, effects: Any, upstream: Any) -> OutputGradients:
        found = self.kernel.backward(saved, *upstream, again=state.retaining)
        if not is_finite(found):
            found = self.kernel.careful(arrays, effects, upstream)
        return OutputGradients(found)

    def eager_gradients(self, compiled: Compiled, call: _Call, upstream: Any) -> OutputGradients:
        """The same as Tensors, by a run of the function itself."""
        if self.kernel.effects:
            raise RuntimeError(
                f"{self.op.name} was compiled and draws at random or keeps statistics, so that its "
                "second derivative cannot be taken by running it again; call the function that "
                "was compiled, without compile"
            )
        with enable_grad():
            leaves = flat(compiled.eager(call))
            seeds = [leaves[self.outputs.index(y)] for y in self.kernel.seeds]
            xs = [
                v.tensor if i is None else call.leaves[i]
                for v, i in zip(self.kernel.variables, self.from_input, strict=True)
            ]
            return OutputGradients(grad(seeds, xs, list(upstream), create_graph=True))


def _has_identities(call: _Call) -> bool:
    return any(not isinstance(x, (np.ndarray, Tensor, *_SIMPLE)) for x in call.args)


# -------------------------------------------------------------------- what the sweep is given


class _VJP:
    """What `graph.sweep` asks of a vector-Jacobian product."""

    reads = ()
    slots = ()
    add_to = None

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def recorded(self, node: Node, kept: Any) -> Any:
        return kept


def _backward(
    g: Any,
    program: _Program,
    compiled: Compiled,
    call: _Call,
    saved: Any,
    arrays: Any,
    effects: Any,
) -> OutputGradients:
    upstream = g if isinstance(g, OutputGradients) else (g,)
    if any(isinstance(each, Tensor) for each in upstream):
        return program.eager_gradients(compiled, call, upstream)
    return program.gradients(saved, arrays, effects, upstream)


_BACKWARD: Any = _VJP(_backward)
_PART: Any = _VJP(lambda g, i: g[i])


def _compiled_function() -> None:
    """A function compiled into one operation.
    y = f(x),  ∂L/∂x by its program"""


def _gradients() -> None:
    """The gradients of a compiled function, one for each parameter.
    y = x"""


def _op(name: str, outputs: int) -> Op:
    op = Op(_compiled_function, None, (), outputs=outputs)
    op.name = name if name.isidentifier() else "compiled"
    return op


_GRADIENTS = Op(_gradients, None, ())
