"""Recurrent networks: one step, many small operations made one, and all steps of a sequence.

Each op also returns its gates, stacked, so that its derivatives can read them and need not compute
them again.  The formulas leave out what comes back through the gates themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..declare import Array, op
from .linear import weight_vjp
from .sharing import came, shared

__all__ = ["gru", "gru_cell", "lstm", "lstm_cell"]


def _blocks(a: Array, state: Array, n: int) -> Array:
    """The columns of n gates, each block of the shape of the state."""
    lead, size = state.shape[:-1], state.shape[-1:]
    if not size or a.shape != (*lead, n * size[0]):
        raise ValueError(f"each row of the state, H numbers, needs {n} blocks of H numbers")
    rows = range(len(lead))
    return a.reshape(*lead, n, *size).transpose(len(lead), *rows, len(lead) + 1)


def _sigmoids(x: Array, y: Array) -> None:
    """y = σ(x) = (1 + tanh(x / 2)) / 2, which cannot overflow."""
    np.multiply(x, 0.5, y)
    np.tanh(y, y)
    y *= 0.5
    y += 0.5


def _made(shapes: list[tuple[int, ...]], *given: Any) -> list[Array]:
    """Arrays to write into, of the dtype in which what is given is computed."""
    dtype = np.result_type(*(x for x in given if x is not None), np.float16)
    return [np.empty(shape, dtype) for shape in shapes]


def _steps(x: Any) -> list[Any]:
    """The items along the first axis, in a derivative that is to be differentiated cut by halves.

    The gradient of a piece is as large as what it was cut from, so n cuts of the whole would cost
    n² on the way back, and this costs n log n.
    """
    if type(x) is np.ndarray:
        return list(x)
    half = len(x) // 2
    return _steps(x[:half]) + _steps(x[half:]) if half else [x[0]]


def _before(first: Any, states: Any) -> Any:
    """The state before each step."""
    return np.concatenate([np.expand_dims(first, 0), states[:-1]])


def _check_length(x: Array) -> None:
    if not len(x):
        raise ValueError("an empty sequence has no last state")


# -------------------------------------------------------------------- long short-term memory


def _lstm_step(a: Array, c: Array, h_out: Array, c_out: Array, gates: Array) -> None:
    blocks = _blocks(a, c, 4)
    i, f, n, o = gates
    _sigmoids(blocks[:2], gates[:2])
    np.tanh(blocks[2], n)
    _sigmoids(blocks[3], o)
    np.multiply(f, c, c_out)
    c_out += i * n
    np.tanh(c_out, h_out)
    h_out *= o


def _joined(inner: list[Any], g_gates: Any, slopes: list[Any]) -> list[Any]:
    """What comes to the sums inside the gates, from what comes to the gates."""
    if came(g_gates):
        inner = [g + more for g, more in zip(inner, g_gates, strict=True)]
    return [g * slope for g, slope in zip(inner, slopes, strict=True)]


@shared
def _lstm_cell_vjp(g: Any, c: Any, out: Any) -> tuple[Any, Any]:
    i, f, n, o = out[2]
    t = np.tanh(out[1])
    gc = g[1] + g[0] * o * (1 - t * t)  # all of the gradient that comes to c'
    slopes = [i * (1 - i), f * (1 - f), 1 - n * n, o * (1 - o)]
    sums = _joined([gc * n, gc * c, gc * i, g[0] * t], g[2], slopes)
    return np.concatenate(sums, -1), gc * f


@op(
    None,
    lambda g, c, out: _lstm_cell_vjp(g, c, out)[0],
    lambda g, c, out: _lstm_cell_vjp(g, c, out)[1],
    outputs=3,
    method=False,
)
def lstm_cell(a: Array, c: Array) -> Any:
    """State h', cell c' and gates of an LSTM.
    c' = f c + i n,  h' = o tanh c',
    i, f, n, o = σ(a₁), σ(a₂), tanh(a₃), σ(a₄),  s = g_c + g_h o (1 - tanh² c'),  ∂L/∂c = s f,
    ∂L/∂a = (s n i (1 - i), s c f (1 - f), s i (1 - n²), g_h tanh c' o (1 - o));
    c has the shape (N, H), a (N, 4H), in four blocks of columns, and the gates (4, N, H);
    N may be any axes or none."""
    h_new, c_new, gates = _made([c.shape, c.shape, (4, *c.shape)], a, c)
    _lstm_step(a, c, h_new, c_new, gates)
    return h_new, c_new, gates


@shared
def _lstm_vjp(g: Any, c: Any, weight: Any, out: Any) -> tuple[Any, Any, Any]:
    """What comes to the sums of all steps, and to h and c before the first."""
    gh: Any = 0
    gc: Any = 0
    found = []
    steps = zip(*map(_steps, (*g, _before(c, out[1]), *out)), strict=True)
    for g_state, g_cell, g_gates, before, *cell in reversed(list(steps)):
        a, gc = _lstm_cell_vjp((g_state + gh, g_cell + gc, g_gates), before, cell)
        gh = a @ weight.T
        found.append(a)
    return np.stack(found[::-1]), gh, gc


@op(
    None,
    lambda g, c, weight, out: _lstm_vjp(g, c, weight, out)[0],
    lambda g, c, weight, out: _lstm_vjp(g, c, weight, out)[1],
    lambda g, c, weight, out: _lstm_vjp(g, c, weight, out)[2],
    lambda g, h, c, weight, out: weight_vjp(_lstm_vjp(g, c, weight, out)[0], _before(h, out[0])),
    outputs=3,
    method=False,
)
def lstm(x: Array, h: Array, c: Array, weight: Array) -> Any:
    """States, cells and gates of an LSTM after each step of a sequence.
    hₜ, cₜ, gatesₜ = lstm_cell(xₜ + hₜ₋₁ W, cₜ₋₁),
    ∂L/∂xₜ = aₜ, what lstm_cell sends back for g_h + ∂L/∂hₜ and g_c + ∂L/∂cₜ,  ∂L/∂hₜ₋₁ = aₜ Wᵀ,
    ∂L/∂W = Σ hₜ₋₁ᵀ aₜ;
    h and c have the shape (N, H), x (T, N, 4H), W (H, 4H), and the gates (T, 4, N, H)."""
    _check_length(x)
    shapes = [(len(x), *c.shape), (len(x), *c.shape), (len(x), 4, *c.shape)]
    states, cells, gates = _made(shapes, x, h, c, weight)
    for each, *step in zip(x, states, cells, gates, strict=True):
        a = h @ weight
        a += each
        _lstm_step(a, c, *step)
        h, c, _ = step
    return states, cells, gates


# -------------------------------------------------------------------- gated recurrent unit


def _gru_step(x: Array, a: Array, h: Array, h_out: Array, gates: Array) -> None:
    xs, inner = _blocks(x, h, 3), _blocks(a, h, 3)
    _sigmoids(xs[:2] + inner[:2], gates[:2])
    r, z, n = gates
    np.tanh(xs[2] + r * inner[2], n)
    np.subtract(h, n, h_out)
    h_out *= z
    h_out += n


@shared
def _gru_cell_vjp(g: Any, inner: Any, h: Any, out: Any) -> tuple[Any, Any, Any]:
    """What comes to x, to a, of which `inner` is the last block, and to h."""
    r, z, n = out[1]
    gn = g[0] * (1 - z)
    if came(g[1]):
        gn = gn + g[1][2]
    gn = gn * (1 - n * n)
    gr, gz = _joined([gn * inner, g[0] * (h - n)], g[1][:2], [r * (1 - r), z * (1 - z)])
    return np.concatenate([gr, gz, gn], -1), np.concatenate([gr, gz, gn * r], -1), g[0] * z


def _last_block(a: Any, h: Any) -> Any:
    return a[..., -h.shape[-1] :]


@op(
    None,
    lambda g, a, h, out: _gru_cell_vjp(g, _last_block(a, h), h, out)[0],
    lambda g, a, h, out: _gru_cell_vjp(g, _last_block(a, h), h, out)[1],
    lambda g, a, h, out: _gru_cell_vjp(g, _last_block(a, h), h, out)[2],
    outputs=2,
    method=False,
)
def gru_cell(x: Array, a: Array, h: Array) -> Any:
    """State h' and gates of a GRU.
    h' = (1 - z) n + z h,
    r, z, n = σ(x₁ + a₁), σ(x₂ + a₂), tanh(x₃ + r a₃),  s = g (1 - z) (1 - n²),  ∂L/∂h = g z,
    ∂L/∂x = (s a₃ r (1 - r), g (h - n) z (1 - z), s),  ∂L/∂a = the same but for r s at last;
    h has the shape (N, H), x and a (N, 3H), in three blocks of columns, and the gates (3, N, H);
    N may be any axes or none."""
    h_new, gates = _made([h.shape, (3, *h.shape)], x, a, h)
    _gru_step(x, a, h, h_new, gates)
    return h_new, gates


@shared
def _gru_vjp(g: Any, h: Any, weight: Any, bias: Any, out: Any) -> tuple[Any, Any, Any]:
    """What comes to x, to the products a of all steps, and to h before the first."""
    gh: Any = 0
    from_x, from_a = [], []
    before = _before(h, out[0])
    inner = before @ _last_block(weight, h)
    if bias is not None:
        inner = inner + _last_block(bias, h)
    steps = zip(*map(_steps, (*g, inner, before, *out)), strict=True)
    for g_state, g_gates, a, state, *cell in reversed(list(steps)):
        gx, ga, gh = _gru_cell_vjp((g_state + gh, g_gates), a, state, cell)
        gh = gh + ga @ weight.T
        from_x.append(gx)
        from_a.append(ga)
    return np.stack(from_x[::-1]), np.stack(from_a[::-1]), gh


@op(
    None,
    lambda g, h, weight, bias, out: _gru_vjp(g, h, weight, bias, out)[0],
    lambda g, h, weight, bias, out: _gru_vjp(g, h, weight, bias, out)[2],
    lambda g, h, weight, bias, out: weight_vjp(
        _gru_vjp(g, h, weight, bias, out)[1], _before(h, out[0])
    ),
    lambda g, h, weight, bias, out: _gru_vjp(g, h, weight, bias, out)[1],
    outputs=2,
    method=False,
)
def gru(x: Array, h: Array, weight: Array, bias: Any = None) -> Any:
    """States and gates of a GRU after each step of a sequence.
    hₜ, gatesₜ = gru_cell(xₜ, aₜ, hₜ₋₁),  aₜ = hₜ₋₁ W + b,
    ∂L/∂xₜ, ∂L/∂aₜ = what gru_cell sends back for g + ∂L/∂hₜ,  ∂L/∂hₜ₋₁ = g z + ∂L/∂aₜ Wᵀ,
    ∂L/∂W = Σ hₜ₋₁ᵀ ∂L/∂aₜ,  ∂L/∂b = Σ ∂L/∂aₜ;
    h has the shape (N, H), x (T, N, 3H), W (H, 3H), and the gates (T, 3, N, H)."""
    _check_length(x)
    states, gates = _made([(len(x), *h.shape), (len(x), 3, *h.shape)], x, h, weight, bias)
    for each, *step in zip(x, states, gates, strict=True):
        a = h @ weight
        if bias is not None:
            a += bias
        _gru_step(each, a, h, *step)
        h = step[0]
    return states, gates
