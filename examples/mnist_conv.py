"""Read handwritten digits with a convolutional network, better than 99.2 of 100.

Two convolutions of 5 x 5, each followed at once by max pooling over 2 x 2, so that all that comes
after works on a quarter of the values, then one dense layer.  Every digit is moved by up to two
pixels at random whenever it is met, and the learning rate rises and falls, once.

What to look at: the training digits have a higher loss than those held out until the end, since
they are moved and some features are left out (dropout).  The first kernels look for strokes and
edges of some direction: kernels.png has ink that they want in red, and in blue ink that they do
not.  Of the digits that it is wrong about, in wrong.png, some could be read either way."""

from __future__ import annotations

import nn

from .common import arguments, count, positive, script, whole
from .drawing import sheet, wrong


def network() -> nn.Sequential:
    """Pictures (n, 1, 28, 28) -> logits (n, 10)."""
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
    parser.add_argument("--epochs", type=count, default=15, help="rounds through the digits")
    parser.add_argument("--lr", type=positive, default=1e-2, help="highest learning rate of Adam")
    parser.add_argument("--shift", type=whole, default=2, help="pixels to move digits by, at most")
    with script(parser, argv) as run:
        options = run.options
        nn.manual_seed(options.seed)
        digits, test = (nn.Dataset(d.x.reshape(-1, 1, 28, 28), d.y) for d in nn.datasets.mnist())
        train, validation = digits.split(1 / 30)
        model = network()
        run.keep(model=model)
        print(nn.summary(model, (1, 28, 28)))
        print(f"{len(train)} digits to learn from, {len(validation)} held out")

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
        right = nn.metrics.accuracy(predicted, test.y)
        print(f"test accuracy {right:.2%} ({len(test)} digits never seen)")
        run.save(history.plot()[0].figure, "history.png")
        run.save(wrong(predicted, test), "wrong.png")
        kernels = model[0].weight.data[:, 0]  # (16, 5, 5)
        run.save(sheet(kernels, "The first kernels", columns=8, signed=True), "kernels.png")


if __name__ == "__main__":
    main()
