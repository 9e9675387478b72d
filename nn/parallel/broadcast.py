"""The same parameters everywhere."""

from __future__ import annotations

from typing import Any

from ..module import Module
from ..optim import Optimizer
from .agreement import check_agreement, described
from .ranks import world

__all__ = ["broadcast_parameters"]


def broadcast_parameters(model: Module[Any], optimizer: Optimizer | None = None) -> None:
    """Set the model's parameters and buffers, and the optimizer's state, to those of rank 0.

    All processes have to call it.  Raises ValueError in each of them if their models differ in a
    name, shape or dtype.

    >>> import nn
    >>> from nn import parallel
    >>> parallel.broadcast_parameters(nn.Dense(2, 3))
    """
    ranks = world()
    if ranks.size > 1:
        check_agreement(ranks, described(model, optimizer))
        level(ranks, *(part for part in (model, optimizer) if part is not None))


def level(ranks: Any, *parts: Any) -> None:
    """Set all that has a state to rank 0's."""
    states = ranks.broadcast([part.state_dict() for part in parts] if ranks.rank == 0 else None)
    if ranks.rank:
        for part, state in zip(parts, states, strict=True):
            part.load_state_dict(state)
