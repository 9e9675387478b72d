"""Weights go to PyTorch and come back: by state dicts, and by the files that each side writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")
T = torch.nn

RNG = np.random.default_rng(0)
VECTORS, SEQUENCES = RNG.normal(size=(5, 6)), RNG.normal(size=(2, 5, 6))
IMAGES, INDICES = RNG.normal(size=(2, 3, 8, 8)), RNG.integers(0, 9, (2, 5))

Pair = tuple[Callable[[], nn.Module], Callable[[], Any], np.ndarray]
PAIRS: dict[str, Pair] = {
    "mlp": (
        lambda: nn.Sequential(nn.Dense(6, 6), nn.ReLU(), nn.Dense(6, 3, bias=False)),
        lambda: T.Sequential(T.Linear(6, 6), T.ReLU(), T.Linear(6, 3, bias=False)),
        VECTORS,
    ),
    "convnet": (
        lambda: nn.Sequential(
            *(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.PReLU(), nn.ConvTranspose2d(4, 2, 3)),
            *(nn.GroupNorm(2, 2), nn.MaxPool2d(2), nn.Flatten(), nn.Dense(32, 3)),
        ),
        lambda: T.Sequential(
            *(T.Conv2d(3, 4, 3), T.BatchNorm2d(4), T.PReLU(), T.ConvTranspose2d(4, 2, 3)),
            *(T.GroupNorm(2, 2), T.MaxPool2d(2), T.Flatten(), T.Linear(32, 3)),
        ),
        IMAGES,
    ),
    "text": (
        lambda: nn.Sequential(nn.Embedding(9, 6), nn.LayerNorm(6), nn.RMSNorm(6)),
        lambda: T.Sequential(T.Embedding(9, 6), T.LayerNorm(6), T.RMSNorm(6, eps=1e-5)),
        INDICES,
    ),
    "rnn": (lambda: nn.RNN(6, 6), lambda: T.RNN(6, 6, batch_first=True), SEQUENCES),
    "gru": (
        lambda: nn.GRU(6, 4, num_layers=2),
        lambda: T.GRU(6, 4, num_layers=2, batch_first=True),
        SEQUENCES,
    ),
    "lstm": (
        lambda: nn.LSTM(6, 4, num_layers=2, bidirectional=True),
        lambda: T.LSTM(6, 4, num_layers=2, bidirectional=True, batch_first=True),
        SEQUENCES,
    ),
    "volumes": (
        lambda: nn.Sequential(nn.Conv3d(1, 4, 2), nn.MaxPool3d(2), nn.ConvTranspose3d(4, 2, 2)),
        lambda: T.Sequential(T.Conv3d(1, 4, 2), T.MaxPool3d(2), T.ConvTranspose3d(4, 2, 2)),
        RNG.normal(size=(2, 1, 5, 5, 7)),
    ),
    "signals": (
        lambda: nn.Sequential(nn.Conv1d(5, 4, 3), nn.ConvTranspose1d(4, 2, 3, 2, groups=2)),
        lambda: T.Sequential(T.Conv1d(5, 4, 3), T.ConvTranspose1d(4, 2, 3, 2, groups=2)),
        SEQUENCES,
    ),
    "cell": (lambda: nn.GRUCell(6, 4), lambda: T.GRUCell(6, 4), VECTORS),
    "transformer": (
        lambda: nn.TransformerBlock(6, 2, 8),
        lambda: T.TransformerEncoderLayer(6, 2, 8, batch_first=True, norm_first=True),
        SEQUENCES,
    ),
}
EACH = pytest.mark.parametrize("name", PAIRS)


def scrambled(name: str, seed: int) -> tuple[nn.Module, Any]:
    """Both, each with values of its own; variances stay positive."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    ours, theirs = PAIRS[name][0](), PAIRS[name][1]()
    for array in (*(p.data for p in ours.parameters()), *(b for _, b in ours.named_buffers())):
        array[...] = rng.uniform(0.1, 1.0, array.shape) if array.dtype.kind == "f" else 7
    for p in (*theirs.parameters(), *theirs.buffers()):
        p.data = torch.rand_like(p) if p.is_floating_point() else p.data + 3
    return ours.eval(), theirs.eval()


def agree(ours: nn.Module, theirs: Any, x: np.ndarray) -> None:
    """Equal in names, layout and output."""
    exported, state = nn.to_torch_state_dict(ours), theirs.state_dict()
    assert set(exported) == set(state)
    for key, value in state.items():
        assert exported[key].dtype == value.dtype
        assert torch.equal(exported[key], value), key
    x = x.astype(np.float32) if x.dtype.kind == "f" else x
    with torch.no_grad():
        expected = theirs(torch.from_numpy(x))
    output = ours(x)
    first = output[0] if isinstance(output, tuple) else output
    expected = expected[0] if isinstance(expected, tuple) else expected
    np.testing.assert_allclose(first.data, expected.numpy(), rtol=1e-4, atol=1e-5)


@EACH
def test_torch_takes_our_state(name: str) -> None:
    ours, theirs = scrambled(name, 1)
    theirs.load_state_dict(nn.to_torch_state_dict(ours))
    agree(ours, theirs, PAIRS[name][2])


@EACH
def test_we_take_the_state_of_torch(name: str) -> None:
    ours, theirs = scrambled(name, 2)
    assert nn.from_torch_state_dict(ours, theirs.state_dict()) == ([], [])
    agree(ours, theirs, PAIRS[name][2])
    other = PAIRS[name][0]().eval()
    nn.from_torch_state_dict(other, nn.to_torch_state_dict(ours))
    agree(other, theirs, PAIRS[name][2])


@EACH
def test_we_read_a_file_by_torch(name: str, tmp_path: Path) -> None:
    ours, theirs = scrambled(name, 3)
    safetensors.save_file(theirs.state_dict(), tmp_path / "theirs")
    nn.from_torch_state_dict(ours, nn.load(tmp_path / "theirs").state)
    agree(ours, theirs, PAIRS[name][2])


@EACH
def test_torch_reads_a_file_of_its_state_and_of_ours(name: str, tmp_path: Path) -> None:
    ours, theirs = scrambled(name, 4)
    safetensors.save_file(nn.to_torch_state_dict(ours), tmp_path / "for torch")
    theirs.load_state_dict(safetensors.load_file(tmp_path / "for torch"))
    agree(ours, theirs, PAIRS[name][2])
    nn.save(tmp_path / "ours", ours)
    assert set(safetensors.load_file(tmp_path / "ours")) == set(theirs.state_dict())


def test_torch_attention() -> None:
    ours, theirs = nn.MultiheadAttention(6, 3), T.MultiheadAttention(6, 3, batch_first=True)
    nn.from_torch_state_dict(ours, theirs.state_dict())
    x = SEQUENCES.astype(np.float32)
    for mine, other in zip(ours(x), theirs(*[torch.from_numpy(x)] * 3), strict=True):
        np.testing.assert_allclose(mine.data, other.detach().numpy(), rtol=1e-4, atol=1e-6)


def test_torch_tensors_of_all_kinds() -> None:
    """With a gradient, in half precision, strided, or arrays."""
    layer = nn.Dense(3, 2, dtype=np.float64)
    weight = torch.arange(6.0, dtype=torch.float64).reshape(3, 2).T
    for given in (weight.requires_grad_(), weight.detach().bfloat16(), weight.detach().numpy()):
        layer.weight.data[...] = 0
        nn.from_torch_state_dict(layer, {"weight": given, "bias": torch.zeros(2)})
        np.testing.assert_array_equal(layer.weight.data, np.arange(6.0).reshape(3, 2))


def test_torch_state_is_a_copy() -> None:
    layer = nn.Dense(3, 3)
    state = nn.to_torch_state_dict(layer)
    before = layer.weight.data.copy()
    state["weight"] += 1
    np.testing.assert_array_equal(layer.weight.data, before)
    assert all(value.is_contiguous() for value in state.values())


def test_torch_bfloat16_files_are_read(tmp_path: Path) -> None:
    state = {"a": torch.randn(3, 4).bfloat16(), "b": torch.tensor(1.5).bfloat16()}
    safetensors.save_file(state, tmp_path / "c")
    found = nn.load(tmp_path / "c").state
    for name, value in state.items():
        assert (found[name].dtype, found[name].shape) == (np.float32, tuple(value.shape))
        np.testing.assert_array_equal(found[name], value.float().numpy())


def test_torch_modules_shared_by_two_names() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            self.a = self.b = nn.Dense(2, 3)

    ours, inner = Tied(), T.Linear(2, 3)
    theirs = T.Module()
    theirs.a = theirs.b = inner
    nn.from_torch_state_dict(ours, theirs.state_dict())
    assert torch.equal(nn.to_torch_state_dict(ours)["b.weight"], inner.weight)


def test_torch_state_that_does_not_fit() -> None:
    ours = nn.Sequential(nn.Dense(4, 3), nn.ReLU())
    before = ours.state_dict()
    wrong = T.Sequential(T.Linear(5, 3), T.BatchNorm1d(3, affine=False)).state_dict()
    with pytest.raises(ValueError, match="transposed, does not fit Sequential") as caught:
        nn.from_torch_state_dict(ours, wrong)
    assert "0.weight (4, 3) in the model, (5, 3) given" in str(caught.value)
    assert "unexpected:\n    1.running_mean (3,)" in str(caught.value)
    with pytest.raises(ValueError, match="other shapes"):
        nn.from_torch_state_dict(ours, wrong, strict=False)
    with pytest.raises(TypeError, match=r"it takes a state, such as m.state_dict"):
        nn.from_torch_state_dict(ours, T.Linear(4, 3))
    for key, value in ours.state_dict().items():
        np.testing.assert_array_equal(value, before[key])
    some = {"0.bias": torch.ones(3), "head.bias": torch.ones(2)}
    difference = nn.from_torch_state_dict(ours, some, strict=False)
    assert difference == (["0.weight"], ["head.bias"])
    np.testing.assert_array_equal(ours[0].bias.data, np.ones(3))
