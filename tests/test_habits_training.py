"""Habits of Keras, PyTorch and scikit-learn in training: they work, or are told what to write."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import nn
from nn.callbacks import Callback
from nn.optim import Optimizer
from tinygrad_edu import Tensor

X = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


def trainer(optimizer: Any = nn.SGD, **options: Any) -> nn.Trainer:
    nn.manual_seed(0)
    model = nn.Sequential(nn.Dense(3, 8), nn.Tanh(), nn.Dense(8, 2))
    return nn.Trainer(model, "cross_entropy", optimizer(model.parameters(), **options))


def fit(*args: Any, **options: Any) -> nn.History:
    return trainer().fit(*args, **{"progress": False, **options})


def loader(**options: Any) -> nn.DataLoader:
    return nn.DataLoader((X, Y), **options)


class Foreign:
    """Knows batches only, as PyTorch's DataLoader."""

    def __iter__(self) -> Any:
        return iter([(X, Y)])


Foreign.__name__ = "DataLoader"


class Frame:
    """Has columns by name, as a table of pandas."""

    def __len__(self) -> int:
        return 50

    def __getitem__(self, name: Any) -> Any:
        raise KeyError(name)


TOGETHER = r"inputs and targets go in together, as in fit\(\(x, y\)\)"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit(X, Y), r"not a ndarray; arrays go in together, as in fit\(\(x, y\)\)"),
        (lambda: fit(Tensor(X), Tensor(Y)), "not a Tensor; arrays go in together"),
        (lambda: fit(X, Y, epochs=3, batch_size=8), "arrays go in together"),
        (lambda: fit(X, Y, 10), TOGETHER),
        (lambda: fit(X, Y, validation=(X, Y)), f"fit was given validation twice; {TOGETHER}"),
        (lambda: fit(x=X, y=Y), f"fit has no argument x: {TOGETHER}"),
        (lambda: fit({"x": X, "y": Y}), "not a dict; arrays go in together"),
        (lambda: fit(zip(X, Y, strict=True)), r"not a zip; .*fit\(list\(zip\("),
        (lambda: fit((X, Y), validation_data=(X, Y)), "did you mean validation?"),
        (lambda: fit((X, Y), validation_split=0.2), r"nn\.Dataset\(x, y\)\.split\(0\.2\)"),
        (lambda: fit((X, Y), verbose=0), "did you mean progress?"),
        (lambda: fit((X, Y), n_epochs=2), "did you mean epochs?"),
        (lambda: fit((X, Y), class_weight={0: 1}), r"CrossEntropyLoss\(weight="),
        (lambda: fit((X, Y), initial_epoch=3), "resume=path"),
        (lambda: fit((X, Y), callbacks=nn.EarlyStopping()), "callbacks are a list"),
        (lambda: fit(Foreign()), r"not a tests\.test_habits_training\.DataLoader; nn has its own"),
        (lambda: list(nn.DataLoader(Frame(), 4)), r"asks for Frame\[indices\].*nn\.Dataset"),
        (lambda: trainer().evaluate(X, Y), "arrays go in together"),
        (lambda: trainer().evaluate((X, Y), verbose=0), "evaluate has no argument verbose: fit"),
        (lambda: trainer().predict(X, verbose=0), "predict has no argument verbose: fit"),
        (lambda: loader(num_workers=2), "DataLoader has no argument num_workers: batches are made"),
        (lambda: loader(pin_memory=True), "no argument pin_memory: all runs on the CPU"),
        (lambda: loader(collate_fn=list), "no argument collate_fn: transform= is a function"),
        (lambda: nn.DataLoader(X, Y), r"together, as in DataLoader\(\(x, y\), 32\)"),
        (lambda: nn.DataLoader(zip(X, Y, strict=True)), r"a zip cannot .* list\(zip\(x, y\)\) can"),
        (
            lambda: nn.DataLoader([[x, y] for x, y in zip(X, Y, strict=True)]),
            r"samples of a list are tuples, as in list\(zip\(x, y\)\)",
        ),
        (lambda: nn.EarlyStopping(verbose=1), "EarlyStopping has no argument verbose: fit"),
        (lambda: nn.EarlyStopping(start_from_epoch=3), "a function among the callbacks"),
        (lambda: nn.EarlyStopping(restore_best_weights=1), "must be True or False"),
        (lambda: nn.ModelCheckpoint(filepath="x"), "did you mean path?"),
        (lambda: nn.ModelCheckpoint("x", save_weights_only=True), r"nn\.save writes a model"),
        (lambda: nn.Trainer(nn.Dense(2, 2), nn.SGD, "mse"), "a model, a loss and an optimizer"),
        (lambda: nn.Trainer(nn.Dense(2, 2), criterion="mse"), "did you mean loss?"),
    ],
)
def test_a_message_says_what_to_write(call: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_what_works_as_elsewhere() -> None:
    expected = fit((X, Y))["loss"]
    for rows in (list(zip(X, Y, strict=True)), [X, Y], (X.tolist(), Y.tolist()), (Tensor(X), Y)):
        np.testing.assert_allclose(fit(rows).history["loss"], expected, rtol=1e-6)
    assert len(fit((X, Y), callbacks=None)) == 1
    samples = list(zip(X, Y, strict=True))
    np.testing.assert_array_equal(trainer().predict(samples), trainer().predict(X))
    x, y = next(iter(nn.DataLoader(Tensor(X), 4))), next(iter(nn.DataLoader(X, 4)))
    np.testing.assert_array_equal(x, y)
    nn.EarlyStopping(monitor="val_loss", min_delta=1e-3, patience=3, mode="auto")


@pytest.mark.parametrize("n", [1, 2, 5, 31])
def test_less_data_than_a_batch_train(n: int) -> None:
    rows = X[:n], Y[:n]
    assert (
        fit(rows)["loss"] == fit(rows, batch_size=None)["loss"] == fit(rows, batch_size=n)["loss"]
    )
    assert fit(rows, rows, batch_size=64)["val_loss"][0] > 0


def test_weights_of_a_file_are_loaded_as_by_torch(tmp_path: Any) -> None:
    model, other = trainer().model, trainer().model
    model[0].weight.data += 1  # type: ignore[index]
    nn.save(tmp_path / "m", model)
    other.load_state_dict(nn.load(tmp_path / "m"))  # type: ignore[arg-type]
    assert nn.state_dict.same(model.state_dict(), other.state_dict())


def test_restoring_the_best_weights_can_be_left_out() -> None:
    seen: list[Any] = []

    def worse(trainer: Any) -> None:
        trainer.model[2].bias.data[0] += 2.0
        seen.append(trainer.model.state_dict())

    for restore in (True, False):
        t, stopping = trainer(), nn.EarlyStopping(patience=2, restore_best_weights=restore)
        seen.clear()
        history = t.fit((X, Y), epochs=9, callbacks=[stopping, worse], progress=False)
        last = nn.state_dict.same(t.model.state_dict(), seen[-1])
        assert last is not restore
        kept = stopping.best_epoch if restore else len(history)
        assert str(history.stopped).endswith(f"the parameters are those of epoch {kept}")


# -------------------------------------------------------------------- seeds

SEEDED = """
import numpy as np, nn
np.random.seed(3)
a = nn.Dense(3, 2).weight.data
b = [x.tolist() for x in nn.DataLoader(np.arange(9), 9, shuffle=True)]
np.random.seed(3)
assert (nn.Dense(3, 2).weight.data == a).all()
assert [x.tolist() for x in nn.DataLoader(np.arange(9), 9, shuffle=True)] == b
drop = nn.Dropout(0.5)
masks = []
for _ in range(2):
    np.random.seed(4)
    masks.append(drop(np.ones(50)).data)
assert (masks[0] == masks[1]).all() and (masks[0] == 0).any()
with nn.init.unmoved():
    c = np.random.rand()
assert np.random.rand() == c
nn.manual_seed(0)
d = nn.Dense(3, 2).weight.data
np.random.seed(3)
assert (nn.Dense(3, 2).weight.data != a).any()
nn.manual_seed(0)
assert (nn.Dense(3, 2).weight.data == d).all()
print(a.sum())
"""


def test_numpys_seed_seeds_nn_unless_it_has_one_of_its_own() -> None:
    for script in (SEEDED, "import nn, numpy as np\nprint(nn.Dense(3, 2).weight.data.sum())"):
        runs = [
            subprocess.run(
                [sys.executable, "-c", script], capture_output=True, text=True, check=True
            ).stdout
            for _ in range(2)
        ]
        assert (runs[0] == runs[1]) is (script == SEEDED)


def test_a_training_with_another_generator_is_not_resumed() -> None:
    state = np.random.MT19937(0).state
    with pytest.raises(ValueError, match=r"those of MT19937, and are those of PCG64 here; seed"):
        nn.state_dict.generator_state(np.random.default_rng(0), state)


# -------------------------------------------------------------------- optimizers with a closure


class Halving(Optimizer):
    """Takes the longest step of 1, 1/2, 1/4 ... along the gradient that lowers the loss."""

    needs_closure = True

    def __init__(self, parameters: Any, lr: float = 1.0) -> None:
        super().__init__(parameters, lr=lr)
        self.losses: list[float] = []

    def step(self, closure: Any = None) -> Any:
        first = closure()
        held = [p for group in self.groups for p in group["params"]]
        start, slopes = [p.data.copy() for p in held], [p.grad.copy() for p in held]
        rate = self.lr
        while True:
            for p, x, g in zip(held, start, slopes, strict=True):
                p.data[...] = x - rate * g
                p.mark_changed()
            self.losses.append(float(closure()))
            if self.losses[-1] < float(first) or rate < 1e-6:
                return first
            rate /= 2


def test_an_optimizer_that_needs_a_closure_is_given_one() -> None:
    t = trainer(Halving, lr=64.0)
    history = t.fit((X, Y), epochs=20, batch_size=None, progress=False)
    assert (np.diff(history["loss"]) < 0).all()
    assert history["loss"][-1] < 0.1
    losses = np.array(t.optimizer.losses)  # type: ignore[attr-defined]
    assert len(losses) > 20
    # the loss before a step is that after the last one
    assert min(abs(losses - history["loss"][1])) < 1e-6


def test_a_closure_clips_penalizes_and_tells_what_diverges() -> None:
    nn.manual_seed(0)
    model = nn.Sequential(nn.Dense(3, 2, l2=0.5))
    optimizer, norms = Halving(model.parameters()), []

    class Norm(Callback):
        def on_batch_end(self, trainer: Any) -> None:
            norms.append(sum(float((p.grad**2).sum()) for p in model.parameters()) ** 0.5)

    t = nn.Trainer(model, "cross_entropy", optimizer, clip_norm=1e-3)
    history = t.fit((X, Y), batch_size=None, callbacks=[Norm()], progress=False)
    np.testing.assert_allclose(norms, 1e-3, rtol=1e-4)
    assert optimizer.losses[0] == pytest.approx(history["loss"][0] + history["penalty"][0], rel=0.1)
    spoilt = X.copy()
    spoilt[3, 1] = np.nan
    with pytest.raises(FloatingPointError, match="the input holds 1 values"):
        t.fit((spoilt, Y), batch_size=None, progress=False)
