"""Three species of iris, learned by the same network from three kinds of first weights.

Kaiming (normal numbers of variance 2 / inputs), zero, and random (normal numbers of standard
deviation 0.01); all three networks see the same flowers in the same order.

What to look at: the network that starts at zero never tells two flowers apart.  Its hidden units
answer relu(0) = 0, so the second layer's weights get the gradient 0; these are 0 themselves, so the
first layer gets the gradient 0 too.  Only the last bias moves, and learns how frequent each species
is.  Any other constant would move them, but all alike (see the column of units that differ), as if
there were one.  Random numbers make the units different, but if they are small so are the
gradients: the loss stays on a plateau at first.  Kaiming divides by the number of inputs, so that
values keep their size from layer to layer."""

from __future__ import annotations

import numpy as np
from tqdm import tqdm

import nn
from tinygrad_edu import Tensor, no_grad

from .common import Figure, Run, arguments, count, plt, positive, script
from .drawing import confusion

STARTS = {"Kaiming": "kaiming", "zero": "zeros", "random": "normal"}
Curves = list[tuple[float, float]]


def loss_of(model: nn.Network, x: np.ndarray, y: np.ndarray) -> Tensor:
    return nn.cross_entropy(model.logits(x), y)


def judge(model: nn.Network, data: nn.Dataset) -> tuple[float, float]:
    """The loss, and the share of flowers that are right."""
    with no_grad():
        return float(loss_of(model, data.x, data.y)), nn.metrics.accuracy(model(data.x), data.y)


def train(model: nn.Network, data: nn.Dataset, name: str, run: Run) -> Curves:
    """Plain gradient descent; loss and accuracy before it and after each epoch."""
    loader = nn.DataLoader(data, batch_size=16, shuffle=True, seed=run.options.seed)
    optimizer = nn.SGD(model.parameters(), lr=run.options.lr)
    curves = [judge(model, data)]
    for _ in tqdm(range(run.options.epochs), name, unit="epoch"):
        for x, y in loader:
            loss = loss_of(model, x, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        curves.append(judge(model, data))
    return curves


def print_gradients(models: dict[str, nn.Network], data: nn.Dataset, when: str) -> None:
    """The steepest slope in each parameter, and how many of the hidden units differ."""
    print(f"\nlargest |gradient| {when}, and hidden units that differ from each other")
    print(f"{'':8}{'W1':>10}{'b1':>10}{'W2':>10}{'b2':>10}{'units':>8}")
    for start, model in models.items():
        model.zero_grad()
        loss_of(model, data.x, data.y).backward()
        parameters = list(model.parameters())
        slopes = "".join(f"{abs(p.grad).max():10.5f}" for p in parameters)
        units = np.unique(parameters[0].data, axis=1).shape[1]
        print(f"{start:8}{slopes}{units:8}")


def draw_curves(curves: dict[str, Curves], test: dict[str, float]) -> Figure:
    """Loss and accuracy of all three, side by side."""
    figure, row = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for start, lines in curves.items():
        for axes, values in zip(row, zip(*lines, strict=True), strict=True):
            axes.plot(values, label=f"{start}: {test[start]:.1%} of the test flowers right")
    for axes, title in zip(row, ("Training loss", "Training accuracy"), strict=True):
        axes.set(title=title, xlabel="epoch")
        axes.grid(alpha=0.3)
    row[0].legend(loc="upper right")
    return figure


def main(argv: list[str] | None = None) -> None:
    parser = arguments("iris", __doc__)
    parser.add_argument("--epochs", type=count, default=100, help="rounds through the flowers")
    parser.add_argument("--lr", type=positive, default=0.05, help="learning rate")
    with script(parser, argv) as run:
        nn.manual_seed(run.options.seed)
        data, test = nn.datasets.iris().split(0.2)
        scale = nn.Standardizer().fit(data.x)  # knows nothing of the test flowers
        data, test = (nn.Dataset(scale.transform(d.x), d.y, **d.about) for d in (data, test))
        print(f"{len(data)} flowers to learn from, {len(test)} held out for the test")
        models = {start: nn.Network([4, 8, 3], init=init) for start, init in STARTS.items()}
        run.keep(models=models)

        print_gradients(models, data, "before training")
        curves = {start: train(model, data, start, run) for start, model in models.items()}
        print_gradients(models, data, "after training")
        shares = np.bincount(data.y) / len(data)
        print(f"\nstarted at zero, every flower is judged {models['zero'](data.x[0]).data}")
        print(f"the species' shares of the training flowers {shares.astype(np.float32)}")

        right = {start: judge(model, test)[1] for start, model in models.items()}
        print(f"\n{'':8}  training loss  training accuracy  test accuracy")
        for start in models:
            loss, share = curves[start][-1]
            print(f"{start:8}{loss:15.4f}{share:19.1%}{right[start]:15.1%}")
        run.save(draw_curves(curves, right), "starts.png")
        # The test only judges, so it does not choose which start is shown.
        best = min(curves, key=lambda start: curves[start][-1][0])
        matrix = nn.metrics.confusion_matrix(models[best](test.x), test.y, 3)
        print(f"\nspecies (row) taken for species (column) by {best}\n{matrix}")
        title = f"{best}: {np.trace(matrix)} of {len(test)} test flowers right"
        run.save(confusion(matrix, title, data.about["class_names"]), "confusion.png")


if __name__ == "__main__":
    main()
