"""The playground's settings as a Python program: the session runs it, and people can save it.

What trains in the playground is this very code, so that the saved script does the same.
"""

from __future__ import annotations

import builtins
import dis
import inspect
import itertools
import json
import sys
import textwrap
import types
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..activations import Lambda
from ..init import unmoved
from ..losses import NAMES
from ..module import Module, Sequential
from ..networks import MLP, Network
from .settings import ACTIVATIONS, DATASETS, FEATURES, OPTIMIZERS, Settings
from .tables import Table

__all__ = [
    "Event", "Own", "data_code", "network_code", "own_data_code", "preparation_code",
    "replay_code", "training_code",
]  # fmt: skip

Event = tuple[Any, ...]
"""("steps", n), ("failed",), ("lr", rate) or ("weight", path, index, value), in their order.

A step has failed if its loss was not finite; the parameters are then as they were.
"""

_MOST_NUMBERS = 20_000  # written into a script


class Own:
    """The user's model: a module, or a function or class that makes one.

    Raises TypeError for anything else.
    """

    def __init__(self, model: Any) -> None:
        self.model = model if isinstance(model, Module) else None
        self.make: Callable[[], Any] | None = None
        if self.model is not None:
            self.initial = self.model.state_dict()
        elif callable(model):
            self.make = model
        else:
            raise TypeError(
                "the playground takes a module, or a function or class that makes one, not "
                f"a {type(model).__name__}"
            )

    @property
    def names(self) -> dict[str, Any]:
        """What the network's code finds in the session, in place of `code`."""
        if self.make is not None:
            return {"make_model": self.make}
        return {"model": self.model, "initial": self.initial}

    def code(self) -> str:
        """What a script needs for the same names.

        Raises ValueError for a model that cannot be written down.
        """
        if self.make is not None:
            return _import(self.make)
        assert self.model is not None
        if sum(values.size for values in self.initial.values()) > _MOST_NUMBERS:
            raise ValueError(
                f"the model has more than {_MOST_NUMBERS} weights, too many to be written into a "
                "script; give the playground the function or class that makes the model"
            )
        state = "".join(f"    {path!r}: {_array(v)},\n" for path, v in self.initial.items())
        return f"model = {_constructor(self.model)}\ninitial = {{\n{state}}}"


def _import(make: Any) -> str:
    """The line that imports a function or class, or its source if it stands in the main program."""
    module, name = getattr(make, "__module__", ""), getattr(make, "__qualname__", "")
    if not name.isidentifier():
        raise ValueError(
            "a script can import only a function or class with a name at the top of a file, and "
            f"this is {make!r:.80}"
        )
    if module != "__main__":
        path = getattr(sys.modules.get(module), "__file__", None)
        if path is None:
            raise ValueError(f"{name} comes from {module!r}, which has no file to import it from")
        folder = Path(path).resolve().parents[module.count(".") + (Path(path).stem == "__init__")]
        lines = ["import sys", "", f"sys.path.insert(0, {str(folder)!r})"]
        return "\n".join([*lines, f"from {module} import {name} as make_model  # noqa: E402"])
    try:
        source = inspect.getsource(make)
    except (OSError, TypeError):
        raise ValueError(f"the source of {name} is not at hand; put it into a file") from None
    code = f"{textwrap.dedent(source)}\n\nmake_model = {name}"
    if missing := _missing_names(code):
        raise ValueError(
            f"{name} cannot be copied into a script, since it uses {', '.join(missing)}; put it "
            "into a file of its own and import it from there"
        )
    return code


def _missing_names(code: str) -> list[str]:
    """The global names that some code reads and that a script does not have."""
    names: dict[str, Any] = {}
    compiled = compile(code, "<playground>", "exec")
    try:
        with unmoved():
            exec("import numpy as np\nimport nn", names)
            exec(compiled, names)
    except NameError as error:
        return [str(error.name)]
    waiting, read = [compiled], set()
    while waiting:
        each = waiting.pop()
        waiting += [c for c in each.co_consts if isinstance(c, types.CodeType)]
        read |= {i.argval for i in dis.get_instructions(each) if i.opname == "LOAD_GLOBAL"}
    return sorted(name for name in read if name not in names and not hasattr(builtins, name))


def _constructor(module: Module[Any]) -> str:
    """The call that makes a module of nn, whose weights are set afterwards."""
    if type(module) in (Sequential, Network, MLP):
        inner = ",\n".join(_constructor(child) for child in module.children())
        inner = inner.replace("\n", "\n    ")
        if type(module) is Sequential:
            return f"nn.Sequential(\n    {inner},\n)"
        return f"nn.Network([\n    {inner},\n])"  # of modules alone, and with logits
    of_nn = type(module).__module__.split(".")[0] == __name__.split(".")[0]
    if not of_nn or isinstance(module, Lambda) or next(module.named_children(), None):
        raise ValueError(
            f"a {type(module).__name__} that was made elsewhere cannot be written into a script; "
            "give the playground the function or class that makes the model: nn.playground(Net)"
        )
    return f"nn.{module!r}"


def _array(values: np.ndarray) -> str:
    text = repr(values.tolist()).replace("nan", "np.nan").replace("inf", "np.inf")
    return f"np.array({text}, np.{values.dtype})"


# -------------------------------------------------------------------- the sections


def own_data_code(table: Table) -> str:
    """x and y of a table, number by number.  Raises ValueError if they are too many."""
    if table.x.size > _MOST_NUMBERS * 2:
        raise ValueError(
            f"the data are {table.x.size} numbers, too many to be written into a script"
        )
    rows = "".join(f"    {row},\n" for row in table.x.tolist())
    y = _array(table.y)
    return f"x = np.array([\n{rows}], np.float32)\ny = {y}"


def data_code(settings: Settings) -> str:
    """x and y of a data set of the playground."""
    noise = settings.noise
    scaled = {"noise10": round(10 * noise, 6), "noise100": round(100 * noise, 6)}
    values = {"points": settings.points, "noise": noise, "seed": settings.seed}
    return DATASETS[settings.data].code.format(**values, **scaled)


def preparation_code(settings: Settings, inputs: int, classes: int) -> str:
    """Added points, training and test data, and what the network is given of them."""
    lines = []
    if settings.added:
        x = [list(row[:-1]) for row in settings.added]
        y: list[Any] = [[row[-1]] for row in settings.added]
        y = [int(row[0]) for row in y] if classes else y
        kind = "int64" if classes else "float32"
        lines += [
            "# points added by hand",
            f"x = np.concatenate([x, np.array({x}, np.float32)])",
            f"y = np.concatenate([y, np.array({y}, np.{kind})])",
        ]
    if settings.test_share and settings.data != "points":
        split = f"train, test = nn.Dataset(x, y).split({settings.test_share}, seed={settings.seed})"
        lines += [split, 'parts = {"training": train, "test": test}']
    else:
        lines += ["train = nn.Dataset(x, y)", 'parts = {"training": train}']
    scale = settings.scale and settings.data != "points"
    if scale:
        lines += ["scaler = nn.Standardizer().fit(train.x)"]
        lines += [] if classes else ["target = nn.Standardizer().fit(train.y)"]
    lines += ["", "", *_inputs(settings, inputs, scale), "", ""]
    y_code = "part.y" if classes or not scale else "target.transform(part.y)"
    lines += ["ready = {}", "for name, part in parts.items():"]
    lines += [f"    ready[name] = nn.Dataset(inputs(part.x), {y_code})"]
    return "\n".join(lines)


def _inputs(settings: Settings, inputs: int, scale: bool) -> Iterable[str]:
    x = "scaler.transform(x)" if scale else "x"
    yield "def inputs(x):"
    yield f'    """What the network is given for points x (n, {inputs})."""'
    if inputs == 2 and settings.network == "built" and settings.features != ("x1", "x2"):
        features = ", ".join(FEATURES[name] for name in settings.features)
        yield f"    x1, x2 = {x}.T"
        yield f"    return np.stack([{features}], axis=1)"
    else:
        yield f"    return {x}"


def network_code(settings: Settings, own: Own | None, inputs: int, outputs: int) -> str:
    """The model, with its initial weights."""
    seed = f"# the network\nnn.manual_seed({settings.seed})\n"
    if settings.network == "built":
        sizes = [inputs, *settings.hidden, outputs]
        layers = []
        for a, b in itertools.pairwise(sizes):
            layers.append(f'    nn.Dense({a}, {b}, init="{settings.init}"),\n')
            layers.append(f"    {ACTIVATIONS[settings.activation]},\n")
        return f"{seed}model = nn.Sequential(\n{''.join(layers[:-1])})"
    assert own is not None
    code = "model = make_model()" if own.make is not None else "model.load_state_dict(initial)"
    code += "\nmodel.train()"
    if settings.init != "as given":
        code += (
            "\nfor parameter in model.parameters():\n    if parameter.ndim > 1:\n"
            f'        start = nn.init.initial("{settings.init}", parameter.shape, parameter.dtype)'
            "\n        parameter.data[...] = start"
        )
    return seed + code


def training_code(settings: Settings, loss: str, output: Sequence[int], logits: bool) -> str:
    """The optimizer, the loss and `steps`, which trains; `output` is the shape of what comes out.

    `logits` says whether the model has a method of this name.
    """
    decay = f", weight_decay={settings.weight_decay}" if settings.weight_decay else ""
    optimizer = OPTIMIZERS[settings.optimizer].format("model.parameters()", settings.lr)
    y = "y"
    if loss == "binary_cross_entropy_with_logits":
        y = f"y.astype(np.float32){'[:, None]' if len(output) == 2 else ''}"
    return _TRAINING.format(
        optimizer=optimizer[:-1] + decay + ")",
        batch_size=settings.batch_size,
        loss=f"nn.{NAMES[loss].__name__}",
        call="model.logits" if logits else "model",
        y=y,
    )


_TRAINING = """\
# the training
optimizer = {optimizer}


def loss_of(x, y):
    return {loss}({call}(x), {y})


def batches():
    while True:
        yield from nn.DataLoader(ready["training"], batch_size={batch_size}, shuffle=True)


batch = batches()


def train_on(x, y):
    loss = loss_of(x, y)
    if not np.isfinite(loss.data):
        raise FloatingPointError(f"the loss is {{loss.data}}; lower the learning rate")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def steps(n):
    for _ in range(n):
        train_on(*next(batch))"""


def replay_code(events: Iterable[Event]) -> str:
    """What was done so far, and the losses that it reached."""
    lines = []
    for kind, *values in events:
        if kind == "steps":
            lines.append(f"steps({values[0]})")
        elif kind == "failed":
            lines.append(
                "try:\n    steps(1)\nexcept FloatingPointError as error:\n    print(error)"
            )
        elif kind == "lr":
            lines.append(f'optimizer.groups[0]["lr"] = {values[0]}')
        else:
            path, index, value = values
            where = ", ".join(map(str, index)) or "..."
            parameter = f"dict(model.named_parameters())[{json.dumps(path)}]"
            lines.append(f"{parameter}.data[{where}] = {value}")
    return "\n".join([*lines, _REPORT])


_REPORT = """\
model.eval()
with nn.no_grad():
    for name, part in ready.items():
        print(f"{name} loss: {float(loss_of(part.x, part.y))!r}")"""
