"""Read handwritten digits with a network 784-128-64-10, from the first check to the last picture.

Step by step: the gradients are held against finite differences; 100 digits are learned by heart,
as a network of this size can unless there is a mistake in it; then it learns from a part of MNIST,
with 5,000 other digits held out.  --compare shows what the learning rate and the size of the
batches do.  --whole learns from all 60,000 digits, each moved by a pixel at random whenever it is
met, with a learning rate that rises and falls.  --all does everything.

What to look at: in history.png the training digits get ever better, the others do not; many digits
in wrong.png are hard for people too; in weights.png a unit wants ink where it is red and none where
it is blue.  A learning rate too small is slow and one too large soon gets stuck; mini-batches get
further than the full batch in the same time, since they take many steps where it takes one."""

from __future__ import annotations

from typing import Any

import numpy as np

import nn
from tinygrad_edu import gradcheck

from .common import Run, arguments, count, plt, positive, script
from .drawing import confusion, sheet, wrong

RATES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
WHOLE_EPOCHS = 30


def network() -> nn.Sequential:
    """Pictures (n, 28, 28) -> logits (n, 10); nn.cross_entropy has the softmax in it."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Dense(784, 128, init="he"),
        nn.ReLU(),
        nn.Dense(128, 64, init="he"),
        nn.ReLU(),
        nn.Dense(64, 10, init="he"),
    )


def check_gradients(data: nn.Dataset) -> None:
    """Backpropagation against finite differences, in float64."""
    report = gradcheck(network(), nn.cross_entropy, *data[:8])
    errors = [row.error / max(abs(row.numeric), abs(row.analytic), 1e-8) for row in report.rows]
    print(f"\n1. are the gradients right?\n{report}")
    print(f"worst relative error {max(errors):.1e}: {'right' if report else 'WRONG'}")


def train(
    run: Run, name: str, data: nn.Dataset, epochs: int, lr: float, size: int = 128, by: Any = None
) -> nn.Trainer:
    """A new network, kept under that name and trained by Adam; other digits may judge it."""
    model = network()
    run.keep(**{name: model})
    trainer = nn.Trainer(model, nn.cross_entropy, nn.Adam(model.parameters(), lr), ["accuracy"])
    history = trainer.fit(data, by, epochs=epochs, batch_size=min(size, len(data)))
    run.end_if_interrupted(history)
    return trainer


def check_by_heart(run: Run, data: nn.Dataset) -> None:
    """A hundred digits at once, without a thought for others."""
    print("\n2. can it learn 100 digits by heart?")
    few = nn.Dataset(*data[:100])
    figures = train(run, "by_heart", few, 100, 3e-3).evaluate(few)
    print(f"loss {figures['loss']:.4f}, accuracy {figures['accuracy']:.1%}")


def learn(run: Run, data: nn.Dataset, validation: nn.Dataset) -> nn.Trainer:
    """From a part of the digits, judged after each epoch by others."""
    print(f"\n3. learning from {len(data)} digits, with {len(validation)} held out")
    options = run.options
    trainer = train(run, "model", data, options.epochs, options.lr, by=validation)
    print(trainer.history)
    for name, part in (("training", data), ("validation", validation)):
        print(f"{name} accuracy {trainer.evaluate(part)['accuracy']:.2%}")
    run.save(trainer.history.plot()[0].figure, "history.png")
    return trainer


def compare_rates(run: Run, data: nn.Dataset) -> None:
    print("\n4. learning rates compared")
    figure, axes = plt.subplots(figsize=(7.2, 4.2), layout="constrained")
    for lr in RATES:
        history = train(run, f"rate_{lr:g}", data, 8, lr).history
        axes.semilogy(history["epoch"], history["loss"], marker="o", label=f"{lr:g}")
        print(f"rate {lr:<7g} training loss {history['loss'][-1]:.4f}")
    axes.set(xlabel="epoch", ylabel="training loss", title="Adam with five learning rates")
    axes.legend(title="rate", loc="center left", bbox_to_anchor=(1, 0.5))
    axes.grid(alpha=0.3)
    run.save(figure, "rates.png")


def compare_batches(run: Run, data: nn.Dataset) -> None:
    print("\n5. the full batch, which is one step an epoch, against mini-batches")
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
    """From all digits, which are never met twice in the same place."""
    print(f"\n6. learning from all {len(data)} digits, shifted at random")
    model = network()
    run.keep(whole=model)
    loader = nn.DataLoader(data, 128, shuffle=True, transform=nn.transforms.RandomShift(1))
    optimizer = nn.Adam(model.parameters())
    cycle = nn.OneCycleLR(optimizer, max_lr=5e-3, total_steps=WHOLE_EPOCHS * len(loader))
    trainer = nn.Trainer(model, nn.cross_entropy, optimizer, scheduler=cycle)
    run.end_if_interrupted(trainer.fit(loader, epochs=WHOLE_EPOCHS))
    print(f"{WHOLE_EPOCHS} epochs in {sum(trainer.history['seconds']):.0f} seconds")
    return trainer


def judge(run: Run, trainer: nn.Trainer, test: nn.Dataset) -> None:
    """Pictures of what it has learned, by digits that it has never seen."""
    predicted = trainer.predict(test)
    right = nn.metrics.accuracy(predicted, test.y)
    print(f"\ntest accuracy {right:.2%} ({len(test)} digits never seen)")
    matrix = nn.metrics.confusion_matrix(predicted, test.y, 10)
    run.save(confusion(matrix, f"{right:.2%} of {len(test)} test digits right"), "confusion.png")
    run.save(wrong(predicted, test), "wrong.png")
    images = trainer.model[1].weight.data.T[:40].reshape(-1, 28, 28)
    run.save(sheet(images, "Weights of 40 units of the first layer", signed=True), "weights.png")


def main(argv: list[str] | None = None) -> None:
    parser = arguments("mnist", __doc__)
    parser.add_argument("--samples", type=count, default=20000, help="digits to learn from")
    parser.add_argument("--epochs", type=count, default=15, help="rounds through them")
    parser.add_argument("--lr", type=positive, default=1e-3, help="learning rate of Adam")
    parser.add_argument("--compare", action="store_true", help="learning rates and batch sizes")
    parser.add_argument("--whole", action="store_true", help="learn from all digits too")
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
        check_by_heart(run, data)
        trainer = learn(run, data, validation)
        if options.compare or options.all:
            compare_rates(run, data)
            compare_batches(run, data)
        if options.whole or options.all:
            trainer = learn_whole(run, digits)
        judge(run, trainer, test)


if __name__ == "__main__":
    main()
