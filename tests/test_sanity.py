"""nn.sanity: a broken program and a healthy twin for each mistake, and no alarm on the examples."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import nn
from examples import autoencoder, char_gpt, circles, gpt, mnist, mnist_conv, moons_scalar, sine_rnn
from nn.sanity_check import Finding, Fine, SanityReport, Unchecked
from nn.sanity_check.experiments import EXPERIMENTS
from nn.sanity_check.structure import STRUCTURAL
from tinygrad_edu import Tensor, no_grad


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


def mlp(*more: nn.Module[Any], out: int = 3, init: Any = "he") -> nn.Sequential:
    return nn.Sequential(nn.Dense(4, 16, init=init), nn.ReLU(), nn.Dense(16, out, init=init), *more)


def deep(activation: Callable[[], nn.Module[Any]], init: Any, layers: int = 10) -> nn.Sequential:
    hidden = [m for _ in range(layers) for m in (nn.Dense(32, 32, init=init), activation())]
    return nn.Sequential(nn.Dense(4, 32, init=init), *hidden, nn.Dense(32, 3, init=init))


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


def dying() -> nn.Sequential:
    model = mlp()
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
    ("row 5", "not-in-the-optimizer", lambda: with_optimizer(m := mlp(), m[2]),
     lambda: with_optimizer(mlp())),
    ("row 5, replaced", "not-in-the-optimizer", replaced, lambda: with_optimizer(mlp())),
    ("row 3", "no-gradient", lambda: classify(Cut("detached")), lambda: classify(Cut(""))),
    ("row 7", "not-finite", lambda: classify(nn.Sequential(nn.Lambda(of_log), mlp())),
     lambda: classify(nn.Sequential(nn.Lambda(lambda x: of_log(x * x + 1)), mlp()))),
    ("row 10", "diverging", lambda: with_optimizer(mlp(), lr=100.0), lambda: with_optimizer(mlp())),
    ("row 11", "dead-units", lambda: classify(dying()), lambda: classify(mlp())),
    ("row 12", "saturated-units",
     lambda: classify(nn.Sequential(nn.Dense(4, 16, init=drawn(30)), nn.Tanh(), nn.Dense(16, 3))),
     lambda: classify(nn.Sequential(nn.Dense(4, 16), nn.Tanh(), nn.Dense(16, 3)))),
    ("row 12, sigmoid", "saturated-units",
     lambda: classify(nn.Sequential(nn.Dense(4, 16, init=drawn(60)), nn.Sigmoid(), nn.Dense(16, 3))),
     lambda: classify(nn.Sequential(nn.Dense(4, 16), nn.Sigmoid(), nn.Dense(16, 3)))),
    ("row 13", "equal-units", lambda: classify(mlp(init="zeros")), lambda: classify(mlp())),
    ("row 13, ones", "equal-units", lambda: classify(mlp(init="ones")),
     lambda: classify(nn.Sequential(*mlp()[:2], nn.Dense(16, 3, init="zeros")))),
    ("row 14", "vanishing-gradients", lambda: classify(deep(nn.Sigmoid, "he")),
     lambda: classify(deep(nn.ReLU, "he"))),
    ("row 14, small", "vanishing-gradients", lambda: classify(deep(nn.ReLU, drawn(0.05))),
     lambda: classify(deep(nn.Tanh, "glorot"))),
    ("row 14, large", "exploding-gradients", lambda: classify(deep(nn.ReLU, drawn(0.8))),
     lambda: classify(deep(nn.ReLU, "he"))),
    ("row 15", "softmax-before-cross-entropy", lambda: classify(mlp(nn.Softmax())),
     lambda: classify(mlp(nn.Softmax()), nn.categorical_cross_entropy)),
    ("row 15, binary", "softmax-before-cross-entropy",
     lambda: Program(OneSigmoid(True), "bce_with_logits", two_classes()),
     lambda: Program(OneSigmoid(True), "bce", two_classes())),
    ("row 16", "targets-stretched", lambda: Program(OneColumn(False), squared, numbers()),
     lambda: Program(OneColumn(True), squared, numbers())),
    ("row 17", "first-loss", lambda: classify(mlp(init=drawn(5))), lambda: classify(mlp())),
    ("row 17, wrong loss", "first-loss", lambda: classify(mlp(nn.Softmax()), nll),
     lambda: classify(mlp(nn.LogSoftmax()), nll)),
    ("row 17, no softmax", "first-loss", lambda: classify(mlp(), nll),
     lambda: classify(mlp(), nn.CrossEntropyLoss(label_smoothing=0.1))),
    ("row 18", "output-ignores-input", lambda: classify(Cut("constant")), lambda: classify(Cut(""))),
    ("row 18, one of two", "output-ignores-input",
     lambda: Program(TwoInputs(False), "cross_entropy", (classes()[0], *classes())),
     lambda: Program(TwoInputs(True), "cross_entropy", (classes()[0], *classes()))),
    ("row 19", "samples-leak", lambda: Program(Attending(True), "cross_entropy", sequences()),
     lambda: Program(Attending(False), "cross_entropy", sequences())),
    ("row 19, mean", "samples-leak", lambda: classify(Cut("mixed")),
     lambda: classify(Cut("normalized"))),
    ("row 19, batch norm", "samples-leak", lambda: classify(Cut("mixed")),
     lambda: classify(nn.Sequential(nn.Dense(4, 16), nn.BatchNorm1d(16), nn.ReLU(),
                                    nn.Dense(16, 3)))),
    ("row 21, noise", "noisy-evaluation", lambda: classify(Cut("noisy")),
     lambda: classify(Cut("noisy in training"))),
    ("row 21, forward", "training-mode", lambda: classify(Cut("evaluates")),
     lambda: classify(Cut(""))),
    ("row 21, mode", "training-mode", lambda: classify(left_in_evaluation(False)),
     lambda: classify(left_in_evaluation(True))),
    ("row 22", "dense-after-dense",
     lambda: classify(nn.Sequential(nn.Dense(4, 16), nn.Dropout(0.1), nn.Dense(16, 3))),
     lambda: classify(mlp())),
    ("row 22, bottleneck", "dense-after-dense",
     lambda: classify(nn.Sequential(nn.Dense(4, 4), nn.Dense(4, 3))),
     lambda: classify(nn.Sequential(nn.Dense(4, 2), nn.Dense(2, 3)))),
    ("row 23", "unscaled-input", lambda: classify(mlp(), scale=200.0), lambda: classify(mlp())),
    ("row 23, normalized inside", "unscaled-input", lambda: classify(mlp(), scale=200.0),
     lambda: classify(nn.Sequential(nn.BatchNorm1d(4), mlp()), scale=200.0)),
    ("recipe", "one-batch",
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


NAMES = [name for name, *_ in BROKEN_AND_HEALTHY]


@pytest.mark.parametrize(("name", "id_", "broken", "healthy"), BROKEN_AND_HEALTHY, ids=NAMES)
def test_the_broken_program_is_found(name: str, id_: str, broken: Any, healthy: Any) -> None:
    nn.manual_seed(0)
    report = nn.sanity(*broken())
    assert id_ in [finding.id for finding in report.findings], report
    assert not report


@pytest.mark.parametrize(("name", "id_", "broken", "healthy"), BROKEN_AND_HEALTHY, ids=NAMES)
def test_its_healthy_twin_raises_no_alarm(name: str, id_: str, broken: Any, healthy: Any) -> None:
    nn.manual_seed(0)
    report = nn.sanity(*healthy())
    assert report, report


def test_every_check_has_a_broken_program() -> None:
    tested = {id_ for _, id_, *_ in BROKEN_AND_HEALTHY}
    assert {*STRUCTURAL, *EXPERIMENTS} - tested == {"zero-gradient"}


# -------------------------------------------------------------------- the examples


def digits(shape: tuple[int, ...] = (64,), n: int = 100) -> tuple[np.ndarray, np.ndarray]:
    data = nn.datasets.digits()
    return data.x[:n].reshape(n, *shape), data.y[:n]


def large_digits(*shape: int) -> tuple[np.ndarray, np.ndarray]:
    """Like MNIST: 24 x 24 pixels of the 8 x 8 digits, in a frame."""
    x, y = digits((8, 8), 48)
    return np.pad(x.repeat(3, 1).repeat(3, 2), [(0, 0), (2, 2), (2, 2)]).reshape(48, *shape), y


def of_iris(init: str) -> Program:
    data = nn.datasets.iris()
    x = nn.Standardizer().fit(data.x).transform(data.x)
    model = nn.Network([4, 8, 3], init=init)
    return Program(Logits(model), "cross_entropy", (x[::2], data.y[::2]),
                   nn.SGD(model.parameters(), lr=0.05))  # fmt: skip


class Logits(nn.Module):
    """A Network without its output activation."""

    def __init__(self, network: nn.Network) -> None:
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network.logits(x)


def of_circles() -> Program:
    data = nn.datasets.circles(200, noise=0.1, factor=0.5)
    model = circles.network()
    y = data.y[:, None].astype(np.float32)
    return Program(model, nn.binary_cross_entropy, (data.x, y), nn.Adam(model.parameters(), 0.01))


def of_boundary() -> Program:
    data = nn.datasets.circles(200, noise=0.1)
    model = Logits(nn.Network([2, 8, 1], output="sigmoid"))
    y = data.y[:, None].astype(np.float32)
    return Program(model, "bce_with_logits", (data.x, y), nn.Adam(model.parameters(), 0.01))


def of_autoencoder() -> Program:
    x = digits()[0]
    model = autoencoder.Autoencoder(64, 128, 2)
    return Program(model, "mse", (x, x), nn.Adam(model.parameters(), lr=2e-3))


def of_text() -> Program:
    text = char_gpt.PLAY.read_text(encoding="utf-8")[:4000]
    model = gpt.GPT("".join(sorted(set(text))), context=16, width=32, layers=2, dropout=0.1)
    data = char_gpt.windows(model.encode(text), 16, step=150)
    return Program(model, "cross_entropy", data[:], nn.AdamW(model.parameters(), lr=2e-3))


def of_sines() -> Program:
    model = sine_rnn.Forecaster(16)
    data = sine_rnn.windows(sine_rnn.curve(200) + rng().normal(0, 0.1, 200), 20)
    return Program(model, "mse", data[::8], nn.Adam(model.parameters(), lr=0.01))


def of_moons() -> Program:
    moons = nn.datasets.moons(100)
    model = moons_scalar.with_arrays(moons_scalar.ScalarMLP(2, 16, 16, 1))
    y = 2.0 * moons.y - 1

    def loss(score: Tensor, target: Any) -> Tensor:
        hinge = (1 - target[:, None] * score).relu().mean()
        return hinge + moons_scalar.L2 * sum((p * p).sum() for p in model.parameters())

    return Program(model, loss, (moons.x, y), nn.SGD(model.parameters(), lr=1.0))


def of_housing() -> Program:
    houses = nn.datasets.housing(100)
    x = nn.Standardizer().fit(houses.x).transform(houses.x)
    model = nn.Dense(4, 1)
    return Program(model, "mse", (x, houses.y), nn.SGD(model.parameters(), lr=0.3))


def of_demo() -> Program:
    model = nn.Sequential(
        nn.Dense(64, 128), nn.ReLU(), nn.Dense(128, 64), nn.ReLU(), nn.Dense(64, 10)
    )
    return Program(model, nn.cross_entropy, digits(), nn.Adam(model.parameters(), lr=2e-3))


def of_mnist() -> Program:
    model = mnist.network()
    return Program(model, nn.cross_entropy, large_digits(28, 28), nn.Adam(model.parameters()))


def of_mnist_conv() -> Program:
    model = mnist_conv.network()
    return Program(model, nn.cross_entropy, large_digits(1, 28, 28), nn.Adam(model.parameters()))


EXAMPLES = {
    "autoencoder": of_autoencoder, "char_gpt": of_text, "circles": of_circles,
    "decision_boundary": of_boundary, "digits": of_demo, "iris": lambda: of_iris("kaiming"),
    "iris, random": lambda: of_iris("normal"), "mnist": of_mnist, "mnist_conv": of_mnist_conv,
    "moons_scalar": of_moons, "sine_rnn": of_sines, "housing": of_housing,
}  # fmt: skip


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("example", EXAMPLES)
def test_no_alarm_on_the_networks_of_the_examples(example: str, seed: int) -> None:
    nn.manual_seed(seed)
    random.seed(seed)
    report = nn.sanity(*EXAMPLES[example]())
    assert report, report
