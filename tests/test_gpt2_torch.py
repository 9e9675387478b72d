"""The GPT-2 of examples/gpt2.py against one written in PyTorch, by files of its layout."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from tinygrad_edu import no_grad

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")
pytest.importorskip("matplotlib")
from examples.gpt2 import GPT2, load  # noqa: E402

VOCABULARY, CONTEXT, WIDTH, LAYERS, HEADS = 50, 16, 24, 2, 3
CODES = np.random.default_rng(0).integers(0, VOCABULARY, (2, CONTEXT))


class Conv1D(torch.nn.Module):  # type: ignore[misc,name-defined]
    """GPT-2's own layer: its weight has the shape (in, out)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(inputs, outputs) * 0.2)
        self.bias = torch.nn.Parameter(torch.randn(outputs) * 0.1)

    def forward(self, x: Any) -> Any:
        return x @ self.weight + self.bias


class Reference(torch.nn.Module):  # type: ignore[misc,name-defined]
    """GPT-2, from its paper and its published names."""

    def __init__(self) -> None:
        super().__init__()
        T = torch.nn
        self.wte, self.wpe = T.Embedding(VOCABULARY, WIDTH), T.Embedding(CONTEXT, WIDTH)
        self.h = T.ModuleList()
        for _ in range(LAYERS):
            block = T.Module()
            block.ln_1, block.ln_2 = T.LayerNorm(WIDTH), T.LayerNorm(WIDTH)
            block.attn, block.mlp = T.Module(), T.Module()
            block.attn.c_attn, block.attn.c_proj = Conv1D(WIDTH, 3 * WIDTH), Conv1D(WIDTH, WIDTH)
            block.mlp.c_fc, block.mlp.c_proj = Conv1D(WIDTH, 4 * WIDTH), Conv1D(4 * WIDTH, WIDTH)
            self.h.append(block)
        self.ln_f = T.LayerNorm(WIDTH)
        for parameter in self.parameters():  # norms too, so that none is left out unseen
            parameter.data += 0.1 * torch.randn_like(parameter)

    def forward(self, codes: Any) -> Any:
        x = self.wte(codes) + self.wpe(torch.arange(codes.shape[1]))
        for block in self.h:
            x = x + self.attention(block.attn, block.ln_1(x))
            hidden = block.mlp.c_fc(block.ln_2(x))
            inner = math.sqrt(2 / math.pi) * (hidden + 0.044715 * hidden**3)
            x = x + block.mlp.c_proj(0.5 * hidden * (1 + torch.tanh(inner)))
        return self.ln_f(x) @ self.wte.weight.T

    def attention(self, layer: Any, x: Any) -> Any:
        t = x.shape[1]
        q, k, v = (
            part.unflatten(-1, (HEADS, -1)).transpose(1, 2)
            for part in layer.c_attn(x).chunk(3, dim=-1)
        )
        scores = q @ k.transpose(-1, -2) / math.sqrt(WIDTH // HEADS)
        scores = scores.masked_fill(torch.ones(t, t).tril() == 0, -math.inf)
        return layer.c_proj((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))


@pytest.fixture
def reference() -> Any:
    torch.manual_seed(0)
    return Reference().eval()


def written(path: Path, reference: Any, prefix: str = "", **more: Any) -> Path:
    state = {prefix + name: value for name, value in reference.state_dict().items()} | more
    safetensors.save_file(state, path / "model.safetensors", {"format": "pt"})
    return path / "model.safetensors"


def logits_of(model: GPT2, codes: Any) -> np.ndarray:
    with no_grad():
        return model(codes).data


@pytest.mark.parametrize("prefix", ["", "transformer."])
@pytest.mark.parametrize("more", [False, True])
def test_logits_are_torchs(reference: Any, tmp_path: Path, prefix: str, more: bool) -> None:
    mask = torch.ones(1, 1, CONTEXT, CONTEXT).tril()
    masks = {f"{prefix}h.{i}.attn.bias": mask.clone() for i in range(LAYERS)}
    masks["lm_head.weight"] = reference.wte.weight.detach().clone()
    model = load(written(tmp_path, reference, prefix, **masks if more else {}), HEADS)
    with torch.no_grad():
        expected = reference(torch.from_numpy(CODES)).numpy()
    assert np.abs(expected).max() > 1
    np.testing.assert_allclose(logits_of(model, CODES), expected, rtol=1e-4, atol=1e-4)


def test_heads_are_those_of_the_configuration(reference: Any, tmp_path: Path) -> None:
    path = written(tmp_path, reference)
    (tmp_path / "config.json").write_text(f'{{"n_head": {HEADS}}}')
    np.testing.assert_array_equal(logits_of(load(path), CODES), logits_of(load(path, HEADS), CODES))
    assert load(path, 2).h[0].attn.heads == 2
    with pytest.raises(ValueError, match="24 features do not divide into 5 heads"):
        load(path, 5)


def test_the_likeliest_tokens_are_torchs(reference: Any, tmp_path: Path) -> None:
    model = load(written(tmp_path, reference), HEADS)
    expected = [3, 1]
    for _ in range(CONTEXT - 2):
        with torch.no_grad():
            expected.append(int(reference(torch.tensor([expected]))[0, -1].argmax()))
    assert [*model.generate([3, 1], CONTEXT - 2, top_k=1)] == expected[2:]


def test_other_files_are_refused(reference: Any, tmp_path: Path) -> None:
    own_head = torch.randn(VOCABULARY, WIDTH)
    with pytest.raises(ValueError, match="has a head of its own"):
        load(written(tmp_path, reference, **{"lm_head.weight": own_head}))
    nn.save(tmp_path / "other", nn.Dense(2, 3))
    with pytest.raises(ValueError, match=r"does not hold wte.weight and wpe.weight"):
        load(tmp_path / "other")
    state = {k: v for k, v in reference.state_dict().items() if k != "h.1.ln_2.bias"}
    safetensors.save_file(state, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"missing, in the model only:\n    h\.1\.ln_2\.bias"):
        load(tmp_path / "model.safetensors", HEADS)
