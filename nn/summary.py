"""A table of a model's modules: what they put out, and what they weigh."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, no_grad

from .init import unmoved
from .module import Module, Parameter, evaluating, get_default_dtype, watched

Shape = tuple[int, ...]
_KINDS = (  # of errors that can be raised again with a longer message
    np.exceptions.AxisError,
    np.linalg.LinAlgError,
    IndexError,
    ValueError,
    TypeError,
    NotImplementedError,
    RuntimeError,
)


@dataclass
class Row:
    """One module.  A parameter counts in the row of the first module that holds it itself."""

    path: str
    kind: str
    parameters: int
    parameter_bytes: int
    given: list[Shape] | None = None  # None until it is called
    shapes: list[Shape] = field(default_factory=list)  # of its last output
    output_bytes: int = 0  # of arrays that are new, in all calls
    calls: int = 0

    def cells(self) -> tuple[str, ...]:
        """The row's texts."""
        output = ", ".join(map(str, self.shapes)) or "-"
        return (
            self.path or "(model)",
            self.kind,
            output + (f" x {self.calls}" if self.calls > 1 else ""),
            human(self.output_bytes),
            f"{self.parameters:,}" if self.parameters else "-",
            human(self.parameter_bytes),
        )


@dataclass
class Summary:
    """The rows in the model's order, and the totals; printing it shows the table."""

    rows: list[Row]
    trainable: int
    frozen: int
    failed: Row | None = None

    @property
    def parameters(self) -> int:
        """All parameters, trainable and frozen."""
        return self.trainable + self.frozen

    @property
    def parameter_bytes(self) -> int:
        """The memory of all parameters."""
        return sum(row.parameter_bytes for row in self.rows)

    @property
    def output_bytes(self) -> int:
        """The memory of all modules' outputs, without those that are views of others."""
        return sum(row.output_bytes for row in self.rows)

    def __str__(self) -> str:
        head = ("layer", "kind", "output", "memory", "parameters", "memory")
        table = [head, *(row.cells() for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [_line(cells, widths) for cells in table]
        rule = "─" * max(map(len, lines))
        if self.failed is not None:
            i = next(i for i, row in enumerate(self.rows) if row is self.failed)
            given = ", ".join(map(str, self.failed.given or ()))
            lines[i + 1] += f"  <── failed, given {given}"
            return "\n".join([lines[0], rule, *lines[1:]])
        return "\n".join([lines[0], rule, *lines[1:], rule, self._totals()])

    __repr__ = __str__

    def _totals(self) -> str:
        return (
            f"{self.parameters:,} parameters in {human(self.parameter_bytes)}: "
            f"{self.trainable:,} trainable, {self.frozen:,} frozen; "
            f"outputs in {human(self.output_bytes)}"
        )


def summary(
    model: Module,
    input_shape: int | Shape | Sequence[Shape],
    *,
    batch_size: int = 1,
    dtype: Any = None,
) -> Summary:
    """What the modules of `model` put out and weigh, found by one call of it in evaluation mode.

    `input_shape` is without the batch axis; a list of shapes is for a model of several inputs.
    `dtype` is theirs, or a list of one for each: int for a model that begins with an Embedding,
    else that of the parameters.  The model stays as it was.  What is not a module does not show,
    such as `np.tanh` in a `forward`; a module that is not called has no output.  An error of the
    model comes with the table up to the layer that failed.

    >>> import nn
    >>> nn.summary(nn.Sequential(nn.Dense(784, 64), nn.ReLU(), nn.Dense(64, 10)), (784,))
    layer    kind        output   memory  parameters    memory
    ──────────────────────────────────────────────────────────
    (model)  Sequential  (1, 10)       -           -         -
    0        Dense       (1, 64)   256 B      50,240   196 KiB
    1        ReLU        (1, 64)   256 B           -         -
    2        Dense       (1, 10)    40 B         650  2.54 KiB
    ──────────────────────────────────────────────────────────
    50,890 parameters in 199 KiB: 50,890 trainable, 0 frozen; outputs in 552 B
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary takes a Module first, not {type(model).__name__}")
    inputs = _inputs(model, input_shape, batch_size, dtype)
    rows = _rows(model)
    watch = _Watch(rows, inputs)
    parameters = list(model.parameters())
    trainable = sum(p.size for p in parameters if p.requires_grad)
    frozen = sum(p.size for p in parameters) - trainable
    try:
        with (
            _left_as_it_was(model),
            evaluating(model),
            no_grad(),
            np.errstate(all="ignore"),
            watched(model, watch),
        ):
            model(*inputs)
    except _KINDS as error:
        reached = [row for row in rows.values() if row.given is not None]
        table = Summary(reached, trainable, frozen, watch.failed)
        kind = next(kind for kind in _KINDS if isinstance(error, kind))
        raise kind(f"{error}\n\n{table}") from error
    return Summary(list(rows.values()), trainable, frozen)


def human(size: int) -> str:
    """A number of bytes with three significant digits, in the unit that reads best; 0 is "-".

    >>> human(0), human(1000), human(1536), human(300 * 2**20)
    ('-', '1000 B', '1.50 KiB', '300 MiB')
    """
    if size < 1024:
        return f"{size} B" if size else "-"
    units = ("KiB", "MiB", "GiB", "TiB")
    power = min((size.bit_length() - 1) // 10, len(units))
    number = size / 1024**power
    return f"{number:.{max(0, 3 - len(str(int(number))))}f} {units[power - 1]}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    left = [f"{cell:{width}}" for cell, width in zip(cells[:3], widths[:3], strict=True)]
    right = [f"{cell:>{width}}" for cell, width in zip(cells[3:], widths[3:], strict=True)]
    return "  ".join([*left, *right])


def _inputs(model: Module, shape: Any, batch_size: int, dtype: Any) -> list[np.ndarray]:
    """Ones, or zeros as indices, for every input."""
    if isinstance(shape, (int, np.integer)):
        shape = (shape,)
    several = bool(len(shape)) and all(isinstance(each, (tuple, list)) for each in shape)
    shapes = [(batch_size, *each) for each in (shape if several else [shape])]
    if not all(isinstance(n, (int, np.integer)) and n >= 0 for each in shapes for n in each):
        raise ValueError(
            "input_shape is a tuple of sizes without the batch axis, as (784,) or (1, 28, 28), or "
            f"a list of such tuples, not {shape!r}; batch_size is {batch_size!r}"
        )
    if not isinstance(dtype, (list, tuple)):
        dtype = [dtype] * len(shapes)
    if len(dtype) != len(shapes):
        raise ValueError(f"there are {len(dtype)} dtypes for {len(shapes)} input shapes")
    own = next((p.dtype for p in model.parameters()), get_default_dtype())
    dtypes = [np.dtype(own if each is None else each) for each in dtype]
    return [
        (np.ones if each.kind == "f" else np.zeros)(size, each)
        for size, each in zip(shapes, dtypes, strict=True)
    ]


def _rows(model: Module) -> dict[str, Row]:
    """A row for each module, by path."""
    rows: dict[str, Row] = {}
    seen: set[int] = set()
    for path, module in model.named_modules():
        own = [p for p in vars(module).values() if isinstance(p, Parameter) and id(p) not in seen]
        own = list({id(p): p for p in own}.values())
        seen.update(map(id, own))
        size, memory = sum(p.size for p in own), sum(p.data.nbytes for p in own)
        rows[path] = Row(path, type(module).__name__, size, memory)
    return rows


class _Watch:
    """Writes into the rows what the modules take and put out; for `watched`."""

    def __init__(self, rows: dict[str, Row], inputs: Sequence[np.ndarray]) -> None:
        self.rows = rows
        self.failed: Row | None = None
        self.known = {id(x): x for x in inputs}  # kept alive, so that no id comes twice

    def __call__(
        self, path: str, module: Module, forward: Any, *inputs: Any, **options: Any
    ) -> Any:
        row = self.rows[path]
        row.given = [x.shape for x in _arrays(inputs)]
        try:
            output = forward(*inputs, **options)
        except Exception:
            self.failed = self.failed or row
            raise
        arrays = list(_arrays(output))
        row.shapes, row.calls = [x.shape for x in arrays], row.calls + 1
        for array in arrays:
            whole = _whole(array)
            if id(whole) not in self.known:
                self.known[id(whole)] = whole
                row.output_bytes += array.nbytes
        return output


def _arrays(values: Any) -> Iterator[np.ndarray]:
    """The arrays in a Tensor, or in tuples, lists and dicts of them."""
    if isinstance(values, (Tensor, np.ndarray)):
        yield values.data if isinstance(values, Tensor) else values
    elif isinstance(values, (tuple, list)):
        for value in values:
            yield from _arrays(value)
    elif isinstance(values, dict):
        yield from _arrays(list(values.values()))


def _whole(array: np.ndarray) -> np.ndarray:
    """The array that this one is a view of."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


@contextmanager
def _left_as_it_was(model: Module) -> Iterator[None]:
    """Afterwards its buffers and the generator of nn are as before."""
    modules = [module for _, module in model.named_modules()]
    buffers = [(m, name, getattr(m, name)) for m in modules for name in m._buffers]
    values = [buffer.copy() for _, _, buffer in buffers]
    try:
        with unmoved():
            yield
    finally:
        for (module, name, buffer), value in zip(buffers, values, strict=True):
            buffer[...] = value
            setattr(module, name, buffer)
