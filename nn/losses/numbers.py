"""Losses of numbers, elementwise, and of directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_edu import Tensor, ops

from .arguments import REDUCTIONS, check, fitted, reduced, signed, tensor


def elementwise(
    function: Callable[..., Tensor],
    prediction: Any,
    target: Any,
    reduction: str,
    weight: Any,
    allowed: tuple[str, ...] = REDUCTIONS,
    **options: Any,
) -> Tensor:
    """A loss of `ops`, each element weighted, then reduced."""
    name = function.__name__
    check(name, reduction, allowed, **options)
    prediction = tensor(name, prediction)
    if weight is None:
        return function(prediction, target, reduction, **options)
    return weighted(name, function(prediction, target, "none", **options), reduction, weight)


def weighted(loss: str, losses: Tensor, reduction: str, weight: Any) -> Tensor:
    """Each loss times its weight, if there is one, then reduced."""
    if weight is not None:
        losses = losses * fitted(loss, "weight", weight, losses)
    return reduced(losses, reduction)


def mse_loss(
    prediction: Tensor, target: Any, reduction: str = "mean", *, weight: Any = None
) -> Tensor:
    """Mean squared error, L = mean((y - t)²).  Raises ValueError unless the shapes are equal.

    >>> import numpy as np
    >>> float(mse_loss(Tensor([1.0, 2.0]), np.array([1.0, 4.0])))
    2.0
    >>> float(mse_loss(Tensor([1.0, 2.0]), np.array([1.0, 4.0]), weight=np.array([1.0, 0.5])))
    1.0
    """
    return elementwise(ops.mse_loss, prediction, target, reduction, weight)


def l1_loss(
    prediction: Tensor, target: Any, reduction: str = "mean", *, weight: Any = None
) -> Tensor:
    """Mean absolute error, L = mean |y - t|; its slope at 0 counts as 0.

    Raises ValueError unless the shapes are equal.

    >>> import numpy as np
    >>> float(l1_loss(Tensor([1.0, 2.0]), np.array([1.0, 4.0])))
    1.0
    """
    return elementwise(ops.l1_loss, prediction, target, reduction, weight)


def huber_loss(
    prediction: Tensor,
    target: Any,
    reduction: str = "mean",
    *,
    delta: float = 1.0,
    weight: Any = None,
) -> Tensor:
    """Squared error near 0, absolute error further out, so that outliers pull no harder than δ.

    L = mean of (y - t)² / 2 where |y - t| ≤ δ, and of δ (|y - t| - δ / 2) elsewhere.  Raises
    ValueError unless the shapes are equal and delta is positive.  Huber, "Robust estimation of a
    location parameter", 1964.

    >>> import numpy as np
    >>> huber_loss(Tensor([1.0, 5.0]), np.array([0.0, 0.0]), "none")
    Tensor([0.5, 4.5])
    """
    return elementwise(ops.huber_loss, prediction, target, reduction, weight, delta=delta)


def smooth_l1_loss(
    prediction: Tensor,
    target: Any,
    reduction: str = "mean",
    *,
    beta: float = 1.0,
    weight: Any = None,
) -> Tensor:
    """Absolute error, rounded off where it is below β: huber_loss(delta=β) / β.

    Raises ValueError unless the shapes are equal and beta is 0 (absolute error) or more.

    >>> import numpy as np
    >>> smooth_l1_loss(Tensor([1.0, 5.0]), np.array([0.0, 0.0]), "none", beta=2.0)
    Tensor([0.25, 4.  ])
    """
    return elementwise(ops.smooth_l1_loss, prediction, target, reduction, weight, beta=beta)


def cosine_similarity(x: Tensor, y: Any, axis: int = -1, eps: float = 1e-8) -> Tensor:
    """Cosine of the angle between vectors along an axis, x · y / (‖x‖ ‖y‖), norms at least eps.

    Raises ValueError unless the shapes are equal.

    >>> import numpy as np
    >>> cosine_similarity(Tensor([[3.0, 4.0], [1.0, 0.0]]), np.array([[6.0, 8.0], [0.0, 2.0]]))
    Tensor([1., 0.])
    """
    similarity: Tensor = ops.cosine_similarity(tensor("cosine_similarity", x), y, axis, eps)
    return similarity


def cosine_embedding_loss(
    x: Tensor,
    y: Any,
    target: Any,
    reduction: str = "mean",
    *,
    margin: float = 0.0,
    weight: Any = None,
) -> Tensor:
    """How far vectors (..., features) are from alike, where t = 1, or from unlike, t = -1.

    L = mean of 1 - cos(x, y) where t = 1, and of max(0, cos(x, y) - margin) where t = -1; target
    (...).  Raises ValueError for other shapes, other targets and a margin outside [-1, 1].

    >>> import numpy as np
    >>> x, y = Tensor([[3.0, 4.0], [1.0, 0.0]]), np.array([[6.0, 8.0], [0.0, 2.0]])
    >>> float(cosine_embedding_loss(x, y, np.array([1, 1])))
    0.5
    """
    check("cosine_embedding_loss", reduction, margin=margin)
    signed("cosine_embedding_loss", target)
    x = tensor("cosine_embedding_loss", x)
    losses = ops.cosine_embedding_loss(x, y, target, margin, "none")
    return weighted("cosine_embedding_loss", losses, reduction, weight)
