"""What the losses ask of their arguments, and what they say if it is not so."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, ops
from tinygrad_edu.errors import place

from ..names import several

Array = np.ndarray[Any, np.dtype[Any]]
REDUCTIONS = ("mean", "sum", "none")

_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "delta": (lambda v: v > 0, "positive"),
    "beta": (lambda v: v >= 0, "0 or more"),
    "margin": (lambda v: -1 <= v <= 1, "from -1 to 1"),
    "label_smoothing": (lambda v: 0 <= v <= 1, "from 0 to 1"),
}


def check(loss: str, reduction: Any, allowed: tuple[str, ...] = REDUCTIONS, **options: Any) -> None:
    """Whether the reduction is one of the allowed ones and the numbers keep to their ranges."""
    if type(reduction) is not str or reduction not in allowed:
        listed = f"{', '.join(map(repr, allowed[:-1]))} or {allowed[-1]!r}"
        if isinstance(reduction, str):
            raise ValueError(f"{loss}: reduction is {listed}, not {reduction!r}{place(', at ')}")
        raise TypeError(
            f"{loss}: reduction is {listed}, not of type {type(reduction).__name__}; all other "
            f"options, such as weight=, are given by name{place(', at ')}"
        )
    for name in _RULES.keys() & options:
        holds, words = _RULES[name]
        if not holds(options[name]):
            raise ValueError(
                f"{loss}: {name} must be {words}, and is {options[name]}{place(', at ')}"
            )


def tensor(loss: str, x: Any) -> Tensor:
    """`x` as a Tensor, if it is none yet."""
    if isinstance(x, tuple):
        raise TypeError(
            f"{several(loss)}; give it one of them, as in output[:, -1]{place(', at ')}"
        )
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


def fitted(loss: str, name: str, weight: Any, losses: Tensor) -> Any:
    """A weight in the losses' dtype, if it broadcasts to them without enlarging them."""
    given, shape = np.shape(weight), losses.shape
    sizes = zip(given[::-1], shape[::-1], strict=False)
    if len(given) > len(shape) or any(n not in (1, m) for n, m in sizes):
        raise ValueError(
            f"{loss}: {name} has shape {given} and does not broadcast to the losses, of shape "
            f"{shape}; give it that shape, with 1 where it repeats{place(', at ')}"
        )
    return constant_like(weight, losses)


def reduced(losses: Tensor, reduction: str) -> Tensor:
    """The losses, their sum or mean, or "batchmean": their sum divided by their first axis."""
    if reduction == "batchmean":
        return losses.sum() / (len(losses) if losses.ndim else 1)
    answer: Tensor = ops.reduced(losses, reduction)
    return answer


def probable(loss: str, target: Any) -> None:
    """Whether the targets are probabilities of one class against the other."""
    t = plain(target)
    if t.size and not (t.min() >= 0 and t.max() <= 1):
        raise ValueError(
            f"{loss}: the targets must be from 0 to 1, and are from {t.min()} to {t.max()}; "
            f"of labels -1 and 1 take (target + 1) / 2{place(', at ')}"
        )


def signed(loss: str, target: Any) -> None:
    """Whether the targets are all -1 or 1."""
    t = plain(target)
    if not (np.absolute(t) == 1).all():
        raise ValueError(
            f"{loss}: the targets must be -1 or 1; of labels 0 and 1 take 2 * target - 1"
            f"{place(', at ')}"
        )


# -------------------------------------------------------------------- classes


def class_weights(loss: str, weight: Any, scores: Tensor) -> Any:
    """One weight for each class, or None."""
    if weight is None:
        return None
    array = plain(weight)
    if array.shape != scores.shape[-1:] or not (array >= 0).all():
        raise ValueError(
            f"{loss}: weight must be one number, 0 or more, for each of the {scores.shape[-1]} "
            f"classes, and has shape {array.shape}; weights of single losses are multiplied with "
            f"those that reduction='none' gives{place(', at ')}"
        )
    return constant_like(weight, scores)


def class_indices(loss: str, scores: Tensor, targets: Any) -> Array | None:
    """The class indices of targets that are those, or one-hot integers; None for probabilities."""
    t = plain(targets)
    if t.shape == scores.shape and t.ndim:
        if t.dtype.kind == "f":
            _check_probabilities(loss, t)
            return None
        if not ((t == 0) | (t == 1)).all() or (np.count_nonzero(t, -1) != 1).any():
            raise ValueError(
                f"{loss}: integer targets of the predictions' shape {t.shape} are one-hot, a "
                f"single 1 in each row; probabilities are floats{place(', at ')}"
            )
        indices: Array = t.argmax(-1)
        return indices
    if t.shape != scores.shape[:-1] or not scores.ndim:
        shapes = f"(shapes: {scores.shape}, {t.shape}{place()})"
        raise ValueError(f"{loss}: {_other_shape(scores.shape, t.shape)} {shapes}")
    if t.dtype.kind not in "iu":
        shapes = f"(shapes: {scores.shape}, {t.shape}{place()})"
        raise TypeError(
            f"{loss}: class indices must be integers, and are {t.dtype}; "
            f"write targets.astype(int) {shapes}"
        )
    return t


def _check_probabilities(loss: str, t: Array) -> None:
    if not ((t >= 0).all() and (abs(t.sum(-1, dtype=np.float64) - 1) < 1e-3).all()):
        raise ValueError(
            f"{loss}: float targets of the predictions' shape {t.shape} are probabilities, none "
            "below 0 and each row with sum 1; if several classes may hold at once, use "
            f"binary_cross_entropy_with_logits{place(', at ')}"
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


def in_range(loss: str, scores: Tensor, indices: Array) -> None:
    """Whether every index is that of a class."""
    try:
        ops.check_classes(scores, indices)
    except ValueError as error:
        shapes = f"(shapes: {scores.shape}, {indices.shape}{place()})"
        raise ValueError(f"{loss}: {error} {shapes}") from None


# -------------------------------------------------------------------- probabilities for logits


class _Advice:
    """Given once in a process; values without history are looked at only the first time."""

    given = False
    looked = False


_SQUASHED = ("softmax", "sigmoid")


def expects(loss: str, wanted: str, x: Tensor, instead: str) -> None:
    """Warn, once in a process, if `x` are probabilities where a loss wants something else."""
    if _Advice.given:
        return
    node = x.node
    if node is not None:
        found = node.op is not None and node.op.name in _SQUASHED
        reason = f"they come from {node.op.name}" if found else ""
    else:
        found = not _Advice.looked and _distribution(x.data)
        reason = "rows sum to 1 and lie in [0, 1]"
        _Advice.looked = True
    if found:
        _Advice.given = True
        warnings.warn(
            f"{loss}: the {wanted} look like probabilities: {reason}; give {loss} {instead}"
            f"{place(', at ')}",
            stacklevel=3,
        )


def _distribution(x: Array) -> bool:
    """Whether these are rows of probabilities, several of them, and not all the same."""
    if x.dtype.kind != "f" or x.shape[-1:] < (2,) or x.size == x.shape[-1]:
        return False
    inside = bool((x > 0).all() and (x < 1).all() and (abs(x.sum(-1) - 1) < 1e-5).all())
    return inside and np.ptp(x) > 1e-3
