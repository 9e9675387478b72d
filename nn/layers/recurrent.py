"""Recurrent layers: one step, with the same weights at every position of a sequence."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import Tensor, ops
from tinygrad_edu.errors import warn

from .. import functional as F
from ..init import Initializer, initial, uniform
from ..module import Output, Parameter, cast_like, get_default_dtype
from ..validation import boolean, choice, has_bias, integer
from .dropout import Dropout
from .layer import Layer, parameter

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNCell"]

State = tuple[Tensor, ...]


# -------------------------------------------------------------------- one step


class _Recurrent(Layer[Output]):
    """What all have: weights for the input and for the state, and the step from state to state."""

    _gates = 1  # blocks of hidden_size columns in each weight
    _kept = 1  # tensors in the state
    _joined = True  # whether x W_ih and h W_hh are needed as their sum only
    hidden_size: int
    proj_size: int = 0
    bias: bool

    def _add(self, suffix: str, features: int, init: str | Initializer | None, dtype: Any) -> None:
        """The parameters of one layer in one direction."""
        n, kind = self.hidden_size, dtype or get_default_dtype()
        usual = uniform(-(n**-0.5), n**-0.5)
        for name, rows in (("ih", features), ("hh", self._sizes[0])):
            gates = [initial(init or usual, (rows, n), kind) for _ in range(self._gates)]
            setattr(self, f"weight_{name}{suffix}", Parameter(np.concatenate(gates, axis=1)))
        for name in ("ih", "hh") if self.bias else ():
            start = parameter("zeros" if init else usual, (self._gates * n,), dtype)
            setattr(self, f"bias_{name}{suffix}", start)
        if self.proj_size:
            start = parameter(init or usual, (n, self.proj_size), dtype)
            setattr(self, f"weight_hr{suffix}", start)

    @property
    def _sizes(self) -> tuple[int, ...]:
        """How many features each tensor of the state has, the output first."""
        return (self.proj_size or self.hidden_size, self.hidden_size)[: self._kept]

    def _weights(self, suffix: str = "") -> tuple[Any, ...]:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
        w_ih, w_hh, b_ih, b_hh, w_hr = (getattr(self, name + suffix, None) for name in names)
        if self._joined and b_ih is not None:
            b_ih = b_ih + b_hh
        return w_ih, b_ih, w_hh, b_hh, w_hr

    def _next(self, x: Tensor, state: State, w_hh: Any, b_hh: Any, w_hr: Any) -> State:
        """The next state, from x W_ih + b_ih."""
        a = ops.dense(state[0], w_hh, x if self._joined else b_hh)
        state = self._step(x, a, state)
        return state if w_hr is None else (state[0] @ w_hr, *state[1:])

    def _step(self, x: Tensor, a: Tensor, state: State) -> State:
        """The next state, from x W_ih + b_ih and a = h W_hh + b_hh; joined, a is their sum."""
        raise NotImplementedError

    def _through(self, x: Tensor, state: State, *weights: Any) -> tuple[Tensor, State]:
        """The output of each step, from x W_ih + b_ih of all of them, and the last state."""
        outputs = []
        for each in _pieces(x):
            state = self._next(each, state, *weights)
            outputs.append(state[0])
        return ops.stack(outputs), state

    def _start(self, hx: Any, lead: tuple[int, ...], axes: str, like: Tensor) -> State:
        """The tensors of the state to start from, of these axes before the features."""
        shapes = [(*lead, n) for n in self._sizes]
        if hx is None:
            return tuple(Tensor(np.zeros(shape, like.dtype)) for shape in shapes)
        given = hx if isinstance(hx, (tuple, list)) else (hx,)
        if [np.shape(each) for each in given] != shapes:
            what = "(h, c), each of shape" if self._kept > 1 else "h of shape"
            if len(set(shapes)) > 1:
                what = "h and c of shapes"
            raise ValueError(
                f"{type(self).__name__} starts from {what} ({axes}features) = "
                f"{' and '.join(map(str, dict.fromkeys(shapes)))}, and was given "
                f"{', '.join(str(np.shape(each)) for each in given)}"
            )
        tensors = [each if isinstance(each, Tensor) else Tensor(each) for each in given]
        return tuple(cast_like(each, like) for each in tensors)


class _Elman(_Recurrent[Output]):
    nonlinearity: str

    def _step(self, x: Tensor, a: Tensor, state: State) -> State:
        return ((ops.tanh if self.nonlinearity == "tanh" else ops.relu)(a),)


class _LongShortTerm(_Recurrent[Output]):
    _gates = 4
    _kept = 2

    def _step(self, x: Tensor, a: Tensor, state: State) -> State:
        h, c, _ = ops.lstm_cell(a, state[1])
        return h, c

    def _through(self, x: Tensor, state: State, *weights: Any) -> tuple[Tensor, State]:
        w_hh, _, w_hr = weights
        if w_hr is not None:
            return super()._through(x, state, *weights)
        h, c, _ = ops.lstm(x, *state, w_hh)
        return h, (h[-1], c[-1])


class _Gated(_Recurrent[Output]):
    _gates = 3
    _joined = False

    def _step(self, x: Tensor, a: Tensor, state: State) -> State:
        h, _ = ops.gru_cell(x, a, state[0])
        return (h,)

    def _through(self, x: Tensor, state: State, *weights: Any) -> tuple[Tensor, State]:
        w_hh, b_hh, _ = weights
        h, _ = ops.gru(x, *state, w_hh, b_hh)
        return h, (h[-1],)


# -------------------------------------------------------------------- many steps, several layers


class _Layers(_Recurrent[Output]):
    """What RNN, LSTM and GRU share: layers, directions, the loop over time."""

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
        self.bias = has_bias(name, bias)
        self.batch_first = boolean(f"{name}: batch_first", batch_first)
        self.bidirectional = boolean(f"{name}: bidirectional", bidirectional)
        self.dropout = Dropout(dropout).p
        ways = ("", "_reverse") if bidirectional else ("",)
        self._suffixes = [tuple(f"_l{k}{way}" for way in ways) for k in range(self.num_layers)]
        every = [suffix for layer in self._suffixes for suffix in layer]
        weights = ("ih", "hh", "hr") if self.proj_size else ("ih", "hh")
        self._transposed = tuple(f"weight_{x}{suffix}" for suffix in every for x in weights)
        for i, suffix in enumerate(every):
            features = self.input_size if i < len(ways) else self._sizes[0] * len(ways)
            self._add(suffix, features, init, dtype)

    def forward(self, x: Tensor, hx: Any = None) -> tuple[Tensor, Any]:
        """x (batch, length, input_size) and the state to start from -> (output, last state).

        A single sequence (length, input_size) and its state have no batch axis.
        """
        y = self._checked(cast_like(x, self.weight_ih_l0))
        if several := y.ndim == 3:
            y = y.swapaxes(0, 1) if self.batch_first else y
        else:
            y = ops.expand_dims(y, 1)
        length, batch, _ = y.shape
        starts, ends = iter(self._states(hx, (batch,) if several else ())), []
        for layer, suffixes in enumerate(self._suffixes):
            rows = y.reshape(length * batch, y.shape[2])
            if layer:
                rows = F.dropout(rows, self.dropout, self.training)
            walks = [self._run(rows, length, suffix, next(starts)) for suffix in suffixes]
            y = walks[0][0] if len(walks) == 1 else ops.concatenate([y for y, _ in walks], 2)
            ends += [end for _, end in walks]
        h = tuple(ops.stack(kept) for kept in zip(*ends, strict=True))
        if not several:
            y, h = y.squeeze(1), tuple(each.squeeze(1) for each in h)
        elif self.batch_first:
            y = y.swapaxes(0, 1)
        return y, h if self._kept > 1 else h[0]

    def _run(self, rows: Tensor, length: int, suffix: str, state: State) -> tuple[Tensor, State]:
        """One layer in one direction: its output, (length, batch, features), and last state."""
        w_ih, b_ih, *weights = self._weights(suffix)
        x = ops.dense(rows, w_ih, b_ih)
        x = x.reshape(length, len(x) // length, x.shape[1])
        if not suffix.endswith("_reverse"):
            return self._through(x, state, *weights)
        y, state = self._through(x[::-1], state, *weights)
        return y[::-1], state

    def _checked(self, x: Tensor) -> Tensor:
        fits = x.ndim in (2, 3) and x.shape[-1] == self.input_size
        if fits and x.shape[x.ndim - 2 if self.batch_first else 0]:
            return x
        layout = "batch, length" if self.batch_first else "length, batch"
        advice = "; an empty sequence has no last state" if fits else ""
        raise ValueError(
            f"{type(self).__name__} takes ({layout}, {self.input_size}) or (length, "
            f"{self.input_size}), and x has shape {x.shape}{advice}"
        )

    def _states(self, hx: Any, batch: tuple[int, ...]) -> list[State]:
        """The state to start from, for every layer and direction, with a batch axis."""
        lead = (self.num_layers * (1 + self.bidirectional), *batch)
        axes = "layers and directions, batch, " if batch else "layers and directions, "
        state = self._start(hx, lead, axes, self.weight_hh_l0)
        if not batch:
            state = tuple(ops.expand_dims(each, 1) for each in state)
        return [tuple(each[i] for each in state) for i in range(lead[0])]


def _pieces(x: Tensor) -> list[Tensor]:
    """The items along the first axis, cut by halves.

    The gradient of a piece is as large as what it was cut from, so n cuts of the whole would cost
    n² on the way back, and this costs n log n.
    """
    half = len(x) // 2
    return _pieces(x[:half]) + _pieces(x[half:]) if half else [x[0]]


class RNN(_Layers[tuple[Tensor, Tensor]], _Elman[tuple[Tensor, Tensor]]):
    """A state that each step mixes with its input (Elman, 1990).

    h' = tanh(x W_ih + b_ih + h W_hh + b_hh),  or relu for tanh

    Takes x (batch, length, input_size) and returns `(output, h)`: the state of the last layer after
    every step, (batch, length, hidden_size), and that of every layer after the last step,
    (num_layers, batch, hidden_size).  `batch_first=True` is the default here and not in PyTorch;
    with False, batch and length change places in x and output, and h stays as it is.  For a single
    sequence (length, input_size) nothing has a batch axis.  With `bidirectional` a second network
    reads the sequence from its end; its states follow the first's in the features of output, and h
    has 2 num_layers rows.  `dropout` acts between layers.

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


class LSTM(_Layers[tuple[Tensor, State]], _LongShortTerm[tuple[Tensor, State]]):
    """Long short-term memory: a cell c that gates write, keep and read.

    i, f, o = σ(x W_ih + b_ih + h W_hh + b_hh),  g = tanh(the same),  each of its own columns

    c' = f c + i g,  h' = o tanh c'

    (Hochreiter and Schmidhuber, 1997; with the forget gate f of Gers et al., 2000.)  Inputs,
    options and parameters are `RNN`'s, batch_first=True included; the weights hold the columns of
    i, f, g, o side by side, 4 hidden_size in all.  It returns `(output, (h, c))`, and the state
    to start from is such a pair: `output, (h, c) = lstm(part, (h.detach(), c.detach()))`.

    With `proj_size`, below hidden_size, h' = (o tanh c') W_hr has so many features, and with it
    the output (Sak et al., 2014); the parameters `weight_hr_l0` and so on are (hidden_size,
    proj_size).  Raises ValueError for an input or a state of another shape.

    >>> import numpy as np
    >>> output, (h, c) = LSTM(3, 5, num_layers=2)(np.ones((2, 7, 3)))
    >>> output.shape, h.shape, c.shape
    ((2, 7, 5), (2, 2, 5), (2, 2, 5))
    """

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, *, bias: bool = True,
        batch_first: bool = True, dropout: float = 0.0, bidirectional: bool = False,
        proj_size: int = 0, init: str | Initializer | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        self.proj_size = integer("LSTM: proj_size", proj_size, 0)
        if proj_size and proj_size >= hidden_size:
            raise ValueError(
                f"LSTM: proj_size must be below hidden_size={hidden_size}, not {proj_size}"
            )
        super().__init__(
            input_size, hidden_size, num_layers, bias=bias, batch_first=batch_first,
            dropout=dropout, bidirectional=bidirectional, init=init, dtype=dtype,
        )  # fmt: skip


class GRU(_Layers[tuple[Tensor, Tensor]], _Gated[tuple[Tensor, Tensor]]):
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


# -------------------------------------------------------------------- one step as a layer


class _Cell(_Recurrent[Output]):
    """What RNNCell, LSTMCell and GRUCell share."""

    _transposed = ("weight_ih", "weight_hh")
    weight_ih: Parameter
    weight_hh: Parameter

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, *,
        init: str | Initializer | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        name = type(self).__name__
        self.input_size = integer(f"{name}: input_size", input_size)
        self.hidden_size = integer(f"{name}: hidden_size", hidden_size)
        self.bias = has_bias(name, bias)
        self._add("", self.input_size, init, dtype)

    def forward(self, x: Tensor, hx: Any = None) -> Any:
        """x (batch, input_size) or (input_size,) and the state before, else 0 -> the next state."""
        x = cast_like(x, self.weight_ih)
        if x.ndim not in (1, 2) or x.shape[-1] != self.input_size:
            raise ValueError(
                f"{type(self).__name__} takes (batch, {self.input_size}) or ({self.input_size},), "
                f"and x has shape {x.shape}"
            )
        state = self._start(hx, x.shape[:-1], "batch, " if x.ndim == 2 else "", self.weight_hh)
        w_ih, b_ih, *weights = self._weights()
        state = self._next(ops.dense(x, w_ih, b_ih), state, *weights)
        return state if self._kept > 1 else state[0]


class RNNCell(_Cell, _Elman):
    """One step of an `RNN`, for a loop of your own: h' = tanh(x W_ih + b_ih + h W_hh + b_hh).

    `cell(x, h)` takes x (batch, input_size) and the state (batch, hidden_size), which is 0 if it is
    not given, and returns the next; a single sample has no batch axis.  The parameters are
    `weight_ih` (input_size, hidden_size), `weight_hh`, `bias_ih` and `bias_hh`, and start as an
    `RNN`'s.  Raises ValueError for an input or a state of another shape.

    >>> import numpy as np
    >>> cell, h = RNNCell(3, 5), None
    >>> for x in np.ones((7, 2, 3)):
    ...     h = cell(x, h)
    >>> h.shape
    (2, 5)
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", *,
        init: str | Initializer | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        self.nonlinearity = choice("RNNCell: nonlinearity", nonlinearity, ("tanh", "relu"))
        super().__init__(input_size, hidden_size, bias, init=init, dtype=dtype)


class LSTMCell(_Cell[tuple[Tensor, Tensor]], _LongShortTerm[tuple[Tensor, Tensor]]):
    """One step of an `LSTM`, as `RNNCell`; the state is a pair (h, c).

    >>> import numpy as np
    >>> h, c = LSTMCell(3, 5)(np.ones((2, 3)))
    >>> h.shape, c.shape
    ((2, 5), (2, 5))
    """


class GRUCell(_Cell, _Gated):
    """One step of a `GRU`, as `RNNCell`.

    >>> import numpy as np
    >>> GRUCell(3, 5)(np.ones(3)).shape
    (5,)
    """
