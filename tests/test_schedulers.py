"""Learning-rate schedules: by hand, chained, in sequence, saved."""

from __future__ import annotations

import copy
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
    (
        "OneCycleLR",
        {"max_lr": 0.3, "epochs": 5, "steps_per_epoch": 10, "anneal_strategy": "linear"},
    ),
    ("OneCycleLR", {"max_lr": [0.3], "total_steps": 50, "three_phase": True, "div_factor": 5.0}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.5, "total_iters": 13}),
    ("PolynomialLR", {}),
    ("PolynomialLR", {"total_iters": 30, "power": 1.5}),
    ("LambdaLR", {"lr_lambda": lambda t: 0.9**t}),
    ("MultiplicativeLR", {"lr_lambda": lambda t: 1 - 1 / (t + 5)}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.2, "step_size_up": 7}),
    (
        "CyclicLR",
        {"base_lr": 0.01, "max_lr": 0.2, "step_size_up": 7, "step_size_down": 3}
        | {"mode": "triangular2", "base_momentum": 0.7, "max_momentum": 0.95},
    ),
    (
        "CyclicLR",
        {"base_lr": 0.01, "max_lr": 0.2, "step_size_up": 7, "mode": "exp_range", "gamma": 0.99}
        | {"cycle_momentum": False},
    ),
    (
        "CyclicLR",
        {"base_lr": 0.01, "max_lr": 0.2, "step_size_up": 4, "scale_fn": lambda x: 1 / (1 + x)}
        | {"scale_mode": "iterations"},
    ),
]
PLATEAUS: list[dict[str, Any]] = [
    {"patience": 2},
    {"patience": 1, "cooldown": 2, "factor": 0.5, "min_lr": 1e-3},
    {"patience": 0, "mode": "max", "threshold": 0.1},
    {"patience": 0, "threshold_mode": "abs", "threshold": 0.5},
    {"patience": 0, "mode": "max", "threshold_mode": "abs", "threshold": 0.5},
]


def optimizer(name: str = "SGD") -> nn.Optimizer:
    options = {"momentum": 0.9} if name == "SGD" else {}
    return getattr(nn, name)([nn.Parameter([1.0])], lr=0.1, **options)  # type: ignore[no-any-return]


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


def in_sequence(sgd: nn.Optimizer) -> nn.SequentialLR:
    """Schedules that each have something of their own to save."""
    warmup = nn.LinearLR(sgd, 0.1, total_iters=3)
    cycle = nn.OneCycleLR(sgd, 0.5, total_steps=6)
    both = nn.ChainedScheduler([nn.ExponentialLR(sgd, 0.9), nn.StepLR(sgd, 2, 0.5)])
    slower = nn.MultiplicativeLR(sgd, lambda t: 1 / (1 + t))
    return nn.SequentialLR(sgd, [warmup, cycle, both, slower], milestones=[3, 8, 12])


def test_a_sequence_resumes_anywhere() -> None:
    whole = optimizer()
    schedule = in_sequence(whole)
    states, seen = [], []
    for _ in range(17):
        states.append((schedule.state_dict(), whole.state_dict()))
        seen.append((whole.lr, whole.groups[0]["momentum"]))
        schedule.step()
    assert len({lr for lr, _ in seen}) > 12
    for t, (state, options) in enumerate(states):
        other = optimizer()
        again = in_sequence(other)
        again.load_state_dict(state)
        assert other.lr == seen[t][0]
        other.load_state_dict(options)
        for k in range(t, 17):
            assert (other.lr, other.groups[0]["momentum"]) == seen[k]
            again.step()


def test_a_refused_sequence_changes_nothing(tmp_path: Any) -> None:
    pytest.importorskip("safetensors")
    model = nn.Dense(1, 1)
    sgd = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)
    schedule = in_sequence(sgd)
    fresh = schedule.state_dict()
    for _ in range(9):
        schedule.step()
    good = schedule.state_dict()
    for part, change in ((1, {"max_lr": 0.4}), (2, {"t": -1}), (3, {"rates": [math.nan]})):
        bad = copy.deepcopy(good)
        bad["schedulers"][part].update(change)
        with pytest.raises(ValueError, match=next(iter(change)).rstrip("s") + "|lr"):
            in_sequence(sgd).load_state_dict(bad)
    for parts in (None, [], good["schedulers"][:3], [1, 2, 3, 4]):
        with pytest.raises((ValueError, TypeError)):
            in_sequence(sgd).load_state_dict({**good, "schedulers": parts})
    nn.save(tmp_path / "run", model, nn.Adam(model.parameters()), schedule)
    again = in_sequence(sgd)
    with pytest.raises(ValueError, match="does not fit the optimizer"):
        nn.load(tmp_path / "run", model, sgd, again)
    assert again.state_dict() == fresh


def test_chained_schedules_multiply() -> None:
    sgd = optimizer()
    chained = nn.ChainedScheduler([nn.ExponentialLR(sgd, 0.5), nn.ConstantLR(sgd, 0.1, 2)])
    for rate in (0.01, 0.005, 0.025, 0.0125):
        assert math.isclose(sgd.lr, rate)
        chained.step()
    chained.restart()
    assert math.isclose(sgd.lr, 0.01)
    assert chained.last_epoch == 0


def test_chained_schedules_set_momentum_when_loaded() -> None:
    first, second = optimizer(), optimizer()
    chained, again = (
        nn.ChainedScheduler([nn.OneCycleLR(o, 0.5, 9), nn.ExponentialLR(o, 0.9)])
        for o in (first, second)
    )
    for _ in range(5):
        chained.step()
    again.load_state_dict(chained.state_dict())
    assert second.lr == first.lr
    assert second.groups[0]["momentum"] == first.groups[0]["momentum"] != 0.95


def test_lists_for_groups() -> None:
    both = nn.SGD([{"params": [nn.Parameter([1.0])], "lr": lr} for lr in (1.0, 0.1)])
    nn.LambdaLR(both, [lambda t: 0.5, lambda t: 0.1])
    assert both.groups[0]["lr"] == 0.5
    assert math.isclose(both.groups[1]["lr"], 0.01)
    for make in (
        lambda: nn.LambdaLR(both, [abs]),
        lambda: nn.CyclicLR(both, 0.1, [0.1, 0.2, 0.3]),
        lambda: nn.OneCycleLR(both, [0.1], 10),
        lambda: nn.ReduceLROnPlateau(both, min_lr=[0.1]),
    ):
        with pytest.raises(ValueError, match="values, for 2 groups of the optimizer"):
            make()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda o: nn.StepLR(o, 2, gamma="0.1"), "gamma must be a number"),
        (lambda o: nn.ExponentialLR(o, math.nan), "gamma must be at least 0 and finite"),
        (lambda o: nn.ConstantLR(o, -1), "factor must be at least 0"),
        (lambda o: nn.PolynomialLR(o, 0), "total_iters must be a positive integer"),
        (lambda o: nn.LambdaLR(o, 0.9), "lr_lambda must be a function of the step, or a list"),
        (lambda o: nn.LambdaLR(o, lambda t: -t).step(), "rate of LambdaLR after 1 steps must be"),
        (lambda o: nn.MultiplicativeLR(o, lambda t: math.nan).step(), "MultiplicativeLR after 1"),
        (lambda o: nn.OneCycleLR(o, 0.1), "total_steps, or epochs and steps_per_epoch"),
        (lambda o: nn.OneCycleLR(o, 0.1, 9, anneal_strategy="line"), "'cos' or 'linear'"),
        (lambda o: nn.OneCycleLR(o, 0.1, 9, pct_start=0.6, three_phase=True), "and 0.5, not 0.6"),
        (lambda o: nn.OneCycleLR(o, 0.1, 9, div_factor=0), "div_factor must be more than 0"),
        (lambda o: nn.CyclicLR(o, 0.1, -1), "max_lr must be at least 0"),
        (lambda o: nn.CyclicLR(o, 0.1, 1, mode="sine"), "'triangular', 'triangular2' or"),
        (lambda o: nn.ReduceLROnPlateau(o, factor=2), "factor must be less than 1"),
        (lambda o: nn.ChainedScheduler([]), "takes a list of schedules"),
        (lambda o: nn.ChainedScheduler([nn.ReduceLROnPlateau(o)]), "that step without a value"),
        (lambda o: nn.ChainedScheduler([nn.StepLR(o, 1), nn.StepLR(optimizer(), 1)]), "same opt"),
        (lambda o: nn.SequentialLR(o, [nn.StepLR(o, 1)] * 2, [1, 2]), "2 schedules need 1 miles"),
        (
            lambda o: nn.SequentialLR(o, [nn.StepLR(o, 1)] * 3, [2, 1]),
            "increasing numbers of steps",
        ),
    ],
)
def test_wrong_settings_are_refused(make: Any, text: str) -> None:
    sgd = optimizer()
    with pytest.raises((ValueError, TypeError), match=text):
        make(sgd)


def test_a_group_added_later_is_told_of() -> None:
    sgd = optimizer()
    schedule = nn.StepLR(sgd, 1)
    sgd.add_param_group({"params": [nn.Parameter([1.0])]})
    with pytest.raises(ValueError, match="has 2 groups, and had 1 when this StepLR was made"):
        schedule.step()
    nn.StepLR(sgd, 1).step()


@pytest.mark.parametrize("rates", [[math.nan], [-1.0], ["x"], [0.1, 0.1]])
def test_rates_of_a_file_are_checked(rates: Any) -> None:
    schedule = nn.StepLR(optimizer(), 1)
    with pytest.raises(ValueError, match=r"lr must be|rates\[0\] should be|of 2 parameter groups"):
        schedule.load_state_dict({**schedule.state_dict(), "rates": rates})
    assert schedule.optimizer.lr == 0.1


def test_pytorchs_module_names_all() -> None:
    assert set(nn.optim.lr_scheduler.__all__) == {"LRScheduler", *nn.schedulers.__all__}
    assert nn.optim.lr_scheduler.CyclicLR is nn.CyclicLR
    assert isinstance(nn.StepLR(optimizer(), 1), nn.optim.lr_scheduler.LRScheduler)


def test_a_trainer_steps_cycles_once_a_batch() -> None:
    model = nn.Dense(2, 1)
    sgd = nn.SGD(model.parameters(), lr=0.1)
    cycle = nn.CyclicLR(sgd, 0.001, 0.01, step_size_up=4)
    trainer = nn.Trainer(model, "mse", sgd, scheduler=cycle)
    trainer.fit((np.ones((12, 2)), np.ones((12, 1))), batch_size=3, progress=False)
    assert cycle.t == 4
    assert math.isclose(sgd.lr, 0.01)


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
