"""nn.sanity: a broken program and a healthy twin for each mistake; what it leaves and takes."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import nn
from nn.sanity_check import Unchecked
from nn.sanity_check.experiments import EXPERIMENTS
from nn.sanity_check.report import DOCUMENT
from nn.sanity_check.structure import STRUCTURAL
from tinygrad_edu import Tensor

ROOT = Path(__file__).parents[1]


class Program(NamedTuple):
    """What nn.sanity is given."""

    model: nn.Module[Any]
    loss: Any
    batch: tuple[Any, ...]
    optimizer: nn.optim.Optimizer | None = None


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def classes(scale: float = 1.0, n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Four features, three classes that depend on them."""
    x = rng().normal(size=(n, 4)).astype(np.float32)
    return x * np.float32(scale), (x[:, :3] + x[:, 3:]).argmax(axis=1)


def numbers(n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Four features, and as target a number for each sample, of shape (n,)."""
    x = rng().normal(size=(n, 4)).astype(np.float32)
    return x, np.tanh(x[:, 0] + 0.5 * x[:, 1])


def digits(shape: tuple[int, ...] = (64,), n: int = 100) -> tuple[np.ndarray, np.ndarray]:
    data = nn.datasets.digits()
    return data.x[:n].reshape(n, *shape), data.y[:n]


def mlp(*more: nn.Module[Any], out: int = 3, init: Any = "he") -> nn.Sequential:
    return nn.Sequential(nn.Dense(4, 16, init=init), nn.ReLU(), nn.Dense(16, out, init=init), *more)


def small(activation: Callable[[], nn.Module[Any]], init: Any = "he") -> nn.Sequential:
    return nn.Sequential(nn.Dense(4, 16, init=init), activation(), nn.Dense(16, 3))


def deep(activation: Callable[[], nn.Module[Any]], init: Any, layers: int = 10) -> nn.Sequential:
    hidden = [m for _ in range(layers) for m in (nn.Dense(32, 32, init=init), activation())]
    first = nn.Dense(4, 32, init=init), activation()
    return nn.Sequential(*first, *hidden, nn.Dense(32, 3, init=init))


class OneColumn(nn.Module):
    """A regression whose output has shape (n, 1), or (n,)."""

    def __init__(self, squeeze: bool) -> None:
        self.body, self.squeeze = mlp(out=1), squeeze

    def forward(self, x: Tensor) -> Tensor:
        y = self.body(x)
        return y[:, 0] if self.squeeze else y


def squared(prediction: Tensor, target: Any) -> Tensor:
    """A loss made by hand, which broadcasts."""
    return ((prediction - target) ** 2).mean()


class Cut(nn.Module):
    """A network in which a path is cut, or an input, or one that reads the mode by hand."""

    def __init__(self, way: str) -> None:
        self.first, self.last, self.way = nn.Dense(4, 16), nn.Dense(16, 3), way

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x).relu()
        if self.way == "detached":
            h = h.detach()
        if self.way == "constant":
            h = h * 0 + 1
        if self.way == "noisy" or (self.way == "noisy in training" and self.training):
            h = h * (rng_of_model.random(h.shape) > 0.5)
        if self.way == "mixed":
            h = h - h.mean(axis=0)
        if self.way == "normalized":
            h = h - h.mean(axis=1, keepdims=True)
        if self.way == "evaluates":
            self.eval()
        return self.last(h)


rng_of_model = np.random.default_rng(0)


class TwoInputs(nn.Module):
    def __init__(self, uses_both: bool) -> None:
        self.body, self.uses_both = mlp(), uses_both

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.body(a + b if self.uses_both else a)


class Attending(nn.Module):
    """Attention over time; along the batch if the axes are exchanged by a reshape."""

    def __init__(self, reshapes: bool) -> None:
        self.attention, self.head, self.reshapes = (
            nn.MultiheadAttention(4, 2),
            nn.Dense(4, 3),
            reshapes,
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.reshapes:
            x = x.reshape(x.shape[1], x.shape[0], 4)
        h = self.attention(x, x, x)[0]
        if self.reshapes:
            h = h.reshape(h.shape[1], h.shape[0], 4)
        return self.head(h.mean(axis=1))


def sequences() -> tuple[np.ndarray, np.ndarray]:
    x = rng().normal(size=(12, 5, 4)).astype(np.float32)
    return x, x.mean(axis=1)[:, :3].argmax(axis=1)


def dying(layers: int = 0) -> nn.Sequential:
    """A network whose first units are 0 for all samples."""
    model = deep(nn.ReLU, "he", layers)
    model[0].bias.data[...] = -20
    return model


def left_in_evaluation(mode: bool) -> nn.Sequential:
    return nn.Sequential(nn.Dense(4, 16), nn.ReLU(), nn.Dropout(0.1), nn.Dense(16, 3)).train(mode)


def with_optimizer(model: nn.Module[Any], some: Any = None, **options: Any) -> Program:
    given = model.parameters() if some is None else some.parameters()
    return Program(model, "cross_entropy", classes(), nn.SGD(given, **{"lr": 0.05, **options}))


def classify(model: nn.Module[Any], loss: Any = "cross_entropy", scale: float = 1.0) -> Program:
    return Program(model, loss, classes(scale))


def replaced() -> Program:
    model = mlp()
    optimizer = nn.SGD(model.parameters(), lr=0.05)
    model[2] = nn.Dense(16, 3)
    return Program(model, "cross_entropy", classes(), optimizer)


def drawn(std: float) -> Any:
    return nn.init.normal(std=std)


def of_log(x: Tensor) -> Tensor:
    return np.log(x)  # type: ignore[return-value]


def shuffled_labels(batch: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The same inputs for all samples, so that nothing can be learned."""
    return np.ones_like(batch[0]) * batch[0][:1], batch[1]


def nll(prediction: Tensor, target: Any) -> Tensor:
    """The negative log-likelihood by hand, without the checks of nn's."""
    return -prediction[np.arange(len(target)), target].mean()


BROKEN_AND_HEALTHY: list[tuple[str, str, Callable[[], Program], Callable[[], Program]]] = [
    ("not-in-the-optimizer", "", lambda: with_optimizer(m := mlp(), m[2]),
     lambda: with_optimizer(mlp())),
    ("not-in-the-optimizer", "replaced", replaced, lambda: with_optimizer(mlp())),
    ("no-gradient", "", lambda: classify(Cut("detached")), lambda: classify(Cut(""))),
    ("not-finite", "", lambda: classify(nn.Sequential(nn.Lambda(of_log), mlp())),
     lambda: classify(nn.Sequential(nn.Lambda(lambda x: of_log(x * x + 1)), mlp()))),
    ("diverging", "", lambda: with_optimizer(mlp(), lr=100.0), lambda: with_optimizer(mlp())),
    ("zero-gradient", "", lambda: classify(dying(4)), lambda: classify(deep(nn.ReLU, "he"))),
    ("dead-units", "", lambda: classify(dying()), lambda: classify(mlp())),
    ("saturated-units", "",
     lambda: classify(small(nn.Tanh, drawn(30))), lambda: classify(small(nn.Tanh))),
    ("saturated-units", "sigmoid",
     lambda: classify(small(nn.Sigmoid, drawn(60))), lambda: classify(small(nn.Sigmoid))),
    ("equal-units", "", lambda: classify(mlp(init="zeros")), lambda: classify(mlp())),
    ("equal-units", "ones", lambda: classify(mlp(init="ones")),
     lambda: classify(nn.Sequential(*mlp()[:2], nn.Dense(16, 3, init="zeros")))),
    ("vanishing-gradients", "", lambda: classify(deep(nn.Sigmoid, "he")),
     lambda: classify(deep(nn.ReLU, "he"))),
    ("vanishing-gradients", "small", lambda: classify(deep(nn.ReLU, drawn(0.05))),
     lambda: classify(deep(nn.Tanh, "glorot"))),
    ("exploding-gradients", "large", lambda: classify(deep(nn.ReLU, drawn(0.8))),
     lambda: classify(deep(nn.ReLU, "he"))),
    ("softmax-before-cross-entropy", "", lambda: classify(mlp(nn.Softmax())),
     lambda: classify(mlp(nn.Softmax()), nn.categorical_cross_entropy)),
    ("softmax-before-cross-entropy", "binary",
     lambda: Program(OneSigmoid(True), "bce_with_logits", two_classes()),
     lambda: Program(OneSigmoid(True), "bce", two_classes())),
    ("targets-stretched", "", lambda: Program(OneColumn(False), squared, numbers()),
     lambda: Program(OneColumn(True), squared, numbers())),
    ("first-loss", "", lambda: classify(mlp(init=drawn(5))), lambda: classify(mlp())),
    ("first-loss", "wrong loss", lambda: classify(mlp(nn.Softmax()), nll),
     lambda: classify(mlp(nn.LogSoftmax()), nll)),
    ("first-loss", "no softmax", lambda: classify(mlp(), nll),
     lambda: classify(mlp(), nn.CrossEntropyLoss(label_smoothing=0.1))),
    ("first-loss", "numbers",
     lambda: Program(OneColumn(True), "mse", (numbers()[0], 30 + numbers()[1])),
     lambda: Program(OneColumn(True), "mse", numbers())),
    ("output-ignores-input", "", lambda: classify(Cut("constant")),
     lambda: classify(Cut(""))),
    ("output-ignores-input", "one of two",
     lambda: Program(TwoInputs(False), "cross_entropy", (classes()[0], *classes())),
     lambda: Program(TwoInputs(True), "cross_entropy", (classes()[0], *classes()))),
    ("samples-leak", "", lambda: Program(Attending(True), "cross_entropy", sequences()),
     lambda: Program(Attending(False), "cross_entropy", sequences())),
    ("samples-leak", "mean", lambda: classify(Cut("mixed")),
     lambda: classify(Cut("normalized"))),
    ("samples-leak", "batch norm", lambda: classify(Cut("mixed")),
     lambda: classify(nn.Sequential(nn.Dense(4, 16), nn.BatchNorm1d(16), nn.ReLU(),
                                    nn.Dense(16, 3)))),
    ("noisy-evaluation", "noise", lambda: classify(Cut("noisy")),
     lambda: classify(Cut("noisy in training"))),
    ("training-mode", "forward", lambda: classify(Cut("evaluates")),
     lambda: classify(Cut(""))),
    ("training-mode", "mode", lambda: classify(left_in_evaluation(False)),
     lambda: classify(left_in_evaluation(True))),
    ("dense-after-dense", "",
     lambda: classify(nn.Sequential(nn.Dense(4, 16), nn.Dropout(0.1), nn.Dense(16, 3))),
     lambda: classify(mlp())),
    ("dense-after-dense", "bottleneck",
     lambda: classify(nn.Sequential(nn.Dense(4, 4), nn.Dense(4, 3))),
     lambda: classify(nn.Sequential(nn.Dense(4, 2), nn.Dense(2, 3)))),
    ("unscaled-input", "", lambda: classify(mlp(), scale=200.0), lambda: classify(mlp())),
    ("unscaled-input", "normalized inside", lambda: classify(mlp(), scale=200.0),
     lambda: classify(nn.Sequential(nn.BatchNorm1d(4), mlp()), scale=200.0)),
    ("one-batch", "",
     lambda: Program(mlp(), "cross_entropy", shuffled_labels(classes())),
     lambda: classify(mlp())),
]  # fmt: skip


class OneSigmoid(nn.Module):
    def __init__(self, sigmoid: bool) -> None:
        self.body, self.sigmoid = mlp(out=1), sigmoid

    def forward(self, x: Tensor) -> Tensor:
        y = self.body(x)[:, 0]
        return y.sigmoid() if self.sigmoid else y


def two_classes() -> tuple[np.ndarray, np.ndarray]:
    x, y = numbers()
    return x, (y > 0).astype(np.float32)


NAMES = [" ".join(names).strip() for *names, _, _ in BROKEN_AND_HEALTHY]


@pytest.mark.parametrize(("id_", "variant", "broken", "healthy"), BROKEN_AND_HEALTHY, ids=NAMES)
def test_the_broken_program_is_found(id_: str, variant: str, broken: Any, healthy: Any) -> None:
    nn.manual_seed(0)
    report = nn.sanity(*broken())
    assert id_ in [finding.id for finding in report.findings], report
    assert not report


@pytest.mark.parametrize(("id_", "variant", "broken", "healthy"), BROKEN_AND_HEALTHY, ids=NAMES)
def test_its_healthy_twin_raises_no_alarm(
    id_: str, variant: str, broken: Any, healthy: Any
) -> None:
    nn.manual_seed(0)
    report = nn.sanity(*healthy())
    assert report, report


def test_every_check_has_a_broken_program() -> None:
    tested = {id_ for id_, *_ in BROKEN_AND_HEALTHY}
    assert {*STRUCTURAL, *EXPERIMENTS} == tested


# -------------------------------------------------------------------- other healthy programs


class Residual(nn.Module):
    """Blocks whose last weights start at 0, as do those of the head."""

    def __init__(self) -> None:
        self.first = nn.Dense(4, 16)
        self.blocks = [
            nn.Sequential(nn.LayerNorm(16), nn.Dense(16, 32), nn.GELU(), zero(nn.Dense(32, 16)))
            for _ in range(4)
        ]
        self.head = zero(nn.Dense(16, 3))

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for block in self.blocks.children():  # type: ignore[attr-defined]
            x = x + block(x)
        return self.head(x)


def zero(layer: nn.Dense) -> nn.Dense:
    nn.init.zeros_(layer.weight)
    return layer


class LastStep(nn.Module):
    def __init__(self) -> None:
        self.recurrent, self.head = nn.LSTM(4, 16), nn.Dense(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.recurrent(x)[0][:, -1])


class Bag(nn.Module):
    """The mean of embeddings, of which most are not in the batch."""

    def __init__(self) -> None:
        self.table, self.head = nn.Embedding(500, 16), nn.Dense(16, 3)

    def forward(self, words: Any) -> Tensor:
        return self.head(self.table(words).mean(axis=1))


def words() -> tuple[np.ndarray, np.ndarray]:
    return rng().integers(500, size=(40, 6)), rng().integers(3, size=40)


def pairwise(prediction: Tensor, target: np.ndarray) -> Tensor:
    """A ranking loss, which compares all pairs on purpose."""
    order = np.sign(target[:, None] - target[None, :])
    return (1 - order * (prediction[:, None] - prediction[None, :])).relu().mean()


def counts() -> tuple[np.ndarray, np.ndarray]:
    return numbers()[0], rng().poisson(2, 40)


def trained() -> Program:
    model, (x, y) = mlp(), classes()
    optimizer = nn.Adam(model.parameters(), lr=0.02)
    nn.Trainer(model, "cross_entropy", optimizer).fit((x, y), epochs=80, progress=False)
    return Program(model, "cross_entropy", (x, y), optimizer)


def lbfgs() -> Program:
    model = OneColumn(True)
    return Program(model, "mse", numbers(), nn.LBFGS(model.parameters()))


def convolutional() -> Program:
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dense(8 * 9, 10),
    )  # fmt: skip
    return Program(model, "cross_entropy", digits((1, 8, 8)), nn.SGD(model.parameters(), 0.05))


OTHERS = {
    "residual": lambda: classify(Residual()),
    "recurrent": lambda: Program(LastStep(), "cross_entropy", sequences()),
    "embedding": lambda: Program(Bag(), "cross_entropy", words()),
    "ranking": lambda: Program(OneColumn(True), pairwise, numbers()),
    "trained": trained, "lbfgs": lbfgs, "convolutional": convolutional,
    "linear": lambda: classify(nn.Dense(4, 3)),
    "linear, binary": lambda: Program(OneSigmoid(True), "bce", two_classes()),
    "weighted": lambda: classify(mlp(), nn.CrossEntropyLoss(weight=np.array([1.0, 5.0, 1.0]))),
    "focal": lambda: classify(mlp(), "focal"),
    "hinge": lambda: classify(mlp(), "multi_margin"),
    "huber": lambda: Program(OneColumn(True), "huber", numbers()),
    "poisson": lambda: Program(OneColumn(True), "poisson_nll", counts()),
    "transformer": lambda: Program(
        nn.Sequential(nn.TransformerBlock(4, 2, dropout=0.0), nn.Lambda(lambda x: x.mean(axis=1)),
                      nn.Dense(4, 3)), "cross_entropy", sequences()),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_no_alarm_on_other_healthy_programs(name: str) -> None:
    nn.manual_seed(0)
    report = nn.sanity(*OTHERS[name]())
    assert report, report


# -------------------------------------------------------------------- what it leaves, and takes


class Counting(nn.Module):
    """A model with all that can change: buffers, dropout, generators, gradients, attributes."""

    def __init__(self) -> None:
        self.body = nn.Sequential(nn.Dense(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2))
        self.head, self.calls, self.rng = nn.Dense(8, 3), 0, np.random.default_rng(1)

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        noise = self.rng.normal() + random.random() + np.random.rand()  # noqa: NPY002
        return self.head(self.body(x)) + (0.001 * noise if self.training else 0)


def test_everything_is_as_before() -> None:
    nn.manual_seed(0)
    model, batch = Counting(), classes()
    model.body[3].eval()
    nn.cross_entropy(model(batch[0]), batch[1]).backward()
    optimizer = nn.Adam(model.parameters(), lr=0.01)
    optimizer.step()
    gradients = [p.grad for p in model.parameters()]  # the arrays, which are not added to
    copies = [g.copy() for g in gradients if g is not None]

    def state() -> Any:
        return repr((
            model.state_dict(), [m.training for m in model.modules()], model.calls,
            optimizer.state_dict(), model.rng.bit_generator.state, random.getstate(),
            nn.init.generator().bit_generator.state, np.random.get_state(),  # noqa: NPY002
        ))  # fmt: skip

    loader = nn.DataLoader(batch, 16, shuffle=True, seed=3)
    before, drawn = state(), loader.generator.bit_generator.state
    assert nn.sanity(model, "cross_entropy", loader, optimizer).findings == []
    assert state() == before
    assert loader.generator.bit_generator.state == drawn
    for p, g, copy in zip(model.parameters(), gradients, copies, strict=True):
        np.testing.assert_array_equal(p.grad, copy)
        np.testing.assert_array_equal(g, copy)


def test_a_model_that_a_trainer_left_in_evaluation_mode_is_fine() -> None:
    model = left_in_evaluation(True)
    nn.Trainer(model, "cross_entropy", nn.Adam(model.parameters(), lr=0.01)).fit(classes())
    assert not model.training
    ids = [each.id for each in nn.sanity(model, "cross_entropy", classes()).findings]
    assert "training-mode" not in ids
    model.eval()
    assert nn.sanity(model, "cross_entropy", classes(), ignore=["one-batch"])
    model.train()  # a loop by hand, with an evaluation
    model.eval()
    ids = [each.id for each in nn.sanity(model, "cross_entropy", classes()).findings]
    assert "training-mode" in ids


def test_everything_is_as_before_if_the_model_raises() -> None:
    model = Counting()
    before = {name: a.copy() for name, a in model.state_dict().items()}

    def loss(prediction: Tensor, target: Any) -> Tensor:
        raise ValueError("of the loss")

    with pytest.raises(ValueError, match="of the loss"):
        nn.sanity(model, loss, classes())
    assert model.calls == 0
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_checks_are_ignored_by_their_ids() -> None:
    model = nn.Sequential(nn.Dense(4, 16), nn.Dense(16, 3))
    assert not nn.sanity(model, "cross_entropy", classes())
    assert nn.sanity(model, "cross_entropy", classes(), ignore=["dense-after-dense"])
    assert nn.sanity(model, "cross_entropy", classes(), ignore="dense-after-dense")
    with pytest.raises(ValueError, match=r"unknown check .*did you mean"):
        nn.sanity(model, "cross_entropy", classes(), ignore=["dense-after-dens"])


def test_the_report_is_ascii_and_says_where_to_read_on() -> None:
    report = nn.sanity(nn.Sequential(nn.Dense(4, 16), nn.Dense(16, 3)), "cross_entropy", classes())
    text = str(report)
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 100
    assert "[ok] equal-units" in text
    assert "[!!] dense-after-dense" in text
    assert "layer 0, 4 to 16, feeds layer 1, 16 to 3" in text
    assert "docs/sanity.md#dense-after-dense" in text
    assert repr(report) == text
    finding = report.findings[0]
    assert finding.likely is None, "what follows from the structure is stated flatly"


def test_names_are_escaped_in_html() -> None:
    model = nn.Sequential(nn.Dense(4, 16), nn.Dense(16, 3))
    setattr(model, "</td><b>", nn.Dense(2, 2))
    report = nn.sanity(model[:2], "cross_entropy", classes())
    assert "<table>" in report._repr_html_()
    report = nn.sanity(Odd(), "cross_entropy", classes())
    assert "<b>" not in report._repr_html_()
    assert "&lt;b&gt;" in report._repr_html_()


class Odd(nn.Module):
    def __init__(self) -> None:
        self.body = mlp()
        setattr(self, "<b>", nn.Dense(2, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


def test_what_cannot_be_checked_is_told() -> None:
    report = nn.sanity(mlp(), "cross_entropy", classes())
    unchecked = {each.id: each.text for each in report.unchecked}
    assert unchecked["diverging"] == "no optimizer was given"
    assert all(isinstance(each, Unchecked) for each in report.unchecked)
    one = nn.sanity(mlp(), "cross_entropy", tuple(a[:1] for a in classes()))
    assert {"samples-leak", "output-ignores-input"} <= {each.id for each in one.unchecked}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((lambda x: x, "mse", (np.ones(3), np.ones(3))), "takes a Module first, not function"),
        ((mlp(), "mse", np.ones((3, 4))), "inputs and targets are needed"),
        ((mlp(), "msee", (np.ones((3, 4)), np.ones(3))), "unknown loss"),
        ((mlp(), "mse", (np.ones((3, 4)), np.ones((3, 3))), 0.1), "optimizer is one such as"),
        ((mlp(), lambda p, t: p, (np.ones((3, 4)), np.ones(3))), "must return one number"),
        ((mlp(), lambda p, t: 1.0, (np.ones((3, 4)), np.ones(3))), "must return a Tensor"),
        ((mlp(), "mse", (np.ones((3, 5)), np.ones(3))), "expected input of 4 .*test_sanity.py"),
    ],
)
def test_bad_input_is_named(arguments: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        nn.sanity(*arguments)


def test_every_id_is_a_heading_of_its_document() -> None:
    headings = re.findall(r"^### (.+)$", (ROOT / DOCUMENT).read_text(encoding="utf-8"), re.M)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    assert {*STRUCTURAL, *EXPERIMENTS} <= anchors


class Pair(nn.Module[Any]):
    """A model whose output is a tuple of one Tensor."""

    def __init__(self) -> None:
        self.body = mlp()

    def forward(self, x: Tensor) -> Any:
        return (self.body(x),)


def test_an_output_in_a_tuple() -> None:
    report = nn.sanity(Pair(), lambda p, t: nn.cross_entropy(p[0], t), classes())
    assert report, report


def test_the_loss_may_use_parameters_itself() -> None:
    model = mlp()

    def loss(prediction: Tensor, target: Any) -> Tensor:
        decay = sum((p * p).sum() for p in model.parameters())
        return nn.cross_entropy(prediction, target) + 1e-4 * decay

    report = nn.sanity(model, loss, classes(), nn.Adam(model.parameters(), lr=0.01))
    assert report, report


def test_a_tensor_that_is_no_parameter_is_found() -> None:
    scale = Tensor(1.0, requires_grad=True, name="scale")
    report = nn.sanity(mlp(), lambda p, t: nn.cross_entropy(p * scale, t), classes())
    (finding,) = report.findings
    assert finding.id == "no-gradient"
    assert "not parameters of the model or the loss: scale" in finding.facts[0]
    assert scale.grad is None
