"""Learning-rate schedules: by hand, and against PyTorch's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import nn

SCHEDULES: list[tuple[str, dict[str, Any]]] = [
    ("StepLR", {"step_size": 7}),
    ("MultiStepLR", {"milestones": [3, 20], "gamma": 0.5}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.1, "end_factor": 0.5, "total_iters": 13}),
    ("CosineAnnealingLR", {"T_max": 11, "eta_min": 0.01}),
    ("CosineAnnealingWarmRestarts", {"T_0": 5, "T_mult": 2}),
    ("OneCycleLR", {"max_lr": 0.3, "total_steps": 50}),
    ("OneCycleLR", {"max_lr": 0.3, "total_steps": 50, "cycle_momentum": False, "pct_start": 0.5}),
]
PLATEAUS: list[dict[str, Any]] = [
    {"patience": 2},
    {"patience": 1, "cooldown": 2, "factor": 0.5, "min_lr": 1e-3},
    {"patience": 0, "mode": "max", "threshold": 0.1},
]


def optimizer(name: str = "SGD") -> nn.Optimizer:
    options = {"momentum": 0.9} if name == "SGD" else {}
    return getattr(nn, name)([nn.Parameter([1.0])], lr=0.1, **options)  # type: ignore[no-any-return]


@pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.*:UserWarning")
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize(("name", "options"), SCHEDULES)
def test_schedules_follow_torch(name: str, options: dict[str, Any], kind: str) -> None:
    torch = pytest.importorskip("torch")
    ours = optimizer(kind)
    extra = {"momentum": 0.9} if kind == "SGD" else {}
    theirs = getattr(torch.optim, kind)([torch.ones(1, requires_grad=True)], lr=0.1, **extra)
    schedule = getattr(nn, name)(ours, **options)
    reference = getattr(torch.optim.lr_scheduler, name)(theirs, **options)
    for _ in range(49):
        group, other = ours.groups[0], theirs.param_groups[0]
        np.testing.assert_allclose(group["lr"], other["lr"], rtol=1e-12, atol=1e-15)
        for key in ("momentum", "betas"):
            if key in group:
                np.testing.assert_allclose(group[key], other[key], rtol=1e-12)
        schedule.step()
        reference.step()


@pytest.mark.parametrize("options", PLATEAUS)
def test_plateaus_follow_torch(options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    ours = optimizer()
    theirs = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1)
    schedule = nn.ReduceLROnPlateau(ours, **options)
    reference = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **options)
    for value in [5, 4, 4, 4, 3.9999, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 9, 9, 9]:
        schedule.step(value)
        reference.step(value)
        assert math.isclose(ours.lr, theirs.param_groups[0]["lr"])


def test_by_hand() -> None:
    for schedule, rates in [
        (nn.StepLR(optimizer(), 2, 0.5), [0.1, 0.1, 0.05, 0.05, 0.025]),
        (nn.ExponentialLR(optimizer(), 0.5), [0.1, 0.05, 0.025]),
        (nn.CosineAnnealingLR(optimizer(), 2), [0.1, 0.05, 0.0, 0.05]),
        (nn.LinearLR(optimizer(), 0.5, 1.0, 2), [0.05, 0.075, 0.1, 0.1]),
    ]:
        for rate in rates:
            assert math.isclose(schedule.optimizer.lr, rate, abs_tol=1e-12)
            schedule.step()


def test_groups_keep_their_proportion_and_state_continues() -> None:
    a, b = nn.Parameter([1.0]), nn.Parameter([1.0])
    both = nn.SGD([{"params": [a], "lr": 1.0}, {"params": [b], "lr": 0.1}])
    schedule = nn.ExponentialLR(both, 0.5)
    schedule.step()
    assert [group["lr"] for group in both.groups] == [0.5, 0.05]
    again = nn.ExponentialLR(nn.SGD([{"params": [a], "lr": 1.0}, {"params": [b], "lr": 0.1}]), 0.5)
    again.load_state_dict(schedule.state_dict())
    again.step()
    assert [group["lr"] for group in again.optimizer.groups] == [0.25, 0.025]


def test_refusals() -> None:
    with pytest.raises(TypeError, match="takes an optimizer first"):
        nn.StepLR(0.1, 2)
    with pytest.raises(TypeError, match=r"step\(val_loss\)"):
        nn.ReduceLROnPlateau(optimizer()).step()
    with pytest.raises(ValueError, match="'min' or 'max'"):
        nn.ReduceLROnPlateau(optimizer(), mode="least")
    cycle = nn.OneCycleLR(optimizer(), 1.0, 3)
    for _ in range(3):
        cycle.step()
    with pytest.raises(ValueError, match="has 3 steps"):
        cycle.step()


def test_a_cycle_that_starts_at_its_peak() -> None:
    optimizer = nn.SGD([nn.Parameter([1.0])], lr=0.1)
    schedule = nn.OneCycleLR(optimizer, 1.0, total_steps=10, pct_start=0.1)
    assert optimizer.lr == 1.0
    schedule.step()
    assert 0.9 < optimizer.lr < 1.0


# -------------------------------------------------------------------- several on one optimizer

CHAINS: list[list[tuple[str, dict[str, Any]]]] = [
    [("LinearLR", {"start_factor": 0.1}), ("ExponentialLR", {"gamma": 0.9})],
    [("ExponentialLR", {"gamma": 0.9}), ("LinearLR", {"start_factor": 0.1})],
    [("StepLR", {"step_size": 3}), ("MultiStepLR", {"milestones": [2, 9], "gamma": 0.5})],
    [("LinearLR", {}), ("CosineAnnealingLR", {"T_max": 6, "eta_min": 0.01})],
    [("CosineAnnealingLR", {"T_max": 4, "eta_min": 0.02}), ("StepLR", {"step_size": 2})],
    [("CosineAnnealingWarmRestarts", {"T_0": 5}), ("ExponentialLR", {"gamma": 0.9})],
    [("LinearLR", {}), ("CosineAnnealingWarmRestarts", {"T_0": 5})],
]


@pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.*:UserWarning")
@pytest.mark.parametrize("chain", CHAINS)
def test_schedules_of_one_optimizer_chain_as_those_of_torch(chain: Any) -> None:
    torch = pytest.importorskip("torch")
    ours = optimizer()
    theirs = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1)
    schedules = [getattr(nn, name)(ours, **options) for name, options in chain]
    references = [getattr(torch.optim.lr_scheduler, n)(theirs, **o) for n, o in chain]
    for _ in range(20):
        np.testing.assert_allclose(ours.lr, theirs.param_groups[0]["lr"], rtol=1e-12)
        for schedule, reference in zip(schedules, references, strict=True):
            schedule.step()
            reference.step()
            np.testing.assert_allclose(schedule.get_last_lr(), reference.get_last_lr(), rtol=1e-12)


def test_warmup_and_decay_chain() -> None:
    sgd = nn.SGD([nn.Parameter([1.0])], lr=1.0)
    warmup, decay = nn.LinearLR(sgd, 0.1, total_iters=5), nn.ExponentialLR(sgd, 0.9)
    assert math.isclose(sgd.lr, 0.1)
    for _ in range(5):
        warmup.step()
        decay.step()
    assert math.isclose(sgd.lr, 0.9**5)  # 0.590


def test_a_rate_set_by_hand_is_where_the_schedule_goes_on() -> None:
    ours = optimizer()
    schedule = nn.ExponentialLR(ours, 0.5)
    ours.lr = 0.8
    schedule.step()
    assert ours.lr == 0.4
    ours.lr = 1.0
    assert nn.CosineAnnealingLR(ours, 10).starts == [1.0]


def test_plateaus_of_negative_values_are_seen() -> None:
    for mode, values in (("min", [-1, -1, -1, -1]), ("max", [-1, -1, -1, -1])):
        ours = optimizer()
        schedule = nn.ReduceLROnPlateau(ours, mode, patience=1)
        for value in values:
            schedule.step(value)
        assert math.isclose(ours.lr, 0.01)
    for mode, values in (("min", [-1, -2, -3, -4]), ("max", [-4, -3, -2, -1])):
        ours = optimizer()
        schedule = nn.ReduceLROnPlateau(ours, mode, patience=0)
        for value in values:
            schedule.step(value)
        assert ours.lr == 0.1


@pytest.mark.parametrize(("name", "options"), [*SCHEDULES, ("ReduceLROnPlateau", {"patience": 0})])
def test_a_loaded_schedule_sets_the_rate_at_once(name: str, options: dict[str, Any]) -> None:
    value = [1.0] if name == "ReduceLROnPlateau" else []
    first, second = optimizer(), optimizer()
    schedule, again = (getattr(nn, name)(each, **options) for each in (first, second))
    for _ in range(9):
        schedule.step(*value)
    again.load_state_dict(schedule.state_dict())
    assert second.groups[0]["lr"] == first.groups[0]["lr"] == again.get_last_lr()[0]
    assert second.groups[0]["momentum"] == first.groups[0]["momentum"]
    schedule.step(*value)
    again.step(*value)
    assert second.lr == first.lr
