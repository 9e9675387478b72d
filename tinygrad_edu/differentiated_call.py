"""A call of a function whose chosen arguments are variables: what every transform is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .context import enable_grad, state
from .gradient import grad
from .observers import followed
from .pytree import choice, flat, like, name
from .tensor import Tensor, wrap


class DifferentiatedCall:
    """A call of `f` in which the chosen arguments are variables, and what can be asked of it."""

    def __init__(
        self,
        f: Callable[..., Any],
        args: Any,
        kwargs: Any,
        argnums: Any,
        argnames: Any,
        has_aux: bool,
    ) -> None:
        recording = state.recording
        single, keys = choice(f, args, kwargs, argnums, argnames)
        arguments = dict(enumerate(args)) | kwargs
        chosen = tuple(arguments[key] for key in keys)
        self.given = chosen[0] if single else chosen
        self.name = name(f)
        with enable_grad():
            self.variables = [_variable(x) for x in flat(chosen)]
            arguments.update(zip(keys, like(chosen, iter(self.variables)), strict=True))
            output = f(
                *[arguments[i] for i in range(len(args))], **{k: arguments[k] for k in kwargs}
            )
        self.has_aux, aux = has_aux, None
        if has_aux:
            if not isinstance(output, tuple) or len(output) != 2:
                raise TypeError(f"with has_aux=True {self.name}() must return a pair (value, aux)")
            output, aux = output
        self.output = output
        self.connected = recording and _reaches_beyond([output, aux], self.variables)
        self.aux = self._released(aux)

    def tensors(self) -> list[Tensor]:
        """The Tensors in what f returned, which may hold nothing else."""
        outputs = flat(self.output)
        for y in outputs:
            if not isinstance(y, Tensor):
                raise TypeError(
                    f"{self.name}() returned a {type(y).__name__}, which no derivative can reach; "
                    "return the Tensor itself, not its .data, .item() or float()"
                )
        return outputs

    def value(self) -> Any:
        """What f returned."""
        return self._released(self.output)

    def with_aux(self, result: Any) -> Any:
        """The result, in a pair with f's auxiliary value if it has one."""
        return (result, self.aux) if self.has_aux else result

    def _released(self, structure: Any) -> Any:
        """Detached, unless it depends on something else that requires grad."""
        if self.connected:
            return structure
        leaves = (x.detach() if isinstance(x, Tensor) else x for x in flat(structure))
        return like(structure, leaves)

    def pull(self, outputs: list[Tensor], weights: Any, *, retain: bool = False) -> Iterator[Any]:
        """Each variable's gradient of the weighted outputs."""
        connected = self.connected or _requires_grad(weights)
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

    def columns(self) -> list[list[Tensor]]:
        """For each output, each variable's Jacobian, a column at a time: for few inputs."""
        outputs = self.tensors()
        duals, pulled = self._transposed(outputs)
        found: list[list[Tensor]] = [[] for _ in outputs]
        for x, g in zip(self.variables, pulled, strict=True):
            columns: list[Any] = []
            if g is not None and g.node:
                with enable_grad():
                    elements = [g] if g.size == 1 else [g.reshape(-1)[i] for i in range(g.size)]
                for element in elements:
                    columns.append(self._by_duals([element], [None], duals, self.connected))
            for k, y in enumerate(outputs):
                parts = [_zeros(y.shape, y) if c[k] is None else c[k] for c in columns]
                shape = y.shape + x.shape
                full: Any = np.stack(parts, -1).reshape(shape) if parts else _zeros(shape, y)
                found[k].append(full)
        return found

    def push(self, tangents: list[Any]) -> Iterator[Any]:
        """Each output's derivative in the direction of the variables' tangents."""
        for x, t in zip(self.variables, tangents, strict=True):
            if np.shape(t) != x.shape:
                raise ValueError(f"a tangent of shape {np.shape(t)} for a primal of {x.shape}")
        outputs = self.tensors()
        duals, pulled = self._transposed(outputs)
        linear = [(g, t) for g, t in zip(pulled, tangents, strict=True) if g is not None and g.node]
        gs, ts = zip(*linear, strict=True) if linear else ((), ())
        pushed = self._by_duals(gs, ts, duals, self.connected or _requires_grad(ts))
        return (
            _zeros(y.shape, y) if t is None else t for t, y in zip(pushed, outputs, strict=True)
        )

    def _transposed(self, outputs: list[Tensor]) -> tuple[list[Tensor], list[Any]]:
        """Weights w of the outputs, and for each variable Jᵀ w, which is linear in them."""
        duals = [Tensor(np.ones(y.shape), requires_grad=True, dtype=y.dtype) for y in outputs]
        live = [(y, w) for y, w in zip(outputs, duals, strict=True) if y.node is not None]
        if not live:
            return duals, [None] * len(self.variables)
        ys, ws = zip(*live, strict=True)
        return duals, grad(ys, self.variables, ws, create_graph=True, allow_unused=True)

    def _by_duals(self, gs: Any, ts: Any, duals: list[Tensor], connected: bool) -> Any:
        """The derivative by the weights of what `_transposed` found: J in some direction."""
        if not gs:
            return [None] * len(duals)
        return grad(
            gs, duals, list(ts), create_graph=connected, retain_graph=True, allow_unused=True
        )


def _zeros(shape: tuple[int, ...], like: Tensor) -> Tensor:
    return wrap(np.zeros(shape, like.dtype), None)


def _variable(x: Any) -> Tensor:
    """A fresh Tensor for an argument; that of an outer variable is connected to it."""
    if isinstance(x, Tensor) and x.node is not None:
        return x.positive()
    if isinstance(x, Tensor):
        return followed(x._array, Tensor(x._array, requires_grad=True, name=x.name))  # type: ignore[no-any-return]
    try:
        return Tensor(x, requires_grad=True)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"no derivative by an argument of type {type(x).__name__}: {error}; arguments are "
            "numbers, arrays or Tensors, or lists, tuples, dicts, dataclasses, attrs classes or "
            "pydantic models of them; choose others with argnums or argnames"
        ) from None


def _requires_grad(weights: Any) -> bool:
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
