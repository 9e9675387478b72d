"""One training step of a small transformer that predicts the next character."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from .harness import Contestant, Table, available, compare

LAYERS, WIDTH, HEADS, LENGTH, BATCH, CHARACTERS = 2, 64, 4, 64, 16, 65
RATE = 1e-3
Batch = tuple[np.ndarray, np.ndarray]


def ours(weights: dict[str, np.ndarray], batch: Batch, compiled: bool = False) -> Contestant:
    """This project, or with the loss compiled into one op."""
    import nn
    import tinygrad_edu

    model = _model()
    for name, parameter in model.named_parameters():
        parameter.data[...] = weights[name]
    optimizer = nn.AdamW(model.parameters(), lr=RATE)

    def loss_of(x: np.ndarray, t: np.ndarray) -> Any:
        return nn.cross_entropy(model(x), t)

    compute = tinygrad_edu.compile(loss_of) if compiled else loss_of

    def step() -> Any:
        loss = compute(*batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def _model() -> Any:
    import nn

    class Transformer(nn.Module):
        """Characters and positions, blocks, and what comes next."""

        def __init__(self) -> None:
            self.characters = nn.Embedding(CHARACTERS, WIDTH)
            self.positions = nn.Parameter(np.zeros((LENGTH, WIDTH), np.float32))
            self.blocks = nn.ModuleList(
                nn.TransformerBlock(WIDTH, HEADS, dropout=0.0, activation="gelu")
                for _ in range(LAYERS)
            )
            self.norm = nn.LayerNorm(WIDTH)
            self.head = nn.Dense(WIDTH, CHARACTERS)

        def forward(self, x: Any) -> Any:
            x = self.characters(x) + self.positions
            for block in self.blocks:
                x = block(x, is_causal=True)
            return self.head(self.norm(x))

    return Transformer()


def pytorch(weights: dict[str, np.ndarray], batch: Batch) -> Contestant:
    """PyTorch, eager, with its fused attention."""
    import torch
    from torch.nn import functional as F

    ps = {name: torch.tensor(value, requires_grad=True) for name, value in weights.items()}
    x, t = map(torch.tensor, batch)
    optimizer = torch.optim.AdamW(ps.values(), lr=RATE, weight_decay=0.01)
    scores = LENGTH * BATCH, CHARACTERS

    def dense(x: Any, name: str, weight: str = "weight", bias: str = "bias") -> Any:
        return F.linear(x, ps[f"{name}{weight}"].T, ps[f"{name}{bias}"])

    def norm(x: Any, name: str) -> Any:
        return F.layer_norm(x, (WIDTH,), ps[f"{name}weight"], ps[f"{name}bias"])

    def block(x: Any, at: str) -> Any:
        y = dense(norm(x, f"{at}norm1."), f"{at}self_attn.in_proj_")
        y = y.view(BATCH, LENGTH, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(*y, is_causal=True).transpose(1, 2).reshape(x.shape)
        x = x + dense(y, f"{at}self_attn.out_proj.")
        hidden = F.gelu(dense(norm(x, f"{at}norm2."), f"{at}linear1."))
        return x + dense(hidden, f"{at}linear2.")

    def step() -> Any:
        y = F.embedding(x, ps["characters.weight"]) + ps["positions"]
        for i in range(LAYERS):
            y = block(y, f"blocks.{i}.")
        loss = F.cross_entropy(dense(norm(y, "norm."), "head.").view(scores), t.view(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def tables(rounds: int) -> Iterator[Table]:
    """The step on one batch; the ratio is to PyTorch, where it is installed."""
    import nn

    nn.manual_seed(0)
    weights = {name: p.data.copy() for name, p in _model().named_parameters()}
    random = np.random.default_rng(0)
    batch: Batch = tuple(random.integers(0, CHARACTERS, (2, BATCH, LENGTH)))  # type: ignore[assignment]
    makers: dict[str, Callable[[dict[str, np.ndarray], Batch], Contestant]] = {
        "PyTorch": pytorch,
        "tinygrad-edu, nn": ours,
        "tinygrad-edu, nn, compiled": partial(ours, compiled=True),
    }
    contestants, notes = available(
        {name: partial(make, weights, batch) for name, make in makers.items()}
    )
    first, *others = contestants
    expected = [float(contestants[first]()) for _ in range(4)]
    for name in others:
        losses = [float(contestants[name]()) for _ in range(4)]
        np.testing.assert_allclose(losses, expected, rtol=1e-3, err_msg=name)
    title = (
        f"Transformer {LAYERS} x {WIDTH}, {HEADS} heads, {LENGTH} characters, batch {BATCH}, "
        "float32, one AdamW step"
    )
    yield Table(title, compare(contestants, rounds=rounds), notes)
