"""What can be set in the playground: data, network, optimizer; all of it checked."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..validation import choice, integer, unknown_name

__all__ = [
    "ACTIVATIONS", "DATASETS", "FEATURES", "INITIALIZERS", "MOST_CLASSES", "MOST_POINTS",
    "OPTIMIZERS", "Made", "Settings", "real",
]  # fmt: skip

MOST_CLASSES = 10
MOST_POINTS = 2000
_MOST_ADDED = 500


@dataclass(frozen=True)
class Made:
    """A data set of the playground: the code that makes x and y, and the number of classes.

    `classes` is 0 where a number is to be predicted.
    """

    code: str
    classes: int
    says: str


_XOR = """\
rng = np.random.default_rng({seed})
x = rng.uniform(-1, 1, ({points}, 2))
y = (x[:, 0] * x[:, 1] > 0).astype(np.int64)
x = (x + rng.normal(0, {noise}, x.shape)).astype(np.float32)"""

_WAVES = """\
rng = np.random.default_rng({seed})
x = rng.uniform(-1, 1, ({points}, 2)).astype(np.float32)
y = np.sin(3 * x[:, :1]) * np.cos(3 * x[:, 1:])
y = (y + rng.normal(0, {noise}, y.shape)).astype(np.float32)"""


def _made(call: str) -> str:
    return f"x, y = nn.datasets.{call}.arrays"


DATASETS: dict[str, Made] = {
    "moons": Made(_made("moons({points}, noise={noise}, seed={seed})"), 2, "two half moons"),
    "circles": Made(_made("circles({points}, noise={noise}, seed={seed})"), 2, "two circles"),
    "spirals": Made(
        _made("spirals({points}, turns=1.2, noise={noise}, seed={seed})"), 2, "two spirals"
    ),
    "xor": Made(_XOR, 2, "exclusive or"),
    "blobs": Made(_made("blobs({points}, noise={noise10}, seed={seed})"), 3, "three clouds"),
    "iris": Made(_made("iris()"), 3, "iris, 3 species of flowers"),
    "waves": Made(_WAVES, 0, "waves, a number to predict"),
    "housing": Made(
        _made("housing({points}, noise={noise100}, seed={seed})"), 0, "housing, a price to predict"
    ),
    "sine": Made(_made("sine({points}, noise={noise}, seed={seed})"), 0, "sine, a curve to fit"),
    "points": Made(
        "x, y = np.zeros((0, 2), np.float32), np.zeros(0, np.int64)",
        2,
        "empty, for your own points",
    ),
}

FEATURES = {
    "x1": "x1", "x2": "x2", "x1²": "x1 * x1", "x2²": "x2 * x2", "x1·x2": "x1 * x2",
    "sin x1": "np.sin(x1)", "sin x2": "np.sin(x2)",
}  # fmt: skip
"""What the network can be given of two inputs, and its code."""

ACTIVATIONS = {
    "tanh": "nn.Tanh()", "relu": "nn.ReLU()", "sigmoid": "nn.Sigmoid()",
    "leaky_relu": "nn.LeakyReLU()", "elu": "nn.ELU()", "gelu": "nn.GELU()", "silu": "nn.SiLU()",
    "softplus": "nn.Softplus()", "linear": "nn.Identity()",
}  # fmt: skip

INITIALIZERS = (
    "xavier", "xavier_uniform", "he", "he_uniform", "orthogonal", "uniform", "normal",
    "truncated_normal", "ones", "zeros",
)  # fmt: skip

OPTIMIZERS = {
    "SGD": "nn.SGD({}, lr={})",
    "SGD with momentum": "nn.SGD({}, lr={}, momentum=0.9)",
    "Adam": "nn.Adam({}, lr={})",
    "RMSprop": "nn.RMSprop({}, lr={})",
    "Adagrad": "nn.Adagrad({}, lr={})",
}


def real(name: str, value: Any, low: float, high: float) -> float:
    """`value` as a float.  Raises ValueError unless it is a number from low to high."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not low <= value <= high:
        raise ValueError(f"{name} must be a number from {low:g} to {high:g}, not {value!r:.40}")
    return float(value)


def _real(low: float, high: float) -> Callable[[str, Any], float]:
    return lambda name, value: real(name, value, low, high)


def _whole(low: int, high: int) -> Callable[[str, Any], int]:
    def check(name: str, value: Any) -> int:
        number = integer(name, value, low)
        if number > high:
            raise ValueError(f"{name} must be at most {high}, not {number}")
        return number

    return check


def _one_of(names: Any) -> Callable[[str, Any], Any]:
    return lambda name, value: choice(name, value, list(names))


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false, not {value!r:.40}")
    return value


def _several(
    check: Callable[[str, Any], Any], least: int, most: int
) -> Callable[[str, Any], tuple[Any, ...]]:
    def checked(name: str, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, (list, tuple)) or not least <= len(value) <= most:
            raise ValueError(f"{name} must be a list of {least} to {most} items")
        return tuple(check(f"{name}[{i}]", item) for i, item in enumerate(value))

    return checked


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "data": _one_of([*DATASETS, "own"]),
    "points": _whole(10, MOST_POINTS),
    "noise": _real(0, 1),
    "test_share": _real(0, 0.9),
    "scale": _flag,
    "features": _several(_one_of(FEATURES), 1, len(FEATURES)),
    "network": _one_of(["built", "own"]),
    "hidden": _several(_whole(1, 16), 0, 6),
    "activation": _one_of(ACTIVATIONS),
    "init": _one_of([*INITIALIZERS, "as given"]),
    "optimizer": _one_of(OPTIMIZERS),
    "lr": _real(1e-6, 100),
    "batch_size": _whole(1, MOST_POINTS),
    "weight_decay": _real(0, 10),
    "seed": _whole(0, 2**31),
    "axes": _several(_whole(0, 255), 2, 2),
    "added": _several(_several(_real(-1e9, 1e9), 2, 260), 0, _MOST_ADDED),
}


@dataclass(frozen=True)
class Settings:
    """Everything that the playground's page sets; `added` are points clicked, inputs and target.

    >>> Settings().changed({"hidden": [8, 8], "lr": 0.3}).hidden
    (8, 8)
    """

    data: str = "moons"
    points: int = 200
    noise: float = 0.1
    test_share: float = 0.3
    scale: bool = True
    features: tuple[str, ...] = ("x1", "x2")
    network: str = "built"
    hidden: tuple[int, ...] = (6, 4)
    activation: str = "tanh"
    init: str = "xavier"
    optimizer: str = "SGD"
    lr: float = 0.3
    batch_size: int = 10
    weight_decay: float = 0.0
    seed: int = 1
    axes: tuple[int, ...] = (0, 1)
    added: tuple[tuple[float, ...], ...] = ()

    def changed(self, changes: Mapping[str, Any]) -> Settings:
        """These settings with some changed.

        Raises ValueError for an unknown name or a value that cannot be.
        """
        for name in changes:
            if name not in _CHECKS:
                raise unknown_name("setting", name, _CHECKS)
        checked = {name: _CHECKS[name](name, value) for name, value in changes.items()}
        if len(set(checked.get("features", ()))) < len(checked.get("features", ())):
            raise ValueError("features: each can be given once")
        return dataclasses.replace(self, **checked)
