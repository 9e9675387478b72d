"""Files that anybody may have written: what they cannot set, and that a refusal changes nothing."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import numpy as safetensors

import nn
from nn.callbacks import Callback
from nn.state_dict import generator_state, like
from tinygrad_edu import Tensor

from .test_checkpoint import everything, mlp, same
from .test_training import data, scripted, trainer

# -------------------------------------------------------------------- a training to resume


def training(seed: int = 0) -> tuple[nn.Trainer, list[Callback], nn.DataLoader]:
    t = trainer(lr=0.02)
    t.scheduler = nn.CosineAnnealingLR(t.optimizer, T_max=9)
    nn.manual_seed(seed)
    return t, [nn.EarlyStopping(patience=9)], nn.DataLoader(data(), 30, shuffle=True, seed=seed)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of two epochs."""
    path = tmp_path_factory.mktemp("saved") / "run"
    t, callbacks, loader = training()
    keep = nn.ModelCheckpoint(path)
    t.fit(loader, data(20, 1), epochs=2, callbacks=[*callbacks, keep], progress=False)
    return path


class Changed:
    """A file whose text, and arrays, can be changed before it is written."""

    def __init__(self, path: Path) -> None:
        content = path.read_bytes()
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        self.rest: Any = json.loads(header["__metadata__"]["tinygrad_edu"])
        self.arrays = safetensors.load(content)

    def write(self, path: Path) -> Path:
        metadata = {"tinygrad_edu": json.dumps(self.rest)}
        path.write_bytes(safetensors.save(self.arrays, metadata))
        return path


class Watched:
    """All that a resume may set, and whether it is still what it was, bit for bit."""

    def __init__(self) -> None:
        self.trainer, self.callbacks, self.loader = training(seed=5)
        self.before = self.state()

    def state(self) -> Any:
        t = self.trainer
        return [
            t.model.state_dict(),
            t.optimizer.state_dict(),
            dict(t.scheduler.state_dict() if t.scheduler else {}),
            [vars(callback).copy() for callback in self.callbacks],
            nn.init.generator().bit_generator.state,
            self.loader.generator.bit_generator.state,
        ]

    def resume(self, path: Path) -> None:
        """To the epochs that the file has: nothing is trained."""
        callbacks = self.callbacks
        options: Any = {"callbacks": callbacks, "progress": False, "resume": path}
        self.trainer.fit(self.loader, data(20, 1), epochs=1, **options)

    def unchanged(self) -> bool:
        return same(self.before, self.state())


def set_at(*keys: Any) -> Callable[[Any], Callable[[Changed], None]]:
    """A change that sets one value of the text."""

    def to(value: Any) -> Callable[[Changed], None]:
        def change(file: Changed) -> None:
            inner = file.rest
            for key in keys[:-1]:
                inner = inner[key]
            inner[keys[-1]] = value

        return change

    return to


GROUP = ("optimizer", "groups", 0)
MOMENTS = ("optimizer", "state", "$dict", 0, 1)
STOPPING = ("more", "callbacks", "EarlyStopping")
CHANGES: dict[str, tuple[Callable[[Changed], None], str]] = {
    "path": (set_at(*STOPPING, "path")("/elsewhere"), "has .*, path, where best, "),
    "settings": (set_at(*STOPPING, "patience")(0), "patience, where best, "),
    "method": (set_at(*STOPPING, "on_epoch_end")(1), "on_epoch_end, where best, "),
    "missing": (lambda f: f.rest["more"]["callbacks"]["EarlyStopping"].pop("best"), "has .* where"),
    "text": (set_at(*STOPPING, "waited")("x"), "waited should be a number, and is of type str"),
    "negative": (set_at(*STOPPING, "waited")(-9), "waited must be an integer of at least 0"),
    "nan": (set_at(*STOPPING, "best")(math.nan), "best is no number"),
    "names": (set_at(*STOPPING, "best_state")({"a": 1}), "its best parameters:\n  missing"),
    "no dict": (set_at("more", "callbacks")([1]), "callbacks should be of type dict"),
    "no state": (set_at(*STOPPING)(3), "EarlyStopping should be of type dict"),
    "no history": (set_at("more", "history")([]), "its history has 0 rows, and 2 were saved"),
    "epochs": (set_at("more", "epochs")("two"), "its history has 2 rows, and two were saved"),
    "waiting": (set_at("more", "waiting")([1]), r"waiting\[0\] should be of type str"),
    "parts": (set_at("more", "parts")({}), "parts has nothing, where model, optimizer, scheduler"),
    "model": (
        set_at("more", "parts")({"model": {"0.bias": 1}, "optimizer": {}, "scheduler": None}),
        r"model has 0\.bias, where",
    ),
    "row": (set_at("more", "history", 1)(3), r"the history\[1\] should be of type dict"),
    "column": (set_at("more", "history", 1, "x")(3), "row 2 of its history is damaged"),
    "epoch": (set_at("more", "history", 1, "epoch")(7), "row 2 of its history is damaged"),
    "figure": (set_at("more", "history", 1, "loss")("x"), "loss of epoch 2 is not a number"),
    "huge": (set_at("more", "history", 1, "loss")(10**400), "loss of epoch 2 is not a number"),
    "generators": (set_at("more", "generators")([]), "it had 0 generators, here are 3"),
    "generator": (set_at("more", "generators", 1)({}), "has nothing, where bit_generator, state"),
    "kind": (set_at("more", "generators", 1, "bit_generator")("MT19937"), "those of MT19937"),
    "too large": (set_at("more", "generators", 1, "state", "inc")(2**200), "cannot be set"),
    "negative seed": (set_at("more", "generators", 1, "state", "state")(-1), "generator"),
    "lr": (set_at(*GROUP, "lr")("x"), "lr should be a number, and is of type str"),
    "lr nan": (set_at(*GROUP, "lr")(math.nan), "lr must be at least 0 and finite, not nan"),
    "lr inf": (set_at(*GROUP, "lr")(math.inf), "lr must be at least 0 and finite, not inf"),
    "lr -1": (set_at(*GROUP, "lr")(-1), "lr must be at least 0"),
    "lr true": (set_at(*GROUP, "lr")(True), "lr should be a number, and is of type bool"),
    "betas": (set_at(*GROUP, "betas")(3), "betas should be of type tuple, and is of type int"),
    "one beta": (set_at(*GROUP, "betas")({"$tuple": [0.9]}), "betas has 1 values, where 2 are"),
    "beta": (set_at(*GROUP, "betas")({"$tuple": [0.9, 1]}), r"betas\[1\] must be .* below 1"),
    "amsgrad": (set_at(*GROUP, "amsgrad")(True), "has step, m, v, where step, m, v, largest are"),
    "option": (set_at(*GROUP, "x")(1), "state is another optimizer's"),
    "no group": (set_at("optimizer", "groups")([]), r"groups of \[4\] parameters"),
    "moment": (set_at(*MOMENTS, "step")("x"), "step should be a number, and is of type str"),
    "no moment": (lambda f: f.rest[MOMENTS[0]]["state"]["$dict"][0][1].pop("step"), "has m, v, w"),
    "step": (set_at(*MOMENTS, "step")(-1), "step of parameter 0 must"),
    "parameter": (
        set_at("optimizer", "state", "$dict", 0, 0)("a"),
        "the state has a parameter 'a', which",
    ),
    "t": (set_at("scheduler", "t")(-3), "t must be an integer of at least 0"),
    "t nan": (set_at("scheduler", "t")(math.nan), "t must be an integer of at least 0"),
    "starts": (set_at("scheduler", "starts")(["x"]), r"starts\[0\] should be a number"),
    "T_max": (set_at("scheduler", "T_max")(4), "T_max=4, this one has 9; make it as it was when"),
    "optimizer": (set_at("optimizer")([]), "is damaged"),
    "more": (set_at("more")([]), "is damaged"),
    "scalar": (set_at("more", "x")({"$scalar": ["float32", [1, 2]]}), "is damaged"),
    "overflow": (set_at("more", "x")({"$scalar": ["int8", 300]}), "is damaged"),
    "mark": (set_at("more", "x")({"$tuple": {"a": 1}}), "is damaged"),
}


def with_array(name: str, value: Any) -> Callable[[Changed], None]:
    return lambda file: file.arrays.update({name: value})


V = "optimizer/state/0/v"
CHANGES |= {
    "negative square": (with_array(V, np.full((3, 8), -1.0)), "v of parameter 0 is negative"),
    "shape": (with_array(V, np.ones((2, 8))), r"v of parameter 0 has shape \(2, 8\) in"),
    "shape of best": (
        with_array("more/callbacks/EarlyStopping/best_state/0.bias", np.ones(2)),
        r"0.bias \(8,\) in the model, \(2,\) given",
    ),
    "too large a value": (with_array("0.bias", np.full(8, 1e300)), "0.bias holds values too large"),
}


@pytest.mark.parametrize(("change", "text"), CHANGES.values(), ids=CHANGES)
def test_a_refused_resume_changes_nothing(
    change: Callable[[Changed], None], text: str, saved: Path, tmp_path: Path
) -> None:
    file = Changed(saved)
    change(file)
    path, watched = file.write(tmp_path / "run"), Watched()
    with pytest.raises(ValueError, match=text) as caught:
        watched.resume(path)
    assert str(path) in str(caught.value)
    assert watched.unchanged()


def test_the_file_itself_is_resumed(saved: Path, tmp_path: Path) -> None:
    watched = Watched()
    watched.resume(Changed(saved).write(tmp_path / "run"))
    assert not watched.unchanged()
    assert len(watched.trainer.history) == 2


# -------------------------------------------------------------------- parts by themselves


def test_a_text_array_among_good_ones_loads_nothing() -> None:
    model = mlp(3, 2)
    before = model.state_dict()
    for bad in (np.array(["a", "b"]), np.array([1j, 2]), np.array([None, 1])):
        state = {"0.weight": np.ones((3, 2)), "0.bias": bad}
        with pytest.raises(ValueError, match=r"other kinds of values:\n    0.bias float32 in the"):
            model.load_state_dict(state)
        assert same(model.state_dict(), before)


def test_a_callback_takes_the_kinds_of_its_own_state() -> None:
    class Own(Callback):
        def __init__(self) -> None:
            self.path, self.count, self.seen, self.last_seen = "a", 0, [], None  # type: Any

        def state_dict(self) -> dict[str, Any]:
            return {"count": self.count, "seen": self.seen, "last_seen": self.last_seen}

    own = Own()
    own.load_state_dict({"count": 2.5, "seen": [1, "x"], "last_seen": 3})
    assert (own.count, own.seen, own.last_seen) == (2.5, [1, "x"], 3)
    before = vars(own).copy()
    for bad in ({"path": "b"}, {**own.state_dict(), "path": "b"}, {**own.state_dict(), "seen": 3}):
        with pytest.raises(ValueError, match=r"has .* where|should be of type list"):
            own.load_state_dict(bad)
    with pytest.raises(ValueError, match="ModelCheckpoint has no state"):
        nn.ModelCheckpoint("a").load_state_dict({"path": "b"})
    assert vars(own) == before


def test_a_callback_that_raises_leaves_all_as_it_was(saved: Path) -> None:
    class Raising(nn.EarlyStopping):
        def load_state_dict(self, state: dict[str, Any]) -> None:
            super().load_state_dict(state)
            raise AttributeError("mine")

    Raising.__name__ = "EarlyStopping"
    watched = Watched()
    watched.callbacks[0] = Raising()
    watched.before = watched.state()
    with pytest.raises(ValueError, match="cannot go on here: mine"):
        watched.resume(saved)
    assert watched.unchanged()


@pytest.mark.parametrize(("name", "key"), [("MT19937", "pos"), ("Philox", "buffer_pos")])
def test_positions_outside_of_a_generators_memory(name: str, key: str) -> None:
    rng = np.random.Generator(getattr(np.random, name)(0))
    for bad in (-1, 10**6):
        state: Any = rng.bit_generator.state
        (state["state"] if key == "pos" else state)[key] = bad
        with pytest.raises(ValueError, match=f"{key} of the random generator is {bad}, not 0 to"):
            generator_state(rng, state)
    assert same(generator_state(rng, rng.bit_generator.state), rng.bit_generator.state)


OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"lr": 1}),
    ("Adagrad", {}),
    ("RMSprop", {"centered": True, "momentum": 0.5}),
    ("Adadelta", {}),
    ("Adam", {"amsgrad": True}),
    ("AdamW", {}),
    ("NAdam", {}),
    ("RAdam", {}),
    ("Adamax", {}),
    ("Rprop", {}),
    ("ASGD", {}),
    ("Adafactor", {}),
    ("Muon", {}),
]


@pytest.mark.parametrize(("name", "options"), OPTIMIZERS)
def test_moments_that_no_step_makes_are_refused(name: str, options: dict[str, Any]) -> None:
    shape = (3, 1) if name in ("Muon", "Adafactor") else (3,)
    p, idle = (nn.Parameter(np.ones(shape), dtype=np.float32) for _ in range(2))
    optimizer = getattr(nn, name)([p, idle], **options)
    for sign in (1, -1, -1):
        p.grad = np.full(shape, sign, np.float32)
        optimizer.step()
    good = optimizer.state_dict()
    getattr(nn, name)([p, idle], **options).load_state_dict(good)
    squares = {"v", "largest", "square", "sum", "delta", "u", "size", "row", "column", "eta"}
    squares &= good["state"][0].keys()
    for key, value in good["state"][0].items():
        bad = ["x", None, [1], np.array(["x"] * 3), np.ones(4)]
        bad += [-value] if key in squares | {"step"} else []
        for each in bad:
            state = copy.deepcopy(good)
            state["state"][0][key] = each
            with pytest.raises(ValueError, match=key):
                optimizer.load_state_dict(state)
        state = copy.deepcopy(good)
        del state["state"][0][key]
        if state["state"][0]:
            with pytest.raises(ValueError, match="the state of parameter 0 has"):
                optimizer.load_state_dict(state)
    assert same(optimizer.state_dict(), good)


HISTORY: dict[str, Any] = {  # of L-BFGS
    "step": -1,
    "evaluations": 1.5,
    "t": math.nan,
    "scale": -1.0,
    "direction": np.ones(3),
    "gradient": None,
    "steps": [np.ones(2)] * 4,
    "changes": [np.ones(2), "x"],
    "rho": [1.0, -1.0],
}


@pytest.mark.parametrize("name", HISTORY)
def test_histories_that_no_step_makes_are_refused(name: str) -> None:
    p = nn.Parameter([1.0, -2.0])
    optimizer = nn.LBFGS([p], lr=0.1, max_iter=4)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (p**4).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    good = optimizer.state_dict()
    assert len(good["state"][0]["rho"]) == 3
    for change in ({name: HISTORY[name]}, {"more": 1}):
        state = copy.deepcopy(good)
        state["state"][0].update(change)
        with pytest.raises(ValueError, match=f"{name}|more"):
            optimizer.load_state_dict(state)
    for moved in ({1: good["state"][0]}, {0: good["state"][0], 1: {}}):
        with pytest.raises(ValueError, match="LBFGS has one state"):
            optimizer.load_state_dict({**good, "state": moved})
    assert same(optimizer.state_dict(), good)


@pytest.mark.parametrize("field", ["pct_start", "div_factor", "max_momentum", "max_lr"])
def test_a_cycle_keeps_its_settings(field: str) -> None:
    optimizer = nn.Adam([nn.Parameter([1.0])])
    schedule = nn.OneCycleLR(optimizer, 0.1, 10)
    with pytest.raises(ValueError, match=f"{field}="):
        schedule.load_state_dict({**schedule.state_dict(), field: 0.5})
    with pytest.raises(ValueError, match="the cycle has 10 steps"):
        schedule.load_state_dict({**schedule.state_dict(), "t": 99})


def test_a_schedule_far_away_neither_hangs_nor_overflows() -> None:
    optimizer = nn.SGD([nn.Parameter([1.0])])
    restarts = nn.CosineAnnealingWarmRestarts(optimizer, 3)
    restarts.load_state_dict({**restarts.state_dict(), "t": 2**70 + 1})
    growing = nn.ExponentialLR(optimizer, 1.5)
    with pytest.raises(ValueError, match="there is no learning rate after"):
        growing.load_state_dict({**growing.state_dict(), "t": 2**70})
    assert growing.t == 0


def test_like_copies() -> None:
    own = {"a": np.zeros(2), "b": [0.0], "c": None}
    given = {"a": np.ones(2), "b": [1.0], "c": [[1]]}
    copied = like(own, given)
    given["a"][0], given["b"][0], given["c"][0][0] = 9, 9, 9  # type: ignore[index]
    assert same(copied, {"a": np.ones(2), "b": [1.0], "c": [[1]]})


# -------------------------------------------------------------------- what was saved can be read


def test_names_that_meet_are_refused_when_saved(tmp_path: Path) -> None:
    path, model = tmp_path / "c", mlp(2, 2)
    nn.save(path, model, step=1)
    setattr(model, "0.weight", nn.Parameter(np.zeros(3)))
    with pytest.raises(ValueError, match=r"as 0\.weight: there are two; rename it"):
        nn.save(path, model)
    reserved = mlp(2, 2)
    reserved.__setattr__("__metadata__", nn.Parameter(np.zeros(3)))
    with pytest.raises(ValueError, match="as __metadata__: the format keeps it for itself"):
        nn.save(path, reserved)
    assert nn.load(path).more == {"step": 1}
    assert list(tmp_path.iterdir()) == [path]


def nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("extra", ["x" * 50_000_000, 10**5000, nested(10_000)], ids="tid")
def test_extras_that_cannot_be_read_are_refused_when_saved(extra: Any, tmp_path: Path) -> None:
    path, model = tmp_path / "c", mlp(2, 2)
    nn.save(path, model, step=1)
    with pytest.raises(ValueError, match=r"50 MB as text|limit|nested"):
        nn.save(path, model, extra=extra)
    assert nn.load(path, model).more == {"step": 1}
    assert list(tmp_path.iterdir()) == [path]


# -------------------------------------------------------------------- weights that are not finite


class Spoils(Callback):
    """Sets a value of the model in the last batch of an epoch."""

    def __init__(self, epoch: int, value: float) -> None:
        self.epoch, self.value = epoch, value

    def on_batch_end(self, trainer: Any) -> None:
        if len(trainer.history) + 1 == self.epoch and trainer.batch == len(trainer.loader):
            trainer.model[3].bias.data[1] = self.value


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_not_finite_replace_no_checkpoint(value: float, tmp_path: Path) -> None:
    path = tmp_path / "last"
    callbacks = [Spoils(3, value), nn.ModelCheckpoint(path)]
    with pytest.raises(FloatingPointError, match=r"3\.bias is not finite after epoch 3, batch 2;"):
        trainer().fit(data(), epochs=3, callbacks=callbacks, progress=False)
    found = nn.load(path)
    assert [row["epoch"] for row in found.more["history"]] == [1, 2]
    assert all(np.isfinite(array).all() for array in found.state.values())


def test_what_a_function_spoilt_replaces_no_checkpoint(tmp_path: Path) -> None:
    def spoil(trainer: Any) -> None:
        if len(trainer.history) == 2:
            trainer.model[3].bias.data[1] = math.nan

    callbacks = [spoil, nn.ModelCheckpoint(tmp_path / "last")]
    with pytest.raises(FloatingPointError, match=r"3\.bias is not finite after epoch 2, and is no"):
        trainer().fit(data(), epochs=3, callbacks=callbacks, progress=False)
    assert len(nn.load(tmp_path / "last").more["history"]) == 1


def test_a_mask_of_infinities_is_saved(tmp_path: Path) -> None:
    t = scripted([0.1])
    t.model.register_buffer("mask", np.array([0, -np.inf]))
    rows = np.zeros((4, 1)), np.zeros((4, 1))
    keep = nn.ModelCheckpoint(tmp_path / "last")
    t.fit(rows, epochs=1, batch_size=4, callbacks=[keep], progress=False)
    assert np.isneginf(nn.load(tmp_path / "last").state["mask"][1])


def test_a_checkpoint_of_other_dtypes_is_loaded(tmp_path: Path) -> None:
    """float64 into float32 as before, moments too."""
    model, optimizer, _ = everything()
    double = mlp(4, 3, dtype=np.float64)
    theirs = nn.Adam(double.parameters(), lr=0.3)
    (double(Tensor(np.ones((1, 4)))) ** 2).sum().backward()
    theirs.step()
    nn.save(tmp_path / "c", double, theirs)
    nn.load(tmp_path / "c", model, optimizer)
    assert optimizer.state[0]["m"].dtype == model[0].weight.dtype == np.float32
