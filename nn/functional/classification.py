"""Losses of classes and probabilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, ops

from .options import checked, number, one_of
from .sparse import one_hot
from .targets import (
    REDUCTION,
    check_order,
    check_probabilities,
    check_range,
    check_signs,
    class_indices,
    class_weights,
    constant_like,
    expects,
    fitted,
    pair,
    plain,
    reduced,
    tensor,
    weighted,
)

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "categorical_cross_entropy",
    "cross_entropy", "hinge_loss", "kl_div", "nll_loss",
]  # fmt: skip

IGNORED = -100
_SMOOTHING = number("label_smoothing", lambda v: 0 <= v <= 1, "from 0 to 1")

# -------------------------------------------------------------------- one class against the other


@checked(REDUCTION)
def binary_cross_entropy(
    prediction: Tensor, target: Any, reduction: str = "mean", *, weight: Any = None
) -> Tensor:
    """Cross-entropy of probabilities y and t, L = mean(-t ln y - (1 - t) ln (1 - y)).

    ln 0 counts as -100, and no slope as steeper than 1e12, so that a certain mistake costs a finite
    loss and still has a gradient.  What a saturated sigmoid lets through of that is 0 all the same:
    where there is a choice, take `binary_cross_entropy_with_logits`.  Raises ValueError for
    predictions or targets outside [0, 1] and unless the shapes are equal.

    >>> binary_cross_entropy(Tensor([0.5, 0.0]), np.array([1, 1]), "none")
    Tensor([  0.69314718, 100.        ])
    """
    prediction, t = pair(prediction, target)
    check_probabilities(target)
    if np.any(prediction < 0) or np.any(prediction > 1):
        raise ValueError(
            "the predictions must be probabilities, from 0 to 1; put a sigmoid before it, "
            "or use binary_cross_entropy_with_logits"
        )
    return weighted(ops.bernoulli(prediction, t), reduction, weight)


@checked(REDUCTION)
def binary_cross_entropy_with_logits(
    logits: Tensor, target: Any, reduction: str = "mean", *, weight: Any = None,
    pos_weight: Any = None,
) -> Tensor:  # fmt: skip
    """Cross-entropy of σ(x) and probabilities t, L = mean(-p t ln σ(x) - (1 - t) ln (1 - σ(x))).

    The logits x are what the network gives before a sigmoid.  `pos_weight`, p, is 1 unless given,
    and broadcasts: above 1 it favors recall, below 1 precision.  Raises ValueError for targets
    outside [0, 1] and unless the shapes are equal.

    >>> x, t = Tensor([0.0, -1e4]), np.array([1, 1])
    >>> binary_cross_entropy_with_logits(x, t, "none", pos_weight=2.0)
    Tensor([1.38629436e+00, 2.00000000e+04])
    """
    logits, target = pair(logits, target)
    check_probabilities(target)
    expects(
        "binary_cross_entropy_with_logits",
        "logits",
        logits,
        "what comes before the sigmoid, or use binary_cross_entropy",
    )
    if weight is None and pos_weight is None:
        return ops.binary_cross_entropy_with_logits(logits, target, reduction)
    losses = ops.binary_cross_entropy_with_logits(logits, target, "none")
    if pos_weight is not None:
        p = fitted("pos_weight", pos_weight, logits)
        losses = losses + (p - 1) * target * ops.softplus(-logits)
    return weighted(losses, reduction, weight)


@checked(REDUCTION)
def hinge_loss(
    prediction: Tensor, target: Any, reduction: str = "mean", *, weight: Any = None
) -> Tensor:
    """How far scores fall short of the margin 1 on their side, L = mean(max(0, 1 - t y)).

    Raises ValueError unless the targets are -1 or 1 and the shapes are equal.

    >>> hinge_loss(Tensor([0.5, 2.0, 2.0]), np.array([1, 1, -1]), "none")
    Tensor([0.5, 0. , 3. ])
    """
    prediction, target = pair(prediction, target)
    check_signs(target)
    return weighted(ops.maximum(1 - prediction * target, 0), reduction, weight)


# -------------------------------------------------------------------- one of many classes


@checked(REDUCTION, _SMOOTHING)
def cross_entropy(
    logits: Tensor, targets: Any, reduction: str = "mean", *, weight: Any = None,
    ignore_index: int = IGNORED, label_smoothing: float = 0.0,
) -> Tensor:  # fmt: skip
    """Cross-entropy of logits (..., classes) and classes t, L = mean(ln Σ eˣ - xₜ).

    The logits x are what the network gives before a softmax; the loss is computed stably.  Targets
    are class indices (...) or rows (..., classes): one-hot integers, which count as the indices, or
    floats, which are probabilities q and give L = mean(-Σ q ln softmax x).

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
    logits = tensor(logits)
    instead = "what comes before the softmax, or use categorical_cross_entropy"
    expects("cross_entropy", "logits", logits, instead)
    t = plain(targets)
    indices = t.ndim < logits.ndim and t.shape == logits.shape[:-1] and t.dtype.kind in "iu"
    if indices and weight is None and not label_smoothing and _all_count(t, ignore_index):
        return ops.cross_entropy(logits, targets if isinstance(targets, Tensor) else t, reduction)
    return _of_classes(
        logits, targets, reduction, ops.log_softmax,
        lambda x, t: ops.cross_entropy(x, t, "none"), weight, ignore_index, label_smoothing,
    )  # fmt: skip


@checked(REDUCTION, _SMOOTHING)
def categorical_cross_entropy(
    prediction: Tensor, targets: Any, reduction: str = "mean", *, weight: Any = None,
    ignore_index: int = IGNORED, label_smoothing: float = 0.0,
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
    prediction = tensor(prediction)
    if np.any(prediction < 0) or np.any(prediction > 1):
        raise ValueError(
            "the predictions must be probabilities, from 0 to 1; put a softmax before it, "
            "or give logits to cross_entropy"
        )
    return _of_classes(
        prediction, targets, reduction, ops.log_probability,
        lambda y, t: _negative_at(ops.log_probability(y), t), weight, ignore_index, label_smoothing,
    )  # fmt: skip


@checked(REDUCTION)
def nll_loss(
    prediction: Tensor, targets: Any, reduction: str = "mean", *, weight: Any = None,
    ignore_index: int = IGNORED,
) -> Tensor:  # fmt: skip
    """Negative log-likelihood of log-probabilities (..., classes), L = mean(-yₜ).

    nll_loss(log_softmax(x), t) is cross_entropy(x, t), whose targets and options these are.  Raises
    what that does.  Warns if the log-probabilities are probabilities.

    >>> float(nll_loss(Tensor([[-0.5, -1.0], [-2.0, -0.25]]), np.array([1, 0])))
    1.5
    """
    check_order(prediction, targets)
    prediction = tensor(prediction)
    expects("nll_loss", "log-probabilities", prediction, "what log_softmax returns")
    return _of_classes(
        prediction, targets, reduction, lambda y: y, _negative_at, weight, ignore_index,
    )  # fmt: skip


def _all_count(indices: np.ndarray, ignore_index: int) -> bool:
    """Whether no row is ignored, certainly: all indices are on the other side of 0."""
    return ignore_index < 0 and (not indices.size or indices.item(indices.argmin()) >= 0)


def _negative_at(logarithms: Any, indices: np.ndarray) -> Any:
    """Each row's -yₜ."""
    rows = logarithms.reshape((indices.size, logarithms.shape[-1]))
    return -rows[np.arange(indices.size), indices.ravel()].reshape(indices.shape)


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
        ignored = indices == ignore_index
        indices = np.where(ignored, 0, indices)
        check_range(scores, indices)
        if ignored.any():  # whatever they hold, infinities and NaN too
            scores = ops.where(ignored[..., None], 0.0, scores)
        kept = constant_like(~ignored, scores)
        share = kept if weight is None else weight[indices] * kept
        if not label_smoothing:
            return _mean_by(share, of_indices(scores, indices) * share, reduction)
        q = one_hot(indices, scores.shape[-1], kept.dtype) * kept[..., None]
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
    mean: Tensor = summed / (total if total else 1.0)
    return ops.cast(mean, np.float16) if half else mean


# -------------------------------------------------------------------- distributions


@checked(one_of("reduction", "mean", "sum", "none", "batchmean"))
def kl_div(
    prediction: Tensor, target: Any, reduction: str = "mean", *, log_target: bool = False,
    weight: Any = None,
) -> Tensor:  # fmt: skip
    """Kullback-Leibler divergence of log-probabilities x from probabilities t, Σ t (ln t - x).

    As in PyTorch the prediction comes first and in logarithms, "mean" divides the sum by the number
    of elements, and "batchmean", which is the divergence, by the first axis.  With `log_target` the
    target is ln t; t = 0 is fine either way.  Raises ValueError unless the shapes are equal.

    >>> x, t = Tensor([[0.5, 0.5]]), np.array([[1.0, 0.0]])
    >>> f"{kl_div(np.log(x), t, 'batchmean'):.4f}"
    '0.6931'
    """
    prediction, target = pair(prediction, target)
    expects("kl_div", "log-probabilities", prediction, "what log_softmax returns")
    if log_target:
        possible = np.where(target > -np.inf, target, 0)
        losses = np.exp(target) * (possible - prediction)
    else:
        certain = np.where(target > 0, target, 1)
        losses = np.where(target > 0, target * np.log(certain), 0) - target * prediction
    return weighted(losses, reduction, weight)
