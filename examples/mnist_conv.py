"""Classify handwritten digits with a convolutional network, with more than 99.2 % accuracy.

Two 5 x 5 convolutions, each followed directly by 2 x 2 max pooling, so that the layers after it
work on a quarter of the values, then one dense layer. Every digit is shifted at random by up to two
pixels in every epoch, and the learning rate rises and falls once (one-cycle schedule).

What to look at: the training loss is higher than the validation loss until the end, because of the
random shifts and dropout. The kernels of the first layer detect strokes and edges of certain
directions: in kernels.png weights are red if positive, and blue if negative. Some of the
misclassified digits, in wrong.png, are ambiguous."""

from __future__ import annotations

import nn

from .common import arguments, count, natural, positive, script


def network() -> nn.Sequential:
    """Images (n, 1, 28, 28) -> logits (n, 10)."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 5),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 5),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Dense(32 * 4 * 4, 10),
    )


def main(argv: list[str] | None = None) -> None:
    parser = arguments("mnist_conv", __doc__)
    parser.add_argument("--epochs", type=count, default=15, help="passes over the digits")
    parser.add_argument("--lr", type=positive, default=1e-2, help="highest learning rate of Adam")
    parser.add_argument("--shift", type=natural, default=2, help="largest random shift, in pixels")
    with script(parser, argv) as run:
        options = run.options
        nn.manual_seed(options.seed)
        digits, test = (nn.Dataset(d.x.reshape(-1, 1, 28, 28), d.y) for d in nn.datasets.mnist())
        train, validation = digits.split(1 / 30)
        model = network()
        run.keep(model=model)
        print(nn.summary(model, (1, 28, 28)))
        print(f"{len(train)} training digits, {len(validation)} held out")

        shift = nn.transforms.RandomShift(options.shift)
        loader = nn.DataLoader(train, 128, shuffle=True, transform=shift)
        optimizer = nn.Adam(model.parameters())
        cycle = nn.OneCycleLR(optimizer, options.lr, options.epochs * len(loader))
        trainer = nn.Trainer(
            model, nn.cross_entropy, optimizer, metrics=["accuracy"], scheduler=cycle
        )
        history = trainer.fit(loader, validation, epochs=options.epochs)
        run.end_if_interrupted(history)
        print(history)
        print(f"trained in {sum(history['seconds']):.0f} seconds")

        predicted = trainer.predict(test)
        accuracy = nn.metrics.accuracy(predicted, test.y)
        print(f"test accuracy {accuracy:.2%} ({len(test)} digits)")
        run.save(history.plot()[0].figure, "history.png")
        run.save(nn.plot_predictions(predicted, test.x, test.y).figure, "wrong.png")
        run.save(nn.plot_filters(model[0]).figure, "kernels.png")


if __name__ == "__main__":
    main()
