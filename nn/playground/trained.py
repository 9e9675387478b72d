"""A network with its data, made by running the code of `script`, and what is to be seen of it."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, no_grad

from ..init import unmoved
from ..losses import NAMES
from ..validation import unknown_name
from ..watching import evaluating
from . import script
from .inside import MOST_UNITS, Layer, layers_of
from .settings import DATASETS, Settings
from .tables import Table

__all__ = ["GRID", "Trained", "encoded"]

GRID = 50
"""The plane has so many cells in each direction."""

_NAMES = {"iris": ["setosa", "versicolor", "virginica"]}
_INPUTS = {
    "iris": ["sepal length", "sepal width", "petal length", "petal width"],
    "housing": ["area in m²", "rooms", "age in years", "distance in km"],
}


class Trained:
    """A model that is being trained; `events` is what was done with it.

    Raises what the code raises: for data, a model and a loss that do not fit together.
    """

    def __init__(
        self, settings: Settings, table: Table | None, own: script.Own | None, loss: str | None
    ) -> None:
        self.settings, self.table, self.own = settings, table, own
        self.events: list[script.Event] = []
        self.history: list[list[Any]] = []
        self.step = 0
        self.names: dict[str, Any] = {}
        self.sections: list[str] = []
        self._run("import numpy as np\nimport nn", kept=False)
        self._make_data()
        self._make_network(loss)
        self._place_grid()

    def _run(self, code: str, kept: bool = True) -> None:
        """Run a section of the script; `kept` if it belongs to what is saved."""
        exec(compile(code, "<playground>", "exec"), self.names)
        if kept:
            self.sections.append(code)

    def _make_data(self) -> None:
        settings, table = self.settings, self.table
        if settings.data == "own":
            if table is None:
                raise ValueError("there is no data of your own yet; drop a CSV file on the page")
            self.names |= {"x": table.x, "y": table.y}
            self.classes, self.inputs = table.classes, table.inputs
            width = table.x.shape[1]
        else:
            self._run(script.data_code(settings))
            width = self.names["x"].shape[1]
            k = DATASETS[settings.data].classes
            if settings.data == "points":
                k = max(k, *(int(row[-1]) + 1 for row in settings.added or [(0.0,)]))
            self.classes = _NAMES.get(settings.data, [str(i) for i in range(k)])
            self.inputs = _INPUTS.get(settings.data, [f"x{i + 1}" for i in range(width)])
        self._check_added(width)
        self.is_curve = width == 1
        if self.is_curve and self.classes:
            raise ValueError("classes are told apart in a plane: give two inputs or more")
        if max(settings.axes) >= width and not self.is_curve:
            raise ValueError(f"the data have {width} inputs, and the axes are {settings.axes}")
        self._run(script.preparation_code(settings, width, len(self.classes)))
        parts: dict[str, Any] = self.names["parts"]
        self.parts = ready = self.names["ready"]
        self.x = np.concatenate([part.x for part in parts.values()])
        self.targets = np.concatenate([part.y for part in ready.values()])

    def _check_added(self, width: int) -> None:
        for i, row in enumerate(self.settings.added):
            if len(row) != width + 1:
                raise ValueError(f"added[{i}] needs {width} inputs and a target")
            if self.classes and (row[-1] % 1 or not 0 <= row[-1] < len(self.classes)):
                last = len(self.classes) - 1
                raise ValueError(f"added[{i}]: classes are 0 to {last}, and {row[-1]:g} is not one")

    def _make_network(self, loss: str | None) -> None:
        settings, own = self.settings, self.own
        if settings.network == "own":
            if own is None:
                raise ValueError(
                    "no model of your own was given; start with nn.playground(model, data)"
                )
            self.names |= own.names
        width = self.names["inputs"](self._center()[None]).shape[1]
        outputs = len(self.classes) or 1
        self._run(script.network_code(settings, own, width, outputs))
        self.model = self.names["model"]
        logits = settings.network == "own" and callable(getattr(self.model, "logits", None))
        self.call = self.model.logits if logits else self.model
        self.layers, output = self._look(self.names["inputs"](self._center()[None].repeat(2, 0)))
        if not isinstance(output, Tensor) or output.shape[:1] != (2,) or output.ndim > 2:
            got = getattr(output, "shape", type(output).__name__)
            raise ValueError(f"the model must return a row for each point, and returned {got}")
        if output.ndim == 2 and 1 < output.shape[1] < outputs:
            raise ValueError(
                f"the model has {output.shape[1]} outputs, and the data {outputs} classes"
            )
        if loss is None or settings.network == "built":
            loss = self._usual_loss(output)
        elif loss not in NAMES:
            raise unknown_name("loss", loss, NAMES)
        self.loss_name = loss
        self._run(script.training_code(settings, loss, output.shape, logits))

    def _usual_loss(self, output: Tensor) -> str:
        if not self.classes:
            return "mse_loss"
        one = output.ndim == 1 or output.shape[1] == 1
        if one and len(self.classes) > 2:
            raise ValueError(f"the model has one output, and the data {len(self.classes)} classes")
        return "binary_cross_entropy_with_logits" if one else "cross_entropy"

    def _center(self) -> np.ndarray:
        center: np.ndarray = self.x.mean(axis=0) if len(self.x) else np.zeros(self.x.shape[1])
        return center.astype(np.float32)

    def _place_grid(self) -> None:
        """The plane's bounds (2, 2), rows (low, high), and its cells, from the top left."""
        if self.settings.data == "points" or not len(self.x):
            self.bounds = np.array([[-1.2, 1.2], [-1.2, 1.2]])
        else:
            shown = self.shown(self.x, self.targets)
            low, high = shown.min(axis=0), shown.max(axis=0)
            margin = np.where(high > low, 0.08 * (high - low), 0.5)
            self.bounds = np.stack([low - margin, high + margin], axis=1).astype(np.float64)
        across, up = (low + (np.arange(GRID) + 0.5) * (high - low) / GRID
                      for low, high in self.bounds)  # fmt: skip
        a, b = np.meshgrid(across, up[::-1])
        self.cells = np.stack([a.ravel(), b.ravel()], axis=1)
        self.grid = self.names["inputs"](self.placed(self.cells))

    def shown(self, x: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Where samples are in the plane (n, 2): two of the inputs, or the only one and the target.

        `targets` are as training sees them.
        """
        if not self.is_curve:
            return x[:, list(self.settings.axes)]
        return np.concatenate([x, self.unscaled(targets)], axis=1)

    def placed(self, points: np.ndarray) -> np.ndarray:
        """Points of the plane (n, 2) as inputs (n, k), the others at their mean."""
        rows = np.tile(self._center(), (len(points), 1))
        if self.is_curve:
            rows[:, 0] = points[:, 0]
        else:
            rows[:, list(self.settings.axes)] = points
        return rows

    def unscaled(self, values: np.ndarray) -> np.ndarray:
        """Numbers to predict, on the scale of the data."""
        target = self.names.get("target")
        return values if target is None else np.asarray(target.inverse_transform(values))

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """Numbers to predict, as training sees them."""
        target = self.names.get("target")
        return values if target is None else np.asarray(target.transform(values))

    # ---------------------------------------------------------------- what is seen

    def _look(self, x: np.ndarray) -> tuple[list[Layer], Any]:
        with evaluating(self.model), unmoved(), no_grad():
            return layers_of(self.model, self.call, x)

    def predicted(self, x: np.ndarray) -> np.ndarray:
        """Probabilities (n, classes), or numbers (n, 1), for what the network is given."""
        return self._read(self._look(x)[1].data)

    def _read(self, output: np.ndarray) -> np.ndarray:
        output = output.reshape(len(output), -1).astype(np.float64)
        if not self.classes:
            return self.unscaled(output)
        if output.shape[1] == 1:
            one = 0.5 + 0.5 * np.tanh(output / 2)
            return np.concatenate([1 - one, one], axis=1)
        with np.errstate(all="ignore"):
            powers = np.exp(output - output.max(axis=1, keepdims=True))
            return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def losses(self) -> dict[str, Any]:
        """The loss of each part of the data and, of classes, the share that is right."""
        found: dict[str, Any] = {}
        with evaluating(self.model), unmoved(), no_grad():
            for name, part in self.parts.items():
                if not len(part):
                    continue
                found[name] = float(self.names["loss_of"](part.x, part.y).data)
                if self.classes:
                    likely = self._read(self.call(part.x).data).argmax(axis=1)
                    found[f"{name} accuracy"] = float((likely == part.y).mean())
        return found

    def frame(self) -> dict[str, Any]:
        """What changes while it trains: step, losses, the plane, and every unit and weight."""
        layers, output = self._look(self.grid)
        losses = self.losses()
        self._remember(losses)
        return {
            "step": self.step,
            "losses": losses,
            "plane": self._plane(self._read(output.data)),
            "layers": [_seen(layer) for layer in layers],
        }

    def _remember(self, losses: dict[str, Any]) -> None:
        row = [self.step, losses.get("training"), losses.get("test")]
        if self.history and self.history[-1][0] == self.step:
            self.history.pop()
        self.history.append(row)
        if len(self.history) > 1000:
            self.history = [*self.history[:-1:2], row]

    def _plane(self, values: np.ndarray) -> dict[str, Any]:
        low, high = self.range_of_targets()
        if self.is_curve:  # what lies above the prediction is blue, and what lies below it orange
            return {"signed": encoded(8 * (self.cells[:, 1] - values[:, 0]) / (high - low))}
        if not self.classes:
            return {"signed": encoded(2 * (values[:, 0] - low) / (high - low) - 1)}
        if values.shape[1] == 2:
            return {"signed": encoded(values[:, 1] - values[:, 0])}
        return {
            "likely": encoded(values.argmax(axis=1) / 127),
            "signed": encoded(values.max(axis=1)),
        }

    def range_of_targets(self) -> tuple[float, float]:
        """The least and the largest number to predict."""
        if self.classes:
            return 0.0, 1.0
        targets = self.unscaled(self.targets)
        low, high = float(targets.min()), float(targets.max())
        return (low, high) if high > low else (low - 1, high + 1)


def _seen(layer: Layer) -> dict[str, Any]:
    """A layer's units over the plane, each on its own scale, every second cell, and its weights."""
    values = layer.after.data[:, :MOST_UNITS].reshape(GRID, GRID, -1)[::2, ::2]
    largest = np.absolute(values).max(axis=(0, 1))
    scaled = (values / np.where(largest > 0, largest, 1)).transpose(2, 0, 1)
    seen: dict[str, Any] = {"units": encoded(scaled)}
    if layer.weight is not None:
        weight = layer.weight.data[:MOST_UNITS, :MOST_UNITS].astype(np.float32)
        seen |= {"weight": _base64(weight), "shape": weight.shape}
    return seen


def encoded(values: np.ndarray) -> str:
    """Values from -1 to 1 as bytes from -127 to 127, in base64."""
    with np.errstate(invalid="ignore"):
        clipped = np.nan_to_num(np.clip(values, -1, 1))
    return _base64(np.rint(127 * clipped).astype(np.int8))


def _base64(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")
