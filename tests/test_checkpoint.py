"""Checkpoints: resumed bit for bit, whole whatever happens, checked before they are believed."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors import numpy as safetensors

import nn
from tinygrad_edu import Tensor


def mlp(*sizes: int, dtype: Any = np.float32) -> nn.Sequential:
    layers = (nn.Dense(m, n, init="xavier", dtype=dtype) for m, n in pairwise(sizes))
    return nn.Sequential(*layers)


def same(a: Any, b: Any) -> bool:
    """Equal in every bit, dtype and kind of container; NaN equals NaN."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.generic) and np.isnan(a):  # which has many patterns of bits
        return a.dtype == b.dtype and bool(np.isnan(b))
    if isinstance(a, (np.ndarray, np.generic)):
        return (a.dtype, a.shape) == (b.dtype, b.shape) and a.tobytes() == b.tobytes()
    if isinstance(a, float):
        return repr(a) == repr(b)
    return bool(a == b)


# -------------------------------------------------------------------- what is saved comes back

RECIPES: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.01, "momentum": 0.9, "nesterov": True}),
    ("Adagrad", {"lr_decay": 0.1}),
    ("RMSprop", {"centered": True, "momentum": 0.5}),
    ("Adadelta", {}),
    ("Adam", {"amsgrad": True, "betas": (0.8, 0.95)}),
    ("Adam", {"lr": np.float64(1e-3)}),  # which NumPy treats otherwise than 1e-3
    ("AdamW", {}),
    ("NAdam", {}),
    ("RAdam", {}),
]
SCHEDULES: list[tuple[str, dict[str, Any]]] = [
    ("StepLR", {"step_size": 2}),
    ("MultiStepLR", {"milestones": [2, 7]}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("LinearLR", {}),
    ("CosineAnnealingLR", {"T_max": 7}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3}),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 40}),
    ("ReduceLROnPlateau", {"patience": 1}),
]


class Run:
    """A training that can be left and taken up."""

    def __init__(
        self, recipe: tuple[str, Any], schedule: tuple[str, Any], dtype: Any, seed: int
    ) -> None:
        nn.manual_seed(seed)
        self.model = mlp(3, 8, 2, dtype=dtype)
        body, head = self.model[0].parameters(), self.model[1].parameters()
        groups = [{"params": body}, {"params": head, "eps" if recipe[0] != "SGD" else "lr": 1e-4}]
        self.optimizer = getattr(nn, recipe[0])(groups, **recipe[1])
        self.schedule = getattr(nn, schedule[0])(self.optimizer, **schedule[1])
        self.rng = np.random.default_rng(seed)
        self.history: list[float] = []

    def train(self, steps: int) -> None:
        for _ in range(steps):
            x, y = self.rng.normal(size=(4, 3)), self.rng.normal(size=(4, 2))
            loss = nn.mse_loss(self.model(x), y.astype(np.float32))
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.history.append(float(loss))
            plateau = isinstance(self.schedule, nn.ReduceLROnPlateau)
            self.schedule.step(*self.history[-1:] if plateau else ())

    def save(self, path: Path) -> None:
        more = {"history": self.history, "generator": self.rng.bit_generator.state}
        nn.save(path, self.model, self.optimizer, self.schedule, **more)

    def load(self, path: Path) -> None:
        more = nn.load(path, self.model, self.optimizer, self.schedule).more
        self.history, self.rng.bit_generator.state = more["history"], more["generator"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("recipe", "schedule"),
    [(r, SCHEDULES[i % len(SCHEDULES)]) for i, r in enumerate(RECIPES)],
    ids=[name for name, _ in RECIPES],
)
def test_training_resumes_bit_for_bit(
    recipe: tuple[str, Any], schedule: tuple[str, Any], dtype: Any, tmp_path: Path
) -> None:
    run, other = Run(recipe, schedule, dtype, seed=1), Run(recipe, schedule, dtype, seed=2)
    run.train(6)
    run.save(tmp_path / "run")
    other.load(tmp_path / "run")
    for each in (run, other):
        each.train(9)
    assert run.history == other.history
    assert same(run.model.state_dict(), other.model.state_dict())
    assert same(run.optimizer.state_dict(), other.optimizer.state_dict())
    assert same(run.schedule.state_dict(), other.schedule.state_dict())


DTYPES = [np.float16, np.float32, np.float64, np.bool_, np.int8, np.uint8, np.int64, np.uint32]
ARRAYS = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0))
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**130), 2**130)
    | st.floats()
    | st.text(max_size=5)
    | ARRAYS
    | st.sampled_from(DTYPES).flatmap(lambda dtype: hnp.from_dtype(np.dtype(dtype)))
)
KEYS = st.text("ab/$+é", max_size=4) | st.integers() | st.booleans() | st.tuples(st.integers())
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None)
@given(value=VALUES)
def test_whatever_is_saved_beside_comes_back(value: Any, tmp_path_factory: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "values.safetensors"
    nn.save(path, mlp(1, 1), value=value)
    assert same(nn.load(path).more, {"value": value})


def test_names_of_arrays_may_meet(tmp_path: Path) -> None:
    a, b = np.ones(2), np.zeros(3)
    nn.save(tmp_path / "c", mlp(1, 1), x={"y": a, "z": {"y": b}}, **{"x/y": b, "x/z/y": a})
    more = nn.load(tmp_path / "c").more
    assert same(more, {"x": {"y": a, "z": {"y": b}}, "x/y": b, "x/z/y": a})


def test_keys_may_look_like_marks(tmp_path: Path) -> None:
    values = [{"$array": "x"}, {"$scalar": ["int8", 1]}, {"$tuple": [1]}, {"$dict": [[1, 2]]}]
    nn.save(tmp_path / "c", mlp(1, 1), x=values)
    assert same(nn.load(tmp_path / "c").more, {"x": values})


@pytest.mark.parametrize("name", ["PCG64", "MT19937", "Philox", "SFC64"])
def test_generators_go_on(name: str, tmp_path: Path) -> None:
    rng = np.random.Generator(getattr(np.random, name)(0))
    rng.integers(0, 9, 5, dtype=np.uint32)
    nn.save(tmp_path / "c", mlp(1, 1), generator=rng.bit_generator.state)
    other = np.random.Generator(getattr(np.random, name)(1))
    other.bit_generator.state = nn.load(tmp_path / "c").more["generator"]
    np.testing.assert_array_equal(other.normal(size=9), rng.normal(size=9))


class Odd(nn.Module):
    """Arrays as they come: views, scalars, integers, one parameter under two names."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.turned = nn.Parameter([0.0])
        self.turned.data = rng.normal(size=(3, 4)).T
        self.every = nn.Parameter([0.0])
        self.every.data = rng.normal(size=(4, 6)).astype(np.float32)[::2, ::-3]
        self.again = self.every
        self.register_buffer("count", np.array(seed))
        self.register_buffer("table", np.asfortranarray(rng.integers(0, 99, (3, 5, 2))))
        self.register_buffer("mask", rng.integers(0, 2, (2, 3)).astype(bool).T)
        self.register_buffer("foreign", rng.normal(size=4).astype(">f8"))
        self.register_buffer("nothing", np.ones((0, 3), np.float32))


def test_views_scalars_and_shared_parameters(tmp_path: Path) -> None:
    """An array that is not in one piece is saved silently wrong by the library itself."""
    model, other = Odd(1), Odd(2)
    path = tmp_path / "odd"
    nn.save(path, model, view=model.turned.data, tensor=Tensor(model.table[:, 1] * 1.0))
    found = nn.load(path, other)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(found.state[name], array)
        np.testing.assert_array_equal(other.state_dict()[name], array)
        assert found.state[name].dtype == array.dtype.newbyteorder("=")
        assert found.state[name].flags.writeable
    np.testing.assert_array_equal(found.more["view"], model.turned.data)
    np.testing.assert_array_equal(found.more["tensor"], model.table[:, 1])
    assert other.again is other.every
    assert other.count.shape == ()


def test_other_tools_read_the_file_and_theirs_are_read(tmp_path: Path) -> None:
    model, other = mlp(4, 3, 2), mlp(4, 3, 2)
    optimizer = nn.Adam(model.parameters())
    (model(np.ones((1, 4))) ** 2).sum().backward()
    optimizer.step()
    nn.save(tmp_path / "ours", model, optimizer, epoch=3, best=[np.ones(2)])
    tensors = safetensors.load_file(tmp_path / "ours")
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(tensors.pop(name), array)
    assert {"optimizer/state/0/m", "optimizer/state/3/v", "more/best/0"} <= set(tensors)
    assert all("/" in name for name in tensors)

    safetensors.save_file(model.state_dict(), tmp_path / "theirs")
    found = nn.load(tmp_path / "theirs", other)
    assert same(other.state_dict(), model.state_dict())
    assert (found.more, found.optimizer, found.scheduler) == ({}, None, None)
    assert nn.load(tmp_path / "ours").more["epoch"] == 3


# -------------------------------------------------------------------- what does not fit


def test_the_difference_is_shown(tmp_path: Path) -> None:
    path, model = tmp_path / "c", mlp(4, 5, 2)
    nn.save(path, mlp(4, 3, 2, 6))
    before = model.state_dict()
    with pytest.raises(ValueError, match="does not fit") as caught:
        nn.load(path, model)
    assert str(caught.value) == (
        f"{path} does not fit Sequential:\n"
        "  unexpected:\n    2.bias (6,)\n    2.weight (2, 6)\n"
        "  other shapes:\n    0.weight (4, 5) in the model, (4, 3) given\n"
        "    0.bias (5,) in the model, (3,) given\n    1.weight (5, 2) in the model, (3, 2) given"
    )
    with pytest.raises(ValueError, match="other shapes"):
        nn.load(path, model, strict=False)
    assert same(model.state_dict(), before)


def test_names_may_differ_if_told_so(tmp_path: Path) -> None:
    path, model, larger = tmp_path / "c", mlp(4, 3, 2), mlp(4, 3, 2, 6)
    nn.save(path, model)
    last = larger[2].state_dict()
    text = r"missing, in the model only:\n    2.weight \(2, 6\)\n    2.bias \(6,\)\nstrict=False"
    with pytest.raises(ValueError, match=text):
        nn.load(path, larger)
    assert nn.load(path, larger, strict=False).difference == (["2.weight", "2.bias"], [])
    assert same({k: larger.state_dict()[k] for k in model.state_dict()}, model.state_dict())
    assert same(larger[2].state_dict(), last)
    nn.save(path, larger)
    assert nn.load(path, model, strict=False).difference == ([], ["2.bias", "2.weight"])


def test_the_difference_of_large_models_is_cut(tmp_path: Path) -> None:
    nn.save(tmp_path / "c", nn.ReLU())
    with pytest.raises(ValueError, match="does not fit") as caught:
        nn.load(tmp_path / "c", mlp(*[2] * 12))
    lines = str(caught.value).splitlines()
    assert lines[-2:] == ["    ... and 12 more", "strict=False loads the names that both have"]
    assert len(lines) == 14


def test_a_file_by_pytorch_is_told_by_its_shapes(tmp_path: Path) -> None:
    state = {"weight": np.arange(6.0).reshape(2, 3), "bias": np.zeros(2)}
    safetensors.save_file(state, tmp_path / "c")
    with pytest.raises(ValueError, match=r"by PyTorch are transposed: nn.from_torch_state_dict"):
        nn.load(tmp_path / "c", nn.Dense(3, 2))
    safetensors.save_file({"weight": np.eye(2), "bias": np.zeros(2)}, tmp_path / "square")
    with pytest.warns(UserWarning, match="its weights are square"):
        nn.load(tmp_path / "square", nn.Dense(2, 2))
    nn.save(tmp_path / "square", nn.Dense(2, 2))
    nn.load(tmp_path / "square", nn.Dense(2, 2))


def everything(
    kind: str = "Adam", schedule: str = "StepLR", sizes: tuple[int, ...] = (4, 3)
) -> tuple[nn.Module, nn.Optimizer, Any]:
    model = mlp(*sizes)
    optimizer = getattr(nn, kind)(model.parameters(), lr=0.3)
    return (
        model,
        optimizer,
        getattr(nn, schedule)(optimizer, *([2] if schedule == "StepLR" else [0.5])),
    )


@pytest.mark.parametrize(
    ("kind", "schedule", "sizes", "text"),
    [
        ("SGD", "StepLR", (4, 3), "does not fit the optimizer: the state is another optimizer's"),
        ("Adam", "ExponentialLR", (4, 3), "does not fit the scheduler: .* has step_size, gamma"),
        ("Adam", "StepLR", (4, 3, 2), "missing, in the model only"),
    ],
)
def test_nothing_is_changed_by_what_does_not_fit(
    kind: str, schedule: str, sizes: tuple[int, ...], text: str, tmp_path: Path
) -> None:
    model, optimizer, scheduler = everything()
    (model(np.ones((1, 4))) ** 2).sum().backward()
    for _ in range(3):
        optimizer.step()
        scheduler.step()
    nn.save(tmp_path / "c", model, optimizer, scheduler)
    others = everything(kind, schedule, sizes)
    before = [part.state_dict() for part in others]
    with pytest.raises(ValueError, match=text):
        nn.load(tmp_path / "c", *others)
    assert same([part.state_dict() for part in others], before)


def test_what_was_not_saved_cannot_be_loaded(tmp_path: Path) -> None:
    parts = everything()
    before = [part.state_dict() for part in everything()[1:]]
    nn.save(tmp_path / "c", parts[0], scheduler=parts[2])
    parts[2].step()
    stepped = parts[2].state_dict()
    with pytest.raises(ValueError, match=r"the optimizer: none was saved, write nn.save\(path, mo"):
        nn.load(tmp_path / "c", *parts)
    assert same(parts[2].state_dict(), stepped)
    assert same(nn.load(tmp_path / "c").scheduler, before[1])


def test_optimizer_and_schedule_refuse_the_state_of_others() -> None:
    model, optimizer, scheduler = everything()
    (model(np.ones((1, 4))) ** 2).sum().backward()
    optimizer.step()
    state = optimizer.state_dict()
    with pytest.raises(ValueError, match="m of parameter 0 has shape"):
        nn.Adam(mlp(5, 3).parameters()).load_state_dict(state)
    state["state"][7] = state["state"].pop(1)
    with pytest.raises(ValueError, match="the state has a parameter 7, which"):
        optimizer.load_state_dict(state)
    two = nn.Adam([{"params": p} for p in model.parameters()])
    with pytest.raises(ValueError, match="of 1 parameter groups, this optimizer has 2"):
        nn.StepLR(two, 2).load_state_dict(scheduler.state_dict())


def test_what_cannot_be_saved_is_refused_by_name(tmp_path: Path) -> None:
    path, model = tmp_path / "c", mlp(2, 2)
    nn.save(path, model, good=1)
    with pytest.raises(TypeError, match="cannot hold more/a/0, a set; it can hold numbers"):
        nn.save(path, model, a=[{1}])
    with pytest.raises(TypeError, match="cannot hold more/a, a complex"):
        nn.save(path, model, a=1j)
    with pytest.raises(TypeError, match="cannot hold more/a/b, an array of dtype <U1"):
        nn.save(path, model, a={"b": np.array(["x"])})
    with pytest.raises(TypeError, match=r"write nn.save\(path, model\); the model given is a str"):
        nn.save(model, "c")  # type: ignore[arg-type]
    with pytest.raises(
        TypeError, match=r"optimizer has no state_dict\(\), being a dict; .*history="
    ):
        nn.save(path, model, {"loss": 1.0})  # type: ignore[arg-type]
    assert nn.load(path).more == {"good": 1}
    assert list(tmp_path.iterdir()) == [path]


# -------------------------------------------------------------------- in PyTorch's layout


def test_a_file_in_torch_layout_is_read_as_it_says(tmp_path: Path) -> None:
    model, other = mlp(3, 3, 2), mlp(3, 3, 2)
    optimizer = nn.Adam(model.parameters())
    nn.mse_loss(model(np.ones((1, 3))), np.ones((1, 2))).backward()
    optimizer.step()
    nn.save(tmp_path / "c", model, optimizer, layout="torch", epoch=1)
    arrays = safetensors.load_file(tmp_path / "c")
    np.testing.assert_array_equal(arrays["0.weight"], model[0].weight.data.T)
    assert arrays["1.weight"].shape == (2, 3)
    twin = nn.Adam(other.parameters())
    assert nn.load(tmp_path / "c", other, twin).more == {"epoch": 1}
    assert same(other.state_dict(), model.state_dict())
    assert same(twin.state_dict(), optimizer.state_dict())


def test_a_file_by_torch_is_read_in_its_layout(tmp_path: Path) -> None:
    weight = np.arange(4, dtype=np.float32).reshape(2, 2)
    safetensors.save_file({"weight": weight, "bias": weight[0]}, tmp_path / "c")
    model = nn.Dense(2, 2)
    assert nn.load(tmp_path / "c", model, layout="torch").difference == ([], [])
    np.testing.assert_array_equal(model.weight.data, weight.T)
    with pytest.warns(UserWarning, match='layout="torch"'):
        nn.load(tmp_path / "c", model)
    np.testing.assert_array_equal(model.weight.data, weight)


def test_other_layouts_are_refused(tmp_path: Path) -> None:
    model = mlp(2, 3)
    with pytest.raises(ValueError, match="layout is 'nn' or 'torch', not 'keras'"):
        nn.save(tmp_path / "c", model, layout="keras")
    nn.save(tmp_path / "c", model)
    with pytest.raises(ValueError, match="layout is 'nn' or 'torch', not 'keras'"):
        nn.load(tmp_path / "c", model, layout="keras")
    content = (tmp_path / "c").read_bytes()
    (tmp_path / "c").write_bytes(content.replace(b'\\"layout\\": \\"nn', b'\\"layout\\": \\"nm'))
    with pytest.raises(ValueError, match="is damaged, or no safetensors file: layout is"):
        nn.load(tmp_path / "c", model)
