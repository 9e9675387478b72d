"""Losses of classes and probabilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, ops
from tinygrad_edu.errors import place

from .arguments import (
    REDUCTIONS,
    check,
    class_indices,
    class_weights,
    constant_like,
    expects,
    fitted,
    in_range,
    plain,
    probable,
    reduced,
    signed,
    tensor,
)
from .numbers import elementwise, weighted

IGNORED = -100

# -------------------------------------------------------------------- one class against the other


def binary_cross_entropy(
    prediction: Tensor, target: Any, reduction: str = "mean", *, weight: Any = None
) -> Tensor:
    """Cross-entropy of probabilities y and t, L = mean(-t ln y - (1 - t) ln (1 - y)).

    ln 0 counts as -100, and no slope as steeper than 1e12, so that a certain mistake costs a finite
    loss and still has a gradient.  What a saturated sigmoid lets through of that is 0 all the same:
    where there is a choice, take `binary_cross_entropy_with_logits`.  Raises ValueError for
    predictions or targets outside [0, 1] and unless the shapes are equal.

    >>> import numpy as np
    >>> binary_cross_entropy(Tensor([0.5, 0.0]), np.array([1, 1]), "none")
    Tensor([  0.69314718, 100.        ])
    """
    probable("binary_cross_entropy", target)
    return elementwise(ops.binary_cross_entropy, prediction, target, reduction, weight)


def binary_cross_entropy_with_logits(
    logits: Tensor,
    target: Any,
    reduction: str = "mean",
    *,
    weight: Any = None,
    pos_weight: Any = None,
) -> Tensor:
    """Cross-entropy of σ(x) and probabilities t, L = mean(-p t ln σ(x) - (1 - t) ln (1 - σ(x))).

    The logits x are what the network gives before a sigmoid.  `pos_weight`, p, is 1 unless given,
    and broadcasts: above 1 it favours recall, below 1 precision.  Raises ValueError for targets
    outside [0, 1] and unless the shapes are equal.

    >>> import numpy as np
    >>> x, t = Tensor([0.0, -1e4]), np.array([1, 1])
    >>> binary_cross_entropy_with_logits(x, t, "none", pos_weight=2.0)
    Tensor([1.38629436e+00, 2.00000000e+04])
    """
    name = "binary_cross_entropy_with_logits"
    logits = tensor(name, logits)
    check(name, reduction)
    logits, target = ops.pair(name, logits, target)
    probable(name, target)
    expects(name, "logits", logits, "what comes before the sigmoid, or use binary_cross_entropy")
    if weight is None and pos_weight is None:
        return ops.binary_cross_entropy_with_logits(logits, target, reduction)
    losses = ops.binary_cross_entropy_with_logits(logits, target, "none")
    if pos_weight is not None:
        p = fitted(name, "pos_weight", pos_weight, logits)
        losses = losses + (p - 1) * target * ops.softplus(-logits)
    return weighted(name, losses, reduction, weight)


def hinge_loss(
    prediction: Tensor, target: Any, reduction: str = "mean", *, weight: Any = None
) -> Tensor:
    """How far scores fall short of the margin 1 on their side, L = mean(max(0, 1 - t y)).

    Raises ValueError unless the targets are -1 or 1 and the shapes are equal.

    >>> import numpy as np
    >>> hinge_loss(Tensor([0.5, 2.0, 2.0]), np.array([1, 1, -1]), "none")
    Tensor([0.5, 0. , 3. ])
    """
    signed("hinge_loss", target)
    return elementwise(ops.hinge_loss, prediction, target, reduction, weight)


# -------------------------------------------------------------------- one of many classes


def cross_entropy(
    logits: Tensor,
    targets: Any,
    reduction: str = "mean",
    *,
    weight: Any = None,
    ignore_index: int = IGNORED,
    label_smoothing: float = 0.0,
) -> Tensor:
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
    range and rows that are no probabilities.  Warns once if the logits are probabilities already.

    >>> import numpy as np
    >>> logits = Tensor([[2.0, 0.0], [0.0, 2.0]])
    >>> f"{cross_entropy(logits, np.array([0, 1])):.4f}"
    '0.1269'
    >>> f"{cross_entropy(logits, np.array([[0.5, 0.5], [0.0, 1.0]])):.4f}"
    '0.6269'
    """
    logits = tensor("cross_entropy", logits)
    expects(
        "cross_entropy",
        "logits",
        logits,
        "what comes before the softmax, or use categorical_cross_entropy",
    )
    t = plain(targets)
    if weight is None and not label_smoothing and ignore_index < 0 and t.ndim == logits.ndim - 1:
        try:
            return ops.cross_entropy(
                logits, targets if isinstance(targets, Tensor) else t, reduction
            )
        except (TypeError, ValueError):
            pass  # ignored or explained below
    return _of_classes(
        "cross_entropy",
        logits,
        targets,
        reduction,
        chosen=ops.cross_entropy,
        logarithm=ops.log_softmax,
        weight=weight,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
    )


def categorical_cross_entropy(
    prediction: Tensor,
    targets: Any,
    reduction: str = "mean",
    *,
    weight: Any = None,
    ignore_index: int = IGNORED,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Cross-entropy of probabilities (..., classes), after a softmax, and classes t.

    L = mean(-ln yₜ), where ln 0 counts as -100 and no slope as steeper than 1e12.  Targets and
    options are those of `cross_entropy`, which wants logits and is exact where a softmax rounds to
    0: take that where there is a choice.  Raises what it does, and ValueError outside [0, 1].

    >>> import numpy as np
    >>> y = Tensor([[0.25, 0.75], [1.0, 0.0]])
    >>> categorical_cross_entropy(y, np.array([1, 1]), "none")
    Tensor([  0.28768207, 100.        ])
    """
    name = "categorical_cross_entropy"
    prediction = tensor(name, prediction)
    if np.any(prediction < 0) or np.any(prediction > 1):
        raise ValueError(
            f"{name}: the predictions must be probabilities, from 0 to 1; put a softmax before it, "
            f"or give logits to cross_entropy{place(', at ')}"
        )
    return _of_classes(
        name,
        prediction,
        targets,
        reduction,
        chosen=lambda y, t, reduction: ops.nll_loss(ops.log_probability(y), t, reduction),
        logarithm=ops.log_probability,
        weight=weight,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
    )


def nll_loss(
    prediction: Tensor,
    targets: Any,
    reduction: str = "mean",
    *,
    weight: Any = None,
    ignore_index: int = IGNORED,
) -> Tensor:
    """Negative log-likelihood of log-probabilities (..., classes), L = mean(-yₜ).

    nll_loss(log_softmax(x), t) is cross_entropy(x, t), whose targets and options these are.  Raises
    what that does.  Warns once if the log-probabilities are probabilities.

    >>> import numpy as np
    >>> float(nll_loss(Tensor([[-0.5, -1.0], [-2.0, -0.25]]), np.array([1, 0])))
    1.5
    """
    prediction = tensor("nll_loss", prediction)
    expects("nll_loss", "log-probabilities", prediction, "what log_softmax answers")
    return _of_classes(
        "nll_loss",
        prediction,
        targets,
        reduction,
        chosen=ops.nll_loss,
        logarithm=lambda y: y,
        weight=weight,
        ignore_index=ignore_index,
    )


def _of_classes(
    loss: str,
    scores: Tensor,
    targets: Any,
    reduction: str,
    *,
    chosen: Callable[..., Any],
    logarithm: Callable[[Any], Any],
    weight: Any,
    ignore_index: int,
    label_smoothing: float = 0.0,
) -> Tensor:
    """The loss of each row, by `chosen(scores, indices)` or -Σ q `logarithm(scores)`, reduced."""
    check(loss, reduction, label_smoothing=label_smoothing)
    weight = class_weights(loss, weight, scores)
    indices = class_indices(loss, scores, targets)
    share = None  # of each row in the mean
    even: Any = label_smoothing / scores.shape[-1]
    if indices is None:
        if ignore_index >= 0:
            raise ValueError(
                f"{loss}: ignore_index={ignore_index} is for class indices, and these targets are "
                f"probabilities; give such rows weight 0 after reduction='none'{place(', at ')}"
            )
        q = constant_like(targets, scores)
    else:
        ignored = indices == ignore_index
        indices = np.where(ignored, 0, indices)
        in_range(loss, scores, indices)
        kept = constant_like(~ignored, scores)
        share = kept if weight is None else weight[indices] * kept
        if not label_smoothing:
            return _mean_by(share, chosen(scores, indices, "none") * share, reduction)
        q = ops.one_hot(indices, scores.shape[-1], kept.dtype) * kept[..., None]
        even = even * kept[..., None]
    if label_smoothing:
        q = q * (1 - label_smoothing) + even
    losses = -((q if weight is None else q * weight) * logarithm(scores)).sum(axis=-1)
    return _mean_by(share, losses, reduction)


def _mean_by(share: Any, losses: Tensor, reduction: str) -> Tensor:
    """Reduced; the mean divides by the sum of the shares, if there are any."""
    if share is None or reduction != "mean":
        return reduced(losses, reduction)
    total = share.sum()
    return losses.sum() / (total if total else 1.0)


# -------------------------------------------------------------------- distributions


def kl_div(
    prediction: Tensor,
    target: Any,
    reduction: str = "mean",
    *,
    log_target: bool = False,
    weight: Any = None,
) -> Tensor:
    """Kullback-Leibler divergence of log-probabilities x from probabilities t, Σ t (ln t - x).

    As in PyTorch the prediction comes first and in logarithms, "mean" divides the sum by the number
    of elements, and "batchmean", which is the divergence, by the first axis.  With `log_target` the
    target is ln t; t = 0 is fine either way.  Raises ValueError unless the shapes are equal.

    >>> import numpy as np
    >>> x, t = Tensor([[0.5, 0.5]]), np.array([[1.0, 0.0]])
    >>> f"{kl_div(np.log(x), t, 'batchmean'):.4f}"
    '0.6931'
    """
    prediction = tensor("kl_div", prediction)
    expects("kl_div", "log-probabilities", prediction, "what log_softmax answers")
    allowed = (*REDUCTIONS, "batchmean")
    return elementwise(
        ops.kl_div, prediction, target, reduction, weight, allowed, log_target=log_target
    )
