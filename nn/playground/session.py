"""What the page can ask for: each command is a method that takes and returns plain values."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygrad_edu import no_grad

from ..init import unmoved
from ..validation import integer
from ..watching import evaluating
from . import script
from .inside import layers_of, neuron, one_step
from .settings import ACTIVATIONS, DATASETS, FEATURES, INITIALIZERS, OPTIMIZERS, Settings, real
from .tables import Table, from_csv
from .trained import GRID, Trained

__all__ = ["Session"]

_MOST_STEPS = 1000  # of one command

Command = Callable[..., dict[str, Any]]


class Session:
    """A playground: its settings, its data and the network in training.

    `table` are the user's own data, `own` is the user's own model and `loss` the name of its loss.
    All its commands must come from one thread, whose generator the training draws from.

    >>> session = Session()
    >>> first = session.run("state", {})["frame"]["losses"]["training"]
    >>> session.run("train", {"steps": 200})["losses"]["training"] < first
    True
    """

    def __init__(
        self,
        table: Table | None = None,
        own: script.Own | None = None,
        loss: str | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.table, self.own, self.loss = table, own, loss
        changes: dict[str, Any] = {}
        if table is not None:
            changes |= {"data": "own"}
        if own is not None:
            changes |= {"network": "own", "init": "as given", "scale": False}
        self.trained = self._made((settings or Settings()).changed(changes), table)

    def _made(self, settings: Settings, table: Table | None) -> Trained:
        return Trained(settings, table, self.own, self.loss)

    def run(self, command: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """The result of a command.

        Raises LookupError for an unknown one, and ValueError for values that do not fit it.
        """
        if command not in COMMANDS:
            raise LookupError(f"there is no command {command!r:.40}")
        method = COMMANDS[command]
        if not isinstance(values, Mapping):
            raise ValueError(f"{command} takes named values")
        try:
            inspect.signature(method).bind(self, **values)
        except TypeError as error:
            raise ValueError(f"{command}: {error}") from None
        with np.errstate(all="ignore"):  # the page says it where a loss is not finite
            return method(self, **values)

    # ---------------------------------------------------------------- settings and data

    def state(self) -> dict[str, Any]:
        """All that the page needs to draw itself."""
        trained = self.trained
        settings = vars(trained.settings) | {"added": len(trained.settings.added)}
        sizes = [len(part) for part in trained.parts.values()]
        return {
            "settings": settings,
            "choices": self._choices(),
            "inputs": trained.inputs,
            "features": self._features(),
            "classes": trained.classes,
            "targets": [] if trained.classes else trained.range_of_targets(),
            "bounds": trained.bounds.tolist(),
            "grid": GRID,
            "curve": trained.is_curve,
            "points": {
                "x": trained.shown(trained.x, trained.targets).tolist(),
                "target": trained.unscaled(trained.targets).reshape(-1).tolist(),
                "training": sizes[0],
            },
            "layers": [
                {"title": layer.title, "units": layer.output.shape[1], "path": layer.path}
                for layer in trained.layers
            ],
            "loss": trained.loss_name,
            "history": trained.history,
            "frame": trained.frame(),
        }

    def _choices(self) -> dict[str, Any]:
        data = {name: made.says for name, made in DATASETS.items()}
        if self.table is not None:
            data["own"] = self.table.name
        starts = ["as given"] if self.trained.settings.network == "own" else []
        return {
            "data": data,
            "activation": list(ACTIVATIONS),
            "init": [*starts, *INITIALIZERS],
            "optimizer": list(OPTIMIZERS),
            "features": list(FEATURES),
            "network": ["built", *(["own"] if self.own is not None else [])],
        }

    def _features(self) -> list[str]:
        """What the network's inputs are called."""
        trained = self.trained
        if len(trained.inputs) == 2 and trained.settings.network == "built":
            a, b = trained.inputs
            named = {"x1": a, "x2": b}
            return [named.get(name, name) for name in trained.settings.features]
        return trained.inputs

    def configure(self, settings: Any) -> dict[str, Any]:
        """Change settings and begin anew; a mistake changes nothing."""
        if not isinstance(settings, Mapping):
            raise ValueError("settings are given by name")
        changes = dict(settings)
        old = self.trained.settings
        if changes.get("data", old.data) != old.data:  # what was clicked belongs to the old data
            changes = {"added": [], "axes": [0, 1], **changes}
        if changes.get("network", old.network) != old.network:
            own = changes["network"] == "own"
            changes = {"init": "as given" if own else Settings.init, "scale": not own, **changes}
        self.trained = self._made(old.changed(changes), self.table)
        return self.state()

    def reset(self) -> dict[str, Any]:
        """Begin anew with the same settings."""
        return self.configure({})

    def csv(self, name: Any, text: Any) -> dict[str, Any]:
        """Take the text of a CSV file as the data, and begin anew."""
        if not isinstance(name, str) or not isinstance(text, str):
            raise ValueError("a CSV file is given by its name and its text")
        table = from_csv(name[:100], text)
        fresh = {"data": "own", "added": [], "axes": [0, 1]}
        self.trained = self._made(self.trained.settings.changed(fresh), table)
        self.table = table
        return self.state()

    def add(self, point: Any, target: Any) -> dict[str, Any]:
        """Add a point of the plane to the data, and begin anew."""
        row = self.trained.placed(self._point(point))[0]
        if self.trained.is_curve:
            target = point[1]
        added = [*self.trained.settings.added, (*row.tolist(), target)]
        return self.configure({"added": added})

    def undo(self) -> dict[str, Any]:
        """Take the last point that was added away, and begin anew."""
        return self.configure({"added": self.trained.settings.added[:-1]})

    def _point(self, point: Any) -> np.ndarray:
        if not isinstance(point, list) or len(point) != 2:
            raise ValueError("a point of the plane is a list of two numbers")
        return np.array([[real("a coordinate", value, -1e9, 1e9) for value in point]])

    # ---------------------------------------------------------------- training

    def train(self, steps: Any) -> dict[str, Any]:
        """Train for some steps; the frame after them."""
        count = integer("steps", steps)
        if count > _MOST_STEPS:
            raise ValueError(f"steps must be at most {_MOST_STEPS}, not {count}")
        self._check_trainable()
        trained = self.trained
        for _ in range(count):
            self._counted(lambda: trained.names["steps"](1))
        return trained.frame()

    def step(self) -> dict[str, Any]:
        """Train for one step, and return it in numbers; the frame after it."""
        self._check_trainable()
        trained = self.trained
        names = trained.names
        x, y = next(names["batch"])
        seen: list[Any] = []
        loss_of = names["loss_of"]

        def kept(x: Any, y: Any) -> Any:
            seen.append(loss_of(x, y))
            return seen[-1]

        names["loss_of"] = kept
        try:
            found = self._counted(lambda: one_step(trained.model, names["train_on"], x, y))
        finally:
            names["loss_of"] = loss_of
        found |= {
            "loss": float(seen[0].data), "lr": names["optimizer"].groups[0]["lr"],
            "optimizer": trained.settings.optimizer, "features": self._features(),
            "weight_decay": trained.settings.weight_decay, "loss_name": trained.loss_name,
        }  # fmt: skip
        return {"numbers": found, "frame": trained.frame()}

    def _counted(self, act: Callable[[], Any]) -> Any:
        """What a step returns; it becomes a part of the script, also if its loss is not finite."""
        trained = self.trained
        try:
            result = act()
        except FloatingPointError:
            trained.events.append(("failed",))
            raise
        trained.step += 1
        if trained.events and trained.events[-1][0] == "steps":
            trained.events[-1] = ("steps", trained.events[-1][1] + 1)
        else:
            trained.events.append(("steps", 1))
        return result

    def _check_trainable(self) -> None:
        if not len(self.trained.parts["training"]):
            raise ValueError("there are no points yet; click into the plane to add some")

    def rate(self, lr: Any) -> dict[str, Any]:
        """Go on with another learning rate."""
        changed = self.trained.settings.changed({"lr": lr})
        self.trained.names["optimizer"].groups[0]["lr"] = changed.lr
        self.trained.events.append(("lr", changed.lr))
        return {"lr": changed.lr}

    def weight(self, path: Any, index: Any, value: Any) -> dict[str, Any]:
        """Set one weight, and go on from there."""
        parameters = dict(self.trained.model.named_parameters())
        if path not in parameters:
            raise ValueError(f"there is no parameter {path!r:.60}")
        parameter = parameters[path]
        fits = isinstance(index, list) and len(index) == parameter.ndim
        if not fits or not all(
            type(i) is int and 0 <= i < n for i, n in zip(index, parameter.shape, strict=True)
        ):
            raise ValueError(f"{path} has shape {parameter.shape}, and no place {index!r:.60}")
        parameter.data[tuple(index)] = number = real("a weight", value, -1e6, 1e6)
        self.trained.events.append(("weight", path, index, number))
        return self.trained.frame()

    # ---------------------------------------------------------------- looking closer

    def _sample(self, point: Any, index: Any) -> tuple[np.ndarray, Any]:
        """A sample (1, k) by its index, or a point of the plane, and its target, if it has one.

        Both are as training sees them.
        """
        trained = self.trained
        if index is not None:
            i = integer("index", index, 0)
            if i >= len(trained.x):
                raise ValueError(f"there are {len(trained.x)} points, and no number {i}")
            return trained.names["inputs"](trained.x[i : i + 1]), trained.targets[i : i + 1]
        place = self._point(point)
        x = trained.names["inputs"](trained.placed(place).astype(np.float32))
        return x, trained.scaled(place[:, 1:].astype(np.float32)) if trained.is_curve else None

    def probe(self, point: Any = None, index: Any = None) -> dict[str, Any]:
        """What the network predicts at a point, and the loss there: for each class if unknown."""
        x, target = self._sample(point, index)
        trained = self.trained
        known = [target] if target is not None else []
        if target is None and trained.classes:
            known = [np.array([k]) for k in range(len(trained.classes))]
        with evaluating(trained.model), unmoved(), no_grad():
            losses = [float(trained.names["loss_of"](x, y).data) for y in known]
        return {"predicted": trained.predicted(x)[0].tolist(), "losses": losses}

    def neuron(
        self, layer: Any, unit: Any, point: Any = None, index: Any = None
    ) -> dict[str, Any]:  # fmt: skip
        """The arithmetic of one unit at a point, or at a sample with its gradient."""
        x, target = self._sample(point, index)
        trained = self.trained
        layer, unit = integer("layer", layer, 0), integer("unit", unit, 0)
        with evaluating(trained.model), unmoved():
            if target is None:
                (layers, _), loss = layers_of(trained.model, trained.call, x), None
            else:
                call = trained.names["loss_of"]
                layers, loss = layers_of(trained.model, call, x, target)
            found = neuron(layers, layer, unit, loss)
        names = self._features() if not layer else []
        count = len(found.get("inputs", []))
        found["names"] = names if len(names) == count else [f"unit {i + 1}" for i in range(count)]
        found["loss"] = None if loss is None else float(loss.data)
        return found

    def script(self) -> dict[str, Any]:
        """A Python program that does all this again and reaches the same losses."""
        trained = self.trained
        opening = [
            '"""Saved by the playground of tinygrad-edu: python playground.py."""',
            "import numpy as np\n\nimport nn",
        ]
        sections = [*trained.sections]
        if trained.settings.data == "own" and self.table is not None:
            sections.insert(0, script.own_data_code(self.table))
        sections[0] = f"# the data\n{sections[0]}"
        if trained.settings.network == "own" and self.own is not None:
            sections.insert(len(sections) - 2, self.own.code())
        closing = "\n# what was done\n" + script.replay_code(trained.events)
        return {"code": "\n\n".join([*opening, *sections, closing]) + "\n"}


COMMANDS: dict[str, Command] = {
    name: getattr(Session, name)
    for name in (
        "state", "configure", "reset", "csv", "add", "undo", "train", "step", "rate", "weight",
        "probe", "neuron", "script",
    )
}  # fmt: skip
