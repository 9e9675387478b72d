"""One training step of an LSTM and of a GRU over a whole sequence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from . import jax_training
from .harness import Contestant, Table, available, compare, first_runs
from .training import load_torch, step_of

STEPS, WIDTH, BATCH = 64, 128, 32
RATE = 0.01
GATES = {"LSTM": 4, "GRU": 3}
NOT_COMPILED = (
    "torch.compile is left out: it calls PyTorch's recurrent layers without compiling them."
)
Weights = list[np.ndarray]


def initial_weights(kind: str) -> Weights:
    """W_ih, W_hh, b_ih and b_hh, uniform as in PyTorch, with the blocks of gates as columns."""
    random = np.random.default_rng(0)
    columns = GATES[kind] * WIDTH
    shapes = [(WIDTH, columns), (WIDTH, columns), (columns,), (columns,)]
    return [((random.random(s, np.float32) * 2 - 1) * WIDTH**-0.5).astype("f") for s in shapes]


def _sigmoids(x: np.ndarray) -> None:
    """σ in place."""
    x *= 0.5
    np.tanh(x, x)
    x *= 0.5
    x += 0.5


# -------------------------------------------------------------------- by hand


def lstm_by_hand(weights: Weights, x: np.ndarray) -> Contestant:
    """NumPy: the input products of all steps at once, every gate a block of contiguous rows."""
    w_ih, w_hh, b_ih, b_hh = weights
    n, length, width = len(x), x.shape[1], WIDTH
    rows = np.ascontiguousarray(x.swapaxes(0, 1)).reshape(-1, width)
    zero = np.zeros((n, width), np.float32)

    def step() -> Any:
        a = (rows @ w_ih + (b_ih + b_hh)).reshape(length, n, 4 * width)
        gates = np.empty((length, 4, n, width), np.float32)
        hs, cs = (np.empty((length + 1, n, width), np.float32) for _ in "hc")
        hs[0] = cs[0] = 0
        for t, (i, f, g, o) in enumerate(gates):
            a[t] += hs[t] @ w_hh
            gates[t] = a[t].reshape(n, 4, width).swapaxes(0, 1)
            _sigmoids(gates[t, :2])
            np.tanh(g, g)
            _sigmoids(o)
            cs[t + 1] = f * cs[t] + i * g
            hs[t + 1] = o * np.tanh(cs[t + 1])
        loss = np.mean(hs[1:] ** 2)

        gy = hs[1:] * np.float32(2 / hs[1:].size)
        gh = gc = zero
        da = a.reshape(length, n, 4, width)
        for t in reversed(range(length)):
            i, f, g, o = gates[t]
            tanh = np.tanh(cs[t + 1])
            gh = gh + gy[t]
            gc = gc + gh * o * (1 - tanh * tanh)
            np.multiply(gc * g, i * (1 - i), out=da[t, :, 0])
            np.multiply(gc * cs[t], f * (1 - f), out=da[t, :, 1])
            np.multiply(gc * i, 1 - g * g, out=da[t, :, 2])
            np.multiply(gh * tanh, o * (1 - o), out=da[t, :, 3])
            gc = gc * f
            gh = da[t].reshape(n, -1) @ w_hh.T
        flat = da.reshape(-1, 4 * width)
        bias = flat.sum(0)
        found = rows.T @ flat, hs[:-1].reshape(-1, width).T @ flat, bias, bias
        for w, d in zip(weights, found, strict=True):
            w -= RATE * d
        return loss

    return step


def gru_by_hand(weights: Weights, x: np.ndarray) -> Contestant:
    """The same for the GRU."""
    w_ih, w_hh, b_ih, b_hh = weights
    n, length, width = len(x), x.shape[1], WIDTH
    rows = np.ascontiguousarray(x.swapaxes(0, 1)).reshape(-1, width)
    zero = np.zeros((n, width), np.float32)

    def step() -> Any:
        a = (rows @ w_ih + b_ih).reshape(length, n, 3, width)
        gates = np.empty((length, 3, n, width), np.float32)
        inner, hs = np.empty((length, n, width), np.float32), np.empty((length + 1, n, width), "f")
        hs[0] = 0
        for t, (_, z, g) in enumerate(gates):
            b = (hs[t] @ w_hh + b_hh).reshape(n, 3, width)
            inner[t] = b[:, 2]
            np.add(a[t, :, :2].swapaxes(0, 1), b[:, :2].swapaxes(0, 1), out=gates[t, :2])
            _sigmoids(gates[t, :2])
            np.tanh(a[t, :, 2] + gates[t, 0] * inner[t], g)
            hs[t + 1] = g + z * (hs[t] - g)
        loss = np.mean(hs[1:] ** 2)

        gy = hs[1:] * np.float32(2 / hs[1:].size)
        gh, db = zero, np.empty_like(a)
        for t in reversed(range(length)):
            r, z, g = gates[t]
            gh = gh + gy[t]
            dg = np.multiply(gh * (1 - z), 1 - g * g, out=a[t, :, 2])
            np.multiply(dg * inner[t], r * (1 - r), out=a[t, :, 0])
            np.multiply(gh * (hs[t] - g), z * (1 - z), out=a[t, :, 1])
            db[t, :, :2] = a[t, :, :2]
            np.multiply(dg, r, out=db[t, :, 2])
            gh = gh * z + db[t].reshape(n, -1) @ w_hh.T
        from_x, from_h = a.reshape(-1, 3 * width), db.reshape(-1, 3 * width)
        before = hs[:-1].reshape(-1, width)
        found = rows.T @ from_x, before.T @ from_h, from_x.sum(0), from_h.sum(0)
        for w, d in zip(weights, found, strict=True):
            w -= RATE * d
        return loss

    return step


BY_HAND: dict[str, Callable[[Weights, np.ndarray], Contestant]] = {
    "LSTM": lstm_by_hand,
    "GRU": gru_by_hand,
}


# -------------------------------------------------------------------- with libraries


def ours(kind: str, weights: Weights, x: np.ndarray, compiled: bool = False) -> Contestant:
    """This project, or with the loss compiled into one op."""
    import nn
    import tinygrad_edu

    model = getattr(nn, kind)(WIDTH, WIDTH)
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    for name, value in zip(names, weights, strict=True):
        getattr(model, name).data[...] = value
    optimizer = nn.SGD(model.parameters(), lr=RATE)

    def loss_of(x: np.ndarray) -> Any:
        return (model(x)[0] ** 2).mean()

    return step_of(tinygrad_edu.compile(loss_of) if compiled else loss_of, optimizer, x)


def pytorch(kind: str, weights: Weights, x: np.ndarray) -> Contestant:
    """PyTorch, eager; `torch.compile` calls its recurrent layers as they are."""
    import torch

    model = getattr(torch.nn, kind)(WIDTH, WIDTH, batch_first=True)
    load_torch(model, weights)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)

    def loss_of(x: Any) -> Any:
        return (model(x)[0] ** 2).mean()

    return step_of(loss_of, optimizer, torch.from_numpy(x))


def jax_jit(kind: str, weights: Weights, x: np.ndarray) -> Contestant:
    """JAX, a scan over the steps, all of it compiled by jit."""
    import jax
    from jax import numpy as jnp

    def lstm(state: Any, a: Any, w_hh: Any, b_hh: Any) -> tuple[Any, Any]:
        h, c = state
        i, f, g, o = jnp.split(a + h @ w_hh + b_hh, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    def gru(h: Any, a: Any, w_hh: Any, b_hh: Any) -> tuple[Any, Any]:
        r, z, g = jnp.split(a, 3, axis=1)
        inner_r, inner_z, inner_g = jnp.split(h @ w_hh + b_hh, 3, axis=1)
        z = jax.nn.sigmoid(z + inner_z)
        g = jnp.tanh(g + jax.nn.sigmoid(r + inner_r) * inner_g)
        h = g + z * (h - g)
        return h, h

    zero = np.zeros((len(x), WIDTH), np.float32)
    cell: Any
    cell, start = (lstm, (zero, zero)) if kind == "LSTM" else (gru, zero)

    def loss(ps: Any, x: Any) -> Any:
        w_ih, w_hh, b_ih, b_hh = ps
        _, hs = jax.lax.scan(partial(cell, w_hh=w_hh, b_hh=b_hh), start, x @ w_ih + b_ih)
        return (hs**2).mean()

    steps_first = np.ascontiguousarray(x.swapaxes(0, 1))
    return jax_training.jax_training_step(loss, jax_training.sgd(RATE), weights, steps_first)


def tables(rounds: int) -> Iterator[Table]:
    """An LSTM and a GRU, on one batch of sequences."""
    x = np.random.default_rng(1).standard_normal((BATCH, STEPS, WIDTH), np.float32)
    for kind, by_hand in BY_HAND.items():
        makers: dict[str, Callable[[Weights, np.ndarray], Contestant]] = {
            "hand-written NumPy": by_hand,
            "tinygrad-edu, nn": partial(ours, kind),
            "tinygrad-edu, nn, compiled": partial(ours, kind, compiled=True),
            "JAX jit": partial(jax_jit, kind),
            "PyTorch": partial(pytorch, kind),
        }
        made: dict[str, Any] = {
            name: lambda make=make, kind=kind: make(initial_weights(kind), x)
            for name, make in makers.items()
        }
        notes = first_runs(made)
        contestants, missing = available(made)
        expected = [float(contestants["hand-written NumPy"]()) for _ in range(4)]
        for name, step in list(contestants.items())[1:]:
            losses = [float(step()) for _ in range(4)]
            np.testing.assert_allclose(losses, expected, rtol=1e-4, err_msg=name)
        title = f"{kind}, {STEPS} steps, width {WIDTH}, batch {BATCH}, float32, one SGD step"
        yield Table(title, compare(contestants, rounds=rounds), [*notes, *missing, NOT_COMPILED])
