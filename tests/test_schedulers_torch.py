"""Learning-rate schedules follow PyTorch's, alone, chained and in sequence."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import nn

from .test_schedulers import PLATEAUS, SCHEDULES, optimizer

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.*:UserWarning")
Named = tuple[str, dict[str, Any]]
CHAINS: list[list[Named]] = [
    [("LinearLR", {"start_factor": 0.1}), ("ExponentialLR", {"gamma": 0.9})],
    [("ExponentialLR", {"gamma": 0.9}), ("LinearLR", {"start_factor": 0.1})],
    [("StepLR", {"step_size": 3}), ("MultiStepLR", {"milestones": [2, 9], "gamma": 0.5})],
    [("LinearLR", {}), ("CosineAnnealingLR", {"T_max": 6, "eta_min": 0.01})],
    [("CosineAnnealingLR", {"T_max": 4, "eta_min": 0.02}), ("StepLR", {"step_size": 2})],
    [("CosineAnnealingWarmRestarts", {"T_0": 5}), ("ExponentialLR", {"gamma": 0.9})],
    [("LinearLR", {}), ("CosineAnnealingWarmRestarts", {"T_0": 5})],
    [("ConstantLR", {}), ("PolynomialLR", {"total_iters": 9, "power": 2.0})],
    [("PolynomialLR", {"total_iters": 4}), ("MultiplicativeLR", {"lr_lambda": lambda t: 0.9})],
    [("ExponentialLR", {"gamma": 0.9}), ("LambdaLR", {"lr_lambda": lambda t: 1 / (1 + t)})],
]


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize(("name", "options"), SCHEDULES)
def test_schedules_follow_torch(name: str, options: dict[str, Any], kind: str) -> None:
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
    ours = optimizer()
    theirs = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1)
    schedule = nn.ReduceLROnPlateau(ours, **options)
    reference = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **options)
    for value in [5, 4, 4, 4, 3.9999, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 9, 9, 9]:
        schedule.step(value)
        reference.step(value)
        assert math.isclose(ours.lr, theirs.param_groups[0]["lr"])


@pytest.mark.parametrize("chain", CHAINS)
def test_schedules_of_one_optimizer_chain_as_those_of_torch(chain: Any) -> None:
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


@pytest.mark.parametrize("chain", CHAINS)
def test_chained_schedulers_follow_torch(chain: list[Named]) -> None:
    ours, theirs = optimizer(), torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1)
    schedule = nn.ChainedScheduler([getattr(nn, n)(ours, **o) for n, o in chain])
    module = torch.optim.lr_scheduler
    reference = module.ChainedScheduler([getattr(module, n)(theirs, **o) for n, o in chain])
    for _ in range(20):
        np.testing.assert_allclose(ours.lr, theirs.param_groups[0]["lr"], rtol=1e-12)
        schedule.step()
        reference.step()
        np.testing.assert_allclose(schedule.get_last_lr(), reference.get_last_lr(), rtol=1e-12)


SEQUENCES: list[tuple[list[Named], list[int]]] = [
    ([("LinearLR", {"start_factor": 0.1}), ("CosineAnnealingLR", {"T_max": 10})], [5]),
    ([("ConstantLR", {}), ("ExponentialLR", {"gamma": 0.9}), ("StepLR", {"step_size": 2})], [3, 9]),
    ([("ExponentialLR", {"gamma": 0.5}), ("LambdaLR", {"lr_lambda": lambda t: 0.5**t})], [4]),
    ([("PolynomialLR", {}), ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2})], [2]),
    ([("MultiStepLR", {"milestones": [1, 3]}), ("PolynomialLR", {"total_iters": 7})], [6]),
    ([("LinearLR", {}), ("MultiplicativeLR", {"lr_lambda": lambda t: 1 - 1 / (t + 4)})], [4]),
    ([("MultiplicativeLR", {"lr_lambda": lambda t: 0.9}), ("LinearLR", {})], [4]),
    (
        [
            ("LinearLR", {}),
            ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.3, "step_size_up": 3, "step_size_down": 2}),
        ],
        [4],
    ),
]


@pytest.mark.parametrize("outside", [False, True])
@pytest.mark.parametrize(("parts", "milestones"), SEQUENCES)
def test_sequences_follow_torch(parts: list[Named], milestones: list[int], outside: bool) -> None:
    """Also with a schedule beside the sequence."""
    module = torch.optim.lr_scheduler
    ours = optimizer()
    theirs = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1, momentum=0.9)
    schedules: list[list[Any]] = []
    for source, each in ((nn, ours), (module, theirs)):
        made = [getattr(source, name)(each, **options) for name, options in parts]
        schedules.append([source.SequentialLR(each, made, milestones)])  # type: ignore[attr-defined]
        if outside:
            schedules[-1].append(source.ExponentialLR(each, 0.8))  # type: ignore[attr-defined]
    for _ in range(25):
        group = theirs.param_groups[0]
        np.testing.assert_allclose(ours.lr, group["lr"], rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(ours.groups[0]["momentum"], group["momentum"], rtol=1e-12)
        for step in [*schedules[0], *schedules[1]]:
            step.step()


LISTS: list[Named] = [
    ("LambdaLR", {"lr_lambda": [lambda t: 0.9**t, lambda t: 1 / (1 + t)]}),
    ("MultiplicativeLR", {"lr_lambda": [lambda t: 0.9, lambda t: 0.8]}),
    ("OneCycleLR", {"max_lr": [0.3, 0.7], "total_steps": 20}),
    ("CyclicLR", {"base_lr": [0.1, 0.2], "max_lr": [0.3, 0.7], "step_size_up": 4}),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": [0.3, 0.7], "step_size_up": 4}),
]


@pytest.mark.parametrize(("name", "options"), LISTS)
def test_schedules_of_groups_follow_torch(name: str, options: dict[str, Any]) -> None:
    groups = [{"lr": 0.1}, {"lr": 0.01}]
    ours = nn.Adam([{"params": [nn.Parameter([1.0])], **each} for each in groups])
    weights = [torch.ones(1, requires_grad=True) for _ in groups]
    theirs = torch.optim.Adam([{"params": [w], **g} for w, g in zip(weights, groups, strict=True)])
    schedule = getattr(nn, name)(ours, **options)
    reference = getattr(torch.optim.lr_scheduler, name)(theirs, **options)
    for _ in range(19):
        for group, other in zip(ours.groups, theirs.param_groups, strict=True):
            np.testing.assert_allclose(group["lr"], other["lr"], rtol=1e-12)
            np.testing.assert_allclose(group["betas"], other["betas"], rtol=1e-12)
        schedule.step()
        reference.step()
