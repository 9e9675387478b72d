"""A chain of 1000 small operations, forward and backward: the overhead of recording an operation.

The operations repeat h = h w, h = h + x, h = tanh h, h = 0.9 h, and every contestant returns the
gradients of the sum of the last h with respect to x and w. For scalars, tanh is replaced by relu,
which micrograd has too.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from .compat import import_dezero
from .harness import Contestant, Table, available, compare, first_runs

LENGTH = 1000
REPEATS = range(LENGTH // 4)
TOO_SLOW = f"torch.compile and tinygrad are left out: they compile {LENGTH} operations for minutes."


def follow(h: Any, x: Any, w: Any, activation: Callable[[Any], Any]) -> Any:
    """The chain, in any library whose values have operators."""
    for _ in REPEATS:
        h = activation(h * w + x) * 0.9
    return h


def hand_written(x: np.ndarray, w: np.ndarray) -> Contestant:
    """NumPy: the forward pass stores the values that the backward pass reads."""

    def run() -> Any:
        h, kept = x, []
        for _ in REPEATS:
            t = np.tanh(h * w + x)
            kept.append((h, t))
            h = t * 0.9
        g, gx, gw = np.ones_like(h), np.zeros_like(x), np.zeros_like(w)
        for h, t in reversed(kept):
            g = g * 0.9 * (1 - t * t)
            gx += g
            gw += g * h
            g = g * w
        gx += g
        return gx, gw

    return run


def hand_written_scalar(x: float, w: float) -> Contestant:
    """The same with Python numbers and relu."""

    def run() -> Any:
        h, kept = x, []
        for _ in REPEATS:
            r = max(h * w + x, 0.0)
            kept.append((h, r))
            h = r * 0.9
        g, gx, gw = 1.0, 0.0, 0.0
        for h, r in reversed(kept):
            g = g * 0.9 if r > 0 else 0.0
            gx += g
            gw += g * h
            g = g * w
        gx += g
        return gx, gw

    return run


def ours(x: Any, w: Any) -> Contestant:
    """This project."""
    from tinygrad_edu import Tensor

    activation = np.tanh if np.ndim(x) else Tensor.relu  # type: ignore[attr-defined]
    xt, wt = Tensor(x, requires_grad=True), Tensor(w, requires_grad=True)

    def run() -> Any:
        xt.zero_grad()
        wt.zero_grad()
        follow(xt, xt, wt, activation).sum().backward()
        return xt.grad, wt.grad

    return run


def ours_compiled(x: Any, w: Any) -> Contestant:
    """This project, the chain compiled into one op."""
    from tinygrad_edu import Tensor, compile

    activation = np.tanh if np.ndim(x) else Tensor.relu  # type: ignore[attr-defined]
    xt, wt = Tensor(x, requires_grad=True), Tensor(w, requires_grad=True)
    loss = compile(lambda: follow(xt, xt, wt, activation).sum())

    def run() -> Any:
        xt.zero_grad()
        wt.zero_grad()
        loss().backward()
        return xt.grad, wt.grad

    return run


def jax_jit(x: Any, w: Any) -> Contestant:
    """JAX, compiled by jit; it fuses the whole chain, which calls of NumPy cannot."""
    import jax

    jax.config.update("jax_enable_x64", True)
    activation = jax.numpy.tanh if np.ndim(x) else jax.nn.relu
    gradients = jax.jit(jax.grad(lambda xw: follow(xw[0], *xw, activation).sum()))
    given = jax.numpy.asarray(x), jax.numpy.asarray(w)
    return lambda: jax.block_until_ready(gradients(given))


def pytorch(x: Any, w: Any) -> Contestant:
    """PyTorch, eager, on the CPU."""
    import torch

    activation = torch.tanh if np.ndim(x) else torch.relu
    xt, wt = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (x, w))

    def run() -> Any:
        xt.grad = wt.grad = None
        follow(xt, xt, wt, activation).sum().backward()
        return xt.grad, wt.grad

    return run


def mygrad(x: Any, w: Any) -> Contestant:
    """MyGrad."""
    import mygrad as mg
    from mygrad.nnet.activations import relu

    activation = mg.tanh if np.ndim(x) else relu
    xt, wt = mg.tensor(x), mg.tensor(w)

    def run() -> Any:
        follow(xt, xt, wt, activation).sum().backward()
        return xt.grad, wt.grad

    return run


def hips_autograd(x: Any, w: Any) -> Contestant:
    """HIPS autograd."""
    import autograd.numpy as anp
    from autograd import grad

    activation = anp.tanh if np.ndim(x) else lambda h: anp.maximum(h, 0.0)
    differentiate = grad(lambda xw: anp.sum(follow(xw[0], *xw, activation)))
    return lambda: differentiate((x, w))


def dezero(x: Any, w: Any) -> Contestant:
    """DeZero."""
    library, F = import_dezero()
    activation = F.tanh if np.ndim(x) else F.relu
    xt, wt = library.Variable(np.array(x)), library.Variable(np.array(w))

    def run() -> Any:
        xt.cleargrad()
        wt.cleargrad()
        F.sum(follow(xt, xt, wt, activation)).backward()
        return xt.grad.data, wt.grad.data

    return run


def micrograd(x: float, w: float) -> Contestant:
    """micrograd, which has scalars only and is recursive."""
    from micrograd.engine import Value

    def run() -> Any:
        sys.setrecursionlimit(max(10 * LENGTH, sys.getrecursionlimit()))
        xt, wt = Value(x), Value(w)
        follow(xt, xt, wt, Value.relu).backward()
        return xt.grad, wt.grad

    return run


PEERS: dict[str, Callable[[Any, Any], Contestant]] = {
    "tinygrad-edu": ours,
    "tinygrad-edu, compiled": ours_compiled,
    "JAX jit": jax_jit,
    "PyTorch": pytorch,
    "MyGrad": mygrad,
    "HIPS autograd": hips_autograd,
    "DeZero": dezero,
}
VECTORS = {"hand-written NumPy": hand_written, **PEERS}
UNCOLLECTED = "micrograd, garbage collector off"
SCALARS = {
    "hand-written Python": hand_written_scalar,
    **PEERS,
    "micrograd": micrograd,
    UNCOLLECTED: micrograd,
}


def tables(rounds: int) -> Iterator[Table]:
    """The chain of vectors, and that of scalars."""
    random = np.random.default_rng(0)
    vectors = random.uniform(0.5, 1.0, 10), random.uniform(0.5, 1.0, 10)
    for makers, (x, w), kind in (
        (VECTORS, vectors, "float64 vectors of 10 elements"),
        (SCALARS, (math.pi / 10, 0.8), "scalars (0-d arrays)"),
    ):
        made: dict[str, Any] = {name: partial(m, x, w) for name, m in makers.items()}
        notes = first_runs(made)
        contestants, missing = available(made)
        notes += [*missing, *_agree(contestants), TOO_SLOW]
        title = f"Chain of {LENGTH} operations on {kind}, forward and backward"
        rows = compare(contestants, rounds=rounds, without_collector=[UNCOLLECTED])
        yield Table(title, rows, notes)


def _agree(contestants: dict[str, Contestant]) -> list[str]:
    """Assert that all gradients equal the first contestant's; leave out those that cannot run."""
    notes, expected = [], None
    for name, run in list(contestants.items()):
        try:
            gradients = [np.asarray(g) for g in run()]
        except RecursionError:
            del contestants[name]
            notes.append(f"{name} is left out: recursion error.")
            continue
        expected = expected or gradients
        for g, e in zip(gradients, expected, strict=True):
            np.testing.assert_allclose(g, e, rtol=1e-9, err_msg=name)
    return notes
