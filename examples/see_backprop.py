"""Pages on which to step through backpropagation, and drawings of the same graphs.

Open a page in a browser and press the right arrow key. The pages need no network; docs/seeing.md
explains them.
"""

from __future__ import annotations

import numpy as np

import nn
from tinygrad_edu import Tensor, draw_graph, observe

from .common import Run, arguments, count, script


def numbers() -> Tensor:
    """y = tanh(w x + b), whose square and x itself make the loss: x receives two contributions."""
    x = Tensor(2.0, requires_grad=True, name="x")
    w = Tensor(-0.5, requires_grad=True, name="w")
    b = Tensor(0.3, requires_grad=True, name="b")
    with observe():
        y = np.tanh(w * x + b)
        loss = y * y + 0.1 * x
        loss.backward()
    return loss


def matrices() -> Tensor:
    """A layer by hand: a product, a bias that is broadcast, a relu and a mean."""
    x = Tensor([[1.0, 2.0, -1.0], [0.5, -2.0, 3.0]], name="x")
    weight = Tensor([[0.5, -1.0], [1.0, 0.3], [-0.2, 0.7]], requires_grad=True, name="W")
    bias = Tensor([0.1, -0.2], requires_grad=True, name="b")
    with observe():
        h = np.maximum(x @ weight + bias, 0)
        loss = (h * h).mean()
        loss.backward()
    return loss


def network() -> Tensor:
    """The network of `examples.digits`, before training, on 32 digits."""
    model = nn.Sequential(
        nn.Dense(64, 128), nn.ReLU(), nn.Dense(128, 64), nn.ReLU(), nn.Dense(64, 10)
    )
    x, labels = nn.datasets.digits()[:32]
    with observe():
        logits = model(Tensor(x, name="digits"))
        loss = nn.cross_entropy(logits, Tensor(labels, name="labels"))
        loss.backward()
    return loss


def convolution() -> Tensor:
    """Two convolutions and max-pooling on eight digits of 8 x 8 pixels."""
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 8, 2), nn.ReLU(),
        nn.Flatten(), nn.Dense(32, 10),
    )  # fmt: skip
    x, labels = nn.datasets.digits()[:8]
    with observe():
        logits = model(Tensor(x.reshape(8, 1, 8, 8), name="digits"))
        loss = nn.cross_entropy(logits, Tensor(labels, name="labels"))
        loss.backward()
    return loss


def vanishing(layers: int = 12) -> Tensor:
    """Sigmoids in a row: the gradient becomes smaller from layer to layer."""
    model = nn.Sequential()
    for _ in range(layers):
        model.append(nn.Dense(8, 8)).append(nn.Sigmoid())
    x = np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32)
    with observe():
        loss = (model(Tensor(x, name="x")) ** 2).mean()
        loss.backward()
    return loss


def transformer(blocks: int) -> Tensor:
    """Equal blocks in a row, on two sequences of five vectors."""
    model = nn.Sequential(*[nn.TransformerBlock(16, 2) for _ in range(blocks)])
    x = np.random.default_rng(0).normal(size=(2, 5, 16)).astype(np.float32)
    with observe():
        loss = (model(Tensor(x, name="x")) ** 2).mean()
        loss.backward()
    return loss


def save(run: Run, loss: Tensor, name: str, folded: int | None = None) -> None:
    """The page of a loss, and the drawing of its graph with modules folded at that depth."""
    run.save(draw_graph(loss), f"{name}.html")
    run.save(draw_graph(loss, depth=folded), f"{name}.svg")


def main(argv: list[str] | None = None) -> None:
    parser = arguments("see_backprop", __doc__)
    parser.add_argument("--blocks", type=count, default=12, help="blocks of the transformer")
    with script(parser, argv) as run:
        nn.manual_seed(run.options.seed)
        save(run, numbers(), "numbers")
        save(run, matrices(), "matrices")
        save(run, network(), "network")
        save(run, convolution(), "convolution")
        save(run, vanishing(), "vanishing")
        loss = transformer(run.options.blocks)
        save(run, loss, "transformer", folded=1)
        run.save(draw_graph(loss, fold_repeats=True), "blocks.svg")
        print(f"open {run.out / 'numbers.html'} in a browser first")


if __name__ == "__main__":
    main()
