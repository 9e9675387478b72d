"""How an op is declared and recorded: a derivative's parameters are what it reads.

    @op(np.log, lambda g, x: g / x, domain=(0.5, 2))
    def log(x: Array) -> Array:
        \"\"\"Natural logarithm.
        y = ln x,  ∂L/∂x = g / x\"\"\"
        return np.log(x)

The first argument of `op` is the NumPy function that shall find it (None if there is none), then
comes one vector-Jacobian product (VJP) per tensor argument. A VJP takes the upstream gradient `g`
first; its other parameters name what it reads: arguments of the op, `out`, and `like`, the shape
of the argument and so of its result. Values that no VJP names are not stored.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import errors
from .context import state
from .graph import Edge, Node, OutputGradients
from .methods import Methods
from .observers import followed, observers, tell
from .registry import OPS
from .tensor import Tensor, wrap

Array = np.ndarray[Any, np.dtype[Any]]
_NUMERIC = {np.ndarray, bool, int, float, *(np.dtype(c).type for c in "?bhilqBHILQefdg")}
_REQUIRED = object()


class VJP:
    """One argument's vector-Jacobian product: a function of `g` and of what its parameters name.

    What a call offers to its VJPs stands in a list of slots: the op's arguments, `out`, and then,
    if any VJP names them, the shapes of all tensor arguments; or for a sequence of arguments
    `like`, `position` and `likes`.
    """

    __slots__ = ("function", "reads", "slots", "collect", "add_to")

    def __init__(self, function: Callable[..., Any], op: Op, position: int) -> None:
        self.function = function
        self.reads = _parameters(function)[1:]
        offered = op.slots | {"like": op.slots["like"] + (0 if op.sequence else position)}
        unknown = [name for name in self.reads if name not in offered]
        if unknown:
            raise TypeError(
                f"the VJP of {op.name} for `{op.parameters[position]}` names {unknown}; after g it "
                f"can read {', '.join(offered)}"
            )
        self.slots = tuple(offered[name] for name in self.reads)
        first = self.slots[0] if self.slots else 0
        one = slice(first, first + 1)  # an itemgetter of one item would return it bare
        self.collect = operator.itemgetter(*(self.slots if len(self.slots) > 1 else [one]))
        self.add_to: Callable[..., None] | None = None

    def recorded(self, node: Node, kept: Any) -> Iterator[Any]:
        """The values kept for it, as Tensors on the nodes they came from, so that it is recorded.

        An argument's is the edge's source, and that of `out` the node itself; static values have
        none.
        """
        op = node.op
        for slot, value in zip(self.slots, kept, strict=True):
            if slot == op.slots["out"]:
                yield followed(value, wrapped(op, value, node))
            elif not op.is_operand(slot):
                yield value
            elif op.sequence:
                pairs = zip(value, node.edges, strict=True)
                yield [_recorded(each, edge.source) for each, edge in pairs]
            else:
                yield _recorded(value, node.edges[slot].source)


def _recorded(value: Any, source: Node | None) -> Any:
    """An argument as a Tensor on its node; as it is, if it needs no gradient."""
    return followed(value, value if source is None else wrap(value, source))


def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a function's parameters; inspect.signature would double our import time."""
    code = function.__code__
    return code.co_varnames[: code.co_argcount]


class Op:
    """A declared operation: its forward on ndarrays, its VJPs, its formula and its test domain."""

    def __init__(
        self,
        forward: Callable[..., Any],
        numpy_function: Callable[..., Any] | None,
        vjps: tuple[Callable[..., Any] | None, ...],
        *,
        outputs: int = 1,
        sequence: bool = False,
        elementwise: bool = False,
        along: Any = None,
        products: bool = False,
        selects: bool = False,
        add_to: Callable[..., None] | None = None,
        domain: Any = (-2.0, 2.0),
        kinks: tuple[float, ...] = (),
    ) -> None:
        defaults = forward.__defaults__ or ()
        paragraph = (forward.__doc__ or "").strip().partition("\n\n")[0]
        self.summary, _, formula = paragraph.partition("\n")
        self.formula = " ".join(formula.split())
        self.forward = forward
        self.name = forward.__name__
        self.numpy_function = numpy_function
        self.parameters = _parameters(forward)
        self.defaults = (_REQUIRED,) * (len(self.parameters) - len(defaults)) + defaults
        self.tensors = self.parameters[: len(vjps)]
        self.statics = self.parameters[len(vjps) :]
        self.outputs = outputs
        self.sequence = sequence
        self.elementwise = elementwise
        self.along = along
        self.products = products
        self.selects = selects
        self.domain = domain
        self.kinks = kinks
        slots = (*self.parameters, "out", "like", *(("position", "likes") if sequence else ()))
        self.slots = {name: i for i, name in enumerate(slots)}
        self.vjps = tuple(f and VJP(f, self, i) for i, f in enumerate(vjps))
        self.reads_shapes = any(v and "like" in v.reads for v in self.vjps)
        if add_to is not None and self.vjps[0]:
            self.vjps[0].add_to = add_to

    def is_operand(self, slot: int) -> bool:
        """Whether a slot holds a tensor argument, or all of a sequence."""
        return slot < len(self.tensors)

    def offered(self, values: list[Any], out: Any) -> list[Any]:
        """The slots of a call (see `VJP`); for a sequence, two are to be set for each item."""
        if self.sequence:
            return [*values, out, None, None, Shapes(data.shape for data in values[0])]
        if self.reads_shapes:
            shapes = [getattr(value, "shape", ()) for value in values[: len(self.tensors)]]
            return [*values, out, *shapes]
        return [*values, out]

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """Every argument by position, defaults filled in."""
        if len(args) > len(self.parameters):
            raise errors.too_many(self, args)
        bound = [*args, *self.defaults[len(args) :]]
        for name, value in kwargs.items():
            if name not in self.parameters or self.parameters.index(name) < len(args):
                raise errors.keyword(self, name, value)
            bound[self.parameters.index(name)] = value
        missing = [n for n, v in zip(self.parameters, bound, strict=True) if v is _REQUIRED]
        if missing:
            raise errors.missing(self, missing)
        return tuple(bound)


def op(
    numpy_function: Callable[..., Any] | None = None,
    *vjps: Callable[..., Any] | None,
    method: bool = True,
    **traits: Any,
) -> Callable[[Callable[..., Any]], Callable[..., Tensor]]:
    """Declare an op: decorates its forward, a function of ndarrays.

    `vjps` are one per tensor argument, None for an argument without a derivative. With `method`,
    Tensors get it as a method. The `traits` are

    - `elementwise`: the arguments broadcast, and each element of the result depends on its own;
    - `along`: the static "axis", or the axes, along which elements of a result depend on others;
    - `products`: each VJP is a sum of products of `g` and of what it reads;
    - `selects`: it leaves elements out, so that nothing must come back from them;
    - `domain`, one interval or one per tensor argument, and `kinks`: where its test may draw;
    - `sequence`: it takes a list of tensors first and has one VJP, which can also read `position`
      and `likes`, the shapes of all;
    - `outputs`: how many values it returns, if several; its VJPs' `g` and `out` are tuples then;
    - `add_to(total, g, ...)`: adds what its first VJP returns to `total` in place, to save memory.

    >>> import numpy as np
    >>> from tinygrad_edu import Tensor, op
    >>> @op(None, lambda g, x: g * 3 * x * x, elementwise=True, method=False)
    ... def cube(x):
    ...     \"\"\"Third power.
    ...     y = x³,  ∂L/∂x = 3 g x²\"\"\"
    ...     return x * x * x
    >>> x = Tensor(2.0, requires_grad=True)
    >>> cube(x).backward(); x.grad
    array(12.)
    """

    def declare(forward: Callable[..., Any]) -> Callable[..., Tensor]:
        declared = Op(forward, numpy_function, vjps, **traits)
        makes_call = _sequence_call if declared.sequence else _call
        call = functools.wraps(forward)(makes_call(declared))
        call.op = declared  # type: ignore[attr-defined]
        if numpy_function is not None:
            OPS[numpy_function] = call
        if method:
            _add_method(declared.name, call)
        return call

    return declare


def composed(
    *numpy_functions: Callable[..., Any] | None, method: bool | str = True
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let NumPy's functions, and a method, find a function that is composed of ops."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        call = errors.located(function)
        OPS.update(dict.fromkeys(filter(None, numpy_functions), call))
        if method:
            _add_method(function.__name__ if method is True else method, call)
        return call

    return register


def _add_method(name: str, call: Callable[..., Any]) -> None:
    known = getattr(Tensor, name, None)
    if known is not None and getattr(known, "__module__", "") != call.__module__:
        raise errors.taken_name(name)
    setattr(Methods, name, call)


# -------------------------------------------------------------------- a call


def _call(op: Op) -> Callable[..., Any]:
    """What a call of `op` does: unwrap the arguments, compute, record."""
    forward, arity, operands = op.forward, len(op.parameters), len(op.tensors)
    vjps = tuple(enumerate(op.vjps))

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            if kwargs or len(args) != arity:
                args = op.bind(args, kwargs)
            values = []
            constant = True
            for a in args:
                if isinstance(a, Tensor):
                    constant = False
                    values.append(a._array)
                elif type(a) in _NUMERIC or len(values) >= operands:
                    values.append(a)
                else:
                    values.append(errors.operand(op, len(values), a))
            if arity > operands:
                _check_statics(op, args[operands:], operands)
            try:
                out = forward(*values)
            except errors.LOCATED as error:
                observers and tell("failed", op, args, values, error)
                raise errors.explain(op, values, error) from None
            return out if constant else _record(op, vjps, args, values, out)
        except errors.LOCATED as error:
            raise errors.locate(error) from None

    return call


def _sequence_call(op: Op) -> Callable[..., Any]:
    """The same for an op on a list of tensors."""

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            sequence, *statics = op.bind(args, kwargs)
            operands = list(sequence)
            _check_statics(op, statics, 1)
            items = [
                a._array
                if isinstance(a, Tensor)
                else np.asarray(a if type(a) in _NUMERIC else errors.operand(op, 0, a))
                for a in operands
            ]
            values = [items, *statics]
            try:
                out = op.forward(*values)
            except errors.LOCATED as error:
                observers and tell("failed", op, operands, values, error)
                raise errors.explain(op, values, error) from None
            if not any(isinstance(a, Tensor) for a in operands):
                return out
            return _record(op, enumerate(op.vjps * len(items)), operands, values, out)
        except errors.LOCATED as error:
            raise errors.locate(error) from None

    return call


def _check_statics(op: Op, statics: Any, first: int) -> None:
    for i, value in enumerate(statics, first):
        if isinstance(value, Tensor):
            raise errors.static(op, value, i)


def _record(op: Op, vjps: Any, operands: Any, values: list[Any], out: Any) -> Any:
    """The forward's `out` as a Tensor on a new node, as far as there is anything to record.

    `vjps` are numbered, and `values` is all that the forward was given: the arrays of the
    `operands`, or a list of them, and the static arguments.
    """
    recording, sequence = state.recording, op.sequence
    datas = values[0] if sequence else values
    statics = values[len(op.tensors) :] if op.statics else ()
    slots = op.offered(values, out)
    connected, edges = False, []
    for i, vjp in vjps:
        operand, data = operands[i], datas[i]
        if isinstance(operand, Tensor):
            source = operand.node if recording else None
            if source is None:
                kept = None
            elif vjp is None:
                raise errors.constant(op, i)
            else:
                connected = True
                if sequence:
                    slots[-3:-1] = data.shape, i
                kept = vjp.collect(slots) if vjp.slots else ()
            edges.append(Edge(source, data.shape, data.dtype, operand._name, vjp, kept))
        elif isinstance(data, np.ndarray):
            if data.dtype.kind not in "fiub":
                raise errors.operand(op, i, data)
            edges.append(Edge(None, data.shape, data.dtype, None, None, None))
        else:
            edges.append(Edge(None, (), None, data, None, None))
    node = Node(op, edges, statics, state.scope) if connected else None
    result = wrapped(op, out, node)
    if observers:
        tell("operation", op, operands, values, out, result)
    return result


class Shapes(tuple[tuple[int, ...], ...]):
    """The shapes of a sequence of arguments, shared by all edges; a VJP may set attributes."""


# -------------------------------------------------------------------- several outputs


def wrapped(op: Op, out: Any, node: Node | None) -> Any:
    """An output as a Tensor on its node; several outputs each on a pick of their own."""
    if out is None:
        raise errors.no_result(op)
    if op.outputs == 1:
        return wrap(out if type(out) is np.ndarray else np.asarray(out), node)
    zeros = node and [_zero(np.shape(value), value.dtype) for value in out]
    tensors = (wrap(np.asarray(value), _picked(node, i, zeros)) for i, value in enumerate(out))
    return out._make(tensors) if hasattr(out, "_make") else tuple(tensors)


def _zero(shape: tuple[int, ...], dtype: Any) -> Any:
    """An array of zeros that takes no memory: all its elements are one."""
    return np.ndarray(shape, dtype, bytes(16), strides=(0,) * len(shape))


def _pick_vjp(g: Any, i: int, zeros: Any) -> OutputGradients:
    return OutputGradients(g if j == i else zero for j, zero in enumerate(zeros))


def pick(outputs: Any, i: int, zeros: Any = None) -> Any:
    """One of several outputs; `zeros` has their shapes and dtypes.
    y = xᵢ,  ∂L/∂xᵢ = g,  0 for others"""
    return outputs[i]


_PICK = Op(pick, None, (_pick_vjp,))


def _picked(node: Node | None, i: int, zeros: Any) -> Node | None:
    """The node of output `i` of a node with several."""
    edge = Edge(node, None, None, None, _PICK.vjps[0], (i, zeros))
    return node and Node(_PICK, [edge], [i, None], node.scope)


def as_operand(x: Any) -> Any:
    """Lists and numbers as arrays; arrays and Tensors as they are."""
    return x if isinstance(x, Tensor) else np.asarray(x)
