"""GPT-2 in the layout of its published weights; gpt2_weights.py generates text with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import nn
import nn.functional as F
from tinygrad_edu import Tensor, no_grad

Cache = list[np.ndarray]  # the keys and the values (n, heads, positions so far, features)


class Attention(nn.Module):
    """Causal self-attention, whose queries, keys and values come from one Dense."""

    def __init__(self, width: int, heads: int) -> None:
        self.heads = heads
        self.c_attn = nn.Dense(width, 3 * width)
        self.c_proj = nn.Dense(width, width)

    def forward(self, x: Tensor, cache: Cache | None = None) -> Tensor:
        """x (n, t, width) -> the same shape; a cache is attended to as well, and extended by x."""
        n, t, width = x.shape
        split = self.c_attn(x).reshape(n, t, 3, self.heads, width // self.heads)
        query, key, value = (split[:, :, i].swapaxes(1, 2) for i in range(3))
        if cache is not None:
            new = [key.data, value.data]
            cache[:] = (
                [np.concatenate(p, 2) for p in zip(cache, new, strict=True)] if cache else new
            )
            key, value = map(Tensor, cache)
        before = key.shape[2] - t
        seen = np.tri(t, before + t, before, dtype=bool)
        y = F.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        return self.c_proj(y.swapaxes(1, 2).reshape(n, t, width))


class FeedForward(nn.Module):
    """Two Dense layers on each position, with the approximate GELU between."""

    def __init__(self, width: int) -> None:
        self.c_fc = nn.Dense(width, 4 * width)
        self.c_proj = nn.Dense(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.c_proj(F.gelu(self.c_fc(x), "tanh"))


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        self.ln_1 = nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = FeedForward(width)

    def forward(self, x: Tensor, cache: Cache | None = None) -> Tensor:
        x = x + self.attn(self.ln_1(x), cache)
        return x + self.mlp(self.ln_2(x))


class GPT2(nn.Module):
    """Token indices (n, t) -> logits of the token after each, (n, t, vocabulary).

    The modules have the names of the published files, whose weights of `c_attn`, `c_proj` and
    `c_fc` have the shape (in, out), as a Dense has it and PyTorch's Linear has not. The head is
    the embedding, transposed (Radford et al., Language Models are Unsupervised Multitask Learners,
    2019).
    """

    def __init__(self, vocabulary: int, context: int, width: int, layers: int, heads: int) -> None:
        self.context = context
        small = nn.init.normal(std=0.02)
        self.wte = nn.Embedding(vocabulary, width, init=small)
        self.wpe = nn.Embedding(context, width, init=small)
        self.h = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.ln_f = nn.LayerNorm(width)

    def forward(self, codes: Any, caches: list[Cache] | None = None) -> Tensor:
        """With caches, one for each block, codes come after those that the caches were given."""
        before = caches[0][0].shape[2] if caches and caches[0] else 0
        x = self.wte(codes) + self.wpe(np.arange(before, before + codes.shape[1]))
        for i, block in enumerate(self.h):
            x = block(x, None if caches is None else caches[i])
        return self.ln_f(x) @ self.wte.weight.T

    def generate(
        self, prompt: Sequence[int], length: int, temperature: float = 1.0, top_k: int | None = None
    ) -> Iterator[int]:
        """Tokens sampled from softmax(logits / temperature), of the `top_k` most likely if given.

        Each is computed from the keys and values of those before it, which are kept; where the
        context is full, its newer half is computed again.
        """
        self.eval()
        codes, caches = list(prompt), [[] for _ in self.h]
        new = codes[-self.context :]
        for _ in range(length):
            if caches[0] and caches[0][0].shape[2] == self.context:
                caches, new = [[] for _ in self.h], codes[-max(self.context // 2, 1) :]
            with no_grad():
                logits = self(np.array([new]), caches).data[0, -1].astype(float)
            codes.append(sampled(logits / temperature, top_k))
            new = codes[-1:]
            yield codes[-1]


def sampled(logits: np.ndarray, top_k: int | None) -> int:
    """An index drawn from softmax(logits), of the `top_k` largest if given."""
    candidates = np.argsort(-logits, kind="stable")[:top_k]
    p = np.exp(logits[candidates] - logits.max())
    return int(nn.init.generator().choice(candidates, p=p / p.sum()))


def load(path: Path, heads: int | None = None) -> GPT2:
    """The model of a safetensors file in the published layout.

    The number of heads is that of config.json beside the file, if it is there, and else such that
    each has 64 features, as in all published sizes. Names may begin with "transformer."; causal
    masks and a head that repeats the embedding are left out. Raises ValueError for other files.
    """
    state = {name.removeprefix("transformer."): a for name, a in nn.load(path).state.items()}
    state = {k: a for k, a in state.items() if not re.fullmatch(r"h\.\d+\.attn\.(masked_)?bias", k)}
    head = state.pop("lm_head.weight", None)
    if not {"wte.weight", "wpe.weight"} <= state.keys():
        raise ValueError(f"{path} does not hold wte.weight and wpe.weight, as GPT-2's weights do")
    (vocabulary, width), context = state["wte.weight"].shape, len(state["wpe.weight"])
    if head is not None and not np.array_equal(head, state["wte.weight"]):
        raise ValueError(f"{path} has a head of its own, and GPT-2's is its embedding")
    config = path.parent / "config.json"
    if heads is None and config.exists():
        heads = json.loads(config.read_text(encoding="utf-8")).get("n_head")
    heads = heads or max(width // 64, 1)
    if width % heads:
        raise ValueError(f"{path}: {width} features do not divide into {heads} heads")
    layers = len({name.split(".")[1] for name in state if name.startswith("h.")})
    model = GPT2(vocabulary, context, width, layers, heads)
    model.load_state_dict(state)
    return model.eval()
