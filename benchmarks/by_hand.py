"""The value and the gradients of ops in plain NumPy, as one would write them by hand.

Every entry takes the upstream gradient and the op's operands, and returns the gradients. It also
computes the value, since a training step needs it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Hand = Callable[..., tuple[Any, ...]]


def _unary(value: Callable[..., Any], slope: Callable[..., Any]) -> Hand:
    """For y = value(x) with the gradient slope(g, x, y)."""

    def hand(g: Any, x: Any) -> tuple[Any, ...]:
        y = value(x)
        return (slope(g, x, y),)

    return hand


def _binary(value: Callable[..., Any], left: Callable[..., Any], right: Callable[..., Any]) -> Hand:
    def hand(g: Any, x: Any, y: Any) -> tuple[Any, ...]:
        z = value(x, y)
        return left(g, x, y, z), right(g, x, y, z)

    return hand


def _sigmoid(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def _silu(g: Any, x: Any) -> tuple[Any, ...]:
    s = _sigmoid(x)
    y = x * s
    return (g * (s + y * (1 - s)),)


def _softmax(g: Any, x: Any) -> tuple[Any, ...]:
    y = np.exp(x - x.max(-1, keepdims=True))
    y /= y.sum(-1, keepdims=True)
    return (y * (g - (g * y).sum(-1, keepdims=True)),)


def _log_softmax(g: Any, x: Any) -> tuple[Any, ...]:
    y = x - x.max(-1, keepdims=True)
    y -= np.log(np.exp(y).sum(-1, keepdims=True))
    return (g - np.exp(y) * g.sum(-1, keepdims=True),)


def _logsumexp(g: Any, x: Any) -> tuple[Any, ...]:
    peak = x.max(-1, keepdims=True)
    e = np.exp(x - peak)
    total = e.sum(-1, keepdims=True)
    np.log(total) + peak
    return (g[:, None] * e / total,)


def _extremum(function: Callable[..., Any]) -> Hand:
    def hand(g: Any, x: Any) -> tuple[Any, ...]:
        chosen = x == function(x, -1, keepdims=True)
        return (g[:, None] * chosen / chosen.sum(-1, keepdims=True, dtype=g.dtype),)

    return hand


def _std(g: Any, x: Any) -> tuple[Any, ...]:
    centered = x - x.mean(-1, keepdims=True)
    y = np.sqrt((centered * centered).mean(-1, keepdims=True))
    return (g[:, None] * centered / (y * x.shape[-1]),)


def _var(g: Any, x: Any) -> tuple[Any, ...]:
    centered = x - x.mean(-1, keepdims=True)
    (centered * centered).mean(-1)
    return (g[:, None] * centered * (2 / x.shape[-1]),)


def _filled(g: Any, x: Any) -> Any:
    return np.repeat(g[:, None], x.shape[-1], 1)


LN2, LN10 = math.log(2), math.log(10)

HAND: dict[str, Hand] = {
    "add": _binary(np.add, lambda g, x, y, z: g.copy(), lambda g, x, y, z: g.copy()),
    "subtract": _binary(np.subtract, lambda g, x, y, z: g.copy(), lambda g, x, y, z: -g),
    "multiply": _binary(np.multiply, lambda g, x, y, z: g * y, lambda g, x, y, z: g * x),
    "divide": _binary(np.divide, lambda g, x, y, z: g / y, lambda g, x, y, z: -g * z / y),
    "power": _binary(
        np.power, lambda g, x, y, z: g * y * x ** (y - 1), lambda g, x, y, z: g * z * np.log(x)
    ),
    "maximum": _binary(
        np.maximum,
        lambda g, x, y, z: g * (x > y) + g * (x == y) / 2,
        lambda g, x, y, z: g * (y > x) + g * (x == y) / 2,
    ),
    "minimum": _binary(
        np.minimum,
        lambda g, x, y, z: g * (x < y) + g * (x == y) / 2,
        lambda g, x, y, z: g * (y < x) + g * (x == y) / 2,
    ),
    "arctan2": _binary(
        np.arctan2,
        lambda g, y, x, z: g * x / (x * x + y * y),
        lambda g, y, x, z: -g * y / (x * x + y * y),
    ),
    "hypot": _binary(np.hypot, lambda g, x, y, z: g * x / z, lambda g, x, y, z: g * y / z),
    "logaddexp": _binary(
        np.logaddexp, lambda g, x, y, z: g * np.exp(x - z), lambda g, x, y, z: g * np.exp(y - z)
    ),
    "negative": _unary(np.negative, lambda g, x, y: -g),
    "absolute": _unary(np.abs, lambda g, x, y: g * np.sign(x)),
    "square": _unary(np.square, lambda g, x, y: g * 2 * x),
    "sqrt": _unary(np.sqrt, lambda g, x, y: g * 0.5 / y),
    "cbrt": _unary(np.cbrt, lambda g, x, y: g / (3 * y * y)),
    "reciprocal": _unary(np.reciprocal, lambda g, x, y: -g * y * y),
    "exp": _unary(np.exp, lambda g, x, y: g * y),
    "exp2": _unary(np.exp2, lambda g, x, y: g * y * LN2),
    "expm1": _unary(np.expm1, lambda g, x, y: g * np.exp(x)),
    "log": _unary(np.log, lambda g, x, y: g / x),
    "log2": _unary(np.log2, lambda g, x, y: g / (x * LN2)),
    "log10": _unary(np.log10, lambda g, x, y: g / (x * LN10)),
    "log1p": _unary(np.log1p, lambda g, x, y: g / (1 + x)),
    "sin": _unary(np.sin, lambda g, x, y: g * np.cos(x)),
    "cos": _unary(np.cos, lambda g, x, y: -g * np.sin(x)),
    "tan": _unary(np.tan, lambda g, x, y: g * (1 + y * y)),
    "arcsin": _unary(np.arcsin, lambda g, x, y: g / np.sqrt(1 - x * x)),
    "arccos": _unary(np.arccos, lambda g, x, y: -g / np.sqrt(1 - x * x)),
    "arctan": _unary(np.arctan, lambda g, x, y: g / (1 + x * x)),
    "sinh": _unary(np.sinh, lambda g, x, y: g * np.cosh(x)),
    "cosh": _unary(np.cosh, lambda g, x, y: g * np.sinh(x)),
    "tanh": _unary(np.tanh, lambda g, x, y: g * (1 - y * y)),
    "arcsinh": _unary(np.arcsinh, lambda g, x, y: g / np.sqrt(x * x + 1)),
    "arccosh": _unary(np.arccosh, lambda g, x, y: g / np.sqrt(x * x - 1)),
    "arctanh": _unary(np.arctanh, lambda g, x, y: g / (1 - x * x)),
    "sigmoid": _unary(_sigmoid, lambda g, x, y: g * y * (1 - y)),
    "relu": _unary(lambda x: np.maximum(x, 0), lambda g, x, y: g * (x > 0)),
    "softplus": _unary(
        lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))), lambda g, x, y: g * _sigmoid(x)
    ),
    "silu": _silu,
    "sum": lambda g, x: (x.sum(-1), _filled(g, x))[1:],
    "mean": lambda g, x: (x.mean(-1), _filled(g / x.shape[-1], x))[1:],
    "max": _extremum(np.max),
    "min": _extremum(np.min),
    "var": _var,
    "std": _std,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "logsumexp": _logsumexp,
    "matmul": lambda g, x, y: (x @ y, g @ y.T, x.T @ g)[1:],
    "dense": lambda g, x, w, b: (x @ w + b, g @ w.T, x.T @ g, g.sum(0))[1:],
    "transpose": lambda g, x: (x.T, g.T.copy())[1:],
    "reshape": lambda g, x: (x.reshape(-1), g.reshape(x.shape).copy())[1:],
    "cumsum": lambda g, x: (x.cumsum(-1), g[:, ::-1].cumsum(-1)[:, ::-1].copy())[1:],
}
