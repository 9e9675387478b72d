"""Recurrent layers: one step, with the same weights at every position of a sequence."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import Tensor, ops
from tinygrad_edu.errors import warn

from .. import functional as F
from ..init import Initializer, initial, uniform
from ..module import Output, Parameter, cast_like, get_default_dtype
from ..validation import choice, has_bias, integer
from .dropout import Dropout
from .layer import Layer, parameter

__all__ = ["GRU", "LSTM", "RNN"]

State = tuple[Tensor, ...]


class _Recurrent(Layer[Output]):
    """What RNN, LSTM and GRU share: parameters, layers, directions, the loop over time."""

    _gates = 1  # blocks of hidden_size columns in each weight
    _kept = 1  # tensors in the state
    _joined = True  # whether x W_ih and h W_hh are needed as their sum only
    weight_ih_l0: Parameter
    weight_hh_l0: Parameter

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, *, bias: bool = True,
        batch_first: bool = True, dropout: float = 0.0, bidirectional: bool = False,
        init: str | Initializer | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        name = type(self).__name__
        self.input_size = integer(f"{name}: input_size", input_size)
        self.hidden_size = integer(f"{name}: hidden_size", hidden_size)
        self.num_layers = integer(f"{name}: num_layers", num_layers)
        if dropout and num_layers == 1:
            warn(f"{name}: dropout acts between layers, and num_layers=1 has no between")
        self.bias = has_bias(type(self).__name__, bias)
        self.batch_first, self.bidirectional = batch_first, bidirectional
        self.dropout = Dropout(dropout).p
        ways = ("", "_reverse") if bidirectional else ("",)
        self._suffixes = [tuple(f"_l{k}{way}" for way in ways) for k in range(self.num_layers)]
        every = [suffix for layer in self._suffixes for suffix in layer]
        self._transposed = tuple(f"weight_{x}{suffix}" for suffix in every for x in ("ih", "hh"))
        for i, suffix in enumerate(every):
            features = self.input_size if i < len(ways) else self.hidden_size * len(ways)
            self._add(suffix, features, init, dtype or get_default_dtype())

    def _add(self, suffix: str, features: int, init: str | Initializer | None, dtype: Any) -> None:
        """The parameters of one layer in one direction."""
        n = self.hidden_size
        usual = uniform(-(n**-0.5), n**-0.5)
        for name, rows in (("ih", features), ("hh", n)):
            gates = [initial(init or usual, (rows, n), dtype) for _ in range(self._gates)]
            setattr(self, f"weight_{name}{suffix}", Parameter(np.concatenate(gates, axis=1)))
        for name in ("ih", "hh") if self.bias else ():
            start = parameter("zeros" if init else usual, (self._gates * n,), dtype)
            setattr(self, f"bias_{name}{suffix}", start)

    def forward(self, x: Tensor, hx: Any = None) -> tuple[Tensor, Any]:
        """x (batch, length, input_size) and the state to start from -> (output, last state)."""
        y = self._checked(cast_like(x, self.weight_ih_l0))
        if self.batch_first:
            y = y.swapaxes(0, 1)
        length, batch, _ = y.shape
        starts, ends = iter(self._states(hx, batch)), []
        for layer, suffixes in enumerate(self._suffixes):
            rows = y.reshape(length * batch, y.shape[2])
            if layer:
                rows = F.dropout(rows, self.dropout, self.training)
            walks = [self._run(rows, length, suffix, next(starts)) for suffix in suffixes]
            y = walks[0][0] if len(walks) == 1 else ops.concatenate([y for y, _ in walks], 2)
            ends += [end for _, end in walks]
        h = tuple(ops.stack(kept) for kept in zip(*ends, strict=True))
        return y.swapaxes(0, 1) if self.batch_first else y, h if self._kept > 1 else h[0]

    def _run(self, rows: Tensor, length: int, suffix: str, state: State) -> tuple[Tensor, State]:
        """One layer in one direction: its output, (length, batch, hidden_size), and last state."""
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        w_ih, w_hh, b_ih, b_hh = (getattr(self, name + suffix, None) for name in names)
        order = -1 if suffix.endswith("_reverse") else 1
        if self._joined and b_ih is not None:
            b_ih = b_ih + b_hh
        outputs = []
        for x in _pieces(ops.dense(rows, w_ih, b_ih), length)[::order]:
            a = ops.dense(state[0], w_hh, x if self._joined else b_hh)
            state = self._step(x, a, state)
            outputs.append(state[0])
        return ops.stack(outputs[::order]), state

    def _step(self, x: Tensor, a: Tensor, state: State) -> State:
        """The next state, from x W_ih + b_ih and a = h W_hh + b_hh; joined, a is their sum."""
        raise NotImplementedError

    # ---------------------------------------------------------------- its inputs

    def _checked(self, x: Tensor) -> Tensor:
        if x.ndim == 3 and x.shape[-1] == self.input_size and x.size:
            return x
        layout = "batch, length" if self.batch_first else "length, batch"
        advice = ""
        if x.ndim == 2:
            advice = "; a single sequence is x[np.newaxis]" if self.batch_first else ""
        elif x.ndim == 3 and not x.size:
            advice = "; an empty sequence has no last state"
        raise ValueError(
            f"{type(self).__name__} takes ({layout}, {self.input_size}), and x has shape {x.shape}"
            f"{advice}"
        )

    def _states(self, hx: Any, batch: int) -> list[State]:
        """The state to start from, for every layer and direction."""
        rows = self.num_layers * (1 + self.bidirectional)
        shape = (rows, batch, self.hidden_size)
        if hx is None:
            zero = Tensor(np.zeros(shape[1:], self.weight_hh_l0.dtype))
            return [(zero,) * self._kept] * rows
        given = hx if isinstance(hx, (tuple, list)) else (hx,)
        if len(given) != self._kept or any(np.shape(each) != shape for each in given):
            shapes = ", ".join(str(np.shape(each)) for each in given)
            raise ValueError(
                f"{type(self).__name__} starts from {'(h, c), each' if self._kept > 1 else 'h'} of "
                f"shape (layers and directions, batch, hidden_size) = {shape}, and was given "
                f"{shapes}"
            )
        tensors = [each if isinstance(each, Tensor) else Tensor(each) for each in given]
        return list(zip(*(cast_like(each, self.weight_hh_l0) for each in tensors), strict=True))


def _pieces(rows: Tensor, n: int) -> list[Tensor]:
    """n equal pieces, cut by halves.

    The gradient of a piece is as large as what it was cut from, so n cuts of the whole would cost
    n² on the way back, and this costs n log n.
    """
    if n == 1:
        return [rows]
    cut = len(rows) // n * (n // 2)
    return _pieces(rows[:cut], n // 2) + _pieces(rows[cut:], n - n // 2)


class RNN(_Recurrent[tuple[Tensor, Tensor]]):
    """A state that each step mixes with its input (Elman, 1990).

    h' = tanh(x W_ih + b_ih + h W_hh + b_hh),  or relu for tanh

    Takes x (batch, length, input_size) and returns `(output, h)`: the state of the last layer after
    every step, (batch, length, hidden_size), and that of every layer after the last step,
    (num_layers, batch, hidden_size).  `batch_first=True` is the default here and not in PyTorch;
    with False, batch and length change places in x and output, and h stays as it is.  With
    `bidirectional` a second network reads the sequence from its end; its states follow the first's
    in the features of output, and h has 2 num_layers rows.  `dropout` acts between layers.

    `rnn(x, h)` goes on from a state, which is 0 otherwise.  To train on a long sequence part by
    part, cut its history: `output, h = rnn(part, h.detach())` (truncated backpropagation).

    The parameters `weight_ih_l0` (input_size, hidden_size), `weight_hh_l0`, `bias_ih_l0` and
    `bias_hh_l0`, then l1 and so on, and each with `_reverse`, start in U(-1/√hidden_size,
    1/√hidden_size), or with `init` the weights by that and the biases at 0.

    Raises ValueError for an input or a state of another shape.

    >>> import numpy as np
    >>> output, h = RNN(3, 5)(np.ones((2, 7, 3)))
    >>> output.shape, h.shape, bool((output[:, -1] == h[0]).all())
    ((2, 7, 5), (1, 2, 5), True)
    """

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, *, nonlinearity: str = "tanh",
        bias: bool = True, batch_first: bool = True, dropout: float = 0.0,
        bidirectional: bool = False, init: str | Initializer | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        self.nonlinearity = choice("RNN: nonlinearity", nonlinearity, ("tanh", "relu"))
        super().__init__(
            input_size, hidden_size, num_layers, bias=bias, batch_first=batch_first,
            dropout=dropout, bidirectional=bidirectional, init=init, dtype=dtype,
        )  # fmt: skip

    def _step(self, x: Tensor, a: Tensor, state: State) -> State:
        return ((ops.tanh if self.nonlinearity == "tanh" else ops.relu)(a),)


class LSTM(_Recurrent[tuple[Tensor, State]]):
    """Long short-term memory: a cell c that gates write, keep and read.

    i, f, o = σ(x W_ih + b_ih + h W_hh + b_hh),  g = tanh(the same),  each of its own columns

    c' = f c + i g,  h' = o tanh c'

    (Hochreiter and Schmidhuber, 1997; with the forget gate f of Gers et al., 2000.)  Inputs,
    options and parameters are `RNN`'s, batch_first=True included; the weights hold the columns of
    i, f, g, o side by side, 4 hidden_size in all.  It returns `(output, (h, c))`, and the state
    to start from is such a pair: `output, (h, c) = lstm(part, (h.detach(), c.detach()))`.

    >>> import numpy as np
    >>> output, (h, c) = LSTM(3, 5, num_layers=2)(np.ones((2, 7, 3)))
    >>> output.shape, h.shape, c.shape
    ((2, 7, 5), (2, 2, 5), (2, 2, 5))
    """

    _gates = 4
    _kept = 2

    def _step(self, x: Tensor, a: Tensor, state: State) -> State:
        h, c, _ = ops.lstm_cell(a, state[1])
        return h, c


class GRU(_Recurrent[tuple[Tensor, Tensor]]):
    """Gated recurrent unit: one gate forgets while the other chooses what the past may say.

    r, z = σ(x W_ih + b_ih + h W_hh + b_hh),  each of its own columns

    n = tanh(x W_in + b_in + r (h W_hn + b_hn)),  h' = (1 - z) n + z h

    (Cho et al., 2014.)  This is PyTorch's variant, in which r acts after the product with W_hn; the
    paper's, tanh(... + (r h) W_hn), acts before it.  Inputs, options, parameters and the output
    `(output, h)` are `RNN`'s, batch_first=True included; the weights hold the columns of r, z, n
    side by side, 3 hidden_size in all.

    >>> import numpy as np
    >>> output, h = GRU(3, 5, bidirectional=True)(np.ones((2, 7, 3)))
    >>> output.shape, h.shape
    ((2, 7, 10), (2, 2, 5))
    """

    _gates = 3
    _joined = False

    def _step(self, x: Tensor, a: Tensor, state: State) -> State:
        h, _ = ops.gru_cell(x, a, state[0])
        return (h,)
