"""One training step of a small transformer that predicts the next character."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from . import jax_training
from .harness import Contestant, Table, available, compare, first_runs
from .training import torch_training_step, training_step

LAYERS, WIDTH, HEADS, LENGTH, BATCH, CHARACTERS = 2, 64, 4, 64, 16, 65
RATE = 1e-3
Batch = tuple[np.ndarray, np.ndarray]


def ours(weights: dict[str, np.ndarray], batch: Batch, compiled: bool = False) -> Contestant:
    """This project, or with the loss compiled into one op."""
    import nn

    model = _model()
    for name, parameter in model.named_parameters():
        parameter.data[...] = weights[name]
    optimizer = nn.AdamW(model.parameters(), lr=RATE)
    return training_step(model, optimizer, *batch, compiled)


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


def pytorch(weights: dict[str, np.ndarray], batch: Batch, compiled: bool = False) -> Contestant:
    """PyTorch with its fused attention, eager or with the loss compiled."""
    import torch
    from torch.nn import functional as F

    ps = {name: torch.tensor(value, requires_grad=True) for name, value in weights.items()}
    x, t = batch
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

    def model(x: Any) -> Any:
        y = F.embedding(x, ps["characters.weight"]) + ps["positions"]
        for i in range(LAYERS):
            y = block(y, f"blocks.{i}.")
        return dense(norm(y, "norm."), "head.").view(scores)

    return torch_training_step(model, optimizer, x, t.reshape(-1), compiled)


def jax_jit(weights: dict[str, np.ndarray], batch: Batch) -> Contestant:
    """JAX, the whole step compiled by jit."""
    import jax

    def dense(x: Any, ps: Any, name: str, weight: str = "weight", bias: str = "bias") -> Any:
        return x @ ps[f"{name}{weight}"] + ps[f"{name}{bias}"]

    def norm(x: Any, ps: Any, name: str) -> Any:
        return jax.nn.standardize(x, epsilon=1e-5) * ps[f"{name}weight"] + ps[f"{name}bias"]

    def block(x: Any, ps: Any, at: str) -> Any:
        y = dense(norm(x, ps, f"{at}norm1."), ps, f"{at}self_attn.in_proj_")
        q, k, v = (each.reshape(BATCH, LENGTH, HEADS, -1) for each in jax.numpy.split(y, 3, -1))
        y = jax.nn.dot_product_attention(q, k, v, is_causal=True).reshape(x.shape)
        x = x + dense(y, ps, f"{at}self_attn.out_proj.")
        hidden = dense(norm(x, ps, f"{at}norm2."), ps, f"{at}linear1.")
        return x + dense(jax.nn.gelu(hidden, approximate=False), ps, f"{at}linear2.")

    def loss(ps: Any, x: Any, t: Any) -> Any:
        y = ps["characters.weight"][x] + ps["positions"]
        for i in range(LAYERS):
            y = block(y, ps, f"blocks.{i}.")
        return jax_training.cross_entropy(dense(norm(y, ps, "norm."), ps, "head."), t)

    adamw = jax_training.adam(RATE, decay=0.01)
    return jax_training.jax_training_step(loss, adamw, weights, *batch)


def tables(rounds: int) -> Iterator[Table]:
    """The step on one batch; the ratio is to PyTorch, where it is installed."""
    import nn

    nn.manual_seed(0)
    weights = {name: p.data.copy() for name, p in _model().named_parameters()}
    random = np.random.default_rng(0)
    batch: Batch = tuple(random.integers(0, CHARACTERS, (2, BATCH, LENGTH)))  # type: ignore[assignment]
    makers: dict[str, Callable[[dict[str, np.ndarray], Batch], Contestant]] = {
        "PyTorch": pytorch,
        "torch.compile": partial(pytorch, compiled=True),
        "tinygrad-edu, nn": ours,
        "tinygrad-edu, nn, compiled": partial(ours, compiled=True),
        "JAX jit": jax_jit,
    }
    made: dict[str, Any] = {name: partial(make, weights, batch) for name, make in makers.items()}
    notes = first_runs(made)
    contestants, missing = available(made)
    first, *others = contestants
    expected = [float(contestants[first]()) for _ in range(4)]
    for name in others:
        losses = [float(contestants[name]()) for _ in range(4)]
        np.testing.assert_allclose(losses, expected, rtol=1e-3, err_msg=name)
    title = (
        f"Transformer {LAYERS} x {WIDTH}, {HEADS} heads, {LENGTH} characters, batch {BATCH}, "
        "float32, one AdamW step"
    )
    yield Table(title, compare(contestants, rounds=rounds), notes + missing)
