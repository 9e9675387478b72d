"""MultiheadAttention, TransformerBlock and Embedding against PyTorch's, with the same weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from tinygrad_edu import Tensor

torch = pytest.importorskip("torch")

DTYPES = [np.float64, np.float32]


def kind(dtype: Any) -> Any:
    return torch.from_numpy(np.zeros(0, dtype)).dtype


def leaves(array: np.ndarray) -> tuple[Any, Any]:
    return Tensor(array, requires_grad=True), torch.tensor(array, requires_grad=True)


def same(a: Any, b: Any) -> None:
    tolerance = 1e-9 if a.dtype == np.float64 else 1e-4
    np.testing.assert_allclose(a, b.detach().numpy(), tolerance, tolerance, strict=True)


def alike(ours: Any, theirs: Any, rng: np.random.Generator) -> None:
    """Give both the same random state, and check that the names agree."""
    assert set(ours.state_dict()) == set(theirs.state_dict())
    for p in ours.parameters():
        p.data[...] = rng.normal(0, 0.7, size=p.shape)
    theirs.load_state_dict(nn.to_torch_state_dict(ours))


def same_gradients(ours: Any, theirs: Any) -> None:
    transposed = {path + name for path, module in ours._walk() for name in module._transposed}
    expected = dict(theirs.named_parameters())
    for name, p in ours.named_parameters():
        grad = expected[name].grad
        same(p.grad, grad.T if name in transposed else grad)


def masks(
    draw: Any, rng: np.random.Generator, dtype: Any, n: int, heads: int, shape: tuple[int, int]
) -> tuple[Any, Any]:
    """(attn_mask, key_padding_mask), each None, boolean or added, that leave each query a key."""
    queries, keys = shape
    full = draw(st.sampled_from([(queries, keys), (n * heads, queries, keys)]))
    found = []
    for size in (full, (n, keys)):
        blocked = rng.random(size) < 0.4
        blocked[..., 0] = False
        number = np.where(blocked, -np.inf, rng.normal(size=size)).astype(dtype)
        found.append(draw(st.sampled_from([None, blocked, number])))
    attn, padding = found
    if attn is not None and padding is not None and attn.dtype != padding.dtype:
        return attn, None  # PyTorch warns of two kinds
    return attn, padding


def torched(mask: Any) -> Any:
    return None if mask is None else torch.from_numpy(mask)


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=30, deadline=None, derandomize=True)
@given(data=st.data(), seed=st.integers(0, 99))
def test_torch_attention(dtype: Any, data: st.DataObject, seed: int) -> None:
    draw, rng = data.draw, np.random.default_rng(seed)
    heads = draw(st.sampled_from([1, 2, 3]))
    options = {name: draw(st.booleans()) for name in ("bias", "add_bias_kv", "add_zero_attn")}
    ours = nn.MultiheadAttention(6, heads, **options, dtype=dtype)
    theirs = torch.nn.MultiheadAttention(6, heads, **options, batch_first=True, dtype=kind(dtype))
    alike(ours, theirs, rng)
    n, queries, keys = (int(rng.integers(1, 5)) for _ in range(3))
    one, alone = draw(st.booleans()), draw(st.booleans())
    n, batch = (1, ()) if alone else (n, (n,))
    q, q2 = leaves(rng.normal(size=(*batch, queries, 6)).astype(dtype))
    k, k2 = (q, q2) if one else leaves(rng.normal(size=(*batch, keys, 6)).astype(dtype))
    v, v2 = (q, q2) if one else leaves(rng.normal(size=(*batch, keys, 6)).astype(dtype))
    attn, padding = masks(draw, rng, dtype, n, heads, (queries, k.shape[-2]))
    padding = padding[0] if alone and padding is not None else padding
    average = draw(st.booleans())
    y, w = ours(q, k, v, padding, True, attn, average)
    y2, w2 = theirs(
        q2,
        k2,
        v2,
        key_padding_mask=torched(padding),
        attn_mask=torched(attn),
        average_attn_weights=average,
    )
    same(y.data, y2)
    same(w.data, w2)
    same(ours(q, k, v, padding, False, attn)[0].data, y2)
    a, b = rng.normal(size=y.shape).astype(dtype), rng.normal(size=w.shape).astype(dtype)
    ((y * a).sum() + (w * b).sum()).backward()
    ((y2 * torch.from_numpy(a)).sum() + (w2 * torch.from_numpy(b)).sum()).backward()
    for mine, other in ((q, q2), (k, k2), (v, v2)):
        same(mine.grad, other.grad)
    same_gradients(ours, theirs)


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=20, deadline=None, derandomize=True)
@given(data=st.data(), seed=st.integers(0, 99))
def test_torch_transformer_block(dtype: Any, data: st.DataObject, seed: int) -> None:
    draw, rng = data.draw, np.random.default_rng(seed)
    options = {
        "dim_feedforward": draw(st.sampled_from([5, 24])),
        "dropout": 0.0,
        "activation": draw(st.sampled_from(["relu", "gelu"])),
        "norm_first": draw(st.booleans()),
        "layer_norm_eps": draw(st.sampled_from([1e-5, 0.1])),
        "bias": draw(st.booleans()),
    }
    heads = draw(st.sampled_from([1, 2]))
    ours = nn.TransformerBlock(6, heads, **options, dtype=dtype)
    theirs = torch.nn.TransformerEncoderLayer(
        6, heads, **options, batch_first=True, dtype=kind(dtype)
    )
    alike(ours, theirs, rng)
    n, length, alone = int(rng.integers(1, 4)), int(rng.integers(1, 5)), draw(st.booleans())
    n, batch = (1, ()) if alone else (n, (n,))
    x, z = leaves(rng.normal(size=(*batch, length, 6)).astype(dtype))
    attn, padding = masks(draw, rng, dtype, n, heads, (length, length))
    padding = padding[0] if alone and padding is not None else padding
    causal = draw(st.booleans())
    other = torched(attn)
    if causal:  # PyTorch wants the mask as well
        attn, padding = None, None
        other = torch.triu(torch.ones(length, length, dtype=torch.bool), 1)
    y = ours(x, attn, padding, is_causal=causal)
    y2 = theirs(z, other, torched(padding), is_causal=causal)
    same(y.data, y2)
    w = rng.normal(size=y.shape).astype(dtype)
    (y * w).sum().backward()
    (y2 * torch.from_numpy(w)).sum().backward()
    same(x.grad, z.grad)
    same_gradients(ours, theirs)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(padding_idx=st.sampled_from([None, 0, 3, -1]), seed=st.integers(0, 99))
def test_torch_embedding(padding_idx: int | None, seed: int) -> None:
    rng = np.random.default_rng(seed)
    ours = nn.Embedding(5, 3, padding_idx, dtype=np.float64)
    theirs = torch.nn.Embedding(5, 3, padding_idx, dtype=torch.float64)
    assert ours.padding_idx == theirs.padding_idx
    alike(ours, theirs, rng)
    indices = rng.integers(0, 5, tuple(rng.integers(1, 4, size=rng.integers(0, 4))))
    y, y2 = ours(indices), theirs(torch.from_numpy(np.asarray(indices)))
    same(y.data, y2)
    w = rng.normal(size=y.shape)
    (y * w).sum().backward()
    (y2 * torch.from_numpy(np.asarray(w))).sum().backward()
    same_gradients(ours, theirs)
