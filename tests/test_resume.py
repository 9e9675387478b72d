"""A training that is saved at any moment goes on to the values it would have had, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import nn
from nn.callbacks import Callback

from .test_callbacks import same
from .test_training import data, trainer

EPOCHS = 6


class Trace(Callback):
    """Has state of its own, which every batch and every epoch changes in place."""

    def __init__(self) -> None:
        self.batches: list[float] = []
        self.epochs: list[float] = []

    def on_train_begin(self, trainer: Any) -> None:
        nn.init.generator().random()  # no reason to go on otherwise

    def on_batch_end(self, trainer: Any) -> None:
        self.batches.append(float(trainer.model[0].bias.data[0]))

    def on_epoch_end(self, trainer: Any) -> None:
        self.epochs.append(trainer.history["loss"][-1])

    def state_dict(self) -> dict[str, Any]:
        return {"batches": self.batches, "epochs": self.epochs}


class Fit:
    """A training with all that has state, and what it comes to."""

    def __init__(self) -> None:
        self.trainer = trainer(["accuracy"], lr=0.02, l2=0.01)
        self.trainer.scheduler = nn.CosineAnnealingLR(self.trainer.optimizer, T_max=7)
        self.stopping, self.trace = nn.EarlyStopping(patience=3), Trace()

    def run(self, *first: Any, epochs: int = EPOCHS, last: Any = (), **options: Any) -> Fit:
        loader = nn.DataLoader(data(), 16, shuffle=True, seed=4)
        callbacks = [*first, self.stopping, self.trace, *last]
        options = {"epochs": epochs, "callbacks": callbacks, "progress": False, **options}
        self.history = self.trainer.fit(loader, data(20, 1), **options)
        return self

    def check(self, other: Fit) -> None:
        """Equal, also in what they would go on from."""
        same(self.history, other.history)
        assert self.history.stopped == other.history.stopped
        assert self.trace.state_dict() == other.trace.state_dict()
        ours, theirs = (fit.trainer._snapshot() for fit in (self, other))
        for state in (ours, theirs):
            state.pop("waiting")
            state["callbacks"].pop("EachEpoch", None)
            state["callbacks"].pop("Save", None)
        assert nn.state_dict.same(ours, theirs)


def resumed(path: Path, *first: Any, epochs: int = EPOCHS) -> Fit:
    nn.manual_seed(77)
    again = Fit()
    for p in again.trainer.model.parameters():
        p.data += 1
    return again.run(*first, epochs=epochs, resume=path)


@pytest.fixture(scope="module")
def whole() -> Fit:
    return Fit().run()


class Save(Callback):
    """Saves at every moment of a kind."""

    def __init__(self, folder: Path, event: str) -> None:
        self.folder, self.saved = folder, 0
        setattr(self, event, self._save)

    def _save(self, trainer: Any) -> None:
        trainer.save(self.folder / str(self.saved))
        self.saved += 1


@pytest.mark.parametrize("event", ["on_epoch_end", "on_batch_end", "on_train_end"])
@pytest.mark.parametrize("where", ["first", "last"])
def test_saved_by_a_callback(event: str, where: str, whole: Fit, tmp_path: Path) -> None:
    saver = Save(tmp_path, event)
    run = Fit().run(saver) if where == "first" else Fit().run(last=[saver])
    run.check(whole)
    assert saver.saved == {"on_epoch_end": 6, "on_batch_end": 24, "on_train_end": 1}[event]
    for number in range(0, saver.saved, 5 if event == "on_batch_end" else 1):
        resumed(tmp_path / str(number)).check(whole)


def test_saved_by_a_function_before_early_stopping(whole: Fit, tmp_path: Path) -> None:
    def save(trainer: nn.Trainer) -> None:
        trainer.save(tmp_path / str(len(trainer.history)))

    Fit().run(save, epochs=4)
    for epoch in range(1, 5):
        resumed(tmp_path / str(epoch)).check(whole)
        resumed(tmp_path / str(epoch), lambda trainer: None).check(whole)


@pytest.mark.parametrize("epochs", [1, 3, 5])
def test_saved_after_the_best_weights_came_back(epochs: int, whole: Fit, tmp_path: Path) -> None:
    def spoil(trainer: nn.Trainer) -> None:  # so that the last epoch is not the best
        if len(trainer.history) > 2:
            trainer.model[3].bias.data[0] += 3.0  # type: ignore[index]

    expected, part = Fit().run(spoil), Fit().run(spoil, epochs=epochs)
    part.trainer.save(tmp_path / "run")
    best = nn.load(tmp_path / "run").state
    assert nn.state_dict.same(part.trainer.model.state_dict(), best)
    again = resumed(tmp_path / "run", spoil)
    again.check(expected)
    assert 1 <= expected.stopping.best_epoch < len(expected.history)


def interrupt_in_batch(fit: Fit, epoch: int) -> dict[str, Any]:
    class Interrupt(Callback):
        def on_batch_end(self, trainer: Any) -> None:
            if len(trainer.history) == epoch - 1 and trainer.batch == 2:
                raise KeyboardInterrupt

    return {"last": [Interrupt()]}


def interrupt_in_step(fit: Fit, epoch: int) -> dict[str, Any]:
    optimizer = fit.trainer.optimizer
    update, calls = optimizer.update, iter(range(10**6))

    def interrupted(*arrays: Any, **options: Any) -> None:
        update(*arrays, **options)
        if len(fit.trainer.history) == epoch - 1 and next(calls) == 5:
            raise KeyboardInterrupt  # when half of the parameters have moved

    optimizer.update = interrupted  # type: ignore[method-assign]
    return {}


def interrupt_in_callback(fit: Fit, epoch: int) -> dict[str, Any]:
    def interrupted(trainer: nn.Trainer) -> None:
        if len(trainer.history) == epoch:
            raise KeyboardInterrupt

    return {"last": [interrupted]}


def interrupt_in_validation(fit: Fit, epoch: int) -> dict[str, Any]:
    judge = fit.trainer._judge

    def interrupted(loader: Any) -> Any:
        if len(fit.trainer.history) == epoch - 1:
            raise KeyboardInterrupt
        return judge(loader)

    fit.trainer._judge = interrupted  # type: ignore[method-assign]
    return {}


@pytest.mark.parametrize("seconds", [0.0, 0.1])
@pytest.mark.parametrize("epoch", [1, 2, 4])
@pytest.mark.parametrize(
    "interrupt",
    [interrupt_in_batch, interrupt_in_step, interrupt_in_callback, interrupt_in_validation],
)
def test_saved_after_an_interrupt(
    interrupt: Any, epoch: int, seconds: float, whole: Fit, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(nn.trainer, "_SECONDS", seconds)
    part = Fit()
    part.run(**interrupt(part, epoch))
    assert part.history.interrupted
    part.trainer.save(tmp_path / "run")
    if not seconds:
        assert len(nn.load(tmp_path / "run").more["history"]) == epoch - 1
    resumed(tmp_path / "run").check(whole)


def test_a_file_of_a_resumed_training_is_resumed(whole: Fit, tmp_path: Path) -> None:
    for epochs in (2, 3, 5):
        resume = tmp_path / str(epochs - 1)
        run = resumed(resume, epochs=epochs) if resume.exists() else Fit().run(epochs=epochs)
        run.trainer.save(tmp_path / str(epochs))
        run.trainer.save(tmp_path / str(epochs))
    resumed(tmp_path / "5").check(whole)


def test_a_callback_that_has_no_state_yet(tmp_path: Path) -> None:
    class Late(Callback):
        def on_epoch_end(self, trainer: Any) -> None:
            self.best = 1.0

        def state_dict(self) -> dict[str, Any]:
            return {"best": self.best}

    fit = Fit().run(Late(), epochs=2)
    fit.trainer.save(tmp_path / "run")
    assert nn.load(tmp_path / "run").more["callbacks"]["Late"] == {"best": 1.0}


# -------------------------------------------------------------------- what is refused


def test_a_refused_fit_leaves_the_history(whole: Fit, tmp_path: Path) -> None:
    done = Fit().run(epochs=2)
    done.trainer.save(tmp_path / "run")
    nn.save(tmp_path / "model", done.trainer.model)
    rows, before = done.trainer.history, done.trainer._snapshot()
    for options in (
        {"resume": tmp_path / "model"},
        {"resume": tmp_path / "nowhere"},
        {"resume": tmp_path / "run", "validation": None},
        {"resume": tmp_path / "run", "callbacks": [nn.EarlyStopping("los")]},
        {"callbacks": [nn.EarlyStopping(), nn.EarlyStopping("los")]},
        {"callbacks": [3]},
        {"epochs": 0},
    ):
        given: Any = {"validation": data(20, 1), "epochs": 4, "progress": False, **options}
        with pytest.raises((ValueError, TypeError, OSError)):
            done.trainer.fit(data(), **given)
        assert done.trainer.history is rows
        assert len(rows) == 2
        assert nn.state_dict.same(done.trainer._snapshot(), before)
        assert not done.trainer.model.training
    done.trainer.save(tmp_path / "again")
    resumed(tmp_path / "again").check(whole)


def test_a_resume_that_a_callback_refuses_changes_nothing(tmp_path: Path) -> None:
    Fit().run(epochs=2).trainer.save(tmp_path / "run")

    class Refuses(Callback):
        def on_train_begin(self, trainer: Any) -> None:
            assert len(trainer.history) == 2
            raise RuntimeError("no")

    fit = Fit()
    before = fit.trainer.model.state_dict()
    fit.trainer.model.train()
    with pytest.raises(RuntimeError, match="no"):
        fit.run(last=[Refuses()], resume=tmp_path / "run")
    assert nn.state_dict.same(fit.trainer.model.state_dict(), before)
    assert not fit.trainer.optimizer.state
    assert not len(fit.trainer.history)
    assert fit.stopping.best_state == {}
    assert fit.trainer.model.training


# -------------------------------------------------------------------- callbacks that raise


class Ends(Callback):
    """Notes that it ended, and raises where it is told to."""

    def __init__(self, raises: str = "") -> None:
        self.raises, self.ended = raises, 0

    def _at(self, event: str) -> None:
        if event == self.raises:
            raise RuntimeError(event)

    def on_train_begin(self, trainer: Any) -> None:
        self._at("begin")

    def on_batch_end(self, trainer: Any) -> None:
        self._at("batch")

    def on_epoch_end(self, trainer: Any) -> None:
        self._at("epoch")

    def on_train_end(self, trainer: Any) -> None:
        self.ended += 1
        self._at("end")


@pytest.mark.parametrize("event", ["batch", "epoch", "end"])
def test_a_callback_that_raises_lets_the_others_end(event: str) -> None:
    fit, others = Fit(), [Ends(), Ends("end"), Ends()]
    with pytest.raises(RuntimeError, match="end|" + event):
        fit.run(others[0], Ends(event), last=others[1:])
    assert [each.ended for each in others] == [1, 1, 1]
    assert not any(module.training for module in fit.trainer.model.modules())


def test_a_callback_that_cannot_begin_lets_those_before_it_end() -> None:
    fit, before, after = Fit(), Ends(), Ends()
    fit.trainer.model.train()
    with pytest.raises(RuntimeError, match="begin"):
        fit.run(before, Ends("begin"), last=[after])
    assert (before.ended, after.ended) == (1, 0)
    assert fit.trainer.model.training
