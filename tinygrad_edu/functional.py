"""Derivatives on demand: of what, with respect to what, and in which shape.

`grad` differentiates Tensors that were already computed.  The others take a function, as in JAX
and autograd, and answer a function (`value_and_grad`, `jacobian`, `hessian`, `elementwise_grad`)
or differentiate at a point (`vjp`, `jvp`, `hvp`).  Theirs is one set of manners:

- Arguments are numbers, arrays or Tensors, or lists, tuples, dicts and dataclasses of them, nested
  at will; gradients come in the same structure.  None stays None, integers count as float64.
- The function receives Tensors of its own in their place, so nobody's `.grad` is touched, and no
  argument is changed.  It is recorded even inside `no_grad`.
- Answers are Tensors.  They are connected to a graph only if the function's value depends on
  something else that requires a gradient: an argument or a variable of an outer derivative, or a
  parameter.  So derivatives nest to any order, and what is not nested keeps no memory.
- A value that does not depend on an argument has gradient 0 there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from . import graph
from .context import enable_grad, no_grad, state
from .pytree import choice, flat, like, matching, name
from .tensor import Tensor, seeds, wrap

Function = Callable[..., Any]


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    create_graph: bool = False,
    retain_graph: bool | None = None,
    allow_unused: bool = False,
) -> Any:
    """The gradients of `outputs` (summed, if several) with respect to `inputs`.

    `inputs` is a Tensor, or a list, tuple or dict of Tensors, and the answer has the same
    structure; no Tensor's `.grad` is touched.  `grad_outputs` weights outputs that are not
    scalars.  With `create_graph=True` the answers are recorded and can be differentiated again;
    `retain_graph` defaults to `create_graph`.  Raises RuntimeError for an input that the outputs
    do not depend on, unless `allow_unused=True`, which answers None for it.

    >>> x = Tensor(2.0, requires_grad=True)
    >>> slope = grad(x ** 3, x, create_graph=True)
    >>> slope, grad(slope, x)
    (Tensor(12., op=<multiply>), Tensor(12.))
    """
    retain_graph = create_graph if retain_graph is None else retain_graph
    if isinstance(outputs, Tensor):
        outputs, grad_outputs = [outputs], [grad_outputs]
    elif callable(outputs):
        raise TypeError(
            "grad(outputs, inputs) differentiates Tensors that were computed; for a function f "
            "write value_and_grad(f)(x)"
        )
    start = seeds("grad()", outputs, grad_outputs or [None] * len(outputs), create_graph)
    xs: list[Any] = [None] if inputs is None else flat(inputs)
    for i, x in enumerate(xs):
        if not isinstance(x, Tensor) or x.node is None:
            raise RuntimeError(
                f"grad() with respect to input {_label(x, i)}, which does not require a gradient; "
                "make it with Tensor(..., requires_grad=True)"
            )
    with enable_grad() if create_graph else no_grad():
        found = graph.sweep(
            start, {x.node for x in xs}, retain_graph=retain_graph, create_graph=create_graph
        )
    answers = []
    for i, x in enumerate(xs):
        g = found.get(x.node)
        if g is None and not allow_unused:
            raise RuntimeError(
                f"grad(): the outputs do not depend on input {_label(x, i)}; leave it out, or "
                "give allow_unused=True to get None for it"
            )
        answers.append(g if g is None or isinstance(g, Tensor) else wrap(g, None))
    return like(inputs, iter(answers))


def _label(x: Any, i: int) -> str:
    return f"{i} ({x.name!r})" if isinstance(x, Tensor) and x.name else str(i)


# -------------------------------------------------------------------- of a function


def value_and_grad(
    f: Function, argnums: Any = None, argnames: Any = None, *, has_aux: bool = False
) -> Function:
    """A function that answers (f(...), ∂f/∂argument), for an f that answers one number.

    `argnums` chooses arguments by position and `argnames` by name, one or several; several give a
    tuple of gradients.  The first argument is the default.  With `has_aux`, f answers a pair
    (value, anything), and the new function ((value, anything), gradient).  Raises RuntimeError if
    the value is not one number, TypeError if it is no Tensor.

    >>> def loss(p, x):
    ...     return ((x @ p["w"] + p["b"]) ** 2).sum()
    >>> p = {"w": np.array([3.0]), "b": 1.0}
    >>> value_and_grad(loss)(p, np.array([[2.0]]))
    (Tensor(49.), {'w': Tensor([28.]), 'b': Tensor(14.)})
    """

    def differentiated(*args: Any, **kwargs: Any) -> Any:
        call = _Call(f, args, kwargs, argnums, argnames, has_aux)
        if isinstance(call.output, Tensor) and call.output.size != 1:
            raise RuntimeError(
                f"value_and_grad() needs a function that answers one number, and "
                f"{call.name}() answered shape {call.output.shape}; reduce it, as in .sum() or "
                ".mean(), or use jacobian()"
            )
        gradients = like(call.given, call.pull(call.tensors(), [None]))
        return call.with_aux(call.value()), gradients

    return _named(differentiated, f)


def elementwise_grad(
    f: Function, argnums: Any = None, argnames: Any = None, *, has_aux: bool = False
) -> Function:
    """A function that answers dyᵢ/dxᵢ for every element, where yᵢ = f(x)ᵢ depends on xᵢ alone.

    It is Σⱼ ∂yⱼ/∂xᵢ, in the shape of x; arguments are chosen as in `value_and_grad`.  Applied
    twice it gives second derivatives, and so on.

    >>> elementwise_grad(np.tanh)(np.array([0.0, 1.0]))
    Tensor([1.        , 0.41997434])
    >>> elementwise_grad(elementwise_grad(lambda x: x ** 3))(2.0)
    Tensor(12.)
    """

    def differentiated(*args: Any, **kwargs: Any) -> Any:
        call = _Call(f, args, kwargs, argnums, argnames, has_aux)
        outputs = call.tensors()
        ones = [np.ones(y.shape, y.dtype) for y in outputs]
        return call.with_aux(like(call.given, call.pull(outputs, ones)))

    return _named(differentiated, f)


def jacobian(
    f: Function, argnums: Any = None, argnames: Any = None, *, has_aux: bool = False
) -> Function:
    """A function that answers J = ∂f/∂argument, of shape f(...).shape + argument.shape.

    Jᵢⱼ = ∂yᵢ/∂xⱼ, one backward sweep an element of y; arguments are chosen as in
    `value_and_grad`.  Where f answers several Tensors or an argument holds several, J is in the
    structure of f's answer, and each of its parts in the structure of the argument.

    >>> jacobian(lambda x: x ** 2)(np.array([1.0, 2.0, 3.0]))
    Tensor([[2., 0., 0.],
            [0., 4., 0.],
            [0., 0., 6.]])
    """

    def differentiated(*args: Any, **kwargs: Any) -> Any:
        call = _Call(f, args, kwargs, argnums, argnames, has_aux)
        parts = [like(call.given, iter(call.rows(y))) for y in call.tensors()]
        return call.with_aux(like(call.output, iter(parts)))

    return _named(differentiated, f)


def hessian(
    f: Function, argnums: Any = None, argnames: Any = None, *, has_aux: bool = False
) -> Function:
    """A function that answers H = ∂²f/∂x∂x, of shape x.shape + x.shape, for a scalar f.

    Hᵢⱼ = ∂²y/∂xᵢ∂xⱼ: the Jacobian of the gradient.  Arguments are chosen as in `value_and_grad`;
    several, or an argument of several arrays, give the blocks: `hessian(f, (0, 1))(x, y)[0][1]` is
    ∂²f/∂x∂y, of shape x.shape + y.shape.

    >>> hessian(lambda x: (x[0] * x[1]) ** 2)(np.array([1.0, 3.0]))
    Tensor([[18., 12.],
            [12.,  2.]])
    """
    first = value_and_grad(f, argnums, argnames, has_aux=has_aux)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, gradients = first(*args, **kwargs)
        return (gradients, value[1]) if has_aux else gradients

    return jacobian(_named(gradient, f), argnums, argnames, has_aux=has_aux)


# -------------------------------------------------------------------- at a point


def vjp(f: Function, *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """(f(*primals), pull): `pull(g)` is the vector-Jacobian product Jᵀg, a tuple as the primals.

    `g` has the shape, or the structure, of f's answer; `pull` can be called repeatedly.  With
    `has_aux`, f answers a pair (value, anything), and the anything is the third answer.

    >>> y, pull = vjp(lambda x: x ** 2, np.array([1.0, 2.0]))
    >>> y, pull(np.array([1.0, 10.0]))
    (Tensor([1., 4.]), (Tensor([ 2., 40.]),))
    """
    call = _Call(f, primals, {}, range(len(primals)), None, has_aux)
    outputs = call.tensors()

    def pull(g: Any) -> Any:
        return like(call.given, call.pull(outputs, matching("g", g, call.output), retain=True))

    return (call.value(), pull, call.aux) if has_aux else (call.value(), pull)


def jvp(f: Function, primals: Any, tangents: Any, *, has_aux: bool = False) -> tuple[Any, ...]:
    """(f(*primals), J t): the value and its derivative in the direction of the tangents.

    Both are tuples of one item an argument, or the only argument and its direction by themselves.
    Jᵀw is linear in w, and its derivative by w in the direction t is J t: two backward sweeps.

    >>> jvp(lambda x: x ** 2, np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    (Tensor([1., 4.]), Tensor([ 2., 40.]))
    """
    args = primals if isinstance(primals, (tuple, list)) else (primals,)
    call = _Call(f, args, {}, range(len(args)), None, has_aux)
    ts = matching("the tangents", tangents, primals)
    pushed = like(call.output, call.push(ts))
    return (call.value(), pushed, call.aux) if has_aux else (call.value(), pushed)


def hvp(f: Function, primals: Any, tangents: Any) -> Any:
    """H t: the Hessian of a scalar f times a direction, without ever making the Hessian.

    `primals` and `tangents` are as in `jvp`, and the answer is in the structure of the primals.
    It costs a few evaluations of f, whatever the size: ∂⟨∇f, t⟩/∂x.

    >>> hvp(lambda x: (x ** 3).sum(), np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    Tensor([  6., 120.])
    """
    args = primals if isinstance(primals, (tuple, list)) else (primals,)
    gradient = value_and_grad(f, range(len(args)))
    _, pull = vjp(lambda *xs: gradient(*xs)[1], *args)
    return like(primals, iter(flat(pull(like(args, iter(matching("t", tangents, primals)))))))


class _Call:
    """A call of `f` in which the chosen arguments are variables, and what can be asked of it."""

    def __init__(
        self, f: Function, args: Any, kwargs: Any, argnums: Any, argnames: Any, has_aux: bool
    ) -> None:
        recording = state.recording
        single, keys = choice(f, args, kwargs, argnums, argnames)
        places = dict(enumerate(args)) | kwargs
        chosen = tuple(places[key] for key in keys)
        self.given = chosen[0] if single else chosen
        self.name = name(f)
        with enable_grad():
            self.variables = [_variable(x) for x in flat(chosen)]
            places.update(zip(keys, like(chosen, iter(self.variables)), strict=True))
            output = f(*[places[i] for i in range(len(args))], **{k: places[k] for k in kwargs})
        self.has_aux, aux = has_aux, None
        if has_aux:
            if not isinstance(output, tuple) or len(output) != 2:
                raise TypeError(f"with has_aux=True {self.name}() must answer a pair (value, aux)")
            output, aux = output
        self.output = output
        self.connected = recording and _reaches_beyond([output, aux], self.variables)
        self.aux = self._released(aux)

    def tensors(self) -> list[Tensor]:
        """The Tensors in what f answered, which may hold nothing else."""
        outputs = flat(self.output)
        for y in outputs:
            if not isinstance(y, Tensor):
                raise TypeError(
                    f"{self.name}() answered a {type(y).__name__}, which no derivative can reach; "
                    "return the Tensor itself, not its .data, .item() or float()"
                )
        return outputs

    def value(self) -> Any:
        """What f answered."""
        return self._released(self.output)

    def with_aux(self, answer: Any) -> Any:
        """The answer, in a pair with f's auxiliary one if it has that."""
        return (answer, self.aux) if self.has_aux else answer

    def _released(self, structure: Any) -> Any:
        """Without a history that nobody can use any more."""
        if self.connected:
            return structure
        leaves = (x.detach() if isinstance(x, Tensor) else x for x in flat(structure))
        return like(structure, leaves)

    def pull(self, outputs: list[Tensor], weights: Any, *, retain: bool = False) -> Iterator[Any]:
        """Each variable's gradient of the weighted outputs."""
        connected = self.connected or _wanted(weights)
        live = [(y, w) for y, w in zip(outputs, weights, strict=True) if y.node is not None]
        found: list[Any] = [None] * len(self.variables)
        if live:
            ys, ws = zip(*live, strict=True)
            found = grad(
                ys,
                self.variables,
                ws,
                create_graph=connected,
                retain_graph=retain or connected,
                allow_unused=True,
            )
        return (
            _zeros(x.shape, x) if g is None else g
            for g, x in zip(found, self.variables, strict=True)
        )

    def rows(self, y: Tensor) -> list[Tensor]:
        """Each variable's Jacobian, a row at a time: the gradient of one element.

        Indexing picks it, so that the other elements send nothing back, not even 0 · ∞.
        """
        with enable_grad():
            elements = [y] if y.size == 1 else [y.reshape(-1)[i] for i in range(y.size)]
        rows = [list(self.pull([element], [None], retain=True)) for element in elements]
        stacked: list[Any] = [np.stack(column) for column in zip(*rows, strict=True)]
        return [
            _zeros(y.shape + x.shape, x) if not rows else stacked[k].reshape(y.shape + x.shape)
            for k, x in enumerate(self.variables)
        ]

    def push(self, tangents: list[Any]) -> Iterator[Any]:
        """Each output's derivative in the direction of the variables' tangents."""
        for x, t in zip(self.variables, tangents, strict=True):
            if np.shape(t) != x.shape:
                raise ValueError(f"a tangent of shape {np.shape(t)} for a primal of {x.shape}")
        outputs = self.tensors()
        duals = [Tensor(np.ones(y.shape), requires_grad=True, dtype=y.dtype) for y in outputs]
        live = [(y, w) for y, w in zip(outputs, duals, strict=True) if y.node is not None]
        pushed: list[Any] = [None] * len(outputs)
        if live:
            ys, ws = zip(*live, strict=True)
            pulled = grad(ys, self.variables, ws, create_graph=True, allow_unused=True)
            linear = [
                (g, t) for g, t in zip(pulled, tangents, strict=True) if g is not None and g.node
            ]
            if linear:
                gs, ts = zip(*linear, strict=True)
                connected = self.connected or _wanted(ts)
                pushed = grad(gs, duals, ts, create_graph=connected, allow_unused=True)
        return (
            _zeros(y.shape, y) if t is None else t for t, y in zip(pushed, outputs, strict=True)
        )


def _named(new: Function, f: Function) -> Function:
    return functools.wraps(f, updated=())(new)


def _zeros(shape: tuple[int, ...], like: Tensor) -> Tensor:
    return wrap(np.zeros(shape, like.dtype), None)


def _variable(x: Any) -> Tensor:
    """A Tensor of our own in the place of an argument: of an outer variable, a copy that knows."""
    if isinstance(x, Tensor) and x.node is not None:
        return x.positive()
    if isinstance(x, Tensor):
        return Tensor(x.data, requires_grad=True, name=x.name)
    return Tensor(x, requires_grad=True)


def _wanted(weights: Any) -> bool:
    """Whether a derivative by one of the weights may be asked for."""
    return state.recording and any(isinstance(w, Tensor) and w.requires_grad for w in weights)


def _reaches_beyond(structure: Any, variables: list[Tensor]) -> bool:
    """Whether Tensors depend on leaves that are no variables of this call."""
    own = {x.node for x in variables}
    if any(node is not None and node.edges for node in own):
        return True
    frontier: list[Any] = [x.node for x in flat(structure) if isinstance(x, Tensor)]
    seen = own | {None}
    while frontier:
        node = frontier.pop()
        if node not in seen:
            if not node.edges:
                return True
            seen.add(node)
            frontier.extend(edge.source for edge in node.edges)
    return False
