"""What losses ask of predictions, targets and weights, and how losses are reduced."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import Tensor
from tinygrad_edu.errors import warn

from ..validation import several_values
from .options import one_of

__all__ = ["REDUCTION", "plain", "tensor"]

Array = np.ndarray[Any, np.dtype[Any]]
REDUCTION = one_of("reduction", "mean", "sum", "none")


def tensor(x: Any) -> Tensor:
    """`x` as a Tensor, if it is none yet."""
    if isinstance(x, tuple):
        raise TypeError(f"{several_values('it')}; give it one of them, as in output[:, -1]")
    return x if isinstance(x, Tensor) else Tensor(x)


def plain(x: Any) -> Array:
    """The array of a Tensor, or of what NumPy makes one of."""
    return x.data if isinstance(x, Tensor) else np.asarray(x)


def constant_like(x: Any, prediction: Tensor) -> Any:
    """A constant in the prediction's floating dtype; a Tensor with a gradient as it is."""
    if isinstance(x, Tensor) and x.requires_grad:
        return x
    array = plain(x)
    if prediction.dtype.kind == "f":
        array = array.astype(prediction.dtype, copy=False)
    return Tensor(array, name=x.name) if isinstance(x, Tensor) else array


def check_order(prediction: Any, target: Any) -> None:
    """Raises TypeError if what requires a gradient stands second, and what does not first."""
    if getattr(target, "requires_grad", False) and not getattr(prediction, "requires_grad", False):
        raise TypeError(
            "the target requires a gradient and the prediction does not; the prediction "
            "comes first, as in loss(prediction, target)"
        )


def pair(prediction: Any, target: Any) -> tuple[Tensor, Any]:
    """Both, if their shapes are equal, a constant target in the prediction's dtype."""
    check_order(prediction, target)
    return of_one_shape(prediction, target)


def of_one_shape(prediction: Any, target: Any) -> tuple[Tensor, Any]:
    """`pair` of what may stand in either order."""
    prediction = tensor(prediction)
    if prediction.shape != np.shape(target):
        raise ValueError(
            f"the prediction has shape {prediction.shape} and the target "
            f"{np.shape(target)}; they must be equal, since broadcasting would compare every "
            "prediction with every target; reshape one of them"
        )
    return prediction, constant_like(target, prediction)


def fitted(name: str, weight: Any, losses: Tensor) -> Any:
    """A weight in the losses' dtype, if it broadcasts to them without enlarging them."""
    given, shape = np.shape(weight), losses.shape
    sizes = zip(given[::-1], shape[::-1], strict=False)
    if len(given) > len(shape) or any(n not in (1, m) for n, m in sizes):
        raise ValueError(
            f"{name} has shape {given} and does not broadcast to the losses, of shape "
            f"{shape}; give it that shape, with 1 where it repeats"
        )
    return constant_like(weight, losses)


def reduced(losses: Tensor, reduction: str) -> Tensor:
    """The losses, their sum or mean, or "batchmean": their sum divided by their first axis."""
    if reduction == "none":
        return losses
    if reduction == "mean":
        return losses.mean() if losses.dtype == np.float16 else losses.sum() / losses.size
    total = losses.sum()
    if reduction == "batchmean":
        return total / (len(losses) if losses.ndim else 1)
    return total


def weighted(losses: Tensor, reduction: str, weight: Any) -> Tensor:
    """Each loss times its weight, if there is one, then reduced."""
    if weight is not None:
        losses = losses * fitted("weight", weight, losses)
    return reduced(losses, reduction)


# -------------------------------------------------------------------- targets


def check_probabilities(target: Any) -> None:
    """Raises ValueError unless these are probabilities of one class against the other."""
    t = plain(target)
    if t.size and not (t.min() >= 0 and t.max() <= 1):
        raise ValueError(
            f"the targets must be from 0 to 1, and are from {t.min()} to {t.max()}; "
            "of labels -1 and 1 take (target + 1) / 2"
        )


def check_signs(target: Any) -> None:
    """Raises ValueError unless the targets are all -1 or 1."""
    if not (np.absolute(plain(target)) == 1).all():
        raise ValueError("the targets must be -1 or 1; of labels 0 and 1 take 2 * target - 1")


def class_weights(weight: Any, scores: Tensor) -> Any:
    """One weight for each class, or None."""
    if weight is None:
        return None
    array = plain(weight)
    if array.shape != scores.shape[-1:] or not (array >= 0).all():
        raise ValueError(
            f"weight must be one number, 0 or more, for each of the {scores.shape[-1]} "
            f"classes, and has shape {array.shape}; weights of single losses are multiplied with "
            "those that reduction='none' gives"
        )
    return constant_like(weight, scores)


def class_indices(scores: Tensor, targets: Any) -> Array | None:
    """The class indices of targets that are those, or one-hot integers; None for probabilities."""
    t = plain(targets)
    if t.shape == scores.shape and t.ndim:
        if t.dtype.kind == "f":
            _check_rows(t)
            return None
        if not ((t == 0) | (t == 1)).all() or (np.count_nonzero(t, -1) != 1).any():
            raise ValueError(
                f"integer targets of the predictions' shape {t.shape} are one-hot, a "
                "single 1 in each row; probabilities are floats"
            )
        indices: Array = t.argmax(-1)
        return indices
    shapes = f"(shapes: {scores.shape}, {t.shape})"
    if t.shape != scores.shape[:-1] or not scores.ndim:
        raise ValueError(f"{_other_shape(scores.shape, t.shape)} {shapes}")
    if t.dtype.kind not in "iu":
        raise TypeError(
            f"class indices must be integers, and are {t.dtype}; write targets.astype(int) {shapes}"
        )
    return t


def _check_rows(t: Array) -> None:
    if not ((t >= 0).all() and (abs(t.sum(-1, dtype=np.float64) - 1) < 1e-3).all()):
        raise ValueError(
            f"float targets of the predictions' shape {t.shape} are probabilities, none "
            "below 0 and each row with sum 1; if several classes may hold at once, use "
            "binary_cross_entropy_with_logits"
        )


def _other_shape(scores: tuple[int, ...], targets: tuple[int, ...]) -> str:
    if not scores:
        return "the last axis must be the classes, and there is none"
    expected = f"the classes are on the last axis, so targets have shape {scores[:-1]} (indices) "
    expected += f"or {scores} (one-hot or probabilities); "
    if targets == (*scores[:-1], 1):
        return expected + "take the last axis off with targets[..., 0]"
    if len(scores) > 2 and targets == (scores[0], *scores[2:]):
        return expected + "if they are on axis 1, write np.moveaxis(prediction, 1, -1)"
    return expected + "reshape one of them"


def check_range(scores: Tensor, indices: Array) -> None:
    """Raises ValueError unless every index is that of a class."""
    n = scores.shape[-1]
    if indices.size and not (indices.min() >= 0 and indices.max() < n):
        raise ValueError(
            f"class indices from {indices.min()} to {indices.max()} were given, and logits "
            f"for classes 0 to {n - 1} (shapes: {scores.shape}, {indices.shape})"
        )


# -------------------------------------------------------------------- probabilities for logits


def expects(loss: str, wanted: str, x: Tensor, instead: str) -> None:
    """Warn if `x` are probabilities where a loss wants something else."""
    if x.node is None:
        found = _are_distributions(x.data)
        reason = "rows sum to 1 and lie in [0, 1]"
    else:
        name = x.node.op.name if x.node.op is not None else ""
        found = name in ("softmax", "sigmoid")
        reason = f"they come from {name}"
    if found:
        warn(f"{loss}: the {wanted} look like probabilities: {reason}; give {loss} {instead}")


def _are_distributions(x: Array) -> bool:
    """Whether these are rows of probabilities, several of them, and not all the same."""
    if x.dtype.kind != "f" or x.shape[-1:] < (2,) or x.size <= x.shape[-1]:
        return False
    first = x.reshape(-1, x.shape[-1])[0]  # nearly always enough
    if not (first.min() > 0 and first.max() < 1 and abs(first.sum() - 1) < 1e-5):
        return False
    inside = bool((x > 0).all() and (x < 1).all() and (abs(x.sum(-1) - 1) < 1e-5).all())
    return inside and np.ptp(x) > 1e-3
