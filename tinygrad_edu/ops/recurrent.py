"""Recurrent cells: one step of a recurrent network, many small operations made one.

Each op also returns its gates, stacked, so that its derivatives can read them and need not compute
them again.  The formulas leave out what comes back through the gates themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..declare import Array, op

__all__ = ["gru_cell", "lstm_cell"]


def _blocks(a: Array, state: Array, n: int) -> Array:
    """The columns of n gates, each block of the shape of the state."""
    lead, size = state.shape[:-1], state.shape[-1:]
    if not size or a.shape != (*lead, n * size[0]):
        raise ValueError(f"each row of the state, H numbers, needs {n} blocks of H numbers")
    rows = range(len(lead))
    return a.reshape(*lead, n, *size).transpose(len(lead), *rows, len(lead) + 1)


def _sigmoids(x: Array) -> Array:
    """σ(x) = (1 + tanh(x / 2)) / 2, which cannot overflow, block after block in memory."""
    y = np.multiply(x, 0.5, order="C")
    np.tanh(y, y)
    y *= 0.5
    y += 0.5
    return y


# -------------------------------------------------------------------- long short-term memory


def _lstm_inner(g: Any, out: Any) -> tuple[Any, Any]:
    """tanh c', and all of the gradient that comes to c'."""
    t = np.tanh(out[1])
    return t, g[1] + g[0] * out[2][3] * (1 - t * t)


def _lstm_vjp(g: Any, c: Any, out: Any) -> Any:
    (gi, gf, gn, go), (i, f, n, o) = g[2], out[2]
    t, gc = _lstm_inner(g, out)
    parts = [
        (gi + gc * n) * (i * (1 - i)),
        (gf + gc * c) * (f * (1 - f)),
        (gn + gc * i) * (1 - n * n),
        (go + g[0] * t) * (o * (1 - o)),
    ]
    return np.concatenate(parts, -1)


@op(None, _lstm_vjp, lambda g, out: _lstm_inner(g, out)[1] * out[2][1], outputs=3, method=False)
def lstm_cell(a: Array, c: Array) -> Any:
    """State h', cell c' and gates of an LSTM.
    c' = f c + i n,  h' = o tanh c',
    i, f, n, o = σ(a₁), σ(a₂), tanh(a₃), σ(a₄),  s = g_c + g_h o (1 - tanh² c'),  ∂L/∂c = s f,
    ∂L/∂a = (s n i (1 - i), s c f (1 - f), s i (1 - n²), g_h tanh c' o (1 - o));
    c has the shape (N, H), a (N, 4H), in four blocks of columns, and the gates (4, N, H);
    N may be any axes or none."""
    blocks = _blocks(a, c, 4)
    gates = _sigmoids(blocks)
    np.tanh(blocks[2], gates[2])
    i, f, n, o = gates
    c = f * c + i * n
    return o * np.tanh(c), c, gates


# -------------------------------------------------------------------- gated recurrent unit


def _gru_parts(g: Any, a: Any, h: Any, out: Any) -> tuple[Any, Any, Any]:
    """What comes to the sums inside the gates r, z and n."""
    (gr, gz, gn), (r, z, n) = g[1], out[1]
    gn = (gn + g[0] * (1 - z)) * (1 - n * n)
    gr = gr + gn * a[..., -h.shape[-1] :]
    return gr * (r * (1 - r)), (gz + g[0] * (h - n)) * (z * (1 - z)), gn


def _gru_vjp(g: Any, a: Any, h: Any, out: Any) -> Any:
    return np.concatenate(_gru_parts(g, a, h, out), -1)


def _gru_inner_vjp(g: Any, a: Any, h: Any, out: Any) -> Any:
    gr, gz, gn = _gru_parts(g, a, h, out)
    return np.concatenate([gr, gz, gn * out[1][0]], -1)


@op(None, _gru_vjp, _gru_inner_vjp, lambda g, out: g[0] * out[1][1], outputs=2, method=False)
def gru_cell(x: Array, a: Array, h: Array) -> Any:
    """State h' and gates of a GRU.
    h' = (1 - z) n + z h,
    r, z, n = σ(x₁ + a₁), σ(x₂ + a₂), tanh(x₃ + r a₃),  s = g (1 - z) (1 - n²),  ∂L/∂h = g z,
    ∂L/∂x = (s a₃ r (1 - r), g (h - n) z (1 - z), s),  ∂L/∂a = the same but for r s at last;
    h has the shape (N, H), x and a (N, 3H), in three blocks of columns, and the gates (3, N, H);
    N may be any axes or none."""
    xs, inner = _blocks(x, h, 3), _blocks(a, h, 3)
    gates = _sigmoids(xs + inner)
    r, z, n = gates
    np.tanh(xs[2] + r * inner[2], n)
    return n + z * (h - n), gates
