"""RNN, LSTM and GRU against PyTorch's: outputs, states and all gradients, with the same weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from tinygrad_edu import Tensor

torch = pytest.importorskip("torch")

OPTIONS = {
    "num_layers": st.integers(1, 3),
    "bias": st.booleans(),
    "batch_first": st.booleans(),
    "bidirectional": st.booleans(),
}


def pair(name: str, options: dict[str, Any], dtype: Any) -> tuple[Any, Any]:
    kind = torch.from_numpy(np.zeros(0, dtype)).dtype
    theirs = getattr(torch.nn, name)(3, 4, **options, dtype=kind)
    ours = getattr(nn, name)(3, 4, **options, dtype=dtype)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    nn.from_torch_state_dict(ours, theirs.state_dict())
    return ours, theirs


def leaves(array: np.ndarray) -> tuple[Any, Any]:
    return Tensor(array, requires_grad=True), torch.tensor(array, requires_grad=True)


def same(a: Any, b: Any) -> None:
    tolerance = 1e-10 if a.dtype == np.float64 else 2e-5
    np.testing.assert_allclose(a, b.detach().numpy(), tolerance, tolerance, strict=True)


def compared(
    ours: Any, theirs: Any, rng: np.random.Generator, dtype: Any, start: bool, alone: bool = False
) -> None:
    """Output, state and gradients, also of a sequence alone, without a batch axis."""
    n, length = int(rng.integers(1, 4)), int(rng.integers(1, 7))
    shape = (n, length, 3) if ours.batch_first else (length, n, 3)
    shape, batch = ((length, 3), ()) if alone else (shape, (n,))
    x, z = leaves(rng.normal(size=shape).astype(dtype))
    several = isinstance(ours, nn.LSTM)
    rows = ours.num_layers * (1 + ours.bidirectional)
    sizes = [getattr(ours, "proj_size", 0) or 4, 4][: 1 + several]
    states = [leaves(rng.normal(size=(rows, *batch, m)).astype(dtype)) for m in sizes]
    hx = [tuple(s) if several else s[0] for s in zip(*states, strict=True)]
    (y, h), (y2, h2) = (ours(x, hx[0]), theirs(z, hx[1])) if start else (ours(x), theirs(z))
    outputs = list(
        zip((y, *(h if several else [h])), (y2, *(h2 if several else [h2])), strict=True)
    )
    for a, b in outputs:
        same(a.data, b)
    weights = [rng.normal(size=a.shape).astype(dtype) for a, _ in outputs]
    pairs = list(zip(outputs, weights, strict=True))
    sum((a * w).sum() for (a, _), w in pairs).backward()
    sum((b * torch.from_numpy(w)).sum() for (_, b), w in pairs).backward()
    same(x.grad, z.grad)
    for a, b in states if start else []:
        same(a.grad, b.grad)
    for name, p in ours.named_parameters():
        grad = getattr(theirs, name).grad
        same(p.grad, grad.T if name in ours._transposed else grad)


@pytest.mark.filterwarnings("ignore:LSTM with projections")  # of how PyTorch computes it
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
@settings(max_examples=25, deadline=None, derandomize=True)
@given(data=st.data(), start=st.booleans(), alone=st.booleans(), seed=st.integers(0, 99))
def test_torch_recurrent(
    name: str, dtype: Any, data: st.DataObject, start: bool, alone: bool, seed: int
) -> None:
    more = {"proj_size": st.sampled_from([0, 2])} if name == "LSTM" else {}
    ours, theirs = pair(name, data.draw(st.fixed_dictionaries(OPTIONS | more)), dtype)
    compared(ours, theirs, np.random.default_rng(seed), dtype, start, alone)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ["RNNCell", "LSTMCell", "GRUCell"])
@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    bias=st.booleans(),
    batch=st.sampled_from([(2,), (1,), ()]),
    start=st.booleans(),
    seed=st.integers(0, 99),
)
def test_torch_cells(
    name: str, dtype: Any, bias: bool, batch: tuple[int, ...], start: bool, seed: int
) -> None:
    ours, theirs = pair(name, {"bias": bias}, dtype)
    rng, several = np.random.default_rng(seed), name == "LSTMCell"
    x, z = leaves(rng.normal(size=(*batch, 3)).astype(dtype))
    states = [leaves(rng.normal(size=(*batch, 4)).astype(dtype)) for _ in range(1 + several)]
    hx = [tuple(s) if several else s[0] for s in zip(*states, strict=True)]
    found = (ours(x, hx[0]), theirs(z, hx[1])) if start else (ours(x), theirs(z))
    ends = list(zip(*found, strict=True)) if several else [found]
    for a, b in ends:
        same(a.data, b)
    sum((a * a).sum() for a, _ in ends).backward()
    sum((b * b).sum() for _, b in ends).backward()
    same(x.grad, z.grad)
    for a, b in states if start else []:
        same(a.grad, b.grad)
    for key, p in ours.named_parameters():
        grad = getattr(theirs, key).grad
        same(p.grad, grad.T if key in ours._transposed else grad)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(options=st.fixed_dictionaries(OPTIONS), seed=st.integers(0, 99))
def test_torch_relu(options: dict[str, Any], seed: int) -> None:
    ours, theirs = pair("RNN", options | {"nonlinearity": "relu"}, np.float64)
    compared(ours, theirs, np.random.default_rng(seed), np.float64, True)


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_torch_takes_our_weights(name: str) -> None:
    ours = getattr(nn, name)(3, 4, 2, bidirectional=True)
    theirs = getattr(torch.nn, name)(3, 4, 2, bidirectional=True, batch_first=True)
    theirs.load_state_dict(nn.to_torch_state_dict(ours))
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    same(ours(x)[0].data, theirs(torch.from_numpy(x))[0])


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_torch_truncated_backpropagation(name: str) -> None:
    """Parts of a sequence, the state detached between them: gradients add up alike."""
    ours, theirs = pair(name, {"batch_first": True}, np.float64)
    x = np.random.default_rng(0).normal(size=(2, 9, 3))
    h = k = None
    for part in np.split(x, 3, axis=1):
        y, h = ours(part, h)
        z, k = theirs(torch.from_numpy(part.copy()), k)
        (y * y).sum().backward()
        (z * z).sum().backward()
        cut = [[s.detach() for s in (a if isinstance(a, tuple) else [a])] for a in (h, k)]
        h, k = (tuple(c) if len(c) > 1 else c[0] for c in cut)
    for key, p in ours.named_parameters():
        grad = getattr(theirs, key).grad
        same(p.grad, grad.T if key in ours._transposed else grad)
