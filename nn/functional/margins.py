"""Losses that ask for a margin: between scores, between distances, between directions."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import Tensor, ops

from .options import checked, number
from .regression import cosine_similarity
from .targets import (
    REDUCTION,
    at,
    check_order,
    check_range,
    check_signs,
    class_weights,
    classes_last,
    of_one_shape,
    pair,
    reduced,
    single_classes,
    weighted,
)

__all__ = [
    "cosine_embedding_loss", "hinge_embedding_loss", "margin_ranking_loss", "multi_margin_loss",
    "multiclass_hinge_loss", "triplet_margin_loss",
]  # fmt: skip


def _shortfall(missing: Any) -> Any:
    """What is missing of a margin, 0 if nothing is; the slope at 0 is 1, as in PyTorch."""
    return ops.clamp(missing, 0)


# -------------------------------------------------------------------- classes


@checked(REDUCTION, number("p", lambda v: v in (1, 2), "1 or 2"))
def multi_margin_loss(
    prediction: Tensor, targets: Any, reduction: str = "mean", *, p: int = 1, margin: float = 1.0,
    weight: Any = None,
) -> Tensor:  # fmt: skip
    """How far the other classes' scores come into the margin below the class's own, yₜ.

    L = mean over the rows of Σ max(0, m - yₜ + yⱼ)ᵖ / C, the sum over the C - 1 other classes j of
    scores (..., classes); targets are class indices (...) or one-hot rows (Weston and Watkins,
    "Support vector machines for multi-class pattern recognition", 1999).  `weight` (classes,)
    multiplies the rows by their class's; the mean divides by the number of rows all the same, as in
    PyTorch.  The largest of the other classes alone counts in `multiclass_hinge_loss`.

    Raises TypeError for indices that are not integers, ValueError for other shapes, classes out of
    range, rows that are not one-hot and a p that is not 1 or 2.

    >>> float(multi_margin_loss(Tensor([[1.0, 0.5, 0.75]]), np.array([0])))
    0.4166666666666667
    """
    check_order(prediction, targets)
    prediction, targets = classes_last(prediction, targets)
    weight = class_weights(weight, prediction)
    own, indices = _own_class(prediction, targets)
    missing = ops.relu(margin - np.expand_dims(at(prediction, indices), -1) + prediction)
    missing = ops.where(own, 0, missing if p == 1 else missing * missing)
    losses = missing.sum(axis=-1) / prediction.shape[-1]
    return reduced(losses if weight is None else losses * weight[indices], reduction)


@checked(REDUCTION)
def multiclass_hinge_loss(
    prediction: Tensor, targets: Any, reduction: str = "mean", *, margin: float = 1.0,
    weight: Any = None,
) -> Tensor:  # fmt: skip
    """How far the highest score of another class comes into the margin below the class's own, yₜ.

    L = mean(max(0, m + max yⱼ - yₜ)), over the other classes j of scores (..., classes): the hinge
    loss of Crammer and Singer, "On the algorithmic implementation of multiclass kernel-based vector
    machines", 2001.  (`multi_margin_loss` is another one: it adds all other classes up.)  Targets,
    `weight` and errors are as there.

    >>> float(multiclass_hinge_loss(Tensor([[1.0, 0.5, 0.75]]), np.array([0])))
    0.75
    """
    check_order(prediction, targets)
    prediction, targets = classes_last(prediction, targets)
    weight = class_weights(weight, prediction)
    own, indices = _own_class(prediction, targets)
    highest = ops.where(own, -np.inf, prediction).max(axis=-1)
    losses = _shortfall(margin + highest - at(prediction, indices))
    return reduced(losses if weight is None else losses * weight[indices], reduction)


def _own_class(scores: Tensor, targets: Any) -> tuple[np.ndarray, np.ndarray]:
    """Where the scores are of their row's class, and the class indices."""
    indices = single_classes(scores, targets)
    check_range(scores, indices)
    return indices[..., None] == np.arange(scores.shape[-1]), indices


# -------------------------------------------------------------------- pairs and triplets


@checked(REDUCTION)
def margin_ranking_loss(
    x: Tensor, y: Any, target: Any, reduction: str = "mean", *, margin: float = 0.0,
    weight: Any = None,
) -> Tensor:  # fmt: skip
    """How far scores x are from above scores y, where t = 1, or from below, where t = -1.

    L = mean(max(0, m - t (x - y))).  Raises ValueError unless the shapes are equal and the targets
    -1 or 1.

    >>> x, y = Tensor([2.0, 2.0]), np.array([1.0, 1.0])
    >>> margin_ranking_loss(x, y, np.array([1, -1]), "none", margin=0.5)
    Tensor([0. , 1.5])
    """
    check_order(x, target)
    check_order(y, target)
    x, y = of_one_shape(x, y, ("first input", "second input"))
    difference, target = of_one_shape(x - y, target)
    check_signs(target)
    return weighted(_shortfall(margin - target * difference), reduction, weight)


@checked(REDUCTION)
def hinge_embedding_loss(
    prediction: Tensor, target: Any, reduction: str = "mean", *, margin: float = 1.0,
    weight: Any = None,
) -> Tensor:  # fmt: skip
    """Distances of pairs that are similar, t = 1, and what dissimilar ones, t = -1, lack.

    L = mean of y where t = 1, and of max(0, m - y) where t = -1.  Raises ValueError unless the
    targets are -1 or 1 and the shapes are equal.

    >>> hinge_embedding_loss(Tensor([0.25, 0.25, 3.0]), np.array([1, -1, -1]), "none")
    Tensor([0.25, 0.75, 0.  ])
    """
    prediction, target = pair(prediction, target)
    check_signs(target)
    losses = ops.where(target > 0, prediction, _shortfall(margin - prediction))
    return weighted(losses, reduction, weight)


@checked(
    REDUCTION,
    number("margin", lambda v: v > 0, "positive"),
    number("p", lambda v: v > 0, "positive"),
)
def triplet_margin_loss(
    anchor: Tensor, positive: Any, negative: Any, reduction: str = "mean", *, margin: float = 1.0,
    p: float = 2.0, eps: float = 1e-6, swap: bool = False, weight: Any = None,
) -> Tensor:  # fmt: skip
    """How far anchors are from nearer, by a margin, to what is alike than to what is not.

    L = mean(max(0, d(a, p) - d(a, n) + m)) of vectors (..., features), where d is the distance
    ‖x - y + ε‖ₚ.  With `swap` the negative's distance is d(p, n) where that is smaller (Balntas et
    al., "Learning local feature descriptors with triplets", 2016).  Raises ValueError unless the
    shapes are equal, and margin and p positive.

    >>> a, p, n = Tensor([[0.0, 0.0]]), np.array([[3.0, 4.0]]), np.array([[0.0, 4.5]])
    >>> f"{triplet_margin_loss(a, p, n):.4f}"
    '1.5000'
    """
    anchor, positive = of_one_shape(anchor, positive, ("anchor", "positive"))
    anchor, negative = of_one_shape(anchor, negative, ("anchor", "negative"))

    def distance(x: Any, y: Any) -> Any:
        return np.linalg.norm(x - y + eps, p, axis=-1)

    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = np.minimum(far, distance(positive, negative))
    return weighted(_shortfall(near - far + margin), reduction, weight)


@checked(REDUCTION, number("margin", lambda v: -1 <= v <= 1, "from -1 to 1"))
def cosine_embedding_loss(
    x: Tensor, y: Any, target: Any, reduction: str = "mean", *, margin: float = 0.0,
    weight: Any = None,
) -> Tensor:  # fmt: skip
    """How far vectors (..., features) are from alike, where t = 1, or from unlike, t = -1.

    L = mean of 1 - cos(x, y) where t = 1, and of max(0, cos(x, y) - margin) where t = -1; target
    (...).  Raises ValueError for other shapes, other targets and a margin outside [-1, 1].

    >>> x, y = Tensor([[3.0, 4.0], [1.0, 0.0]]), np.array([[6.0, 8.0], [0.0, 2.0]])
    >>> float(cosine_embedding_loss(x, y, np.array([1, 1])))
    0.5
    """
    check_order(x, target)
    check_order(y, target)
    cosine, target = of_one_shape(cosine_similarity(x, y), target)
    check_signs(target)
    losses = ops.where(target > 0, 1 - cosine, _shortfall(cosine - margin))
    return weighted(losses, reduction, weight)
