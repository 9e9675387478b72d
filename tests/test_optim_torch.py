"""Optimizers follow PyTorch's for 300 steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import nn
from tinygrad_edu import Tensor

from .test_optim import CURVATURE, OPTIMIZERS, trajectory

torch = pytest.importorskip("torch")
MAXIMIZE = [
    ("SGD", {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("Adagrad", {"lr": 0.1, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.001, "centered": True, "weight_decay": 0.1}),
    ("Adadelta", {"weight_decay": 0.1}),
    ("Adam", {"lr": 0.01, "amsgrad": True, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.01}),
    ("Adamax", {"lr": 0.01, "weight_decay": 0.1}),
    ("NAdam", {"lr": 0.01, "decoupled_weight_decay": True, "weight_decay": 0.1}),
    ("RAdam", {"lr": 0.01, "decoupled_weight_decay": True, "weight_decay": 0.1}),
    ("Rprop", {"lr": 0.01}),
    ("ASGD", {"lr": 0.01, "weight_decay": 0.1}),
    ("Adafactor", {"lr": 0.01, "weight_decay": 0.1}),
]


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    """PyTorch with scalars in float64 too: NAdam's product of momenta is float32 otherwise."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(("name", "options"), OPTIMIZERS)
def test_optimizers_follow_torch(name: str, options: dict[str, Any]) -> None:
    p = torch.tensor([1.0, -2.0, 3.0], requires_grad=True)
    optimizer = getattr(torch.optim, name)([p], **options)
    positions = []
    for _ in range(300):
        optimizer.zero_grad()
        (torch.tensor(CURVATURE) * (p - 0.5) ** 2).sum().backward()
        optimizer.step()
        positions.append(p.detach().numpy().copy())
    np.testing.assert_allclose(trajectory(name, options, 300), positions, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("name", "options"), MAXIMIZE)
def test_maximizing_and_groups_follow_torch(name: str, options: dict[str, Any]) -> None:
    """On a matrix, a vector and a scalar, with another learning rate for the last two."""
    rng = np.random.default_rng(0)
    starts = [rng.normal(size=shape) for shape in ((3, 4), (5,), ())]
    gradients = [[rng.normal(size=x.shape) for x in starts] for _ in range(300)]
    ours = [Tensor(x, requires_grad=True) for x in starts]
    theirs = [torch.tensor(x, requires_grad=True) for x in starts]
    first, second = (
        kind([{"params": each[:1]}, {"params": each[1:], "lr": 0.003}], maximize=True, **options)
        for kind, each in ((getattr(nn, name), ours), (getattr(torch.optim, name), theirs))
    )
    for step in gradients:
        for p, q, g in zip(ours, theirs, step, strict=True):
            p.grad, q.grad = g - p.data, torch.tensor(g) - q.detach()
        first.step()
        second.step()
        for p, q in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=0, atol=1e-10)


ADAFACTOR: list[dict[str, Any]] = [
    {},
    {"lr": 0.1, "beta2_decay": -0.5, "eps": (1e-4, 0.01), "d": 2.0, "weight_decay": 0.1},
]


@pytest.mark.parametrize("options", ADAFACTOR)
@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (2, 3, 4), (2, 3, 2, 2)])
def test_adafactor_follows_torch_on_arrays(options: dict[str, Any], shape: Any) -> None:
    rng = np.random.default_rng(0)
    start, factors = rng.normal(size=shape), rng.uniform(0.1, 5.0, shape)
    ours, theirs = Tensor(start, requires_grad=True), torch.tensor(start, requires_grad=True)
    first, second = nn.Adafactor([ours], **options), torch.optim.Adafactor([theirs], **options)
    for _ in range(300):
        ours.grad = factors * (ours.data - 0.5)
        theirs.grad = torch.tensor(factors) * (theirs.detach() - 0.5)
        first.step()
        second.step()
        np.testing.assert_allclose(ours.data, theirs.detach().numpy(), rtol=0, atol=1e-10)


# -------------------------------------------------------------------- Muon

MUON: list[dict[str, Any]] = [
    {"lr": 0.01},
    {"lr": 0.02, "momentum": 0.8, "nesterov": False, "weight_decay": 0.5},
    {"lr": 0.01, "adjust_lr_fn": "match_rms_adamw", "ns_steps": 3},
    {"lr": 0.01, "adjust_lr_fn": "original", "ns_coefficients": (2.0, -1.5, 0.5), "ns_steps": 9},
]


@pytest.mark.parametrize("options", MUON)
@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (6, 2)])
def test_muon_follows_torch(options: Any, shape: Any, monkeypatch: Any) -> None:
    """On the transposed matrix, as PyTorch has it, and about where that is rounded to bfloat16."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda x: x.clone())
    np.testing.assert_allclose(*muon_paths(options, shape, 300), rtol=0, atol=1e-10)
    monkeypatch.undo()
    ours, theirs = muon_paths(options, shape, 1)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=0.05 * options["lr"])


def muon_paths(options: Any, shape: Any, steps: int) -> tuple[Any, Any]:
    """By given gradients, since the iteration is chaotic where gradients depend on the path."""
    rng = np.random.default_rng(0)
    start = rng.normal(size=shape)
    ours, theirs = Tensor(start, requires_grad=True), torch.tensor(start.T, requires_grad=True)
    first, second = nn.Muon([ours], **options), torch.optim.Muon([theirs], **options)
    paths: tuple[list[Any], list[Any]] = [], []
    for _ in range(steps):
        ours.grad = rng.normal(size=shape)
        theirs.grad = torch.tensor(ours.grad.T)
        first.step()
        second.step()
        paths[0].append(ours.data.copy())
        paths[1].append(theirs.detach().numpy().T.copy())
    return paths


# -------------------------------------------------------------------- L-BFGS

LBFGS: list[dict[str, Any]] = [
    {"lr": 0.01, "max_iter": 4},
    {"lr": 0.3, "max_iter": 3, "history_size": 2},
    {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "history_size": 3, "max_iter": 5},
    {"line_search_fn": "strong_wolfe", "lr": 5.0, "max_iter": 2, "max_eval": 6},
    {"line_search_fn": "strong_wolfe", "max_iter": 1, "max_eval": 1},
    {"line_search_fn": "strong_wolfe", "lr": 0.01, "tolerance_change": 1e-3, "max_iter": 7},
]


def valley(x: Any, y: Any) -> Any:
    """Rosenbrock's function of six numbers, and a wave."""
    x = [x[0], x[1], y[0, 0], y[0, 1], y[1, 0], y[1, 1]]
    pairs = zip(x[1:], x, strict=False)
    return sum((1 - a) ** 2 + 5 * (b - a * a) ** 2 for b, a in pairs) + x[0] ** 4


@pytest.mark.parametrize("options", LBFGS)
def test_lbfgs_follows_torch(options: dict[str, Any]) -> None:
    starts = [np.array([-1.0, 0.5]), np.array([[0.2, -0.3], [1.5, 0.1]])]
    ours = [Tensor(x, requires_grad=True) for x in starts]
    theirs = [torch.tensor(x, requires_grad=True) for x in starts]
    calls = []
    pairs = (nn.LBFGS(ours, **options), ours), (torch.optim.LBFGS(theirs, **options), theirs)
    for _ in range(60):
        losses = []
        for optimizer, each in pairs:

            def closure(optimizer: Any = optimizer, each: Any = each) -> Any:
                optimizer.zero_grad()
                loss = valley(*each)
                loss.backward()
                return float(loss.data)

            losses.append(float(optimizer.step(closure)))
        calls.append([*pairs[0][0].state[0].values()][:2])
        np.testing.assert_allclose(*losses, rtol=1e-10, atol=1e-10)
        for p, q in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=0, atol=1e-10)
    state = pairs[1][0].state[theirs[0]]
    assert calls[-1] == [state["n_iter"], state["func_evals"]]


def test_line_searches_follow_torch() -> None:
    """Along 300 wavy lines, from steps too short, right and too long."""
    from torch.optim.lbfgs import _strong_wolfe

    from nn.optim.line_search import Point, strong_wolfe

    def wave(t: float) -> tuple[float, float]:
        value = a * t * t - 2 * t + b * np.sin(c * t)
        return value, 2 * a * t - 2 + b * c * np.cos(c * t)

    def ours(t: float) -> Point:
        value, slope = wave(t)
        return Point(t, value, np.array([slope]), slope)

    def theirs(_: Any, t: Any, d: Any) -> tuple[float, Any]:
        value, slope = wave(float(t))
        return value, torch.tensor([slope])

    rng, calls = np.random.default_rng(0), set()
    for _ in range(300):
        a, c, t = rng.uniform(0.01, 3), rng.uniform(0.1, 9), 10 ** rng.uniform(-3, 1)
        b = rng.uniform(-1, 1.9 / c)  # it goes down at 0
        most = int(rng.integers(1, 25))
        start, one = ours(0.0), torch.ones(1)
        gradient = torch.tensor([start.slope])
        point, n = strong_wolfe(ours, start, t, most, 1.0, 1e-9)
        loss, _, expected, m = _strong_wolfe(
            theirs, None, t, one, start.loss, gradient, gradient[0], max_ls=most
        )
        assert n == m
        np.testing.assert_allclose([point.t, point.loss], [float(expected), loss], rtol=1e-8)
        calls.add(n)
    assert len(calls) > 6
