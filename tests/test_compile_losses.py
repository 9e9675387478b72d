"""A loss that was compiled with some values is right for others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nn
import nn.functional as F
from tinygrad_edu import TraceError, compile, grad, ops, trace

IGNORED = -100
INDICES = [
    np.array([0, 1, 2, 0, 1, 2]),
    np.array([0, IGNORED, 2, 0, 1, IGNORED]),
    np.full(6, IGNORED),
    np.zeros(6, int),
]
WEIGHT = np.array([1, 2, 3], np.float32)
LOSSES: dict[str, Callable[..., Any]] = {
    "plain": F.cross_entropy,
    "of the sum": lambda y, t: F.cross_entropy(y, t, "sum"),
    "with class weights": lambda y, t: F.cross_entropy(y, t, weight=WEIGHT),
    "smoothed": lambda y, t: F.cross_entropy(y, t, label_smoothing=0.1),
    "of probabilities": lambda y, t: F.categorical_cross_entropy(F.softmax(y), t),
    "of log-probabilities": lambda y, t: F.nll_loss(F.log_softmax(y), t, weight=WEIGHT),
    "focal": lambda y, t: F.focal_loss(y, t, weight=WEIGHT),
}


def inputs() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((6, 4), np.float32)


def same_for_all(loss: Callable[..., Any], targets: list[np.ndarray]) -> None:
    layer, x = nn.Dense(4, 3), inputs()
    broken = x.copy()
    broken[1] = np.inf  # in a row that some of the targets ignore
    for first in targets:
        compiled = compile(lambda x, t: loss(layer(x), t))
        compiled(x, first)
        for later in targets:
            for given in (x, broken):
                with np.errstate(invalid="ignore"):
                    expected, found = loss(layer(given), later), compiled(given, later)
                np.testing.assert_array_equal(found.data, expected.data)
        assert len(compiled.programs) == 1


@pytest.mark.parametrize("name", LOSSES)
def test_with_ignored_labels_or_without(name: str) -> None:
    same_for_all(LOSSES[name], INDICES)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", [np.int64, np.float32])
def test_with_one_hot_targets(name: str, dtype: Any) -> None:
    rows = np.eye(3, dtype=dtype)
    same_for_all(LOSSES[name], [rows[INDICES[0]], rows[INDICES[3]]])


def test_a_gradient_that_was_zero_at_first_counts_later() -> None:
    x = nn.Parameter(np.linspace(-2, 2, 7), name="x")

    def loss(factor: Any) -> Any:
        y, slope = ops.gelu_and_slope(x)
        return y.sum() + slope.sum() * factor

    compiled = compile(loss)
    for factor in (0.0, 2.0, 0.0):
        x.grad = None
        compiled(np.array(factor)).backward()
        np.testing.assert_array_equal(x.grad, grad(loss(factor), x).data)
    program = trace(loss, np.array(0.0))
    np.testing.assert_array_equal(program(np.array(2.0))[1]["x"], grad(loss(2.0), x).data)


@pytest.mark.parametrize("labels", [np.zeros(4, int), np.ones(4, int), np.arange(4) % 3])
def test_what_was_computed_from_an_argument_of_equal_rows_is_found(labels: Any) -> None:
    weight = nn.Parameter(np.ones((4, 3)))
    with pytest.raises(TraceError, match="outside of the ops"):
        compile(lambda t: (weight * F.one_hot(t, 3)).sum())(labels)


@pytest.mark.parametrize("scale", [1.0, 2.0, 0.0, np.float32(-3)])
def test_a_number_that_is_an_argument_is_none_of_the_program(scale: Any) -> None:
    weight = nn.Parameter(np.ones(3))
    compiled = compile(lambda s: (weight * s).sum())
    for each in (scale, 5.0):
        assert float(compiled(np.asarray(each))) == 3 * each
