"""Optimizers: their trajectories, groups, state and conventions."""

from __future__ import annotations

import copy
from pathlib import Path
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
    *(
        (name, {"lr": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True})
        for name in ("Adam", "NAdam", "RAdam")
    ),
    ("Adamax", {"lr": 0.01}),
    ("Adamax", {"lr": 0.01, "betas": (0.8, 0.95), "eps": 0.1, "weight_decay": 0.1}),
    ("Rprop", {}),
    ("Rprop", {"lr": 0.5, "etas": (0.3, 1.5), "step_sizes": (1e-3, 0.7)}),
    ("ASGD", {"lr": 0.01}),
    ("ASGD", {"lr": 0.05, "lambd": 0.1, "alpha": 0.5, "t0": 20, "weight_decay": 0.1}),
    ("Adafactor", {}),
    ("Adafactor", {"lr": 0.1, "eps": (1e-4, 0.01), "d": 2.0, "weight_decay": 0.1}),
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


# -------------------------------------------------------------------- matrices, closures

ALL: list[tuple[str, dict[str, Any]]] = [
    ("Muon", {"lr": 0.01}),
    ("Adafactor", {"lr": 0.1}),
    ("LBFGS", {"lr": 0.1, "max_iter": 3, "history_size": 4}),
    ("LBFGS", {"max_iter": 3, "line_search_fn": "strong_wolfe"}),
    ("Rprop", {"maximize": True}),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "options"), ALL)
def test_a_file_continues_to_the_last_bit(
    name: str, options: dict[str, Any], dtype: Any, tmp_path: Path
) -> None:
    pytest.importorskip("safetensors")

    def make() -> tuple[nn.Module, nn.Optimizer]:
        nn.manual_seed(0)
        layer = nn.Dense(3, 2, bias=False, dtype=dtype)
        return layer, getattr(nn, name)(layer.parameters(), **options)

    def step(layer: Any, optimizer: nn.Optimizer) -> None:
        def closure() -> Tensor:
            optimizer.zero_grad()
            loss = ((layer.weight - 1) ** 2 * np.arange(6).reshape(3, 2)).sum() ** 2
            loss.backward()
            return loss

        optimizer.step(closure)

    first, second = make(), make()
    for _ in range(4):
        step(*first)
    nn.save(tmp_path / "run", *first)
    nn.load(tmp_path / "run", *second)
    for _ in range(4):
        step(*first)
        step(*second)
    np.testing.assert_array_equal(first[0].weight.data, second[0].weight.data)  # type: ignore[union-attr]
    assert first[0].weight.dtype == dtype  # type: ignore[union-attr]


def test_a_closure_gives_the_loss_before_the_step() -> None:
    p = Tensor([3.0], requires_grad=True)
    optimizer = nn.SGD([p], lr=0.5)

    def closure() -> Any:
        optimizer.zero_grad()
        (p * p).sum().backward()
        return float((p * p).sum())

    assert optimizer.step(closure) == 9
    assert p.data == 0
    assert optimizer.step() is None


def test_lbfgs_says_what_to_write() -> None:
    layer = nn.Dense(3, 2)
    optimizer = nn.LBFGS(layer.parameters())
    with pytest.raises(TypeError, match=r"optimizer.step\(closure\) in a loop of your own"):
        optimizer.step()
    with pytest.raises(TypeError, match="must return the loss"):
        optimizer.step(lambda: None)
    with pytest.raises(ValueError, match="LBFGS has one group"):
        nn.LBFGS([{"params": [p]} for p in layer.parameters()])


def test_lbfgs_backs_off_from_what_is_not_finite() -> None:
    p = Tensor([2.0], requires_grad=True)
    optimizer = nn.LBFGS([p], lr=100.0, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        with np.errstate(invalid="ignore", divide="ignore"):
            loss = (p - np.log(p)).sum()  # NaN below 0
            loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)
    np.testing.assert_allclose(p.data, 1, rtol=1e-6)


def test_orthogonalized_steps_have_singular_values_near_1() -> None:
    p = nn.Parameter(np.zeros((4, 9)), dtype=np.float64)
    optimizer = nn.Muon([p], lr=1.0, weight_decay=0)
    p.grad = np.random.default_rng(0).normal(size=(4, 9))
    optimizer.step()
    values = np.linalg.svd(p.data / 1.5, compute_uv=False)  # √(9 / 4)
    assert (abs(values - 0.95) < 0.3).all()


def test_asgd_averages_its_path() -> None:
    p = Tensor([1.0], requires_grad=True)
    optimizer = nn.ASGD([p], lr=0.1, lambd=0.0, t0=0)
    path = []
    for g in (1.0, -2.0, 4.0):
        p.grad = np.array([g])
        optimizer.step()
        path.append(p.data.copy())
    # the first k is 1, as is the second
    np.testing.assert_allclose(optimizer.state[0]["average"], np.mean(path[1:]))


def test_a_group_is_added() -> None:
    a, b = (Tensor(1.0, requires_grad=True) for _ in range(2))
    optimizer = nn.Adam([a], lr=0.1)
    a.grad = np.array(1.0)
    optimizer.step()
    optimizer.add_param_group({"params": [b], "lr": 0.5})
    a.grad, b.grad = np.array(1.0), np.array(1.0)
    optimizer.step()
    assert (optimizer.state[0]["step"], optimizer.state[1]["step"]) == (2, 1)
    np.testing.assert_allclose([float(a), float(b)], [0.8, 0.5])
    for bad, words in (({"params": [a]}, "given twice"), ({"lr": 1.0}, "under 'params'")):
        with pytest.raises((ValueError, TypeError), match=words):
            optimizer.add_param_group(bad)
    assert len(optimizer.groups) == 2


def test_files_from_before_maximize_are_read() -> None:
    optimizer = nn.AdamW([nn.Parameter([1.0])])
    state = optimizer.state_dict()
    del state["groups"][0]["maximize"], state["groups"][0]["decoupled_weight_decay"]
    optimizer.load_state_dict(state)
    assert optimizer.groups[0]["decoupled_weight_decay"] is True
    assert optimizer.groups[0]["maximize"] is False


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
        (([{"params": [nn.Parameter(1.0)], "nesterov": True}],), {}, "nesterov needs momentum"),
        (([{"params": [nn.Parameter(1.0)], "rate": 1}],), {}, "no option rate"),
        (([{"params": []}],), {}, "all of its groups are empty"),
        (([{"parameters": []}],), {}, "under 'params'"),
        (([nn.Parameter(1.0)],), {"maximize": 1}, "maximize must be True or False"),
    ],
)
def test_optimizers_refuse(arguments: Any, options: dict[str, Any], text: str) -> None:
    with pytest.raises((ValueError, TypeError), match=text):
        nn.SGD(*arguments, **options)
    with pytest.raises(ValueError, match=r"betas\[1\]"):
        nn.Adam([nn.Parameter(1.0)], betas=(0.9, 1.0))


NAN = float("nan")


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("Adam", {"betas": (0.9, "x")}, r"betas\[1\] must be a number"),
        ("Adam", {"betas": 0.9}, r"betas are two numbers, as in \(0.9, 0.999\)"),
        ("Adam", {"eps": -1e-8}, "eps must be at least 0 and finite"),
        ("Adam", {"decoupled_weight_decay": "no"}, "decoupled_weight_decay must be True or"),
        ("AdamW", {"weight_decay": NAN}, "weight_decay must be at least 0 and finite"),
        ("Adamax", {"betas": (NAN, 0.9)}, r"betas\[0\] must be finite"),
        ("Rprop", {"etas": (1.2, 0.5)}, "between 0 and 1 and one above 1"),
        ("Rprop", {"step_sizes": (2, 1)}, "the smallest and the largest step"),
        ("ASGD", {"alpha": -1}, "alpha must be at least 0"),
        ("ASGD", {"t0": NAN}, "t0 must be at least 0 and finite"),
        ("Adafactor", {"beta2_decay": 0.8}, "beta2_decay must be at most 0"),
        ("Adafactor", {"d": 0.5}, "d must be at least 1"),
        ("Adafactor", {"eps": (None, None)}, r"eps\[1\] must be a number"),
        ("Muon", {"ns_steps": 0}, "ns_steps must be a positive integer"),
        ("Muon", {"adjust_lr_fn": "adam"}, "None, 'original' or 'match_rms_adamw'"),
        ("Muon", {"ns_coefficients": (1.0, 2.0)}, "ns_coefficients are three numbers"),
        ("LBFGS", {"max_iter": 0}, "max_iter must be a positive integer"),
        ("LBFGS", {"history_size": 2.5}, "history_size must be a positive integer"),
        ("LBFGS", {"line_search_fn": "wolfe"}, "line_search_fn is None or 'strong_wolfe'"),
    ],
)
def test_options_are_checked(name: str, options: dict[str, Any], text: str) -> None:
    with pytest.raises((ValueError, TypeError), match=text):
        getattr(nn, name)([nn.Parameter([[1.0]])], **options)
    with pytest.raises((ValueError, TypeError), match=text):
        getattr(nn, name)([{"params": [nn.Parameter([[1.0]])], **options}])


def test_what_an_optimizer_is_not_for() -> None:
    p = nn.Parameter([1.0], name="bias")
    with pytest.raises(ValueError, match=r"'bias' has shape \(1,\); give .* second optimizer"):
        nn.Muon([p])
    with pytest.raises(ValueError, match="AdamW is Adam with decoupled_weight_decay"):
        nn.AdamW([p]).load_state_dict(nn.Adam([p]).state_dict())


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
    with pytest.raises(ValueError, match="norm of the gradients is nan"):
        nn.optim.clip_grad_norm([a, b], 1e-3, error_if_nonfinite=True)
    nn.optim.clip_grad_value([b, frozen], 0.5)
    assert b.grad == 0.5


def test_clipping_takes_a_model_and_has_pytorchs_names() -> None:
    layer = nn.Dense(2, 3)
    layer(np.full((4, 2), 100.0)).sum().backward()
    assert nn.clip_grad_norm_(layer, 1.0) > 1
    np.testing.assert_allclose(nn.clip_grad_norm(layer.parameters(), 1.0), 1, rtol=1e-6)
    nn.clip_grad_value_(layer, 0.01)
    assert abs(layer.weight.grad).max() == np.float32(0.01)
    for swapped in ((1.0, layer), (layer.state_dict(), 1.0), (["weight"], 1.0)):
        with pytest.raises(TypeError, match=r"clip_grad_norm\(model.parameters\(\), 1.0\)|number"):
            nn.clip_grad_norm(*swapped)
    for bad in (-1.0, float("nan"), "1"):
        with pytest.raises((ValueError, TypeError), match="max_norm must be"):
            nn.clip_grad_norm(layer, bad)


@pytest.mark.parametrize("k", [1.0, 2.0, 3.5, float("inf")])
def test_clipping_by_other_norms(k: float) -> None:
    p, q = Tensor([0.0, 0.0], requires_grad=True), Tensor(0.0, requires_grad=True)
    p.grad, q.grad = np.array([3.0, -4.0]), np.array(2.0)
    expected = np.linalg.norm([3, 4, 2], k)
    np.testing.assert_allclose(nn.clip_grad_norm([p, q], 1.0, norm_type=k), expected)
    np.testing.assert_allclose(np.linalg.norm([*p.grad, q.grad], k), 1)


SCALARS = ["SGD", "Adadelta", "RMSprop", "NAdam", "Adam", "Adagrad", "Adamax", "ASGD", "Adafactor"]


@pytest.mark.parametrize("name", SCALARS)
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


@pytest.mark.parametrize("kind", [k for k, v in vars(nn).items() if getattr(v, "elementwise", 0)])
def test_large_parameters_are_changed_block_by_block_to_the_same_bits(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = []
    for block in (1 << 16, 7):
        monkeypatch.setattr(nn.optim.optimizer, "BLOCK", block)
        random = np.random.default_rng(0)
        parameters = [nn.Parameter(random.normal(size=shape)) for shape in ((5, 9), (3,), (4, 8))]
        amsgrad = {"amsgrad": True} if kind in ("Adam", "AdamW") else {}
        momentum = {"momentum": 0.9} if kind in ("SGD", "RMSprop") else {}
        optimizer = getattr(nn, kind)(parameters, **amsgrad, **momentum)
        for i in range(4):
            for p in parameters:
                p.grad = random.normal(size=p.shape)
            if i == 3:
                parameters[2].data = np.asfortranarray(parameters[2].data)
            optimizer.step()
        results.append(([p.data for p in parameters], optimizer.state_dict()["state"]))
    (whole, states), (blocks, other_states) = results
    for a, b in zip(whole, blocks, strict=True):
        np.testing.assert_array_equal(a, b)
    for i, state in states.items():
        assert state.keys() == other_states[i].keys()
        for name, value in state.items():
            np.testing.assert_array_equal(value, other_states[i][name], err_msg=name)
