"""Losses of one class out of many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, ops

from .options import checked, number
from .targets import (
    REDUCTION,
    at,
    check_order,
    check_range,
    class_indices,
    class_weights,
    classes_last,
    constant_like,
    expects,
    plain,
    reduced,
    single_classes,
    tensor,
)

__all__ = ["categorical_cross_entropy", "cross_entropy", "focal_loss", "nll_loss"]

IGNORED = -100
_SMOOTHING = number("label_smoothing", lambda v: 0 <= v <= 1, "from 0 to 1")


@checked(REDUCTION, _SMOOTHING)
def cross_entropy(
    logits: Tensor, targets: Any, reduction: str = "mean", *, weight: Any = None,
    ignore_index: int = IGNORED, label_smoothing: float = 0.0, axis: int = -1,
) -> Tensor:  # fmt: skip
    """Cross-entropy of logits (..., classes) and classes t, L = mean(ln Σ eˣ - xₜ).

    The logits x are what the network gives before a softmax; the loss is computed stably.  Targets
    are class indices (...) or rows (..., classes): one-hot integers, which count as the indices, or
    floats, which are probabilities q and give L = mean(-Σ q ln softmax x).  The classes are on the
    last axis, or on another `axis`: of images (batch, classes, height, width) `axis=1`, PyTorch's.

    `weight` (classes,) multiplies each class's part.  With indices the mean divides by the sum of
    their weights, with probabilities by the number of rows, as in PyTorch.  Rows whose index is
    `ignore_index` count nothing; of nothing but those the mean is 0.  `label_smoothing` ε takes
    (1 - ε) of the target and shares ε among all classes (Szegedy et al., "Rethinking the inception
    architecture", 2016).

    Raises TypeError for indices that are not integers, ValueError for other shapes, classes out of
    range and rows that are no probabilities.  Warns if the logits are probabilities already.

    >>> logits = Tensor([[2.0, 0.0], [0.0, 2.0]])
    >>> f"{cross_entropy(logits, np.array([0, 1])):.4f}"
    '0.1269'
    >>> f"{cross_entropy(logits, np.array([[0.5, 0.5], [0.0, 1.0]])):.4f}"
    '0.6269'
    """
    check_order(logits, targets)
    given = tensor(logits)
    logits, targets = classes_last(given, targets, axis)
    instead = "what comes before the softmax, or use categorical_cross_entropy"
    expects("cross_entropy", "logits", given, instead, axis)
    t = plain(targets)
    indices = t.ndim < logits.ndim and t.dtype.kind in "iu"
    if indices and weight is None and not label_smoothing and _all_count(t, ignore_index):
        try:
            return ops.cross_entropy(
                logits, targets if isinstance(targets, Tensor) else t, reduction
            )
        except ValueError:
            check_range(logits, t)
            raise
    return _of_classes(
        logits, targets, reduction, ops.log_softmax,
        lambda x, t: ops.cross_entropy(x, t, "none"), weight, ignore_index, label_smoothing,
    )  # fmt: skip


@checked(REDUCTION, _SMOOTHING)
def categorical_cross_entropy(
    prediction: Tensor, targets: Any, reduction: str = "mean", *, weight: Any = None,
    ignore_index: int = IGNORED, label_smoothing: float = 0.0, axis: int = -1,
) -> Tensor:  # fmt: skip
    """Cross-entropy of probabilities (..., classes), after a softmax, and classes t.

    L = mean(-ln yₜ), where ln 0 counts as -100 and no slope as steeper than 1e12.  Targets and
    options are those of `cross_entropy`, which wants logits and is exact where a softmax rounds to
    0: take that where there is a choice.  Raises what it does, and ValueError outside [0, 1].

    >>> y = Tensor([[0.25, 0.75], [1.0, 0.0]])
    >>> categorical_cross_entropy(y, np.array([1, 1]), "none")
    Tensor([  0.28768207, 100.        ])
    """
    check_order(prediction, targets)
    prediction, targets = classes_last(prediction, targets, axis)
    if np.any(prediction < 0) or np.any(prediction > 1):
        raise ValueError(
            "the predictions must be probabilities, from 0 to 1; put a softmax before it, "
            "or give logits to cross_entropy"
        )
    return _of_classes(
        prediction, targets, reduction, ops.log_probability,
        lambda y, t: -at(ops.log_probability(y), t), weight, ignore_index, label_smoothing,
    )  # fmt: skip


@checked(REDUCTION)
def nll_loss(
    prediction: Tensor, targets: Any, reduction: str = "mean", *, weight: Any = None,
    ignore_index: int = IGNORED, axis: int = -1,
) -> Tensor:  # fmt: skip
    """Negative log-likelihood of log-probabilities (..., classes), L = mean(-yₜ).

    nll_loss(log_softmax(x), t) is cross_entropy(x, t), whose targets and options these are.  Raises
    what that does.  Warns if the log-probabilities are probabilities.

    >>> float(nll_loss(Tensor([[-0.5, -1.0], [-2.0, -0.25]]), np.array([1, 0])))
    1.5
    """
    check_order(prediction, targets)
    given = tensor(prediction)
    prediction, targets = classes_last(given, targets, axis)
    expects("nll_loss", "log-probabilities", given, "what log_softmax returns", axis)
    return _of_classes(
        prediction, targets, reduction, lambda y: y, lambda y, t: -at(y, t), weight, ignore_index,
    )  # fmt: skip


@checked(REDUCTION, number("gamma", lambda v: v >= 0, "0 or more"))
def focal_loss(
    logits: Tensor, targets: Any, reduction: str = "mean", *, gamma: float = 2.0,
    weight: Any = None, ignore_index: int = IGNORED, axis: int = -1,
) -> Tensor:  # fmt: skip
    """Cross-entropy that easy samples hardly count in, L = mean((1 - p)ᵞ (-ln p)).

    p is the class's probability, softmax(x)ₜ; with γ = 0 this is `cross_entropy`, whose targets
    and options these are, but for probabilities as targets.  `weight` (classes,) is the paper's α.
    For classes that are rare (Lin et al., "Focal loss for dense object detection", 2017, which has
    it of two classes: `sigmoid_focal_loss`).  Raises and warns of what `cross_entropy` does.

    >>> logits = Tensor([[2.0, 0.0], [0.0, 2.0]])
    >>> f"{focal_loss(logits, np.array([0, 1])):.4f}"
    '0.0018'
    """
    check_order(logits, targets)
    given = tensor(logits)
    logits, targets = classes_last(given, targets, axis)
    expects("focal_loss", "logits", given, "what comes before the softmax", axis)
    weight = class_weights(weight, logits)
    logits, indices, kept = _counted(logits, single_classes(logits, targets), ignore_index)
    logarithms = ops.log_softmax(logits, -1)
    own = indices[..., None] == np.arange(logits.shape[-1])
    others = ops.logsumexp(ops.where(own, -np.inf, logarithms), -1)  # ln (1 - p)
    losses = np.exp(gamma * others) * -at(logarithms, indices)
    share = kept if weight is None else tensor(weight)[indices] * kept
    return _mean_by(share, losses * share, reduction)


def _all_count(indices: np.ndarray, ignore_index: int) -> bool:
    """Whether no row is ignored, certainly: all indices are on the other side of 0."""
    return ignore_index < 0 and (not indices.size or indices.item(indices.argmin()) >= 0)


def _counted(scores: Tensor, indices: np.ndarray, ignore_index: int) -> Any:
    """Scores and indices, 0 in the rows that are ignored, and where there is none of these a 1."""
    ignored = indices == ignore_index
    indices = np.where(ignored, 0, indices)
    check_range(scores, indices)
    counted = ops.where(ignored[..., None], 0.0, scores)  # whatever they hold, also NaN
    return counted, indices, constant_like(~ignored, scores)


def _of_classes(
    scores: Tensor, targets: Any, reduction: str, logarithm: Callable[[Any], Any],
    of_indices: Callable[[Any, Any], Any], weight: Any, ignore_index: int,
    label_smoothing: float = 0.0,
) -> Tensor:  # fmt: skip
    """The loss of each row, `of_indices(scores, t)` or -Σ q logarithm(scores), reduced."""
    weight = class_weights(weight, scores)
    indices = class_indices(scores, targets)
    share = None  # of each row in the mean
    even: Any = label_smoothing / scores.shape[-1]
    if indices is None:
        if ignore_index >= 0:
            raise ValueError(
                f"ignore_index={ignore_index} is for class indices, and these targets are "
                "probabilities; give such rows weight 0 after reduction='none'"
            )
        q = constant_like(targets, scores)
    else:
        scores, indices, kept = _counted(scores, indices, ignore_index)
        share = kept if weight is None else tensor(weight)[indices] * kept
        if not label_smoothing:
            return _mean_by(share, of_indices(scores, indices) * share, reduction)
        own = indices[..., None] == np.arange(scores.shape[-1])
        q = constant_like(own, scores) * kept[..., None]
        even = even * kept[..., None]
    if label_smoothing:
        q = q * (1 - label_smoothing) + even
    losses = -((q if weight is None else q * weight) * logarithm(scores)).sum(axis=-1)
    return _mean_by(share, losses, reduction)


def _mean_by(share: Any, losses: Tensor, reduction: str) -> Tensor:
    """Reduced; the mean divides by the sum of the shares, if there are any."""
    if share is None or reduction != "mean":
        return reduced(losses, reduction)
    half = losses.dtype == np.float16  # which counts to 2048 only
    total, summed = (x.sum(dtype=np.float32 if half else None) for x in (share, losses))
    mean: Tensor = summed / np.where(total == 0, 1, total)
    return ops.cast(mean, np.float16) if half else mean
