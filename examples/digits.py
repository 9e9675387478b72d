"""Train a network on 1797 real handwritten digits and inspect it; `make demo` runs this."""

from __future__ import annotations

import numpy as np
from tqdm import tqdm

import nn
from tinygrad_edu import Tensor, draw_graph, no_grad, observe

from .common import Figure, Run, arguments, count, positive, script


def accuracy(model: nn.Module, data: nn.Dataset) -> float:
    """The fraction of samples whose class has the largest logit."""
    with no_grad():
        return nn.metrics.accuracy(model(data.x), data.y)


def train(
    model: nn.Module, data: nn.Dataset, test: nn.Dataset, run: Run
) -> list[tuple[float, float, float]]:
    """Mean loss, training accuracy and test accuracy of each epoch."""
    options = run.options
    loader = nn.DataLoader(data, options.batch_size, shuffle=True)
    optimizer = nn.Adam(model.parameters(), lr=options.lr)
    history: list[tuple[float, float, float]] = []
    run.keep(model=model, history=history)
    with tqdm(total=options.epochs * len(loader), unit="batch") as progress:
        for epoch in range(1, options.epochs + 1):
            losses = []
            for x, y in loader:
                loss = nn.cross_entropy(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(float(loss))
                progress.update()
            mean, test_accuracy = float(np.mean(losses)), accuracy(model, test)
            history.append((mean, accuracy(model, data), test_accuracy))
            progress.set_description(f"epoch {epoch}", refresh=False)
            progress.set_postfix(refresh=False, loss=f"{mean:.4f}", test=f"{test_accuracy:.1%}")
    return history


def draw_curves(history: list[tuple[float, float, float]]) -> Figure:
    losses, trained, tested = zip(*history, strict=True)
    columns = {"loss": losses, "accuracy": trained, "val_accuracy": tested}
    left, right = nn.plot_history(columns, labels=("training", "test"), log=True)
    left.set_title("Training loss")
    right.set_title(f"Accuracy: {tested[-1]:.1%} on test digits")
    return left.figure


def main(argv: list[str] | None = None) -> None:
    parser = arguments("digits", __doc__)
    parser.add_argument("--epochs", type=count, default=40, help="passes over the digits")
    parser.add_argument("--batch-size", type=count, default=64, help="digits in a batch")
    parser.add_argument("--lr", type=positive, default=2e-3, help="learning rate of Adam")
    with script(parser, argv) as run:
        nn.manual_seed(run.options.seed)
        data, test = nn.datasets.digits().split(0.2, seed=run.options.seed)
        model = nn.Sequential(
            nn.Dense(64, 128), nn.ReLU(), nn.Dense(128, 64), nn.ReLU(), nn.Dense(64, 10)
        )
        print(f"{model}\n{len(data)} training digits, {len(test)} held out")
        history = train(model, data, test, run)
        print(f"test accuracy {accuracy(model, test):.2%} ({len(test)} digits)")

        run.save(draw_curves(history), "curves.png")
        shape = test.about["image_shape"]
        predictions = nn.plot_predictions(model, test.x, test.y, image_shape=shape)
        run.save(predictions.figure, "predictions.png")
        x, y = test[:32]
        with observe():
            loss = nn.cross_entropy(model(Tensor(x, name="digits")), Tensor(y, name="labels"))
            loss.backward()
        graph = draw_graph(loss)
        run.save(graph, "graph.svg")
        run.save(graph, "graph.png")
        run.save(graph, "explorer.html")
        print(f"open {run.out / 'explorer.html'} in a browser: step through its backpropagation")


if __name__ == "__main__":
    main()
