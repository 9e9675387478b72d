"""Three species of iris, learned by the same network with three initializations of the weights.

Kaiming (normal distribution with variance 2 / fan_in), zero, and random (normal distribution with
standard deviation 0.01); all three networks see the same samples in the same order.

What to look at: the network with zero weights predicts the same for every flower. Its hidden units
return relu(0) = 0, so the gradient of the second layer's weights is 0; these weights are 0, so the
gradients of the first layer are 0 too. Only the last bias changes, and learns how frequent each
species is. With any other constant the weights would change, but those of all units in the same way
(see the column "units"), as if there were only one unit. Random weights make the units different,
but if they are small, so are the gradients: the loss stays on a plateau at first. Kaiming
initialization scales by fan_in, the number of inputs, so that the variance is preserved from layer
to layer."""

from __future__ import annotations

import numpy as np
from tqdm import tqdm

import nn
from tinygrad_edu import Tensor, no_grad

from .common import Figure, Run, arguments, count, positive, script
from .drawing import confusion

INITIALIZATIONS = {"Kaiming": "kaiming", "zero": "zeros", "random": "normal"}
Curves = list[tuple[float, float]]


def loss_of(model: nn.Network, x: np.ndarray, y: np.ndarray) -> Tensor:
    return nn.cross_entropy(model.logits(x), y)


def evaluate(model: nn.Network, data: nn.Dataset) -> tuple[float, float]:
    """The loss and the accuracy."""
    with no_grad():
        return float(loss_of(model, data.x, data.y)), nn.metrics.accuracy(model(data.x), data.y)


def train(model: nn.Network, data: nn.Dataset, name: str, run: Run) -> Curves:
    """Plain SGD; returns loss and accuracy before training and after each epoch."""
    loader = nn.DataLoader(data, batch_size=16, shuffle=True, seed=run.options.seed)
    optimizer = nn.SGD(model.parameters(), lr=run.options.lr)
    curves = [evaluate(model, data)]
    for _ in tqdm(range(run.options.epochs), name, unit="epoch"):
        for x, y in loader:
            loss = loss_of(model, x, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        curves.append(evaluate(model, data))
    return curves


def print_gradients(models: dict[str, nn.Network], data: nn.Dataset, when: str) -> None:
    """The largest gradient of each parameter, and the number of distinct hidden units."""
    print(f"\nlargest |gradient| {when}, and number of distinct hidden units")
    print(f"{'':8}{'W1':>10}{'b1':>10}{'W2':>10}{'b2':>10}{'units':>8}")
    for init, model in models.items():
        model.zero_grad()
        loss_of(model, data.x, data.y).backward()
        parameters = list(model.parameters())
        gradients = "".join(f"{abs(p.grad).max():10.5f}" for p in parameters)
        units = np.unique(parameters[0].data, axis=1).shape[1]
        print(f"{init:8}{gradients}{units:8}")


def draw_curves(curves: dict[str, Curves], test: dict[str, float]) -> Figure:
    """Training loss and accuracy of all three networks, before the first epoch too."""
    columns = {}
    for init, lines in curves.items():
        losses, accuracies = zip(*lines, strict=True)
        values = {"epoch": range(len(lines)), "loss": losses, "accuracy": accuracies}
        columns[f"{init}: test accuracy {test[init]:.1%}"] = values
    left, right = nn.plot_history(columns)
    left.set_title("Training loss")
    right.set_title("Training accuracy")
    right.get_legend().remove()
    return left.figure


def main(argv: list[str] | None = None) -> None:
    parser = arguments("iris", __doc__)
    parser.add_argument("--epochs", type=count, default=100, help="passes over the flowers")
    parser.add_argument("--lr", type=positive, default=0.05, help="learning rate")
    with script(parser, argv) as run:
        nn.manual_seed(run.options.seed)
        data, test = nn.datasets.iris().split(0.2)
        scale = nn.Standardizer().fit(data.x)  # not fitted to the test data
        data, test = (nn.Dataset(scale.transform(d.x), d.y, **d.about) for d in (data, test))
        print(f"{len(data)} training flowers, {len(test)} test flowers")
        models = {name: nn.Network([4, 8, 3], init=init) for name, init in INITIALIZATIONS.items()}
        run.keep(models=models)

        print_gradients(models, data, "before training")
        curves = {init: train(model, data, init, run) for init, model in models.items()}
        print_gradients(models, data, "after training")
        shares = np.bincount(data.y) / len(data)
        print(f"\nprediction of the zero network for every flower {models['zero'](data.x[0]).data}")
        print(f"frequencies of the species in the training data   {shares.astype(np.float32)}")

        tested = {init: evaluate(model, test)[1] for init, model in models.items()}
        print(f"\n{'':8}  training loss  training accuracy  test accuracy")
        for init in models:
            loss, accuracy = curves[init][-1]
            print(f"{init:8}{loss:15.4f}{accuracy:19.1%}{tested[init]:15.1%}")
        run.save(draw_curves(curves, tested), "initializations.png")
        # Chosen by the training loss, since the test data must not influence any choice.
        best = min(curves, key=lambda init: curves[init][-1][0])
        matrix = nn.metrics.confusion_matrix(models[best](test.x), test.y, 3)
        print(f"\nconfusion matrix with {best} (rows: true species, columns: predicted)\n{matrix}")
        title = f"{best}: {np.trace(matrix)} of {len(test)} test flowers correct"
        run.save(confusion(matrix, title, data.about["class_names"]), "confusion.png")


if __name__ == "__main__":
    main()
