"""`compile`: a function that is recorded as one op, whose forward and backward are a program's."""

from __future__ import annotations

import contextlib
import functools
import gc
import threading
import types
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..context import enable_grad, state
from ..declare import Op, wrapped
from ..gradient import grad
from ..graph import SPENT, Edge, Node, OutputGradients
from ..pytree import flat, like
from ..tensor import Tensor, wrap
from .kernel import Kernel, is_watched
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
        for program in self._programs.get(call.key, ()):
            captured = program.captured()
            if captured is not None:
                return program.run(self, call, captured)
        program = self._made(call)
        return program.run(self, call, [tensor._array for tensor, *_ in program.watched])

    def _made(self, call: _Call) -> _Program:
        with self._lock, _uncollected():
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


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Keep Python's garbage collector from walking, again and again, through what is being made."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


_SIMPLE = (int, float, str, bool, type(None))


class _Call:
    """The arguments of a call, and the key under which its program is found."""

    __slots__ = ("args", "kwargs", "leaves", "key")

    def __init__(self, args: Any, kwargs: Any) -> None:
        self.args, self.kwargs = args, kwargs
        self.leaves: list[Any] = []
        parts: list[Any] = [len(args), state.recording]
        for x in args:
            self._add(x, parts)
        for name, x in kwargs.items() if kwargs else ():
            parts.append(name)
            self._add(x, parts)
        self.key = tuple(parts)

    def _add(self, x: Any, parts: list[Any]) -> None:
        kind = type(x)
        if kind is np.ndarray:
            self.leaves.append(x)
            parts += x.shape, x.dtype
        elif isinstance(x, Tensor):
            self.leaves.append(x)
            parts += x._array.shape, x._array.dtype, x.node is not None
        elif isinstance(x, (np.ndarray, np.generic)):
            self.leaves.append(x)
            parts += x.shape, x.dtype
        elif kind in _SIMPLE:
            parts += kind, x or repr(x)  # since -0.0 == 0.0
        else:
            leaves = flat(x)
            if len(leaves) == 1 and leaves[0] is x:
                parts.append(id(x))
            else:
                parts.append(len(leaves))
                for leaf in leaves:
                    self._add(leaf, parts)


class _Program:
    """A kernel, and how a call of it is recorded."""

    def __init__(self, f: Callable[..., Any], call: _Call) -> None:
        surroundings = Surroundings(f)
        run = traced(f, call.args, call.kwargs)
        leaves = flat(run.output)
        self.leaves = [_TENSOR if isinstance(y, Tensor) else y for y in leaves]
        self.structure = like(run.output, iter(self.leaves))  # without the graph of the trace
        self.outputs = run.outputs
        self.plain = {v for s in run.recording.steps if s.op is None for v in s.outs}
        self.inputs = run.recording.inputs
        self.kernel = kernel = Kernel(run)
        constants = [v for v in kernel.constants if is_watched(v)]
        self.watched = [_watched(v.tensor) for v in (*kernel.captured, *constants)]
        self.unwatched = [v.array for v in kernel.constants[len(constants) :]]
        self.surroundings = surroundings.unchanged()
        self.op = _op(getattr(f, "__name__", "compiled"), len(kernel.seeds))
        self.alive = (f, call.args, call.kwargs) if _has_identities(call) else f
        order = {v: i for i, v in enumerate(self.inputs)}
        self.edges = [(v.tensor, order.get(v), _part(i)) for i, v in enumerate(kernel.variables)]
        self.records = bool(kernel.variables) and state.recording
        # a loss, which is what is compiled most
        self.is_loss = self.records and self.structure is _TENSOR

    def captured(self) -> list[np.ndarray] | None:
        """The arrays of what was captured, or None if something is not as when this was traced."""
        arrays = []
        for tensor, constant, shape, dtype in self.watched:
            array = tensor._array
            if array.shape != shape or (array.dtype is not dtype and array.dtype != dtype):
                return None
            if (tensor.node is None) is not constant:
                return None
            arrays.append(array)
        return arrays if self.surroundings.hold() else None

    def run(self, compiled: Compiled, call: _Call, captured: list[np.ndarray]) -> Any:
        kernel = self.kernel
        arrays = [x._array if isinstance(x, Tensor) else np.asarray(x) for x in call.leaves]
        arrays += captured
        try:
            outs, saved, effects = kernel.forward(arrays, self.unwatched)
        except Exception:
            if kernel.effects:
                raise
            return compiled.eager(call)  # which takes another way, or raises the same
        if not self.records:
            return self._structured(call, outs, {})
        run = _Run(self, compiled, call, saved, arrays, effects)
        if self.is_loss:
            return wrap(outs[0], run.node())
        known = dict(zip(kernel.outputs, outs, strict=True))
        seeds = tuple([known[v] for v in kernel.seeds])
        made = wrapped(self.op, seeds if len(seeds) > 1 else seeds[0], run.node())
        made = made if len(seeds) > 1 else (made,)
        return self._structured(call, outs, dict(zip(kernel.seeds, made, strict=True)))

    def _structured(self, call: _Call, outs: list[Any], recorded: dict[Value, Tensor]) -> Any:
        """What the function returns: Tensors with a gradient, constants, and all else as it was."""
        known = dict(zip(self.kernel.outputs, outs, strict=True))
        results = []
        for leaf, value in zip(self.leaves, self.outputs, strict=True):
            if value is None:
                results.append(leaf)
            elif value in recorded:
                results.append(recorded[value])
            elif value.kind in ("input", "captured"):
                results.append(self._given(value, call))
            elif value in self.plain:
                array = known[value]
                results.append(array if array.ndim else array[()])
            else:
                results.append(wrap(known[value], None))
        return like(self.structure, iter(results))

    def _given(self, value: Value, call: _Call) -> Any:
        if value.kind == "captured":
            return value.tensor
        x = call.leaves[self.inputs.index(value)]
        return x if isinstance(x, Tensor) else Tensor(x)

    def eager_gradients(self, compiled: Compiled, call: _Call, upstream: Any) -> list[Any]:
        """The gradients as Tensors, by a run of the function itself."""
        if self.kernel.effects:
            raise RuntimeError(
                f"{self.op.name} was compiled and draws at random or keeps statistics, so that its "
                "second derivative cannot be taken by running it again; call the function that "
                "was compiled, without compile"
            )
        with enable_grad():
            leaves = flat(compiled.eager(call))
            seeds = [leaves[self.outputs.index(y)] for y in self.kernel.seeds]
            xs = [tensor if i is None else call.leaves[i] for tensor, i, _ in self.edges]
            found = grad(seeds, xs, list(upstream), create_graph=True)
        return list(found)


_TENSOR = object()
"""Where a function's result has a Tensor."""


def _watched(tensor: Tensor) -> Any:
    return tensor, tensor.node is None, tensor._array.shape, tensor._array.dtype


def _has_identities(call: _Call) -> bool:
    return any(not isinstance(x, (np.ndarray, Tensor, *_SIMPLE)) for x in call.args)


# -------------------------------------------------------------------- what the sweep is given


class _Run:
    """What a call keeps for its backward pass.

    The gradients of all edges are computed together when a sweep asks for the first of them.
    """

    __slots__ = ("program", "compiled", "call", "saved", "arrays", "effects", "sweep", "found")

    def __init__(
        self, program: _Program, compiled: Compiled, call: _Call, saved: Any, arrays: Any,
        effects: Any,
    ) -> None:  # fmt: skip
        self.program, self.compiled, self.call = program, compiled, call
        self.saved, self.arrays, self.effects = saved, arrays, effects
        self.sweep = -1
        self.found: list[Any] = []

    def node(self) -> Node:
        """The node of the call, with an edge for each variable."""
        edges, kept = [], (self, self.arrays)
        leaves = self.call.leaves
        for captured, position, vjp in self.program.edges:
            tensor = captured if position is None else leaves[position]
            array = tensor._array
            edges.append(Edge(tensor.node, array.shape, array.dtype, tensor._name, vjp, kept))
        return Node(self.program.op, edges, (), state.scope)

    def part(self, g: Any, i: int) -> Any:
        """The gradient of variable `i`, which is let go of."""
        if self.sweep != state.sweep:
            self._compute(g if isinstance(g, OutputGradients) else (g,))
        part, self.found[i] = self.found[i], None
        return part

    def _compute(self, upstream: Any) -> None:
        sweep = state.sweep
        if any(isinstance(each, Tensor) for each in upstream):
            self.found = self.program.eager_gradients(self.compiled, self.call, upstream)
            state.sweep = sweep  # which had sweeps of its own
        elif self.saved is None:
            raise RuntimeError(SPENT)
        else:
            kernel, again = self.program.kernel, state.retaining
            self.found = kernel.backward(
                self.saved, upstream, self.arrays, self.effects, again=again
            )
            if not again:
                self.saved = None
        self.sweep = sweep


class _VJP:
    """What `graph.sweep` asks of a vector-Jacobian product."""

    reads = ()
    slots = ()
    add_to = None

    def __init__(self, i: int) -> None:
        self.function = lambda g, run, arrays: run.part(g, i)

    def recorded(self, node: Node, kept: Any) -> Any:
        return kept


_part: Any = functools.cache(_VJP)
"""By the number of the variable."""


def _compiled_function() -> None:
    """A function compiled into one operation.
    y = f(x),  ∂L/∂x by its program"""


def _op(name: str, outputs: int) -> Op:
    op = Op(_compiled_function, None, (), outputs=outputs)
    op.name = name if name.isidentifier() else "compiled"
    return op
