"""Two moons classified by a network of scalar Tensors, then by the same network with arrays.

Every weight of the first network is a Tensor of its own, as in micrograd, so that each
multiplication is a node of the graph. The second computes the same with three matrices.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from tqdm import tqdm

import nn
from tinygrad_edu import Tensor, draw_graph

from .common import Figure, Run, arguments, count, plt, positive, script

L2 = 1e-4
Net = Callable[[Any], Tensor]


class Neuron:
    """relu(w · x + b), or w · x + b, for a list of numbers x."""

    def __init__(self, inputs: int, linear: bool = False) -> None:
        values = nn.init.generator().uniform(-1, 1, inputs)
        self.w = [Tensor(v, requires_grad=True, name=f"w{i}") for i, v in enumerate(values)]
        self.b = Tensor(0.0, requires_grad=True, name="b")
        self.linear = linear

    def __call__(self, x: Any) -> Tensor:
        total = sum((w * value for w, value in zip(self.w, x, strict=True)), self.b)
        return total if self.linear else total.relu()


class ScalarMLP:
    """Layers of neurons of the given sizes."""

    def __init__(self, *sizes: int) -> None:
        self.layers = [[Neuron(n, m == 1) for _ in range(m)] for n, m in pairwise(sizes)]

    def __call__(self, x: Any) -> Tensor:
        for layer in self.layers:
            x = [neuron(x) for neuron in layer]
        return x[0]

    def parameters(self) -> list[Tensor]:
        return [p for layer in self.layers for neuron in layer for p in [*neuron.w, neuron.b]]


def matrices(mlp: ScalarMLP, number: Callable[[Tensor], Any]) -> list[np.ndarray]:
    """A number for each weight and bias, arranged in the arrays of the second network."""
    arrays = []
    for layer in mlp.layers:
        arrays.append(np.array([[number(w) for w in neuron.w] for neuron in layer]).T)
        arrays.append(np.array([number(neuron.b) for neuron in layer]))
    return arrays


def with_arrays(mlp: ScalarMLP) -> nn.Sequential:
    """The same network with a weight matrix and a bias vector for each layer."""
    modules: list[nn.Module] = []
    for layer in mlp.layers:
        modules += [nn.Dense(len(layer[0].w), len(layer), dtype=np.float64), nn.ReLU()]
    model = nn.Sequential(*modules[:-1])
    for p, values in zip(model.parameters(), matrices(mlp, Tensor.item), strict=True):
        p.data[...] = values
    return model


def scalar_loss(mlp: ScalarMLP, x: np.ndarray, y: np.ndarray) -> Tensor:
    """The mean hinge loss, plus an L2 penalty on all parameters."""
    points = zip(x.tolist(), y.tolist(), strict=True)
    losses = [(1 - label * mlp(point)).relu() for point, label in points]
    penalty = sum((p * p for p in mlp.parameters()), Tensor(0.0))
    return sum(losses, Tensor(0.0)) / len(losses) + L2 * penalty


def array_loss(model: nn.Module, x: np.ndarray, y: np.ndarray) -> Tensor:
    """The same with arrays."""
    hinge = (1 - y[:, None] * model(x)).relu().mean()
    return hinge + L2 * sum((p * p).sum() for p in model.parameters())


def check(mlp: ScalarMLP, model: nn.Module, x: np.ndarray, y: np.ndarray) -> None:
    """Check that both networks have the same loss and the same gradients."""
    scalar, array = scalar_loss(mlp, x, y), array_loss(model, x, y)
    scalar.backward()
    array.backward()
    pairs = zip(matrices(mlp, lambda p: p.grad), model.parameters(), strict=True)
    difference = max(abs(gradient - p.grad).max() for gradient, p in pairs)
    print(f"{len(mlp.parameters())} weights and biases, loss {float(scalar):.4f} at the start")
    print(f"losses differ by {abs(float(scalar - array)):.0e}, gradients by {difference:.0e}")
    assert difference < 1e-12, "both networks should compute the same"


def train(name: str, parameters: Any, loss: Callable[[], Tensor], run: Run) -> tuple[float, float]:
    """SGD with a falling learning rate; returns the last loss, and the seconds per step."""
    optimizer = nn.SGD(parameters, lr=run.options.lr)
    schedule = nn.LinearLR(optimizer, 1.0, 0.1, total_iters=run.options.steps)
    start = time.perf_counter()
    gc.disable()  # it would search a large graph for reference cycles, which graphs do not have
    try:
        for _ in tqdm(range(run.options.steps), name, unit="step"):
            value = loss()
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            schedule.step()
    finally:
        gc.enable()
    seconds = (time.perf_counter() - start) / run.options.steps
    return float(loss()), seconds


def draw(nets: dict[str, Net], seconds: dict[str, float], data: nn.Dataset) -> Figure:
    """The scores of each network in the plane, its decision boundary, and the points."""
    figure, row = plt.subplots(1, 2, figsize=(10, 3.9), layout="constrained", sharey=True)
    for axes, (name, net) in zip(row, nets.items(), strict=True):
        options = {"level": 0, "levels": np.linspace(-2, 2, 17), "size": 30, "ax": axes}
        nn.plot_decision_boundary(net, data.x, data.y, **options)
        axes.set_title(f"{name}, {1000 * seconds[name]:.1f} ms per step")
    return figure


def main(argv: list[str] | None = None) -> None:
    parser = arguments("moons_scalar", __doc__)
    parser.add_argument("--steps", type=count, default=60, help="steps for each network")
    parser.add_argument("--lr", type=positive, default=1.0, help="learning rate at the start")
    with script(parser, argv) as run:
        nn.manual_seed(run.options.seed)
        moons = nn.datasets.moons(100)
        x, y = moons.x.astype(np.float64), 2.0 * moons.y - 1
        mlp = ScalarMLP(2, 16, 16, 1)
        model = with_arrays(mlp)
        run.keep(scalars=mlp.parameters(), arrays=model)
        check(mlp, model, x, y)

        seconds = {}
        # The scalar network also accepts an array with one element for each point as a number.
        nets: dict[str, Net] = {"scalars": lambda points: mlp(points.T), "arrays": model}
        for name, parameters, loss in (
            ("scalars", mlp.parameters(), lambda: scalar_loss(mlp, x, y)),
            ("arrays", model.parameters(), lambda: array_loss(model, x, y)),
        ):
            last, seconds[name] = train(name, parameters, loss, run)
            accuracy = np.mean((nets[name](x).data.ravel() > 0) == (y > 0))
            print(f"{name:7} {1000 * seconds[name]:7.2f} ms per step", end=", ")
            print(f"loss {last:.4f}, accuracy {accuracy:.0%}")
        print(f"arrays are {seconds['scalars'] / seconds['arrays']:.0f} times as fast")
        run.save(draw(nets, seconds, moons), "boundary.png")
        point = [Tensor(x[0, 0], name="x0"), Tensor(x[0, 1], name="x1")]
        run.save(draw_graph(mlp.layers[0][0](point)), "neuron.png")


if __name__ == "__main__":
    main()
