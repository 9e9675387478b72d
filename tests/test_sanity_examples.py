"""nn.sanity raises no alarm on the networks of the examples, which train well."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import nn
from tinygrad_edu import Tensor

from .test_sanity import Program, digits, rng

pytest.importorskip("matplotlib")  # the examples need it
import matplotlib.pyplot as plt

from examples import autoencoder, char_gpt, circles, gpt, mnist, mnist_conv, moons_scalar, sine_rnn


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


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_gradient_flows_through_the_networks_of_the_examples(example: str) -> None:
    nn.manual_seed(0)
    axes = nn.plot_gradient_flow(*EXAMPLES[example]())
    plt.close(axes.figure)
    assert axes.get_title(loc="left") == "The gradient comes through all layers"
