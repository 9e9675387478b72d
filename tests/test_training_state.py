"""What training leaves alone: other parameters, resting layers, buffers; and what it watches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nn
from nn.callbacks import Callback

from .test_training import data


class Gradients(Callback):
    """Keeps the gradients of a parameter after every step."""

    def __init__(self, parameter: nn.Parameter) -> None:
        self.parameter, self.seen = parameter, []  # type: ignore[var-annotated]

    def on_batch_end(self, trainer: Any) -> None:
        self.seen.append(self.parameter.grad.copy())


def two(norm: bool = False) -> nn.Sequential:
    nn.manual_seed(0)
    middle = nn.BatchNorm1d(8) if norm else nn.Tanh()
    return nn.Sequential(nn.Dense(3, 8), middle, nn.Dense(8, 2))


# -------------------------------------------------------------------- the optimizer's parameters


def test_a_layer_replaced_after_the_optimizer_was_made_is_refused() -> None:
    model = two()
    optimizer = nn.SGD(model.parameters())
    model[2] = nn.Dense(8, 2)
    words = r"2 of the optimizer's 4 .* not this model's.*'weight' of shape \(8, 2\).*replaced"
    with pytest.raises(ValueError, match=words):
        nn.Trainer(model, "cross_entropy", optimizer)
    trainer = nn.Trainer(model, "cross_entropy", nn.SGD(model.parameters()))
    model[0] = nn.Dense(3, 8)
    with pytest.raises(ValueError, match="was replaced after"):
        trainer.fit(data(), progress=False)


def test_a_loss_may_have_parameters_of_its_own() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            self.scale = nn.Parameter(1.0)

        def forward(self, x: Any, target: Any) -> Any:
            return nn.cross_entropy(x * self.scale, target)

    model, loss = two(), Scaled()
    optimizer = nn.SGD([*model.parameters(), *loss.parameters()], lr=0.1)
    nn.Trainer(model, loss, optimizer).fit(data(), progress=False)
    assert float(loss.scale) != 1.0


def test_other_gradients_are_zeroed_and_do_not_count_in_clipping() -> None:
    model = two()
    head = nn.SGD(model[2].parameters(), lr=0.1)
    seen = Gradients(model[0].weight)  # type: ignore[arg-type]
    trainer = nn.Trainer(model, "cross_entropy", head, clip_norm=1e-3)
    before = model[2].weight.data.copy()
    trainer.fit(data(), batch_size=60, epochs=3, callbacks=[seen], progress=False)
    norms = [np.linalg.norm(g) for g in seen.seen]
    assert max(norms) < 1.5 * min(norms)  # not the sums of all so far
    assert norms[0] > 1e-2  # not clipped
    moved = [model[2].weight.data - before, model[2].bias.data]
    total = np.sqrt(sum((m**2).sum() for m in moved))
    np.testing.assert_allclose(total, 3 * 0.1 * 1e-3, rtol=0.05)


# -------------------------------------------------------------------- layers that rest


def test_a_layer_in_evaluation_mode_stays_so() -> None:
    model = two(norm=True)
    model[1].requires_grad_(False).eval()
    start = model.state_dict()
    for epochs in (2, 1):  # another fit and another Trainer go on so
        trainer = nn.Trainer(model, "cross_entropy", nn.SGD(model.parameters(), lr=0.1))
        trainer.fit(data(), epochs=epochs, progress=False)
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            np.testing.assert_array_equal(getattr(model[1], name), start[f"1.{name}"])
    model.train()
    trainer.fit(data(), progress=False)
    assert model[1].num_batches_tracked == 2


def test_a_model_in_evaluation_mode_is_trained() -> None:
    model = two(norm=True).eval()
    trainer = nn.Trainer(model, "cross_entropy", nn.SGD(model.parameters(), lr=0.1))
    trainer.fit(data(), batch_size=30, progress=False)
    assert model[1].num_batches_tracked == 2


# -------------------------------------------------------------------- buffers


def test_a_batch_that_is_not_finite_leaves_the_buffers_alone() -> None:
    x = data().x.copy()
    x[59, 0] = np.nan
    model = nn.Sequential(nn.Dense(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Dense(8, 2))
    trainer = nn.Trainer(model, "cross_entropy", nn.SGD(model.parameters(), lr=0.1))
    seen: list[Any] = []

    class Keep(Callback):
        def on_batch_end(self, trainer: Any) -> None:
            seen.append(model.state_dict())

    loader = nn.DataLoader((x, data().y), 20)
    with pytest.raises(FloatingPointError, match="batch 3"):
        trainer.fit(loader, callbacks=[Keep()], progress=False)
    assert len(seen) == 2
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, seen[-1][name])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_the_step_that_spoils_a_parameter_is_named_in_its_epoch(value: float) -> None:
    class Spoil(Callback):
        def on_batch_end(self, trainer: Any) -> None:
            if trainer.batch == 2:  # the last one
                trainer.model[2].weight.data[0, 1] = value

    model = two()
    trainer = nn.Trainer(model, "cross_entropy", nn.SGD(model.parameters(), lr=0.1))
    words = r"2\.weight is not finite after epoch 1, batch 2; try a smaller .* than 0\.1"
    with pytest.raises(FloatingPointError, match=words):
        trainer.fit(data(), batch_size=30, callbacks=[Spoil()], progress=False)
    assert not model.training


# -------------------------------------------------------------------- what is watched


def perplexity(predicted: Any, target: Any) -> float:
    return float(np.exp(nn.cross_entropy(predicted, target)))


def test_the_direction_of_an_unknown_name_is_asked_for(tmp_path: Any) -> None:
    model = two()
    make = nn.SGD(model.parameters(), lr=0.1)
    trainer = nn.Trainer(model, "cross_entropy", make, {"perplexity": perplexity})
    path = tmp_path / "best.safetensors"
    for callback in (
        nn.EarlyStopping("val_perplexity"),
        nn.ModelCheckpoint(path, "perplexity", save_best_only=True),
    ):
        with pytest.raises(ValueError, match=r"'(val_)?perplexity' .*mode='min' or mode='max'"):
            trainer.fit(data(), data(), callbacks=[callback], progress=False)
    early = nn.EarlyStopping("val_perplexity", mode="min")
    history = trainer.fit(data(), data(), epochs=3, callbacks=[early], progress=False)
    assert early.best_epoch == history.best("val_loss")["epoch"]
    assert history.best("perplexity", mode="min") == history.best("loss")
    with pytest.raises(ValueError, match="mode='min'"):
        history.best("perplexity")


def test_a_plateau_watches_what_its_mode_is_for() -> None:
    model = two()
    optimizer = nn.SGD(model.parameters(), lr=0.1)

    def build(mode: str, monitor: str | None) -> nn.Trainer:
        plateau = nn.ReduceLROnPlateau(optimizer, mode, patience=0, monitor=monitor)
        return nn.Trainer(model, "cross_entropy", optimizer, ["accuracy"], scheduler=plateau)

    for mode, monitor in (("max", None), ("max", "val_loss"), ("min", "val_accuracy")):
        with pytest.raises(ValueError, match=r"would watch .*monitor='val_accuracy'"):
            build(mode, monitor)
    with pytest.raises(ValueError, match="column of the history 'val_acuracy'; did you mean"):
        build("max", "val_acuracy").fit(data(), data(), progress=False)
    trainer = build("max", "val_accuracy")
    trainer.fit(data(), data(), epochs=4, progress=False)
    assert trainer.scheduler.best == max(trainer.history["val_accuracy"])  # type: ignore[union-attr]
