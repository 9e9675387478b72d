"""Watch a network of 2-8-1 units fold its decision boundary around a circle.

What to look at in boundary.gif: each of the 8 hidden units, relu(w · x + b), is 0 on one side of a
straight line (dashed) and rises on the other.  The network adds up such folds, so its boundary
(black) is made of straight pieces, with a corner wherever it crosses a dashed line.  Learning turns
and shifts these lines until together they fence the inner circle in.  The colours are pale where
the network is unsure: when all points are right the loss still falls, because it gets more sure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.animation import PillowWriter
from tqdm import tqdm

import nn
from tinygrad_edu import no_grad

from .common import Figure, arguments, count, not_negative, plt, positive, script
from .drawing import boundary


def train(model: nn.Network, data: nn.Dataset, epochs: int, lr: float) -> Iterator[int]:
    """Learn, and stop by after every epoch (and before the first, as 0) to be looked at."""
    loader = nn.DataLoader(data, batch_size=32, shuffle=True)
    optimizer = nn.Adam(model.parameters(), lr=lr)
    yield 0
    for epoch in tqdm(range(1, epochs + 1), unit="epoch", leave=False):
        for x, y in loader:
            loss = loss_of(model, x, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        yield epoch


def loss_of(model: nn.Network, x: np.ndarray, y: np.ndarray) -> Any:
    logits = model.logits(x)[:, 0]  # (n, 1) -> (n,), since the targets are (n,)
    return nn.binary_cross_entropy_with_logits(logits, y)


def judge(model: nn.Network, data: nn.Dataset) -> tuple[float, float]:
    """The loss, and the share of points that are right."""
    with no_grad():
        return float(loss_of(model, *data[:])), nn.metrics.accuracy(model(data.x), data.y)


def draw(axes: Any, model: nn.Network, data: nn.Dataset, title: str) -> None:
    """The boundary, the points, and the line where each hidden unit begins."""
    axes.clear()
    boundary(axes, model, data.x, data.y, size=10)
    hidden = model[0]
    for w, b in zip(hidden.weight.data.T, hidden.bias.data, strict=True):
        foot = -b * w / (w @ w)  # the point of the line w · x + b = 0 that is nearest to 0
        along = np.array([-w[1], w[0]])
        axes.axline(foot, foot + along, color="black", linewidth=0.8, linestyle="--")
    axes.set(title=title, xticks=[], yticks=[])


def draw_result(model: nn.Network, data: nn.Dataset, rows: list[tuple[float, ...]]) -> Figure:
    """The last boundary, and how loss and accuracy went."""
    figure = plt.figure(figsize=(9.5, 4.5), layout="constrained")
    grid = figure.add_gridspec(2, 2)
    epochs, *figures = np.array(rows).T
    title = f"After {epochs[-1]:.0f} epochs: {figures[3][-1]:.1%} of the test points right"
    draw(figure.add_subplot(grid[:, 0]), model, data, title)
    for i, name in enumerate(("Loss", "Accuracy")):
        axes = figure.add_subplot(grid[i, 1])
        axes.plot(epochs, figures[i], label="training")
        axes.plot(epochs, figures[i + 2], label="test")
        axes.set(title=name, xlabel="epoch")
        axes.legend()
        axes.grid(alpha=0.3)
    return figure


def main(argv: list[str] | None = None) -> None:
    parser = arguments("decision_boundary", __doc__)
    parser.add_argument("--epochs", type=count, default=100, help="rounds through the points")
    parser.add_argument("--lr", type=positive, default=0.01, help="learning rate of Adam")
    parser.add_argument("--noise", type=not_negative, default=0.1, help="of the points' places")
    parser.add_argument("--frames", type=count, default=40, help="of the animation, at most")
    with script(parser, argv) as run:
        options = run.options
        nn.manual_seed(options.seed)
        data, test = nn.datasets.circles(1000, noise=options.noise).split(0.2)
        model = nn.Network([2, 8, 1], output="sigmoid")
        rows: list[tuple[float, ...]] = []
        run.keep(model=model, rows=rows)
        # Frames lie close together at the start, where most happens.
        shown = {0, options.epochs, *np.geomspace(1, options.epochs, options.frames).astype(int)}

        figure = plt.figure(figsize=(4.2, 4.5))
        axes = figure.add_axes((0.02, 0.02, 0.96, 0.9))
        film = PillowWriter(fps=5)
        print("epoch    loss  accuracy    test")
        with film.saving(figure, run.out / "boundary.gif", dpi=100):
            for epoch in train(model, data, options.epochs, options.lr):
                (loss, right), (test_loss, test_right) = judge(model, data), judge(model, test)
                rows.append((epoch, loss, right, test_loss, test_right))
                if epoch in shown:
                    tqdm.write(f"{epoch:5}  {loss:6.4f}  {right:8.1%}  {test_right:6.1%}")
                    draw(axes, model, data, f"epoch {epoch}: loss {loss:.3f}, {right:.1%} right")
                    film.grab_frame()
            for _ in range(10):  # the end stays for two seconds
                film.grab_frame()
        print(f"wrote {run.out / 'boundary.gif'}")
        run.save(draw_result(model, data, rows), "boundary.png")
        print(f"test accuracy {rows[-1][-1]:.2%} ({len(test)} points never seen in training)")


if __name__ == "__main__":
    main()
