"""Lesson 10: programs that run and do not learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import nn
from tinygrad_edu import Tensor, ops

from ..exercise import Exercise, Mistake
from ..judges import values

__all__ = ["EXERCISES"]


# -------------------------------------------------------------------- 10.1


def _pre_activations(rng: np.random.Generator) -> dict[str, Any]:
    """Some units that are dead, some that one sample passes, and some that many pass."""
    n, units = int(rng.integers(3, 7)), int(rng.integers(5, 9))
    z = rng.normal(size=(n, units)) - 9 * (rng.random(units) < 0.3)
    first, second, third = rng.permutation(units)[:3]
    z[:, first] = -abs(z[:, first]) - 1
    z[:, second] = -abs(z[:, second]) - 1
    z[rng.integers(n), second] = 1
    z[:, third] = abs(z[:, third]) + 1
    z[:, rng.permutation(units)] = z.copy()
    return {"z": z}


def _by_gradient(z: np.ndarray) -> list[int]:
    """The units that nothing comes back from."""
    pre = Tensor(z, requires_grad=True)
    ops.relu(pre).sum().backward()
    assert pre.grad is not None
    return [int(i) for i in np.flatnonzero((pre.grad == 0).all(axis=0))]


def _where(mask: np.ndarray) -> list[int]:
    return [int(i) for i in np.flatnonzero(mask)]


# -------------------------------------------------------------------- 10.2

_IDS = ("one-batch", "diverging", "first-loss")
"""Checks of sanity that are slow, or that depend on the data, which are random here."""


def _sane(classifier: Any, features: int, classes: int) -> dict[str, Any]:
    """What nn.sanity finds in the network, and what comes out of it."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, features)), np.arange(20) % classes
    nn.manual_seed(0)
    model = classifier(features, classes)
    if not isinstance(model, nn.Module):
        return {"type": type(model).__name__}
    out = np.asarray(model(x).data)
    found: dict[str, Any] = {"shape": out.shape, "lowest": float(out.min())}
    found["weights"] = sum(p.size for p in model.parameters())
    if out.shape == (20, classes):
        report = nn.sanity(model, "cross_entropy", (x, y), ignore=_IDS)
        found["findings"] = [f"{f.id}: {', '.join(f.facts)}" for f in report.findings]
    return found


def _judge_network(arguments: Mapping[str, Any], found: Any) -> str:
    features, classes = arguments["features"], arguments["classes"]
    if "type" in found:
        return f"returned {found['type']}; return a model, such as an nn.Sequential"
    if list(found["shape"]) != [20, classes]:
        return f"wrong shape: the output for 20 samples is {tuple(found['shape'])}"
    if found["findings"]:
        return f"nn.sanity found {found['findings'][0]}"
    if found["lowest"] >= 0:
        return "no output is below 0; is there an activation after the last layer?"
    right = features * 16 + 16 + 16 * classes + classes
    if found["weights"] != right:
        return f"it has {found['weights']} parameters; with one hidden layer of 16 it has {right}"
    return "right"


def _network(*layers: Callable[[int, int], nn.Module]) -> Callable[[int, int], nn.Module]:
    return lambda features, classes: nn.Sequential(*(make(features, classes) for make in layers))


def _first(features: int, classes: int) -> nn.Module:
    return nn.Dense(features, 16)


def _last(features: int, classes: int) -> nn.Module:
    return nn.Dense(16, classes)


def _relu(features: int, classes: int) -> nn.Module:
    return nn.ReLU()


# -------------------------------------------------------------------- 10.3


def _trained(train: Any, x: Any, t: Any, lr: float, steps: int) -> tuple[Any, int]:
    """The weights afterwards, and how often the loss was computed."""
    w = Tensor(np.zeros(x.shape[1]), requires_grad=True)
    calls = 0

    def loss_of() -> Any:
        nonlocal calls
        calls += 1
        return ((x @ w - t) ** 2).mean()

    w.grad = np.ones(x.shape[1])  # from somewhere before
    train(nn.SGD([w], lr=lr), loss_of, steps)
    return w.data, calls


def _right_steps(x: Any, t: Any, lr: float, steps: int) -> tuple[Any, int]:
    w = Tensor(np.zeros(x.shape[1]), requires_grad=True)
    optimizer = nn.SGD([w], lr=lr)
    for _ in range(steps):
        w.grad = 2 / len(x) * x.T @ (x @ w.data - t)
        optimizer.step()
    return w.data, steps


def _in_order(*order: str) -> Callable[..., None]:
    """A training loop of these lines; those after "end" stand after the loop."""

    def train(optimizer: Any, loss_of: Any, steps: int) -> None:
        lines = {
            "zero": optimizer.zero_grad,
            "backward": lambda: loss_of().backward(),
            "step": optimizer.step,
        }
        for _ in range(steps):
            for name in order:
                lines[name]()

    return train


def _zero_once(optimizer: Any, loss_of: Any, steps: int) -> None:
    optimizer.zero_grad()
    _in_order("backward", "step")(optimizer, loss_of, steps)


def _loss_once(optimizer: Any, loss_of: Any, steps: int) -> None:
    loss = loss_of()
    for _ in range(steps):
        optimizer.zero_grad()
        loss.backward(retain_graph=True)
        optimizer.step()


# -------------------------------------------------------------------- 10.4


def _column_or_not(rng: np.random.Generator) -> dict[str, Any]:
    n = int(rng.integers(3, 8))
    shape = (n, 1) if rng.random() < 0.7 else (n,)
    return {"prediction": rng.normal(size=shape), "target": rng.normal(size=n)}


# -------------------------------------------------------------------- 10.5


def _columns(rng: np.random.Generator) -> dict[str, Any]:
    columns = int(rng.integers(2, 5))
    scale, shift = 10.0 ** rng.integers(-2, 5, columns), rng.normal(0, 10, columns)
    train, test = (rng.normal(size=(int(n), columns)) for n in rng.integers(4, 9, 2))
    train, test = (train + shift) * scale, (test + shift + 1) * scale
    train[:, rng.integers(columns)] = 3.0
    return {"train": train, "test": test}


def _by_standardizer(train: np.ndarray, test: np.ndarray) -> tuple[Any, Any]:
    fitted = nn.Standardizer().fit(train)
    return fitted.transform(train), fitted.transform(test)


def _std(a: np.ndarray, axis: int | None = 0) -> np.ndarray:
    std = np.asarray(a.std(axis=axis))
    return np.where(std > 0, std, 1)


def _by(train: np.ndarray, test: np.ndarray, axis: int | None = 0) -> tuple[Any, Any]:
    mean, std = train.mean(axis), _std(train, axis)
    return (train - mean) / std, (test - mean) / std


EXERCISES = [
    Exercise(
        number="10.1",
        name="dead_units",
        task="find dead units",
        draw=_pre_activations,
        judge=values(_by_gradient),
        hints=(
            "A unit is a column of z. When does max(z, 0) let nothing of a column through?",
            "z <= 0 is an array of truth values; `.all(axis=0)` says of which columns it holds "
            "everywhere. Then collect the indices.",
        ),
        mistakes=(
            Mistake(
                lambda z: _where((z <= 0).any(axis=0)),
                "expected are",
                "These are units that are 0 for *some* sample, as any unit is.",
            ),
            Mistake(
                lambda z: _where((z > 0).any(axis=0)),
                "expected are",
                "These are the units that some sample passes; asked are the others.",
            ),
            Mistake(
                lambda z: _where((z <= 0).all(axis=1)),
                "expected are",
                "This goes along axis 1, so these are samples; units are columns.",
            ),
            Mistake(
                lambda z: (z <= 0).all(axis=0),
                "returned an array of shape",
                "These are truth values; np.flatnonzero turns them into indices.",
            ),
            Mistake(
                lambda z: _where(z.mean(axis=0) <= 0),
                "expected are",
                "Below 0 on average is not dead: one sample that passes is enough.",
            ),
        ),
    ),
    Exercise(
        number="10.2",
        name="classifier",
        task="a network that nn.sanity finds nothing in",
        draw=lambda rng: {"features": int(rng.integers(3, 9)), "classes": int(rng.integers(3, 8))},
        use=_sane,
        judge=_judge_network,
        hints=(
            "Two Dense layers. What belongs between them, and what does the loss apply itself?",
            "nn.Sequential(nn.Dense(features, 16), an activation, nn.Dense(16, classes)), and "
            "nothing after that.",
        ),
        mistakes=(
            Mistake(
                _network(_first, _relu, _last, lambda *_: nn.Softmax()),
                "nn.sanity found softmax-before-cross-entropy",
            ),
            Mistake(_network(_first, _last), "nn.sanity found dense-after-dense"),
            Mistake(
                _network(_first, _relu, _last, _relu),
                "no output is below 0",
                "A ReLU at the end cuts off all logits below 0, and their gradients.",
            ),
            Mistake(
                _network(lambda features, classes: nn.Dense(features, classes)),
                "with one hidden layer of 16 it has",
            ),
            Mistake(_network(_first, _relu), "wrong shape: the output for 20 samples is (20, 16)"),
            Mistake(lambda features, classes: [nn.Dense(features, 16)], "return a model"),
        ),
    ),
    Exercise(
        number="10.3",
        name="train_steps",
        task="a training loop",
        draw=lambda rng: {
            "x": rng.normal(size=(int(rng.integers(4, 8)), 3)),
            "t": rng.normal(size=1),
            "lr": round(float(rng.uniform(0.02, 0.1)), 3),
            "steps": int(rng.integers(3, 6)),
        },
        use=_trained,
        judge=values(_right_steps, names=("w after these steps", "the number of losses")),
        hints=(
            "Which gradients shall step() see? Those of this step's loss, and no others.",
            "In each step: forget the old gradients, compute the new ones, then move.",
        ),
        mistakes=(
            Mistake(
                _in_order("backward", "step"),
                "w after these steps is wrong",
                "Gradients of earlier losses were still there: backward() adds to them.",
            ),
            Mistake(
                _zero_once,
                "w after these steps is wrong",
                "zero_grad() stands before the loop, so that only the first step starts from none.",
            ),
            Mistake(
                _in_order("backward", "zero", "step"),
                "w after these steps is wrong: all of it is 0",
                "The gradients were forgotten before step() could use them.",
            ),
            Mistake(
                _in_order("zero", "step", "backward"),
                "w after these steps is wrong: all of it is 0",
                "The gradients were forgotten before step() could use them.",
            ),
            Mistake(
                _loss_once,
                "w after these steps is",
            ),
        ),
    ),
    Exercise(
        number="10.4",
        name="error_of",
        task="a squared error of the right shape",
        draw=_column_or_not,
        judge=values(
            lambda prediction, target: nn.mse_loss(Tensor(prediction.reshape(-1)), target).item()
        ),
        hints=(
            "Which shape shall both have? It must work if the prediction has it already.",
            "prediction.reshape(-1) has shape (N,) in both cases.",
        ),
        mistakes=(
            Mistake(
                lambda prediction, target: ((prediction - target) ** 2).mean(),
                "instead of",
                "(N, 1) minus (N,) is (N, N): each prediction met each target.",
            ),
            Mistake(
                lambda prediction, target: (
                    (prediction.reshape(-1, 1) - target.reshape(1, -1)) ** 2
                ).mean(),
                "instead of",
                "(N, 1) minus (1, N) is (N, N): each prediction met each target.",
            ),
            Mistake(
                lambda prediction, target: ((prediction[:, 0] - target) ** 2).mean(),
                "raised IndexError",
            ),
            Mistake(
                lambda prediction, target: ((prediction.reshape(-1) - target) ** 2).sum(),
                "instead of",
                "This is the sum; a mean divides by N.",
            ),
            Mistake(
                lambda prediction, target: (prediction.reshape(-1) - target) ** 2,
                "wrong shape",
            ),
        ),
    ),
    Exercise(
        number="10.5",
        name="scaled",
        task="scale columns",
        draw=_columns,
        judge=values(_by_standardizer, names=("the training data", "the test data")),
        hints=(
            "How many means are there? And whose are they?",
            "mean and std of train along axis 0, and np.where(std > 0, std, 1) for a constant "
            "column. Both arrays: (a - mean) / std.",
        ),
        mistakes=(
            Mistake(
                lambda train, test: (_by(train, train)[0], _by(test, test)[0]),
                "the test data is",
                "The test data were scaled by their own mean and spread.",
            ),
            Mistake(
                lambda train, test: _by(train, test, None),
                "the training data is wrong",
                "This is one mean for the whole table; each column has its own.",
            ),
            Mistake(
                lambda train, test: (
                    (train - train.mean(axis=0)) / train.std(axis=0),
                    (test - train.mean(axis=0)) / train.std(axis=0),
                ),
                "the training data is wrong",
                "A column that is constant has standard deviation 0, and 0 / 0 is NaN.",
            ),
            Mistake(
                lambda train, test: (train / _std(train), test / _std(train)),
                "the training data is wrong",
                "The columns are scaled, but not shifted to mean 0.",
            ),
            Mistake(lambda train, test: _by(train, test)[0], "returned"),
        ),
    ),
]
