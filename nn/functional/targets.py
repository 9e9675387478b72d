"""What losses ask of predictions, targets and weights, and how losses are reduced."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import Tensor
from tinygrad_edu.errors import variable, warn

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
    if isinstance(x, Tensor) and (x.requires_grad or x.dtype == prediction.dtype):
        return x
    array = x if isinstance(x, Tensor) else np.asarray(x)
    if prediction.dtype.kind == "f":
        array = array.astype(prediction.dtype, copy=False)
    if isinstance(array, Tensor):
        array.name = x.name
    return array


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


def of_one_shape(
    x: Any, y: Any, names: tuple[str, str] = ("prediction", "target")
) -> tuple[Tensor, Any]:
    """`pair` of what may stand in either order."""
    first = tensor(x)
    if first.shape != np.shape(y):
        a, b = symbolic(first.shape, np.shape(y))
        raise ValueError(
            f"the {names[0]} has shape {a} and the {names[1]} {b}; they must be equal, since "
            f"broadcasting would compare every {names[0]} with every {names[1]}; "
            f"{_fitting(first.shape, y, names[1])}"
        )
    return first, constant_like(y, first)


def symbolic(*shapes: tuple[int, ...]) -> list[str]:
    """Shapes as text, with N for a first axis that all share, whatever part of the data this is."""
    if all(shapes) and len({shape[0] for shape in shapes}) == 1:
        return [f"(N, {', '.join(map(str, s[1:]))})".replace(", )", ",)") for s in shapes]
    return [str(shape) for shape in shapes]


def _fitting(shape: tuple[int, ...], y: Any, role: str) -> str:
    """What to write for `y` to have this shape, if an axis of size 1 makes the difference."""
    name = written(y, role.replace(" ", "_"))
    if index := index_between(np.shape(y), shape):
        return f"write {name}{index} for the {role}"
    if shape[:-1] == np.shape(y) != shape and plain(y).dtype.kind in "iu":
        return f"if the {role} holds classes, write nn.one_hot({name}, {shape[-1]})"
    return "reshape one of them"


def written(x: Any, role: str) -> str:
    """An array as the caller wrote it, by a variable's name, else by its role."""
    if isinstance(x, Tensor):  # or the array that a module was called with
        return variable((x, x.data), role)
    name = variable((x,), role)
    return name if isinstance(x, np.ndarray) else f"np.asarray({name})"


def index_between(given: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """The index that adds or takes off the axis of size 1 between two shapes; "" if none does.

    >>> index_between((5,), (5, 1)), index_between((5, 1, 4), (5, 4)), index_between((5,), (4, 1))
    ('[:, None]', '[:, 0]', '')
    """
    return _at_axis(wanted, given, "None") or _at_axis(given, wanted, "0")


def _at_axis(longer: tuple[int, ...], shorter: tuple[int, ...], index: str) -> str:
    for i in reversed(range(len(longer))):
        if longer[i] == 1 and longer[:i] + longer[i + 1 :] == shorter:
            return f"[{':, ' * i}{index}]"
    return ""


def fitted(name: str, weight: Any, losses: Tensor) -> Any:
    """A weight in the losses' dtype, if it broadcasts to them without enlarging them."""
    given, shape = np.shape(weight), losses.shape
    sizes = zip(given[::-1], shape[::-1], strict=False)
    if len(given) > len(shape) or any(n not in (1, m) for n, m in sizes):
        raise ValueError(
            f"{name} has shape {given} and does not broadcast to the losses, of shape "
            f"{symbolic(shape)[0]}; give it that shape, with 1 where it repeats"
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


def check_labels(target: Any) -> None:
    """Raises ValueError unless the targets are all 0 or 1."""
    t = plain(target)
    if not ((t == 0) | (t == 1)).all():
        raise ValueError("the targets must be 0 or 1; of labels -1 and 1 take (target + 1) / 2")


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


def classes_last(scores: Any, targets: Any, axis: int = -1) -> tuple[Tensor, Any]:
    """Scores, and the targets if they are rows, with the classes moved to the last axis.

    Raises ValueError unless the targets have the scores' shape, with or without the classes.
    """
    scores = tensor(scores)
    if not -scores.ndim <= axis < scores.ndim:
        raise ValueError(f"scores of {scores.ndim} axes have no axis {axis} for the classes")
    moved = scores if axis in (-1, scores.ndim - 1) else np.moveaxis(scores, axis, -1)
    shape = np.shape(targets)
    if shape not in (scores.shape, moved.shape[:-1]):
        raise ValueError(_other_shape(scores.shape, moved.shape[:-1], targets, axis))
    if moved is not scores and len(shape) == scores.ndim:
        rows: Any = targets if isinstance(targets, Tensor) else np.asarray(targets)
        targets = np.moveaxis(rows, axis, -1)
    return moved, targets


def _other_shape(scores: Any, indices: tuple[int, ...], targets: Any, axis: int) -> str:
    """What to say of targets that fit neither as indices nor as rows."""
    where = "the last axis" if axis == -1 else f"axis {axis}"
    shape, found, rows = symbolic(indices, np.shape(targets), scores)
    message = (
        f"the classes are on {where} of the scores, so targets have shape {shape} (indices) or "
        f"{rows} (one-hot or probabilities), and these have {found}; "
    )
    if index := index_between(np.shape(targets), indices):
        return f"{message}write {written(targets, 'targets')}{index}"
    if axis == -1 and len(scores) > 2 and np.shape(targets) == (scores[0], *scores[2:]):
        return f"{message}if they are on axis 1, give axis=1"
    return f"{message}reshape one of them"


def class_indices(scores: Tensor, targets: Any) -> Any:
    """The class indices of targets that are those, or one-hot integers; None for probabilities."""
    t = plain(targets)
    if t.ndim < scores.ndim:
        if t.dtype.kind not in "iu":
            raise TypeError(
                f"class indices must be integers, and are {t.dtype}; write "
                f"{written(targets, 'targets')}.astype(int){_two_classes(scores)}"
            )
        return targets if isinstance(targets, Tensor) else t
    if t.dtype.kind == "f":
        _check_rows(t)
        return None
    if not _are_one_hot(t):
        raise ValueError(
            "integer targets of the predictions' shape are one-hot, a single 1 in each row; "
            f"probabilities are floats{_two_classes(scores)}"
        )
    return (targets if isinstance(targets, Tensor) else t).argmax(-1)


def single_classes(scores: Tensor, targets: Any) -> Any:
    """The class indices of targets that are those, or one-hot of any dtype."""
    t = plain(targets)
    if t.ndim < scores.ndim or t.dtype.kind != "f":
        return class_indices(scores, targets)
    if not _are_one_hot(t):
        raise ValueError(
            "the targets must be class indices or one-hot rows, a single 1 in each, and these "
            "are other floats; cross_entropy takes probabilities"
        )
    return (targets if isinstance(targets, Tensor) else t).argmax(-1)


def _are_one_hot(rows: Array) -> bool:
    return bool(((rows == 0) | (rows == 1)).all() and (np.count_nonzero(rows, -1) == 1).all())


def _two_classes(scores: Tensor) -> str:
    """Where the way out leads if there is one score for two classes."""
    if scores.ndim > 1 and scores.shape[-1] > 1:
        return ""
    return "; for two classes with one output take binary_cross_entropy_with_logits"


def _check_rows(t: Array) -> None:
    if not ((t >= 0).all() and (abs(t.sum(-1, dtype=np.float64) - 1) < 1e-3).all()):
        raise ValueError(
            "float targets of the predictions' shape are probabilities, none "
            "below 0 and each row with sum 1; if several classes may hold at once, use "
            "binary_cross_entropy_with_logits"
        )


def check_range(scores: Tensor, indices: Array) -> None:
    """Raises ValueError unless every index is that of a class."""
    n = scores.shape[-1]
    if indices.size and not (indices.min() >= 0 and indices.max() < n):
        raise ValueError(
            f"class indices from {indices.min()} to {indices.max()} were given, and logits "
            f"for classes 0 to {n - 1}{_two_classes(scores)}"
        )


def at(scores: Any, indices: Array) -> Any:
    """Each row's score of its class, on the last axis."""
    index = (*np.indices(indices.shape, sparse=True), indices)
    return scores[index]


# -------------------------------------------------------------------- probabilities for logits


def expects(loss: str, wanted: str, x: Tensor, instead: str, axis: int = -1) -> None:
    """Warn if `x` are probabilities where a loss wants something else."""
    if x.node is None:
        found = _are_distributions(x.data if axis == -1 else np.moveaxis(x.data, axis, -1))
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
