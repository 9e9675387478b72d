"""Attention, the transformer's block and Embedding: formulas, masks, finite differences, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nn
from nn import watched
from tinygrad_edu import Tensor, compile, gradcheck, ops, trace

RNG = np.random.default_rng(0)
DOUBLE: dict[str, Any] = {"dtype": np.float64}


def data(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape)


def attention(**options: Any) -> nn.MultiheadAttention:
    """4 features in 2 heads, whose biases are not 0."""
    layer = nn.MultiheadAttention(4, 2, **DOUBLE, **options)
    for p in layer.parameters():
        p.data[...] = RNG.normal(size=p.shape)
    return layer


def by_hand(layer: Any, q: np.ndarray, k: np.ndarray, v: np.ndarray, seen: Any = True) -> Any:
    """Output and weights of each head, for each sample and head in a loop."""
    w, b = layer.in_proj_weight.data, layer.in_proj_bias.data
    n, d = layer.embed_dim, layer.embed_dim // layer.num_heads
    seen = np.broadcast_to(seen, (len(q), layer.num_heads, q.shape[1], k.shape[1]))
    weights, outputs = np.zeros(seen.shape), np.zeros(q.shape)
    for i in range(len(q)):
        for j in range(layer.num_heads):
            f = [slice(part * n + j * d, part * n + (j + 1) * d) for part in range(3)]
            hq, hk, hv = (x[i] @ w[:, s] + b[s] for x, s in zip((q, k, v), f, strict=True))
            e = np.exp(hq @ hk.T / np.sqrt(d)) * seen[i, j]
            weights[i, j] = e / np.maximum(e.sum(1, keepdims=True), 1e-300)
            outputs[i, :, j * d : (j + 1) * d] = weights[i, j] @ hv
    return outputs @ layer.out_proj.weight.data + layer.out_proj.bias.data, weights


def check(layer: Any, q: Any, k: Any, v: Any, seen: Any, **masks: Any) -> None:
    """With and without weights, averaged and not."""
    output, weights = by_hand(layer, q, k, v, seen)
    got, averaged = layer(q, k, v, **masks)
    fast, nothing = layer(q, k, v, need_weights=False, **masks)
    each = layer(q, k, v, average_attn_weights=False, **masks)[1]
    assert nothing is None
    for a, b in ((got, output), (fast, output), (averaged, weights.mean(1)), (each, weights)):
        np.testing.assert_allclose(a.data, b, atol=1e-12)


# -------------------------------------------------------------------- attention


def test_formula() -> None:
    layer, q, k, v = attention(), data(3, 5, 4), data(3, 6, 4), data(3, 6, 4)
    check(layer, q, k, v, True)
    for short, long in ((layer(q), (q, q, q)), (layer(q, k), (q, k, k))):
        np.testing.assert_allclose(short[0].data, by_hand(layer, *long)[0], atol=1e-12)


def test_masks() -> None:
    layer, q, k, v = attention(), data(3, 5, 4), data(3, 6, 4), data(3, 6, 4)
    causal = np.tri(5, 6, dtype=bool)
    padding = np.arange(6) >= np.array([[6], [4], [1]])
    blocked = RNG.random((6, 5, 6)) < 0.3
    each = ~blocked.reshape(3, 2, 5, 6)
    kept = ~padding[:, None, None]
    check(layer, q, k, v, causal, is_causal=True)
    check(layer, q, k, v, causal, attn_mask=~causal)
    check(layer, q, k, v, kept, key_padding_mask=padding)
    check(layer, q, k, v, each, attn_mask=blocked)
    check(layer, q, k, v, each & kept & causal, attn_mask=blocked, key_padding_mask=padding,
          is_causal=True)  # fmt: skip
    added = np.where(blocked, -np.inf, 0)
    check(layer, q, k, v, each & kept, attn_mask=added, key_padding_mask=padding)
    added = np.where(padding, -np.inf, 0)
    check(layer, q, k, v, each & kept, attn_mask=blocked, key_padding_mask=added)
    check(layer, q, k, v, each & kept, attn_mask=Tensor(blocked), key_padding_mask=Tensor(added))


def test_a_mask_of_numbers_is_added_to_the_scores() -> None:
    layer, x, bias = attention(), data(3, 5, 4), data(5, 5)
    check(layer, x, x, x, np.exp(bias), attn_mask=bias)
    check(layer, x, x, x, np.exp(bias) * np.tri(5), attn_mask=bias, is_causal=True)
    keys = data(3, 5)
    check(layer, x, x, x, np.exp(bias + keys[:, None, None]), attn_mask=bias, key_padding_mask=keys)


def test_who_may_look_nowhere_gets_nothing() -> None:
    layer, x = attention(), Tensor(data(2, 3, 4), requires_grad=True)
    output, weights = layer(x, key_padding_mask=np.array([[False] * 3, [True] * 3]))
    np.testing.assert_array_equal(weights.data[1], np.zeros((3, 3)))
    np.testing.assert_allclose(output.data[1], [layer.out_proj.bias.data] * 3)
    output.sum().backward()
    assert x.grad[0].any()
    assert not x.grad[1].any()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("size", [1.0, 100.0, 2e4])
@pytest.mark.parametrize("bias", [0.0, -1e4, 1e4])
def test_scores_of_any_size(dtype: Any, size: float, bias: float) -> None:
    """Exponentials of large scores would overflow, and of low ones be 0."""
    random = np.random.default_rng(0)
    q, k, v = random.standard_normal((3, 2, 5, 4)).astype(dtype)
    added = np.full((5, 5), bias, dtype)
    added[3], added[0, 2] = -np.inf, -np.inf
    scale = min(size / 4, 1e3) if dtype == np.float16 else size / 4
    with np.errstate(all="raise", under="ignore"):
        y, weights = ops.attention(q, k, v, added, None, scale)
    scores = ((q * dtype(scale)) @ k.swapaxes(-1, -2) + added).astype(dtype)
    scores[:, 3] = 0
    expected = ops.softmax(scores)
    expected[:, 3] = 0
    tolerance = 8 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(weights, expected, tolerance, tolerance)
    np.testing.assert_allclose(y, expected @ v, 4 * tolerance, 4 * tolerance)
    assert y.dtype == weights.dtype == dtype


def test_a_program_decides_anew_whether_scores_are_large() -> None:
    q, k, v = np.random.default_rng(0).standard_normal((3, 2, 5, 4))

    def f(q: Any) -> Any:
        return ops.attention(q, k, v)[0].sum()

    compiled, program = compile(f), trace(f, Tensor(q, requires_grad=True))
    for size in (1.0, 1e3):
        x = Tensor(q * size, requires_grad=True)
        assert compiled(x) == program(x)[0] == f(x)
        assert np.isfinite(f(x).data)


def test_dropout_of_weights() -> None:
    layer, x = nn.MultiheadAttention(8, 2, dropout=0.5), data(4, 6, 8)
    nn.manual_seed(0)
    a, weights = layer(x)
    b, _ = layer(x, need_weights=False)
    np.testing.assert_allclose(weights.data.sum(-1), 1, rtol=1e-6, err_msg="before dropout")
    assert not np.array_equal(a.data, b.data)
    nn.manual_seed(0)
    np.testing.assert_array_equal(layer(x)[0].data, a.data)
    layer.eval()
    np.testing.assert_allclose(layer(x)[0].data, layer(x, need_weights=False)[0].data, atol=1e-6)
    everything = nn.MultiheadAttention(8, 2, dropout=1.0)
    for need_weights in (True, False):
        assert not everything(x, need_weights=need_weights)[0].data.any()


def test_float64_data_and_masks_stay_float32() -> None:
    layer, x = nn.MultiheadAttention(4, 2), data(3, 5, 4)
    for masks in (
        {},
        {"attn_mask": data(5, 5)},
        {"attn_mask": data(5, 5), "key_padding_mask": np.zeros((3, 5), bool)},
    ):
        assert {t.dtype for t in layer(x, **masks)} == {np.dtype(np.float32)}
    assert nn.TransformerBlock(4, 2)(x, data(5, 5)).dtype == np.float32


def test_gradients_of_attention() -> None:
    layer, mask = attention(), data(5, 6)
    padding = np.arange(6) >= np.array([[6], [3]])

    def f(q: Any, k: Any, v: Any, bias: Any) -> Any:
        return layer(q, k, v, attn_mask=bias, key_padding_mask=padding, average_attn_weights=False)

    report = gradcheck(f, data(2, 5, 4), data(2, 6, 4), data(2, 6, 4), mask)
    assert report, report
    assert all(row.analytic for row in report.rows)
    report = gradcheck(layer, lambda y: (y[0] * y[0]).sum() + (y[1] ** 3).sum(), data(2, 5, 4))
    assert report, report
    assert len(report.rows) == 4
    small = gradcheck(lambda x: layer(x, is_causal=True), data(1, 3, 4), order=2)
    assert small, small


# -------------------------------------------------------------------- one more key

BIAS, ZERO = {"add_bias_kv": True}, {"add_zero_attn": True}
KEYS = [BIAS, ZERO, BIAS | ZERO]


@pytest.mark.parametrize("options", KEYS)
def test_one_more_key_is_open_to_all(options: dict[str, bool]) -> None:
    """As if it stood at the end of keys and values, where no mask forbids it."""
    layer, x = attention(**options), data(2, 3, 4)
    more = len(options)
    for masks in ({"is_causal": True}, {"attn_mask": ~np.tri(3, dtype=bool)},
                  {"attn_mask": np.where(np.tri(3), 0, -np.inf)}):  # fmt: skip
        _, weights = layer(x, **masks, average_attn_weights=False)
        assert weights.shape == (2, 2, 3, 3 + more)
        seen = np.hstack([np.tri(3), np.ones((3, more))])
        assert ((weights.data > 0) == seen).all()
        np.testing.assert_allclose(weights.data.sum(-1), 1)
    none, _ = layer(x, key_padding_mask=np.ones((2, 3), bool))
    if more == 1:
        last = none.data[0, 0] if options == BIAS else layer.out_proj.bias.data
        np.testing.assert_allclose(none.data, np.broadcast_to(last, none.shape))
    if options == ZERO:
        q = (x @ layer.in_proj_weight.data[:, :4] + layer.in_proj_bias.data[:4])[0, 0, :2]
        k = (x @ layer.in_proj_weight.data[:, 4:8] + layer.in_proj_bias.data[4:8])[0, 0, :2]
        e = np.exp(q @ k / np.sqrt(2))
        np.testing.assert_allclose(weights.data[0, 0, 0, [0, 3]], [e / (1 + e), 1 / (1 + e)])


@pytest.mark.parametrize("options", KEYS)
def test_gradients_of_one_more_key(options: dict[str, bool]) -> None:
    layer = attention(**options)
    names = [name for name, _ in layer.named_parameters()]
    assert ("bias_k" in names) == ("bias_v" in names) == ("add_bias_kv" in options)
    report = gradcheck(layer, lambda y: (y[0] * y[0]).sum() + (y[1] ** 3).sum(), data(2, 3, 4))
    assert report, report
    small = gradcheck(lambda x: layer(x, is_causal=True), data(1, 2, 4), order=2)
    assert small, small


# -------------------------------------------------------------------- with and without a batch


@pytest.mark.parametrize("options", [{}, *KEYS])
def test_a_single_sequence_has_no_batch_axis(options: dict[str, bool]) -> None:
    layer, q, k = attention(**options), data(3, 4), data(5, 4)
    padding, bias = np.arange(5) > 2, data(3, 5)
    for masks, batched in (
        ({}, {}),
        ({"key_padding_mask": padding}, {"key_padding_mask": padding[None]}),
        ({"attn_mask": bias}, {"attn_mask": bias}),
        ({"attn_mask": np.stack([bias] * 2)}, {"attn_mask": bias}),
        ({"is_causal": True, "key_padding_mask": 1.0 * padding},
         {"is_causal": True, "key_padding_mask": 1.0 * padding[None]}),
    ):  # fmt: skip
        for average in (True, False):
            alone = layer(q, k, **masks, average_attn_weights=average)
            batch = layer(q[None], k[None], **batched, average_attn_weights=average)
            for a, b in zip(alone, batch, strict=True):
                assert a.shape == b.shape[1:]
                np.testing.assert_allclose(a.data, b.data[0], atol=1e-12)
    assert layer(q, k, need_weights=False)[1] is None
    assert gradcheck(layer, data(3, 4), data(5, 4), order=1)
    block = nn.TransformerBlock(4, 2, dropout=0.0, **DOUBLE)
    np.testing.assert_allclose(
        block(q, is_causal=True).data, block(q[None], is_causal=True).data[0], atol=1e-12
    )


def test_an_empty_batch() -> None:
    layer = attention(add_bias_kv=True)
    output, weights = layer(data(0, 3, 4), is_causal=True)
    assert (output.shape, weights.shape) == ((0, 3, 4), (0, 3, 4))
    output.sum().backward()
    assert not layer.in_proj_weight.grad.any()
    assert nn.TransformerBlock(4, 2)(data(0, 3, 4)).shape == (0, 3, 4)
    assert nn.Dense(4, 2)(data(0, 3, 4)).shape == (0, 3, 2)


# -------------------------------------------------------------------- the block


def test_names_and_options() -> None:
    block = nn.TransformerBlock(8, 2)
    assert {k: v.shape for k, v in block.state_dict().items()} == {
        "self_attn.in_proj_weight": (8, 24),
        "self_attn.in_proj_bias": (24,),
        "self_attn.out_proj.weight": (8, 8),
        "self_attn.out_proj.bias": (8,),
        "linear1.weight": (8, 32),
        "linear1.bias": (32,),
        "linear2.weight": (32, 8),
        "linear2.bias": (8,),
        "norm1.weight": (8,),
        "norm1.bias": (8,),
        "norm2.weight": (8,),
        "norm2.bias": (8,),
    }
    assert list(nn.TransformerBlock(8, 2, 16, bias=False).state_dict()) == [
        "self_attn.in_proj_weight",
        "self_attn.out_proj.weight",
        "linear1.weight",
        "linear2.weight",
        "norm1.weight",
        "norm2.weight",
    ]
    assert nn.TransformerBlock(8, 2, 16).linear1.out_features == 16


@pytest.mark.parametrize("norm_first", [True, False])
def test_block_is_what_its_formula_says(norm_first: bool) -> None:
    block = nn.TransformerBlock(4, 2, dropout=0.0, norm_first=norm_first, **DOUBLE)
    for p in block.parameters():
        p.data[...] = RNG.normal(size=p.shape)
    x = Tensor(data(2, 5, 4))

    def feedforward(x: Any) -> Any:
        return block.linear2(np.maximum(block.linear1(x), 0))

    if norm_first:
        y = x + block.self_attn(block.norm1(x))[0]
        y = y + feedforward(block.norm2(y))
    else:
        y = block.norm1(x + block.self_attn(x)[0])
        y = block.norm2(y + feedforward(y))
    np.testing.assert_allclose(block(x).data, y.data, atol=1e-12)


@pytest.mark.parametrize("norm_first", [True, False])
def test_gradients_of_the_block(norm_first: bool) -> None:
    block = nn.TransformerBlock(4, 2, 6, activation="gelu", norm_first=norm_first, **DOUBLE)
    block.eval()
    assert gradcheck(block, lambda y: (y * y * y).sum(), data(2, 3, 4), samples=20)
    assert gradcheck(lambda x: block(x, is_causal=True) ** 2, data(2, 3, 4))


def test_masks_reach_the_attention() -> None:
    block, x = nn.TransformerBlock(4, 2, dropout=0.0), data(2, 5, 4)
    other = x.copy()
    other[:, 3:] = data(2, 2, 4)
    for masks in (
        {"is_causal": True},
        {"src_mask": ~np.tri(5, dtype=bool)},
        {"src_key_padding_mask": np.array([[False] * 3 + [True] * 2] * 2)},
    ):
        a, b = block(x, **masks).data[:, :3], block(other, **masks).data[:, :3]
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert not np.allclose(block(x).data[:, :3], block(other).data[:, :3])


def test_where_the_block_drops() -> None:
    block, x = nn.TransformerBlock(4, 2, 7, dropout=1.0), data(3, 5, 4)
    dropped = []

    def note(path: str, module: Any, forward: Any, *inputs: Any, **options: Any) -> Any:
        if isinstance(module, nn.Dropout):
            dropped.append((path, inputs[0].shape))
        return forward(*inputs, **options)

    with watched(block, note):
        np.testing.assert_array_equal(block(x).data, x.astype(np.float32))
    assert dropped == [
        ("self_attn.dropout", (3, 2, 5, 5)),
        ("dropout", (3, 5, 4)),
        ("dropout", (3, 5, 7)),
        ("dropout", (3, 5, 4)),
    ]
    assert not np.array_equal(block.eval()(x).data, x.astype(np.float32))


def test_a_transformer_learns_to_copy_the_place_before() -> None:
    """What only attention to another place can know."""

    class Model(nn.Module):
        def __init__(self) -> None:
            self.tokens, self.places = nn.Embedding(5, 16), nn.Embedding(6, 16)
            self.block, self.head = nn.TransformerBlock(16, 2, dropout=0.0), nn.Dense(16, 5)

        def forward(self, x: Tensor) -> Tensor:
            h = self.tokens(x) + self.places(np.arange(6))
            return self.head(self.block(h, is_causal=True))

    nn.manual_seed(0)
    model, x = Model(), np.random.default_rng(0).integers(0, 5, (64, 6))
    optimizer = nn.Adam(model.parameters(), lr=0.02)
    for _ in range(100):
        loss = nn.cross_entropy(model(x)[:, 1:].reshape(-1, 5), x[:, :-1].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (model(x)[:, 1:].argmax(axis=-1) == x[:, :-1]).mean() > 0.95


# -------------------------------------------------------------------- embedding


def test_embedding() -> None:
    nn.manual_seed(0)
    table = nn.Embedding(1000, 40)
    assert abs(table.weight.data.std() - 1) < 0.01
    assert repr(table) == "Embedding(1000, 40)"
    indices = np.array([[1, 2], [1, 7], [1, 999]])
    for x in (indices, Tensor(indices), indices.tolist()):
        y = table(x)
        np.testing.assert_array_equal(y.data, table.weight.data[indices])
    y.sum().backward()
    np.testing.assert_array_equal(table.weight.grad[[0, 1, 2, 7], 0], [0, 3, 1, 1])
    assert nn.Embedding(3, 2, init="ones", l2=0.5).penalty().item() == 1.5
    assert nn.Embedding(3, 2, dtype=np.float64)([0]).dtype == np.float64


@pytest.mark.parametrize("padding_idx", [2, -8])
def test_padding(padding_idx: int) -> None:
    table = nn.Embedding(10, 3, padding_idx, init="ones")
    assert repr(table) == "Embedding(10, 3, padding_idx=2)"
    assert not table.weight.data[2].any()
    assert table.weight.data[[0, 1, 3]].all()
    table.weight.data[2] = 5
    y = table(np.array([[2, 1], [2, 0]]))
    np.testing.assert_array_equal(y.data[:, 0], np.full((2, 3), 5))
    y.sum().backward()
    assert table.weight.grad[:, 0].tolist() == [1, 1, 0, 0, 0, 0, 0, 0, 0, 0]


def test_gradients_of_embedding() -> None:
    table = nn.Embedding(5, 3, padding_idx=0)
    indices = np.array([[1, 0, 1], [4, 2, 2]])
    report = gradcheck(table, lambda y: (y * y * y).sum(), indices)
    assert not table.weight.data[0].any()
    assert [row.verdict for row in report.rows] == ["ok"] or report, report


# -------------------------------------------------------------------- bad inputs


def test_an_index_out_of_range_says_where() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            self.tokens = nn.Embedding(10, 3, padding_idx=0)

        def forward(self, x: Any) -> Any:
            return self.tokens(x)

    where = r", at test_attention.py:\d+, in layer tokens$"
    for bad in ([[3, 10]], [[3, -1]]):
        with pytest.raises(IndexError, match=r"there are only 0 to 9" + where):
            Model()(np.array(bad))
    with pytest.raises(TypeError, match="the indices must be integers, and are float64" + where):
        Model()(np.array([1.0]))
    with pytest.raises(ValueError, match="padding_idx=10 is none of the 10 entries"):
        nn.Embedding(10, 3, 10)
    with pytest.raises(ValueError, match="Embedding: num_embeddings must be a positive integer"):
        nn.Embedding(0, 3)


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="embed_dim=6 does not divide into 4 heads"):
        nn.MultiheadAttention(6, 4)
    with pytest.raises(ValueError, match="num_heads must be a positive integer, not 0"):
        nn.MultiheadAttention(6, 0)
    with pytest.raises(TypeError, match="MultiheadAttention: add_bias_kv must be True or False"):
        nn.MultiheadAttention(6, 2, 0.0, True, 8)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="dim_feedforward must be a positive integer, not 0"):
        nn.TransformerBlock(6, 2, 0)
    with pytest.raises(ValueError, match="unknown activation 'gulu'"):
        nn.TransformerBlock(6, 2, activation="gulu")
    layer = attention()
    takes = r"MultiheadAttention takes \(batch, length, 4\) or \(length, 4\), and the "
    with pytest.raises(ValueError, match=takes + r"query has shape \(2, 3, 5\), at test_att"):
        layer(data(2, 3, 5))
    with pytest.raises(ValueError, match=takes + r"value has shape \(2, 3, 5\)"):
        layer(data(2, 3, 4), data(2, 3, 4), data(2, 3, 5))
    with pytest.raises(ValueError, match=takes + r"query has shape \(4,\)"):
        layer(data(4))
    for q, k, v in (
        ((2, 3, 4), (1, 3, 4), (1, 3, 4)),
        ((2, 3, 4), (2, 3, 4), (2, 5, 4)),
        ((2, 3, 4), (2, 3, 4), (1, 3, 4)),
        ((3, 4), (2, 3, 4), (2, 3, 4)),
        ((3, 4), (5, 4), (6, 4)),
    ):
        with pytest.raises(ValueError, match="have the same batch, and key and value the same len"):
            layer(data(*q), data(*k), data(*v))


def test_masks_that_do_not_fit() -> None:
    block, x = nn.TransformerBlock(4, 2), data(3, 5, 4)
    needed = r"attn_mask has shape \(5, 4\), and \(5, 5\) or \(6, 5, 5\) is needed, at test_att"
    with pytest.raises(ValueError, match=needed + r".*, in layer self_attn$"):
        block(x, np.zeros((5, 4), bool))
    with pytest.raises(ValueError, match=r"key_padding_mask has shape \(5, 3\), and \(3, 5\) is"):
        block(x, src_key_padding_mask=np.zeros((5, 3), bool))
    with pytest.raises(ValueError, match=r"mask has shape \(4, 5\), and \(5, 5\) or \(2, 5, 5\)"):
        block(x[0], np.zeros((4, 5), bool))
    with pytest.raises(ValueError, match=r"padding_mask has shape \(1, 5\), and \(5,\) is needed"):
        block(x[0], src_key_padding_mask=np.zeros((1, 5), bool))
    with pytest.raises(TypeError, match="attn_mask is boolean, True where it is forbidden to look"):
        block(x, np.ones((5, 5), int))
