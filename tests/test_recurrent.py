"""RNN, LSTM and GRU: formulas, options, states carried on, finite differences, bad inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nn
from nn.layers.recurrent import _pieces
from tinygrad_edu import Tensor, gradcheck, no_grad, ops

KINDS = [nn.RNN, nn.LSTM, nn.GRU]
RNG = np.random.default_rng(0)


def data(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape)


def total(result: Any) -> Any:
    """Output and state as one number, each element with a weight of its own."""
    parts = [result[0], *(result[1] if isinstance(result[1], tuple) else [result[1]])]
    weights = (np.cos(np.arange(part.size)).reshape(part.shape) for part in parts)
    return sum((part * w).sum() for part, w in zip(parts, weights, strict=True))


def parts_of(state: Any) -> tuple[Any, ...]:
    return state if isinstance(state, tuple) else (state,)


def joined(parts: Any) -> Any:
    """A state as the layer takes it: (h, c), or h alone."""
    return tuple(parts) if len(parts) > 1 else parts[0]


# -------------------------------------------------------------------- formulas


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def by_hand(layer: Any, x: np.ndarray) -> np.ndarray:
    """The last h of a single layer, gate by gate as the docstrings write it."""
    w_ih, w_hh, b_ih, b_hh = (p.data for p in layer.parameters())
    n = layer.hidden_size
    h = c = np.zeros((len(x), n))
    for t in range(x.shape[1]):
        a = np.split(x[:, t] @ w_ih + b_ih, len(b_ih) // n, axis=1)
        b = np.split(h @ w_hh + b_hh, len(b_ih) // n, axis=1)
        if isinstance(layer, nn.LSTM):
            i, f, g, o = (p + q for p, q in zip(a, b, strict=True))
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        elif isinstance(layer, nn.GRU):
            r, z = sigmoid(a[0] + b[0]), sigmoid(a[1] + b[1])
            h = (1 - z) * np.tanh(a[2] + r * b[2]) + z * h
        else:
            h = np.tanh(a[0] + b[0])
            h = np.maximum(a[0] + b[0], 0) if layer.nonlinearity == "relu" else h
    return h


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [1, 2, 5])
def test_formula(kind: Any, length: int) -> None:
    layer, x = kind(3, 4, dtype=np.float64), data(2, length, 3)
    np.testing.assert_allclose(layer(x)[0].data[:, -1], by_hand(layer, x), atol=1e-14)


def test_formula_with_relu() -> None:
    layer, x = nn.RNN(3, 4, nonlinearity="relu", dtype=np.float64), data(2, 5, 3)
    np.testing.assert_allclose(layer(x)[1].data[0], by_hand(layer, x), atol=1e-14)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8])
def test_pieces_are_the_rows_in_order(n: int) -> None:
    rows = Tensor(data(n, 2, 3), requires_grad=True)
    pieces = _pieces(rows)
    np.testing.assert_array_equal([p.data for p in pieces], rows.data)
    sum((p * (i + 1)).sum() for i, p in enumerate(pieces)).backward()
    assert rows.grad is not None
    np.testing.assert_array_equal(rows.grad[:, 1, 2], np.arange(1.0, n + 1))


# -------------------------------------------------------------------- options


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_and_names(kind: Any) -> None:
    layer = kind(3, 4, num_layers=2, bidirectional=True)
    output, state = layer(data(5, 6, 3))
    assert output.shape == (5, 6, 8)
    assert [s.shape for s in parts_of(state)] == [(4, 5, 4)] * (2 if kind is nn.LSTM else 1)
    gates = {nn.RNN: 1, nn.LSTM: 4, nn.GRU: 3}[kind] * 4
    assert {k: v.shape for k, v in layer.state_dict().items()} == {
        f"{name}_l{k}{way}": shape
        for k in range(2)
        for way in ("", "_reverse")
        for name, shape in (
            ("weight_ih", (8 if k else 3, gates)),
            ("weight_hh", (4, gates)),
            ("bias_ih", (gates,)),
            ("bias_hh", (gates,)),
        )
    }
    plain = kind(3, 4, bias=False)
    assert list(plain.state_dict()) == ["weight_ih_l0", "weight_hh_l0"]
    assert repr(plain) == f"{kind.__name__}(3, 4, bias=False)"
    assert repr(layer) == f"{kind.__name__}(3, 4, num_layers=2, bidirectional=True)"


@pytest.mark.parametrize("kind", KINDS)
def test_output_ends_in_the_state(kind: Any) -> None:
    output, state = kind(3, 4, num_layers=2, bidirectional=True)(data(5, 6, 3))
    h = parts_of(state)[0]
    np.testing.assert_array_equal(output.data[:, -1, :4], h.data[2])
    np.testing.assert_array_equal(output.data[:, 0, 4:], h.data[3])


@pytest.mark.parametrize("kind", KINDS)
def test_batch_first_is_the_default(kind: Any) -> None:
    first, second = kind(3, 4), kind(3, 4, batch_first=False)
    second.load_state_dict(first.state_dict())
    x = data(5, 6, 3)
    (y, h), (z, k) = first(x), second(x.swapaxes(0, 1))
    np.testing.assert_array_equal(y.data, z.data.swapaxes(0, 1))
    for a, b in zip(parts_of(h), parts_of(k), strict=True):
        np.testing.assert_array_equal(a.data, b.data)
    assert repr(second) == f"{kind.__name__}(3, 4, batch_first=False)"


@pytest.mark.parametrize("kind", KINDS)
def test_the_reverse_direction_reads_from_the_end(kind: Any) -> None:
    both, one = kind(3, 4, bidirectional=True), kind(3, 4)
    state = both.state_dict()
    one.load_state_dict({k: state[k + "_reverse"] for k in one.state_dict()})
    x = data(2, 6, 3)
    np.testing.assert_allclose(
        both(x)[0].data[..., 4:], one(x[:, ::-1].copy())[0].data[:, ::-1], atol=1e-6
    )


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_acts_between_layers_in_training(kind: Any) -> None:
    layer = kind(3, 4, num_layers=2, dropout=1.0)
    x = data(2, 6, 3)
    first = layer(x)[1]
    np.testing.assert_array_equal(layer(2 * x)[0].data, layer(x)[0].data)
    assert not np.array_equal(layer(2 * x)[1][0].data, first[0].data), "the first layer sees x"
    layer.eval()
    assert not np.array_equal(layer(2 * x)[0].data, layer(x)[0].data)
    half = kind(3, 4, num_layers=2, dropout=0.5)
    nn.manual_seed(3)
    a, b = half(x)[0].data, half(x)[0].data
    nn.manual_seed(3)
    assert not np.array_equal(a, b)
    np.testing.assert_array_equal(half(x)[0].data, a)
    with pytest.warns(UserWarning, match="num_layers=1 has no between"):
        kind(3, 4, dropout=0.5)


@pytest.mark.parametrize("kind", KINDS)
def test_start_values(kind: Any) -> None:
    nn.manual_seed(0)
    layer = kind(90, 100)
    for p in layer.parameters():
        assert 0.095 < np.abs(p.data).max() <= 0.1
    square = kind(7, 5, init="orthogonal")
    for block in np.split(square.weight_hh_l0.data, square.weight_hh_l0.shape[1] // 5, axis=1):
        np.testing.assert_allclose(block.T @ block, np.eye(5), atol=1e-6)
    assert not square.bias_ih_l0.data.any()


@pytest.mark.parametrize("kind", KINDS)
def test_float64_data_stay_float32(kind: Any) -> None:
    layer = kind(3, 4)
    states = [data(1, 2, 4) for _ in range(2 if kind is nn.LSTM else 1)]
    for x in (data(2, 5, 3), np.ones((2, 5, 3), int)):
        output, state = layer(x, joined(states))
        assert {t.dtype for t in (output, *parts_of(state))} == {np.dtype(np.float32)}
    assert kind(3, 4, dtype=np.float64)(data(2, 5, 3))[0].dtype == np.float64


# -------------------------------------------------------------------- states


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_goes_on(kind: Any) -> None:
    layer, x = kind(3, 4, num_layers=2, dtype=np.float64), data(2, 7, 3)
    whole, last = layer(x)
    head, state = layer(x[:, :3])
    tail, end = layer(x[:, 3:], state)
    np.testing.assert_allclose(np.concatenate([head, tail], axis=1).data, whole.data, atol=1e-14)
    for a, b in zip(parts_of(end), parts_of(last), strict=True):
        np.testing.assert_allclose(a.data, b.data, atol=1e-14)
    total((whole, last)).backward()
    expected = [p.grad for p in layer.parameters()]
    layer.zero_grad()
    total((np.concatenate([head, tail], axis=1), end)).backward()
    for p, e in zip(layer.parameters(), expected, strict=True):
        np.testing.assert_allclose(p.grad, e, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_truncated_backpropagation(kind: Any) -> None:
    layer, x = kind(3, 4, dtype=np.float64), Tensor(data(2, 6, 3), requires_grad=True)
    _, state = layer(x[:, :3])
    cut = joined([s.detach() for s in parts_of(state)])
    total(layer(x[:, 3:], cut)).backward()
    assert not x.grad[:, :3].any(), "nothing passes the cut"
    assert x.grad[:, 3:].all()
    found = [p.grad for p in layer.parameters()]
    layer.zero_grad()
    total(layer(x.data[:, 3:], joined([s.data for s in parts_of(state)]))).backward()
    for p, e in zip(layer.parameters(), found, strict=True):
        np.testing.assert_array_equal(p.grad, e)


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_state_it_is_zero(kind: Any) -> None:
    layer, x = kind(3, 4, bidirectional=True), data(2, 6, 3)
    zero = [np.zeros((2, 2, 4)) for _ in range(2 if kind is nn.LSTM else 1)]
    np.testing.assert_array_equal(layer(x, joined(zero))[0].data, layer(x)[0].data)
    np.testing.assert_array_equal(layer(x, hx=joined(zero))[0].data, layer(x)[0].data)


# -------------------------------------------------------------------- projections


def test_a_projection_makes_the_output_smaller() -> None:
    layer = nn.LSTM(3, 4, 2, bidirectional=True, proj_size=2, dtype=np.float64)
    shapes = {k: v.shape for k, v in layer.state_dict().items() if k.endswith("_l1")}
    assert shapes == {
        "weight_ih_l1": (4, 16), "weight_hh_l1": (2, 16), "bias_ih_l1": (16,), "bias_hh_l1": (16,),
        "weight_hr_l1": (4, 2),
    }  # fmt: skip
    x = data(5, 6, 3)
    output, (h, c) = layer(x)
    assert (output.shape, h.shape, c.shape) == ((5, 6, 4), (4, 5, 2), (4, 5, 4))
    again, _ = layer(x, (np.zeros((4, 5, 2)), np.zeros((4, 5, 4))))
    np.testing.assert_array_equal(again.data, output.data)
    with pytest.raises(
        ValueError, match=r"starts from h and c of shapes .* = \(4, 5, 2\) and \(4, 5, 4\), and was"
    ):
        layer(x, (np.zeros((4, 5, 4)), np.zeros((4, 5, 4))))
    assert repr(nn.LSTM(3, 4, proj_size=2)) == "LSTM(3, 4, proj_size=2)"


def test_gradcheck_of_a_projection() -> None:
    layer = nn.LSTM(2, 3, 2, proj_size=2, dtype=np.float64)
    report = gradcheck(layer, total, data(2, 3, 2), samples=20)
    assert report, report
    assert len(report.rows) == 10
    small = nn.LSTM(2, 2, proj_size=1, dtype=np.float64)
    assert gradcheck(lambda x: total(small(x)), data(1, 3, 2), order=2, samples=10)


# -------------------------------------------------------------------- with and without a batch


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch_first", [True, False])
def test_a_single_sequence_has_no_batch_axis(kind: Any, batch_first: bool) -> None:
    layer = kind(3, 4, 2, bidirectional=True, batch_first=batch_first, dtype=np.float64)
    x, axis = data(6, 3), 0 if batch_first else 1
    states = [data(4, 4) for _ in range(2 if kind is nn.LSTM else 1)]
    alone = layer(x, joined(states))
    batch = layer(np.expand_dims(x, axis), joined([s[:, None] for s in states]))
    np.testing.assert_array_equal(alone[0].data, batch[0].data.squeeze(axis))
    for a, b in zip(parts_of(alone[1]), parts_of(batch[1]), strict=True):
        np.testing.assert_array_equal(a.data, b.data.squeeze(1))
    report = gradcheck(lambda x, *hx: total(layer(x, joined(hx))), x, *states, samples=10)
    assert report, report
    zero = layer(x, joined([0 * s for s in states]))[0]
    np.testing.assert_array_equal(layer(x)[0].data, zero.data)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_batch(kind: Any) -> None:
    layer = kind(3, 4, 2, bidirectional=True)
    output, state = layer(data(0, 6, 3))
    assert output.shape == (0, 6, 8)
    assert {part.shape for part in parts_of(state)} == {(4, 0, 4)}
    total((output, state)).backward()
    assert all(not p.grad.any() for p in layer.parameters())


# -------------------------------------------------------------------- cells

CELLS = [(nn.RNNCell, nn.RNN), (nn.LSTMCell, nn.LSTM), (nn.GRUCell, nn.GRU)]


@pytest.mark.parametrize(("cell_kind", "kind"), CELLS)
def test_a_cell_is_one_step_of_its_layer(cell_kind: Any, kind: Any) -> None:
    layer, cell = kind(3, 4, dtype=np.float64), cell_kind(3, 4, dtype=np.float64)
    cell.load_state_dict({k.removesuffix("_l0"): v for k, v in layer.state_dict().items()})
    x, state, alone = data(2, 5, 3), None, None
    for t in range(5):
        state, alone = cell(x[:, t], state), cell(x[0, t], alone)
    for a, b, one in zip(*map(parts_of, (state, layer(x)[1], alone)), strict=True):
        np.testing.assert_allclose(a.data, b.data[0], atol=1e-14)
        np.testing.assert_allclose(one.data, b.data[0, 0], atol=1e-14)
    assert parts_of(cell(data(0, 3)))[0].shape == (0, 4)
    states = [data(4) for _ in range(2 if kind is nn.LSTM else 1)]
    flat = lambda x, *hx: sum((y * y).sum() for y in parts_of(cell(x, joined(hx))))
    for lead in ((), (2,)):
        report = gradcheck(flat, data(*lead, 3), *(data(*lead, 4) for _ in states), order=2)
        assert report, report


@pytest.mark.parametrize(("cell_kind", "kind"), CELLS)
def test_cells_that_do_not_fit(cell_kind: Any, kind: Any) -> None:
    cell = cell_kind(3, 4, False)
    assert list(cell.state_dict()) == ["weight_ih", "weight_hh"]
    assert repr(cell) == f"{cell_kind.__name__}(3, 4, bias=False)"
    with pytest.raises(ValueError, match=r"Cell takes \(batch, 3\) or \(3,\), and x has shape \(1"):
        cell(data(1, 2, 3))
    with pytest.raises(ValueError, match=r"\(batch, features\) = \(2, 4\), and was given \(4,\)"):
        cell(data(2, 3), joined([data(4) for _ in parts_of(cell(data(2, 3)))]))
    with pytest.raises(ValueError, match=r"\(features\) = \(4,\), and was given \(3,\)"):
        cell(data(3), joined([data(3) for _ in parts_of(cell(data(2, 3)))]))


# -------------------------------------------------------------------- derivatives


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"num_layers": 2, "bidirectional": True},
        {"bias": False, "batch_first": False},
    ],
)
def test_gradcheck(kind: Any, options: dict[str, Any]) -> None:
    layer = kind(2, 3, **options)
    assert gradcheck(layer, total, data(2, 4, 2), samples=20)
    rows = layer.num_layers * (1 + layer.bidirectional)
    batch = 2 if layer.batch_first else 4
    states = [data(rows, batch, 3) for _ in range(2 if kind is nn.LSTM else 1)]
    layer = kind(2, 3, **options, dtype=np.float64)
    report = gradcheck(lambda x, *hx: total(layer(x, joined(hx))), data(2, 4, 2), *states)
    assert report, report
    assert all(row.analytic for row in report.rows)


@pytest.mark.parametrize("kind", KINDS)
def test_second_derivatives(kind: Any) -> None:
    layer = kind(2, 2, dtype=np.float64)
    report = gradcheck(lambda x: total(layer(x)), data(1, 3, 2), order=2, samples=10)
    assert report, report


def test_relu_gradcheck() -> None:
    assert gradcheck(nn.RNN(2, 3, nonlinearity="relu"), total, data(2, 4, 2))


@pytest.mark.parametrize("kind", KINDS)
def test_it_remembers(kind: Any) -> None:
    """Which number came first, eight steps ago?"""
    nn.manual_seed(0)
    rng = np.random.default_rng(0)
    layer, head = kind(1, 12), nn.Dense(12, 2)
    optimizer = nn.Adam([*layer.parameters(), *head.parameters()], lr=0.02)
    x = rng.choice([-1.0, 1.0], size=(96, 8, 1))
    t = (x[:, 0, 0] > 0).astype(int)
    for _ in range(120):
        loss = nn.cross_entropy(head(layer(x)[0][:, -1]), t)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with no_grad():
        assert (head(layer(x)[0][:, -1]).argmax(axis=-1) == t).mean() > 0.95


# -------------------------------------------------------------------- the steps


def test_steps_return_their_gates() -> None:
    a, x, h = data(2, 12), data(2, 9), data(2, 3)
    new, c, gates = ops.lstm_cell(a, h)
    blocks = a.reshape(2, 4, 3).swapaxes(0, 1)
    np.testing.assert_allclose(
        gates,
        np.where(np.arange(4)[:, None, None] == 2, np.tanh(blocks), sigmoid(blocks)),
        atol=1e-15,
    )
    np.testing.assert_allclose(c, gates[1] * h + gates[0] * gates[2])
    np.testing.assert_allclose(new, gates[3] * np.tanh(c))
    new, gates = ops.gru_cell(x, x, h)
    np.testing.assert_allclose(gates[:2], sigmoid(2 * x.reshape(2, 3, 3).swapaxes(0, 1)[:2]))
    np.testing.assert_allclose(new, (1 - gates[1]) * gates[2] + gates[1] * h)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_steps_are_stable_at_the_extremes(dtype: Any) -> None:
    far = np.array([[-1e4, 1e4]], dtype).repeat(6, 1)
    for step, wide in ((ops.lstm_cell, [far]), (ops.gru_cell, [far[:, :9], far[:, 3:]])):
        inputs = [Tensor(a, requires_grad=True) for a in (*wide, far[:, :3])]
        outputs = step(*inputs)
        assert all(np.isfinite(y.data).all() and abs(y.data).max() <= 2e4 for y in outputs)
        sum(y.sum() for y in outputs).backward()
        assert all(np.isfinite(t.grad).all() for t in inputs)


def test_steps_that_do_not_fit() -> None:
    with pytest.raises(
        ValueError, match=r"lstm_cell: .* H numbers, needs 4 blocks .*\(2, 9\), \(2"
    ):
        ops.lstm_cell(Tensor(data(2, 9)), data(2, 3))
    with pytest.raises(ValueError, match=r"gru_cell: .* needs 3 blocks of H numbers .*test_recurr"):
        ops.gru_cell(Tensor(data(2, 9)), data(1, 9), data(2, 3))
    with pytest.raises(ValueError, match="needs 3 blocks"):
        ops.gru_cell(data(9), data(9), data(2))
    with pytest.raises(ValueError, match="needs 4 blocks"):
        ops.lstm_cell(data(4), np.array(1.0))


# -------------------------------------------------------------------- bad inputs


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_that_do_not_fit(kind: Any) -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            self.body = [kind(3, 4)]

        def forward(self, x: Tensor) -> Any:
            return self.body[0](x)

    name, model, layer = kind.__name__, Model(), kind(3, 4)
    with pytest.raises(
        ValueError, match=rf"{name} takes \(batch, length, 3\) or \(length, 3\), and "
    ):
        layer(data(2, 5, 4))
    with pytest.raises(ValueError, match=r"at test_recurrent.py:\d+, in layer body.0$"):
        model(data(2, 5, 4))
    with pytest.raises(ValueError, match=r"takes \(length, batch, 3\) or .* has shape \(5, 4\), "):
        kind(3, 4, batch_first=False)(data(5, 4))
    with pytest.raises(ValueError, match="an empty sequence has no last state"):
        layer(data(2, 0, 3))
    with pytest.raises(ValueError, match="an empty sequence has no last state"):
        layer(data(0, 3))
    states = 2 if kind is nn.LSTM else 1
    with pytest.raises(
        ValueError, match=rf"{name} starts from .* = \(1, 2, 4\), and was given \(2"
    ):
        layer(data(2, 5, 3), joined([data(2, 2, 4) for _ in range(states)]))
    with pytest.raises(
        ValueError, match=r"\(layers and directions, features\) = \(1, 4\), and was"
    ):
        layer(data(5, 3), joined([data(1, 1, 4) for _ in range(states)]))
    with pytest.raises(ValueError, match=r"and was given \(1, 2, 4\)"):
        layer(data(2, 5, 3), joined([data(1, 2, 4) for _ in range(3 - states)]))


def test_options_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="LSTM: hidden_size must be a positive integer, not 0"):
        nn.LSTM(3, 0)
    with pytest.raises(ValueError, match=r"GRU: num_layers must be a positive integer, not 1\.5"):
        nn.GRU(3, 4, 1.5)
    with pytest.raises(ValueError, match="LSTM: proj_size must be below hidden_size=4, not 4"):
        nn.LSTM(3, 4, proj_size=4)
    with pytest.raises(ValueError, match="proj_size must be an integer of at least 0, not -1"):
        nn.LSTM(3, 4, proj_size=-1)
    with pytest.raises(TypeError, match="GRU has no argument proj_size"):
        nn.GRU(3, 4, proj_size=2)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="LSTM: batch_first must be True or False"):
        nn.LSTM(3, 4, batch_first="no")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="RNNCell: nonlinearity is 'tanh' or 'relu', not 'selu'"):
        nn.RNNCell(3, 4, nonlinearity="selu")
    with pytest.raises(ValueError, match="p must be a probability"):
        nn.GRU(3, 4, 2, dropout=1.5)
    with pytest.raises(ValueError, match="'tanh' or 'relu', not 'selu'"):
        nn.RNN(3, 4, nonlinearity="selu")
    with pytest.raises(ValueError, match="unknown initializer"):
        nn.GRU(3, 4, init="orth")


def test_a_state_given_to_the_next_layer_is_explained() -> None:
    model = nn.Sequential(nn.LSTM(3, 4), nn.Dense(4, 2))
    with pytest.raises(
        TypeError, match=r"layer 1 .*\[:, -1\] for the last .*, at test_recurrent.py:\d+"
    ):
        model(np.ones((2, 5, 3)))
