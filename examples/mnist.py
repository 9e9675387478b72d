"""Classify handwritten digits with a network 784-128-64-10, from the gradient check to the test.

Step by step: the gradients are compared with finite differences; the network overfits 100 digits,
which a network of this size must be able to do unless there is a bug; then it learns from a part of
MNIST, with 5,000 other digits held out. --compare shows the effect of the learning rate and of the
batch size. --whole trains on all 60,000 digits, each shifted at random by up to a pixel in every
epoch, with a one-cycle learning rate schedule. --all does everything.

What to look at: in history.png the training accuracy keeps rising, the validation accuracy does
not; many digits in wrong.png are hard for people too; in weights.png ink raises the activation of a
unit where it is red and lowers it where it is blue. Training with too small a learning rate is
slow, and with too large a rate it soon gets stuck; mini-batches get further than the full batch in
the same time, since they take many steps where it takes one."""

from __future__ import annotations

from typing import Any

import numpy as np

import nn
from tinygrad_edu import gradcheck

from .common import Run, arguments, count, plt, positive, script
from .drawing import confusion

RATES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
WHOLE_EPOCHS = 30


def network() -> nn.Sequential:
    """Images (n, 28, 28) -> logits (n, 10); nn.cross_entropy includes the softmax."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Dense(784, 128, init="he"),
        nn.ReLU(),
        nn.Dense(128, 64, init="he"),
        nn.ReLU(),
        nn.Dense(64, 10, init="he"),
    )


def check_gradients(data: nn.Dataset) -> None:
    """Compare backpropagation with finite differences, in float64."""
    report = gradcheck(network(), nn.cross_entropy, *data[:8])
    errors = [row.error / max(abs(row.numeric), abs(row.analytic), 1e-8) for row in report.rows]
    print(f"\n1. are the gradients right?\n{report}")
    print(f"largest relative error {max(errors):.1e}: {'right' if report else 'WRONG'}")


def train(
    run: Run, name: str, data: nn.Dataset, epochs: int, lr: float, size: int = 128, val: Any = None
) -> nn.Trainer:
    """Train a new network by Adam; `name` is its name in the file that Ctrl-C saves."""
    model = network()
    run.keep(**{name: model})
    optimizer = nn.Adam(model.parameters(), lr)
    trainer = nn.Trainer(model, nn.cross_entropy, optimizer, ["accuracy"], compile=True)
    history = trainer.fit(data, val, epochs=epochs, batch_size=min(size, len(data)))
    run.end_if_interrupted(history)
    return trainer


def overfit(run: Run, data: nn.Dataset) -> None:
    """Train on a hundred digits only, until all of them are right."""
    print("\n2. can it overfit 100 digits?")
    few = nn.Dataset(*data[:100])
    scores = train(run, "overfit", few, 100, 3e-3).evaluate(few)
    print(f"loss {scores['loss']:.4f}, accuracy {scores['accuracy']:.1%}")


def learn(run: Run, data: nn.Dataset, validation: nn.Dataset) -> nn.Trainer:
    """Train on a part of the digits, with validation after each epoch."""
    print(f"\n3. training on {len(data)} digits, with {len(validation)} held out")
    options = run.options
    trainer = train(run, "model", data, options.epochs, options.lr, val=validation)
    print(trainer.history)
    for name, part in (("training", data), ("validation", validation)):
        print(f"{name} accuracy {trainer.evaluate(part)['accuracy']:.2%}")
    run.save(trainer.history.plot()[0].figure, "history.png")
    return trainer


def compare_rates(run: Run, data: nn.Dataset) -> None:
    print("\n4. learning rates compared")
    histories = {}
    for lr in RATES:
        histories[f"rate {lr:g}"] = history = train(run, f"rate_{lr:g}", data, 8, lr).history
        print(f"rate {lr:<7g} training loss {history['loss'][-1]:.4f}")
    (axes,) = nn.plot_history(histories, "loss", log=True)
    axes.set_title("Training loss of Adam")
    run.save(axes.figure, "rates.png")


def compare_batches(run: Run, data: nn.Dataset) -> None:
    print("\n5. the full batch, which is one step per epoch, compared with mini-batches")
    figure, row = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
    for size in (len(data), 1000, 128):
        name = "full batch" if size == len(data) else f"batches of {size}"
        history = train(run, f"batch_{size}", data, 20, 1e-3, size).history
        for axes, x in zip(row, (history["epoch"], np.cumsum(history["seconds"])), strict=True):
            axes.semilogy(x, history["loss"], label=name)
            axes.grid(alpha=0.3)
        print(f"{name:16} training loss {history['loss'][-1]:.4f} after {x[-1]:.1f} seconds")
    row[0].set(xlabel="epoch", ylabel="training loss", title="20 epochs of Adam")
    row[1].set(xlabel="seconds", title="The same by time")
    row[0].legend()
    run.save(figure, "batches.png")


def learn_whole(run: Run, data: nn.Dataset) -> nn.Trainer:
    """Train on all digits, with random shifts."""
    print(f"\n6. training on all {len(data)} digits, shifted at random")
    model = network()
    run.keep(whole=model)
    loader = nn.DataLoader(data, 128, shuffle=True, transform=nn.transforms.RandomShift(1))
    optimizer = nn.Adam(model.parameters())
    cycle = nn.OneCycleLR(optimizer, max_lr=5e-3, total_steps=WHOLE_EPOCHS * len(loader))
    trainer = nn.Trainer(model, nn.cross_entropy, optimizer, scheduler=cycle, compile=True)
    run.end_if_interrupted(trainer.fit(loader, epochs=WHOLE_EPOCHS))
    print(f"{WHOLE_EPOCHS} epochs in {sum(trainer.history['seconds']):.0f} seconds")
    return trainer


def evaluate(run: Run, trainer: nn.Trainer, test: nn.Dataset) -> None:
    """Print the test accuracy; draw the confusion matrix, the misclassified digits and weights."""
    predicted = trainer.predict(test)
    accuracy = nn.metrics.accuracy(predicted, test.y)
    print(f"\ntest accuracy {accuracy:.2%} ({len(test)} digits)")
    matrix = nn.metrics.confusion_matrix(predicted, test.y, 10)
    run.save(confusion(matrix, f"Test accuracy {accuracy:.2%}"), "confusion.png")
    run.save(nn.plot_predictions(predicted, test.x, test.y).figure, "wrong.png")
    filters = nn.plot_filters(trainer.model[1], image_shape=(28, 28), columns=10, most=40)
    run.save(filters.figure, "weights.png")


def main(argv: list[str] | None = None) -> None:
    parser = arguments("mnist", __doc__)
    parser.add_argument("--samples", type=count, default=20000, help="training digits")
    parser.add_argument("--epochs", type=count, default=15, help="passes over them")
    parser.add_argument("--lr", type=positive, default=1e-3, help="learning rate of Adam")
    parser.add_argument("--compare", action="store_true", help="learning rates and batch sizes")
    parser.add_argument("--whole", action="store_true", help="train on all digits too")
    parser.add_argument("--all", action="store_true", help="--compare and --whole")
    with script(parser, argv) as run:
        options = run.options
        nn.manual_seed(options.seed)
        digits, test = (nn.Dataset(d.x.reshape(-1, 28, 28), d.y) for d in nn.datasets.mnist())
        rest, validation = digits.split(1 / 12)
        if options.samples > len(rest):
            parser.error(f"--samples is at most {len(rest)}, as {len(validation)} are held out")
        data = nn.Dataset(*rest[: options.samples])
        print(network())
        check_gradients(data)
        overfit(run, data)
        trainer = learn(run, data, validation)
        if options.compare or options.all:
            compare_rates(run, data)
            compare_batches(run, data)
        if options.whole or options.all:
            trainer = learn_whole(run, digits)
        evaluate(run, trainer, test)


if __name__ == "__main__":
    main()
