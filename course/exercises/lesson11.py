"""Lesson 11: the gradients of a convolution, of softmax, and of attention."""

from __future__ import annotations

from typing import Any

import numpy as np

import nn.functional as F
from tinygrad_edu import ops

from ..exercise import Arguments, Exercise, Mistake
from ..judges import gradients

__all__ = ["EXERCISES"]

Array = np.ndarray


def _convolution(rng: np.random.Generator) -> dict[str, Any]:
    kernel, positions = int(rng.integers(2, 4)), int(rng.integers(4, 7))
    return {
        "x": rng.normal(size=positions + kernel - 1),
        "w": rng.normal(size=kernel),
        "g": rng.normal(size=positions),
    }


def _loss_of_convolution(x: Any, w: Any, g: Any) -> Any:
    return (g * np.correlate(x, w, "valid")).sum()


def _overwritten(x: Array, w: Array, g: Array) -> Array:
    found = np.zeros(len(x))
    for i in range(len(g)):
        found[i : i + len(w)] = g[i] * w
    return found


# -------------------------------------------------------------------- 11.3


def _softmax(s: Array) -> Array:
    p: Array = np.exp(s - s.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    return p


def _rows(rng: np.random.Generator) -> dict[str, Any]:
    shape = tuple(int(n) for n in rng.integers(2, 6, 2))
    return {"p": _softmax(rng.normal(size=shape)), "g": rng.normal(size=shape)}


_judge_scores = gradients(lambda s, g: (ops.softmax(s, -1) * g).sum(), "s")


def _judge_softmax(arguments: Arguments, result: Any) -> str:
    """Scores with this softmax are the logarithms."""
    return _judge_scores({**arguments, "s": np.log(arguments["p"])}, result)


# -------------------------------------------------------------------- 11.4


def _queries(rng: np.random.Generator) -> dict[str, Any]:
    d, e = (int(n) for n in rng.integers(2, 5, 2))
    queries, keys = 3, int(rng.integers(4, 6))
    q, k, v, g = (
        rng.normal(size=shape) for shape in ((queries, d), (keys, d), (keys, e), (queries, e))
    )
    return {"q": q, "k": k, "v": v, "g": g}


def _backward(
    q: Array, k: Array, v: Array, g: Array, *,
    scaled: tuple[bool, bool] = (True, True), mixed: bool = True, softmax: bool = True,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Attention's gradients with mistakes: the scale forward or backward, or a slope of softmax."""
    scale = q.shape[1] ** -0.5
    p = _softmax(q @ k.T * (scale if scaled[0] else 1))
    g_s = g @ v.T
    if softmax:
        g_s = p * (g_s - ((g_s * p).sum(axis=1, keepdims=True) if mixed else g_s * p))
    g_s = g_s * (scale if scaled[1] else 1)
    return g_s @ k, g_s.T @ q, p.T @ g


def _unweighted(q: Array, k: Array, v: Array, g: Array) -> tuple[Array, Array, Array]:
    g_q, g_k, _ = _backward(q, k, v, g)
    return g_q, g_k, np.ones((len(k), len(q))) @ g


EXERCISES = [
    Exercise(
        number="11.1",
        name="kernel_gradient",
        task="a convolution's kernel",
        draw=_convolution,
        judge=gradients(_loss_of_convolution, "w"),
        hints=(
            "w[k] is used once for each y[i]. What is it multiplied by there?",
            "In y[i] it is multiplied by x[i + k], so this use sends g[i] * x[i + k]. Add up over "
            "all i.",
        ),
        mistakes=(
            Mistake(
                lambda x, w, g: np.correlate(x, g, "valid")[::-1],
                "wrong",
                "The elements are in the reverse order: w[k] meets x[i + k], not x[i - k].",
            ),
            Mistake(
                lambda x, w, g: np.full(len(w), (g * x[: len(g)]).sum()),
                "wrong",
                "All elements got the same sum; w[k] meets x shifted by k.",
            ),
            Mistake(
                lambda x, w, g: np.correlate(x, g, "valid") * w,
                "wrong",
                "These are multiplied by w; the slope of x w with respect to w is x alone.",
            ),
            Mistake(
                lambda x, w, g: np.array([x[k : k + len(g)].sum() for k in range(len(w))]),
                "wrong",
                "The upstream gradient g is missing.",
            ),
            Mistake(lambda x, w, g: np.correlate(x, g, "full"), "wrong shape"),
        ),
    ),
    Exercise(
        number="11.2",
        name="input_gradient",
        task="a convolution's input",
        draw=_convolution,
        judge=gradients(_loss_of_convolution, "x"),
        hints=(
            "y[i] uses x[i], x[i + 1], ... What does it send to x[i + k]?",
            "It sends g[i] * w[k] to x[i + k]. Start with zeros of the size of x and add; "
            "neighbors overlap.",
        ),
        mistakes=(
            Mistake(
                lambda x, w, g: np.convolve(g, w[::-1]),
                "wrong",
                "The kernel is the wrong way round: y[i] sends g[i] * w[0] to x[i].",
            ),
            Mistake(
                _overwritten,
                "wrong",
                "Where kernels overlap a contribution replaces the one before; add with +=.",
            ),
            Mistake(
                lambda x, w, g: np.correlate(np.pad(x, len(w) - 1), g, "valid")[: len(x)],
                "wrong",
                "This multiplies by x; the slope of x w with respect to x is w.",
            ),
            Mistake(lambda x, w, g: np.convolve(g, w, "same"), "wrong shape"),
        ),
    ),
    Exercise(
        number="11.3",
        name="softmax_backward",
        task="softmax backward",
        draw=_rows,
        judge=_judge_softmax,
        hints=(
            "The gradient of sᵢ is Σⱼ gⱼ · (slope of pⱼ with respect to sᵢ). What comes from "
            "j = i, and what do all j have in common?",
            "All of them send - pᵢ gⱼ pⱼ, and j = i sends pᵢ gᵢ besides. Take pᵢ out; the sum over "
            "j needs axis=-1 and keepdims=True.",
        ),
        mistakes=(
            Mistake(
                lambda p, g: g * p * (1 - p),
                "wrong",
                "Only pᵢ's own dependence on sᵢ is there; the other p change with sᵢ, too.",
            ),
            Mistake(
                lambda p, g: p * (g - (g * p).sum()),
                "wrong",
                "The sum is over the whole array; each row is a softmax of its own.",
            ),
            Mistake(
                lambda p, g: p * (g - (g * p).sum(axis=0)),
                "wrong",
                "The sum is over axis 0, the rows; softmax went along the last axis.",
            ),
            Mistake(
                lambda p, g: g * p,
                "wrong",
                "The contribution through the sum in the denominator is missing.",
            ),
            Mistake(
                lambda p, g: p * (g - g.sum(axis=-1, keepdims=True)),
                "wrong",
                "In the sum each gⱼ is weighted by its pⱼ.",
            ),
        ),
    ),
    Exercise(
        number="11.4",
        name="attention_backward",
        task="attention backward",
        draw=_queries,
        judge=gradients(
            lambda q, k, v, g: (F.scaled_dot_product_attention(q, k, v) * g).sum(), "q", "k", "v"
        ),
        hints=(
            "Three steps backward: through out = p v, through the softmax (exercise 11.3), through "
            "s = q kᵀ / √d. What are the shapes of g_p and g_s?",
            "g_v = pᵀ g and g_p = g vᵀ. g_s = softmax backward of g_p, divided by √d. Then "
            "g_q = g_s k, and g_k is the same from the other side.",
        ),
        mistakes=(
            Mistake(
                lambda *given: _backward(*given, scaled=(True, False)),
                "the gradient of q is wrong",
                "The 1/√d of the scores is missing on the way back.",
            ),
            Mistake(
                lambda *given: _backward(*given, scaled=(False, False)),
                "the gradient of q is wrong",
                "The scores are not divided by √d, so all weights differ.",
            ),
            Mistake(
                lambda *given: _backward(*given, mixed=False),
                "the gradient of q is wrong",
                "p (1 - p) is one slope of softmax; each weight depends on all scores of its row.",
            ),
            Mistake(
                lambda *given: _backward(*given, softmax=False),
                "the gradient of q is wrong",
                "The softmax was skipped on the way back.",
            ),
            Mistake(
                _unweighted,
                "the gradient of v is wrong",
                "Each query took a part of v by its weight, so it sends that part back.",
            ),
            Mistake(
                lambda *given: (_backward(*given)[1], _backward(*given)[0], _backward(*given)[2]),
                "the gradient of q is wrong shape",
            ),
        ),
    ),
]
