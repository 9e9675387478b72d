"""The NaN guard in programs: where a selection and an infinite slope can meet, and only there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from tinygrad_edu import Tensor, ops, trace

from .test_program_ops import Case, case_of, check_format, run_elsewhere

halves = np.array([[False], [True]])
second = np.array([False, True])
KINKS: dict[str, Callable[[Any], Any]] = {
    "sqrt": lambda x: np.where(x > 0, np.sqrt(x), 0),
    "log": lambda x: np.where(x > 0, np.log(x), 0),
    "x_log_x": lambda x: np.where(x > 0, x * np.log(x), 0),
    "root": lambda x: np.where(x > 0, x**0.5, 0),
    "self_power": lambda x: np.where(x > 0, x**x, 0),
    "reciprocal": lambda x: np.where(x > 0, 1 / x, 0),
    "quotient": lambda x: np.where(x > 0, (x + 1) / x, 0),
    "overflow": lambda x: np.where(x < 1, np.exp(x * 3000), 0),
    "arcsin": lambda x: np.where(x < 1, np.arcsin(x), 0),
    "slice": lambda x: np.sqrt(x)[2:],
    "index": lambda x: np.log(x)[np.array([2, 3, 3])],
    "maximum_of_all": lambda x: np.max(np.sqrt(x)),
    "maximum": lambda x: np.maximum(np.sqrt(x), 0.5),
    "clip": lambda x: np.log(x).clip(-1, 10),
    "relu": lambda x: ops.relu(np.log(x)),
    "gelu": lambda x: np.where(x > 0, nn.functional.gelu(np.log(x)), 0),
    "root_of_relu": lambda x: np.sqrt(ops.relu(x - 1)),
    "root_of_clip": lambda x: np.sqrt(x.clip(0, 1)),
    "softmax": lambda x: np.where(halves, ops.softmax(np.log(x).reshape(2, 2)), 0),
    "product": lambda x: np.where(second, np.prod(1 / x.reshape(2, 2), axis=1), 0),
    "deviation": lambda x: np.where(second, np.std((1 / x).reshape(2, 2), axis=1), 0),
    "norm": lambda x: np.where(x > 5, np.linalg.norm(np.log(x)), 0),
    "broadcast": lambda x: np.where(np.ones((3, 1)) * np.array([0, 0, 1, 1]) > 0, np.sqrt(x), 0),
}  # fmt: skip


def test_kinks_are_as_the_engine_has_them(tmp_path: Path) -> None:
    cases: list[Case] = []
    for dtype in (np.float64, np.float32):
        for name, f in KINKS.items():
            w = Tensor(np.array([0.0, 0.0, 1.0, 4.0], dtype), requires_grad=True, name="w")

            def loss(f: Any = f, w: Tensor = w) -> Any:
                return f(w).sum()

            with np.errstate(all="ignore"):
                y = loss()
                y.backward()
                program = trace(loss)
            cases.append(case_of(name, program, y.data))
            found = program()[1]["w"]
            assert np.isfinite(found).all() or name.startswith("root_of"), name
            assert np.array_equal(found, w.grad), (name, program.code)
            assert found.dtype == dtype
    run_elsewhere(cases, tmp_path)
    check_format(cases, tmp_path)


def test_it_reads_as_one_would_write_it() -> None:
    w = Tensor(np.array([0.0, 4.0]), requires_grad=True, name="w")

    def loss() -> Any:
        root = np.sqrt(w)
        return np.where(w > 0, root, 0).sum()

    code = trace(loss).code
    assert "d_w = np.where(d_root != 0, d_root * 0.5 / root, 0)" in code
    assert code.count("!= 0") == 1


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Dense(4, 6), nn.ReLU(), nn.Dense(6, 6), nn.ReLU(), nn.Dense(6, 3)),
        nn.Sequential(nn.Dense(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(), nn.Dense(6, 3)),
        nn.Sequential(nn.Dense(4, 6), nn.LayerNorm(6), nn.GELU(), nn.Softmax(), nn.Dense(6, 3)),
        nn.Sequential(nn.Dense(4, 6), nn.LeakyReLU(), nn.Sigmoid(), nn.Dense(6, 3)),
    ],
)
def test_ordinary_networks_have_none(model: Any) -> None:
    x, t = np.ones((5, 4), np.float32), np.array([0, 1, 2, 0, 1])
    code = trace(lambda x, t: nn.cross_entropy(model(x), t), x, t).code
    assert "!= 0," not in code
    assert "np.where(" not in code


def test_a_power_of_at_least_one_needs_none() -> None:
    w = Tensor(np.array([0.0, 4.0]), requires_grad=True, name="w")
    assert "!= 0" not in trace(lambda: ops.relu(w**2 / 3).sum()).code
    assert "!= 0" in trace(lambda: ops.relu(w**0.5).sum()).code
