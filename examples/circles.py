"""Classify two noisy circles, with the usual remedies for overfitting.

These are a penalty on large weights (L2 regularization), setting random units to 0 (dropout), and
ending training when the validation loss no longer falls (early stopping).

What to look at: in the table and in history.png the training loss is higher than the validation
loss, since dropout is active in training only. The penalty, which is added to the loss but shown
separately, falls. It applies to the first layer only, and since c relu(x) is relu(c x) for every
c > 0, the weights of the later layers grow instead: give every layer an l2 to keep all weights
small. With --noise 0.2 the circles overlap, and no network can classify all points correctly."""

from __future__ import annotations

import numpy as np

import nn

from .common import Figure, arguments, count, not_negative, plt, positive, script


def network() -> nn.Sequential:
    """Points (n, 2) -> the probability of the inner circle (n, 1)."""
    return nn.Sequential(
        nn.Dense(2, 16, init="he", l2=0.01),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Dense(16, 8),
        nn.ReLU(),
        nn.Dense(8, 1),
        nn.Sigmoid(),
    )


def draw(model: nn.Module, parts: dict[str, nn.Dataset]) -> Figure:
    """The decision boundary with the training points, and with the validation points."""
    figure, row = plt.subplots(1, 2, figsize=(10, 5), layout="constrained", sharey=True)
    everywhere = np.concatenate([data.x for data in parts.values()])
    for axes, (name, data) in zip(row, parts.items(), strict=True):
        nn.plot_decision_boundary(model, data.x, data.y, around=everywhere, ax=axes)
        right = nn.metrics.accuracy(model(data.x), data.y)
        axes.set(title=f"{len(data)} {name} points, {right:.1%} right", xlabel="$x_0$")
    row[0].set_ylabel("$x_1$")
    return figure


def main(argv: list[str] | None = None) -> None:
    parser = arguments("circles", __doc__)
    parser.add_argument("--points", type=count, default=1000, help="a fifth is held out")
    parser.add_argument(
        "--noise", type=not_negative, default=0.1, help="standard deviation of the noise"
    )
    parser.add_argument("--epochs", type=count, default=150, help="maximum number of epochs")
    parser.add_argument("--patience", type=count, default=20, help="epochs without improvement")
    parser.add_argument("--lr", type=positive, default=0.01, help="learning rate of Adam")
    with script(parser, argv) as run:
        options = run.options
        nn.manual_seed(options.seed)
        if options.points < 10:
            parser.error("--points is at least 10, since a fifth is held out")
        data = nn.datasets.circles(options.points, noise=options.noise, factor=0.5)
        # Targets of shape (n, 1), since the model returns probabilities of that shape.
        data = nn.Dataset(data.x, data.y[:, None].astype(np.float32))
        train, validation = data.split(0.2)
        model = network()
        run.keep(model=model)
        print(model)

        trainer = nn.Trainer(
            model,
            nn.binary_cross_entropy,
            nn.Adam(model.parameters(), lr=options.lr),
            metrics=["accuracy"],
        )
        stopping = nn.EarlyStopping(patience=options.patience)
        size = min(32, len(train))
        history = trainer.fit(
            train, validation, epochs=options.epochs, batch_size=size, callbacks=[stopping]
        )
        run.end_if_interrupted(history)
        print(history.table(every=10, without=("lr", "seconds")))
        scores = trainer.evaluate(validation)
        print(f"{len(history)} epochs; parameters of epoch {stopping.best_epoch} restored")
        print(f"validation accuracy {scores['accuracy']:.2%}, loss {scores['loss']:.4f}", end=" ")
        print(f"({len(validation)} points, used only to choose the epoch)")
        halfway = np.hypot(*validation.x.T) < 0.75
        print(f"a circle of radius 0.75 has {nn.metrics.accuracy(halfway, validation.y):.2%}")
        run.save(history.plot()[0].figure, "history.png")
        run.save(draw(model, {"training": train, "validation": validation}), "boundary.png")


if __name__ == "__main__":
    main()
