"""A decoder-only transformer on characters, which generates text; char_gpt.py trains it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import nn
from tinygrad_edu import Tensor, no_grad


class GPT(nn.Module):
    """Character indices (n, t) -> logits of the character after each, (n, t, len(characters)).

    Every position attends only to itself and those before it, and learns to predict the next
    character (Radford et al., Improving Language Understanding by Generative Pre-Training, 2018).
    """

    def __init__(self, characters: str, context: int, width: int, layers: int, dropout: float):
        self.sizes = {"context": context, "width": width, "layers": layers, "dropout": dropout}
        self.characters, self.context = characters, context
        small = nn.init.normal(std=0.02)
        self.token = nn.Embedding(len(characters), width, init=small)
        self.position = nn.Embedding(context, width, init=small)
        self.blocks = nn.ModuleList(
            nn.TransformerBlock(width, nhead=4, dropout=dropout, activation=nn.GELU("tanh"))
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Dense(width, len(characters), bias=False, init=small)

    def forward(self, codes: Any) -> Tensor:
        x = self.token(codes) + self.position(np.arange(codes.shape[1]))
        for block in self.blocks:
            x = block(x, is_causal=True)
        return self.head(self.norm(x))

    def encode(self, text: str) -> np.ndarray:
        """The index of each character. Raises ValueError for unknown characters."""
        if unknown := "".join(sorted(set(text) - set(self.characters))):
            raise ValueError(f"the model does not know {unknown!r}, only {self.characters!r}")
        index = {character: i for i, character in enumerate(self.characters)}
        return np.array([index[character] for character in text])

    def generate(
        self, prompt: str, length: int, temperature: float = 1.0, top_k: int | None = None
    ) -> Iterator[str]:
        """Continue the prompt by characters sampled from softmax(logits / temperature)."""
        self.eval()
        codes = list(self.encode(prompt or self.characters[0]))
        for _ in range(length):
            with no_grad():
                logits = self(np.array([codes[-self.context :]])).data[0, -1].astype(float)
            if top_k is not None:  # exclude all but the k most likely
                logits[np.argsort(logits)[:-top_k]] = -np.inf
            p = np.exp((logits - logits.max()) / temperature)
            codes.append(nn.init.generator().choice(len(p), p=p / p.sum()))
            yield self.characters[codes[-1]]


def save(path: Path, model: GPT) -> None:
    """Save a model, and the arguments to construct it again."""
    nn.save(path, model, characters=model.characters, sizes=model.sizes)


def load(path: Path) -> GPT:
    """The model that `save` wrote. Raises ValueError for other files."""
    found = nn.load(path)
    if not {"characters", "sizes"} <= found.more.keys():
        raise ValueError(f"{path} holds no model of char_gpt.py")
    model = GPT(found.more["characters"], **found.more["sizes"])
    model.load_state_dict(found.state)
    return model
