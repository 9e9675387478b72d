"""Optimizers: their trajectories, groups, state and conventions."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import nn
from tinygrad_edu import Tensor

CURVATURE = np.array([1.0, 10.0, 0.1])

OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.01}),
    ("SGD", {"lr": 0.01, "momentum": 0.9}),
    ("SGD", {"lr": 0.01, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("Adagrad", {"lr": 0.1}),
    (
        "Adagrad",
        {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.5, "weight_decay": 0.1},
    ),
    ("RMSprop", {"lr": 0.001}),
    ("RMSprop", {"lr": 0.001, "centered": True, "momentum": 0.5, "weight_decay": 0.1}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.8, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.01}),
    ("Adam", {"lr": 0.005, "betas": (0.8, 0.95), "eps": 0.1, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.01, "amsgrad": True}),
    ("AdamW", {"lr": 0.01, "weight_decay": 0.1}),
    ("NAdam", {"lr": 0.01, "weight_decay": 0.1}),
    ("RAdam", {"lr": 0.01, "weight_decay": 0.1}),
    ("RAdam", {"lr": 0.01, "betas": (0.9, 0.6)}),
]


def trajectory(name: str, options: dict[str, Any], steps: int) -> np.ndarray:
    """Where an optimizer is after each step on a badly conditioned quadratic."""
    p = Tensor([1.0, -2.0, 3.0], requires_grad=True)
    optimizer = getattr(nn, name)([p], **options)
    positions = []
    for _ in range(steps):
        optimizer.zero_grad()
        (CURVATURE * (p - 0.5) ** 2).sum().backward()
        optimizer.step()
        positions.append(p.data.copy())
    return np.array(positions)


@pytest.fixture
def torch() -> Any:
    """PyTorch with scalars in float64 too: NAdam's product of momenta is float32 otherwise."""
    torch = pytest.importorskip("torch")
    torch.set_default_dtype(torch.float64)
    yield torch
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(("name", "options"), OPTIMIZERS)
def test_optimizers_follow_torch(name: str, options: dict[str, Any], torch: Any) -> None:
    p = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64, requires_grad=True)
    optimizer = getattr(torch.optim, name)([p], **options)
    positions = []
    for _ in range(300):
        optimizer.zero_grad()
        (torch.tensor(CURVATURE) * (p - 0.5) ** 2).sum().backward()
        optimizer.step()
        positions.append(p.detach().numpy().copy())
    np.testing.assert_allclose(trajectory(name, options, 300), positions, rtol=0, atol=1e-10)


SGD_STEPS = {  # p, v by hand for g = 2 (p - 0.5) from p = 1: lr 0.1, μ 0.9
    "plain": ({"lr": 0.1}, [0.9, 0.82]),
    "momentum": ({"lr": 0.1, "momentum": 0.9}, [0.9, 0.73]),
    "nesterov": ({"lr": 0.1, "momentum": 0.9, "nesterov": True}, [0.81, 0.6112]),
    "decay": ({"lr": 0.1, "weight_decay": 0.5}, [0.85, 0.7375]),
}


@pytest.mark.parametrize("case", SGD_STEPS)
def test_sgd_by_hand(case: str) -> None:
    options, expected = SGD_STEPS[case]
    p = Tensor(1.0, requires_grad=True)
    optimizer = nn.SGD([p], **options)
    for position in expected:
        optimizer.zero_grad()
        ((p - 0.5) ** 2).backward()
        optimizer.step()
        np.testing.assert_allclose(p.data, position)


@pytest.mark.parametrize("name", ["Adam", "AdamW", "NAdam", "RMSprop", "Adagrad"])
def test_first_steps_have_the_size_of_the_learning_rate(name: str) -> None:
    (position,) = trajectory(name, {"lr": 0.01}, 1)
    steps = np.abs(position - [1.0, -2.0, 3.0])
    expected = 0.1 if name == "RMSprop" else 0.01  # 1 / √(1 - α) times as large
    np.testing.assert_allclose(steps, expected, rtol=0.1)


@pytest.mark.parametrize(("name", "options"), OPTIMIZERS)
def test_state_continues_where_it_was(name: str, options: dict[str, Any]) -> None:
    def step(p: Tensor, optimizer: nn.Optimizer) -> None:
        optimizer.zero_grad()
        (CURVATURE * p**2).sum().backward()
        optimizer.step()

    p = Tensor([1.0, -2.0, 3.0], requires_grad=True)
    optimizer = getattr(nn, name)([p], **options)
    for _ in range(3):
        step(p, optimizer)
    q, state = copy.deepcopy(p), optimizer.state_dict()
    resumed = getattr(nn, name)([q], **options)
    step(p, optimizer)  # the state is a copy: this must not change it
    resumed.load_state_dict(state)
    step(q, resumed)
    np.testing.assert_array_equal(q.data, p.data)
    with pytest.raises(ValueError, match="groups of"):
        getattr(nn, name)([q, p], **options).load_state_dict(state)


@pytest.mark.parametrize("name", sorted({name for name, _ in OPTIMIZERS}))
def test_step_changes_in_place_and_skips_what_has_no_gradient(name: str) -> None:
    used, unused = (Tensor(np.ones(2, np.float32), requires_grad=True) for _ in range(2))
    data = used.data
    optimizer = getattr(nn, name)([used, unused])
    for _ in range(2):
        optimizer.zero_grad()
        used.sum().backward()
        gradient = used.grad.copy()
        optimizer.step()
        np.testing.assert_array_equal(used.grad, gradient)
    assert used.data is data
    assert data.dtype == np.float32
    assert (data < 1).all()
    np.testing.assert_array_equal(unused.data, np.ones(2))
    assert all(v.dtype == np.float32 for v in optimizer.state[0].values() if np.ndim(v))
    optimizer.zero_grad()
    assert used.grad is None


def test_groups_have_options_of_their_own() -> None:
    a, b = (Tensor(1.0, requires_grad=True) for _ in range(2))
    optimizer = nn.SGD([{"params": [a], "lr": 0.5}, {"params": b}], lr=0.1)
    (a + b).backward()
    optimizer.step()
    assert (float(a), float(b)) == (0.5, 0.9)
    assert optimizer.lr == 0.5
    optimizer.lr = 0.25
    assert [group["lr"] for group in optimizer.groups] == [0.25, 0.25]


@pytest.mark.parametrize(
    ("arguments", "options", "text"),
    [
        (([],), {}, "needs parameters"),
        ((Tensor(1.0, requires_grad=True),), {}, r"\[p\]"),
        (([Tensor(1.0, requires_grad=True) * 2],), {}, "leaf"),
        (([np.ones(2)],), {}, "leaf Tensors"),
        (([nn.Parameter(1.0)] * 2,), {}, "twice"),
        (([nn.Parameter(1.0)],), {"lr": -1.0}, "lr must be at least 0"),
        (([nn.Parameter(1.0)],), {"lr": float("nan")}, "lr must be at least 0"),
        (([nn.Parameter(1.0)],), {"momentum": 1.0}, "momentum must be at least 0 and below 1"),
        (([nn.Parameter(1.0)],), {"nesterov": True}, "nesterov needs momentum"),
        (([{"params": [nn.Parameter(1.0)], "rate": 1}],), {}, "no option rate"),
    ],
)
def test_optimizers_refuse(arguments: Any, options: dict[str, Any], text: str) -> None:
    with pytest.raises((ValueError, TypeError), match=text):
        nn.SGD(*arguments, **options)
    with pytest.raises(ValueError, match=r"betas\[1\]"):
        nn.Adam([nn.Parameter(1.0)], betas=(0.9, 1.0))


def test_clipping() -> None:
    a, b = Tensor([3.0], requires_grad=True), Tensor([4.0], requires_grad=True)
    frozen = Tensor([1.0], requires_grad=True)
    (a * a / 2 + b * b / 2).sum().backward()
    assert nn.optim.clip_grad_norm([a, b, frozen], 10.0) == 5
    assert (a.grad, b.grad) == (3, 4)
    assert nn.optim.clip_grad_norm([a, b, frozen], 1.0) == 5
    np.testing.assert_allclose([a.grad[0], b.grad[0]], [0.6, 0.8])
    a.grad[...] = np.nan
    assert np.isnan(nn.optim.clip_grad_norm([a, b], 1e-3))
    np.testing.assert_allclose(b.grad, 0.8)
    nn.optim.clip_grad_value([b, frozen], 0.5)
    assert b.grad == 0.5


@pytest.mark.parametrize("name", ["SGD", "Adadelta", "RMSprop", "NAdam", "Adam", "Adagrad"])
def test_a_scalar_is_trained_like_an_array_of_one(name: str) -> None:
    scalar, one = Tensor(3.0, requires_grad=True), Tensor([3.0], requires_grad=True)
    options: dict[str, Any] = {"weight_decay": 0.1}
    options |= {"momentum": 0.9} if name in ("SGD", "RMSprop") else {}
    for p in (scalar, one):
        optimizer = getattr(nn, name)([p], lr=0.1, **options)
        for _ in range(3):
            optimizer.zero_grad()
            (p * p).sum().backward()
            optimizer.step()
    assert scalar.data == one.data[0]
    assert all(isinstance(v, (np.ndarray, int, float)) for v in optimizer.state[0].values())


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_gradients_whose_squares_overflow_are_clipped(dtype: Any) -> None:
    p = Tensor(np.ones(2, dtype), requires_grad=True)
    huge = float(np.finfo(dtype).max) / 4
    p.grad = np.array([3 * huge / 4, huge], dtype)
    with np.errstate(over="ignore"):
        norm = nn.clip_grad_norm([p], 1.0)
    np.testing.assert_allclose(norm, 5 / 4 * huge, rtol=1e-3)
    np.testing.assert_allclose(p.grad, [0.6, 0.8], rtol=1e-3)


def test_clipping_takes_one_tensor() -> None:
    p = Tensor([3.0, 4.0], requires_grad=True)
    p.grad = np.array([3.0, 4.0])
    assert nn.clip_grad_norm(p, 1.0) == 5
    np.testing.assert_allclose(p.grad, [0.6, 0.8])
    nn.clip_grad_value(p, 0.5)
    np.testing.assert_array_equal(p.grad, [0.5, 0.5])
