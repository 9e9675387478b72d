"""Lesson 8: softmax, log-sum-exp and cross-entropy, for logits of any size."""

from __future__ import annotations

from typing import Any

import numpy as np

import nn
from tinygrad_edu import ops

from ..exercise import Exercise, Mistake
from ..judges import gradients, values

__all__ = ["EXERCISES"]

FAR = 1e4


def _logits(rng: np.random.Generator) -> np.ndarray:
    """Rows around 0, or in half of the cases around ±FAR and, the last ones, from -FAR to FAR."""
    count, k = int(rng.integers(4, 7)), int(rng.integers(3, 6))
    z = rng.normal(size=(count, k))
    if rng.random() < 0.5:
        z[1] += FAR
        z[2] -= FAR
        z[3:] += rng.uniform(-FAR, FAR, (count - 3, k))
    return z


def _labels(rng: np.random.Generator, z: np.ndarray) -> np.ndarray:
    return rng.integers(0, z.shape[1], len(z))


def _drawn(rng: np.random.Generator) -> dict[str, Any]:
    z = _logits(rng)
    return {"z": z, "labels": _labels(rng, z)}


def _moderate(rng: np.random.Generator) -> dict[str, Any]:
    z = rng.normal(scale=2, size=(int(rng.integers(3, 7)), int(rng.integers(7, 10))))
    return {"z": z, "labels": _labels(rng, z)}


def _softmax(z: np.ndarray) -> np.ndarray:
    return np.asarray(ops.softmax(z))


def _onehot(z: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.asarray(np.eye(z.shape[1])[labels])


def _shifted(z: np.ndarray, c: Any) -> np.ndarray:
    powers = np.exp(z - c)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _over_everything(z: np.ndarray) -> np.ndarray:
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum())


def _along_columns(z: np.ndarray) -> np.ndarray:
    return np.asarray(_softmax(z.T).T)


def _powers_alone(z: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(z - z.max(axis=1, keepdims=True)))


def _losses(z: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.asarray(ops.cross_entropy(z, labels, "none"))


def _by_two_steps(z: np.ndarray, labels: np.ndarray) -> Any:
    return -np.log(_softmax(z)[np.arange(len(z)), labels]).mean()


def _bounded(z: np.ndarray, labels: np.ndarray) -> Any:
    chosen = _softmax(z)[np.arange(len(z)), labels]
    return -np.log(np.maximum(chosen, 1e-12)).mean()


EXERCISES = [
    Exercise(
        number="8.1",
        name="stable_softmax",
        task="softmax without overflow",
        draw=lambda rng: {"z": _logits(rng)},
        judge=values(_softmax),
        hints=(
            "What can be subtracted from all logits of a row, so that the largest becomes 0? "
            "Which shape has to have that, for rows of their own?",
            "powers = np.exp(z - z.max(axis=1, keepdims=True)), and the sum of the powers of each "
            "row, also with keepdims.",
        ),
        mistakes=(
            Mistake(
                lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True),
                "wrong: not finite at [1, 0]",
                "e to the power of 10,000 is infinite. Subtract the largest logit of each row.",
            ),
            Mistake(
                lambda z: _shifted(z, z.max(axis=1)),
                "raised ValueError",
                "z.max(axis=1) is a row of N numbers; it has to be a column: keepdims=True.",
            ),
            Mistake(
                lambda z: _shifted(z, z.max()),
                "wrong: not finite at",
                "That is the largest of all rows. In a row that is far below it every power is 0, "
                "and 0 / 0 is nan: each row needs a largest one of its own.",
            ),
            Mistake(
                lambda z: _shifted(z, z.mean(axis=1, keepdims=True)),
                "wrong: not finite at",
                "Above the mean there may be a logit that is still far too large.",
            ),
            Mistake(
                _over_everything,
                "wrong",
                "Each row is divided by the sum of all rows; every row should sum to 1.",
            ),
            Mistake(
                _along_columns,
                "wrong",
                "Here the columns sum to 1; an example's classes are in a row.",
            ),
            Mistake(
                _powers_alone,
                "wrong",
                "The division by the sum is missing.",
            ),
        ),
    ),
    Exercise(
        number="8.2",
        name="log_sum_exp",
        task="log-sum-exp without overflow",
        draw=lambda rng: {"z": _logits(rng)},
        judge=values(lambda z: ops.logsumexp(z, axis=1)),
        hints=(
            "With c the largest logit of a row, all of z - c is at most 0. What has to be done "
            "with c at the end?",
            "c = z.max(axis=1) has N numbers, and is added to the logarithms, of which there are "
            "N, too. In z - c[:, None] it is a column.",
        ),
        mistakes=(
            Mistake(
                lambda z: np.log(np.exp(z).sum(axis=1)),
                "wrong: not finite at [1]",
                "The powers overflow. Subtract the largest logit of each row before.",
            ),
            Mistake(
                lambda z: np.log(np.exp(z - z.max(axis=1, keepdims=True)).sum(axis=1)),
                "wrong",
                "What was subtracted inside has to be added outside of the logarithm.",
            ),
            Mistake(
                lambda z: z.max() + np.log(np.exp(z - z.max()).sum(axis=1)),
                "wrong: not finite at",
                "That is the largest of all rows: in rows far below it all powers are 0, and "
                "ln 0 is -inf.",
            ),
            Mistake(
                lambda z: z.max(axis=1) + np.exp(z - z.max(axis=1, keepdims=True)).sum(axis=1),
                "wrong",
                "The logarithm of the sum is missing.",
            ),
            Mistake(
                lambda z: z.max(axis=1),
                "wrong",
                "This is the maximum; the soft one is larger where others are near it.",
            ),
        ),
    ),
    Exercise(
        number="8.3",
        name="cross_entropy_of",
        task="cross-entropy from logits",
        draw=_drawn,
        judge=values(lambda z, labels: ops.cross_entropy(z, labels)),
        hints=(
            "The loss of a row is lse(z) - z[t]. How do you get z[t] of every row at once?",
            "z[np.arange(len(z)), labels] are the logits of the right classes. Subtract them from "
            "log-sum-exp, as in exercise 8.2, and take the mean.",
        ),
        mistakes=(
            Mistake(
                _by_two_steps,
                "wrong: not finite",
                "Some p are rounded to 0, and ln 0 is -inf. Use lse(z) - z[t].",
            ),
            Mistake(
                _bounded,
                "instead of",
                "A bound for p hides the infinity, but the loss is then wrong, and its gradient 0 "
                "where the network is most wrong.",
            ),
            Mistake(
                lambda z, labels: _losses(z, labels).sum(),
                "instead of",
                "This is the sum; the mean is asked for.",
            ),
            Mistake(
                lambda z, labels: -_losses(z, labels).mean(),
                "its sign is flipped",
                "The sign: a loss is large where p is small.",
            ),
            Mistake(
                lambda z, labels: (z.max(axis=1) - z[np.arange(len(z)), labels]).mean(),
                "a little off",
                "This has the maximum in place of log-sum-exp.",
            ),
            Mistake(
                lambda z, labels: ops.cross_entropy(z, z.argmax(axis=1)),
                "instead of",
                "This takes the class with the largest logit for the right one; that is `labels`.",
            ),
        ),
    ),
    Exercise(
        number="8.4",
        name="gradient_of_cross_entropy",
        task="p - y",
        draw=_moderate,
        judge=gradients(lambda z, labels: nn.cross_entropy(z, labels), "z"),
        hints=(
            "For one row it is p - y. How do you get y, with a 1 for the right class of each row? "
            "And what makes the mean of N losses of it?",
            "np.eye(k)[labels] is y, and p the softmax of exercise 8.1: (p - y) / N.",
        ),
        mistakes=(
            Mistake(
                lambda z, labels: _softmax(z) - _onehot(z, labels),
                "was 1/N forgotten",
                "Each example is worth 1/N of the mean.",
            ),
            Mistake(
                lambda z, labels: (_onehot(z, labels) - _softmax(z)) / len(z),
                "its sign is flipped",
                "It is p - y, not y - p: a step against the gradient has to raise the right logit.",
            ),
            Mistake(
                lambda z, labels: _softmax(z) / len(z),
                "elements, as",
                "This is the part of log-sum-exp; the direct way gives -1 for the right class.",
            ),
            Mistake(
                lambda z, labels: -_onehot(z, labels) / len(z),
                "elements, as",
                "This is the direct way alone; log-sum-exp uses all logits.",
            ),
            Mistake(
                lambda z, labels: (_softmax(z) - _onehot(z, labels)) / z.size,
                "times what is right",
                "The mean is over N examples, not over all N k logits.",
            ),
            Mistake(
                lambda z, labels: (_softmax(z) - labels[:, None]) / len(z),
                "elements, as",
                "`labels` are the indices of the classes; y is 1 at that index and 0 elsewhere.",
            ),
        ),
    ),
]
