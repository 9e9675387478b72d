"""How an op is declared and recorded: a derivative's parameters are what it reads.

    @op(np.log, lambda g, x: g / x, domain=(0.5, 2))
    def log(x: Array) -> Array:
        \"\"\"Natural logarithm.  y = ln x,  ∂L/∂x = g / x\"\"\"
        return np.log(x)

The first argument of `op` is the NumPy function that shall find it (None if there is none), then
comes one vector-Jacobian product (VJP) per tensor argument.  A VJP takes the upstream gradient `g`
first; its other parameters name what it reads: arguments of the op, `out`, and `like`, the shape
its answer must have.  What no VJP names is not kept alive.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from . import errors
from .context import state
from .graph import Bundle, Edge, Node
from .methods import Methods
from .operators import OPS
from .tensor import Tensor, wrap

Array = np.ndarray[Any, np.dtype[Any]]
_NUMERIC = (np.ndarray, float, int, np.floating, np.integer, np.bool)
_REQUIRED = object()


class VJP:
    """One argument's vector-Jacobian product: a function of `g` and of what its parameters name."""

    __slots__ = ("function", "reads", "origins", "collect")

    def __init__(self, function: Callable[..., Any], op: Op, position: int) -> None:
        """Compile the parameter names into `collect(arguments, out, position)`.

        That answers the values to keep; `origins` tells the sweep where each came from: an
        argument's position, "out", "all" arguments of a sequence, or None for a static argument.
        """
        reads = _parameters(function)[1:]
        first = op.parameters[0]
        where = {name: f"args[{i}]" for i, name in enumerate(op.parameters)}
        where |= {"out": "out", "like": "args[{position}].shape", "position": "position"}
        origin: dict[str, Any] = {name: i for i, name in enumerate(op.tensors)} | {"out": "out"}
        if op.sequence:
            where["like"] = "args[0][position].shape"
            where["likes"] = "[a.shape for a in args[0]]"
            origin[first] = "all"
        unknown = [name for name in reads if name not in where]
        if unknown:
            raise TypeError(
                f"the VJP of {op.name} for `{op.parameters[position]}` names {unknown}; after g it "
                f"can read {', '.join(where)}"
            )
        body = "".join(f"{where[name].format(position=position)}, " for name in reads)
        self.function = function
        self.reads = reads
        self.origins = tuple(origin.get(name) for name in reads)
        self.collect = _compiled(f"lambda args, out, position: ({body})")


@functools.cache
def _compiled(source: str) -> Callable[..., tuple[Any, ...]]:
    return eval(source, {})  # type: ignore[no-any-return]


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
        selects: bool = False,
        domain: Any = (-2.0, 2.0),
        kinks: tuple[float, ...] = (),
    ) -> None:
        defaults = forward.__defaults__ or ()
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
        self.selects = selects
        self.domain = domain
        self.kinks = kinks
        self.vjps = tuple(f and VJP(f, self, i) for i, f in enumerate(vjps))
        self.guarded = elementwise and not selects and any(v and v.reads for v in self.vjps)

    def lifted(self, out: Any, node: Node | None, lift: Callable[[Any, Any], Any]) -> Any:
        """The output back on its node; several outputs each on a pick of their own."""
        if self.outputs == 1:
            return lift(out, node)
        answers = (lift(np.asarray(value), _picked(node, out, i)) for i, value in enumerate(out))
        return out._make(answers) if hasattr(out, "_make") else tuple(answers)

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """Every argument by position, defaults filled in."""
        if len(args) > len(self.parameters):
            raise TypeError(
                f"{self.name}({', '.join(self.parameters)}) was given {len(args)} arguments"
            )
        bound = list(args) + list(self.defaults[len(args) :])
        for name, value in kwargs.items():
            if name not in self.parameters or self.parameters.index(name) < len(args):
                raise errors.keyword(self, name, value)
            bound[self.parameters.index(name)] = value
        missing = [n for n, v in zip(self.parameters, bound, strict=True) if v is _REQUIRED]
        if missing:
            raise TypeError(f"{self.name}({', '.join(self.parameters)}) lacks {', '.join(missing)}")
        return tuple(bound)

    @property
    def summary(self) -> str:
        """The docstring's first sentence."""
        return (self.forward.__doc__ or "").partition(".  ")[0].strip() + "."

    @property
    def formula(self) -> str:
        """The docstring's second part: the op's formula and its derivatives."""
        return " ".join((self.forward.__doc__ or "").partition(".  ")[2].split())


def op(
    numpy_function: Callable[..., Any] | None = None,
    *vjps: Callable[..., Any] | None,
    method: bool = True,
    **traits: Any,
) -> Callable[[Callable[..., Any]], Callable[..., Tensor]]:
    """Declare an op: decorates its forward, a function of ndarrays.

    `vjps` are one per tensor argument, None for an argument without a derivative; a `sequence` op
    takes a list of tensors first and has one VJP, which can also read `position` and `likes`, the
    shapes of all; an op with several `outputs` answers a tuple, and the `g` and `out` of its VJPs
    are tuples.  `elementwise` ops broadcast; one that `selects` leaves some elements out, so
    that nothing must come back from them.  `domain` (one interval, or one per tensor argument) and
    `kinks` say where its property test may draw.  With `method`, Tensors get it as a method.

    >>> import numpy as np
    >>> from tinygrad_edu import Tensor, op
    >>> @op(None, lambda g, x: g * 3 * x * x, elementwise=True, method=False)
    ... def cube(x):
    ...     \"\"\"Third power.  y = x³,  ∂L/∂x = 3 g x²\"\"\"
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
            setattr(Methods, declared.name, call)
        return call

    return declare


def _call(op: Op) -> Callable[..., Any]:
    """What a call of `op` does: unwrap the arguments, compute, record."""
    forward, arity, operands = op.forward, len(op.parameters), len(op.tensors)
    vjps = tuple(enumerate(op.vjps))

    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs or len(args) != arity:
            args = op.bind(args, kwargs)
        values = []
        plain = True
        for a in args:
            if isinstance(a, Tensor):
                plain = False
                values.append(a.data)
            elif isinstance(a, _NUMERIC) or len(values) >= operands:
                values.append(a)
            else:
                values.append(errors.operand(op, len(values), a))
        if arity > operands:
            _check_statics(op, args[operands:], operands)
        try:
            out = forward(*values)
        except (ValueError, TypeError, IndexError) as error:
            raise errors.explain(op, values, error) from None
        return out if plain else _record(op, vjps, args, values, values, out)

    return call


def _sequence_call(op: Op) -> Callable[..., Any]:
    """The same for an op on a list of tensors."""

    def call(*args: Any, **kwargs: Any) -> Any:
        sequence, *statics = op.bind(args, kwargs)
        operands = list(sequence)
        _check_statics(op, statics, 1)
        items = [
            a.data
            if isinstance(a, Tensor)
            else np.asarray(a if isinstance(a, _NUMERIC) else errors.operand(op, 0, a))
            for a in operands
        ]
        values = [items, *statics]
        try:
            out = op.forward(*values)
        except (ValueError, TypeError, IndexError) as error:
            raise errors.explain(op, values, error) from None
        if not any(isinstance(a, Tensor) for a in operands):
            return out
        return _record(op, enumerate(op.vjps * len(items)), operands, items, values, out)

    return call


def _check_statics(op: Op, statics: Any, first: int) -> None:
    for i, value in enumerate(statics, first):
        if isinstance(value, Tensor):
            raise errors.static(op, value, i)


def _record(op: Op, vjps: Any, operands: Any, datas: Any, values: list[Any], out: Any) -> Any:
    """The forward's `out` as a Tensor on a new node, as far as there is anything to record.

    `vjps` are numbered, `datas` are the arrays of the `operands`, and `values` is all that the
    forward was given.
    """
    recording = state.recording
    connected = False
    edges = []
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
                kept = vjp.collect(values, out, i) if vjp.reads else ()
            edges.append(Edge(source, data.shape, data.dtype, operand._name, vjp, kept))
        elif isinstance(data, np.ndarray):
            if data.dtype.kind not in "fiub":
                raise errors.operand(op, i, data)
            edges.append(Edge(None, data.shape, data.dtype, None, None, None))
        else:
            edges.append(Edge(None, (), None, data, None, None))
    statics = values[len(op.tensors) :] if op.statics else ()
    node = Node(op, edges, statics, state.scope) if connected else None
    if op.outputs > 1:
        return op.lifted(out, node, wrap)
    return wrap(out if type(out) is np.ndarray else np.asarray(out), node)


def _pick_vjp(g: Any, i: int, kinds: Any) -> Bundle:
    return Bundle(g if j == i else np.zeros(*kind) for j, kind in enumerate(kinds))


def pick(outputs: Any, i: int, kinds: Any = None) -> Any:
    """One of several outputs, of these shapes and dtypes.  y = xᵢ,  ∂L/∂xᵢ = g,  0 for others"""
    return outputs[i]


_PICK = Op(pick, None, (_pick_vjp,))


def _picked(node: Node | None, out: Any, i: int) -> Node | None:
    """The node of output `i` of a node with several, which keeps their shapes and dtypes."""
    if node is None:
        return None
    kinds = [(np.shape(value), value.dtype) for value in out]
    edge = Edge(node, None, None, None, _PICK.vjps[0], (i, kinds))
    return Node(_PICK, [edge], [i, None], node.scope)
