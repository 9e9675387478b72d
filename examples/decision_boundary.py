"""Watch the decision boundary of a network with 2-8-1 units close around a circle.

What to look at in boundary.gif: each of the 8 hidden units, relu(w · x + b), is 0 on one side of a
straight line (dashed) and rises on the other. Their weighted sum is piecewise linear, so the
decision boundary (black) consists of straight pieces, with a corner wherever it crosses a dashed
line. Training turns and shifts these lines until together they enclose the inner circle. The colors
are pale where the network is uncertain: when all points are classified correctly the loss still
falls, because the network becomes more certain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from tqdm import tqdm

import nn
from tinygrad_edu import no_grad

from .common import Figure, arguments, count, not_negative, plt, positive, script


def train(model: nn.Network, data: nn.Dataset, epochs: int, lr: float) -> Iterator[int]:
    """Train the model, and yield the number of each epoch after it (and 0 before the first)."""
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


def evaluate(model: nn.Network, data: nn.Dataset) -> tuple[float, float]:
    """The loss and the accuracy."""
    with no_grad():
        return float(loss_of(model, *data[:])), nn.metrics.accuracy(model(data.x), data.y)


def draw(axes: Any, model: nn.Network, data: nn.Dataset, title: str) -> None:
    """The decision boundary, the points, and the line where each hidden unit switches on."""
    nn.plot_decision_boundary(model, data.x, data.y, size=10, ax=axes)
    hidden = model[0]
    for w, b in zip(hidden.weight.data.T, hidden.bias.data, strict=True):
        foot = -b * w / (w @ w)  # the point of the line w · x + b = 0 that is nearest to 0
        along = np.array([-w[1], w[0]])
        axes.axline(foot, foot + along, color="black", linewidth=0.8, linestyle="--")
    axes.set(title=title, xticks=[], yticks=[])


def draw_result(model: nn.Network, data: nn.Dataset, rows: list[tuple[float, ...]]) -> Figure:
    """The final decision boundary, and loss and accuracy by epoch."""
    figure = plt.figure(figsize=(9.5, 4.5), layout="constrained")
    grid = figure.add_gridspec(2, 2)
    epochs, *curves = np.array(rows).T
    title = f"After {epochs[-1]:.0f} epochs: test accuracy {curves[3][-1]:.1%}"
    draw(figure.add_subplot(grid[:, 0]), model, data, title)
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    panels = [figure.add_subplot(grid[i, 1]) for i in range(2)]
    history = {"epoch": epochs, **dict(zip(names, curves, strict=True))}
    nn.plot_history(history, labels=("training", "test"), ax=panels)
    return figure


def main(argv: list[str] | None = None) -> None:
    parser = arguments("decision_boundary", __doc__)
    parser.add_argument("--epochs", type=count, default=100, help="passes over the points")
    parser.add_argument("--lr", type=positive, default=0.01, help="learning rate of Adam")
    parser.add_argument(
        "--noise", type=not_negative, default=0.1, help="standard deviation of the noise"
    )
    parser.add_argument("--frames", type=count, default=40, help="maximum number of frames")
    with script(parser, argv) as run:
        options = run.options
        nn.manual_seed(options.seed)
        data, test = nn.datasets.circles(1000, noise=options.noise).split(0.2)
        model = nn.Network([2, 8, 1], output="sigmoid")
        rows: list[tuple[float, ...]] = []
        run.keep(model=model, rows=rows)
        # More frames at the start, where the boundary changes most.
        shown = {0, options.epochs, *np.geomspace(1, options.epochs, options.frames).astype(int)}

        movie = nn.animate_learning(
            run.out / "boundary.gif", lambda ax, title: draw(ax, model, data, title)
        )
        print("epoch    loss  accuracy    test")
        for epoch in train(model, data, options.epochs, options.lr):
            scores = *evaluate(model, data), *evaluate(model, test)
            rows.append((epoch, *scores))
            if epoch in shown:
                loss, accuracy, _, test_accuracy = scores
                tqdm.write(f"{epoch:5}  {loss:6.4f}  {accuracy:8.1%}  {test_accuracy:6.1%}")
                movie.frame(f"epoch {epoch}: loss {loss:.3f}, accuracy {accuracy:.1%}")
        movie.save()
        print(f"wrote {movie.path}")
        run.save(draw_result(model, data, rows), "boundary.png")
        print(f"test accuracy {rows[-1][-1]:.2%} ({len(test)} points)")


if __name__ == "__main__":
    main()
