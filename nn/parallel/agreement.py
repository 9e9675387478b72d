"""Whether all processes are about to train the same model on data of the same size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..data import DataLoader, Dataset
from ..module import Module
from ..optim import Optimizer
from .ranks import Ranks

__all__ = ["check_agreement", "described", "described_data"]

Facts = dict[str, str]
_MOST = 5


def described(model: Module[Any], optimizer: Optimizer | None = None) -> Facts:
    """What is to be the same of a model and an optimizer."""
    facts = {
        f"parameter {path}": f"{p.shape} {p.dtype}"
        + "" * p.requires_grad
        + ", frozen" * (not p.requires_grad)
        for path, p in model.named_parameters()
    }
    facts |= {f"buffer {path}": f"{a.shape} {a.dtype}" for path, a in model.named_buffers()}
    if optimizer is not None:
        options = [{k: v for k, v in g.items() if k != "params"} for g in optimizer.groups]
        facts["optimizer"] = f"{type(optimizer).__name__} {options}"
    return facts


def described_data(name: str, loader: DataLoader) -> Facts:
    """What is to be the same of data in batches."""
    data = loader.dataset
    rows = [f"{a.shape[1:]} {a.dtype}" for a in data.arrays] if isinstance(data, Dataset) else []
    options = f"batch_size={loader.batch_size}, drop_last={loader.drop_last}"
    return {name: f"{len(data):,} samples of {' and '.join(rows) or 'any kind'}, {options}"}


def check_agreement(ranks: Ranks, facts: Mapping[str, str]) -> None:
    """Raise ValueError, in all ranks, if the facts of one differ from those of rank 0."""
    first, *others = ranks.allgather(dict(facts))
    lines = []
    for rank, given in enumerate(others, 1):
        for name in dict.fromkeys((*first, *given)):
            ours, theirs = first.get(name, "none"), given.get(name, "none")
            if ours != theirs:
                lines.append(f"  {name}: {ours} in rank 0, {theirs} in rank {rank}")
    if lines:
        more = [f"  ... and {len(lines) - _MOST} more"] if len(lines) > _MOST else []
        advice = "  give all ranks the same model and data, which are divided among them"
        listed = "\n".join([*lines[:_MOST], *more, advice])
        raise ValueError(f"the ranks disagree, and cannot train together:\n{listed}")
