"""L-BFGS: quasi-Newton steps from the last few changes of the gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tinygrad_edu import Tensor

from ..state_dict import like
from ..validation import choice, integer
from .line_search import Point, strong_wolfe
from .optimizer import Array, Group, Optimizer, Parameters, State
from .options import not_negative

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """Limited-memory BFGS, for full batches and few parameters (as `torch.optim.LBFGS`).

    p ← p - t H g,   H = the inverse Hessian as the last `history_size` pairs s = Δp, y = Δg have it
    (Nocedal and Wright, 2006, algorithm 7.4)

    Each `step(closure)` makes up to `max_iter` such iterations.  It calls the closure, which zeroes
    the gradients, computes the loss, calls `backward()` and returns the loss, at most about
    `max_eval` times (1.25 `max_iter` unless given), and ends early where no gradient is above
    `tolerance_grad`, or no parameter or the loss changes by more than `tolerance_change`.  t is
    `lr`, less in the very first iteration, or what the line search `"strong_wolfe"` finds from
    there.  All parameters are in one group.  A Trainer, which computes the loss once for each step,
    cannot use it.

    >>> from tinygrad_edu import Tensor
    >>> p = Tensor([-1.0, 2.0], requires_grad=True)
    >>> optimizer = LBFGS([p], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2
    ...     loss.backward()
    ...     return loss
    >>> for _ in range(3):
    ...     loss = optimizer.step(closure)
    >>> p.data.round(4)
    array([1., 1.])
    """

    NEEDS_CLOSURE = (
        "LBFGS computes the loss several times in each step: write optimizer.step(closure) in a "
        "loop of your own, where closure() calls optimizer.zero_grad(), computes the loss, calls "
        "loss.backward() and returns the loss; a Trainer does so"
    )
    needs_closure = True
    checks = {
        **dict.fromkeys(("max_iter", "max_eval", "history_size"), integer),
        "line_search_fn": lambda name, value: choice(name, value, (None, "strong_wolfe")),
    }

    def __init__(
        self, parameters: Parameters, lr: float = 1.0, max_iter: int = 20,
        max_eval: int | None = None, tolerance_grad: float = 1e-7, tolerance_change: float = 1e-9,
        history_size: int = 100, line_search_fn: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            parameters, lr=lr, max_iter=max_iter, tolerance_grad=tolerance_grad,
            max_eval=integer("max_iter", max_iter) * 5 // 4 if max_eval is None else max_eval,
            tolerance_change=tolerance_change, history_size=history_size,
            line_search_fn=line_search_fn,
        )  # fmt: skip

    def add_param_group(self, group: Group) -> None:
        """Raises ValueError for a second group."""
        if self.groups:
            raise ValueError("LBFGS has one group, since its steps are of all parameters together")
        super().add_param_group(group)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Iterate from the loss and gradients that `closure()` computes; its first loss."""
        if closure is None:
            raise TypeError(self.NEEDS_CLOSURE)
        options, state = self.groups[0], self.state.setdefault(0, self._memory())
        most, least = options["max_eval"], options["tolerance_change"]
        first = closure()
        loss, g, evaluations = _number(first), self._gradient(), 1
        for iteration in range(1, options["max_iter"] + 1):
            if np.absolute(g).max(initial=0) <= options["tolerance_grad"]:
                break
            d = _direction(state, g, options["history_size"])
            start, x, before = Point(0.0, loss, g, float(g @ d)), self._values(), loss
            length = min(1.0, 1 / float(np.absolute(g).sum())) if state["step"] == 1 else 1.0
            t = state["t"] = length * options["lr"]
            if start.slope > -least:
                break
            along = partial(self._point, closure, x, d)
            size = float(np.absolute(d).max())
            if options["line_search_fn"]:
                end, n = strong_wolfe(along, start, t, most - evaluations, size, least)
                t = state["t"] = end.t
                self._move_to(x + t * d)
                loss, g, evaluations = end.loss, end.gradient, evaluations + n
            elif iteration < options["max_iter"]:
                _, loss, g, _ = along(t)
                evaluations += 1
            else:
                self._move_to(x + t * d)
            if evaluations >= most or size * t <= least or abs(loss - before) < least:
                break
        state["evaluations"] += evaluations
        return first

    def _point(self, closure: Callable[[], Any], x: Array, d: Array, t: float) -> Point:
        """Go to x + t d, and see what is there."""
        self._move_to(x + t * d)
        loss, g = _number(closure()), self._gradient()
        return Point(t, math.inf if math.isnan(loss) else loss, g, float(g @ d))

    def _gradient(self) -> Array:
        """All gradients, one after the other."""
        return _flat([np.zeros_like(p.data) if p.grad is None else p.grad for p in self._each()])

    def _values(self) -> Array:
        return _flat([p.data for p in self._each()])

    def _move_to(self, values: Array) -> None:
        """Give all parameters their values."""
        start = 0
        for p in self._each():
            p.data[...] = values[start : start + p.size].reshape(p.shape)
            p.mark_changed()
            start += p.size

    def _memory(self, pairs: int = 0) -> State:
        """The state before the first step, or its form when there are so many pairs s, y."""
        zeros = np.zeros_like(self._values())
        lists: State = {"steps": [zeros] * pairs, "changes": [zeros] * pairs, "rho": [1.0] * pairs}
        numbers: State = {"step": 0, "evaluations": 0, "t": 0.0, "scale": 1.0}
        return {**numbers, "direction": zeros, "gradient": zeros, **lists}

    def _checked_moments(self, i: Any, p: Tensor | None, group: Group, given: State) -> State:
        """The state, which is of all parameters, and stands with the first."""
        if i != 0:
            raise ValueError(f"the state has a parameter {i!r}, and LBFGS has one state, number 0")
        if not given:
            return {}
        own = self._memory(pairs=1)
        state: State = like(own, given, "the state of LBFGS")
        for name in ("step", "evaluations"):
            state[name] = integer(name, state[name], 0)
        for name in ("t", "scale"):
            not_negative(name, state[name])
        n = len(state["rho"])
        if not n == len(state["steps"]) == len(state["changes"]) <= group["history_size"]:
            raise ValueError("the state of LBFGS has steps, changes and rho of unequal numbers")
        for rho in state["rho"]:
            not_negative("rho", rho)
        dtype = own["gradient"].dtype
        for name in ("direction", "gradient"):
            state[name] = state[name].astype(dtype)
        for name in ("steps", "changes"):
            state[name] = [each.astype(dtype) for each in state[name]]
        return state


def _direction(state: State, g: Array, most: int) -> Array:
    """Take in how the gradient has changed; the direction -H g (two loops over the pairs s, y)."""
    if state["step"]:
        y, s = g - state["gradient"], state["t"] * state["direction"]
        curvature = float(y @ s)
        if curvature > 1e-10:
            for name, value in (("steps", s), ("changes", y), ("rho", 1 / curvature)):
                state[name] = [*state[name], value][-most:]
            state["scale"] = curvature / float(y @ y)
    pairs = list(zip(state["steps"], state["changes"], state["rho"], strict=True))
    d, alphas = -g, []
    for s, y, rho in reversed(pairs):
        alphas.append(rho * float(s @ d))
        d -= alphas[-1] * y
    d *= state["scale"]
    for (s, y, rho), alpha in zip(pairs, reversed(alphas), strict=True):
        d += (alpha - rho * float(y @ d)) * s
    state.update(step=state["step"] + 1, direction=d, gradient=g)
    return d


def _flat(arrays: list[Array]) -> Array:
    return np.concatenate([a.ravel() for a in arrays])


def _number(loss: Any) -> float:
    if loss is None:
        raise TypeError("the closure of an optimizer must return the loss")
    return float(loss)
