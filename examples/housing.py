"""Linear regression of house prices, by gradient descent written by hand.

The prices are a linear function of four features plus noise, so the best possible error and the
true weights are known. The error on the 500 training houses ends lower than the noise, because the
noise of this sample happens to be small, and because five parameters can fit it a little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

import nn
from tinygrad_edu import Tensor, draw_graph, no_grad, value_and_grad

from .common import Figure, Run, arguments, count, plt, positive, script


@dataclass
class Parameters:
    """The parameters of the model; the gradients come in the same type."""

    weight: Tensor
    bias: Tensor


def linear(p: Parameters, x: Tensor) -> Tensor:
    """The layer: x (n, 4) -> prices (n, 1)."""
    return x @ p.weight + p.bias


def loss(p: Parameters, x: Tensor, y: Tensor) -> Tensor:
    return nn.mse_loss(linear(p, x), y)


def train(x: Tensor, y: Tensor, run: Run) -> tuple[Parameters, list[float]]:
    """Full-batch gradient descent; returns the parameters and the loss of each epoch."""
    weight = nn.init.generator().normal(0, 0.01, (x.shape[1], 1)).astype(np.float32)
    p = Parameters(Tensor(weight, name="weight"), Tensor(np.zeros(1, np.float32), name="bias"))
    losses: list[float] = []
    loss_and_gradient = value_and_grad(loss)
    print("epoch  training MSE")
    progress = tqdm(range(1, run.options.epochs + 1), unit="epoch", leave=False)
    for epoch in progress:
        value, gradient = loss_and_gradient(p, x, y)
        p = Parameters(
            weight=p.weight - run.options.lr * gradient.weight,
            bias=p.bias - run.options.lr * gradient.bias,
        )
        losses.append(float(value))
        run.keep(parameters=p, losses=losses)
        if epoch % 20 == 0 or epoch == 1:
            progress.write(f"{epoch:5}  {losses[-1]:12.2f}")
    return p, losses


def print_weights(p: Parameters, data: nn.Dataset, mean: np.ndarray, std: np.ndarray) -> None:
    """Print the weights of the unscaled features, y = (x - mean) / std W + b, and the true ones."""
    learned = p.weight.data[:, 0] / std
    base = float(p.bias.data[0] - mean @ learned)
    print(f"\n{'':12} {'learned':>8} {'true':>8}")
    for i, name in enumerate(data.about["feature_names"]):
        print(f"{name:12} {learned[i]:8.3f} {data.about['weights'][i]:8.3f}")
    print(f"{'base_price':12} {base:8.3f} {data.about['base_price']:8.3f}")


def print_houses(test: nn.Dataset, predicted: np.ndarray, n: int = 10) -> None:
    names = [*test.about["feature_names"], "price", "predicted", "error"]
    print("\n" + "".join(f"{name:>12}" for name in names))
    for row in np.hstack([test.x, test.y, predicted, predicted - test.y])[:n]:
        print("".join(f"{value:12.1f}" for value in row))


def draw(losses: list[float], test: nn.Dataset, predicted: np.ndarray) -> Figure:
    """The loss of each epoch, and predicted and true prices of the test houses."""
    noise, price = test.about["noise"], test.y
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
    left.semilogy(range(1, len(losses) + 1), losses, label="training MSE")
    left.axhline(noise**2, color="tab:orange", linestyle="--", label=f"noise² = {noise**2:.0f}")
    left.set(xlabel="epoch", ylabel="mean squared error", title="Gradient descent")
    ends = np.array([price.min(), price.max()])
    band = ends - 2 * noise, ends + 2 * noise
    right.fill_between(ends, *band, alpha=0.2, color="tab:orange", label="± 2 noise", linewidth=0)
    right.plot(ends, ends, color="tab:orange", label="predicted = price")
    right.scatter(price[:500], predicted[:500], s=12, alpha=0.5, linewidth=0, label="test houses")
    right.set(xlabel="price in thousands of euros", ylabel="predicted", title="Predictions")
    for axes in (left, right):
        axes.legend()
        axes.grid(alpha=0.3)
    return figure


def main(argv: list[str] | None = None) -> None:
    parser = arguments("housing", __doc__)
    parser.add_argument("--epochs", type=count, default=200, help="passes over the houses")
    parser.add_argument("--lr", type=positive, default=0.3, help="learning rate")
    with script(parser, argv) as run:
        nn.manual_seed(run.options.seed)
        houses, test = nn.datasets.housing(500), nn.datasets.housing(5000)
        mean, std = houses.x.mean(axis=0), houses.x.std(axis=0)
        x = Tensor((houses.x - mean) / std, name="houses")
        y = Tensor(houses.y, name="prices")

        p, losses = train(x, y, run)
        with no_grad():
            predicted = linear(p, Tensor((test.x - mean) / std)).data
        print_weights(p, houses, mean, std)
        print_houses(test, predicted)
        truth = houses.about["base_price"] + test.x @ houses.about["weights"][:, None]
        print(f"\ntest MSE {np.mean((predicted - test.y) ** 2):.1f}", end=", ")
        print(f"with the true weights {np.mean((truth - test.y) ** 2):.1f}", end=", ")
        print(f"noise² {houses.about['noise'] ** 2:.0f}")
        print(f"R² {nn.metrics.r2(predicted, test.y):.4f}")
        run.save(draw(losses, test, predicted), "learning.png")

        weight = Tensor(p.weight.data, requires_grad=True, name="weight")
        bias = Tensor(p.bias.data, requires_grad=True, name="bias")
        run.save(draw_graph(loss(Parameters(weight, bias), x, y)), "graph.png")


if __name__ == "__main__":
    main()
